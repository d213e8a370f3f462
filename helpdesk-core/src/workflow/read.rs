//! Reading a definition as people write it, in TOML or JSON, and telling where in their text each fault stands.
//!
//! What a fault is, [`check`](super::check) says; this gives it a line and a column.

mod places;

use super::check::{Malformed, Place, Problem};
use super::model::Definition;
use places::Places;
use serde::de::DeserializeOwned;

/// How a definition is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON (RFC 8259). A member `$schema` at the top, for editors, is passed over.
    Json,
    /// TOML (1.1).
    Toml,
}

/// The member editors go by.
const SCHEMA: &str = "$schema";

impl Definition {
    /// The JSON Schema (2020-12) of definitions, for editors: `"$schema"` in JSON, a comment `#:schema` in TOML. It
    /// tells names, types and bounds; what only the whole can tell (unknown states, dead ends) it cannot.
    pub const SCHEMA: &'static str = include_str!("../../workflow.schema.json");

    /// Reads a definition and checks it: every fault has its pointer, line and column.
    pub fn read(text: &str, format: Format) -> Result<Self, Malformed> {
        let definition = match format {
            Format::Json => Self::from_json(text)?,
            Format::Toml => Self::from_toml(text)?,
        };
        match definition.check() {
            Ok(()) => Ok(definition),
            Err(malformed) => Err(malformed.located_in(text, format)),
        }
    }

    /// Reads TOML and checks it, see [`read`](Self::read).
    pub fn read_toml(text: &str) -> Result<Self, Malformed> {
        Self::read(text, Format::Toml)
    }

    /// Reads JSON and checks it, see [`read`](Self::read).
    pub fn read_json(text: &str) -> Result<Self, Malformed> {
        Self::read(text, Format::Json)
    }

    /// Reads TOML without checking what it means.
    pub fn from_toml(text: &str) -> Result<Self, Malformed> {
        toml(text)
    }

    /// Reads JSON without checking what it means.
    pub fn from_json(text: &str) -> Result<Self, Malformed> {
        json(text)
    }
}

/// What a text in TOML says; faults of writing with their places.
pub(crate) fn toml<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    toml::from_str(text).map_err(|first| {
        let (places, errors) = Places::of_toml(text);
        // Faults of writing all at once; of names and types the first.
        let errors = if errors.is_empty() { vec![first] } else { errors };
        let problem = |error: &toml::de::Error| {
            let offset = error.span().map_or(0, |span| span.start);
            let (at, _) = places.around(offset);
            Problem { at, place: Some(Place::of(text, offset)), message: one_line(error.message()) }
        };
        Malformed(errors.iter().map(problem).collect())
    })
}

/// What a text in JSON says; faults of writing with their places.
pub(crate) fn json<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    let read = |text: &str| serde_json::from_str(text);
    let without = text.contains(SCHEMA).then(|| places::without_member(text, SCHEMA)).flatten();
    without.as_deref().map_or_else(|| read(text), read).map_err(|error| {
        let before = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
        let offset = before + error.column().saturating_sub(1);
        let (at, start) = Places::of_json(text).around(offset);
        // Where writing goes wrong counts to the letter; else the value that is wrong.
        let place = Place::of(text, if error.is_data() { start } else { offset });
        let message = error.to_string();
        // The place is told apart.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        Malformed(vec![Problem { at, place: Some(place), message: one_line(message) }])
    })
}

impl Malformed {
    /// With the line and column of every fault in the text that was read, by its pointer. What does not stand in the
    /// text gets the place of what would hold it.
    pub fn located_in(mut self, text: &str, format: Format) -> Self {
        let places = match format {
            Format::Json => Places::of_json(text),
            Format::Toml => Places::of_toml(text).0,
        };
        let starts = places.starts();
        for problem in &mut self.0 {
            problem.place = problem.place.or_else(|| Some(Place::of(text, starts.of(&problem.at))));
        }
        self
    }
}

impl Place {
    fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Self { line: number(line), column: number(column) }
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(all(test, feature = "testing"))]
mod schema;
#[cfg(test)]
mod tests;
