//! Workflows: states, transitions, publishing.

pub(crate) mod migration;

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, ID, InputObject, Object, Result, SimpleObject};
use helpdesk_core::command::PublishWorkflow;
use helpdesk_core::workflow::{self, Definition, From as Begin, WorkflowRef};
use helpdesk_core::{ActError, Refusal};

use crate::connection::{connection, page_of};
use crate::drawing::WorkflowDrawing;
use crate::fault::{failed, not_found};
use crate::id::{Ref, global};
use crate::names::{Permission, StateCategory, TicketField};
use crate::payload::{Outcome, With, act, payloads};
use crate::scalar::Json;
use crate::session::Session;
use crate::user_error::{mendable, placed};

/// A published version of a workflow. It never changes; tickets stay on the version they were created with.
#[derive(Debug, Clone, Description)]
pub(crate) struct Workflow(pub(crate) Arc<workflow::Workflow>);

/// A state of a workflow.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct WorkflowState {
    /// Stable id inside the workflow.
    pub(crate) id: String,
    /// What people read.
    pub(crate) label: String,
    /// What it means to clocks and counters.
    pub(crate) category: StateCategory,
    /// The approval it takes to leave; null when none does.
    pub(crate) gate: Option<WorkflowGate>,
}

/// An approval it takes to leave a state: by all transitions but those that bypass it.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct WorkflowGate {
    /// Key of the template: the ticket's latest approval by it must be approved, and not stale.
    template: String,
    /// The transition taken by itself once it is approved, by id.
    approved: Option<String>,
    /// The transition taken by itself once it is rejected, by id.
    rejected: Option<String>,
}

impl From<&workflow::State> for WorkflowState {
    fn from(state: &workflow::State) -> Self {
        let gate = state.gate.as_ref().map(|gate| WorkflowGate {
            template: gate.template.clone(),
            approved: gate.approved.clone(),
            rejected: gate.rejected.clone(),
        });
        Self { id: state.id.clone(), label: state.label.clone(), category: state.category.into(), gate }
    }
}

/// A way from one state to another.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct WorkflowTransition {
    /// Stable id inside the workflow: what `ticketMove` takes.
    pub(crate) id: String,
    /// What people read on the button.
    pub(crate) label: String,
    /// Whether it creates tickets.
    pub(crate) creates: bool,
    /// The states it begins in; null when it begins in any state, or in none because it creates tickets.
    pub(crate) from: Option<Vec<String>>,
    /// The state it leads to.
    pub(crate) to: String,
    /// Needed in addition to moving tickets.
    pub(crate) permission: Option<Permission>,
    /// Whether it leaves a state without the approval that state waits for.
    pub(crate) bypasses_approval: bool,
    /// Fields that must have a value after it.
    pub(crate) required: Vec<TicketField>,
}

impl From<&workflow::Transition> for WorkflowTransition {
    fn from(it: &workflow::Transition) -> Self {
        Self {
            id: it.id.clone(),
            label: it.label.clone(),
            creates: it.from == Begin::Nothing,
            from: match &it.from {
                Begin::Nothing | Begin::Any => None,
                Begin::States(states) => Some(states.clone()),
            },
            to: it.to.clone(),
            permission: it.permission.map(Into::into),
            bypasses_approval: it.bypass_approval,
            required: it.required.iter().copied().map(Into::into).collect(),
        }
    }
}

#[Object(use_type_description)]
impl Workflow {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.id)
    }
    /// The definition's key.
    async fn key(&self) -> &str {
        &self.0.id.key
    }
    /// Its version, from 1.
    async fn version(&self) -> u32 {
        self.0.id.version
    }
    /// What people read.
    async fn name(&self) -> &str {
        &self.0.definition().name
    }
    /// The states, in the order of the definition.
    async fn states(&self) -> Vec<WorkflowState> {
        self.0.definition().states.iter().map(Into::into).collect()
    }
    /// The transitions, in the order of the definition.
    async fn transitions(&self) -> Vec<WorkflowTransition> {
        self.0.definition().transitions.iter().map(Into::into).collect()
    }
    /// SHA-256 of the canonical definition, hexadecimal.
    async fn hash(&self) -> &str {
        &self.0.hash
    }
    /// A drawing of it.
    async fn drawing(&self) -> WorkflowDrawing {
        WorkflowDrawing::plain(&self.0)
    }
    /// The whole definition.
    async fn definition(&self) -> Json {
        Json::of(&self.0.definition().canonical())
    }
}

connection! {
    /// A page of workflows.
    WorkflowConnection,
    /// A workflow in a list.
    WorkflowEdge of Workflow, count = usize
}

pub(crate) async fn load(ctx: &Context<'_>, id: &WorkflowRef) -> Result<Workflow> {
    let config = Session::of(ctx)?.config().await?;
    config.workflows.get(id).cloned().map(Workflow).ok_or_else(|| not_found("workflow", id))
}

#[derive(Default)]
pub(crate) struct WorkflowQuery;

#[Object]
impl WorkflowQuery {
    /// A version of a workflow.
    async fn workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Ref<WorkflowRef>,
    ) -> Result<Option<Workflow>> {
        load(ctx, &id.0).await.map(Some)
    }

    /// The published workflows by key and version.
    async fn workflows(
        &self,
        ctx: &Context<'_>,
        #[graphql(default, desc = "Older versions too.")] all_versions: bool,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<WorkflowConnection> {
        let config = Session::of(ctx)?.config().await?;
        let newest = |it: &Arc<workflow::Workflow>| config.workflows.newest(&it.id.key).is_some_and(|n| n.id == it.id);
        let all = config.workflows.iter().filter(|it| all_versions || newest(it));
        let all: Vec<Workflow> = all.cloned().map(Workflow).collect();
        let count = all.len();
        Ok(WorkflowConnection { page: page_of(all, |workflow| workflow.0.id.clone(), first, after.as_deref())?, count })
    }
}

/// How a definition is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "helpdesk_core::workflow::read::Format")]
pub(crate) enum DefinitionFormat {
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

/// Publishes a version of a workflow.
#[derive(InputObject)]
struct WorkflowPublishInput {
    /// The definition: key, name, states and transitions.
    definition: String,
    /// How it is written.
    #[graphql(default_with = "DefinitionFormat::Json")]
    format: DefinitionFormat,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `workflowPublish` answers.
    WorkflowPublishPayload {
        /// The version; the newest one when it says the same already.
        workflow: Workflow = load, from WorkflowRef
    }
}

#[derive(Default)]
pub(crate) struct WorkflowMutation;

#[Object]
impl WorkflowMutation {
    /// Publishes the next version of a workflow.
    async fn workflow_publish(
        &self,
        ctx: &Context<'_>,
        input: WorkflowPublishInput,
    ) -> Result<Option<WorkflowPublishPayload>> {
        let read = match input.format {
            DefinitionFormat::Json => Definition::from_json(&input.definition),
            DefinitionFormat::Toml => Definition::from_toml(&input.definition),
        };
        let outcome = match read {
            Ok(definition) => {
                let command = PublishWorkflow { tenant: crate::viewer::tenant(ctx)?, definition };
                let mut outcome = act(ctx, command, With::new(None, input.idempotency_key)).await?;
                outcome.errors = placed(outcome.errors, &input.definition, input.format.into());
                outcome
            }
            Err(malformed) => {
                let error = ActError::from(Refusal::from(malformed));
                Outcome::refused(mendable(error, &[]).map_err(|error| failed(&error))?)
            }
        };
        Ok(Some(WorkflowPublishPayload(outcome)))
    }
}
