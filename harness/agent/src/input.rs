//! The agent's standard input: jobs, one a line.

use std::{collections::VecDeque, os::fd::BorrowedFd};

/// Standard input, as lines.
#[derive(Default)]
pub(crate) struct Input {
    partial: Vec<u8>,
    lines: VecDeque<String>,
}

impl Input {
    /// The next job, if one is there.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        self.lines.pop_front()
    }

    /// Takes what is there. At the end of input nobody is left to hear us: the agent ends at once,
    /// and with it, as PID 1, everything it runs.
    pub(crate) fn read_or_exit(&mut self, stdin: BorrowedFd<'_>) {
        let mut buffer = vec![0; 1 << 16];
        match rustix::io::read(stdin, &mut buffer) {
            Ok(0) => std::process::exit(0),
            Ok(n) => {
                self.partial.extend_from_slice(&buffer[..n]);
                while let Some(end) = self.partial.iter().position(|b| *b == b'\n') {
                    let line: Vec<u8> = self.partial.drain(..=end).collect();
                    self.lines.push_back(String::from_utf8_lossy(&line).into_owned());
                }
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => std::process::exit(0),
        }
    }
}
