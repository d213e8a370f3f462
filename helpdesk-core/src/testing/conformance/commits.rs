//! Commits: atomic, checked, idempotent.

use std::sync::Arc;

use super::Bench;
use crate::actor::Author;
use crate::command::{Asking, Comment, CreateTicket, DefineTag, EditTicket, GrantRole, Patch};
use crate::event::{Cursor, Event, Subject, TicketEdited};
use crate::id::{EventId, JobId, TicketId};
use crate::role::Role;
use crate::store::{
    Commit, Epoch, Head, Key, Kv, Log, NewEvent, NewJob, Outcome, Queue, Row, RunRecord, Store, Sweep, Which, Write,
};
use crate::testing::{Chance, World};
use crate::ticket::{Priority, Ticket};
use crate::time::{Clock, Timestamp};

/// The head of a ticket as the database has it.
pub(super) async fn head(world: &World, id: TicketId) -> Ticket {
    let (_, parts) = world.store.ticket(world.tenant, &Which::Id(id), 100).await.unwrap();
    parts.expect("the ticket is there").ticket
}

pub(super) async fn epoch(world: &World) -> i64 {
    world.store.config(world.tenant).await.unwrap().expect("the tenant is there").epoch
}

/// A commit that makes `ticket` critical, with an event, a job and an idempotency key.
pub(super) async fn touch(world: &World, ticket: &Ticket, seed: u64) -> Commit {
    let (now, mut chance) = (world.clock.now(), Chance::new(seed));
    let after = Ticket { version: ticket.version + 1, priority: Priority::Critical, updated_at: now, ..ticket.clone() };
    let job = NewJob {
        tenant: world.tenant,
        id: JobId::from(chance.uuid(now.millis())),
        queue: "touch".into(),
        key: seed.to_string(),
        subject: String::new(),
        seq: 0,
        priority: 1,
        run_at: now,
        tries: 3,
        data: "{}".into(),
    };
    let event = NewEvent {
        id: EventId::from(chance.uuid(now.millis())),
        subject: Subject::Ticket(ticket.id),
        version: after.version,
        ord: 0,
        by: Author::System,
        cause: Arc::default(),
        occurred_at: now,
        recorded_at: now,
        internal: false,
        event: Event::TicketEdited(TicketEdited { changes: vec![] }),
    };
    let key = Key {
        by: Author::System,
        key: format!("touch-{seed}"),
        hash: "00".into(),
        made: "[]".into(),
        version: after.version,
        subject: Some(Subject::Ticket(ticket.id)),
        at: now,
    };
    Commit {
        tenant: world.tenant,
        epoch: Epoch::Seen(epoch(world).await),
        writes: vec![Write {
            before: Some(Row::Ticket(Head::bare(ticket.clone()))),
            after: Some(Row::Ticket(Head::bare(after))),
        }],
        reads: vec![],
        events: vec![event],
        jobs: vec![job],
        key: Some(key),
        done: None,
    }
}

/// Everything a [`touch`] could leave behind.
async fn traces(world: &World, ticket: TicketId) -> (Ticket, usize, i64, bool) {
    let (_, depth) = world.store.dead("touch", 1).await.unwrap();
    let mut known = false;
    for seed in 0..10 {
        let key = format!("touch-{seed}");
        let loaded = world.store.load(world.tenant, &Default::default(), Some((&Author::System, &key))).await.unwrap();
        known |= loaded.earlier.is_some();
    }
    // Its end may move over places that a refused commit left empty.
    let (events, _) = world.store.after(None, Cursor::START, 500).await.unwrap();
    (head(world, ticket).await, events.len(), depth.live, known)
}

async fn is_refused(world: &World, ticket: TicketId, commit: Commit) {
    let before = traces(world, ticket).await;
    assert_eq!(world.store.commit(commit).await.unwrap(), Outcome::Stale);
    assert_eq!(traces(world, ticket).await, before, "a refused commit left something behind");
}

pub(super) async fn a_commit_is_atomic(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    let before = head(&world, id).await;
    let at = world.store.head().await.unwrap();
    let commit = touch(&world, &before, 1).await;
    let Outcome::Done(Some(cursor)) = world.store.commit(commit).await.unwrap() else { panic!("not done") };
    let (after, _, jobs, known) = traces(&world, id).await;
    assert_eq!((after.version, after.priority, jobs, known), (2, Priority::Critical, 1, true));
    assert!(cursor > at && world.store.head().await.unwrap() >= cursor);
    let (events, _) = world.store.after(Some(world.tenant), at, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.cursor).collect::<Vec<_>>(), [cursor]);
}

