//! What every operation of one store shares: names, texts, counters and bells. No connection.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;

use super::link::{Hot, Trips};
use crate::store::sql::names::{Dialect, Names};
use crate::store::sql::reads::Reads;

/// The shared part of a store.
#[derive(Debug)]
pub(super) struct Core {
    /// How tables are named.
    pub(super) names: Names,
    /// The statements that read.
    pub(super) reads: Reads,
    /// The schema's name, as it is.
    pub(super) schema: String,
    /// Whether the schema was found to be the one this binary needs.
    pub(super) fits: AtomicBool,
    /// Whether statements are prepared.
    pub(super) prepared: bool,
    /// Round trips so far; preparing is not counted.
    pub(super) trips: Trips,
    /// Filter texts worth preparing.
    pub(super) hot: Hot,
    /// Texts made once.
    texts: RwLock<HashMap<(usize, usize, u16), Arc<str>>>,
    /// Texts of commits, by shape: those that [are hot](Self::hot_shapes).
    pub(super) shapes: RwLock<HashMap<super::shape::Shape, Arc<str>>>,
    /// Texts of commits worth keeping and preparing.
    pub(super) hot_shapes: Hot,
    /// The bell of this process.
    pub(super) bell: Arc<Notify>,
    /// Wakes the notifier, if there is one.
    pub(super) outward: Arc<Notify>,
}

impl Core {
    pub(super) fn new(schema: Option<String>, prepared: bool) -> Self {
        let schema = schema.unwrap_or_else(|| "public".into());
        let names = Names { dialect: Dialect::Postgres, schema: Some(schema.clone()) };
        Self {
            reads: Reads::new(&names),
            names,
            schema,
            fits: AtomicBool::new(false),
            prepared,
            trips: Trips::new(0),
            hot: Hot::new(),
            texts: RwLock::default(),
            shapes: RwLock::default(),
            hot_shapes: Hot::new(),
            bell: Arc::default(),
            outward: Arc::default(),
        }
    }

    /// `template` with `{s}` replaced by the schema, made once.
    pub(super) fn sql(&self, template: &'static str) -> Arc<str> {
        self.text(template, || self.fill(template))
    }

    /// The text known as `name` (by address: give a constant), made once.
    pub(super) fn text(&self, name: &'static str, make: impl FnOnce() -> String) -> Arc<str> {
        self.text_for(name, 0, make)
    }

    /// The text known as `name`, for one of several limits.
    pub(super) fn text_for(&self, name: &'static str, limit: u16, make: impl FnOnce() -> String) -> Arc<str> {
        let key = (name.as_ptr() as usize, name.len(), limit);
        if let Some(text) = self.texts.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(text);
        }
        let text: Arc<str> = make().into();
        self.texts.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&text));
        text
    }

    /// `template` with `{s}` replaced by the schema.
    pub(super) fn fill(&self, template: &str) -> String {
        template.replace("{s}", &self.names.text(""))
    }

    /// The upper 16 bits of the log's advisory locks: 15 of them from the schema's name (FNV-1a), so that two desks in
    /// one database rarely wait for each other. A collision only delays readers.
    pub(super) fn magic(&self) -> i64 {
        let hash = self.schema.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
        i64::from((hash ^ (hash >> 15)) & 0x3fff | 0x4000)
    }

    /// Something was committed that others may wait for.
    pub(super) fn ring(&self) {
        self.bell.notify_waiters();
        self.outward.notify_one();
    }
}
