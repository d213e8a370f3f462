//! Events: the log as a plain query, and a ticket's timeline.

use std::sync::Arc;

use async_graphql::{Context, Description, InputObject, Object, Result, SimpleObject};
use helpdesk_core::event::{self, Cursor};
use helpdesk_core::id::TicketId;
use helpdesk_core::value::{Change, Value};
use helpdesk_core::{Desk, Envelope, Filter};
use uuid::Uuid;

use crate::actor::Actor;
use crate::connection::{Paged, after, connection, cursor, page_size};
use crate::fault::bad_input;
use crate::id::Noun;
use crate::names::TicketField;
use crate::scalar::{DateTime, EventCursor, Json, UuidValue};
use crate::session::Session;
use crate::ticket::Ticket;
use crate::ticket::filter::TicketFilter;

/// Something that happened.
#[derive(Debug, Clone, Description)]
pub(crate) struct Event(pub(crate) Arc<Envelope>);

/// One field before and after. Instants stand as `{"time": milliseconds}`, erasable texts as `{"digest": "…"}`.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct FieldChange {
    /// Which field.
    field: TicketField,
    /// Its value before.
    before: Json,
    /// Its value after.
    after: Json,
}

impl From<Change> for FieldChange {
    fn from(change: Change) -> Self {
        // Plain data always serialises.
        let json = |value: &Value| Json::of(&serde_json::to_string(value).unwrap_or_default());
        Self { field: change.field.into(), before: json(&change.before), after: json(&change.after) }
    }
}

#[Object(use_type_description)]
impl Event {
    /// Its UUID.
    async fn uuid(&self) -> UuidValue {
        UuidValue(Uuid::from(self.0.id))
    }
    /// Where it stands in the log.
    async fn cursor(&self) -> EventCursor {
        EventCursor(self.0.cursor)
    }
    /// What happened: `ticket.moved`, `entry.added` … Plugins may add kinds of their own.
    async fn kind(&self) -> &str {
        self.0.event.kind()
    }
    /// The noun it is about: `ticket`, `project` …
    async fn subject_kind(&self) -> &'static str {
        self.0.subject.kind()
    }
    /// The UUID (or name, for workflows and plugins) of what it is about.
    async fn subject_key(&self) -> String {
        self.0.subject.key()
    }
    /// The ticket it is about, or whose card it is about, as it is now, if you still may see it.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        match self.0.subject.shows() {
            Some(id) => Ok(Session::of(ctx)?.loaders.ticket(id).await?.map(Ticket)),
            None => Ok(None),
        }
    }
    /// The version of the subject that the command made.
    async fn version(&self) -> i64 {
        self.0.version
    }
    /// Its place among the events of that version, from 0.
    async fn ordinal(&self) -> i32 {
        self.0.ord
    }
    /// Who acted.
    async fn created_by(&self) -> Actor {
        Actor(self.0.by.clone())
    }
    /// When it happened.
    async fn occurred_at(&self) -> DateTime {
        DateTime(self.0.occurred_at)
    }
    /// When it was written down; later for imports.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.0.recorded_at)
    }
    /// Whether only staff may see it.
    async fn internal(&self) -> bool {
        self.0.internal
    }
    /// How many automatic steps lie before it; 0 for what people do.
    async fn depth(&self) -> i32 {
        i32::from(self.0.cause.depth)
    }
    /// The fields of the ticket it changed.
    async fn changes(&self) -> Vec<FieldChange> {
        self.0.event.changes().into_iter().map(Into::into).collect()
    }
    /// Its data, as the log keeps it: ids are UUIDs, texts are digests.
    async fn data(&self) -> Json {
        Json::of(&self.0.event.data())
    }
}

connection! {
    /// A page of a ticket's timeline.
    EventConnection,
    /// An event on a timeline.
    EventEdge of Event
}

/// A place on a timeline.
struct Place(i64, i32);

impl Noun for Place {
    const KIND: &'static str = "timeline";
    fn key(&self) -> String {
        format!("{}_{}", self.0, self.1)
    }
    fn read(key: &str) -> Option<Self> {
        let (version, ord) = key.split_once('_')?;
        let (version, ord) = (version.parse().ok()?, ord.parse().ok()?);
        (version >= 0 && ord >= 0).then_some(Self(version, ord))
    }
}

/// The version to read after and how many events, for a page behind a place. A page may end inside a version: begin with
/// that version again and skip what was shown.
fn span(version: i64, ord: i32, first: u16) -> (i64, u16) {
    let shown = u16::try_from(ord.saturating_add(1)).unwrap_or(u16::MAX);
    (version.saturating_sub(1).max(0), first.saturating_add(1).saturating_add(shown))
}

