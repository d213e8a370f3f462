//! The closed sets of the schema: mirrors of the core's enums, named the GraphQL way.

use async_graphql::Enum;

macro_rules! mirror {
    ($($(#[$doc:meta])* $name:ident = $remote:literal { $($(#[$vdoc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        #[graphql(remote = $remote)]
        pub(crate) enum $name { $($(#[$vdoc])* $variant,)* }
    )*};
}
pub(crate) use mirror;

mirror! {
    /// What kind of ticket it is.
    TicketType = "helpdesk_core::ticket::TicketType" {
        /// A piece of work.
        Task,
        /// A defect.
        Bug,
        /// A user story.
        Story,
        /// A large piece of work with parts.
        Epic,
        /// An unplanned interruption of a service (ITIL).
        Incident,
        /// A service request (ITIL).
        Request,
    }
    /// How soon a ticket should be done.
    Priority = "helpdesk_core::ticket::Priority" {
        /// When there is time.
        Low,
        /// In the ordinary course.
        Medium,
        /// Before the ordinary.
        High,
        /// At once.
        Critical,
    }
    /// How soon the requester needs it.
    Urgency = "helpdesk_core::ticket::Urgency" {
        /// Can wait.
        Low,
        /// Ordinary.
        Normal,
        /// Cannot wait.
        High,
    }
    /// How much depends on it.
    Importance = "helpdesk_core::ticket::Importance" {
        /// Little.
        Low,
        /// The ordinary amount.
        Normal,
        /// Much.
        High,
        /// The business.
        Critical,
    }
    /// Who may see a ticket at all.
    Visibility = "helpdesk_core::ticket::Visibility" {
        /// Everyone who may read tickets anywhere in the tenant.
        Tenant,
        /// Everyone who may read tickets of the project.
        Project,
        /// Only its participants and those who may read restricted tickets; to others it does not exist.
        Restricted,
    }
    /// What a person is to a ticket.
    Relation = "helpdesk_core::ticket::Relation" {
        /// Wrote it down.
        Reporter,
        /// It is for them.
        Requester,
        /// Works on it.
        Assignee,
        /// Follows it.
        Watcher,
        /// Was asked to approve.
        Approver,
        /// May see it although restricted.
        Member,
    }
    /// What a ticket is to another one, seen from it.
    TicketLinkKind = "helpdesk_core::ticket::LinkKind" {
        /// The other one cannot go on before this one is done. These never close a circle.
        Blocks,
        /// This one cannot go on before the other one is done.
        BlockedBy,
        /// It says what the other one says already.
        Duplicates,
        /// The other one says what it says already.
        DuplicatedBy,
        /// They have to do with each other.
        Relates,
    }
    /// Who may read an entry.
    EntryVisibility = "helpdesk_core::ticket::EntryVisibility" {
        /// Everyone who may see the ticket.
        Public,
        /// Staff only.
        Internal,
    }
    /// What a state means. Names of states are for people; clocks and counters go by the category.
    StateCategory = "helpdesk_core::workflow::Category" {
        /// Not looked at yet.
        New,
        /// Being worked on.
        Open,
        /// Waiting for somebody outside the desk.
        Waiting,
        /// Done, as far as the desk can tell.
        Resolved,
        /// Done for good.
        Closed,
        /// Will not be done.
        Cancelled,
    }
    /// What somebody in the directory is.
    PersonKind = "helpdesk_core::org::PersonKind" {
        /// Works for the desk.
        Staff,
        /// Asks the desk.
        Requester,
        /// Outside, without login.
        Contact,
        /// A service account.
        Service,
    }
    /// What a group is.
    GroupKind = "helpdesk_core::org::GroupKind" {
        /// A department; they form a tree.
        Department,
        /// A team.
        Team,
        /// A client's company.
        Company,
    }
    /// One thing somebody may be allowed to do.
    Permission = "helpdesk_core::role::Permission" {
        /// See tickets that are not restricted.
        TicketRead,
        /// See restricted tickets without being a participant.
        RestrictedRead,
        /// Create tickets.
        TicketCreate,
        /// Change fields.
        TicketEdit,
        /// Move along the workflow.
        TicketMove,
        /// Move past the workflow; every use is audited.
        TicketForce,
        /// Give tickets to people and groups.
        TicketAssign,
        /// Delete and restore.
        TicketDelete,
        /// Follow, and let others follow.
        TicketWatch,
        /// Write public entries.
        EntryWrite,
        /// Read and write internal entries.
        EntryInternal,
        /// Edit and delete other people's entries.
        EntryModerate,
        /// Define tags.
        TagManage,
        /// See the directory.
        PeopleRead,
        /// Change people and groups.
        PeopleManage,
        /// Create and change projects.
        ProjectManage,
        /// Publish workflows.
        WorkflowManage,
        /// Grant and revoke roles, never more than one holds.
        RoleGrant,
        /// Install and configure plugins.
        PluginManage,
        /// Read the whole log, not only of tickets one sees.
        AuditRead,
        /// Request approvals, and resubmit and recall them.
        ApprovalRequest,
        /// Publish approval templates, give slots to others, mend what is blocked.
        ApprovalManage,
        /// State the time at which something happened, and create tickets in any state a workflow records.
        Import,
    }
    /// How a grant bears on a ticket.
    GrantBearing = "helpdesk_core::role::explain::Bearing" {
        /// It holds there.
        Holds,
        /// It has ended.
        Expired,
        /// Its scope does not reach the ticket.
        Elsewhere,
        /// It was given to an earlier installation of the plugin.
        Earlier,
    }
    /// A rule beside grants and relations that decides what somebody may do.
    RightsRule = "helpdesk_core::role::explain::Rule" {
        /// The host itself may do everything.
        System,
        /// Nobody of that id is in the directory, or no such plugin is installed and enabled.
        Unknown,
        /// The person is inactive: no grant and no relation counts.
        Inactive,
        /// The ticket is restricted: only relations that show it, and `RESTRICTED_READ`, let anybody in.
        Restricted,
        /// The ticket is shown to everyone who reads tickets somewhere.
        TenantWide,
        /// Internal entries are for staff and auditors, whatever was granted to others.
        StaffOnly,
        /// The ticket is deleted: it is shown to those alone who could restore it.
        Deleted,
        /// The host's authorizer keeps the ticket from them.
        Narrowed,
        /// The host's authorizer keeps a permission from them.
        Vetoed,
    }
    /// A field of a ticket, as conflicts, changes and required fields name it.
    TicketField = "helpdesk_core::value::Field" {
        /// The one-line summary.
        Title,
        /// The long text.
        Description,
        /// Incident, request, task …
        Type,
        /// How soon it should be done.
        Priority,
        /// How soon the requester needs it.
        Urgency,
        /// How much depends on it.
        Importance,
        /// Who may see the ticket.
        Visibility,
        /// The owning group.
        Group,
        /// The client's company it is for.
        Company,
        /// The ticket above.
        Parent,
        /// Planned start.
        StartAt,
        /// When it is due.
        DueAt,
        /// Estimated work.
        Estimate,
        /// The workflow state.
        State,
        /// The people who work on it.
        Assignees,
        /// The people it is for.
        Requester,
        /// The people who follow it.
        Watchers,
        /// The explicit members of a restricted ticket.
        Members,
        /// The people asked to approve.
        Approvers,
        /// Who wrote it down.
        Reporter,
        /// Its tags.
        Tags,
        /// Whether it is deleted.
        Deleted,
    }
}

/// Which way a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum Direction {
    /// Smallest, earliest or lowest first.
    Asc,
    /// Largest, latest or highest first.
    Desc,
}
