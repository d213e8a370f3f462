//! Granting and revoking roles. Nobody grants what they lack. Roles of the tenant's own: [`custom`].

pub mod custom;

use super::key::RoleKey;
use super::model::{Grant, Permission, Permissions, Principal, Scope};
use crate::command::{GrantRole, RevokeRole};
use crate::error::{Fault, Refusal};
use crate::event::{RoleGranted, RoleRevoked, Subject};
use crate::id::GroupId;
use crate::org::GroupKind;
use crate::org::decide::configure;
use crate::role::Denied;
use crate::scene::{Ctx, Decision, Scene};
use crate::store::Row;
use crate::ticket::decide::live;

/// What the actor holds in a scope by grants, those of the scopes around it included. A ticket they are not shown is
/// nowhere but in the tenant.
fn held(scene: &Scene, scope: Scope, ctx: &Ctx<'_>) -> Permissions {
    match scope {
        Scope::Ticket(id) => {
            scene.seen(id, ctx).map_or_else(|_| ctx.access.everywhere(), |case| ctx.access.granted(&case.ticket))
        }
        Scope::Tenant | Scope::Department(_) | Scope::Company(_) | Scope::Project(_) => ctx.access.in_scope(scope),
    }
}

/// Refuses unless the actor may grant there, and holds all that the role allows there.
fn may_grant(scene: &Scene, role: &RoleKey, scope: Scope, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let held = held(scene, scope, ctx);
    if !held.has(Permission::RoleGrant) {
        return Err(Denied { needed: Permission::RoleGrant }.into());
    }
    lacking(held, scope.lends(scene.config.permissions_of(role)))
}

/// What is wrong with a scope, if anything.
fn fault_of(scene: &Scene, scope: Scope, ctx: &Ctx<'_>) -> Option<String> {
    let of_kind = |id, kind| scene.config.groups.get(&id).is_some_and(|group| group.kind == kind);
    let (known, id) = match scope {
        Scope::Tenant => return None,
        Scope::Department(id) => (of_kind(id, GroupKind::Department), id.to_string()),
        Scope::Company(id) => (of_kind(id, GroupKind::Company), id.to_string()),
        Scope::Project(id) => {
            let known = scene.config.projects.get(&id).is_some_and(|project| project.deleted_at.is_none());
            (known, id.to_string())
        }
        Scope::Ticket(id) => (live(scene, id, ctx).is_ok(), id.to_string()),
    };
    (!known).then(|| format!("no {} `{id}`; give the id of an existing one", scope.kind()))
}

/// Refuses unless everything wanted is held.
pub(crate) fn lacking(held: Permissions, wanted: Permissions) -> Result<(), Refusal> {
    match wanted.iter().find(|permission| !held.has(*permission)) {
        Some(needed) => Err(Denied { needed }.into()),
        None => Ok(()),
    }
}

/// Grants a role.
pub fn grant(scene: &Scene, ask: &GrantRole, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    may_grant(scene, &ask.role, ask.scope, ctx)?;
    let mut faults = Vec::new();
    if ask.role.built_in().is_none() && !scene.config.roles.contains_key(&ask.role) {
        faults.push(Fault::new("role", format!("no role `{}`; define it first, or use a built-in one", ask.role)));
    }
    let known = match &ask.to {
        Principal::Person(id) => scene.people.contains_key(id),
        Principal::Group(id) => scene.config.groups.contains_key(id),
        Principal::Plugin(id) => scene.config.plugins.contains_key(id),
    };
    if !known {
        let message = format!("no {} `{}` in the tenant; add it first", ask.to.kind(), ask.to.key());
        faults.push(Fault::new("to", message));
    }
    faults.extend(fault_of(scene, ask.scope, ctx).map(|message| Fault::new("scope", message)));
    if ask.expires_at.is_some_and(|end| end <= ctx.now) {
        faults.push(Fault::new("expires_at", "lies in the past; give a later instant, or none"));
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    Ok(granted(Grant {
        tenant: scene.tenant,
        id: ctx.mint.id(),
        to: ask.to.clone(),
        role: ask.role.clone(),
        scope: ask.scope,
        expires_at: ask.expires_at,
        granted_by: ctx.by.clone(),
        granted_at: ctx.at,
    }))
}

/// The event and row of a grant.
pub(crate) fn granted(grant: Grant) -> Decision {
    let event = RoleGranted {
        grant: grant.id,
        to: grant.to.clone(),
        role: grant.role.clone(),
        scope: grant.scope,
        expires_at: grant.expires_at,
    };
    let id = grant.id;
    configure(Subject::Grant(id), event, None, Some(Row::Grant(grant))).made(id)
}

/// Takes a grant back.
pub fn revoke(scene: &Scene, ask: &RevokeRole, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let unknown = || Refusal::not_found("grant", ask.grant);
    let old = scene.grant.as_ref().filter(|grant| grant.id == ask.grant).ok_or_else(unknown)?;
    // Nor is one on a ticket that is not shown to them.
    let hidden = matches!(old.scope, Scope::Ticket(ticket) if scene.seen(ticket, ctx).is_err());
    if hidden || !ctx.access.somewhere(Permission::RoleGrant) {
        return Err(unknown());
    }
    may_grant(scene, &old.role, old.scope, ctx)?;
    let event = RoleRevoked { grant: old.id, to: old.to.clone(), role: old.role.clone(), scope: old.scope };
    Ok(configure(Subject::Grant(old.id), event, Some(Row::Grant(old.clone())), None))
}

/// Refuses to move a group below departments on which more was granted than the actor holds on the group: its tickets
/// come into their reach, and moving would be granting.
pub(crate) fn may_put_below(scene: &Scene, group: GroupId, parent: GroupId, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let config = &scene.config;
    let reached = |scope| match scope {
        Scope::Department(id) => {
            config.lineage(parent).any(|above| above == id) && !config.lineage(group).any(|above| above == id)
        }
        Scope::Tenant | Scope::Company(_) | Scope::Project(_) | Scope::Ticket(_) => false,
    };
    let held = held(scene, Scope::Department(group), ctx);
    let grants = scene.group_grants.iter().filter(|grant| reached(grant.scope));
    grants.map(|grant| config.permissions_of(&grant.role)).try_for_each(|wanted| lacking(held, wanted))
}

/// Refuses to let people into a group that was granted more than the actor holds: joining would be granting.
pub(crate) fn may_join(scene: &Scene, group: GroupId, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let grants = scene.group_grants.iter().filter(|grant| grant.to == Principal::Group(group));
    for grant in grants {
        lacking(held(scene, grant.scope, ctx), grant.scope.lends(scene.config.permissions_of(&grant.role)))?;
    }
    Ok(())
}
