//! The threads of a store: one writer, which commits what waits for it together, and a few readers.
//!
//! Work goes in as closures and answers come back through one-shot channels, so that a dropped future leaves its work
//! whole: it is done, and nobody hears of it. A memory database has the writer alone, which reads as well. Work that
//! panics is undone and answered with a defect; a thread that ends all the same leaves nobody waiting.
//!
//! Short reads skip the way to a thread and back, which takes longer than they do: the caller makes them itself, on a
//! connection of the [`seats`].

mod seats;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};

use self::seats::Seats;
use super::db::{Db, Fault, store_error};
use crate::store::StoreError;

/// Most changes in one transaction.
const BATCH: usize = 64;

/// Work that changes nothing.
type Read = Box<dyn FnOnce(&Db) + Send>;

/// What becomes of a change once it has run.
pub(super) enum Effect<T> {
    /// It stays. Also right for a change that gave up before it wrote anything.
    Keep(T),
    /// Whatever it wrote must be undone.
    Undo(T),
}

/// A change: run (perhaps again, when the batch had to be undone), then answered.
trait Change: Send {
    /// Whether what it did stays.
    fn run(&mut self, db: &Db) -> bool;
    /// How the last run failed, if it did.
    fn fault(&self) -> Option<&StoreError>;
    /// Whether it must reach the disk before it is answered.
    fn lasts(&self) -> bool;
    /// Tells the caller; with the failure of the whole batch, if it failed.
    fn answer(self: Box<Self>, failed: Option<&StoreError>);
}

struct Task<T, F> {
    work: F,
    lasts: bool,
    answer: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnMut(&Db) -> Result<Effect<T>, Fault> + Send> Change for Task<T, F> {
    fn run(&mut self, db: &Db) -> bool {
        let (answer, stays) = match caught(|| (self.work)(db)) {
            Ok(Effect::Keep(answer)) => (Ok(answer), true),
            Ok(Effect::Undo(answer)) => (Ok(answer), false),
            Err(fault) => (Err(fault.into()), false),
        };
        self.answer = Some(answer);
        stays
    }
    fn fault(&self) -> Option<&StoreError> {
        self.answer.as_ref().and_then(|answer| answer.as_ref().err())
    }
    fn lasts(&self) -> bool {
        self.lasts
    }
    fn answer(self: Box<Self>, failed: Option<&StoreError>) {
        let answer = match (failed, self.answer) {
            // What was refused stays refused, whatever became of the others.
            (Some(failed), Some(Ok(_)) | None) => Err(failed.clone()),
            (_, Some(answer)) => answer,
            (None, None) => Err(closed()),
        };
        let _ = self.reply.send(answer); // nobody may be waiting any more
    }
}

enum Work {
    Read(Read),
    Change(Box<dyn Change>),
}

/// Work waiting for threads.
#[derive(Default)]
struct Inbox {
    state: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Default)]
struct Waiting {
    work: VecDeque<Work>,
    closed: bool,
    /// Threads that take from it.
    serving: usize,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// False when closed.
    fn put(&self, work: Work) -> bool {
        let mut state = self.state();
        if state.closed {
            return false;
        }
        state.work.push_back(work);
        drop(state);
        self.filled.notify_one();
        true
    }
    /// The next work; none when closed and empty.
    fn take(&self) -> Option<Work> {
        let mut state = self.state();
        loop {
            if let Some(work) = state.work.pop_front() {
                return Some(work);
            }
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    /// Changes that wait already, up to the first read.
    fn more(&self, changes: &mut Vec<Box<dyn Change>>) {
        let mut state = self.state();
        while changes.len() < BATCH && matches!(state.work.front(), Some(Work::Change(_))) {
            if let Some(Work::Change(change)) = state.work.pop_front() {
                changes.push(change);
            }
        }
    }
    fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
    }
}

/// A thread's promise to serve an inbox. Nobody is left waiting when the last one ends, in whatever way.
struct Serving(Arc<Inbox>);

impl Serving {
    fn new(inbox: &Arc<Inbox>) -> Self {
        inbox.state().serving += 1;
        Self(Arc::clone(inbox))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.serving -= 1;
        if state.serving > 0 {
            return;
        }
        state.closed = true;
        let left = std::mem::take(&mut state.work);
        drop(state);
        for work in left {
            if let Work::Change(change) = work {
                change.answer(Some(&closed()));
            } // and a read is answered by being dropped
        }
    }
}

/// Runs work whose panic is a defect of its own and not the end of the thread.
fn caught<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    // What the work touched is the connection, where a rollback undoes it, and caches that are whole at any time.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let says = panic.downcast_ref::<&str>().copied();
        let says = says.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
        Err(StoreError::Defect(format!("a statement's code panicked: {says}")).into())
    })
}

pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

/// The running threads.
pub(super) struct Threads {
    writer: Arc<Inbox>,
    /// The same as the writer's when there are no readers.
    readers: Arc<Inbox>,
    /// For short reads.
    seats: Seats,
    /// Closed when every thread has ended: each holds a sender.
    running: watch::Receiver<()>,
    pub(super) bell: Arc<Notify>,
}

impl Threads {
    /// Starts a thread for the writer and for each reader.
    pub(super) fn start(writer: Db, readers: Vec<Db>, seats: Vec<Db>) -> Result<Self, StoreError> {
        let bell = Arc::new(Notify::new());
        let write = Arc::<Inbox>::default();
        let read = if readers.is_empty() { Arc::clone(&write) } else { Arc::default() };
        let (runs, running) = watch::channel(());
        for seat in &seats {
            // Waiting is for threads.
            seat.conn.busy_timeout(Duration::ZERO).map_err(|error| store_error(&error))?;
        }
        let seats = Seats::new(seats.into_iter().map(|seat| (seat, runs.clone())).collect());
        let this = Self { writer: write, readers: read, seats, running, bell: Arc::clone(&bell) };
        spawn("helpdesk-writer", &this.writer, runs.clone(), move |inbox| write_all(&writer, inbox, &bell))?;
        for (i, reader) in readers.into_iter().enumerate() {
            let name = format!("helpdesk-reader-{i}");
            spawn(&name, &this.readers, runs.clone(), move |inbox| read_all(&reader, inbox))?;
        }
        Ok(this)
    }

    /// Reads, at one moment of the database.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Db) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work: Read = Box::new(move |db| {
            if !reply.is_closed() {
                let answer = caught(|| db.snapshot(read));
                db.rollback(); // of what panicked
                let _ = reply.send(answer.map_err(StoreError::from));
            }
        });
        if !self.readers.put(Work::Read(work)) {
            return Err(closed());
        }
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Reads what is found by key: a few rows. On the caller's own thread when a connection is free.
    pub(super) async fn glance<T: Send + 'static>(
        &self,
        read: impl Fn(&Db) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.seats.read(&read) {
            Some(answer) => answer,
            None => self.read(read).await,
        }
    }

    /// Changes something, in one transaction with whatever else waits.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> Result<Effect<T>, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.put(work, true).await
    }

    /// Changes something that need not outlast a power failure, except before a later [`change`](Self::change) that does:
    /// the log of the database is one, and flushed up to its end.
    pub(super) async fn change_lightly<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> Result<Effect<T>, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.put(work, false).await
    }

    async fn put<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> Result<Effect<T>, Fault> + Send + 'static,
        lasts: bool,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        if !self.writer.put(Work::Change(Box::new(Task { work, lasts, answer: None, reply }))) {
            return Err(closed());
        }
        // Unanswered only when the writer has ended with the change in its hands.
        answer.await.unwrap_or_else(|_| Err(StoreError::Unknown("the writer ended".into())))
    }

    /// Runs `work` on the writer's connection, outside of any transaction.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work: Read = Box::new(move |db| {
            let answer = caught(|| {
                db.flushing(true)?;
                work(db)
            });
            db.rollback();
            let _ = reply.send(answer.map_err(StoreError::from));
        });
        if !self.writer.put(Work::Read(work)) {
            return Err(closed());
        }
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// No more work is taken; what waits is still done.
    pub(super) fn close(&self) {
        self.seats.close();
        self.readers.close();
        self.writer.close();
    }

    /// Waits until all threads and short reads have ended, after [`close`](Self::close).
    pub(super) async fn ended(&self) {
        let mut running = self.running.clone();
        while running.changed().await.is_ok() {} // nothing is ever sent; an error says that the last one is gone
    }
}

