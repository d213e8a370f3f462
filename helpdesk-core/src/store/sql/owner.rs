//! Whose rows a commit writes: those of its own tenant and no others. A commit that does otherwise is a defect of the
//! program, not something to decide again.

use crate::id::TenantId;
use crate::store::{Commit, Row, StoreError};

/// Refuses a commit that writes a row, enqueues a job or finishes one of another tenant.
pub(crate) fn one_tenant(commit: &Commit) -> Result<(), StoreError> {
    let rows = commit.writes.iter().flat_map(|write| [&write.before, &write.after]).flatten();
    let rows = rows.map(|row| ("writes a row", owner(row)));
    let jobs = commit.jobs.iter().map(|job| ("enqueues a job", job.tenant));
    let done = commit.done.iter().map(|lease| ("finishes a job", lease.tenant));
    match rows.chain(jobs).chain(done).find(|(_, owner)| *owner != commit.tenant) {
        None => Ok(()),
        Some((does, _)) => Err(StoreError::Defect(format!("a commit of one tenant {does} of another"))),
    }
}

fn owner(row: &Row) -> TenantId {
    match row {
        Row::Tenant(row) => row.id,
        Row::Project(row) => row.tenant,
        Row::Person(row) => row.tenant,
        Row::Group(row) => row.tenant,
        Row::Membership(row) => row.tenant,
        Row::Grant(row) => row.tenant,
        Row::Role(row) => row.tenant,
        Row::Workflow(row) => row.tenant,
        Row::Tag(row) => row.tenant,
        Row::Installation(row) => row.tenant,
        Row::Ticket(row) => row.ticket.tenant,
        Row::TicketText(row) => row.tenant,
        Row::Participant(row) => row.tenant,
        Row::Tagging(row) => row.tenant,
        Row::Link(row) => row.tenant,
        Row::Entry(row) => row.tenant,
        Row::Revision(row) => row.tenant,
        Row::SearchDoc(row) => row.tenant,
        Row::Kv(row) => row.tenant,
        Row::Run(row) => row.tenant,
        Row::Template(row) => row.tenant,
        Row::Approval(row) => row.tenant,
        Row::ApprovalStep(row) => row.tenant,
        Row::Slot(row) => row.tenant,
        Row::ApprovalDecision(row) => row.tenant,
        Row::Delegation(row) => row.tenant,
        Row::Board(row) => row.tenant,
        Row::Card(row) => row.tenant,
    }
}
