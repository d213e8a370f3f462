//! An actor's compiled grants: one predicate of visibility, as a check ([`Access::on`]) and as a filter
//! ([`Access::visible`]). The filters stand in `sight`; a law holds both equal over generated worlds.

mod sight;

use std::collections::BTreeMap;

use super::model::{Grant, Permission, Permissions, Scope};
use super::relation::Relations;
use crate::actor::Actor;
use crate::case::Facts;
use crate::config::TenantConfig;
use crate::filter::{Cond, Filter};
use crate::id::{GroupId, PersonId, ProjectId, TicketId};
use crate::org::{Person, PersonKind};
use crate::ticket::{Ticket, Visibility};
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
    /// By owning group: of a department and of every group below it.
    departments: BTreeMap<GroupId, Permissions>,
    companies: BTreeMap<GroupId, Permissions>,
    tickets: BTreeMap<TicketId, Permissions>,
    /// What relations give in projects that have a say of their own.
    relations: BTreeMap<ProjectId, Relations>,
    /// What the host takes away: tickets outside do not exist, and these permissions are not had.
    within: Filter,
    vetoed: Permissions,
    person: Option<PersonId>,
    staff: bool,
    /// When the first grant in it ends: compile anew from then on.
    pub until: Timestamp,
}

impl Access {
    const fn nothing() -> Self {
        Self {
            everywhere: Permissions::NONE,
            projects: BTreeMap::new(),
            departments: BTreeMap::new(),
            companies: BTreeMap::new(),
            tickets: BTreeMap::new(),
            relations: BTreeMap::new(),
            within: Filter::All,
            vetoed: Permissions::NONE,
            person: None,
            staff: false,
            until: Timestamp::NEVER,
        }
    }

    /// The host itself: everything.
    pub const fn system() -> Self {
        let mut access = Self::nothing();
        access.everywhere = Permissions::ALL;
        access.staff = true;
        access
    }

