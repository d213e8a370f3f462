//! What else an event speaks of.

use super::Event;
use crate::id::TicketId;
use crate::role::Scope;
use crate::value::{Change, Field, Value};

/// A change as the world sees it: the mark of a priority chosen by hand is the log's own.
pub(super) fn shown(change: &Change) -> Change {
    let plain = |value: &Value| match value {
        Value::Text(text) if change.field == Field::Priority => Value::Text(text.trim_start_matches('!').into()),
        other => other.clone(),
    };
    Change { field: change.field, before: plain(&change.before), after: plain(&change.after) }
}

impl Event {
    /// Tickets it speaks of besides its own: whoever may not see them must not learn of them here.
    pub fn other_tickets(&self) -> Vec<TicketId> {
        let of = |value: &Value| if let Value::Text(text) = value { text.parse().ok() } else { None };
        let on = |scope: Scope| if let Scope::Ticket(ticket) = scope { vec![ticket] } else { vec![] };
        match self {
            Self::RoleGranted(e) => on(e.scope),
            Self::RoleRevoked(e) => on(e.scope),
            Self::Delegated(e) => on(e.scope),
            Self::ChildAdded(e) => vec![e.child],
            Self::ChildRemoved(e) => vec![e.child],
            Self::TicketLinked(e) => vec![e.other],
            Self::TicketUnlinked(e) => vec![e.other],
            Self::TicketCreated(e) => e.parent.into_iter().collect(),
            Self::TicketEdited(e) => {
                let parents = e.changes.iter().filter(|change| change.field == Field::Parent);
                parents.flat_map(|change| [of(&change.before), of(&change.after)]).flatten().collect()
            }
            Self::TenantRegistered(_)
            | Self::TenantEdited(_)
            | Self::ProjectCreated(_)
            | Self::ProjectEdited(_)
            | Self::PersonAdded(_)
            | Self::PersonEdited(_)
            | Self::GroupCreated(_)
            | Self::GroupEdited(_)
            | Self::MemberAdded(_)
            | Self::MemberRemoved(_)
            | Self::RoleDefined(_)
            | Self::RoleEdited(_)
            | Self::RoleDeleted(_)
            | Self::WorkflowPublished(_)
            | Self::TagDefined(_)
            | Self::TagEdited(_)
            | Self::PluginInstalled(_)
            | Self::PluginRemoved(_)
            | Self::TicketMoved(_)
            | Self::TicketMigrated(_)
            | Self::ParticipantAdded(_)
            | Self::ParticipantRemoved(_)
            | Self::TicketReassigned(_)
            | Self::TicketTagged(_)
            | Self::TicketDeleted(_)
            | Self::TicketRestored(_)
            | Self::EntryAdded(_)
            | Self::EntryEdited(_)
            | Self::EntryDeleted(_)
            | Self::TemplatePublished(_)
            | Self::ApprovalRequested(_)
            | Self::RoundOpened(_)
            | Self::StepOpened(_)
            | Self::StepSkipped(_)
            | Self::StepBlocked(_)
            | Self::StepEnded(_)
            | Self::ApprovalDecided(_)
            | Self::SlotMoved(_)
            | Self::SlotVacated(_)
            | Self::ApprovalEdited(_)
            | Self::ApprovalStaled(_)
            | Self::ApprovalEnded(_)
            | Self::DelegationRevoked(_)
            | Self::ApprovalConsulted(_)
            | Self::AutomationStopped(_)
            | Self::BoardCreated(_)
            | Self::BoardEdited(_)
            | Self::ColumnAdded(_)
            | Self::ColumnEdited(_)
            | Self::ColumnMoved(_)
            | Self::ColumnDeleted(_)
            | Self::ColumnRestored(_)
            | Self::CardMoved(_)
            | Self::Foreign(_) => vec![],
        }
    }
}
