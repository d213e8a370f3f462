//! One delivery: snapshot, run, apply, acknowledge.

use std::collections::BTreeMap;
use std::sync::Arc;

use helpdesk_core::command::StopAutomation;
use helpdesk_core::config::TenantConfig;
use helpdesk_core::desk::Set as Commands;
use helpdesk_core::desk::read::View;
use helpdesk_core::event::Cause;
use helpdesk_core::feed::Delivery;
use helpdesk_core::filter::Filter;
use helpdesk_core::id::{EventId, Mint, TicketId};
use helpdesk_core::jobs::Verdict;
use helpdesk_core::store::{Lease, Row, RunRecord, Write};
use helpdesk_core::time::Timestamp;
use helpdesk_core::{ActError, Actor, Desk, Envelope, Event, PluginId, Refusal};

use super::budget::{self, RUNS_MAX, SETS_MAX, Spent, WRITES_MAX};
use super::guard::{Guard, Mark};
use super::{DEPTH_MAX, PluginHost, Set, apply, kv, reads::AsPlugin, show};
use crate::breaker::Standing;
use crate::capability::Call;
use crate::event::Invocation;
use crate::limits::Limit;
use crate::outcome::{Ended, Outcome};
use crate::{Mode, run};

/// How often a guest is run anew in one try because the ticket or a stored value changed under it.
const RERUNS: u32 = 8;
/// Shortest and longest wait for a process that has the plugin's code, in milliseconds.
const WAIT_MIN: i64 = 1000;
const WAIT_MAX: i64 = 5 * 60 * 1000;
/// Longest message kept of a run, in characters.
const MESSAGE_MAX: usize = 2000;
/// How a run ended whose effects could not be applied.
const REFUSED: &str = "refused";

/// Whether the subject of an event matches a manifest's `where`, as it stands now.
pub(super) async fn passes(desk: &Desk, filter: &Filter, event: &Envelope) -> Result<bool, ActError> {
    match (filter, event.subject.ticket()) {
        (Filter::All, _) => Ok(true),
        (_, None) => Ok(false),
        (filter, Some(ticket)) => {
            let found = desk.tickets_by_id(&Actor::system_of(event.tenant), &[ticket]).await?;
            Ok(found.iter().any(|view| filter.matches(&view.case, &[], false)))
        }
    }
}

/// Runs the plugin on the event and applies what it staged, in one commit with the end of the delivery.
pub(super) async fn deliver(host: &PluginHost, desk: &Desk, delivery: &Delivery) -> Result<Verdict, ActError> {
    let event = &delivery.event;
    let Ok(id) = delivery.to.parse::<PluginId>() else {
        return Ok(Verdict::Dead(format!("`{}` is no plugin id", delivery.to)));
    };
    let config = desk.config(&Actor::system_of(event.tenant)).await?;
    let Some(installed) = config.plugins.get(&id).filter(|installed| installed.enabled) else {
        return Ok(Verdict::Done); // removed or switched off since
    };
    let Some(set) = host.ready(installed) else {
        let why =
            format!("the code of `{id}` ({}) was not provided to this process, or no longer fits", installed.digest);
        // The longer nobody could, the longer it waits; whenever the code comes, the event is still there.
        let waited = desk.clock().now().millis().saturating_sub(event.recorded_at.millis());
        return Ok(Verdict::Later(waited.clamp(WAIT_MIN, WAIT_MAX), why));
    };
    let guard = Guard { host: &host.0, desk, installed: &set.installed };
    let now = desk.clock().now();
    match guard.breaker(now).await?.standing(now) {
        Standing::Running => {}
        Standing::Paused { until } => {
            let why = format!("`{id}` failed too often in a row; its deliveries wait for a while");
            return Ok(Verdict::Later(until.millis() - now.millis(), why));
        }
        Standing::Quarantined { .. } => {
            let why = format!("`{id}` is in quarantine because it kept failing; resume it or set it up anew");
            return Ok(Verdict::Later(WAIT_MAX, why));
        }
    }
    let wanted: Vec<usize> = super::on(set.loaded.manifest(), &id, event).collect();
    let Some(mut on) = wanted.first().copied() else { return Ok(Verdict::Done) };
    for index in wanted {
        if passes(desk, &set.filters[index], event).await? {
            on = index;
            break;
        }
    }
    let one = One { host, desk, delivery, id, set, on, config };
    if event.cause.depth >= DEPTH_MAX {
        return one.stop("depth", u64::from(event.cause.depth) + 1, DEPTH_MAX.into()).await;
    }
    // What an act causes directly is bounded by the plugins there are, and need not be looked up.
    let now = desk.clock().now();
    let spent = match event.cause.depth {
        0 => Spent::default(),
        _ => budget::spent(desk, event.tenant, one.root(), now).await?,
    };
    if spent.runs >= RUNS_MAX {
        return one.stop("runs", spent.runs + 1, RUNS_MAX).await;
    }
    for _ in 0..RERUNS {
        if let Some(verdict) = one.attempt(spent).await? {
            return Ok(verdict);
        }
    }
    Ok(Verdict::Retry(None, format!("what the plugin changes was changed under it {RERUNS} times")))
}

