//! Runs that fail leave a record like those that do not, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use helpdesk_core::Desk;
use helpdesk_core::feed::queue;
use helpdesk_core::jobs::Ticked;
use helpdesk_core::role::Role;
use helpdesk_core::store::Job;
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::{Faulty, ManualClock, Schedule};
use helpdesk_plugins::{Limits, PluginHost, Standing};

use super::world::{HOSTILE, World, hostile_toml};

const RETRIED: Ticked = Ticked { done: 0, retried: 1, dead: 0 };
const DEAD: Ticked = Ticked { done: 0, retried: 0, dead: 1 };

impl World {
    /// One more try of whatever waits.
    async fn again(&self) -> Ticked {
        self.clock.advance(10 * 60 * 1000);
        self.desk.tick().await.unwrap()
    }

    async fn dead(&self) -> Vec<Job> {
        self.desk.store().dead(&queue("plugins"), 10).await.unwrap().0
    }
}

#[tokio::test]
async fn a_trap_is_recorded_each_time_and_the_second_makes_a_dead_letter() {
    let world = World::new().await;
    world.hostile("trap-after-two").await;
    let before = world.desk.head_of_log().await.unwrap();
    let ticket = world.create("x").await;
    assert_eq!(world.desk.tick().await.unwrap(), RETRIED);
    let runs = world.runs().await;
    let [run] = runs.as_slice() else { panic!("{runs:?}") };
    assert_eq!((run.outcome.as_str(), run.effects, run.at), ("trapped", 0, helpdesk_core::Clock::now(&world.clock)));
    assert!(run.message.starts_with("trapped: ") && run.fuel > 0 && run.micros > 0, "{run:?}");
    assert!(world.dead().await.is_empty());

    assert_eq!(world.again().await, DEAD);
    let runs = world.runs().await;
    assert_eq!(runs.len(), 2);
    assert!(runs[0].at > runs[1].at && runs.iter().all(|run| run.outcome == "trapped"), "{runs:?}");
    let dead = world.dead().await;
    assert_eq!((dead.len(), dead[0].error.as_deref()), (1, Some(runs[0].message.as_str())));
    // The event that all of them name is the only thing that happened.
    let (events, _) = world.desk.store().after(Some(world.tenant), before, 10).await.unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(runs.iter().all(|run| run.event == events[0].id.to_string()));
    assert_eq!((world.see(ticket).await.version(), world.see(ticket).await.case.tags.len()), (1, 0));
    assert_eq!(world.again().await, Ticked::default());

    // Revived, it fails as before, and is recorded as before.
    let (tenant, now) = (world.tenant, helpdesk_core::Clock::now(&world.clock));
    assert!(world.desk.store().revive(tenant, dead[0].job.id, now).await.unwrap());
    assert_eq!(world.again().await, RETRIED);
    assert_eq!(world.runs().await.len(), 3);
}

#[tokio::test]
async fn whoever_keeps_asking_for_another_try_is_a_dead_letter_in_the_end() {
    let world = World::new().await;
    world.hostile("retry").await;
    world.create("x").await;
    for _ in 1..8 {
        assert_eq!(world.again().await, RETRIED);
    }
    assert_eq!(world.again().await, DEAD);
    let runs = world.runs().await;
    assert_eq!(runs.len(), 8);
    assert!(runs.iter().all(|run| run.outcome == "retry" && run.message.contains("7 s")), "{runs:?}");
}

