//! Integration tests of the programs in this crate, in one binary so that they link once.

#[path = "it/crash.rs"]
mod crash;
#[path = "it/desk.rs"]
mod desk;
#[path = "it/embed.rs"]
mod embed;
#[path = "it/import.rs"]
mod import;
#[path = "it/refused.rs"]
mod refused;
#[path = "it/replay.rs"]
mod replay;
#[path = "it/world.rs"]
mod world;
