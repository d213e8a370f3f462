//! Events: the log as a plain query, and a ticket's timeline.

use std::sync::Arc;

use async_graphql::{Context, Description, InputObject, Object, Result, SimpleObject};
use helpdesk_core::event::{self, Cursor, Subject};
use helpdesk_core::id::TicketId;
use helpdesk_core::value::{Change, Value};
use helpdesk_core::{Desk, Envelope, Filter};
use uuid::Uuid;

use crate::actor::Actor;
use crate::connection::{Paged, after, connection, cursor, page_size};
use crate::fault::{bad_input, failed};
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
    /// The ticket it is about, as it is now, if it is about one that you still may see.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        match &self.0.subject {
            Subject::Ticket(id) => Ok(Session::of(ctx)?.loaders.ticket(*id).await?.map(Ticket)),
            _ => Ok(None),
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
        Some(Self(version.parse().ok()?, ord.parse().ok()?))
    }
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
    // A page may end inside a version: begin with that version again and skip what was shown.
    let (before, shown) = (version.saturating_sub(1).max(0), u16::try_from(ord + 1).unwrap_or(u16::MAX));
    let wanted = first.saturating_add(1).saturating_add(shown);
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
        let head = session.desk.head_of_log().await.map_err(|error| failed(&error))?;
        let read = session.desk.events(&session.actor, &wanted.tickets, after, first).await;
        let (events, upto) = read.map_err(|error| failed(&error))?;
        let nodes = events.into_iter().filter(|event| wanted.wants(event)).map(Event).collect();
        Ok(EventPage { nodes, cursor: EventCursor(upto), at_end: upto >= head })
    }
}
