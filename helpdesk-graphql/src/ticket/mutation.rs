//! Commands about tickets.

use async_graphql::{Context, ID, Object, Result};
use helpdesk_core::command::{
    Claim, CreateTicket, DeleteTicket, EditTicket, ForceState, MoveTo, Reassign, Relate, RestoreTicket, TagTicket,
    Unrelate,
};
use helpdesk_core::id::TicketId;

use super::input::{
    TicketAssignInput, TicketClaimInput, TicketCreateInput, TicketDeleteInput, TicketEditInput, TicketForceStateInput,
    TicketMoveInput, TicketReassignInput, TicketRelateInput, TicketRestoreInput, TicketTagInput, TicketUnrelateInput,
};
use super::{Ticket, load};
use crate::id::{global, ids};
use crate::payload::{With, act, payloads};
use crate::user_error::Places;

/// Where `ticketMove` takes the fields it sets.
pub(crate) const MOVED: Places = &[
    ("title", "fields.title"),
    ("description", "fields.description"),
    ("group", "fields.group"),
    ("company", "fields.company"),
    ("parent", "fields.parent"),
    ("start_at", "fields.startAt"),
    ("due_at", "fields.dueAt"),
    ("estimate", "fields.estimate"),
];

/// Those who delete may no longer see the ticket: its id is what they get.
async fn deleted(_: &Context<'_>, id: &TicketId) -> Result<ID> {
    Ok(global(id))
}

