//! The log's vocabulary: every [`Event`] kind, and the [`Envelope`] around it.
//!
//! An event says what changed, before and after. Text bodies and personal data are not in it: they live in rows of
//! their own and the event carries salted digests, so that erasing a person leaves the log whole. A kind this binary
//! does not know (a newer node's, a plugin's) is read as [`Event::Foreign`]. There is a golden file per (kind, schema).

mod about;
mod envelope;

use serde::{Deserialize, Serialize};

pub use self::envelope::{BadCursor, Cause, Cursor, Envelope, Subject};
use crate::actor::PluginId;
use crate::approval::{ApprovalState, Needed, StepState, TemplateRef, Verdict};
use crate::board::Column;
use crate::filter::Filter;
use crate::id::{
    ApprovalId, BoardId, ColumnId, DecisionId, DelegationId, EntryId, GrantId, GroupId, PersonId, ProjectId, SlotId,
    TagId, TicketId,
};
use crate::org::{GroupKind, PersonKind};
use crate::role::{Permissions, Principal, Relations, RoleKey, Scope};
use crate::ticket::{EntryVisibility, Importance, LinkKind, Priority, Relation, TicketType, Urgency, Visibility};
use crate::time::Timestamp;
use crate::value::{Change, Field, Value, double, names};
use crate::workflow::{Category, WorkflowRef};

/// Somebody who is asked when a step opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Their slot.
    pub slot: SlotId,
    /// Who.
    pub person: PersonId,
    /// The groups through which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// How they were found.
    pub via: String,
    /// Whether they approved the same in an earlier round, which counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carried: bool,
}

names! {
    /// Why a new round of an approval began.
    pub enum NewRound ("reason of a round") {
        /// It was resubmitted.
        Resubmitted = "resubmitted",
        /// A watched field was edited.
        Edited = "edited",
    }
}
names! {
    /// Why a slot went to somebody else.
    pub enum SlotMove ("reason of a move") {
        /// Somebody gave it away.
        Reassigned = "reassigned",
        /// Whoever was asked has left; their proxy took over.
        Proxy = "proxy",
        /// Whoever was asked has left; the template names who is asked instead.
        Replaced = "replaced",
        /// Whoever was asked is back.
        Returned = "returned",
    }
}

/// An event of a kind this binary does not know, kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Its kind.
    pub kind: String,
    /// Its schema number.
    pub schema: u16,
    /// Its data, JSON.
    pub data: String,
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $kind:literal @ $schema:literal {
        $($(#[$fdoc:meta])* $field:ident: $type:ty,)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $variant { $($(#[$fdoc])* pub $field: $type,)* }
            impl From<$variant> for Event {
                fn from(event: $variant) -> Self { Self::$variant(event) }
            }
        )*
        /// Something that happened.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $($(#[$doc])* $variant($variant),)*
            /// A kind this binary does not know.
            Foreign(Foreign),
        }
        impl Event {
            /// Every kind this binary writes, with its schema number.
            pub const KINDS: &'static [(&'static str, u16)] = &[$(($kind, $schema)),*];
            /// The stable name of the kind.
            pub fn kind(&self) -> &str {
                match self { $(Self::$variant(_) => $kind,)* Self::Foreign(foreign) => &foreign.kind }
            }
            /// The number of the schema of its data.
            pub const fn schema(&self) -> u16 {
                match self { $(Self::$variant(_) => $schema,)* Self::Foreign(foreign) => foreign.schema }
            }
            /// Its data as JSON, the same bytes every time.
            pub fn data(&self) -> String {
                match self {
                    // Plain data with string keys always serialises.
                    $(Self::$variant(event) => serde_json::to_string(event).unwrap_or_default(),)*
                    Self::Foreign(foreign) => foreign.data.clone(),
                }
            }
            /// Reads what [`data`](Self::data) wrote; what cannot be understood becomes [`Event::Foreign`].
            pub fn read(kind: &str, schema: u16, data: &str) -> Self {
                let known = match (kind, schema) {
                    $(($kind, $schema) => serde_json::from_str(data).ok().map(Self::$variant),)*
                    (_, _) => None,
                };
                known.unwrap_or_else(|| Self::Foreign(Foreign { kind: kind.into(), schema, data: data.into() }))
            }
        }
    };
}

