//! PostgreSQL: what is its own. Trips, gates, the watermark under hostile writers, migrations, joined transactions. What
//! every store must do is the conformance suite's.

mod host;
mod whole;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use helpdesk_core::approval::Overall;
use helpdesk_core::decide::Needs;
use helpdesk_core::event::{Cause, Cursor, Event, Subject, TicketEdited};
use helpdesk_core::id::{EventId, JobId, PersonId, ProjectId, Salt, TenantId, TicketId};
use helpdesk_core::org::Tenant;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::store::{
    Commit, Epoch, Head, Lease, Log, NewEvent, NewJob, Outcome, Queue, Release, Row, Store, StoreError, Which, Write,
};
use helpdesk_core::ticket::{
    Importance, Participant, Priority, Relation, Ticket, TicketText, TicketType, Urgency, Visibility,
};
use helpdesk_core::workflow::{Category, WorkflowRef};
use helpdesk_core::{Author, Timestamp};
use helpdesk_testkit::shared;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const TENANT: u128 = 1;
const PROJECT: u128 = 2;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn tenant() -> TenantId {
    Uuid::from_u128(TENANT).into()
}

fn ticket(n: u128) -> Ticket {
    Ticket {
        tenant: tenant(),
        id: Uuid::from_u128(1000 + n).into(),
        project: Uuid::from_u128(PROJECT).into(),
        number: n as i64,
        kind: TicketType::Incident,
        workflow: WorkflowRef { key: "kanban".into(), version: 1 },
        state: "todo".into(),
        category: Category::New,
        title: format!("Ticket {n}"),
        priority: Priority::Medium,
        priority_manual: false,
        urgency: Urgency::Normal,
        importance: Importance::Normal,
        visibility: Visibility::Project,
        group: None,
        company: None,
        approval: Overall::None,
        parent: None,
        start_at: None,
        due_at: None,
        estimate: None,
        resolved_at: None,
        closed_at: None,
        reopened: 0,
        regrouped: 0,
        version: 1,
        created_by: Author::System,
        created_at: at(1),
        updated_by: Author::System,
        updated_at: at(1),
        deleted_at: None,
        salt: Salt([7; 16]),
    }
}

fn event(ticket: &Ticket, ord: i32) -> NewEvent {
    let id = Uuid::from_u128(Uuid::from(ticket.id).as_u128() << 64 | (ticket.version as u128) << 32 | ord as u128);
    NewEvent {
        id: EventId::from(id),
        subject: Subject::Ticket(ticket.id),
        version: ticket.version,
        ord,
        by: Author::System,
        cause: Arc::new(Cause::default()),
        occurred_at: ticket.updated_at,
        recorded_at: ticket.updated_at,
        internal: false,
        event: Event::from(TicketEdited { changes: vec![] }),
    }
}

fn empty(epoch: Epoch) -> Commit {
    Commit {
        tenant: tenant(),
        epoch,
        writes: vec![],
        reads: vec![],
        events: vec![],
        jobs: vec![],
        key: None,
        done: None,
    }
}

fn insert(row: Row) -> Write {
    Write { before: None, after: Some(row) }
}

/// A new ticket with its text, two people and two events.
fn creation(n: u128) -> Commit {
    let head = ticket(n);
    let text = TicketText { tenant: tenant(), ticket: head.id, description: "long".into(), salt: Salt([1; 16]) };
    let person = |person: u128, relation| Participant {
        tenant: tenant(),
        ticket: head.id,
        person: PersonId::from(Uuid::from_u128(person)),
        relation,
        joined: 1,
        since: at(1),
        until: None,
    };
    let people = vec![person(8, Relation::Watcher), person(9, Relation::Reporter)];
    let rows = people.iter().cloned().map(|person| insert(Row::Participant(person)));
    let row = Row::Ticket(Head { ticket: head.clone(), people: people.clone(), tags: vec![] });
    Commit {
        writes: [insert(row), insert(Row::TicketText(text))].into_iter().chain(rows).collect(),
        events: vec![event(&head, 0), event(&head, 1)],
        ..empty(Epoch::Seen(1))
    }
}

/// The next version of a ticket.
fn edited(before: &Ticket, title: &str) -> Ticket {
    Ticket { title: title.into(), version: before.version + 1, updated_at: at(before.version + 1), ..before.clone() }
}

