//! Jobs: leased, proved, retried, given up.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::Bench;
use super::commits::{epoch, head, touch};
use crate::command::CreateTicket;
use crate::desk::Set;
use crate::event::Cursor;
use crate::id::JobId;
use crate::store::{Commit, Epoch, Job, Lease, Log, NewJob, Outcome, Queue, Release, Store};
use crate::testing::{Chance, World};
use crate::time::{Clock, Timestamp};

/// A job of queue `q`.
fn job(world: &World, key: &str, subject: &str, seq: i64) -> NewJob {
    let seed = key.bytes().chain(subject.bytes()).fold(seq.unsigned_abs() + 1, |sum, byte| sum * 31 + u64::from(byte));
    NewJob {
        tenant: world.tenant,
        id: JobId::from(Chance::new(seed).uuid(world.clock.now().millis())),
        queue: "q".into(),
        key: key.into(),
        subject: subject.into(),
        seq,
        priority: 1,
        run_at: world.clock.now(),
        tries: 3,
        data: format!("{{\"key\":\"{key}\"}}"),
    }
}

async fn enqueue(world: &World, jobs: Vec<NewJob>) {
    world.desk.act_all(&world.host(), Set { jobs, ..Set::default() }).await.unwrap();
}

async fn claim(world: &World, limit: u16) -> Vec<Job> {
    let now = world.clock.now();
    world.store.claim("q", limit, now, now.plus_millis(10_000)).await.unwrap()
}

fn keys(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.job.key.as_str()).collect()
}

/// Finishes a job and nothing else.
async fn finish(world: &World, lease: Lease) -> Outcome {
    let commit = Commit {
        tenant: world.tenant,
        epoch: Epoch::Seen(epoch(world).await),
        writes: vec![],
        reads: vec![],
        events: vec![],
        jobs: vec![],
        key: None,
        done: Some(lease),
    };
    world.store.commit(commit).await.unwrap()
}

pub(super) async fn claims_are_in_order_of_priority_and_time(bench: &Bench) {
    let world = bench.world().await;
    let now = world.clock.now();
    let at = |key: &str, priority, run_at| NewJob { priority, run_at, ..job(&world, key, "", 0) };
    let jobs = vec![
        at("low", 2, now.plus_millis(-9)),
        at("late", 1, now.plus_millis(-1)),
        at("early", 1, now.plus_millis(-5)),
        at("high", 0, now),
        at("future", 0, now.plus_millis(1)),
    ];
    enqueue(&world, jobs).await;
    let mut claimed = claim(&world, 3).await;
    claimed.sort_by_key(|job| (job.job.priority, job.job.run_at));
    assert_eq!(keys(&claimed), ["high", "early", "late"]);
    assert!(claimed.iter().all(|job| job.attempt == 1 && job.error.is_none() && job.lease.tenant == world.tenant));
    assert_eq!(claimed[0].job.data, "{\"key\":\"high\"}");
    assert_eq!(keys(&claim(&world, 3).await), ["low"]);
    assert!(claim(&world, 3).await.is_empty());
    world.clock.advance(1);
    assert_eq!(keys(&claim(&world, 3).await), ["future"]);
    let other = world.store.claim("other", 3, now, now).await.unwrap();
    assert!(other.is_empty());
}

pub(super) async fn one_of_a_subject_at_a_time(bench: &Bench) {
    let world = bench.world().await;
    // Enqueued out of order, and with the later one due earlier.
    let mut jobs = vec![job(&world, "a3", "a", 3), job(&world, "a1", "a", 1), job(&world, "a2", "a", 2)];
    jobs[0].run_at = world.clock.now().plus_millis(-100);
    jobs.extend([job(&world, "b1", "b", 1), job(&world, "free1", "", 1), job(&world, "free2", "", 2)]);
    enqueue(&world, jobs).await;
    let first = claim(&world, 10).await;
    let mut names = keys(&first);
    names.sort_unstable();
    assert_eq!(names, ["a1", "b1", "free1", "free2"]);
    assert!(claim(&world, 10).await.is_empty(), "a1 is being worked on");
    let a1 = first.iter().find(|job| job.job.key == "a1").unwrap();
    assert_eq!(finish(&world, a1.lease).await, Outcome::Done(None));
    let second = claim(&world, 10).await;
    assert_eq!(keys(&second), ["a2"]);
    // One that waits for its next try still stands before the later ones.
    let retry = Release::Retry(world.clock.now().plus_millis(1000), "busy".into());
    assert!(world.store.release(second[0].lease, &retry).await.unwrap());
    assert!(claim(&world, 10).await.is_empty());
    world.clock.advance(1000);
    assert_eq!(keys(&claim(&world, 10).await), ["a2"]);
}

