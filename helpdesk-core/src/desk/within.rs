//! Commands inside a host's own database transaction.

use std::sync::Arc;

use super::{Desk, Inner, act, cache, live};
use crate::event::Cursor;
use crate::jobs::Faults;
use crate::store::Database;

impl Desk {
    /// The same desk inside a transaction of the host: `joined` is what its store made of the transaction.
    ///
    /// Commands and reads see what the transaction has done so far; nothing is visible outside before the host commits,
    /// and the feed waits for it. A command that was overtaken is not tried again: it answers
    /// [`ActError::Busy`](crate::ActError::Busy) and has changed nothing. Background work does not run here.
    #[must_use]
    pub fn within(&self, joined: impl Database) -> Self {
        let inner = Inner {
            store: Arc::new(joined),
            clock: self.inner.clock.clone(),
            // What the transaction has changed must not leak into the cache of the others.
            authorizer: self.inner.authorizer.clone(),
            policies: cache::Policies::default(),
            lanes: act::Lanes::default(),
            live: live::Tail::new(Cursor::START),
            subscribers: vec![],
            handlers: vec![],
            faults: Faults::default(),
            tries: 1,
        };
        Self { inner: Arc::new(inner) }
    }
}