fn edit(before: &Ticket, after: &Ticket) -> Commit {
    let write = Write {
        before: Some(Row::Ticket(Head::bare(before.clone()))),
        after: Some(Row::Ticket(Head::bare(after.clone()))),
    };
    Commit { writes: vec![write], events: vec![event(after, 0)], ..empty(Epoch::Seen(1)) }
}

fn job(n: u128, key: &str) -> NewJob {
    NewJob {
        tenant: tenant(),
        id: Uuid::from_u128(n).into(),
        queue: "q".into(),
        key: key.into(),
        subject: String::new(),
        seq: 0,
        priority: 1,
        run_at: at(10),
        tries: 3,
        data: "{}".into(),
    }
}

struct Desk {
    url: String,
    store: PgStore,
}

async fn desk() -> Desk {
    desk_in(PgOptions { listen: false, ..PgOptions::default() }).await
}

/// A migrated database with one tenant at epoch 1.
async fn desk_in(options: PgOptions) -> Desk {
    let url = shared().fresh_database("pg").unwrap();
    let store = PgStore::connect(&url, options).await.unwrap();
    store.migrate().await.unwrap();
    let row = Tenant {
        id: tenant(),
        key: "acme".into(),
        name: "Acme".into(),
        suspended: false,
        version: 1,
        created_at: at(1),
    };
    let begin = Commit { writes: vec![insert(Row::Tenant(row))], ..empty(Epoch::Begin) };
    assert_eq!(store.commit(begin).await.unwrap(), Outcome::Done(None));
    Desk { url, store }
}

