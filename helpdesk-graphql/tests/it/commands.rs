//! A ticket's day: created, discussed, moved, resolved; conflicts and repetitions.

use serde_json::{Value, json};

use crate::stage::Stage;

#[tokio::test]
async fn a_ticket_is_opened_discussed_moved_and_resolved() {
    let stage = Stage::new().await;
    let ana = &stage.world.ana;
    let project = stage.get(ana, r#"{ project(key: "OPS") { id } }"#, Value::Null).await["project"]["id"].clone();
    let made = stage
        .act(
            ana,
            "ticketCreate",
            "ticket { id key version title description type priority priorityManual state { id category }
                createdBy { kind name } reporters { name } requesters { name } }",
            json!({"project": project, "title": "Printer is on fire", "description": "Since nine.", "type": "INCIDENT",
                   "priority": "HIGH"}),
        )
        .await;
    assert_eq!(made["userErrors"], json!([]));
    let ticket = &made["ticket"];
    assert_eq!(ticket["key"], "OPS-1");
    assert_eq!(ticket["description"], "Since nine.");
    assert_eq!(
        (&ticket["type"], &ticket["priority"], &ticket["priorityManual"]),
        (&json!("INCIDENT"), &json!("HIGH"), &json!(true))
    );
    assert_eq!(ticket["state"], json!({"id": "new", "category": "NEW"}));
    assert_eq!(ticket["createdBy"], json!({"kind": "PERSON", "name": "Ana"}));
    assert_eq!(ticket["requesters"], json!([{"name": "Ana"}]));
    let id = ticket["id"].clone();

    let entry = stage
        .act(
            ana,
            "entryAdd",
            "entry { id body visibility createdBy { name } ticket { key } }",
            json!({"ticket": id, "body": "On my way."}),
        )
        .await;
    assert_eq!(entry["entry"]["body"], "On my way.");
    assert_eq!(entry["entry"]["visibility"], "PUBLIC");
    assert_eq!(entry["entry"]["ticket"]["key"], "OPS-1");
    let edited = stage
        .act(
            ana,
            "entryEdit",
            "entry { body version editedAt }",
            json!({"entry": entry["entry"]["id"], "body": "There."}),
        )
        .await;
    assert_eq!((&edited["entry"]["body"], &edited["entry"]["version"]), (&json!("There."), &json!(2)));

    let ways = stage
        .get(
            ana,
            "query($id: ID!) { ticket(id: $id) { transitions { available missingFields missingPermission
            transition { id label to } } } }",
            json!({"id": id}),
        )
        .await;
    let ways = ways["ticket"]["transitions"].as_array().unwrap();
    assert!(ways.iter().any(|way| way["available"] == true), "{ways:#?}");

    let start = ways.iter().find(|way| way["transition"]["to"] == "in_progress").unwrap();
    let moved = stage
        .act(
            ana,
            "ticketMove",
            "ticket { state { id } version }",
            json!({"ticket": id, "transition": start["transition"]["id"]}),
        )
        .await;
    assert_eq!(moved["ticket"]["state"]["id"], "in_progress", "{moved:#}");
    let resolved = stage
        .act(
            ana,
            "ticketMove",
            "ticket { state { id category } resolvedAt updatedBy { name } }",
            json!({"ticket": id, "transition": "resolve", "fields": {"title": "Printer was on fire"}}),
        )
        .await;
    assert_eq!(resolved["ticket"]["state"]["category"], "RESOLVED", "{resolved:#}");
    assert!(resolved["ticket"]["resolvedAt"].is_string());

    let seen = stage
        .get(
            ana,
            r#"{ ticket(key: "OPS-1") { title entries(first: 5) { nodes { body } pageInfo { hasNextPage } }
            timeline(first: 50) { nodes { kind changes { field before after } } } revisions(first: 10) { nodes { of before } } } }"#,
            Value::Null,
        )
        .await;
    assert_eq!(seen["ticket"]["title"], "Printer was on fire");
    assert_eq!(seen["ticket"]["entries"], json!({"nodes": [{"body": "There."}], "pageInfo": {"hasNextPage": false}}));
    let kinds: Vec<&str> =
        seen["ticket"]["timeline"]["nodes"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    for kind in ["ticket.created", "entry.added", "entry.edited", "ticket.moved", "ticket.edited"] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    assert!(seen["ticket"]["revisions"].to_string().contains("On my way."));
}