payloads! {
    /// What `ticketCreate` answers.
    TicketCreatePayload {
        /// The new ticket.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketEdit` answers.
    TicketEditPayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketMove` answers.
    TicketMovePayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketForceState` answers.
    TicketForceStatePayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketAssign` answers.
    TicketAssignPayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketClaim` answers.
    TicketClaimPayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketReassign` answers.
    TicketReassignPayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketRelate` answers.
    TicketRelatePayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketUnrelate` answers.
    TicketUnrelatePayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketTag` answers.
    TicketTagPayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
    /// What `ticketDelete` answers.
    TicketDeletePayload {
        /// The deleted ticket.
        ticket_id: ID = deleted, from TicketId
    }
    /// What `ticketRestore` answers.
    TicketRestorePayload {
        /// The ticket after the command.
        ticket: Ticket = load, from TicketId
    }
}

#[derive(Default)]
pub(crate) struct TicketMutation;

#[Object]
impl TicketMutation {
    /// Creates a ticket.
    async fn ticket_create(&self, ctx: &Context<'_>, input: TicketCreateInput) -> Result<Option<TicketCreatePayload>> {
        let command = CreateTicket {
            project: input.project.0,
            title: input.title,
            id: input.uuid.map(|uuid| TicketId::from(uuid.0)),
            transition: input.transition,
            requester: input.requester.map(|person| person.0),
            assignees: ids(input.assignees),
            tags: ids(input.tags),
            fields: input.fields.patch(None),
        };
        let with = With::new(None, input.idempotency_key).at(&[("id", "uuid"), ("fields", "")]);
        Ok(Some(TicketCreatePayload(act(ctx, command, with).await?)))
    }

    /// Sets fields of a ticket; what is omitted stays, null clears.
    async fn ticket_edit(&self, ctx: &Context<'_>, input: TicketEditInput) -> Result<Option<TicketEditPayload>> {
        let ticket = input.ticket.0;
        let command = EditTicket::new(ticket, input.fields.patch(input.title));
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TicketEditPayload(act(ctx, command, with).await?.about(ticket))))
    }

    /// Moves a ticket along a transition of its workflow.
    async fn ticket_move(&self, ctx: &Context<'_>, input: TicketMoveInput) -> Result<Option<TicketMovePayload>> {
        let ticket = input.ticket.0;
        let fields = input.fields.unwrap_or_default();
        let fields = fields.fields.patch(fields.title);
        let command = MoveTo { fields, reason: input.reason, ..MoveTo::new(ticket, input.transition) };
        let with = With::new(input.expected_version, input.idempotency_key).at(MOVED);
        Ok(Some(TicketMovePayload(act(ctx, command, with).await?.about(ticket))))
    }

    /// Puts a ticket into a state without a transition. Audited.
    async fn ticket_force_state(
        &self,
        ctx: &Context<'_>,
        input: TicketForceStateInput,
    ) -> Result<Option<TicketForceStatePayload>> {
        let ticket = input.ticket.0;
        let command = ForceState { ticket, state: input.state, reason: input.reason };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TicketForceStatePayload(act(ctx, command, with).await?.about(ticket))))
    }

    /// Gives a ticket to exactly these people.
    async fn ticket_assign(&self, ctx: &Context<'_>, input: TicketAssignInput) -> Result<Option<TicketAssignPayload>> {
        let ticket = input.ticket.0;
        let command = Relate::assign(ticket, ids(input.assignees));
        let with = With::new(input.expected_version, input.idempotency_key).at(&[("people", "assignees")]);
        Ok(Some(TicketAssignPayload(act(ctx, command, with).await?.about(ticket))))
    }

    /// Takes a ticket that nobody works on: of many who try at once exactly one gets it.
    async fn ticket_claim(&self, ctx: &Context<'_>, input: TicketClaimInput) -> Result<Option<TicketClaimPayload>> {
        let ticket = input.ticket.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TicketClaimPayload(act(ctx, Claim { ticket }, with).await?.about(ticket))))
    }

    /// Hands a ticket over from somebody who works on it to somebody else, at once. Others who work on it stay.
    async fn ticket_reassign(
        &self,
        ctx: &Context<'_>,
        input: TicketReassignInput,
    ) -> Result<Option<TicketReassignPayload>> {
        let ticket = input.ticket.0;
        let command = Reassign { ticket, from: input.from.0, to: input.to.0, reason: input.reason };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TicketReassignPayload(act(ctx, command, with).await?.about(ticket))))
    }

    /// Makes people something to a ticket: lets follow, admits, assigns. Those who already are stay as they are.
    async fn ticket_relate(&self, ctx: &Context<'_>, input: TicketRelateInput) -> Result<Option<TicketRelatePayload>> {
        let ticket = input.ticket.0;
        let people = ids(input.people);
        let command = Relate { ticket, relation: input.relation.into(), people, only: input.only };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TicketRelatePayload(act(ctx, command, with).await?.about(ticket))))
    }

    /// Makes people no longer something to a ticket.
    async fn ticket_unrelate(
        &self,
        ctx: &Context<'_>,
        input: TicketUnrelateInput,
    ) -> Result<Option<TicketUnrelatePayload>> {
        let ticket = input.ticket.0;
        let command = Unrelate { ticket, relation: input.relation.into(), people: ids(input.people) };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TicketUnrelatePayload(act(ctx, command, with).await?.about(ticket))))
    }

    /// Puts tags on a ticket and takes others off.
    async fn ticket_tag(&self, ctx: &Context<'_>, input: TicketTagInput) -> Result<Option<TicketTagPayload>> {
        let ticket = input.ticket.0;
        let command = TagTicket { ticket, add: ids(input.add), remove: ids(input.remove) };
        let with = With::new(input.expected_version, input.idempotency_key).at(&[("tags", "add")]);
        Ok(Some(TicketTagPayload(act(ctx, command, with).await?.about(ticket))))
    }

    /// Deletes a ticket; it leaves every list and can be restored.
    async fn ticket_delete(&self, ctx: &Context<'_>, input: TicketDeleteInput) -> Result<Option<TicketDeletePayload>> {
        let ticket = input.ticket.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, DeleteTicket { ticket, reason: input.reason }, with).await?;
        Ok(Some(TicketDeletePayload(outcome.about(ticket))))
    }

    /// Restores a deleted ticket.
    async fn ticket_restore(
        &self,
        ctx: &Context<'_>,
        input: TicketRestoreInput,
    ) -> Result<Option<TicketRestorePayload>> {
        let ticket = input.ticket.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, RestoreTicket { ticket, reason: input.reason }, with).await?;
        Ok(Some(TicketRestorePayload(outcome.about(ticket))))
    }
}
