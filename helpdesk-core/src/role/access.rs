//! An actor's compiled grants: one predicate of visibility, as a check and as a filter.

use std::collections::BTreeMap;

use super::model::{Grant, Permission, Permissions, Scope, relation_permissions};
use crate::actor::Actor;
use crate::filter::{Cond, Filter};
use crate::id::{PersonId, ProjectId};
use crate::org::{Person, PersonKind};
use crate::ticket::{Participant, Relation, Ticket, Visibility};
use crate::time::Timestamp;

/// Why an actor may not do something they can see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this needs the permission `{needed}` here; ask for a role that has it")]
pub struct Denied {
    /// The missing permission.
    pub needed: Permission,
}

/// What an actor may do in their tenant, compiled from grants and memberships at one policy epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    everywhere: Permissions,
    projects: BTreeMap<ProjectId, Permissions>,
    person: Option<PersonId>,
    staff: bool,
    /// When the first grant in it ends: compile anew from then on.
    pub until: Timestamp,
}

impl Access {
    /// The host itself: everything.
    pub const fn system() -> Self {
        Self {
            everywhere: Permissions::ALL,
            projects: BTreeMap::new(),
            person: None,
            staff: true,
            until: Timestamp::NEVER,
        }
    }

    /// Compiles `grants` (the actor's own and their groups') as they stand at `now`. An inactive or unknown person has
    /// no access at all, and no relation gives them any.
    pub fn compile(actor: &Actor, person: Option<&Person>, grants: &[Grant], now: Timestamp) -> Self {
        let mut access = Self {
            everywhere: Permissions::NONE,
            projects: BTreeMap::new(),
            person: None,
            staff: false,
            until: Timestamp::NEVER,
        };
        match actor {
            Actor::System(_) => return Self::system(),
            Actor::Person(..) | Actor::Service(..) => match person.filter(|person| person.active) {
                None => return access,
                Some(person) => {
                    access.person = Some(person.id);
                    access.staff = matches!(person.kind, PersonKind::Staff | PersonKind::Service);
                }
            },
            Actor::Plugin(..) => access.staff = true,
        }
        for grant in grants {
            match grant.expires_at {
                Some(end) if end <= now => continue,
                Some(end) => access.until = access.until.min(end),
                None => {}
            }
            let more = grant.role.permissions();
            match grant.scope {
                Scope::Tenant => access.everywhere = access.everywhere.with(more),
                Scope::Project(project) => {
                    let there = access.projects.entry(project).or_default();
                    *there = there.with(more);
                }
            }
        }
        access
    }

    /// The person, when the actor is an active one.
    pub const fn person(&self) -> Option<PersonId> {
        self.person
    }

    /// Whether the actor belongs to the desk rather than to its clients.
    pub const fn staff(&self) -> bool {
        self.staff
    }

    /// What grants allow in the whole tenant.
    pub const fn everywhere(&self) -> Permissions {
        self.everywhere
    }

    /// What grants allow in `project`.
    pub fn in_project(&self, project: ProjectId) -> Permissions {
        self.projects.get(&project).map_or(self.everywhere, |there| self.everywhere.with(*there))
    }

    /// What grants allow in `scope`.
    pub fn in_scope(&self, scope: Scope) -> Permissions {
        match scope {
            Scope::Tenant => self.everywhere,
            Scope::Project(project) => self.in_project(project),
        }
    }

    /// Whether grants allow `permission` somewhere.
    pub fn anywhere(&self, permission: Permission) -> bool {
        self.everywhere.has(permission) || self.projects.values().any(|there| there.has(permission))
    }

    /// Everything the actor may do on a ticket: grants in scope, if they can see it that way, and live relations.
    pub fn on(&self, ticket: &Ticket, participants: &[Participant]) -> Permissions {
        let granted = self.in_project(ticket.project);
        let sees = match ticket.visibility {
            Visibility::Restricted => granted.has(Permission::RestrictedRead),
            Visibility::Project => granted.has(Permission::TicketRead),
            Visibility::Tenant => self.anywhere(Permission::TicketRead),
        };
        let mut all = if sees { granted.with(Permissions::of(&[Permission::TicketRead])) } else { Permissions::NONE };
        let mine = participants.iter().filter(|p| p.until.is_none() && Some(p.person) == self.person);
        for participant in mine {
            // A relation lets the grants in scope count again: an agent assigned to a restricted ticket works on it.
            all = all.with(granted).with(relation_permissions(participant.relation));
        }
        if !all.has(Permission::TicketRead) {
            return Permissions::NONE;
        }
        if !self.staff && !granted.has(Permission::AuditRead) {
            all = without(all, Permission::EntryInternal);
        }
        all
    }

    /// Where the actor may read internal entries: everywhere (`None`) or in these projects only.
    pub fn internal(&self) -> Option<Vec<ProjectId>> {
        let reads =
            |may: Permissions| may.has(Permission::EntryInternal) && (self.staff || may.has(Permission::AuditRead));
        if reads(self.everywhere) {
            return None;
        }
        Some(self.projects.keys().copied().filter(|project| reads(self.in_project(*project))).collect())
    }

    /// The tickets whose deletion the actor could undo, as a filter.
    pub fn undeletable(&self) -> Filter {
        if self.everywhere.has(Permission::TicketDelete) {
            return Filter::All;
        }
        let there = self.projects.iter().filter(|(_, may)| may.has(Permission::TicketDelete));
        let there: Vec<ProjectId> = there.map(|(project, _)| *project).collect();
        if there.is_empty() { Filter::None } else { Cond::Project(there).into() }
    }

    /// The tickets the actor may see, as a filter: the same predicate as [`on`](Self::on).
    pub fn visible(&self) -> Filter {
        if self.everywhere.has(Permission::TicketRead) && self.everywhere.has(Permission::RestrictedRead) {
            return Filter::All;
        }
        let readable = |permission| -> Filter {
            if self.everywhere.has(permission) {
                return Filter::All;
            }
            let there: Vec<ProjectId> =
                self.projects.iter().filter(|(_, may)| may.has(permission)).map(|(project, _)| *project).collect();
            if there.is_empty() { Filter::None } else { Cond::Project(there).into() }
        };
        let seen_as = |visibility| Filter::from(Cond::Visibility(vec![visibility]));
        let mut any = vec![
            readable(Permission::TicketRead).and(seen_as(Visibility::Project)),
            readable(Permission::RestrictedRead).and(seen_as(Visibility::Restricted)),
        ];
        if self.anywhere(Permission::TicketRead) {
            any.push(seen_as(Visibility::Tenant));
        }
        if let Some(person) = self.person {
            any.push(Cond::Related { people: vec![person], relations: Relation::ALL.to_vec() }.into());
        }
        Filter::any(any)
    }
}

fn without(all: Permissions, permission: Permission) -> Permissions {
    all.iter()
        .filter(|each| *each != permission)
        .fold(Permissions::NONE, |sum, each| sum.with(Permissions::of(&[each])))
}
