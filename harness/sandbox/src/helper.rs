//! The helper's life: one request, its answers, the end.

use crate::{
    control::Control,
    failed::{Doing, Failed},
    network::Ahead,
    program,
    request::{Answer, Request},
    run, trees,
};

/// The argument by which the `libcmatrix` executable knows that it is to be the helper. The run's
/// id follows, for those who look at the processes of a machine.
pub const ARGUMENT: &str = "__sandbox";

/// Serves the request on standard input; gives the exit code.
///
/// Must be called before the process has a second thread.
#[must_use]
pub fn serve() -> i32 {
    let control = match Control::open() {
        Ok(control) => control,
        Err(_) => return 1,
    };
    match answer(&control) {
        Ok(()) => 0,
        Err(failed) => {
            control.answer(&Answer::from(failed));
            1
        }
    }
}

fn answer(control: &Control) -> Result<(), Failed> {
    // Whatever the caller had open without saying so is not for anyone here.
    program::close_everything().doing("closing descriptors (Linux 5.12 or newer is needed)")?;
    // Whoever asks only later has a sandbox in mind.
    let network = if control.is_silent()? { Ahead::make() } else { None };
    let (request, passed) = control.receive()?;
    match request {
        Request::Run(run) => run::run(control, *run, passed, network),
        Request::Unpack { users, .. }
        | Request::Pack { users, .. }
        | Request::Remove { users, .. } => trees::serve(control, users, &request, passed),
    }
}
