//! Commands about tickets and their conversation.

use serde::{Deserialize, Serialize};

use crate::actor::PluginId;
use crate::id::{EntryId, GroupId, PersonId, ProjectId, TagId, TicketId};
use crate::ticket::{EntryVisibility, Importance, LinkKind, Priority, Relation, TicketType, Urgency, Visibility};
use crate::time::Timestamp;
use crate::value::{Field, double};
use crate::workflow::WorkflowRef;

/// Creates a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateTicket {
    /// The project.
    pub project: ProjectId,
    /// One line, 1 to 255 characters.
    pub title: String,
    /// Its id, when the client makes its own (a UUIDv7).
    pub id: Option<TicketId>,
    /// The transition from nothing; the workflow's first when absent.
    pub transition: Option<String>,
    /// For whom; the acting person when absent.
    pub requester: Option<PersonId>,
    /// Who works on it.
    pub assignees: Vec<PersonId>,
    /// Tags.
    pub tags: Vec<TagId>,
    /// Everything else.
    #[serde(flatten)]
    pub fields: Patch,
}

impl CreateTicket {
    /// A task with the project's defaults, for the acting person.
    pub fn new(project: ProjectId, title: impl Into<String>) -> Self {
        Self {
            project,
            title: title.into(),
            id: None,
            transition: None,
            requester: None,
            assignees: vec![],
            tags: vec![],
            fields: Patch::default(),
        }
    }
    /// With a long text.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.fields.description = Some(text.into());
        self
    }
    /// On behalf of somebody.
    #[must_use]
    pub fn requester(mut self, person: PersonId) -> Self {
        self.requester = Some(person);
        self
    }
    /// With further fields.
    #[must_use]
    pub fn fields(mut self, fields: Patch) -> Self {
        self.fields = fields;
        self
    }
}

/// Fields of a ticket to set; what is absent stays, an inner `None` clears. JSON: absent, `null`, or the value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Patch {
    /// One line. (When creating, the command's own title is used instead.)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Markdown, up to 64 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of ticket.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<TicketType>,
    /// A priority chosen by hand; cleared, it is [derived](Priority::derived) from urgency and importance again.
    #[serde(with = "double", skip_serializing_if = "Option::is_none")]
    pub priority: Option<Option<Priority>>,
    /// How soon the requester needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// How much depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<Importance>,
    /// Who may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// The owning group.
    #[serde(with = "double", skip_serializing_if = "Option::is_none")]
    pub group: Option<Option<GroupId>>,
    /// The client's company it is for.
    #[serde(with = "double", skip_serializing_if = "Option::is_none")]
    pub company: Option<Option<GroupId>>,
    /// The ticket above.
    #[serde(with = "double", skip_serializing_if = "Option::is_none")]
    pub parent: Option<Option<TicketId>>,
    /// Planned start.
    #[serde(with = "double", skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Option<Timestamp>>,
    /// Due date.
    #[serde(with = "double", skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Option<Timestamp>>,
    /// Estimated work in minutes.
    #[serde(with = "double", skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Option<u32>>,
}

impl Patch {
    /// The fields it speaks of.
    pub fn fields(&self) -> Vec<Field> {
        let named = [
            (self.title.is_some(), Field::Title),
            (self.description.is_some(), Field::Description),
            (self.kind.is_some(), Field::Type),
            (self.priority.is_some(), Field::Priority),
            (self.urgency.is_some(), Field::Urgency),
            (self.importance.is_some(), Field::Importance),
            (self.visibility.is_some(), Field::Visibility),
            (self.group.is_some(), Field::Group),
            (self.company.is_some(), Field::Company),
            (self.parent.is_some(), Field::Parent),
            (self.start_at.is_some(), Field::StartAt),
            (self.due_at.is_some(), Field::DueAt),
            (self.estimate.is_some(), Field::Estimate),
        ];
        named.into_iter().filter(|(named, _)| *named).map(|(_, field)| field).collect()
    }
}

/// Sets fields of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditTicket {
    /// The ticket.
    pub ticket: TicketId,
    /// What to set.
    #[serde(flatten)]
    pub fields: Patch,
}

impl EditTicket {
    /// Sets `fields`.
    pub const fn new(ticket: TicketId, fields: Patch) -> Self {
        Self { ticket, fields }
    }
}

/// Moves a ticket along a transition of its workflow, setting fields on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoveTo {
    /// The ticket.
    pub ticket: TicketId,
    /// The transition's id.
    pub transition: String,
    /// Fields to set with it.
    #[serde(default)]
    pub fields: Patch,
    /// Why, up to 1000 characters; some transitions take one ([`Validator::Reason`](crate::workflow::Validator::Reason)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl MoveTo {
    /// Takes `transition`.
    pub fn new(ticket: TicketId, transition: impl Into<String>) -> Self {
        Self { ticket, transition: transition.into(), fields: Patch::default(), reason: None }
    }
    /// Says why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// Takes a ticket to another published version of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MigrateTicket {
    /// The ticket.
    pub ticket: TicketId,
    /// The version.
    pub to: WorkflowRef,
    /// The state it gets there; the one with the same id when absent.
    pub state: Option<String>,
    /// Only while it stands in this state; otherwise nothing happens.
    pub from: Option<String>,
}

