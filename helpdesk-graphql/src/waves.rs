//! Reads in waves: fields are resolved until all of them wait for a read, then all these reads run together, then the
//! fields go on. What a document costs depends on its levels, not on how many things it finds nor on timing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use async_graphql::runtime::Timer;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::task::{FutureObj, Spawn, SpawnError};
use tokio::sync::oneshot;

/// Reads that wait for the next wave.
#[derive(Clone, Default)]
pub(crate) struct Waves(Arc<Mutex<Vec<FutureObj<'static, ()>>>>);

impl Waves {
    /// Runs `read` in the next wave; `None` when the execution is over.
    pub(crate) async fn read<T: Send + 'static>(&self, read: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.push(Box::pin(async move { drop(answer.send(read.await)) }));
        answered.await.ok()
    }

    /// Runs `fields`, and the reads they wait for.
    ///
    /// While a wave runs, `fields` do not: a field that waits for the desk beside the waves could hold the connection the
    /// wave waits for, for good. Commands may, since nothing else runs while they do.
    pub(crate) async fn run<T>(&self, fields: impl Future<Output = T>) -> T {
        // Unconstrained: a field that was put off would miss its wave.
        let mut fields = pin!(tokio::task::unconstrained(fields));
        let mut wave = FuturesUnordered::new();
        poll_fn(|cx| {
            loop {
                while std::task::ready!(wave.poll_next_unpin(cx)).is_some() {}
                if let Poll::Ready(out) = fields.as_mut().poll(cx) {
                    return Poll::Ready(out);
                }
                wave.extend(std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)));
                if wave.is_empty() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    fn push(&self, read: BoxFuture<'static, ()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(read.into());
    }
}

/// Loaders put their batches into the next wave.
impl Spawn for Waves {
    fn spawn_obj(&self, read: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(read);
        Ok(())
    }
}

/// Loaders need not wait: a batch is taken when its wave begins.
pub(crate) struct AtOnce;

impl Timer for AtOnce {
    fn delay(&self, _: std::time::Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
