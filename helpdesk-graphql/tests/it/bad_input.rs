//! Every kind of bad input is a typed error, and nothing of it happened.

use serde_json::{Value, json};

use crate::stage::Stage;

const TICKET: &str = "query($id: ID) { ticket(id: $id) { key } }";

#[tokio::test]
async fn malformed_and_foreign_ids_are_bad_input() {
    let stage = Stage::new().await;
    let ana = &stage.world.ana;
    for id in ["", "x", "ticket.zz.0000", "DEMO-1"] {
        assert_eq!(stage.code(ana, TICKET, json!({"id": id})).await, "BAD_USER_INPUT", "{id}");
    }
    let project = stage.get(ana, r#"{ project(key: "IT") { id } }"#, Value::Null).await["project"]["id"].clone();
    let answer = stage.ask(ana, TICKET, json!({"id": project})).await;
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("is the id of a project"), "{answer:#}");
    assert_eq!(stage.code(ana, "{ node(id: \"nothing\") { id } }", Value::Null).await, "BAD_USER_INPUT");
    assert_eq!(stage.code(ana, "{ ticket { key } }", Value::Null).await, "BAD_USER_INPUT");
    assert_eq!(stage.code(ana, "{ ticket(key: \"IT\") { key } }", Value::Null).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn unknown_things_are_not_found() {
    let stage = Stage::new().await;
    let ana = &stage.world.ana;
    let unknown = "019b8d9a-6a80-7000-8000-0000000000aa";
    assert_eq!(stage.code(ana, TICKET, json!({"id": unknown})).await, "NOT_FOUND");
    assert_eq!(stage.code(ana, "{ ticket(key: \"IT-99\") { key } }", Value::Null).await, "NOT_FOUND");
    for noun in ["person", "group", "tag", "project"] {
        let document = format!("{{ {noun}(id: \"{unknown}\") {{ id }} }}");
        assert_eq!(stage.code(ana, &document, Value::Null).await, "NOT_FOUND", "{noun}");
    }
    assert_eq!(stage.act_code(ana, "ticketMove", json!({"ticket": unknown, "transition": "start"})).await, "NOT_FOUND");
}

#[tokio::test]
async fn values_that_cannot_be_taken_name_their_field() {
    let stage = Stage::new().await;
    let ana = &stage.world.ana;
    let it = stage.world.it.to_string();
    let create = async |more: Value| {
        let mut input = json!({"project": it, "title": "x"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stage.act(ana, "ticketCreate", "ticket { key }", input).await["userErrors"].clone()
    };
    let errors = create(json!({"title": " "})).await;
    assert_eq!((&errors[0]["__typename"], &errors[0]["field"]), (&json!("FieldInvalid"), &json!("title")));
    assert_eq!((&errors[0]["code"], &errors[0]["path"]), (&json!("FIELD_INVALID"), &json!(["input", "title"])));
    assert_eq!(create(json!({"title": "x".repeat(256)})).await[0]["field"], "title");
    assert_eq!(create(json!({"description": "x".repeat(64 * 1024 + 1)})).await[0]["field"], "description");
    let two = create(json!({"title": "", "description": "x".repeat(64 * 1024 + 1)})).await;
    assert_eq!(two.as_array().unwrap().len(), 2, "{two:#}");
    assert_eq!(create(json!({"idempotencyKey": ""})).await[0]["field"], "idempotencyKey");
    let missing = create(json!({"transition": "no_such"})).await;
    assert_eq!(missing[0]["__typename"], "TransitionNotAllowed");
    let ticket = stage.world.ticket("Printer").await.to_string();
    let empty = stage.act(ana, "entryAdd", "entry { id }", json!({"ticket": ticket, "body": ""})).await;
    assert_eq!(empty["userErrors"][0]["field"], "body");
    let count = stage.get(ana, "{ tickets(first: 1) { totalCount { value } } }", Value::Null).await;
    assert_eq!(count["tickets"]["totalCount"]["value"], 1);
}

#[tokio::test]
async fn a_closed_transition_says_why() {
    let stage = Stage::new().await;
    let ana = &stage.world.ana;
    let ops = stage.world.ops.to_string();
    let made = stage.act(ana, "ticketCreate", "ticket { id }", json!({"project": ops, "title": "Down"})).await;
    let id = made["ticket"]["id"].clone();
    let closed = stage.act(ana, "ticketMove", "ticket { key }", json!({"ticket": id, "transition": "reopen"})).await;
    let error = &closed["userErrors"][0];
    assert_eq!((&error["__typename"], &error["state"]), (&json!("TransitionNotAllowed"), &json!("new")), "{closed:#}");
    assert_eq!(error["code"], "TRANSITION_NOT_ALLOWED");
}

#[tokio::test]
async fn documents_that_do_not_fit_the_schema_are_bad_input() {
    let stage = Stage::new().await;
    let ana = &stage.world.ana;
    for document in [
        "{",
        "{ nonsense }",
        "{ tickets { nodes { key } } }",
        "{ tickets(first: \"ten\") { nodes { key } } }",
        "{ tickets(first: 1, filter: {colour: {in: []}}) { nodes { key } } }",
        "{ tickets(first: 1, filter: {priority: {in: [HUGE]}}) { nodes { key } } }",
        "{ tickets(first: 1, filter: {dueAt: {from: \"tomorrow\"}}) { nodes { key } } }",
        "{ tickets(first: 1, orderBy: [{createdAt: ASC, number: ASC}]) { nodes { key } } }",
        "{ tickets(first: 1, orderBy: [{createdAt: ASC}, {number: ASC}]) { nodes { key } } }",
        "{ tickets(first: 0) { nodes { key } } }",
        "{ tickets(first: 101) { nodes { key } } }",
        "{ tickets(first: 1, after: \"nowhere\") { nodes { key } } }",
        "{ people(first: 1, after: \"nowhere\") { nodes { name } } }",
        "{ events(first: 1, after: \"nowhere\") { cursor } }",
        "{ events(first: 1, filter: {kinds: [\"no.such\"]}) { cursor } }",
        "{ events(first: 1, filter: {ticket: {text: \"printer\"}}) { cursor } }",
    ] {
        let answer = stage.ask(ana, document, Value::Null).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{document}: {answer:#}");
    }
}

#[tokio::test]
async fn filters_that_are_too_large_are_refused() {
    let stage = Stage::new().await;
    let nested = (0..12).fold(json!({"deleted": false}), |inner, _| json!({"or": [inner, {"deleted": true}]}));
    let many: Vec<Value> = (0..300).map(|n| json!({"title": {"contains": format!("x{n}")}})).collect();
    let ids: Vec<String> = (0..251).map(|n| format!("019b8d9a-6a80-7000-8000-{n:012}")).collect();
    let document = "query($filter: TicketFilter) { tickets(first: 1, filter: $filter) { nodes { key } } }";
    for filter in [nested, json!({"or": many}), json!({"id": {"in": ids}})] {
        assert_eq!(stage.code(&stage.world.ana, document, json!({"filter": filter})).await, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn a_malformed_workflow_lists_every_fault() {
    let stage = Stage::new().await;
    let root = &stage.world.root;
    let definition = json!({"key": "Bad Key", "name": "x", "states": [{"id": "a", "label": "A", "category": "new"}],
        "transitions": [{"id": "go", "label": "Go", "from": ["b"], "to": "c"}]});
    let publish = async |text: String| {
        stage.act(root, "workflowPublish", "workflow { id }", json!({"definition": text})).await["userErrors"][0]
            .clone()
    };
    let error = publish(definition.to_string()).await;
    assert_eq!((&error["__typename"], &error["code"]), (&json!("WorkflowMalformed"), &json!("WORKFLOW_MALFORMED")));
    assert!(error["problems"].as_array().unwrap().len() > 3, "{error:#}");
    // With the place in the text that was sent.
    let place = |fault: &Value| (fault["at"].clone(), fault["line"].clone(), fault["column"].clone());
    let spread = serde_json::to_string_pretty(&definition).unwrap();
    let error = publish(spread.clone()).await;
    let (nth, line) = spread.lines().enumerate().find(|(_, line)| line.contains("\"c\"")).unwrap();
    let wanted = (json!("/transitions/0/to"), json!(nth + 1), json!(line.find("\"c\"").unwrap() + 1));
    assert!(error["problems"].as_array().unwrap().iter().any(|fault| place(fault) == wanted), "{error:#}");
    let unread = publish("{".into()).await;
    assert_eq!(place(&unread["problems"][0]), (json!(""), json!(1), json!(1)), "{unread:#}");
}
