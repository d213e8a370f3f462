//! Boards: made, changed, read with their cards, dragged on, and told of as they change.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use helpdesk_core::Actor;
use helpdesk_core::command::{Comment, CreateTicket, EditTicket, Patch};
use helpdesk_core::ticket::Visibility;
use serde_json::{Value, json};

use crate::stage::Stage;

const BOARD: &str = "query($id: ID!, $first: Int! = 20, $after: String) { board(id: $id) { name version columns(first: 10) {
    totalCount { value } nodes { id title colour states limit cards(first: $first, after: $after) {
        totalCount { value isExact } pageInfo { hasNextPage endCursor } nodes { commentCount ticket { key } } } } } } }";

/// A board in IT with the columns `To do`, `At work` and `Done`: its id, and theirs.
async fn board(stage: &Stage) -> (Value, Vec<Value>) {
    let columns = json!([{"title": "To do", "states": ["todo"], "colour": "#ff8800", "limit": 3},
        {"title": "At work", "states": ["in_progress", "review"]}, {"title": "Done", "states": ["done"]}]);
    let input = json!({"project": stage.world.it.to_string(), "name": "Printers", "columns": columns});
    let made =
        stage.act(&stage.world.root, "boardCreate", "board { id columns(first: 9) { nodes { id } } }", input).await;
    let ids = made["board"]["columns"]["nodes"].as_array().unwrap().iter().map(|column| column["id"].clone());
    (made["board"]["id"].clone(), ids.collect())
}

/// The keys of the cards of every column, as `viewer` sees them.
async fn cards(stage: &Stage, viewer: &Actor, board: &Value) -> Vec<Vec<String>> {
    let seen = stage.get(viewer, BOARD, json!({"id": board})).await;
    let columns = seen["board"]["columns"]["nodes"].as_array().unwrap().iter();
    let keys = |column: &Value| {
        let nodes = column["cards"]["nodes"].as_array().unwrap().iter();
        let keys: Vec<String> = nodes.map(|card| card["ticket"]["key"].as_str().unwrap().to_owned()).collect();
        assert_eq!(column["cards"]["totalCount"], json!({"value": keys.len(), "isExact": true}));
        keys
    };
    columns.map(keys).collect()
}

