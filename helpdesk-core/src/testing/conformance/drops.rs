//! Futures dropped half-way change nothing or everything; a closed store says so.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use super::Bench;
use crate::command::{Asking, Comment, CreateTicket};
use crate::desk::Desk;
use crate::store::{Log, Which};
use crate::store::{Store, StoreError};
use crate::testing::{Faulty, World};
use crate::time::Clock;

/// Wakes a task of tokio when the polled future could go on.
struct Bell(tokio::sync::Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Polls `future` `times` times, each time after it woke, then drops it; whether it ended.
async fn poll_and_drop<F: Future>(future: F, times: usize) -> bool {
    let bell = Arc::new(Bell(tokio::sync::Notify::new()));
    let waker = Waker::from(bell.clone());
    let mut future = pin!(future);
    for i in 0..times {
        if i > 0 {
            // A future that waits for a timer alone would never wake here.
            let _ = tokio::time::timeout(Duration::from_secs(5), bell.0.notified()).await;
        }
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            return true;
        }
    }
    false
}

async fn fresh_desk(bench: &Bench, world: &World) -> Desk {
    Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap()
}

pub(super) async fn a_dropped_command_is_whole_or_nothing(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    let desk = fresh_desk(bench, &world).await;
    let mut ended = 0;
    for k in 0..200 {
        let body = format!("words{k} together");
        let ask = Comment::public(id, &body).keyed(format!("k{k}"));
        let before = version(&world, id).await;
        if poll_and_drop(desk.act(&world.ana, ask.clone()), k).await {
            ended += 1;
        }
        // What was on its way may still arrive: the answer under the same key settles it.
        let done = desk.act(&world.ana, ask).await.unwrap();
        assert_eq!((done.version, version(&world, id).await), (before + 1, before + 1), "dropped after {k} polls");
        let entries = world.store.entries(world.tenant, id, None, 300).await.unwrap();
        assert_eq!(entries.iter().filter(|entry| entry.body == body).count(), 1, "dropped after {k} polls");
        let subject = crate::event::Subject::Ticket(id);
        let events = world.store.history(world.tenant, &subject, before, 10).await.unwrap();
        assert_eq!(events.len(), 1, "dropped after {k} polls");
        if ended == 3 {
            return;
        }
    }
    panic!("it never ended");
}

pub(super) async fn a_dropped_creation_is_whole_or_nothing(bench: &Bench) {
    let world = bench.world().await;
    let desk = fresh_desk(bench, &world).await;
    for k in 0..200 {
        let seed = crate::testing::Chance::new(k as u64).uuid(world.clock.now().millis());
        let create = CreateTicket { id: Some(seed.into()), ..CreateTicket::new(world.it, format!("t{k}")) };
        let over = poll_and_drop(desk.act(&world.ana, create.description("words")), k).await;
        // Nothing, or the head with its text, its people and its event. What was on its way may arrive between the two
        // looks: then look again.
        let subject = crate::event::Subject::Ticket(seed.into());
        let (parts, events) = loop {
            let before = world.store.history(world.tenant, &subject, 0, 10).await.unwrap();
            let (_, parts) = world.store.ticket(world.tenant, &Which::Id(seed.into()), 10).await.unwrap();
            let after = world.store.history(world.tenant, &subject, 0, 10).await.unwrap();
            if before.len() == after.len() {
                break (parts, after);
            }
        };
        let there = parts.as_ref().map(|parts| (parts.text.is_some(), parts.people.len(), events.len()));
        assert!(there.is_none_or(|there| there == (true, 2, 1)), "dropped after {k} polls: {there:?}");
        assert_eq!(parts.is_some(), !events.is_empty(), "dropped after {k} polls");
        // And the desk goes on.
        world.ticket("next").await;
        if over {
            return;
        }
    }
    panic!("it never ended");
}

async fn version(world: &World, id: crate::id::TicketId) -> i64 {
    super::commits::head(world, id).await.version
}

pub(super) async fn a_closed_store_is_unavailable(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    world.desk.close().await;
    let is_closed = |error: StoreError| assert_eq!(error.code(), "UNAVAILABLE", "{error}");
    is_closed(world.store.head().await.unwrap_err());
    is_closed(world.store.ticket(world.tenant, &Which::Id(id), 1).await.unwrap_err());
    is_closed(world.store.draw(world.tenant, world.it.into(), 1).await.unwrap_err());
    let error = world.desk.act(&world.ana, Comment::public(id, "late")).await.unwrap_err();
    assert_eq!(error.code(), "UNAVAILABLE");
    world.desk.close().await;
}
