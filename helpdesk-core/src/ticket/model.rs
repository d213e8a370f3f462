//! What a ticket is: plain values, one struct per stored row.

use crate::actor::Author;
use crate::approval::Overall;
use crate::id::{EntryId, GroupId, PersonId, ProjectId, Salt, TagId, TenantId, TicketId};
use crate::time::Timestamp;
use crate::value::names;
use crate::workflow::{Category, WorkflowRef};

names! {
    /// What kind of ticket it is (FEATURES T3).
    pub enum TicketType ("ticket type") {
        /// A piece of work.
        Task = "task",
        /// A defect.
        Bug = "bug",
        /// A user story.
        Story = "story",
        /// A large piece of work with parts.
        Epic = "epic",
        /// An unplanned interruption of a service (ITIL).
        Incident = "incident",
        /// A service request (ITIL).
        Request = "request",
    }
}
names! {
    /// How soon a ticket should be done; ordered from low to critical. [Derived](Priority::derived) from urgency and
    /// importance unless somebody chooses one by hand.
    pub enum Priority ("priority") {
        /// When there is time.
        Low = "low",
        /// In the ordinary course.
        Medium = "medium",
        /// Before the ordinary.
        High = "high",
        /// At once.
        Critical = "critical",
    }
}
names! {
    /// How soon the requester needs it.
    pub enum Urgency ("urgency") {
        /// Can wait.
        Low = "low",
        /// Ordinary.
        Normal = "normal",
        /// Cannot wait.
        High = "high",
    }
}
names! {
    /// How much depends on it.
    pub enum Importance ("importance") {
        /// Little.
        Low = "low",
        /// The ordinary amount.
        Normal = "normal",
        /// Much.
        High = "high",
        /// The business.
        Critical = "critical",
    }
}
names! {
    /// Who may see a ticket at all (FEATURES R3).
    pub enum Visibility ("visibility") {
        /// Everyone with a read grant in the tenant, a project or a department. A company or a single ticket opens only
        /// itself.
        Tenant = "tenant",
        /// Everyone with a read grant that covers the project.
        Project = "project",
        /// Only its participants and holders of `restricted.read`; to others it does not exist.
        Restricted = "restricted",
    }
}
names! {
    /// What a person is to a ticket.
    pub enum Relation ("relation") {
        /// Wrote it down.
        Reporter = "reporter",
        /// It is for them.
        Requester = "requester",
        /// Works on it.
        Assignee = "assignee",
        /// Follows it.
        Watcher = "watcher",
        /// Was asked to approve.
        Approver = "approver",
        /// May see it although restricted.
        Member = "member",
    }
}
names! {
    /// Who may read an entry.
    pub enum EntryVisibility ("entry visibility") {
        /// Everyone who may see the ticket.
        Public = "public",
        /// Staff only.
        Internal = "internal",
    }
}

/// The head of a ticket: everything lists and decisions need, one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub id: TicketId,
    /// The project that gives the key.
    pub project: ProjectId,
    /// The number inside the project, from 1; gaps are allowed, reuse is not.
    pub number: i64,
    /// What kind of ticket.
    pub kind: TicketType,
    /// The pinned workflow version.
    pub workflow: WorkflowRef,
    /// The state's stable id in that workflow.
    pub state: String,
    /// The state's category.
    pub category: Category,
    /// One line, 1 to 255 characters.
    pub title: String,
    /// How soon.
    pub priority: Priority,
    /// Whether it was chosen by hand, so that [the matrix](crate::ticket::priority::MATRIX) does not derive it.
    pub priority_manual: bool,
    /// How soon the requester needs it.
    pub urgency: Urgency,
    /// How much depends on it.
    pub importance: Importance,
    /// Who may see it.
    pub visibility: Visibility,
    /// The owning group.
    pub group: Option<GroupId>,
    /// The client's company it is for.
    pub company: Option<GroupId>,
    /// How its approvals stand together.
    pub approval: Overall,
    /// The ticket above.
    pub parent: Option<TicketId>,
    /// Planned start.
    pub start_at: Option<Timestamp>,
    /// Due date.
    pub due_at: Option<Timestamp>,
    /// Estimated work in minutes.
    pub estimate: Option<u32>,
    /// When it last entered `resolved`, while it is resolved or closed.
    pub resolved_at: Option<Timestamp>,
    /// When it last entered `closed`, while it is closed.
    pub closed_at: Option<Timestamp>,
    /// How often it went back from `resolved` or `closed` to work.
    pub reopened: u32,
    /// How often its group changed, from and to "none" included.
    pub regrouped: u32,
    /// Counts every command that changed the ticket, from 1.
    pub version: i64,
    /// Who created it.
    pub created_by: Author,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Author,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it was deleted, if it is.
    pub deleted_at: Option<Timestamp>,
    /// Salt of the title's digest.
    pub salt: Salt,
}

/// The long text of a ticket, in a row of its own so that updates of the head stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketText {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// Markdown, up to 64 KiB.
    pub description: String,
    /// Salt of its digest.
    pub salt: Salt,
}

/// One interval in which a person was something to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// Who.
    pub person: PersonId,
    /// As what.
    pub relation: Relation,
    /// The version of the ticket that made them so; sets apart intervals that begin at the same instant.
    pub joined: i64,
    /// From when.
    pub since: Timestamp,
    /// Until when; open while they still are.
    pub until: Option<Timestamp>,
}

/// A tag on a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagging {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The tag.
    pub tag: TagId,
    /// Who put it on.
    pub by: Author,
    /// When.
    pub at: Timestamp,
}

/// A tag a project knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The tenant.
    pub tenant: TenantId,
    /// The tag.
    pub id: TagId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// Its name, unique in the project without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `#rrggbb`, or empty.
    pub colour: String,
    /// Counts changes, from 1.
    pub version: i64,
    /// Who defined it.
    pub created_by: Author,
    /// When.
    pub created_at: Timestamp,
    /// When it was deleted, if it is.
    pub deleted_at: Option<Timestamp>,
}

/// One entry of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The tenant.
    pub tenant: TenantId,
    /// The entry.
    pub id: EntryId,
    /// Its ticket.
    pub ticket: TicketId,
    /// Who wrote it.
    pub author: Author,
    /// Who may read it.
    pub visibility: EntryVisibility,
    /// Markdown, up to 64 KiB.
    pub body: String,
    /// Salt of the body's digest.
    pub salt: Salt,
    /// Counts edits, from 1.
    pub version: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last edited, if ever.
    pub edited_at: Option<Timestamp>,
    /// When it was deleted, if it is.
    pub deleted_at: Option<Timestamp>,
}

/// A text as it was before an edit: erasable, and the only place where the old words stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// What was edited: `title`, `description` or the entry's id.
    pub of: String,
    /// The version of the ticket the edit made.
    pub version: i64,
    /// The text before that edit.
    pub before: String,
    /// Salt of its digest.
    pub salt: Salt,
}

/// Longest title, in characters.
pub const TITLE_MAX: usize = 255;
/// Longest description or entry, in bytes of UTF-8.
pub const TEXT_MAX: usize = 64 * 1024;
/// Most people in one relation to a ticket.
pub const PEOPLE_MAX: usize = 50;
/// Most tags on a ticket.
pub const TAGS_MAX: usize = 50;

/// What is indexed for full text: the head of a ticket, or one entry with its visibility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchDoc {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The entry; nil for the head.
    pub entry: EntryId,
    /// Whether only staff may find it.
    pub internal: bool,
    /// Folded words, once each, in order, separated by one space.
    pub words: String,
}
