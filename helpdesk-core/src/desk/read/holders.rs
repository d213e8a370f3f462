//! Who holds a role at a scope (FEATURES P4).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryFutureExt, TryStreamExt, stream};

use super::people::AT_ONCE;
use crate::actor::{Actor, PluginId};
use crate::config::TenantConfig;
use crate::desk::Desk;
use crate::error::{ActError, Refusal};
use crate::id::{GroupId, PersonId};
use crate::org::{Membership, Person};
use crate::role::{Denied, Grant, Permission, Principal, RoleKey, Scope};
use crate::store::by_id;
use crate::ticket::Ticket;

/// Everybody who holds a role at a scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holders {
    /// Active people, in order of id, with the grants through which they hold it: their own first, then their groups'.
    pub people: Vec<(Person, Vec<Grant>)>,
    /// Enabled plugins, by name.
    pub plugins: Vec<(PluginId, Vec<Grant>)>,
}

impl Desk {
    /// Who holds `role` at `scope` now: by a grant there or on a scope around it, to themselves or to a group they are in.
    ///
    /// # Errors
    /// `FORBIDDEN` without `role.grant` anywhere or `audit.read` in the tenant. `NOT_FOUND` when there is no such role,
    /// or no such scope for the viewer.
    pub async fn holders(&self, viewer: &Actor, role: &RoleKey, scope: Scope) -> Result<Holders, ActError> {
        let ticket = match scope {
            Scope::Ticket(id) => Some(self.head(viewer, id).await?.case.ticket),
            Scope::Tenant | Scope::Project(_) | Scope::Department(_) | Scope::Company(_) => None,
        };
        let (config, access) = self.fresh(viewer).await?;
        if !access.anywhere(Permission::RoleGrant) && !access.everywhere().has(Permission::AuditRead) {
            return Err(Refusal::from(Denied { needed: Permission::RoleGrant }).into());
        }
        if role.built_in().is_none() && !config.roles.contains_key(role) {
            return Err(Refusal::not_found("role", role).into());
        }
        // What the viewer is not shown of the configuration is no scope to them.
        check(&*self.config(viewer).await?, scope)?;
        let (tenant, now) = (config.tenant.id, self.clock().now());
        let mut grants = self.store().grants(tenant).await?;
        grants.retain(|grant| grant.role == *role && grant.expires_at.is_none_or(|end| end > now));
        grants.retain(|grant| holds(&config, grant.scope, scope, ticket.as_ref()));
        // Their own before those of groups.
        grants.sort_by_key(|grant| (matches!(grant.to, Principal::Group(_)), grant.id));
        let groups: BTreeSet<GroupId> = grants
            .iter()
            .filter_map(|grant| if let Principal::Group(id) = grant.to { Some(id) } else { None })
            .collect();
        let read: Vec<_> = groups
            .iter()
            .map(|group| self.store().members(tenant, *group).map_ok(move |members| (*group, members)))
            .collect();
        let members: BTreeMap<GroupId, Vec<Membership>> = stream::iter(read).buffered(AT_ONCE).try_collect().await?;
        let (mut people, mut plugins) = (BTreeMap::<PersonId, Vec<Grant>>::new(), BTreeMap::<_, Vec<Grant>>::new());
        for grant in grants {
            match &grant.to {
                Principal::Person(id) => people.entry(*id).or_default().push(grant),
                Principal::Group(id) => {
                    for member in members.get(id).into_iter().flatten() {
                        people.entry(member.person).or_default().push(grant.clone());
                    }
                }
                Principal::Plugin(id) => {
                    let installed = config.plugins.get(id).filter(|installed| installed.enabled);
                    if installed.is_some_and(|installed| grant.granted_at >= installed.created_at) {
                        plugins.entry(id.clone()).or_default().push(grant);
                    }
                }
            }
        }
        let ids: Vec<PersonId> = people.keys().copied().collect();
        let mut known = by_id(self.store().people(tenant, &ids).await?);
        known.retain(|_, person| person.active);
        if !access.anywhere(Permission::PeopleRead) {
            known.values_mut().for_each(Person::hide_particulars);
        }
        let people = people.into_iter().filter_map(|(id, grants)| Some((known.remove(&id)?, grants))).collect();
        Ok(Holders { people, plugins: plugins.into_iter().collect() })
    }
}

/// Refuses a scope that is not there. Tickets were looked at before.
fn check(config: &TenantConfig, scope: Scope) -> Result<(), Refusal> {
    match scope {
        Scope::Project(id) if !config.projects.contains_key(&id) => Err(Refusal::not_found("project", id)),
        Scope::Department(id) | Scope::Company(id) if !config.groups.contains_key(&id) => {
            Err(Refusal::not_found("group", id))
        }
        Scope::Tenant | Scope::Project(_) | Scope::Department(_) | Scope::Company(_) | Scope::Ticket(_) => Ok(()),
    }
}

/// Whether what is granted on `outer` holds all over `inner`.
fn holds(config: &TenantConfig, outer: Scope, inner: Scope, ticket: Option<&Ticket>) -> bool {
    match (outer, inner) {
        (Scope::Tenant, _) => true,
        (Scope::Department(above), Scope::Department(group)) => config.lineage(group).any(|id| id == above),
        (_, Scope::Ticket(_)) => ticket.is_some_and(|ticket| config.reaches(outer, ticket)),
        (_, Scope::Tenant | Scope::Project(_) | Scope::Department(_) | Scope::Company(_)) => outer == inner,
    }
}