pub(super) async fn a_command_is_one_load_and_one_commit(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("warm").await;
    let calls = |expected: &[&'static str]| {
        let calls = world.store.calls();
        let told: Vec<&str> = calls.iter().flat_map(|(name, n)| vec![*name; *n as usize]).collect();
        assert_eq!(told, expected);
    };
    world.store.calls();
    world.must(&world.ana, Comment::public(id, "hello").keyed("k")).await;
    calls(&["commit", "load"]);
    let patch = Patch { title: Some("cold".into()), ..Patch::default() };
    world.must(&world.ana, EditTicket::new(id, patch).expecting(2)).await;
    calls(&["commit", "load"]);
    world.must(&world.ana, crate::command::MoveTo::new(id, "start")).await;
    calls(&["commit", "load"]);
    // A creation needs nothing but the policy, which the commit checks.
    world.must(&world.ana, CreateTicket::new(world.it, "one more, for its number")).await;
    calls(&["commit", "draw"]);
    world.must(&world.ana, CreateTicket::new(world.it, "whoever repeats it must be found").keyed("new")).await;
    calls(&["commit", "draw", "load"]);
    let page = crate::desk::read::Page::first(50);
    assert_eq!(world.desk.tickets(&world.ana, &crate::Filter::All, page).await.unwrap().len(), 3);
    calls(&["find"]);
    world.desk.ticket(&world.ana, id).await.unwrap();
    calls(&["ticket"]);
}

pub(super) async fn a_stale_version_changes_nothing(bench: &Bench) {
    let world = bench.world().await;
    let (one, two) = (world.ticket("one").await, world.ticket("two").await);
    let mut commit = touch(&world, &head(&world, one).await, 1).await;
    // The second write is the stale one: the first must not stay.
    let other = head(&world, two).await;
    commit.writes.extend(touch(&world, &other, 2).await.writes);
    world
        .must(&world.ana, EditTicket::new(two, Patch { priority: Some(Some(Priority::Low)), ..Patch::default() }))
        .await;
    is_refused(&world, one, commit).await;
}

pub(super) async fn a_stale_epoch_changes_nothing(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    let commit = touch(&world, &head(&world, id).await, 1).await;
    let moving = Commit { epoch: Epoch::Move(epoch(&world).await), ..commit.clone() };
    world.must(&world.root, GrantRole::new(Role::Auditor, World::id(&world.rob))).await;
    is_refused(&world, id, commit).await;
    is_refused(&world, id, moving).await;
}

pub(super) async fn a_stale_read_changes_nothing(bench: &Bench) {
    let world = bench.world().await;
    let (one, two) = (world.ticket("one").await, world.ticket("two").await);
    let commit = touch(&world, &head(&world, one).await, 1).await;
    let stale = Commit { reads: vec![(two, 1)], ..commit.clone() };
    world.must(&world.ana, Comment::public(two, "hello")).await;
    is_refused(&world, one, stale).await;
    let missing = Commit { reads: vec![(TicketId::NIL, 1)], ..commit.clone() };
    is_refused(&world, one, missing).await;
    let holds = Commit { reads: vec![(two, 2)], ..commit };
    assert!(matches!(world.store.commit(holds).await.unwrap(), Outcome::Done(Some(_))));
}

pub(super) async fn a_taken_name_changes_nothing(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    let mut commit = touch(&world, &head(&world, id).await, 1).await;
    let config = world.store.config(world.tenant).await.unwrap().unwrap();
    let project = config.projects[&world.it].clone();
    let twin = crate::org::Project { id: Chance::new(9).uuid(1).into(), ..project };
    commit.writes.push(Write { before: None, after: Some(Row::Project(twin)) });
    is_refused(&world, id, commit).await;
    // A key that is in use is a race like any other.
    let first = touch(&world, &head(&world, id).await, 2).await;
    assert!(matches!(world.store.commit(first).await.unwrap(), Outcome::Done(Some(_))));
    let mut again = touch(&world, &head(&world, id).await, 3).await;
    if let Some(key) = &mut again.key {
        key.key = "touch-2".into();
    }
    is_refused(&world, id, again).await;
}

