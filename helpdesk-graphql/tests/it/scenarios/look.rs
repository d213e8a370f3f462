//! Looking at things through queries.

use std::collections::BTreeMap;

use helpdesk_core::filter::{Cond, Filter, Number, TextIs, When};
use helpdesk_core::id::ColumnId;
use helpdesk_core::role::Scope;
use helpdesk_core::testing::scenario::{Look, Picture, Refused, Seen};
use helpdesk_core::ticket::Relation;
use helpdesk_core::{Actor, Author};
use helpdesk_graphql::Api;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{approval, top_level};

const PICTURE: &str = "query($id: ID!) { ticket(id: $id) { key title type state { id category } priority priorityManual
    urgency importance visibility parent { id } startAt dueAt estimate resolvedAt closedAt createdAt updatedAt
    reopened regrouped version deletedAt assignees { id } reporters { id } requesters { id } watchers { id }
    approval approvers { id } members { id } tags { id } description } }";

pub(super) async fn see(api: &Api, viewer: &Actor, look: &Look) -> Result<Seen, Refused> {
    let get = async |document: &str, variables: Value| {
        let answer = api.execute(viewer, document, variables).await;
        if answer.get("errors").is_some() { Err(top_level(&answer)) } else { Ok(answer["data"].clone()) }
    };
    let nodes = |list: &Value| list["nodes"].as_array().cloned().unwrap_or_default();
    Ok(match look {
        Look::Ticket(id) => Seen::Ticket(picture(&get(PICTURE, json!({"id": id.to_string()})).await?["ticket"])),
        Look::List(wanted) => {
            let document =
                "query($filter: TicketFilter) { tickets(first: 100, filter: $filter, orderBy: {number: ASC}) {
                nodes { uuid } } }";
            let list = get(document, json!({"filter": filter(wanted)})).await?;
            Seen::List(nodes(&list["tickets"]).iter().map(|it| text(&it["uuid"]).parse().unwrap()).collect())
        }
        Look::Count(wanted) => {
            let document =
                "query($filter: TicketFilter) { tickets(first: 1, filter: $filter) { totalCount { value } } }";
            let list = get(document, json!({"filter": filter(wanted)})).await?;
            Seen::Count(u32::try_from(list["tickets"]["totalCount"]["value"].as_u64().unwrap()).unwrap())
        }
        Look::Board(id) => {
            let document = "query($id: ID!) { board(id: $id) { columns(first: 40) { nodes { title states } } } }";
            let board = get(document, json!({"id": id.to_string()})).await?;
            let column = |it: &Value| {
                let states: Vec<String> = it["states"].as_array().unwrap().iter().map(text).collect();
                format!("{}:{}", text(&it["title"]), states.join(","))
            };
            Seen::Words(nodes(&board["board"]["columns"]).iter().map(column).collect())
        }
        Look::Cards(board, column) => {
            let cards = cards(api, viewer, &board.to_string(), column).await?;
            Seen::Cards(cards.iter().map(|it| text(&it["ticket"]["uuid"]).parse().unwrap()).collect())
        }
        Look::Comments(board, column) => {
            let cards = cards(api, viewer, &board.to_string(), column).await?;
            Seen::Words(cards.iter().map(|it| it["commentCount"].to_string()).collect())
        }
        Look::History(id) => {
            let document = "query($id: ID!) { ticket(id: $id) { timeline(first: 100) { nodes { kind } } } }";
            let ticket = get(document, json!({"id": id.to_string()})).await?;
            Seen::History(nodes(&ticket["ticket"]["timeline"]).iter().map(|it| text(&it["kind"])).collect())
        }
        Look::Links(id) => {
            let document =
                "query($id: ID!) { ticket(id: $id) { links(first: 100) { nodes { kind ticket { uuid } } } } }";
            let ticket = get(document, json!({"id": id.to_string()})).await?;
            let link = |it: &Value| {
                let kind = text(&it["kind"]).to_lowercase().parse().unwrap();
                (kind, text(&it["ticket"]["uuid"]).parse().unwrap())
            };
            Seen::Links(nodes(&ticket["ticket"]["links"]).iter().map(link).collect())
        }
        Look::Entries(id) => {
            let document = "query($id: ID!) { ticket(id: $id) { entries(first: 100) { nodes { uuid body } } } }";
            let ticket = get(document, json!({"id": id.to_string()})).await?;
            let entry = |it: &Value| (text(&it["uuid"]).parse().unwrap(), text(&it["body"]));
            Seen::Entries(nodes(&ticket["ticket"]["entries"]).iter().map(entry).collect())
        }
        Look::Exits(id) => {
            let document = "query($id: ID!) { ticket(id: $id) { transitions { available transition { id } } } }";
            let ticket = get(document, json!({"id": id.to_string()})).await?;
            let exits = ticket["ticket"]["transitions"].as_array().cloned().unwrap_or_default();
            Seen::Exits(exits.iter().map(|it| (text(&it["transition"]["id"]), it["available"] == true)).collect())
        }
        Look::Why(who, permission, id) => {
            let document = "query($ticket: ID!, $person: ID, $permission: Permission!) {
                explain(ticket: $ticket, person: $person, action: {permission: $permission}) {
                    allowed code grants { decides viaGroup grant { role { key } scope } }
                    needed relations { relation permissions } rules } }";
            let permission = permission.as_str().replace('.', "_").to_uppercase();
            let person = who.person_id().map(|id| id.to_string());
            let variables = json!({"ticket": id.to_string(), "person": person, "permission": permission});
            let why = get(document, variables).await?["explain"].clone();
            assert_eq!(why["allowed"], why["code"].is_null());
            let mut words = vec![if why["code"].is_null() { "allowed".into() } else { text(&why["code"]) }];
            let grants = why["grants"].as_array().into_iter().flatten().filter(|it| it["decides"] == true);
            let mut grants: Vec<String> = grants
                .map(|it| {
                    let via = if it["viaGroup"] == true { "/group" } else { "" };
                    let scope = text(&it["grant"]["scope"]).to_lowercase();
                    format!("{}@{scope}{via}", text(&it["grant"]["role"]["key"]))
                })
                .collect();
            grants.sort();
            words.extend(grants);
            let gives = |it: &&Value| it["permissions"].as_array().unwrap().contains(&why["needed"][0]);
            let relations = why["relations"].as_array().into_iter().flatten().filter(gives);
            words.extend(relations.map(|it| text(&it["relation"]).to_lowercase()));
            words.extend(why["rules"].as_array().into_iter().flatten().map(|it| text(it).to_lowercase()));
            Seen::Why(words)
        }
        Look::Holders(role, scope) => {
            let document = "query($role: RoleKey!, $scope: RoleScopeInput) {
                roleHolders(role: $role, scope: $scope, first: 100) {
                    nodes { person { id } grants { role { key } } } } }";
            let scope = self::scope(scope);
            let list = get(document, json!({"role": role.as_str(), "scope": scope})).await?;
            Seen::People(nodes(&list["roleHolders"]).iter().map(|it| uuid(&it["person"]["id"]).into()).collect())
        }
        Look::Approvals(id) => approval::approvals(api, viewer, *id).await?,
        Look::Latest(id, template) => approval::latest(api, viewer, *id, template).await?,
        Look::Inbox => approval::inbox(api, viewer).await?,
        Look::Forecast(id, template) => approval::forecast(api, viewer, *id, template).await?,
        Look::People(search) => {
            let document = "query($search: String) { people(first: 100, search: $search) { nodes { id } } }";
            let list = get(document, json!({ "search": search })).await?;
            Seen::People(nodes(&list["people"]).iter().map(|it| uuid(&it["id"]).into()).collect())
        }
    })
}

