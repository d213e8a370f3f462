//! Texts of a ticket as they were before edits.

use async_graphql::{Context, Result, SimpleObject};
use helpdesk_core::Desk;
use helpdesk_core::id::TicketId;
use helpdesk_core::ticket;

use crate::connection::{connection, page_of};
use crate::id::Noun;
use crate::session::Session;

/// A text as it was before an edit.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Revision {
    /// What was edited: `title`, `description` or the UUID of an entry.
    of: String,
    /// The version of the ticket the edit made.
    version: i64,
    /// The text before that edit.
    before: String,
}

impl From<ticket::Revision> for Revision {
    fn from(it: ticket::Revision) -> Self {
        Self { of: it.of, version: it.version, before: it.before }
    }
}

connection! {
    /// A page of revisions.
    RevisionConnection,
    /// A revision in a list.
    RevisionEdge of Revision, count = usize
}

/// A place among the revisions of a ticket.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place(i64, String);

impl Noun for Place {
    const KIND: &'static str = "revisions";
    fn key(&self) -> String {
        format!("{}_{}", self.0, self.1)
    }
    fn read(key: &str) -> Option<Self> {
        let (version, of) = key.split_once('_')?;
        Some(Self(version.parse().ok()?, of.to_owned()))
    }
}

/// One page of the revisions of a ticket.
pub(crate) async fn page(
    ctx: &Context<'_>,
    ticket: TicketId,
    first: i32,
    after: Option<String>,
) -> Result<RevisionConnection> {
    let read = move |desk: Desk, actor| async move { desk.revisions(&actor, ticket).await };
    let all: Vec<Revision> = Session::of(ctx)?.loaders.read(read).await?.into_iter().map(Into::into).collect();
    let count = all.len();
    let place = |it: &Revision| Place(it.version, it.of.clone());
    Ok(RevisionConnection { page: page_of(all, place, first, after.as_deref())?, count })
}
