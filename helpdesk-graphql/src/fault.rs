//! Top-level errors: what a person did not cause or cannot mend in the form they filled in. Each has a stable
//! `extensions.code`. What they can mend is a [`UserError`](crate::user_error::UserError) in the payload instead.

use async_graphql::{Error, ErrorExtensions, ServerError, Value};
use helpdesk_core::error::{ActError, Refusal};
use helpdesk_core::store::StoreError;

pub(crate) const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
pub(crate) const FORBIDDEN: &str = "FORBIDDEN";
pub(crate) const NOT_FOUND: &str = "NOT_FOUND";
pub(crate) const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
pub(crate) const QUERY_TOO_COMPLEX: &str = "QUERY_TOO_COMPLEX";
pub(crate) const UNAVAILABLE: &str = "UNAVAILABLE";
const INTERNAL: &str = "INTERNAL";

/// An error with a code.
pub(crate) fn coded(code: &str, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// A value that cannot be taken.
pub(crate) fn bad_input(message: impl Into<String>) -> Error {
    coded(BAD_USER_INPUT, message)
}

/// The error for a noun that does not exist, or not for the viewer.
pub(crate) fn not_found(noun: &'static str, id: impl std::fmt::Display) -> Error {
    failed(&Refusal::NotFound { noun, id: id.to_string() }.into())
}

/// A failed read or command as a top-level error. Causes the client cannot act on go to the log, not to the client.
pub(crate) fn failed(error: &ActError) -> Error {
    match error {
        ActError::Refused(Refusal::Denied(denied)) => {
            let needed = denied.needed.as_str();
            coded(FORBIDDEN, denied.to_string()).extend_with(|_, extensions| extensions.set("permission", needed))
        }
        ActError::Refused(refusal) => {
            let (code, reason) = (code(refusal), refusal.code());
            let error = coded(code, refusal.to_string());
            // The closed set of codes is coarser than the desk's own.
            if code == reason { error } else { error.extend_with(|_, extensions| extensions.set("reason", reason)) }
        }
        ActError::Busy(_) => coded(UNAVAILABLE, error.to_string()),
        ActError::Store(StoreError::Unavailable(cause)) => {
            tracing::warn!(%cause, "the database is not available");
            coded(UNAVAILABLE, "the database is not available; try again later")
        }
        ActError::Store(StoreError::Unknown(cause)) => {
            tracing::warn!(%cause, "the answer to a commit was lost");
            coded(UNAVAILABLE, "it may have happened or not; repeat it with the same idempotencyKey to learn")
        }
        ActError::LeaseLost | ActError::Store(StoreError::Schema(_) | StoreError::Defect(_)) => internal(error),
    }
}

/// Whether it is an error with this code.
pub(crate) fn has_code(error: &Error, code: &str) -> bool {
    let given = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    matches!(given, Some(Value::String(given)) if given == code)
}

const fn code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotFound { .. } => NOT_FOUND,
        Refusal::Denied(_) | Refusal::Suspended | Refusal::Automation(_) => FORBIDDEN,
        Refusal::Invalid(_)
        | Refusal::Taken { .. }
        | Refusal::Claimed { .. }
        | Refusal::InUse { .. }
        | Refusal::Workflow(_)
        | Refusal::Malformed(_)
        | Refusal::Approval(_)
        | Refusal::Conflict(_)
        | Refusal::KeyReused(_)
        | Refusal::NoTenant => BAD_USER_INPUT,
    }
}

/// Tells the client nothing but a number; the cause stands beside the same number in the log.
#[allow(clippy::disallowed_methods, reason = "names a line of the operator's log; no decision depends on it")]
fn internal(cause: &ActError) -> Error {
    let request = uuid::Uuid::now_v7().to_string();
    tracing::error!(%request, %cause, "a request failed");
    coded(INTERNAL, "something went wrong here; the request id tells your operator what")
        .extend_with(|_, extensions| extensions.set("requestId", request))
}

/// Gives errors of the GraphQL machinery itself (parsing, validation, coercion) their code.
pub(crate) fn give_codes(errors: &mut [ServerError]) {
    for error in errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", Value::from(BAD_USER_INPUT));
        }
    }
}
