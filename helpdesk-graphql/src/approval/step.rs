//! The parts of an approval: steps, the slots of those who are asked, and what they said.

use std::sync::Arc;

use async_graphql::{Context, Description, Object, Result};
use helpdesk_core::approval::{self as core, Approvals, Needed, TemplateRef};
use helpdesk_core::id::GroupId;
use uuid::Uuid;

use super::names::{ApprovalSlotState, ApprovalStepState, ApprovalVerdict};
use super::template::ApprovalDeadline;
use crate::connection::connection;
use crate::group::Group;
use crate::id::Noun;
use crate::person::Person;
use crate::scalar::{DateTime, UuidValue};
use crate::session::Session;

/// A step of a round that has begun.
#[derive(Debug, Clone, Description)]
pub(crate) struct ApprovalStep {
    all: Arc<Approvals>,
    template: TemplateRef,
    it: core::ApprovalStep,
}

/// The place of one person who is asked.
#[derive(Debug, Clone, Description)]
pub(crate) struct ApprovalSlot {
    all: Arc<Approvals>,
    it: core::Slot,
}

/// One thing said on an approval; never changed, never removed.
#[derive(Debug, Clone, Description)]
pub(crate) struct ApprovalDecision(pub(crate) core::ApprovalDecision);

/// How many approvals a step needs: fixed when it opened, and never fewer because somebody leaves.
#[derive(Debug, Clone, Description)]
pub(crate) struct ApprovalNeeded(pub(crate) Needed);

/// How many approvals a step needs of one group.
#[derive(Debug, Clone, Description)]
struct ApprovalNeededOf(GroupId, u32);

impl ApprovalStep {
    pub(super) fn new(all: &Arc<Approvals>, approval: &core::Approval, step: &core::ApprovalStep) -> Self {
        Self { all: all.clone(), template: approval.template.clone(), it: step.clone() }
    }
    /// What its template says of it.
    async fn definition(&self, ctx: &Context<'_>) -> Result<Option<core::StepDefinition>> {
        let config = Session::of(ctx)?.config().await?;
        Ok(config.templates.get(&self.template).and_then(|template| template.step(self.it.index)).cloned())
    }
}

#[Object(use_type_description)]
impl ApprovalStep {
    /// Its key in the template: what commands take as `step`.
    async fn key(&self) -> &str {
        &self.it.key
    }
    /// What people read.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.definition(ctx).await?.map_or_else(|| self.it.key.clone(), |step| step.name))
    }
    /// Its round, from 1.
    async fn round(&self) -> u32 {
        self.it.round
    }
    /// How it stands.
    async fn state(&self) -> ApprovalStepState {
        self.it.state.into()
    }
    /// How many approvals it needs; null when it was skipped or is blocked.
    async fn needed(&self) -> Option<ApprovalNeeded> {
        self.it.needed.clone().map(ApprovalNeeded)
    }
    /// Why it was skipped or is blocked; else empty.
    async fn note(&self) -> &str {
        &self.it.note
    }
    /// When it began.
    async fn opened_at(&self) -> DateTime {
        DateTime(self.it.opened_at)
    }
    /// When it ended, if it has.
    async fn ended_at(&self) -> Option<DateTime> {
        self.it.ended_at.map(DateTime)
    }
    /// Until when it should be decided, and what is done then; null when it may take its time.
    async fn deadline(&self, ctx: &Context<'_>) -> Result<Option<ApprovalDeadline>> {
        Ok(self.definition(ctx).await?.and_then(|step| step.deadline).map(ApprovalDeadline))
    }
    /// Those who are asked in it.
    async fn slots(&self) -> Vec<ApprovalSlot> {
        self.all.slots_of(&self.it).map(|slot| ApprovalSlot::new(&self.all, slot)).collect()
    }
}

#[Object(use_type_description)]
impl ApprovalNeeded {
    /// So many in all.
    async fn total(&self) -> u32 {
        match &self.0 {
            Needed::Total(n) => *n,
            Needed::Groups(groups) => groups.values().fold(0, |sum: u32, n| sum.saturating_add(*n)),
        }
    }
    /// So many of each of these groups; null when it does not matter whose they are.
    async fn groups(&self) -> Option<Vec<ApprovalNeededOf>> {
        match &self.0 {
            Needed::Total(_) => None,
            Needed::Groups(groups) => Some(groups.iter().map(|(group, n)| ApprovalNeededOf(*group, *n)).collect()),
        }
    }
}

