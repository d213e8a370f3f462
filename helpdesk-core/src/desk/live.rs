//! Live events: the tail of the log, shared by all subscriptions of a process.
//!
//! Every subscription reads the log in its own order and loses nothing: what it has not sent yet is in the shared tail
//! or, if it is slow, in the database. Memory is bounded by the tail, not by slow readers.

mod inbox;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared, WeakShared};
use futures_util::stream;
use futures_util::{FutureExt, Stream};
use tokio::time::Instant;

pub use inbox::{InboxChange, InboxLive};

use super::Desk;
use crate::actor::Actor;
use crate::error::{ActError, Refusal};
use crate::event::{Cursor, Envelope};
use crate::filter::Filter;
use crate::id::TenantId;
use crate::store::StoreError;

/// Events kept in memory for subscriptions that keep up.
const TAIL: usize = 4096;
/// Events read at once.
const PAGE: u16 = 500;
/// How long a quiet subscription waits before it looks by itself.
const POLL: Duration = Duration::from_secs(1);

/// What a subscription delivers.
#[derive(Debug, Clone)]
pub enum Live {
    /// An event the viewer may see.
    Event(Arc<Envelope>),
    /// Everything up to here has been sent, or was not for this viewer: where to resume.
    Caught(Cursor),
}

/// A read of what the log has beyond the tail: whether there was anything.
type Read = BoxFuture<'static, Result<bool, StoreError>>;

pub(super) struct Tail {
    events: Mutex<(VecDeque<Arc<Envelope>>, Cursor, Cursor)>,
    /// What was last begun to be read beyond the tail: whoever waits for it drives it on, so that a subscriber who is not
    /// asked for more in the middle of it holds up nobody. Weak, for it has the desk in it.
    reading: Mutex<Option<WeakShared<Read>>>,
    /// The log is known to reach this far.
    reached: AtomicI64,
    closed: AtomicBool,
    end: tokio::sync::Notify,
}

impl Tail {
    pub(super) fn new(head: Cursor) -> Self {
        Self {
            events: Mutex::new((VecDeque::new(), head, head)),
            reading: Mutex::new(None),
            reached: AtomicI64::new(head.seq()),
            closed: AtomicBool::new(false),
            end: tokio::sync::Notify::new(),
        }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.end.notify_waiters();
    }

    /// Events after `cursor` that are in memory; `None` when the tail begins later.
    fn kept(&self, tenant: TenantId, cursor: Cursor) -> Option<(Vec<Arc<Envelope>>, Cursor)> {
        let kept = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let (events, from, upto) = &*kept;
        if cursor < *from {
            return None;
        }
        let start = events.partition_point(|event| event.cursor <= cursor);
        let mut page = Vec::new();
        for event in events.range(start..).filter(|event| event.tenant == tenant) {
            if page.len() == usize::from(PAGE) {
                let last = page.last().map_or(cursor, |event: &Arc<Envelope>| event.cursor);
                return Some((page, last));
            }
            page.push(event.clone());
        }
        Some((page, cursor.max(*upto)))
    }

    fn append(&self, more: Vec<Envelope>, upto: Cursor) {
        let mut kept = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0.extend(more.into_iter().map(Arc::new));
        kept.2 = upto;
        while kept.0.len() > TAIL {
            if let Some(gone) = kept.0.pop_front() {
                kept.1 = gone.cursor;
            }
        }
    }

    /// Begins anew at `cursor`, which the log has reached.
    fn restart(&self, cursor: Cursor) {
        let mut kept = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.2 < cursor {
            *kept = (VecDeque::new(), cursor, cursor);
        }
    }

    fn upto(&self) -> Cursor {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).2
    }
}

