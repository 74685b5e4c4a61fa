//! A control group of this process's own, asked of systemd.
//!
//! On version 2 an ordinary user may only make groups below one that was delegated. A session's is
//! not; the user's own systemd gives one to whoever asks. The question goes through `busctl`, which
//! comes with systemd, as it would from `systemd-run --user --scope -p Delegate=yes`, but for a
//! process that runs already.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long systemd may take to move the process.
const MOVED: Duration = Duration::from_secs(3);

/// Asks for a scope with delegation and waits until this process is in it.
///
/// # Errors
/// There is no systemd of the user's, or it refuses; in words.
pub(super) fn ask_for_one() -> Result<(), String> {
    let before = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let pid = std::process::id().to_string();
    let unit = format!("libcmatrix-{pid}.scope");
    let output = Command::new("busctl")
        .args([
            "--user",
            "--quiet",
            "call",
            "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
        ])
        .args(["org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))"])
        .args([&unit, "fail", "2", "PIDs", "au", "1", &pid, "Delegate", "b", "true", "0"])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("busctl cannot be started: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let until = Instant::now() + MOVED;
    while fs::read_to_string("/proc/self/cgroup").unwrap_or_default() == before {
        if Instant::now() > until {
            return Err("systemd took the request, but did not move this process".to_owned());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
