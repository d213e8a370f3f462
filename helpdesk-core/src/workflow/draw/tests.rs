//! What drawings hold, for the built-in workflows and for any definition.

use std::collections::BTreeMap;
use std::sync::Arc;

use expect_test::expect_file;
use proptest::prelude::*;

use super::svg::Picture;
use super::{Path, Visit, layers::Kind, plan::Plan};
use crate::time::Timestamp;
use crate::workflow::model::{Category, Definition, From, State, Transition, Workflow, WorkflowRef};

fn workflow(definition: Definition) -> Workflow {
    Workflow { id: WorkflowRef { key: Arc::from("drawn"), version: 1 }, hash: String::new(), definition }
}

fn built_in(key: &str) -> Workflow {
    Definition::built_in().into_iter().find(|definition| definition.key == key).unwrap().publish(1).unwrap()
}

fn path(steps: &[(&str, Option<&str>)]) -> Path {
    let visit = |(state, by): &(&str, Option<&str>)| Visit {
        state: (*state).into(),
        by: by.map(Into::into),
        at: Timestamp::from_millis(0),
    };
    Path { visits: steps.iter().map(visit).collect() }
}

fn incident() -> Path {
    path(&[
        ("new", Some("create")),
        ("in_progress", Some("start")),
        ("awaiting_user", Some("await_user")),
        ("in_progress", Some("resume")),
        ("awaiting_user", Some("await_user")),
        ("in_progress", Some("resume")),
        ("resolved", None),
    ])
}

#[test]
fn the_built_in_workflows_are_drawn() {
    let (kanban, itil) = (built_in(Workflow::KANBAN), built_in(Workflow::ITIL));
    expect_file!["golden/departmental.svg"].assert_eq(&built_in(Workflow::DEPARTMENTAL).svg(None));
    expect_file!["golden/kanban.mmd"].assert_eq(&kanban.mermaid(None));
    expect_file!["golden/kanban.svg"].assert_eq(&kanban.svg(None));
    expect_file!["golden/itil_incident.mmd"].assert_eq(&itil.mermaid(None));
    expect_file!["golden/itil_incident.svg"].assert_eq(&itil.svg(None));
    expect_file!["golden/itil_incident_path.mmd"].assert_eq(&itil.mermaid(Some(&incident())));
    expect_file!["golden/itil_incident_path.svg"].assert_eq(&itil.svg(Some(&incident())));
}

#[test]
fn a_path_tells_its_steps_and_where_it_ends() {
    let svg = built_in(Workflow::ITIL).svg(Some(&incident()));
    for told in ["steps 2, 4, 6", "steps 3, 5", "→ Await user ×2", "The ticket is in Resolved."] {
        assert!(svg.contains(told), "{told}");
    }
    assert_eq!(svg.matches("the ticket is here").count(), 1);
}

/// Letters, quotes, markup, comments and control words of both formats, and signs of other scripts.
fn label() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec![
        "\"",
        "'",
        "<b>",
        "&amp;",
        "]]>",
        "#35;",
        "-->",
        "%%",
        "end note",
        ":::",
        ";",
        "[*]",
        "{",
        "}",
        "日本語",
        "Ü",
        "\u{202e}",
        "\u{fffe}",
        "😀",
        " ",
        "`",
        "\\",
        "state",
        "\u{a0}",
        "1. x",
        "<<fork>>",
        "style:#1;",
    ]);
    let any = prop_oneof![awkward.prop_map(str::to_owned), "[a-zA-Z ]{1,12}", "\\PC{1,4}"];
    prop::collection::vec(any, 1..6).prop_map(|parts| parts.concat())
}

fn transition(id: String, label: String, to: String) -> Transition {
    Transition {
        id,
        label,
        from: From::Any,
        to,
        permission: None,
        replaces_edit: false,
        bypass_approval: false,
        guard: None,
        required: vec![],
        validators: vec![],
        effects: vec![],
    }
}

prop_compose! {
    fn definition(states_max: usize, transitions_max: usize)
        (states in prop::collection::vec((label(), 0..Category::ALL.len()), 1..=states_max))
        (transitions in prop::collection::vec(
            (label(), 0..states.len(), prop_oneof![
                Just(From::Nothing),
                Just(From::Any),
                prop::collection::vec(0..states.len(), 1..5)
                    .prop_map(|from| From::States(from.into_iter().map(|at| format!("s{at}")).collect())),
            ]), 1..=transitions_max), states in Just(states)) -> Definition {
        Definition {
            key: "any".into(),
            name: states[0].0.clone(),
            states: states.into_iter().enumerate().map(|(at, (label, category))| State {
                id: format!("s{at}"), label, category: Category::ALL[category], retired: at % 5 == 4,
                gate: None, enter: vec![],
            }).collect(),
            transitions: transitions.into_iter().enumerate().map(|(at, (label, to, from))| Transition {
                from, ..transition(format!("t{at}"), label, format!("s{to}"))
            }).collect(),
        }
    }
}

