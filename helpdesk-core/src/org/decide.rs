//! What may happen to tenants, projects, tags and plugins. People and groups: [`people`].

pub mod people;

use crate::approval::{ApprovalRefusal, TemplateDefinition};
use crate::command::{
    CreateProject, DefineTag, EditProject, EditTag, EditTenant, InstallPlugin, RegisterTenant, RemovePlugin,
};
use crate::error::{Fault, Refusal};
use crate::event::{
    Event, PluginInstalled, PluginRemoved, ProjectCreated, ProjectEdited, Subject, TagDefined, TagEdited, TenantEdited,
    TenantRegistered,
};
use crate::id::ProjectId;
use crate::org::{Installation, Person, PersonKind, Project, Tenant};
use crate::role::{Denied, Grant, Permission, RELATION_MAX, Relations, Role, Scope};
use crate::scene::{Ctx, Decision, Scene};
use crate::store::{Row, Write};
use crate::text::fold;
use crate::ticket::{Tag, Visibility};
use crate::workflow::{Definition, Workflow};

/// Refuses unless grants allow `needed` in the whole tenant.
pub(crate) fn need(ctx: &Ctx<'_>, needed: Permission) -> Result<(), Refusal> {
    if ctx.access.everywhere().has(needed) { Ok(()) } else { Err(Denied { needed }.into()) }
}

pub(crate) fn need_in(ctx: &Ctx<'_>, project: ProjectId, needed: Permission) -> Result<(), Refusal> {
    if ctx.access.in_project(project).has(needed) { Ok(()) } else { Err(Denied { needed }.into()) }
}

/// Whether the actor knows of the project: they see its tickets, or open some.
pub(crate) fn sees_project(ctx: &Ctx<'_>, project: ProjectId) -> bool {
    let may = ctx.access.in_project(project);
    may.has(Permission::TicketRead) || may.has(Permission::TicketCreate)
}

/// One event with the row it writes; the configuration is stale after it.
pub(crate) fn configure(
    subject: Subject,
    event: impl Into<Event>,
    before: Option<Row>,
    after: Option<Row>,
) -> Decision {
    Decision {
        events: vec![(subject, event.into())],
        writes: vec![Write { before, after }],
        moves_epoch: true,
        ..Decision::default()
    }
}

pub(crate) fn check_name(field: &'static str, name: &str, most: usize, faults: &mut Vec<Fault>) {
    let length = name.chars().count();
    if name.trim().is_empty() || length > most || name.chars().any(char::is_control) {
        faults.push(Fault::new(field, format!("needs 1 to {most} characters on one line, has {length}")));
    }
}

pub(crate) fn done(faults: Vec<Fault>) -> Result<(), Refusal> {
    if faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(faults)) }
}

