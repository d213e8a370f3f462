//! The columns of every table: how each row image is written and read, once for both databases.

use uuid::Uuid;

use super::column::{Column, Kind, Seen, Val};
use crate::id::{GroupId, PersonId, ProjectId};
use crate::org::{Group, Installation, Membership, Person, Project, Tenant};
use crate::role::{CustomRole, Grant, Permissions, Principal, Relations, RoleKey, Scope};
use crate::store::{Kv, Row, RunRecord, StoreError};
use crate::text::fold;
use crate::ticket::{Entry, Link, LinkKind, Participant, Revision, SearchDoc, Tag, Tagging, TicketText};
use crate::workflow::Published;

/// A table: its name, its columns in order, how many of the first are the key, the column that counts versions, and how
/// many of the last are derived from others, written and never read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
    pub(crate) key: usize,
    pub(crate) version: Option<usize>,
    pub(crate) derived: usize,
    /// Columns that often change together, as bits.
    pub(crate) families: &'static [u64],
}

impl Table {
    /// `mask` with the whole of each family it touches: where a statement is planned for each set of columns, and every
    /// connection plans it several times, few sets serve better than exact ones.
    pub(crate) fn widened(&self, mask: u64) -> u64 {
        self.families.iter().filter(|family| *family & mask != 0).fold(mask, |mask, family| mask | family)
    }

    /// The columns that are read.
    pub(crate) fn read(&self) -> &'static [(&'static str, Kind)] {
        &self.columns[..self.columns.len() - self.derived]
    }
}

/// A struct that is the image of a row.
pub(crate) trait Image: Sized {
    const TABLE: Table;
    fn values(&self) -> Vec<Val>;
    /// Reads the values of the columns, in order; those derived from others come last and are not read.
    fn read<'a>(values: &mut impl Iterator<Item = Seen<'a>>) -> Result<Self, StoreError>;
}

const fn version_of(columns: &[(&'static str, Kind)]) -> Option<usize> {
    let mut i = 0;
    while i < columns.len() {
        if matches!(columns[i].0.as_bytes(), b"version") {
            return Some(i);
        }
        i += 1;
    }
    None
}

pub(super) fn next<'a, T: Column>(values: &mut impl Iterator<Item = Seen<'a>>) -> Result<T, StoreError> {
    T::get(values.next().ok_or_else(|| StoreError::Defect("a row has too few columns".into()))?)
}

macro_rules! images {
    ($($type:ident in $table:literal key $key:literal versioned $versioned:literal {
        $($column:literal: $ct:ty = $field:ident),* $(,)?
    })*) => {$(
        impl Image for $type {
            const TABLE: Table = {
                const COLUMNS: &[(&str, Kind)] = &[$(($column, <$ct as Column>::KIND)),*];
                Table { name: $table, columns: COLUMNS, key: $key, version: if $versioned { version_of(COLUMNS) } else { None }, derived: 0, families: &[] }
            };
            fn values(&self) -> Vec<Val> { vec![$(self.$field.put()),*] }
            fn read<'a>(values: &mut impl Iterator<Item = Seen<'a>>) -> Result<Self, StoreError> {
                $(let $field = next::<$ct>(values)?;)*
                Ok(Self { $($field),* })
            }
        }
    )*};
}

use crate::actor::{Author, PluginId};
use crate::approval::{
    Approval, ApprovalDecision, ApprovalState, ApprovalStep, Delegation, Needed, PublishedTemplate, Slot, SlotState,
    StepState, TemplateRef, Verdict,
};
use crate::board::{self, Board, Card, Rank};
use crate::filter::Filter;
use crate::id::{
    ApprovalId, BoardId, DecisionId, DelegationId, EntryId, JobId, Salt, SlotId, TagId, TenantId, TicketId,
};
use crate::org::{GroupKind, PersonKind};
use crate::ticket::{EntryVisibility, Relation, Visibility};
use crate::time::Timestamp;

