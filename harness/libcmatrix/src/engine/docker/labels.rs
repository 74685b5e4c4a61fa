//! The marks on containers and volumes that say whose they are.
//!
//! Takes an [`Owner`]; gives labels, and reads them back.

use std::collections::HashMap;

use crate::engine::Owner;

/// The run's id. What carries this label was made by this program.
pub(super) const RUN: &str = "org.libcmatrix.run";
const OWNER_PID: &str = "org.libcmatrix.owner-pid";
const OWNER_STARTED: &str = "org.libcmatrix.owner-started";
const OWNER_HOST: &str = "org.libcmatrix.owner-host";
const STARTED: &str = "org.libcmatrix.started";
const PURPOSE: &str = "org.libcmatrix.purpose";

/// The labels of something made for `owner` now.
pub(super) fn labels(owner: &Owner, purpose: &str) -> HashMap<String, String> {
    HashMap::from([
        (RUN.to_owned(), owner.run_id.clone()),
        (OWNER_PID.to_owned(), owner.pid.to_string()),
        (OWNER_STARTED.to_owned(), owner.pid_started.to_string()),
        (OWNER_HOST.to_owned(), owner.host.clone()),
        (STARTED.to_owned(), jiff::Timestamp::now().to_string()),
        (PURPOSE.to_owned(), purpose.to_owned()),
    ])
}

/// The owner that labels name; `None` if they are not ours, or not whole.
pub(super) fn owner(labels: &HashMap<String, String>) -> Option<Owner> {
    Some(Owner {
        run_id: labels.get(RUN)?.clone(),
        pid: labels.get(OWNER_PID)?.parse().ok()?,
        pid_started: labels.get(OWNER_STARTED)?.parse().ok()?,
        host: labels.get(OWNER_HOST)?.clone(),
    })
}

/// The name of what a run has for a purpose. `purpose` holds only characters of names.
pub(super) fn name(run_id: &str, purpose: &str) -> String {
    format!("libcmatrix-{}-{purpose}", in_a_name(run_id))
}

/// `text` with nothing in it that a daemon refuses in a name.
pub(super) fn in_a_name(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    text.chars().map(|c| if allowed(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::current_owner;

    #[test]
    fn labels_come_back() {
        let owner_now = current_owner("20260101-abc");
        let mut labels = labels(&owner_now, "baseline build");
        assert_eq!(owner(&labels), Some(owner_now));
        assert_eq!(labels[PURPOSE], "baseline build");
        assert!(labels[STARTED].parse::<jiff::Timestamp>().is_ok());
        labels.insert(OWNER_PID.into(), "many".into());
        assert_eq!(owner(&labels), None);
        labels.remove(OWNER_PID);
        assert_eq!(owner(&labels), None);
    }

    #[test]
    fn names_hold_what_a_daemon_takes() {
        assert_eq!(
            name("r:1", &in_a_name("candidate build/ä")),
            "libcmatrix-r-1-candidate-build--"
        );
    }
}