#[tokio::test]
async fn a_timeline_is_paged_inside_versions() {
    let stage = Stage::new().await;
    let ticket = stage.world.ticket("Paged").await;
    let ana = &stage.world.ana;
    let people = json!([
        helpdesk_core::testing::World::id(&stage.world.ben).to_string(),
        helpdesk_core::testing::World::id(&stage.world.mia).to_string(),
        helpdesk_core::testing::World::id(&stage.world.kai).to_string(),
    ]);
    let input = json!({"ticket": ticket.to_string(), "relation": "WATCHER", "people": people});
    stage.act(ana, "ticketRelate", "", input).await;
    let document =
        "query($id: ID!, $first: Int!, $after: String) { ticket(id: $id) { timeline(first: $first, after: $after) {
        nodes { version ordinal kind } pageInfo { hasNextPage endCursor } } } }";
    let all = stage.get(ana, document, json!({"id": ticket.to_string(), "first": 100})).await;
    let all = all["ticket"]["timeline"]["nodes"].as_array().unwrap().clone();
    assert!(all.iter().filter(|it| it["version"] == 2).count() >= 3, "{all:#?}");
    let (mut paged, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = stage.get(ana, document, json!({"id": ticket.to_string(), "first": 1, "after": after})).await;
        let page = &page["ticket"]["timeline"];
        paged.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn a_conflict_names_the_fields_and_changes_nothing() {
    let stage = Stage::new().await;
    let ticket = stage.world.ticket("Printer").await.to_string();
    let (ana, ben) = (&stage.world.ana, &stage.world.ben);
    let first =
        json!({"ticket": ticket, "urgency": "HIGH", "group": stage.world.network.to_string(), "expectedVersion": 1});
    assert_eq!(stage.act(ana, "ticketEdit", "ticket { version }", first).await["ticket"]["version"], 2);
    let second = stage
        .act(ben, "ticketEdit", "ticket { version }", json!({"ticket": ticket, "title": "Mine", "expectedVersion": 1}))
        .await;
    assert_eq!((&second["ticket"], &second["cursor"]), (&Value::Null, &Value::Null));
    let error = &second["userErrors"][0];
    assert_eq!((&error["__typename"], &error["code"]), (&json!("VersionConflict"), &json!("VERSION_CONFLICT")));
    assert_eq!((&error["expected"], &error["current"]), (&json!(1), &json!(2)));
    assert_eq!(error["path"], json!(["input", "expectedVersion"]));
    assert_eq!(error["fields"], json!(["PRIORITY", "URGENCY", "GROUP"]));
    let title = stage.get(ana, "query($id: ID!) { ticket(id: $id) { title } }", json!({"id": ticket})).await;
    assert_eq!(title["ticket"]["title"], "Printer");
}

#[tokio::test]
async fn a_key_makes_it_happen_once_and_other_input_is_refused() {
    let stage = Stage::new().await;
    let ana = &stage.world.ana;
    let input = json!({"project": stage.world.it.to_string(), "title": "Once", "idempotencyKey": "k1"});
    let first = stage.act(ana, "ticketCreate", "ticket { id }", input.clone()).await;
    let again = stage.act(ana, "ticketCreate", "ticket { id }", input.clone()).await;
    assert_eq!(first, again);
    let mut other = input;
    other["title"] = json!("Twice");
    let other = stage.act(ana, "ticketCreate", "ticket { id }", other).await;
    assert_eq!(other["userErrors"][0]["__typename"], "IdempotencyKeyReused");
    let count = stage.get(ana, "{ tickets(first: 1) { totalCount { value isExact } } }", Value::Null).await;
    assert_eq!(count["tickets"]["totalCount"], json!({"value": 1, "isExact": true}));
}

#[tokio::test]
async fn a_client_may_bring_its_own_uuid() {
    let stage = Stage::new().await;
    let ana = &stage.world.ana;
    let uuid = "019b8d9a-6a80-7000-8000-0000000000aa";
    let input = json!({"project": stage.world.it.to_string(), "title": "Mine", "uuid": uuid});
    assert_eq!(stage.act(ana, "ticketCreate", "ticket { uuid }", input.clone()).await["ticket"]["uuid"], uuid);
    let again = stage.act(ana, "ticketCreate", "ticket { uuid }", input).await;
    assert_eq!(again["userErrors"].as_array().unwrap().len(), 1, "{again:#}");
}

#[tokio::test]
async fn omitted_stays_and_null_clears() {
    let stage = Stage::new().await;
    let ana = &stage.world.ana;
    let fields = "ticket { dueAt estimate group { name } description priority priorityManual }";
    let input = json!({"project": stage.world.it.to_string(), "title": "Full", "dueAt": "2026-02-01T10:00:00+01:00",
        "estimate": 90, "group": stage.world.network.to_string(), "description": "Long.", "priority": "CRITICAL"});
    let made = stage.act(ana, "ticketCreate", &format!("{fields} ticket {{ id }}"), input).await;
    assert_eq!(made["ticket"]["dueAt"], "2026-02-01T09:00:00Z");
    let id = made["ticket"]["id"].clone();
    let same = stage.act(ana, "ticketEdit", fields, json!({"ticket": id, "urgency": "LOW"})).await;
    assert_eq!((&same["ticket"]["estimate"], &same["ticket"]["group"]["name"]), (&json!(90), &json!("network")));
    let nulls =
        json!({"ticket": id, "dueAt": null, "estimate": null, "group": null, "description": null, "priority": null});
    let cleared = stage.act(ana, "ticketEdit", fields, nulls).await;
    let empty = json!({"dueAt": null, "estimate": null, "group": null, "description": "", "priority": "LOW", "priorityManual": false});
    assert_eq!(cleared["ticket"], empty);
    // An omitted variable is an omitted field.
    let document = "mutation($t: ID!, $due: DateTime, $n: Int) {
        ticketEdit(input: {ticket: $t, dueAt: $due, estimate: $n}) { ticket { estimate dueAt } userErrors { message } } }";
    stage.get(ana, document, json!({"t": id, "n": 5, "due": "2026-02-01T09:00:00Z"})).await;
    let kept = stage.get(ana, document, json!({"t": id})).await;
    assert_eq!(kept["ticketEdit"]["ticket"], json!({"estimate": 5, "dueAt": "2026-02-01T09:00:00Z"}));
}

