//! Processes that ended and that their parent does not wait for.
//!
//! Takes a process of this machine; gives names, as `/proc` has them.

/// Names of the children of a process that have ended and were not waited for (proc_pid_stat(5)). They
/// are the processes' own choice.
#[must_use]
pub fn unreaped(parent: i32) -> Vec<String> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let stats = processes
        .flatten()
        .filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    stats.filter_map(|stat| name_if_unreaped(&stat, parent).map(str::to_owned)).collect()
}

fn name_if_unreaped(stat: &str, parent: i32) -> Option<&str> {
    // The name may hold spaces and parentheses.
    let (before, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace();
    let is_one =
        fields.next() == Some("Z") && fields.next().and_then(|id| id.parse().ok()) == Some(parent);
    is_one.then(|| before.split_once('(').map_or("", |(_, name)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ones_own_dead_children() {
        assert_eq!(name_if_unreaped("9 (a) b)) Z 7 9", 7), Some("a) b)"));
        assert_eq!(name_if_unreaped("9 (sh) Z 8 9", 7), None);
        assert_eq!(name_if_unreaped("9 (sh) S 7 9", 7), None);
    }

    #[test]
    fn a_child_is_seen_until_it_is_waited_for() {
        let me = i32::try_from(std::process::id()).expect("an id");
        let mut child = std::process::Command::new("true").spawn().expect("started");
        while unreaped(me).is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.wait().expect("waited for");
        assert_eq!(unreaped(me), [""; 0]);
    }
}
