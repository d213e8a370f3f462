//! Tenants, projects, people, groups, roles, workflows, tags and plugins.

use helpdesk_core::Actor;
use helpdesk_core::testing::World;
use serde_json::{Value, json};

use crate::stage::Stage;

#[tokio::test]
async fn projects_tags_and_groups_are_made_changed_and_listed() {
    let stage = Stage::new().await;
    let (root, ana) = (&stage.world.root, stage.world.ana.person_id().unwrap().to_string());
    let project = stage
        .act(
            root,
            "projectCreate",
            "project { id key name workflow { key } visibility version }",
            json!({"key": "WEB", "name": "Website", "lead": ana, "workflow": "itil_incident", "visibility": "TENANT"}),
        )
        .await["project"]
        .clone();
    assert_eq!((&project["workflow"]["key"], &project["visibility"]), (&json!("itil_incident"), &json!("TENANT")));
    let taken = stage.act(root, "projectCreate", "project { id }", json!({"key": "WEB"})).await;
    assert_eq!(
        (&taken["userErrors"][0]["__typename"], &taken["userErrors"][0]["given"]),
        (&json!("AlreadyExists"), &json!("WEB"))
    );
    let edit = json!({"project": project["id"], "name": "Site", "lead": null, "expectedVersion": 1});
    let edited = stage.act(root, "projectEdit", "project { name lead { name } version }", edit.clone()).await;
    assert_eq!(edited["project"], json!({"name": "Site", "lead": null, "version": 2}));
    assert_eq!(stage.act(root, "projectEdit", "", edit).await["userErrors"][0]["__typename"], "VersionConflict");

    let tag = stage
        .act(
            root,
            "tagCreate",
            "tag { id name colour createdBy { name } }",
            json!({"project": project["id"], "name": "seo", "colour": "#ff0000"}),
        )
        .await["tag"]
        .clone();
    assert_eq!((&tag["colour"], &tag["createdBy"]["name"]), (&json!("#ff0000"), &json!("Root")));
    let gone = stage
        .act(root, "tagEdit", "tag { colour deletedAt }", json!({"tag": tag["id"], "colour": null, "deleted": true}))
        .await;
    assert_eq!(gone["tag"]["colour"], "");
    assert!(gone["tag"]["deletedAt"].is_string());

    let group = stage.act(root, "groupCreate", "group { id kind }", json!({"kind": "COMPANY", "name": "Globex"})).await
        ["group"]
        .clone();
    let members = "group { members(first: 10) { nodes { name } } }";
    let member = json!({"group": group["id"], "person": ana});
    assert_eq!(
        stage.act(root, "groupAddMember", members, member.clone()).await["group"]["members"]["nodes"],
        json!([{"name": "Ana"}])
    );
    assert_eq!(stage.act(root, "groupRemoveMember", members, member).await["group"]["members"]["nodes"], json!([]));
    let moved = json!({"group": group["id"], "name": "Globex AG", "parent": null});
    assert_eq!(stage.act(root, "groupEdit", "group { name }", moved).await["group"]["name"], "Globex AG");

    let lists = stage
        .get(
            root,
            "{ projects(first: 10) { nodes { key } totalCount { value } }
        groups(first: 2) { nodes { name } pageInfo { hasNextPage endCursor } } tags(first: 10) { nodes { name } }
        workflows(first: 10) { nodes { key version states { id } transitions { id creates } } }
        grants(first: 100) { nodes { role { key } everywhere project { key } to { ... on Person { name } } } } }",
            Value::Null,
        )
        .await;
    assert_eq!(
        lists["projects"],
        json!({"nodes": [{"key": "IT"}, {"key": "OPS"}, {"key": "WEB"}], "totalCount": {"value": 3}})
    );
    assert_eq!(lists["groups"]["nodes"], json!([{"name": "Globex AG"}, {"name": "network"}]));
    assert_eq!(lists["groups"]["pageInfo"]["hasNextPage"], true);
    // The deleted tag is in no list, and still found by its id.
    assert_eq!(lists["tags"]["nodes"], json!([{"name": "printer"}, {"name": "urgent"}]));
    let found = stage.get(root, "query($id: ID!) { tag(id: $id) { name } }", json!({"id": tag["id"]})).await;
    assert_eq!(found["tag"]["name"], "seo");
    assert_eq!(lists["workflows"]["nodes"].as_array().unwrap().len(), 4);
    let kai = json!({"role": {"key": "agent"}, "everywhere": false, "project": {"key": "OPS"}, "to": {"name": "Kai"}});
    assert!(lists["grants"]["nodes"].as_array().unwrap().contains(&kai), "{lists:#}");
    let after = json!({"a": lists["groups"]["pageInfo"]["endCursor"]});
    let rest = stage.get(root, "query($a: String) { groups(first: 2, after: $a) { nodes { name } } }", after).await;
    assert_eq!(rest["groups"]["nodes"], json!([{"name": "service"}]));
}

