//! Finding every fault in a definition before it is published. Where it stands in a text, [`read`](super::read) tells.

mod rules;

pub(crate) use rules::strangers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::model::{Definition, From, Workflow, WorkflowRef};
use crate::id::hex;

/// A place in a text, both from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

/// One fault, with the place it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer (RFC 6901) into the definition; empty for the definition as a whole.
    pub at: String,
    /// Where in the text it was read from, when there was one.
    pub place: Option<Place>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at: at.into(), place: None, message: message.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.place, self.at.as_str()) {
            (Some(place), "") => write!(f, "{place}: {}", self.message),
            (Some(place), at) => write!(f, "{at} ({place}): {}", self.message),
            (None, at) => write!(f, "{at}: {}", self.message),
        }
    }
}

/// A definition that cannot be published; every fault is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub Vec<Problem>);

impl std::error::Error for Malformed {}
impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let faults: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        write!(f, "the definition has {} fault(s): {}", faults.len(), faults.join("; "))
    }
}

/// Most states of a definition.
const STATES_MAX: usize = 200;
/// Most transitions of a definition.
const TRANSITIONS_MAX: usize = 1000;
/// Longest label, in characters.
pub(crate) const LABEL_MAX: usize = 100;

const KANBAN: &str = include_str!("builtin/kanban.toml");
const ITIL: &str = include_str!("builtin/itil_incident.toml");
const DEPARTMENTAL: &str = include_str!("builtin/departmental.toml");
const REQUEST: &str = include_str!("builtin/request.toml");

impl Definition {
    /// The definitions every tenant begins with.
    pub fn built_in() -> Vec<Self> {
        [KANBAN, ITIL, DEPARTMENTAL, REQUEST].iter().filter_map(|text| Self::from_toml(text).ok()).collect()
    }

    /// The canonical JSON: what is stored and hashed.
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() // plain data with string keys always serialises
    }

    /// Finds every fault: bad or repeated ids, unknown states, states nobody reaches, dead ends.
    pub fn check(&self) -> Result<(), Malformed> {
        let mut faults = Vec::new();
        for (at, has, most) in
            [("/states", self.states.len(), STATES_MAX), ("/transitions", self.transitions.len(), TRANSITIONS_MAX)]
        {
            if has > most {
                let message = format!("has {has} items, at most {most} are taken; split the workflow");
                return Err(Malformed(vec![Problem::new(at, message)]));
            }
        }
        let mut fault = |at: String, message: String| faults.push(Problem::new(at, message));
        for (at, id) in std::iter::once(("/key".to_owned(), &self.key))
            .chain(self.states.iter().enumerate().map(|(i, s)| (format!("/states/{i}/id"), &s.id)))
            .chain(self.transitions.iter().enumerate().map(|(i, t)| (format!("/transitions/{i}/id"), &t.id)))
        {
            if !is_id(id) {
                fault(at, format!("`{id}` is not an id; use 1 to 40 of a-z 0-9 _, beginning with a letter"));
            }
        }
        for (at, label) in std::iter::once(("/name".to_owned(), &self.name))
            .chain(self.states.iter().enumerate().map(|(i, s)| (format!("/states/{i}/label"), &s.label)))
            .chain(self.transitions.iter().enumerate().map(|(i, t)| (format!("/transitions/{i}/label"), &t.label)))
        {
            let length = label.chars().count();
            if length == 0 || length > LABEL_MAX || label.chars().any(char::is_control) {
                fault(at, format!("needs 1 to {LABEL_MAX} plain characters, has {length}"));
            }
        }
        let mut known = BTreeSet::new();
        for (i, state) in self.states.iter().enumerate() {
            if !known.insert(state.id.as_str()) {
                fault(format!("/states/{i}/id"), format!("state `{}` is defined twice; remove one", state.id));
            }
        }
        let mut seen = BTreeSet::new();
        for (i, transition) in self.transitions.iter().enumerate() {
            if !seen.insert(transition.id.as_str()) {
                fault(format!("/transitions/{i}/id"), format!("transition `{}` is defined twice", transition.id));
            }
            if !known.contains(transition.to.as_str()) {
                fault(
                    format!("/transitions/{i}/to"),
                    format!("no state `{}`; define it or name another", transition.to),
                );
            }
            if let From::States(from) = &transition.from {
                if from.is_empty() {
                    fault(format!("/transitions/{i}/from"), "names no state; give one, `any` or `nothing`".into());
                }
                for (j, state) in from.iter().enumerate().filter(|(_, state)| !known.contains(state.as_str())) {
                    fault(
                        format!("/transitions/{i}/from/{j}"),
                        format!("no state `{state}`; define it or name another"),
                    );
                }
            }
        }
        if !self.transitions.iter().any(|t| t.from == From::Nothing) {
            fault("/transitions".into(), "no transition from `nothing`, so no ticket could be created".into());
        }
        rules::faults(self, &mut fault);
        let reached = self.reached();
        for (i, state) in self.states.iter().enumerate() {
            // Nobody comes to a retired state any more, that is what it means.
            if !state.retired && !reached.contains(state.id.as_str()) {
                fault(format!("/states/{i}"), format!("no transition leads to `{}`; add one or remove it", state.id));
            }
            let leaves = self.transitions.iter().any(|transition| transition.leaves(&state.id));
            if !leaves && !state.category.ended() {
                fault(
                    format!("/states/{i}"),
                    format!("`{}` is a dead end: no transition leaves it and it is not an end", state.id),
                );
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Malformed(faults)) }
    }

    fn reached(&self) -> BTreeSet<&str> {
        let mut reached: BTreeSet<&str> =
            self.transitions.iter().filter(|t| t.from == From::Nothing).map(|t| t.to.as_str()).collect();
        loop {
            let more: Vec<&str> = self
                .transitions
                .iter()
                .filter(|t| reached.iter().any(|state| t.leaves(state)) && !reached.contains(t.to.as_str()))
                .map(|t| t.to.as_str())
                .collect();
            if more.is_empty() {
                return reached;
            }
            reached.extend(more);
        }
    }

    /// Checks the definition and gives it `version`.
    pub fn publish(self, version: u32) -> Result<Workflow, Malformed> {
        self.check()?;
        let hash = hex(&Sha256::digest(self.canonical()));
        Ok(Workflow { id: WorkflowRef { key: Arc::from(self.key.as_str()), version }, hash, definition: self })
    }
}

