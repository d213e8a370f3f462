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
            format!(
                "{}:{} {} {}\n",
                place.line,
                place.column,
                if problem.at.is_empty() { "-" } else { &problem.at },
                problem.message
            )
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
    toml(
        "to = \"out\"",
        "to = \"nowhere\"",
        expect![[r#"
        20:6 /transitions/1/to no state `nowhere`; define it or name another
        7:5 /states/1 no transition leads to `out`; add one or remove it
    "#]],
    );
    toml(
        "from = [\"in\"]",
        "from = [\"in\", \"gone\"]",
        expect![[r#"
        19:15 /transitions/1/from/1 no state `gone`; define it or name another
    "#]],
    );
    json(
        "\"to\": \"out\"",
        "\"to\": \"nowhere\"",
        expect![[r#"
        10:60 /transitions/1/to no state `nowhere`; define it or name another
        6:5 /states/1 no transition leads to `out`; add one or remove it
    "#]],
    );
    json(
        "\"label\": \"Öut\"",
        "\"label\": \"\"",
        expect![[r#"
        6:29 /states/1/label needs 1 to 100 plain characters, has 0
    "#]],
    );
}

#[test]
fn faults_of_names_and_types_have_places() {
    toml(
        "label = \"Gïve\"",
        "labell = \"Gïve\"",
        expect![[r#"
            18:1 /transitions/1/labell unknown field `labell`, expected one of `id`, `label`, `from`, `to`, `permission`, `replaces_edit`, `bypass_approval`, `guard`, `required`, `validators`, `effects`
        "#]],
    );
    toml(
        "category = \"closed\"",
        "category = \"shut\"",
        expect![[r#"
        7:45 /states/1/category unknown variant `shut`, expected one of `new`, `open`, `waiting`, `resolved`, `closed`, `cancelled`
    "#]],
    );
    toml(
        "name = \"Repair\"",
        "name = 5",
        expect![[r#"
        3:8 /name invalid type: integer `5`, expected a string
    "#]],
    );
    toml(
        "label = \"Out\", ",
        "",
        expect![[r#"
        7:5 /states/1 missing field `label`
    "#]],
    );
    toml(
        "to = \"out\"",
        "",
        expect![[r#"
        16:1 /transitions/1 missing field `to`
    "#]],
    );
    json(
        "\"label\": \"Give\"",
        "\"labell\": \"Give\"",
        expect![[r#"
            10:21 /transitions/1/labell unknown field `labell`, expected one of `id`, `label`, `from`, `to`, `permission`, `replaces_edit`, `bypass_approval`, `guard`, `required`, `validators`, `effects`
        "#]],
    );
    json(
        "\"category\": \"closed\"",
        "\"category\": \"shut\"",
        expect![[r#"
        6:48 /states/1/category unknown variant `shut`, expected one of `new`, `open`, `waiting`, `resolved`, `closed`, `cancelled`
    "#]],
    );
    json(
        "\"name\": \"Repair\"",
        "\"name\": 5",
        expect![[r#"
        3:28 /name invalid type: integer `5`, expected a string
    "#]],
    );
    json(
        "\"label\": \"Öut\", ",
        "",
        expect![[r#"
        6:5 /states/1 missing field `label`
    "#]],
    );
    json(
        "\"key\": \"repair\", ",
        "",
        expect![[r#"
        1:1 - missing field `key`
    "#]],
    );
    json(
        "\"id\": \"give\"",
        "\"$schema\": 1, \"id\": \"give\"",
        expect![[r#"
            10:7 /transitions/1/$schema unknown field `$schema`, expected one of `id`, `label`, `from`, `to`, `permission`, `replaces_edit`, `bypass_approval`, `guard`, `required`, `validators`, `effects`
        "#]],
    );
}

#[test]
fn faults_of_writing_have_places() {
    toml(
        "key = \"repair\"",
        "key = repair",
        expect![[r#"
        2:7 /key string values must be quoted, expected literal string
    "#]],
    );
    toml(
        "[[transitions]]\nid = \"give\"",
        "[[transitions]\nid = = \"give\"",
        expect![[r#"
            16:15 - unclosed array table, expected `]`
            17:6 - extra `=`, expected nothing
            17:8 - unexpected key or value, expected newline, `#`
        "#]],
    );
    json(
        "\"id\": \"out\", ",
        "\"id\": out, ",
        expect![[r#"
        6:13 /states/1/id expected value
    "#]],
    );
    json(
        "\"to\": \"in\" },",
        "\"to\": \"in\" ",
        expect![[r#"
        10:5 /transitions/0 expected `,` or `}`
    "#]],
    );
    told(
        &JSON[..JSON.len() - 40],
        Format::Json,
        &expect![[r#"
        10:32 /transitions/1/label EOF while parsing a string
    "#]],
    );
    told(
        "",
        Format::Json,
        &expect![[r#"
        1:1 - EOF while parsing a value
    "#]],
    );
    told(
        "",
        Format::Toml,
        &expect![[r#"
        1:1 - missing field `key`
    "#]],
    );
}

#[test]
fn no_text_is_too_odd_to_be_told_about() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let odd = [
        "\u{feff}{}",
        "{\"a\\u0041\": 1}",
        "nul",
        "\"",
        "{\"states\":[{\"id\":\"\\ud800\"}]}",
        "[1,]",
        "ä",
        "{\"~/\": 1}",
        &deep,
    ];
    for text in odd {
        for format in [Format::Json, Format::Toml] {
            let malformed = Definition::read(text, format).unwrap_err();
            assert!(malformed.0.iter().all(|problem| problem.place.is_some()));
        }
    }
}
