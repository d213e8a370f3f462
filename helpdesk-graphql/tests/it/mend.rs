//! Where the input is at fault, in the input's own names.

use serde_json::{Value, json};

use crate::stage::Stage;

const UNKNOWN: &str = "019b8d9a-6a80-7000-8000-0000000000aa";

#[tokio::test]
async fn errors_name_the_place_in_the_input() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let ticket = world.ticket("Printer").await.to_string();
    let it = world.it.to_string();
    let uuid = "019b8d9a-6a80-7000-8000-0000000000bb";
    let made = json!({"project": it, "title": "Mine", "uuid": uuid});
    stage.act(&world.ana, "ticketCreate", "", made.clone()).await;
    let ana = world.ana.person_id().unwrap().to_string();
    let system = helpdesk_core::Actor::system();
    for (by, name, input, paths) in [
        (&world.ana, "ticketAssign", json!({"ticket": ticket, "assignees": [UNKNOWN]}), vec!["input.assignees"]),
        (&world.ana, "ticketTag", json!({"ticket": ticket, "add": [UNKNOWN]}), vec!["input.add"]),
        (
            &world.ana,
            "ticketRelate",
            json!({"ticket": ticket, "relation": "WATCHER", "people": [UNKNOWN]}),
            vec!["input.people"],
        ),
        (
            &world.root,
            "roleGrant",
            json!({"role": "agent", "to": {"person": ana}, "project": UNKNOWN, "expiresAt": "2020-01-01T00:00:00Z"}),
            vec!["input.project", "input.expiresAt"],
        ),
        (&world.root, "personEnsure", json!({"externalId": " ", "name": "Zoe"}), vec!["input.externalId"]),
        (
            &system,
            "tenantRegister",
            json!({"key": "ACME", "name": "Acme", "project": {"key": "it", "name": "IT"}}),
            vec!["input.key", "input.project.key"],
        ),
        (
            &system,
            "tenantRegister",
            json!({"key": "globex", "name": "of A-Z", "owner": {"externalId": "", "name": "Hank"},
                "project": {"key": "of A-Z", "name": ""}}),
            vec!["input.owner.externalId", "input.project.key", "input.project.name"],
        ),
        (
            &system,
            "tenantRegister",
            json!({"key": "of A-Z", "name": "Acme", "owner": {"externalId": "hank", "name": ""}}),
            vec!["input.key", "input.owner.name"],
        ),
        (&system, "tenantRegister", json!({"key": "acme", "name": "Acme"}), vec!["input.key"]),
        (&world.ana, "ticketCreate", made, vec!["input.uuid"]),
        (&world.ana, "ticketCreate", json!({"project": it, "title": "x", "uuid": UUID4}), vec!["input.uuid"]),
        (
            &world.ana,
            "ticketCreate",
            json!({"project": it, "title": "", "estimate": 9_999_999}),
            vec!["input.title", "input.estimate"],
        ),
        (
            &world.ana,
            "ticketMove",
            json!({"ticket": ticket, "transition": "start", "fields": {"title": "", "dueAt": "1960-01-01T00:00:00Z",
                "group": UNKNOWN, "estimate": 9_999_999}}),
            vec!["input.fields.title", "input.fields.group", "input.fields.dueAt", "input.fields.estimate"],
        ),
        (&world.ana, "ticketMove", json!({"ticket": ticket, "transition": "fly"}), vec!["input.transition"]),
        (
            &world.root,
            "pluginInstall",
            json!({"name": "No Name", "digest": "", "manifest": {}, "granted": {}, "config": {}}),
            vec!["input.name"],
        ),
        (&world.root, "groupCreate", json!({"kind": "TEAM", "name": "Network"}), vec!["input.name"]),
    ] {
        let out = stage.act(by, name, "", input.clone()).await;
        let errors = out["userErrors"].as_array().unwrap();
        let steps = |it: &Value| {
            let path = it["path"].as_array().unwrap().iter().map(|step| step.as_str().unwrap().to_owned());
            path.collect::<Vec<_>>()
        };
        let found: Vec<String> = errors.iter().map(|it| steps(it).join(".")).collect();
        assert_eq!(found, paths, "{name} {input}: {out:#}");
        for error in errors.iter().filter(|error| error["__typename"] == "FieldInvalid") {
            assert_eq!(error["field"].as_str(), steps(error).last().map(String::as_str), "{name}: {error:#}");
        }
    }
}

const UUID4: &str = "7d444840-9dc0-41d1-b245-5ffdce74fad2";

#[tokio::test]
async fn what_happened_is_no_error_although_it_is_out_of_sight() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let ticket = world.ticket("Secret").await.to_string();
    let input = json!({"ticket": ticket, "visibility": "RESTRICTED"});
    let out = stage.act(&world.ben, "ticketEdit", "ticket { key }", input).await;
    assert_eq!((&out["ticket"], &out["userErrors"]), (&Value::Null, &json!([])));
    assert!(out["cursor"].is_string());
    assert_eq!(
        stage.code(&world.ben, "query($id: ID!) { ticket(id: $id) { key } }", json!({"id": ticket})).await,
        "NOT_FOUND"
    );
}
