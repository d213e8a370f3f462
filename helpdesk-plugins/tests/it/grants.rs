//! What is not granted is refused at the call, whatever the guest asks.

use helpdesk_plugins::{Capabilities, Mode};

use super::fixture::{ALL, HOSTILE, RUNTIME, delivery, hostile, log_of};

const PROBE: &str = r#"{"do":"probe","url":"https://hooks.example.com/in/x"}"#;

#[test]
fn everything_granted_is_there() {
    let mut before = delivery(PROBE);
    before.invocation.mode = Mode::Before;
    let outcome = RUNTIME.run(&HOSTILE, before);
    assert_eq!(
        log_of(&outcome),
        "read:ok search:ok write:ok tags:ok assign:ok public:ok transition:ok open:ok open-urgent:ok emit:ok veto:ok \
         kv:ok http:ok"
    );
    assert_eq!(outcome.effects.len(), 9);
}

#[test]
fn a_veto_needs_the_mode_before() {
    let outcome = RUNTIME.run(&HOSTILE, delivery(PROBE));
    assert!(log_of(&outcome).contains("veto:not-here"));
}

#[test]
fn a_new_ticket_has_no_field_that_may_not_be_written() {
    let all = HOSTILE.manifest().capabilities.clone();
    let write = all.write.iter().filter(|field| *field != "urgency").cloned().collect();
    let outcome = RUNTIME.run(&hostile(&RUNTIME, ALL, Some(Capabilities { write, ..all })), delivery(PROBE));
    assert!(log_of(&outcome).contains("open:ok open-urgent:denied"), "{}", log_of(&outcome));
}

#[test]
fn nothing_granted_is_nothing_done() {
    // An HTTP grant is needed to load at all; see `load`.
    let http = HOSTILE.manifest().capabilities.http.clone();
    let poor = hostile(&RUNTIME, ALL, Some(Capabilities { http, ..Capabilities::default() }));
    let elsewhere = PROBE.replace("hooks.", "other.");
    let outcome = RUNTIME.run(&poor, delivery(&elsewhere));
    assert_eq!(
        log_of(&outcome),
        "read:denied search:denied write:denied tags:denied assign:denied public:denied transition:denied \
         open:denied open-urgent:denied emit:denied veto:denied kv:denied http:denied"
    );
    assert!(outcome.effects.is_empty() && outcome.http.is_empty());
}

#[test]
fn an_action_of_the_sdk_that_is_denied_rejects_the_delivery() {
    let http = HOSTILE.manifest().capabilities.http.clone();
    let poor = hostile(&RUNTIME, ALL, Some(Capabilities { http, ..Capabilities::default() }));
    assert_eq!(
        RUNTIME.run(&poor, delivery(r#"{"do":"two-fields"}"#)).ended.to_string(),
        "rejected: action 0 (set-fields): denied: `write:priority` is requested but not granted; an administrator can \
         grant it"
    );
}
