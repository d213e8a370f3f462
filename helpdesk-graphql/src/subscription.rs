//! Events as they happen: resumable from any cursor, checked one by one when they are delivered.

mod inbox;

use std::pin::Pin;
use std::time::Duration;

use async_graphql::{Context, Description, Error, Result, SimpleObject, Subscription as Subscribe, Union};
use futures_util::{Stream, StreamExt, stream};
use helpdesk_core::desk::live::Live;
use helpdesk_core::filter::Cond;
use helpdesk_core::id::{BoardId, TicketId};
use helpdesk_core::{ActError, Actor, Cursor, Desk, Filter};

use self::inbox::InboxStreamItem;
use crate::event::{Event, EventFilter, Wanted};
use crate::fault::{bad_input, failed, not_found};
use crate::id::Ref;
use crate::scalar::EventCursor;
use crate::session::viewer;

/// An event, with the cursor to resume after it.
#[derive(SimpleObject)]
pub(crate) struct EventDelivery {
    /// What happened.
    event: Event,
    /// Give it as `after` to go on behind this event.
    cursor: EventCursor,
}

/// Nothing for you for a while: everything up to the cursor was delivered, or was not for you.
#[derive(SimpleObject)]
pub(crate) struct StreamHeartbeat {
    /// Give it as `after` to go on from here.
    cursor: EventCursor,
}

/// What a stream of events delivers.
#[derive(Union)]
pub(crate) enum EventStreamItem {
    Event(EventDelivery),
    Heartbeat(StreamHeartbeat),
}

/// The subscriptions.
#[derive(Description)]
pub struct Subscription;

#[Subscribe(use_type_description)]
impl Subscription {
    /// Events after a cursor, then as they happen: what you may see of them.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "After this place; from now on when omitted.")] after: Option<EventCursor>,
        #[graphql(desc = "Which ones; all when omitted.")] filter: Option<EventFilter>,
        #[graphql(default = 15, desc = "Seconds of silence after which a heartbeat is sent, 1 to 300.")] heartbeat: i32,
    ) -> Result<impl Stream<Item = Result<EventStreamItem>>> {
        let (desk, actor) = viewer(ctx)?;
        begin(desk, actor, Wanted::of(filter)?, after, heartbeat).await
    }

    /// The events of one ticket after a cursor, then as they happen: what you may see of them.
    async fn ticket_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket.")] id: Ref<TicketId>,
        #[graphql(desc = "After this place; from now on when omitted.")] after: Option<EventCursor>,
        #[graphql(default = 15, desc = "Seconds of silence after which a heartbeat is sent, 1 to 300.")] heartbeat: i32,
    ) -> Result<impl Stream<Item = Result<EventStreamItem>>> {
        let (desk, actor) = viewer(ctx)?;
        let seen = desk.tickets_by_id(actor, &[id.0]).await.map_err(|error| failed(&error))?;
        if seen.is_empty() {
            return Err(not_found("ticket", id.0));
        }
        let mut wanted = Wanted::of(None)?;
        wanted.tickets = Filter::from(Cond::Id(vec![id.0]));
        begin(desk, actor, wanted, after, heartbeat).await
    }

    /// What happens on a board after a cursor, then as it happens: events of the tickets of its project, whether they are
    /// cards now or have ceased to be, of the board and of its cards; what you may see of them.
    async fn board_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The board.")] id: Ref<BoardId>,
        #[graphql(desc = "After this place; from now on when omitted.")] after: Option<EventCursor>,
        #[graphql(default = 15, desc = "Seconds of silence after which a heartbeat is sent, 1 to 300.")] heartbeat: i32,
    ) -> Result<impl Stream<Item = Result<EventStreamItem>>> {
        let (desk, actor) = viewer(ctx)?;
        let (silence, passed) = beginning(desk, after, heartbeat).await?;
        let source = desk.watch_board(actor, id.0, passed).await.map_err(|error| failed(&error))?;
        Ok(flow(Box::pin(source), Wanted::of(None)?, passed, silence))
    }

    /// Your inbox: first what waits now, then what comes and goes.
    async fn inbox_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 15, desc = "Seconds of silence after which a heartbeat is sent, 1 to 300.")] heartbeat: i32,
    ) -> Result<impl Stream<Item = Result<InboxStreamItem>>> {
        let (desk, actor) = viewer(ctx)?;
        Ok(inbox::begin(desk, actor, silence(heartbeat)?))
    }
}

/// How long nothing may be sent.
fn silence(heartbeat: i32) -> Result<Duration> {
    let seconds = u64::try_from(heartbeat).ok().filter(|seconds| (1..=300).contains(seconds));
    let seconds = seconds.ok_or_else(|| bad_input(format!("`heartbeat` is {heartbeat}; give 1 to 300 seconds")))?;
    Ok(Duration::from_secs(seconds))
}

type Source = Pin<Box<dyn Stream<Item = Result<Live, ActError>> + Send>>;

struct State {
    source: Source,
    wanted: Wanted,
    /// Everything up to here was delivered, or was not for the viewer.
    passed: Cursor,
    silence: Duration,
    over: bool,
}

async fn begin(
    desk: &Desk,
    actor: &Actor,
    wanted: Wanted,
    after: Option<EventCursor>,
    heartbeat: i32,
) -> Result<impl Stream<Item = Result<EventStreamItem>> + use<>> {
    let (silence, passed) = beginning(desk, after, heartbeat).await?;
    let source: Source = Box::pin(desk.subscribe(actor, wanted.tickets.clone(), passed));
    Ok(flow(source, wanted, passed, silence))
}

/// After how much silence a heartbeat is sent, and where the stream begins.
async fn beginning(desk: &Desk, after: Option<EventCursor>, heartbeat: i32) -> Result<(Duration, Cursor)> {
    let silence = silence(heartbeat)?;
    let passed = match after {
        Some(after) => after.0,
        None => desk.head_of_log().await.map_err(|error| failed(&error))?,
    };
    Ok((silence, passed))
}

fn flow(
    source: Source,
    wanted: Wanted,
    passed: Cursor,
    silence: Duration,
) -> impl Stream<Item = Result<EventStreamItem>> + use<> {
    stream::unfold(State { source, wanted, passed, silence, over: false }, next)
}

/// The next event for the viewer, or a heartbeat when there was none for so long.
async fn next(mut state: State) -> Option<(Result<EventStreamItem, Error>, State)> {
    if state.over {
        return None;
    }
    let deadline = tokio::time::Instant::now() + state.silence;
    loop {
        let live = tokio::select! {
            // Events before heartbeats: a heartbeat must not overtake what is ready.
            biased;
            live = state.source.next() => live,
            () = tokio::time::sleep_until(deadline) => {
                let cursor = EventCursor(state.passed);
                return Some((Ok(EventStreamItem::Heartbeat(StreamHeartbeat { cursor })), state));
            }
        };
        match live {
            None => return None,
            Some(Ok(Live::Caught(cursor))) => state.passed = cursor,
            Some(Ok(Live::Event(event))) => {
                state.passed = event.cursor;
                if state.wanted.wants(&event) {
                    let cursor = EventCursor(event.cursor);
                    let delivery = EventDelivery { event: Event(event), cursor };
                    return Some((Ok(EventStreamItem::Event(delivery)), state));
                }
            }
            Some(Err(error)) => {
                state.over = true;
                return Some((Err(failed(&error)), state));
            }
        }
    }
}
