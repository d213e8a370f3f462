//! Deliveries: every event once, whoever dies when.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Bench;
use crate::command::{CreateTicket, EditTicket, Patch};
use crate::desk::read::Page;
use crate::desk::{Desk, Set};
use crate::error::ActError;
use crate::event::{Envelope, Event};
use crate::feed::{Addressee, Delivery, Subscriber};
use crate::filter::Filter;
use crate::jobs::Verdict;
use crate::store::{Log, Queue, StoreError};
use crate::testing::{Faulty, World};
use crate::ticket::Priority;
use crate::time::Clock;

/// Comments on every new ticket, in the commit that ends the delivery; the first `hangs` deliveries never come back.
#[derive(Clone)]
struct Greeter {
    hangs: Arc<AtomicU32>,
    commits_first: bool,
}

impl Subscriber for Greeter {
    fn name(&self) -> &str {
        "greeter"
    }
    fn wants<'a>(
        &'a self,
        _: &'a Desk,
        events: &'a [Envelope],
    ) -> BoxFuture<'a, Result<Vec<Vec<Addressee>>, ActError>> {
        let hello = |event: &Envelope| {
            let wanted = matches!(event.event, Event::TicketCreated(_));
            wanted.then(|| Addressee { name: "hello".into(), tries: 3 }).into_iter().collect()
        };
        let all = events.iter().map(hello).collect();
        async move { Ok(all) }.boxed()
    }
    fn deliver<'a>(&'a self, desk: &'a Desk, delivery: &'a Delivery) -> BoxFuture<'a, Result<Verdict, ActError>> {
        async move {
            let hangs = self.hangs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            if hangs && !self.commits_first {
                std::future::pending::<()>().await;
            }
            let ticket = delivery.event.subject.ticket().expect("about a ticket");
            let hello = crate::command::Comment::public(ticket, "hello");
            let set = Set { commands: vec![hello.into()], done: Some(delivery.lease), ..Set::default() };
            desk.act_all(&crate::Actor::system_of(delivery.event.tenant), set).await?;
            if hangs {
                std::future::pending::<()>().await;
            }
            Ok(Verdict::Committed)
        }
        .boxed()
    }
}

async fn desk(bench: &Bench, world: &World, greeter: &Greeter) -> Desk {
    let store = Faulty::calm(bench.store().await);
    Desk::builder(store).clock(world.clock.clone()).extend(greeter.clone()).build().await.unwrap()
}

async fn greetings(world: &World) -> Vec<usize> {
    let views = world.desk.tickets(&world.ana, &Filter::All, Page::first(100)).await.unwrap();
    let mut counts = vec![];
    for view in views {
        counts.push(world.desk.entries(&world.ana, view.case.ticket.id, None, 100).await.unwrap().len());
    }
    counts
}

pub(super) async fn every_event_is_delivered_once(bench: &Bench) {
    let world = bench.world().await;
    let greeter = Greeter { hangs: Arc::default(), commits_first: false };
    let (one, two) = (desk(bench, &world, &greeter).await, desk(bench, &world, &greeter).await);
    one.tick().await.unwrap();
    for n in 0..10 {
        let id = one.act(&world.ana, CreateTicket::new(world.it, format!("t{n}"))).await.unwrap().out;
        let patch = Patch { priority: Some(Some(Priority::High)), ..Patch::default() };
        one.act(&world.ana, EditTicket::new(id, patch)).await.unwrap();
    }
    // Two nodes at the same time.
    let (a, b) = tokio::join!(one.tick(), two.tick());
    let done = a.unwrap().done + b.unwrap().done + one.tick().await.unwrap().done;
    assert_eq!(done, 10);
    assert_eq!(greetings(&world).await, [1; 10]);
    assert_eq!(world.store.dead("deliver:greeter", 1).await.unwrap().1, Default::default());
}

pub(super) async fn a_crash_between_delivers_once(bench: &Bench) {
    for commits_first in [false, true] {
        let key = if commits_first { "after" } else { "before" };
        let world = World::found(bench.store().await, key).await;
        let greeter = Greeter { hangs: Arc::default(), commits_first };
        let desk = desk(bench, &world, &greeter).await;
        desk.tick().await.unwrap();
        for n in 0..3 {
            desk.act(&world.ana, CreateTicket::new(world.it, format!("t{n}"))).await.unwrap();
        }
        greeter.hangs.store(2, Ordering::SeqCst);
        // The worker dies in the middle: its future is dropped.
        let died = tokio::time::timeout(std::time::Duration::from_millis(400), desk.tick()).await;
        assert!(died.is_err(), "two deliveries hang");
        desk.tick().await.unwrap();
        world.clock.advance(31_000);
        desk.tick().await.unwrap();
        assert_eq!(greetings(&world).await, [1; 3], "commits first: {commits_first}");
        assert!(!desk.store().dead("deliver:greeter", 1).await.unwrap().1.live.is_positive());
    }
}