impl Desk {
    async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Returns when this many sessions of this database wait for a lock.
    async fn wait_for_lock_waits(&self, sessions: i64) {
        let waits = "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid) \
                     WHERE NOT granted AND datname = current_database()";
        let (client, deadline) = (self.client().await, Instant::now() + Duration::from_secs(30));
        loop {
            let there: i64 = client.query_one(waits, &[]).await.unwrap().get(0);
            if there == sessions {
                return;
            }
            assert!(Instant::now() < deadline, "after 30 s {there} sessions wait for a lock, not {sessions}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn done(&self, commit: Commit) -> Option<Cursor> {
        match self.store.commit(commit).await.unwrap() {
            Outcome::Done(cursor) => cursor,
            other => panic!("{other:?}"),
        }
    }

    async fn version(&self, n: u128) -> i64 {
        let (_, parts) = self.store.ticket(tenant(), &Which::Id(ticket(n).id), 0).await.unwrap();
        parts.unwrap().ticket.version
    }

    async fn logged(&self) -> usize {
        self.store.after(None, Cursor::START, 1000).await.unwrap().0.len()
    }
}

fn needs(n: u128) -> Needs {
    Needs { tickets: [ticket(n).id].into(), texts: true, ..Needs::default() }
}

#[tokio::test]
async fn trips_are_one_for_a_load_one_for_a_commit_one_for_a_number() {
    let desk = desk().await;
    let project = ProjectId::from(Uuid::from_u128(PROJECT));
    desk.store.draw(tenant(), project.into(), 1).await.unwrap(); // the first one makes the counter
    let mut trips = desk.store.trips();
    let mut more = |store: &PgStore| {
        let before = std::mem::replace(&mut trips, store.trips());
        trips - before
    };
    assert_eq!((desk.store.draw(tenant(), project.into(), 5).await.unwrap(), more(&desk.store)), (2, 1));
    assert_eq!((desk.store.draw(tenant(), project.into(), 1).await.unwrap(), more(&desk.store)), (7, 1));
    desk.done(creation(1)).await;
    assert_eq!(more(&desk.store), 1);
    let all = Needs { people: [Uuid::from_u128(9).into()].into(), above: Some(ticket(1).id), ..needs(1) };
    let loaded = desk.store.load(tenant(), &all, Some((&Author::System, "k"))).await.unwrap();
    assert_eq!((loaded.epoch, loaded.cases.len(), more(&desk.store)), (Some(1), 1, 1));
    let parts = &loaded.cases[0];
    assert_eq!((&parts.ticket, parts.text.as_ref().unwrap().description.as_str()), (&ticket(1), "long"));
    let people: Vec<_> = parts.people.iter().map(|one| one.relation).collect();
    assert_eq!(people, [Relation::Reporter, Relation::Watcher]);
    desk.store.ticket(tenant(), &Which::Key("DEMO".into(), 1), 20).await.unwrap();
    desk.store.after(Some(tenant()), Cursor::START, 10).await.unwrap();
    assert_eq!(more(&desk.store), 2);
}

#[tokio::test]
async fn unprepared_statements_in_a_schema_with_an_odd_name_give_the_same() {
    let options =
        PgOptions { schema: Some("Help \"Desk\"".into()), prepared: false, listen: false, ..PgOptions::default() };
    let desk = desk_in(options).await;
    desk.done(creation(1)).await;
    desk.done(edit(&ticket(1), &edited(&ticket(1), "b"))).await;
    assert_eq!((desk.version(1).await, desk.logged().await), (2, 3));
    assert!(!desk.store.migrate_to(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_two_changes_with_one_stale_neither_happens() {
    let desk = desk().await;
    desk.done(creation(1)).await;
    desk.done(creation(2)).await;
    let (one, two) = (ticket(1), ticket(2));
    let newer = edited(&two, "newer");
    desk.done(edit(&two, &newer)).await;
    let mut both = edit(&one, &edited(&one, "both"));
    both.writes.extend(edit(&two, &edited(&two, "both")).writes);
    assert_eq!(desk.store.commit(both.clone()).await.unwrap(), Outcome::Stale);
    assert_eq!((desk.version(1).await, desk.version(2).await, desk.logged().await), (1, 2, 5));
    // With the version that stands, both happen.
    both.writes.pop();
    both.writes.extend(edit(&newer, &edited(&newer, "both")).writes);
    desk.done(both).await;
    assert_eq!((desk.version(1).await, desk.version(2).await, desk.logged().await), (2, 3, 6));
    // One stale change alone, a stale read, a stale epoch.
    assert_eq!(desk.store.commit(edit(&one, &edited(&one, "late"))).await.unwrap(), Outcome::Stale);
    let read = Commit { reads: vec![(one.id, 1)], ..creation(3) };
    assert_eq!(desk.store.commit(read).await.unwrap(), Outcome::Stale);
    let epoch = Commit { epoch: Epoch::Move(7), ..creation(3) };
    assert_eq!(desk.store.commit(epoch).await.unwrap(), Outcome::Stale);
    assert_eq!(desk.store.load(tenant(), &needs(3), None).await.unwrap().cases.len(), 0);
    assert_eq!(desk.logged().await, 6);
}

/// A bump of the epoch that is committed while a commit waits for the ticket's row lock must be seen.
#[tokio::test]
async fn an_epoch_that_moves_while_a_commit_waits_is_seen() {
    let desk = Arc::new(desk().await);
    desk.done(creation(1)).await;
    let (mut holder, bumper) = (desk.client().await, desk.client().await);
    let lock = holder.transaction().await.unwrap();
    lock.execute("SELECT 1 FROM hd_ticket FOR UPDATE", &[]).await.unwrap();
    let waiting = tokio::spawn({
        let desk = Arc::clone(&desk);
        async move { desk.store.commit(edit(&ticket(1), &edited(&ticket(1), "late"))).await.unwrap() }
    });
    desk.wait_for_lock_waits(1).await;
    // The waiting commit holds the epoch's row, so a bump comes before it or after it, never unseen.
    let bump = tokio::spawn(async move { bumper.execute("UPDATE hd_epoch SET epoch = epoch + 1", &[]).await.unwrap() });
    desk.wait_for_lock_waits(2).await;
    assert!(!bump.is_finished());
    lock.commit().await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Outcome::Done(_)));
    bump.await.unwrap();
    assert_eq!(desk.store.commit(edit(&ticket(1), &edited(&ticket(1), "x"))).await.unwrap(), Outcome::Stale);

    // The other way round: the bump is under way, and the commit waits for it and sees it.
    let mut bumper = desk.client().await;
    let bump = bumper.transaction().await.unwrap();
    bump.execute("UPDATE hd_epoch SET epoch = epoch + 1", &[]).await.unwrap();
    let now = edited(&ticket(1), "late");
    let commit = Commit { epoch: Epoch::Seen(2), ..edit(&now, &edited(&now, "later")) };
    let waiting = tokio::spawn({
        let desk = Arc::clone(&desk);
        async move { desk.store.commit(commit).await.unwrap() }
    });
    desk.wait_for_lock_waits(1).await;
    bump.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap(), Outcome::Stale);
}

/// Eight writers, some of which stop in the middle, and a foreign transaction that stays open: nothing is skipped,
/// nothing is reordered, and the reader does not wait for the stranger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_followed_in_order_under_hostile_writers() {
    let rounds = if std::env::var_os("HELPDESK_LONG").is_some() { 500 } else { 60 };
    let desk = Arc::new(desk().await);
    let mut stranger = desk.client().await;
    let open = stranger.transaction().await.unwrap();
    open.execute("CREATE TABLE strange (x int)", &[]).await.unwrap();
    open.query_one("SELECT pg_current_xact_id()::text", &[]).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (desk, stop) = (Arc::clone(&desk), Arc::clone(&stop));
        async move {
            let (mut cursor, mut seen) = (Cursor::START, Vec::new());
            loop {
                let last = stop.load(Ordering::Acquire);
                let (events, reached) = desk.store.after(None, cursor, 7).await.unwrap();
                seen.extend(events);
                if last && reached == cursor {
                    return seen;
                }
                cursor = reached;
            }
        }
    });
    let writers: Vec<_> = (0..8_u128)
        .map(|writer| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move {
                // Hostile: its transactions stay open between taking their place and committing.
                let client = Arc::new(desk.client().await);
                let slow = desk.store.join(Arc::clone(&client));
                let mut now = ticket(writer);
                desk.done(creation(writer)).await;
                for round in 0..rounds {
                    let next = edited(&now, "next");
                    if round % 4 == 0 {
                        client.batch_execute("BEGIN").await.unwrap();
                        assert!(matches!(slow.commit(edit(&now, &next)).await.unwrap(), Outcome::Done(_)));
                        tokio::time::sleep(Duration::from_millis(round as u64 % 7)).await;
                        client.batch_execute(if round % 8 == 0 { "ROLLBACK" } else { "COMMIT" }).await.unwrap();
                        if round % 8 == 0 {
                            continue;
                        }
                    } else {
                        desk.done(edit(&now, &next)).await.unwrap();
                    }
                    now = next;
                }
                (now.id, now.version)
            })
        })
        .collect();
    let mut expected = BTreeMap::new();
    for writer in writers {
        let (id, version) = writer.await.unwrap();
        expected.insert(id, version);
    }
    stop.store(true, Ordering::Release);
    let seen = tokio::time::timeout(Duration::from_secs(20), reader).await.expect("it waits for no stranger").unwrap();
    assert!(seen.is_sorted_by(|a, b| a.cursor < b.cursor));
    let mut places: BTreeMap<TicketId, Vec<(i64, i32)>> = BTreeMap::new();
    for one in &seen {
        places.entry(one.subject.ticket().unwrap()).or_default().push((one.version, one.ord));
    }
    for (id, version) in expected {
        let all: Vec<(i64, i32)> = [(1, 0), (1, 1)].into_iter().chain((2..=version).map(|v| (v, 0))).collect();
        assert_eq!(places[&id], all);
    }
    open.rollback().await.unwrap();
}

