//! Time that fuel does not measure: slow and hanging questions, many calls at once, and the end of the runtime.

use std::sync::Arc;
use std::time::{Duration, Instant};

use helpdesk_plugins::{Ended, Limits, Outcome, Runtime};

use super::fixture::{ALL, Desk, HOSTILE, RUNTIME, delivery, hostile};

fn slow(delay: Duration, queries: u32) -> helpdesk_plugins::Delivery {
    let mut slow = delivery(&format!(r#"{{"do":"queries","count":{queries}}}"#));
    slow.reads = Arc::new(Desk { delay, ..Desk::default() });
    slow
}

/// Whoever answers too late is at fault, not who asked.
fn hung(outcome: &Outcome) -> bool {
    matches!(&outcome.ended, Ended::HostFault(why) if why.contains("in time"))
}

#[test]
fn waiting_for_the_host_is_not_the_guests_time() {
    let outcome = RUNTIME.run(&HOSTILE, slow(Duration::from_millis(20), 20));
    assert_eq!(outcome.ended, Ended::Ok);
    assert!(outcome.elapsed >= Duration::from_millis(400));
}

#[test]
fn answers_that_come_too_late_are_a_fault_of_the_host() {
    let outcome = RUNTIME.run(&HOSTILE, slow(Duration::from_millis(400), 30));
    assert!(hung(&outcome), "{}", outcome.ended);
    assert!(outcome.elapsed < Duration::from_millis(1500));
}

#[tokio::test]
async fn a_question_that_hangs_does_not_hold_the_caller() {
    let started = Instant::now();
    let outcome = RUNTIME.call(&HOSTILE, slow(Duration::from_secs(3), 1)).await;
    assert!(hung(&outcome), "{}", outcome.ended);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_instances_wait_for_their_turn() {
    let calls: Vec<_> = (0..100)
        .map(|_| tokio::spawn(async { RUNTIME.call(&HOSTILE, delivery(r#"{"do":"two-fields"}"#)).await }))
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().ended, Ended::Ok);
    }
}

#[test]
fn a_runtime_takes_its_thread_with_it() {
    let runtime = Runtime::new(Limits::default()).unwrap();
    let plugin = hostile(&runtime, ALL, None);
    assert_eq!(runtime.run(&plugin, delivery(r#"{"do":"noop"}"#)).ended, Ended::Ok);
    // Dropping joins; a thread that went on would hang the test here.
    drop(runtime);
    drop(plugin);
}
