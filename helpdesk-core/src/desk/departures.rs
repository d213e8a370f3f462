//! A subscriber of the log that every desk has: when somebody leaves, or may be asked anew, the approvals that concerns
//! are looked at again (SEMANTICS, "Approvals": Leaving). Looking twice changes nothing more.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::actor::Actor;
use crate::command::ReviewApprovers;
use crate::desk::Desk;
use crate::error::{ActError, Refusal};
use crate::event::{Envelope, Event};
use crate::feed::{Addressee, Delivery, Subscriber};
use crate::jobs::Verdict;
use crate::store::Concerned;

/// Tickets looked at in one trip.
const PAGE: u16 = 100;
/// How often a delivery is tried.
const TRIES: i32 = 8;

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Departures;

/// Whose approvals an event concerns.
fn concerned(event: &Event) -> Option<Concerned> {
    match event {
        Event::PersonEdited(e) => match e.active {
            Some(false) => Some(Concerned::Person(e.person)),
            Some(true) => Some(Concerned::Stuck),
            None => e.parts.iter().any(|part| part == "manager").then(|| Concerned::Via("manager".into())),
        },
        Event::MemberRemoved(e) => Some(Concerned::Person(e.person)),
        Event::RoleRevoked(e) => Some(Concerned::Via(format!("role:{}", e.role))),
        Event::GroupEdited(e) => e.head.map(|_| Concerned::Via("department_head".into())),
        Event::ProjectEdited(e) => e.lead.map(|_| Concerned::Via("project_lead".into())),
        Event::MemberAdded(_) | Event::RoleGranted(_) | Event::Delegated(_) => Some(Concerned::Stuck),
        Event::TenantRegistered(_)
        | Event::TenantEdited(_)
        | Event::ProjectCreated(_)
        | Event::PersonAdded(_)
        | Event::GroupCreated(_)
        | Event::RoleDefined(_)
        | Event::RoleEdited(_)
        | Event::RoleDeleted(_)
        | Event::WorkflowPublished(_)
        | Event::TagDefined(_)
        | Event::TagEdited(_)
        | Event::PluginInstalled(_)
        | Event::PluginRemoved(_)
        | Event::TicketCreated(_)
        | Event::TicketEdited(_)
        | Event::TicketMoved(_)
        | Event::TicketMigrated(_)
        | Event::ParticipantAdded(_)
        | Event::ParticipantRemoved(_)
        | Event::TicketReassigned(_)
        | Event::TicketTagged(_)
        | Event::ChildAdded(_)
        | Event::ChildRemoved(_)
        | Event::TicketLinked(_)
        | Event::TicketUnlinked(_)
        | Event::TicketDeleted(_)
        | Event::TicketRestored(_)
        | Event::EntryAdded(_)
        | Event::EntryEdited(_)
        | Event::EntryDeleted(_)
        | Event::TemplatePublished(_)
        | Event::ApprovalRequested(_)
        | Event::RoundOpened(_)
        | Event::StepOpened(_)
        | Event::StepSkipped(_)
        | Event::StepBlocked(_)
        | Event::StepEnded(_)
        | Event::ApprovalDecided(_)
        | Event::ApprovalConsulted(_)
        | Event::SlotMoved(_)
        | Event::SlotVacated(_)
        | Event::ApprovalEdited(_)
        | Event::ApprovalStaled(_)
        | Event::ApprovalEnded(_)
        | Event::DelegationRevoked(_)
        | Event::AutomationStopped(_)
        | Event::BoardCreated(_)
        | Event::BoardEdited(_)
        | Event::ColumnAdded(_)
        | Event::ColumnEdited(_)
        | Event::ColumnMoved(_)
        | Event::ColumnDeleted(_)
        | Event::ColumnRestored(_)
        | Event::CardMoved(_)
        | Event::Foreign(_) => None,
    }
}

impl Subscriber for Departures {
    fn name(&self) -> &'static str {
        "approvals"
    }

    fn wants<'a>(
        &'a self,
        _: &'a Desk,
        events: &'a [Envelope],
    ) -> BoxFuture<'a, Result<Vec<Vec<Addressee>>, ActError>> {
        let one = || Addressee { name: "approvals".into(), tries: TRIES };
        let wants = |event: &Envelope| concerned(&event.event).map(|_| one()).into_iter().collect();
        std::future::ready(Ok(events.iter().map(wants).collect())).boxed()
    }

    fn deliver<'a>(&'a self, desk: &'a Desk, delivery: &'a Delivery) -> BoxFuture<'a, Result<Verdict, ActError>> {
        async move {
            let Some(whom) = concerned(&delivery.event.event) else { return Ok(Verdict::Done) };
            let (tenant, mut after) = (delivery.event.tenant, None);
            let host = Actor::system_of(tenant);
            loop {
                let tickets = desk.store().concerned(tenant, &whom, after, PAGE).await?;
                let Some(last) = tickets.last() else { return Ok(Verdict::Done) };
                after = Some(*last);
                for ticket in tickets {
                    match desk.act(&host, ReviewApprovers { ticket }).await {
                        // A deleted ticket has nothing to decide.
                        Ok(_) | Err(ActError::Refused(Refusal::NotFound { .. })) => {}
                        // One that cannot be mended must not hold up the others.
                        Err(ActError::Refused(why)) => {
                            tracing::warn!(%ticket, %why, "its approvers could not be looked at again");
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        .boxed()
    }
}
