//! Manifests that are refused, each with its place.

use helpdesk_plugins::{Manifest, Mode, OnPoison, Trigger};

const GOOD: &str = r#"[plugin]
id = "p"
name = "P"
version = "1.2.3"
license = "MIT"

[runtime]
component = "p.wasm"
sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
world = "rule"
min-host = "0.1.0"

[[on]]
kinds = ["ticket.created"]
mode = "before"
where = { priority = "high" }
input = ["title"]
priority = -5
receive-own = true
on-poison = "stop"
on-failure = "fail-closed"

[[on]]
schedule = "every day"

[capabilities]
read = ["ticket.title"]
write = ["priority"]
do = ["veto"]
emit = ["p.seen"]

[limits]
fuel-after = 1000

[config]
type = "object"
"#;

/// The refusal of the good manifest with one thing replaced.
#[track_caller]
fn refused(from: &str, to: &str, expect: &str) {
    let text = GOOD.replace(from, to);
    assert_ne!(text, GOOD);
    let refusal = Manifest::parse(&text).map(|m| format!("accepted {m:?}")).map_err(|e| e.to_string());
    assert_eq!(refusal, Err(expect.to_owned()));
}

#[test]
fn a_good_manifest_means_what_it_says() {
    let manifest = Manifest::parse(GOOD).unwrap();
    assert_eq!((manifest.id.as_str(), manifest.version.as_str()), ("p", "1.2.3"));
    let on = &manifest.on[0];
    assert_eq!(on.trigger, Trigger::Kinds(vec!["ticket.created".into()]));
    assert_eq!((on.mode, on.priority, on.receive_own, on.on_poison), (Mode::Before, -5, true, OnPoison::Stop));
    assert!(on.fail_closed);
    assert_eq!(on.filter, Some(serde_json::json!({ "priority": "high" })));
    assert_eq!(
        (&manifest.on[1].trigger, manifest.on[1].mode),
        (&Trigger::Schedule("every day".into()), Mode::Schedule)
    );
    assert_eq!(manifest.limits.fuel_after, Some(1000));
    assert!(manifest.config.is_some());
}

#[test]
fn unknown_keys_are_refused_with_their_line() {
    refused(
        "priority = -5",
        "colour = 5",
        "plugin.toml, line 18, column 1: unknown field `colour`, expected one of `kinds`, `schedule`, `mode`, `where`, \
         `input`, `priority`, `receive-own`, `on-poison`, `on-failure`",
    );
    refused(
        "[limits]",
        "[limit]",
        "plugin.toml, line 32, column 2: unknown field `limit`, expected one of `plugin`, \
         `runtime`, `on`, `capabilities`, `limits`, `config`",
    );
}

#[test]
fn wrong_types_and_missing_keys_are_refused_with_their_line() {
    refused("license = \"MIT\"\n", "", "plugin.toml, line 1, column 1: missing field `license`");
    refused(
        "priority = -5",
        "priority = \"5\"",
        "plugin.toml, line 18, column 12: invalid type: string \"5\", expected i32",
    );
    refused(
        "\"rule\"",
        "\"root\"",
        "plugin.toml, line 10, column 9: unknown variant `root`, expected `rule` or `connector`",
    );
}

#[test]
fn values_without_sense_are_refused_with_their_key() {
    refused(
        "\"p\"",
        "\"P!\"",
        "plugin.toml, `plugin.id`: use lower-case letters, digits and hyphens, a letter first, up to 63",
    );
    refused("1.2.3", "one", "plugin.toml, `plugin.version`: must be `major.minor.patch`");
    refused(
        "\"p.wasm\"",
        "\"../p.wasm\"",
        "plugin.toml, `runtime.component`: must be the plain name of a .wasm file beside the manifest",
    );
    refused("0011", "XY11", "plugin.toml, `runtime.sha256`: must be 64 lower-case hexadecimal digits");
    refused(
        "\"0.1.0\"",
        "\"9.0.0\"",
        "plugin.toml, `runtime.min-host`: the plugin needs host 9.0.0, this is 0.1.0; upgrade the host",
    );
    refused("\"ticket.created\"", "\"*\"", "plugin.toml, `on[0].kinds[0]`: must look like `ticket.created`");
    refused("schedule = \"every day\"", "", "plugin.toml, `on[1]`: needs either `kinds` or `schedule`");
    refused(
        "[\"title\"]",
        "[\"title\", \"secret\"]",
        "plugin.toml, `on[0].input[1]`: `secret` is not among `capabilities.read` for every kind",
    );
    refused("mode = \"before\"", "", "plugin.toml, `on[0].on-failure`: is for mode `before` only");
    refused(
        "\"veto\"",
        "\"everything\"",
        "plugin.toml, `capabilities.do[0]`: must be one of comment-internal, comment-public, transition, create-ticket, link, request-approval, notify, schedule, veto",
    );
    refused("\"p.seen\"", "\"ticket.created\"", "plugin.toml, `capabilities.emit[0]`: must start with `p.`");
    refused(
        "do = [\"veto\"]",
        "http = []\nsecrets = [\"A B\"]",
        "plugin.toml, `capabilities.secrets[0]`: use lower-case letters, digits and hyphens, a letter first",
    );
    refused(
        "do = [\"veto\"]",
        "http = [{ host = \"a.example\", methods = [\"GET\"], paths = [\"/\"] }]",
        "plugin.toml, `capabilities.http`: needs `runtime.world` `connector`",
    );
    refused(
        "type = \"object\"",
        "pattern = \"x\"",
        "plugin.toml, `config`: `/pattern` of the schema is a keyword that this host does not check; remove it",
    );
}
