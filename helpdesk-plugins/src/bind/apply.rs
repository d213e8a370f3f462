//! What a plugin staged, as ordinary commands of its principal.

use std::collections::{BTreeMap, BTreeSet};

use helpdesk_core::command::{Command, Comment, CreateTicket, EditTicket, MoveTo, Patch, Relate, TagTicket};
use helpdesk_core::config::TenantConfig;
use helpdesk_core::id::{GroupId, JobId, Mint, PersonId, ProjectId, TagId, TicketId};
use helpdesk_core::ticket::{EntryVisibility, Relation};
use helpdesk_core::time::Timestamp;

use crate::effect::Effect;
use crate::event::{Field, Value};

/// Why a staged effect cannot be a command: told to the plugin's administrator, and the whole set is dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("effect {index} ({effect}): {message}")]
pub(super) struct Misfit {
    index: usize,
    effect: &'static str,
    message: String,
}

impl Misfit {
    /// What kind of effect it is.
    pub(super) fn effect(&self) -> &'static str {
        self.effect
    }
}

/// The commands of a set, and the versions it expects.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) commands: Vec<Command>,
    pub(super) expected: Vec<(TicketId, i64)>,
}

/// What the translation needs to know.
pub(super) struct Setting<'a> {
    pub(super) config: &'a TenantConfig,
    /// The project of each ticket the set names, as far as it exists.
    pub(super) projects: BTreeMap<TicketId, ProjectId>,
    /// Seeds the ids of new tickets: the same for every attempt of a delivery.
    pub(super) job: JobId,
}

/// The tickets that effects name by id.
pub(super) fn named(effects: &[Effect]) -> BTreeSet<TicketId> {
    effects.iter().filter_map(ticket_of).collect()
}

fn ticket_of(effect: &Effect) -> Option<TicketId> {
    match effect {
        Effect::ExpectVersion { ticket, .. }
        | Effect::SetFields { ticket, .. }
        | Effect::AddTags { ticket, .. }
        | Effect::RemoveTags { ticket, .. }
        | Effect::Transition { ticket, .. }
        | Effect::Assign { ticket, .. }
        | Effect::Comment { ticket, .. } => ticket.parse().ok(),
        Effect::CreateTicket { .. }
        | Effect::Link { .. }
        | Effect::RequestApproval { .. }
        | Effect::Notify { .. }
        | Effect::Schedule { .. }
        | Effect::CancelSchedule { .. }
        | Effect::Emit { .. }
        | Effect::Veto { .. } => None,
    }
}

/// The tickets that effects would change, of those that they name by id.
pub(super) fn changed(effects: &[Effect]) -> BTreeSet<TicketId> {
    let changes = |effect: &&Effect| !matches!(effect, Effect::ExpectVersion { .. });
    effects.iter().filter(changes).filter_map(ticket_of).collect()
}

/// Turns effects into commands, in order; neighbouring settings of one ticket become one command.
pub(super) fn plan(effects: &[Effect], setting: &mut Setting<'_>) -> Result<Plan, Misfit> {
    let mut plan = Plan::default();
    let mut made: BTreeMap<String, TicketId> = BTreeMap::new();
    for (index, effect) in effects.iter().enumerate() {
        let misfit = |message: String| Misfit { index, effect: effect.name(), message };
        one(effect, setting, &mut made, &mut plan).map_err(misfit)?;
    }
    Ok(plan)
}

