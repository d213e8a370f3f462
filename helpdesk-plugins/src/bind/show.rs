//! The desk's things in the words of a plugin: events, fields of a ticket.

use helpdesk_core::config::TenantConfig;
use helpdesk_core::desk::read::View;
use helpdesk_core::ticket::Relation;
use helpdesk_core::time::Timestamp;
use helpdesk_core::{Author, Envelope, value};

use super::sight;
use crate::capability::Grant;
use crate::event::{Actor, Change, Event, Field, Origin, Subject, Value};

/// An event of the log, as far as `grant` reaches.
pub(super) fn event(envelope: &Envelope, grant: &Grant) -> Event {
    let id = |author: &Author| match author {
        Author::System => None,
        Author::Person(id) | Author::Service(id) => Some(id.to_string()),
        Author::Plugin(id) => Some(id.to_string()),
    };
    let change = |change: value::Change| Change {
        name: change.field.as_str().into(),
        before: plain(change.before),
        after: plain(change.after),
    };
    let (changes, data) = sight::content(envelope, grant);
    Event {
        id: envelope.id.to_string(),
        seq: envelope.cursor.seq().unsigned_abs(),
        kind: envelope.event.kind().into(),
        schema: envelope.event.schema().into(),
        occurred_at: millis(envelope.occurred_at),
        tenant: envelope.tenant.to_string(),
        subject: Some(Subject {
            kind: envelope.subject.kind().into(),
            id: envelope.subject.key(),
            version: envelope.version.unsigned_abs(),
        }),
        actor: Actor { kind: envelope.by.kind().into(), id: id(&envelope.by), on_behalf_of: None },
        origin: Origin {
            correlation: envelope.cause.root.unwrap_or(envelope.id).to_string(),
            causation: envelope.cause.parent.map(|id| id.to_string()),
            depth: envelope.cause.depth,
            via: envelope.cause.via.iter().map(ToString::to_string).collect(),
        },
        changes: changes.into_iter().map(change).collect(),
        data,
    }
}

fn plain(value: value::Value) -> Value {
    match value {
        value::Value::Null => Value::Null,
        value::Value::Bool(it) => Value::Boolean(it),
        value::Value::Int(it) => Value::Int(it),
        value::Value::Text(it) => Value::Text(it),
        value::Value::Texts(it) => Value::Texts(it),
        value::Value::Time { time } => Value::Time(millis(time)),
        // Texts do not stand in the log; whoever may read them asks for them as input.
        value::Value::Digest { digest } => Value::Json(serde_json::json!({ "digest": digest }).to_string()),
    }
}

pub(super) fn millis(at: Timestamp) -> u64 {
    at.millis().max(0).unsigned_abs()
}

/// A field of a ticket; `None` when there is no such field.
pub(super) fn field(config: &TenantConfig, view: &View, name: &str) -> Option<Value> {
    let ticket = &view.case.ticket;
    let text = |text: &str| Value::Text(text.to_owned());
    let time = |at: Option<Timestamp>| at.map_or(Value::Null, |at| Value::Time(millis(at)));
    let people = |relation| Value::Texts(view.case.who(relation).map(|person| person.to_string()).collect());
    Some(match name {
        "id" => Value::Text(ticket.id.to_string()),
        "key" => text(&view.key),
        "version" => Value::Int(ticket.version),
        "title" => text(&ticket.title),
        "description" => text(view.case.text.as_ref().map_or("", |text| &text.description)),
        "type" => text(ticket.kind.as_str()),
        "state" => text(&ticket.state),
        "category" => text(ticket.category.as_str()),
        "priority" => text(ticket.priority.as_str()),
        "priority_manual" => Value::Boolean(ticket.priority_manual),
        "urgency" => text(ticket.urgency.as_str()),
        "importance" => text(ticket.importance.as_str()),
        "visibility" => text(ticket.visibility.as_str()),
        "project" => config.projects.get(&ticket.project).map_or(Value::Null, |project| text(&project.key)),
        "group" => ticket.group.and_then(|id| config.groups.get(&id)).map_or(Value::Null, |group| text(&group.name)),
        "group_id" => ticket.group.map_or(Value::Null, |id| Value::Text(id.to_string())),
        "company" => {
            ticket.company.and_then(|id| config.groups.get(&id)).map_or(Value::Null, |company| text(&company.name))
        }
        "parent" => ticket.parent.map_or(Value::Null, |id| Value::Text(id.to_string())),
        "tags" => {
            let name = |tag: &helpdesk_core::ticket::Tagging| config.tags.get(&tag.tag).map(|tag| tag.name.clone());
            Value::Texts(view.case.tags.iter().filter_map(name).collect())
        }
        "requester" => view.case.who(Relation::Requester).next().map_or(Value::Null, |id| Value::Text(id.to_string())),
        "reporter" => view.case.who(Relation::Reporter).next().map_or(Value::Null, |id| Value::Text(id.to_string())),
        "assignees" => people(Relation::Assignee),
        "watchers" => people(Relation::Watcher),
        "estimate" => ticket.estimate.map_or(Value::Null, |minutes| Value::Int(minutes.into())),
        "start_at" => time(ticket.start_at),
        "due_at" => time(ticket.due_at),
        "created_at" => time(Some(ticket.created_at)),
        "updated_at" => time(Some(ticket.updated_at)),
        "resolved_at" => time(ticket.resolved_at),
        "closed_at" => time(ticket.closed_at),
        "reopened" => Value::Int(ticket.reopened.into()),
        _ => return None,
    })
}

/// The fields of a ticket that were asked for; unknown ones are empty.
pub(super) fn fields(config: &TenantConfig, view: &View, names: &[String]) -> Vec<Field> {
    names.iter().map(|name| Field::new(name.clone(), field(config, view, name).unwrap_or(Value::Null))).collect()
}
