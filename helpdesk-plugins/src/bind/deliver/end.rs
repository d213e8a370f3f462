//! How a delivery ends, or is put off, that changed nothing: always with a record of the run.

use std::sync::Arc;

use helpdesk_core::command::StopAutomation;
use helpdesk_core::desk::Set as Commands;
use helpdesk_core::id::Mint;
use helpdesk_core::jobs::Verdict;
use helpdesk_core::store::{Kv, Lease, Row, RunRecord, Write};
use helpdesk_core::time::Timestamp;
use helpdesk_core::{ActError, Actor, Event};

use super::{One, RERUNS};
use crate::bind::failure::Failure;
use crate::bind::guard::Mark;
use crate::outcome::{Ended, Outcome};

/// Longest message kept of a run, in characters.
const MESSAGE_MAX: usize = 2000;
/// Under whose name the kind of a delivery's last failure is kept; no plugin can have this id.
const FAILURES: &str = "#failure";
/// For how long, in milliseconds: a day.
const KEPT: i64 = 24 * 60 * 60 * 1000;

impl One<'_> {
    /// The run failed: says what becomes of the delivery.
    pub(super) async fn failed(&self, outcome: &Outcome, failure: Failure) -> Result<Verdict, ActError> {
        let why = storable(&failure.to_string());
        let record = self.unfinished(outcome, failure.outcome(), why.clone());
        let (last, row) = self.last(failure.kind(), record.at).await?;
        self.keep(record, failure.mark(), row, None).await?;
        Ok(match &failure {
            Failure::Run(Ended::Rejected(_)) => Verdict::Dead(why),
            Failure::Run(Ended::Retry { after }) => {
                Verdict::Retry(after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX)), why)
            }
            Failure::Run(Ended::HostFault(_)) => Verdict::Fault(why),
            Failure::Run(Ended::Ok | Ended::Skipped(_) | Ended::Trapped { .. } | Ended::LimitHit { .. })
            | Failure::Misfit(_)
            | Failure::Stored(_)
            | Failure::Refused(_) => {
                // The same failure twice will not go away by itself.
                if last { Verdict::Dead(why) } else { Verdict::Retry(None, why) }
            }
        })
    }

    /// Whether the delivery's last failure was of this kind too, and the row that remembers this one.
    async fn last(&self, kind: Option<String>, now: Timestamp) -> Result<(bool, Option<Write>), ActError> {
        let Some(kind) = kind else { return Ok((false, None)) };
        let (tenant, job) = (self.delivery.event.tenant, uuid::Uuid::from(self.delivery.lease.job));
        let before = self.desk.store().kv(tenant, FAILURES, &job.to_string()).await?;
        // Whoever is tried for the first time, or anew, has not failed yet.
        let counts = |kv: &&Kv| self.delivery.attempt > 1 && kv.expires_at.is_none_or(|end| end > now);
        let same = before.as_ref().filter(counts).is_some_and(|kv| kv.value == kind.as_bytes());
        let after = Kv {
            tenant,
            plugin: FAILURES.into(),
            key: job.to_string(),
            value: kind.into_bytes(),
            version: before.as_ref().map_or(1, |kv| kv.version + 1),
            expires_at: Some(now.plus_millis(KEPT)),
        };
        Ok((same, Some(Write { before: before.map(Row::Kv), after: Some(Row::Kv(after)) })))
    }

    /// Others were faster, over and over.
    pub(super) async fn outrun(&self, outcome: &Outcome) -> Result<Verdict, ActError> {
        let why = format!("what the plugin changes was changed under it {RERUNS} times");
        self.keep(self.unfinished(outcome, "outrun", why.clone()), Mark::Neither, None, None).await?;
        Ok(Verdict::Retry(None, why))
    }

    /// It goes on at `until`.
    pub(super) async fn deferred(&self, outcome: &Outcome, until: Timestamp, why: String) -> Result<Verdict, ActError> {
        let record = self.unfinished(outcome, "deferred", why.clone());
        let wait = until.millis() - record.at.millis();
        self.keep(record, Mark::Neither, None, None).await?;
        Ok(Verdict::Later(wait, why))
    }

    /// Ends the delivery without effects.
    pub(super) async fn skipped(&self, outcome: &Outcome, why: &str, mark: Mark) -> Result<Verdict, ActError> {
        let record = self.record(outcome, outcome.ended.code(), why.to_owned(), 0);
        self.keep(record, mark, None, Some(self.delivery.lease)).await?;
        Ok(Verdict::Committed)
    }

    pub(super) async fn unseen(&self, what: &str) -> Result<Verdict, ActError> {
        let why = format!("the plugin may not see the {what}");
        self.skipped(&Outcome::without_effects(Ended::Skipped(why.clone())), &why, Mark::Neither).await
    }

    /// The chain is too long: it ends here, visibly. That it ended is not announced again. `outcome`: of the run that
    /// staged too much; none when it was not even run.
    pub(super) async fn stop(
        &self,
        outcome: Option<&Outcome>,
        limit: &str,
        used: u64,
        allowed: u64,
    ) -> Result<Verdict, ActError> {
        let event = &self.delivery.event;
        let stop = |ticket| StopAutomation { ticket, plugin: self.id.clone(), limit: limit.into(), used, allowed };
        let told = event.subject.ticket().filter(|_| !matches!(event.event, Event::AutomationStopped(_)));
        let why = format!("the chain is too long; `{limit}`: used {used}, allowed {allowed}");
        let record = match outcome {
            Some(outcome) => self.record(outcome, "stopped", why, 0),
            None => self.record(&Outcome::without_effects(Ended::Skipped(why.clone())), "stopped", why, 0),
        };
        let commands = Commands {
            commands: told.map(|ticket| stop(ticket).into()).into_iter().collect(),
            cause: Arc::new(self.cause()),
            done: Some(self.delivery.lease),
            rows: vec![insert(record)],
            ..Commands::default()
        };
        let mut left = RERUNS;
        loop {
            left -= 1;
            match self.desk.act_all(&Actor::system_of(event.tenant), commands.clone()).await {
                // The ticket changed meanwhile, which is nothing to a stop.
                Err(ActError::Busy(_)) if left > 0 => {}
                stopped => return stopped.map(|_| Verdict::Committed),
            }
        }
    }

    /// Writes a record and what follows from it, and with it the end of the delivery if that is over.
    async fn keep(
        &self,
        record: RunRecord,
        mark: Mark,
        row: Option<Write>,
        done: Option<Lease>,
    ) -> Result<(), ActError> {
        let by = Actor::system_of(self.delivery.event.tenant);
        let mut left = RERUNS;
        loop {
            let mut rows = vec![insert(record.clone())];
            rows.extend(row.clone());
            rows.extend(self.guard().mark(mark, record.at).await?);
            left -= 1;
            match self.desk.act_all(&by, Commands { done, rows, ..Commands::default() }).await {
                // The policy moved on meanwhile, which is nothing to a record, or another run has ended.
                Err(ActError::Busy(_)) if left > 0 => self.guard().forget(),
                kept => return kept.map(drop),
            }
        }
    }

    /// The record of the run that finishes the delivery.
    pub(super) fn record(&self, outcome: &Outcome, how: &str, message: String, effects: usize) -> RunRecord {
        RunRecord {
            tenant: self.delivery.event.tenant,
            id: self.delivery.lease.job,
            plugin: self.id.to_string(),
            event: self.delivery.event.id.to_string(),
            outcome: how.into(),
            message: storable(&message),
            effects: i32::try_from(effects).unwrap_or(i32::MAX),
            fuel: i64::try_from(outcome.fuel_used).unwrap_or(i64::MAX),
            micros: i64::try_from(outcome.elapsed.as_micros()).unwrap_or(i64::MAX),
            at: self.desk.clock().now(),
        }
    }

    /// The record of a run that leaves the delivery to another: each is recorded under its own lease.
    fn unfinished(&self, outcome: &Outcome, how: &str, message: String) -> RunRecord {
        let job = uuid::Uuid::from(self.delivery.lease.job);
        let id = Mint::new(job.into()).named(&format!("run/{}", self.delivery.lease.token));
        RunRecord { id, ..self.record(outcome, how, message, 0) }
    }
}

pub(super) fn insert(record: RunRecord) -> Write {
    Write { before: None, after: Some(Row::Run(record)) }
}

/// What a guest said, as any database can keep it.
fn storable(message: &str) -> String {
    message.chars().filter(|c| *c != '\0').take(MESSAGE_MAX).collect()
}