/// The scope as an input; null for the whole tenant.
pub(super) fn scope(scope: &Scope) -> Value {
    match scope {
        Scope::Tenant => Value::Null,
        Scope::Project(id) => json!({"project": id.to_string()}),
        Scope::Department(id) => json!({"department": id.to_string()}),
        Scope::Company(id) => json!({"company": id.to_string()}),
        Scope::Ticket(id) => json!({"ticket": id.to_string()}),
    }
}

pub(super) fn text(it: &Value) -> String {
    match it {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn uuid(id: &Value) -> Uuid {
    Uuid::try_parse(text(id).split('.').nth(1).unwrap_or_default()).unwrap()
}

fn picture(ticket: &Value) -> Picture {
    let lower = |it: &Value| text(it).to_lowercase();
    let ids = |list: &Value| {
        let mut ids: Vec<String> =
            list.as_array().into_iter().flatten().map(|it| uuid(&it["id"]).to_string()).collect();
        ids.sort();
        ids.join(",")
    };
    let parent = if ticket["parent"].is_null() { String::new() } else { uuid(&ticket["parent"]["id"]).to_string() };
    let mut all = BTreeMap::from([
        ("key", text(&ticket["key"])),
        ("title", text(&ticket["title"])),
        ("type", lower(&ticket["type"])),
        ("state", text(&ticket["state"]["id"])),
        ("category", lower(&ticket["state"]["category"])),
        ("priority", lower(&ticket["priority"])),
        ("priority_manual", text(&ticket["priorityManual"])),
        ("urgency", lower(&ticket["urgency"])),
        ("importance", lower(&ticket["importance"])),
        ("visibility", lower(&ticket["visibility"])),
        ("parent", parent),
        ("start_at", text(&ticket["startAt"])),
        ("due_at", text(&ticket["dueAt"])),
        ("estimate", text(&ticket["estimate"])),
        ("resolved_at", text(&ticket["resolvedAt"])),
        ("closed_at", text(&ticket["closedAt"])),
        ("created_at", text(&ticket["createdAt"])),
        ("updated_at", text(&ticket["updatedAt"])),
        ("reopened", text(&ticket["reopened"])),
        ("regrouped", text(&ticket["regrouped"])),
        ("version", text(&ticket["version"])),
        ("deleted", (!ticket["deletedAt"].is_null()).to_string()),
        ("assignees", ids(&ticket["assignees"])),
        ("reporter", ids(&ticket["reporters"])),
        ("requester", ids(&ticket["requesters"])),
        ("watchers", ids(&ticket["watchers"])),
        ("approval", lower(&ticket["approval"])),
        ("approvers", ids(&ticket["approvers"])),
        ("members", ids(&ticket["members"])),
        ("tags", ids(&ticket["tags"])),
        ("description", text(&ticket["description"])),
    ]);
    // Deleted tags are shown to those who manage tags alone: no tags seen says nothing.
    all.retain(|field, value| *field != "tags" || !value.is_empty());
    Picture(all)
}

/// The cards in a column.
async fn cards(api: &Api, viewer: &Actor, board: &str, column: &ColumnId) -> Result<Vec<Value>, Refused> {
    let document = "query($id: ID!) { board(id: $id) { columns(first: 10) { nodes { id cards(first: 20) {
        totalCount { value } nodes { commentCount ticket { uuid } } } } } } }";
    let answer = api.execute(viewer, document, json!({ "id": board })).await;
    if answer.get("errors").is_some() {
        return Err(top_level(&answer));
    }
    let columns = answer["data"]["board"]["columns"]["nodes"].as_array().unwrap();
    let key = Uuid::from(*column).simple().to_string();
    // A column that is gone is one of those that are not there.
    let gone = || Refused { code: "NOT_FOUND".into(), fields: vec![], message: "no such column".into() };
    let column = columns.iter().find(|it| text(&it["id"]).split('.').nth(1) == Some(&key)).ok_or_else(gone)?;
    let cards = column["cards"]["nodes"].as_array().unwrap().clone();
    assert_eq!(column["cards"]["totalCount"]["value"], cards.len(), "cards are counted as listed");
    Ok(cards)
}

