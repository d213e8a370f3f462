//! Approvals: a gate that opens with one, its faults, and what others see of it.

use helpdesk_core::approval::TemplateDefinition;
use helpdesk_core::command::{ConsultApprover, CreateProject, PublishTemplate, PublishWorkflow, RequestApproval};
use helpdesk_core::id::TicketId;
use helpdesk_core::testing::World;
use helpdesk_core::workflow::Definition;
use serde_json::{Value, json};

use crate::stage::Stage;

const GATED: &str = r#"
key = "change"
name = "Change"
states = [
  { id = "draft", label = "Draft", category = "new" },
  { id = "review", label = "Review", category = "waiting", gate = { template = "change" } },
  { id = "done", label = "Done", category = "closed" },
]
transitions = [
  { id = "create", label = "Create", from = "nothing", to = "draft" },
  { id = "review", label = "Review", from = ["draft"], to = "review" },
  { id = "carry_out", label = "Carry out", from = ["review"], to = "done" },
  { id = "emergency", label = "Emergency", from = ["review"], to = "done", bypass_approval = true, permission = "ticket.force" },
]
"#;

/// Asks mia, then root and olaf.
fn template(world: &World) -> String {
    let [mia, root, olaf] = [&world.mia, &world.root, &world.olaf].map(World::id);
    format!(
        r#"
key = "change"
name = "Change"
watched = ["title"]
[[steps]]
key = "board"
name = "Board"
ask = [{{ person = "{mia}" }}]
rule = "all"
deadline = {{ within = 60, actions = ["remind", {{ add = {{ person = "{root}" }} }}] }}
[[steps]]
key = "chiefs"
name = "Chiefs"
ask = [{{ person = "{root}" }}, {{ person = "{olaf}" }}]
rule = "all"
"#
    )
}

/// A ticket of ana's in IT, and the id of its approval by the template of [`template`].
pub(super) async fn requested(stage: &Stage) -> (TicketId, Value) {
    let world = &stage.world;
    let definition = TemplateDefinition::from_toml(&template(world)).unwrap();
    world.must(&world.root, PublishTemplate { tenant: world.tenant, definition }).await;
    let ticket = world.ticket("New switch").await;
    let input = json!({"ticket": ticket.to_string(), "template": "change"});
    let made = stage.act(&world.ana, "approvalRequest", "approval { id }", input).await;
    (ticket, made["approval"]["id"].clone())
}

