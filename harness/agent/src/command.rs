//! A program made ready to be started: everything that can fail before `fork` fails here.

use std::{
    collections::BTreeMap,
    env,
    ffi::{CString, OsString},
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use crate::protocol::Program;

/// Arguments of `execve` and `chdir`, checked and owned.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) path: CString,
    pub(crate) argv: Vec<CString>,
    pub(crate) env: Vec<CString>,
    pub(crate) cwd: PathBuf,
}

impl Command {
    /// Takes the agent's own environment and puts the program's variables on top.
    pub(crate) fn new(program: &Program, extra_args: &[&str]) -> io::Result<Self> {
        let mut variables: BTreeMap<OsString, OsString> = env::vars_os().collect();
        variables.extend(program.env.iter().map(|(k, v)| (k.into(), v.into())));
        let name = program.argv.first().ok_or_else(|| invalid("no program is named"))?;
        let path = find(name, variables.get(&OsString::from("PATH")));
        let argv = program.argv.iter().map(String::as_str).chain(extra_args.iter().copied());
        Ok(Self {
            path: c_string(path.into_os_string())?,
            argv: argv.map(|a| c_string(a.into())).collect::<io::Result<_>>()?,
            env: variables
                .into_iter()
                .map(|(mut variable, value)| {
                    variable.push("=");
                    variable.push(value);
                    c_string(variable)
                })
                .collect::<io::Result<_>>()?,
            cwd: PathBuf::from(&program.cwd),
        })
    }
}

/// Looks a bare name up in `search`, as a shell does. What is not found is left for `execve` to refuse.
fn find(name: &str, search: Option<&OsString>) -> PathBuf {
    if name.contains('/') {
        return PathBuf::from(name);
    }
    search
        .into_iter()
        .flat_map(env::split_paths)
        .map(|dir| dir.join(name))
        .find(|candidate| is_executable(candidate))
        .unwrap_or_else(|| PathBuf::from(name))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

fn c_string(text: OsString) -> io::Result<CString> {
    CString::new(text.into_vec()).map_err(|e| {
        let text = OsString::from_vec(e.into_vec());
        invalid(&format!("a NUL byte in {:?}", String::from_utf8_lossy(text.as_bytes())))
    })
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