#[tokio::test]
async fn migrations_go_up_down_and_up_and_nodes_do_not_race() {
    let url = shared().fresh_database("pg_migrate").unwrap();
    let open = || async {
        let options = PgOptions { listen: false, ..PgOptions::default() };
        PgStore::connect(&url, options).await.unwrap()
    };
    let store = open().await;
    assert!(matches!(store.head().await, Err(StoreError::Schema(says)) if says.contains("run `migrate`")));
    assert!(store.migration_status().await.unwrap().iter().all(|one| one.applied_at.is_none()));
    let nodes = [open().await, open().await, open().await];
    let done = futures_util::future::join_all(nodes.iter().map(PgStore::migrate)).await;
    let applied: usize = done.into_iter().map(|done| done.unwrap().len()).sum();
    assert_eq!(applied, store.migration_status().await.unwrap().len());
    assert_eq!(store.head().await.unwrap(), Cursor::at(1));
    assert_eq!(store.migrate_to(0).await.unwrap().len(), applied);
    assert!(store.migration_status().await.unwrap().iter().all(|one| one.applied_at.is_none()));
    assert_eq!(store.migrate().await.unwrap().len(), applied);
    assert!(store.tenants().await.unwrap().is_empty());

    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let later = "INSERT INTO hd_migration SELECT max(number) + 1, 'later', '', 0 FROM hd_migration";
    client.batch_execute(later).await.unwrap();
    let store = open().await;
    for answer in [store.tenants().await.map(drop), store.migrate().await.map(drop)] {
        assert!(matches!(answer, Err(StoreError::Schema(says)) if says.contains("use the newer binary")));
    }
    client.batch_execute("UPDATE hd_migration SET checksum = 'x' WHERE number = 1").await.unwrap();
    assert!(matches!(store.migrate().await, Err(StoreError::Schema(says)) if says.contains("another form")));
}

