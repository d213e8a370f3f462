//! The compiler and the pool of instances, and the thread that moves the epoch while calls are running.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::Limits;

/// The epoch's step; deadlines are exact to about this much.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Calls that can run at the same time.
pub(crate) const SLOTS: u32 = 32;
/// Elements of all tables of an instance.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;
/// Bytes of stack a guest may use.
const STACK: usize = 512 << 10;
/// Memories of one component; interpreters bring two.
const MEMORIES: u32 = 4;
/// Bytes of a memory that stay mapped for the slot's next instance.
const KEEP_RESIDENT: usize = 256 << 10;
/// Ticks without a call after which the thread sleeps until the next one.
const IDLE_TICKS: u32 = 100;

/// The engine could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plugin engine cannot start: {0}; check limits on address space and threads")]
pub struct EngineError(pub(crate) String);

impl EngineError {
    /// A stable name for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "engine"
    }
}

pub(crate) fn start(limits: &Limits) -> Result<(Engine, Ticker), EngineError> {
    let engine = Engine::new(&config(limits)).map_err(|e| EngineError(format!("{e:#}")))?;
    let ticker = Ticker::start(engine.clone()).map_err(|e| EngineError(e.to_string()))?;
    Ok((engine, ticker))
}

fn config(limits: &Limits) -> Config {
    let memory = usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(SLOTS)
        .total_core_instances(SLOTS * 40)
        .total_memories(SLOTS * MEMORIES)
        .total_tables(SLOTS * 8)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(8)
        .max_core_instances_per_component(64)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .max_memory_size(memory)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK);
    config
}

/// Moves the engine's epoch while at least one call is running. Its thread ends with it.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    asleep: bool,
    stop: bool,
}

/// A running call: the epoch moves as long as it lives.
pub(crate) struct Running(Arc<Shared>);

impl Ticker {
    fn start(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let its = shared.clone();
        let thread = std::thread::Builder::new().name("plugin-epoch".into()).spawn(move || its.tick(&engine))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(crate) fn running(&self) -> Running {
        let mut state = self.shared.lock();
        state.running += 1;
        if state.asleep {
            self.shared.wake.notify_one();
        }
        Running(self.shared.clone())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self, engine: &Engine) {
        let mut idle = 0;
        let mut state = self.lock();
        while !state.stop {
            if idle < IDLE_TICKS {
                state = self.wake.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            } else {
                state.asleep = true;
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.asleep = false;
            }
            idle = if state.running == 0 { idle.saturating_add(1) } else { 0 };
            engine.increment_epoch();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // The thread does nothing that could panic; were it to, there is nothing left to stop.
            let _ = thread.join();
        }
    }
}