images! {
    Tenant in "hd_tenant" key 1 versioned true {
        "tenant_id": TenantId = id, "key": String = key, "name": String = name, "suspended": bool = suspended,
        "version": i64 = version, "created_at": Timestamp = created_at,
    }
    Project in "hd_project" key 2 versioned true {
        "tenant_id": TenantId = tenant, "id": ProjectId = id, "key": String = key, "name": String = name,
        "lead": Option<PersonId> = lead, "workflow": String = workflow, "visibility": Visibility = visibility,
        "version": i64 = version, "created_at": Timestamp = created_at, "deleted_at": Option<Timestamp> = deleted_at,
        "relations": Relations = relations,
    }
    Membership in "hd_member" key 3 versioned false {
        "tenant_id": TenantId = tenant, "group_id": GroupId = group, "person_id": PersonId = person,
        "since": Timestamp = since,
    }
    Tag in "hd_tag" key 2 versioned true {
        "tenant_id": TenantId = tenant, "id": TagId = id, "project_id": ProjectId = project, "name": String = name,
        "description": String = description, "colour": String = colour, "version": i64 = version,
        "created_by": Author = created_by, "created_at": Timestamp = created_at,
        "deleted_at": Option<Timestamp> = deleted_at,
    }
    CustomRole in "hd_role" key 2 versioned true {
        "tenant_id": TenantId = tenant, "key": RoleKey = key, "name": String = name,
        "permissions": Permissions = permissions, "version": i64 = version, "created_by": Author = created_by,
        "created_at": Timestamp = created_at,
    }
    Installation in "hd_plugin" key 2 versioned true {
        "tenant_id": TenantId = tenant, "plugin": PluginId = plugin, "digest": String = digest,
        "manifest": String = manifest, "granted": String = granted, "config": String = config,
        "enabled": bool = enabled, "version": i64 = version, "created_at": Timestamp = created_at,
    }
    Published in "hd_workflow" key 3 versioned false {
        "tenant_id": TenantId = tenant, "key": String = key, "version": u32 = version, "hash": String = hash,
        "definition": String = definition, "published_by": Author = by, "published_at": Timestamp = at,
    }
    TicketText in "hd_ticket_text" key 2 versioned false {
        "tenant_id": TenantId = tenant, "ticket_id": TicketId = ticket, "description": String = description,
        "salt": Salt = salt,
    }
    Participant in "hd_participant" key 5 versioned false {
        "tenant_id": TenantId = tenant, "ticket_id": TicketId = ticket, "person_id": PersonId = person,
        "relation": Relation = relation, "joined": i64 = joined, "since": Timestamp = since, "until": Option<Timestamp> = until,
    }
    Tagging in "hd_ticket_tag" key 3 versioned false {
        "tenant_id": TenantId = tenant, "ticket_id": TicketId = ticket, "tag_id": TagId = tag,
        "tagged_by": Author = by, "tagged_at": Timestamp = at,
    }
    Link in "hd_link" key 4 versioned false {
        "tenant_id": TenantId = tenant, "source": TicketId = source, "target": TicketId = target, "kind": LinkKind = kind,
        "linked_by": Author = by, "linked_at": Timestamp = at,
    }
    Entry in "hd_entry" key 3 versioned true {
        "tenant_id": TenantId = tenant, "ticket_id": TicketId = ticket, "id": EntryId = id, "author": Author = author,
        "visibility": EntryVisibility = visibility, "body": String = body, "salt": Salt = salt,
        "version": i64 = version, "created_at": Timestamp = created_at, "edited_at": Option<Timestamp> = edited_at,
        "deleted_at": Option<Timestamp> = deleted_at,
    }
    Revision in "hd_revision" key 4 versioned false {
        "tenant_id": TenantId = tenant, "ticket_id": TicketId = ticket, "of": String = of, "version": i64 = version,
        "before": String = before, "salt": Salt = salt,
    }
    Board in "hd_board" key 2 versioned true {
        "tenant_id": TenantId = tenant, "id": BoardId = id, "project_id": ProjectId = project, "name": String = name,
        "filter": Filter = filter, "columns": Vec<board::Column> = columns, "version": i64 = version,
        "created_by": Author = created_by, "created_at": Timestamp = created_at,
        "deleted_at": Option<Timestamp> = deleted_at,
    }
    Card in "hd_card" key 3 versioned true {
        "tenant_id": TenantId = tenant, "board_id": BoardId = board, "ticket_id": TicketId = ticket,
        "rank": Rank = rank, "version": i64 = version,
    }
    Kv in "hd_kv" key 3 versioned true {
        "tenant_id": TenantId = tenant, "plugin": String = plugin, "key": String = key, "value": Vec<u8> = value,
        "version": i64 = version, "expires_at": Option<Timestamp> = expires_at,
    }
    PublishedTemplate in "hd_template" key 3 versioned false {
        "tenant_id": TenantId = tenant, "key": String = key, "version": u32 = version, "hash": String = hash,
        "definition": String = definition, "published_by": Author = by, "published_at": Timestamp = at,
    }
    Approval in "hd_approval" key 3 versioned false {
        "tenant_id": TenantId = tenant, "ticket_id": TicketId = ticket, "id": ApprovalId = id, "number": u32 = number,
        "template": TemplateRef = template, "round": u32 = round, "state": ApprovalState = state, "hash": String = hash,
        "requested_by": Option<PersonId> = requested_by, "edited_by": Option<PersonId> = edited_by,
        "requested_at": Timestamp = requested_at, "ended_at": Option<Timestamp> = ended_at,
        "resubmitted_by": Option<PersonId> = resubmitted_by,
    }
    ApprovalStep in "hd_approval_step" key 5 versioned false {
        "tenant_id": TenantId = tenant, "ticket_id": TicketId = ticket, "approval_id": ApprovalId = approval,
        "round": u32 = round, "position": u32 = index, "key": String = key, "state": StepState = state,
        "needed": Option<Needed> = needed, "note": String = note, "opened_at": Timestamp = opened_at,
        "ended_at": Option<Timestamp> = ended_at,
    }
    Slot in "hd_approval_slot" key 3 versioned false {
        "tenant_id": TenantId = tenant, "ticket_id": TicketId = ticket, "id": SlotId = id, "number": u32 = number,
        "approval_id": ApprovalId = approval, "round": u32 = round, "position": u32 = index,
        "person_id": PersonId = person, "group_ids": Vec<GroupId> = groups, "via": String = via,
        "state": SlotState = state, "consulted": Option<PersonId> = consulted, "turn": u32 = turn,
        "carried": bool = carried, "opened_at": Timestamp = opened_at, "ended_at": Option<Timestamp> = ended_at,
    }
    ApprovalDecision in "hd_approval_decision" key 3 versioned false {
        "tenant_id": TenantId = tenant, "ticket_id": TicketId = ticket, "id": DecisionId = id, "number": u32 = number,
        "approval_id": ApprovalId = approval, "slot_id": SlotId = slot, "round": u32 = round,
        "verdict": Verdict = verdict, "person_id": PersonId = person, "on_behalf_of": Option<PersonId> = on_behalf_of,
        "comment": String = comment, "salt": Salt = salt, "hash": String = hash, "at": Timestamp = at,
    }
    Delegation in "hd_delegation" key 2 versioned false {
        "tenant_id": TenantId = tenant, "id": DelegationId = id, "principal": PersonId = principal,
        "delegate": PersonId = delegate, "scope": Scope = scope, "starts_at": Option<Timestamp> = starts_at,
        "ends_at": Option<Timestamp> = ends_at, "created_at": Timestamp = created_at,
        "revoked_at": Option<Timestamp> = revoked_at,
    }
    RunRecord in "hd_run" key 2 versioned false {
        "tenant_id": TenantId = tenant, "id": JobId = id, "plugin": String = plugin, "event": String = event,
        "outcome": String = outcome, "message": String = message, "effects": i32 = effects, "fuel": i64 = fuel,
        "micros": i64 = micros, "at": Timestamp = at,
    }
}