/// The core's filter as the API takes it.
pub(super) fn filter(wanted: &Filter) -> Value {
    match wanted {
        Filter::All => json!({}),
        Filter::None => json!({"or": []}),
        Filter::And(all) => json!({"and": all.iter().map(filter).collect::<Vec<_>>()}),
        Filter::Or(any) => json!({"or": any.iter().map(filter).collect::<Vec<_>>()}),
        Filter::Not(inner) => json!({"not": filter(inner)}),
        Filter::Is(cond) => condition(cond),
    }
}

fn condition(cond: &Cond) -> Value {
    fn plain<T: std::fmt::Display>(list: &[T]) -> Value {
        json!({"in": list.iter().map(T::to_string).collect::<Vec<_>>()})
    }
    fn upper<T: std::fmt::Display>(list: &[T]) -> Value {
        json!({"in": list.iter().map(|it| it.to_string().to_uppercase()).collect::<Vec<_>>()})
    }
    fn maybe<T: std::fmt::Display>(list: &[T]) -> Value {
        if list.is_empty() { json!({"exists": false}) } else { plain(list) }
    }
    let role = |relation: &Relation| relation.as_str().to_owned();
    match cond {
        Cond::Id(list) => json!({"id": plain(list)}),
        Cond::Project(list) => json!({"project": plain(list)}),
        Cond::Type(list) => json!({"type": upper(list)}),
        Cond::State(list) => json!({"state": plain(list)}),
        Cond::Category(list) => json!({"category": upper(list)}),
        Cond::Priority(list) => json!({"priority": upper(list)}),
        Cond::Urgency(list) => json!({"urgency": upper(list)}),
        Cond::Importance(list) => json!({"importance": upper(list)}),
        Cond::Visibility(list) => json!({"visibility": upper(list)}),
        Cond::Group(list) => json!({"group": maybe(list)}),
        Cond::Company(list) => json!({"company": maybe(list)}),
        Cond::Parent(list) => json!({"parent": maybe(list)}),
        Cond::Tag(list) => json!({"tag": maybe(list)}),
        Cond::CreatedBy(list) => {
            let people: Vec<String> = list.iter().filter_map(Author::person).map(|id| id.to_string()).collect();
            json!({"createdBy": {"people": people, "system": list.contains(&Author::System)}})
        }
        Cond::Related { people, relations } => {
            let who = if people.is_empty() { json!({"exists": true}) } else { plain(people) };
            json!({"or": relations.iter().map(|relation| json!({ role(relation): who })).collect::<Vec<_>>()})
        }
        Cond::Mine(list) => json!({"mine": list.iter().map(|it| role(it).to_uppercase()).collect::<Vec<_>>()}),
        Cond::Title(TextIs::Equal(it)) => json!({"title": {"eq": it}}),
        Cond::Title(TextIs::Contains(it)) => json!({"title": {"contains": it}}),
        Cond::Title(TextIs::Begins(it)) => json!({"title": {"startsWith": it}}),
        Cond::Time(which, range) => {
            let name = match which {
                When::Created => "createdAt",
                When::Updated => "updatedAt",
                When::Start => "startAt",
                When::Due => "dueAt",
                When::Resolved => "resolvedAt",
                When::Closed => "closedAt",
            };
            let at = |it: Option<helpdesk_core::Timestamp>| it.map(|it| it.to_string());
            json!({ name: {"from": at(range.from), "to": at(range.to), "exists": true} })
        }
        Cond::Number(which, range) => {
            let name = match which {
                Number::Number => "number",
                Number::Estimate => "estimate",
                Number::Reopened => "reopened",
                Number::Regrouped => "regrouped",
            };
            json!({ name: {"from": range.from, "to": range.to, "exists": true} })
        }
        Cond::PriorityManual(manual) => json!({"priorityManual": manual}),
        Cond::Deleted(deleted) => json!({"deleted": deleted}),
        Cond::Text(words) => json!({"text": words}),
    }
}