events! {
    /// A tenant came to be.
    TenantRegistered = "tenant.registered" @ 1 { key: String, name: String, }
    /// A tenant's name or state changed.
    TenantEdited = "tenant.edited" @ 1 { name: Option<String>, suspended: Option<bool>, }
    /// A project came to be.
    ProjectCreated = "project.created" @ 1 {
        project: ProjectId, key: String, name: String, lead: Option<PersonId>, workflow: String, visibility: Visibility,
    }
    /// A project changed; what is absent stayed.
    ProjectEdited = "project.edited" @ 1 {
        project: ProjectId, name: Option<String>, #[serde(default, with = "double", skip_serializing_if = "Option::is_none")]
        lead: Option<Option<PersonId>>, workflow: Option<String>,
        visibility: Option<Visibility>, deleted: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")] relations: Option<Relations>,
    }
    /// Somebody came into the directory. Names and addresses stand in the person's row alone.
    PersonAdded = "person.added" @ 1 { person: PersonId, kind: PersonKind, }
    /// Somebody's entry changed: which parts, never their contents.
    PersonEdited = "person.edited" @ 1 {
        person: PersonId, parts: Vec<String>, kind: Option<PersonKind>, active: Option<bool>,
    }
    /// A group came to be.
    GroupCreated = "group.created" @ 1 { group: GroupId, kind: GroupKind, name: String, parent: Option<GroupId>, }
    /// A group changed; what is absent stayed.
    GroupEdited = "group.edited" @ 1 { group: GroupId, name: Option<String>, #[serde(default, with = "double", skip_serializing_if = "Option::is_none")]
        parent: Option<Option<GroupId>>, #[serde(default, with = "double", skip_serializing_if = "Option::is_none")]
        head: Option<Option<PersonId>>, }
    /// Somebody joined a group.
    MemberAdded = "group.member_added" @ 1 { group: GroupId, person: PersonId, }
    /// Somebody left a group.
    MemberRemoved = "group.member_removed" @ 1 { group: GroupId, person: PersonId, }
    /// A role was granted.
    RoleGranted = "role.granted" @ 1 {
        grant: GrantId, to: Principal, role: RoleKey, scope: Scope, expires_at: Option<Timestamp>,
    }
    /// A grant was taken back.
    RoleRevoked = "role.revoked" @ 1 { grant: GrantId, to: Principal, role: RoleKey, scope: Scope, }
    /// A role of the tenant's own was defined.
    RoleDefined = "role.defined" @ 1 { role: RoleKey, name: String, permissions: Permissions, }
    /// A role of the tenant's own changed, for all who hold it; what is absent stayed.
    RoleEdited = "role.edited" @ 1 { role: RoleKey, name: Option<String>, permissions: Option<Permissions>, }
    /// A role of the tenant's own was deleted.
    RoleDeleted = "role.deleted" @ 1 { role: RoleKey, }
    /// A version of a workflow was published.
    WorkflowPublished = "workflow.published" @ 1 { workflow: WorkflowRef, hash: String, }
    /// A tag was defined.
    TagDefined = "tag.defined" @ 1 {
        tag: TagId, project: ProjectId, name: String, description: String, colour: String,
    }
    /// A tag changed; what is absent stayed.
    TagEdited = "tag.edited" @ 1 {
        tag: TagId, name: Option<String>, description: Option<String>, colour: Option<String>, deleted: Option<bool>,
    }
    /// A plugin was installed, or set up anew. Its configuration stands in its row alone.
    PluginInstalled = "plugin.installed" @ 1 { plugin: PluginId, digest: String, enabled: bool, }
    /// A plugin was removed.
    PluginRemoved = "plugin.removed" @ 1 { plugin: PluginId, }
    /// A ticket came to be.
    TicketCreated = "ticket.created" @ 1 {
        project: ProjectId, number: i64, r#type: TicketType, workflow: WorkflowRef, transition: String, state: String,
        category: Category, title: String, description: Option<String>, priority: Priority, priority_manual: bool,
        urgency: Urgency, importance: Importance, visibility: Visibility, group: Option<GroupId>,
        parent: Option<TicketId>, start_at: Option<Timestamp>, due_at: Option<Timestamp>, estimate: Option<u32>,
        people: Vec<(Relation, PersonId)>, tags: Vec<TagId>,
        #[serde(default)] company: Option<GroupId>,
    }
    /// Fields of a ticket changed.
    TicketEdited = "ticket.edited" @ 1 { changes: Vec<Change>, }
    /// A ticket moved along its workflow, or was forced past it.
    TicketMoved = "ticket.moved" @ 1 {
        transition: Option<String>, from: String, to: String, before: Category, after: Category, reason: Option<String>,
    }
    /// A ticket was taken to another version of its workflow.
    TicketMigrated = "ticket.workflow_migrated" @ 1 {
        from: WorkflowRef, to: WorkflowRef, before: String, after: String, category_before: Category,
        category_after: Category,
    }
    /// Somebody became something to a ticket.
    ParticipantAdded = "ticket.participant_added" @ 1 { person: PersonId, relation: Relation, }
    /// Somebody ceased to be something to a ticket.
    ParticipantRemoved = "ticket.participant_removed" @ 1 { person: PersonId, relation: Relation, }
    /// A ticket was handed over by somebody who worked on it to somebody who does now.
    TicketReassigned = "ticket.reassigned" @ 1 { from: PersonId, to: PersonId, reason: String, }
    /// Tags were put on or taken off.
    TicketTagged = "ticket.tagged" @ 1 { added: Vec<TagId>, removed: Vec<TagId>, }
    /// A ticket got a sub-ticket.
    ChildAdded = "ticket.child_added" @ 1 { child: TicketId, }
    /// A ticket lost a sub-ticket.
    ChildRemoved = "ticket.child_removed" @ 1 { child: TicketId, }
    /// A ticket was linked with another one; told on both timelines, on each as seen from there.
    TicketLinked = "ticket.linked" @ 1 { other: TicketId, kind: LinkKind, }
    /// A link between a ticket and another one was taken away; told on both timelines.
    TicketUnlinked = "ticket.unlinked" @ 1 { other: TicketId, kind: LinkKind, }
    /// A ticket was deleted; it can be restored.
    TicketDeleted = "ticket.deleted" @ 1 { reason: Option<String>, }
    /// A deleted ticket was restored.
    TicketRestored = "ticket.restored" @ 1 { reason: Option<String>, }
    /// Somebody wrote an entry.
    EntryAdded = "entry.added" @ 1 { entry: EntryId, visibility: EntryVisibility, digest: String, length: u32, }
    /// An entry was edited.
    EntryEdited = "entry.edited" @ 1 {
        entry: EntryId, visibility: EntryVisibility, before: String, after: String, length: u32,
    }
    /// An entry was deleted.
    EntryDeleted = "entry.deleted" @ 1 { entry: EntryId, visibility: EntryVisibility, }
    /// A version of an approval template was published.
    TemplatePublished = "approval.template_published" @ 1 { template: TemplateRef, hash: String, }
    /// An approval was requested: its first round began.
    ApprovalRequested = "approval.requested" @ 1 {
        approval: ApprovalId, template: TemplateRef, hash: String, requested_by: Option<PersonId>,
        edited_by: Option<PersonId>,
    }
    /// The next round of an approval began, at the step `from` (its place in the template).
    RoundOpened = "approval.round_opened" @ 1 {
        approval: ApprovalId, round: u32, hash: String, because: NewRound, from: u32,
        edited_by: Option<PersonId>, requested_by: Option<PersonId>,
    }
    /// A step began; those asked are in it.
    StepOpened = "approval.step_opened" @ 1 {
        approval: ApprovalId, round: u32, index: u32, step: String, needed: Needed, asked: Vec<Asked>,
    }
    /// A step was passed over.
    StepSkipped = "approval.step_skipped" @ 1 {
        approval: ApprovalId, round: u32, index: u32, step: String, note: String,
    }
    /// A step cannot go on: nobody, or too few, can be asked.
    StepBlocked = "approval.step_blocked" @ 1 {
        approval: ApprovalId, round: u32, index: u32, step: String, note: String,
    }
    /// A step ended.
    StepEnded = "approval.step_ended" @ 1 {
        approval: ApprovalId, round: u32, index: u32, step: String, state: StepState,
    }
    /// Somebody approved, rejected, or took that back. The comment stands in the decision's row.
    ApprovalDecided = "approval.decided" @ 1 {
        approval: ApprovalId, decision: DecisionId, slot: SlotId, round: u32, step: String, verdict: Verdict,
        person: PersonId, on_behalf_of: Option<PersonId>, hash: String, comment: Option<String>,
    }
    /// Somebody asked for an opinion, or gave it. What they wrote stands in the decision's row.
    ApprovalConsulted = "approval.consulted" @ 1 {
        approval: ApprovalId, decision: DecisionId, slot: SlotId, round: u32, step: String, verdict: Verdict,
        person: PersonId, asked: Option<PersonId>, hash: String, comment: Option<String>,
    }
    /// A slot went to somebody else.
    SlotMoved = "approval.slot_moved" @ 1 {
        approval: ApprovalId, slot: SlotId, from: PersonId, to: PersonId, because: SlotMove, reason: Option<String>,
    }
    /// Whoever was asked has left, and nobody took their place.
    SlotVacated = "approval.slot_vacated" @ 1 { approval: ApprovalId, slot: SlotId, person: PersonId, }
    /// Watched fields of the ticket were edited while the approval ran.
    ApprovalEdited = "approval.edited" @ 1 {
        approval: ApprovalId, fields: Vec<Field>, hash: String, edited_by: Option<PersonId>,
    }
    /// An approval stands no longer: watched fields were edited, or somebody who gave it has left.
    ApprovalStaled = "approval.staled" @ 1 {
        approval: ApprovalId, fields: Vec<Field>, hash: String, edited_by: Option<PersonId>,
    }
    /// A round ended.
    ApprovalEnded = "approval.ended" @ 1 {
        approval: ApprovalId, round: u32, state: ApprovalState, reason: Option<String>,
    }
    /// Somebody may decide for somebody else.
    Delegated = "approval.delegated" @ 1 {
        delegation: DelegationId, principal: PersonId, delegate: PersonId, scope: Scope,
        starts_at: Option<Timestamp>, ends_at: Option<Timestamp>,
    }
    /// Somebody may no longer decide for somebody else.
    DelegationRevoked = "approval.delegation_revoked" @ 1 {
        delegation: DelegationId, principal: PersonId, delegate: PersonId,
    }
    /// An automation chain was stopped because it went over its budget (SEMANTICS, Automation).
    AutomationStopped = "automation.stopped" @ 1 { plugin: PluginId, limit: String, used: u64, allowed: u64, }
    /// A board came to be.
    BoardCreated = "board.created" @ 1 {
        board: BoardId, project: ProjectId, name: String, filter: Filter, columns: Vec<Column>,
    }
    /// A board changed; what is absent stayed.
    BoardEdited = "board.edited" @ 1 {
        board: BoardId, name: Option<String>, filter: Option<Filter>, deleted: Option<bool>,
    }
    /// A column was put on a board, to the left of another one or at the right end.
    ColumnAdded = "board.column_added" @ 1 { board: BoardId, column: Column, before: Option<ColumnId>, }
    /// A column changed, or lost states to another one; what is absent stayed.
    ColumnEdited = "board.column_edited" @ 1 {
        board: BoardId, column: ColumnId, title: Option<String>, colour: Option<String>, states: Option<Vec<String>>,
        #[serde(default, with = "double", skip_serializing_if = "Option::is_none")] limit: Option<Option<u32>>,
    }
    /// A column was moved to the left of another one, or to the right end.
    ColumnMoved = "board.column_moved" @ 1 { board: BoardId, column: ColumnId, before: Option<ColumnId>, }
    /// A column was deleted; another one shows its states now.
    ColumnDeleted = "board.column_deleted" @ 1 { board: BoardId, column: ColumnId, into: Option<ColumnId>, }
    /// A deleted column came back, without states.
    ColumnRestored = "board.column_restored" @ 1 { board: BoardId, column: ColumnId, }
    /// A card was put at another place of a board.
    CardMoved = "board.card_moved" @ 1 { board: BoardId, ticket: TicketId, column: ColumnId, rank: String, }
}

