//! What goes into a plugin: the event, the delivery it belongs to, and fields with their values.
//! The crate's own words, independent of the version of the contract that a guest speaks.

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Empty.
    Null,
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Int(i64),
    /// Decimal digits, such as `-12.50`.
    Decimal(String),
    /// Text, the name of an option, or the id of an entity.
    Text(String),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Time(u64),
    /// A list of texts.
    Texts(Vec<String>),
    /// A JSON document.
    Json(String),
}

impl Value {
    /// Bytes this value weighs against limits.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Null | Self::Boolean(_) => 1,
            Self::Int(_) | Self::Time(_) => 8,
            Self::Decimal(t) | Self::Text(t) | Self::Json(t) => t.len(),
            Self::Texts(all) => all.iter().map(|t| t.len() + 1).sum(),
        }
    }
}

/// A named value.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// Its value.
    pub value: Value,
}

impl Field {
    /// A field with its value.
    pub fn new(name: impl Into<String>, value: Value) -> Self {
        Self { name: name.into(), value }
    }

    pub(crate) fn weight(&self) -> usize {
        self.name.len() + self.value.weight()
    }
}

/// What an event changed of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The field's name.
    pub name: String,
    /// Its value before the event.
    pub before: Value,
    /// Its value after the event.
    pub after: Value,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// `ticket`, `person`, `project`, …
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its version after the event.
    pub version: u64,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `person`, `service`, `plugin` or `system`.
    pub kind: String,
    /// The actor's id; the system has none.
    pub id: Option<String>,
    /// The person in whose name a proxy acted.
    pub on_behalf_of: Option<String>,
}

/// Why it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The root event of the chain.
    pub correlation: String,
    /// The event that caused this one.
    pub causation: Option<String>,
    /// 0 for an act of a person, one more for each consequence.
    pub depth: u8,
    /// The rules and plugins along the chain, oldest first.
    pub via: Vec<String>,
}

/// One event of a tenant's log, as plugins see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Position in the tenant's log.
    pub seq: u64,
    /// Such as `ticket.created`.
    pub kind: String,
    /// The number of the published schema of `data` for this kind.
    pub schema: u32,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub occurred_at: u64,
    /// The tenant's id.
    pub tenant: String,
    /// What it is about.
    pub subject: Option<Subject>,
    /// Who did it.
    pub actor: Actor,
    /// Why it happened.
    pub origin: Origin,
    /// What it changed.
    pub changes: Vec<Change>,
    /// A JSON object.
    pub data: String,
}

impl Event {
    pub(crate) fn weight(&self) -> usize {
        let changes = self.changes.iter().map(|c| c.name.len() + c.before.weight() + c.after.weight());
        self.data.len()
            + self.kind.len()
            + changes.sum::<usize>()
            + self.origin.via.iter().map(String::len).sum::<usize>()
    }
}

/// When a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// From the log, once the event is committed.
    After,
    /// Inside the command, which it may veto.
    Before,
    /// At a time, without an event of the desk.
    Schedule,
}

impl Mode {
    /// The name in manifests and in the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Before => "before",
            Self::Schedule => "schedule",
        }
    }
}

/// The delivery that a call belongs to, with the only time and randomness the plugin gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Equal for every attempt of one delivery.
    pub idempotency_key: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub now: u64,
    /// The same for every attempt.
    pub seed: u64,
    /// When the plugin runs.
    pub mode: Mode,
    /// Nothing will be applied.
    pub dry_run: bool,
}
