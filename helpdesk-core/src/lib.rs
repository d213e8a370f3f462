//! Tickets, workflows, roles, approvals and SLA behind storage traits: a helpdesk to embed.
//!
//! **A command opens a scene of a few cases; a pure function turns it into events; the store commits rows and events
//! together; the event log feeds everything else.** Start at [`Desk`]; ARCHITECTURE.md in the repository tells the rest.

pub mod actor;
pub mod approval;
pub mod board;
pub mod case;
pub mod command;
pub mod config;
pub mod decide;
pub mod desk;
pub mod error;
pub mod event;
pub mod feed;
pub mod filter;
pub mod id;
pub mod jobs;
pub mod org;
pub mod role;
pub mod scene;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod ticket;
pub mod time;
pub mod value;
pub mod workflow;

pub use actor::{Actor, Author, PluginId};
pub use command::{Ask, Asking, Command};
pub use desk::Desk;
pub use error::{ActError, Refusal};
pub use event::{Cursor, Envelope, Event};
pub use filter::Filter;
pub use time::{Clock, SystemClock, Timestamp};
