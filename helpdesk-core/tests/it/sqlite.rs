//! SQLite: what is its own (opening, migrating, closing), and how changes share a transaction.

use std::sync::{Arc, Barrier};

use helpdesk_core::decide::Needs;
use helpdesk_core::id::{JobId, ProjectId, TenantId};
use helpdesk_core::store::sqlite::{SqliteOptions, SqliteStore};
use helpdesk_core::store::{Commit, Epoch, Lease, Log, Outcome, Store, StoreError};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// How many migrations there are.
async fn migrations() -> usize {
    SqliteStore::memory().await.unwrap().migration_status().await.unwrap().len()
}

/// A commit that writes nothing.
fn empty(tenant: TenantId, epoch: Epoch) -> Commit {
    let (writes, reads, events, jobs) = (vec![], vec![], vec![], vec![]);
    Commit { tenant, epoch, writes, reads, events, jobs, key: None, done: None }
}

#[tokio::test]
async fn a_file_must_be_migrated_before_use_and_can_go_back() {
    let folder = folder();
    let store = SqliteStore::open(folder.path().join("desk.db")).await.unwrap();
    assert!(matches!(store.head().await, Err(StoreError::Schema(says)) if says.contains("run `migrate`")));
    assert_eq!(store.migrate().await.unwrap().len(), migrations().await);
    assert_eq!(store.migrate().await.unwrap(), []);
    assert_eq!(store.head().await.unwrap().seq(), 0);
    assert!(store.migration_status().await.unwrap().iter().all(|one| one.applied_at.is_some() && one.fault.is_none()));
    assert_eq!(store.migrate_to(0).await.unwrap().len(), migrations().await);
    assert!(store.migration_status().await.unwrap().iter().all(|one| one.applied_at.is_none()));
    assert_eq!(store.migrate().await.unwrap().len(), migrations().await);
    store.close().await;
    assert!(matches!(store.head().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.draw(TenantId::NIL, ProjectId::NIL.into(), 1).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = folder();
    let path = folder.path().join("desk.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("INSERT INTO hd_migration SELECT max(number) + 1, 'later', '', 0 FROM hd_migration", []).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    for answer in [store.tenants().await.map(drop), store.migrate().await.map(drop)] {
        assert!(matches!(answer, Err(StoreError::Schema(says)) if says.contains("use the newer binary")));
    }
    other.execute("UPDATE hd_migration SET checksum = 'x' WHERE number = 1", []).unwrap();
    assert!(matches!(store.migrate().await, Err(StoreError::Schema(says)) if says.contains("another form")));
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    let folder = folder();
    let path = folder.path().join("desk.db");
    let open = || async {
        let store = SqliteStore::open_with(&path, SqliteOptions { readers: 1, ..SqliteOptions::default() }).await;
        store.unwrap().migrate().await.unwrap().len()
    };
    let (a, b, c) = tokio::join!(open(), open(), open());
    assert_eq!(a + b + c, migrations().await);
}

/// SQLite 3.51.0 and 3.51.1 lock up when one thread opens a file while another closes one (mended in 3.51.2).
#[test]
fn files_open_and_close_side_by_side() {
    assert!(rusqlite::version_number() >= 3_051_002, "{}", rusqlite::version());
    let folder = folder();
    let path = folder.path().join("desk.db");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                for _ in 0..25 {
                    runtime.block_on(async {
                        let store = SqliteStore::open(&path).await.unwrap();
                        store.migrate().await.unwrap();
                        store.close().await;
                    });
                }
            });
        }
    });
}

#[tokio::test]
async fn numbers_are_drawn_once_by_many() {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.draw(TenantId::NIL, ProjectId::NIL.into(), 2).await.unwrap() })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..64).map(|n| 1 + 2 * n).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_name_without_a_file_is_one_database_in_memory() {
    for name in [":memory:", "", "file::memory:"] {
        let store = SqliteStore::open(name).await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(store.draw(TenantId::NIL, ProjectId::NIL.into(), 1).await.unwrap(), 1);
        assert_eq!(store.tenants().await.unwrap(), [], "`{name}`");
        store.close().await;
    }
}

#[test]
fn many_may_open_a_new_file_at_the_same_moment() {
    const MANY: usize = 4;
    for _ in 0..8 {
        let folder = folder();
        let start = Arc::new(Barrier::new(MANY));
        let threads: Vec<_> = (0..MANY)
            .map(|_| {
                let (path, start) = (folder.path().join("desk.db"), Arc::clone(&start));
                std::thread::spawn(move || {
                    start.wait();
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(async {
                        let store = SqliteStore::open(path).await.unwrap();
                        let applied = store.migrate().await.unwrap().len();
                        store.close().await;
                        applied
                    })
                })
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let known = runtime.block_on(migrations());
        assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), known);
    }
}

#[tokio::test]
async fn a_commit_of_one_tenant_does_not_touch_another() {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    let other = TenantId::from(uuid::Uuid::from_u128(1));
    let answer = store.commit(Commit {
        done: Some(Lease { tenant: other, job: JobId::NIL, token: uuid::Uuid::nil() }),
        ..empty(TenantId::NIL, Epoch::Begin)
    });
    assert!(matches!(answer.await, Err(StoreError::Defect(says)) if says.contains("finishes a job of another")));
}

/// Short reads are made on connections of their own: each sees all that was committed before it began.
#[tokio::test]
async fn short_reads_see_what_was_committed_before_them() {
    let folder = folder();
    let store = SqliteStore::open(folder.path().join("desk.db")).await.unwrap();
    store.migrate().await.unwrap();
    let tenant = TenantId::from(uuid::Uuid::from_u128(1));
    for n in 0..50 {
        let epoch = if n == 0 { Epoch::Begin } else { Epoch::Move(n) };
        assert!(matches!(store.commit(empty(tenant, epoch)).await.unwrap(), Outcome::Done(_)));
        let loaded = store.load(tenant, &Needs::default(), None).await.unwrap();
        assert_eq!(loaded.epoch, Some(n + 1));
    }
}
