//! The filter of tickets: the core's filter language as input types with closed, typed operators.
//!
//! The fields of one object all have to hold. An operator that is null counts as omitted.

use async_graphql::{InputObject, Result};
use helpdesk_core::actor::PluginId;
use helpdesk_core::filter::{Cond, Filter, Number, Range, TextIs, When};
use helpdesk_core::id::{GroupId, PersonId, ProjectId, TagId, TicketId};
use helpdesk_core::{Author, ticket};

use crate::fault::bad_input;
use crate::id::{Ref, ids};
use crate::names::{Importance, Priority, Relation, StateCategory, TicketType, Urgency, Visibility};
use crate::scalar::DateTime;

/// Which tickets. All fields that are given have to hold. Refused when it is too large to run: at
/// most 6 levels, 100 conditions and 250 items in one.
#[derive(Debug, Default, InputObject)]
pub(crate) struct TicketFilter {
    /// All of these hold; true when there are none.
    and: Option<Vec<TicketFilter>>,
    /// One of these holds; false when there are none.
    or: Option<Vec<TicketFilter>>,
    /// This does not hold.
    not: Option<Box<TicketFilter>>,
    /// The ticket itself.
    id: Option<TicketIdFilter>,
    /// Its project.
    project: Option<ProjectFilter>,
    /// Its type.
    #[graphql(name = "type")]
    kind: Option<TypeFilter>,
    /// Its state, by id.
    state: Option<StateFilter>,
    /// The category of its state.
    category: Option<CategoryFilter>,
    /// Its priority.
    priority: Option<PriorityFilter>,
    /// Whether its priority was chosen by hand.
    priority_manual: Option<bool>,
    /// Its urgency.
    urgency: Option<UrgencyFilter>,
    /// Its importance.
    importance: Option<ImportanceFilter>,
    /// Its visibility.
    visibility: Option<VisibilityFilter>,
    /// Its owning group.
    group: Option<GroupFilter>,
    /// The client's company it is for.
    company: Option<CompanyFilter>,
    /// The ticket above.
    parent: Option<ParentFilter>,
    /// Its tags.
    tag: Option<TagFilter>,
    /// Who created it.
    created_by: Option<CreatorFilter>,
    /// Who wrote it down.
    reporter: Option<PeopleFilter>,
    /// For whom it is.
    requester: Option<PeopleFilter>,
    /// Who works on it.
    assignee: Option<PeopleFilter>,
    /// Who follows it.
    watcher: Option<PeopleFilter>,
    /// Who was asked to approve.
    approver: Option<PeopleFilter>,
    /// Who may see it although it is restricted.
    member: Option<PeopleFilter>,
    /// You are one of these to it.
    mine: Option<Vec<Relation>>,
    /// Its title, without regard to case and accents.
    title: Option<TextFilter>,
    /// Full text: all words occur together in title and description, or in one entry you may read. The last may be the
    /// beginning of a word. Not for subscriptions.
    text: Option<String>,
    /// When it was created.
    created_at: Option<DateTimeFilter>,
    /// When it changed last.
    updated_at: Option<DateTimeFilter>,
    /// Planned start.
    start_at: Option<DateTimeFilter>,
    /// Due date.
    due_at: Option<DateTimeFilter>,
    /// When it was resolved.
    resolved_at: Option<DateTimeFilter>,
    /// When it was closed.
    closed_at: Option<DateTimeFilter>,
    /// The number in its key.
    number: Option<IntFilter>,
    /// Estimated minutes.
    estimate: Option<IntFilter>,
    /// How often it was reopened.
    reopened: Option<IntFilter>,
    /// How often its group changed.
    regrouped: Option<IntFilter>,
    /// Whether it is deleted; only those who may restore tickets find deleted ones.
    deleted: Option<bool>,
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident of $input:ty => $cond:path, $into:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, InputObject)]
        pub(crate) struct $name {
            /// It is one of these; never true when there are none.
            #[graphql(name = "in")]
            one_of: Option<Vec<$input>>,
            /// It is none of these.
            not_in: Option<Vec<$input>>,
        }
        impl $name {
            fn compile(self) -> Filter {
                let cond = |list: Vec<$input>| {
                    let list: Vec<_> = list.into_iter().map($into).collect();
                    if list.is_empty() { Filter::None } else { $cond(list).into() }
                };
                both(self.one_of.map(cond), self.not_in.map(|list| cond(list).negate()))
            }
        }
    )*};
}
choices! {
    /// Compares a ticket.
    TicketIdFilter of Ref<TicketId> => Cond::Id, |it| it.0;
    /// Compares a project.
    ProjectFilter of Ref<ProjectId> => Cond::Project, |it| it.0;
    /// Compares a type.
    TypeFilter of TicketType => Cond::Type, Into::into;
    /// Compares a state, by id.
    StateFilter of String => Cond::State, |it| it;
    /// Compares a category.
    CategoryFilter of StateCategory => Cond::Category, Into::into;
    /// Compares a priority.
    PriorityFilter of Priority => Cond::Priority, Into::into;
    /// Compares an urgency.
    UrgencyFilter of Urgency => Cond::Urgency, Into::into;
    /// Compares an importance.
    ImportanceFilter of Importance => Cond::Importance, Into::into;
    /// Compares a visibility.
    VisibilityFilter of Visibility => Cond::Visibility, Into::into;
}

