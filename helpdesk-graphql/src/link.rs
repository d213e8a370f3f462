//! Links between tickets: the type, a ticket's page of them, and their commands.

use std::sync::Arc;

use async_graphql::{Context, Description, InputObject, Object, Result};
use helpdesk_core::command::{LinkTickets, UnlinkTickets};
use helpdesk_core::desk::read::Linked;
use helpdesk_core::id::TicketId;
use helpdesk_core::ticket::LinkKind;

use crate::actor::Actor;
use crate::connection::{connection, page_of};
use crate::id::{Noun, Ref};
use crate::names::TicketLinkKind;
use crate::payload::{With, act, payloads};
use crate::scalar::DateTime;
use crate::session::Session;
use crate::ticket::{Ticket, load};

/// A link seen from one of its tickets. You see both, or you are not told of it.
#[derive(Debug, Clone, Description)]
pub(crate) struct TicketLink(Linked);

#[Object(use_type_description)]
impl TicketLink {
    /// What the ticket you come from is to the other one.
    async fn kind(&self) -> TicketLinkKind {
        self.0.kind.into()
    }
    /// The other ticket.
    async fn ticket(&self) -> Ticket {
        Ticket(self.0.ticket.clone())
    }
    /// When they were linked.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.at)
    }
    /// Who linked them.
    async fn created_by(&self) -> Actor {
        Actor(self.0.by.clone())
    }
}

connection! {
    /// A page of a ticket's links.
    TicketLinkConnection,
    /// A link in a list.
    TicketLinkEdge of TicketLink, count = usize
}

/// A place among the links of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place(LinkKind, TicketId);

impl Noun for Place {
    const KIND: &'static str = "link";
    fn key(&self) -> String {
        format!("{}_{}", self.0, self.1.key())
    }
    fn read(key: &str) -> Option<Self> {
        let (kind, ticket) = key.rsplit_once('_')?;
        Some(Self(kind.parse().ok()?, TicketId::read(ticket)?))
    }
}

/// One page of a ticket's links.
pub(crate) async fn page(
    ctx: &Context<'_>,
    ticket: TicketId,
    first: i32,
    after: Option<String>,
) -> Result<TicketLinkConnection> {
    let links = Session::of(ctx)?.loaders.links(ticket).await?;
    let all: Vec<Linked> = links.map_or_else(Vec::new, Arc::unwrap_or_clone);
    let count = all.len();
    let place = |link: &TicketLink| {
        let (kind, other) = link.0.place();
        Place(kind, other)
    };
    let page = page_of(all.into_iter().map(TicketLink).collect(), place, first, after.as_deref())?;
    Ok(TicketLinkConnection { page, count })
}

/// Links two tickets.
#[derive(InputObject)]
struct TicketLinkInput {
    /// The ticket; you need to be able to edit it.
    ticket: Ref<TicketId>,
    /// What it is to the other one.
    kind: TicketLinkKind,
    /// The other one, which you need only see.
    to: Ref<TicketId>,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Takes a link away.
#[derive(InputObject)]
struct TicketUnlinkInput {
    /// The ticket; you need to be able to edit it.
    ticket: Ref<TicketId>,
    /// What it is to the other one.
    kind: TicketLinkKind,
    /// The other one, which you need only see.
    to: Ref<TicketId>,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `ticketLink` answers.
    TicketLinkPayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketUnlink` answers.
    TicketUnlinkPayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
}

#[derive(Default)]
pub(crate) struct LinkMutation;

#[Object]
impl LinkMutation {
    /// Links a ticket with another one, which may be in another project. What is linked so already stays as it is;
    /// tickets that block each other never form a circle.
    async fn ticket_link(&self, ctx: &Context<'_>, input: TicketLinkInput) -> Result<Option<TicketLinkPayload>> {
        let ticket = input.ticket.0;
        let command = LinkTickets::new(ticket, input.kind.into(), input.to.0);
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TicketLinkPayload(act(ctx, command, with).await?.about(ticket))))
    }

    /// Takes a link away; it may be named from either end.
    async fn ticket_unlink(&self, ctx: &Context<'_>, input: TicketUnlinkInput) -> Result<Option<TicketUnlinkPayload>> {
        let ticket = input.ticket.0;
        let command = UnlinkTickets::new(ticket, input.kind.into(), input.to.0);
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TicketUnlinkPayload(act(ctx, command, with).await?.about(ticket))))
    }
}
