//! One filter language: lists, boards, rules, subscriptions and visibility all speak it.
//!
//! A [`Filter`] is evaluated in memory ([`Filter::matches`]) *and* compiled to SQL by the stores; a property test holds
//! the two equal on both databases. Every condition is true or false, never unknown: a ticket without a due date is
//! simply not due before anything.

pub mod build;
mod eval;

use serde::{Deserialize, Serialize};

use crate::actor::Author;
use crate::id::{GroupId, PersonId, ProjectId, TagId, TicketId};
use crate::ticket::{Importance, Priority, Relation, TicketType, Urgency, Visibility};
use crate::time::Timestamp;
use crate::value::names;
use crate::workflow::Category;

/// Deepest nesting of a filter.
pub const DEPTH_MAX: usize = 6;
/// Most conditions in a filter, with the words that join them.
pub const CONDITIONS_MAX: usize = 100;
/// Most items in one condition.
pub const ITEMS_MAX: usize = 250;

/// Which tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Every ticket.
    All,
    /// No ticket.
    None,
    /// Tickets that match all of these; all, when there are none.
    And(Vec<Filter>),
    /// Tickets that match one of these; none, when there are none.
    Or(Vec<Filter>),
    /// Tickets that do not match.
    Not(Box<Filter>),
    /// Tickets for which this holds.
    #[serde(untagged)]
    Is(Cond),
}

names! {
    /// An instant of a ticket.
    pub enum When ("instant") {
        /// When it was created.
        Created = "created_at",
        /// When it changed last.
        Updated = "updated_at",
        /// Planned start.
        Start = "start_at",
        /// Due date.
        Due = "due_at",
        /// When it was resolved.
        Resolved = "resolved_at",
        /// When it was closed.
        Closed = "closed_at",
    }
}
names! {
    /// A number of a ticket.
    pub enum Number ("number") {
        /// The number in its key.
        Number = "number",
        /// Estimated minutes.
        Estimate = "estimate",
        /// How often it was reopened.
        Reopened = "reopened",
        /// How often its group changed.
        Regrouped = "regrouped",
    }
}

/// From (inclusive) and to (exclusive); an open end matches everything on that side. An absent value is in no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range<T> {
    /// Not below this.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub from: Option<T>,
    /// Below this.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub to: Option<T>,
}

const fn none<T>() -> Option<T> {
    None
}

/// How a text is compared. Case and accents do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextIs {
    /// It is this.
    Equal(String),
    /// It contains this.
    Contains(String),
    /// It begins with this.
    Begins(String),
}

/// Something that holds for a ticket or does not. Lists hold when one of their items does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cond {
    /// One of these tickets.
    Id(Vec<TicketId>),
    /// In one of these projects.
    Project(Vec<ProjectId>),
    /// Of one of these types.
    Type(Vec<TicketType>),
    /// In one of these states, by id.
    State(Vec<String>),
    /// In one of these categories.
    Category(Vec<Category>),
    /// Of one of these priorities.
    Priority(Vec<Priority>),
    /// Of one of these urgencies.
    Urgency(Vec<Urgency>),
    /// Of one of these importances.
    Importance(Vec<Importance>),
    /// Of one of these visibilities.
    Visibility(Vec<Visibility>),
    /// Owned by one of these groups; an empty list: by none.
    Group(Vec<GroupId>),
    /// Of one of these companies; an empty list: of none.
    Company(Vec<GroupId>),
    /// Under one of these tickets; an empty list: under none. One the viewer may not see is none to them.
    Parent(Vec<TicketId>),
    /// Created by one of these.
    CreatedBy(Vec<Author>),
    /// One of these people is one of these things to it now; without people: anybody is.
    Related {
        /// Who.
        people: Vec<PersonId>,
        /// As what.
        relations: Vec<Relation>,
    },
    /// The viewer is one of these things to it now. Bound to a person when it is read.
    Mine(Vec<Relation>),
    /// Bears one of these tags; an empty list: bears none at all.
    Tag(Vec<TagId>),
    /// Its title.
    Title(TextIs),
    /// An instant lies in a range; without ends: it is set.
    Time(When, Range<Timestamp>),
    /// A number lies in a range; without ends: it is set.
    Number(Number, Range<i64>),
    /// Its priority was chosen by hand.
    PriorityManual(bool),
    /// It is deleted.
    Deleted(bool),
    /// All words occur together in its title and description, or together in one entry the viewer may read; the last
    /// may be the beginning of a word. For queries only.
    Text(String),
}

names! {
    /// What a list is sorted by.
    pub enum SortBy ("sort key") {
        /// When it was created.
        Created = "created_at",
        /// When it changed last.
        Updated = "updated_at",
        /// Due date; those without come last ascending.
        Due = "due_at",
        /// Priority.
        Priority = "priority",
        /// The number in its key.
        Number = "number",
    }
}

/// The order of a list; the id breaks ties, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// The sort key.
    pub by: SortBy,
    /// Largest first.
    pub descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { by: SortBy::Updated, descending: true }
    }
}

impl From<Cond> for Filter {
    fn from(cond: Cond) -> Self {
        Self::Is(cond)
    }
}