/// Puts a ticket into a state without a transition. Needs `ticket.force` and a reason; audited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForceState {
    /// The ticket.
    pub ticket: TicketId,
    /// The state's id.
    pub state: String,
    /// Why.
    pub reason: String,
}

/// Makes people something to a ticket: assigns, lets follow, admits. Those who already are stay as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Relate {
    /// The ticket.
    pub ticket: TicketId,
    /// As what.
    pub relation: Relation,
    /// Who.
    pub people: Vec<PersonId>,
    /// Whether those not named cease to be it.
    #[serde(default)]
    pub only: bool,
}

impl Relate {
    /// Adds `people`.
    pub fn new(ticket: TicketId, relation: Relation, people: impl Into<Vec<PersonId>>) -> Self {
        Self { ticket, relation, people: people.into(), only: false }
    }
    /// Gives the ticket to exactly these people.
    pub fn assign(ticket: TicketId, people: impl Into<Vec<PersonId>>) -> Self {
        Self { ticket, relation: Relation::Assignee, people: people.into(), only: true }
    }
    /// Follows the ticket.
    pub fn watch(ticket: TicketId, person: PersonId) -> Self {
        Self::new(ticket, Relation::Watcher, [person])
    }
}

/// Makes people no longer something to a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unrelate {
    /// The ticket.
    pub ticket: TicketId,
    /// As what.
    pub relation: Relation,
    /// Who.
    pub people: Vec<PersonId>,
}

/// Takes a ticket that nobody works on: of many who try at once exactly one gets it. What one has already stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The ticket.
    pub ticket: TicketId,
}

/// Hands a ticket over: one person ceases to work on it and another begins, at once. Others who work on it stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reassign {
    /// The ticket.
    pub ticket: TicketId,
    /// Who worked on it.
    pub from: PersonId,
    /// Who does from now on.
    pub to: PersonId,
    /// Why, 1 to 1000 characters.
    pub reason: String,
}

/// Puts tags on a ticket and takes others off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagTicket {
    /// The ticket.
    pub ticket: TicketId,
    /// To put on.
    #[serde(default)]
    pub add: Vec<TagId>,
    /// To take off.
    #[serde(default)]
    pub remove: Vec<TagId>,
}

/// Links a ticket with another one, which may be in another project. What is linked so already stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkTickets {
    /// The ticket; needs `ticket.edit` there.
    pub ticket: TicketId,
    /// The other one; it need only be seen.
    pub to: TicketId,
    /// What the ticket is to the other one.
    pub kind: LinkKind,
}

impl LinkTickets {
    /// `ticket` is `kind` to `to`.
    pub const fn new(ticket: TicketId, kind: LinkKind, to: TicketId) -> Self {
        Self { ticket, to, kind }
    }
}

/// Takes a link away; it may be named from either end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnlinkTickets {
    /// The ticket; needs `ticket.edit` there.
    pub ticket: TicketId,
    /// The other one; it need only be seen.
    pub to: TicketId,
    /// What the ticket is to the other one.
    pub kind: LinkKind,
}

impl UnlinkTickets {
    /// `ticket` is no longer `kind` to `to`.
    pub const fn new(ticket: TicketId, kind: LinkKind, to: TicketId) -> Self {
        Self { ticket, to, kind }
    }
}

/// Deletes a ticket; it leaves every list and can be restored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeleteTicket {
    /// The ticket.
    pub ticket: TicketId,
    /// Why.
    pub reason: Option<String>,
}

/// Restores a deleted ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoreTicket {
    /// The ticket.
    pub ticket: TicketId,
    /// Why.
    pub reason: Option<String>,
}

/// Writes an entry into the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// The ticket.
    pub ticket: TicketId,
    /// Markdown, 1 byte to 64 KiB.
    pub body: String,
    /// Who may read it.
    pub visibility: EntryVisibility,
}

impl Comment {
    /// For everyone who may see the ticket.
    pub fn public(ticket: TicketId, body: impl Into<String>) -> Self {
        Self { ticket, body: body.into(), visibility: EntryVisibility::Public }
    }
    /// For staff.
    pub fn internal(ticket: TicketId, body: impl Into<String>) -> Self {
        Self { ticket, body: body.into(), visibility: EntryVisibility::Internal }
    }
}

/// Edits an entry: authors their own, moderators any.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditComment {
    /// The ticket.
    pub ticket: TicketId,
    /// The entry.
    pub entry: EntryId,
    /// The new text.
    pub body: String,
}

/// Deletes an entry: authors their own, moderators any.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeleteComment {
    /// The ticket.
    pub ticket: TicketId,
    /// The entry.
    pub entry: EntryId,
}

/// Puts it on a ticket's timeline that a chain of automation was stopped. For the host of the automation alone: only
/// the system may send it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StopAutomation {
    /// The ticket.
    pub ticket: TicketId,
    /// The plugin that was stopped.
    pub plugin: PluginId,
    /// Which limit.
    pub limit: String,
    /// What it came to.
    pub used: u64,
    /// What is allowed.
    pub allowed: u64,
}
