//! The command.
fn main() { if std::env::args().nth(1).as_deref() == Some(libcmatrix_agent::ARGUMENT) { std::process::exit(libcmatrix_agent::serve()); } }