#[tokio::test]
async fn a_gate_opens_with_its_approval() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let input = json!({"definition": template(world), "format": "TOML", "idempotencyKey": "t"});
    let fields = "template { id key version name watched onEdit steps { key name ask rule rejection
        deadline { minutes calendar actions { kind approver } } } definition }";
    let made = stage.act(&world.root, "approvalTemplatePublish", fields, input.clone()).await;
    assert_eq!(stage.act(&world.root, "approvalTemplatePublish", fields, input).await, made, "once");
    let shown = &made["template"];
    assert_eq!(
        (&shown["key"], &shown["version"], &shown["onEdit"]),
        (&json!("change"), &json!(1), &json!("RESET_ROUND"))
    );
    assert_eq!((&shown["watched"], &shown["steps"][0]["rule"]), (&json!(["TITLE"]), &json!("all")), "{shown:#}");
    let root = World::id(&world.root).to_string();
    let actions = json!([{"kind": "REMIND", "approver": null}, {"kind": "ADD", "approver": {"person": root}}]);
    assert_eq!(shown["steps"][0]["deadline"], json!({"minutes": 60, "calendar": null, "actions": actions}));
    assert_eq!(shown["definition"]["steps"][1]["key"], "chiefs");
    let document = "query($id: ID!) { node(id: $id) { ... on ApprovalTemplate { key } }
        approvalTemplate(key: \"change\") { version } first: approvalTemplate(key: \"change\", version: 1) { hash }
        approvalTemplates(first: 9) { nodes { key version } totalCount { value } } }";
    let found = stage.get(&world.ana, document, json!({"id": shown["id"]})).await;
    assert_eq!((&found["node"]["key"], &found["approvalTemplate"]["version"]), (&json!("change"), &json!(1)));
    assert_eq!(found["approvalTemplates"]["nodes"][0], json!({"key": "change", "version": 1}));

    let definition = Definition::from_toml(GATED).unwrap();
    world.must(&world.root, PublishWorkflow { tenant: world.tenant, definition }).await;
    let project = world.must(&world.host(), CreateProject::new(world.tenant, "CHG").workflow("change")).await;
    let made = stage
        .act(
            &world.ana,
            "ticketCreate",
            "ticket { id approval }",
            json!({"project": project.to_string(), "title": "x"}),
        )
        .await["ticket"]
        .clone();
    assert_eq!(made["approval"], "NONE");
    let ticket = made["id"].clone();
    let moved = "ticket { approval state { id gate { template approved } }
        transitions { available gated { template message } transition { id bypassesApproval } } }";
    let at = stage.act(&world.ana, "ticketMove", moved, json!({"ticket": ticket, "transition": "review"})).await;
    assert_eq!(at["ticket"]["state"], json!({"id": "review", "gate": {"template": "change", "approved": null}}));
    let closed = json!({"template": "change", "message": "it was not requested yet"});
    let ways = json!([
        {"available": false, "gated": closed, "transition": {"id": "carry_out", "bypassesApproval": false}},
        {"available": false, "gated": null, "transition": {"id": "emergency", "bypassesApproval": true}},
    ]);
    assert_eq!(at["ticket"]["transitions"], ways);
    let carry_out = json!({"ticket": ticket, "transition": "carry_out"});
    let error = stage.act(&world.ana, "ticketMove", moved, carry_out.clone()).await["userErrors"][0].clone();
    assert_eq!((&error["code"], &error["template"]), (&json!("APPROVAL_REQUIRED"), &json!("change")), "{error:#}");

    let forecast =
        "query($id: ID!) { approvalSimulate(ticket: $id, template: \"change\") { blocked template { version }
        steps { key stage needed { total groups { needed } } skipped blocked asked { via person { name } } } } }";
    let forecast = stage.get(&world.ana, forecast, json!({"id": ticket})).await["approvalSimulate"].clone();
    let asked =
        json!([{"via": ["person"], "person": {"name": "Root"}}, {"via": ["person"], "person": {"name": "Olaf"}}]);
    assert_eq!(
        forecast["steps"][1],
        json!({"key": "chiefs", "stage": 1, "needed": {"total": 2, "groups": null}, "skipped": null, "blocked": null,
            "asked": asked})
    );
    let request = json!({"ticket": ticket, "template": "change", "idempotencyKey": "r", "expectedVersion": 2});
    let shown = "approval { id round state requestedAt endedAt requestedBy { name } template { key version }
        ticket { approval version } steps { key name state needed { total } deadline { minutes }
        slots { state via carried person { name } decisions { verdict comment onBehalfOf { name } person { name } } } } }";
    let asked = stage.act(&world.ana, "approvalRequest", shown, request.clone()).await;
    assert_eq!(stage.act(&world.ana, "approvalRequest", shown, request).await, asked, "once");
    let approval = &asked["approval"];
    assert_eq!(
        (&approval["state"], &approval["round"], &approval["endedAt"]),
        (&json!("PENDING"), &json!(1), &json!(null))
    );
    assert_eq!(approval["ticket"]["approval"], "PENDING");
    let slot =
        json!({"state": "OPEN", "via": ["person"], "carried": false, "person": {"name": "Mia"}, "decisions": []});
    let step = json!({"key": "board", "name": "Board", "state": "OPEN", "needed": {"total": 1},
        "deadline": {"minutes": 60}, "slots": [slot]});
    assert_eq!(approval["steps"], json!([step]), "{approval:#}");

    let inbox =
        "query($first: Int!, $after: String) { inbox(first: $first, after: $after) { pageInfo { hasNextPage endCursor }
        nodes { ticket { key } step { name } slot { state } approval { id } onBehalfOf { name } } } }";
    let mine = stage.get(&world.mia, inbox, json!({"first": 1})).await["inbox"].clone();
    assert_eq!(mine["pageInfo"]["hasNextPage"], false);
    let item = json!({"ticket": {"key": "CHG-1"}, "step": {"name": "Board"}, "slot": {"state": "OPEN"},
        "approval": {"id": approval["id"]}, "onBehalfOf": null});
    assert_eq!(mine["nodes"], json!([item]));
    assert_eq!(stage.get(&world.root, inbox, json!({"first": 9})).await["inbox"]["nodes"], json!([]));
    let yes = json!({"approval": approval["id"], "verdict": "APPROVED", "comment": "Fine."});
    let said = stage.act(&world.mia, "approvalDecide", shown, yes.clone()).await["approval"].clone();
    let decision = json!({"verdict": "APPROVED", "comment": "Fine.", "onBehalfOf": null, "person": {"name": "Mia"}});
    assert_eq!(said["steps"][0]["slots"][0]["decisions"], json!([decision]), "{said:#}");
    assert_eq!((&said["steps"][0]["state"], &said["steps"][1]["state"]), (&json!("APPROVED"), &json!("OPEN")));
    assert_eq!(stage.get(&world.mia, inbox, json!({"first": 9})).await["inbox"]["nodes"], json!([]));
    // Somebody may decide for root meanwhile.
    let given = json!({"delegate": World::id(&world.ben).to_string(), "scope": {"project": project.to_string()}});
    stage.act(&world.root, "delegationCreate", "", given).await;
    let proxied = stage.get(&world.ben, inbox, json!({"first": 9})).await["inbox"]["nodes"].clone();
    assert_eq!(proxied[0]["onBehalfOf"]["name"], "Root", "{proxied:#}");
    let root_id = World::id(&world.root).to_string();
    let proxy = json!({"approval": approval["id"], "verdict": "APPROVED", "onBehalfOf": root_id, "step": "chiefs"});
    stage.act(&world.ben, "approvalDecide", "", proxy).await;
    let yes = json!({"approval": approval["id"], "verdict": "APPROVED"});
    let done = stage.act(&world.olaf, "approvalDecide", shown, yes).await["approval"].clone();
    assert_eq!((&done["state"], &done["ticket"]["approval"]), (&json!("APPROVED"), &json!("APPROVED")), "{done:#}");
    assert_eq!(done["steps"][1]["slots"][0]["decisions"][0]["onBehalfOf"]["name"], "Root");
    // The gate is open in lists, too.
    let list = "{ tickets(first: 5) { nodes { transitions { available gated { message } transition { id } } } } }";
    let open = json!({"available": true, "gated": null, "transition": {"id": "carry_out"}});
    let list = stage.get(&world.ana, list, Value::Null).await["tickets"]["nodes"].clone();
    assert_eq!(list[0]["transitions"][0], open, "{list:#}");
    let end = stage.act(&world.ana, "ticketMove", moved, carry_out).await;
    assert_eq!(end["ticket"]["state"]["id"], "done", "{end:#}");
    let all = "query($id: ID!) { node(id: $id) { ... on Approval { allSteps { key round }
        decisions(first: 2) { totalCount { value } pageInfo { hasNextPage } nodes { verdict person { name } } } } }
        ticket(id: \"T\") { timeline(first: 90) { nodes { kind } } } }";
    let all = all.replace("\"T\"", &ticket.to_string());
    let all = stage.get(&world.ana, &all, json!({"id": approval["id"]})).await;
    assert_eq!(all["node"]["decisions"]["totalCount"]["value"], 3);
    assert_eq!(all["node"]["decisions"]["pageInfo"]["hasNextPage"], true);
    let kinds = all["ticket"]["timeline"].to_string();
    for kind in ["approval.requested", "approval.step_opened", "approval.decided", "approval.ended"] {
        assert!(kinds.contains(kind), "{kind}: {kinds}");
    }
}

