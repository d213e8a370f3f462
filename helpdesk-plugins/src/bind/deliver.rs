//! One delivery: snapshot, run, apply, acknowledge.

mod end;

use std::collections::BTreeMap;
use std::sync::Arc;

use helpdesk_core::config::TenantConfig;
use helpdesk_core::desk::Set as Commands;
use helpdesk_core::desk::read::View;
use helpdesk_core::event::Cause;
use helpdesk_core::feed::Delivery;
use helpdesk_core::id::{EventId, TicketId};
use helpdesk_core::jobs::Verdict;
use helpdesk_core::time::Timestamp;
use helpdesk_core::{ActError, Actor, Desk, Envelope, PluginId, Refusal};

use self::end::insert;
use super::budget::{self, RUNS_MAX, SETS_MAX, Spent, WRITES_MAX};
use super::failure::Failure;
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
    // Whoever addressed it may not have known what the plugin wants.
    let Some(on) = set.told.wants(desk, &id, event).await? else { return Ok(Verdict::Done) };
    let one = One { host, desk, delivery, id, set, on, config };
    if event.cause.depth >= DEPTH_MAX {
        return one.stop(None, "depth", u64::from(event.cause.depth) + 1, DEPTH_MAX.into()).await;
    }
    // What an act causes directly is bounded by the plugins there are, and need not be looked up.
    let now = desk.clock().now();
    let spent = match event.cause.depth {
        0 => Spent::default(),
        _ => budget::spent(desk, event.tenant, one.root(), now).await?,
    };
    if spent.runs >= RUNS_MAX {
        return one.stop(None, "runs", spent.runs + 1, RUNS_MAX).await;
    }
    let mut left = RERUNS;
    loop {
        left -= 1;
        match one.attempt(spent).await? {
            Attempt::Over(verdict) => return Ok(verdict),
            Attempt::Outrun(outcome) if left == 0 => return one.outrun(&outcome).await,
            Attempt::Outrun(_) => {}
        }
    }
}

/// What came of one run.
enum Attempt {
    /// What becomes of the delivery.
    Over(Verdict),
    /// The ticket or a stored value changed meanwhile: it is run anew on what is there now.
    Outrun(Outcome),
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

    /// One run.
    async fn attempt(&self, spent: Spent) -> Result<Attempt, ActError> {
        let event = &self.delivery.event;
        let view = match event.subject.ticket() {
            None => None,
            Some(ticket) => match self.desk.ticket(&self.actor(), ticket).await {
                Ok(view) => Some(view),
                Err(ActError::Refused(Refusal::NotFound { .. })) => {
                    return self.unseen("ticket").await.map(Attempt::Over);
                }
                Err(error) => return Err(error),
            },
        };
        // What it is told follows the same rule as what it may read.
        let Some(shown) = self.desk.event(&self.actor(), event.clone()).await? else {
            return self.unseen("event").await.map(Attempt::Over);
        };
        let outcome = self.host.0.runtime.call(&self.set.loaded, self.call(&shown, view.as_ref())).await;
        for line in &outcome.logs.lines {
            tracing::debug!(plugin = %self.id, level = ?line.level, fields = line.fields, "{}", line.message);
        }
        let verdict = match &outcome.ended {
            Ended::Ok => self.apply(view.as_ref(), &outcome, spent).await?,
            Ended::Skipped(why) => Some(self.skipped(&outcome, why, Mark::Succeeded).await?),
            ended => Some(self.failed(&outcome, Failure::Run(ended.clone())).await?),
        };
        Ok(verdict.map_or(Attempt::Outrun(outcome), Attempt::Over))
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
                loaded: self.set.loaded.clone(),
                runtime: tokio::runtime::Handle::current(),
            }),
        }
    }

    /// Commits effects, stored values, run record and the end of the delivery; `None` when the ticket or a stored value
    /// changed meanwhile.
    async fn apply(&self, view: Option<&View>, outcome: &Outcome, spent: Spent) -> Result<Option<Verdict>, ActError> {
        let event = &self.delivery.event;
        let mut projects: BTreeMap<TicketId, _> =
            view.map(|view| (view.case.ticket.id, view.case.ticket.project)).into_iter().collect();
        // Those that it would change, and their versions; also the subject, which a plugin may change by other ways.
        let mut versions: BTreeMap<TicketId, i64> =
            view.map(|view| (view.case.ticket.id, view.version())).into_iter().collect();
        let others: Vec<TicketId> =
            apply::named(&outcome.effects).into_iter().filter(|ticket| !projects.contains_key(ticket)).collect();
        if !others.is_empty() {
            let found = self.desk.tickets_by_id(&self.actor(), &others).await?;
            projects.extend(found.iter().map(|view| (view.case.ticket.id, view.case.ticket.project)));
            let changed = apply::changed(&outcome.effects);
            let its = found.iter().filter(|view| changed.contains(&view.case.ticket.id));
            versions.extend(its.map(|view| (view.case.ticket.id, view.version())));
        }
        let mut setting = apply::Setting { config: &self.config, projects, job: self.delivery.lease.job };
        let plan = match apply::plan(&outcome.effects, &mut setting) {
            Ok(plan) => plan,
            Err(misfit) => return self.failed(outcome, Failure::Misfit(misfit)).await.map(Some),
        };
        let now = self.desk.clock().now();
        let writes = plan.commands.len();
        if let Some(verdict) = self.over_budget(outcome, &versions, spent.writes, writes, now).await? {
            return Ok(Some(verdict));
        }
        let mut rows = match kv::rows(self.desk, event.tenant, &self.id, &outcome.kv, now).await? {
            Ok(rows) => rows,
            Err(kv::Unwritable::Stale) => return Ok(None),
            Err(kv::Unwritable::Unfit(why)) => return self.failed(outcome, Failure::Stored(why)).await.map(Some),
        };
        let allowed = self.set.loaded.limits().kv_total_bytes;
        if let Some(used) = kv::too_much(self.desk, event.tenant, &self.id, &rows, now, allowed).await? {
            let ended = Ended::LimitHit { limit: Limit::KvTotalBytes, used, allowed };
            return self.failed(outcome, Failure::Run(ended)).await.map(Some);
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
            Err(ActError::Refused(refusal)) => self.failed(outcome, Failure::Refused(refusal)).await.map(Some),
            Err(error) => Err(error),
        }
    }

    /// What becomes of a delivery whose commands would be too many: in all, or on one of the tickets they change.
    async fn over_budget(
        &self,
        outcome: &Outcome,
        versions: &BTreeMap<TicketId, i64>,
        spent: u64,
        writes: usize,
        now: Timestamp,
    ) -> Result<Option<Verdict>, ActError> {
        let event = &self.delivery.event;
        let used = spent.saturating_add(writes as u64);
        if used > WRITES_MAX {
            return self.stop(Some(outcome), "writes", used, WRITES_MAX).await.map(Some);
        }
        let mut pause = None;
        for (ticket, version) in versions.iter().filter(|_| writes > 0) {
            pause = pause.max(budget::pause(self.desk, event.tenant, *ticket, *version, &self.id, now).await?);
        }
        match (pause, event.cause.depth) {
            (None, _) => Ok(None),
            // Many acts are no loop: each still gets its answer, in its time.
            (Some(until), 0) => {
                let why = format!("`{}` changed a ticket {SETS_MAX} times in a minute; it goes on after that", self.id);
                self.deferred(outcome, until, why).await.map(Some)
            }
            (Some(_), _) => self.stop(Some(outcome), "sets", SETS_MAX + 1, SETS_MAX).await.map(Some),
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
}
