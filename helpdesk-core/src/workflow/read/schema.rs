//! The JSON Schema of definitions, made from the model, so that the two cannot drift apart: lists of names come from the
//! enums, and samples that the compiler keeps complete must use exactly the members the schema knows.

use std::collections::BTreeSet;

use expect_test::expect_file;
use serde_json::{Map, Value, json};

use super::{Definition, Format};
use crate::command::Patch;
use crate::filter::{Cond, Filter, Number, Range, TextIs, When};
use crate::id::{GroupId, PersonId, ProjectId, TagId, TicketId};
use crate::role::Permission;
use crate::testing::lifecycles;
use crate::ticket::{Importance, Priority, Relation, TicketType, Urgency, Visibility};
use crate::time::Timestamp;
use crate::value::Field;
use crate::workflow::{
    Assign, Category, ChildTemplate, Effect, From, Gate, Guard, State, Strategy, Transition, Validator,
};

macro_rules! names {
    ($kind:ty) => {
        json!({ "enum": <$kind>::ALL.iter().map(|name| name.as_str()).collect::<Vec<_>>() })
    };
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items, "maxItems": crate::filter::ITEMS_MAX })
}

fn refer(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn described(mut schema: Value, text: &str) -> Value {
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".into(), text.into());
    }
    schema
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

/// An object with exactly one of these members.
fn one_of(properties: Value) -> Value {
    json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": properties })
}

fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn range() -> Value {
    let bound = or_null(json!({ "type": "integer" }));
    object(&[], json!({ "from": bound, "to": bound }))
}

fn schema() -> Value {
    let (uuid, text) = (json!({ "type": "string", "format": "uuid" }), json!({ "type": "string" }));
    let instant = described(json!({ "type": "integer" }), "Milliseconds since 1970-01-01T00:00:00Z.");
    let conditions = json!({
        "and": list(refer("filter")), "or": list(refer("filter")), "not": refer("filter"),
        "id": list(uuid.clone()), "project": list(uuid.clone()), "group": list(uuid.clone()), "company": list(uuid.clone()),
        "parent": list(uuid.clone()), "tag": list(uuid.clone()), "state": list(text.clone()),
        "type": list(names!(TicketType)), "category": list(names!(Category)), "priority": list(names!(Priority)),
        "urgency": list(names!(Urgency)), "importance": list(names!(Importance)),
        "visibility": list(names!(Visibility)),
        "created_by": list(json!({ "type": "string", "pattern": "^(system|(person|service|plugin):.+)$" })),
        "related": object(&["people", "relations"],
            json!({ "people": list(uuid.clone()), "relations": list(names!(Relation)) })),
        "mine": described(list(names!(Relation)), "Whoever acts is one of these to the ticket."),
        "title": one_of(json!({ "equal": text, "contains": text, "begins": text })),
        "time": { "type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [names!(When), range()] },
        "number": { "type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [names!(Number), range()] },
        "priority_manual": { "type": "boolean" }, "deleted": { "type": "boolean" },
    });
    let patch = json!({
        "type": names!(TicketType), "priority": or_null(names!(Priority)), "urgency": names!(Urgency),
        "importance": names!(Importance), "visibility": names!(Visibility), "group": or_null(uuid.clone()), "company": or_null(uuid.clone()),
        "start_at": or_null(instant.clone()), "due_at": or_null(instant),
        "estimate": or_null(described(json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }), "Minutes.")),
    });
    let child = object(
        &["title"],
        json!({
            "title": { "type": "string", "minLength": 1, "maxLength": 255 },
            "description": { "type": "string", "maxLength": 65536 },
            "project": described(uuid.clone(), "The parent's project when absent."),
            "group": described(uuid.clone(), "The owning group."),
            "type": names!(TicketType),
            "priority": names!(Priority),
        }),
    );
    let mut patch = object(&[], patch);
    patch["minProperties"] = json!(1);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://raw.githubusercontent.com/helpdesk-rs/helpdesk/main/helpdesk-core/workflow.schema.json",
        "title": "Helpdesk workflow",
        "description": "A definition of a workflow. Faults that only the whole can show (unknown states, dead ends, \
            states nobody reaches) are told when it is published.",
        "type": "object",
        "required": ["key", "name", "states", "transitions"],
        "additionalProperties": false,
        "properties": {
            "$schema": described(text.clone(), "This schema, for editors; passed over."),
            "key": described(refer("id"), "Stable key of the workflow."),
            "name": described(refer("label"), "What people read."),
            "states": described(json!({ "type": "array", "minItems": 1, "maxItems": 200, "items": refer("state") }),
                "The states, from first to last: drawings follow this order."),
            "transitions": described(
                json!({ "type": "array", "minItems": 1, "maxItems": 1000, "items": refer("transition") }),
                "The ways between them. The first one from nothing is how tickets are created unless another is asked for."),
        },
        "$defs": {
            "id": { "type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$" },
            "label": { "type": "string", "minLength": 1, "maxLength": 100 },
            "state": object(&["id", "label", "category"], json!({
                "id": described(refer("id"), "Stable id."),
                "label": described(refer("label"), "What people read."),
                "category": described(names!(Category), "What clocks and counters go by."),
                "retired": described(json!({ "type": "boolean" }), "No transition leads here any more."),
                "gate": described(object(&["template"], json!({
                    "template": described(refer("id"), "Key of the approval template."),
                    "approved": described(refer("id"), "The transition taken by itself once it is approved."),
                    "rejected": described(refer("id"), "The transition taken by itself once it is rejected."),
                })), "The approval it takes to leave."),
                "enter": described(refer("effects"), "What happens whenever a ticket comes here by a transition."),
            })),
            "transition": object(&["id", "label", "from", "to"], json!({
                "id": described(refer("id"), "Stable id."),
                "label": described(refer("label"), "What people read on the button."),
                "from": {
                    "description": "Nothing (it creates tickets), any state but the target, or a list of states.",
                    "anyOf": [{ "enum": ["nothing", "any"] },
                        { "type": "array", "minItems": 1, "items": refer("id") }],
                },
                "to": described(refer("id"), "The state it leads to."),
                "permission": described(names!(Permission), "Needed in addition to ticket.move."),
                "replaces_edit": described(json!({ "type": "boolean" }),
                    "The permission is all that is needed: ticket.move is not."),
                "bypass_approval": described(json!({ "type": "boolean" }),
                    "It leaves a gate without the approval; needs a permission."),
                "guard": described(refer("guard"), "What must hold before it."),
                "required": described(json!({ "type": "array", "items": names!(Field) }),
                    "Fields that must have a value after it."),
                "validators": described(
                    json!({ "type": "array", "items": { "anyOf": [{ "enum": ["children_ended", "reason"] }, refer("guard")] } }),
                    "What must hold after it."),
                "effects": described(refer("effects"), "What happens along with it."),
            })),
            "guard": object(&["when", "says"], json!({
                "when": described(refer("filter"), "What must hold."),
                "says": described(json!({ "type": "string", "minLength": 1, "maxLength": 200 }), "Why it is closed when it does not."),
            })),
            "effects": { "type": "array", "maxItems": 20, "items": refer("effect") },
            "effect": { "anyOf": [{ "enum": ["unassign", "end_children"] }, one_of(json!({
                "set": described(patch, "Sets fields; null clears."),
                "assign": described(object(&["by"], json!({ "by": names!(Strategy), "group": uuid })),
                    "Assigns to somebody of the group, unless somebody is assigned."),
                "open_children": described(json!({ "type": "array", "minItems": 1, "maxItems": 20, "items": child }),
                    "Opens sub-tickets, whenever it happens."),
                "start_approval": described(refer("id"), "Starts an approval by the newest version of this template."),
            }))] },
            "filter": { "anyOf": [{ "enum": ["all", "none"] }, one_of(conditions)] },
        },
    })
}