impl Image for Person {
    const TABLE: Table = Table {
        name: "hd_person",
        columns: &[
            ("tenant_id", Kind::Uuid),
            ("id", Kind::Uuid),
            ("external", Kind::Text),
            ("kind", Kind::Text),
            ("name", Kind::Text),
            ("email", Kind::Text),
            ("phone", Kind::Text),
            ("title", Kind::Text),
            ("active", Kind::Bool),
            ("version", Kind::Int),
            ("created_at", Kind::Int),
            ("updated_at", Kind::Int),
            ("manager", Kind::Uuid),
            ("skills", Kind::Text),
            // Name and address folded, for search: the databases' own folding disagrees.
            ("folded", Kind::Text),
        ],
        key: 2,
        version: Some(9),
        derived: 1,
        families: &[],
    };
    fn values(&self) -> Vec<Val> {
        vec![
            self.tenant.put(),
            self.id.put(),
            self.external.put(),
            self.kind.put(),
            self.name.put(),
            self.email.put(),
            self.phone.put(),
            self.title.put(),
            self.active.put(),
            self.version.put(),
            self.created_at.put(),
            self.updated_at.put(),
            self.manager.put(),
            self.skills.put(),
            fold(&format!("{} {}", self.name, self.email)).put(),
        ]
    }
    fn read<'a>(v: &mut impl Iterator<Item = Seen<'a>>) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: next(v)?,
            id: next(v)?,
            external: next(v)?,
            kind: next::<PersonKind>(v)?,
            name: next(v)?,
            email: next(v)?,
            phone: next(v)?,
            title: next(v)?,
            active: next(v)?,
            version: next(v)?,
            created_at: next(v)?,
            updated_at: next(v)?,
            manager: next(v)?,
            skills: next(v)?,
        })
    }
}

