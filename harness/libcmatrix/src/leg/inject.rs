//! The agent, made ready to be put into any environment.
//!
//! It is this very executable. It goes in with its ELF interpreter and its libraries, and is
//! started through that interpreter, so that the environment's own C library has no part in it; a
//! static executable goes in alone.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use object::{
    LittleEndian,
    elf::{FileHeader64, PT_INTERP},
    read::elf::{Dyn, FileHeader, ProgramHeader},
};

use super::{archive, layout};
use crate::{
    engine::{Engine, Owner, Volume},
    failure::{Failure, Result},
};

/// The agent in its volume.
#[derive(Clone, Debug)]
pub struct InjectedAgent {
    /// Where it is.
    pub volume: Volume,
    /// How it is started inside.
    pub argv: Vec<String>,
}

/// Puts the agent into a volume of the run. `image` is any image that the engine has.
///
/// # Errors
/// This executable cannot be read, or the volume cannot be written.
pub async fn inject(engine: &dyn Engine, owner: &Owner, image: &str) -> Result<InjectedAgent> {
    let executable = std::env::current_exe()
        .map_err(|e| Failure::environment("this executable cannot be found").because(e))?;
    let parts = Parts::of(&executable).map_err(|e| {
        Failure::environment(format!("{} cannot be put into an environment", executable.display()))
            .because(e)
    })?;
    let argv = parts.argv(&[libcmatrix_agent::ARGUMENT]);
    let wrappers = parts.wrappers();
    let volume = engine.create_volume(owner, "agent").await?;
    let (tar, task) = archive::stream(move |tar| {
        let owner = archive::Ownership::default();
        for (name, path) in &parts.files {
            archive::file_entry(tar, Path::new(name), &fs::read(path)?, 0o755, owner)?;
        }
        for (name, text) in wrappers {
            archive::file_entry(tar, Path::new(&name), text.as_bytes(), 0o755, owner)?;
        }
        Ok(())
    });
    let unpacked = engine.write_volume(owner, &volume, image, tar).await;
    archive::sent("the agent", task, unpacked).await?;
    Ok(InjectedAgent { volume, argv })
}

/// The files the agent consists of.
struct Parts {
    /// Name inside, file here.
    files: BTreeMap<String, PathBuf>,
    has_interpreter: bool,
}

const EXECUTABLE: &str = "libcmatrix";
const INTERPRETER: &str = "interpreter";
const LIBRARIES: &str = "lib";

impl Parts {
    fn of(executable: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::from([(EXECUTABLE.to_owned(), executable.to_owned())]);
        let elf = Elf::read(executable)?;
        let Some(interpreter) = elf.interpreter else {
            return Ok(Self { files, has_interpreter: false });
        };
        files.insert(INTERPRETER.into(), interpreter);
        let folders = library_folders()?;
        let mut pending = elf.needed;
        while let Some(name) = pending.pop() {
            let inside = format!("{LIBRARIES}/{name}");
            if files.contains_key(&inside) {
                continue;
            }
            let path =
                folders.iter().map(|f| f.join(&name)).find(|p| p.is_file()).ok_or_else(|| {
                    io::Error::new(
                        io::ErrorKind::NotFound,
                        format!("its library {name} is not found"),
                    )
                })?;
            pending.extend(Elf::read(&path)?.needed);
            files.insert(inside, path);
        }
        Ok(Self { files, has_interpreter: true })
    }

    /// Scripts by which this executable stands before processes of a build: they are started by a path.
    fn wrappers(&self) -> Vec<(String, String)> {
        let measured: [(&str, &[&str]); 2] = [
            (
                layout::COMPILER_WRAPPER,
                &[
                    libcmatrix_agent::COMPILER,
                    layout::BUILD_PROCESSES,
                    layout::BUILD_SCRIPT_WRAPPER,
                ],
            ),
            (
                layout::BUILD_SCRIPT_WRAPPER,
                &[libcmatrix_agent::BUILD_SCRIPT, layout::BUILD_PROCESSES],
            ),
        ];
        let script = |(path, words): (&str, &[&str])| {
            let words = [&[libcmatrix_agent::BUILD_PROCESS_ARGUMENT], words].concat();
            let text = format!("#!/bin/sh\nexec {} \"$@\"\n", self.argv(&words).join(" "));
            (path.trim_start_matches(layout::AGENT).trim_start_matches('/').to_owned(), text)
        };
        measured.map(script).into()
    }

    fn argv(&self, words: &[&str]) -> Vec<String> {
        let inside = |name: &str| format!("{}/{name}", layout::AGENT);
        let mut argv = Vec::new();
        if self.has_interpreter {
            argv.extend([inside(INTERPRETER), "--library-path".into(), inside(LIBRARIES)]);
        }
        argv.push(inside(EXECUTABLE));
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        argv
    }
}

/// The folders that this process's own libraries came from: the loader has found them already.
fn library_folders() -> io::Result<Vec<PathBuf>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let mut folders: Vec<PathBuf> = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .filter(|path| path.starts_with('/') && path.contains(".so"))
        .filter_map(|path| Path::new(path).parent().map(Path::to_owned))
        .collect();
    folders.sort();
    folders.dedup();
    Ok(folders)
}

/// What the loader needs to know of a file.
struct Elf {
    interpreter: Option<PathBuf>,
    needed: Vec<String>,
}

impl Elf {
    fn read(path: &Path) -> io::Result<Self> {
        let data = fs::read(path)?;
        Self::parse(&data).map_err(|e| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}: {e}", path.display()))
        })
    }

    fn parse(data: &[u8]) -> object::Result<Self> {
        let header = FileHeader64::<LittleEndian>::parse(data)?;
        let endian = header.endian()?;
        let text = |bytes: &[u8]| {
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        };
        let mut interpreter = None;
        for segment in header.program_headers(endian, data)? {
            if segment.p_type(endian) == PT_INTERP {
                let bytes = segment.data(endian, data).unwrap_or_default();
                interpreter = Some(PathBuf::from(text(bytes)));
            }
        }
        let mut needed = Vec::new();
        let sections = header.sections(endian, data)?;
        if let Some((entries, strings)) = sections.dynamic(endian, data)? {
            let strings = sections.strings(endian, data, strings)?;
            for entry in entries {
                if entry.tag32(endian) == Some(object::elf::DT_NEEDED) {
                    needed.push(text(entry.string(endian, strings)?));
                }
            }
        }
        Ok(Self { interpreter, needed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_test_binary_comes_with_all_it_needs() {
        let parts = Parts::of(&std::env::current_exe().unwrap()).unwrap();
        assert!(parts.files.values().all(|p| p.is_file()));
        if parts.has_interpreter {
            assert!(parts.files.keys().any(|k| k.starts_with("lib/libc.")), "{:?}", parts.files);
            assert_eq!(parts.argv(&[])[1], "--library-path");
        }
    }
}
