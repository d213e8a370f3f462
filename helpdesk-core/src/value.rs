//! What changed, in words everyone shares: [`Field`], [`Value`], [`Change`].
//!
//! Events, conflicts, required fields of a workflow, filters and plugins all name fields this way.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

macro_rules! names {
    ($(#[$doc:meta])* $vis:vis enum $name:ident ($what:literal) { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every one of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::value::UnknownName;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s {
                    $($text => Ok(Self::$variant),)*
                    _ => Err($crate::value::UnknownName::new(s, $what, &[$($text),*])),
                }
            }
        }
    };
}
pub(crate) use names;

/// A name that is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a {what}; use one of {known}")]
pub struct UnknownName {
    given: String,
    what: &'static str,
    known: String,
}

impl UnknownName {
    pub(crate) fn new(given: &str, what: &'static str, known: &[&str]) -> Self {
        Self { given: given.chars().take(64).collect(), what, known: known.join(", ") }
    }
}

names! {
    /// A field of a ticket, by its stable name.
    pub enum Field ("field") {
        /// The one-line summary.
        Title = "title",
        /// The long text, Markdown.
        Description = "description",
        /// Incident, request, task …
        Type = "type",
        /// How soon it should be done.
        Priority = "priority",
        /// How soon the requester needs it.
        Urgency = "urgency",
        /// How much depends on it.
        Importance = "importance",
        /// Who may see the ticket.
        Visibility = "visibility",
        /// The owning group.
        Group = "group",
        /// The client's company it is for.
        Company = "company",
        /// The ticket above.
        Parent = "parent",
        /// Planned start.
        StartAt = "start_at",
        /// When it is due.
        DueAt = "due_at",
        /// Estimated work, minutes.
        Estimate = "estimate",
        /// The workflow state.
        State = "state",
        /// The people who work on it.
        Assignees = "assignees",
        /// The people it is for.
        Requester = "requester",
        /// The people who follow it.
        Watchers = "watchers",
        /// The explicit members of a restricted ticket.
        Members = "members",
        /// The people asked to approve.
        Approvers = "approvers",
        /// Who wrote it down.
        Reporter = "reporter",
        /// Its tags.
        Tags = "tags",
        /// Whether it is deleted.
        Deleted = "deleted",
    }
}

/// The value of a field before or after a change. JSON: the plain value; instants as `{"time": ms}`, erasable text as
/// `{"digest": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A name, id or other short text that is no personal data.
    Text(String),
    /// Several of them.
    Texts(Vec<String>),
    /// An instant.
    Time {
        /// Milliseconds since the epoch.
        time: Timestamp,
    },
    /// The salted digest of a text that lives, erasable, in a row of its own.
    Digest {
        /// Hexadecimal, see [`Salt::digest`](crate::id::Salt::digest).
        digest: String,
    },
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}
impl From<Option<Timestamp>> for Value {
    fn from(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Null, |time| Self::Time { time })
    }
}
impl Value {
    /// The text of `item`, or nothing.
    pub fn text<T: std::fmt::Display>(item: Option<T>) -> Self {
        item.map_or(Self::Null, |item| Self::Text(item.to_string()))
    }
}

/// One field before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which field.
    pub field: Field,
    /// Its value before the command.
    pub before: Value,
    /// Its value after.
    pub after: Value,
}

/// Absent, null and a value are three different things.
pub(crate) mod double {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(it: &Option<Option<T>>, s: S) -> Result<S::Ok, S::Error> {
        it.as_ref().and_then(Option::as_ref).serialize(s)
    }
    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(d).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_json() {
        let time = Value::Time { time: Timestamp::from_millis(5) };
        for value in [Value::Null, Value::Bool(true), Value::Int(3), "a".into(), Value::Texts(vec!["a".into()]), time] {
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value, "{json}");
        }
        assert!("colour".parse::<Field>().unwrap_err().to_string().contains("use one of title"));
    }
}