impl Image for Group {
    const TABLE: Table = Table {
        name: "hd_group",
        columns: &[
            ("tenant_id", Kind::Uuid),
            ("id", Kind::Uuid),
            ("kind", Kind::Text),
            ("name", Kind::Text),
            ("parent", Kind::Uuid),
            ("version", Kind::Int),
            ("created_at", Kind::Int),
            ("head", Kind::Uuid),
            // Unique per tenant.
            ("folded", Kind::Text),
        ],
        key: 2,
        version: Some(5),
        derived: 1,
        families: &[],
    };
    fn values(&self) -> Vec<Val> {
        vec![
            self.tenant.put(),
            self.id.put(),
            self.kind.put(),
            self.name.put(),
            self.parent.put(),
            self.version.put(),
            self.created_at.put(),
            self.head.put(),
            fold(&self.name).put(),
        ]
    }
    fn read<'a>(v: &mut impl Iterator<Item = Seen<'a>>) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: next(v)?,
            id: next(v)?,
            kind: next::<GroupKind>(v)?,
            name: next(v)?,
            parent: next(v)?,
            version: next(v)?,
            created_at: next(v)?,
            head: next(v)?,
        })
    }
}

impl Image for Grant {
    const TABLE: Table = Table {
        name: "hd_grant",
        columns: &[
            ("tenant_id", Kind::Uuid),
            ("id", Kind::Uuid),
            ("principal_kind", Kind::Text),
            ("principal", Kind::Text),
            ("role", Kind::Text),
            ("scope_kind", Kind::Text),
            ("scope_id", Kind::Uuid),
            ("expires_at", Kind::Int),
            ("granted_by", Kind::Text),
            ("granted_at", Kind::Int),
        ],
        key: 2,
        version: None,
        derived: 0,
        families: &[],
    };
    fn values(&self) -> Vec<Val> {
        let scope = match self.scope {
            Scope::Tenant => Uuid::nil(),
            Scope::Department(group) | Scope::Company(group) => group.into(),
            Scope::Project(project) => project.into(),
            Scope::Ticket(ticket) => ticket.into(),
        };
        vec![
            self.tenant.put(),
            self.id.put(),
            self.to.kind().to_owned().put(),
            self.to.key().put(),
            self.role.put(),
            self.scope.kind().to_owned().put(),
            scope.put(),
            self.expires_at.put(),
            self.granted_by.put(),
            self.granted_at.put(),
        ]
    }
    fn read<'a>(v: &mut impl Iterator<Item = Seen<'a>>) -> Result<Self, StoreError> {
        let (tenant, id, kind, key) = (next(v)?, next(v)?, next::<String>(v)?, next::<String>(v)?);
        let bad = |_| super::column::odd("a principal", format!("{kind} {key}"));
        let to = match kind.as_str() {
            "person" => Principal::Person(key.parse::<PersonId>().map_err(|_| bad(()))?),
            "group" => Principal::Group(key.parse::<GroupId>().map_err(|_| bad(()))?),
            "plugin" => Principal::Plugin(key.parse::<PluginId>().map_err(|_| bad(()))?),
            _ => return Err(bad(())),
        };
        let role = next(v)?;
        let (scope, there) = (next::<String>(v)?, next::<Uuid>(v)?);
        let scope = match scope.as_str() {
            "tenant" => Scope::Tenant,
            "department" => Scope::Department(there.into()),
            "company" => Scope::Company(there.into()),
            "project" => Scope::Project(there.into()),
            "ticket" => Scope::Ticket(there.into()),
            _ => return Err(super::column::odd("a scope", scope)),
        };
        let (expires_at, granted_by, granted_at) = (next(v)?, next(v)?, next(v)?);
        Ok(Self { tenant, id, to, role, scope, expires_at, granted_by, granted_at })
    }
}