#[test]
fn the_committed_schema_is_made_from_the_model() {
    // The order of members means nothing, and depends on features of serde_json.
    if serde_json::from_str::<Value>(Definition::SCHEMA).ok() != Some(schema()) {
        let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        expect_file!["../../../workflow.schema.json"].assert_eq(&text);
    }
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(Definition::SCHEMA).unwrap()).unwrap()
}

/// Every condition there is. Who adds one is led here by the compiler.
fn conditions() -> Vec<Cond> {
    let range = || Range { from: Some(1), to: Some(2) };
    let instants = Range { from: Some(Timestamp::from_millis(1)), to: Some(Timestamp::from_millis(2)) };
    let mut all = vec![
        Cond::Id(vec![TicketId::NIL]),
        Cond::Project(vec![ProjectId::NIL]),
        Cond::Type(TicketType::ALL.to_vec()),
        Cond::State(vec!["a".into()]),
        Cond::Category(Category::ALL.to_vec()),
        Cond::Priority(Priority::ALL.to_vec()),
        Cond::Urgency(Urgency::ALL.to_vec()),
        Cond::Importance(Importance::ALL.to_vec()),
        Cond::Visibility(Visibility::ALL.to_vec()),
        Cond::Group(vec![GroupId::NIL]),
        Cond::Company(vec![GroupId::NIL]),
        Cond::Parent(vec![TicketId::NIL]),
        Cond::CreatedBy(vec![crate::actor::Author::System, crate::actor::Author::Person(PersonId::NIL)]),
        Cond::Related { people: vec![PersonId::NIL], relations: Relation::ALL.to_vec() },
        Cond::Mine(Relation::ALL.to_vec()),
        Cond::Tag(vec![TagId::NIL]),
        Cond::Title(TextIs::Equal("x".into())),
        Cond::Title(TextIs::Contains("x".into())),
        Cond::Title(TextIs::Begins("x".into())),
        Cond::Time(When::Due, instants),
        Cond::Number(Number::Estimate, range()),
        Cond::PriorityManual(true),
        Cond::Deleted(false),
    ];
    all.retain(|cond| match cond {
        Cond::Id(_) | Cond::Project(_) | Cond::Type(_) | Cond::State(_) | Cond::Category(_) | Cond::Priority(_) => true,
        Cond::Urgency(_) | Cond::Importance(_) | Cond::Visibility(_) | Cond::Group(_) | Cond::Company(_) => true,
        Cond::Parent(_) | Cond::CreatedBy(_) | Cond::Related { .. } | Cond::Mine(_) | Cond::Tag(_) => true,
        Cond::Title(_) | Cond::Time(..) | Cond::Number(..) | Cond::PriorityManual(_) | Cond::Deleted(_) => true,
        // For queries only.
        Cond::Text(_) => false,
    });
    all
}

