//! Standing delegations: giving and taking back (FEATURES A3). Whether one holds is asked when something is decided.

use super::model::Delegation;
use crate::command::{Delegate, RevokeDelegation};
use crate::error::{Fault, Refusal};
use crate::event::{Delegated, DelegationRevoked, Subject};
use crate::id::PersonId;
use crate::org::decide::configure;
use crate::role::{Denied, Permission, Scope};
use crate::scene::{Ctx, Decision, Scene};
use crate::store::Row;

fn own_or_managed(principal: PersonId, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let own = ctx.access.person() == Some(principal);
    if own || ctx.access.everywhere().has(Permission::PeopleManage) {
        Ok(())
    } else {
        Err(Denied { needed: Permission::PeopleManage }.into())
    }
}

/// Lets somebody decide for somebody else.
pub fn delegate(scene: &Scene, ask: &Delegate, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    own_or_managed(ask.principal, ctx)?;
    let mut faults = vec![];
    for (field, id) in [("principal", ask.principal), ("delegate", ask.delegate)] {
        match scene.people.get(&id) {
            Some(person) if person.active => {}
            Some(_) => faults.push(Fault::new(field, format!("person `{id}` is inactive; choose somebody else"))),
            None => faults.push(Fault::new(field, format!("no person `{id}`; add them to the directory first"))),
        }
    }
    if ask.principal == ask.delegate {
        faults.push(Fault::new("delegate", "is the same person; choose somebody else"));
    }
    if ask.ends_at.is_some_and(|end| end <= ask.starts_at.unwrap_or(ctx.now)) {
        faults.push(Fault::new("ends_at", "is not after the beginning; give a later time"));
    }
    let known = match ask.scope {
        Scope::Tenant => true,
        Scope::Department(group) | Scope::Company(group) => scene.config.groups.contains_key(&group),
        Scope::Project(project) => scene.config.projects.contains_key(&project),
        Scope::Ticket(ticket) => scene.seen(ticket, ctx).is_ok(),
    };
    if !known {
        faults.push(Fault::new("scope", "does not exist here; name another"));
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    let row = Delegation {
        tenant: scene.tenant,
        id: ctx.mint.id(),
        principal: ask.principal,
        delegate: ask.delegate,
        scope: ask.scope,
        starts_at: ask.starts_at,
        ends_at: ask.ends_at,
        created_at: ctx.at,
        revoked_at: None,
    };
    let Delegate { principal, delegate, scope, starts_at, ends_at } = *ask;
    let event = Delegated { delegation: row.id, principal, delegate, scope, starts_at, ends_at };
    let id = row.id;
    Ok(configure(Subject::Delegation(id), event, None, Some(Row::Delegation(row))).made(id))
}

/// Takes a delegation back. What is not one's own does not exist.
pub fn revoke(scene: &Scene, ask: &RevokeDelegation, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let unknown = || Refusal::not_found("delegation", ask.delegation);
    let old = scene.delegation.as_ref().ok_or_else(unknown)?;
    let own = ctx.access.person() == Some(old.principal);
    let hidden = !own && matches!(old.scope, Scope::Ticket(ticket) if scene.seen(ticket, ctx).is_err());
    if hidden || own_or_managed(old.principal, ctx).is_err() {
        // Whoever it was given to knows of it.
        let mine = ctx.access.person() == Some(old.delegate) && !hidden;
        return Err(if mine { Denied { needed: Permission::PeopleManage }.into() } else { unknown() });
    }
    if old.revoked_at.is_some() {
        return Ok(Decision::default());
    }
    let new = Delegation { revoked_at: Some(ctx.at), ..old.clone() };
    let event = DelegationRevoked { delegation: old.id, principal: old.principal, delegate: old.delegate };
    Ok(configure(Subject::Delegation(old.id), event, Some(Row::Delegation(old.clone())), Some(Row::Delegation(new))))
}
