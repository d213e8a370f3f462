//! Links: made and taken away, read in pages, read together for a list, and hidden with the tickets they lead to.

use helpdesk_core::command::{EditTicket, LinkTickets, Patch};
use helpdesk_core::ticket::{LinkKind, Visibility};
use serde_json::{Value, json};

use crate::stage::Stage;

const LINKS: &str = "query($id: ID!, $first: Int!, $after: String) { ticket(id: $id) {
    links(first: $first, after: $after) { totalCount { value isExact } pageInfo { hasNextPage endCursor }
        nodes { kind ticket { key title } createdBy { name } } } } }";

#[tokio::test]
async fn tickets_are_linked_and_unlinked() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (one, two) = (world.ticket("One").await.to_string(), world.ticket("Two").await.to_string());
    let fields = "ticket { version links(first: 5) { nodes { kind createdAt createdBy { name } ticket { key version
        links(first: 5) { nodes { kind ticket { key } } } } } } }";
    let input = json!({"ticket": one, "kind": "BLOCKS", "to": two, "expectedVersion": 1, "idempotencyKey": "k1"});
    let out = stage.act(&world.ana, "ticketLink", fields, input.clone()).await;
    let back = json!({"nodes": [{"kind": "BLOCKED_BY", "ticket": {"key": "IT-1"}}]});
    let link = json!({"kind": "BLOCKS", "createdAt": "2026-01-05T09:00:00Z", "createdBy": {"name": "Ana"},
        "ticket": {"key": "IT-2", "version": 2, "links": back}});
    assert_eq!(out["ticket"], json!({"version": 2, "links": {"nodes": [link]}}));
    assert_eq!(stage.act(&world.ana, "ticketLink", fields, input).await, out, "once");
    let circle = json!({"ticket": two, "kind": "BLOCKS", "to": one});
    let refused = stage.act(&world.ana, "ticketLink", fields, circle).await;
    let error = &refused["userErrors"][0];
    assert_eq!((&refused["ticket"], &error["__typename"]), (&Value::Null, &json!("FieldInvalid")));
    assert_eq!(error["path"], json!(["input", "to"]));
    let gone = json!({"ticket": two, "kind": "BLOCKED_BY", "to": one, "idempotencyKey": "k2"});
    let out = stage.act(&world.ana, "ticketUnlink", fields, gone).await;
    assert_eq!(out["ticket"], json!({"version": 3, "links": {"nodes": []}}));
}

#[tokio::test]
async fn links_come_in_pages_and_hidden_ones_are_not_counted() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let hub = world.ticket("Hub").await;
    let kinds = [LinkKind::Relates, LinkKind::Blocks, LinkKind::Blocks, LinkKind::DuplicatedBy, LinkKind::Blocks];
    for (n, kind) in kinds.into_iter().enumerate() {
        let end = world.ticket(&format!("End {n}")).await;
        world.must(&world.ana, LinkTickets::new(hub, kind, end)).await;
        if n == 4 {
            let restrict = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
            world.must(&world.ana, EditTicket::new(end, restrict)).await;
        }
    }
    let page = async |viewer, after: Value| {
        let variables = json!({"id": hub.to_string(), "first": 2, "after": after});
        stage.get(viewer, LINKS, variables).await["ticket"]["links"].clone()
    };
    let first = page(&world.ben, Value::Null).await;
    let second = page(&world.ben, first["pageInfo"]["endCursor"].clone()).await;
    let shown = |page: &Value| {
        let nodes = page["nodes"].as_array().unwrap().iter();
        nodes.map(|it| format!("{} {}", it["kind"], it["ticket"]["title"]).replace('"', "")).collect::<Vec<_>>()
    };
    assert_eq!(shown(&first).len(), 2);
    assert!(shown(&first).iter().all(|it| it.starts_with("BLOCKS End ")), "{first:#}");
    assert_eq!(shown(&second), ["DUPLICATED_BY End 3", "RELATES End 0"]);
    let more = [&first["pageInfo"]["hasNextPage"], &second["pageInfo"]["hasNextPage"]];
    assert_eq!(more, [&json!(true), &json!(false)]);
    assert_eq!(first["totalCount"], json!({"value": 4, "isExact": true}));
    assert_eq!(page(&world.mia, Value::Null).await["totalCount"]["value"], 5);
    let odd = json!({"id": hub.to_string(), "first": 2, "after": "after-link.nothing.0000"});
    assert_eq!(stage.code(&world.ben, LINKS, odd).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_hidden_end_is_told_of_nowhere() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (open, secret) = (world.ticket("Open").await, world.ticket("Secret").await);
    world.must(&world.ana, LinkTickets::new(open, LinkKind::Duplicates, secret)).await;
    let restrict = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
    world.must(&world.ana, EditTicket::new(secret, restrict)).await;
    let document =
        "{ tickets(first: 5) { nodes { key links(first: 9) { totalCount { value } nodes { kind ticket { key } }
        edges { cursor } } timeline(first: 20) { nodes { kind data changes { field before after } } } } }
        events(first: 100) { nodes { kind data } } }";
    let seen = stage.get(&world.ben, document, Value::Null).await.to_string();
    assert!(!seen.contains(&secret.to_string()) && !seen.contains("ticket.linked"), "{seen}");
    assert!(seen.contains(r#""edges":[]"#) && seen.contains(r#""value":0"#), "{seen}");
    let seen = stage.get(&world.mia, document, Value::Null).await.to_string();
    assert!(seen.contains(&secret.to_string()) && seen.contains("ticket.linked"), "{seen}");
    let unknown = "019b8d9a-6a80-7000-8000-0000000000aa";
    for name in ["ticketLink", "ticketUnlink"] {
        for to in [secret.to_string(), unknown.to_owned()] {
            let input = json!({"ticket": open.to_string(), "kind": "DUPLICATES", "to": to});
            assert_eq!(stage.act_code(&world.ben, name, input).await, "NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn the_links_of_a_list_are_read_together() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let mut before = world.ticket("First").await;
    for n in 0..20 {
        let next = world.ticket(&format!("Next {n}")).await;
        world.must(&world.ana, LinkTickets::new(before, LinkKind::Blocks, next)).await;
        before = next;
    }
    let document = "query($first: Int!) { tickets(first: $first) { nodes { key
        links(first: 10) { totalCount { value } nodes { kind ticket { key assignees { name } } } } } } }";
    let count = async |first: u16| {
        stage.world.store.calls();
        let data = stage.get(&world.ana, document, json!({ "first": first })).await;
        assert!(data["tickets"]["nodes"][1]["links"]["totalCount"]["value"] == 2, "{data:#}");
        stage.world.store.calls()
    };
    let (two, twenty) = (count(2).await, count(20).await);
    assert_eq!(two, twenty);
    assert_eq!((twenty.get("links"), twenty.values().sum::<u64>()), (Some(&1), 2), "{twenty:?}");
}
