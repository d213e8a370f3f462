//! One execution: who asks, the desk, and what was read for them already. Nothing outlives the execution; a
//! subscription gets a new session with every delivery.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::async_trait::async_trait;
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, ResolveInfo};
use async_graphql::{Context, Data, Error, Response, Result, ServerError, ServerResult, Value};
use helpdesk_core::config::TenantConfig;
use helpdesk_core::{Actor, Desk};

use crate::fault::{UNAUTHENTICATED, coded};
use crate::loaders::Loaders;
use crate::waves::Waves;

/// What resolvers work with.
pub(crate) struct Session {
    pub(crate) desk: Desk,
    pub(crate) actor: Actor,
    pub(crate) loaders: Loaders,
}

impl Session {
    fn new(desk: Desk, actor: Actor, waves: Waves) -> Self {
        let loaders = Loaders::new(&desk, &actor, waves);
        Self { desk, actor, loaders }
    }

    /// The session of this execution; none when nobody logged in.
    pub(crate) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self> {
        ctx.data_opt().ok_or_else(unauthenticated)
    }

    /// The tenant's configuration as the viewer may see it, read once.
    pub(crate) async fn config(&self) -> Result<Arc<TenantConfig>> {
        self.loaders.config().await
    }

    /// Forgets what was read: a command may have changed it.
    pub(crate) fn forget(&self) {
        self.loaders.stop_caching();
    }
}

/// Who asks, and the desk, before there is a session: for the beginning of subscriptions.
pub(crate) fn viewer<'a>(ctx: &Context<'a>) -> Result<(&'a Desk, &'a Actor)> {
    Ok((ctx.data::<Desk>()?, ctx.data_opt::<Actor>().ok_or_else(unauthenticated)?))
}

fn unauthenticated() -> Error {
    coded(UNAUTHENTICATED, "nobody is logged in; send your credentials")
}

/// Opens a session for every execution by an actor, and keeps an error in a nullable field from spreading to its
/// neighbours.
pub(crate) struct Sessions;

impl ExtensionFactory for Sessions {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Execution::default())
    }
}

/// The executions of one request.
#[derive(Default)]
struct Execution {
    /// Errors of nullable fields, which are null instead (GraphQL specification, 6.4.4).
    errors: Mutex<Vec<ServerError>>,
}

impl Execution {
    fn errors(&self) -> Vec<ServerError> {
        std::mem::take(&mut *self.errors.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Extension for Execution {
    async fn execute(&self, ctx: &ExtensionContext<'_>, operation: Option<&str>, next: NextExecute<'_>) -> Response {
        let (Some(desk), Some(actor)) = (ctx.data_opt::<Desk>(), ctx.data_opt::<Actor>()) else {
            let mut response = next.run(ctx, operation).await;
            response.errors.extend(self.errors());
            return response;
        };
        let mut data = Data::default();
        let waves = Waves::default();
        data.insert(Session::new(desk.clone(), actor.clone(), waves.clone()));
        let mut response = waves.run(next.run_with_data(ctx, operation, data)).await;
        response.errors.extend(self.errors());
        response
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let nullable = !info.return_type.ends_with('!');
        match next.run(ctx, info).await {
            Err(error) if nullable => {
                self.errors.lock().unwrap_or_else(PoisonError::into_inner).push(error);
                Ok(None)
            }
            other => other,
        }
    }
}
