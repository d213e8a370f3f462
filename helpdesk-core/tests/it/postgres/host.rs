//! PostgreSQL beside its host: pools and transactions that are the host's, connections in trouble.

use super::*;

/// A pool as a host has it.
fn host_pool(url: &str) -> deadpool_postgres::Pool {
    let manager = deadpool_postgres::Manager::new(url.parse().unwrap(), NoTls);
    deadpool_postgres::Pool::builder(manager).max_size(2).build().unwrap()
}

#[tokio::test]
async fn closing_a_store_over_a_host_s_pool_leaves_the_pool_open() {
    let desk = desk().await;
    let pool = host_pool(&desk.url);
    let store = PgStore::from_pool(pool.clone(), PgOptions::default());
    assert_eq!(store.tenants().await.unwrap().len(), 1);
    store.close().await;
    assert!(matches!(store.tenants().await, Err(StoreError::Unavailable(_))));
    assert!(!pool.is_closed());
    pool.get().await.unwrap().simple_query("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_job_behind_another_of_its_subject_is_not_due() {
    let desk = desk().await;
    let of = |n: u128, seq, run_at| NewJob { subject: "s".into(), seq, run_at: at(run_at), ..job(n, &format!("k{n}")) };
    let next = async || desk.store.next_due(&["q".into()]).await.unwrap();
    // The first is due late, and the second waits for it.
    desk.done(Commit { jobs: vec![of(1, 1, 500), of(2, 2, 10)], ..empty(Epoch::Seen(1)) }).await;
    assert!(desk.store.claim("q", 10, at(100), at(200)).await.unwrap().is_empty());
    assert_eq!(next().await, Some(at(500)));
    // While the first is leased, the end of its lease counts.
    let first = desk.store.claim("q", 10, at(500), at(700)).await.unwrap().remove(0);
    assert_eq!(next().await, Some(at(700)));
    assert!(desk.store.release(first.lease, &Release::Dead("broken".into())).await.unwrap());
    assert_eq!(next().await, Some(at(10)));
    // An expired lease of a later one does not make the earlier one due.
    assert_eq!(desk.store.claim("q", 10, at(700), at(800)).await.unwrap().len(), 1);
    desk.done(Commit { jobs: vec![of(3, 1, 5000)], ..empty(Epoch::Seen(1)) }).await;
    assert!(desk.store.claim("q", 10, at(900), at(950)).await.unwrap().is_empty());
    assert_eq!(next().await, Some(at(5000)));
}

#[tokio::test]
async fn reviving_beside_a_living_job_of_the_same_key_raises_nothing() {
    let desk = desk().await;
    desk.done(Commit { jobs: vec![job(1, "a")], ..empty(Epoch::Seen(1)) }).await;
    let claimed = desk.store.claim("q", 10, at(20), at(100)).await.unwrap().remove(0);
    assert!(desk.store.release(claimed.lease, &Release::Dead("broken".into())).await.unwrap());
    desk.done(Commit { jobs: vec![job(2, "a")], ..empty(Epoch::Seen(1)) }).await;
    let client = Arc::new(desk.client().await);
    client.batch_execute("BEGIN").await.unwrap();
    let joined = desk.store.join(Arc::clone(&client));
    assert!(!joined.revive(tenant(), claimed.job.id, at(30)).await.unwrap());
    client.batch_execute("SELECT 1; DELETE FROM hd_job WHERE state = 'live'").await.unwrap();
    assert!(joined.revive(tenant(), claimed.job.id, at(30)).await.unwrap());
    client.batch_execute("COMMIT").await.unwrap();
}

#[tokio::test]
async fn a_dropped_command_leaves_the_host_s_transaction_whole() {
    let desk = desk().await;
    let (first, second) = (Arc::new(desk.client().await), Arc::new(desk.client().await));
    for client in [&first, &second] {
        client.batch_execute("BEGIN").await.unwrap();
    }
    assert!(matches!(desk.store.join(Arc::clone(&first)).commit(creation(1)).await.unwrap(), Outcome::Done(_)));
    // It waits for the first to end, and then fails: the number is taken.
    let mut taken = creation(2);
    taken.writes[0] = insert(Row::Ticket(Head::bare(Ticket { number: 1, ..ticket(2) })));
    let joined = desk.store.join(Arc::clone(&second));
    assert!(tokio::time::timeout(Duration::from_millis(100), joined.commit(taken)).await.is_err());
    first.batch_execute("COMMIT").await.unwrap();
    joined.settled().await;
    assert!(matches!(joined.commit(creation(3)).await.unwrap(), Outcome::Done(_)));
    second.batch_execute("COMMIT").await.unwrap();
    assert_eq!((desk.version(1).await, desk.version(3).await, desk.logged().await), (1, 1, 4));
}

#[tokio::test]
async fn the_log_is_read_outside_the_host_s_snapshot() {
    let desk = desk().await;
    let client = Arc::new(desk.client().await);
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM hd_event").await.unwrap();
    let joined = desk.store.join(Arc::clone(&client));
    let written = desk.done(creation(1)).await.unwrap();
    let (events, reached) = joined.after(None, Cursor::START, 10).await.unwrap();
    assert_eq!((events.len(), reached), (2, written));
    assert_eq!(joined.position("new").await.unwrap(), written);
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(desk.store.position("new").await.unwrap(), written);
}

async fn desk_of_one_connection() -> Desk {
    desk_in(PgOptions { pool_size: 1, listen: false, ..PgOptions::default() }).await
}

#[tokio::test]
async fn a_connection_with_an_unanswered_statement_is_not_given_back() {
    let desk = desk_of_one_connection().await;
    let locker = desk.client().await;
    locker.batch_execute("BEGIN; LOCK TABLE hd_tenant").await.unwrap();
    for _ in 0..2 {
        assert!(tokio::time::timeout(Duration::from_millis(100), desk.store.tenants()).await.is_err());
    }
    tokio::time::timeout(Duration::from_secs(5), desk.store.head()).await.expect("it waits for nobody").unwrap();
    locker.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(desk.store.tenants().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_prepared_statement_that_no_longer_fits_is_made_anew() {
    let desk = desk_of_one_connection().await;
    let client = desk.client().await;
    assert_eq!(desk.store.tenants().await.unwrap().len(), 1);
    client.batch_execute("ALTER TABLE hd_tenant ALTER COLUMN name TYPE varchar").await.unwrap();
    assert!(matches!(desk.store.tenants().await, Err(StoreError::Unavailable(says)) if says.contains("0A000")));
    assert_eq!(desk.store.tenants().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_statement_that_ran_out_of_time_may_be_tried_again() {
    let desk = desk_of_one_connection().await;
    let locker = desk.client().await;
    let limit = "DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I SET lock_timeout = 50', \
                 current_user, current_database()); END $$";
    locker.batch_execute(limit).await.unwrap();
    let store = PgStore::connect(&desk.url, PgOptions { listen: false, ..PgOptions::default() }).await.unwrap();
    store.check_schema().await.unwrap();
    locker.batch_execute("BEGIN; LOCK TABLE hd_tenant").await.unwrap();
    assert!(matches!(store.tenants().await, Err(StoreError::Unavailable(says)) if says.contains("55P03")));
    locker.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.tenants().await.unwrap().len(), 1);
}
