//! A filter against a case in memory: the other half of what the stores compile to SQL.

use std::collections::BTreeSet;

use super::{Cond, Filter, Number, Range, TextIs, When};
use crate::case::Facts;
use crate::text::{fold, in_order, matches};
use crate::ticket::SearchDoc;

impl Filter {
    /// Whether the case matches. `docs` are its indexed texts; internal ones count only when `internal` says the viewer
    /// may read them. A [`Cond::Mine`] that was not bound never holds.
    pub fn matches<'a>(&self, of: impl Into<Facts<'a>>, docs: &[SearchDoc], internal: bool) -> bool {
        let facts = of.into();
        match self {
            Self::All => true,
            Self::None => false,
            Self::And(all) => all.iter().all(|filter| filter.matches(facts, docs, internal)),
            Self::Or(any) => any.iter().any(|filter| filter.matches(facts, docs, internal)),
            Self::Not(inner) => !inner.matches(facts, docs, internal),
            Self::Is(cond) => cond.holds(facts, docs, internal),
        }
    }
}

impl Cond {
    fn holds(&self, case: Facts<'_>, docs: &[SearchDoc], internal: bool) -> bool {
        let ticket = case.ticket;
        match self {
            Self::Id(list) => list.contains(&ticket.id),
            Self::Project(list) => list.contains(&ticket.project),
            Self::Type(list) => list.contains(&ticket.kind),
            Self::State(list) => list.contains(&ticket.state),
            Self::Category(list) => list.contains(&ticket.category),
            Self::Priority(list) => list.contains(&ticket.priority),
            Self::Urgency(list) => list.contains(&ticket.urgency),
            Self::Importance(list) => list.contains(&ticket.importance),
            Self::Visibility(list) => list.contains(&ticket.visibility),
            Self::Group(list) => ticket.group.map_or(list.is_empty(), |group| list.contains(&group)),
            Self::Company(list) => ticket.company.map_or(list.is_empty(), |company| list.contains(&company)),
            Self::Parent(list) => ticket.parent.map_or(list.is_empty(), |parent| list.contains(&parent)),
            Self::CreatedBy(list) => list.contains(&ticket.created_by),
            Self::Related { people, relations } => case
                .people
                .iter()
                .any(|p| relations.contains(&p.relation) && (people.is_empty() || people.contains(&p.person))),
            Self::Mine(_) => false,
            Self::Tag(list) => {
                if list.is_empty() {
                    case.tags.is_empty()
                } else {
                    case.tags.iter().any(|t| list.contains(&t.tag))
                }
            }
            Self::Title(how) => how.holds(&fold(&ticket.title)),
            Self::Time(which, range) => {
                let at = match which {
                    When::Created => Some(ticket.created_at),
                    When::Updated => Some(ticket.updated_at),
                    When::Start => ticket.start_at,
                    When::Due => ticket.due_at,
                    When::Resolved => ticket.resolved_at,
                    When::Closed => ticket.closed_at,
                };
                range.holds(at)
            }
            Self::Number(which, range) => {
                let number = match which {
                    Number::Number => Some(ticket.number),
                    Number::Estimate => ticket.estimate.map(i64::from),
                    Number::Reopened => Some(ticket.reopened.into()),
                    Number::Regrouped => Some(ticket.regrouped.into()),
                };
                range.holds(number)
            }
            Self::PriorityManual(manual) => ticket.priority_manual == *manual,
            Self::Deleted(deleted) => ticket.deleted_at.is_some() == *deleted,
            Self::Text(search) => {
                let search = in_order(search);
                docs.iter().filter(|doc| internal || !doc.internal).any(|doc| {
                    let words: BTreeSet<String> = doc.words.split(' ').map(str::to_owned).collect();
                    matches(&words, &search)
                })
            }
        }
    }
}

impl TextIs {
    fn holds(&self, folded: &str) -> bool {
        match self {
            Self::Equal(text) => folded == fold(text),
            Self::Contains(text) => folded.contains(&fold(text)),
            Self::Begins(text) => folded.starts_with(&fold(text)),
        }
    }
}

impl<T: PartialOrd + Copy> Range<T> {
    fn holds(&self, value: Option<T>) -> bool {
        value.is_some_and(|value| self.from.is_none_or(|from| value >= from) && self.to.is_none_or(|to| value < to))
    }
}
