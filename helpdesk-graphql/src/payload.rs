//! Commands and what they answer.

use async_graphql::{Context, Result};
use helpdesk_core::command::{Ask, Intent};

use crate::fault::failed;
use crate::scalar::EventCursor;
use crate::session::Session;
use crate::user_error::{UserError, mendable};

/// What surrounds a command.
#[derive(Debug, Default)]
pub(crate) struct With {
    pub(crate) expected: Option<i64>,
    pub(crate) key: Option<String>,
}

/// How a command ended, for a payload.
pub(crate) struct Outcome<T> {
    /// What it made or changed; nothing when it was refused.
    pub(crate) out: Option<T>,
    pub(crate) errors: Vec<UserError>,
    pub(crate) cursor: Option<EventCursor>,
}

impl<T> Outcome<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome { out: self.out.map(f), errors: self.errors, cursor: self.cursor }
    }
    /// The same for commands that make nothing of their own: what they were about.
    pub(crate) fn about<U>(self, it: U) -> Outcome<U> {
        self.map(|_| it)
    }
    /// Refused before it was sent.
    pub(crate) fn refused(errors: Vec<UserError>) -> Self {
        Self { out: None, errors, cursor: None }
    }
}

/// Sends a command. What the person can mend comes back in the outcome, everything else as an error.
pub(crate) async fn act<C: Intent>(ctx: &Context<'_>, command: C, with: With) -> Result<Outcome<C::Out>> {
    let session = Session::of(ctx)?;
    session.forget();
    let ask = Ask { expected: with.expected, key: with.key, ..Ask::from(command) };
    match session.desk.act(&session.actor, ask).await {
        Ok(done) => Ok(Outcome { out: Some(done.out), errors: vec![], cursor: Some(EventCursor(done.cursor)) }),
        Err(error) => mendable(error).map(Outcome::refused).map_err(|error| failed(&error)),
    }
}

/// Payload types: the noun after the command, what the person can mend, and the cursor.
macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $(#[$fdoc:meta])* $field:ident: $out:ty = $load:path, from $id:ty })*) => {$(
        $(#[$doc])*
        #[derive(async_graphql::Description)]
        pub(crate) struct $name(pub(crate) $crate::payload::Outcome<$id>);

        #[async_graphql::Object(use_type_description)]
        impl $name {
            $(#[$fdoc])*
            async fn $field(&self, ctx: &async_graphql::Context<'_>) -> async_graphql::Result<Option<$out>> {
                match &self.0.out {
                    Some(id) => $load(ctx, id).await.map(Some),
                    None => Ok(None),
                }
            }
            /// What you can mend; empty when the command happened.
            async fn user_errors(&self) -> &[$crate::user_error::UserError] {
                &self.0.errors
            }
            /// Where the log stands after the command: a subscription that has passed this place has shown all of it.
            async fn cursor(&self) -> Option<$crate::scalar::EventCursor> {
                self.0.cursor
            }
        }
    )*};
}
pub(crate) use payloads;
