//! The command `libcmatrix`, called. Takes its arguments; gives what it printed.

use std::{
    env, io,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Names the program.
const VARIABLE: &str = "LIBCMATRIX_BIN";

/// Exit codes with which there is an answer: go, no-go, inconclusive.
const ANSWERS: [i32; 3] = [0, 10, 11];

/// Calls it; its progress goes to standard error as it comes.
///
/// # Errors
/// It is not there, or came to no answer; in words, with what to do.
pub(crate) fn call(arguments: &[String]) -> Result<String, String> {
    let named = env::var_os(VARIABLE).filter(|name| !name.is_empty());
    let program = named.map_or_else(|| PathBuf::from("libcmatrix"), PathBuf::from);
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().map_err(|e| cannot_start(&program.display().to_string(), &e))?;
    match output.status.code() {
        Some(code) if ANSWERS.contains(&code) => String::from_utf8(output.stdout)
            .map_err(|_| "what libcmatrix printed is not UTF-8".to_owned()),
        Some(code) => {
            Err(format!("libcmatrix came to no answer (exit code {code}); it says why above"))
        }
        None => {
            Err(format!("libcmatrix was ended ({}) before it came to an answer", output.status))
        }
    }
}

fn cannot_start(program: &str, error: &io::Error) -> String {
    format!(
        "`{program}` cannot be started: {error}\nhint: install it (cargo install libcmatrix), or name the \
         program with {VARIABLE}=PATH"
    )
}
