//! Live delivery: what a viewer may see is checked when it is delivered, not when it happened.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use helpdesk_core::ActError;
use helpdesk_core::command::{Comment, EditPerson, EditTicket, GrantRole, Patch, RevokeRole};
use helpdesk_core::desk::live::Live;
use helpdesk_core::filter::{Cond, Filter};
use helpdesk_core::id::{GrantId, TicketId};
use helpdesk_core::role::Role;
use helpdesk_core::testing::World;
use helpdesk_core::ticket::{Priority, Visibility};

use super::{head, world};

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
