//! The GraphiQL page, for those who want it: it is not part of [`router`](crate::router).

use axum::Router;
use axum::response::Html;
use axum::routing::get;

/// `GET /graphiql`: a page to try the API by hand, beside the routes of [`router`](crate::router). Open it as
/// `/graphiql#token=…` to be logged in by [`Bearer`](crate::Bearer) token. The page loads its scripts from esm.sh.
pub fn graphiql() -> Router {
    Router::new().route("/graphiql", get(async || Html(include_str!("graphiql.html"))))
}
