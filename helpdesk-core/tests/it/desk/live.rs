//! Live delivery: what a viewer may see is checked when it is delivered, not when it happened.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use helpdesk_core::command::{Comment, EditPerson, EditTicket, GrantRole, Patch, RevokeRole};
use helpdesk_core::desk::live::Live;
use helpdesk_core::filter::{Cond, Filter};
use helpdesk_core::id::{GrantId, TicketId};
use helpdesk_core::role::Role;
use helpdesk_core::testing::World;
use helpdesk_core::ticket::{Priority, Visibility};
use helpdesk_core::{ActError, Cursor};

use super::{fault, head, world};

type Feed = Pin<Box<dyn Stream<Item = Result<Live, ActError>> + Send>>;

/// Rob with a grant of his own, subscribed; then a ticket with two entries.
struct Slow {
    world: World,
    grant: GrantId,
    ticket: TicketId,
    feed: Feed,
}

async fn slow(filter: Filter) -> Slow {
    let world = world().await;
    let grant = world.must(&world.root, GrantRole::new(Role::Agent, World::id(&world.rob))).await;
    let feed = Box::pin(world.desk.subscribe(&world.rob, filter, head(&world).await));
    let ticket = world.ticket("one").await;
    world.must(&world.ana, Comment::public(ticket, "first")).await;
    world.must(&world.ana, Comment::public(ticket, "second")).await;
    Slow { world, grant, ticket, feed }
}

impl Slow {
    /// The kinds of the events up to the end of the log.
    async fn rest(&mut self) -> Result<Vec<String>, ActError> {
        let (end, mut kinds) = (head(&self.world).await, vec![]);
        loop {
            match self.feed.next().await.expect("it goes on")? {
                Live::Event(event) => kinds.push(event.event.kind().to_owned()),
                Live::Caught(upto) if upto == end => return Ok(kinds),
                Live::Caught(_) => {}
            }
        }
    }

    /// Takes the first event and then is slow: the rest of the page waits in the subscription.
    async fn takes_one_and_waits(&mut self) {
        let Some(Ok(Live::Event(first))) = self.feed.next().await else { panic!("no event") };
        assert_eq!(first.event.kind(), "ticket.created");
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(2)).await;
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_slow_reader_gets_everything_while_the_right_stands() {
    let mut slow = slow(Filter::All).await;
    slow.takes_one_and_waits().await;
    assert_eq!(slow.rest().await.unwrap(), ["entry.added", "entry.added"]);
}

#[tokio::test]
async fn a_right_revoked_before_delivery_counts() {
    // Before the first look, and while events wait to be taken.
    for waits in [false, true] {
        let mut slow = slow(Filter::All).await;
        if waits {
            slow.takes_one_and_waits().await;
        }
        slow.world.must(&slow.world.root, RevokeRole { grant: slow.grant }).await;
        assert!(slow.rest().await.unwrap().is_empty(), "waits: {waits}");
    }
}

#[tokio::test]
async fn a_ticket_restricted_before_delivery_is_not_shown() {
    for waits in [false, true] {
        let mut slow = slow(Filter::All).await;
        if waits {
            slow.takes_one_and_waits().await;
        }
        let hide = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
        slow.world.must(&slow.world.mia, EditTicket::new(slow.ticket, hide)).await;
        assert!(slow.rest().await.unwrap().is_empty(), "waits: {waits}");
    }
}

#[tokio::test]
async fn a_ticket_that_no_longer_matches_is_not_shown() {
    let mut slow = slow(Cond::Priority(vec![Priority::Medium]).into()).await;
    slow.takes_one_and_waits().await;
    let high = Patch { priority: Some(Some(Priority::High)), ..Patch::default() };
    slow.world.must(&slow.world.ana, EditTicket::new(slow.ticket, high)).await;
    assert!(slow.rest().await.unwrap().is_empty());
}

#[tokio::test]
async fn somebody_deactivated_before_delivery_is_turned_away() {
    let mut slow = slow(Filter::All).await;
    slow.takes_one_and_waits().await;
    let gone = EditPerson { active: Some(false), ..EditPerson::new(World::id(&slow.world.rob)) };
    slow.world.must(&slow.world.root, gone).await;
    assert_eq!(slow.rest().await.unwrap_err().code(), "NOT_FOUND");
    assert!(slow.feed.next().await.is_none(), "it is over");
}

/// A place no log has reached yet, such as one from before a backup was restored.
fn future() -> Cursor {
    "c7fffffffffffffff".parse().unwrap()
}

#[tokio::test]
async fn a_cursor_from_the_future_is_refused_and_disturbs_nobody() {
    let world = world().await;
    let mut quiet = Box::pin(world.desk.subscribe(&world.ben, Filter::All, head(&world).await));
    let mut odd = Box::pin(world.desk.subscribe(&world.ana, Filter::All, future()));
    let refused = tokio::time::timeout(Duration::from_millis(300), odd.next()).await.expect("at once");
    assert_eq!(fault(refused.expect("an answer")), "after");
    assert!(odd.next().await.is_none(), "it is over");
    // The others wait as before, and hear what happens.
    world.store.calls();
    let nothing = tokio::time::timeout(Duration::from_millis(500), quiet.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let calls = world.store.calls();
    assert!(calls.values().sum::<u64>() <= 4, "{calls:?}");
    world.ticket("one").await;
    let heard = tokio::time::timeout(Duration::from_secs(5), quiet.next()).await.expect("it is told");
    assert!(matches!(heard, Some(Ok(Live::Event(event))) if event.event.kind() == "ticket.created"));
    assert_eq!(fault(world.desk.events(&world.ana, &Filter::All, future(), 10).await), "after");
    // The end itself is a good place, for those that wait there and for those that look.
    let end = head(&world).await;
    let (events, upto) = world.desk.events(&world.ana, &Filter::All, end, 10).await.unwrap();
    assert_eq!((events.len(), upto), (0, end));
}

#[tokio::test]
async fn a_place_another_process_reached_is_none_of_the_future() {
    let world = world().await;
    let other = helpdesk_core::Desk::builder(world.store.clone()).build().await.unwrap();
    world.ticket("one").await;
    let end = head(&world).await;
    let (events, upto) = other.events(&world.ana, &Filter::All, end, 10).await.unwrap();
    assert_eq!((events.len(), upto), (0, end));
    let mut late = Box::pin(other.subscribe(&world.ana, Filter::All, end));
    assert!(tokio::time::timeout(Duration::from_millis(100), late.next()).await.is_err());
    world.ticket("two").await;
    let heard = tokio::time::timeout(Duration::from_secs(5), late.next()).await.expect("it is told");
    assert!(matches!(heard, Some(Ok(Live::Event(event))) if event.event.kind() == "ticket.created"));
}

#[tokio::test]
async fn whoever_stops_in_the_middle_of_a_read_holds_up_nobody() {
    let world = world().await;
    let end = head(&world).await;
    let mut stopped = Box::pin(world.desk.subscribe(&world.ben, Filter::All, end));
    let mut other = Box::pin(world.desk.subscribe(&world.ana, Filter::All, end));
    assert!(futures_util::poll!(stopped.next()).is_pending(), "it reads");
    world.ticket("one").await;
    let heard = tokio::time::timeout(Duration::from_secs(5), other.next()).await.expect("it is told");
    assert!(matches!(heard, Some(Ok(Live::Event(event))) if event.event.kind() == "ticket.created"));
    let heard = tokio::time::timeout(Duration::from_secs(5), stopped.next()).await.expect("later it goes on");
    assert!(matches!(heard, Some(Ok(Live::Event(event))) if event.event.kind() == "ticket.created"));
}