#[Object(use_type_description)]
impl ApprovalNeededOf {
    /// The group; null for those who may not see the directory.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<Group>> {
        Ok(Session::of(ctx)?.config().await?.groups.get(&self.0).cloned().map(Group))
    }
    /// So many of it.
    async fn needed(&self) -> u32 {
        self.1
    }
}

impl ApprovalSlot {
    pub(super) fn new(all: &Arc<Approvals>, slot: &core::Slot) -> Self {
        Self { all: all.clone(), it: slot.clone() }
    }
}

#[Object(use_type_description)]
impl ApprovalSlot {
    /// Its UUID, as events know it.
    async fn uuid(&self) -> UuidValue {
        UuidValue(Uuid::from(self.it.id))
    }
    /// Who is asked.
    async fn person(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Ok(Session::of(ctx)?.loaders.person(self.it.person).await?.map(Person))
    }
    /// The groups through which they are; none for those who may not see the directory.
    async fn groups(&self, ctx: &Context<'_>) -> Result<Vec<Group>> {
        let config = Session::of(ctx)?.config().await?;
        Ok(self.it.groups.iter().filter_map(|id| config.groups.get(id)).cloned().map(Group).collect())
    }
    /// How they were found: `person`, `group`, `role:KEY`, `requester` …, `manager`; `moved` when somebody gave the slot
    /// to them.
    async fn via(&self) -> Vec<String> {
        self.it.via.split_whitespace().map(str::to_owned).collect()
    }
    /// How it stands.
    async fn state(&self) -> ApprovalSlotState {
        self.it.state.into()
    }
    /// Who was asked for an opinion that has not come yet.
    async fn consulted(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let Some(person) = self.it.consulted else { return Ok(None) };
        Ok(Session::of(ctx)?.loaders.person(person).await?.map(Person))
    }
    /// Whether what it says was said in an earlier round.
    async fn carried(&self) -> bool {
        self.it.carried
    }
    /// When it was opened.
    async fn opened_at(&self) -> DateTime {
        DateTime(self.it.opened_at)
    }
    /// When it was decided or ended, if it was.
    async fn ended_at(&self) -> Option<DateTime> {
        self.it.ended_at.map(DateTime)
    }
    /// What was said on it, oldest first.
    async fn decisions(&self) -> Vec<ApprovalDecision> {
        let own = self.all.decisions.iter().filter(|said| said.slot == self.it.id);
        own.cloned().map(ApprovalDecision).collect()
    }
}

#[Object(use_type_description)]
impl ApprovalDecision {
    /// Its UUID, as events know it.
    async fn uuid(&self) -> UuidValue {
        UuidValue(Uuid::from(self.0.id))
    }
    /// The round, from 1.
    async fn round(&self) -> u32 {
        self.0.round
    }
    /// What was said.
    async fn verdict(&self) -> ApprovalVerdict {
        self.0.verdict.into()
    }
    /// Who said it.
    async fn person(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Ok(Session::of(ctx)?.loaders.person(self.0.person).await?.map(Person))
    }
    /// For whom, when it was said as a proxy.
    async fn on_behalf_of(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let Some(person) = self.0.on_behalf_of.filter(|_| self.0.verdict != core::Verdict::Consulted) else {
            return Ok(None);
        };
        Ok(Session::of(ctx)?.loaders.person(person).await?.map(Person))
    }
    /// To whom it is put, when somebody is asked for an opinion.
    async fn consulted(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let Some(person) = self.0.on_behalf_of.filter(|_| self.0.verdict == core::Verdict::Consulted) else {
            return Ok(None);
        };
        Ok(Session::of(ctx)?.loaders.person(person).await?.map(Person))
    }
    /// What they said about it; perhaps empty.
    async fn comment(&self) -> &str {
        &self.0.comment
    }
    /// When.
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }
}

connection! {
    /// A page of what was said on an approval.
    ApprovalDecisionConnection,
    /// A decision in a list.
    ApprovalDecisionEdge of ApprovalDecision, count = usize
}

/// A place among what was said on an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) u32);

impl Noun for Place {
    const KIND: &'static str = "decisions";
    fn key(&self) -> String {
        self.0.to_string()
    }
    fn read(key: &str) -> Option<Self> {
        key.parse().ok().map(Self)
    }
}
