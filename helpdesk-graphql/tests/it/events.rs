//! Events: as a query, and as they happen.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use helpdesk_core::command::{Comment, EditTicket, MoveTo, Patch};
use helpdesk_core::ticket::Visibility;
use serde_json::{Value, json};

use crate::stage::Stage;

const EVENTS: &str = "subscription($after: EventCursor, $filter: EventFilter, $heartbeat: Int! = 15) {
    events(after: $after, filter: $filter, heartbeat: $heartbeat) { __typename
        ... on EventDelivery { cursor event { kind createdBy { name } ticket { key title } } }
        ... on StreamHeartbeat { cursor } } }";

async fn next(stream: &mut (impl Stream<Item = Value> + Unpin)) -> Value {
    tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("an item in time").expect("an item")
}

async fn kinds(stream: &mut (impl Stream<Item = Value> + Unpin), n: usize) -> Vec<String> {
    let mut kinds = Vec::new();
    while kinds.len() < n {
        let item = next(stream).await;
        assert_eq!(item.get("errors"), None, "{item:#}");
        if item["data"]["events"]["__typename"] == "EventDelivery" {
            kinds.push(item["data"]["events"]["event"]["kind"].as_str().unwrap().to_owned());
        }
    }
    kinds
}

#[tokio::test]
async fn the_log_is_read_in_pages_and_resumed() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let ticket = world.ticket("Printer").await;
    world.must(&world.ana, MoveTo::new(ticket, "start")).await;
    world.must(&world.ana, Comment::public(ticket, "On it.")).await;
    let document = "query($after: EventCursor, $first: Int!, $filter: EventFilter) {
        events(after: $after, first: $first, filter: $filter) { nodes { kind subjectKind ticket { key } data } cursor atEnd } }";
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = stage.get(&world.ana, document, json!({"after": after, "first": 2})).await["events"].clone();
        seen.extend(page["nodes"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap().to_owned()));
        after = page["cursor"].clone();
        if page["atEnd"] == true {
            break;
        }
    }
    // Those of the organisation are for auditors; ana sees those of tickets.
    assert!(seen.first().is_some_and(|kind| kind == "ticket.created"), "{seen:?}");
    assert!(seen.contains(&"ticket.moved".into()) && seen.last().is_some_and(|kind| kind == "entry.added"), "{seen:?}");
    let filter = json!({"first": 100, "filter": {"kinds": ["ticket.moved"], "ticket": {"number": {"to": 5}}}});
    let moved = stage.get(&world.ana, document, filter).await["events"]["nodes"].clone();
    assert_eq!(moved.as_array().unwrap().len(), 1);
    assert_eq!((&moved[0]["ticket"]["key"], &moved[0]["data"]["to"]), (&json!("IT-1"), &json!("in_progress")));
    let root = stage.get(&world.root, document, json!({"first": 5})).await;
    assert_eq!(root["events"]["nodes"][0]["kind"], "tenant.registered");
}

#[tokio::test]
async fn a_subscription_sees_each_event_and_resumes_where_it_was() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let mut live = stage.api.subscribe(&world.ana, EVENTS, json!({}));
    let begun = tokio::time::timeout(Duration::from_millis(200), live.next()).await;
    assert!(begun.is_err(), "nothing has happened yet: {begun:?}");
    let ticket = world.ticket("Printer").await;
    let first = next(&mut live).await["data"]["events"].clone();
    assert_eq!(first["event"]["kind"], "ticket.created");
    assert_eq!(first["event"]["createdBy"]["name"], "Ana");
    assert_eq!(first["event"]["ticket"], json!({"key": "IT-1", "title": "Printer"}));
    drop(live);
    let edited = Patch { title: Some("Printer on fire".into()), ..Patch::default() };
    world.must(&world.ana, EditTicket::new(ticket, edited)).await;
    world.must(&world.ana, MoveTo::new(ticket, "start")).await;
    let mut live = stage.api.subscribe(
        &world.ana,
        EVENTS,
        json!({"after": first["cursor"], "filter": {"kinds": ["ticket.edited", "ticket.moved", "entry.added"]}}),
    );
    assert_eq!(kinds(&mut live, 2).await, ["ticket.edited", "ticket.moved"]);
    world.must(&world.ana, Comment::internal(ticket, "Done.")).await;
    assert_eq!(kinds(&mut live, 1).await, ["entry.added"]);
    // A ticket is shown as it is at each delivery, not as the subscription first saw it.
    let mut live = stage.api.subscribe(&world.ana, EVENTS, json!({}));
    for title in ["One", "Two"] {
        let edited = Patch { title: Some(title.into()), ..Patch::default() };
        let _ = tokio::time::timeout(Duration::from_millis(50), live.next()).await;
        world.must(&world.ana, EditTicket::new(ticket, edited)).await;
        assert_eq!(next(&mut live).await["data"]["events"]["event"]["ticket"]["title"], title);
    }
}

