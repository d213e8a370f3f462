//! One connection is enough for any document: no read waits for another while it holds the connection.

use std::sync::Arc;
use std::time::Duration;

use helpdesk_core::command::{Comment, RequestApproval};
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::testing::World;
use helpdesk_graphql::{Api, Limits};
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn a_pool_of_one_serves_every_document() {
    let url = helpdesk_testkit::shared().fresh_database("graphql").unwrap();
    let options = PgOptions { pool_size: 1, listen: false, ..PgOptions::default() };
    let store = PgStore::connect(&url, options).await.unwrap();
    store.migrate().await.unwrap();
    let world = World::found(Arc::new(store), "acme").await;
    let stage = Stage { api: Api::new(world.desk.clone(), Limits::default()), world };
    let ticket = stage.world.ticket("Printer").await;
    let entry = stage.world.must(&stage.world.ana, Comment::public(ticket, "On my way.")).await;
    stage.world.must(&stage.world.ana, RequestApproval::new(ticket, "request")).await;
    let id = json!({"id": ticket.to_string()});
    let found = stage
        .get(&stage.world.root, "query($id: ID!) { ticket(id: $id) { entries(first: 1) { nodes { id uuid } } } }", id)
        .await;
    let entries = &found["ticket"]["entries"]["nodes"];
    assert_eq!(entries[0]["uuid"], entry.to_string());
    let viewers: String = (0..8).map(|n| format!("v{n}: viewer {{ person {{ name }} permissions }} ")).collect();
    let document = format!(
        "query($ids: [ID!]!, $ticket: ID!) {{ {viewers}
        tickets(first: 10) {{ totalCount {{ value }} nodes {{ description transitions {{ available }}
            assignees {{ name }} entries(first: 3) {{ nodes {{ body createdBy {{ name }} }} }}
            timeline(first: 3) {{ nodes {{ kind }} }} revisions(first: 3) {{ nodes {{ of }} }} }} }}
        ticket(key: \"IT-1\") {{ key approvals(first: 2) {{ nodes {{ requestedBy {{ name }} steps {{ name }} }} }} }}
        inbox(first: 3) {{ nodes {{ ticket {{ key }} approval {{ id }} step {{ name }} }} }}
        stuckApprovals(first: 3) {{ nodes {{ key }} }} delegations(first: 3) {{ nodes {{ delegate {{ name }} }} }}
        approvalSimulate(ticket: $ticket, template: \"request\") {{ steps {{ asked {{ person {{ name }} }} }} }}
        projects(first: 3) {{ nodes {{ lead {{ name }} viewerPermissions }} }}
        groups(first: 3) {{ nodes {{ members(first: 3) {{ nodes {{ name }} }} }} }}
        people(first: 3) {{ nodes {{ name }} }} grants(first: 3) {{ nodes {{ role {{ key }} to {{ __typename }} }} }}
        events(first: 3) {{ nodes {{ ticket {{ key }} }} }} nodes(ids: $ids) {{ id }} }}"
    );
    let asked =
        stage.get(&stage.world.root, &document, json!({"ids": [entries[0]["id"]], "ticket": ticket.to_string()}));
    let data = tokio::time::timeout(Duration::from_secs(30), asked).await.expect("reads wait for each other");
    assert_eq!(data["stuckApprovals"]["nodes"], json!([{"key": "IT-1"}]));
    assert_eq!((&data["v7"]["person"]["name"], &data["ticket"]["key"]), (&json!("Root"), &json!("IT-1")));
}
