//! Folders of sandboxes that have ended, removed while the run goes on: what comes next does not wait
//! for the disk.
//!
//! Takes removals; the end of the run waits for all of them, and finds and names what stayed.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinSet;

/// Removals that were begun.
#[derive(Default)]
pub(super) struct Removals(Mutex<JoinSet<()>>);

impl Removals {
    /// Begins one.
    pub(super) fn begin(&self, removal: impl Future<Output = ()> + Send + 'static) {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while begun.try_join_next().is_some() {}
        begun.spawn(removal);
    }

    /// Waits until all that were begun have ended.
    pub(super) async fn ended(&self) {
        let mut begun = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        while begun.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::Removals;

    #[tokio::test]
    async fn all_that_were_begun_have_ended() {
        let (removals, ended) = (Removals::default(), Arc::new(AtomicU32::new(0)));
        for _ in 0..20 {
            let ended = ended.clone();
            removals.begin(async move {
                tokio::task::yield_now().await;
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        removals.ended().await;
        assert_eq!(ended.load(Ordering::Relaxed), 20);
    }
}
