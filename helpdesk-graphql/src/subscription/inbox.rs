//! The viewer's inbox as it changes.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Error, Result, SimpleObject, Union};
use futures_util::{Stream, StreamExt, stream};
use helpdesk_core::desk::live::{InboxChange as Change, InboxLive};
use helpdesk_core::{ActError, Actor, Cursor, Desk};
use uuid::Uuid;

use super::StreamHeartbeat;
use crate::approval::inbox::InboxItem;
use crate::fault::failed;
use crate::scalar::{EventCursor, UuidValue};

/// What came into your inbox and what left it, of its first 100 items.
#[derive(SimpleObject)]
pub(crate) struct InboxChange {
    /// The log up to here is in it: a client that has reached a payload's cursor has seen its own command.
    cursor: EventCursor,
    /// What waits that did not before, oldest first; at the beginning everything.
    came: Vec<InboxItem>,
    /// The slots that wait no longer.
    went: Vec<UuidValue>,
}

impl From<Change> for InboxChange {
    fn from(change: Change) -> Self {
        Self {
            cursor: EventCursor(change.cursor),
            came: change.came.into_iter().map(|item| InboxItem(Arc::new(item))).collect(),
            went: change.went.into_iter().map(|slot| UuidValue(Uuid::from(slot))).collect(),
        }
    }
}

/// What a stream of an inbox delivers.
#[derive(Union)]
pub(crate) enum InboxStreamItem {
    Changed(InboxChange),
    Heartbeat(StreamHeartbeat),
}

struct State {
    source: Pin<Box<dyn Stream<Item = Result<InboxLive, ActError>> + Send>>,
    /// Nothing up to here is missing.
    passed: Cursor,
    silence: Duration,
}

pub(super) fn begin(
    desk: &Desk,
    actor: &Actor,
    silence: Duration,
) -> impl Stream<Item = Result<InboxStreamItem>> + use<> {
    let source = Box::pin(desk.subscribe_inbox(actor));
    stream::unfold(State { source, passed: Cursor::START, silence }, next)
}

/// The next change, or a heartbeat when there was none for so long.
async fn next(mut state: State) -> Option<(Result<InboxStreamItem, Error>, State)> {
    let deadline = tokio::time::Instant::now() + state.silence;
    loop {
        let live = tokio::select! {
            // Changes before heartbeats: a heartbeat must not overtake what is ready.
            biased;
            live = state.source.next() => live?,
            () = tokio::time::sleep_until(deadline) => {
                let cursor = EventCursor(state.passed);
                return Some((Ok(InboxStreamItem::Heartbeat(StreamHeartbeat { cursor })), state));
            }
        };
        match live {
            Ok(InboxLive::Caught(cursor)) => state.passed = cursor,
            Ok(InboxLive::Changed(change)) => {
                state.passed = change.cursor;
                return Some((Ok(InboxStreamItem::Changed(change.into())), state));
            }
            // Its source ends with it.
            Err(error) => return Some((Err(failed(&error)), state)),
        }
    }
}