fn one(
    effect: &Effect,
    setting: &mut Setting<'_>,
    made: &mut BTreeMap<String, TicketId>,
    plan: &mut Plan,
) -> Result<(), String> {
    let id = |text: &str| -> Result<TicketId, String> {
        match text.strip_prefix("new:") {
            Some(reference) => {
                made.get(reference).copied().ok_or_else(|| format!("no ticket `{text}` was created before"))
            }
            None => text.parse().map_err(|error: helpdesk_core::id::BadId| error.to_string()),
        }
    };
    match effect {
        Effect::ExpectVersion { ticket, version } => {
            plan.expected.push((id(ticket)?, i64::try_from(*version).unwrap_or(i64::MAX)));
        }
        Effect::SetFields { ticket, fields } => set(id(ticket)?, fields, setting, plan)?,
        Effect::AddTags { ticket, tags } => {
            let ticket = id(ticket)?;
            plan.commands.push(TagTicket { ticket, add: tag_ids(setting, ticket, tags)?, remove: vec![] }.into());
        }
        Effect::RemoveTags { ticket, tags } => {
            let ticket = id(ticket)?;
            plan.commands.push(TagTicket { ticket, add: vec![], remove: tag_ids(setting, ticket, tags)? }.into());
        }
        Effect::Transition { ticket, transition, fields } => {
            let patch = patch(fields, setting)?;
            plan.commands.push(MoveTo { fields: patch, ..MoveTo::new(id(ticket)?, transition.clone()) }.into());
        }
        Effect::Assign { ticket, agent, group } => {
            let ticket = id(ticket)?;
            if let Some(group) = group {
                let fields = Patch { group: Some(Some(group_id(setting, group)?)), ..Patch::default() };
                plan.commands.push(EditTicket { ticket, fields }.into());
            }
            if let Some(agent) = agent {
                plan.commands.push(Relate::new(ticket, Relation::Assignee, [person(agent)?]).into());
            }
        }
        Effect::Comment { ticket, body, internal } => {
            let visibility = if *internal { EntryVisibility::Internal } else { EntryVisibility::Public };
            plan.commands.push(Comment { ticket: id(ticket)?, body: body.clone(), visibility }.into());
        }
        Effect::CreateTicket { client_ref, fields } => {
            let own = ["project", "title", "requester", "assignees", "tags"];
            let text = |name: &str| {
                let field = fields.iter().find(|field| field.name == name);
                field.map(as_text).transpose()
            };
            let key = text("project")?.ok_or("needs the field `project`")?;
            let project = setting.config.project_by_key(&key).map(|project| project.id).or_else(|| key.parse().ok());
            let project = project.ok_or_else(|| format!("no project `{key}`"))?;
            let ticket: TicketId = Mint::new(uuid::Uuid::from(setting.job).into()).named(&format!("new/{client_ref}"));
            setting.projects.insert(ticket, project);
            made.insert(client_ref.clone(), ticket);
            let rest: Vec<Field> = fields.iter().filter(|field| !own.contains(&field.name.as_str())).cloned().collect();
            let mut create =
                CreateTicket::new(project, text("title")?.unwrap_or_default()).fields(patch(&rest, setting)?);
            create.id = Some(ticket);
            create.requester = text("requester")?.map(|id| person(&id)).transpose()?;
            for field in fields {
                match field.name.as_str() {
                    "assignees" => create.assignees = people(field)?,
                    "tags" => create.tags = tag_ids(setting, ticket, &as_texts(field)?)?,
                    _ => {}
                }
            }
            plan.commands.push(create.into());
        }
        Effect::Link { .. }
        | Effect::RequestApproval { .. }
        | Effect::Notify { .. }
        | Effect::Schedule { .. }
        | Effect::CancelSchedule { .. }
        | Effect::Emit { .. }
        | Effect::Veto { .. } => {
            return Err("cannot be done by this host".into());
        }
    }
    Ok(())
}

fn set(ticket: TicketId, fields: &[Field], setting: &Setting<'_>, plan: &mut Plan) -> Result<(), String> {
    let own = ["tags", "assignees"];
    let rest: Vec<Field> = fields.iter().filter(|field| !own.contains(&field.name.as_str())).cloned().collect();
    if !rest.is_empty() {
        plan.commands.push(EditTicket { ticket, fields: patch(&rest, setting)? }.into());
    }
    for field in fields {
        match field.name.as_str() {
            "assignees" => plan.commands.push(Relate::assign(ticket, people(field)?).into()),
            "tags" => {
                let add = tag_ids(setting, ticket, &as_texts(field)?)?;
                plan.commands.push(TagTicket { ticket, add, remove: vec![] }.into());
            }
            _ => {}
        }
    }
    Ok(())
}

