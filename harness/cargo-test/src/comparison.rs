//! The comparison: made, kept for the processes of nextest, looked up. Takes where it comes from; gives what
//! is told of each trial.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{
    mode::Mode,
    program,
    trials::{self, Told},
};

/// Format of `libcmatrix run` and `libcmatrix report`.
const FORMAT: [&str; 2] = ["--format", "trials"];

/// Cargo and nextest set it for tests.
const PACKAGE: &str = "CARGO_PKG_NAME";

/// The trials.
///
/// # Errors
/// There is no comparison; in words, with what to do.
pub(crate) fn of(mode: Mode, options: &[&str]) -> Result<Vec<Told>, String> {
    match mode {
        Mode::Inside | Mode::None => Ok(Vec::new()),
        Mode::Record(path) => {
            let path = path.to_str().ok_or("LIBCMATRIX_RECORD is not UTF-8")?;
            trials::read(&program::call(&arguments(&["report", path], &[]))?)
        }
        Mode::Kept => {
            let kept = Folder::of_this_test()?.kept();
            let text = fs::read_to_string(&kept).map_err(|e| {
                format!(
                    "no comparison is kept in {}: {e}\nhint: it is made when nextest lists the tests",
                    kept.display()
                )
            })?;
            trials::read(&text)
        }
        Mode::Run => run(options),
    }
}

fn run(options: &[&str]) -> Result<Vec<Told>, String> {
    let folder = Folder::of_this_test()?;
    let out = folder.0.to_str().ok_or("the target folder's name is not UTF-8")?;
    // Cargo and nextest start tests in the package's folder.
    let text = program::call(&arguments(&["run", ".", "--out", out], options))?;
    let trials = trials::read(&text)?;
    let kept = folder.kept();
    keep(&kept, &text).map_err(|e| format!("{} cannot be written: {e}", kept.display()))?;
    eprintln!("reports: {}", folder.0.join("latest").display());
    Ok(trials)
}

fn arguments(command: &[&str], options: &[&str]) -> Vec<String> {
    [command, &FORMAT, options].concat().into_iter().map(str::to_owned).collect()
}

/// Whole or not at all: processes may read it at any time.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

/// Folder of this test's runs.
struct Folder(PathBuf);

impl Folder {
    fn of_this_test() -> Result<Self, String> {
        let program =
            env::current_exe().map_err(|e| format!("this program's file is not known: {e}"))?;
        Ok(Self::of(&program, &env::var(PACKAGE).unwrap_or_default()))
    }

    /// `target/libcmatrix/package/alpine` of `target/debug/deps/alpine-0123456789abcdef`; below the program's own
    /// folder where cargo did not put it. Tests of two packages may have one name.
    fn of(program: &Path, package: &str) -> Self {
        let folder = program.parent().unwrap_or(Path::new(""));
        let target =
            if folder.ends_with("deps") { folder.parent().and_then(Path::parent) } else { None };
        let name = program.file_stem().unwrap_or_default().to_string_lossy();
        let name = match name.rsplit_once('-') {
            Some((name, hash)) if is_hash(hash) => name,
            _ => &name,
        };
        Self(target.unwrap_or(folder).join("libcmatrix").join(package).join(name))
    }

    fn kept(&self) -> PathBuf {
        self.0.join("trials.ndjson")
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_lie_in_the_target_folder() {
        for (program, folder) in [
            ("/p/target/debug/deps/alpine-0123456789abcdef", "/p/target/libcmatrix/p/alpine"),
            ("/p/target/debug/deps/on-alpine-0123456789abcdef", "/p/target/libcmatrix/p/on-alpine"),
            (
                "/t/x86_64-unknown-linux-gnu/release/deps/on-alpine",
                "/t/x86_64-unknown-linux-gnu/libcmatrix/p/on-alpine",
            ),
            ("/elsewhere/alpine", "/elsewhere/libcmatrix/p/alpine"),
        ] {
            assert_eq!(Folder::of(Path::new(program), "p").0, Path::new(folder));
        }
    }

    #[test]
    fn what_is_kept_is_replaced_whole() {
        let folder = env::temp_dir().join(format!("libcmatrix-test-kept-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let kept = Folder(folder.clone()).kept();
        for text in ["first", "second, longer"] {
            keep(&kept, text).unwrap();
            assert_eq!(fs::read_to_string(&kept).unwrap(), text);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
