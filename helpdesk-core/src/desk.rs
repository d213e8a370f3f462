//! The [`Desk`]: the only place where rules meet storage.
//!
//! It loads a scene, lets the pure engines decide, commits, and tries again when others were faster. It starts no task
//! that the host did not ask for: background work runs in [`Desk::workers`] or [`Desk::tick`].

mod act;
mod cache;
mod departures;
mod facts;
pub mod link;
pub mod live;
pub mod migrate;
mod order;
pub mod read;
mod within;

use std::sync::Arc;

pub use act::{Done, Set};
use departures::Departures;

use crate::feed::Subscriber;
use crate::jobs::{Faults, Handler};
use crate::role::{Authorizer, Everything};
use crate::store::Database;
use crate::time::{Clock, SystemClock};

/// A helpdesk over one database. Cheap to clone; clones are the same desk.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Database>,
    clock: Arc<dyn Clock>,
    policies: cache::Policies,
    lanes: act::Lanes,
    live: live::Tail,
    authorizer: Arc<dyn Authorizer>,
    subscribers: Vec<Arc<dyn Subscriber>>,
    handlers: Vec<Arc<dyn Handler>>,
    faults: Faults,
    /// How often a command that keeps being overtaken is decided again.
    tries: u32,
}

impl Desk {
    /// A desk over `store`, to be furnished.
    pub fn builder(store: impl Database) -> Builder {
        Self::over(Arc::new(store))
    }

    /// A desk over a store the host keeps a handle to, to be furnished: for joining its own transactions
    /// ([`Desk::within`]).
    pub fn over(store: Arc<dyn Database>) -> Builder {
        Builder {
            store,
            clock: Arc::new(SystemClock),
            authorizer: Arc::new(Everything),
            subscribers: vec![],
            handlers: vec![],
        }
    }

    /// The database underneath, for what a host's own tools need.
    pub fn store(&self) -> &Arc<dyn Database> {
        &self.inner.store
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    pub(crate) fn subscribers(&self) -> &[Arc<dyn Subscriber>] {
        &self.inner.subscribers
    }

    pub(crate) fn handlers(&self) -> &[Arc<dyn Handler>] {
        &self.inner.handlers
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Ends subscriptions and closes the database.
    pub async fn close(&self) {
        self.inner.live.close();
        self.inner.store.close().await;
    }
}

/// Furnishes a [`Desk`].
pub struct Builder {
    store: Arc<dyn Database>,
    clock: Arc<dyn Clock>,
    authorizer: Arc<dyn Authorizer>,
    subscribers: Vec<Arc<dyn Subscriber>>,
    handlers: Vec<Arc<dyn Handler>>,
}

impl Builder {
    /// With another clock: tests and simulations own time.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// With the host's own say about rights, which narrows them.
    #[must_use]
    pub fn authorizer(mut self, authorizer: impl Authorizer) -> Self {
        self.authorizer = Arc::new(authorizer);
        self
    }

    /// With a durable subscriber of the log, such as a plugin host.
    #[must_use]
    pub fn extend(mut self, subscriber: impl Subscriber) -> Self {
        self.subscribers.push(Arc::new(subscriber));
        self
    }

    /// With a handler of jobs.
    #[must_use]
    pub fn handle(mut self, handler: impl Handler) -> Self {
        self.handlers.push(Arc::new(handler));
        self
    }

    /// The desk. Fails when the database cannot be reached or its schema is not the one this binary needs.
    pub async fn build(self) -> Result<Desk, crate::ActError> {
        let head = self.store.head().await?;
        let departures: Arc<dyn Subscriber> = Arc::new(Departures);
        let inner = Inner {
            live: live::Tail::new(head),
            store: self.store,
            clock: self.clock,
            policies: cache::Policies::default(),
            authorizer: self.authorizer,
            lanes: act::Lanes::default(),
            subscribers: self.subscribers.into_iter().chain([departures]).collect(),
            handlers: self.handlers,
            faults: Faults::default(),
            tries: act::TRIES,
        };
        Ok(Desk { inner: Arc::new(inner) })
    }
}