#[tokio::test]
async fn a_list_reads_the_approvals_of_its_tickets_together() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (ticket, _) = requested(&stage).await;
    for n in 0..9 {
        let ticket = world.ticket(&format!("Switch {n}")).await;
        world.must(&world.ana, RequestApproval::new(ticket, "change")).await;
    }
    let tickets = "query($first: Int!) { tickets(first: $first) { nodes { approval approvals(first: 1) { nodes {
        template { name } requestedBy { name } steps { slots { person { name } decisions { person { name } } } } } } } } }";
    let inbox = "query($first: Int!) { inbox(first: $first) { nodes { ticket { key assignees { name } }
        approval { requestedBy { name } steps { key } } step { name } slot { person { name } } } } }";
    for (document, viewer, name) in [(tickets, &world.ana, "tickets"), (inbox, &world.mia, "inbox")] {
        let count = async |first: u16| {
            stage.get(viewer, document, json!({"first": first})).await;
            world.store.calls();
            let data = stage.get(viewer, document, json!({"first": first})).await;
            assert_eq!(data[name]["nodes"].as_array().unwrap().len(), usize::from(first));
            world.store.calls()
        };
        assert_eq!(count(2).await, count(9).await, "{name}");
    }
    let cost = async |fields: &str| {
        let document = format!("{{ tickets(first: 10) {{ nodes {{ key {fields} }} }} }}");
        stage.ask(&world.ana, &document, Value::Null).await["extensions"]["cost"]["requested"].as_u64().unwrap()
    };
    let (bare, full) =
        (cost("approval").await, cost("approvals(first: 2) { nodes { steps { slots { state } } } }").await);
    // Each of ten tickets: a connection of two approvals, with three steps of five slots each.
    assert_eq!(full - bare, 10 * (1 + 2 * (1 + 3 * (1 + 5))));
    let rounds = cost("approvals(first: 1) { nodes { allSteps { slots { decisions { verdict } } } } }").await;
    assert_eq!(rounds - bare, 10 * (1 + (1 + 6 * (1 + 5 * (1 + 2)))));
    let forecast =
        format!("{{ approvalSimulate(ticket: \"{ticket}\", template: \"change\") {{ steps {{ asked {{ via }} }} }} }}");
    let forecast = stage.ask(&world.ana, &forecast, Value::Null).await["extensions"]["cost"]["requested"].clone();
    assert_eq!(forecast, 1 + 3 * (1 + 5));
}