#[tokio::test]
async fn a_payload_s_cursor_is_reached_by_the_subscription() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let mut live = stage.api.subscribe(&world.ana, EVENTS, json!({}));
    let _ = tokio::time::timeout(Duration::from_millis(50), live.next()).await;
    let made = stage.act(&world.ana, "ticketCreate", "", json!({"project": world.it.to_string(), "title": "x"})).await;
    loop {
        let item = next(&mut live).await["data"]["events"].clone();
        if item["cursor"] == made["cursor"] {
            break;
        }
        assert!(item["cursor"].as_str().unwrap() < made["cursor"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_cursor_beyond_the_end_is_refused() {
    let stage = Stage::new().await;
    let after = json!({"after": "c7fffffffffffffff"});
    let mut live = stage.api.subscribe(&stage.world.ana, EVENTS, after.clone());
    let refused = next(&mut live).await;
    assert_eq!(refused["errors"][0]["extensions"]["reason"], "FIELD_INVALID", "{refused}");
    assert!(live.next().await.is_none(), "it is over");
    let document = "query($after: EventCursor) { events(first: 1, after: $after) { cursor } }";
    let refused = stage.ask(&stage.world.ana, document, after).await;
    assert_eq!(refused["errors"][0]["extensions"]["reason"], "FIELD_INVALID", "{refused}");
}

#[tokio::test]
async fn heartbeats_move_the_cursor_past_what_is_for_others() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let secret = world.ticket("Secret").await;
    let restrict = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
    world.must(&world.ana, EditTicket::new(secret, restrict)).await;
    let mut live = stage.api.subscribe(&world.ben, EVENTS, json!({"heartbeat": 1}));
    let _ = tokio::time::timeout(Duration::from_millis(50), live.next()).await;
    world.must(&world.ana, Comment::public(secret, "Not for ben.")).await;
    let head = world.desk.head_of_log().await.unwrap().to_string();
    let mut beat = next(&mut live).await["data"]["events"].clone();
    while beat["cursor"] != json!(head) {
        assert_eq!(beat["__typename"], "StreamHeartbeat");
        beat = next(&mut live).await["data"]["events"].clone();
    }
    let bad = next(&mut stage.api.subscribe(&world.ben, EVENTS, json!({"heartbeat": 0}))).await;
    assert_eq!(bad["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn one_ticket_can_be_followed_by_those_who_see_it() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (mine, other) = (world.ticket("Mine").await, world.ticket("Other").await);
    let document = "subscription($id: ID!) { ticketEvents(id: $id, heartbeat: 1) {
        ... on EventDelivery { event { kind ticket { key } } } } }";
    let mut live = stage.api.subscribe(&world.ana, document, json!({"id": mine.to_string()}));
    let _ = tokio::time::timeout(Duration::from_millis(50), live.next()).await;
    world.must(&world.ana, MoveTo::new(other, "start")).await;
    world.must(&world.ana, MoveTo::new(mine, "review")).await;
    loop {
        let item = next(&mut live).await["data"]["ticketEvents"].clone();
        if item != json!({}) {
            assert_eq!(item["event"], json!({"kind": "ticket.moved", "ticket": {"key": "IT-1"}}));
            break;
        }
    }
    let refused = next(&mut stage.api.subscribe(&world.rita, document, json!({"id": mine.to_string()}))).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND");
    world.desk.close().await;
    let ended = next(&mut live).await;
    assert_eq!(ended["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{ended:#}");
}
