//! Contestant (b) on SQLite: rusqlite by hand, with the same rows, durability and batching as the desk's store. One
//! thread, prepared statements, as many commands per transaction as the desk would have callers.

mod read;
mod write;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use helpdesk_core::Clock;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::cpu;
use crate::drive::{Run, fresh_id, median};
use crate::step::{Board, Dice, Op, Step, What, next};
use crate::world::World;

/// A connection and the world behind it.
pub struct Lite {
    conn: Connection,
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    /// Texts made once.
    texts: RefCell<HashMap<&'static str, String>>,
}

impl Lite {
    /// Opens the file the way the library does: WAL, each commit flushed, the same page cache.
    pub fn open(file: &Path, world: Arc<World>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let conn = Connection::open(file)?;
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;")?;
        conn.set_prepared_statement_cache_capacity(256);
        // Plans that do not depend on bound values: else statements would be prepared anew with each value.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Self { conn, world, clock, texts: RefCell::default() })
    }

    /// Takes steps inside one transaction.
    pub fn take(&self, steps: &[Step]) -> anyhow::Result<()> {
        if steps.iter().any(|step| matches!(step.what, What::Create(..) | What::Move(..) | What::Comment(_))) {
            self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        } else {
            self.conn.prepare_cached("BEGIN")?.execute([])?;
        }
        for step in steps {
            match step.what {
                What::Create(t, p) => self.create(step.id, t, p)?,
                What::Move(i, _, to) => self.transition(step.id, i, to)?,
                What::Comment(i) => self.comment(step.id, i)?,
                What::Get(i) => self.get(i)?,
                What::List(t, p) => self.list(t, p)?,
            }
        }
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Runs batches of `batch` steps for `time`.
    pub fn drive(&self, board: &Board, op: Op, batch: usize, time: Duration, seed: u64) -> anyhow::Result<Run> {
        let mut dice = Dice::new(seed);
        let mut times: Vec<u32> = Vec::new();
        let (begin, client) = (Instant::now(), cpu::own().0);
        while begin.elapsed() < time {
            let asked = Instant::now();
            let step = |caller| Step { id: fresh_id(), what: next(op, board, &mut dice, caller, batch) };
            let steps: Vec<Step> = (0..batch).map(step).collect();
            self.take(&steps)?;
            let took = u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX);
            times.extend(std::iter::repeat_n(took, batch));
        }
        let (took, client) = (begin.elapsed(), cpu::own().0 - client);
        let done = times.len() as f64;
        Ok(Run { tps: done / took.as_secs_f64(), p50: median(&mut times), client: client as f64 / done, server: 0.0 })
    }
}