pub(super) async fn the_epoch_moves_once(bench: &Bench) {
    let world = bench.world().await;
    let before = epoch(&world).await;
    world.must(&world.root, DefineTag::new(world.it, "cable")).await;
    assert_eq!(epoch(&world).await, before + 1);
    world.ticket("does not move it").await;
    assert_eq!(epoch(&world).await, before + 1);
    let (seen, _) = world.store.standing(&world.ana).await.unwrap();
    assert_eq!(seen, before + 1);
    let loaded = world.store.load(world.tenant, &Default::default(), None).await.unwrap();
    assert_eq!(loaded.epoch, Some(before + 1));
}

pub(super) async fn a_key_gives_the_same_answer(bench: &Bench) {
    let world = bench.world().await;
    let ask = || CreateTicket::new(world.it, "once").keyed("k1");
    let first = world.act(&world.ana, ask()).await.unwrap();
    let again = world.act(&world.ana, ask()).await.unwrap();
    assert_eq!((again.out, again.version, again.cursor), (first.out, first.version, first.cursor));
    assert!(first.changed && !again.changed);
    let comment = || Comment::public(first.out, "once").keyed("k2");
    let one = world.act(&world.ana, comment()).await.unwrap();
    world.must(&world.ben, Comment::public(first.out, "between")).await;
    let two = world.act(&world.ana, comment()).await.unwrap();
    assert_eq!((two.out, two.version, two.cursor), (one.out, 2, one.cursor));
    assert_eq!(head(&world, first.out).await.version, 3);
}

pub(super) async fn a_key_refuses_other_input(bench: &Bench) {
    let world = bench.world().await;
    world.act(&world.ana, CreateTicket::new(world.it, "once").keyed("k1")).await.unwrap();
    let error = world.act(&world.ana, CreateTicket::new(world.it, "other").keyed("k1")).await.unwrap_err();
    assert_eq!(error.code(), "IDEMPOTENCY_KEY_REUSED");
}

pub(super) async fn keys_of_different_people_never_meet(bench: &Bench) {
    let world = bench.world().await;
    let ask = || CreateTicket::new(world.it, "once").keyed("k1");
    let ana = world.act(&world.ana, ask()).await.unwrap().out;
    let ben = world.act(&world.ben, ask()).await.unwrap().out;
    assert_ne!(ana, ben);
}

pub(super) async fn keys_expire_by_sweep(bench: &Bench) {
    let world = bench.world().await;
    let ask = || CreateTicket::new(world.it, "once").keyed("k1");
    let first = world.act(&world.ana, ask()).await.unwrap().out;
    let now = world.clock.now();
    let sweep = |keys| Sweep { keys, runs: Timestamp::from_millis(0), now };
    world.store.sweep(sweep(now)).await.unwrap();
    assert_eq!(world.act(&world.ana, ask()).await.unwrap().out, first, "not older than the limit");
    assert!(world.store.sweep(sweep(now.plus_millis(1))).await.unwrap() >= 1);
    assert_ne!(world.act(&world.ana, ask()).await.unwrap().out, first);
}

pub(super) async fn a_key_lives_without_events(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    let same = || EditTicket::new(id, Patch { title: Some("one".into()), ..Patch::default() }).keyed("k1");
    let first = world.act(&world.ana, same()).await.unwrap();
    assert!(!first.changed && first.version == 1, "{first:?}");
    let again = world.act(&world.ana, same()).await.unwrap();
    assert_eq!((again.version, again.changed), (1, false));
    let other = world.act(&world.ana, Comment::public(id, "x").keyed("k1")).await.unwrap_err();
    assert_eq!(other.code(), "IDEMPOTENCY_KEY_REUSED");
}

