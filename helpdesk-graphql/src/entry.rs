//! The conversation of a ticket.

use async_graphql::{Context, Description, ID, InputObject, Object, Result};
use helpdesk_core::Desk;
use helpdesk_core::command::{Comment, DeleteComment, EditComment};
use helpdesk_core::desk::read::PAGE_MAX;
use helpdesk_core::id::{EntryId, TicketId};
use helpdesk_core::ticket;
use helpdesk_core::time::Timestamp;
use uuid::Uuid;

use crate::actor::Actor;
use crate::connection::{Paged, after, connection, cursor, page_size};
use crate::fault::not_found;
use crate::id::{EntryOf, Noun, Ref, global};
use crate::names::EntryVisibility;
use crate::payload::{With, act, payloads};
use crate::scalar::{DateTime, UuidValue};
use crate::session::Session;
use crate::ticket::Ticket;

/// One entry of a ticket's conversation.
#[derive(Debug, Clone, Description)]
pub(crate) struct Entry(pub(crate) ticket::Entry);

#[Object(use_type_description)]
impl Entry {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&EntryOf(self.0.ticket, self.0.id))
    }
    /// Its UUID, as events know it.
    async fn uuid(&self) -> UuidValue {
        UuidValue(Uuid::from(self.0.id))
    }
    /// Its ticket.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        Ok(Session::of(ctx)?.loaders.ticket(self.0.ticket).await?.map(Ticket))
    }
    /// Who may read it.
    async fn visibility(&self) -> EntryVisibility {
        self.0.visibility.into()
    }
    /// What it says, Markdown.
    async fn body(&self) -> &str {
        &self.0.body
    }
    /// Counts edits, from 1.
    async fn version(&self) -> i64 {
        self.0.version
    }
    /// Who wrote it.
    async fn created_by(&self) -> Actor {
        Actor(self.0.author.clone())
    }
    /// When it was written.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was last edited, if ever.
    async fn edited_at(&self) -> Option<DateTime> {
        self.0.edited_at.map(DateTime)
    }
}

connection! {
    /// A page of a conversation.
    EntryConnection,
    /// An entry in a conversation.
    EntryEdge of Entry
}

/// A place in a conversation.
struct Place(Timestamp, EntryId);

impl Noun for Place {
    const KIND: &'static str = "entries";
    fn key(&self) -> String {
        format!("{}_{}", self.0.millis(), Uuid::from(self.1).simple())
    }
    fn read(key: &str) -> Option<Self> {
        let (at, id) = key.split_once('_')?;
        Some(Self(Timestamp::from_millis(at.parse().ok()?), Uuid::try_parse(id).ok()?.into()))
    }
}

async fn read(
    ctx: &Context<'_>,
    ticket: TicketId,
    after: Option<(Timestamp, EntryId)>,
    first: u16,
) -> Result<Vec<ticket::Entry>> {
    let read = move |desk: Desk, actor| async move { desk.entries(&actor, ticket, after, first).await };
    Session::of(ctx)?.loaders.read(read).await
}

/// One page of a ticket's conversation.
pub(crate) async fn page(
    ctx: &Context<'_>,
    ticket: TicketId,
    first: i32,
    after_cursor: Option<String>,
) -> Result<EntryConnection> {
    let first = page_size(first)?;
    let start = after::<Place>(after_cursor.as_deref())?.map(|place| (place.0, place.1));
    let limit = (first + 1).min(PAGE_MAX);
    let mut found = read(ctx, ticket, start, limit).await?;
    if limit == first && found.len() == usize::from(first) {
        let last = found.last().map(|entry| (entry.created_at, entry.id));
        found.extend(read(ctx, ticket, last, 1).await?);
    }
    let items = found.into_iter().map(|entry| (cursor(&Place(entry.created_at, entry.id)), Entry(entry))).collect();
    Ok(EntryConnection { page: Paged::cut(items, first, start.is_some()) })
}

pub(crate) async fn load(ctx: &Context<'_>, id: &EntryOf) -> Result<Entry> {
    Session::of(ctx)?.loaders.entry(*id).await?.map(Entry).ok_or_else(|| not_found("entry", id.1))
}

/// Writes an entry into the conversation.
#[derive(InputObject)]
struct EntryAddInput {
    /// The ticket.
    ticket: Ref<TicketId>,
    /// What it says: Markdown, up to 64 KiB.
    body: String,
    /// Who may read it.
    #[graphql(default_with = "EntryVisibility::Public")]
    visibility: EntryVisibility,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Edits an entry.
#[derive(InputObject)]
struct EntryEditInput {
    /// The entry.
    entry: Ref<EntryOf>,
    /// The new text.
    body: String,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Deletes an entry.
#[derive(InputObject)]
struct EntryDeleteInput {
    /// The entry.
    entry: Ref<EntryOf>,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

async fn deleted(_: &Context<'_>, id: &EntryOf) -> Result<ID> {
    Ok(global(id))
}

payloads! {
    /// What `entryAdd` answers.
    EntryAddPayload {
        /// The new entry.
        entry: Entry = load, from EntryOf
    }
    /// What `entryEdit` answers.
    EntryEditPayload {
        /// The entry after the command.
        entry: Entry = load, from EntryOf
    }
    /// What `entryDelete` answers.
    EntryDeletePayload {
        /// The entry that is no more.
        entry_id: ID = deleted, from EntryOf
    }
}

#[derive(Default)]
pub(crate) struct EntryMutation;

#[Object]
impl EntryMutation {
    /// Writes an entry into the conversation of a ticket.
    async fn entry_add(&self, ctx: &Context<'_>, input: EntryAddInput) -> Result<Option<EntryAddPayload>> {
        let ticket = input.ticket.0;
        let command = Comment { ticket, body: input.body, visibility: input.visibility.into() };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(EntryAddPayload(act(ctx, command, with).await?.map(|entry| EntryOf(ticket, entry)))))
    }

    /// Edits an entry: authors their own for 24 hours, moderators any.
    async fn entry_edit(&self, ctx: &Context<'_>, input: EntryEditInput) -> Result<Option<EntryEditPayload>> {
        let EntryOf(ticket, entry) = input.entry.0;
        let command = EditComment { ticket, entry, body: input.body };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(EntryEditPayload(act(ctx, command, with).await?.about(input.entry.0))))
    }

    /// Deletes an entry: authors their own for 24 hours, moderators any.
    async fn entry_delete(&self, ctx: &Context<'_>, input: EntryDeleteInput) -> Result<Option<EntryDeletePayload>> {
        let EntryOf(ticket, entry) = input.entry.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, DeleteComment { ticket, entry }, with).await?;
        Ok(Some(EntryDeletePayload(outcome.about(input.entry.0))))
    }
}