#[tokio::test]
async fn nobody_without_access_sees_anything_of_it() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (ticket, approval) = requested(&stage).await;
    let kai = &world.kai; // an agent elsewhere
    let node = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(stage.code(kai, node, json!({"id": approval})).await, "NOT_FOUND");
    let nodes = stage
        .get(
            kai,
            "query($id: ID!) { nodes(ids: [$id]) { id } inbox(first: 9) { nodes { slot { uuid } } } }",
            json!({"id": approval}),
        )
        .await;
    assert_eq!(nodes, json!({"nodes": [null], "inbox": {"nodes": []}}));
    let simulate = "query($id: ID!) { approvalSimulate(ticket: $id, template: \"change\") { blocked } }";
    assert_eq!(stage.code(kai, simulate, json!({"id": ticket.to_string()})).await, "NOT_FOUND");
    let events = stage.get(kai, "{ events(first: 100) { nodes { kind } } }", Value::Null).await;
    assert_eq!(events["events"]["nodes"], json!([]));
    assert_eq!(stage.code(kai, "{ stuckApprovals(first: 9) { nodes { key } } }", Value::Null).await, "FORBIDDEN");
    let ben = World::id(&world.ben).to_string();
    for (name, input) in [
        ("approvalDecide", json!({"approval": approval, "verdict": "APPROVED"})),
        ("approvalRetract", json!({"approval": approval})),
        ("approvalReassign", json!({"approval": approval, "from": ben, "to": ben, "reason": "x"})),
        ("approvalConsult", json!({"approval": approval, "person": ben, "question": "x"})),
        ("approvalAdvise", json!({"approval": approval, "opinion": "x"})),
        ("approvalRecall", json!({"approval": approval})),
        ("approvalResubmit", json!({"approval": approval})),
        ("approvalRequest", json!({"ticket": ticket.to_string(), "template": "change"})),
        ("approvalReview", json!({"ticket": ticket.to_string()})),
    ] {
        assert_eq!(stage.act_code(kai, name, input).await, "NOT_FOUND", "{name}");
    }
    // What approvers ask each other is theirs.
    let all = world.desk.approvals(&world.host(), ticket).await.unwrap();
    let consult = ConsultApprover {
        ticket,
        approval: all.all[0].id,
        step: None,
        person: World::id(&world.kai),
        question: "Is it safe?".into(),
    };
    world.must(&world.mia, consult).await;
    let said = "query($id: ID!) { node(id: $id) { ... on Approval { decisions(first: 9) { nodes {
        verdict comment consulted { name } onBehalfOf { name } } } } } }";
    let told =
        json!([{"verdict": "CONSULTED", "comment": "Is it safe?", "consulted": {"name": "Kai"}, "onBehalfOf": null}]);
    for (viewer, shown) in [(kai, &told), (&world.ana, &told), (&world.olaf, &json!([]))] {
        let seen = stage.get(viewer, said, json!({"id": approval})).await;
        assert_eq!(seen["node"]["decisions"]["nodes"], *shown);
    }
}

