//! Background work: claiming jobs and deliveries, running them under a lease, retrying, giving up.
//!
//! Nothing runs before the host says so: [`Desk::workers`] starts workers, [`Desk::tick`] does what is due and returns.

mod wait;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::task::JoinHandle;

pub(crate) use self::wait::Faults;
use crate::actor::Actor;
use crate::desk::{Desk, Set};
use crate::error::ActError;
use crate::feed::{self, Subscriber};
use crate::store::{Job, Lease, NewJob, Release, StoreError, Sweep};
use crate::time::Timestamp;

/// How long a lease lasts unless it is renewed, in milliseconds; it is renewed every third of that.
const LEASE: i64 = 30_000;
/// How long idle workers wait before they look by themselves.
const POLL: Duration = Duration::from_secs(1);
/// How often it is tried to say that a job was not finished, and the wait after the first time, longer by as much each
/// further time.
const RELEASES: u32 = 8;
const RELEASE_PAUSE: Duration = Duration::from_millis(50);
/// Idempotency keys are kept this long, in milliseconds: 24 hours.
const KEYS: i64 = 24 * 60 * 60 * 1000;
/// Records of plugin runs are kept this long, in milliseconds: 30 days.
const RUNS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Shortest wait of a job that asks to come later, in milliseconds: none at all would be worked on without end.
const LATER_MIN: i64 = 1000;
/// Longest text kept of a failure, in characters.
const WHY_MAX: usize = 2000;

/// What became of a job or delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is done; the worker writes its end.
    Done,
    /// It is done, and its end was committed together with what it changed.
    Committed,
    /// Try again: after this many milliseconds, or with the ordinary back-off.
    Retry(Option<i64>, String),
    /// This process lacks what it needs, another may have it: try again after this many milliseconds, as often as it
    /// takes.
    Later(i64, String),
    /// This process or its database is at fault, not the job: try again with the ordinary back-off, as often as it
    /// takes. [`ActError::Store`] and [`ActError::Busy`] mean the same.
    Fault(String),
    /// Trying again will not help: a dead letter.
    Dead(String),
}

/// Does the jobs of one queue.
pub trait Handler: Send + Sync + 'static {
    /// The name of the queue.
    fn queue(&self) -> &str;
    /// Does one job. It may run more than once; what it commits with the job's lease happens once.
    fn run<'a>(&'a self, desk: &'a Desk, job: &'a Job) -> BoxFuture<'a, Result<Verdict, ActError>>;
}

/// What a round of background work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ticked {
    /// Jobs and deliveries that were finished.
    pub done: u64,
    /// Those that will be tried again.
    pub retried: u64,
    /// Those given up.
    pub dead: u64,
}

#[derive(Clone)]
enum Work {
    Deliver(Arc<dyn Subscriber>),
    Run(Arc<dyn Handler>),
}

impl Work {
    fn queue(&self) -> String {
        match self {
            Self::Deliver(subscriber) => feed::queue(subscriber.name()),
            Self::Run(handler) => handler.queue().to_owned(),
        }
    }
}

impl Desk {
    fn works(&self) -> Vec<Work> {
        let deliver = self.subscribers().iter().cloned().map(Work::Deliver);
        deliver.chain(self.handlers().iter().cloned().map(Work::Run)).collect()
    }

    /// Enqueues a job of the host's own, for a tenant; one with the same (tenant, queue, key) that still waits is moved.
    pub async fn enqueue(&self, job: NewJob) -> Result<(), ActError> {
        let by = Actor::system_of(job.tenant);
        self.act_all(&by, Set { jobs: vec![job], ..Set::default() }).await.map(drop)
    }

    /// Does what is due now, with up to eight jobs at a time, until nothing more is due.
    pub async fn tick(&self) -> Result<Ticked, ActError> {
        let mut sum = Ticked::default();
        self.sweep().await?;
        loop {
            let mut moved = false;
            for subscriber in self.subscribers() {
                moved |= self.fan_out(subscriber.as_ref()).await?;
            }
            for work in self.works() {
                let round = self.round(&work, 8).await?;
                moved |= round != Ticked::default();
                sum.done += round.done;
                sum.retried += round.retried;
                sum.dead += round.dead;
            }
            if !moved {
                return Ok(sum);
            }
        }
    }