    /// Compiles `grants` (the actor's own and their groups') as they stand at `now`. An inactive or unknown person has
    /// no access at all, and no relation gives them any.
    pub fn compile(
        actor: &Actor,
        person: Option<&Person>,
        grants: &[Grant],
        config: &TenantConfig,
        now: Timestamp,
    ) -> Self {
        let mut access = Self::nothing();
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
            access.add(grant.scope, config.permissions_of(&grant.role));
        }
        access.departments = config.inherited(&access.departments);
        let own = config.projects.values().filter(|project| !project.relations.is_default());
        access.relations = own.map(|project| (project.id, project.relations.clone())).collect();
        access
    }

    /// Less than this, as the host wants it: only tickets `within`, and nothing that is `vetoed`.
    #[must_use]
    pub fn narrowed(mut self, within: Filter, vetoed: Permissions) -> Self {
        let odd = |cond: &Cond| matches!(cond, Cond::Text(_) | Cond::Parent(_));
        // What cannot be checked alike in memory and in the database shows nothing.
        self.within =
            if within.check().is_err() || within.mentions(odd) { Filter::None } else { within.bind(self.person) };
        self.vetoed = vetoed;
        self.everywhere = self.everywhere.without(vetoed);
        let scopes = self.projects.values_mut().chain(self.departments.values_mut());
        for there in scopes.chain(self.companies.values_mut()).chain(self.tickets.values_mut()) {
            *there = there.without(vetoed);
        }
        self
    }

    /// Whether the host lets only some tickets exist for the actor.
    pub fn is_narrowed(&self) -> bool {
        self.within != Filter::All
    }

    /// Whether the host lets the ticket exist for the actor.
    pub fn admits<'a>(&self, of: impl Into<Facts<'a>>) -> bool {
        !self.is_narrowed() || self.within.matches(of, &[], false)
    }

    /// What the host takes away.
    pub const fn vetoed(&self) -> Permissions {
        self.vetoed
    }

    fn add(&mut self, scope: Scope, more: Permissions) {
        let there = match scope {
            Scope::Tenant => &mut self.everywhere,
            Scope::Project(id) => self.projects.entry(id).or_default(),
            Scope::Department(id) => self.departments.entry(id).or_default(),
            Scope::Company(id) => self.companies.entry(id).or_default(),
            Scope::Ticket(id) => self.tickets.entry(id).or_default(),
        };
        *there = there.with(scope.lends(more));
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

    /// What grants allow in `project` whatever the ticket: department, company and ticket grants are about tickets that
    /// exist, and give no right in a project.
    pub fn in_project(&self, project: ProjectId) -> Permissions {
        self.everywhere.with(of(&self.projects, &project))
    }

    /// What grants allow in `scope`, as far as the scope itself says where it lies: of a ticket's project, department and
    /// company only [`granted`](Self::granted) knows.
    pub fn in_scope(&self, scope: Scope) -> Permissions {
        match scope {
            Scope::Tenant => self.everywhere,
            Scope::Project(project) => self.in_project(project),
            Scope::Department(group) => self.everywhere.with(of(&self.departments, &group)),
            Scope::Company(group) => self.everywhere.with(of(&self.companies, &group)),
            Scope::Ticket(ticket) => self.everywhere.with(of(&self.tickets, &ticket)),
        }
    }

    /// What grants allow on a ticket, whether or not it can be seen: the sum over all scopes it lies in.
    pub fn granted(&self, ticket: &Ticket) -> Permissions {
        let there = |groups: &BTreeMap<GroupId, Permissions>, group: Option<GroupId>| {
            group.map_or(Permissions::NONE, |group| of(groups, &group))
        };
        self.in_project(ticket.project)
            .with(there(&self.departments, ticket.group))
            .with(there(&self.companies, ticket.company))
            .with(of(&self.tickets, &ticket.id))
    }

    /// Whether grants allow `permission` somewhere among those who run the desk: in the tenant, a project or a
    /// department. A company or a single ticket opens nothing beyond itself, neither the directory nor tickets of
    /// tenant-wide visibility.
    pub fn anywhere(&self, permission: Permission) -> bool {
        self.everywhere.has(permission)
            || self.projects.values().any(|there| there.has(permission))
            || self.departments.values().any(|there| there.has(permission))
    }

    /// Whether grants allow `permission` in any scope at all.
    pub fn somewhere(&self, permission: Permission) -> bool {
        self.anywhere(permission)
            || self.companies.values().any(|there| there.has(permission))
            || self.tickets.values().any(|there| there.has(permission))
    }

    /// Everything the actor may do on a ticket: grants in scope, if they can see it that way, and live relations.
    pub fn on<'a>(&self, of: impl Into<Facts<'a>>) -> Permissions {
        let facts = of.into();
        let Facts { ticket, people, .. } = facts;
        let granted = self.granted(ticket);
        let sees = match ticket.visibility {
            Visibility::Restricted => granted.has(Permission::RestrictedRead),
            Visibility::Project => granted.has(Permission::TicketRead),
            Visibility::Tenant => granted.has(Permission::TicketRead) || self.anywhere(Permission::TicketRead),
        };
        let mine = people.iter().filter(|p| p.until.is_none() && Some(p.person) == self.person);
        let relations = self.relations.get(&ticket.project).unwrap_or(const { &Relations::DEFAULT });
        let related = mine.fold(Permissions::NONE, |all, p| all.with(relations.of(p.relation))).without(self.vetoed);
        let read = sees && !self.vetoed.has(Permission::TicketRead) || related.has(Permission::TicketRead);
        if !read || !self.admits(facts) {
            return Permissions::NONE;
        }
        // A relation that shows the ticket lets the grants in scope count: an agent assigned to a restricted one works on it.
        let mut all = granted.with(related).with(Permissions::of(&[Permission::TicketRead]));
        if !self.staff && !granted.has(Permission::AuditRead) {
            all = all.without(Permissions::of(&[Permission::EntryInternal]));
        }
        all
    }
}

fn of<K: Ord>(scopes: &BTreeMap<K, Permissions>, scope: &K) -> Permissions {
    scopes.get(scope).copied().unwrap_or_default()
}