pub(crate) fn is_id(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.as_bytes()[0].is_ascii_lowercase()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The workflows of one tenant: every published version, and which is the newest of each key.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    versions: BTreeMap<WorkflowRef, Arc<Workflow>>,
}

impl Shelf {
    /// Puts a version on the shelf.
    pub fn put(&mut self, workflow: Arc<Workflow>) {
        self.versions.insert(workflow.id.clone(), workflow);
    }
    /// This very version.
    pub fn get(&self, id: &WorkflowRef) -> Option<&Arc<Workflow>> {
        self.versions.get(id)
    }
    /// The newest version of `key`.
    pub fn newest(&self, key: &str) -> Option<&Arc<Workflow>> {
        self.versions.values().filter(|workflow| &*workflow.id.key == key).max_by_key(|workflow| workflow.id.version)
    }
    /// All of them, by key and version.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Workflow>> {
        self.versions.values()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_built_in_definitions_are_sound() {
        let all = Definition::built_in();
        assert_eq!(
            all.iter().map(|d| d.key.as_str()).collect::<Vec<_>>(),
            [Workflow::KANBAN, Workflow::ITIL, Workflow::DEPARTMENTAL, Workflow::REQUEST]
        );
        for definition in all {
            definition.clone().publish(1).unwrap();
            assert_eq!(Definition::from_json(&definition.canonical()).unwrap(), definition);
        }
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let text = r#"
            key = "Bad Key"
            name = "x"
            states = [
                { id = "a", label = "A", category = "new" },
                { id = "a", label = "A", category = "new" },
                { id = "lost", label = "Lost", category = "open" },
            ]
            transitions = [{ id = "go", label = "Go", from = ["b"], to = "c" }]
        "#;
        let faults = Definition::from_toml(text).unwrap().check().unwrap_err();
        let lines: Vec<String> = faults.0.iter().map(|p| format!("{}: {}", p.at, p.message)).collect();
        expect![[r#"
            /key: `Bad Key` is not an id; use 1 to 40 of a-z 0-9 _, beginning with a letter
            /states/1/id: state `a` is defined twice; remove one
            /transitions/0/to: no state `c`; define it or name another
            /transitions/0/from/0: no state `b`; define it or name another
            /transitions: no transition from `nothing`, so no ticket could be created
            /states/0: no transition leads to `a`; add one or remove it
            /states/0: `a` is a dead end: no transition leaves it and it is not an end
            /states/1: no transition leads to `a`; add one or remove it
            /states/1: `a` is a dead end: no transition leaves it and it is not an end
            /states/2: no transition leads to `lost`; add one or remove it
            /states/2: `lost` is a dead end: no transition leaves it and it is not an end"#]]
        .assert_eq(&lines.join("\n"));
        let unread = Definition::from_toml("key = 1\nname = ").unwrap_err();
        assert_eq!((unread.0[0].at.as_str(), unread.0[0].place.unwrap().line), ("/name", 2), "{unread}");
    }
}
