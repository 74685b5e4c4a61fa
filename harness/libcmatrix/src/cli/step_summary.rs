//! The summary of a step of GitHub Actions: what a run found, on the page of the workflow's run.
//!
//! The service names a file by `GITHUB_STEP_SUMMARY` and shows what a step has written there, up to one
//! MiB; of more it shows nothing
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>).

use std::{fs::File, io::Write, path::Path};

use libcmatrix_schema::RunRecord;

use crate::report::markdown;

/// The variable that names the file.
const VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// Adds what the run found, where the service asks for it. What cannot be written is told and changes
/// nothing else.
pub(super) fn add(record: &RunRecord) {
    let Some(path) = std::env::var_os(VARIABLE) else { return };
    let path = Path::new(&path);
    if path.is_file()
        && let Err(e) = append(path, record)
    {
        anstream::eprintln!("warning: the summary of the step cannot be written: {e}");
    }
}

fn append(path: &Path, record: &RunRecord) -> std::io::Result<()> {
    let mut file = File::options().append(true).open(path)?;
    // What others have written in the same step counts as well.
    let written = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let room = markdown::SUMMARY_BYTES.saturating_sub(written + 1);
    if room >= markdown::LEAST_BYTES {
        let text = markdown::render(record, room);
        file.write_all(format!("\n{text}").as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RunRecord {
        serde_json::from_str(include_str!("../../tests/records/thread-stack.json"))
            .expect("a record")
    }

    #[test]
    fn it_is_added_to_what_is_there() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "# before").expect("written");
        append(file.path(), &record()).expect("written");
        let text = std::fs::read_to_string(file.path()).expect("text");
        assert!(text.starts_with("# before\n## \u{274c} NO-GO"), "{text}");
    }

    #[test]
    fn where_there_is_no_room_nothing_is_added() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (before, grows) in
            [(markdown::SUMMARY_BYTES - 100, false), (markdown::SUMMARY_BYTES - 5_000, true)]
        {
            std::fs::write(file.path(), vec![b'x'; before]).expect("written");
            append(file.path(), &record()).expect("written");
            let after = file.path().metadata().expect("its size").len() as usize;
            assert!(after <= markdown::SUMMARY_BYTES);
            assert_eq!(after > before, grows, "{before}");
        }
    }
}
