//! The laws on both databases, with their statistics asserted.

use std::sync::Arc;

use helpdesk_core::store::Database;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::generate::Population;
use helpdesk_core::testing::laws::{self, Outcomes, Tally};

async fn sqlite() -> Arc<dyn Database> {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    Arc::new(store)
}

async fn postgres() -> Arc<dyn Database> {
    let url = helpdesk_testkit::shared().fresh_database("laws").unwrap();
    let store = PgStore::connect(&url, PgOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    Arc::new(store)
}

fn long(short: usize, long: usize) -> usize {
    if std::env::var_os("HELPDESK_LONG").is_some() { long } else { short }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_loaded_is_what_its_history_folds_into_on_both() {
    for seed in 0..long(2, 40) as u64 {
        let commands = long(300, 1000);
        let (one, other) = tokio::join!(async { laws::replay(sqlite().await, seed, commands).await }, async {
            laws::replay(postgres().await, seed, commands).await
        },);
        assert!(one.len() > commands / 2);
        if let Some(line) = (0..one.len().max(other.len())).find(|line| one.get(*line) != other.get(*line)) {
            panic!("seed {seed}: the logs differ in line {line}:\n{:?}\n{:?}", one.get(line), other.get(line));
        }
    }
}

fn telling(tally: &Tally, cases: usize) {
    assert_eq!(tally.cases, cases);
    for name in Population::operators() {
        let times = tally.operators.get(&name).copied().unwrap_or_default();
        assert!(times >= 50, "{name} was tried {times} times only");
    }
    assert!(tally.telling * 100 >= cases * 30, "{} of {cases} selected neither none nor all", tally.telling);
}

#[tokio::test]
async fn filters_select_the_same_in_memory_and_on_sqlite() {
    let cases = long(5_000, 50_000);
    telling(&laws::filters(sqlite().await, 11, cases).await, cases);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_select_the_same_in_memory_and_on_postgres() {
    let cases = long(5_000, 50_000);
    telling(&laws::filters(postgres().await, 12, cases).await, cases);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_listed_may_be_read_and_is_counted() {
    let (one, other) = (sqlite().await, postgres().await);
    for seed in 0..long(3, 60) as u64 {
        laws::lists(one.clone(), seed).await;
        laws::lists(other.clone(), seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_host_takes_away_is_nowhere() {
    let (one, other) = (sqlite().await, postgres().await);
    for seed in 0..long(3, 60) as u64 {
        laws::narrowed(one.clone(), seed).await;
        laws::narrowed(other.clone(), seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_bad_weather_does_everything_once() {
    for seed in 0..long(2, 50) as u64 {
        laws::weather(sqlite().await, seed, 60).await;
    }
    laws::weather(postgres().await, 99, 60).await;
}

#[test]
fn an_approval_ends_or_is_visibly_blocked() {
    let mut sum = Outcomes::default();
    for seed in 0..200 {
        let one = laws::approvals(seed, 60);
        sum.taken += one.taken;
        sum.refused += one.refused;
        sum.approved += one.approved;
        sum.rejected += one.rejected;
        sum.blocked += one.blocked;
        sum.rounds += one.rounds;
    }
    println!("{sum:?}");
    let enough = [(sum.taken, 4000), (sum.approved, 50), (sum.rejected, 50), (sum.blocked, 20), (sum.rounds, 50)];
    assert!(enough.iter().all(|(had, wanted)| had >= wanted), "{sum:?} tells too little");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cards_are_what_may_be_seen_in_one_order() {
    let (one, other) = (sqlite().await, postgres().await);
    let mut hidden = 0;
    for seed in 0..long(3, 60) as u64 {
        let moves = laws::boards(one.clone(), seed).await;
        assert!(moves.done >= 40 && moves.listed >= 100, "seed {seed}: {moves:?}");
        hidden += moves.hidden;
        assert_eq!(laws::boards(other.clone(), seed).await, moves, "seed {seed}");
    }
    assert!(hidden > 0, "everybody knows every board");
}
