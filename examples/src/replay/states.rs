//! The states of a ServiceNow incident and the states of the *ITIL incident* workflow they become: data, not rules.
//!
//! What may follow what is the workflow's own business; a log moves between any two of these.

/// A state of an incident that both sides know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    New,
    Active,
    AwaitingUser,
    AwaitingVendor,
    AwaitingProblem,
    AwaitingEvidence,
    Resolved,
    Closed,
}

/// State, the log's label, the workflow's state id.
const TABLE: [(State, &str, &str); 8] = [
    (State::New, "New", "new"),
    (State::Active, "Active", "in_progress"),
    (State::AwaitingUser, "Awaiting User Info", "awaiting_user"),
    (State::AwaitingVendor, "Awaiting Vendor", "awaiting_vendor"),
    (State::AwaitingProblem, "Awaiting Problem", "awaiting_problem"),
    (State::AwaitingEvidence, "Awaiting Evidence", "awaiting_evidence"),
    (State::Resolved, "Resolved", "resolved"),
    (State::Closed, "Closed", "closed"),
];

impl State {
    /// Every state, in the order of an incident's life.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(state, _, _)| *state)
    }

    /// The state a log names, or nothing for a label outside the table (`-100` among them).
    pub fn from_label(label: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, _)| *known == label).map(|(state, _, _)| *state)
    }

    /// The state with this id in the *ITIL incident* workflow.
    pub fn from_id(id: &str) -> Option<Self> {
        TABLE.iter().find(|(_, _, known)| *known == id).map(|(state, _, _)| *state)
    }

    /// The label in the log.
    pub fn label(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The state id in the *ITIL incident* workflow.
    pub fn id(self) -> &'static str {
        TABLE[self as usize].2
    }

    /// Whether work has ended; leaving such a state for another kind is a reopening.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::{State, TABLE};

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (place, (state, label, id)) in TABLE.iter().enumerate() {
            assert_eq!(*state as usize, place);
            assert_eq!(State::from_label(label), Some(*state));
            assert_eq!(State::from_id(id), Some(*state));
        }
    }
}
