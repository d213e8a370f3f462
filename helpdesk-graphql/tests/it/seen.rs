//! What people may not see does not exist, and what they may not do is refused.

use helpdesk_core::command::{Comment, CreateTicket, DeleteTicket, EditTicket, Patch};
use helpdesk_core::ticket::Visibility;
use serde_json::{Value, json};

use crate::stage::Stage;

const TICKET: &str = "query($id: ID!) { ticket(id: $id) { key } }";

#[tokio::test]
async fn the_invisible_is_not_found_everywhere() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let ticket = world.ticket("Secret").await;
    let restrict = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
    world.must(&world.ana, EditTicket::new(ticket, restrict)).await;
    let id = stage.ticket_id(ticket).await;
    assert_eq!(stage.code(&world.rita, TICKET, json!({"id": id})).await, "NOT_FOUND");
    assert_eq!(stage.code(&world.ben, TICKET, json!({"id": id})).await, "NOT_FOUND");
    assert_eq!(
        stage.code(&world.ben, "query($id: ID!) { node(id: $id) { id } }", json!({"id": id})).await,
        "NOT_FOUND"
    );
    let nodes = stage.get(&world.ben, "query($id: ID!) { nodes(ids: [$id]) { id } }", json!({"id": id})).await;
    assert_eq!(nodes["nodes"], json!([null]));
    let list =
        stage.get(&world.ben, "{ tickets(first: 10) { nodes { key } totalCount { value } } }", Value::Null).await;
    assert_eq!(list["tickets"], json!({"nodes": [], "totalCount": {"value": 0}}));
    for (name, input) in [
        ("ticketEdit", json!({"ticket": id, "title": "x"})),
        ("ticketMove", json!({"ticket": id, "transition": "start"})),
        ("entryAdd", json!({"ticket": id, "body": "x"})),
        ("ticketDelete", json!({"ticket": id})),
    ] {
        assert_eq!(stage.act_code(&world.ben, name, input).await, "NOT_FOUND", "{name}");
    }
    let events = stage.get(&world.ben, "{ events(first: 100) { nodes { kind } } }", Value::Null).await;
    assert_eq!(events["events"]["nodes"], json!([]));
}

#[tokio::test]
async fn a_hidden_or_deleted_parent_is_none() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (secret, gone) = (world.ticket("Secret").await, world.ticket("Gone").await);
    for parent in [secret, gone] {
        let fields = Patch { parent: Some(Some(parent)), ..Patch::default() };
        world.must(&world.ana, CreateTicket::new(world.it, "Small").fields(fields)).await;
    }
    let restrict = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
    world.must(&world.ana, EditTicket::new(secret, restrict)).await;
    world.must(&world.mia, DeleteTicket { ticket: gone, reason: None }).await;
    let document = "query($none: TicketFilter!, $under: TicketFilter!, $some: TicketFilter!) {
        none: tickets(first: 9, filter: $none, orderBy: {number: ASC}) {
            nodes { key parent { key } } totalCount { value } }
        some: tickets(first: 9, filter: $some) { nodes { key } totalCount { value } }
        under: tickets(first: 9, filter: $under) { nodes { key } totalCount { value } }
        events(first: 100) { nodes { kind data ticket { key } } } }";
    let variables = json!({"none": {"parent": {"exists": false}}, "some": {"parent": {"exists": true}},
        "under": {"parent": {"in": [secret.to_string(), gone.to_string()]}}});
    let seen = stage.get(&world.ben, document, variables.clone()).await;
    let nothing = json!({"nodes": [], "totalCount": {"value": 0}});
    let small = json!([{"key": "IT-3", "parent": null}, {"key": "IT-4", "parent": null}]);
    assert_eq!(seen["none"], json!({"nodes": small, "totalCount": {"value": 2}}));
    assert_eq!((&seen["some"], &seen["under"]), (&nothing, &nothing));
    let told = seen["events"].to_string();
    assert!(!told.contains(&secret.to_string()) && !told.contains(&gone.to_string()), "{told}");
    let seen = stage.get(&world.mia, document, variables).await;
    assert_eq!((&seen["none"]["totalCount"]["value"], &seen["some"]["totalCount"]["value"]), (&json!(1), &json!(2)));
    assert_eq!(seen["under"]["totalCount"]["value"], 2);
}

