//! The questions of a plugin, answered by the caller: a trait object per call, bound to what the plugin's principal may
//! see. Counts and capabilities are checked before a question gets here, except those that a filter needs: only who answers
//! can read it.

use std::time::Instant;

use crate::capability::Denied;
use crate::event::Field;

/// Answers a plugin's questions, all as of one moment.
///
/// Called from the thread that runs the guest, which may block. `until` is when the whole call ends: an answer that
/// comes later is thrown away, and one that never comes keeps a slot of the pool, so stop by then.
#[allow(clippy::missing_errors_doc, reason = "one reason for all: see `ReadError`")]
pub trait Reads: Send + Sync + 'static {
    /// Fields of an entity; `None` when there is none that may be seen.
    fn get(&self, kind: &str, id: &str, fields: &[String], until: Instant) -> Result<Option<Vec<Field>>, ReadError>;
    /// Ids in a relation to an entity.
    fn related(
        &self,
        kind: &str,
        id: &str,
        relation: &str,
        limit: u32,
        after: Option<&str>,
        until: Instant,
    ) -> Result<Page, ReadError>;
    /// Ids that a filter in its JSON form selects.
    fn search(
        &self,
        kind: &str,
        filter: &str,
        limit: u32,
        after: Option<&str>,
        until: Instant,
    ) -> Result<Page, ReadError>;
    /// Seconds of business time in [start, end), in milliseconds since 1970 UTC.
    fn business_seconds(&self, calendar: &str, start: u64, end: u64, until: Instant) -> Result<u64, ReadError>;
    /// A stored value, without the writes of this call.
    fn kv_get(&self, key: &str, until: Instant) -> Result<Option<KvEntry>, ReadError>;
    /// Stored keys with a prefix in order of their bytes, without the writes of this call; `after` is exclusive.
    fn kv_keys(&self, prefix: &str, limit: u32, after: Option<&str>, until: Instant) -> Result<Vec<String>, ReadError>;
}

/// Ids, and where the next page starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The ids.
    pub items: Vec<String>,
    /// Given back as `after`.
    pub next: Option<String>,
}

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvEntry {
    /// The bytes.
    pub value: Vec<u8>,
    /// Grows with every write.
    pub version: u64,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The plugin asked something that makes no sense; it is told.
    #[error("{0}")]
    Invalid(String),
    /// The question asks about what was not granted; the plugin is told.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// This host cannot answer such questions; the plugin is told.
    #[error("{0}")]
    Unsupported(String),
    /// The host is at fault: the call ends, and it is not held against the plugin.
    #[error("{0}")]
    Fault(String),
}

/// Knows nothing: for plugins without read capabilities, and for checking configurations.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoReads;

impl Reads for NoReads {
    fn get(&self, _: &str, _: &str, _: &[String], _: Instant) -> Result<Option<Vec<Field>>, ReadError> {
        Ok(None)
    }
    fn related(&self, _: &str, _: &str, _: &str, _: u32, _: Option<&str>, _: Instant) -> Result<Page, ReadError> {
        Ok(Page::default())
    }
    fn search(&self, _: &str, _: &str, _: u32, _: Option<&str>, _: Instant) -> Result<Page, ReadError> {
        Ok(Page::default())
    }
    fn business_seconds(&self, _: &str, _: u64, _: u64, _: Instant) -> Result<u64, ReadError> {
        Err(ReadError::Unsupported("there are no calendars here".into()))
    }
    fn kv_get(&self, _: &str, _: Instant) -> Result<Option<KvEntry>, ReadError> {
        Ok(None)
    }
    fn kv_keys(&self, _: &str, _: u32, _: Option<&str>, _: Instant) -> Result<Vec<String>, ReadError> {
        Ok(Vec::new())
    }
}
