//! Whose a container, volume or folder is, and whether that owner still lives.
//!
//! Takes a run's id, or an [`Owner`] that was written down; gives the owner, or compares it with the
//! processes of this machine.

use std::fs;

/// Whose a container or volume is. A process id alone does not tell: ids are used again, and a
/// remote engine serves several machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The run's id.
    pub run_id: String,
    /// Process id of the command.
    pub pid: u32,
    /// The start time of that process in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub pid_started: u64,
    /// The machine and its boot: what `pid` has meaning in.
    pub host: String,
}

/// The repository in which a run's own images are. That an image carries a run's label is not enough:
/// labels are inherited by what others make of it.
#[must_use]
pub fn image_repository(run_id: &str) -> String {
    format!("libcmatrix-run/{run_id}")
}

/// Whether a name is one of a run's own images. Podman puts a registry before it that there is not.
#[must_use]
pub fn is_image_of(run_id: &str, name: &str) -> bool {
    let name = ["localhost/", "docker.io/"]
        .into_iter()
        .find_map(|registry| name.strip_prefix(registry))
        .unwrap_or(name);
    name.strip_prefix(&image_repository(run_id)).is_some_and(|tag| tag.starts_with(':'))
}

/// This process as the owner of a run.
#[must_use]
pub fn current_owner(run_id: &str) -> Owner {
    let pid = std::process::id();
    let pid_started = process(pid).map_or(0, |process| process.started);
    Owner { run_id: run_id.to_owned(), pid, pid_started, host: host() }
}

/// Whether an owner still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alive {
    /// Its process is there.
    Yes,
    /// Its process has ended.
    No,
    /// It is not of this machine (or not of this process namespace), so it cannot be told here.
    Unknown,
}

/// Whether that owner still runs, as far as it can be told on this machine.
#[must_use]
pub fn alive(owner: &Owner) -> Alive {
    let started =
        process(owner.pid).filter(|process| !process.ended).map(|process| process.started);
    decide(owner, &host(), started)
}

/// The decision, without a look at the machine: `started` is the start time of the process that has
/// the owner's id on the machine `here`, if there is one.
fn decide(owner: &Owner, here: &str, started: Option<u64>) -> Alive {
    let there: Vec<&str> = owner.host.split('/').collect();
    let here: Vec<&str> = here.split('/').collect();
    let ([machine, boot, processes], [this_machine, this_boot, these_processes]) =
        (there.as_slice(), here.as_slice())
    else {
        return Alive::Unknown;
    };
    if machine != this_machine || machine.is_empty() {
        Alive::Unknown
    } else if boot != this_boot {
        Alive::No
    } else if processes != these_processes {
        // A process id means nothing in another namespace, e.g. of another CI container that uses
        // the same daemon.
        Alive::Unknown
    } else if started == Some(owner.pid_started) {
        Alive::Yes
    } else {
        Alive::No
    }
}

/// What a process id has meaning in: the machine, its boot, and the namespace of process ids.
fn host() -> String {
    let machine = ["/etc/machine-id", "/proc/sys/kernel/hostname"].into_iter().find_map(line);
    let boot = line("/proc/sys/kernel/random/boot_id");
    let processes = fs::read_link("/proc/self/ns/pid").ok().and_then(|link| {
        Some(link.to_str()?.trim_matches(|c: char| !c.is_ascii_digit()).to_owned())
    });
    let part = |part: Option<String>| part.unwrap_or_default().replace('/', "-");
    format!("{}/{}/{}", part(machine), part(boot), part(processes))
}

/// The first line of a file, if it has one.
fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.lines().next()?.trim().to_owned()).filter(|line| !line.is_empty())
}

#[derive(Debug, PartialEq, Eq)]
struct Process {
    /// Clock ticks from boot to its start.
    started: u64,
    /// It has ended; only its entry is left.
    ended: bool,
}

fn process(pid: u32) -> Option<Process> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `/proc/PID/stat`. The second field is the program's name in parentheses and may itself
/// hold spaces and parentheses, so the fields are counted from its end.
fn parse_stat(stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let started = fields.nth(22 - 4)?.parse().ok()?;
    Some(Process { started, ended: matches!(state, "Z" | "X" | "x") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn someone(host: &str) -> Owner {
        Owner { run_id: "r1".into(), pid: 7, pid_started: 99, host: host.into() }
    }

    #[test]
    fn this_process_lives() {
        let me = current_owner("r");
        assert!(me.pid_started > 0);
        assert_eq!(alive(&me), Alive::Yes);
        assert_eq!(alive(&Owner { pid_started: me.pid_started + 1, ..me.clone() }), Alive::No);
        // Above the kernel's highest process id.
        assert_eq!(alive(&Owner { pid: u32::MAX, ..me }), Alive::No);
    }

    #[test]
    fn who_is_alive() {
        let decide_here = |there: &str, started| decide(&someone(there), "m/boot/1", started);
        assert_eq!(decide_here("m/boot/1", Some(99)), Alive::Yes);
        assert_eq!(decide_here("m/boot/1", Some(98)), Alive::No, "the id was used again");
        assert_eq!(decide_here("m/boot/1", None), Alive::No);
        assert_eq!(decide_here("m/before/1", Some(99)), Alive::No, "the machine was restarted");
        assert_eq!(decide_here("m/boot/2", None), Alive::Unknown, "another process namespace");
        assert_eq!(decide_here("other/boot/1", None), Alive::Unknown);
        assert_eq!(decide_here("m", None), Alive::Unknown);
        assert_eq!(decide(&someone("/b/1"), "/b/1", None), Alive::Unknown, "no machine is named");
    }

    #[test]
    fn a_process_of_any_name() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        let stat = |name: &str| format!("12 ({name}) {fields}");
        let expected = Some(Process { started: 4242, ended: false });
        assert_eq!(parse_stat(&stat("cargo")), expected);
        assert_eq!(parse_stat(&stat("a) b (c) ")), expected);
        let dead = stat("x").replace(" S ", " Z ");
        assert!(parse_stat(&dead).is_some_and(|process| process.ended));
        assert_eq!(parse_stat("12 (x) S 1"), None);
        assert_eq!(parse_stat(""), None);
    }
}
