//! What the desk itself holds, whatever the store: sets of commands, recorded times, cached rights, live delivery,
//! hidden parents, links, timelines, the host's authorizer. What every store must do is the conformance suite's.

mod authorizer;
mod boards;
mod links;
mod live;
mod parents;
mod policy;
mod sets;
mod timelines;
mod times;

use std::sync::Arc;

use helpdesk_core::event::Cursor;
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::World;
use helpdesk_core::{ActError, Refusal};

async fn world() -> World {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    World::found(Arc::new(store), "acme").await
}

/// The end of the log: where it stood before what must write nothing.
async fn head(world: &World) -> Cursor {
    world.desk.head_of_log().await.unwrap()
}

/// The one input at fault, when that is why it was refused; otherwise the code.
fn fault<T: std::fmt::Debug>(answer: Result<T, ActError>) -> &'static str {
    match answer.unwrap_err() {
        ActError::Refused(Refusal::Invalid(faults)) if faults.len() == 1 => faults[0].field,
        other => other.code(),
    }
}
