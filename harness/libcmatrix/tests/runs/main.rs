//! Several runs: what changed between two, and what is kept of many.

mod command;
mod difference;
mod history;
mod made;
mod matrices;
mod trends;
mod writers;
