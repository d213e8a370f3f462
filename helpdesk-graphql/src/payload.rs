//! Commands and what they answer.

use async_graphql::{Context, Result};
use helpdesk_core::command::{Ask, Intent};

use crate::fault::{FORBIDDEN, NOT_FOUND, failed, has_code};
use crate::scalar::EventCursor;
use crate::session::Session;
use crate::user_error::{Places, UserError, mendable};

/// What surrounds a command.
#[derive(Debug)]
pub(crate) struct With {
    pub(crate) expected: Option<i64>,
    pub(crate) key: Option<String>,
    pub(crate) places: Places,
}

impl With {
    pub(crate) const fn new(expected: Option<i64>, key: Option<String>) -> Self {
        Self { expected, key, places: &[] }
    }
    /// For commands that name some of their fields otherwise than the input does.
    pub(crate) fn at(self, places: Places) -> Self {
        Self { places, ..self }
    }
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
        Err(error) => mendable(error, with.places).map(Outcome::refused).map_err(|error| failed(&error)),
    }
}

/// What a command made or changed, if whoever sent it may still see it: it happened all the same.
pub(crate) fn seen<T>(loaded: Result<T>) -> Result<Option<T>> {
    match loaded {
        Err(error) if has_code(&error, NOT_FOUND) || has_code(&error, FORBIDDEN) => Ok(None),
        loaded => loaded.map(Some),
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
                    Some(id) => $crate::payload::seen($load(ctx, id).await),
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
