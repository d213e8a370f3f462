//! Sending a command until the database has answered it.

use std::time::Duration;

use helpdesk_core::command::{Ask, Intent};
use helpdesk_core::desk::Done;
use helpdesk_core::store::StoreError;
use helpdesk_core::{ActError, Actor, Desk};

/// How often a command is sent before the import gives up.
const TRIES: u32 = 7;

/// Sends `ask`, again when the database is not available for a while or its answer got lost: the idempotency key, which
/// `ask` must have, makes that safe.
pub(super) async fn send<C: Intent + Clone>(desk: &Desk, by: &Actor, ask: Ask<C>) -> Result<Done<C::Out>, ActError> {
    let mut tried = 0;
    loop {
        let answer = desk.act(by, ask.clone()).await;
        tried += 1;
        match answer {
            Err(ActError::Busy(_) | ActError::Store(StoreError::Unavailable(_) | StoreError::Unknown(_)))
                if tried < TRIES =>
            {
                tokio::time::sleep(Duration::from_millis(50 << tried)).await;
            }
            done => return done,
        }
    }
}