#[tokio::test]
async fn what_can_be_mended_names_its_place() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (ticket, approval) = requested(&stage).await;
    let no = json!({"approval": approval, "verdict": "REJECTED"});
    let answer = stage.act(&world.mia, "approvalDecide", "approval { id }", no).await;
    let error = &answer["userErrors"][0];
    assert_eq!((&answer["approval"], &error["__typename"]), (&Value::Null, &json!("FieldInvalid")), "{answer:#}");
    assert_eq!((&error["field"], &error["path"]), (&json!("comment"), &json!(["input", "comment"])));
    let refused = async |by, name: &str, input: Value| {
        let error = stage.act(by, name, "", input).await["userErrors"][0].clone();
        assert_eq!(error["__typename"], "ApprovalRefused", "{error:#}");
        (error["code"].as_str().unwrap().to_owned(), error["path"][1].as_str().unwrap().to_owned(), error)
    };
    let place = |(code, path, _): (String, String, Value)| format!("{code} {path}");
    let again = json!({"ticket": ticket.to_string(), "template": "change"});
    assert_eq!(place(refused(&world.ana, "approvalRequest", again).await), "APPROVAL_RUNNING template");
    let yes = json!({"approval": approval, "verdict": "APPROVED"});
    assert_eq!(place(refused(&world.ana, "approvalDecide", yes.clone()).await), "NOT_ASKED approval");
    let mut proxy = yes.clone();
    proxy["onBehalfOf"] = json!(World::id(&world.mia).to_string());
    assert_eq!(place(refused(&world.ana, "approvalDecide", proxy).await), "NO_PROXY onBehalfOf");
    let (code, _, error) = refused(&world.ana, "approvalResubmit", json!({"approval": approval})).await;
    assert_eq!((code.as_str(), &error["approvalState"]), ("APPROVAL_NOT_OVER", &json!("PENDING")));
    stage.act(&world.mia, "approvalDecide", "", yes.clone()).await;
    let (code, _, error) = refused(&world.mia, "approvalDecide", yes).await;
    assert_eq!((code.as_str(), &error["verdict"]), ("ALREADY_DECIDED", &json!("APPROVED")), "{error:#}");
    let (code, _, error) = refused(&world.mia, "approvalRetract", json!({"approval": approval})).await;
    assert_eq!((code.as_str(), &error["stepState"]), ("STEP_ENDED", &json!("APPROVED")));
    let stale = json!({"approval": approval, "reason": "x", "expectedVersion": 1});
    let conflict = stage.act(&world.ana, "approvalRecall", "", stale).await["userErrors"][0].clone();
    assert_eq!(conflict["__typename"], "VersionConflict");
    let recalled = json!({"approval": approval, "reason": "not needed"});
    let recalled = stage.act(&world.ana, "approvalRecall", "approval { state }", recalled).await;
    assert_eq!(recalled["approval"]["state"], "RECALLED");

    // A template's faults stand where they are in the text.
    let text = template(world).replace("rule = \"all\"\ndeadline", "rule = { percent = 101 }\ndeadline");
    let input = json!({"definition": text, "format": "TOML"});
    let error = stage.act(&world.root, "approvalTemplatePublish", "", input).await["userErrors"][0].clone();
    assert_eq!(
        (&error["__typename"], &error["code"]),
        (&json!("ApprovalTemplateMalformed"), &json!("TEMPLATE_MALFORMED"))
    );
    let problem = &error["problems"][0];
    let line = text.lines().position(|line| line.contains("101")).unwrap() + 1;
    assert_eq!((&problem["at"], &problem["line"]), (&json!("/steps/0/rule"), &json!(line)), "{error:#}");
    let unread = json!({"definition": "{", "format": "JSON"});
    let error = stage.act(&world.root, "approvalTemplatePublish", "", unread).await["userErrors"][0].clone();
    assert_eq!((&error["code"], &error["problems"][0]["line"]), (&json!("TEMPLATE_MALFORMED"), &json!(1)), "{error:#}");
    assert_eq!(
        stage
            .act_code(&world.ana, "approvalTemplatePublish", json!({"definition": template(world), "format": "TOML"}))
            .await,
        "FORBIDDEN"
    );
}