#[tokio::test]
async fn a_joined_transaction_is_the_host_s_and_a_failed_command_leaves_it_whole() {
    let desk = desk().await;
    desk.done(creation(1)).await;
    let client = Arc::new(desk.client().await);
    client.batch_execute("CREATE TABLE invoice (id int); BEGIN; INSERT INTO invoice VALUES (1)").await.unwrap();
    let joined = desk.store.join(Arc::clone(&client));
    assert!(matches!(joined.commit(creation(2)).await.unwrap(), Outcome::Done(Some(_))));
    assert_eq!(joined.load(tenant(), &needs(2), None).await.unwrap().cases.len(), 1);
    assert_eq!(desk.store.load(tenant(), &needs(2), None).await.unwrap().cases.len(), 0);
    // A taken number is an error of the database, and only the command's.
    let mut taken = creation(3);
    taken.writes[0] = insert(Row::Ticket(Head::bare(Ticket { number: 1, ..ticket(3) })));
    assert_eq!(joined.commit(taken).await.unwrap(), Outcome::Stale);
    let head = desk.store.head().await.unwrap();
    client.batch_execute("INSERT INTO invoice VALUES (2); COMMIT").await.unwrap();
    assert!(desk.store.head().await.unwrap() > head, "the log waited for the host");
    assert_eq!(desk.version(2).await, 1);
    assert_eq!(client.query_one("SELECT count(*) FROM invoice", &[]).await.unwrap().get::<_, i64>(0), 2);

    client.batch_execute("BEGIN").await.unwrap();
    assert!(matches!(joined.commit(creation(4)).await.unwrap(), Outcome::Done(_)));
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!((desk.store.load(tenant(), &needs(4), None).await.unwrap().cases.len(), desk.logged().await), (0, 4));
}

#[tokio::test]
async fn a_job_may_enqueue_itself_anew_in_the_commit_that_finishes_it() {
    let desk = desk().await;
    desk.done(Commit { jobs: vec![job(1, "a"), job(2, "b")], ..empty(Epoch::Seen(1)) }).await;
    let claimed = desk.store.claim("q", 10, at(20), at(100)).await.unwrap();
    assert_eq!(claimed.len(), 2);
    let again = NewJob { run_at: at(50), ..job(3, "a") };
    let other = Lease { token: Uuid::from_u128(7), ..claimed[1].lease };
    let finish = |lease, jobs| Commit { done: Some(lease), jobs, ..empty(Epoch::Seen(1)) };
    desk.done(finish(claimed[0].lease, vec![again])).await;
    assert_eq!(desk.store.commit(finish(other, vec![job(9, "c")])).await.unwrap(), Outcome::LeaseLost);
    desk.done(finish(claimed[1].lease, vec![])).await;
    assert!(desk.store.claim("q", 10, at(40), at(100)).await.unwrap().is_empty());
    let due = desk.store.claim("q", 10, at(60), at(100)).await.unwrap();
    let left: Vec<_> = due.iter().map(|job| (job.job.key.as_str(), job.attempt)).collect();
    assert_eq!(left, [("a", 1)]);
    assert_eq!(desk.store.next_due(&["q".into()]).await.unwrap(), Some(at(100)));
    assert_eq!(due[0].job.id, JobId::from(Uuid::from_u128(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_is_woken() {
    use helpdesk_core::store::Database;
    let desk = desk_in(PgOptions::default()).await;
    let other = PgStore::connect(&desk.url, PgOptions::default()).await.unwrap();
    let bell = other.bell();
    // The listener rings once when it begins to listen.
    tokio::time::timeout(Duration::from_secs(5), bell.notified()).await.unwrap();
    let rung = bell.notified();
    tokio::pin!(rung);
    rung.as_mut().enable();
    desk.done(creation(1)).await;
    tokio::time::timeout(Duration::from_secs(5), rung).await.unwrap();
    other.close().await;
    assert!(matches!(other.head().await, Err(StoreError::Unavailable(_))));
}
