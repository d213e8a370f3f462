//! Drawings of workflows, plain and with a ticket's path.

use helpdesk_core::command::MoveTo;
use serde_json::{Value, json};

use crate::stage::Stage;

#[tokio::test]
async fn workflows_are_drawn() {
    let stage = Stage::new().await;
    let document = "{ workflows(first: 5) { nodes { key drawing { mermaid svg } } } }";
    let all = stage.get(&stage.world.ana, document, Value::Null).await["workflows"]["nodes"].clone();
    let drawing = &all.as_array().unwrap().iter().find(|it| it["key"] == "kanban").unwrap()["drawing"];
    let (mermaid, svg) = (drawing["mermaid"].as_str().unwrap(), drawing["svg"].as_str().unwrap());
    assert!(mermaid.starts_with("stateDiagram-v2\n") && mermaid.contains("state \"In Progress\""), "{mermaid}");
    assert!(svg.starts_with("<svg ") && svg.contains("<title>Kanban</title>"), "{svg}");
    assert!(!svg.contains("the ticket is here"));
}

#[tokio::test]
async fn a_ticket_is_drawn_with_its_path_for_those_who_see_it() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let ticket = world.ticket("Printer on fire").await;
    for transition in ["start", "review", "start"] {
        world.must(&world.ana, MoveTo::new(ticket, transition)).await;
    }
    let document = "query($id: ID) { ticket(id: $id) { drawing { mermaid svg } } }";
    let id = json!({ "id": stage.ticket_id(ticket).await });
    let drawing = stage.get(&world.ana, document, id.clone()).await["ticket"]["drawing"].clone();
    let svg = drawing["svg"].as_str().unwrap();
    assert!(svg.contains("The ticket is in In Progress. Its path: To Do, In Progress, Review, In Progress."), "{svg}");
    assert!(svg.contains("steps 2, 4") && svg.contains("→ Start ×2"), "{svg}");
    assert!(drawing["mermaid"].as_str().unwrap().contains("class s_in_progress p_present"), "{drawing}");
    assert_eq!(stage.code(&world.kai, document, id).await, "NOT_FOUND");
}
