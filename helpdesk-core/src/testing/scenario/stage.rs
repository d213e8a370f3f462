//! What a level must be able to do: act and see.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use crate::actor::Actor;
use crate::approval::{Approvals, Simulation, SlotState, StepForecast};
use crate::board::Board;
use crate::case::Case;
use crate::command::{Ask, Command, Made};
use crate::error::{ActError, Refusal, WorkflowRefusal};
use crate::filter::Filter;
use crate::id::{ApprovalId, BoardId, ColumnId, EntryId, PersonId, TicketId};
use crate::role::explain::{Explanation, RelationReason, Rule};
use crate::role::{Permission, RoleKey, Scope};
use crate::testing::ManualClock;
use crate::ticket::{LinkKind, Relation};

/// A level scenarios run at.
///
/// Set-up comes as commands of [`Actor::System`]; an API that knows no such actor passes those to its desk.
pub trait Stage: Send {
    /// What it is called.
    fn level(&self) -> &'static str;

    /// The clock its desk goes by.
    fn clock(&self) -> ManualClock;

    /// Whether it can show this; lines it cannot show are passed over.
    fn shows(&self, look: &Look) -> bool {
        let _ = look;
        true
    }

    /// Whether it knows idempotency keys; scenarios with keys are passed over otherwise.
    fn keeps_keys(&self) -> bool {
        true
    }

    /// Does something.
    fn act<'a>(&'a mut self, by: &'a Actor, ask: Ask<Command>) -> BoxFuture<'a, Result<Acted, Refused>>;

    /// Looks at something.
    fn see<'a>(&'a mut self, viewer: &'a Actor, look: &'a Look) -> BoxFuture<'a, Result<Seen, Refused>>;
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// What it made.
    pub made: Made,
    /// The version of its subject, if the level tells.
    pub version: Option<i64>,
    /// Whether anything changed, if the level tells.
    pub changed: Option<bool>,
}

/// Why something was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The stable code.
    pub code: String,
    /// The inputs or fields it speaks of, by their names in Rust.
    pub fields: Vec<String>,
    /// What people read.
    pub message: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let names = |fields: &[crate::value::Field]| fields.iter().map(|field| field.as_str().to_owned()).collect();
        let fields = match &refusal {
            Refusal::Invalid(faults) => faults.iter().map(|fault| fault.field.to_owned()).collect(),
            Refusal::Conflict(conflict) => names(&conflict.fields),
            Refusal::Workflow(WorkflowRefusal::Missing { missing, .. } | WorkflowRefusal::Unmet { missing, .. }) => {
                names(missing)
            }
            Refusal::Denied(denied) => vec![denied.needed.as_str().to_owned()],
            _ => vec![],
        };
        Self { code: refusal.code().into(), fields, message: refusal.to_string() }
    }
}

impl From<ActError> for Refused {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Refused(refusal) => refusal.into(),
            other => Self { code: other.code().into(), fields: vec![], message: other.to_string() },
        }
    }
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// A ticket, by id.
    Ticket(TicketId),
    /// The tickets that match, by number ascending; at most 100.
    List(Filter),
    /// How many tickets match.
    Count(Filter),
    /// The kinds of a ticket's events, oldest first.
    History(TicketId),
    /// A ticket's entries, oldest first.
    Entries(TicketId),
    /// What a ticket is to which others, in no order.
    Links(TicketId),
    /// The transitions out of its present state.
    Exits(TicketId),
    /// The approvals of a ticket in their present rounds.
    Approvals(TicketId),
    /// The latest approval of a ticket by a template.
    Latest(TicketId, String),
    /// What waits for the viewer to decide.
    Inbox,
    /// What would become of an approval by a template.
    Forecast(TicketId, String),
    /// The people whose name or address contains this.
    People(String),
    /// The people who hold a role at a scope.
    Holders(RoleKey, Scope),
    /// The columns of a board: `title:state,state`, in order.
    Board(BoardId),
    /// The cards in a column, from the top; at most 100.
    Cards(BoardId, ColumnId),
    /// How many entries that the viewer may read each card in a column has, from the top.
    Comments(BoardId, ColumnId),
    /// Why somebody may or may not do this to a ticket.
    Why(Actor, Permission, TicketId),
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A ticket.
    Ticket(Picture),
    /// Tickets, in order.
    List(Vec<TicketId>),
    /// A number.
    Count(u32),
    /// Kinds of events.
    History(Vec<String>),
    /// Entries with their texts.
    Entries(Vec<(EntryId, String)>),
    /// What the ticket is to which others.
    Links(Vec<(LinkKind, TicketId)>),
    /// Transitions, and whether one may take them now.
    Exits(Vec<(String, bool)>),
    /// Columns or numbers, in order.
    Words(Vec<String>),
    /// Tickets, in an order that counts.
    Cards(Vec<TicketId>),
    /// People.
    People(Vec<PersonId>),
    /// An approval.
    Approval(ApprovalId),
    /// Approvals, an inbox, a forecast, in the words of scenarios; people by id.
    Told(Vec<String>),
    /// `allowed` or the code of the refusal, then the grants and relations that give it and the rules that decided:
    /// `agent@project`, `observer@tenant/group`, `assignee`, `restricted`.
    Why(Vec<String>),
}

