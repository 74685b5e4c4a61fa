//! The store as a whole, on archives made here.

mod archives;
mod images;
mod pulls;
mod server;
