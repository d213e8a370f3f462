//! Where faults are said to stand.

use expect_test::{Expect, expect};

use super::{Definition, Format};

fn told(text: &str, format: Format, expect: &Expect) {
    let malformed = Definition::read(text, format).unwrap_err();
    let lines: Vec<String> = malformed
        .0
        .iter()
        .map(|problem| {
            let place = problem.place.unwrap();
            format!("{}:{} {} {}\n", place.line, place.column, if problem.at.is_empty() { "-" } else { &problem.at }, problem.message)
        })
        .collect();
    expect.assert_eq(&lines.concat());
}

const TOML: &str = r#"#:schema https://example.com/workflow.schema.json
key = "repair"
name = "Repair"

states = [
    { id = "in", label = "In", category = "new" },
    { id = "out", label = "Out", category = "closed" },
]

[[transitions]]
id = "take"
label = "Take"
from = "nothing"
to = "in"

[[transitions]]
id = "give"
label = "Gïve"
from = ["in"]
to = "out"
"#;

const JSON: &str = r#"{
  "$schema": "https://example.com/workflow.schema.json",
  "key": "repair", "name": "Repair",
  "states": [
    { "id": "in", "label": "In", "category": "new" },
    { "id": "out", "label": "Öut", "category": "closed" }
  ],
  "transitions": [
    { "id": "take", "label": "Take", "from": "nothing", "to": "in" },
    { "id": "give", "label": "Give", "from": ["in"], "to": "out" }
  ]
}"#;

fn toml(from: &str, to: &str, expect: Expect) {
    assert!(TOML.contains(from), "{from}");
    told(&TOML.replacen(from, to, 1), Format::Toml, &expect);
}

fn json(from: &str, to: &str, expect: Expect) {
    assert!(JSON.contains(from), "{from}");
    told(&JSON.replacen(from, to, 1), Format::Json, &expect);
}

#[test]
fn both_formats_say_the_same() {
    let (toml, json) = (Definition::read_toml(TOML).unwrap(), Definition::read_json(JSON).unwrap());
    assert_eq!(toml.states[0], json.states[0]);
    assert_eq!(toml.transitions[0], json.transitions[0]);
    // The last member of the object, too, and in any order of lines.
    let last = JSON.replace("  \"$schema\": \"https://example.com/workflow.schema.json\",\n", "");
    let last = format!("{}, \"$schema\": \"x\" }}", last.trim_end().trim_end_matches('}'));
    assert_eq!(Definition::read_json(&last).unwrap(), json);
    assert_eq!(Definition::read_json(&json.canonical()).unwrap(), json);
}

#[test]
fn faults_of_meaning_have_places() {
    toml("to = \"out\"", "to = \"nowhere\"", expect![[""]]);
    toml("from = [\"in\"]", "from = [\"in\", \"gone\"]", expect![[""]]);
    json("\"to\": \"out\"", "\"to\": \"nowhere\"", expect![[""]]);
    json("\"label\": \"Öut\"", "\"label\": \"\"", expect![[""]]);
}

#[test]
fn faults_of_names_and_types_have_places() {
    toml("label = \"Gïve\"", "labell = \"Gïve\"", expect![[""]]);
    toml("category = \"closed\"", "category = \"shut\"", expect![[""]]);
    toml("name = \"Repair\"", "name = 5", expect![[""]]);
    toml("label = \"Out\", ", "", expect![[""]]);
    toml("to = \"out\"", "", expect![[""]]);
    json("\"label\": \"Give\"", "\"labell\": \"Give\"", expect![[""]]);
    json("\"category\": \"closed\"", "\"category\": \"shut\"", expect![[""]]);
    json("\"name\": \"Repair\"", "\"name\": 5", expect![[""]]);
    json("\"label\": \"Öut\", ", "", expect![[""]]);
    json("\"key\": \"repair\", ", "", expect![[""]]);
    json("\"id\": \"give\"", "\"$schema\": 1, \"id\": \"give\"", expect![[""]]);
}

#[test]
fn faults_of_writing_have_places() {
    toml("key = \"repair\"", "key = repair", expect![[""]]);
    toml("[[transitions]]\nid = \"give\"", "[[transitions]\nid = = \"give\"", expect![[""]]);
    json("\"id\": \"out\", ", "\"id\": out, ", expect![[""]]);
    json("\"to\": \"in\" },", "\"to\": \"in\" ", expect![[""]]);
    told(&JSON[..JSON.len() - 40], Format::Json, &expect![[""]]);
    told("", Format::Json, &expect![[""]]);
    told("", Format::Toml, &expect![[""]]);
}

#[test]
fn no_text_is_too_odd_to_be_told_about() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let odd = ["\u{feff}{}", "{\"a\\u0041\": 1}", "nul", "\"", "{\"states\":[{\"id\":\"\\ud800\"}]}", "[1,]", "ä", "{\"~/\": 1}", &deep];
    for text in odd {
        for format in [Format::Json, Format::Toml] {
            let malformed = Definition::read(text, format).unwrap_err();
            assert!(malformed.0.iter().all(|problem| problem.place.is_some()));
        }
    }
}
