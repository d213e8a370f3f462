//! What is loaded for one command, and what counts outside commits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::approval::{Approvals, Delegation};
use crate::board::Surroundings;
use crate::case::Case;
use crate::event::Cursor;
use crate::id::{GroupId, PersonId, ProjectId, TicketId};
use crate::org::{Candidate, Person};
use crate::role::{Grant, RoleKey, Scope};
use crate::ticket::link::Step;
use crate::ticket::{Entry, Link, Participant, Tagging, Ticket, TicketText};
use crate::time::Timestamp;
use crate::value::Field;

/// Everything loaded for one command, in one trip.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The tenant's policy epoch; none when there is no such tenant.
    pub epoch: Option<i64>,
    /// The heads of the tickets that exist, with people and tags (in order), texts and entries as asked.
    pub cases: Vec<Parts>,
    /// The tickets above [`Needs::above`](crate::decide::Needs::above), nearest first, with their versions.
    pub ancestors: Vec<(TicketId, i64)>,
    /// Of each ticket asked for later: those above it, nearest first, with their versions. Stores leave it empty.
    pub lines: BTreeMap<TicketId, Vec<(TicketId, i64)>>,
    /// The links that block behind [`Needs::behind`](crate::decide::Needs::behind), each once, with the version of the ticket they lead to: all of
    /// them, or more than [`STEPS_MAX`](crate::ticket::link::STEPS_MAX) when there are so many.
    pub steps: Vec<Step>,
    /// The people that exist.
    pub people: Vec<Person>,
    /// The grant.
    pub grant: Option<Grant>,
    /// The grants of the group asked for, or those on departments.
    pub group_grants: Vec<Grant>,
    /// Until when the role asked for is granted at the longest; the year 1970 when it never was.
    pub role_until: Option<Timestamp>,
    /// Whether the person is in the group.
    pub member: bool,
    /// Of each group asked for: its active members in order of (since, person).
    pub pools: BTreeMap<GroupId, Vec<Candidate>>,
    /// The tickets below those asked for, at every depth, with people and tags; at most [`BELOW_MAX`] and one more.
    pub below: Vec<Parts>,
    /// Of each role asked for: its grants, expired ones too, in order of id.
    pub holders: BTreeMap<RoleKey, Vec<Grant>>,
    /// Of each person asked for: the delegations they have given, in order of (created_at, id).
    pub delegations: BTreeMap<PersonId, Vec<Delegation>>,
    /// The delegation.
    pub delegation: Option<Delegation>,
    /// Of each ticket asked for: who edited which of its fields, in the order of the log. Stores leave it empty.
    pub editors: BTreeMap<TicketId, Vec<(Field, PersonId)>>,
    /// Whether the tenant key is in use.
    pub tenant_taken: bool,
    /// The cards around the place on a board asked for.
    pub place: Surroundings,
    /// What an earlier command with the same idempotency key did.
    pub earlier: Option<Earlier>,
}

/// Most sub-tickets, at every depth, that one command looks at.
pub const BELOW_MAX: usize = 300;

/// What counts from 1 upwards, outside commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// The ticket numbers of a project.
    Numbers(ProjectId),
    /// The turns of a group that assigns by round-robin.
    Turns(GroupId),
}

impl Counter {
    /// The id under which it is kept.
    pub fn key(self) -> uuid::Uuid {
        match self {
            Self::Numbers(project) => project.into(),
            Self::Turns(group) => group.into(),
        }
    }
}

impl From<ProjectId> for Counter {
    fn from(project: ProjectId) -> Self {
        Self::Numbers(project)
    }
}

impl Loaded {
    /// The tickets on which the loaded grants and the delegation hold and that are not loaded themselves.
    pub(crate) fn scoped_tickets(&self) -> Vec<TicketId> {
        let grants = self.grant.iter().chain(&self.group_grants).map(|grant| grant.scope);
        let scopes = grants.chain(self.delegation.iter().map(|given| given.scope));
        let tickets = scopes.filter_map(|scope| if let Scope::Ticket(id) = scope { Some(id) } else { None });
        let wanted: BTreeSet<TicketId> = tickets.collect();
        let here = |id: &TicketId| self.cases.iter().any(|parts| parts.ticket.id == *id);
        wanted.into_iter().filter(|id| !here(id)).collect()
    }
}

/// A case without its workflow, which the desk knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The head.
    pub ticket: Ticket,
    /// The long text, if asked for.
    pub text: Option<TicketText>,
    /// Live participants in order of (relation, person).
    pub people: Vec<Participant>,
    /// Tags in order.
    pub tags: Vec<Tagging>,
    /// Links at both ends in order of [`Link::key`], if asked for.
    pub links: Option<Vec<Link>>,
    /// Approvals with all that belongs to them; none when the ticket has some and they were not asked for.
    pub approvals: Option<Approvals>,
    /// Entries, if asked for.
    pub entries: Vec<Entry>,
}

impl Parts {
    /// The case, with its workflow.
    pub fn case(self, workflow: Arc<crate::workflow::Workflow>) -> Case {
        let Self { ticket, text, people, tags, links, approvals, entries } = self;
        Case { ticket, workflow, text, people, tags, links, approvals, entries, revisions: vec![] }
    }
}

impl<'a> From<&'a Parts> for crate::case::Facts<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self { ticket: &parts.ticket, people: &parts.people, tags: &parts.tags }
    }
}

/// What an idempotent command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// SHA-256 of the command, hexadecimal.
    pub hash: String,
    /// What it made, JSON of [`Made`](crate::command::Made).
    pub made: String,
    /// The version it made.
    pub version: i64,
    /// Where its last event stands in the log.
    pub cursor: Cursor,
}
