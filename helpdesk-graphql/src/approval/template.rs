//! Approval templates: the type, finding them, publishing.

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, ID, InputObject, Object, Result};
use helpdesk_core::approval::template::Template;
use helpdesk_core::approval::{self as core, DeadlineAction, StepDefinition, TemplateDefinition, TemplateRef};
use helpdesk_core::command::PublishTemplate;
use helpdesk_core::{ActError, Refusal};

use super::names::ApprovalOnEdit;
use crate::connection::{connection, page_of};
use crate::fault::{failed, not_found};
use crate::id::global;
use crate::names::TicketField;
use crate::payload::{Outcome, With, act, payloads};
use crate::scalar::Json;
use crate::session::Session;
use crate::user_error::{mendable, placed};
use crate::workflow::DefinitionFormat;

/// A published version of an approval template. It never changes; approvals stay on the version they were requested by.
#[derive(Debug, Clone, Description)]
pub(crate) struct ApprovalTemplate(pub(crate) Arc<Template>);

/// A step as a template says it.
#[derive(Debug, Clone, Description)]
struct ApprovalTemplateStep(StepDefinition);

/// Until when a step should be decided. Kept and shown.
#[derive(Debug, Clone, Description)]
pub(crate) struct ApprovalDeadline(pub(crate) core::Deadline);

/// What is done when a step is not decided in time.
#[derive(Debug, Clone, Description)]
struct ApprovalDeadlineAction(DeadlineAction);

/// The kinds of what is done when a step is not decided in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum ApprovalDeadlineActionKind {
    /// Those who have not spoken are reminded.
    Remind,
    /// Somebody more is asked.
    Add,
    /// Somebody is asked instead of those who have not spoken.
    Replace,
    /// The step is approved.
    Approve,
    /// The step is rejected.
    Reject,
    /// The approval is cancelled.
    Cancel,
}

/// Plain data as JSON.
fn json(it: &impl serde::Serialize) -> Json {
    Json::of(&serde_json::to_string(it).unwrap_or_default()) // plain data always serialises
}

#[Object(use_type_description)]
impl ApprovalTemplate {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.id)
    }
    /// The template's key: what `approvalRequest` and the gates of workflows take.
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
    /// The steps, in order.
    async fn steps(&self) -> Vec<ApprovalTemplateStep> {
        self.0.definition().steps.iter().cloned().map(ApprovalTemplateStep).collect()
    }
    /// The fields an approval is about: what is approved is the ticket with these values.
    async fn watched(&self) -> Vec<TicketField> {
        self.0.definition().watched.iter().copied().map(Into::into).collect()
    }
    /// What an edit of a watched field does while an approval runs; after it, the approval is stale in any case.
    async fn on_edit(&self) -> ApprovalOnEdit {
        self.0.definition().on_edit.into()
    }
    /// SHA-256 of the canonical definition, hexadecimal.
    async fn hash(&self) -> &str {
        &self.0.hash
    }
    /// The whole definition.
    async fn definition(&self) -> Json {
        Json::of(&self.0.definition().canonical())
    }
}

#[Object(use_type_description)]
impl ApprovalTemplateStep {
    /// Its key, unique in the template.
    async fn key(&self) -> &str {
        &self.0.key
    }
    /// What people read.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// Who is asked, as the definition says it.
    async fn ask(&self) -> Vec<Json> {
        self.0.ask.iter().map(json).collect()
    }
    /// Whose approvals it needs, as the definition says it: `"all"`, `{"count": 2}` …
    async fn rule(&self) -> Json {
        json(&self.0.rule)
    }
    /// When rejections end it, as the definition says it.
    async fn rejection(&self) -> Json {
        json(&self.0.rejection)
    }
    /// Steps beside each other with the same name here run at the same time.
    async fn parallel(&self) -> Option<&str> {
        self.0.parallel.as_deref()
    }
    /// Until when it should be decided, and what is done then; null when it may take its time.
    async fn deadline(&self) -> Option<ApprovalDeadline> {
        self.0.deadline.clone().map(ApprovalDeadline)
    }
}

#[Object(use_type_description)]
impl ApprovalDeadline {
    /// Business minutes from the opening of the step.
    async fn minutes(&self) -> u32 {
        self.0.within
    }
    /// Key of the calendar that counts them; null for the tenant's own.
    async fn calendar(&self) -> Option<&str> {
        self.0.calendar.as_deref()
    }
    /// What is done then, in this order, each once.
    async fn actions(&self) -> Vec<ApprovalDeadlineAction> {
        self.0.actions.iter().cloned().map(ApprovalDeadlineAction).collect()
    }
}

