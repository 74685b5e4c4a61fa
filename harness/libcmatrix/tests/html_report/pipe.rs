//! Messages to and from a program over its standard input and output, each ended by a zero byte. Nobody waits
//! for one forever.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// How long a program that is to end may take for it.
const ENDING: Duration = Duration::from_secs(10);

/// A running program. It ends with this value.
pub struct Pipe {
    child: Child,
    /// Closed at the end.
    to: Option<ChildStdin>,
    from: Receiver<Vec<u8>>,
    last_words: &'static str,
}

impl Pipe {
    /// Starts it. `last_words` ask it to end.
    pub fn start(command: &mut Command, last_words: &'static str) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let to = child.stdin.take();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, from) = channel();
        // It ends with the program, or when nobody listens any more.
        thread::spawn(move || {
            let mut message = Vec::new();
            while out.read_until(0, &mut message).is_ok() && message.pop() == Some(0) {
                if sender.send(std::mem::take(&mut message)).is_err() {
                    break;
                }
            }
        });
        Self { child, to, from, last_words }
    }

    /// Sends a message; false where the program is gone.
    pub fn send(&mut self, message: &str) -> bool {
        let Some(to) = &mut self.to else { return false };
        write!(to, "{message}\0").and_then(|()| to.flush()).is_ok()
    }

    /// The next message, or why there is none.
    pub fn read(&mut self, limit: Duration) -> Result<Vec<u8>, String> {
        self.from.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("it said nothing for {} s", limit.as_secs_f32()),
            RecvTimeoutError::Disconnected => "it does not run".into(),
        })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // A program that is asked to end takes its own processes with it, if it still listens.
        let is_asked = self.send(self.last_words);
        self.to = None;
        while is_asked && self.from.recv_timeout(ENDING).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_program_that_says_nothing_is_not_waited_for() {
    let mut silent = Pipe::start(Command::new("sh").args(["-c", "cat >/dev/null; true"]), "");
    assert!(silent.send("are you there?"));
    assert_eq!(silent.read(Duration::from_millis(20)).unwrap_err(), "it said nothing for 0.02 s");
    let mut gone = Pipe::start(&mut Command::new("true"), "");
    assert_eq!(gone.read(Duration::from_secs(600)).unwrap_err(), "it does not run");
    let mut echo = Pipe::start(&mut Command::new("cat"), "");
    assert!(echo.send("yes"));
    assert_eq!(echo.read(Duration::from_secs(600)).unwrap(), b"yes");
}
