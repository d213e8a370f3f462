//! Who is asked, when a step opens: active people, each once (SEMANTICS, "Approvals": Who). What is not known of groups,
//! roles and people is left in [`Wants`](crate::workflow::effects::Wants), loaded, and decided again.

use std::collections::BTreeSet;

use super::model::Approval;
use super::template::Approver;
use crate::case::Case;
use crate::id::{GroupId, PersonId};
use crate::org::Person;
use crate::role::Principal;
use crate::scene::{Ctx, Scene};
use crate::ticket::Relation;

/// Somebody who can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligible {
    /// Who.
    pub person: PersonId,
    /// The groups through which they are.
    pub groups: Vec<GroupId>,
    /// How they were found, see [`Slot::via`](super::Slot::via).
    pub via: String,
}

/// Those who may not approve: who requested it, whom it is for, and who edited it last.
pub(crate) fn barred(case: &Case, approval: &Approval) -> BTreeSet<PersonId> {
    let asked_for = approval.requested_by.into_iter().chain(approval.resubmitted_by);
    case.who(Relation::Requester).chain(asked_for).chain(approval.edited_by).collect()
}

/// Somebody who is active; nobody, when they are not, do not exist, or have still to be looked up.
pub(crate) fn active<'a>(scene: &'a Scene, id: PersonId, ctx: &mut Ctx<'_>) -> Option<&'a Person> {
    match scene.people.get(&id) {
        Some(person) => Some(person).filter(|person| person.active),
        None => {
            if !scene.looked_for(id) {
                ctx.wants.people.insert(id);
            }
            None
        }
    }
}

/// Everyone these approvers come to, in the order in which they are named; nobody of `without`.
pub(crate) fn eligible(
    scene: &Scene,
    case: &Case,
    asks: &[Approver],
    without: &BTreeSet<PersonId>,
    ctx: &mut Ctx<'_>,
) -> Vec<Eligible> {
    let mut found: Vec<Eligible> = vec![];
    for ask in asks {
        let group = if let Approver::Group(group) = ask { Some(*group) } else { None };
        for person in people(scene, case, ask, ctx) {
            if without.contains(&person) {
                continue;
            }
            let at = match found.iter().position(|known| known.person == person) {
                Some(at) => at,
                None => {
                    found.push(Eligible { person, groups: vec![], via: String::new() });
                    found.len() - 1
                }
            };
            let known = &mut found[at];
            known.groups.extend(group.filter(|group| !known.groups.contains(group)));
            let via = named(ask);
            if !known.via.split(' ').any(|known| known == via) {
                if !known.via.is_empty() {
                    known.via.push(' ');
                }
                known.via.push_str(&via);
            }
        }
    }
    found
}

fn named(ask: &Approver) -> String {
    match ask {
        Approver::Person(_) => "person".into(),
        Approver::Group(_) => "group".into(),
        Approver::Role(role) => format!("role:{role}"),
        Approver::Relation(relation) => relation.to_string(),
        Approver::Manager => "manager".into(),
        Approver::DepartmentHead => "department_head".into(),
        Approver::ProjectLead => "project_lead".into(),
    }
}

fn people(scene: &Scene, case: &Case, ask: &Approver, ctx: &mut Ctx<'_>) -> Vec<PersonId> {
    let ticket = &case.ticket;
    let one = |id: Option<PersonId>, ctx: &mut Ctx<'_>| {
        id.and_then(|id| active(scene, id, ctx)).map(|person| person.id).into_iter().collect()
    };
    match ask {
        Approver::Person(id) => one(Some(*id), ctx),
        Approver::Group(group) => members(scene, *group, ctx),
        Approver::Role(role) => {
            let Some(grants) = scene.holders.get(role) else {
                ctx.wants.holders.insert(role.clone());
                return vec![];
            };
            let now = ctx.now;
            let holds = grants.iter().filter(|grant| {
                grant.expires_at.is_none_or(|end| now < end) && scene.config.reaches(grant.scope, ticket)
            });
            let mut found: Vec<PersonId> = vec![];
            for grant in holds {
                match &grant.to {
                    Principal::Person(id) => found.extend(active(scene, *id, ctx).map(|person| person.id)),
                    Principal::Group(group) => found.extend(members(scene, *group, ctx)),
                    Principal::Plugin(_) => {}
                }
            }
            found
        }
        Approver::Relation(relation) => {
            let all: Vec<PersonId> = case.who(*relation).collect();
            all.into_iter().filter_map(|id| active(scene, id, ctx)).map(|person| person.id).collect()
        }
        Approver::Manager => {
            let requesters: Vec<PersonId> = case.who(Relation::Requester).collect();
            let mut managers: Vec<PersonId> = vec![];
            for id in requesters {
                // A requester who has left has a manager still.
                let known = scene.people.get(&id);
                if known.is_none() && !scene.looked_for(id) {
                    ctx.wants.people.insert(id);
                }
                let manager = known.and_then(|person| person.manager);
                managers.extend(manager.and_then(|id| active(scene, id, ctx)).map(|person| person.id));
            }
            managers
        }
        Approver::DepartmentHead => {
            let config = &scene.config;
            let mut above = ticket.group.into_iter().flat_map(|group| config.lineage(group));
            one(above.find_map(|group| config.groups.get(&group).and_then(|group| group.head)), ctx)
        }
        Approver::ProjectLead => one(scene.config.projects.get(&ticket.project).and_then(|p| p.lead), ctx),
    }
}

fn members(scene: &Scene, group: GroupId, ctx: &mut Ctx<'_>) -> Vec<PersonId> {
    match scene.pools.get(&group) {
        Some(pool) => pool.iter().map(|candidate| candidate.person).collect(),
        None => {
            ctx.wants.pools.insert(group);
            vec![]
        }
    }
}

/// Whether `delegate` may decide for `principal` on the ticket now.
pub(crate) fn is_proxy(scene: &Scene, case: &Case, principal: PersonId, delegate: PersonId, ctx: &mut Ctx<'_>) -> bool {
    proxies(scene, case, principal, ctx).contains(&delegate)
}

/// Who may decide for `principal` on the ticket now, in order of when they were asked to.
pub(crate) fn proxies(scene: &Scene, case: &Case, principal: PersonId, ctx: &mut Ctx<'_>) -> Vec<PersonId> {
    let Some(all) = scene.delegations.get(&principal) else {
        ctx.wants.delegations.insert(principal);
        return vec![];
    };
    let now = ctx.now;
    let holds = all.iter().filter(|d| d.holds(now) && scene.config.reaches(d.scope, &case.ticket));
    holds.map(|delegation| delegation.delegate).collect()
}
