//! A server that starts a worker and never waits for it, and that has no handler for SIGTERM. Where it is
//! the first process of a container, the worker stays in the process table after its end, and the
//! kernel ignores SIGTERM for it, so that `docker stop` takes ten seconds. It is the same on Debian and
//! on Alpine, and no test shows it; with `--images` the program is started as its users would.
//! An init (tini, `docker run --init`) mends both.

use std::{env, process::Command, thread};

fn main() {
    if env::args().nth(1).as_deref() == Some("--version") {
        println!("0.0.0");
        return;
    }
    let worker = Command::new("/bin/sh").args(["-c", "exit 0"]).spawn();
    loop {
        // Kept, and never waited for.
        let _ = &worker;
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn workers_start() {
        let mut worker = super::Command::new("/bin/sh").args(["-c", "exit 0"]).spawn().unwrap();
        assert!(worker.wait().unwrap().success());
    }
}
