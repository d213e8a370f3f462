//! What becomes of callers when work panics or a thread ends.

use super::super::db::NAMES;
use super::*;
use crate::store::sql::reads::Reads;

fn db() -> Db {
    let conn = rusqlite::Connection::open_in_memory().unwrap();
    conn.execute_batch("CREATE TABLE IF NOT EXISTS t (n INTEGER)").unwrap();
    Db::new(conn, Arc::new(Reads::new(&NAMES)))
}

async fn rows(threads: &Threads) -> Option<i64> {
    threads.read(|db| db.number("rows", "SELECT count(*) FROM t", &[])).await.unwrap()
}

fn insert(db: &Db) -> Result<Effect<()>, Fault> {
    db.execute("insert", "INSERT INTO t VALUES (1)", &[])?;
    Ok(Effect::Keep(()))
}

#[tokio::test]
async fn a_panic_is_answered_and_undone_and_the_thread_goes_on() {
    let threads = Threads::start(db(), vec![], vec![]).unwrap();
    let bad = threads.change(|db| -> Result<Effect<()>, Fault> {
        insert(db)?;
        panic!("oh no")
    });
    let (good, bad, read, alone) = tokio::join!(
        threads.change(insert),
        bad,
        threads.read(|_| -> Result<(), Fault> { panic!("oh no") }),
        threads.alone(|db| -> Result<(), Fault> {
            db.conn.execute_batch("BEGIN IMMEDIATE")?;
            panic!("oh no")
        }),
    );
    good.unwrap();
    for answer in [bad, read, alone] {
        assert!(matches!(answer, Err(StoreError::Defect(says)) if says.contains("oh no")));
    }
    assert_eq!(rows(&threads).await, Some(1));
    threads.change(insert).await.unwrap();
    assert_eq!(rows(&threads).await, Some(2));
}

#[test]
fn nobody_waits_for_the_last_thread_that_has_ended() {
    let inbox = Arc::<Inbox>::default();
    let (first, last) = (Serving::new(&inbox), Serving::new(&inbox));
    drop(first);
    let (reply, mut answer) = oneshot::channel();
    assert!(inbox.put(Work::Change(Box::new(Task { work: insert, lasts: true, answer: None, reply }))));
    drop(last);
    assert!(matches!(answer.try_recv().unwrap(), Err(StoreError::Unavailable(_))));
    assert!(!inbox.put(Work::Read(Box::new(|_| ()))));
}

#[tokio::test]
async fn a_transaction_that_sqlite_undid_fails_with_what_went_wrong_first() {
    let threads = Threads::start(db(), vec![], vec![]).unwrap();
    let full = threads.change(|db| -> Result<Effect<()>, Fault> {
        db.conn.execute_batch("ROLLBACK")?; // as SQLite does by itself
        Err(StoreError::Unavailable("full".into()).into())
    });
    let (first, full) = tokio::join!(threads.change(insert), full);
    assert!(matches!(full, Err(StoreError::Unavailable(says)) if says == "full"));
    // Alone in its transaction, or undone together with the other.
    assert_eq!(rows(&threads).await, Some(i64::from(first.is_ok())));
    assert!(first.is_ok() || matches!(first, Err(StoreError::Unavailable(says)) if says == "full"));
}

#[tokio::test]
async fn every_close_waits_for_the_threads() {
    let threads = Threads::start(db(), vec![db()], vec![]).unwrap();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let work: Read = Box::new(move |_| {
        let _ = held.recv();
    });
    assert!(threads.writer.put(Work::Read(work)));
    threads.close();
    {
        let mut first = std::pin::pin!(threads.ended());
        assert!(futures_util::poll!(&mut first).is_pending());
    }
    let mut second = std::pin::pin!(threads.ended());
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(hold);
    second.await;
    threads.ended().await;
}

#[tokio::test]
async fn a_short_read_is_made_by_its_caller_unless_it_would_wait() {
    let threads = Threads::start(db(), vec![db()], vec![db()]).unwrap();
    let here = std::thread::current().id();
    let by = || threads.glance(|_| Ok(std::thread::current().id()));
    assert_eq!(by().await.unwrap(), here);
    let bad = threads.glance(|_| -> Result<(), Fault> { panic!("oh no") }).await;
    assert!(matches!(bad, Err(StoreError::Defect(says)) if says.contains("oh no")));
    assert_eq!(by().await.unwrap(), here, "a panic costs no connection");
    let busy = threads.glance(move |_| {
        let by = std::thread::current().id();
        if by == here { Err(StoreError::Unavailable("busy".into()).into()) } else { Ok(by) }
    });
    assert_ne!(busy.await.unwrap(), here);
    let taken = threads.seats.free().as_mut().and_then(Vec::pop);
    assert_ne!(by().await.unwrap(), here);
    threads.close();
    while threads.readers.state().serving + threads.writer.state().serving > 0 {
        tokio::task::yield_now().await;
    }
    let mut ended = std::pin::pin!(threads.ended());
    assert!(futures_util::poll!(&mut ended).is_pending(), "somebody reads still");
    drop(taken);
    ended.await;
    assert!(matches!(by().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn bookkeeping_waits_for_no_disk_and_commits_do() {
    const NORMAL: i64 = 1;
    const FULL: i64 = 2;
    let mode = |db: &Db| Ok(Effect::Keep(db.conn.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?));
    let writer = db();
    writer.flushes();
    let threads = Threads::start(writer, vec![], vec![]).unwrap();
    for _ in 0..2 {
        assert_eq!(threads.change_lightly(mode).await.unwrap(), NORMAL);
        assert_eq!(threads.change(mode).await.unwrap(), FULL);
    }
    threads.change_lightly(mode).await.unwrap();
    let alone = |db: &Db| Ok(db.conn.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?);
    assert_eq!(threads.alone(alone).await.unwrap(), FULL, "migrations last");
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let work: Read = Box::new(move |_| {
        let _ = held.recv();
    });
    assert!(threads.writer.put(Work::Read(work)));
    let mut together = std::pin::pin!(async { tokio::join!(threads.change_lightly(mode), threads.change(mode)) });
    assert!(futures_util::poll!(&mut together).is_pending());
    drop(hold);
    let (light, lasting) = together.await;
    assert_eq!((light.unwrap(), lasting.unwrap()), (FULL, FULL), "what shares a transaction shares its flush");
    // Where the host said that commits need no flush, none is flushed.
    let never = Threads::start(db(), vec![], vec![]).unwrap();
    let before = never.change_lightly(mode).await.unwrap();
    assert_eq!(never.change(mode).await.unwrap(), before);
}