fn filters() -> Vec<Filter> {
    let mut all = vec![
        Filter::All,
        Filter::None,
        Filter::And(vec![Filter::All]),
        Filter::Or(vec![Filter::None]),
        Filter::Not(Box::new(Filter::All)),
    ];
    all.extend(conditions().into_iter().map(Filter::Is));
    all.retain(|filter| match filter {
        Filter::All | Filter::None | Filter::And(_) | Filter::Or(_) | Filter::Not(_) | Filter::Is(_) => true,
    });
    all
}

fn effects() -> Vec<Effect> {
    let group = Some(Some(GroupId::NIL));
    let instant = Some(Some(Timestamp::from_millis(1)));
    let patch = Patch {
        // Not to be set by effects.
        title: None,
        description: None,
        parent: None,
        kind: Some(TicketType::Bug),
        priority: Some(Some(Priority::High)),
        urgency: Some(Urgency::High),
        importance: Some(Importance::High),
        visibility: Some(Visibility::Restricted),
        group,
        company: group,
        start_at: instant,
        due_at: instant,
        estimate: Some(Some(5)),
    };
    let all = vec![
        Effect::Set(Box::new(patch)),
        Effect::Assign(Assign { by: Strategy::RoundRobin, group: Some(GroupId::NIL) }),
        Effect::Unassign,
        Effect::EndChildren,
        Effect::StartApproval("request".into()),
        Effect::OpenChildren(vec![ChildTemplate {
            title: "Order the parts".into(),
            description: "All of them.".into(),
            project: Some(ProjectId::NIL),
            group: Some(GroupId::NIL),
            kind: Some(TicketType::Task),
            priority: Some(Priority::High),
        }]),
    ];
    for effect in &all {
        match effect {
            Effect::Set(_) | Effect::Assign(_) | Effect::Unassign | Effect::EndChildren => {}
            Effect::StartApproval(_) | Effect::OpenChildren(_) => {}
        }
    }
    all
}

