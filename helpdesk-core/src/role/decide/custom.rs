//! Roles of the tenant's own: defining, changing and deleting them.
//!
//! A role can be granted on any scope, so whoever makes or changes one must hold all that it allows (and allowed) in the
//! whole tenant, beside `role.grant`.

use super::super::key::{CustomRole, RoleKey};
use super::super::model::{Permission, Permissions, Role};
use super::lacking;
use crate::command::{DefineRole, DeleteRole, EditRole};
use crate::error::{Fault, Refusal};
use crate::event::{RoleDefined, RoleDeleted, RoleEdited, Subject};
use crate::org::decide::{check_name, configure, need};
use crate::scene::{Ctx, Decision, Scene};
use crate::store::Row;
use crate::text::fold;

/// Most characters of a role's name.
const NAME_MAX: usize = 60;

fn may_name(ctx: &Ctx<'_>, permissions: Permissions) -> Result<(), Refusal> {
    need(ctx, Permission::RoleGrant)?;
    lacking(ctx.access.everywhere(), permissions)
}

/// Names are told apart without regard to case, built-in roles' included.
fn taken(scene: &Scene, name: &str, own: Option<&RoleKey>) -> bool {
    let name = fold(name);
    let built_in = Role::ALL.iter().any(|role| role.as_str() == name);
    built_in || scene.config.roles.values().any(|role| Some(&role.key) != own && fold(&role.name) == name)
}

fn check(name: &str) -> Result<(), Refusal> {
    let mut faults = Vec::new();
    check_name("name", name, NAME_MAX, &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(faults)) }
}

/// The role, which must be one of the tenant's own.
fn own<'a>(scene: &'a Scene, key: &RoleKey, ctx: &Ctx<'_>) -> Result<&'a CustomRole, Refusal> {
    need(ctx, Permission::RoleGrant)?;
    if key.built_in().is_some() {
        return Err(Refusal::invalid("role", format!("`{key}` is built in and never changes; define one of your own")));
    }
    let role = scene.config.roles.get(key).ok_or_else(|| Refusal::not_found("role", key))?;
    may_name(ctx, role.permissions)?;
    Ok(role)
}

/// Defines a role.
pub fn define(scene: &Scene, ask: &DefineRole, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    may_name(ctx, ask.permissions)?;
    let key: RoleKey = ask
        .key
        .parse()
        .map_err(|bad: crate::role::BadRoleKey| Refusal::Invalid(vec![Fault::new("key", bad.to_string())]))?;
    check(&ask.name)?;
    if key.built_in().is_some() || scene.config.roles.contains_key(&key) || taken(scene, &ask.name, None) {
        return Err(Refusal::Taken { noun: "role", given: ask.key.clone() });
    }
    let role = CustomRole {
        tenant: scene.tenant,
        key: key.clone(),
        name: ask.name.clone(),
        permissions: ask.permissions,
        version: 1,
        created_by: ctx.by.clone(),
        created_at: ctx.at,
    };
    let event = RoleDefined { role: key.clone(), name: role.name.clone(), permissions: role.permissions };
    Ok(configure(Subject::Role(key.clone()), event, None, Some(Row::Role(role))).made(key))
}

/// Changes a role.
pub fn edit(scene: &Scene, ask: &EditRole, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = own(scene, &ask.role, ctx)?;
    may_name(ctx, ask.permissions.unwrap_or_default())?;
    if let Some(name) = &ask.name {
        check(name)?;
        if taken(scene, name, Some(&old.key)) {
            return Err(Refusal::Taken { noun: "role", given: name.clone() });
        }
    }
    let event = RoleEdited {
        role: old.key.clone(),
        name: ask.name.clone().filter(|name| *name != old.name),
        permissions: ask.permissions.filter(|permissions| *permissions != old.permissions),
    };
    if event.name.is_none() && event.permissions.is_none() {
        return Ok(Decision::default());
    }
    let new = CustomRole {
        name: event.name.clone().unwrap_or_else(|| old.name.clone()),
        permissions: event.permissions.unwrap_or(old.permissions),
        version: old.version + 1,
        ..old.clone()
    };
    let subject = Subject::Role(old.key.clone());
    Ok(configure(subject, event, Some(Row::Role(old.clone())), Some(Row::Role(new))))
}

/// Deletes a role that nobody holds.
pub fn delete(scene: &Scene, ask: &DeleteRole, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = own(scene, &ask.role, ctx)?;
    if scene.role_until.is_some_and(|end| end > ctx.now) {
        let by = "somebody still holds it; revoke its grants first";
        return Err(Refusal::InUse { noun: "role", given: old.key.to_string(), by });
    }
    let event = RoleDeleted { role: old.key.clone() };
    Ok(configure(Subject::Role(old.key.clone()), event, Some(Row::Role(old.clone())), None))
}
