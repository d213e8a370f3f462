//! The people an incident log names.
//!
//! An anonymised log numbers the people of each column on their own: caller 62 and the 62 who opened a case are two
//! people. So a person is a number *and* the part in which it stands. Who resolves and who is assigned share one
//! numbering.

use std::fmt;

/// The part in which a log names somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Has the trouble (`caller_id`).
    Caller,
    /// Wrote the incident down (`opened_by`).
    Opener,
    /// Made a change (`sys_updated_by`).
    Editor,
    /// Works on it (`assigned_to`, `resolved_by`).
    Resolver,
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Opener => "opener",
            Self::Editor => "editor",
            Self::Resolver => "resolver",
        }
    }
}

/// A person as the log knows them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person {
    pub part: Part,
    /// The log's own id, as written.
    pub id: String,
}

impl Person {
    /// The id under which a host would register them: `caller/3763`.
    pub fn external_id(&self) -> String {
        format!("{}/{}", self.part.word(), self.id)
    }

    /// A name for people to read: `Caller 3763`.
    pub fn name(&self) -> String {
        self.to_string()
    }

    /// Whether this is somebody of the desk rather than somebody who needs it.
    pub fn is_staff(&self) -> bool {
        self.part != Part::Caller
    }
}

impl fmt::Display for Person {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.part {
            Part::Caller => "Caller",
            Part::Opener => "Opener",
            Part::Editor => "Editor",
            Part::Resolver => "Resolver",
        };
        write!(out, "{word} {}", self.id)
    }
}
