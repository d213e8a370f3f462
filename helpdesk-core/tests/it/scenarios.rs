//! The corpus of scenarios at the levels of the core: pure, a desk on SQLite, a desk on PostgreSQL.

use std::path::PathBuf;

use helpdesk_core::Desk;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::ManualClock;
use helpdesk_core::testing::scenario::{DeskStage, Feature, Played, PureStage, Stage};

fn corpus() -> Vec<Feature> {
    Feature::folder(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios")).unwrap()
}

/// Plays everything; every failure is told, not only the first.
async fn play(mut stage: impl Stage) -> Played {
    let (mut sum, mut failures) = (Played::default(), vec![]);
    for feature in corpus() {
        for scenario in &feature.scenarios {
            let one = Feature { name: feature.name.clone(), scenarios: vec![scenario.clone()] };
            match one.play(&mut stage).await {
                Ok(played) => {
                    sum.scenarios += played.scenarios;
                    sum.passed_over += played.passed_over;
                    sum.lines_passed_over += played.lines_passed_over;
                }
                Err(failed) => failures.push(failed.to_string()),
            }
        }
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    sum
}

#[tokio::test]
async fn in_the_pure_core() {
    let played = play(PureStage::default()).await;
    assert!(played.scenarios >= 55 && played.passed_over <= 6, "{played:?}");
}

#[tokio::test]
async fn on_sqlite() {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    let clock = ManualClock::default();
    let desk = Desk::builder(store).clock(clock.clone()).build().await.unwrap();
    let played = play(DeskStage::new("sqlite", desk, clock)).await;
    assert!(played.scenarios >= 60 && played.passed_over == 0 && played.lines_passed_over == 0, "{played:?}");
}

#[tokio::test]
async fn on_postgres() {
    let url = helpdesk_testkit::shared().fresh_database("scenarios").unwrap();
    let store = PgStore::connect(&url, PgOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let clock = ManualClock::default();
    let desk = Desk::builder(store).clock(clock.clone()).build().await.unwrap();
    let played = play(DeskStage::new("postgres", desk, clock)).await;
    assert!(played.scenarios >= 60 && played.passed_over == 0 && played.lines_passed_over == 0, "{played:?}");
}
