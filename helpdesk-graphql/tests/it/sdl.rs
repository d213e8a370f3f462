//! The schema as it is committed.

use helpdesk_graphql::{Api, Limits};

use crate::stage::Stage;

#[tokio::test]
async fn the_committed_schema_is_the_one_that_is_served() {
    let stage = Stage::new().await;
    expect_test::expect_file!["../../schema.graphql"].assert_eq(&Api::new(stage.world.desk, Limits::default()).sdl());
}

#[tokio::test]
async fn everything_in_it_is_described() {
    let stage = Stage::new().await;
    let document = "{ __schema { types { name kind description
        fields { name description args { name description } } inputFields { name description } enumValues { name description } } } }";
    let data = stage.get(&stage.world.ana, document, serde_json::Value::Null).await;
    let mut bare = Vec::new();
    for kind in data["__schema"]["types"].as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        // GraphQL describes its own.
        if name.starts_with("__") || ["ID", "Int", "Float", "String", "Boolean"].contains(&name) {
            continue;
        }
        let mut look = |place: String, it: &serde_json::Value| {
            if it["description"].as_str().unwrap_or_default().is_empty() {
                bare.push(place);
            }
        };
        look(name.to_owned(), kind);
        for field in kind["fields"].as_array().into_iter().flatten() {
            // What a command takes is told by the type of its one input.
            for it in field["args"].as_array().unwrap().iter().filter(|it| it["name"] != "input") {
                look(format!("{name}.{}({})", field["name"].as_str().unwrap(), it["name"].as_str().unwrap()), it);
            }
        }
        for part in ["fields", "inputFields", "enumValues"] {
            for it in kind[part].as_array().into_iter().flatten() {
                look(format!("{name}.{}", it["name"].as_str().unwrap()), it);
            }
        }
    }
    assert_eq!(bare, Vec::<String>::new());
}
