//! One call of a plugin: a fresh instance, its budgets, and what came of it. Applies nothing and retries nothing.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{PoolConcurrencyLimitError, ResourceLimiter, Store, Trap, UpdateDeadline};

use crate::capability::Grant;
use crate::engine::{self, EngineError, SLOTS, TABLE_ELEMENTS, TICK, Ticker};
use crate::event::{Event, Field, Invocation};
use crate::host::{End, State};
use crate::limits::{Limit, Limits};
use crate::load::{LoadError, Loaded, Loader};
use crate::manifest::Manifest;
use crate::outcome::{Ended, Outcome, TrapKind};
use crate::reads::{NoReads, Reads};
use crate::schema::ConfigProblem;
use crate::v1;

/// Loads and runs plugins. Cheap to clone; its thread ends with the last clone.
#[derive(Clone)]
pub struct Runtime(Arc<Inner>);

struct Inner {
    limits: Limits,
    loader: Loader,
    engine: wasmtime::Engine,
    ticker: Ticker,
    slots: Arc<Semaphore>,
}

/// One event for one plugin.
pub struct Delivery {
    /// The attempt, its time, its seed.
    pub invocation: Invocation,
    /// What happened.
    pub event: Event,
    /// The fields of the subject that the manifest asked for.
    pub input: Vec<Field>,
    /// The plugin's configuration, a JSON document.
    pub config: Arc<str>,
    /// Answers its questions.
    pub reads: Arc<dyn Reads>,
}

/// The plugin could not say whether a configuration is right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plugin could not check the configuration: {0}")]
pub struct CheckError(pub Ended);

impl Runtime {
    /// Starts the engine with the most that any plugin may use.
    ///
    /// # Errors
    /// When the process may not reserve the address space of the pool, or start a thread.
    pub fn new(limits: Limits) -> Result<Self, EngineError> {
        let (engine, ticker) = engine::start(&limits)?;
        let loader = Loader::new(engine.clone())?;
        let slots = Arc::new(Semaphore::new(SLOTS as usize));
        Ok(Self(Arc::new(Inner { limits, loader, engine, ticker, slots })))
    }

    /// Checks, compiles and links a component. Takes seconds of CPU for a large one: not for an async thread.
    ///
    /// # Errors
    /// [`LoadError`] says why the component is refused.
    pub fn load(&self, manifest: Manifest, grant: Grant, component: &[u8]) -> Result<Loaded, LoadError> {
        self.0.loader.load(manifest, grant, component, &self.0.limits)
    }