#[tokio::test]
async fn internal_notes_are_hidden_from_requesters() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let made = stage
        .act(&world.rita, "ticketCreate", "ticket { id }", json!({"project": world.it.to_string(), "title": "Help"}))
        .await;
    let id = made["ticket"]["id"].clone();
    let ticket = stage.get(&world.rita, "query($id: ID!) { ticket(id: $id) { uuid } }", json!({"id": id})).await;
    let ticket = ticket["ticket"]["uuid"].as_str().unwrap().parse().unwrap();
    world.must(&world.ana, Comment::public(ticket, "We are looking.")).await;
    world.clock.advance(1_000);
    world.must(&world.ana, Comment::internal(ticket, "User error, surely.")).await;
    let document = "query($id: ID!) { ticket(id: $id) { entries(first: 10) { nodes { id body } }
        timeline(first: 50) { nodes { kind internal } } } }";
    let seen = stage.get(&world.rita, document, json!({"id": id})).await;
    assert_eq!(seen["ticket"]["entries"]["nodes"].as_array().unwrap().len(), 1);
    assert!(
        !seen.to_string().contains("surely") && !seen["ticket"]["timeline"].to_string().contains("true"),
        "{seen:#}"
    );
    let staff = stage.get(&world.ana, document, json!({"id": id})).await;
    let note = &staff["ticket"]["entries"]["nodes"][1];
    assert_eq!(note["body"], "User error, surely.");
    let node = "query($id: ID!) { node(id: $id) { id ... on Entry { body } } }";
    assert_eq!(stage.code(&world.rita, node, json!({"id": note["id"]})).await, "NOT_FOUND");
    assert_eq!(stage.get(&world.ana, node, json!({"id": note["id"]})).await["node"]["body"], note["body"]);
    let list = "query($filter: TicketFilter) { tickets(first: 5, filter: $filter) { nodes { key } } }";
    let search = json!({"filter": {"text": "surely"}});
    assert_eq!(stage.get(&world.rita, list, search.clone()).await["tickets"]["nodes"], json!([]));
    assert_eq!(stage.get(&world.ana, list, search).await["tickets"]["nodes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_one_sees_but_may_not_do_is_forbidden() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let ticket = world.ticket("Printer").await.to_string();
    let edit = json!({"ticket": ticket, "title": "x"});
    let answer = stage.ask(&world.olaf, &crate::stage::mutation("ticketEdit", ""), json!({"input": edit})).await;
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["permission"]), (&json!("FORBIDDEN"), &json!("ticket.edit")));
    assert_eq!(stage.code(&world.ana, "{ grants(first: 1) { nodes { id } } }", Value::Null).await, "FORBIDDEN");
    assert_eq!(stage.code(&world.rita, "{ people(first: 1) { nodes { id } } }", Value::Null).await, "FORBIDDEN");
    let input = json!({"key": "NEW"});
    assert_eq!(stage.act_code(&world.ana, "projectCreate", input).await, "FORBIDDEN");
}

#[tokio::test]
async fn the_viewer_learns_what_they_may_do() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let document = "{ viewer { staff actor { kind name } person { name email } tenant { key } permissions } }";
    let ana = stage.get(&world.ana, document, Value::Null).await["viewer"].clone();
    assert_eq!(
        (&ana["staff"], &ana["person"]["name"], &ana["tenant"]["key"]),
        (&json!(true), &json!("Ana"), &json!("acme"))
    );
    assert!(ana["permissions"].as_array().unwrap().contains(&json!("TICKET_EDIT")));
    let rita = stage.get(&world.rita, document, Value::Null).await["viewer"].clone();
    assert_eq!((&rita["staff"], &rita["permissions"]), (&json!(false), &json!(["TICKET_CREATE"])));
    let ticket = world.ticket("Printer").await.to_string();
    let can = "query($id: ID!) { ticket(id: $id) { edit: viewerCan(permission: TICKET_EDIT) viewerPermissions
        force: viewerCan(permission: TICKET_FORCE) } }";
    let can = stage.get(&world.ana, can, json!({"id": ticket})).await["ticket"].clone();
    assert_eq!((&can["edit"], &can["force"]), (&json!(true), &json!(false)));
}
