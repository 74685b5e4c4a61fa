//! What Ctrl-C does: the first stops the run and reports what there is, the second ends at once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::Engine,
    exit::Exit,
    failure::{Failure, Result},
};

/// Which run is going on, for whoever must end it at once.
#[derive(Clone, Default)]
pub struct CurrentRun(Arc<Mutex<String>>);

impl CurrentRun {
    /// The run of this id is the one.
    pub fn set(&self, run_id: &str) {
        run_id.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Begins to listen; the token is cancelled by the first SIGINT, SIGTERM or SIGHUP.
///
/// # Errors
/// Signals cannot be listened to.
pub fn listen(engine: Arc<dyn Engine>, current: CurrentRun) -> Result<CancellationToken> {
    let cancel = CancellationToken::new();
    let listen =
        |kind| signal(kind).map_err(|e| Failure::environment("signals cannot be heard").because(e));
    let mut signals = [
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
        listen(SignalKind::hangup())?,
    ];
    let token = cancel.clone();
    tokio::spawn(async move {
        any(&mut signals).await;
        token.cancel();
        anstream::eprintln!("stopping: the report of what there is follows (again to end at once)");
        any(&mut signals).await;
        // What cannot be removed in this time is swept by the next command.
        let run_id = current.get();
        let _ = tokio::time::timeout(Duration::from_secs(5), engine.remove_run(&run_id)).await;
        std::process::exit(Exit::Interrupted.code().into());
    });
    Ok(cancel)
}

async fn any(signals: &mut [Signal; 3]) {
    let [a, b, c] = signals;
    tokio::select! {
        _ = a.recv() => {}
        _ = b.recv() => {}
        _ = c.recv() => {}
    }
}
