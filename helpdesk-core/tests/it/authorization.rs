//! The authorization table, cell by cell, through the pure core and a desk on each database.

use std::collections::BTreeSet;

use helpdesk_core::Desk;
use helpdesk_core::command::Command;
use helpdesk_core::store::Database;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::ManualClock;
use helpdesk_core::testing::authorization::{disagreeing, rows};
use helpdesk_core::testing::scenario::{DeskStage, PureStage};

#[test]
fn every_row_is_of_a_command_and_stands_once() {
    let rows = rows();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "a row stands twice");
    let commands: BTreeSet<&str> = names.iter().map(|name| name.split('.').next().unwrap_or(name)).collect();
    assert_eq!(commands, Command::NAMES.iter().copied().collect());
}

#[tokio::test]
async fn the_pure_core_keeps_to_it() {
    assert_eq!(disagreeing(&mut PureStage::default()).await, Vec::<String>::new());
}

async fn on(level: &'static str, store: impl Database) -> Vec<String> {
    let clock = ManualClock::default();
    let desk = Desk::builder(store).clock(clock.clone()).build().await.unwrap();
    disagreeing(&mut DeskStage::new(level, desk, clock)).await
}

#[tokio::test]
async fn a_desk_on_sqlite_keeps_to_it() {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(on("sqlite", store).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_desk_on_postgres_keeps_to_it() {
    let url = helpdesk_testkit::shared().fresh_database("authorization").unwrap();
    let store = PgStore::connect(&url, PgOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(on("postgres", store).await, Vec::<String>::new());
}
