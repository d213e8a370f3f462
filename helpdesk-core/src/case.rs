//! A [`Case`]: a ticket with all that a decision about it needs, and the one place where its state changes.

use std::sync::Arc;

use crate::actor::Author;
use crate::approval::Approvals;
use crate::approval::apply::Of;
use crate::event::Event;
use crate::id::{PersonId, TagId};
use crate::ticket::decide::fields;
use crate::ticket::{Entry, Link, Participant, Relation, Revision, Tagging, Ticket, TicketText};
use crate::time::Timestamp;
use crate::workflow::{Category, Workflow};

/// A ticket with its pinned workflow, the people on it and its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The head.
    pub ticket: Ticket,
    /// The workflow version it is pinned to.
    pub workflow: Arc<Workflow>,
    /// The long text, when the command needs it.
    pub text: Option<TicketText>,
    /// Who is something to it now, in order of (relation, person).
    pub people: Vec<Participant>,
    /// Its tags, in order of tag.
    pub tags: Vec<Tagging>,
    /// Its links at both ends, in order of [`Link::key`], when the command needs them.
    pub links: Option<Vec<Link>>,
    /// Its approvals; when the ticket has any, they are always loaded.
    pub approvals: Option<Approvals>,
    /// The entries the command touches.
    pub entries: Vec<Entry>,
    /// Texts as they were before this command.
    pub revisions: Vec<Revision>,
}

/// What conditions and rights look at of a ticket: its head, the people on it now and its tags.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The head.
    pub ticket: &'a Ticket,
    /// Who is something to it now.
    pub people: &'a [Participant],
    /// Its tags.
    pub tags: &'a [Tagging],
}

impl<'a> From<&'a Case> for Facts<'a> {
    fn from(case: &'a Case) -> Self {
        Self { ticket: &case.ticket, people: &case.people, tags: &case.tags }
    }
}

/// What surrounds an event while it is applied.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Who acts.
    pub by: &'a Author,
    /// When it happened.
    pub at: Timestamp,
    /// The version of the ticket it makes.
    pub version: i64,
}

impl Case {
    /// Whether `person` is `relation` to it now.
    pub fn is(&self, person: PersonId, relation: Relation) -> bool {
        self.people.iter().any(|p| p.person == person && p.relation == relation)
    }

    /// The people who are `relation` to it now.
    pub fn who(&self, relation: Relation) -> impl Iterator<Item = PersonId> {
        self.people.iter().filter(move |p| p.relation == relation).map(|p| p.person)
    }

    /// Whether it bears `tag`.
    pub fn bears(&self, tag: TagId) -> bool {
        self.tags.iter().any(|t| t.tag == tag)
    }

    fn join(&mut self, person: PersonId, relation: Relation, moment: Moment<'_>) {
        let joined = Participant {
            tenant: self.ticket.tenant,
            ticket: self.ticket.id,
            person,
            relation,
            joined: moment.version,
            since: moment.at,
            until: None,
        };
        let at = self.people.partition_point(|p| (p.relation, p.person) < (relation, person));
        self.people.insert(at, joined);
    }

