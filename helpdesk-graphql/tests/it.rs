//! What clients see, over a real store in memory.

#[path = "it/approvals.rs"]
mod approvals;
#[path = "it/bad_input.rs"]
mod bad_input;
#[path = "it/boards.rs"]
mod boards;
#[path = "it/commands.rs"]
mod commands;
#[path = "it/drawings.rs"]
mod drawings;
#[path = "it/events.rs"]
mod events;
#[path = "it/http.rs"]
mod http;
#[path = "it/inbox.rs"]
mod inbox;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/links.rs"]
mod links;
#[path = "it/lists.rs"]
mod lists;
#[path = "it/mend.rs"]
mod mend;
#[path = "it/organisation.rs"]
mod organisation;
#[path = "it/pool.rs"]
mod pool;
#[path = "it/scenarios.rs"]
mod scenarios;
#[path = "it/sdl.rs"]
mod sdl;
#[path = "it/seen.rs"]
mod seen;
#[path = "it/stage.rs"]
mod stage;
#[path = "it/statements.rs"]
mod statements;