fn patch(fields: &[Field], setting: &Setting<'_>) -> Result<Patch, String> {
    let mut patch = Patch::default();
    for field in fields {
        let name = field.name.as_str();
        let null = field.value == Value::Null;
        match name {
            "title" => patch.title = Some(as_text(field)?),
            "description" => patch.description = Some(if null { String::new() } else { as_text(field)? }),
            "type" => patch.kind = Some(named_value(field)?),
            "priority" => patch.priority = Some(if null { None } else { Some(named_value(field)?) }),
            "urgency" => patch.urgency = Some(named_value(field)?),
            "importance" => patch.importance = Some(named_value(field)?),
            "visibility" => patch.visibility = Some(named_value(field)?),
            "group" => patch.group = Some(if null { None } else { Some(group_id(setting, &as_text(field)?)?) }),
            "company" => patch.company = Some(if null { None } else { Some(group_id(setting, &as_text(field)?)?) }),
            "parent" => patch.parent = Some(if null { None } else { Some(named_value(field)?) }),
            "start_at" => patch.start_at = Some(as_time(field)?),
            "due_at" => patch.due_at = Some(as_time(field)?),
            "estimate" => {
                patch.estimate = Some(match &field.value {
                    Value::Null => None,
                    Value::Int(minutes) => {
                        Some(u32::try_from(*minutes).map_err(|_| "`estimate` is negative or too large")?)
                    }
                    _ => return Err("`estimate` is no whole number".into()),
                });
            }
            _ => return Err(format!("no field `{name}` can be set")),
        }
    }
    Ok(patch)
}

fn as_text(field: &Field) -> Result<String, String> {
    match &field.value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(format!("`{}` is no text", field.name)),
    }
}

fn as_texts(field: &Field) -> Result<Vec<String>, String> {
    match &field.value {
        Value::Null => Ok(vec![]),
        Value::Text(text) => Ok(vec![text.clone()]),
        Value::Texts(texts) => Ok(texts.clone()),
        _ => Err(format!("`{}` is no list of texts", field.name)),
    }
}

fn as_time(field: &Field) -> Result<Option<Timestamp>, String> {
    match &field.value {
        Value::Null => Ok(None),
        Value::Time(at) => i64::try_from(*at)
            .map(|at| Some(Timestamp::from_millis(at)))
            .map_err(|_| format!("`{}` is too late", field.name)),
        _ => Err(format!("`{}` is no instant", field.name)),
    }
}

fn named_value<T: std::str::FromStr<Err: std::fmt::Display>>(field: &Field) -> Result<T, String> {
    as_text(field)?.parse().map_err(|error: T::Err| format!("`{}`: {error}", field.name))
}

fn person(id: &str) -> Result<PersonId, String> {
    id.parse().map_err(|error: helpdesk_core::id::BadId| error.to_string())
}

fn people(field: &Field) -> Result<Vec<PersonId>, String> {
    as_texts(field)?.iter().map(|id| person(id)).collect()
}

fn group_id(setting: &Setting<'_>, group: &str) -> Result<GroupId, String> {
    let by_id = group.parse().ok().filter(|id| setting.config.groups.contains_key(id));
    by_id
        .or_else(|| setting.config.group_by_name(group).map(|group| group.id))
        .ok_or_else(|| format!("no group `{group}`"))
}

fn tag_ids(setting: &Setting<'_>, ticket: TicketId, tags: &[String]) -> Result<Vec<TagId>, String> {
    let project = setting.projects.get(&ticket).ok_or_else(|| format!("no ticket `{ticket}` here"))?;
    let id = |name: &String| {
        let tag = setting.config.tag_by_name(*project, name).map(|tag| tag.id);
        tag.ok_or_else(|| format!("the project has no tag `{name}`; define it first"))
    };
    tags.iter().map(id).collect()
}