impl Desk {
    /// Events after `cursor` as they happen, those the viewer may see and whose ticket matches `filter`: each is checked
    /// when it is delivered. Ends with an error when the desk is closed or the viewer is no longer let in; resume with
    /// the last cursor. Full text is not for subscriptions.
    ///
    /// # Errors
    /// `FIELD_INVALID` `after`, as its only item, when `cursor` lies beyond the end of the log, such as one from before
    /// a backup was restored.
    pub fn subscribe(
        &self,
        viewer: &Actor,
        filter: Filter,
        cursor: Cursor,
    ) -> impl Stream<Item = Result<Live, ActError>> + Send + 'static + use<> {
        struct State {
            desk: Desk,
            viewer: Actor,
            filter: Filter,
            cursor: Cursor,
            ready: VecDeque<Live>,
            checked: Instant,
            over: bool,
        }
        let state = State {
            desk: self.clone(),
            viewer: viewer.clone(),
            filter,
            cursor,
            ready: VecDeque::new(),
            checked: Instant::now(),
            over: false,
        };
        stream::unfold(state, |mut state| async move {
            if state.over {
                return None;
            }
            loop {
                if !state.ready.is_empty() && state.checked.elapsed() > POLL {
                    // A slow reader: what it was shown to wait for may have been taken from it meanwhile.
                    state.checked = Instant::now();
                    match state.desk.still_visible(&state.viewer, &state.filter, &mut state.ready).await {
                        Ok(()) => {}
                        Err(error) => {
                            state.over = true;
                            return Some((Err(error), state));
                        }
                    }
                }
                if let Some(next) = state.ready.pop_front() {
                    return Some((Ok(next), state));
                }
                state.checked = Instant::now();
                match state.desk.next_page(&state.viewer, &state.filter, state.cursor).await {
                    Ok((events, upto)) => {
                        state.ready.extend(events.into_iter().map(Live::Event));
                        state.ready.push_back(Live::Caught(upto));
                        state.cursor = upto;
                    }
                    Err(error) => {
                        state.over = true;
                        return Some((Err(error), state));
                    }
                }
            }
        })
    }

    /// The next events after `cursor` that the viewer may see; waits until the log has grown past it.
    async fn next_page(
        &self,
        viewer: &Actor,
        filter: &Filter,
        cursor: Cursor,
    ) -> Result<(Vec<Arc<Envelope>>, Cursor), ActError> {
        super::read::check_live(filter)?;
        let (events, upto) = self.next_events(viewer, cursor).await?;
        Ok((self.visible(viewer, Self::tenant_of(viewer)?, events, filter).await?, upto))
    }

    /// All events of the tenant after `cursor`, whoever may see them; waits until the log has grown past it.
    async fn next_events(&self, viewer: &Actor, cursor: Cursor) -> Result<(Vec<Arc<Envelope>>, Cursor), ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let tail = &self.inner.live;
        let bell = self.inner.store.bell();
        loop {
            // Listen before looking, so that nothing that happens in between is slept through.
            let rung = bell.notified();
            let ended = tail.end.notified();
            if tail.closed.load(Ordering::Relaxed) {
                return Err(StoreError::Unavailable("the desk is closed".into()).into());
            }
            let kept = tail.kept(tenant, cursor);
            let keeps_up = kept.is_some();
            let (events, upto) = match kept {
                Some(page) => page,
                None => {
                    let (events, upto) = self.inner.store.after(Some(tenant), cursor, PAGE).await?;
                    (events.into_iter().map(Arc::new).collect(), upto)
                }
            };
            if upto > cursor {
                return Ok((events, upto));
            }
            // Only what is in the tail can be waited for there: the database has just said that there is no more.
            if keeps_up && self.pump(cursor).await? {
                continue;
            }
            // Quiet: make sure the viewer is still let in, then wait.
            tokio::select! {
                () = rung => {}
                () = ended => {}
                () = tokio::time::sleep(POLL) => self.still_let_in(viewer).await?,
            }
        }
    }

    /// Takes out of `ready` what the viewer may no longer see.
    async fn still_visible(&self, viewer: &Actor, filter: &Filter, ready: &mut VecDeque<Live>) -> Result<(), ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let waiting = ready.iter().filter_map(|live| match live {
            Live::Event(event) => Some(event.clone()),
            Live::Caught(_) => None,
        });
        let shown = self.visible(viewer, tenant, waiting.collect(), filter).await?;
        let caught: Vec<Live> = ready.drain(..).filter(|live| matches!(live, Live::Caught(_))).collect();
        ready.extend(shown.into_iter().map(Live::Event).chain(caught));
        Ok(())
    }

    /// Refuses somebody who was deactivated, or whose tenant was suspended, since the subscription began.
    async fn still_let_in(&self, viewer: &Actor) -> Result<(), ActError> {
        let (_, access) = self.fresh(viewer).await?;
        match viewer.person_id() {
            Some(person) if access.person() != Some(person) => Err(Refusal::not_found("person", person).into()),
            Some(_) | None => Ok(()),
        }
    }

    /// Reads what the log has beyond the tail, once for all subscriptions; whether there was anything.
    async fn pump(&self, cursor: Cursor) -> Result<bool, ActError> {
        loop {
            let (reading, own) = self.reading(cursor);
            if reading.await? {
                return Ok(true);
            }
            // One that others had begun may have begun before what this subscriber was woken for.
            if own {
                self.check_reached(cursor).await?;
                return Ok(false);
            }
        }
    }

    /// The read that is under way, or a new one after `cursor`; whether it is new.
    fn reading(&self, cursor: Cursor) -> (Shared<Read>, bool) {
        let mut last = self.inner.live.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = last.as_ref().and_then(WeakShared::upgrade).filter(|reading| reading.peek().is_none());
        if let Some(reading) = under_way {
            return (reading, false);
        }
        let desk = self.clone();
        let read = async move {
            let tail = &desk.inner.live;
            if tail.upto() > cursor {
                return Ok(true);
            }
            let (events, upto) = desk.inner.store.after(None, cursor, PAGE).await?;
            if upto <= cursor {
                return Ok(false);
            }
            // Where nobody has listened for a while: what lies between is nobody's to read live.
            tail.restart(cursor);
            tail.append(events, upto);
            tail.reached.fetch_max(upto.seq(), Ordering::Relaxed);
            Ok(true)
        };
        let reading = read.boxed().shared();
        *last = reading.downgrade();
        (reading, true)
    }

    /// Refuses a cursor that this log has not handed out yet; one read at most, none when the end did not move.
    pub(super) async fn check_reached(&self, cursor: Cursor) -> Result<(), ActError> {
        let reached = &self.inner.live.reached;
        if cursor.seq() <= reached.load(Ordering::Relaxed) {
            return Ok(());
        }
        let last = self.inner.store.last().await?;
        reached.fetch_max(last.seq(), Ordering::Relaxed);
        if cursor <= last {
            return Ok(());
        }
        let why = "lies beyond the end of the log, perhaps because a backup was restored since; \
                   read anew what you keep, and go on from the present end";
        Err(Refusal::invalid("after", why).into())
    }
}
