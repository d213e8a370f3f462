//! Commands as inputs of mutations.

use helpdesk_core::command::{Command, Patch};
use helpdesk_core::id::{PersonId, TagId};
use serde_json::{Value, json};

use super::look::filter;

/// The mutation, the noun of its payload, and the input; none for commands that are left to the desk.
pub(super) fn of(command: &Command) -> Option<(&'static str, &'static str, Value)> {
    let people = |all: &[PersonId]| json!(all.iter().map(PersonId::to_string).collect::<Vec<_>>());
    let tags = |all: &[TagId]| json!(all.iter().map(TagId::to_string).collect::<Vec<_>>());
    let upper = |name: &str| name.to_uppercase();
    Some(match command {
        Command::CreateTicket(c) => {
            let mut input = patch(&c.fields);
            input["project"] = json!(c.project.to_string());
            input["title"] = json!(c.title);
            input["uuid"] = json!(c.id.map(|id| id.to_string()));
            input["transition"] = json!(c.transition);
            input["requester"] = json!(c.requester.map(|id| id.to_string()));
            input["assignees"] = people(&c.assignees);
            input["tags"] = tags(&c.tags);
            ("ticketCreate", "ticket", input)
        }
        Command::EditTicket(c) => {
            let mut input = patch(&c.fields);
            input["ticket"] = json!(c.ticket.to_string());
            ("ticketEdit", "ticket", input)
        }
        Command::MoveTo(c) => {
            let mut input =
                json!({"ticket": c.ticket.to_string(), "transition": c.transition, "fields": patch(&c.fields)});
            if let Some(reason) = &c.reason {
                input["reason"] = json!(reason);
            }
            ("ticketMove", "ticket", input)
        }
        Command::ForceState(c) => {
            let input = json!({"ticket": c.ticket.to_string(), "state": c.state, "reason": c.reason});
            ("ticketForceState", "ticket", input)
        }
        Command::Relate(c) => {
            let relation = upper(c.relation.as_str());
            let input = json!({"ticket": c.ticket.to_string(), "relation": relation, "people": people(&c.people), "only": c.only});
            ("ticketRelate", "ticket", input)
        }
        Command::Unrelate(c) => {
            let relation = upper(c.relation.as_str());
            let input = json!({"ticket": c.ticket.to_string(), "relation": relation, "people": people(&c.people)});
            ("ticketUnrelate", "ticket", input)
        }
        Command::Claim(c) => ("ticketClaim", "ticket", json!({"ticket": c.ticket.to_string()})),
        Command::Reassign(c) => {
            let (from, to) = (c.from.to_string(), c.to.to_string());
            let input = json!({"ticket": c.ticket.to_string(), "from": from, "to": to, "reason": c.reason});
            ("ticketReassign", "ticket", input)
        }
        Command::TagTicket(c) => (
            "ticketTag",
            "ticket",
            json!({"ticket": c.ticket.to_string(), "add": tags(&c.add), "remove": tags(&c.remove)}),
        ),
        Command::LinkTickets(c) => {
            let kind = upper(c.kind.as_str());
            ("ticketLink", "ticket", json!({"ticket": c.ticket.to_string(), "kind": kind, "to": c.to.to_string()}))
        }
        Command::UnlinkTickets(c) => {
            let kind = upper(c.kind.as_str());
            ("ticketUnlink", "ticket", json!({"ticket": c.ticket.to_string(), "kind": kind, "to": c.to.to_string()}))
        }
        Command::DeleteTicket(c) => ("ticketDelete", "", json!({"ticket": c.ticket.to_string(), "reason": c.reason})),
        Command::RestoreTicket(c) => {
            ("ticketRestore", "ticket", json!({"ticket": c.ticket.to_string(), "reason": c.reason}))
        }
        Command::Comment(c) => {
            let visibility = upper(c.visibility.as_str());
            ("entryAdd", "entry", json!({"ticket": c.ticket.to_string(), "body": c.body, "visibility": visibility}))
        }
        Command::RevokeRole(c) => ("roleRevoke", "", json!({"grant": c.grant.to_string()})),
        Command::EditPerson(c) => {
            let input = json!({"person": c.person.to_string(), "name": c.name, "active": c.active});
            let mut input = input;
            for (field, value) in [("email", &c.email), ("phone", &c.phone), ("title", &c.title)] {
                if let Some(value) = value {
                    input[field] = json!(value);
                }
            }
            if let Some(kind) = c.kind {
                input["kind"] = json!(upper(kind.as_str()));
            }
            if let Some(skills) = &c.skills {
                input["skills"] = json!(skills);
            }
            if let Some(manager) = c.manager {
                input["manager"] = json!(manager.map(|person| person.to_string()));
            }
            ("personEdit", "", input)
        }
        Command::EditGroup(c) => {
            let mut input = json!({"group": c.group.to_string(), "name": c.name});
            if let Some(parent) = c.parent {
                input["parent"] = json!(parent.map(|group| group.to_string()));
            }
            if let Some(head) = c.head {
                input["head"] = json!(head.map(|person| person.to_string()));
            }
            ("groupEdit", "", input)
        }
        Command::AddMember(c) => {
            ("groupAddMember", "", json!({"group": c.group.to_string(), "person": c.person.to_string()}))
        }
        Command::RemoveMember(c) => {
            ("groupRemoveMember", "", json!({"group": c.group.to_string(), "person": c.person.to_string()}))
        }
        Command::EditBoard(c) => {
            let mut input = json!({"board": c.board.to_string(), "name": c.name, "deleted": c.deleted});
            if let Some(wanted) = &c.filter {
                input["filter"] = filter(wanted);
            }
            ("boardEdit", "", input)
        }
        Command::EditColumn(c) => {
            let mut input = json!({"board": c.board.to_string(), "column": c.column.to_string(), "title": c.title,
                "states": c.states});
            if let Some(colour) = &c.colour {
                input["colour"] = json!(colour);
            }
            if let Some(limit) = c.limit {
                input["limit"] = json!(limit);
            }
            ("columnEdit", "", input)
        }
        Command::MoveColumn(c) => {
            let before = c.before.map(|id| id.to_string());
            let input = json!({"board": c.board.to_string(), "column": c.column.to_string(), "before": before});
            ("columnMove", "", input)
        }
        Command::DeleteColumn(c) => {
            let into = c.into.map(|id| id.to_string());
            let input = json!({"board": c.board.to_string(), "column": c.column.to_string(), "into": into});
            ("columnDelete", "", input)
        }
        Command::RestoreColumn(c) => {
            let input = json!({"board": c.board.to_string(), "column": c.column.to_string()});
            ("columnRestore", "", input)
        }
        Command::MoveCard(c) => {
            let beside = |id: Option<helpdesk_core::id::TicketId>| id.map(|id| id.to_string());
            let input = json!({"board": c.board.to_string(), "column": c.column.to_string(),
                "ticket": c.ticket.to_string(), "before": beside(c.before), "after": beside(c.after),
                "transition": c.transition, "fields": patch(&c.fields)});
            ("cardMove", "ticket", input)
        }
        // Entries are addressed with their ticket, which only clients that have seen them can do.
        Command::EditComment(_) | Command::DeleteComment(_) => return None,
        // Told in a place of their own.
        Command::PublishTemplate(_)
        | Command::RequestApproval(_)
        | Command::DecideApproval(_)
        | Command::RetractDecision(_)
        | Command::ReassignSlot(_)
        | Command::ConsultApprover(_)
        | Command::AdviseApprover(_)
        | Command::RecallApproval(_)
        | Command::ResubmitApproval(_)
        | Command::ReviewApprovers(_)
        | Command::Delegate(_)
        | Command::RevokeDelegation(_) => return None,
        // What they make is named by later lines; the desk tells its id.
        Command::RegisterTenant(_)
        | Command::EditTenant(_)
        | Command::CreateProject(_)
        | Command::EditProject(_)
        | Command::EnsurePerson(_)
        | Command::CreateGroup(_)
        | Command::GrantRole(_)
        | Command::DefineRole(_)
        | Command::EditRole(_)
        | Command::DeleteRole(_)
        | Command::PublishWorkflow(_)
        | Command::DefineTag(_)
        | Command::EditTag(_)
        | Command::InstallPlugin(_)
        | Command::RemovePlugin(_)
        | Command::MigrateTicket(_)
        | Command::CreateBoard(_)
        | Command::AddColumn(_)
        | Command::StopAutomation(_) => return None,
    })
}

fn patch(fields: &Patch) -> Value {
    let mut input = json!({});
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            input[name] = value;
        }
    };
    set("title", fields.title.as_ref().map(|it| json!(it)));
    set("description", fields.description.as_ref().map(|it| json!(it)));
    set("type", fields.kind.map(|it| json!(it.as_str().to_uppercase())));
    set("priority", fields.priority.map(|it| json!(it.map(|it| it.as_str().to_uppercase()))));
    set("urgency", fields.urgency.map(|it| json!(it.as_str().to_uppercase())));
    set("importance", fields.importance.map(|it| json!(it.as_str().to_uppercase())));
    set("visibility", fields.visibility.map(|it| json!(it.as_str().to_uppercase())));
    set("company", fields.company.map(|it| json!(it.map(|it| it.to_string()))));
    set("group", fields.group.map(|it| json!(it.map(|it| it.to_string()))));
    set("parent", fields.parent.map(|it| json!(it.map(|it| it.to_string()))));
    set("startAt", fields.start_at.map(|it| json!(it.map(|it| it.to_string()))));
    set("dueAt", fields.due_at.map(|it| json!(it.map(|it| it.to_string()))));
    set("estimate", fields.estimate.map(|it| json!(it)));
    input
}
