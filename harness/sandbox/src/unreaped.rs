//! Processes that ended and that their parent does not wait for.
//!
//! Takes a process of this machine; gives its children of this kind, as `/proc` has them.

use serde::{Deserialize, Serialize};

/// More of them are not told of.
const MOST: usize = 32;

/// A process that ended and was not waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreaped {
    /// Its id.
    pub pid: i32,
    /// When it was started, in ticks of the kernel: with the id, no other process is like this.
    pub started: u64,
    /// Its name, which is its own choice.
    pub name: String,
}

/// The children of a process that have ended and were not waited for (proc_pid_stat(5)), the first few.
#[must_use]
pub fn unreaped(parent: i32) -> Vec<Unreaped> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let stats =
        processes.flatten().filter_map(|process| std::fs::read(process.path().join("stat")).ok());
    // A name is cut wherever its 15 bytes end.
    let texts = stats.map(|stat| String::from_utf8_lossy(&stat).into_owned());
    texts.filter_map(|text| read(&text, parent)).take(MOST).collect()
}

fn read(stat: &str, parent: i32) -> Option<Unreaped> {
    // The name may hold spaces and parentheses.
    let (before, after) = stat.rsplit_once(')')?;
    let (pid, name) = before.split_once(" (")?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // One whose first thread ended and that has others is still at work.
    let is_one = fields.first() == Some(&"Z")
        && fields.get(1)?.parse() == Ok(parent)
        && number(17).is_some_and(|threads| threads <= 1);
    is_one.then_some(())?;
    Some(Unreaped { pid: pid.parse().ok()?, started: number(19)?, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ones_own_dead_children() {
        let stat = |name: &str, state: &str, parent: u32, threads: u32| {
            format!("9 ({name}) {state} {parent} 9 9 0 -1 4 1 2 0 0 1 1 0 0 20 0 {threads} 0 777 0")
        };
        let one = Unreaped { pid: 9, started: 777, name: "a) b)".into() };
        assert_eq!(read(&stat("a) b)", "Z", 7, 1), 7), Some(one));
        assert_eq!(read(&stat("sh", "Z", 8, 1), 7), None);
        assert_eq!(read(&stat("sh", "S", 7, 1), 7), None);
        assert_eq!(read(&stat("sh", "Z", 7, 2), 7), None, "its other threads run");
    }

    #[test]
    fn a_child_is_seen_until_it_is_waited_for() {
        let me = i32::try_from(std::process::id()).expect("an id");
        let mut child = std::process::Command::new("true").spawn().expect("started");
        while unreaped(me).is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(u32::try_from(unreaped(me)[0].pid), Ok(child.id()));
        child.wait().expect("waited for");
        assert_eq!(unreaped(me), []);
    }
}
