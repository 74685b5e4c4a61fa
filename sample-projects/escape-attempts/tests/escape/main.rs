//! Attempts to get out, one test each, one module per theme. Each passes where it is refused; with
//! `ESCAPE_OUTSIDE` set, where it succeeds. They need what the trial `escape` lays out.

mod cgroups;
mod devices;
mod filter;
mod host_files;
mod keys;
mod limits;
mod machine;
mod mounts;
mod namespaces;
mod network;
mod privileges;
mod proc_and_sys;
mod processes;
