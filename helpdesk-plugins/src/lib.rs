//! The plugin host of a helpdesk: WebAssembly components as automation rules that need not be trusted.
//!
//! A plugin gets an event and the fields its manifest asked for, may ask a few bounded questions, and *stages* effects;
//! nothing it does is more than a value until the caller applies the whole set. Every call runs in a fresh instance with
//! its own memory, fuel, deadline and budgets, without clock, randomness, files or sockets.
//!
//! The way of a plugin through this crate:
//!
//! 1. [`Manifest::parse`] reads `plugin.toml`; [`Grant::new`] fixes which of its requests are granted.
//! 2. [`Runtime::load`] checks the component's size, digest and imports, compiles it once and links it.
//! 3. [`Runtime::check_config`] tries a configuration; [`Runtime::run`] and [`Runtime::call`] handle one event and
//!    return an [`Outcome`]: how the call ended, what it staged, what it logged, what it used.
//!
//! What is not here: deciding which events reach which plugin, retrying, and applying effects. No type of the engine
//! underneath is public; the contract with authors is `wit/plugin.wit`.
//!
//! ```
//! use helpdesk_plugins::{Grant, Limits, Manifest, Runtime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins");
//! # let toml = std::fs::read_to_string(format!("{dir}/triage/plugin.toml"))?;
//! # let component = std::fs::read(format!("{dir}/prebuilt/triage.wasm"))?;
//! let runtime = Runtime::new(Limits::default())?;
//! let manifest = Manifest::parse(&toml)?;
//! let grant = Grant::all(&manifest);
//! let triage = runtime.load(manifest, grant, &component)?;
//! let problems = runtime.check_config(&triage, r#"{"rules":[{"if":{},"then":{"priority":"urgent"}}]}"#)?;
//! assert_eq!(problems[0].pointer, "/rules/0/then/priority");
//! # Ok(())
//! # }
//! ```

mod bind;
mod breaker;
mod capability;
mod effect;
mod engine;
mod event;
mod host;
mod limits;
mod load;
mod manifest;
mod outcome;
mod reads;
mod run;
mod schema;
mod v1;
mod wasi;

pub use bind::{PluginHost, ProvideError};
pub use breaker::Standing;
pub use capability::{Call, Capabilities, Denied, Grant, HttpTarget, NotRequested};
pub use effect::{Effect, HttpRequest, KvWrite};
pub use engine::EngineError;
pub use event::{Actor, Change, Event, Field, Invocation, Mode, Origin, Subject, Value};
pub use limits::{Limit, Limits, Wanted};
pub use load::{Digest, LoadError, Loaded};
pub use manifest::{Manifest, ManifestError, On, OnPoison, Trigger, World};
pub use outcome::{Ended, Level, LogLine, Logs, Outcome, TrapKind};
pub use reads::{KvEntry, NoReads, Page, ReadError, Reads};
pub use run::{CheckError, Delivery, Runtime};
pub use schema::{ConfigProblem, Schema, SchemaError};
