//! Approvals: commands as inputs of mutations, and looking at them through queries.

use helpdesk_core::Actor;
use helpdesk_core::approval::Vote;
use helpdesk_core::command::Command;
use helpdesk_core::id::{ApprovalId, TicketId};
use helpdesk_core::role::Scope;
use helpdesk_core::testing::scenario::{Refused, Seen};
use helpdesk_graphql::Api;
use serde_json::{Value, json};
use uuid::Uuid;

use super::look::{scope, text, uuid};
use super::{Level, top_level};

/// The mutation, the noun of its payload, and the input; none for other commands, and for what clients have not seen.
pub(super) async fn of(level: &Level, by: &Actor, command: &Command) -> Option<(&'static str, &'static str, Value)> {
    if let Some((ticket, approval)) = about(command) {
        let id = global(&level.api, by, ticket, approval).await?;
        return decision(command, &id);
    }
    Some(match command {
        Command::PublishTemplate(c) => {
            ("approvalTemplatePublish", "template", json!({"definition": c.definition.canonical()}))
        }
        Command::RequestApproval(c) => {
            ("approvalRequest", "approval", json!({"ticket": c.ticket.to_string(), "template": c.template}))
        }
        Command::ReviewApprovers(c) => ("approvalReview", "ticket", json!({"ticket": c.ticket.to_string()})),
        Command::Delegate(c) => {
            let scope = (c.scope != Scope::Tenant).then(|| scope(&c.scope));
            let input = json!({"principal": c.principal.to_string(), "delegate": c.delegate.to_string(),
                "scope": scope, "startsAt": c.starts_at.map(|at| at.to_string()),
                "endsAt": c.ends_at.map(|at| at.to_string())});
            ("delegationCreate", "delegation", input)
        }
        Command::RevokeDelegation(c) => {
            ("delegationRevoke", "delegation", json!({"delegation": level.delegations.get(&c.delegation)?}))
        }
        _ => return None,
    })
}

/// The approval a command is about.
fn about(command: &Command) -> Option<(TicketId, ApprovalId)> {
    Some(match command {
        Command::DecideApproval(c) => (c.ticket, c.approval),
        Command::RetractDecision(c) => (c.ticket, c.approval),
        Command::ReassignSlot(c) => (c.ticket, c.approval),
        Command::ConsultApprover(c) => (c.ticket, c.approval),
        Command::AdviseApprover(c) => (c.ticket, c.approval),
        Command::RecallApproval(c) => (c.ticket, c.approval),
        Command::ResubmitApproval(c) => (c.ticket, c.approval),
        _ => return None,
    })
}

/// The id clients get from lists.
async fn global(api: &Api, by: &Actor, ticket: TicketId, approval: ApprovalId) -> Option<String> {
    let host = Actor::system_of(by.tenant()?);
    let document = "query($id: ID!) { ticket(id: $id) { approvals(first: 100) { nodes { id uuid } } } }";
    let answer = api.execute(&host, document, json!({"id": ticket.to_string()})).await;
    let nodes = answer["data"]["ticket"]["approvals"]["nodes"].as_array()?;
    let found = nodes.iter().find(|it| it["uuid"] == json!(Uuid::from(approval)))?;
    Some(text(&found["id"]))
}

fn decision(command: &Command, id: &str) -> Option<(&'static str, &'static str, Value)> {
    let (name, input) = match command {
        Command::DecideApproval(c) => {
            let verdict = if c.verdict == Vote::Approved { "APPROVED" } else { "REJECTED" };
            let input = json!({"approval": id, "verdict": verdict, "comment": c.comment, "step": c.step,
                "onBehalfOf": c.on_behalf_of.map(|person| person.to_string())});
            ("approvalDecide", input)
        }
        Command::RetractDecision(c) => ("approvalRetract", json!({"approval": id, "step": c.step})),
        Command::ReassignSlot(c) => {
            let (from, to) = (c.from.to_string(), c.to.to_string());
            let input = json!({"approval": id, "step": c.step, "from": from, "to": to, "reason": c.reason});
            ("approvalReassign", input)
        }
        Command::ConsultApprover(c) => {
            let person = c.person.to_string();
            let input = json!({"approval": id, "step": c.step, "person": person, "question": c.question});
            ("approvalConsult", input)
        }
        Command::AdviseApprover(c) => ("approvalAdvise", json!({"approval": id, "step": c.step, "opinion": c.opinion})),
        Command::RecallApproval(c) => ("approvalRecall", json!({"approval": id, "reason": c.reason})),
        Command::ResubmitApproval(_) => ("approvalResubmit", json!({"approval": id})),
        _ => return None,
    };
    Some((name, "approval", input))
}

