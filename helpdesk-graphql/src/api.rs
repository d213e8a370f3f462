//! The schema over a desk, and how to use it without HTTP.

use std::sync::Arc;

use async_graphql::{Request, SDLExportOptions, Schema, SchemaBuilder};
use axum::Router;
use futures_util::{Stream, StreamExt};
use helpdesk_core::{Actor, Desk};
use serde_json::Value;

use crate::limits::{Limiter, Limits};
use crate::login::Login;
use crate::root::{Mutation, Query};
use crate::session::Sessions;
use crate::subscription::Subscription;

/// The schema over `desk`, for hosts that mount it in their own GraphQL server. Every request needs an
/// [`Actor`] in its data.
pub fn schema(desk: Desk, limits: Limits) -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription)
        .data(desk)
        .extension(Limiter(Arc::new(limits)))
        .extension(Sessions)
}

/// The HTTP and WebSocket endpoints with the default [`Limits`]: `POST /graphql` and `/graphql/ws`.
pub fn router(desk: Desk, login: impl Login) -> Router {
    Api::new(desk, Limits::default()).router(login)
}

/// A GraphQL API over a desk. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(crate) schema: Schema<Query, Mutation, Subscription>,
    pub(crate) limits: Arc<Limits>,
}

impl Api {
    /// The API over `desk`.
    pub fn new(desk: Desk, limits: Limits) -> Self {
        Self { schema: schema(desk, limits.clone()).finish(), limits: Arc::new(limits) }
    }

    /// The HTTP and WebSocket endpoints: `POST /graphql` and `/graphql/ws`.
    pub fn router(&self, login: impl Login) -> Router {
        crate::transport::routes(self.clone(), login)
    }

    /// Runs a query or mutation for `actor` and answers as HTTP would: `{"data": …, "errors": …, "extensions": …}`.
    /// Needs a tokio runtime.
    pub async fn execute(&self, actor: &Actor, document: &str, variables: Value) -> Value {
        let response = self.schema.execute(request(actor, document, variables)).await;
        serde_json::to_value(&response).unwrap_or_default() // a response always serialises
    }

    /// Runs a subscription for `actor`; each item is an answer as [`execute`](Self::execute) gives it.
    pub fn subscribe(
        &self,
        actor: &Actor,
        document: &str,
        variables: Value,
    ) -> impl Stream<Item = Value> + Send + Unpin + use<> {
        let responses = self.schema.execute_stream(request(actor, document, variables));
        responses.map(|response| serde_json::to_value(&response).unwrap_or_default())
    }

    /// The schema in the schema definition language, sorted.
    pub fn sdl(&self) -> String {
        let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
        self.schema.sdl_with_options(options.include_specified_by().use_space_ident().indent_width(2))
    }
}

fn request(actor: &Actor, document: &str, variables: Value) -> Request {
    Request::new(document).variables(async_graphql::Variables::from_json(variables)).data(actor.clone())
}