impl Event {
    /// Whether only staff may see it.
    pub fn internal(&self) -> bool {
        match self {
            Self::EntryAdded(EntryAdded { visibility, .. })
            | Self::EntryEdited(EntryEdited { visibility, .. })
            | Self::EntryDeleted(EntryDeleted { visibility, .. }) => *visibility == EntryVisibility::Internal,
            // What approvers ask each other is theirs and the desk's.
            Self::AutomationStopped(_) | Self::ApprovalConsulted(_) => true,
            Self::TenantRegistered(_)
            | Self::TenantEdited(_)
            | Self::ProjectCreated(_)
            | Self::ProjectEdited(_)
            | Self::PersonAdded(_)
            | Self::PersonEdited(_)
            | Self::GroupCreated(_)
            | Self::GroupEdited(_)
            | Self::MemberAdded(_)
            | Self::MemberRemoved(_)
            | Self::RoleGranted(_)
            | Self::RoleRevoked(_)
            | Self::RoleDefined(_)
            | Self::RoleEdited(_)
            | Self::RoleDeleted(_)
            | Self::WorkflowPublished(_)
            | Self::TagDefined(_)
            | Self::TagEdited(_)
            | Self::PluginInstalled(_)
            | Self::PluginRemoved(_)
            | Self::TicketCreated(_)
            | Self::TicketEdited(_)
            | Self::TicketMoved(_)
            | Self::TicketMigrated(_)
            | Self::ParticipantAdded(_)
            | Self::ParticipantRemoved(_)
            | Self::TicketReassigned(_)
            | Self::TicketTagged(_)
            | Self::ChildAdded(_)
            | Self::ChildRemoved(_)
            | Self::TicketLinked(_)
            | Self::TicketUnlinked(_)
            | Self::TicketDeleted(_)
            | Self::TemplatePublished(_)
            | Self::ApprovalRequested(_)
            | Self::RoundOpened(_)
            | Self::StepOpened(_)
            | Self::StepSkipped(_)
            | Self::StepBlocked(_)
            | Self::StepEnded(_)
            | Self::ApprovalDecided(_)
            | Self::SlotMoved(_)
            | Self::SlotVacated(_)
            | Self::ApprovalEdited(_)
            | Self::ApprovalStaled(_)
            | Self::ApprovalEnded(_)
            | Self::Delegated(_)
            | Self::DelegationRevoked(_)
            | Self::TicketRestored(_)
            | Self::BoardCreated(_)
            | Self::BoardEdited(_)
            | Self::ColumnAdded(_)
            | Self::ColumnEdited(_)
            | Self::ColumnMoved(_)
            | Self::ColumnDeleted(_)
            | Self::ColumnRestored(_)
            | Self::CardMoved(_) => false,
            // What we cannot read we show to nobody but staff.
            Self::Foreign(_) => true,
        }
    }

