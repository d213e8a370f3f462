//! Lines about approvals, templates and delegations.

use super::super::words::{Cast, Keys, Muddle, instant};
use super::{Noun, Spoken};
use crate::approval::{TemplateDefinition, Vote};
use crate::command::*;
use crate::role::Scope;
use crate::time::Timestamp;

/// What such a line asks for; nothing when it is about something else.
pub(super) fn understand(
    rest: &[&str],
    keys: &mut Keys<'_>,
    cast: &Cast,
    block: &str,
    now: Timestamp,
) -> Result<Spoken, Muddle> {
    let mut named = None;
    let command: Command = match rest {
        ["publishes", "template"] => {
            let block = cast.with_ids(block)?;
            let definition = TemplateDefinition::from_toml(&block).map_err(|error| error.to_string())?;
            PublishTemplate { tenant: cast.here()?, definition }.into()
        }
        ["requests", "approval", "of", ticket, "by", template] => {
            named = keys.take("as").map(|name| (Noun::Approval, name.to_owned()));
            RequestApproval::new(cast.ticket(ticket)?, *template).into()
        }
        [verb @ ("approves" | "rejects"), approval, "on", ticket] => {
            let verdict = if *verb == "approves" { Vote::Approved } else { Vote::Rejected };
            DecideApproval {
                ticket: cast.ticket(ticket)?,
                approval: cast.approval(approval)?,
                verdict,
                comment: keys.text("because"),
                step: keys.text("step"),
                on_behalf_of: keys.take("for").map(|name| cast.person(name)).transpose()?,
            }
            .into()
        }
        ["retracts", approval, "on", ticket] => RetractDecision {
            ticket: cast.ticket(ticket)?,
            approval: cast.approval(approval)?,
            step: keys.text("step"),
        }
        .into(),
        ["gives", approval, "on", ticket, "from", from, "to", to] => ReassignSlot {
            ticket: cast.ticket(ticket)?,
            approval: cast.approval(approval)?,
            step: keys.text("step"),
            from: cast.person(from)?,
            to: cast.person(to)?,
            reason: keys.text("because").unwrap_or_default(),
        }
        .into(),
        ["consults", person, "on", approval, "of", ticket, question] => ConsultApprover {
            ticket: cast.ticket(ticket)?,
            approval: cast.approval(approval)?,
            step: keys.text("step"),
            person: cast.person(person)?,
            question: (*question).to_owned(),
        }
        .into(),
        ["advises", "on", approval, "of", ticket, opinion] => AdviseApprover {
            ticket: cast.ticket(ticket)?,
            approval: cast.approval(approval)?,
            step: keys.text("step"),
            opinion: (*opinion).to_owned(),
        }
        .into(),
        ["recalls", approval, "on", ticket] => RecallApproval {
            ticket: cast.ticket(ticket)?,
            approval: cast.approval(approval)?,
            reason: keys.text("because"),
        }
        .into(),
        ["resubmits", approval, "on", ticket] => {
            ResubmitApproval { ticket: cast.ticket(ticket)?, approval: cast.approval(approval)? }.into()
        }
        ["reviews", "approvers", "of", ticket] => ReviewApprovers { ticket: cast.ticket(ticket)? }.into(),
        ["delegates", principal, "to", delegate] => {
            named = keys.take("as").map(|name| (Noun::Delegation, name.to_owned()));
            Delegate {
                principal: cast.person(principal)?,
                delegate: cast.person(delegate)?,
                scope: keys.take("on").map_or(Ok(Scope::Tenant), |name| cast.scope(name))?,
                starts_at: keys.take("from").map(|text| instant(text, now)).transpose()?,
                ends_at: keys.take("until").map(|text| instant(text, now)).transpose()?,
            }
            .into()
        }
        ["revokes", "delegation", delegation] => RevokeDelegation { delegation: cast.delegation(delegation)? }.into(),
        _ => return Ok(None),
    };
    Ok(Some((command, named)))
}