    /// Claims up to `at_once` due jobs of a queue and does them.
    async fn round(&self, work: &Work, at_once: u16) -> Result<Ticked, ActError> {
        let now = self.clock().now();
        let jobs = self.store().claim(&work.queue(), at_once, now, now.plus_millis(LEASE)).await?;
        let mut running: FuturesUnordered<_> = jobs.into_iter().map(|job| self.work_on(work, job)).collect();
        let (mut sum, mut failed) = (Ticked::default(), None);
        while let Some(one) = running.next().await {
            match one {
                Ok(Ended::Done) => sum.done += 1,
                Ok(Ended::Retried) => sum.retried += 1,
                Ok(Ended::Dead) => sum.dead += 1,
                Ok(Ended::Lost) => {}
                // Its lease will run out and it will be tried again; the others must not suffer.
                Err(error) => {
                    tracing::warn!(%error, "the end of a job could not be written, it will be tried again");
                    failed = Some(error);
                }
            }
        }
        match failed {
            Some(error) if sum == Ticked::default() => Err(error),
            Some(_) | None => Ok(sum),
        }
    }

    /// Does one job, renewing its lease meanwhile, and writes its end.
    async fn work_on(&self, work: &Work, job: Job) -> Result<Ended, ActError> {
        if job.attempt > job.job.tries {
            // Whoever tried last did not live to say so.
            let why = job.error.clone().unwrap_or_else(|| "its workers died".into());
            return self.release(&job, Release::Dead(why)).await;
        }
        let doing = self.run_one(work, &job);
        tokio::pin!(doing);
        let verdict = loop {
            tokio::select! {
                verdict = &mut doing => break verdict,
                () = tokio::time::sleep(Duration::from_millis(LEASE.unsigned_abs() / 3)) => {
                    let until = self.clock().now().plus_millis(LEASE);
                    match self.store().renew(&[job.lease], until).await {
                        // Taken over; what we were doing can no longer commit.
                        Ok(held) if held.is_empty() => return Ok(Ended::Lost),
                        Ok(_) => {}
                        Err(error) => tracing::warn!(%error, "a lease could not be renewed, it is tried again"),
                    }
                }
            }
        };
        // What was done but could not be acknowledged is done again, and that is not the job's fault either.
        let verdict = match verdict {
            Ok(Verdict::Done) => self.finish(job.lease).await.map(|()| Verdict::Committed),
            verdict => verdict,
        };
        let (now, id) = (self.clock().now(), job.job.id);
        let passes = |error: &ActError| match error {
            // The data will say the same the next time.
            ActError::Store(StoreError::Defect(_)) | ActError::Refused(_) | ActError::LeaseLost => false,
            ActError::Store(StoreError::Unavailable(_) | StoreError::Unknown(_) | StoreError::Schema(_))
            | ActError::Busy(_) => true,
        };
        if !matches!(&verdict, Ok(Verdict::Fault(_))) && !verdict.as_ref().is_err_and(passes) {
            self.faults().forget(id);
        }
        let how = match verdict {
            Ok(Verdict::Committed | Verdict::Done) => return Ok(Ended::Done),
            Ok(Verdict::Dead(why)) => Release::Dead(why),
            Ok(Verdict::Retry(after, why)) => again(&job, now, after, why),
            Ok(Verdict::Later(after, why)) => Release::Later(now.plus_millis(after.max(LATER_MIN)), why),
            Ok(Verdict::Fault(why)) => Release::Later(now.plus_millis(self.faults().again(id)), why),
            Err(ActError::LeaseLost) => return Ok(Ended::Lost),
            Err(error) if passes(&error) => Release::Later(now.plus_millis(self.faults().again(id)), error.to_string()),
            Err(error) => again(&job, now, None, error.to_string()),
        };
        self.release(&job, how).await
    }

    /// Writes that a job was not finished.
    async fn release(&self, job: &Job, how: Release) -> Result<Ended, ActError> {
        let how = match how {
            Release::Retry(at, why) => Release::Retry(at, storable(&why)),
            Release::Later(at, why) => Release::Later(at, storable(&why)),
            Release::Dead(why) => Release::Dead(storable(&why)),
            Release::Return => Release::Return,
        };
        // What cannot be said counts as a try when the lease runs out: worth saying it more than once.
        let mut tries = 1;
        let held = loop {
            match self.store().release(job.lease, &how).await {
                Err(_) if tries < RELEASES => tokio::time::sleep(RELEASE_PAUSE * tries).await,
                answer => break answer?,
            }
            tries += 1;
        };
        Ok(match (held, how) {
            (false, _) => Ended::Lost,
            (true, Release::Dead(why)) => {
                tracing::warn!(job = %job.job.id, queue = job.job.queue, why, "dead letter");
                Ended::Dead
            }
            (true, Release::Retry(..) | Release::Later(..) | Release::Return) => Ended::Retried,
        })
    }

