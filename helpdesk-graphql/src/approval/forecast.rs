//! What would become of an approval if it were requested now. Nothing is written.

use async_graphql::{Context, Description, Object, Result};
use helpdesk_core::Desk;
use helpdesk_core::approval::{Simulation, StepForecast};
use helpdesk_core::id::{PersonId, TicketId};

use super::step::ApprovalNeeded;
use super::template::{self, ApprovalTemplate};
use crate::id::Ref;
use crate::payload::seen;
use crate::person::Person;
use crate::session::Session;

/// What would become of an approval.
#[derive(Debug, Clone, Description)]
struct ApprovalForecast(Simulation);

/// What would become of a step.
#[derive(Debug, Clone, Description)]
struct ApprovalStepForecast(StepForecast);

/// Somebody who would be asked.
#[derive(Debug, Clone, Description)]
struct ApprovalAsked(PersonId, String);

#[Object(use_type_description)]
impl ApprovalForecast {
    /// By which version of the template.
    async fn template(&self, ctx: &Context<'_>) -> Result<Option<ApprovalTemplate>> {
        seen(template::load(ctx, &self.0.template).await)
    }
    /// Whether it would come to a step that cannot go on.
    async fn blocked(&self) -> bool {
        self.0.blocked()
    }
    /// The steps, in order of the template.
    async fn steps(&self) -> Vec<ApprovalStepForecast> {
        self.0.steps.iter().cloned().map(ApprovalStepForecast).collect()
    }
}

#[Object(use_type_description)]
impl ApprovalStepForecast {
    /// Its key.
    async fn key(&self) -> &str {
        &self.0.key
    }
    /// What people read.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// The stage it runs in, from 0: steps of one stage run at the same time.
    async fn stage(&self) -> u32 {
        self.0.stage
    }
    /// Who would be asked.
    async fn asked(&self) -> Vec<ApprovalAsked> {
        self.0.asked.iter().map(|(person, via)| ApprovalAsked(*person, via.clone())).collect()
    }
    /// How many approvals it would need; null when it would be skipped or blocked.
    async fn needed(&self) -> Option<ApprovalNeeded> {
        self.0.needed.clone().map(ApprovalNeeded)
    }
    /// Why it would be skipped, if so.
    async fn skipped(&self) -> Option<&str> {
        self.0.skipped.as_deref()
    }
    /// Why it could not go on, if so.
    async fn blocked(&self) -> Option<&str> {
        self.0.blocked.as_deref()
    }
}

#[Object(use_type_description)]
impl ApprovalAsked {
    /// Who.
    async fn person(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Ok(Session::of(ctx)?.loaders.person(self.0).await?.map(Person))
    }
    /// How they would be found, as slots tell it.
    async fn via(&self) -> Vec<String> {
        self.1.split_whitespace().map(str::to_owned).collect()
    }
}

#[derive(Default)]
pub(crate) struct ForecastQuery;

#[Object]
impl ForecastQuery {
    /// Who would be asked, in which order, if you requested an approval of the ticket now.
    async fn approval_simulate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket.")] ticket: Ref<TicketId>,
        #[graphql(desc = "The template, by key; its newest version.")] template: String,
    ) -> Result<ApprovalForecast> {
        let read = move |desk: Desk, actor| async move { desk.simulate_approval(&actor, ticket.0, &template).await };
        Session::of(ctx)?.loaders.read(read).await.map(ApprovalForecast)
    }
}