#[tokio::test]
async fn what_is_stuck_is_shown_to_those_who_mend_it() {
    let stage = Stage::new().await;
    let world = &stage.world;
    // The built-in template asks rita's manager; she has none, and the project no lead.
    for n in 0..3 {
        let input = json!({"project": world.it.to_string(), "title": format!("Chair {n}"),
            "requester": World::id(&world.rita).to_string()});
        let made = stage.act(&world.ana, "ticketCreate", "ticket { id }", input).await;
        let input = json!({"ticket": made["ticket"]["id"], "template": "request"});
        let asked = stage.act(&world.ana, "approvalRequest", "approval { state steps { state note } }", input).await;
        assert_eq!(asked["approval"]["state"], "BLOCKED", "{asked:#}");
        assert_ne!(asked["approval"]["steps"][0]["note"], "");
    }
    let document =
        "query($after: String) { stuckApprovals(first: 2, after: $after) { pageInfo { hasNextPage endCursor }
        nodes { id key approval } } }";
    let first = stage.get(&world.mia, document, Value::Null).await["stuckApprovals"].clone();
    assert_eq!((first["nodes"].as_array().unwrap().len(), &first["pageInfo"]["hasNextPage"]), (2, &json!(true)));
    let after = json!({"after": first["pageInfo"]["endCursor"]});
    let rest = stage.get(&world.mia, document, after).await["stuckApprovals"].clone();
    assert_eq!((rest["nodes"].as_array().unwrap().len(), &rest["pageInfo"]["hasNextPage"]), (1, &json!(false)));
    assert_eq!(stage.code(&world.ana, document, Value::Null).await, "FORBIDDEN");
    let edit = json!({"person": World::id(&world.rita).to_string(), "manager": World::id(&world.olaf).to_string()});
    let edited = stage.act(&world.root, "personEdit", "person { manager { name } }", edit).await;
    assert_eq!(edited["person"]["manager"]["name"], "Olaf");
    let hidden = "query($id: ID!) { person(id: $id) { name manager { name } } }";
    let seen = stage.get(&world.rob, hidden, json!({"id": World::id(&world.rita).to_string()})).await;
    assert_eq!(seen["person"], json!({"name": "Rita", "manager": null}), "names, nothing else");
    let input = json!({"ticket": rest["nodes"][0]["id"]});
    let mended = stage.act(&world.mia, "approvalReview", "ticket { approval }", input).await;
    assert_eq!(mended["ticket"]["approval"], "PENDING", "{mended:#}");
    let head = json!({"group": world.network.to_string(), "head": World::id(&world.ana).to_string()});
    let headed = stage.act(&world.root, "groupEdit", "group { head { name } }", head).await;
    assert_eq!(headed["group"]["head"]["name"], "Ana");
    let none = json!({"group": world.network.to_string(), "head": null});
    let none = stage.act(&world.root, "groupEdit", "group { name head { name } }", none).await;
    assert_eq!(none["group"], json!({"name": "network", "head": null}));
}

