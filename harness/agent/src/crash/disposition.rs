//! What a process does with a signal: die of it, or something else.

use rustix::process::Pid;

/// What becomes of a process that is given a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    /// The default, which for the signals of a crash is death.
    Default,
    Ignored,
    /// A handler of its own gets it.
    Caught,
}

/// Asks the kernel, for a signal that a thread is stopped for. Where the kernel sends a signal for a
/// fault and finds it blocked or ignored, it has reset it to the default by now.
pub(super) fn of(thread: Pid, signal: i32) -> Disposition {
    let path = format!("/proc/{}/status", thread.as_raw_nonzero());
    parse(&std::fs::read_to_string(path).unwrap_or_default(), signal)
}

fn parse(status: &str, signal: i32) -> Disposition {
    let bit = u32::try_from(signal - 1).ok().and_then(|n| 1_u64.checked_shl(n)).unwrap_or(0);
    let is_in = |field: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(field));
        line.and_then(|l| u64::from_str_radix(l.trim(), 16).ok()).is_some_and(|set| set & bit != 0)
    };
    if is_in("SigCgt:") {
        Disposition::Caught
    } else if is_in("SigIgn:") {
        Disposition::Ignored
    } else {
        Disposition::Default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_signals_are_read() {
        let status = "Name:\tx\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000440\n";
        assert_eq!(parse(status, libc::SIGSEGV), Disposition::Caught);
        assert_eq!(parse(status, libc::SIGPIPE), Disposition::Ignored);
        assert_eq!(parse(status, libc::SIGABRT), Disposition::Default);
        assert_eq!(parse("", libc::SIGABRT), Disposition::Default);
        assert_eq!(parse(status, 0), Disposition::Default);
    }
}
