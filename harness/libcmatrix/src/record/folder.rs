//! The folder of a run: `run.json`, `events.ndjson`, `logs/`, reports, and the link `latest` beside it.

use std::{
    fs::{self, File},
    io::Write,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use libcmatrix_schema::{EventLine, RunRecord, SCHEMA_VERSION, StepName};

use crate::{
    failure::{Failure, Result},
    folders::RUNS,
};

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder `out/run_id` and points `out/latest` to it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(out: &Path, run_id: &str) -> Result<Self> {
        let path = out.join(run_id);
        fs::create_dir_all(path.join("logs")).map_err(|e| cannot_write(&path, e))?;
        // Backup and search tools, and libcmatrix itself when it copies a project, leave such folders out
        // (https://bford.info/cachedir/).
        let tag = format!("Signature: 8a477f597d28d172789f06886806bc55\n{RUNS}\n");
        fs::write(out.join("CACHEDIR.TAG"), tag).map_err(|e| cannot_write(out, e))?;
        let link = out.join(format!(".latest-{run_id}"));
        // A reader of `latest` finds the old or the new run, never nothing. A file system without links does without.
        let _ = std::os::unix::fs::symlink(run_id, &link)
            .and_then(|()| fs::rename(&link, out.join("latest")));
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the event stream for writing.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn events(&self) -> Result<File> {
        let path = self.path.join("events.ndjson");
        File::create(&path).map_err(|e| cannot_write(&path, e))
    }

    /// Writes `run.json`, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_record(&self, record: &RunRecord) -> Result<()> {
        let text = serde_json::to_vec_pretty(record)
            .map_err(|e| Failure::bug("the record cannot be serialised").because(e))?;
        self.write("run.json", &text)
    }

    /// Writes a file of the folder, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            file.write_all(content)?;
            // Like any other file of the run; temporary files are made for their owner only.
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            file.as_file().set_permissions(mode)?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|e| cannot_write(&path, e))
    }

    /// A large file that is needed for a while. It has no name, so nothing of it is left whatever
    /// happens to this process.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn scratch_file(&self) -> Result<ScratchFile> {
        let file = tempfile::tempfile_in(&self.path).map_err(|e| cannot_write(&self.path, e))?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
        Ok(ScratchFile { file, path })
    }

    /// The log of a step: its name in the record, and the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn log(&self, leg: &str, step: StepName) -> Result<(String, File)> {
        let name = format!("logs/{leg}-{step}.log");
        let path = self.path.join(&name);
        let file = File::options().create(true).append(true).open(&path);
        Ok((name, file.map_err(|e| cannot_write(&path, e))?))
    }
}

/// A file without a name. It goes when it is dropped.
#[derive(Debug)]
pub struct ScratchFile {
    file: File,
    path: PathBuf,
}

impl ScratchFile {
    /// Where this process finds it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the processes that this one starts find it, as long as this one lives: for them `/proc/self` is
    /// another.
    #[must_use]
    pub fn path_for_children(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }
}

/// Reads the record of a run from its folder: `run.json`, or where the run was killed before it
/// was written, what `events.ndjson` holds. The path of a `run.json` itself does as well.
///
/// # Errors
/// Neither is there, neither can be understood, or a newer libcmatrix wrote it.
pub fn read_record(run: &Path) -> Result<RunRecord> {
    let unreadable = |path: &Path, e: &dyn std::fmt::Display| {
        Failure::usage(format!("{} cannot be read", path.display()))
            .because(e)
            .hint("give the folder of a run, e.g. libcmatrix-out/latest")
    };
    let is_file = run.is_file();
    let path = if is_file { run.to_owned() } else { run.join("run.json") };
    let events = || read_events(&run.join("events.ndjson"), unreadable);
    let record: RunRecord = match fs::read(&path) {
        Ok(text) => {
            understood(&text, &path)?;
            serde_json::from_slice(&text).map_err(|e| unreadable(&path, &e))?
        }
        Err(e) if is_file => return Err(unreadable(&path, &e)),
        Err(_) => return events(),
    };
    // Written at milestones; a run that was killed has events after the last of them.
    if record.finished_at.is_none() && !is_file {
        return events().or(Ok(record));
    }
    Ok(record)
}

/// Whether a record is of a version that this libcmatrix knows. Its other keys need not make sense.
fn understood(text: &[u8], path: &Path) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema_version: u32,
    }
    match serde_json::from_slice::<Version>(text) {
        Ok(Version { schema_version }) if schema_version > SCHEMA_VERSION => Err(Failure::usage(
            format!("{} cannot be understood", path.display()),
        )
        .because(format!(
            "a newer libcmatrix wrote it: version {schema_version} of the record, where this one \
                     knows {SCHEMA_VERSION}"
        ))
        .hint("read it with that libcmatrix, or a newer one")),
        _ => Ok(()),
    }
}

fn read_events(
    path: &Path,
    unreadable: impl Fn(&Path, &dyn std::fmt::Display) -> Failure,
) -> Result<RunRecord> {
    let text = fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
    // A killed run may have left half a line at the end.
    let lines = text.lines().map_while(|l| serde_json::from_str::<EventLine>(l).ok());
    RunRecord::from_events(lines)
        .ok_or_else(|| unreadable(path, &"it does not begin with the start of a run"))
}

fn cannot_write(path: &Path, cause: impl std::fmt::Display) -> Failure {
    Failure::environment(format!("{} cannot be written", path.display()))
        .because(cause)
        .hint("free some disk space, or choose another place with --out")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Scanners are processes of their own.
    #[test]
    fn children_find_a_file_without_a_name() {
        let out = tempfile::tempdir().expect("a folder");
        let folder = RunFolder::create(out.path(), "r").expect("a folder");
        let file = folder.scratch_file().expect("a file");
        fs::write(file.path(), "what is in it").expect("written");
        let read = Command::new("cat").arg(file.path_for_children()).output().expect("cat");
        assert_eq!(String::from_utf8_lossy(&read.stdout), "what is in it");
    }
}
