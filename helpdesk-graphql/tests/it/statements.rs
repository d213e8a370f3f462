//! The same document asks the database as often for twenty tickets as for two.

use std::collections::BTreeMap;

use helpdesk_core::command::{Comment, CreateTicket, Patch, Relate};
use helpdesk_core::ticket::Relation;
use serde_json::{Value, json};

use crate::stage::Stage;

const DOCUMENT: &str =
    "query($first: Int!) { tickets(first: $first, orderBy: {number: DESC}, filter: {parent: {exists: true}}) {
    totalCount { value }
    nodes { key version title state { label } project { key lead { name } } group { name parent { name } } tags { name }
        parent { key assignees { name } } children(first: 5) { nodes { key assignees { name } } }
        assignees { name email } watchers { name } createdBy { name } updatedBy { name }
        transitions { available transition { id } } viewerPermissions } } }";

/// As many tickets, each with a parent, a child and people of its own.
async fn furnish(stage: &Stage, tickets: usize) {
    let world = &stage.world;
    let people: Vec<_> = world.people().iter().map(|(_, actor)| actor.person_id().unwrap()).collect();
    for n in 0..tickets {
        let parent = world.ticket(&format!("Parent {n}")).await;
        let under = |parent| Patch { parent: Some(Some(parent)), group: Some(Some(world.network)), ..Patch::default() };
        let mut create = CreateTicket::new(world.it, format!("Ticket {n}")).fields(under(parent));
        create.tags = vec![world.urgent, world.printer];
        let ticket = world.must(&world.ana, create).await;
        let agent = [world.ana.person_id().unwrap(), world.ben.person_id().unwrap()][n % 2];
        world.must(&world.ana, Relate::assign(ticket, [agent])).await;
        world.must(&world.ana, Relate::assign(parent, [agent])).await;
        world.must(&world.ana, Relate::new(ticket, Relation::Watcher, [people[n % people.len()]])).await;
    }
}

#[tokio::test]
async fn two_parents_and_twenty_cost_the_same_statements() {
    let stage = Stage::new().await;
    furnish(&stage, 20).await;
    let count = async |first: u16| {
        stage.get(&stage.world.ana, DOCUMENT, json!({"first": 1})).await; // what is cached for good is warm
        stage.world.store.calls();
        let data = stage.get(&stage.world.ana, DOCUMENT, json!({ "first": first })).await;
        assert_eq!(data["tickets"]["nodes"].as_array().unwrap().len(), usize::from(first));
        stage.world.store.calls()
    };
    let (two, twenty) = (count(2).await, count(20).await);
    assert_eq!(two, twenty);
    let all: u64 = twenty.values().sum();
    assert!(all <= 12, "{all} statements: {twenty:?}");
}

#[tokio::test]
async fn what_is_read_ticket_by_ticket_does_not_multiply_the_rest() {
    let stage = Stage::new().await;
    furnish(&stage, 8).await;
    for (n, (_, actor)) in stage.world.people().into_iter().take(4).enumerate() {
        let list = stage.get(&stage.world.ana, "{ tickets(first: 100) { nodes { uuid } } }", Value::Null).await;
        let uuid = list["tickets"]["nodes"][n]["uuid"].as_str().unwrap().parse().unwrap();
        stage.world.must(actor, Comment::public(uuid, format!("Note {n}"))).await;
    }
    let document = "query($first: Int!) { tickets(first: $first, orderBy: {number: ASC}) { nodes { description
        entries(first: 5) { nodes { body createdBy { name } } } } } }";
    let count = async |first: u16| {
        stage.world.store.calls();
        stage.get(&stage.world.ana, document, json!({ "first": first })).await;
        stage.world.store.calls()
    };
    let (two, sixteen) = (count(2).await, count(16).await);
    assert_eq!((two["entries"], sixteen["entries"]), (2, 16));
    assert_eq!((sixteen["people"], sixteen["find"]), (1, 1), "{sixteen:?}");
}

#[tokio::test]
async fn texts_are_read_together() {
    let stage = Stage::new().await;
    furnish(&stage, 10).await;
    let world = &stage.world;
    let fields = Patch { description: Some("It burns.".into()), ..Patch::default() };
    world.must(&world.ana, CreateTicket::new(world.it, "Printer").fields(fields)).await;
    let document = "query($first: Int!) { tickets(first: $first, orderBy: {number: DESC}) {
        nodes { description transitions { available } parent { description } } } }";
    let count = async |first: u16| {
        stage.get(&world.ana, document, json!({ "first": first })).await;
        world.store.calls();
        let data = stage.get(&world.ana, document, json!({ "first": first })).await;
        assert_eq!(data["tickets"]["nodes"][0]["description"], "It burns.");
        assert_eq!(data["tickets"]["nodes"].as_array().unwrap().len(), usize::from(first));
        world.store.calls()
    };
    let (two, twenty) = (count(2).await, count(20).await);
    let texts = |calls: &BTreeMap<&str, u64>| calls.get("ticket").unwrap_or(&0) + calls.get("load").unwrap_or(&0);
    assert_eq!((texts(&two), texts(&twenty)), (2, 2), "one for the list, one for the parents: {two:?} {twenty:?}");
}

