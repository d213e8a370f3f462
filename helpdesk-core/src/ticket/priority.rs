//! The matrix that derives a ticket's priority from its urgency and its importance (FEATURES T4).

use super::model::{Importance, Priority, Urgency};

use Priority::{Critical, High, Low, Medium};

/// Priority by importance (rows, from low to critical) and urgency (columns, from low to high): ITIL's matrix of impact
/// and urgency, with a row more for what the business depends on. More of either never lowers it.
///
/// | importance ╲ urgency | low    | normal   | high     |
/// |----------------------|--------|----------|----------|
/// | low                  | low    | low      | medium   |
/// | normal               | low    | medium   | high     |
/// | high                 | medium | high     | critical |
/// | critical             | high   | critical | critical |
pub const MATRIX: [[Priority; 3]; 4] =
    [[Low, Low, Medium], [Low, Medium, High], [Medium, High, Critical], [High, Critical, Critical]];

impl Priority {
    /// What [`MATRIX`] says. It holds until somebody chooses a priority by hand, and again once that is cleared.
    pub const fn derived(urgency: Urgency, importance: Importance) -> Self {
        MATRIX[importance as usize][urgency as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_as_it_is_written_here() {
        let cells = [
            (Importance::Low, Urgency::Low, Low),
            (Importance::Low, Urgency::Normal, Low),
            (Importance::Low, Urgency::High, Medium),
            (Importance::Normal, Urgency::Low, Low),
            (Importance::Normal, Urgency::Normal, Medium),
            (Importance::Normal, Urgency::High, High),
            (Importance::High, Urgency::Low, Medium),
            (Importance::High, Urgency::Normal, High),
            (Importance::High, Urgency::High, Critical),
            (Importance::Critical, Urgency::Low, High),
            (Importance::Critical, Urgency::Normal, Critical),
            (Importance::Critical, Urgency::High, Critical),
        ];
        assert_eq!(cells.len(), Importance::ALL.len() * Urgency::ALL.len());
        for (importance, urgency, priority) in cells {
            assert_eq!(Priority::derived(urgency, importance), priority, "{importance} and {urgency}");
        }
    }

    #[test]
    fn more_urgency_or_importance_never_lowers_the_priority() {
        let all = || Urgency::ALL.iter().flat_map(|urgency| Importance::ALL.iter().map(move |it| (*urgency, *it)));
        for (urgency, importance) in all() {
            for (more_urgency, more_importance) in all().filter(|(u, i)| *u >= urgency && *i >= importance) {
                let (less, more) =
                    (Priority::derived(urgency, importance), Priority::derived(more_urgency, more_importance));
                assert!(less <= more, "{urgency} {importance}: {less}, {more_urgency} {more_importance}: {more}");
            }
        }
    }
}
