//! The `libcmatrix` command. Inside an environment the same executable is the agent, and around an
//! embedded sandbox it is the helper; that must be decided first, before any thread exists.

use std::process::ExitCode;

fn main() -> ExitCode {
    let served = match std::env::args().nth(1).as_deref() {
        Some(libcmatrix_agent::ARGUMENT) => Some(libcmatrix_agent::serve()),
        Some(libcmatrix_agent::BUILD_PROCESS_ARGUMENT) => {
            Some(libcmatrix_agent::run_build_process())
        }
        Some(libcmatrix_sandbox::ARGUMENT) => Some(libcmatrix_sandbox::serve()),
        _ => None,
    };
    if let Some(code) = served {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    ExitCode::from(libcmatrix::cli::main().code())
}