pub(super) async fn a_new_subscriber_begins_at_the_end(bench: &Bench) {
    let world = bench.world().await;
    world.ticket("before it subscribed").await;
    let greeter = Greeter { hangs: Arc::default(), commits_first: false };
    let desk = desk(bench, &world, &greeter).await;
    assert_eq!(desk.tick().await.unwrap().done, 0);
    assert_eq!(world.store.position("greeter").await.unwrap(), world.store.head().await.unwrap());
    world.ticket("after it").await;
    assert_eq!(desk.tick().await.unwrap().done, 1);
}

/// Meets with what its script says, first to last, and then is done.
#[derive(Clone, Default)]
struct Unlucky {
    script: Arc<Mutex<VecDeque<Mishap>>>,
    attempts: Arc<Mutex<Vec<i32>>>,
}

#[derive(Clone, Copy)]
enum Mishap {
    Database,
    Host,
    Own,
    /// The database refuses, and will again.
    Data,
}

impl Subscriber for Unlucky {
    fn name(&self) -> &str {
        "unlucky"
    }
    fn wants<'a>(
        &'a self,
        _: &'a Desk,
        events: &'a [Envelope],
    ) -> BoxFuture<'a, Result<Vec<Vec<Addressee>>, ActError>> {
        let all = events.iter().map(|_| vec![Addressee { name: "it".into(), tries: 2 }]).collect();
        async move { Ok(all) }.boxed()
    }
    fn deliver<'a>(&'a self, _: &'a Desk, delivery: &'a Delivery) -> BoxFuture<'a, Result<Verdict, ActError>> {
        self.attempts.lock().unwrap().push(delivery.attempt);
        let next = self.script.lock().unwrap().pop_front();
        let ended = match next {
            None => Ok(Verdict::Done),
            Some(Mishap::Database) => Err(StoreError::Unavailable("out to lunch".into()).into()),
            Some(Mishap::Host) => Ok(Verdict::Fault("a defect".into())),
            Some(Mishap::Data) => Err(StoreError::Defect("it holds what it should not".into()).into()),
            Some(Mishap::Own) => Ok(Verdict::Retry(None, "its own".into())),
        };
        async move { ended }.boxed()
    }
}

pub(super) async fn faults_of_the_host_are_no_tries(bench: &Bench) {
    use Mishap::{Data, Database, Host, Own};
    let world = bench.world().await;
    let unlucky = Unlucky::default();
    let store = Faulty::calm(bench.store().await);
    let desk = Desk::builder(store).clock(world.clock.clone()).extend(unlucky.clone()).build().await.unwrap();
    desk.tick().await.unwrap();
    let queues = ["deliver:unlucky".to_owned()];
    // Moves to when the delivery is due; answers how long that was.
    let wait = async || {
        let due = desk.store().next_due(&queues).await.unwrap().unwrap();
        let wait = due.millis() - world.clock.now().millis();
        world.clock.advance(wait - 1);
        assert_eq!(desk.tick().await.unwrap(), Default::default(), "not before it is due");
        world.clock.advance(1);
        wait
    };
    for (own, dead) in [(&[Own][..], false), (&[Data, Own], true)] {
        let ran: Vec<Mishap> = [Database, Host].repeat(6).into_iter().chain(own.iter().copied()).collect();
        unlucky.script.lock().unwrap().extend(ran);
        unlucky.attempts.lock().unwrap().clear();
        world.ticket("t").await;
        let mut last = 0;
        for nth in 0..12 {
            let round = desk.tick().await.unwrap();
            assert_eq!((round.done, round.retried, round.dead), (0, 1, 0), "fault {nth}");
            let waited = wait().await;
            assert!((1000..=375_000).contains(&waited) && (waited > last || waited >= 300_000), "{last} {waited}");
            last = waited;
        }
        assert!(last >= 300_000);
        assert_eq!(desk.tick().await.unwrap().retried, 1);
        assert!(wait().await < 2000, "its own failures wait by their own number");
        let round = desk.tick().await.unwrap();
        assert_eq!((round.done, round.dead), if dead { (0, 1) } else { (1, 0) });
        let attempts = unlucky.attempts.lock().unwrap().clone();
        assert_eq!(attempts, [vec![1; 13], vec![2]].concat());
    }
}
