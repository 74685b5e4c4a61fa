//! The `libcmatrix` command. Inside an environment the same executable is the agent; that must be
//! decided first, before any thread exists.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(libcmatrix_agent::ARGUMENT) {
        return ExitCode::from(u8::try_from(libcmatrix_agent::serve()).unwrap_or(1));
    }
    ExitCode::from(libcmatrix::cli::main().code())
}