fn is_project_key(key: &str) -> bool {
    (2..=10).contains(&key.len())
        && key.as_bytes()[0].is_ascii_uppercase()
        && key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Registers a tenant: the built-in workflows and, if asked for, its first owner and project, all in one commit.
pub fn register(scene: &Scene, ask: &RegisterTenant, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    if !matches!(ctx.actor, crate::actor::Actor::System(_)) {
        return Err(Denied { needed: Permission::ProjectManage }.into());
    }
    let mut faults = Vec::new();
    let fits = (2..=40).contains(&ask.key.len())
        && ask.key.as_bytes()[0].is_ascii_lowercase()
        && ask.key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits {
        faults.push(Fault::new(
            "key",
            format!("`{}` does not fit; use 2 to 40 of a-z 0-9 -, beginning with a letter", ask.key),
        ));
    }
    check_name("name", &ask.name, 200, &mut faults);
    if let Some((external, name)) = &ask.owner {
        check_name("owner_external", external, 200, &mut faults);
        check_name("owner_name", name, 200, &mut faults);
    }
    if let Some((key, name)) = &ask.project {
        check_key("project_key", key, &mut faults);
        check_name("project_name", name, 200, &mut faults);
    }
    done(faults)?;
    if scene.tenant_taken {
        return Err(Refusal::Taken { noun: "tenant", given: ask.key.clone() });
    }
    let id = scene.tenant;
    let row =
        Tenant { id, key: ask.key.clone(), name: ask.name.clone(), suspended: false, version: 1, created_at: ctx.at };
    let event = TenantRegistered { key: ask.key.clone(), name: ask.name.clone() };
    let mut all = configure(Subject::Tenant(id), event, None, Some(Row::Tenant(row))).made(id);
    let add = |all: &mut Decision, part: Decision| {
        all.events.extend(part.events);
        all.writes.extend(part.writes);
    };
    for definition in TemplateDefinition::built_in() {
        let template = definition.publish(1).map_err(ApprovalRefusal::from)?;
        add(&mut all, crate::approval::decide::published(id, &template, ctx));
    }
    for definition in Definition::built_in() {
        add(&mut all, crate::workflow::decide::published(id, &definition.publish(1)?, ctx));
    }
    if let Some((external, name)) = &ask.owner {
        let person = Person {
            tenant: id,
            id: ctx.mint.id(),
            external: external.clone(),
            kind: PersonKind::Staff,
            name: name.clone(),
            email: String::new(),
            phone: String::new(),
            title: String::new(),
            manager: None,
            active: true,
            skills: vec![],
            version: 1,
            created_at: ctx.at,
            updated_at: ctx.at,
        };
        let grant = Grant {
            tenant: id,
            id: ctx.mint.id(),
            to: person.id.into(),
            role: Role::Owner.into(),
            scope: Scope::Tenant,
            expires_at: None,
            granted_by: ctx.by.clone(),
            granted_at: ctx.at,
        };
        add(&mut all, people::added(person));
        add(&mut all, crate::role::decide::granted(grant));
    }
    if let Some((key, name)) = &ask.project {
        let project = Project {
            tenant: id,
            id: ctx.mint.id(),
            key: key.clone(),
            name: name.clone(),
            lead: None,
            workflow: Workflow::KANBAN.into(),
            visibility: Visibility::Project,
            relations: Relations::DEFAULT,
            version: 1,
            created_at: ctx.at,
            deleted_at: None,
        };
        add(&mut all, created(project));
    }
    Ok(all)
}

fn check_key(field: &'static str, key: &str, faults: &mut Vec<Fault>) {
    if !is_project_key(key) {
        faults.push(Fault::new(
            field,
            format!("`{key}` does not fit; use 2 to 10 of A-Z 0-9, beginning with a letter, such as `IT`"),
        ));
    }
}

/// Renames, suspends or reopens a tenant.
pub fn edit_tenant(scene: &Scene, ask: &EditTenant, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    need(ctx, Permission::ProjectManage)?;
    if ask.suspended.is_some() && !matches!(ctx.actor, crate::actor::Actor::System(_)) {
        return Err(Denied { needed: Permission::ProjectManage }.into());
    }
    let old = &scene.config.tenant;
    let mut faults = Vec::new();
    if let Some(name) = &ask.name {
        check_name("name", name, 200, &mut faults);
    }
    done(faults)?;
    let name = ask.name.clone().filter(|name| *name != old.name);
    let suspended = ask.suspended.filter(|suspended| *suspended != old.suspended);
    if name.is_none() && suspended.is_none() {
        return Ok(Decision::default());
    }
    let new = Tenant {
        name: name.clone().unwrap_or_else(|| old.name.clone()),
        suspended: suspended.unwrap_or(old.suspended),
        version: old.version + 1,
        ..old.clone()
    };
    Ok(configure(
        Subject::Tenant(old.id),
        TenantEdited { name, suspended },
        Some(Row::Tenant(old.clone())),
        Some(Row::Tenant(new)),
    ))
}

fn created(project: Project) -> Decision {
    let event = ProjectCreated {
        project: project.id,
        key: project.key.clone(),
        name: project.name.clone(),
        lead: project.lead,
        workflow: project.workflow.clone(),
        visibility: project.visibility,
    };
    let id = project.id;
    configure(Subject::Project(id), event, None, Some(Row::Project(project))).made(id)
}

/// Creates a project.
pub fn create_project(scene: &Scene, ask: &CreateProject, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    need(ctx, Permission::ProjectManage)?;
    let name = ask.name.clone().unwrap_or_else(|| ask.key.clone());
    let workflow = ask.workflow.clone().unwrap_or_else(|| Workflow::KANBAN.into());
    let mut faults = Vec::new();
    check_key("key", &ask.key, &mut faults);
    check_name("name", &name, 200, &mut faults);
    check_workflow(scene, &workflow, &mut faults);
    check_lead(scene, ask.lead, &mut faults);
    done(faults)?;
    if scene.config.project_by_key(&ask.key).is_some() {
        return Err(Refusal::Taken { noun: "project", given: ask.key.clone() });
    }
    Ok(created(Project {
        tenant: scene.tenant,
        id: ctx.mint.id(),
        key: ask.key.clone(),
        name,
        lead: ask.lead,
        workflow,
        visibility: ask.visibility.unwrap_or(Visibility::Project),
        relations: Relations::DEFAULT,
        version: 1,
        created_at: ctx.at,
        deleted_at: None,
    }))
}

fn check_workflow(scene: &Scene, key: &str, faults: &mut Vec<Fault>) {
    if scene.config.workflows.newest(key).is_none() {
        faults.push(Fault::new("workflow", format!("no workflow `{key}`; publish it first")));
    }
}

fn check_relations(relations: &Relations, faults: &mut Vec<Fault>) {
    for (relation, permissions) in relations.said() {
        if let Some(beyond) = permissions.without(RELATION_MAX).iter().next() {
            let most = RELATION_MAX.iter().map(Permission::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("`{relation}` cannot give `{beyond}`; a relation gives at most {most}");
            faults.push(Fault::new("relations", message));
        }
    }
}

fn check_lead(scene: &Scene, lead: Option<crate::id::PersonId>, faults: &mut Vec<Fault>) {
    if let Some(id) = lead.filter(|id| !scene.people.get(id).is_some_and(|person| person.active)) {
        faults.push(Fault::new("lead", format!("no active person `{id}`; choose somebody else")));
    }
}

/// Changes, deletes or restores a project.
pub fn edit_project(scene: &Scene, ask: &EditProject, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let unknown = || Refusal::not_found("project", ask.project);
    let old = scene.config.projects.get(&ask.project).ok_or_else(unknown)?;
    if !sees_project(ctx, old.id) {
        return Err(unknown());
    }
    need_in(ctx, old.id, Permission::ProjectManage)?;
    let mut faults = Vec::new();
    if let Some(name) = &ask.name {
        check_name("name", name, 200, &mut faults);
    }
    if let Some(workflow) = &ask.workflow {
        check_workflow(scene, workflow, &mut faults);
    }
    check_lead(scene, ask.lead.flatten().filter(|lead| Some(*lead) != old.lead), &mut faults);
    if let Some(relations) = &ask.relations {
        check_relations(relations, &mut faults);
    }
    done(faults)?;
    if let Some(relations) = &ask.relations {
        // To let a relation give something is to grant it.
        crate::role::decide::lacking(ctx.access.in_project(old.id), relations.beyond(&old.relations))?;
    }
    let event = ProjectEdited {
        project: old.id,
        name: ask.name.clone().filter(|name| *name != old.name),
        lead: ask.lead.filter(|lead| *lead != old.lead),
        workflow: ask.workflow.clone().filter(|workflow| *workflow != old.workflow),
        visibility: ask.visibility.filter(|visibility| *visibility != old.visibility),
        deleted: ask.deleted.filter(|deleted| *deleted != old.deleted_at.is_some()),
        relations: ask.relations.clone().filter(|relations| *relations != old.relations),
    };
    let mut new = old.clone();
    new.name = event.name.clone().unwrap_or(new.name);
    new.lead = event.lead.unwrap_or(new.lead);
    new.workflow = event.workflow.clone().unwrap_or(new.workflow);
    new.visibility = event.visibility.unwrap_or(new.visibility);
    new.relations = event.relations.clone().unwrap_or(new.relations);
    new.deleted_at = event.deleted.map_or(new.deleted_at, |deleted| deleted.then_some(ctx.at));
    if new == *old {
        return Ok(Decision::default());
    }
    new.version += 1;
    Ok(configure(Subject::Project(old.id), event, Some(Row::Project(old.clone())), Some(Row::Project(new))))
}

pub(crate) fn check_colour(colour: &str, faults: &mut Vec<Fault>) {
    let fits = colour.is_empty()
        || colour.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if !fits {
        faults.push(Fault::new("colour", format!("`{colour}` is no colour; give `#rrggbb` or nothing")));
    }
}

/// Defines a tag.
pub fn define_tag(scene: &Scene, ask: &DefineTag, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let known = scene.config.projects.get(&ask.project).filter(|project| project.deleted_at.is_none());
    let project = known
        .filter(|project| sees_project(ctx, project.id))
        .ok_or_else(|| Refusal::not_found("project", ask.project))?;
    need_in(ctx, project.id, Permission::TagManage)?;
    let mut faults = Vec::new();
    check_name("name", &ask.name, 60, &mut faults);
    check_name("description", if ask.description.is_empty() { "-" } else { &ask.description }, 500, &mut faults);
    check_colour(&ask.colour, &mut faults);
    done(faults)?;
    if scene.config.tag_by_name(project.id, &ask.name).is_some() {
        return Err(Refusal::Taken { noun: "tag", given: ask.name.clone() });
    }
    let tag = Tag {
        tenant: scene.tenant,
        id: ctx.mint.id(),
        project: project.id,
        name: ask.name.clone(),
        description: ask.description.clone(),
        colour: ask.colour.clone(),
        version: 1,
        created_by: ctx.by.clone(),
        created_at: ctx.at,
        deleted_at: None,
    };
    let event = TagDefined {
        tag: tag.id,
        project: tag.project,
        name: tag.name.clone(),
        description: tag.description.clone(),
        colour: tag.colour.clone(),
    };
    let id = tag.id;
    Ok(configure(Subject::Tag(id), event, None, Some(Row::Tag(tag))).made(id))
}

/// Changes, deletes or restores a tag.
pub fn edit_tag(scene: &Scene, ask: &EditTag, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = scene
        .config
        .tags
        .get(&ask.tag)
        .filter(|tag| sees_project(ctx, tag.project))
        .ok_or_else(|| Refusal::not_found("tag", ask.tag))?;
    need_in(ctx, old.project, Permission::TagManage)?;
    let mut faults = Vec::new();
    if let Some(name) = &ask.name {
        check_name("name", name, 60, &mut faults);
    }
    if let Some(text) = ask.description.as_ref().filter(|text| !text.is_empty()) {
        check_name("description", text, 500, &mut faults);
    }
    if let Some(colour) = &ask.colour {
        check_colour(colour, &mut faults);
    }
    done(faults)?;
    let event = TagEdited {
        tag: old.id,
        name: ask.name.clone().filter(|name| *name != old.name),
        description: ask.description.clone().filter(|text| *text != old.description),
        colour: ask.colour.clone().filter(|colour| *colour != old.colour),
        deleted: ask.deleted.filter(|deleted| *deleted != old.deleted_at.is_some()),
    };
    let mut new = old.clone();
    new.name = event.name.clone().unwrap_or(new.name);
    new.description = event.description.clone().unwrap_or(new.description);
    new.colour = event.colour.clone().unwrap_or(new.colour);
    new.deleted_at = event.deleted.map_or(new.deleted_at, |deleted| deleted.then_some(ctx.at));
    if new == *old {
        return Ok(Decision::default());
    }
    let taken = scene.config.tag_by_name(new.project, &new.name).is_some_and(|tag| tag.id != new.id);
    if taken && new.deleted_at.is_none() && (fold(&new.name) != fold(&old.name) || event.deleted.is_some()) {
        return Err(Refusal::Taken { noun: "tag", given: new.name });
    }
    new.version += 1;
    Ok(configure(Subject::Tag(old.id), event, Some(Row::Tag(old.clone())), Some(Row::Tag(new))))
}

/// Installs a plugin or sets it up anew.
pub fn install(scene: &Scene, ask: &InstallPlugin, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    need(ctx, Permission::PluginManage)?;
    let mut faults = Vec::new();
    if ask.digest.len() != 64 || !ask.digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        faults.push(Fault::new("digest", "is not a SHA-256; give 64 hexadecimal digits"));
    }
    for (field, json) in [("manifest", &ask.manifest), ("granted", &ask.granted), ("config", &ask.config)] {
        if serde_json::from_str::<serde::de::IgnoredAny>(json).is_err() {
            faults.push(Fault::new(field, "is not JSON"));
        }
    }
    done(faults)?;
    let old = scene.config.plugins.get(&ask.plugin).map(|old| (**old).clone());
    let new = Installation {
        tenant: scene.tenant,
        plugin: ask.plugin.clone(),
        digest: ask.digest.to_ascii_lowercase(),
        manifest: ask.manifest.clone(),
        granted: ask.granted.clone(),
        config: ask.config.clone(),
        enabled: ask.enabled,
        version: old.as_ref().map_or(1, |old| old.version),
        created_at: old.as_ref().map_or(ctx.at, |old| old.created_at),
    };
    if old.as_ref() == Some(&new) {
        return Ok(Decision::default());
    }
    let new = Installation { version: new.version + i64::from(old.is_some()), ..new };
    let event = PluginInstalled { plugin: new.plugin.clone(), digest: new.digest.clone(), enabled: new.enabled };
    let subject = Subject::Plugin(new.plugin.clone());
    Ok(configure(subject, event, old.map(Row::Installation), Some(Row::Installation(new))))
}

/// Removes a plugin.
pub fn remove(scene: &Scene, ask: &RemovePlugin, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    need(ctx, Permission::PluginManage)?;
    let old = scene.config.plugins.get(&ask.plugin).ok_or_else(|| Refusal::not_found("plugin", &ask.plugin))?;
    let event = PluginRemoved { plugin: old.plugin.clone() };
    let subject = Subject::Plugin(old.plugin.clone());
    Ok(configure(subject, event, Some(Row::Installation((**old).clone())), None))
}