#[tokio::test]
async fn people_tags_states_and_deletion() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (mia, ana) = (&world.mia, &world.ana);
    let ticket = world.ticket("Printer").await.to_string();
    let id = |actor| helpdesk_core::testing::World::id(actor).to_string();
    let fields =
        "ticket { assignees { name } watchers { name } tags { name project { key } } state { label } deletedAt }";
    let out =
        stage.act(ana, "ticketAssign", fields, json!({"ticket": ticket, "assignees": [id(ana), id(&world.ben)]})).await;
    assert_eq!(out["ticket"]["assignees"].as_array().unwrap().len(), 2);
    let out = stage.act(ana, "ticketAssign", fields, json!({"ticket": ticket, "assignees": [id(&world.ben)]})).await;
    assert_eq!(out["ticket"]["assignees"], json!([{"name": "Ben"}]));
    let watch = json!({"ticket": ticket, "relation": "WATCHER", "people": [id(ana)]});
    let out = stage.act(ana, "ticketRelate", fields, watch.clone()).await;
    assert_eq!(out["ticket"]["watchers"], json!([{"name": "Ana"}]));
    let out = stage.act(ana, "ticketUnrelate", fields, watch).await;
    assert_eq!(out["ticket"]["watchers"], json!([]));
    let out = stage
        .act(
            ana,
            "ticketTag",
            fields,
            json!({"ticket": ticket, "add": [world.urgent.to_string(), world.printer.to_string()]}),
        )
        .await;
    assert_eq!(out["ticket"]["tags"][0], json!({"name": "printer", "project": {"key": "IT"}}));
    let forced = json!({"ticket": ticket, "state": "done", "reason": "audit"});
    assert_eq!(stage.act_code(ana, "ticketForceState", forced.clone()).await, "FORBIDDEN");
    let out = stage.act(mia, "ticketForceState", fields, forced).await;
    assert_eq!(out["ticket"]["state"]["label"], "Done");
    let out = stage.act(mia, "ticketDelete", "ticketId", json!({"ticket": ticket, "reason": "spam"})).await;
    assert!(out["ticketId"].as_str().unwrap().starts_with("ticket."));
    assert_eq!(
        stage.code(ana, "query($id: ID!) { ticket(id: $id) { key } }", json!({"id": ticket})).await,
        "NOT_FOUND"
    );
    let out = stage.act(mia, "ticketRestore", fields, json!({"ticket": ticket})).await;
    assert_eq!(out["ticket"]["deletedAt"], Value::Null);
}

