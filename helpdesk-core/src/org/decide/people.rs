//! What may happen to people and groups.

use std::collections::BTreeSet;

use super::{check_name, configure, done, need};
use crate::command::{AddMember, CreateGroup, EditGroup, EditPerson, EnsurePerson, RemoveMember};
use crate::error::{Fault, Refusal};
use crate::event::{GroupCreated, GroupEdited, MemberAdded, MemberRemoved, PersonAdded, PersonEdited, Subject};
use crate::id::{GroupId, PersonId};
use crate::org::{Group, Membership, Person, PersonKind};
use crate::role::Permission;
use crate::scene::{Ctx, Decision, Scene};
use crate::store::{Row, Write};

/// Most skills of somebody.
const SKILLS_MAX: usize = 50;
/// Longest name of a skill, in characters.
const SKILL_MAX: usize = 50;

/// The event and row of somebody new. New people have no grants, so nothing cached is stale.
pub(crate) fn added(person: Person) -> Decision {
    let event = PersonAdded { person: person.id, kind: person.kind };
    let id = person.id;
    Decision {
        events: vec![(Subject::Person(id), event.into())],
        writes: vec![Write { before: None, after: Some(Row::Person(person)) }],
        ..Decision::default()
    }
    .made(id)
}

fn check(person: &Person, faults: &mut Vec<Fault>) {
    check_name("external", &person.external, 200, faults);
    check_name("name", &person.name, 200, faults);
    for (field, text) in [("email", &person.email), ("phone", &person.phone), ("title", &person.title)] {
        if !text.is_empty() {
            check_name(field, text, 200, faults);
        }
    }
    if person.skills.len() > SKILLS_MAX {
        let message = format!("are {}, at most {SKILLS_MAX} fit; name those that matter most", person.skills.len());
        faults.push(Fault::new("skills", message));
    }
    person.skills.iter().for_each(|skill| check_name("skills", skill, SKILL_MAX, faults));
    if !person.email.is_empty() && !person.email.contains('@') {
        faults.push(Fault::new("email", "is no address; give one such as ana@example.com, or nothing"));
    }
}

/// Each once, in lower case, in order.
fn skills(said: &[String]) -> Vec<String> {
    let all: BTreeSet<String> = said.iter().map(|skill| skill.trim().to_lowercase()).collect();
    all.into_iter().collect()
}

/// Adds somebody, or updates them by the host's own user id.
pub fn ensure(scene: &Scene, ask: &EnsurePerson, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    need(ctx, Permission::PeopleManage)?;
    let old = scene.people.values().find(|person| person.external == ask.external);
    let new = match old {
        Some(old) => Person {
            name: ask.name.clone(),
            kind: ask.kind.unwrap_or(old.kind),
            email: ask.email.clone().unwrap_or_else(|| old.email.clone()),
            phone: ask.phone.clone().unwrap_or_else(|| old.phone.clone()),
            title: ask.title.clone().unwrap_or_else(|| old.title.clone()),
            ..old.clone()
        },
        None => Person {
            tenant: scene.tenant,
            id: ctx.mint.id(),
            external: ask.external.clone(),
            kind: ask.kind.unwrap_or(PersonKind::Requester),
            name: ask.name.clone(),
            email: ask.email.clone().unwrap_or_default(),
            phone: ask.phone.clone().unwrap_or_default(),
            title: ask.title.clone().unwrap_or_default(),
            manager: None,
            active: true,
            skills: vec![],
            version: 1,
            created_at: ctx.at,
            updated_at: ctx.at,
        },
    };
    let mut faults = Vec::new();
    check(&new, &mut faults);
    done(faults)?;
    match old {
        Some(old) => Ok(edited(old, new, ctx).made(old.id)),
        None => Ok(added(new)),
    }
}