fn spawn(
    name: &str,
    inbox: &Arc<Inbox>,
    runs: watch::Sender<()>,
    body: impl FnOnce(&Inbox) + Send + 'static,
) -> Result<(), StoreError> {
    let serving = Serving::new(inbox);
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        let _runs = runs; // let go last of all, also in a panic
        let serving = serving;
        body(&serving.0); // closes its connection
    });
    thread.map(drop).map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.close();
    }
}

fn read_all(db: &Db, inbox: &Inbox) {
    while let Some(work) = inbox.take() {
        if let Work::Read(read) = work {
            read(db);
        }
    }
}

fn write_all(db: &Db, inbox: &Inbox, bell: &Notify) {
    let mut changes = Vec::new();
    while let Some(work) = inbox.take() {
        match work {
            Work::Read(read) => read(db),
            Work::Change(first) => {
                changes.push(first);
                inbox.more(&mut changes);
                let before = db.conn.total_changes();
                let lasts = changes.iter().any(|change| change.lasts());
                let outcome = db.flushing(lasts).and_then(|()| commit_all(db, &mut changes));
                let changed = outcome.is_ok() && db.conn.total_changes() != before;
                for change in changes.drain(..) {
                    change.answer(outcome.as_ref().err());
                }
                if changed {
                    bell.notify_waiters();
                }
            }
        }
    }
    // No `PRAGMA optimize`: the migrations tell the planner what to think, so that plans are the same everywhere.
}

/// All of them in one transaction, each one whole or not at all.
///
/// Savepoints cost a fifth of the throughput (they spill to a file), and hardly any change has to be undone; so the
/// batch runs without them first, and again with them when one must.
fn commit_all(db: &Db, changes: &mut [Box<dyn Change>]) -> Result<(), StoreError> {
    let batch = |savepoints: bool, changes: &mut [Box<dyn Change>]| -> Result<bool, Fault> {
        db.execute("begin", "BEGIN IMMEDIATE", &[])?;
        for change in changes {
            if savepoints {
                db.execute("savepoint", "SAVEPOINT one", &[])?;
            }
            let stays = change.run(db);
            match (stays, savepoints) {
                (false, false) => return Ok(false),
                _ if db.conn.is_autocommit() => {
                    // SQLite has undone all of it by itself, as it does when the disk is full or broken.
                    let gone = || StoreError::Unavailable("the transaction was undone".into());
                    return Err(change.fault().cloned().unwrap_or_else(gone).into());
                }
                (false, true) => db.execute("undo", "ROLLBACK TO one", &[]).map(drop)?,
                (true, _) => {}
            }
            if savepoints {
                db.execute("release", "RELEASE one", &[])?;
            }
        }
        db.commit()?;
        Ok(true)
    };
    let mut outcome = batch(false, changes);
    if matches!(outcome, Ok(false)) {
        db.rollback();
        if changes.len() == 1 {
            return Ok(()); // it has its answer and left nothing
        }
        outcome = batch(true, changes);
    }
    if outcome.is_err() {
        db.rollback();
    }
    outcome.map(drop).map_err(StoreError::from)
}

#[cfg(test)]
mod tests;
