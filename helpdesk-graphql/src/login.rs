//! How the host says who asks. The desk believes it; there is no way around it.

use std::future::Future;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use helpdesk_core::Actor;
use serde_json::Value;

/// Nobody was let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// No credentials, or none that are known.
    #[error("nobody is logged in; send your credentials")]
    Unauthenticated,
    /// Who it is cannot be found out now.
    #[error("logins cannot be checked now; try again later")]
    Unavailable,
}

/// Who asks: implemented by the host. Called for every HTTP request, and once for every WebSocket.
pub trait Login: Send + Sync + 'static {
    /// Who sends this request.
    fn request(&self, request: &Parts) -> impl Future<Output = Result<Actor, LoginError>> + Send;

    /// Who opens this WebSocket: `upgrade` is its HTTP request, `init` the payload of `connection_init` (null when
    /// there was none). Browsers cannot set headers on WebSockets, so tokens come in `init`; a host that goes by cookies
    /// must check `Origin` here.
    fn socket(&self, upgrade: &Parts, init: &Value) -> impl Future<Output = Result<Actor, LoginError>> + Send;
}

/// Logins by bearer token: `Authorization: Bearer …` (RFC 6750), or `{"Authorization": "Bearer …"}` in
/// `connection_init`. The closure knows whose token it is.
#[derive(Debug, Clone)]
pub struct Bearer<F>(pub F);

impl<F, Found> Login for Bearer<F>
where
    F: Fn(String) -> Found + Send + Sync + 'static,
    Found: Future<Output = Option<Actor>> + Send,
{
    async fn request(&self, request: &Parts) -> Result<Actor, LoginError> {
        let token = in_headers(&request.headers).ok_or(LoginError::Unauthenticated)?;
        (self.0)(token).await.ok_or(LoginError::Unauthenticated)
    }

    async fn socket(&self, upgrade: &Parts, init: &Value) -> Result<Actor, LoginError> {
        let named = ["Authorization", "authorization"].iter().find_map(|name| init.get(name)?.as_str());
        let token = named.and_then(bearer).or_else(|| in_headers(&upgrade.headers));
        (self.0)(token.ok_or(LoginError::Unauthenticated)?).await.ok_or(LoginError::Unauthenticated)
    }
}

fn in_headers(headers: &HeaderMap) -> Option<String> {
    bearer(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

fn bearer(value: &str) -> Option<String> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
}