impl Seen {
    /// Approvals: `purchase/pending/1`, then the steps begun in the round: `finance:open:ana,ben(approved)`.
    pub fn approvals(all: &Approvals) -> Self {
        let mut words = vec![];
        for approval in &all.all {
            words.push(format!("{}/{}/{}", approval.template.key, approval.state, approval.round));
            for step in all.steps_of(approval) {
                let slots = all.slots_of(step).map(|slot| match slot.state {
                    SlotState::Open => slot.person.to_string(),
                    state => format!("{}({state})", slot.person),
                });
                let mut slots: Vec<String> = slots.collect();
                slots.sort();
                let slots = if slots.is_empty() { String::new() } else { format!(":{}", slots.join(",")) };
                words.push(format!("{}:{}{slots}", step.key, step.state));
            }
        }
        Self::Told(words)
    }

    /// A forecast: `finance:ana,ben/2`, `chief:skipped`, `board:blocked`.
    pub fn forecast(forecast: &Simulation) -> Self {
        let step = |step: &StepForecast| match (&step.skipped, &step.blocked) {
            (Some(_), _) => format!("{}:skipped", step.key),
            (None, Some(_)) => format!("{}:blocked", step.key),
            (None, None) => {
                let mut people: Vec<String> = step.asked.iter().map(|(person, _)| person.to_string()).collect();
                people.sort();
                format!("{}:{}", step.key, people.join(","))
            }
        };
        Self::Told(forecast.steps.iter().map(step).collect())
    }

    /// The columns of a board.
    pub fn columns(board: &Board) -> Self {
        Self::Words(board.live().map(|column| format!("{}:{}", column.title, column.states.join(","))).collect())
    }
    /// An explanation, in the words of scenarios.
    pub fn why(explained: &Explanation) -> Self {
        let mut words = vec![explained.refused.as_ref().map_or("allowed", Refusal::code).to_owned()];
        let mut grants: Vec<String> = explained
            .deciding()
            .map(|reason| {
                let via = if reason.via.is_some() { "/group" } else { "" };
                format!("{}@{}{via}", reason.grant.role, reason.grant.scope.kind())
            })
            .collect();
        grants.sort();
        words.extend(grants);
        let gives = |reason: &&RelationReason| explained.needed.without(reason.gives) != explained.needed;
        words.extend(explained.relations.iter().filter(gives).map(|reason| reason.relation.to_string()));
        words.extend(explained.rules.iter().map(Rule::to_string));
        Self::Why(words)
    }
}

/// A ticket as scenarios compare it: the text of each field by name; several values joined by `,` in order; nothing is
/// the empty text. What a level does not show it leaves out, and then it is not compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture(pub BTreeMap<&'static str, String>);

impl Picture {
    /// Of a case; `key` is its human key.
    pub fn of(key: &str, case: &Case) -> Self {
        let ticket = &case.ticket;
        let maybe = |it: Option<String>| it.unwrap_or_default();
        let who = |relation: Relation| {
            let mut ids: Vec<String> = case.who(relation).map(|id| id.to_string()).collect();
            ids.sort();
            ids.join(",")
        };
        let mut tags: Vec<String> = case.tags.iter().map(|tagging| tagging.tag.to_string()).collect();
        tags.sort();
        let mut all = BTreeMap::from([
            ("key", key.to_owned()),
            ("title", ticket.title.clone()),
            ("type", ticket.kind.to_string()),
            ("state", ticket.state.clone()),
            ("category", ticket.category.to_string()),
            ("priority", ticket.priority.to_string()),
            ("priority_manual", ticket.priority_manual.to_string()),
            ("urgency", ticket.urgency.to_string()),
            ("importance", ticket.importance.to_string()),
            ("visibility", ticket.visibility.to_string()),
            ("group", maybe(ticket.group.map(|id| id.to_string()))),
            ("company", maybe(ticket.company.map(|id| id.to_string()))),
            ("parent", maybe(ticket.parent.map(|id| id.to_string()))),
            ("start_at", maybe(ticket.start_at.map(|at| at.to_string()))),
            ("due_at", maybe(ticket.due_at.map(|at| at.to_string()))),
            ("estimate", maybe(ticket.estimate.map(|minutes| minutes.to_string()))),
            ("resolved_at", maybe(ticket.resolved_at.map(|at| at.to_string()))),
            ("closed_at", maybe(ticket.closed_at.map(|at| at.to_string()))),
            ("created_at", ticket.created_at.to_string()),
            ("updated_at", ticket.updated_at.to_string()),
            ("created_by", person(&ticket.created_by)),
            ("updated_by", person(&ticket.updated_by)),
            ("reopened", ticket.reopened.to_string()),
            ("regrouped", ticket.regrouped.to_string()),
            ("version", ticket.version.to_string()),
            ("deleted", ticket.deleted_at.is_some().to_string()),
            ("assignees", who(Relation::Assignee)),
            ("reporter", who(Relation::Reporter)),
            ("requester", who(Relation::Requester)),
            ("watchers", who(Relation::Watcher)),
            ("approvers", who(Relation::Approver)),
            ("members", who(Relation::Member)),
            ("tags", tags.join(",")),
            ("approval", ticket.approval.to_string()),
        ]);
        if let Some(text) = &case.text {
            all.insert("description", text.description.clone());
        }
        Self(all)
    }
}

/// The person's id; others by kind.
fn person(author: &crate::actor::Author) -> String {
    author.person().map_or_else(|| author.kind().to_owned(), |id| id.to_string())
}