pub(super) async fn a_lease_is_proved_in_the_commit(bench: &Bench) {
    let world = bench.world().await;
    enqueue(&world, vec![job(&world, "one", "", 0)]).await;
    let claimed = claim(&world, 1).await;
    let id = world.ticket("t").await;
    let commit = Commit { done: Some(claimed[0].lease), ..touch(&world, &head(&world, id).await, 1).await };
    assert!(matches!(world.store.commit(commit.clone()).await.unwrap(), Outcome::Done(Some(_))));
    assert!(claim(&world, 1).await.is_empty());
    let (_, depth) = world.store.dead("q", 1).await.unwrap();
    assert_eq!((depth.live, depth.dead), (0, 0), "a finished job is gone");
    assert_eq!(finish(&world, claimed[0].lease).await, Outcome::LeaseLost, "it is finished once");
}

pub(super) async fn a_lost_lease_cannot_commit(bench: &Bench) {
    let world = bench.world().await;
    enqueue(&world, vec![job(&world, "one", "", 0)]).await;
    let slow = claim(&world, 1).await.remove(0);
    world.clock.advance(10_001);
    let fast = claim(&world, 1).await.remove(0);
    assert_eq!((fast.attempt, fast.lease.job), (2, slow.lease.job));
    assert_ne!(fast.lease.token, slow.lease.token);
    let id = world.ticket("t").await;
    let before = head(&world, id).await;
    let commit = Commit { done: Some(slow.lease), ..touch(&world, &before, 1).await };
    assert_eq!(world.store.commit(commit).await.unwrap(), Outcome::LeaseLost);
    assert_eq!(head(&world, id).await, before);
    let subject = crate::event::Subject::Ticket(id);
    assert_eq!(world.store.history(world.tenant, &subject, 0, 10).await.unwrap().len(), 1);
    assert!(!world.store.release(slow.lease, &Release::Return).await.unwrap());
    let create = CreateTicket::new(world.it, "by the slow one");
    let set = Set { commands: vec![create.into()], done: Some(slow.lease), ..Set::default() };
    assert_eq!(world.desk.act_all(&world.ana, set).await.unwrap_err().code(), "LEASE_LOST");
    assert_eq!(finish(&world, fast.lease).await, Outcome::Done(None));
}

pub(super) async fn a_lease_is_renewed_or_taken_over(bench: &Bench) {
    let world = bench.world().await;
    enqueue(&world, vec![job(&world, "one", "", 0), job(&world, "two", "", 0)]).await;
    let held = claim(&world, 2).await;
    let leases: Vec<Lease> = held.iter().map(|job| job.lease).collect();
    let forged = Lease { token: Chance::new(1).uuid(1), ..leases[0] };
    world.clock.advance(9_000);
    let until = world.clock.now().plus_millis(10_000);
    assert_eq!(world.store.renew(&[leases[0], forged], until).await.unwrap(), [leases[0]]);
    world.clock.advance(5_000);
    let taken = claim(&world, 2).await;
    assert_eq!(taken.len(), 1, "only the one that was not renewed");
    assert_eq!(taken[0].lease.job, leases[1].job);
    let still = world.store.renew(&leases, until).await.unwrap();
    assert_eq!(still, [leases[0]]);
    assert!(world.store.renew(&[], until).await.unwrap().is_empty());
}

pub(super) async fn a_retry_waits(bench: &Bench) {
    let world = bench.world().await;
    enqueue(&world, vec![job(&world, "one", "", 0)]).await;
    let first = claim(&world, 1).await.remove(0);
    let later = world.clock.now().plus_millis(500);
    assert!(world.store.release(first.lease, &Release::Retry(later, "no answer".into())).await.unwrap());
    assert!(claim(&world, 1).await.is_empty());
    world.clock.advance(500);
    let second = claim(&world, 1).await.remove(0);
    assert_eq!((second.attempt, second.error.as_deref()), (2, Some("no answer")));
    assert!(!world.store.release(first.lease, &Release::Return).await.unwrap(), "the old lease is worth nothing");
}

pub(super) async fn a_returned_job_is_untried(bench: &Bench) {
    let world = bench.world().await;
    enqueue(&world, vec![job(&world, "one", "", 0)]).await;
    let first = claim(&world, 1).await.remove(0);
    assert!(world.store.release(first.lease, &Release::Return).await.unwrap());
    let second = claim(&world, 1).await.remove(0);
    assert_eq!((first.attempt, second.attempt), (1, 1));
    let later = world.clock.now().plus_millis(500);
    assert!(world.store.release(second.lease, &Release::Later(later, "not here".into())).await.unwrap());
    assert!(claim(&world, 1).await.is_empty());
    world.clock.advance(500);
    let third = claim(&world, 1).await.remove(0);
    assert_eq!((third.attempt, third.error.as_deref()), (1, Some("not here")));
}

pub(super) async fn a_dead_letter_does_not_block(bench: &Bench) {
    let world = bench.world().await;
    enqueue(&world, vec![job(&world, "a1", "a", 1), job(&world, "a2", "a", 2)]).await;
    let first = claim(&world, 5).await;
    assert_eq!(keys(&first), ["a1"]);
    assert!(world.store.release(first[0].lease, &Release::Dead("poison".into())).await.unwrap());
    assert_eq!(keys(&claim(&world, 5).await), ["a2"]);
    let (dead, depth) = world.store.dead("q", 10).await.unwrap();
    assert_eq!((depth.live, depth.dead), (1, 1));
    assert_eq!((keys(&dead), dead[0].error.as_deref(), dead[0].attempt), (vec!["a1"], Some("poison"), 1));
    assert_eq!(dead[0].job.data, "{\"key\":\"a1\"}", "kept whole");
    world.clock.advance(1_000_000);
    assert_eq!(keys(&claim(&world, 5).await), ["a2"], "a dead letter is not tried");
}