macro_rules! optional_choices {
    ($($(#[$doc:meta])* $name:ident of $id:ty => $cond:path;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, InputObject)]
        pub(crate) struct $name {
            /// It is one of these; never true when there are none.
            #[graphql(name = "in")]
            one_of: Option<Vec<Ref<$id>>>,
            /// It is none of these.
            not_in: Option<Vec<Ref<$id>>>,
            /// Whether there is any at all.
            exists: Option<bool>,
        }
        impl $name {
            fn compile(self) -> Filter {
                let cond = |list: Vec<Ref<$id>>| {
                    if list.is_empty() { Filter::None } else { $cond(ids(list)).into() }
                };
                // To the core an empty list means that there is none.
                let nothing = || Filter::from($cond(vec![]));
                let exists = self.exists.map(|exists| if exists { nothing().negate() } else { nothing() });
                both(self.one_of.map(cond), self.not_in.map(|list| cond(list).negate())).and(exists.unwrap_or(Filter::All))
            }
        }
    )*};
}
optional_choices! {
    /// Compares the owning group.
    GroupFilter of GroupId => Cond::Group;
    /// Compares the client's company.
    CompanyFilter of GroupId => Cond::Company;
    /// Compares the ticket above.
    ParentFilter of TicketId => Cond::Parent;
    /// Compares tags; holds when one of them does.
    TagFilter of TagId => Cond::Tag;
}

/// Compares who created it; holds when one of these is the one.
#[derive(Debug, InputObject)]
pub(crate) struct CreatorFilter {
    /// People and service accounts.
    people: Option<Vec<Ref<PersonId>>>,
    /// Plugins, by id.
    plugins: Option<Vec<Ref<PluginId>>>,
    /// The host itself.
    system: Option<bool>,
}

/// Compares the people who are something to it now.
#[derive(Debug, InputObject)]
pub(crate) struct PeopleFilter {
    /// One of these is; never true when there are none.
    #[graphql(name = "in")]
    one_of: Option<Vec<Ref<PersonId>>>,
    /// None of these is.
    not_in: Option<Vec<Ref<PersonId>>>,
    /// Whether you are.
    me: Option<bool>,
    /// Whether anybody is.
    exists: Option<bool>,
}

/// Compares a text without regard to case and accents.
#[derive(Debug, InputObject)]
pub(crate) struct TextFilter {
    /// It is this.
    eq: Option<String>,
    /// It contains this.
    contains: Option<String>,
    /// It begins with this.
    starts_with: Option<String>,
}

/// Compares an instant. One that is not set is in no range.
#[derive(Debug, InputObject)]
pub(crate) struct DateTimeFilter {
    /// At or after this.
    from: Option<DateTime>,
    /// Before this.
    to: Option<DateTime>,
    /// Whether it is set at all.
    exists: Option<bool>,
}

/// Compares a whole number. One that is not set is in no range.
#[derive(Debug, InputObject)]
pub(crate) struct IntFilter {
    /// Not below this.
    from: Option<i64>,
    /// Below this.
    to: Option<i64>,
    /// Whether it is set at all.
    exists: Option<bool>,
}

fn both(a: Option<Filter>, b: Option<Filter>) -> Filter {
    a.unwrap_or(Filter::All).and(b.unwrap_or(Filter::All))
}

fn when(holds: Option<bool>, filter: Filter) -> Filter {
    match holds {
        None => Filter::All,
        Some(true) => filter,
        Some(false) => filter.negate(),
    }
}

impl CreatorFilter {
    fn compile(self) -> Filter {
        let people = self.people.into_iter().flatten();
        let mut any: Vec<Author> = people.flat_map(|it| [Author::Person(it.0), Author::Service(it.0)]).collect();
        any.extend(self.plugins.into_iter().flatten().map(|it| Author::Plugin(it.0)));
        if self.system == Some(true) {
            any.push(Author::System);
        }
        if any.is_empty() { Filter::None } else { Cond::CreatedBy(any).into() }
    }
}

impl PeopleFilter {
    fn compile(self, relation: ticket::Relation) -> Filter {
        let related = |people| Filter::from(Cond::Related { people, relations: vec![relation] });
        let cond = |list: Vec<Ref<PersonId>>| if list.is_empty() { Filter::None } else { related(ids(list)) };
        both(self.one_of.map(cond), self.not_in.map(|list| cond(list).negate()))
            .and(when(self.me, Cond::Mine(vec![relation]).into()))
            .and(when(self.exists, related(vec![])))
    }
}

impl TextFilter {
    fn compile(self) -> Filter {
        let cond = |how: fn(String) -> TextIs, text: Option<String>| {
            text.map_or(Filter::All, |text| Cond::Title(how(text)).into())
        };
        cond(TextIs::Equal, self.eq)
            .and(cond(TextIs::Contains, self.contains))
            .and(cond(TextIs::Begins, self.starts_with))
    }
}

impl DateTimeFilter {
    fn compile(self, which: When) -> Filter {
        let range = Range { from: self.from.map(|it| it.0), to: self.to.map(|it| it.0) };
        let set = Filter::from(Cond::Time(which, Range { from: None, to: None }));
        let bounded = range.from.is_some() || range.to.is_some();
        when(bounded.then_some(true), Cond::Time(which, range).into()).and(when(self.exists, set))
    }
}

impl IntFilter {
    fn compile(self, which: Number) -> Filter {
        let range = Range { from: self.from, to: self.to };
        let set = Filter::from(Cond::Number(which, Range { from: None, to: None }));
        let bounded = range.from.is_some() || range.to.is_some();
        when(bounded.then_some(true), Cond::Number(which, range).into()).and(when(self.exists, set))
    }
}

impl TicketFilter {
    /// As the core speaks it; refused when it is too large to run.
    pub(crate) fn compile(self) -> Result<Filter> {
        let filter = self.flat();
        filter.check().map_err(|error| bad_input(error.to_string()))?;
        Ok(filter)
    }

    /// Whether full text stands anywhere in it.
    pub(crate) fn searches(filter: &Filter) -> bool {
        filter.mentions(|cond| matches!(cond, Cond::Text(_)))
    }

    fn flat(self) -> Filter {
        use ticket::Relation as R;
        let mut all: Vec<Filter> = Vec::new();
        all.extend(self.and.map(|list| Filter::And(list.into_iter().map(Self::flat).collect())));
        all.extend(self.or.map(|list| Filter::Or(list.into_iter().map(Self::flat).collect())));
        all.extend(self.not.map(|inner| inner.flat().negate()));
        all.extend(self.id.map(TicketIdFilter::compile));
        all.extend(self.project.map(ProjectFilter::compile));
        all.extend(self.kind.map(TypeFilter::compile));
        all.extend(self.state.map(StateFilter::compile));
        all.extend(self.category.map(CategoryFilter::compile));
        all.extend(self.priority.map(PriorityFilter::compile));
        all.extend(self.priority_manual.map(|manual| Cond::PriorityManual(manual).into()));
        all.extend(self.urgency.map(UrgencyFilter::compile));
        all.extend(self.importance.map(ImportanceFilter::compile));
        all.extend(self.visibility.map(VisibilityFilter::compile));
        all.extend(self.group.map(GroupFilter::compile));
        all.extend(self.company.map(CompanyFilter::compile));
        all.extend(self.parent.map(ParentFilter::compile));
        all.extend(self.tag.map(TagFilter::compile));
        all.extend(self.created_by.map(CreatorFilter::compile));
        all.extend(self.reporter.map(|it| it.compile(R::Reporter)));
        all.extend(self.requester.map(|it| it.compile(R::Requester)));
        all.extend(self.assignee.map(|it| it.compile(R::Assignee)));
        all.extend(self.watcher.map(|it| it.compile(R::Watcher)));
        all.extend(self.approver.map(|it| it.compile(R::Approver)));
        all.extend(self.member.map(|it| it.compile(R::Member)));
        all.extend(self.mine.map(|list| {
            let relations: Vec<R> = list.into_iter().map(Into::into).collect();
            if relations.is_empty() { Filter::None } else { Cond::Mine(relations).into() }
        }));
        all.extend(self.title.map(TextFilter::compile));
        all.extend(self.text.map(|text| Cond::Text(text).into()));
        all.extend(self.created_at.map(|it| it.compile(When::Created)));
        all.extend(self.updated_at.map(|it| it.compile(When::Updated)));
        all.extend(self.start_at.map(|it| it.compile(When::Start)));
        all.extend(self.due_at.map(|it| it.compile(When::Due)));
        all.extend(self.resolved_at.map(|it| it.compile(When::Resolved)));
        all.extend(self.closed_at.map(|it| it.compile(When::Closed)));
        all.extend(self.number.map(|it| it.compile(Number::Number)));
        all.extend(self.estimate.map(|it| it.compile(Number::Estimate)));
        all.extend(self.reopened.map(|it| it.compile(Number::Reopened)));
        all.extend(self.regrouped.map(|it| it.compile(Number::Regrouped)));
        all.extend(self.deleted.map(|deleted| Cond::Deleted(deleted).into()));
        // One level only where there is more than one thing to join.
        if all.len() == 1 { all.remove(0) } else { all.into_iter().fold(Filter::All, Filter::and) }
    }
}