#[tokio::test]
async fn nodes_are_read_together() {
    let stage = Stage::new().await;
    furnish(&stage, 20).await;
    let ids = stage
        .get(&stage.world.ana, "{ tickets(first: 20, filter: {parent: {exists: true}}) { nodes { id } } }", Value::Null)
        .await;
    let ids: Vec<Value> = ids["tickets"]["nodes"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    let document = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Ticket { key } } }";
    let count = async |n: usize| {
        stage.world.store.calls();
        stage.get(&stage.world.ana, document, json!({ "ids": ids[..n] })).await;
        stage.world.store.calls()
    };
    assert_eq!(count(2).await, count(20).await);
}

#[tokio::test]
async fn a_command_adds_only_what_its_payload_shows() {
    let stage = Stage::new().await;
    let ticket = stage.world.ticket("Printer").await.to_string();
    let document = "mutation($t: ID!, $title: String!) { ticketEdit(input: {ticket: $t, title: $title}) { cursor } }";
    stage.world.store.calls();
    stage.get(&stage.world.ana, document, json!({"t": ticket, "title": "New"})).await;
    let calls = stage.world.store.calls();
    assert_eq!(
        (calls.get("load"), calls.get("commit"), calls.values().sum::<u64>()),
        (Some(&1), Some(&1), 2),
        "{calls:?}"
    );
}

#[tokio::test]
async fn single_entries_of_a_long_conversation_take_one_read() {
    let stage = Stage::new().await;
    let ticket = stage.world.ticket("Long").await;
    for n in 0..130 {
        stage.world.must(&stage.world.ana, Comment::public(ticket, format!("Note {n}"))).await;
    }
    let list = "query($id: ID!, $after: String) { ticket(id: $id) { entries(first: 100, after: $after) {
        nodes { id body } pageInfo { endCursor } } } }";
    let first = stage.get(&stage.world.ana, list, json!({"id": ticket.to_string()})).await["ticket"]["entries"].clone();
    let after = json!({"id": ticket.to_string(), "after": first["pageInfo"]["endCursor"]});
    let rest = stage.get(&stage.world.ana, list, after).await["ticket"]["entries"].clone();
    let wanted = [&first["nodes"][0], &rest["nodes"][20], &rest["nodes"][29]];
    let ids = wanted.map(|entry| &entry["id"]);
    stage.world.store.calls();
    let document = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Entry { body } } }";
    let found = stage.get(&stage.world.ana, document, json!({ "ids": ids })).await;
    let calls = stage.world.store.calls();
    assert_eq!(found["nodes"], json!(wanted.map(|entry| json!({"body": entry["body"]}))));
    assert_eq!((calls.get("load"), calls.get("entries")), (Some(&1), None), "{calls:?}");
}

#[tokio::test]
async fn access_grants_and_members_are_read_once() {
    let stage = Stage::new().await;
    let root = &stage.world.root;
    let calls = async |document: &str| {
        stage.get(root, document, Value::Null).await;
        stage.world.store.calls();
        stage.get(root, document, Value::Null).await;
        stage.world.store.calls()
    };
    let many =
        calls("{ a: viewer { permissions } b: viewer { staff } projects(first: 9) { nodes { viewerPermissions } } }");
    let one = calls("{ a: viewer { permissions } projects(first: 1) { nodes { key } } }");
    assert_eq!(many.await, one.await);
    let twice = calls("{ a: grants(first: 1) { nodes { id } } b: grants(first: 9) { nodes { role { key } } } }").await;
    assert_eq!(twice.get("grants"), Some(&1), "{twice:?}");
    let pages = "a: members(first: 1) { nodes { name } } b: members(first: 9) { nodes { email } }";
    let document =
        format!("{{ a: groups(first: 9) {{ nodes {{ {pages} }} }} b: groups(first: 9) {{ nodes {{ {pages} }} }} }}");
    let groups = calls(&document).await;
    assert_eq!(groups.get("members"), Some(&2), "one read for each of the two groups");
    assert_eq!(groups.get("people"), Some(&1), "{groups:?}");
}
