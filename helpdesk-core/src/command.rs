//! Everything that can be asked of the desk: one struct per command, one [`Command`] over them all, and the
//! [`Ask`] around it.
//!
//! Rust callers send the structs and get typed results ([`Intent`]); plugins, idempotency, scenarios and the
//! authorization matrix speak of the enum.

pub mod approval;
pub mod board;
pub mod org;
pub mod ticket;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::approval::*;
pub use self::board::*;
pub use self::org::*;
pub use self::ticket::*;
use crate::actor::PluginId;
use crate::approval::TemplateRef;
use crate::id::{
    ApprovalId, BoardId, ColumnId, CommandId, DecisionId, DelegationId, EntryId, GrantId, GroupId, PersonId, ProjectId,
    TagId, TenantId, TicketId,
};
use crate::role::RoleKey;
use crate::time::Timestamp;
use crate::workflow::WorkflowRef;

/// A command with a typed result.
pub trait Intent: Into<Command> + Send {
    /// What the caller gets.
    type Out: TryFrom<Made, Error = Made> + Send;
}

/// What a command made or touched, as it is stored for repeated requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Nothing of its own.
    Nothing,
    /// A tenant.
    Tenant(TenantId),
    /// A project.
    Project(ProjectId),
    /// A person.
    Person(PersonId),
    /// A group.
    Group(GroupId),
    /// A grant.
    Grant(GrantId),
    /// A role of the tenant's own.
    Role(RoleKey),
    /// A tag.
    Tag(TagId),
    /// A board.
    Board(BoardId),
    /// A column of a board.
    Column(ColumnId),
    /// A version of a workflow.
    Workflow(WorkflowRef),
    /// A plugin.
    Plugin(PluginId),
    /// A ticket.
    Ticket(TicketId),
    /// An entry.
    Entry(EntryId),
    /// A version of an approval template.
    Template(TemplateRef),
    /// An approval.
    Approval(ApprovalId),
    /// A decision on one.
    Decision(DecisionId),
    /// A delegation.
    Delegation(DelegationId),
}

macro_rules! made {
    ($($variant:ident => $type:ty),*) => {$(
        impl TryFrom<Made> for $type {
            type Error = Made;
            fn try_from(made: Made) -> Result<Self, Made> {
                match made { Made::$variant(it) => Ok(it), other => Err(other) }
            }
        }
        impl From<$type> for Made {
            fn from(it: $type) -> Self { Self::$variant(it) }
        }
    )*};
}
made!(Tenant => TenantId, Project => ProjectId, Person => PersonId, Group => GroupId, Grant => GrantId, Role => RoleKey, Tag => TagId,
      Workflow => WorkflowRef, Plugin => PluginId, Ticket => TicketId, Entry => EntryId, Board => BoardId, Column => ColumnId,
      Template => TemplateRef, Approval => ApprovalId, Decision => DecisionId, Delegation => DelegationId);

impl TryFrom<Made> for () {
    type Error = Made;
    fn try_from(_: Made) -> Result<Self, Made> {
        Ok(())
    }
}

macro_rules! commands {
    ($($name:ident => $out:ty,)*) => {
        /// Any command. JSON: `{"create_ticket": {…}}`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Command { $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)* }
        $(
            impl From<$name> for Command { fn from(it: $name) -> Self { Self::$name(it) } }
            impl Intent for $name { type Out = $out; }
        )*
        impl Command {
            /// The name of every command.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];
            /// The name of the command.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }
        }
    };
}

commands! {
    RegisterTenant => TenantId,
    EditTenant => (),
    CreateProject => ProjectId,
    EditProject => (),
    EnsurePerson => PersonId,
    EditPerson => (),
    CreateGroup => GroupId,
    EditGroup => (),
    AddMember => (),
    RemoveMember => (),
    GrantRole => GrantId,
    RevokeRole => (),
    DefineRole => RoleKey,
    EditRole => (),
    DeleteRole => (),
    PublishWorkflow => WorkflowRef,
    DefineTag => TagId,
    EditTag => (),
    InstallPlugin => (),
    RemovePlugin => (),
    CreateTicket => TicketId,
    EditTicket => (),
    MoveTo => (),
    ForceState => (),
    MigrateTicket => (),
    Relate => (),
    Unrelate => (),
    Claim => (),
    Reassign => (),
    TagTicket => (),
    LinkTickets => (),
    UnlinkTickets => (),
    DeleteTicket => (),
    RestoreTicket => (),
    Comment => EntryId,
    EditComment => (),
    DeleteComment => (),
    StopAutomation => (),
    PublishTemplate => TemplateRef,
    RequestApproval => ApprovalId,
    DecideApproval => DecisionId,
    RetractDecision => DecisionId,
    ReassignSlot => (),
    ConsultApprover => DecisionId,
    AdviseApprover => DecisionId,
    RecallApproval => (),
    ResubmitApproval => (),
    ReviewApprovers => (),
    Delegate => DelegationId,
    RevokeDelegation => (),
    CreateBoard => BoardId,
    EditBoard => (),
    AddColumn => ColumnId,
    EditColumn => (),
    MoveColumn => (),
    DeleteColumn => (),
    RestoreColumn => (),
    MoveCard => (),
}

/// A command with what surrounds it.
///
/// Every command converts into an `Ask` of itself; the setters come from [`Asking`].
#[derive(Debug, Clone)]
pub struct Ask<C> {
    /// The command.
    pub command: C,
    /// Its id: the seed of all ids it makes. Made by the desk when absent; should be a UUIDv7.
    pub id: Option<CommandId>,
    /// The version of the ticket (or other subject) the caller saw. A stale one is refused.
    pub expected: Option<i64>,
    /// A key that makes the command happen once, for 24 hours.
    pub key: Option<String>,
    /// When it happened, for imports; needs the `import` permission.
    pub at: Option<Timestamp>,
}

impl<C: Intent> From<C> for Ask<C> {
    fn from(command: C) -> Self {
        Self { command, id: None, expected: None, key: None, at: None }
    }
}

impl<C> Ask<C> {
    /// Refuses unless the subject still has this version.
    #[must_use]
    pub fn expecting(mut self, version: i64) -> Self {
        self.expected = Some(version);
        self
    }
    /// Does it once, however often it is sent with this key (1 to 128 characters).
    #[must_use]
    pub fn keyed(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
    /// Says when it happened.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }
    /// Gives the command its id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Uuid>) -> Self {
        self.id = Some(CommandId::from(id.into()));
        self
    }
}

/// The setters of [`Ask`], on a bare command: `MoveTo::new(t, "start").expecting(3)`.
pub trait Asking: Intent + Sized {
    /// See [`Ask::expecting`].
    fn expecting(self, version: i64) -> Ask<Self> {
        Ask::from(self).expecting(version)
    }
    /// See [`Ask::keyed`].
    fn keyed(self, key: impl Into<String>) -> Ask<Self> {
        Ask::from(self).keyed(key)
    }
    /// See [`Ask::at`].
    fn at(self, at: Timestamp) -> Ask<Self> {
        Ask::from(self).at(at)
    }
    /// See [`Ask::with_id`].
    fn with_id(self, id: impl Into<Uuid>) -> Ask<Self> {
        Ask::from(self).with_id(id)
    }
}
impl<C: Intent> Asking for C {}
