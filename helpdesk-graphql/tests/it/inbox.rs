//! The subscription on an inbox.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use helpdesk_core::command::*;
use helpdesk_core::testing::World;
use serde_json::{Value, json};

use crate::approvals::requested;
use crate::stage::Stage;

const CHANGES: &str = "subscription($heartbeat: Int! = 15) { inboxChanged(heartbeat: $heartbeat) { __typename
    ... on InboxChange { cursor went came { ticket { key } step { key } slot { uuid state } onBehalfOf { name } } }
    ... on StreamHeartbeat { cursor } } }";

async fn next(stream: &mut (impl Stream<Item = Value> + Unpin)) -> Value {
    let item = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("an item in time");
    let item = item.expect("an item");
    assert_eq!(item.get("errors"), None, "{item:#}");
    item["data"]["inboxChanged"].clone()
}

fn came(change: &Value) -> Vec<String> {
    let item = |it: &Value| {
        let whose = it["onBehalfOf"]["name"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
        format!("{}/{}{whose}", it["ticket"]["key"].as_str().unwrap(), it["step"]["key"].as_str().unwrap())
    };
    change["came"].as_array().unwrap_or_else(|| panic!("{change:#}")).iter().map(item).collect()
}

#[tokio::test]
async fn an_inbox_is_followed() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (first, _) = requested(&stage).await;
    let mut mia = stage.api.subscribe(&world.mia, CHANGES, json!({}));
    let mut root = stage.api.subscribe(&world.root, CHANGES, json!({}));
    let mut kai = stage.api.subscribe(&world.kai, CHANGES, json!({"heartbeat": 1}));
    let begun = next(&mut mia).await;
    assert_eq!((came(&begun), &begun["went"]), (vec!["IT-1/board".to_owned()], &json!([])));
    assert_eq!(came(&next(&mut root).await), Vec::<String>::new());
    assert_eq!(came(&next(&mut kai).await), Vec::<String>::new());
    let slot = begun["came"][0]["slot"]["uuid"].clone();
    // What is none of theirs changes nothing; the next item is about what is.
    world.ticket("Something else").await;
    let second = world.ticket("Second").await;
    world.must(&world.ana, RequestApproval::new(second, "change")).await;
    let change = next(&mut mia).await;
    assert_eq!((came(&change), &change["went"]), (vec!["IT-3/board".to_owned()], &json!([])));
    let approval = world.desk.approvals(&world.host(), first).await.unwrap().all[0].id;
    world.must(&world.mia, DecideApproval::approve(first, approval)).await;
    let change = next(&mut mia).await;
    assert_eq!((came(&change).len(), &change["went"]), (0, &json!([slot])), "{change:#}");
    assert_eq!(came(&next(&mut root).await), ["IT-1/chiefs"]);
    // Given to somebody who saw nothing of it before, and away from them again: with the slot goes the ticket.
    let give = async |by, from, to| {
        let (from, to) = (World::id(from), World::id(to));
        let command = ReassignSlot { ticket: first, approval, step: None, from, to, reason: "ill".into() };
        world.must(by, command).await;
    };
    give(&world.root, &world.root, &world.kai).await;
    assert_eq!(next(&mut root).await["went"].as_array().unwrap().len(), 1);
    let mut change = next(&mut kai).await;
    while change["__typename"] == "StreamHeartbeat" {
        change = next(&mut kai).await;
    }
    assert_eq!(came(&change), ["IT-1/chiefs"]);
    give(&world.kai, &world.kai, &world.root).await;
    assert_eq!(came(&next(&mut root).await), ["IT-1/chiefs"]);
    let mut change = next(&mut kai).await;
    while change["__typename"] == "StreamHeartbeat" {
        change = next(&mut kai).await;
    }
    assert_eq!(change["went"].as_array().unwrap().len(), 1, "{change:#}");
    // What waits for a principal comes with the delegation.
    let given = json!({"principal": World::id(&world.root).to_string(), "delegate": World::id(&world.mia).to_string()});
    stage.act(&world.root, "delegationCreate", "", given).await;
    assert_eq!(came(&next(&mut mia).await), ["IT-1/chiefs/Root"]);
    // Heartbeats go on; nobody who has left is told any more.
    let beat = next(&mut kai).await;
    assert_eq!(beat["__typename"], "StreamHeartbeat", "{beat:#}");
    let gone = EditPerson { active: Some(false), ..EditPerson::new(World::id(&world.mia)) };
    world.must(&world.root, gone).await;
    let last = tokio::time::timeout(Duration::from_secs(10), mia.next()).await.expect("an item in time").unwrap();
    assert_eq!(last["errors"][0]["extensions"]["code"], "NOT_FOUND", "{last:#}");
    assert!(mia.next().await.is_none(), "it is over");
    let bad = stage.api.subscribe(&world.ana, CHANGES, json!({"heartbeat": 0})).next().await.unwrap();
    assert_eq!(bad["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}
