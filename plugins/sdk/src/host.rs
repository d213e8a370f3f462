//! The questions a plugin may ask. Inside a component the desk answers; in tests [`FakeHost`](crate::testing::FakeHost).

use crate::raw::helpdesk::plugin::{env, kv, log, query};
use crate::{Entry, Field, HostError, Level, Page};

/// What a plugin may ask its host; every answer is as of one moment per call.
///
/// The functions answer `denied` for what the manifest did not ask for or an administrator did not grant.
#[allow(clippy::missing_errors_doc, reason = "one reason for all, above")]
pub trait Host {
    /// Fields of an entity; `None` when there is none that this plugin may see.
    fn get(&self, kind: &str, id: &str, fields: &[&str]) -> Result<Option<Vec<Field>>, HostError>;
    /// Ids of entities in a relation to this one.
    fn related(&self, kind: &str, id: &str, relation: &str, limit: u32, after: Option<&str>)
    -> Result<Page, HostError>;
    /// Ids of entities that a filter (in its JSON form) selects.
    fn search(&self, kind: &str, filter: &str, limit: u32, after: Option<&str>) -> Result<Page, HostError>;
    /// Seconds of business time in [start, end), both in milliseconds since 1970 UTC.
    fn business_seconds(&self, calendar: &str, start_ms: u64, end_ms: u64) -> Result<u64, HostError>;
    /// A stored value.
    fn kv_get(&self, key: &str) -> Result<Option<Entry>, HostError>;
    /// Stored keys with a prefix, in order; `after` is exclusive.
    fn kv_keys(&self, prefix: &str, limit: u32, after: Option<&str>) -> Result<Vec<String>, HostError>;
    /// The plugin's configuration, a JSON document.
    fn config(&self) -> String;
    /// Whether a capability such as `write:priority` was granted.
    fn has_capability(&self, name: &str) -> bool;
    /// Writes to the run's log; `fields` is a JSON object or empty.
    fn log(&self, level: Level, message: &str, fields: &str);
}

/// The desk, reached through the component's imports.
pub(crate) struct Desk;

impl Host for Desk {
    fn get(&self, kind: &str, id: &str, fields: &[&str]) -> Result<Option<Vec<Field>>, HostError> {
        let fields: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
        query::get(kind, id, &fields)
    }
    fn related(
        &self,
        kind: &str,
        id: &str,
        relation: &str,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Page, HostError> {
        query::related(kind, id, relation, limit, after)
    }
    fn search(&self, kind: &str, filter: &str, limit: u32, after: Option<&str>) -> Result<Page, HostError> {
        query::search(kind, filter, limit, after)
    }
    fn business_seconds(&self, calendar: &str, start_ms: u64, end_ms: u64) -> Result<u64, HostError> {
        query::business_seconds(calendar, start_ms, end_ms)
    }
    fn kv_get(&self, key: &str) -> Result<Option<Entry>, HostError> {
        kv::get(key)
    }
    fn kv_keys(&self, prefix: &str, limit: u32, after: Option<&str>) -> Result<Vec<String>, HostError> {
        kv::keys(prefix, limit, after)
    }
    fn config(&self) -> String {
        env::config()
    }
    fn has_capability(&self, name: &str) -> bool {
        env::has_capability(name)
    }
    fn log(&self, level: Level, message: &str, fields: &str) {
        log::write(level, message, fields);
    }
}
