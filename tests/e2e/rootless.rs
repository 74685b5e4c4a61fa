//! The embedded engine for ordinary users: one who has nobody but himself inside, and one with
//! subordinate users. The verdicts are those of root.
//!
//! Needs root, to become them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::command::{self, check, docker};

/// The images of the pair that can be made on any machine.
const IMAGES: [&str; 3] =
    ["libcmatrix/debian-builder:trixie", "libcmatrix/debian:trixie", "libcmatrix/alpine:3.23"];

/// Sample projects, and the exit code of each.
const SAMPLES: [(&str, i32); 3] = [("all-green", 0), ("thread-stack", 10), ("custom-harness", 0)];

/// A user whom no machine knows.
const NOBODY: u32 = 54_321;

/// A user who is made for a trial.
const NAME: &str = "libcmatrix-trial";

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rootless with one user", || {
            verdicts(&Ordinary::new(NOBODY)?, "rootless with one user")
        }),
        Trial::test("rootless with subordinate users", || {
            let user = Made::new()?;
            verdicts(&Ordinary::new(user.uid)?, "subordinate users")
        }),
    ]
}

/// A user with subordinate users; gone when dropped.
struct Made {
    uid: u32,
}

impl Made {
    fn new() -> Result<Self, Failed> {
        // One that was left by a killed trial is used.
        let _ = Command::new("useradd").args(["--no-create-home", NAME]).output()?;
        let id = Command::new("id").args(["-u", NAME]).output()?;
        let uid = String::from_utf8_lossy(&id.stdout).trim().parse();
        let uid = uid.map_err(|_| format!("the user {NAME} cannot be made (useradd, as root)"))?;
        Ok(Self { uid })
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = Command::new("userdel").arg(NAME).output();
    }
}

/// An ordinary user's corner of the machine.
struct Ordinary {
    uid: u32,
    folder: TempDir,
}

impl Ordinary {
    fn new(uid: u32) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("libcmatrix-rootless-")?;
        chown(folder.path(), Some(uid), Some(uid))?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        fs::copy(command::executable(), folder.path().join("libcmatrix"))?;
        let archive = folder.path().join("images.tar");
        docker(&[&["save", "--output", &archive.to_string_lossy()][..], &IMAGES].concat())?;
        chown(&archive, Some(uid), Some(uid))?;
        fs::create_dir(folder.path().join("toolchain"))?;
        Ok(Self { uid, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the command under test as that user. The compiler may lie where only root can look, so
    /// it is made to be seen in the user's folder, by this command alone.
    fn libcmatrix(&self, args: &[&str]) -> Result<Output, Failed> {
        let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output()?;
        let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
        let script = r#"mount --bind "$1" "$2/toolchain"; uid=$3; cd "$2"; shift 3
            exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all ./libcmatrix "$@""#;
        let folder = self.folder.path();
        let path = format!("{}/bin:/usr/bin:/bin", folder.join("toolchain").display());
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-ec", script, "sh", &sysroot]);
        command.arg(folder).arg(self.uid.to_string()).args(args);
        command.env_clear().env("HOME", folder).env("PATH", path).stdin(Stdio::null());
        // Where the machine's own certificates and mirrors are.
        for name in ["SSL_CERT_FILE", "CARGO_HTTP_CAINFO", "http_proxy", "https_proxy", "no_proxy"]
        {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        Ok(command.output()?)
    }
}

fn verdicts(user: &Ordinary, way: &str) -> Result<(), Failed> {
    let mut complaints = Vec::new();
    let mut expect = |args: &[&str], code: i32, words: &str| -> Result<(), Failed> {
        let output = user.libcmatrix(args)?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        let good = output.status.code() == Some(code) && stdout.contains(words);
        check(&mut complaints, good, || {
            let stderr = String::from_utf8_lossy(&output.stderr);
            format!(
                "{args:?}: {}, expected {code} and {words:?}\n{stdout}\n{stderr}",
                output.status
            )
        });
        Ok(())
    };
    expect(&["doctor", "--engine", "embedded"], 0, way)?;
    expect(&["images", "load", "--engine", "embedded", "images.tar"], 0, "libcmatrix/alpine:3.23")?;
    for (sample, code) in SAMPLES {
        copy(&command::root().join("sample-projects").join(sample), &user.path(sample), user.uid)?;
        let verdict = if code == 0 { "GO" } else { "NO-GO" };
        let args = ["run", sample, "--engine", "embedded", "--baseline", "debian-trixie-local"];
        expect(&[&args[..], &["--candidate", "alpine-3.23-local"]].concat(), code, verdict)?;
    }
    let runs = user.path(".local/share/libcmatrix/runs");
    let left = fs::read_dir(&runs)?.count();
    check(&mut complaints, left == 0, || format!("{left} runs are left in {}", runs.display()));
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

/// Copies a sample project for its new owner.
fn copy(from: &Path, to: &Path, uid: u32) -> Result<(), Failed> {
    if from.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()), uid)?;
        }
    } else {
        fs::copy(from, to)?;
    }
    Ok(chown(to, Some(uid), Some(uid))?)
}