pub(super) async fn plugin_values_count_versions(bench: &Bench) {
    let world = bench.world().await;
    let now = world.clock.now();
    let kv = |key: &str, version, expires_at| Kv {
        tenant: world.tenant,
        plugin: "triage".into(),
        key: key.into(),
        value: vec![0, 255, version as u8],
        version,
        expires_at,
    };
    let epoch = epoch(&world).await;
    let store = async |before: Option<Kv>, after: Option<Kv>| {
        let write = Write { before: before.map(Row::Kv), after: after.map(Row::Kv) };
        let commit = Commit {
            tenant: world.tenant,
            epoch: Epoch::Seen(epoch),
            writes: vec![write],
            reads: vec![],
            events: vec![],
            jobs: vec![],
            key: None,
            done: None,
        };
        world.store.commit(commit).await.unwrap()
    };
    assert_eq!(store(None, Some(kv("a/1", 1, None))).await, Outcome::Done(None));
    assert_eq!(store(None, Some(kv("a/1", 1, None))).await, Outcome::Stale, "it exists already");
    assert_eq!(store(Some(kv("a/1", 1, None)), Some(kv("a/1", 2, None))).await, Outcome::Done(None));
    assert_eq!(store(Some(kv("a/1", 1, None)), Some(kv("a/1", 3, None))).await, Outcome::Stale);
    assert_eq!(world.store.kv(world.tenant, "triage", "a/1").await.unwrap(), Some(kv("a/1", 2, None)));
    assert_eq!(world.store.kv(world.tenant, "other", "a/1").await.unwrap(), None);
    for key in ["a/2", "a/3", "b/1", "a%"] {
        assert_eq!(store(None, Some(kv(key, 1, None))).await, Outcome::Done(None));
    }
    let keys = async |prefix, after, limit| {
        world.store.kv_keys(world.tenant, "triage", prefix, after, now, limit).await.unwrap()
    };
    let bytes = async |at| world.store.kv_bytes(world.tenant, "triage", at).await.unwrap();
    assert_eq!(keys("a/", None, 10).await, ["a/1", "a/2", "a/3"]);
    assert_eq!(keys("a/", Some("a/1"), 1).await, ["a/2"]);
    assert_eq!(keys("a%", None, 10).await, ["a%"]);
    assert_eq!(store(Some(kv("a/1", 2, None)), None).await, Outcome::Done(None));
    assert_eq!(keys("a/", None, 10).await, ["a/2", "a/3"]);
    let short = kv("c", 1, Some(now.plus_millis(1000)));
    assert_eq!(bytes(now).await, 3 + 3 + 3 + 2 + 4 * 3, "keys and values");
    assert_eq!(store(None, Some(short)).await, Outcome::Done(None));
    assert_eq!(bytes(now).await, 23 + 1 + 3);
    assert_eq!(keys("c", None, 10).await, ["c"]);
    // What has expired is not there any more, though nothing has swept it yet.
    let end = now.plus_millis(1000);
    let late = world.store.kv_keys(world.tenant, "triage", "", None, end, 10).await.unwrap();
    assert_eq!(late, ["a%", "a/2", "a/3", "b/1"]);
    assert_eq!(bytes(end).await, 23);
    assert_eq!(world.store.kv_bytes(world.tenant, "other", now).await.unwrap(), 0);
    let (start, later) = (Timestamp::from_millis(0), now.plus_millis(2000));
    world.store.sweep(Sweep { keys: start, runs: start, now: later }).await.unwrap();
    assert_eq!(world.store.kv(world.tenant, "triage", "c").await.unwrap(), None);
}

pub(super) async fn runs_are_kept_newest_first(bench: &Bench) {
    let world = bench.world().await;
    let now = world.clock.now();
    let run = |n: i64| RunRecord {
        tenant: world.tenant,
        id: Chance::new(n.unsigned_abs()).uuid(n).into(),
        plugin: "triage".into(),
        event: "ticket.created".into(),
        outcome: "done".into(),
        message: "ok".into(),
        effects: 2,
        fuel: 10,
        micros: 5,
        at: now.plus_millis(n),
    };
    let commit = Commit {
        tenant: world.tenant,
        epoch: Epoch::Seen(epoch(&world).await),
        writes: (0..3).map(|n| Write { before: None, after: Some(Row::Run(run(n))) }).collect(),
        reads: vec![],
        events: vec![],
        jobs: vec![],
        key: None,
        done: None,
    };
    assert_eq!(world.store.commit(commit).await.unwrap(), Outcome::Done(None));
    assert_eq!(world.store.runs(world.tenant, "triage", 2).await.unwrap(), [run(2), run(1)]);
    assert!(world.store.runs(world.tenant, "other", 2).await.unwrap().is_empty());
    // Those from the limit on stay; neither the time nor the limit of the keys is theirs.
    let sweep = |runs| Sweep { keys: Timestamp::from_millis(0), runs, now: now.plus_millis(60_000) };
    assert_eq!(world.store.sweep(sweep(now)).await.unwrap(), 0);
    assert_eq!(world.store.sweep(sweep(now.plus_millis(2))).await.unwrap(), 2);
    assert_eq!(world.store.runs(world.tenant, "triage", 9).await.unwrap(), [run(2)]);
}