    /// The fields of the ticket it changed, before and after.
    pub fn changes(&self) -> Vec<Change> {
        let one = |field, before: Value, after: Value| vec![Change { field, before, after }];
        let relation = |relation: Relation| match relation {
            Relation::Reporter => Field::Reporter,
            Relation::Requester => Field::Requester,
            Relation::Assignee => Field::Assignees,
            Relation::Watcher => Field::Watchers,
            Relation::Approver => Field::Approvers,
            Relation::Member => Field::Members,
        };
        match self {
            Self::TicketEdited(e) => e.changes.iter().map(about::shown).collect(),
            Self::TicketMoved(e) => one(Field::State, Value::Text(e.from.clone()), Value::Text(e.to.clone())),
            Self::TicketMigrated(e) if e.before == e.after => vec![],
            Self::TicketMigrated(e) => one(Field::State, Value::Text(e.before.clone()), Value::Text(e.after.clone())),
            Self::ParticipantAdded(e) => one(relation(e.relation), Value::Null, Value::text(Some(e.person))),
            Self::ParticipantRemoved(e) => one(relation(e.relation), Value::text(Some(e.person)), Value::Null),
            Self::TicketReassigned(e) => one(Field::Assignees, Value::text(Some(e.from)), Value::text(Some(e.to))),
            Self::TicketTagged(e) => {
                let texts = |tags: &[TagId]| Value::Texts(tags.iter().map(TagId::to_string).collect());
                one(Field::Tags, texts(&e.removed), texts(&e.added))
            }
            Self::TicketDeleted(_) => one(Field::Deleted, Value::Bool(false), Value::Bool(true)),
            Self::TicketRestored(_) => one(Field::Deleted, Value::Bool(true), Value::Bool(false)),
            Self::TicketCreated(e) => {
                let change = |field, after| Change { field, before: Value::Null, after };
                vec![
                    change(Field::State, Value::Text(e.state.clone())),
                    change(Field::Type, e.r#type.as_str().into()),
                    change(Field::Priority, e.priority.as_str().into()),
                    change(Field::Title, Value::Digest { digest: e.title.clone() }),
                ]
            }
            Self::TenantRegistered(_)
            | Self::TenantEdited(_)
            | Self::ProjectCreated(_)
            | Self::ProjectEdited(_)
            | Self::PersonAdded(_)
            | Self::PersonEdited(_)
            | Self::GroupCreated(_)
            | Self::GroupEdited(_)
            | Self::MemberAdded(_)
            | Self::MemberRemoved(_)
            | Self::RoleGranted(_)
            | Self::RoleRevoked(_)
            | Self::RoleDefined(_)
            | Self::RoleEdited(_)
            | Self::RoleDeleted(_)
            | Self::WorkflowPublished(_)
            | Self::TagDefined(_)
            | Self::TagEdited(_)
            | Self::PluginInstalled(_)
            | Self::PluginRemoved(_)
            | Self::ChildAdded(_)
            | Self::ChildRemoved(_)
            | Self::TicketLinked(_)
            | Self::TicketUnlinked(_)
            | Self::EntryAdded(_)
            | Self::EntryEdited(_)
            | Self::EntryDeleted(_)
            | Self::TemplatePublished(_)
            | Self::ApprovalRequested(_)
            | Self::RoundOpened(_)
            | Self::StepOpened(_)
            | Self::StepSkipped(_)
            | Self::StepBlocked(_)
            | Self::StepEnded(_)
            | Self::ApprovalDecided(_)
            | Self::SlotMoved(_)
            | Self::SlotVacated(_)
            | Self::ApprovalEdited(_)
            | Self::ApprovalStaled(_)
            | Self::ApprovalEnded(_)
            | Self::Delegated(_)
            | Self::DelegationRevoked(_)
            | Self::ApprovalConsulted(_)
            | Self::AutomationStopped(_)
            | Self::BoardCreated(_)
            | Self::BoardEdited(_)
            | Self::ColumnAdded(_)
            | Self::ColumnEdited(_)
            | Self::ColumnMoved(_)
            | Self::ColumnDeleted(_)
            | Self::ColumnRestored(_)
            | Self::CardMoved(_)
            | Self::Foreign(_) => vec![],
        }
    }
}