/// A definition that uses everything. Struct literals without `..`: who adds a member is led here.
fn everything() -> Definition {
    let guard = |when| Guard { when, says: "not now".into() };
    let validators = |validator: &Validator| match validator {
        Validator::ChildrenEnded | Validator::Reason | Validator::Check(_) => {}
    };
    let all = vec![Validator::ChildrenEnded, Validator::Reason, Validator::Check(guard(Filter::All))];
    all.iter().for_each(validators);
    let state = |id: &str, category, retired| State {
        id: id.into(),
        label: id.to_uppercase(),
        category,
        retired,
        gate: (id == "a").then(|| Gate {
            template: "request".into(),
            approved: Some("t1".into()),
            rejected: Some("t2".into()),
        }),
        enter: if retired { vec![] } else { effects() },
    };
    let transition = |id: String, from, when| Transition {
        id,
        label: "Go".into(),
        from,
        to: "b".into(),
        permission: Some(Permission::TicketEdit),
        replaces_edit: true,
        bypass_approval: true,
        guard: Some(guard(when)),
        required: Field::ALL.to_vec(),
        validators: all.clone(),
        effects: effects(),
    };
    let mut transitions: Vec<Transition> = filters()
        .into_iter()
        .enumerate()
        .map(|(at, when)| {
            transition(format!("t{at}"), if at == 0 { From::Any } else { From::States(vec!["a".into()]) }, when)
        })
        .collect();
    let mut create = transition("create".into(), From::Nothing, Filter::All);
    (create.to, create.validators) = ("a".into(), vec![]);
    transitions.push(create);
    Definition {
        key: "everything".into(),
        name: "Everything".into(),
        states: vec![
            state("a", Category::New, false),
            state("b", Category::Closed, false),
            state("c", Category::Open, true),
        ],
        transitions,
    }
}

/// The members used anywhere in a value, by the name of the member that holds the object.
fn members(value: &Value, of: &str, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                used.insert(format!("{of}.{name}"));
                members(value, name, used);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, of, used)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The same of the schema: walks `properties`, following references once each.
fn known(
    schema: &Value,
    root: &Value,
    of: &str,
    seen: &mut BTreeSet<(String, String)>,
    known_as: &mut BTreeSet<String>,
) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref")
                && seen.insert((reference.clone(), of.to_owned()))
            {
                known(&root["$defs"][reference.trim_start_matches("#/$defs/")], root, of, seen, known_as);
            }
            let empty = Map::new();
            for (name, value) in object.get("properties").and_then(Value::as_object).unwrap_or(&empty) {
                known_as.insert(format!("{of}.{name}"));
                known(value, root, name, seen, known_as);
            }
            for inner in ["items", "anyOf", "prefixItems"].iter().filter_map(|name| object.get(*name)) {
                known(inner, root, of, seen, known_as);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| known(item, root, of, seen, known_as)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn schema_and_model_know_the_same_members() {
    let value: Value = serde_json::from_str(&everything().canonical()).unwrap();
    assert_eq!(Definition::from_json(&value.to_string()).unwrap(), everything());
    everything().check().unwrap();
    let faults: Vec<String> = validator().iter_errors(&value).map(|error| error.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
    let (mut used, mut known_as) = (BTreeSet::new(), BTreeSet::new());
    members(&value, "", &mut used);
    let root = schema();
    known(&root, &root, "", &mut BTreeSet::new(), &mut known_as);
    // Filters nest: what stands inside and, or and not is what stands in any filter.
    let nested = |name: &String| ["and.", "or.", "not."].iter().any(|of| name.starts_with(of));
    used.retain(|name| !nested(name));
    known_as.retain(|name| !nested(name) && name != ".$schema");
    assert_eq!(used, known_as);
}

#[test]
fn shipped_definitions_are_valid() {
    let all = Definition::built_in().into_iter();
    let foreign = lifecycles::ALL.into_iter().map(|text| Definition::read_toml(text).unwrap());
    for definition in all.chain(foreign) {
        let value: Value = serde_json::from_str(&definition.canonical()).unwrap();
        assert!(validator().is_valid(&value), "{}", definition.key);
    }
}

/// A small definition with one thing changed: `(pointer, value)`; a null removes.
fn broken(pointer: &str, value: Value) -> Value {
    let mut definition = json!({
        "key": "k", "name": "N",
        "states": [{ "id": "a", "label": "A", "category": "new" }, { "id": "b", "label": "B", "category": "closed" }],
        "transitions": [{ "id": "in", "label": "In", "from": "nothing", "to": "a" },
            { "id": "out", "label": "Out", "from": ["a"], "to": "b" }],
    });
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = definition.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(object), Value::Null) => drop(object.remove(name)),
        (Value::Object(object), value) => drop(object.insert(name.into(), value)),
        (parent, value) => parent[name.parse::<usize>().unwrap()] = value,
    }
    definition
}

