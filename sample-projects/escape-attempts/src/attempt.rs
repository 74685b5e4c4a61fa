//! One attempt: tried in a process of its own, and judged.
//!
//! Takes a function that tries it; gives a passed test, or a panic that says what went wrong. It
//! prints one line that begins with `refused`, `succeeded` or `not provable here`.

use std::{
    env, io,
    io::{Read, Write},
    panic::{catch_unwind, AssertUnwindSafe},
};

/// What an attempt came to: an error of the system, or one of [`refused`], is a refusal. What it
/// needs for itself is not part of it: where that fails, it panics.
pub type Outcome = io::Result<()>;

/// A refusal that no system call says: there was nothing to be found.
pub fn refused(why: impl Into<String>) -> io::Error {
    io::Error::other(why.into())
}

/// An error by which the kernel grants the permission and then finds that there is nothing to do.
pub fn granted(result: io::Result<i64>, by: &[i32]) -> Outcome {
    match result {
        Err(e) if e.raw_os_error().is_some_and(|e| by.contains(&e)) => Ok(()),
        other => other.map(drop),
    }
}

/// How an attempt has to end.
pub struct Attempt {
    refused_by: &'static [i32],
    absent_by: &'static [i32],
    killed_by: &'static [i32],
    not_asked_of: &'static [&'static str],
}

/// How it ended.
enum Ended {
    Succeeded,
    Refused(Option<i32>, String),
    Killed(i32),
    Broken(String),
}

impl Attempt {
    /// Only these errors are a refusal; another one would mean that the attempt is wrong.
    /// `ENOSYS` always is one: filters say it of calls that they do not know.
    pub const fn refused_by(errors: &'static [i32]) -> Self {
        Self { refused_by: errors, absent_by: &[], killed_by: &[], not_asked_of: &[] }
    }

    /// Errors by which a kernel that lacks the whole feature gives itself away, beside `ENOSYS`.
    pub const fn absent_by(self, errors: &'static [i32]) -> Self {
        Self { absent_by: errors, ..self }
    }

    /// Signals by which a limit ends the attempt.
    pub const fn killed_by(self, signals: &'static [i32]) -> Self {
        Self { killed_by: signals, ..self }
    }

    /// Engines that are known to let it through, at least in some of their versions.
    pub const fn not_asked_of(self, engines: &'static [&'static str]) -> Self {
        Self { not_asked_of: engines, ..self }
    }

    /// Tries it and judges what came of it.
    pub fn judge(self, act: impl FnOnce() -> Outcome) {
        let ended = in_a_child(act);
        if let Ended::Broken(why) = &ended {
            panic!("the attempt could not be made: {why}");
        }
        if env::var_os("ESCAPE_OUTSIDE").is_some() {
            return self.judge_outside(ended);
        }
        let engine = env::var("ESCAPE_ENGINE").unwrap_or_default();
        if self.not_asked_of.contains(&engine.as_str()) {
            return println!("not asked of {engine}: {}", said(&ended));
        }
        let is_refusal = match &ended {
            Ended::Refused(None, _) => true,
            Ended::Refused(Some(e), _) => {
                *e == libc::ENOSYS || self.refused_by.contains(e) || self.absent_by.contains(e)
            }
            // How a filter ends a process that calls what it must not.
            Ended::Killed(signal) => *signal == libc::SIGSYS || self.killed_by.contains(signal),
            Ended::Succeeded | Ended::Broken(_) => false,
        };
        assert!(is_refusal, "not refused, or not for the right reason: {}", said(&ended));
        println!("{}", said(&ended));
    }

    fn judge_outside(&self, ended: Ended) {
        match &ended {
            Ended::Succeeded => println!("{}", said(&ended)),
            Ended::Refused(Some(e), why) if *e == libc::ENOSYS || self.absent_by.contains(e) => {
                println!("not provable here: {why}")
            }
            _ => panic!("it fails outside, too: {}", said(&ended)),
        }
    }
}

fn said(ended: &Ended) -> String {
    match ended {
        Ended::Succeeded => "succeeded".into(),
        Ended::Refused(_, why) => format!("refused: {why}"),
        Ended::Killed(signal) => format!("refused: killed by signal {signal}"),
        Ended::Broken(why) => why.clone(),
    }
}

/// A fork has one thread, which some calls demand, and what is done to it is gone with it.
fn in_a_child(act: impl FnOnce() -> Outcome) -> Ended {
    let (mut reader, mut writer) = io::pipe().expect("a pipe");
    // SAFETY: the other threads of the process only wait; the child allocates, which both C
    // libraries allow after a fork, prints nothing unless it panics, and ends by `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "no process for the attempt: {}", io::Error::last_os_error());
    if child == 0 {
        drop(reader);
        let text = match catch_unwind(AssertUnwindSafe(act)) {
            Ok(Ok(())) => "succeeded\n".to_owned(),
            Ok(Err(e)) => format!("refused\n{}\n{e}", e.raw_os_error().unwrap_or(0)),
            Err(panic) => format!("broken\n{}", text_of(panic.as_ref())),
        };
        let sent = writer.write_all(text.as_bytes());
        // SAFETY: ends the process without running what belongs to the one it was forked from.
        unsafe { libc::_exit(i32::from(sent.is_err())) }
    }
    drop(writer);
    let mut text = String::new();
    let read = reader.read_to_string(&mut text);
    let mut status = 0;
    // SAFETY: waits for the child made above; `status` lives through the call.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    read.expect("what the attempt says");
    if libc::WIFSIGNALED(status) {
        return Ended::Killed(libc::WTERMSIG(status));
    }
    match text.split_once('\n') {
        Some(("succeeded", _)) => Ended::Succeeded,
        Some(("refused", rest)) => {
            let (errno, why) = rest.split_once('\n').unwrap_or(("", rest));
            Ended::Refused(errno.parse().ok().filter(|e| *e != 0), why.to_owned())
        }
        _ => Ended::Broken(text.trim_start_matches("broken\n").to_owned()),
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned())).unwrap_or_default()
}