struct One<'a> {
    host: &'a PluginHost,
    desk: &'a Desk,
    delivery: &'a Delivery,
    id: PluginId,
    set: Arc<Set>,
    on: usize,
    config: Arc<TenantConfig>,
}

impl One<'_> {
    fn guard(&self) -> Guard<'_> {
        Guard { host: &self.host.0, desk: self.desk, installed: &self.set.installed }
    }

    fn actor(&self) -> Actor {
        Actor::Plugin(self.delivery.event.tenant, self.id.clone())
    }

    /// One run; `None` when the ticket changed meanwhile.
    async fn attempt(&self, spent: Spent) -> Result<Option<Verdict>, ActError> {
        let event = &self.delivery.event;
        let view = match event.subject.ticket() {
            None => None,
            Some(ticket) => match self.desk.ticket(&self.actor(), ticket).await {
                Ok(view) => Some(view),
                Err(ActError::Refused(Refusal::NotFound { .. })) => {
                    return self.unseen("ticket").await.map(Some);
                }
                Err(error) => return Err(error),
            },
        };
        // What it is told follows the same rule as what it may read.
        let Some(shown) = self.desk.event(&self.actor(), event.clone()).await? else {
            return self.unseen("event").await.map(Some);
        };
        let outcome = self.host.0.runtime.call(&self.set.loaded, self.call(&shown, view.as_ref())).await;
        for line in &outcome.logs.lines {
            tracing::debug!(plugin = %self.id, level = ?line.level, fields = line.fields, "{}", line.message);
        }
        match &outcome.ended {
            Ended::Ok => self.apply(view.as_ref(), &outcome, spent).await,
            Ended::Skipped(why) => self.skipped(&outcome, why, Mark::Succeeded).await.map(Some),
            ended => self.failed(&outcome, ended.code(), ended.to_string()).await.map(Some),
        }
    }

    /// Leaves a record of a run that came to nothing, and says what becomes of the delivery.
    async fn failed(&self, outcome: &Outcome, how: &str, why: String) -> Result<Verdict, ActError> {
        let why = storable(&why);
        // Several runs may fail before one delivery ends; each is recorded under its own lease.
        let job = uuid::Uuid::from(self.delivery.lease.job);
        let id = Mint::new(job.into()).named(&format!("run/{}", self.delivery.lease.token));
        let record = RunRecord { id, ..self.record(outcome, how, why.clone(), 0) };
        // Asking for another try is no failure, and what the host did is not the plugin's.
        let mark = match &outcome.ended {
            Ended::Retry { .. } | Ended::HostFault(_) => Mark::Neither,
            Ended::Ok | Ended::Skipped(_) | Ended::Rejected(_) | Ended::Trapped { .. } | Ended::LimitHit { .. } => {
                Mark::Failed
            }
        };
        self.keep(record, mark, None).await?;
        Ok(match &outcome.ended {
            Ended::Rejected(_) => Verdict::Dead(why),
            Ended::Retry { after } => {
                Verdict::Retry(after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX)), why)
            }
            Ended::HostFault(_) => Verdict::Fault(why),
            // The same failure twice will not go away by itself.
            Ended::Ok | Ended::Skipped(_) | Ended::Trapped { .. } | Ended::LimitHit { .. } => {
                if self.delivery.error.as_deref().is_some_and(|last| same(last, &why)) {
                    Verdict::Dead(why)
                } else {
                    Verdict::Retry(None, why)
                }
            }
        })
    }

    fn call(&self, event: &Envelope, view: Option<&View>) -> run::Delivery {
        // The manifest may ask for more than was granted.
        let granted = |field: &&String| self.set.loaded.grant().check(Call::Read { kind: "ticket", field }).is_ok();
        let names: Vec<String> = self.set.loaded.manifest().on[self.on].input.iter().filter(granted).cloned().collect();
        let job = uuid::Uuid::from(self.delivery.lease.job);
        run::Delivery {
            invocation: Invocation {
                idempotency_key: job.to_string(),
                attempt: self.delivery.attempt.unsigned_abs(),
                now: show::millis(self.desk.clock().now()),
                seed: job.as_u64_pair().1,
                mode: Mode::After,
                dry_run: false,
            },
            event: show::event(event, self.set.loaded.grant()),
            input: view.map(|view| show::fields(&self.config, view, &names)).unwrap_or_default(),
            config: self.set.config.clone(),
            reads: Arc::new(AsPlugin {
                desk: self.desk.clone(),
                actor: self.actor(),
                plugin: self.id.clone(),
                runtime: tokio::runtime::Handle::current(),
            }),
        }
    }

    /// Commits effects, stored values, run record and the end of the delivery; `None` when the ticket changed meanwhile.
    async fn apply(&self, view: Option<&View>, outcome: &Outcome, spent: Spent) -> Result<Option<Verdict>, ActError> {
        let event = &self.delivery.event;
        let mut projects: BTreeMap<TicketId, _> =
            view.map(|view| (view.case.ticket.id, view.case.ticket.project)).into_iter().collect();
        let others: Vec<TicketId> =
            apply::named(&outcome.effects).into_iter().filter(|ticket| !projects.contains_key(ticket)).collect();
        if !others.is_empty() {
            let found = self.desk.tickets_by_id(&self.actor(), &others).await?;
            projects.extend(found.iter().map(|view| (view.case.ticket.id, view.case.ticket.project)));
        }
        let mut setting = apply::Setting { config: &self.config, projects, job: self.delivery.lease.job };
        let plan = match apply::plan(&outcome.effects, &mut setting) {
            Ok(plan) => plan,
            Err(misfit) => return self.failed(outcome, REFUSED, misfit.to_string()).await.map(Some),
        };
        let now = self.desk.clock().now();
        let writes = plan.commands.len();
        if let Some(verdict) = self.over_budget(view, spent.writes, writes, now).await? {
            return Ok(Some(verdict));
        }
        let mut rows = match kv::rows(self.desk, event.tenant, &self.id, &outcome.kv, now).await? {
            Ok(rows) => rows,
            Err(stale) => return self.failed(outcome, REFUSED, stale).await.map(Some),
        };
        let allowed = self.set.loaded.limits().kv_total_bytes;
        if let Some(used) = kv::too_much(self.desk, event.tenant, &self.id, &rows, now, allowed).await? {
            let ended = Ended::LimitHit { limit: Limit::KvTotalBytes, used, allowed };
            return self.failed(outcome, ended.code(), ended.to_string()).await.map(Some);
        }
        rows.push(insert(self.record(outcome, "done", String::new(), writes)));
        if event.cause.depth > 0 || writes > 0 {
            rows.push(budget::note(event.tenant, self.root(), self.delivery.lease.job, writes, now));
        }
        rows.extend(self.guard().mark(Mark::Succeeded, now).await?);
        let mut expected = plan.expected;
        if let Some(view) = view.filter(|_| !plan.commands.is_empty()) {
            expected.push((view.case.ticket.id, view.version()));
        }
        let commands = Commands {
            commands: plan.commands,
            // No id: it seeds the salts of texts, and whoever reads the log knows the delivery's. The lease alone makes
            // that nothing is applied twice.
            expected,
            cause: Arc::new(self.cause()),
            done: Some(self.delivery.lease),
            rows,
            ..Commands::default()
        };
        match self.desk.act_all(&self.actor(), commands).await {
            Ok(_) => Ok(Some(Verdict::Committed)),
            // The ticket or a stored value changed meanwhile: run it anew on what is there now.
            Err(ActError::Refused(Refusal::Conflict(_)) | ActError::Busy(_)) => {
                self.guard().forget();
                Ok(None)
            }
            Err(ActError::Refused(refusal)) => {
                self.failed(outcome, REFUSED, format!("{}: {refusal}", refusal.code())).await.map(Some)
            }
            Err(error) => Err(error),
        }
    }

    /// What becomes of a delivery whose commands would be too many.
    async fn over_budget(
        &self,
        view: Option<&View>,
        spent: u64,
        writes: usize,
        now: Timestamp,
    ) -> Result<Option<Verdict>, ActError> {
        let event = &self.delivery.event;
        let used = spent.saturating_add(writes as u64);
        if used > WRITES_MAX {
            return self.stop("writes", used, WRITES_MAX).await.map(Some);
        }
        let Some(view) = view.filter(|_| writes > 0) else { return Ok(None) };
        let ticket = view.case.ticket.id;
        let pause = budget::pause(self.desk, event.tenant, ticket, view.version(), &self.id, now).await?;
        match (pause, event.cause.depth) {
            (None, _) => Ok(None),
            // Many acts are no loop: each still gets its answer, in its time.
            (Some(until), 0) => {
                let why =
                    format!("`{}` changed this ticket {SETS_MAX} times in a minute; it goes on after that", self.id);
                Ok(Some(Verdict::Later(until.millis() - now.millis(), why)))
            }
            (Some(_), _) => self.stop("sets", SETS_MAX + 1, SETS_MAX).await.map(Some),
        }
    }

    /// The act that began it all.
    fn root(&self) -> EventId {
        self.delivery.event.cause.root.unwrap_or(self.delivery.event.id)
    }

    fn cause(&self) -> Cause {
        let event = &self.delivery.event;
        let mut via = event.cause.via.clone();
        via.push(self.id.clone());
        Cause { root: Some(self.root()), parent: Some(event.id), depth: event.cause.depth.saturating_add(1), via }
    }

    /// Ends the delivery without effects, with a record of the run.
    async fn skipped(&self, outcome: &Outcome, why: &str, mark: Mark) -> Result<Verdict, ActError> {
        let record = self.record(outcome, outcome.ended.code(), why.to_owned(), 0);
        self.keep(record, mark, Some(self.delivery.lease)).await?;
        Ok(Verdict::Committed)
    }

    async fn unseen(&self, what: &str) -> Result<Verdict, ActError> {
        let why = format!("the plugin may not see the {what}");
        self.skipped(&Outcome::without_effects(Ended::Skipped(why.clone())), &why, Mark::Neither).await
    }

    /// Writes a record and what follows from it, and with it the end of the delivery if that is over.
    async fn keep(&self, record: RunRecord, mark: Mark, done: Option<Lease>) -> Result<(), ActError> {
        let by = Actor::system_of(self.delivery.event.tenant);
        let mut left = RERUNS;
        loop {
            let mut rows = vec![insert(record.clone())];
            rows.extend(self.guard().mark(mark, record.at).await?);
            left -= 1;
            match self.desk.act_all(&by, Commands { done, rows, ..Commands::default() }).await {
                // The policy moved on meanwhile, which is nothing to a record, or another run has ended.
                Err(ActError::Busy(_)) if left > 0 => self.guard().forget(),
                kept => return kept.map(drop),
            }
        }
    }

    /// The chain is too long: it ends here, visibly. That it ended is not announced again.
    async fn stop(&self, limit: &str, used: u64, allowed: u64) -> Result<Verdict, ActError> {
        let event = &self.delivery.event;
        if matches!(event.event, Event::AutomationStopped(_)) {
            return Ok(Verdict::Done);
        }
        let stop = |ticket| StopAutomation { ticket, plugin: self.id.clone(), limit: limit.into(), used, allowed };
        let commands = Commands {
            commands: event.subject.ticket().map(|ticket| stop(ticket).into()).into_iter().collect(),
            cause: Arc::new(self.cause()),
            done: Some(self.delivery.lease),
            ..Commands::default()
        };
        self.desk.act_all(&Actor::system_of(event.tenant), commands).await?;
        Ok(Verdict::Committed)
    }

    fn record(&self, outcome: &Outcome, how: &str, message: String, effects: usize) -> RunRecord {
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
}

