//! Each kind of bad behaviour ends in its own typed outcome, and nothing of it is left.

use std::sync::Arc;
use std::time::Duration;

use helpdesk_plugins::{Effect, Ended, Limit, Limits, Mode, Runtime, TrapKind};

use super::fixture::{ALL, Desk, HOSTILE, RUNTIME, delivery, ended, hostile, log_of, run};

#[test]
fn doing_nothing_is_cheap() {
    let outcome = run(r#"{"do":"noop"}"#);
    assert_eq!(outcome.ended, Ended::Ok);
    assert!(outcome.effects.is_empty());
    assert!((1..100_000).contains(&outcome.fuel_used), "{}", outcome.fuel_used);
    assert!(outcome.peak_memory <= 2 << 20, "{}", outcome.peak_memory);
    assert!(outcome.instantiation <= outcome.elapsed);
}

#[test]
fn two_fields_are_one_effect() {
    let outcome = run(r#"{"do":"two-fields"}"#);
    assert_eq!(outcome.ended, Ended::Ok);
    let [Effect::SetFields { ticket, fields }] = &outcome.effects[..] else { panic!("{:?}", outcome.effects) };
    assert_eq!((ticket.as_str(), fields.len()), ("T1", 2));
}

#[test]
fn the_guest_sees_the_delivery() {
    let said = log_of(&run(r#"{"do":"echo"}"#));
    assert_eq!(
        said,
        "ticket.created #1 of Some(Subject { kind: \"ticket\", id: \"T1\", version: 1 }) at 1735689600000 seed 7 \
         input Value::Text(\"Printer on fire\")"
    );
    assert_eq!(
        log_of(&run(r#"{"do":"env","capability":"write:priority"}"#)),
        r#"true {"name":"helpdesk","version":"0.1.0","contract":"1.0.0"}"#
    );
}

#[test]
fn the_words_of_a_guest_come_through() {
    assert_eq!(ended(r#"{"do":"skip"}"#), "skipped: nothing to do");
    assert_eq!(run(r#"{"do":"retry"}"#).ended, Ended::Retry { after: Some(Duration::from_secs(7)) });
    assert_eq!(ended(r#"{"do":"reject"}"#), "rejected: never");
}

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    assert_eq!(ended(r#"{"do":"loop"}"#), "limit `fuel`: used 50000000, allowed 50000000");
    let mut before = delivery(r#"{"do":"loop"}"#);
    before.invocation.mode = Mode::Before;
    let outcome = RUNTIME.run(&HOSTILE, before);
    assert_eq!(outcome.ended.to_string(), "limit `fuel`: used 5000000, allowed 5000000");
}

#[test]
fn an_endless_loop_with_fuel_meets_its_deadline() {
    let runtime = Runtime::new(Limits { fuel_after: u64::MAX, ..Limits::default() }).unwrap();
    let plugin = hostile(&runtime, ALL, None);
    let outcome = runtime.run(&plugin, delivery(r#"{"do":"loop"}"#));
    let Ended::LimitHit { limit: Limit::GuestTime, used, allowed: 250 } = outcome.ended else {
        panic!("{}", outcome.ended)
    };
    assert!((250..1000).contains(&used), "{used}");
}

#[test]
fn a_memory_bomb_is_capped() {
    let outcome = run(r#"{"do":"memory"}"#);
    let Ended::LimitHit { limit: Limit::Memory, used, allowed } = outcome.ended else { panic!("{}", outcome.ended) };
    assert_eq!(allowed, 64 << 20);
    assert!(used > allowed && outcome.peak_memory <= allowed);
}

#[test]
fn deep_recursion_and_panics_are_traps_of_their_kind() {
    let kind = |config| match run(config).ended {
        Ended::Trapped { kind, .. } => kind,
        other => panic!("{other}"),
    };
    assert_eq!(kind(r#"{"do":"recursion"}"#), TrapKind::StackOverflow);
    assert_eq!(kind(r#"{"do":"panic"}"#), TrapKind::Unreachable);
    let logs = run(r#"{"do":"panic"}"#).logs;
    assert!(logs.lines[0].message.contains("the guest panics"), "{logs:?}");
}

#[test]
fn a_failure_after_two_of_three_effects_leaves_none() {
    for how in ["trap-after-two", "fail-after-two"] {
        let outcome = run(&format!(r#"{{"do":"{how}"}}"#));
        assert_ne!(outcome.ended, Ended::Ok);
        assert!(outcome.effects.is_empty() && outcome.kv.is_empty() && outcome.http.is_empty(), "{how}");
    }
}

#[test]
fn effects_are_counted_and_weighed() {
    assert_eq!(run(r#"{"do":"effects","count":64}"#).effects.len(), 64);
    let outcome = run(r#"{"do":"effects","count":10000}"#);
    assert_eq!(outcome.ended, Ended::LimitHit { limit: Limit::Effects, used: 65, allowed: 64 });
    assert!(outcome.effects.is_empty());
    assert_eq!(ended(r#"{"do":"effect-bytes","bytes":200000}"#), "limit `effect-bytes`: used 200002, allowed 131072");
}

#[test]
fn five_mebibytes_of_log_are_dropped_or_refused() {
    let outcome = run(r#"{"do":"log","lines":5120,"bytes":1024}"#);
    assert_eq!(outcome.ended, Ended::Ok);
    assert_eq!((outcome.logs.lines.len(), outcome.logs.dropped_lines), (16, 5104));
    assert_eq!(outcome.logs.dropped_bytes, 5104 * 1024);
    assert_eq!(ended(r#"{"do":"log","lines":1,"bytes":5242880}"#), "limit `call-bytes`: used 1048577, allowed 1048576");
}

#[test]
fn questions_and_rows_are_counted() {
    assert_eq!(ended(r#"{"do":"queries","count":32}"#), "ok");
    assert_eq!(ended(r#"{"do":"queries","count":33}"#), "limit `queries`: used 33, allowed 32");
    let outcome = run(r#"{"do":"rows"}"#);
    assert_eq!(outcome.ended, Ended::Ok);
    assert_eq!(outcome.effects, [Effect::Comment { ticket: "T1".into(), body: "500".into(), internal: true }]);
}

#[test]
fn the_store_shows_a_call_its_own_writes() {
    let mut counted = delivery(r#"{"do":"counter"}"#);
    counted.reads = Arc::new(Desk { counter: Some(41), ..Desk::default() });
    let outcome = RUNTIME.run(&HOSTILE, counted);
    assert_eq!(log_of(&outcome), "42 42 a,seen,z");
    assert_eq!(outcome.kv, [helpdesk_plugins::KvWrite::Add { key: "seen".into(), delta: 1 }]);
    assert_eq!(log_of(&run(r#"{"do":"counter"}"#)), "1 1 a,seen,z");
    assert_eq!(ended(r#"{"do":"kv-bytes","bytes":65537}"#), "limit `kv-value-bytes`: used 65537, allowed 65536");
}

#[test]
fn requests_are_counted() {
    let url = "https://hooks.example.com/in/x";
    assert_eq!(run(&format!(r#"{{"do":"http","count":4,"url":"{url}"}}"#)).http.len(), 4);
    let outcome = run(&format!(r#"{{"do":"http","count":5,"url":"{url}"}}"#));
    assert_eq!(outcome.ended, Ended::LimitHit { limit: Limit::HttpRequests, used: 5, allowed: 4 });
}

#[test]
fn too_large_an_input_never_starts_a_guest() {
    let mut large = delivery(r#"{"do":"noop"}"#);
    large.event.data = "x".repeat(300_000);
    let outcome = RUNTIME.run(&HOSTILE, large);
    assert!(matches!(outcome.ended, Ended::LimitHit { limit: Limit::InputBytes, allowed: 262_144, .. }));
    assert_eq!(outcome.fuel_used, 0);
}

#[test]
fn a_fault_of_the_host_is_no_fault_of_the_plugin() {
    let mut broken = delivery(r#"{"do":"queries","count":1}"#);
    broken.reads = Arc::new(Desk { broken: true, ..Desk::default() });
    assert_eq!(RUNTIME.run(&HOSTILE, broken).ended, Ended::HostFault("the database is gone".into()));
}

#[test]
fn a_plugin_may_lower_its_limits_but_not_raise_them() {
    let rest = format!("{ALL}\n[limits]\nfuel-after = 1000\nmemory-bytes = 99999999999");
    let lowered = hostile(&RUNTIME, &rest, None);
    assert_eq!(lowered.limits().memory_bytes, 64 << 20);
    assert_eq!(RUNTIME.run(&lowered, delivery("{}")).ended.to_string(), "limit `fuel`: used 1000, allowed 1000");
}

#[test]
fn configurations_are_checked_without_effects() {
    let check = |config| RUNTIME.check_config(&HOSTILE, config);
    assert_eq!(check("{}").unwrap(), []);
    assert_eq!(check("{").unwrap()[0].pointer, "");
    assert_eq!(check(r#"{"bad":1}"#).unwrap()[0].pointer, "/bad");
    assert_eq!(check(r#"{"stage":1}"#).unwrap()[0].message, "not-here");
    assert!(matches!(check(r#"{"loop":1}"#).unwrap_err().0, Ended::LimitHit { limit: Limit::Fuel, .. }));
}
