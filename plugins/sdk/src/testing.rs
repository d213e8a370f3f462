//! A host for native tests: it answers from what the test put into it and keeps the log.
//! It checks no capabilities and no limits; `helpdesk-plugins` does.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::{
    Action, Actor, Change, Ctx, Entry, Event, Failure, Field, Host, HostError, Invocation, Level, Origin, Page, Plugin,
    Subject, Value,
};

/// An event for a test, with the fields of its subject. Start with [`event`].
#[derive(Debug, Clone)]
pub struct TestEvent {
    /// The event; change what the builder has no function for.
    pub event: Event,
    /// The delivery.
    pub invocation: Invocation,
    /// The fields of the subject.
    pub input: Vec<Field>,
}

/// An event of a kind, caused by a person, about nothing yet.
#[must_use]
pub fn event(kind: &str) -> TestEvent {
    TestEvent {
        event: Event {
            id: "event-1".into(),
            seq: 1,
            kind: kind.into(),
            schema: 1,
            occurred_at: 1_735_689_600_000,
            tenant: "tenant-1".into(),
            subject: None,
            actor: Actor { kind: "person".into(), id: Some("person-1".into()), on_behalf_of: None },
            origin: Origin { correlation: "event-1".into(), causation: None, depth: 0, via: vec![] },
            changes: vec![],
            data: "{}".into(),
        },
        invocation: Invocation {
            idempotency_key: "delivery-1".into(),
            attempt: 1,
            now: 1_735_689_600_000,
            seed: 1,
            mode: "after".into(),
            dry_run: false,
        },
        input: vec![],
    }
}

impl TestEvent {
    /// Makes the event about a ticket.
    #[must_use]
    pub fn ticket(mut self, id: &str) -> Self {
        self.event.subject = Some(Subject { kind: "ticket".into(), id: id.into(), version: 1 });
        self
    }

    /// Gives the subject a field.
    #[must_use]
    pub fn input(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.input.push(Field::new(name, value));
        self
    }

    /// Adds a change to the event.
    #[must_use]
    pub fn change(mut self, name: &str, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        self.event.changes.push(Change { name: name.into(), before: before.into(), after: after.into() });
        self
    }
}

/// A host that answers from memory.
#[derive(Debug, Default)]
pub struct FakeHost {
    /// The plugin's configuration; `{}` when empty.
    pub config: String,
    /// Entities by kind and id.
    pub entities: BTreeMap<(String, String), Vec<Field>>,
    /// Related entities by kind, id and relation.
    pub relations: BTreeMap<(String, String, String), Vec<String>>,
    /// Stored values.
    pub kv: BTreeMap<String, Entry>,
    /// Capabilities that are *not* granted.
    pub denied: Vec<String>,
    /// What the plugin logged.
    pub log: RefCell<Vec<(Level, String)>>,
}

impl FakeHost {
    /// A host that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a configuration (JSON).
    #[must_use]
    pub fn config(mut self, json: impl Into<String>) -> Self {
        self.config = json.into();
        self
    }

    /// With an entity.
    #[must_use]
    pub fn entity(mut self, kind: &str, id: &str, fields: Vec<Field>) -> Self {
        self.entities.insert((kind.into(), id.into()), fields);
        self
    }

    /// Calls the plugin with an event.
    ///
    /// # Errors
    /// Those of [`Plugin::handle`].
    pub fn run<P: Plugin>(&self, event: TestEvent) -> Result<Vec<Action>, Failure> {
        P::handle(&Ctx::new(event.invocation, event.event, event.input, self))
    }
}

impl Host for FakeHost {
    fn get(&self, kind: &str, id: &str, fields: &[&str]) -> Result<Option<Vec<Field>>, HostError> {
        let found = self.entities.get(&(kind.to_owned(), id.to_owned()));
        Ok(found.map(|all| all.iter().filter(|f| fields.contains(&f.name.as_str())).cloned().collect()))
    }

    fn related(
        &self,
        kind: &str,
        id: &str,
        relation: &str,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Page, HostError> {
        let key = (kind.to_owned(), id.to_owned(), relation.to_owned());
        let all = self.relations.get(&key).map_or(&[][..], Vec::as_slice);
        let rest: Vec<_> = all.iter().filter(|id| after.is_none_or(|a| id.as_str() > a)).cloned().collect();
        let items: Vec<_> = rest.iter().take(limit as usize).cloned().collect();
        let next = (rest.len() > items.len()).then(|| items.last().cloned()).flatten();
        Ok(Page { items, next })
    }

    fn search(&self, _: &str, _: &str, _: u32, _: Option<&str>) -> Result<Page, HostError> {
        Err(HostError { code: "unavailable".into(), message: "this host evaluates no filters".into() })
    }

    fn business_seconds(&self, _: &str, start_ms: u64, end_ms: u64) -> Result<u64, HostError> {
        Ok(end_ms.saturating_sub(start_ms) / 1000)
    }

    fn kv_get(&self, key: &str) -> Result<Option<Entry>, HostError> {
        Ok(self.kv.get(key).cloned())
    }

    fn kv_keys(&self, prefix: &str, limit: u32, after: Option<&str>) -> Result<Vec<String>, HostError> {
        let keys = self.kv.keys().filter(|k| k.starts_with(prefix) && after.is_none_or(|a| k.as_str() > a));
        Ok(keys.take(limit as usize).cloned().collect())
    }

    fn config(&self) -> String {
        if self.config.is_empty() { "{}".into() } else { self.config.clone() }
    }

    fn has_capability(&self, name: &str) -> bool {
        !self.denied.iter().any(|d| d == name)
    }

    fn log(&self, level: Level, message: &str, _: &str) {
        self.log.borrow_mut().push((level, message.to_owned()));
    }
}