impl Image for SearchDoc {
    const TABLE: Table = Table {
        name: "hd_search",
        columns: &[
            ("tenant_id", Kind::Uuid),
            ("ticket_id", Kind::Uuid),
            ("entry_id", Kind::Uuid),
            ("internal", Kind::Bool),
            ("words", Kind::Words),
        ],
        key: 3,
        version: None,
        derived: 0,
        families: &[],
    };
    fn values(&self) -> Vec<Val> {
        vec![
            self.tenant.put(),
            self.ticket.put(),
            self.entry.put(),
            self.internal.put(),
            Val::Words(self.words.clone()),
        ]
    }
    fn read<'a>(v: &mut impl Iterator<Item = Seen<'a>>) -> Result<Self, StoreError> {
        let (tenant, ticket, entry, internal) = (next(v)?, next(v)?, next::<EntryId>(v)?, next(v)?);
        match v.next() {
            Some(Seen::Words(words)) => Ok(Self { tenant, ticket, entry, internal, words: words.to_owned() }),
            other => Err(super::column::odd("words", other)),
        }
    }
}

/// The table and the values of any row image.
pub(crate) fn of(row: &Row) -> (&'static Table, Vec<Val>) {
    fn both<T: Image>(image: &T) -> (&'static Table, Vec<Val>) {
        (const { &T::TABLE }, image.values())
    }
    match row {
        Row::Tenant(image) => both(image),
        Row::Project(image) => both(image),
        Row::Person(image) => both(image),
        Row::Group(image) => both(image),
        Row::Membership(image) => both(image),
        Row::Grant(image) => both(image),
        Row::Role(image) => both(image),
        Row::Workflow(image) => both(image),
        Row::Tag(image) => both(image),
        Row::Installation(image) => both(image),
        Row::Ticket(image) => both(image),
        Row::TicketText(image) => both(image),
        Row::Participant(image) => both(image),
        Row::Tagging(image) => both(image),
        Row::Link(image) => both(image),
        Row::Entry(image) => both(image),
        Row::Revision(image) => both(image),
        Row::SearchDoc(image) => both(image),
        Row::Kv(image) => both(image),
        Row::Run(image) => both(image),
        Row::Template(image) => both(image),
        Row::Approval(image) => both(image),
        Row::ApprovalStep(image) => both(image),
        Row::Slot(image) => both(image),
        Row::ApprovalDecision(image) => both(image),
        Row::Delegation(image) => both(image),
        Row::Board(image) => both(image),
        Row::Card(image) => both(image),
    }
}