#[tokio::test]
async fn a_board_is_made_and_changed() {
    let stage = Stage::new().await;
    let root = &stage.world.root;
    let (id, columns) = board(&stage).await;
    let seen = stage.get(&stage.world.rita, BOARD, json!({"id": id})).await["board"].clone();
    assert_eq!((&seen["name"], &seen["version"]), (&json!("Printers"), &json!(1)));
    let first = &seen["columns"]["nodes"][0];
    assert_eq!((&first["colour"], &first["limit"], &first["states"]), (&json!("#ff8800"), &json!(3), &json!(["todo"])));

    let fields = "board { version columns(first: 9) { nodes { title states limit colour } } }";
    let input = json!({"board": id, "column": columns[0], "title": "Waiting", "limit": null, "colour": null,
        "states": ["todo", "review"], "expectedVersion": 1});
    let out = stage.act(root, "columnEdit", fields, input.clone()).await;
    let waiting = json!({"title": "Waiting", "states": ["todo", "review"], "limit": null, "colour": ""});
    assert_eq!((&out["board"]["version"], &out["board"]["columns"]["nodes"][0]), (&json!(2), &waiting), "{out:#}");
    assert_eq!(out["board"]["columns"]["nodes"][1]["states"], json!(["in_progress"]));
    let stale = stage.act(root, "columnEdit", fields, input).await["userErrors"][0].clone();
    assert_eq!((&stale["__typename"], &stale["current"]), (&json!("VersionConflict"), &json!(2)));
    let taken = json!({"board": id, "title": "done", "states": []});
    let error = stage.act(root, "columnAdd", fields, taken).await["userErrors"][0].clone();
    assert_eq!((&error["__typename"], &error["path"]), (&json!("AlreadyExists"), &json!(["input", "title"])));
    let twice = json!({"board": id, "title": "More", "states": ["done"]});
    let error = stage.act(root, "columnAdd", fields, twice).await["userErrors"][0].clone();
    assert_eq!((&error["__typename"], &error["path"]), (&json!("FieldInvalid"), &json!(["input", "states"])));
    let add = json!({"board": id, "title": "More", "states": [], "before": columns[2]});
    stage.act(root, "columnAdd", fields, add).await;
    let out =
        stage.act(root, "columnMove", fields, json!({"board": id, "column": columns[2], "before": columns[0]})).await;
    let titles = |out: &Value| {
        let nodes = out["board"]["columns"]["nodes"].as_array().unwrap().iter();
        nodes.map(|column| column["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles(&out), ["Done", "Waiting", "At work", "More"]);
    let bare = json!({"board": id, "column": columns[1]});
    let error = stage.act(root, "columnDelete", fields, bare.clone()).await["userErrors"][0].clone();
    assert_eq!((&error["code"], &error["path"]), (&json!("IN_USE"), &json!(["input", "column"])));
    let into = json!({"board": id, "column": columns[1], "into": columns[2]});
    let out = stage.act(root, "columnDelete", fields, into).await;
    assert_eq!(titles(&out), ["Done", "Waiting", "More"]);
    assert_eq!(out["board"]["columns"]["nodes"][0]["states"], json!(["done", "in_progress"]));
    let out = stage.act(root, "columnRestore", fields, bare.clone()).await;
    assert_eq!(titles(&out), ["Done", "Waiting", "At work", "More"]);
    assert_eq!(stage.act_code(&stage.world.mia, "columnRestore", bare).await, "FORBIDDEN");

    let list = "query($key: String!) { project(key: $key) { boards(first: 5) { totalCount { value } nodes { name filter } } } }";
    let edit = json!({"board": id, "name": "Plotters", "filter": {"priority": {"in": ["HIGH"]}}});
    let out = stage.act(root, "boardEdit", "board { name filter createdBy { name } project { key } }", edit).await;
    assert_eq!(out["board"]["filter"], json!({"priority": ["high"]}), "{out:#}");
    let words = json!({"board": id, "filter": {"text": "words"}});
    let error = stage.act(root, "boardEdit", "board { name }", words).await["userErrors"][0].clone();
    assert_eq!((&error["code"], &error["path"]), (&json!("FIELD_INVALID"), &json!(["input", "filter"])));
    stage.act(root, "boardEdit", "board { name }", json!({"board": id, "filter": null})).await;
    let shown = stage.get(&stage.world.ben, list, json!({"key": "IT"})).await["project"]["boards"].clone();
    assert_eq!(shown, json!({"totalCount": {"value": 1}, "nodes": [{"name": "Plotters", "filter": null}]}));
    stage.act(root, "boardEdit", "board { deletedAt }", json!({"board": id, "deleted": true})).await;
    let shown = stage.get(&stage.world.ben, list, json!({"key": "IT"})).await["project"]["boards"].clone();
    assert_eq!(shown["nodes"], json!([]));
    assert_eq!(stage.code(&stage.world.ben, BOARD, json!({"id": id})).await, "NOT_FOUND");
    let node = "query($id: ID!) { node(id: $id) { id ... on Board { deletedAt } } }";
    assert!(stage.get(root, node, json!({"id": id})).await["node"]["deletedAt"].is_string(), "it can be restored");
}

#[tokio::test]
async fn cards_are_dragged_and_paged() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (id, columns) = board(&stage).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(world.ticket(&format!("Ticket {n}")).await.to_string());
    }
    let fields = "ticket { key version state { id } priority }";
    let drag = async |input: Value| {
        let mut all = json!({"board": id});
        all.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        stage.act(&world.ana, "cardMove", fields, all).await
    };
    let out = drag(json!({"ticket": ids[4], "column": columns[0], "before": ids[1]})).await;
    assert_eq!((&out["ticket"]["version"], &out["userErrors"]), (&json!(1), &json!([])), "only its place changed");
    assert_eq!(cards(&stage, &world.ana, &id).await[0], ["IT-1", "IT-5", "IT-2", "IT-3", "IT-4"]);
    let out = drag(json!({"ticket": ids[2], "column": columns[1], "transition": "review",
        "fields": {"priority": "HIGH"}, "expectedVersion": 1}))
    .await;
    assert_eq!((&out["ticket"]["state"]["id"], &out["ticket"]["priority"]), (&json!("review"), &json!("HIGH")));
    let stale = drag(json!({"ticket": ids[2], "column": columns[0], "expectedVersion": 1})).await;
    assert_eq!(stale["userErrors"][0]["__typename"], "VersionConflict");
    let odd =
        drag(json!({"ticket": ids[2], "column": columns[0], "transition": "finish"})).await["userErrors"][0].clone();
    assert_eq!((&odd["__typename"], &odd["state"]), (&json!("TransitionNotAllowed"), &json!("review")));
    assert_eq!(odd["path"], json!(["input", "column"]));
    let both = json!({"ticket": ids[0], "column": columns[0], "before": ids[1], "after": ids[3]});
    assert_eq!(drag(both).await["userErrors"][0]["path"], json!(["input", "after"]));
    let input = json!({"board": id, "ticket": ids[0], "column": columns[0]});
    assert_eq!(stage.act_code(&world.olaf, "cardMove", input.clone()).await, "FORBIDDEN");
    assert_eq!(stage.act_code(&world.kai, "cardMove", input).await, "NOT_FOUND");

    let page = async |after: Value| {
        let seen = stage.get(&world.ana, BOARD, json!({"id": id, "first": 3, "after": after})).await;
        seen["board"]["columns"]["nodes"][0]["cards"].clone()
    };
    let first = page(Value::Null).await;
    assert_eq!((&first["pageInfo"]["hasNextPage"], &first["totalCount"]["value"]), (&json!(true), &json!(4)));
    let second = page(first["pageInfo"]["endCursor"].clone()).await;
    assert_eq!(second["nodes"], json!([{"commentCount": 0, "ticket": {"key": "IT-4"}}]));
    assert_eq!(stage.code(&world.ana, BOARD, json!({"id": id, "after": "after-card.x.0000"})).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_board_shows_what_the_viewer_may_see_and_counts_nothing_else() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (id, columns) = board(&stage).await;
    let mine = CreateTicket { requester: world.rita.person_id(), ..CreateTicket::new(world.it, "For Rita") };
    let mine = world.must(&world.ana, mine).await;
    let secret = world.ticket("Secret").await;
    let restrict = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
    world.must(&world.ana, EditTicket::new(secret, restrict)).await;
    world.must(&world.ana, Comment::public(mine, "Hello")).await;
    world.must(&world.ana, Comment::internal(mine, "Between us")).await;
    let (all, one) = (["IT-1", "IT-2"], ["IT-1"]);
    assert_eq!(cards(&stage, &world.ana, &id).await[0], all);
    assert_eq!(cards(&stage, &world.ben, &id).await[0], one);
    assert_eq!(cards(&stage, &world.rita, &id).await[0], one);
    assert!(cards(&stage, &world.rob, &id).await[0].is_empty());
    let comments = async |viewer| {
        let seen = stage.get(viewer, BOARD, json!({"id": id})).await;
        seen["board"]["columns"]["nodes"][0]["cards"]["nodes"][0]["commentCount"].clone()
    };
    assert_eq!((comments(&world.ben).await, comments(&world.rita).await), (json!(2), json!(1)));
    assert_eq!(stage.code(&world.kai, BOARD, json!({"id": id})).await, "NOT_FOUND");
    let input = json!({"board": id, "ticket": secret.to_string(), "column": columns[0]});
    assert_eq!(stage.act_code(&world.ben, "cardMove", input).await, "NOT_FOUND");
    let beside = json!({"board": id, "ticket": mine.to_string(), "column": columns[0], "after": secret.to_string()});
    assert_eq!(stage.act_code(&world.ben, "cardMove", beside.clone()).await, "NOT_FOUND");
    stage.act(&world.ana, "cardMove", "", beside).await;
    let told = stage.get(&world.ben, "{ events(first: 100) { nodes { kind data subjectKey } } }", Value::Null).await;
    assert!(told.to_string().contains("board.card_moved") && !told.to_string().contains(&secret.to_string()), "{told}");
}

const EVENTS: &str = "subscription($id: ID!) { boardEvents(id: $id) { __typename
    ... on EventDelivery { event { kind subjectKind data ticket { key } } } } }";