/// A filter that is too large to run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the filter has {what} {used}, at most {allowed} are taken; narrow it")]
pub struct TooLarge {
    what: &'static str,
    used: usize,
    allowed: usize,
}

impl Filter {
    /// Both.
    #[must_use]
    pub fn and(self, other: impl Into<Self>) -> Self {
        match (self, other.into()) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::All, other) => other,
            (this, Self::All) => this,
            (Self::And(mut all), other) => {
                all.push(other);
                Self::And(all)
            }
            (this, other) => Self::And(vec![this, other]),
        }
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        Self::any(vec![self, other.into()])
    }

    /// One of them.
    pub fn any(filters: Vec<Self>) -> Self {
        let mut any: Vec<Self> = filters.into_iter().filter(|filter| *filter != Self::None).collect();
        if any.contains(&Self::All) {
            return Self::All;
        }
        match any.len() {
            0 => Self::None,
            1 => any.remove(0),
            _ => Self::Or(any),
        }
    }

    /// The opposite.
    #[must_use]
    pub fn negate(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Binds [`Cond::Mine`] to a person; for nobody it never holds.
    #[must_use]
    pub fn bind(self, me: Option<PersonId>) -> Self {
        match self {
            Self::And(all) => Self::And(all.into_iter().map(|filter| filter.bind(me)).collect()),
            Self::Or(any) => Self::Or(any.into_iter().map(|filter| filter.bind(me)).collect()),
            Self::Not(inner) => Self::Not(Box::new(inner.bind(me))),
            Self::Is(Cond::Mine(relations)) => match me {
                Some(person) => Cond::Related { people: vec![person], relations }.into(),
                None => Self::None,
            },
            Self::All | Self::None | Self::Is(_) => self,
        }
    }

    /// Refuses what is too deep, too long or too wide to run, or holds what cannot be stored.
    pub fn check(&self) -> Result<(), TooLarge> {
        self.measure(0, &mut 0)
    }

    fn measure(&self, depth: usize, nodes: &mut usize) -> Result<(), TooLarge> {
        *nodes += 1;
        within("levels:", depth, DEPTH_MAX)?;
        within("conditions:", *nodes, CONDITIONS_MAX)?;
        match self {
            Self::All | Self::None => Ok(()),
            Self::Is(cond) => {
                within("items in one condition:", cond.items(), ITEMS_MAX)?;
                within("NUL characters:", usize::from(cond.has_nul()), 0)
            }
            Self::Not(inner) => inner.measure(depth + 1, nodes),
            Self::And(all) | Self::Or(all) => all.iter().try_for_each(|filter| filter.measure(depth + 1, nodes)),
        }
    }

    /// Whether a condition like this stands anywhere in it.
    pub fn mentions(&self, like: fn(&Cond) -> bool) -> bool {
        match self {
            Self::All | Self::None => false,
            Self::Is(cond) => like(cond),
            Self::Not(inner) => inner.mentions(like),
            Self::And(all) | Self::Or(all) => all.iter().any(|filter| filter.mentions(like)),
        }
    }
}

fn within(what: &'static str, used: usize, allowed: usize) -> Result<(), TooLarge> {
    if used > allowed { Err(TooLarge { what, used, allowed }) } else { Ok(()) }
}

impl Cond {
    /// PostgreSQL cannot hold a NUL in a text, so none can match.
    fn has_nul(&self) -> bool {
        match self {
            Self::State(list) => list.iter().any(|state| state.contains('\0')),
            Self::Title(TextIs::Equal(text) | TextIs::Contains(text) | TextIs::Begins(text)) => text.contains('\0'),
            Self::Text(_)
            | Self::Id(_)
            | Self::Project(_)
            | Self::Type(_)
            | Self::Category(_)
            | Self::Priority(_)
            | Self::Urgency(_)
            | Self::Importance(_)
            | Self::Visibility(_)
            | Self::Group(_)
            | Self::Company(_)
            | Self::Parent(_)
            | Self::CreatedBy(_)
            | Self::Related { .. }
            | Self::Mine(_)
            | Self::Tag(_)
            | Self::Time(..)
            | Self::Number(..)
            | Self::PriorityManual(_)
            | Self::Deleted(_) => false,
        }
    }

    fn items(&self) -> usize {
        match self {
            Self::Id(list) | Self::Parent(list) => list.len(),
            Self::Project(list) => list.len(),
            Self::Type(list) => list.len(),
            Self::State(list) => list.len(),
            Self::Category(list) => list.len(),
            Self::Priority(list) => list.len(),
            Self::Urgency(list) => list.len(),
            Self::Importance(list) => list.len(),
            Self::Visibility(list) => list.len(),
            Self::Group(list) | Self::Company(list) => list.len(),
            Self::CreatedBy(list) => list.len(),
            Self::Related { people, relations } => people.len().max(relations.len()),
            Self::Mine(list) => list.len(),
            Self::Tag(list) => list.len(),
            Self::Text(text) => crate::text::in_order(text).len(),
            Self::Title(_) | Self::Time(..) | Self::Number(..) | Self::PriorityManual(_) | Self::Deleted(_) => 1,
        }
    }
}
