//! The way of a ticket through its workflow, for drawings.

use crate::actor::Actor;
use crate::desk::Desk;
use crate::error::ActError;
use crate::id::TicketId;
use crate::workflow::draw::Path;

/// Events read at once.
const PAGE: u16 = 500;

impl Desk {
    /// The states a ticket went through, as far as its history shows them to the viewer: to draw on its
    /// [workflow](crate::workflow::Workflow::svg) (FEATURES W7).
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such ticket for the viewer.
    pub async fn path(&self, viewer: &Actor, ticket: TicketId) -> Result<Path, ActError> {
        let (mut path, mut version) = (Path::default(), 0);
        loop {
            let events = self.timeline(viewer, ticket, version, PAGE).await?;
            path.visits.extend(Path::of(&events).visits);
            match events.last() {
                Some(last) if events.len() >= usize::from(PAGE) => version = last.version,
                Some(_) | None => return Ok(path),
            }
        }
    }
}