#[tokio::test]
async fn each_way_to_fail_has_its_name_and_its_words() {
    for (what, outcome, words) in [
        ("panic", "trapped", "unreachable"),
        (r"\u006coop", "limit-hit", "limit `fuel`: used "),
        ("memory", "limit-hit", "limit `memory`: used "),
        ("reject", "rejected", "rejected: never"),
        // The project has no such tag: what was staged cannot be applied.
        (r#"effects","count":"#, "refused", "no tag `t0`"),
    ] {
        let world = World::new().await;
        let config =
            if what.contains("count") { format!(r#"{{"do":"{what}1}}"#) } else { format!(r#"{{"do":"{what}"}}"#) };
        let plugin = world.host.provide(&hostile_toml("\"ticket.created\""), HOSTILE).unwrap();
        world.install(&plugin, &config, Some(Role::Agent)).await;
        let ticket = world.create("x").await;
        let round = world.desk.tick().await.unwrap();
        assert_eq!(round, if what == "reject" { DEAD } else { RETRIED }, "{what}");
        let runs = world.runs().await;
        assert_eq!((runs.len(), runs[0].outcome.as_str()), (1, outcome), "{what}: {runs:?}");
        assert!(runs[0].message.contains(words), "{what}: {runs:?}");
        assert_eq!(world.see(ticket).await.version(), 1, "{what}");
    }
}

#[tokio::test]
async fn what_the_desk_refuses_is_recorded_with_its_code() {
    let world = World::new().await;
    let plugin = world.host.provide(&hostile_toml("\"ticket.created\""), HOSTILE).unwrap();
    world.install(&plugin, r#"{"do":"two-fields"}"#, Some(Role::Observer)).await;
    let ticket = world.create("x").await;
    assert_eq!(world.desk.tick().await.unwrap(), RETRIED);
    let runs = world.runs().await;
    assert_eq!((runs.len(), runs[0].outcome.as_str()), (1, "refused"), "{runs:?}");
    assert!(runs[0].message.starts_with("FORBIDDEN: ") && runs[0].fuel > 0, "{runs:?}");
    assert_eq!(world.see(ticket).await.version(), 1);
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_recorded() {
    let limits = Limits { fuel_after: u64::MAX / 2, guest_after: Duration::from_millis(50), ..Limits::default() };
    let (host, clock) = (PluginHost::new(limits).unwrap(), ManualClock::default());
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    let desk = Desk::builder(store).clock(clock.clone()).extend(host.clone()).build().await.unwrap();
    let world = World::on(desk, host, clock).await;
    world.hostile(r"\u006coop").await;
    world.create("x").await;
    assert_eq!(world.desk.tick().await.unwrap(), RETRIED);
    let runs = world.runs().await;
    assert_eq!((runs.len(), runs[0].outcome.as_str()), (1, "limit-hit"));
    assert!(runs[0].message.starts_with("limit `guest-time`: used ") && runs[0].micros >= 50_000, "{runs:?}");
    // A machine with too much to do looks just like that: it gets all its tries, and nobody pauses the plugin.
    for _ in 2..8 {
        assert_eq!(world.again().await, RETRIED);
    }
    assert_eq!(world.again().await, DEAD);
    world.create("y").await;
    for _ in 1..8 {
        assert_eq!(world.again().await, RETRIED);
    }
    let standing = world.host.standing(&world.desk, &world.root(), &"hostile".parse().unwrap()).await.unwrap();
    assert_eq!((world.runs().await.len(), standing), (15, Standing::Running));
}

/// Layers of a store that all are late by a millisecond or two: together they hang for as long as you like.
struct Slow(Vec<Faulty>);

impl Slow {
    fn new(store: SqliteStore, layers: usize) -> Self {
        let mut slow = vec![Faulty::calm(Arc::new(store))];
        for n in 1..layers {
            slow.push(Faulty::calm(Arc::new(slow[n - 1].clone())));
        }
        Self(slow)
    }

    fn late(&self, late: usize, only: &'static str) {
        self.0.iter().for_each(|layer| layer.reschedule(Schedule { late, only: Some(only), ..Schedule::default() }));
    }
}

#[tokio::test]
async fn a_database_that_hangs_is_not_held_against_a_plugin() {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    let (slow, clock) = (Slow::new(store, 300), ManualClock::default());
    let host = PluginHost::new(Limits { wall: Duration::from_millis(250), ..Limits::default() }).unwrap();
    let store = slow.0[299].clone();
    let desk = Desk::builder(store).clock(clock.clone()).extend(host.clone()).build().await.unwrap();
    let world = World::on(desk, host, clock).await;
    let plugin = world.hostile("counter").await;
    world.create("x").await;
    slow.late(100, "kv_keys");
    for _ in 0..12 {
        assert_eq!(world.again().await, RETRIED);
    }
    let runs = world.runs().await;
    assert_eq!(runs.len(), 12);
    assert!(runs.iter().all(|run| run.outcome == "host-fault"), "{runs:?}");
    slow.late(0, "kv_keys");
    assert_eq!(world.host.standing(&world.desk, &world.root(), &plugin).await.unwrap(), Standing::Running);
    assert_eq!(world.again().await, Ticked { done: 1, ..Ticked::default() });
}

#[tokio::test]
async fn faults_of_the_host_are_not_counted_against_a_plugin() {
    // Where the plugin asks for its keys; where it is asked whether the plugin may run at all; where the desk writes what came of it.
    for (fails, recorded) in [("kv_keys", true), ("kv", false), ("commit", false)] {
        let store = SqliteStore::memory().await.unwrap();
        store.migrate().await.unwrap();
        let (store, clock) = (Faulty::calm(Arc::new(store)), ManualClock::default());
        let host = PluginHost::new(Limits::default()).unwrap();
        let desk = Desk::builder(store.clone()).clock(clock.clone()).extend(host.clone()).build().await.unwrap();
        let world = World::on(desk, host, clock).await;
        world.hostile("counter").await;
        world.create("x").await;
        store.reschedule(Schedule { unavailable: 100, only: Some(fails), ..Schedule::default() });
        for _ in 0..20 {
            assert_eq!(world.again().await, RETRIED, "{fails}");
            assert_eq!(world.desk.tick().await.unwrap(), Ticked::default(), "it waits");
        }
        let runs = world.runs().await;
        assert_eq!(runs.len(), if recorded { 20 } else { 0 });
        assert!(
            runs.iter().all(|run| run.outcome == "host-fault" && run.message.contains("not available")),
            "{runs:?}"
        );
        store.reschedule(Schedule::default());
        assert_eq!(world.again().await, Ticked { done: 1, ..Ticked::default() });
        let seen = world.desk.store().kv(world.tenant, "hostile", "seen").await.unwrap().unwrap();
        assert_eq!(seen.value, b"1");
    }
}