async fn get(api: &Api, viewer: &Actor, document: &str, variables: Value) -> Result<Value, Refused> {
    let answer = api.execute(viewer, document, variables).await;
    if answer.get("errors").is_some() { Err(top_level(&answer)) } else { Ok(answer["data"].clone()) }
}

fn nodes(list: &Value) -> Vec<Value> {
    list["nodes"].as_array().cloned().unwrap_or_default()
}

fn lower(it: &Value) -> String {
    text(it).to_lowercase()
}

/// The approvals of a ticket in their present rounds.
pub(super) async fn approvals(api: &Api, viewer: &Actor, ticket: TicketId) -> Result<Seen, Refused> {
    let document = "query($id: ID!) { ticket(id: $id) { approvals(first: 20) { nodes { template { key } state round
        steps { key state slots { state person { id } } } } } } }";
    let ticket = get(api, viewer, document, json!({"id": ticket.to_string()})).await?["ticket"].clone();
    let mut words = vec![];
    for approval in nodes(&ticket["approvals"]) {
        words.push(format!(
            "{}/{}/{}",
            text(&approval["template"]["key"]),
            lower(&approval["state"]),
            approval["round"]
        ));
        for step in approval["steps"].as_array().unwrap() {
            let slot = |slot: &Value| {
                let person = uuid(&slot["person"]["id"]);
                let open = slot["state"] == "OPEN";
                if open { person.to_string() } else { format!("{person}({})", lower(&slot["state"])) }
            };
            let mut slots: Vec<String> = step["slots"].as_array().unwrap().iter().map(slot).collect();
            slots.sort();
            let slots = if slots.is_empty() { String::new() } else { format!(":{}", slots.join(",")) };
            words.push(format!("{}:{}{slots}", text(&step["key"]), lower(&step["state"])));
        }
    }
    Ok(Seen::Told(words))
}

/// The latest approval of a ticket by a template.
pub(super) async fn latest(api: &Api, viewer: &Actor, ticket: TicketId, template: &str) -> Result<Seen, Refused> {
    let document = "query($id: ID!) { ticket(id: $id) { approvals(first: 100) { nodes { uuid template { key } } } } }";
    let ticket = get(api, viewer, document, json!({"id": ticket.to_string()})).await?["ticket"].clone();
    let found = nodes(&ticket["approvals"]).into_iter().rev().find(|it| it["template"]["key"] == template);
    match found {
        Some(found) => Ok(Seen::Approval(text(&found["uuid"]).parse().unwrap())),
        None => Err(Refused { code: "NOT_FOUND".into(), fields: vec![], message: "no such approval".into() }),
    }
}

/// What waits for the viewer to decide.
pub(super) async fn inbox(api: &Api, viewer: &Actor) -> Result<Seen, Refused> {
    let document = "{ inbox(first: 100) { nodes { ticket { uuid } step { key } onBehalfOf { id } } } }";
    let word = |it: &Value| {
        let whose = &it["onBehalfOf"];
        let whose = if whose.is_null() { String::new() } else { format!("/{}", uuid(&whose["id"])) };
        format!("{}/{}{whose}", text(&it["ticket"]["uuid"]), text(&it["step"]["key"]))
    };
    let list = get(api, viewer, document, Value::Null).await?;
    Ok(Seen::Told(nodes(&list["inbox"]).iter().map(word).collect()))
}

/// What would become of an approval by a template.
pub(super) async fn forecast(api: &Api, viewer: &Actor, ticket: TicketId, template: &str) -> Result<Seen, Refused> {
    let document = "query($ticket: ID!, $template: String!) { approvalSimulate(ticket: $ticket, template: $template) {
        blocked steps { key skipped blocked asked { person { id } } } } }";
    let variables = json!({"ticket": ticket.to_string(), "template": template});
    let forecast = get(api, viewer, document, variables).await?["approvalSimulate"].clone();
    let steps = forecast["steps"].as_array().unwrap();
    assert_eq!(forecast["blocked"], json!(steps.iter().any(|step| !step["blocked"].is_null())));
    let word = |step: &Value| {
        let what = if !step["skipped"].is_null() {
            "skipped".to_owned()
        } else if !step["blocked"].is_null() {
            "blocked".to_owned()
        } else {
            let people = step["asked"].as_array().unwrap().iter().map(|it| uuid(&it["person"]["id"]).to_string());
            let mut people: Vec<String> = people.collect();
            people.sort();
            people.join(",")
        };
        format!("{}:{what}", text(&step["key"]))
    };
    Ok(Seen::Told(steps.iter().map(word).collect()))
}
