//! Running steps for a while from several callers at once, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use helpdesk_core::id::CommandId;

use crate::cpu;
use crate::step::{Board, Dice, Op, Step, next};

/// Who takes steps.
pub trait Contestant: Send + Sync + 'static {
    /// Takes one step; its failure ends the run.
    fn take(&self, step: &Step) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// What a run gave: per second, the median latency in microseconds, and microseconds of CPU per operation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run {
    /// Operations per second.
    pub tps: f64,
    /// Median latency, microseconds.
    pub p50: f64,
    /// CPU of this side, microseconds per operation.
    pub client: f64,
    /// CPU of the server, microseconds per operation.
    pub server: f64,
}

/// A new command id.
#[allow(clippy::disallowed_methods, reason = "a load program is the client, and clients make the ids of commands")]
pub fn fresh_id() -> CommandId {
    uuid::Uuid::now_v7().into()
}

/// `callers` callers take steps, each the next when the last is done, for `time`; the first tenth of it is not counted.
pub async fn drive<C: Contestant>(
    who: &Arc<C>,
    board: &Arc<Board>,
    op: Op,
    callers: usize,
    time: Duration,
    server: Option<u32>,
) -> anyhow::Result<Run> {
    static SEED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let begin = Instant::now() + time / 10;
    let end = begin + time;
    let mut tasks = Vec::with_capacity(callers);
    for caller in 0..callers {
        let (who, board) = (Arc::clone(who), Arc::clone(board));
        let mut dice = Dice::new(SEED.fetch_add(1, std::sync::atomic::Ordering::Relaxed) << 32);
        tasks.push(tokio::spawn(async move {
            let mut times: Vec<u32> = Vec::new();
            loop {
                let step = Step { id: fresh_id(), what: next(op, &board, &mut dice, caller, callers) };
                let asked = Instant::now();
                who.take(&step).await?;
                let done = Instant::now();
                if done >= end {
                    return anyhow::Ok(times);
                }
                if asked >= begin {
                    times.push(u32::try_from((done - asked).as_micros()).unwrap_or(u32::MAX));
                }
            }
        }));
    }
    tokio::time::sleep_until(begin.into()).await;
    let (client, on_server) = (cpu::own().0, cpu::server(server));
    tokio::time::sleep_until(end.into()).await;
    let (client, on_server) = (cpu::own().0 - client, cpu::server(server) - on_server);
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    anyhow::ensure!(!times.is_empty(), "{} was not done once within {time:?}; give more --seconds", op.name());
    let done = times.len() as f64;
    Ok(Run {
        tps: done / time.as_secs_f64(),
        p50: median(&mut times),
        client: client as f64 / done,
        server: on_server as f64 / done,
    })
}

/// The median; 0 of nothing.
pub fn median<T: Copy + PartialOrd + Into<f64>>(values: &mut [T]) -> f64 {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len() / 2).copied().map_or(0.0, Into::into)
}