/// One page of a ticket's timeline.
pub(crate) async fn timeline(
    ctx: &Context<'_>,
    ticket: TicketId,
    first: i32,
    after_cursor: Option<String>,
) -> Result<EventConnection> {
    let session = Session::of(ctx)?;
    let first = page_size(first)?;
    let start = after::<Place>(after_cursor.as_deref())?;
    let (version, ord) = start.as_ref().map_or((0, -1), |place| (place.0, place.1));
    let (before, wanted) = span(version, ord, first);
    let read = move |desk: Desk, actor| async move { desk.timeline(&actor, ticket, before, wanted).await };
    let found = session.loaders.read(read).await?;
    let rest = found.into_iter().filter(|event| (event.version, event.ord) > (version, ord));
    let items = rest.take(usize::from(first) + 1);
    let items = items.map(|event| (cursor(&Place(event.version, event.ord)), Event(Arc::new(event)))).collect();
    Ok(EventConnection { page: Paged::cut(items, first, start.is_some()) })
}

/// Which events.
#[derive(Debug, Default, InputObject)]
pub(crate) struct EventFilter {
    /// Only events of tickets that match now. Full text is not taken.
    ticket: Option<TicketFilter>,
    /// Only these kinds, such as `ticket.moved`.
    kinds: Option<Vec<String>>,
}

/// Which events, ready to be used.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) tickets: Filter,
    kinds: Option<Vec<String>>,
}

impl Wanted {
    pub(crate) fn of(filter: Option<EventFilter>) -> Result<Self> {
        let filter = filter.unwrap_or_default();
        let tickets = filter.ticket.map_or(Ok(Filter::All), TicketFilter::compile)?;
        if TicketFilter::searches(&tickets) {
            return Err(bad_input("`text` is not for events; list the tickets instead"));
        }
        for kind in filter.kinds.iter().flatten() {
            if !event::Event::KINDS.iter().any(|(known, _)| known == kind) {
                let known: Vec<&str> = event::Event::KINDS.iter().map(|(known, _)| *known).collect();
                return Err(bad_input(format!("`{kind}` is not a kind of event; use some of {}", known.join(", "))));
            }
        }
        Ok(Self { tickets, kinds: filter.kinds })
    }

    pub(crate) fn wants(&self, event: &Envelope) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind == event.event.kind()))
    }
}

/// A page of the log.
#[derive(SimpleObject)]
pub(crate) struct EventPage {
    /// The events you may see.
    nodes: Vec<Event>,
    /// Where to go on: give it as `after`. It moves on although no event was for you.
    cursor: EventCursor,
    /// Whether the page reaches the end of the log as it stood.
    at_end: bool,
}

#[derive(Default)]
pub(crate) struct EventQuery;

#[Object]
impl EventQuery {
    /// The log after a cursor, oldest first: what you may see of it. The same events as the subscription delivers.
    /// Fewer than `first` nodes do not mean the end; see `atEnd`.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "After this place; from the beginning when omitted.")] after: Option<EventCursor>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "Which ones; all when omitted.")] filter: Option<EventFilter>,
    ) -> Result<EventPage> {
        let session = Session::of(ctx)?;
        let (first, wanted) = (page_size(first)?, Wanted::of(filter)?);
        let after = after.map_or(Cursor::START, |after| after.0);
        let tickets = wanted.tickets.clone();
        let read = move |desk: Desk, actor| async move {
            let head = desk.head_of_log().await?;
            let (events, upto) = desk.events(&actor, &tickets, after, first).await?;
            Ok((head, events, upto))
        };
        let (head, events, upto) = session.loaders.read(read).await?;
        let nodes = events.into_iter().filter(|event| wanted.wants(event)).map(Event).collect();
        Ok(EventPage { nodes, cursor: EventCursor(upto), at_end: upto >= head })
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, span};
    use crate::id::Noun;

    #[test]
    fn a_place_no_timeline_has_ends_the_list_and_not_the_server() {
        assert_eq!(span(0, -1, 10), (0, 11));
        assert_eq!(span(3, 1, 10), (2, 13));
        assert_eq!(span(i64::MAX, i32::MAX, 100), (i64::MAX - 1, u16::MAX));
        assert!(Place::read("1_2147483647").is_some());
        assert!(Place::read("1_-1").is_none() && Place::read("-1_0").is_none());
    }
}
