//! For the tests of embedders and of third-party stores: virtual time, seeded chance, a faulty wrapper around a real
//! store, generated worlds, the conformance suite, the
//! authorization table and the scenario runner. Behind the feature `testing`.
//!
//! It panics where a test would: nothing of it belongs into a running desk. It is no mock: whatever touches a database
//! touches a real one.

pub mod authorization;
mod chance;
mod clock;
pub mod conformance;
mod faulty;
pub mod generate;
pub mod laws;
pub mod lifecycles;
mod model;
pub mod scenario;
mod world;

pub use chance::Chance;
pub use clock::ManualClock;
pub use faulty::{Faulty, Mishap, Schedule};
pub use model::Model;
pub use world::World;