#[tokio::test]
async fn delegations_are_given_listed_and_taken_back() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (mia, ben) = (World::id(&world.mia).to_string(), World::id(&world.ben).to_string());
    let fields =
        "delegation { id scope project { key } principal { name } delegate { name } startsAt endsAt revokedAt }";
    let input = json!({"delegate": ben, "scope": {"project": world.it.to_string()}, "endsAt": "2026-02-01T00:00:00Z"});
    let made = stage.act(&world.mia, "delegationCreate", fields, input).await["delegation"].clone();
    let id = made["id"].clone();
    assert_eq!(
        made,
        json!({"id": id, "scope": "PROJECT", "project": {"key": "IT"}, "principal": {"name": "Mia"},
            "delegate": {"name": "Ben"}, "startsAt": null, "endsAt": "2026-02-01T00:00:00Z", "revokedAt": null})
    );
    let document =
        "query($person: ID) { delegations(person: $person, first: 9) { nodes { id } totalCount { value } } }";
    let node = "query($id: ID!) { node(id: $id) { ... on Delegation { delegate { name } } } }";
    for viewer in [&world.mia, &world.ben] {
        let own = stage.get(viewer, document, Value::Null).await["delegations"].clone();
        assert_eq!(own, json!({"nodes": [{"id": id}], "totalCount": {"value": 1}}));
        assert_eq!(stage.get(viewer, node, json!({"id": id})).await["node"]["delegate"]["name"], "Ben");
    }
    assert_eq!(stage.get(&world.root, node, json!({"id": id})).await["node"]["delegate"]["name"], "Ben");
    assert_eq!(stage.code(&world.ana, node, json!({"id": id})).await, "NOT_FOUND");
    assert_eq!(stage.code(&world.ana, document, json!({"person": mia})).await, "FORBIDDEN");
    let wrong = json!({"delegate": mia, "startsAt": "2026-02-01T00:00:00Z", "endsAt": "2026-01-31T00:00:00Z"});
    let errors = stage.act(&world.mia, "delegationCreate", "", wrong).await["userErrors"].clone();
    let paths: Vec<&Value> = errors.as_array().unwrap().iter().map(|error| &error["path"][1]).collect();
    assert_eq!(paths, ["delegate", "endsAt"], "{errors:#}");
    assert_eq!(stage.act_code(&world.ana, "delegationRevoke", json!({"delegation": id})).await, "NOT_FOUND");
    assert_eq!(stage.act_code(&world.ben, "delegationRevoke", json!({"delegation": id})).await, "FORBIDDEN");
    let revoked = stage.act(&world.mia, "delegationRevoke", fields, json!({"delegation": id})).await;
    assert!(revoked["delegation"]["revokedAt"].is_string(), "{revoked:#}");
}
