//! Faults of templates, with their places; what is shipped is sound.

use expect_test::expect;

use super::TemplateDefinition;
use crate::config::TenantConfig;
use crate::id::TenantId;
use crate::time::Timestamp;
use crate::workflow::read::Format;

#[test]
fn the_built_in_templates_are_sound() {
    let all = TemplateDefinition::built_in();
    assert_eq!(all.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), [TemplateDefinition::REQUEST]);
    for definition in all {
        definition.clone().publish(1).unwrap();
        assert_eq!(TemplateDefinition::from_json(&definition.canonical()).unwrap(), definition);
    }
}

const FAULTY: &str = r#"key = "Purchase"
name = ""
watched = ["title", "state", "title"]
any_of = ["nowhere"]

[[steps]]
key = "one"
name = "One"
ask = []
rule = { count = 0 }
parallel = "beside"

[[steps]]
key = "one"
name = "Two"
ask = ["manager"]
rule = { per_group = 1 }
rejection = { veto = "018f2b6e-0000-7000-8000-000000000000" }
when = { mine = ["requester"] }
deadline = { within = 0, actions = [] }

[[steps]]
key = "three"
name = "Three"
ask = [{ group = "018f2b6e-0000-7000-8000-000000000000" }]
rule = { percent = 101 }
parallel = "beside"
"#;

#[test]
fn every_fault_is_named_with_its_place() {
    let faults = TemplateDefinition::read(FAULTY, Format::Toml).unwrap_err();
    let lines: Vec<String> = faults.0.iter().map(ToString::to_string).collect();
    expect![[r#"
        /key (line 1 column 7): `Purchase` is not an id; use 1 to 40 of a-z 0-9 _, beginning with a letter
        /name (line 2 column 8): needs 1 to 100 plain characters, has 0
        /steps/0/ask (line 9 column 7): names 0 approvers; 1 to 20 are taken
        /steps/0/rule (line 10 column 8): cannot be met; a count is at least 1, a share 1 to 100 percent, and `per_group` asks groups
        /steps/1/key (line 14 column 7): step `one` is defined twice; rename one
        /steps/1/rule (line 17 column 8): cannot be met; a count is at least 1, a share 1 to 100 percent, and `per_group` asks groups
        /steps/1/rejection (line 18 column 13): cannot hold; a count is at least 1, a share 1 to 100 percent, and a group with a veto is asked
        /steps/1/when (line 19 column 8): is about the ticket alone; use its fields, people or tags
        /steps/1/deadline/within (line 20 column 23): is no time at all; give at least one business minute
        /steps/1/deadline/actions (line 20 column 36): has 0 actions; 1 to 10 are taken
        /steps/2/rule (line 26 column 8): cannot be met; a count is at least 1, a share 1 to 100 percent, and `per_group` asks groups
        /steps/2/parallel (line 27 column 12): `beside` has ended before; put its steps beside each other
        /any_of/0 (line 4 column 11): no steps run in parallel as `nowhere`; name a group of them
        /watched/1 (line 3 column 21): `state` cannot be watched; remove it
        /watched/2 (line 3 column 30): `title` is named twice; remove one"#]].assert_eq(&lines.join("\n"));
    let unread = TemplateDefinition::read("{\"key\": \"a\", \"nmae\": 1}", Format::Json).unwrap_err();
    expect!["the definition has 1 fault(s): /nmae (line 1 column 14): unknown field `nmae`, expected one of `key`, `name`, `steps`, `any_of`, `watched`, `on_edit`, `resubmit`, `self_approval`, `revalidate_on_departure`, `replacement`"].assert_eq(&unread.to_string());
}

#[test]
fn names_the_tenant_does_not_know_are_faults() {
    let text = r#"
        key = "a"
        name = "A"
        replacement = { role = "nobody-has-this" }
        [[steps]]
        key = "one"
        name = "One"
        ask = [{ group = "018f2b6e-0000-7000-8000-000000000000" }, { role = "agent" }]
        rule = "any"
        when = { tag = ["018f2b6e-0000-7000-8000-000000000000"] }
        on_empty = { fallback = { group = "018f2b6e-0000-7000-8000-000000000001" } }
    "#;
    let definition = TemplateDefinition::read(text, Format::Toml).unwrap();
    let config = TenantConfig::blank(TenantId::NIL, Timestamp::from_millis(0));
    let faults = definition.check_in(&config).unwrap_err();
    let lines: Vec<String> = faults.0.iter().map(ToString::to_string).collect();
    expect![[r#"
        /steps/0/ask/0: the tenant has no group `018f2b6e-0000-7000-8000-000000000000`; name an existing one
        /steps/0/on_empty: the tenant has no group `018f2b6e-0000-7000-8000-000000000001`; name an existing one
        /replacement: the tenant has no role `nobody-has-this`; name an existing one
        /steps/0/when: the tenant has no tag `018f2b6e-0000-7000-8000-000000000000`; name an existing one"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn steps_beside_each_other_are_one_stage() {
    let step = |key: &str, parallel: &str| {
        format!("[[steps]]\nkey = \"{key}\"\nname = \"x\"\nask = [\"manager\"]\nrule = \"any\"\n{parallel}\n")
    };
    let (a, b) = ("parallel = \"a\"", "parallel = \"b\"");
    let steps = [step("s0", ""), step("s1", a), step("s2", a), step("s3", b), step("s4", b), step("s5", "")].concat();
    let definition = TemplateDefinition::read(&format!("key = \"k\"\nname = \"K\"\n{steps}"), Format::Toml).unwrap();
    assert_eq!(definition.stages(), [0..1, 1..3, 3..5, 5..6]);
}
