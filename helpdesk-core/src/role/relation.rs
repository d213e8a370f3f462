//! What being something to a ticket allows on it (FEATURES R4): the default, and what a project says instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::{Permission, Permissions};
use crate::ticket::Relation;

/// The most a relation may give in any project: seeing the ticket, working on it and writing on it. Never administration
/// (deleting, forcing, moderating, granting, managing), nor sight of anything but that ticket. Internal entries are for
/// staff whatever a relation gives.
pub const RELATION_MAX: Permissions = Permissions::of(&[
    Permission::TicketRead,
    Permission::TicketEdit,
    Permission::TicketMove,
    Permission::TicketAssign,
    Permission::TicketWatch,
    Permission::EntryWrite,
    Permission::EntryInternal,
    Permission::ApprovalRequest,
]);

/// What a relation gives where the project does not say otherwise, for as long as it lasts.
pub const fn by_default(relation: Relation) -> Permissions {
    use Permission::*;
    match relation {
        Relation::Reporter | Relation::Requester => {
            Permissions::of(&[TicketRead, EntryWrite, TicketWatch, ApprovalRequest])
        }
        Relation::Assignee => {
            Permissions::of(&[TicketRead, TicketEdit, TicketMove, TicketWatch, EntryWrite, ApprovalRequest])
        }
        Relation::Watcher | Relation::Approver | Relation::Member => {
            Permissions::of(&[TicketRead, EntryWrite, TicketWatch])
        }
    }
}

/// What relations give in a project, where that differs from the default. JSON: `{"watcher": ["ticket.read"]}`.
///
/// A relation without `ticket.read` gives no sight of the ticket: not even to the requester, nor of a restricted one to
/// its members.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Relations(BTreeMap<Relation, Permissions>);

impl Relations {
    /// Everything by default.
    pub const DEFAULT: Self = Self(BTreeMap::new());

    /// With `relation` giving exactly this.
    #[must_use]
    pub fn with(mut self, relation: Relation, permissions: Permissions) -> Self {
        self.0.insert(relation, permissions);
        self
    }
    /// Whether everything is by default.
    pub fn is_default(&self) -> bool {
        self.0.is_empty()
    }
    /// What `relation` gives.
    pub fn of(&self, relation: Relation) -> Permissions {
        let said = self.0.get(&relation).copied().unwrap_or_else(|| by_default(relation));
        // Nobody is asked about what they cannot see.
        let asked = relation == Relation::Approver;
        if asked { said.with(Permissions::of(&[Permission::TicketRead])) } else { said }
    }
    /// The relations that give `permission`.
    pub fn giving(&self, permission: Permission) -> Vec<Relation> {
        Relation::ALL.iter().copied().filter(|relation| self.of(*relation).has(permission)).collect()
    }
    /// What differs from the default, or is said again.
    pub fn said(&self) -> impl Iterator<Item = (Relation, Permissions)> {
        self.0.iter().map(|(relation, permissions)| (*relation, *permissions))
    }
    /// Everything that relations give here and do not give in `before`.
    pub fn beyond(&self, before: &Self) -> Permissions {
        let more = Relation::ALL.iter().map(|relation| self.of(*relation).without(before.of(*relation)));
        more.fold(Permissions::NONE, Permissions::with)
    }
}
