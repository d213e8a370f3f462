//! The rules as a desk would meet them.

use helpdesk_plugin::testing::{FakeHost, TestEvent, event};
use helpdesk_plugin::{Action, Failure, Plugin};

use crate::Triage;

const RULES: &str = r#"{"rules":[
    {"name":"printers","if":{"words":["printer","toner","paper jam"],"type":"incident"},
     "then":{"priority":"high","tags":["hardware"],"group":"Workplace"}},
    {"if":{"words":["vpn","certificat*"],"none":["request"]},"then":{"priority":"low","tags":["network","hardware"]}},
    {"if":{"all":["straße"],"in":"title"},"then":{"tags":["site"]}}
]}"#;

fn created(title: &str) -> TestEvent {
    event("ticket.created").ticket("T1").input("title", title).input("type", "incident").input("priority", "medium")
}

/// The actions in short, or why there are none.
fn triage(config: &str, event: TestEvent) -> String {
    match FakeHost::new().config(config).run::<Triage>(event) {
        Ok(actions) => actions.iter().map(short).collect::<Vec<_>>().join("; "),
        Err(Failure::Skip(why)) => format!("skip: {why}"),
        Err(Failure::Reject(why)) => format!("reject: {why}"),
        Err(Failure::Retry(_)) => "retry".into(),
    }
}

fn short(action: &Action) -> String {
    match action {
        Action::SetFields { fields, .. } => {
            fields.iter().map(|f| format!("{}={:?}", f.name, f.value)).collect::<Vec<_>>().join(",")
        }
        Action::AddTags { tags, .. } => format!("+{}", tags.join(" +")),
        Action::Assign { group, .. } => format!("group={}", group.as_deref().unwrap_or("-")),
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn check(event: TestEvent, expect: &str) {
    assert_eq!(triage(RULES, event), expect);
}

const NOTHING: &str = "skip: no rule changes this ticket";

#[test]
fn words_match_whole_and_folded() {
    let full = r#"priority=Value::Text("high"); +hardware; group=Workplace"#;
    check(created("PRINTER on fire"), full);
    check(created("the (printer)!"), full);
    check(created("Paper  jam, again"), full);
    check(created("paper in a jam"), NOTHING);
    check(created("sprinters"), NOTHING);
    check(created("Schloßstraße"), NOTHING);
    check(created("Die STRASSE ist laut"), "+site");
    check(created("all certificates expired"), r#"priority=Value::Text("low"); +network +hardware"#);
    check(created("request a VPN"), NOTHING);
    check(created("help").input("description", "the toner is empty"), full);
}

#[test]
fn conditions_must_all_hold() {
    let mut service = created("printer");
    service.input[1].value = "service-request".into();
    check(service, NOTHING);
    check(event("ticket.created").ticket("T1").input("title", "printer"), NOTHING);
}

#[test]
fn first_rule_wins_per_property_and_tags_add_up() {
    check(created("printer needs vpn"), r#"priority=Value::Text("high"); +hardware +network; group=Workplace"#);
}

#[test]
fn a_choice_made_by_hand_stays() {
    let chosen = || created("printer").input("priority_manual", true).input("group", "Facilities");
    check(chosen(), "+hardware");
    let config = RULES.replacen('{', r#"{"override":["priority","group"],"#, 1);
    assert_eq!(triage(&config, chosen()), r#"priority=Value::Text("high"); +hardware; group=Workplace"#);
}

#[test]
fn nothing_is_set_twice() {
    let mut done = created("printer").input("tags", &["hardware"][..]).input("group", "Workplace");
    done.input[2].value = "high".into();
    check(done, NOTHING);
}

#[test]
fn only_edits_of_the_text_count() {
    let edited = |field: &str| {
        let mut e = created("printer").change(field, "a", "b");
        e.event.kind = "ticket.edited".into();
        e
    };
    check(edited("title"), r#"priority=Value::Text("high"); +hardware; group=Workplace"#);
    check(edited("due"), "skip: nothing that rules look at has changed");
    check(event("person.created"), "skip: `person.created` is about no ticket");
}

#[test]
fn a_configuration_gets_all_its_problems_with_their_places() {
    let config = r#"{"rule":[],"override":["title"],"rules":[
        {"if":{"words":[],"type":3,"fields":{"color/":"red"}},"then":{}},
        {"if":{"words":["*",7],"in":"body"},"then":{"priority":"urgent","tags":"x"}}, 5, {}]}"#;
    let problems = Triage::check_config(config).unwrap_err();
    let places: Vec<_> = problems.iter().map(|p| p.pointer.as_str()).collect();
    assert_eq!(
        places,
        [
            "/rule",
            "/override/0",
            "/rules/0/if/words",
            "/rules/0/if/type",
            "/rules/0/if/fields/color~1",
            "/rules/0/then",
            "/rules/1/if/words/1",
            "/rules/1/if/words/0",
            "/rules/1/if/in",
            "/rules/1/then/priority",
            "/rules/1/then/tags",
            "/rules/2",
            "/rules/3/if",
            "/rules/3/then"
        ]
    );
    assert_eq!(Triage::check_config("{").unwrap_err()[0].pointer, "");
    assert!(Triage::check_config(RULES).is_ok());
    assert!(triage("[]", created("x")).starts_with("reject: the configuration is not valid"));
}
