//! Scenarios: given/when/then files as an executable specification, run at several levels.
//!
//! `scenarios/README.md` tells the format. A level is a [`Stage`]: [`PureStage`] decides without any database,
//! [`DeskStage`] goes through a [`Desk`](crate::Desk); an API brings its own and runs the same corpus:
//!
//! ```text
//! for feature in Feature::folder("scenarios")? {
//!     feature.play(&mut my_stage).await?;
//! }
//! ```

mod boards;
mod parse;
mod play;
mod speak;
mod stage;
mod stages;
mod words;

pub use parse::{BadLine, Feature, Scenario, Step};
pub use play::{Failed, Played};
pub use stage::{Acted, Look, Picture, Refused, Seen, Stage};
pub use stages::{DeskStage, PureStage};
