//! What a plugin is told of an event's content: the fields of its subject that the plugin was granted to read. Pure.
//!
//! Not decided here: whether it may see the event at all, and which other tickets may be named in it; that is the desk's,
//! as for everybody.

use helpdesk_core::event::{ParticipantAdded, ParticipantRemoved, TicketCreated, TicketEdited};
use helpdesk_core::ticket::Relation;
use helpdesk_core::value::{Change, Field};
use helpdesk_core::{Envelope, Event};

use crate::capability::{Call, Grant};

/// The changes and the data of an event, as far as `grant` reaches. What was not granted is left out.
pub(super) fn content(envelope: &Envelope, grant: &Grant) -> (Vec<Change>, String) {
    let kind = envelope.subject.kind();
    let may = |field: &str| grant.check(Call::Read { kind, field }).is_ok();
    let mut changes = envelope.event.changes();
    let all = may("*");
    if !all {
        changes.retain(|change| may(change.field.as_str()));
    }
    let data = match &envelope.event {
        // From the changes as they are shown: the log's own have marks that are nobody else's.
        Event::TicketEdited(_) => Event::from(TicketEdited { changes: changes.clone() }).data(),
        event if all => event.data(),
        Event::TicketCreated(created) => {
            let people = created.people.iter().filter(|(relation, _)| may(people(*relation))).copied().collect();
            limited(&TicketCreated { people, ..created.clone() }.into(), kind, may)
        }
        event => limited(event, kind, may),
    };
    (changes, data)
}

/// An event's data without the keys that tell of other fields.
fn limited(event: &Event, kind: &str, may: impl Fn(&str) -> bool) -> String {
    let data = serde_json::from_str(&event.data());
    let mut data: serde_json::Map<String, serde_json::Value> = data.unwrap_or_default(); // what is no object is told nobody
    data.retain(|key, value| match field(event, kind, key) {
        None => value.as_array().is_none_or(|list| !list.is_empty()),
        Some(field) => may(field),
    });
    serde_json::Value::Object(data).to_string()
}

/// The field of the subject that a key of an event's data tells of; none: it tells of none, or is limited already.
fn field<'a>(event: &Event, kind: &str, key: &'a str) -> Option<&'a str> {
    match event {
        Event::TicketCreated(_) => match key {
            "people" => None,
            "number" => Some("key"),
            "workflow" | "transition" => Some("state"),
            key => Some(key),
        },
        Event::TicketEdited(_) => None,
        Event::TicketMigrated(_) => Some(if key.starts_with("category") { "category" } else { "state" }),
        Event::TicketMoved(_) => Some(if matches!(key, "before" | "after") { "category" } else { "state" }),
        Event::ParticipantAdded(ParticipantAdded { relation, .. })
        | Event::ParticipantRemoved(ParticipantRemoved { relation, .. }) => Some(people(*relation)),
        Event::TicketReassigned(_) => Some(people(Relation::Assignee)),
        Event::TicketTagged(_) => Some("tags"),
        Event::ChildAdded(_) | Event::ChildRemoved(_) => Some("children"),
        Event::TicketLinked(_) | Event::TicketUnlinked(_) => Some("links"),
        Event::TicketDeleted(_) | Event::TicketRestored(_) => Some("deleted"),
        Event::EntryAdded(_) | Event::EntryEdited(_) | Event::EntryDeleted(_) => Some("entries"),
        // The ticket stands in the envelope; the place is the board's and tells nothing of it.
        Event::CardMoved(_) => None,
        Event::ApprovalRequested(_)
        | Event::RoundOpened(_)
        | Event::StepOpened(_)
        | Event::StepSkipped(_)
        | Event::StepBlocked(_)
        | Event::StepEnded(_)
        | Event::ApprovalDecided(_)
        | Event::ApprovalConsulted(_)
        | Event::SlotMoved(_)
        | Event::SlotVacated(_)
        | Event::ApprovalEdited(_)
        | Event::ApprovalStaled(_)
        | Event::ApprovalEnded(_) => Some("approvals"),
        // About the chain, not about the ticket where it ended.
        Event::AutomationStopped(_) => None,
        Event::TenantRegistered(_)
        | Event::TenantEdited(_)
        | Event::ProjectCreated(_)
        | Event::ProjectEdited(_)
        | Event::PersonAdded(_)
        | Event::PersonEdited(_)
        | Event::GroupCreated(_)
        | Event::GroupEdited(_)
        | Event::MemberAdded(_)
        | Event::MemberRemoved(_)
        | Event::RoleGranted(_)
        | Event::RoleRevoked(_)
        | Event::RoleDefined(_)
        | Event::RoleEdited(_)
        | Event::RoleDeleted(_)
        | Event::WorkflowPublished(_)
        | Event::TagDefined(_)
        | Event::TagEdited(_)
        | Event::PluginInstalled(_)
        | Event::PluginRemoved(_)
        | Event::BoardCreated(_)
        | Event::BoardEdited(_)
        | Event::ColumnAdded(_)
        | Event::ColumnEdited(_)
        | Event::ColumnMoved(_)
        | Event::ColumnDeleted(_)
        | Event::ColumnRestored(_)
        | Event::TemplatePublished(_)
        | Event::Delegated(_)
        | Event::DelegationRevoked(_) => {
            // The subject's own id is told by the envelope.
            if key == kind { None } else { Some(key) }
        }
        // What we cannot read is told only to who may read everything.
        Event::Foreign(_) => Some("*"),
    }
}

/// The field of a ticket that holds its people of a relation.
pub(super) fn people(relation: Relation) -> &'static str {
    let field = match relation {
        Relation::Reporter => Field::Reporter,
        Relation::Requester => Field::Requester,
        Relation::Assignee => Field::Assignees,
        Relation::Watcher => Field::Watchers,
        Relation::Approver => Field::Approvers,
        Relation::Member => Field::Members,
    };
    field.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of an event's data when these fields may be read.
    fn check(kind: &str, data: &str, may: &[&str], left: &str) {
        let event = Event::read(kind, 1, data);
        let subject = kind.split('.').next().unwrap();
        assert_eq!(limited(&event, subject, |field| may.contains(&field)), left, "{kind} {may:?}");
    }

    #[test]
    fn of_the_directory_too_only_what_was_granted_is_told() {
        let id = "00000000-0000-0000-0000-000000000001";
        let person = format!(r#"{{"person":"{id}","kind":"staff"}}"#);
        check("person.added", &person, &["name"], &format!(r#"{{"person":"{id}"}}"#));
        check("person.added", &person, &["kind"], &format!(r#"{{"kind":"staff","person":"{id}"}}"#));
        let member = format!(r#"{{"group":"{id}","person":"{id}"}}"#);
        check("group.member_added", &member, &["name"], &format!(r#"{{"group":"{id}"}}"#));
    }

    #[test]
    fn what_cannot_be_read_is_told_only_to_who_may_read_everything() {
        check("ticket.teleported", r#"{"to":"mars"}"#, &["to", "title"], "{}");
        check("ticket.teleported", r#"{"to":"mars"}"#, &["*"], r#"{"to":"mars"}"#);
        check("ticket.teleported", "no JSON", &["*"], "{}");
    }

    #[test]
    fn the_end_of_a_chain_is_told_whole() {
        let stopped = r#"{"plugin":"triage","limit":"depth","used":9,"allowed":8}"#;
        check("automation.stopped", stopped, &[], r#"{"allowed":8,"limit":"depth","plugin":"triage","used":9}"#);
    }
}