fn edited(old: &Person, new: Person, ctx: &Ctx<'_>) -> Decision {
    let parts: Vec<String> = [
        ("name", old.name != new.name),
        ("kind", old.kind != new.kind),
        ("email", old.email != new.email),
        ("phone", old.phone != new.phone),
        ("title", old.title != new.title),
        ("manager", old.manager != new.manager),
        ("active", old.active != new.active),
        ("skills", old.skills != new.skills),
    ]
    .into_iter()
    .filter(|(_, changed)| *changed)
    .map(|(part, _)| part.to_owned())
    .collect();
    if parts.is_empty() {
        return Decision::default();
    }
    let event = PersonEdited {
        person: old.id,
        parts,
        kind: (old.kind != new.kind).then_some(new.kind),
        active: (old.active != new.active).then_some(new.active),
    };
    // Names and addresses are in no cache; what somebody is, is.
    let moves_epoch = event.kind.is_some() || event.active.is_some() || old.manager != new.manager;
    let new = Person { version: old.version + 1, updated_at: ctx.at, ..new };
    Decision {
        moves_epoch,
        ..configure(Subject::Person(old.id), event, Some(Row::Person(old.clone())), Some(Row::Person(new)))
    }
}

/// Changes somebody's entry.
pub fn edit(scene: &Scene, ask: &EditPerson, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let beyond = ask.kind.is_some() || ask.active.is_some() || ask.manager.is_some() || ask.skills.is_some();
    if ctx.access.person() != Some(ask.person) || beyond {
        need(ctx, Permission::PeopleManage)?;
    }
    let old = person(scene, ask.person)?;
    let new = Person {
        name: ask.name.clone().unwrap_or_else(|| old.name.clone()),
        kind: ask.kind.unwrap_or(old.kind),
        email: ask.email.clone().unwrap_or_else(|| old.email.clone()),
        phone: ask.phone.clone().unwrap_or_else(|| old.phone.clone()),
        title: ask.title.clone().unwrap_or_else(|| old.title.clone()),
        manager: ask.manager.unwrap_or(old.manager),
        active: ask.active.unwrap_or(old.active),
        skills: ask.skills.as_deref().map_or_else(|| old.skills.clone(), skills),
        ..old.clone()
    };
    let mut faults = Vec::new();
    check(&new, &mut faults);
    if let Some(manager) = ask.manager.flatten() {
        if manager == old.id {
            faults.push(Fault::new("manager", "is the person themselves; choose somebody else"));
        }
        check_person(scene, "manager", manager, &mut faults);
    }
    done(faults)?;
    Ok(edited(old, new, ctx))
}

fn check_person(scene: &Scene, field: &'static str, id: PersonId, faults: &mut Vec<Fault>) {
    if !scene.people.contains_key(&id) {
        faults.push(Fault::new(field, format!("no person `{id}`; add them to the directory first")));
    }
}

fn person(scene: &Scene, id: PersonId) -> Result<&Person, Refusal> {
    scene.people.get(&id).ok_or_else(|| Refusal::not_found("person", id))
}

fn group(scene: &Scene, id: GroupId) -> Result<&Group, Refusal> {
    scene.config.groups.get(&id).ok_or_else(|| Refusal::not_found("group", id))
}

/// The groups above `id` would come to contain `moving`: a cycle.
fn cycle(scene: &Scene, moving: GroupId, parent: GroupId) -> bool {
    let mut above = Some(parent);
    for _ in 0..=scene.config.groups.len() {
        match above {
            Some(id) if id == moving => return true,
            Some(id) => above = scene.config.groups.get(&id).and_then(|group| group.parent),
            None => return false,
        }
    }
    true
}

fn check_group(scene: &Scene, own: Option<GroupId>, name: &str, parent: Option<GroupId>) -> Result<(), Refusal> {
    let mut faults = Vec::new();
    check_name("name", name, 200, &mut faults);
    if let Some(id) = parent {
        if !scene.config.groups.contains_key(&id) {
            faults.push(Fault::new("parent", format!("no group `{id}`; give the id of an existing one")));
        } else if own.is_some_and(|own| cycle(scene, own, id)) {
            faults.push(Fault::new("parent", "would make the group its own ancestor; choose another"));
        }
    }
    done(faults)?;
    match scene.config.group_by_name(name) {
        Some(other) if Some(other.id) != own => Err(Refusal::Taken { noun: "group", given: name.into() }),
        Some(_) | None => Ok(()),
    }
}

