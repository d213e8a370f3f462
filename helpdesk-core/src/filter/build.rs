//! Filters as one writes them in Rust: `assignee().is_me().and(category().is(Category::Open))`.

use super::{Cond, Filter, Number, Range, TextIs, When};
use crate::id::{GroupId, PersonId, ProjectId, TagId};
use crate::ticket::{Importance, Priority, Relation, TicketType, Urgency, Visibility};
use crate::time::Timestamp;
use crate::workflow::Category;

/// A field whose values come from a list.
#[derive(Debug, Clone, Copy)]
pub struct Choice<T>(fn(Vec<T>) -> Cond);

impl<T> Choice<T> {
    /// It is this.
    pub fn is(self, value: T) -> Filter {
        (self.0)(vec![value]).into()
    }
    /// It is one of these.
    pub fn is_one_of(self, values: impl Into<Vec<T>>) -> Filter {
        let values = values.into();
        if values.is_empty() { Filter::None } else { (self.0)(values).into() }
    }
    /// It is not this.
    pub fn is_not(self, value: T) -> Filter {
        self.is(value).negate()
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident: $type:ty => $cond:path;)*) => {$(
        $(#[$doc])*
        pub const fn $name() -> Choice<$type> { Choice($cond) }
    )*};
}
choices! {
    /// The project.
    project: ProjectId => Cond::Project;
    /// The type.
    kind: TicketType => Cond::Type;
    /// The state, by id.
    state: String => Cond::State;
    /// The category of the state.
    category: Category => Cond::Category;
    /// The priority.
    priority: Priority => Cond::Priority;
    /// The urgency.
    urgency: Urgency => Cond::Urgency;
    /// The importance.
    importance: Importance => Cond::Importance;
    /// The visibility.
    visibility: Visibility => Cond::Visibility;
    /// The owning group.
    group: GroupId => Cond::Group;
    /// The company it is for.
    company: GroupId => Cond::Company;
    /// A tag.
    tag: TagId => Cond::Tag;
}

/// A relation of people to a ticket.
#[derive(Debug, Clone, Copy)]
pub struct Who(Relation);

impl Who {
    /// It is the viewer.
    pub fn is_me(self) -> Filter {
        Cond::Mine(vec![self.0]).into()
    }
    /// It is this person.
    pub fn is(self, person: PersonId) -> Filter {
        Cond::Related { people: vec![person], relations: vec![self.0] }.into()
    }
    /// It is nobody.
    pub fn is_nobody(self) -> Filter {
        Filter::from(Cond::Related { people: vec![], relations: vec![self.0] }).negate()
    }
}

/// Those who work on it.
pub const fn assignee() -> Who {
    Who(Relation::Assignee)
}
/// Those it is for.
pub const fn requester() -> Who {
    Who(Relation::Requester)
}
/// Those who wrote it down.
pub const fn reporter() -> Who {
    Who(Relation::Reporter)
}
/// Those who follow it.
pub const fn watcher() -> Who {
    Who(Relation::Watcher)
}

/// The title contains this, without regard to case and accents.
pub fn title_contains(text: impl Into<String>) -> Filter {
    Cond::Title(TextIs::Contains(text.into())).into()
}
/// Full text.
pub fn text(words: impl Into<String>) -> Filter {
    Cond::Text(words.into()).into()
}
/// An instant lies before `end`.
pub fn before(which: When, end: Timestamp) -> Filter {
    Cond::Time(which, Range { from: None, to: Some(end) }).into()
}
/// An instant lies at or after `start`.
pub fn since(which: When, start: Timestamp) -> Filter {
    Cond::Time(which, Range { from: Some(start), to: None }).into()
}
/// A number lies in `range`.
pub fn number(which: Number, range: Range<i64>) -> Filter {
    Cond::Number(which, range).into()
}