#[tokio::test]
async fn a_second_mutation_of_a_document_sees_the_first() {
    let stage = Stage::new().await;
    let ticket = stage.world.ticket("Printer").await.to_string();
    let document = "mutation($t: ID!) {
        a: ticketEdit(input: {ticket: $t, title: \"One\"}) { ticket { title version } }
        b: ticketEdit(input: {ticket: $t, title: \"Two\"}) { ticket { title version } } }";
    let out = stage.get(&stage.world.ana, document, json!({"t": ticket})).await;
    assert_eq!(out["a"]["ticket"], json!({"title": "One", "version": 2}));
    assert_eq!(out["b"]["ticket"], json!({"title": "Two", "version": 3}));
}

#[tokio::test]
async fn one_refused_mutation_leaves_the_other_s_payload() {
    let stage = Stage::new().await;
    let ticket = stage.world.ticket("Printer").await.to_string();
    let document = "mutation($t: ID!, $u: ID!) {
        a: ticketEdit(input: {ticket: $t, title: \"One\"}) { ticket { title } }
        b: ticketEdit(input: {ticket: $u, title: \"Two\"}) { ticket { title } } }";
    let unknown = "019b8d9a-6a80-7000-8000-0000000000aa";
    let answer = stage.ask(&stage.world.ana, document, json!({"t": ticket, "u": unknown})).await;
    assert_eq!(answer["data"], json!({"a": {"ticket": {"title": "One"}}, "b": null}));
    assert_eq!(
        (&answer["errors"][0]["extensions"]["code"], &answer["errors"][0]["path"]),
        (&json!("NOT_FOUND"), &json!(["b"]))
    );
}

#[tokio::test]
async fn a_ticket_is_claimed_once_and_handed_over_with_a_reason() {
    let stage = Stage::new().await;
    let (ana, ben) = (&stage.world.ana, &stage.world.ben);
    let ticket = stage.world.ticket("Printer").await.to_string();
    let claimed = stage.act(ana, "ticketClaim", "ticket { assignees { id name } }", json!({"ticket": ticket})).await;
    assert_eq!(claimed["ticket"]["assignees"][0]["name"], "Ana");
    let late = "userErrors { ... on AlreadyClaimed { assignees } }";
    let late = stage.act(ben, "ticketClaim", &format!("ticket {{ id }} {late}"), json!({"ticket": ticket})).await;
    let error = &late["userErrors"][0];
    assert_eq!((&late["ticket"], &error["__typename"]), (&Value::Null, &json!("AlreadyClaimed")));
    assert_eq!((&error["code"], &error["path"]), (&json!("ALREADY_CLAIMED"), &json!(["input", "ticket"])));
    assert_eq!(error["assignees"], json!([claimed["ticket"]["assignees"][0]["id"]]));
    let id = |actor| helpdesk_core::testing::World::id(actor).to_string();
    let over = json!({"ticket": ticket, "from": id(ana), "to": id(ben), "reason": "on leave"});
    let fields = "ticket { version assignees { name } timeline(first: 9) { nodes { kind data changes { field } } } }";
    let out = stage.act(ana, "ticketReassign", fields, over.clone()).await;
    assert_eq!((&out["ticket"]["version"], &out["ticket"]["assignees"]), (&json!(3), &json!([{"name": "Ben"}])));
    let told = &out["ticket"]["timeline"]["nodes"][2];
    assert_eq!((&told["kind"], &told["data"]["reason"]), (&json!("ticket.reassigned"), &json!("on leave")));
    assert_eq!(told["changes"], json!([{"field": "ASSIGNEES"}]));
    let again = stage.act(ana, "ticketReassign", fields, over).await;
    assert_eq!(again["userErrors"][0]["path"], json!(["input", "from"]));
}
