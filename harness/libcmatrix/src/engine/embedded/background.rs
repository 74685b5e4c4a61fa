//! What is done while the run goes on, so that nothing waits for it: folders of sandboxes that have
//! ended are removed, and a helper for the next is started.
//!
//! Takes such work; the end of the run waits for all of it, and finds and names what stayed.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinSet;

/// Work that was begun.
#[derive(Default)]
pub(super) struct Background(Mutex<JoinSet<()>>);

impl Background {
    /// Begins some.
    pub(super) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while begun.try_join_next().is_some() {}
        begun.spawn(work);
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

    use super::Background;

    #[tokio::test]
    async fn all_that_were_begun_have_ended() {
        let (background, ended) = (Background::default(), Arc::new(AtomicU32::new(0)));
        for _ in 0..20 {
            let ended = ended.clone();
            background.begin(async move {
                tokio::task::yield_now().await;
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        background.ended().await;
        assert_eq!(ended.load(Ordering::Relaxed), 20);
    }
}