#[test]
fn wrong_definitions_fail_in_both() {
    assert!(validator().is_valid(&broken("/name", json!("N"))));
    Definition::read(&broken("/name", json!("N")).to_string(), Format::Json).unwrap();
    let long = "x".repeat(101);
    let wrong = [
        ("/key", json!("Not An Id")),
        ("/key", Value::Null),
        ("/name", json!("")),
        ("/name", json!(long)),
        ("/colour", json!("red")),
        ("/states", json!(5)),
        ("/states", json!([])),
        ("/states/0/category", json!("started")),
        ("/states/0/label", Value::Null),
        ("/states/0/enter", json!(["explode"])),
        ("/states/0/enter", json!([{ "assign": { "by": "dice" } }])),
        ("/states/0/enter", json!([{ "assign": { "by": "round_robin" }, "set": { "priority": "high" } }])),
        ("/states/0/enter", json!([{ "set": {} }])),
        ("/states/0/enter", json!([{ "open_children": [] }])),
        ("/states/0/enter", json!([{ "open_children": [{ "title": "" }] }])),
        ("/states/0/enter", json!([{ "open_children": [{ "title": "x", "state": "done" }] }])),
        ("/states/0/enter", json!([{ "open_children": vec![json!({ "title": "x" }); 21] }])),
        ("/states/0/enter", json!([{ "set": { "title": "x" } }])),
        ("/transitions", json!([])),
        ("/transitions/1/from", json!([])),
        ("/transitions/1/from", json!("somewhere")),
        ("/transitions/1/to", Value::Null),
        ("/transitions/1/permission", json!("ticket.fly")),
        ("/transitions/1/required", json!(["mood"])),
        ("/transitions/1/guard", json!({ "when": "all" })),
        ("/transitions/1/guard", json!({ "when": { "mood": ["good"] }, "says": "no" })),
        ("/transitions/1/guard", json!({ "when": { "text": "printer" }, "says": "no" })),
        ("/transitions/1/guard", json!({ "when": { "priority": ["urgent"] }, "says": "no" })),
        ("/transitions/1/validators", json!(["parents_ended"])),
        ("/transitions/1/effects", json!(vec!["unassign"; 21])),
    ];
    for (pointer, value) in wrong {
        let text = broken(pointer, value.clone());
        assert!(!validator().is_valid(&text), "the schema takes {pointer} = {value}");
        let read = Definition::read(&text.to_string(), Format::Json);
        assert!(read.is_err(), "the reader takes {pointer} = {value}");
    }
    // Beyond a schema: what only the whole can show.
    let whole = [
        ("/states/1/id", json!("a")),
        ("/transitions/1/id", json!("in")),
        ("/transitions/1/to", json!("nowhere")),
        ("/transitions/1/from", json!(["nowhere"])),
        ("/transitions/0/from", json!("any")),
        ("/states/1/category", json!("open")),
        ("/states/1/retired", json!(true)),
        ("/transitions/1/replaces_edit", json!(true)),
        ("/transitions/0/validators", json!(["children_ended"])),
        ("/transitions/0/validators", json!(["reason"])),
    ];
    for (pointer, value) in whole {
        let text = broken(pointer, value.clone());
        assert!(validator().is_valid(&text), "the schema knows {pointer} = {value} after all");
        assert!(Definition::read(&text.to_string(), Format::Json).is_err(), "the reader takes {pointer} = {value}");
    }
}
