//! The shipped plugin, as shipped.

use std::sync::LazyLock;

use helpdesk_plugins::{Capabilities, Effect, Ended, Field, Grant, Loaded, Manifest, Value};

use super::fixture::{RUNTIME, delivery, prebuilt};

const CONFIG: &str = r#"{"rules":[{"if":{"words":["printer"]},
    "then":{"priority":"high","tags":["hardware"],"group":"Workplace"}}]}"#;

fn manifest() -> Manifest {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/triage/plugin.toml");
    Manifest::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

static TRIAGE: LazyLock<Loaded> = LazyLock::new(|| {
    let grant = Grant::all(&manifest());
    RUNTIME.load(manifest(), grant, &prebuilt("triage")).unwrap()
});

#[test]
fn a_burning_printer_is_triaged() {
    let outcome = RUNTIME.run(&TRIAGE, delivery(CONFIG));
    assert_eq!(outcome.ended, Ended::Ok);
    let ticket = || "T1".to_owned();
    let high = vec![Field::new("priority", Value::Text("high".into()))];
    assert_eq!(
        outcome.effects,
        [
            Effect::SetFields { ticket: ticket(), fields: high },
            Effect::AddTags { ticket: ticket(), tags: vec!["hardware".into()] },
            Effect::Assign { ticket: ticket(), agent: None, group: Some("Workplace".into()) },
        ]
    );
}

#[test]
fn it_needs_only_what_it_asks_for_and_stands_a_smaller_grant() {
    let grant =
        Grant::new(&manifest(), Capabilities { write: vec!["tags".into()], ..Capabilities::default() }).unwrap();
    let triage = RUNTIME.load(manifest(), grant, &prebuilt("triage")).unwrap();
    assert!(RUNTIME.run(&triage, delivery(CONFIG)).ended.to_string().contains("denied: `write:priority`"));
}

#[test]
fn schema_and_plugin_both_check_its_configuration() {
    let problems = |config| {
        let all = RUNTIME.check_config(&TRIAGE, config).unwrap();
        all.into_iter().map(|p| format!("{} {}", p.pointer, p.message)).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(problems(CONFIG), "");
    assert_eq!(problems("{}"), "/rules is missing");
    assert_eq!(problems(r#"{"rules":[{"if":{}}]}"#), "/rules/0/then is missing");
    assert_eq!(
        problems(r#"{"rules":[{"if":{},"then":{"priority":"asap"}}]}"#),
        "/rules/0/then/priority `asap` is none of low, medium, high, critical"
    );
}
