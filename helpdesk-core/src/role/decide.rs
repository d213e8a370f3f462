//! Granting and revoking roles. Nobody grants what they lack.

use super::model::{Grant, Permission, Permissions, Principal, Role, Scope};
use crate::command::{GrantRole, RevokeRole};
use crate::error::{Fault, Refusal};
use crate::event::{RoleGranted, RoleRevoked, Subject};
use crate::id::GroupId;
use crate::org::decide::configure;
use crate::role::Denied;
use crate::scene::{Ctx, Decision, Scene};
use crate::store::Row;

/// Refuses unless the actor may grant there, and holds all that the role allows.
fn may_grant(ctx: &Ctx<'_>, role: Role, scope: Scope) -> Result<(), Refusal> {
    let held = ctx.access.in_scope(scope);
    if !held.has(Permission::RoleGrant) {
        return Err(Denied { needed: Permission::RoleGrant }.into());
    }
    lacking(held, role.permissions())
}

fn lacking(held: Permissions, wanted: Permissions) -> Result<(), Refusal> {
    match wanted.iter().find(|permission| !held.has(*permission)) {
        Some(needed) => Err(Denied { needed }.into()),
        None => Ok(()),
    }
}

/// Grants a role.
pub fn grant(scene: &Scene, ask: &GrantRole, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    may_grant(ctx, ask.role, ask.scope)?;
    let mut faults = Vec::new();
    let known = match &ask.to {
        Principal::Person(id) => scene.people.contains_key(id),
        Principal::Group(id) => scene.config.groups.contains_key(id),
        Principal::Plugin(id) => scene.config.plugins.contains_key(id),
    };
    if !known {
        let message = format!("no {} `{}` in the tenant; add it first", ask.to.kind(), ask.to.key());
        faults.push(Fault::new("to", message));
    }
    if let Scope::Project(id) = ask.scope
        && scene.config.projects.get(&id).is_none_or(|project| project.deleted_at.is_some())
    {
        faults.push(Fault::new("scope", format!("no project `{id}`; give the id of an existing one")));
    }
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
        role: ask.role,
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
        role: grant.role,
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
    if !ctx.access.anywhere(Permission::RoleGrant) {
        return Err(unknown());
    }
    may_grant(ctx, old.role, old.scope)?;
    let event = RoleRevoked { grant: old.id, to: old.to.clone(), role: old.role, scope: old.scope };
    Ok(configure(Subject::Grant(old.id), event, Some(Row::Grant(old.clone())), None))
}

/// Refuses to let people into a group that was granted more than the actor holds: joining would be granting.
pub(crate) fn may_join(scene: &Scene, group: GroupId, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let grants = scene.group_grants.iter().filter(|grant| grant.to == Principal::Group(group));
    for grant in grants {
        lacking(ctx.access.in_scope(grant.scope), grant.role.permissions())?;
    }
    Ok(())
}