async fn kind(stream: &mut (impl Stream<Item = Value> + Unpin)) -> String {
    let item = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("in time").expect("an item");
    let event = &item["data"]["boardEvents"]["event"];
    let key = event["ticket"]["key"].as_str().unwrap_or_default();
    format!("{} {key}", event["kind"].as_str().unwrap_or_else(|| panic!("{item:#}")))
}

#[tokio::test]
async fn a_board_tells_what_happens_on_it() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let ((id, columns), ticket) = (board(&stage).await, world.ticket("Seen").await);
    let other = stage
        .act(
            &world.root,
            "boardCreate",
            "board { id columns(first: 1) { nodes { id } } }",
            json!({"project": world.it.to_string(), "name": "Other"}),
        )
        .await["board"]
        .clone();
    let mut live = stage.api.subscribe(&world.ben, EVENTS, json!({"id": id}));
    let mut hidden = stage.api.subscribe(&world.kai, EVENTS, json!({"id": id}));
    let refused = hidden.next().await.unwrap();
    assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND", "{refused:#}");
    let begun = tokio::time::timeout(Duration::from_millis(200), live.next()).await;
    assert!(begun.is_err(), "nothing has happened yet: {begun:?}");
    // What happens on another board, in another project, or to what ben does not see is not told.
    let there =
        json!({"board": other["id"], "ticket": ticket.to_string(), "column": other["columns"]["nodes"][0]["id"]});
    stage.act(&world.ana, "cardMove", "", there).await;
    world.must(&world.root, CreateTicket::new(world.ops, "Elsewhere")).await;
    let fields = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
    let secret = world.must(&world.ana, CreateTicket::new(world.it, "Secret").fields(fields)).await;
    for ticket in [secret, ticket] {
        let next = world.ticket("Beside").await;
        let drag = json!({"board": id, "ticket": ticket.to_string(), "column": columns[0], "after": next.to_string()});
        stage.act(&world.ana, "cardMove", "", drag).await;
    }
    stage
        .act(&world.ana, "cardMove", "", json!({"board": id, "ticket": ticket.to_string(), "column": columns[2]}))
        .await;
    stage.act(&world.root, "columnEdit", "", json!({"board": id, "column": columns[0], "title": "Later"})).await;
    let mut told = Vec::new();
    while told.len() < 5 {
        told.push(kind(&mut live).await);
    }
    let expected = [
        "ticket.created IT-3",
        "ticket.created IT-4",
        "board.card_moved IT-1",
        // It stands at the end already.
        "ticket.moved IT-1",
        "board.column_edited ",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_board_costs_what_it_shows() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (id, _) = board(&stage).await;
    for n in 0..20 {
        world.ticket(&format!("Ticket {n}")).await;
    }
    let document =
        "query($id: ID!, $first: Int!) { board(id: $id) { columns(first: 3) { nodes { title cards(first: $first) {
        totalCount { value } nodes { commentCount ticket { key title assignees { name } } } } } } } }";
    let count = async |first: u16| {
        stage.world.store.calls();
        let answer = stage.ask(&world.ana, document, json!({"id": id, "first": first})).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        (stage.world.store.calls(), answer["extensions"]["cost"]["requested"].as_u64().unwrap())
    };
    count(1).await; // what is cached for good is warm
    let ((two, cheap), (twenty, dear)) = (count(2).await, count(20).await);
    assert_eq!(two, twenty, "as many statements for twenty cards as for two");
    assert_eq!((twenty.get("cards"), twenty.get("count")), (Some(&3), Some(&3)), "{twenty:?}");
    // Of each card of each column: the card, its ticket, its assignees.
    assert_eq!(dear - cheap, 3 * 18 * 3, "{cheap} {dear}");
    let much = document.replace("columns(first: 3)", "columns(first: 10)");
    assert_eq!(stage.code(&world.ana, &much, json!({"id": id, "first": 100})).await, "QUERY_TOO_COMPLEX");
}