    /// Runs a call without blocking the caller's thread, and comes back at the wall-clock limit even when a question to
    /// the host hangs; the hung call keeps its thread and its slot until it returns.
    pub async fn call(&self, plugin: &Loaded, delivery: Delivery) -> Outcome {
        let Ok(slot) = self.0.slots.clone().acquire_owned().await else { return fault("the runtime is closed") };
        let (inner, its) = (self.0.clone(), plugin.clone());
        let allowed = plugin.limits().wall;
        let (begins, begun) = tokio::sync::oneshot::channel();
        let call = tokio::task::spawn_blocking(move || {
            // Nobody listens any more when the caller has gone; the call then runs for nothing, within its limits.
            let _ = begins.send(());
            inner.handle(&its, delivery, slot)
        });
        // Waiting for a thread is not the plugin's time.
        let _ = begun.await;
        let started = Instant::now();
        // One tick later than the call's own check, which knows more.
        match tokio::time::timeout(allowed + TICK, call).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panicked)) => fault(&panicked.to_string()),
            // The guest itself is interrupted much sooner: it waits for the host.
            Err(_) => {
                let why = format!("a call did not come back in time, within {} ms", allowed.as_millis());
                Outcome { elapsed: started.elapsed(), ..fault(&why) }
            }
        }
    }

    /// Runs a call on this thread. A question that hangs blocks it; see [`Runtime::call`].
    ///
    /// Ends as [`Ended::HostFault`] when all instances are in use.
    #[must_use]
    pub fn run(&self, plugin: &Loaded, delivery: Delivery) -> Outcome {
        match self.0.slots.clone().try_acquire_owned() {
            Ok(slot) => self.0.handle(plugin, delivery, slot),
            Err(_) => fault("all plugin instances are in use; try again"),
        }
    }

    /// All problems of a configuration: those of the manifest's schema, or, when there are none, those the plugin finds.
    ///
    /// # Errors
    /// When the plugin trapped or hit a limit while checking.
    pub fn check_config(&self, plugin: &Loaded, config: &str) -> Result<Vec<ConfigProblem>, CheckError> {
        let json = match serde_json::from_str(config) {
            Ok(json) => json,
            Err(e) => return Ok(vec![ConfigProblem { pointer: String::new(), message: e.to_string() }]),
        };
        let problems = plugin.manifest().config.as_ref().map(|s| s.check(&json)).unwrap_or_default();
        if !problems.is_empty() {
            return Ok(problems);
        }
        let mut state = self.0.state(plugin, Arc::new(NoReads));
        state.checking = true;
        state.config = Arc::from(config);
        let mut found = Vec::new();
        let outcome = self.0.guarded(plugin, state, |instance, store| {
            let told = instance.helpdesk_plugin_handler().call_check_config(store, config)?;
            found = told.err().unwrap_or_default();
            Ok(Ended::Ok)
        });
        let problem = |p: v1::ConfigProblem| ConfigProblem { pointer: p.pointer, message: p.message };
        match outcome.ended {
            Ended::Ok => Ok(found.into_iter().map(problem).collect()),
            ended => Err(CheckError(ended)),
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

impl Inner {
    fn state(&self, plugin: &Loaded, reads: Arc<dyn Reads>) -> State {
        let its = &plugin.0;
        State::new(its.grant.clone(), its.limits.clone(), reads)
    }

    fn handle(&self, plugin: &Loaded, delivery: Delivery, _slot: OwnedSemaphorePermit) -> Outcome {
        let Delivery { invocation, event, input, config, reads } = delivery;
        let (used, allowed) = (weight(&event, &input, &config), plugin.limits().input_bytes);
        if used > allowed {
            return Outcome::without_effects(Ended::LimitHit { limit: Limit::InputBytes, used, allowed });
        }
        let mut state = self.state(plugin, reads);
        state.mode = invocation.mode;
        state.config = config;
        (state.now, state.seed) = (invocation.now, invocation.seed);
        let (invocation, event, input) = (v1::invocation(&invocation), v1::event(event), v1::input(input));
        self.guarded(plugin, state, |instance, store| {
            let told = instance.helpdesk_plugin_handler().call_handle(store, &invocation, &event, &input)?;
            Ok(match told {
                Ok(()) => Ended::Ok,
                Err(v1::Failure::Skip(why)) => Ended::Skipped(why),
                Err(v1::Failure::Retry(after)) => {
                    Ended::Retry { after: after.map(|s| Duration::from_secs(u64::from(s))) }
                }
                Err(v1::Failure::Reject(why)) => Ended::Rejected(why),
            })
        })
    }

    /// Runs `body` in a fresh instance under all limits.
    fn guarded(
        &self,
        plugin: &Loaded,
        state: State,
        body: impl FnOnce(&v1::Connector, &mut Store<State>) -> wasmtime::Result<Ended>,
    ) -> Outcome {
        let span = tracing::debug_span!("plugin", id = %plugin.0.id);
        let _entered = span.enter();
        let _running = self.ticker.running();
        let (limits, started) = (state.limits.clone(), state.started);
        let fuel = limits.fuel(state.mode);
        let mut store = self.store(state, fuel);
        let mut instantiation = None;
        let ended = plugin.0.pre.instantiate(&mut store).and_then(|instance| {
            instantiation = Some(started.elapsed());
            body(&instance, &mut store)
        });
        let fuel_left = store.get_fuel().unwrap_or(0);
        let elapsed = started.elapsed();
        let mut state = store.into_data();
        // A guest that finished in time but after a slow host call is late all the same.
        if state.end.is_none() && elapsed >= limits.wall {
            state.end = state.overdue();
        }
        let ended = classify(ended, &state, fuel);
        let done = ended == Ended::Ok;
        Outcome {
            effects: if done { state.effects } else { Vec::new() },
            kv: if done { state.kv } else { Vec::new() },
            http: if done { state.http } else { Vec::new() },
            logs: state.logs,
            fuel_used: fuel.saturating_sub(fuel_left),
            elapsed,
            instantiation: instantiation.unwrap_or(elapsed),
            peak_memory: state.memory.peak,
            ended,
        }
    }

    fn store(&self, state: State, fuel: u64) -> Store<State> {
        let guest_time = state.limits.guest_time(state.mode).min(state.limits.wall);
        let call_bytes = usize::try_from(state.limits.call_bytes).unwrap_or(usize::MAX);
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(call_bytes);
        // INVARIANT: cannot fail, the engine is configured to consume fuel.
        let _ = store.set_fuel(fuel);
        // Ticks can come late or in a bunch; the time that has really passed decides.
        store.set_epoch_deadline(u64::try_from(guest_time.as_millis() / TICK.as_millis()).unwrap_or(1).max(1));
        store.epoch_deadline_callback(|mut store| {
            let state = store.data_mut();
            state.end = state.overdue();
            Ok(if state.end.is_some() { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
        });
        store
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.used + (desired.saturating_sub(current)) as u64;
        if total > self.memory.allowed {
            // Not a trap: runtimes with a garbage collector can go on. If the guest gives up, this is why.
            self.memory.refused = Some(total);
            return Ok(false);
        }
        self.memory.used = total;
        self.memory.peak = self.memory.peak.max(total);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS {
            let (limit, used, allowed) = (Limit::Table, desired as u64, TABLE_ELEMENTS as u64);
            self.end = Some(End::Limit { limit, used, allowed });
            return Err(wasmtime::Error::msg("ended by the host"));
        }
        Ok(true)
    }
}

fn classify(ended: wasmtime::Result<Ended>, state: &State, fuel: u64) -> Ended {
    match &state.end {
        Some(End::Limit { limit, used, allowed }) => {
            return Ended::LimitHit { limit: *limit, used: *used, allowed: *allowed };
        }
        Some(End::Fault(message)) => return Ended::HostFault(message.clone()),
        None => {}
    }
    let error = match ended {
        Ok(ended) => return ended,
        Err(error) => error,
    };
    let message = error.root_cause().to_string();
    if let Some(used) = state.memory.refused {
        return Ended::LimitHit { limit: Limit::Memory, used, allowed: state.memory.allowed };
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Ended::HostFault(message);
    }
    let kind = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return Ended::LimitHit { limit: Limit::Fuel, used: fuel, allowed: fuel },
        Some(Trap::StackOverflow) => TrapKind::StackOverflow,
        Some(Trap::UnreachableCodeReached) => TrapKind::Unreachable,
        Some(Trap::MemoryOutOfBounds | Trap::TableOutOfBounds | Trap::HeapMisaligned) => TrapKind::OutOfBounds,
        Some(_) => TrapKind::Fault,
        // The engine's own error type for this is private.
        None if message.starts_with("too much data is being copied") => {
            let allowed = state.limits.call_bytes;
            return Ended::LimitHit { limit: Limit::CallBytes, used: allowed + 1, allowed };
        }
        None => TrapKind::Interface,
    };
    Ended::Trapped { kind, message }
}

fn weight(event: &Event, input: &[Field], config: &str) -> u64 {
    (event.weight() + input.iter().map(Field::weight).sum::<usize>() + config.len()) as u64
}

fn fault(message: &str) -> Outcome {
    Outcome::without_effects(Ended::HostFault(message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_of_an_instance_count_together() {
        let manifest = include_str!("../../plugins/triage/plugin.toml");
        let grant = Arc::new(Grant::all(&Manifest::parse(manifest).unwrap()));
        let mut state = State::new(grant, Arc::new(Limits::default()), Arc::new(NoReads));
        let mib = |n: usize| n << 20;
        assert!(state.memory_growing(0, mib(40), None).unwrap());
        assert!(!state.memory_growing(0, mib(40), None).unwrap());
        assert!(state.memory_growing(0, mib(20), None).unwrap());
        assert!(state.memory_growing(mib(20), mib(24), None).unwrap());
        assert_eq!((state.memory.peak, state.memory.refused), (64 << 20, Some(80 << 20)));
    }
}
