//! The judgement: what the tickets are now, read back from the desk, beside what the log says.

use std::collections::BTreeMap;

use helpdesk_core::desk::read::View;
use helpdesk_core::id::TicketId;
use helpdesk_core::{ActError, Actor, Desk};

use super::Planned;
use super::run::Followed;
use crate::replay::{Mismatch, MismatchKind, Outcome, Report, State, Verdict};

/// Reads every ticket of `followed` back and reports.
pub async fn judge(desk: &Desk, viewer: &Actor, planned: &Planned, followed: &[Followed]) -> Result<Report, ActError> {
    let mut report = Report::new(planned.rows);
    report.unread(planned.unread.clone());
    for some in followed.chunks(100) {
        let ids: Vec<TicketId> = some.iter().filter_map(|case| case.ticket).collect();
        let views = desk.tickets_by_id(viewer, &ids).await?;
        let views: BTreeMap<TicketId, View> = views.into_iter().map(|view| (view.case.ticket.id, view)).collect();
        for case in some {
            match case.ticket.and_then(|ticket| views.get(&ticket)) {
                Some(view) => note(&mut report, case, view),
                None => lost(&mut report, case),
            }
        }
    }
    Ok(report)
}

fn note(report: &mut Report, case: &Followed, view: &View) {
    let ticket = &view.case.ticket;
    let known = State::from_id(&ticket.state);
    let became = Outcome {
        state: known.or(case.plan.claims.state).unwrap_or(State::New),
        reopenings: ticket.reopened,
        reassignments: ticket.regrouped,
    };
    report.case(&case.plan, &became);
    if known.is_none() {
        // Somebody has moved it on to where no log goes.
        report.mismatches.push(Mismatch {
            number: case.plan.number.clone(),
            kind: MismatchKind::State,
            log: became.state.id().into(),
            imported: ticket.state.clone(),
            since: None,
        });
    }
}

/// A case without a ticket: its rows are odd, each refused.
fn lost(report: &mut Report, case: &Followed) {
    let mut plan = case.plan.clone();
    for row in 0..plan.accounts.len() {
        if !matches!(&plan.accounts[row].verdict, Verdict::Odd(_)) {
            plan.refuse(row, "NOT_FOUND");
        }
    }
    report.unread(plan.accounts.into_iter().filter_map(|account| match account.verdict {
        Verdict::Odd(odd) => Some(odd),
        Verdict::Opened | Verdict::Changed | Verdict::Unchanged => None,
    }));
}