pub(super) async fn a_dead_letter_is_revived(bench: &Bench) {
    let world = bench.world().await;
    enqueue(&world, vec![job(&world, "one", "", 0)]).await;
    let first = claim(&world, 1).await.remove(0);
    let now = world.clock.now();
    assert!(!world.store.revive(world.tenant, first.lease.job, now).await.unwrap(), "it is not dead");
    assert!(world.store.release(first.lease, &Release::Dead("poison".into())).await.unwrap());
    assert!(!world.store.revive(crate::id::TenantId::NIL, first.lease.job, now).await.unwrap());
    assert!(world.store.revive(world.tenant, first.lease.job, now).await.unwrap());
    let again = claim(&world, 1).await.remove(0);
    assert_eq!((again.attempt, again.lease.job, again.error), (1, first.lease.job, None), "as if never tried");
    assert_eq!(world.store.dead("q", 1).await.unwrap().1.dead, 0);
}

pub(super) async fn enqueueing_again_moves_the_job(bench: &Bench) {
    let world = bench.world().await;
    let later = world.clock.now().plus_millis(60_000);
    enqueue(&world, vec![NewJob { run_at: later, ..job(&world, "one", "", 0) }]).await;
    let twin = NewJob { id: JobId::from(Chance::new(77).uuid(1)), ..job(&world, "one", "", 0) };
    enqueue(&world, vec![twin]).await;
    let (_, depth) = world.store.dead("q", 1).await.unwrap();
    assert_eq!(depth.live, 1);
    assert_eq!(keys(&claim(&world, 5).await), ["one"]);
    // The same key of another tenant is another job.
    let other = World::found(bench.store().await, "umbrella").await;
    enqueue(&other, vec![job(&other, "one", "", 0)]).await;
    assert_eq!(world.store.dead("q", 1).await.unwrap().1.live, 2);
}

pub(super) async fn two_claimers_never_share(bench: &Bench) {
    let world = bench.world().await;
    enqueue(&world, (0..40).map(|n| job(&world, &format!("j{n}"), "", n)).collect()).await;
    let now = world.clock.now();
    let mut claimers = vec![];
    for _ in 0..4 {
        let store = bench.store().await;
        claimers.push(tokio::spawn(async move {
            let mut mine: Vec<String> = vec![];
            for _ in 0..40 {
                let jobs = store.claim("q", 3, now, now.plus_millis(10_000)).await.unwrap();
                mine.extend(jobs.into_iter().map(|job| job.job.key));
            }
            mine
        }));
    }
    let all: Vec<String> = join_all(claimers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (40, 40));
}

pub(super) async fn advance_is_compare_and_set(bench: &Bench) {
    let world = bench.world().await;
    let head = world.store.head().await.unwrap();
    assert_eq!(world.store.position("sub").await.unwrap(), head, "a new subscriber begins at the end");
    world.ticket("t").await;
    assert_eq!(world.store.position("sub").await.unwrap(), head, "and is remembered");
    let to = world.store.head().await.unwrap();
    let jobs = [job(&world, "one", "", 0)];
    assert!(!world.store.advance("sub", Cursor::START, to, &jobs).await.unwrap());
    assert_eq!(world.store.dead("q", 1).await.unwrap().1.live, 0, "nothing of a lost race stays");
    assert!(world.store.advance("sub", head, to, &jobs).await.unwrap());
    assert!(!world.store.advance("sub", head, to, &jobs).await.unwrap());
    assert_eq!(world.store.position("sub").await.unwrap(), to);
    assert_eq!(world.store.dead("q", 1).await.unwrap().1.live, 1);
}

pub(super) async fn jobs_are_told_when_due(bench: &Bench) {
    let world = bench.world().await;
    let queues = ["q".to_owned(), "other".to_owned()];
    assert_eq!(world.store.next_due(&queues).await.unwrap(), None);
    let now = world.clock.now();
    let at = |key: &str, millis| NewJob { run_at: now.plus_millis(millis), ..job(&world, key, "", 0) };
    enqueue(&world, vec![at("b", 200), at("a", 100)]).await;
    assert_eq!(world.store.next_due(&queues).await.unwrap(), Some(now.plus_millis(100)));
    assert_eq!(world.store.next_due(&queues[1..]).await.unwrap(), None);
    assert_eq!(world.store.next_due(&[]).await.unwrap(), None);
    world.clock.advance(100);
    assert_eq!(keys(&claim(&world, 1).await), ["a"]);
    let due: Option<Timestamp> = world.store.next_due(&queues).await.unwrap();
    assert!(due.is_some_and(|due| due >= now.plus_millis(200)), "what is leased is not due: {due:?}");
}
