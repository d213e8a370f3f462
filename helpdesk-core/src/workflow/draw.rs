//! Drawings of a workflow, as Mermaid text and as SVG, optionally with the path of a ticket on it (FEATURES W7).
//!
//! A drawing is a pure function of the definition and the path: same input, same bytes. It follows the order in which
//! the states are defined, from top to bottom. Transitions between a few states are lines; those that begin almost
//! anywhere would be a tangle and are listed in the box of the state they lead to (`plan` decides). It is no editor
//! and knows nothing of who may do what.

/// Writes into a `String`, which never fails.
macro_rules! put {
    ($out:expr, $($args:tt)*) => {{
        use std::fmt::Write as _;
        let _: std::fmt::Result = $out.write_fmt(format_args!($($args)*));
    }};
}

mod layers;
mod mermaid;
mod place;
mod plan;
mod svg;
mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::model::Workflow;
use crate::event::{Envelope, Event};
use crate::time::Timestamp;
use crate::value::{Field, Value};

/// One state on the way of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The id of the state.
    pub state: String,
    /// The transition that led to it; `None` when it was forced.
    pub by: Option<String>,
    /// When it was entered.
    pub at: Timestamp,
}

/// The way of a ticket through its workflow, from its history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path {
    /// The states in the order in which they were entered; the last one is the present one.
    pub visits: Vec<Visit>,
}

impl Path {
    /// The path in a ticket's history, oldest event first. Events that change no state are passed over.
    pub fn of(history: &[Envelope]) -> Self {
        let mut visits = Vec::new();
        for envelope in history {
            let by = if let Event::TicketCreated(created) = &envelope.event {
                Some(created.transition.clone())
            } else if let Event::TicketMoved(moved) = &envelope.event {
                moved.transition.clone()
            } else {
                None
            };
            for change in envelope.event.changes() {
                if let (Field::State, Value::Text(state)) = (change.field, change.after) {
                    visits.push(Visit { state, by: by.clone(), at: envelope.occurred_at });
                }
            }
        }
        Self { visits }
    }

    /// The state the ticket is in.
    pub fn present(&self) -> Option<&str> {
        self.visits.last().map(|visit| visit.state.as_str())
    }

    /// The numbers, from 1, of the visits to `state`.
    fn steps(&self, state: &str) -> Vec<usize> {
        self.visits.iter().enumerate().filter(|(_, visit)| visit.state == state).map(|(at, _)| at + 1).collect()
    }

    /// How often each transition was taken.
    fn taken(&self) -> BTreeMap<&str, usize> {
        let mut taken = BTreeMap::new();
        for by in self.visits.iter().filter_map(|visit| visit.by.as_deref()) {
            *taken.entry(by).or_default() += 1;
        }
        taken
    }
}

/// `step 1`, `steps 1, 3, 5`, `steps 1, 3, … 17 (9 times)`: the visits to one state.
fn told(steps: &[usize]) -> Option<String> {
    let number = |step: &usize| step.to_string();
    match steps {
        [] => None,
        [one] => Some(format!("step {one}")),
        few if few.len() <= 4 => Some(format!("steps {}", few.iter().map(number).collect::<Vec<_>>().join(", "))),
        [first, second, .., last] => Some(format!("steps {first}, {second}, … {last} ({} times)", steps.len())),
        [_, last] => Some(format!("steps to {last}")),
    }
}

impl Workflow {
    /// The workflow as a Mermaid `stateDiagram-v2`, with the states of `path` numbered and the present one marked.
    ///
    /// Ids and labels are escaped: whatever people write as a label, the diagram stays valid.
    pub fn mermaid(&self, path: Option<&Path>) -> String {
        mermaid::write(&plan::Plan::of(&self.definition), path)
    }

    /// The workflow as a self-contained SVG document: no scripts, styles, fonts or links of its own, so that it can
    /// stand in a page or in a file. Its description tells in words what it shows.
    pub fn svg(&self, path: Option<&Path>) -> String {
        let plan = plan::Plan::of(&self.definition);
        let picture = svg::Picture::of(&plan, path);
        svg::write(&self.definition.name, &picture, &plan, path)
    }
}
