//! Connections on which callers read by themselves.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::super::db::{Db, Fault};
use super::caught;
use crate::store::StoreError;

/// A connection, and what says that it is still open.
type Seat = (Db, watch::Sender<()>);

/// Those that are free; none any more once closed.
pub(super) struct Seats(Mutex<Option<Vec<Seat>>>);

impl Seats {
    pub(super) fn new(seats: Vec<Seat>) -> Self {
        Self(Mutex::new(Some(seats)))
    }

    pub(super) fn free(&self) -> MutexGuard<'_, Option<Vec<Seat>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads at one moment of the database; `None` when no connection is free, or the file is busy: those who wait for
    /// another process are threads, callers wait for the disk at most.
    pub(super) fn read<T>(&self, read: &impl Fn(&Db) -> Result<T, Fault>) -> Option<Result<T, StoreError>> {
        let seat = self.free().as_mut()?.pop()?;
        let answer = caught(|| seat.0.snapshot(|db| read(db)));
        seat.0.rollback(); // of what panicked
        if let Some(free) = self.free().as_mut() {
            free.push(seat);
        } // or the store was closed meanwhile
        match answer.map_err(StoreError::from) {
            Err(StoreError::Unavailable(_)) => None,
            answer => Some(answer),
        }
    }

    pub(super) fn close(&self) {
        let seats = self.free().take();
        drop(seats); // not under the lock: closing a connection takes a while
    }
}
