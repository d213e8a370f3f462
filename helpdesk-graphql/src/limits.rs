//! What one document may ask for. Everything is counted before validation, so that no document can make counting
//! itself expensive.

mod size;
mod token;

use std::any::TypeId;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use async_graphql::async_trait::async_trait;
use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest, NextRequest, NextSubscribe,
};
use async_graphql::futures_util::stream::BoxStream;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response, ServerError, ServerResult, Value};
use futures_util::StreamExt;
use helpdesk_core::Actor;

use self::size::Sizes;
use crate::fault::{QUERY_TOO_COMPLEX, give_codes};

/// What one request may ask for. The defaults suit people in browsers.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of an HTTP body.
    pub body: usize,
    /// Words, numbers, strings and signs in a document.
    pub tokens: usize,
    /// Selections in all, with every use of a fragment counted anew.
    pub selections: u64,
    /// Fields inside fields.
    pub depth: u32,
    /// Aliases in all, with every use of a fragment counted anew.
    pub aliases: u64,
    /// Fields of an operation.
    pub root_fields: u64,
    /// Directives on one field.
    pub directives: usize,
    /// Commands in one operation.
    pub mutations: u64,
    /// Cost of a query by a person.
    pub cost: u64,
    /// Cost of a query by a service account, a plugin or the host itself.
    pub service_cost: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 256 * 1024,
            tokens: 2_000,
            selections: 5_000,
            depth: 12,
            aliases: 30,
            root_fields: 20,
            directives: 5,
            mutations: 4,
            cost: 1_000,
            service_cost: 5_000,
        }
    }
}

/// Holds every request to [`Limits`].
pub(crate) struct Limiter(pub(crate) Arc<Limits>);

impl ExtensionFactory for Limiter {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Meter { limits: self.0.clone(), cost: AtomicU64::new(0), allowed: OnceLock::new() })
    }
}

/// One request against its limits.
struct Meter {
    limits: Arc<Limits>,
    cost: AtomicU64,
    allowed: OnceLock<u64>,
}

fn refused(what: &str, used: impl std::fmt::Display, allowed: impl std::fmt::Display) -> ServerError {
    let text =
        format!("the document has {what} {used}, at most {allowed} are taken; ask for less, or in several requests");
    crate::fault::coded(QUERY_TOO_COMPLEX, text).into_server_error(async_graphql::Pos::default())
}

impl Meter {
    fn check(&self, ctx: &ExtensionContext<'_>, request: &mut Request) -> ServerResult<()> {
        let limits = &self.limits;
        let tokens = token::count(&request.query);
        if tokens > limits.tokens {
            return Err(refused("tokens:", tokens, limits.tokens));
        }
        let person = |actor: &Actor| matches!(actor, Actor::Person(..));
        let allowed = if actor(ctx, request).is_none_or(person) { limits.cost } else { limits.service_cost };
        let _ = self.allowed.set(allowed); // the first to say so
        let (name, variables) = (request.operation_name.clone(), request.variables.clone());
        let document = request.parsed_query()?;
        let mut expanded: u64 = 0;
        for (operation_name, operation) in document.operations.iter() {
            let size = Sizes::new(&ctx.schema_env.registry, document, &operation.node, &variables).operation()?;
            expanded = expanded.saturating_add(size.selections);
            let mut checks = vec![
                ("selections in all:", expanded, limits.selections),
                ("levels:", u64::from(size.depth), u64::from(limits.depth)),
                ("aliases:", size.aliases, limits.aliases),
                ("fields at its root:", size.roots, limits.root_fields),
                ("directives on one field:", size.directives, limits.directives as u64),
                ("nested lists of introspection:", u64::from(size.lists), 2),
            ];
            if operation.node.ty == OperationType::Mutation {
                checks.push(("commands:", size.roots, limits.mutations));
            }
            // Only what runs costs.
            if name.is_none() || operation_name.map(|it| it.as_str()) == name.as_deref() {
                self.cost.fetch_max(size.cost, Ordering::Relaxed);
                checks.push(("a cost of", size.cost, allowed));
            }
            for (what, used, allowed) in checks {
                if used > allowed {
                    return Err(refused(what, used, allowed));
                }
            }
        }
        Ok(())
    }

    fn finish(&self, response: Response) -> Response {
        let mut response = response;
        give_codes(&mut response.errors);
        let mut cost = async_graphql::indexmap::IndexMap::new();
        cost.insert(async_graphql::Name::new("requested"), Value::from(self.cost.load(Ordering::Relaxed)));
        let allowed = self.allowed.get().copied().unwrap_or(self.limits.cost);
        cost.insert(async_graphql::Name::new("allowed"), Value::from(allowed));
        response.extension("cost", Value::Object(cost))
    }
}

/// Who asks. What came with the request is not in the context yet; what came with the connection is.
fn actor<'a>(ctx: &'a ExtensionContext<'_>, request: &'a Request) -> Option<&'a Actor> {
    let sent = request.data.get(&TypeId::of::<Actor>()).and_then(|actor| actor.downcast_ref());
    sent.or_else(|| ctx.data_opt())
}

#[async_trait]
impl Extension for Meter {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        self.finish(next.run(ctx).await)
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let coded = |mut response: Response| {
            give_codes(&mut response.errors);
            response
        };
        next.run(ctx, stream).map(coded).boxed()
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        self.check(ctx, &mut request)?;
        next.run(ctx, request).await
    }
}