/// How often each id is drawn, by kind.
fn drawn(svg: &str) -> BTreeMap<String, usize> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let mut drawn = BTreeMap::new();
    for node in document.descendants() {
        for kind in ["data-state", "data-transition"] {
            if let Some(id) = node.attribute(kind) {
                *drawn.entry(format!("{kind} {id}")).or_default() += 1;
            }
        }
    }
    drawn
}

fn whole(definition: &Definition) -> BTreeMap<String, usize> {
    let states = definition.states.iter().map(|state| format!("data-state {}", state.id));
    let transitions = definition.transitions.iter().map(|transition| format!("data-transition {}", transition.id));
    states.chain(transitions).map(|id| (id, 1)).collect()
}

/// A text as [`super::text::mermaid`] leaves it: no sign that means anything outside of an entity.
fn harmless(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('#') {
        let Some(end) = rest[at..].find(';') else { return false };
        if !rest[at + 1..at + end].bytes().all(|b| b.is_ascii_digit()) || rest[..at].contains(';') {
            return false;
        }
        rest = &rest[at + end + 1..];
    }
    !rest.contains(';') && !text.contains(['"', ':', '\n', '%', '{', '<', '>', '[', '`', '\\'])
}

/// Whether a line is one of the forms of a state diagram that we write.
fn is_a_statement(line: &str) -> bool {
    let id = |text: &str| {
        text.split_once('_').is_some_and(|(kind, id)| matches!(kind, "s" | "t") && crate::workflow::check::is_id(id))
    };
    let line = line.trim_start();
    if line == "stateDiagram-v2" || line.starts_with("classDef ") || line.starts_with("class ") {
        return true;
    }
    if let Some(state) = line.strip_prefix("state \"") {
        return state
            .split_once("\" as ")
            .is_some_and(|(label, name)| harmless(label) && !label.is_empty() && id(name));
    }
    if let Some(join) = line.strip_prefix("state ") {
        return join.strip_suffix(" <<choice>>").is_some_and(id);
    }
    let (ends, label) = line.split_once(" : ").unwrap_or((line, "-"));
    let known = match ends.split_once(" --> ") {
        Some((from, to)) => (from == "[*]" || id(from)) && id(to),
        None => id(ends),
    };
    known && harmless(label) && !label.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_state_and_transition_is_drawn_once(definition in definition(12, 30), steps in prop::collection::vec(0..12_usize, 0..9)) {
        let way = path(&steps.iter().map(|at| (["s0", "s1", "s2", "gone"][at % 4], Some("t0"))).collect::<Vec<_>>());
        let drawing = workflow(definition.clone());
        for path in [None, Some(&way)] {
            let svg = drawing.svg(path);
            prop_assert_eq!(drawn(&svg), whole(&definition));
            prop_assert_eq!(&svg, &drawing.clone().svg(path));
            let mermaid = drawing.mermaid(path);
            prop_assert_eq!(&mermaid, &drawing.clone().mermaid(path));
            for line in mermaid.lines() {
                prop_assert!(is_a_statement(line), "{}", line);
            }
            for state in &definition.states {
                prop_assert_eq!(mermaid.matches(&format!(" as s_{}\n", state.id)).count(), 1);
            }
            // A label stands on one line or in one box, whatever leads to it.
            let labelled = mermaid.lines().filter(|line| line.contains(" : ") && !line.contains(" : step")).count();
            prop_assert_eq!(labelled, definition.transitions.len());
        }
    }

    #[test]
    fn no_boxes_or_labels_overlap(definition in definition(16, 60)) {
        let plan = Plan::of(&definition);
        let picture = Picture::of(&plan, None);
        let frames: Vec<_> = picture.kinds().enumerate()
            .filter(|(_, kind)| !matches!(kind, Kind::Bend))
            .map(|(node, _)| picture.frame(node))
            .collect();
        for (at, a) in frames.iter().enumerate() {
            prop_assert!(a.0 >= 0.0 && a.1 >= 0.0);
            for b in &frames[at + 1..] {
                let apart = a.0 + a.2 <= b.0 || b.0 + b.2 <= a.0 || a.1 + a.3 <= b.1 || b.1 + b.3 <= a.1;
                prop_assert!(apart, "{:?} {:?}", a, b);
            }
        }
    }
}

/// As large as a definition may be.
fn largest() -> Workflow {
    let state = |at: usize| State {
        id: format!("s{at}"),
        label: format!("State number {at}"),
        category: Category::ALL[at % Category::ALL.len()],
        retired: false,
        gate: None,
        enter: vec![],
    };
    let numbered = |at: usize| Transition {
        from: match at % 20 {
            0 => From::Nothing,
            1 => From::Any,
            many => From::States((0..many / 5 + 1).map(|nth| format!("s{}", (at * 7919 + nth * 31) % 200)).collect()),
        },
        ..transition(format!("t{at}"), format!("Transition {at}"), format!("s{}", (at * 104_729) % 200))
    };
    workflow(Definition {
        key: "largest".into(),
        name: "The largest".into(),
        states: (0..200).map(state).collect(),
        transitions: (0..1000).map(numbered).collect(),
    })
}

#[test]
fn the_largest_definition_is_drawn_whole() {
    let largest = largest();
    assert_eq!(drawn(&largest.svg(None)), whole(largest.definition()));
}