/// Creates a group.
pub fn create_group(scene: &Scene, ask: &CreateGroup, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    need(ctx, Permission::PeopleManage)?;
    check_group(scene, None, &ask.name, ask.parent)?;
    let new = Group {
        tenant: scene.tenant,
        id: ctx.mint.id(),
        kind: ask.kind,
        name: ask.name.clone(),
        parent: ask.parent,
        head: None,
        version: 1,
        created_at: ctx.at,
    };
    let event = GroupCreated { group: new.id, kind: new.kind, name: new.name.clone(), parent: new.parent };
    let id = new.id;
    Ok(configure(Subject::Group(id), event, None, Some(Row::Group(new))).made(id))
}

/// Renames or moves a group.
pub fn edit_group(scene: &Scene, ask: &EditGroup, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    need(ctx, Permission::PeopleManage)?;
    let old = group(scene, ask.group)?;
    let event = GroupEdited {
        group: old.id,
        name: ask.name.clone().filter(|name| *name != old.name),
        parent: ask.parent.filter(|parent| *parent != old.parent),
        head: ask.head.filter(|head| *head != old.head),
    };
    let new = Group {
        name: event.name.clone().unwrap_or_else(|| old.name.clone()),
        parent: event.parent.unwrap_or(old.parent),
        head: event.head.unwrap_or(old.head),
        version: old.version + 1,
        ..old.clone()
    };
    if event.name.is_none() && event.parent.is_none() && event.head.is_none() {
        return Ok(Decision::default());
    }
    check_group(scene, Some(old.id), &new.name, new.parent)?;
    let mut faults = Vec::new();
    if let Some(head) = event.head.flatten() {
        check_person(scene, "head", head, &mut faults);
    }
    done(faults)?;
    if let Some(parent) = event.parent.flatten() {
        crate::role::decide::may_put_below(scene, old.id, parent, ctx)?;
    }
    Ok(configure(Subject::Group(old.id), event, Some(Row::Group(old.clone())), Some(Row::Group(new))))
}

/// Puts somebody into a group; they get what the group was granted.
pub fn join(scene: &Scene, ask: &AddMember, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    need(ctx, Permission::PeopleManage)?;
    let group = group(scene, ask.group)?;
    person(scene, ask.person)?;
    crate::role::decide::may_join(scene, group.id, ctx)?;
    if scene.member {
        return Ok(Decision::default());
    }
    let row = Membership { tenant: scene.tenant, group: group.id, person: ask.person, since: ctx.at };
    let event = MemberAdded { group: group.id, person: ask.person };
    Ok(counted(group, configure(Subject::Group(group.id), event, None, Some(Row::Membership(row)))))
}

/// Takes somebody out of a group.
pub fn leave(scene: &Scene, ask: &RemoveMember, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    need(ctx, Permission::PeopleManage)?;
    let group = group(scene, ask.group)?;
    if !scene.member {
        return Ok(Decision::default());
    }
    let row = Membership { tenant: scene.tenant, group: group.id, person: ask.person, since: ctx.at };
    let event = MemberRemoved { group: group.id, person: ask.person };
    Ok(counted(group, configure(Subject::Group(group.id), event, Some(Row::Membership(row)), None)))
}

/// Who is in a group is part of it: its version moves with its members.
fn counted(old: &Group, mut decision: Decision) -> Decision {
    let new = Group { version: old.version + 1, ..old.clone() };
    decision.writes.push(Write { before: Some(Row::Group(old.clone())), after: Some(Row::Group(new)) });
    decision
}