    async fn run_one(&self, work: &Work, job: &Job) -> Result<Verdict, ActError> {
        match work {
            Work::Run(handler) => handler.run(self, job).await,
            Work::Deliver(subscriber) => match self.open_delivery(job).await? {
                Some(delivery) => subscriber.deliver(self, &delivery).await,
                None => Ok(Verdict::Dead("the delivery or its event cannot be read".into())),
            },
        }
    }

    /// Removes what is kept for a time only.
    async fn sweep(&self) -> Result<(), ActError> {
        let now = self.clock().now();
        self.store().sweep(Sweep { keys: now.plus_millis(-KEYS), runs: now.plus_millis(-RUNS), now }).await?;
        Ok(())
    }

    async fn finish(&self, lease: Lease) -> Result<(), ActError> {
        let by = Actor::system_of(lease.tenant);
        self.act_all(&by, Set { done: Some(lease), ..Set::default() }).await.map(drop)
    }

    /// Workers, to be started with [`Workers::spawn`].
    pub fn workers(&self) -> Workers {
        Workers { desk: self.clone(), at_once: 8 }
    }
}

enum Ended {
    Done,
    Retried,
    Dead,
    Lost,
}

/// What went wrong, as any database can keep it.
fn storable(why: &str) -> String {
    why.chars().filter(|c| *c != '\0').take(WHY_MAX).collect()
}

/// Another try, unless this was the last.
fn again(job: &Job, now: Timestamp, after: Option<i64>, why: String) -> Release {
    if job.attempt >= job.job.tries {
        return Release::Dead(why);
    }
    let wait = after.unwrap_or_else(|| wait::after(job.job.id, job.attempt));
    Release::Retry(now.plus_millis(wait), why)
}

/// Background workers, not yet running.
pub struct Workers {
    desk: Desk,
    at_once: u16,
}

impl Workers {
    /// At most this many jobs at a time per queue, 1 to 64; 8 unless said.
    #[must_use]
    pub fn at_once(mut self, jobs: u16) -> Self {
        self.at_once = jobs.clamp(1, 64);
        self
    }

    /// Starts them on the current tokio runtime.
    pub fn spawn(self) -> Running {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let mut tasks = Vec::new();
        for subscriber in self.desk.subscribers() {
            let (desk, subscriber) = (self.desk.clone(), subscriber.clone());
            tasks.push(tokio::spawn(repeat(self.desk.clone(), stopped.clone(), vec![], move || {
                let (desk, subscriber) = (desk.clone(), subscriber.clone());
                async move { desk.fan_out(subscriber.as_ref()).await }
            })));
        }
        for work in self.desk.works() {
            let (desk, at_once, queue) = (self.desk.clone(), self.at_once, work.queue());
            tasks.push(tokio::spawn(repeat(self.desk.clone(), stopped.clone(), vec![queue], move || {
                let (desk, work) = (desk.clone(), work.clone());
                async move { Ok(desk.round(&work, at_once).await? != Ticked::default()) }
            })));
        }
        tasks.push(tokio::spawn(sweep(self.desk.clone(), stopped)));
        Running { stop, tasks }
    }
}

/// Does `once` again and again while there is something to do, otherwise when the bell rings or a job falls due.
async fn repeat<F, R>(desk: Desk, mut stop: Stop, queues: Vec<String>, once: F)
where
    F: Fn() -> R,
    R: Future<Output = Result<bool, ActError>>,
{
    let bell = desk.store().bell();
    loop {
        let rung = bell.notified();
        tokio::pin!(rung);
        rung.as_mut().enable();
        let mut wait = POLL;
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            outcome = once() => match outcome {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "background work failed, it will be tried again"),
            }
        }
        if !queues.is_empty()
            && let Ok(Some(due)) = desk.store().next_due(&queues).await
        {
            let millis = due.millis().saturating_sub(desk.clock().now().millis());
            wait = wait.min(Duration::from_millis(millis.clamp(10, 1000).unsigned_abs()));
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = &mut rung => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Removes what is kept for a time only, every ten minutes.
async fn sweep(desk: Desk, mut stop: Stop) {
    loop {
        if let Err(error) = desk.sweep().await {
            tracing::warn!(%error, "sweeping failed, it will be tried again");
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(Duration::from_secs(600)) => {}
        }
    }
}

/// Says that it is time to stop; also when whoever says it is gone.
type Stop = tokio::sync::watch::Receiver<bool>;

/// Running workers. They stop when this is dropped.
#[must_use = "the workers stop when this is dropped"]
pub struct Running {
    stop: tokio::sync::watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Asks them to stop and waits. What they were doing is dropped: nothing of it happened, or all of it; leases run
    /// out by themselves.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            let _ = task.await; // a task that panicked has been reported by its own message
        }
    }
}