#[Object(use_type_description)]
impl ApprovalDeadlineAction {
    /// What is done.
    async fn kind(&self) -> ApprovalDeadlineActionKind {
        match self.0 {
            DeadlineAction::Remind => ApprovalDeadlineActionKind::Remind,
            DeadlineAction::Add(_) => ApprovalDeadlineActionKind::Add,
            DeadlineAction::Replace(_) => ApprovalDeadlineActionKind::Replace,
            DeadlineAction::Approve => ApprovalDeadlineActionKind::Approve,
            DeadlineAction::Reject => ApprovalDeadlineActionKind::Reject,
            DeadlineAction::Cancel => ApprovalDeadlineActionKind::Cancel,
        }
    }
    /// Who is asked then, as the definition says it; null when nobody new is.
    async fn approver(&self) -> Option<Json> {
        match &self.0 {
            DeadlineAction::Add(who) | DeadlineAction::Replace(who) => Some(json(who)),
            DeadlineAction::Remind | DeadlineAction::Approve | DeadlineAction::Reject | DeadlineAction::Cancel => None,
        }
    }
}

connection! {
    /// A page of approval templates.
    ApprovalTemplateConnection,
    /// An approval template in a list.
    ApprovalTemplateEdge of ApprovalTemplate, count = usize
}

pub(crate) async fn load(ctx: &Context<'_>, id: &TemplateRef) -> Result<ApprovalTemplate> {
    let config = Session::of(ctx)?.config().await?;
    config.templates.get(id).cloned().map(ApprovalTemplate).ok_or_else(|| not_found("template", id))
}

#[derive(Default)]
pub(crate) struct TemplateQuery;

#[Object]
impl TemplateQuery {
    /// A version of an approval template.
    async fn approval_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its key.")] key: String,
        #[graphql(desc = "Its version; the newest when omitted.")] version: Option<u32>,
    ) -> Result<Option<ApprovalTemplate>> {
        if let Some(version) = version {
            return load(ctx, &TemplateRef { key: key.into(), version }).await.map(Some);
        }
        let config = Session::of(ctx)?.config().await?;
        let newest = config.templates.newest(&key).cloned().map(ApprovalTemplate);
        newest.map(Some).ok_or_else(|| not_found("template", key.chars().take(64).collect::<String>()))
    }

    /// The published approval templates by key and version.
    async fn approval_templates(
        &self,
        ctx: &Context<'_>,
        #[graphql(default, desc = "Older versions too.")] all_versions: bool,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<ApprovalTemplateConnection> {
        let config = Session::of(ctx)?.config().await?;
        let newest = |it: &Arc<Template>| config.templates.newest(&it.id.key).is_some_and(|newest| newest.id == it.id);
        let all = config.templates.iter().filter(|it| all_versions || newest(it));
        let all: Vec<ApprovalTemplate> = all.cloned().map(ApprovalTemplate).collect();
        let count = all.len();
        let page = page_of(all, |template| template.0.id.clone(), first, after.as_deref())?;
        Ok(ApprovalTemplateConnection { page, count })
    }
}

/// Publishes a version of an approval template.
#[derive(InputObject)]
struct ApprovalTemplatePublishInput {
    /// The definition: key, name and steps.
    definition: String,
    /// How it is written.
    #[graphql(default_with = "DefinitionFormat::Json")]
    format: DefinitionFormat,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `approvalTemplatePublish` answers.
    ApprovalTemplatePublishPayload {
        /// The version; the newest one when it says the same already.
        template: ApprovalTemplate = load, from TemplateRef
    }
}

#[derive(Default)]
pub(crate) struct TemplateMutation;

#[Object]
impl TemplateMutation {
    /// Publishes the next version of an approval template.
    async fn approval_template_publish(
        &self,
        ctx: &Context<'_>,
        input: ApprovalTemplatePublishInput,
    ) -> Result<Option<ApprovalTemplatePublishPayload>> {
        let read = match input.format {
            DefinitionFormat::Json => TemplateDefinition::from_json(&input.definition),
            DefinitionFormat::Toml => TemplateDefinition::from_toml(&input.definition),
        };
        let outcome = match read {
            Ok(definition) => {
                let command = PublishTemplate { tenant: crate::viewer::tenant(ctx)?, definition };
                let mut outcome = act(ctx, command, With::new(None, input.idempotency_key)).await?;
                outcome.errors = placed(outcome.errors, &input.definition, input.format.into());
                outcome
            }
            Err(malformed) => {
                let error = ActError::from(Refusal::from(core::ApprovalRefusal::from(malformed)));
                Outcome::refused(mendable(error, &[]).map_err(|error| failed(&error))?)
            }
        };
        Ok(Some(ApprovalTemplatePublishPayload(outcome)))
    }
}