fn insert(record: RunRecord) -> Write {
    Write { before: None, after: Some(Row::Run(record)) }
}

/// What a guest said, as any database can keep it.
fn storable(message: &str) -> String {
    message.chars().filter(|c| *c != '\0').take(MESSAGE_MAX).collect()
}

/// Whether two failures are of one kind: their texts begin alike, up to the first colon (the code of a refusal, which
/// limit, that it trapped). What follows may name figures that are never the same twice.
fn same(last: &str, now: &str) -> bool {
    fn kind(text: &str) -> &str {
        text.split_once(": ").map_or(text, |(kind, _)| kind)
    }
    kind(last) == kind(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::TrapKind;

    #[test]
    fn failures_are_of_one_kind_whatever_figures_they_name() {
        let hit = |limit, used| Ended::LimitHit { limit, used, allowed: 50 }.to_string();
        let trap = |message: &str| Ended::Trapped { kind: TrapKind::Fault, message: message.into() }.to_string();
        assert!(same(&hit(Limit::GuestTime, 51), &hit(Limit::GuestTime, 63)));
        assert!(!same(&hit(Limit::GuestTime, 51), &hit(Limit::WallTime, 51)));
        assert!(same(&trap("at 0x10"), &trap("at 0x20")));
        assert!(!same(&trap("at 0x10"), &hit(Limit::Fuel, 50)));
        assert!(same("FORBIDDEN: may not edit", "FORBIDDEN: may not tag"));
        assert!(!same("the stored value `k` has version 3 by now", "the stored value `k` has version 4 by now"));
    }
}
