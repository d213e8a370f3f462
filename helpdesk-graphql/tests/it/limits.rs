//! Documents that ask for too much are refused before they cost anything.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stage::Stage;

async fn refused(stage: &Stage, document: &str, what: &str) {
    let started = Instant::now();
    let answer = stage.ask(&stage.world.ana, document, Value::Null).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "QUERY_TOO_COMPLEX", "{answer:#}");
    assert!(error["message"].as_str().unwrap().contains(what), "{answer:#}");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_fragment_bomb_goes_off_harmlessly() {
    let stage = Stage::new().await;
    let mut bomb = String::from("{ viewer { person { ...f0 } } }");
    for n in 0..22 {
        bomb += &format!(" fragment f{n} on Person {{ ...f{0} ...f{0} }}", n + 1);
    }
    bomb += " fragment f22 on Person { name }";
    refused(&stage, &bomb, "selections").await;
    let circle = "{ viewer { person { ...a } } } fragment a on Person { ...b } fragment b on Person { ...a }";
    assert_eq!(stage.code(&stage.world.ana, circle, Value::Null).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn every_limit_holds() {
    let stage = Stage::new().await;
    refused(&stage, &format!("{{ {} }}", "viewer { staff } ".repeat(1_000)), "tokens").await;
    let deep = (0..13).fold("key".to_owned(), |inner, _| format!("parent {{ {inner} }}"));
    refused(&stage, &format!("{{ ticket(key: \"IT-1\") {{ {deep} }} }}"), "levels").await;
    let aliases: String = (0..31).map(|n| format!("a{n}: staff ")).collect();
    refused(&stage, &format!("{{ viewer {{ {aliases} }} }}"), "aliases").await;
    let roots: String = (0..21).map(|_| "viewer { staff } ").collect();
    refused(&stage, &format!("{{ {roots} }}"), "fields at its root").await;
    refused(&stage, &format!("{{ viewer {{ staff {} }} }}", "@skip(if: false) ".repeat(6)), "directives").await;
    let five: String = (0..5).map(|n| format!("a{n}: ticketDelete(input: {{ticket: \"x\"}}) {{ cursor }} ")).collect();
    refused(&stage, &format!("mutation {{ {five} }}"), "commands").await;
    let costly = "{ tickets(first: 100) { nodes { children(first: 100) { nodes { key } } } } }";
    refused(&stage, costly, "a cost").await;
    refused(
        &stage,
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "introspection",
    )
    .await;
}

#[tokio::test]
async fn the_cost_is_told() {
    let stage = Stage::new().await;
    let cost = async |document: &str| {
        let answer = stage.ask(&stage.world.ana, document, json!({"n": 10})).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        assert_eq!(answer["extensions"]["cost"]["allowed"], 1_000);
        answer["extensions"]["cost"]["requested"].as_u64().unwrap()
    };
    assert_eq!(cost("{ viewer { staff } }").await, 1);
    assert_eq!(cost("{ tickets(first: 10) { nodes { key } } }").await, 11);
    assert_eq!(
        cost("query($n: Int!) { tickets(first: $n) { nodes { key project { key } } pageInfo { endCursor } } }").await,
        22
    );
    assert_eq!(
        cost("query($n: Int!) { tickets(first: $n) { ...page } } fragment page on TicketConnection { nodes { key } }")
            .await,
        11
    );
    assert_eq!(cost(r#"{ tickets(first: 10, filter: {text: "x"}) { nodes { key } } }"#).await, 55);
}

#[tokio::test]
async fn the_introspection_of_tools_passes() {
    let stage = Stage::new().await;
    let of_type = (0..9).fold("kind name".to_owned(), |inner, _| format!("kind name ofType {{ {inner} }}"));
    let document = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }}
            types {{ ...FullType }} directives {{ name description locations args {{ ...InputValue }} }} }} }}
        fragment FullType on __Type {{ kind name description fields(includeDeprecated: true) {{ name description
            args {{ ...InputValue }} type {{ ...TypeRef }} isDeprecated deprecationReason }}
            inputFields {{ ...InputValue }} interfaces {{ ...TypeRef }}
            enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
            possibleTypes {{ ...TypeRef }} }}
        fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue }}
        fragment TypeRef on __Type {{ {of_type} }}"
    );
    let data = stage.get(&stage.world.ana, &document, Value::Null).await;
    assert!(data["__schema"]["types"].as_array().unwrap().len() > 100);
}

#[tokio::test]
async fn defaults_of_variables_cost_what_they_ask_for() {
    let stage = Stage::new().await;
    let costly = "query($n: Int = 100) { tickets(first: $n) { nodes { children(first: $n) { nodes { key } } } } }";
    refused(&stage, costly, "a cost").await;
    let ids = "query($ids: [ID!] = [\"a\", \"b\", \"c\"]) { nodes(ids: $ids) { id } }";
    let answer = stage.ask(&stage.world.ana, ids, Value::Null).await;
    assert_eq!(answer["extensions"]["cost"]["requested"], 3, "{answer:#}");
    let search =
        "query($f: TicketFilter = {text: \"x\"}, $n: Int = 10) { tickets(first: $n, filter: $f) { nodes { key } } }";
    let answer = stage.ask(&stage.world.ana, search, json!({"n": 2})).await;
    assert_eq!(answer["extensions"]["cost"]["requested"], 15, "{answer:#}");
    // A fragment costs what the variables of its operation make of it.
    let cheap_first = "query A($n: Int = 1) { ...list } query B($n: Int = 100) { ...list }
        fragment list on Query { tickets(first: $n) { nodes { children(first: $n) { nodes { key } } } } }";
    refused(&stage, cheap_first, "a cost").await;
}

#[tokio::test]
async fn services_may_ask_for_more() {
    let stage = Stage::new().await;
    let costly = "{ tickets(first: 50) { nodes { children(first: 50) { nodes { key } } } } }";
    refused(&stage, costly, "a cost").await;
    let service = helpdesk_core::Actor::system_of(stage.world.tenant);
    let answer = stage.ask(&service, costly, Value::Null).await;
    assert_eq!(answer.get("errors"), None, "{answer:#}");
    assert_eq!(answer["extensions"]["cost"]["allowed"], 5_000);
}

#[tokio::test]
async fn revisions_are_counted() {
    let stage = Stage::new().await;
    refused(&stage, "{ tickets(first: 100) { nodes { revisions(first: 100) { nodes { of } } } } }", "a cost").await;
    let code =
        stage.code(&stage.world.ana, "{ tickets(first: 1) { nodes { revisions { nodes { of } } } } }", Value::Null);
    assert_eq!(code.await, "BAD_USER_INPUT");
}
