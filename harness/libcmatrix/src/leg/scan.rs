//! Vulnerability scanners over an image that was made, where they are installed on this machine. They run
//! outside of any sandbox, as their user set them up, with the image's archive as their only input: they may
//! fetch their databases. A scanner that fails is a note, and changes nothing else.
//!
//! Takes an archive as `docker save` makes it; gives counts.

use std::{
    io,
    process::{Output, Stdio},
    time::Duration,
};

use libcmatrix_schema::VulnerabilityCounts;
use tokio::{process::Command, time::timeout};

use super::{Context, session::interrupted, step::RunningStep};
use crate::{failure::Result, final_image::Scanner, record::ScratchFile};

/// For one scanner and one image: the first time it may fetch its database.
const MOST_TIME: Duration = Duration::from_secs(600);

/// Asks every scanner that is installed.
///
/// # Errors
/// The user wants to stop.
pub(super) async fn scan(
    context: &Context,
    step: &mut RunningStep<'_>,
    archive: &ScratchFile,
) -> Result<Vec<VulnerabilityCounts>> {
    let mut all = Vec::new();
    for scanner in Scanner::ALL {
        let name = scanner.name();
        let mut command = Command::new(name);
        command
            .args(scanner.arguments(&archive.path_for_children()))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = match command.spawn() {
            Ok(running) => running,
            // It is not installed, or not for us.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                continue;
            }
            Err(e) => {
                failed(context, name, &e.to_string());
                continue;
            }
        };
        step.progress(0, None, name);
        let ended = tokio::select! {
            ended = timeout(MOST_TIME, running.wait_with_output()) => ended,
            () = context.cancel.cancelled() => return Err(interrupted()),
        };
        match ended {
            Ok(Ok(output)) => match counts(scanner, &output) {
                Ok(counts) => all.push(counts),
                Err(why) => failed(context, name, &why),
            },
            Ok(Err(e)) => failed(context, name, &e.to_string()),
            Err(_) => failed(context, name, "it ran into its time limit of ten minutes"),
        }
    }
    Ok(all)
}

fn counts(scanner: Scanner, output: &Output) -> std::result::Result<VulnerabilityCounts, String> {
    let said = || {
        let text = String::from_utf8_lossy(&output.stderr);
        text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing").to_owned()
    };
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, said()));
    }
    scanner.read(&output.stdout).map_err(|e| format!("its answer is not understood: {e}"))
}

fn failed(context: &Context, scanner: &str, why: &str) {
    let text = format!("{scanner} is installed and did not count vulnerabilities: {why}");
    context.recorder.note("scanner-failed", text);
}
