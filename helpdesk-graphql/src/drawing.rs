//! Drawings of workflows, plain or with the path of a ticket.

use std::sync::Arc;

use async_graphql::{Context, Description, Object, Result};
use helpdesk_core::Desk;
use helpdesk_core::id::TicketId;
use helpdesk_core::workflow::{Workflow, draw::Path};

use crate::session::Session;

/// A drawing of a workflow. On a ticket's, the states it went through are numbered in order and the present one is
/// marked.
#[derive(Debug, Clone, Description)]
pub(crate) struct WorkflowDrawing {
    workflow: Arc<Workflow>,
    path: Option<Path>,
}

#[Object(use_type_description)]
impl WorkflowDrawing {
    /// As a Mermaid `stateDiagram-v2`.
    async fn mermaid(&self) -> String {
        self.workflow.mermaid(self.path.as_ref())
    }
    /// As a self-contained SVG document, which tells what it shows in its description, too.
    async fn svg(&self) -> String {
        self.workflow.svg(self.path.as_ref())
    }
}

impl WorkflowDrawing {
    /// The workflow alone.
    pub(crate) fn plain(workflow: &Arc<Workflow>) -> Self {
        Self { workflow: workflow.clone(), path: None }
    }

    /// With what the viewer may see of the ticket's history.
    pub(crate) async fn of(ctx: &Context<'_>, workflow: &Arc<Workflow>, ticket: TicketId) -> Result<Self> {
        let read = move |desk: Desk, actor| async move { desk.path(&actor, ticket).await };
        let path = Session::of(ctx)?.loaders.read(read).await?;
        Ok(Self { workflow: workflow.clone(), path: Some(path) })
    }
}
