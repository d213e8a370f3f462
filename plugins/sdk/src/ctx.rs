//! What a plugin sees of one call: the event, the fields of its subject, and the host to ask.

use crate::{Change, Event, Failure, Field, Host, Invocation, Level, Value};

/// One call of a plugin.
pub struct Ctx<'a> {
    /// What happened.
    pub event: Event,
    /// The delivery: attempt, time, seed, mode.
    pub invocation: Invocation,
    input: Vec<Field>,
    host: &'a dyn Host,
}

impl<'a> Ctx<'a> {
    /// A call with these parts. Tests rather use [`FakeHost::run`](crate::testing::FakeHost::run).
    pub fn new(invocation: Invocation, event: Event, input: Vec<Field>, host: &'a dyn Host) -> Self {
        Self { event, invocation, input, host }
    }

    /// The id of the ticket that the event is about.
    ///
    /// # Errors
    /// [`Failure::Skip`] when it is about something else.
    pub fn ticket(&self) -> Result<&str, Failure> {
        match &self.event.subject {
            Some(s) if s.kind == "ticket" => Ok(&s.id),
            Some(s) => Err(Failure::Skip(format!("`{}` is about a {}, not a ticket", self.event.kind, s.kind))),
            None => Err(Failure::Skip(format!("`{}` is about no ticket", self.event.kind))),
        }
    }

    /// A field of the subject; [`Value::Null`] when it is empty or the manifest did not ask for it.
    #[must_use]
    pub fn field(&self, name: &str) -> &Value {
        self.input.iter().find(|f| f.name == name).map_or(&Value::Null, |f| &f.value)
    }

    /// A field's text; `None` when it is empty or no text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.field(name) {
            Value::Text(t) | Value::Decimal(t) if !t.is_empty() => Some(t),
            _ => None,
        }
    }

    /// A field's texts, such as `tags`; empty when it has none.
    #[must_use]
    pub fn texts(&self, name: &str) -> &[String] {
        match self.field(name) {
            Value::Texts(t) => t,
            _ => &[],
        }
    }

    /// What the event changed of a field, if it did.
    #[must_use]
    pub fn change(&self, name: &str) -> Option<&Change> {
        self.event.changes.iter().find(|c| c.name == name)
    }

    /// The time of the call in milliseconds since 1970 UTC. It stands still during the call.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.invocation.now
    }

    /// A random number, the same for every attempt of this delivery.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.invocation.seed
    }

    /// The configuration, a JSON document that satisfies the manifest's schema.
    #[must_use]
    pub fn config(&self) -> String {
        self.host.config()
    }

    /// The host, for questions.
    #[must_use]
    pub fn host(&self) -> &dyn Host {
        self.host
    }

    /// Writes a line to the run's log.
    pub fn log(&self, level: Level, message: &str) {
        self.host.log(level, message, "");
    }
}