#[tokio::test]
async fn people_are_ensured_edited_and_searched() {
    let stage = Stage::new().await;
    let root = &stage.world.root;
    let input = json!({"externalId": "u-1", "name": "Zoë", "kind": "CONTACT", "email": "zoe@example.com"});
    let first = stage.act(root, "personEnsure", "person { id version }", input.clone()).await["person"].clone();
    let again = stage.act(root, "personEnsure", "person { id version }", input).await["person"].clone();
    assert_eq!(first, again);
    let edit = json!({"person": first["id"], "email": null, "phone": "+41 1"});
    let edited = stage.act(root, "personEdit", "person { name email phone kind }", edit).await;
    assert_eq!(edited["person"], json!({"name": "Zoë", "email": "", "phone": "+41 1", "kind": "CONTACT"}));
    let found =
        stage.get(root, r#"{ people(search: "zoe", first: 5) { nodes { name externalId } } }"#, Value::Null).await;
    assert_eq!(found["people"]["nodes"], json!([{"name": "Zoë", "externalId": "u-1"}]));
    let (mut seen, mut after) = (0, Value::Null);
    loop {
        let document =
            "query($a: String) { people(first: 4, after: $a) { nodes { name } pageInfo { hasNextPage endCursor } } }";
        let page = stage.get(root, document, json!({"a": after})).await["people"].clone();
        seen += page["nodes"].as_array().unwrap().len();
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, 9);
    // Requesters see names of those they meet, nothing else.
    let id = stage.world.ana.person_id().unwrap().to_string();
    let ana = stage
        .get(&stage.world.rita, "query($id: ID!) { person(id: $id) { name email externalId } }", json!({"id": id}))
        .await;
    assert_eq!(ana["person"], json!({"name": "Ana", "email": "", "externalId": ""}));
}

#[tokio::test]
async fn roles_are_granted_and_revoked() {
    let stage = Stage::new().await;
    let root = &stage.world.root;
    let input = json!({"role": "agent", "to": {"group": stage.world.network.to_string()}, "project": stage.world.it.to_string(),
        "expiresAt": "2027-01-01T00:00:00Z"});
    let grant = stage
        .act(
            root,
            "roleGrant",
            "grant { id role { key builtIn } expiresAt createdBy { name } to { __typename ... on Group { name } } }",
            input,
        )
        .await["grant"]
        .clone();
    assert_eq!(grant["to"], json!({"__typename": "Group", "name": "network"}));
    let node = stage.get(root, "query($id: ID!) { node(id: $id) { __typename id } }", json!({"id": grant["id"]})).await;
    assert_eq!(node["node"], json!({"__typename": "Grant", "id": grant["id"]}));
    let revoked = stage.act(root, "roleRevoke", "grantId", json!({"grant": grant["id"]})).await;
    assert_eq!(revoked["grantId"], grant["id"]);
    assert_eq!(stage.act_code(root, "roleRevoke", json!({"grant": grant["id"]})).await, "NOT_FOUND");
}

#[tokio::test]
async fn workflows_are_published_by_version() {
    let stage = Stage::new().await;
    let root = &stage.world.root;
    let document = "{ workflows(first: 5) { nodes { id key version definition } } }";
    let known = stage.get(root, document, Value::Null).await["workflows"]["nodes"][2].clone();
    assert_eq!(known["key"], "kanban");
    let mut definition = known["definition"].clone();
    let same =
        stage.act(root, "workflowPublish", "workflow { id }", json!({"definition": definition.to_string()})).await;
    assert_eq!(same["workflow"]["id"], known["id"]);
    definition["name"] = json!("Board");
    let next = stage
        .act(root, "workflowPublish", "workflow { version name }", json!({"definition": definition.to_string()}))
        .await;
    assert_eq!(next["workflow"], json!({"version": 2, "name": "Board"}));
    let newest = stage.get(root, "{ workflows(first: 5) { nodes { version } } all: workflows(first: 5, allVersions: true) { nodes { version } } }", Value::Null).await;
    assert_eq!(newest["workflows"]["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(newest["all"]["nodes"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn tickets_in_flight_are_taken_to_a_new_version() {
    let stage = Stage::new().await;
    let (root, ana) = (&stage.world.root, &stage.world.ana);
    let document = r#"{ project(key: "IT") { id workflow { definition } } }"#;
    let project = stage.get(root, document, Value::Null).await["project"].clone();
    let made = stage.act(ana, "ticketCreate", "ticket { id }", json!({"project": project["id"], "title": "x"})).await;
    let mut definition = project["workflow"]["definition"].clone();
    // What was to do is called something else from now on.
    let renamed = definition.to_string().replace("\"todo\"", "\"waiting_line\"");
    definition = serde_json::from_str(&renamed).unwrap();
    stage.act(root, "workflowPublish", "workflow { version }", json!({"definition": definition.to_string()})).await;

    let fields = "migration { moved blocked { state tickets } blockedTickets(first: 5) { id } }";
    let input =
        |states: Value, rehearse: bool| json!({"key": "kanban", "to": 2, "states": states, "rehearse": rehearse});
    let blocked = json!({"moved": 0, "blocked": [{"state": "todo", "tickets": 1}], "blockedTickets": [made["ticket"]]});
    let told = stage.act(root, "workflowMigrate", fields, input(json!([]), true)).await;
    assert_eq!(told["migration"], blocked);
    let wrong = input(json!([{"from": "todo", "to": "nowhere"}]), false);
    let wrong = stage.act(root, "workflowMigrate", fields, wrong).await;
    assert_eq!(
        (&wrong["migration"], &wrong["userErrors"][0]["problems"][0]["at"]),
        (&Value::Null, &json!("/states/todo"))
    );
    let map = json!([{"from": "todo", "to": "waiting_line"}]);
    assert_eq!(stage.act_code(ana, "workflowMigrate", input(map.clone(), false)).await, "FORBIDDEN");
    let done = stage.act(root, "workflowMigrate", fields, input(map, false)).await;
    assert_eq!(done["migration"], json!({"moved": 1, "blocked": [], "blockedTickets": []}));
    let document =
        r#"query($id: ID!) { node(id: $id) { ... on Ticket { state { id } workflow { version } version } } }"#;
    let ticket = stage.get(ana, document, json!({"id": made["ticket"]["id"]})).await["node"].clone();
    assert_eq!(ticket, json!({"state": {"id": "waiting_line"}, "workflow": {"version": 2}, "version": 2}));
}

#[tokio::test]
async fn plugins_are_installed_and_removed() {
    let stage = Stage::new().await;
    let root = &stage.world.root;
    let input = json!({"name": "triage", "digest": "a".repeat(64), "manifest": {"id": "triage"}, "granted": [], "config": {"rules": []}});
    let made = stage.act(root, "pluginInstall", "plugin { id name config enabled version }", input).await;
    let plugin = made["plugin"].clone();
    assert_eq!(
        (&plugin["name"], &plugin["config"], &plugin["enabled"]),
        (&json!("triage"), &json!({"rules": []}), &json!(true)),
        "{made:#}"
    );
    let list = stage.get(root, "{ plugins(first: 5) { nodes { name } } }", Value::Null).await;
    assert_eq!(list["plugins"]["nodes"], json!([{"name": "triage"}]));
    let hidden = stage.get(&stage.world.ana, "{ plugins(first: 5) { nodes { name } } }", Value::Null).await;
    assert_eq!(hidden["plugins"]["nodes"], json!([]));
    let removed = stage.act(root, "pluginRemove", "pluginId", json!({"plugin": plugin["id"]})).await;
    assert_eq!(removed["pluginId"], plugin["id"]);
}

#[tokio::test]
async fn the_host_registers_tenants() {
    let stage = Stage::new().await;
    let host = Actor::system();
    let input = json!({"key": "globex", "name": "Globex", "owner": {"externalId": "hank", "name": "Hank"},
        "project": {"key": "HELP", "name": "Help"}});
    let made = stage.act(&host, "tenantRegister", "tenant { id key name version }", input.clone()).await;
    assert_eq!((&made["tenant"]["key"], &made["tenant"]["version"]), (&json!("globex"), &json!(1)));
    assert_eq!(
        stage.act(&host, "tenantRegister", "tenant { id }", input.clone()).await["userErrors"][0]["__typename"],
        "AlreadyExists"
    );
    let code = stage.act_code(&stage.world.root, "tenantRegister", input).await;
    assert!(matches!(code.as_str(), "FORBIDDEN" | "NOT_FOUND"), "{code}");
    let renamed = stage.act(&stage.world.root, "tenantEdit", "tenant { name }", json!({"name": "Acme Inc."})).await;
    assert_eq!(renamed["tenant"]["name"], "Acme Inc.");
    assert_eq!(stage.code(&host, "{ viewer { staff } }", Value::Null).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn lists_go_on_behind_what_is_gone() {
    let stage = Stage::new().await;
    let root = &stage.world.root;
    let page = async |document: &str, after: Value| {
        let data = stage.get(root, document, json!({"after": after, "group": stage.world.service.to_string()})).await;
        data.as_object().unwrap().values().next().unwrap().clone()
    };
    let grants = "query($after: String) { grants(first: 2, after: $after) { nodes { id } pageInfo { endCursor } } }";
    let first = page(grants, Value::Null).await;
    let second = page(grants, first["pageInfo"]["endCursor"].clone()).await;
    // The last of the second page goes: somebody else's, so that root stays.
    let gone = second["nodes"][1]["id"].clone();
    let third = page(grants, second["pageInfo"]["endCursor"].clone()).await;
    assert!(!third["nodes"].as_array().unwrap().is_empty());
    let out = stage.act(root, "roleRevoke", "grantId", json!({"grant": gone})).await;
    assert_eq!(out["grantId"], gone);
    assert_eq!(page(grants, second["pageInfo"]["endCursor"].clone()).await, third);

    let people = [&stage.world.ana, &stage.world.ben, &stage.world.mia].map(|it| it.person_id().unwrap().to_string());
    for person in &people {
        let input = json!({"group": stage.world.service.to_string(), "person": person});
        stage.act(root, "groupAddMember", "", input).await;
    }
    let members = "query($group: ID!, $after: String) { group(id: $group) {
        members(first: 1, after: $after) { nodes { id } pageInfo { endCursor } } } }";
    let first = page(members, Value::Null).await["members"].clone();
    let second = page(members, first["pageInfo"]["endCursor"].clone()).await["members"].clone();
    let input = json!({"group": stage.world.service.to_string(), "person": first["nodes"][0]["id"]});
    stage.act(root, "groupRemoveMember", "", input).await;
    assert_eq!(page(members, first["pageInfo"]["endCursor"].clone()).await["members"], second);
}

#[tokio::test]
async fn roles_of_ones_own_are_defined_granted_and_deleted() {
    let stage = Stage::new().await;
    let root = &stage.world.root;
    let input = json!({"key": "triager", "name": "Triager", "permissions": ["TICKET_READ", "TICKET_EDIT"]});
    let role =
        stage.act(root, "roleDefine", "role { key name builtIn permissions version createdBy { name } }", input).await;
    let expected = json!({"key": "triager", "name": "Triager", "builtIn": false,
        "permissions": ["TICKET_READ", "TICKET_EDIT"], "version": 1, "createdBy": {"name": "Root"}});
    assert_eq!(role["role"], expected);
    let ticket = stage.world.ticket("one").await;
    let input = json!({"role": "triager", "to": {"person": World::id(&stage.world.rob).to_string()}, "ticket": ticket.to_string()});
    let granted = "grant { id role { name } scope everywhere project { key } group { name } ticket { title } }";
    let grant = stage.act(root, "roleGrant", granted, input).await["grant"].clone();
    assert_eq!((&grant["role"]["name"], &grant["scope"]), (&json!("Triager"), &json!("TICKET")));
    assert_eq!((&grant["ticket"]["title"], &grant["everywhere"]), (&json!("one"), &json!(false)));
    let held = stage.act(root, "roleDelete", "", json!({"role": "triager"})).await;
    assert_eq!((&held["userErrors"][0]["code"], &held["userErrors"][0]["field"]), (&json!("IN_USE"), &json!("role")));
    let edit = json!({"role": "triager", "permissions": ["TICKET_READ"], "expectedVersion": 1});
    assert_eq!(stage.act(root, "roleEdit", "role { version }", edit.clone()).await["role"]["version"], 2);
    assert_eq!(stage.act(root, "roleEdit", "", edit).await["userErrors"][0]["code"], "VERSION_CONFLICT");
    let roles = stage.get(root, "{ roles { key } }", Value::Null).await["roles"].clone();
    assert_eq!((roles.as_array().unwrap().len(), &roles[8]["key"]), (9, &json!("triager")));
    stage.act(root, "roleRevoke", "grantId", json!({"grant": grant["id"]})).await;
    assert_eq!(stage.act(root, "roleDelete", "roleKey", json!({"role": "triager"})).await["roleKey"], "triager");
    assert_eq!(stage.act_code(root, "roleDelete", json!({"role": "triager"})).await, "NOT_FOUND");
    let two = json!({"role": "agent", "to": {"person": World::id(&stage.world.rob).to_string()},
        "ticket": ticket.to_string(), "project": stage.world.it.to_string()});
    assert_eq!(stage.act_code(root, "roleGrant", two).await, "BAD_USER_INPUT");
}