    /// Applies an event about this ticket: the only place where its state changes.
    ///
    /// Texts do not stand in events; the decision puts them into [`Scene`](crate::scene::Scene) beside the event.
    /// A creation makes the case, for there is none before it.
    pub fn apply(&mut self, event: &Event, moment: Moment<'_>) {
        let ticket = &mut self.ticket;
        match event {
            Event::TicketEdited(e) => fields::apply(ticket, &e.changes),
            Event::TicketMoved(e) => {
                ticket.state.clone_from(&e.to);
                ticket.category = e.after;
                follow(ticket, e.before, moment.at);
            }
            // The definition itself stands in the configuration: the scene puts it beside.
            Event::TicketMigrated(e) => {
                let reopened = ticket.reopened;
                ticket.workflow.clone_from(&e.to);
                ticket.state.clone_from(&e.after);
                ticket.category = e.category_after;
                follow(ticket, e.category_before, moment.at);
                ticket.reopened = reopened; // nobody took the ticket up again
            }
            Event::ParticipantAdded(e) => {
                self.join(e.person, e.relation, moment);
            }
            Event::ParticipantRemoved(e) => self.people.retain(|p| (p.relation, p.person) != (e.relation, e.person)),
            Event::TicketReassigned(e) => {
                self.people.retain(|p| (p.relation, p.person) != (Relation::Assignee, e.from));
                if !self.is(e.to, Relation::Assignee) {
                    self.join(e.to, Relation::Assignee, moment);
                }
            }
            Event::TicketTagged(e) => {
                self.tags.retain(|t| !e.removed.contains(&t.tag));
                for tag in &e.added {
                    let tagging = Tagging {
                        tenant: ticket.tenant,
                        ticket: ticket.id,
                        tag: *tag,
                        by: moment.by.clone(),
                        at: moment.at,
                    };
                    let at = self.tags.partition_point(|t| t.tag < *tag);
                    self.tags.insert(at, tagging);
                }
            }
            Event::TicketLinked(e) => {
                let (by, at) = (moment.by.clone(), moment.at);
                let link = Link::new(ticket.tenant, ticket.id, e.kind, e.other, by, at);
                let links = self.links.get_or_insert_default();
                let at = links.partition_point(|known| known.key() < link.key());
                links.insert(at, link);
            }
            Event::TicketUnlinked(e) => {
                let id = ticket.id;
                if let Some(links) = &mut self.links {
                    links.retain(|link| link.seen_from(id) != Some((e.kind, e.other)));
                }
            }
            Event::TicketDeleted(_) => ticket.deleted_at = Some(moment.at),
            Event::TicketRestored(_) => ticket.deleted_at = None,
            Event::EntryDeleted(e) => {
                for entry in self.entries.iter_mut().filter(|entry| entry.id == e.entry) {
                    entry.deleted_at = Some(moment.at);
                }
            }
            // The text of an entry comes with the decision, not with the event.
            Event::EntryAdded(_) | Event::EntryEdited(_) => {}
            Event::ApprovalRequested(_)
            | Event::RoundOpened(_)
            | Event::StepOpened(_)
            | Event::StepSkipped(_)
            | Event::StepBlocked(_)
            | Event::StepEnded(_)
            | Event::ApprovalDecided(_)
            | Event::ApprovalConsulted(_)
            | Event::SlotMoved(_)
            | Event::SlotVacated(_)
            | Event::ApprovalEdited(_)
            | Event::ApprovalStaled(_)
            | Event::ApprovalEnded(_) => {
                let approvals = self.approvals.get_or_insert_default();
                approvals.apply(Of { tenant: ticket.tenant, ticket: ticket.id }, event, moment);
                ticket.approval = approvals.overall();
            }
            // Traces on the timeline that change nothing of the ticket itself.
            Event::ChildAdded(_) | Event::ChildRemoved(_) | Event::AutomationStopped(_) | Event::Foreign(_) => {}
            // Not about an existing ticket.
            Event::TicketCreated(_)
            | Event::TenantRegistered(_)
            | Event::TenantEdited(_)
            | Event::ProjectCreated(_)
            | Event::ProjectEdited(_)
            | Event::PersonAdded(_)
            | Event::PersonEdited(_)
            | Event::GroupCreated(_)
            | Event::GroupEdited(_)
            | Event::MemberAdded(_)
            | Event::MemberRemoved(_)
            | Event::RoleGranted(_)
            | Event::RoleRevoked(_)
            | Event::RoleDefined(_)
            | Event::RoleEdited(_)
            | Event::RoleDeleted(_)
            | Event::WorkflowPublished(_)
            | Event::TagDefined(_)
            | Event::TagEdited(_)
            | Event::PluginInstalled(_)
            | Event::PluginRemoved(_)
            | Event::TemplatePublished(_)
            | Event::Delegated(_)
            | Event::DelegationRevoked(_)
            | Event::BoardCreated(_)
            | Event::BoardEdited(_)
            | Event::ColumnAdded(_)
            | Event::ColumnEdited(_)
            | Event::ColumnMoved(_)
            | Event::ColumnDeleted(_)
            | Event::ColumnRestored(_)
            | Event::CardMoved(_) => {}
        }
    }
}

/// Instants and counters that follow the category.
pub(crate) fn follow(ticket: &mut Ticket, before: Category, at: Timestamp) {
    let after = ticket.category;
    let done = |category| matches!(category, Category::Resolved | Category::Closed);
    if done(before) && !after.ended() {
        ticket.reopened += 1;
    }
    ticket.resolved_at = match after {
        Category::Resolved if before == Category::Resolved => ticket.resolved_at,
        Category::Resolved => Some(at),
        Category::Closed => ticket.resolved_at.or(Some(at)),
        Category::New | Category::Open | Category::Waiting | Category::Cancelled => None,
    };
    ticket.closed_at = match after {
        Category::Closed if before == Category::Closed => ticket.closed_at,
        Category::Closed => Some(at),
        Category::New | Category::Open | Category::Waiting | Category::Resolved | Category::Cancelled => None,
    };
}
