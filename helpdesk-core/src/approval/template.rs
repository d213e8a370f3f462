//! Approval templates: who is asked in which order, as data with versions (FEATURES A1, A2).

mod check;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::{Rejection, Rule};
use crate::actor::Author;
use crate::filter::Filter;
use crate::id::{GroupId, PersonId, TenantId};
use crate::role::RoleKey;
use crate::ticket::Relation;
use crate::time::Timestamp;
use crate::value::{Field, names};

/// A published version of a template: `purchase@2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TemplateRef {
    /// The template's key.
    pub key: Arc<str>,
    /// Its version, from 1.
    pub version: u32,
}

impl std::fmt::Display for TemplateRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.key, self.version)
    }
}

/// Who is asked. In TOML: `{ group = "…" }`, `{ relation = "requester" }`, `"manager"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approver {
    /// This person.
    Person(PersonId),
    /// Everyone in this group.
    Group(GroupId),
    /// Whoever holds this role where the ticket lies.
    Role(RoleKey),
    /// Whoever is this to the ticket.
    Relation(Relation),
    /// The manager of each requester.
    Manager,
    /// The head of the ticket's owning group, or of the nearest one above that has a head.
    DepartmentHead,
    /// Who answers for the project.
    ProjectLead,
}

/// What happens when nobody can be asked. A step is never approved because nobody was there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnEmpty {
    /// The approval is blocked until somebody who manages approvals mends it.
    #[default]
    Block,
    /// The step is skipped, and the log says so.
    Skip,
    /// Somebody else is asked.
    Fallback(Approver),
}

names! {
    /// What an edit of a watched field does while the approval runs.
    pub enum OnEdit ("reaction to edits") {
        /// A new round begins, from the first step.
        ResetRound = "reset_round",
        /// The open steps begin anew.
        ResetStep = "reset_step",
        /// The log says so, and what was said stays.
        Notify = "notify",
    }
}
names! {
    /// Where a resubmitted approval begins.
    pub enum Resubmit ("place to begin again") {
        /// At the first step.
        First = "first",
        /// At the step that was rejected, when nothing watched has changed; else at the first.
        Rejected = "rejected",
    }
}
#[allow(clippy::derivable_impls, reason = "the macro makes the enum")]
impl Default for OnEdit {
    fn default() -> Self {
        Self::ResetRound
    }
}
#[allow(clippy::derivable_impls, reason = "the macro makes the enum")]
impl Default for Resubmit {
    fn default() -> Self {
        Self::First
    }
}

/// What is done when a step is not decided in time, in this order, each once per deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineAction {
    /// Those who have not spoken are reminded.
    Remind,
    /// Somebody more is asked.
    Add(Approver),
    /// Somebody is asked instead of those who have not spoken.
    Replace(Approver),
    /// The step is approved.
    Approve,
    /// The step is rejected.
    Reject,
    /// The approval is cancelled.
    Cancel,
}

/// Until when a step should be decided. Kept and shown as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// Business minutes from the opening of the step.
    pub within: u32,
    /// Key of the calendar that counts them; the tenant's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// What is done then.
    pub actions: Vec<DeadlineAction>,
}

/// One step of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDefinition {
    /// Stable id, a-z 0-9 _, unique in the template.
    pub key: String,
    /// What people read.
    pub name: String,
    /// Who is asked; somebody reached twice is asked once.
    pub ask: Vec<Approver>,
    /// Whose approvals it needs.
    pub rule: Rule,
    /// When rejections end it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rejection: Rejection,
    /// Steps beside each other with the same name here run at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<String>,
    /// The step is skipped unless this holds when its turn comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Filter>,
    /// What happens when nobody can be asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_empty: OnEmpty,
    /// Until when it should be decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
}

fn is_default<T: Default + PartialEq>(it: &T) -> bool {
    *it == T::default()
}

/// A template as people write it, in TOML or JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateDefinition {
    /// Stable key, a-z 0-9 _.
    pub key: String,
    /// What people read.
    pub name: String,
    /// The steps, in order.
    pub steps: Vec<StepDefinition>,
    /// Those of the parallel groups of which one approved step is enough; of the others all steps must be approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<String>,
    /// The fields an approval is about: what is approved is the ticket with these values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watched: Vec<Field>,
    /// What an edit of a watched field does while the approval runs; after it, the approval is stale in any case.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_edit: OnEdit,
    /// Where a resubmitted approval begins.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resubmit: Resubmit,
    /// Whether people may approve what they asked for, is for them, or was edited by them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub self_approval: bool,
    /// Whether an approval stands no longer once somebody who gave it has left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revalidate_on_departure: bool,
    /// Who is asked instead of somebody who has left and has no proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<Approver>,
}

impl TemplateDefinition {
    /// The steps in the groups that run at the same time, as ranges of [`steps`](Self::steps).
    pub fn stages(&self) -> Vec<Range<usize>> {
        let mut stages: Vec<Range<usize>> = vec![];
        for (i, step) in self.steps.iter().enumerate() {
            let beside = i > 0 && step.parallel.is_some() && self.steps[i - 1].parallel == step.parallel;
            match stages.last_mut() {
                Some(last) if beside => last.end = i + 1,
                Some(_) | None => stages.push(i..i + 1),
            }
        }
        stages
    }

    /// The stage the step stands in.
    pub(crate) fn stage_of(&self, index: u32) -> Option<Range<usize>> {
        self.stages().into_iter().find(|stage| stage.contains(&(index as usize)))
    }

    /// Whether one approved step of the stage is enough.
    pub(crate) fn is_any(&self, stage: &Range<usize>) -> bool {
        let label = self.steps.get(stage.start).and_then(|step| step.parallel.as_ref());
        label.is_some_and(|label| self.any_of.contains(label))
    }
}

/// A template that has been checked, with its version: what approvals are pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Key and version.
    pub id: TemplateRef,
    /// SHA-256 of the canonical JSON, hexadecimal.
    pub hash: String,
    // INVARIANT: passed `check`.
    definition: TemplateDefinition,
}

impl Template {
    /// The definition.
    pub const fn definition(&self) -> &TemplateDefinition {
        &self.definition
    }
    /// The step at `index`.
    pub fn step(&self, index: u32) -> Option<&StepDefinition> {
        self.definition.steps.get(index as usize)
    }
}

/// A published template as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedTemplate {
    /// The tenant.
    pub tenant: TenantId,
    /// Its key.
    pub key: String,
    /// Its version, from 1.
    pub version: u32,
    /// SHA-256 of the canonical JSON, hexadecimal.
    pub hash: String,
    /// The canonical JSON.
    pub definition: String,
    /// Who published it.
    pub by: Author,
    /// When.
    pub at: Timestamp,
}

/// The templates of one tenant: every published version, and which is the newest of each key.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    versions: BTreeMap<TemplateRef, Arc<Template>>,
}

impl Templates {
    /// Adds a version.
    pub fn put(&mut self, template: Arc<Template>) {
        self.versions.insert(template.id.clone(), template);
    }
    /// This very version.
    pub fn get(&self, id: &TemplateRef) -> Option<&Arc<Template>> {
        self.versions.get(id)
    }
    /// The newest version of `key`.
    pub fn newest(&self, key: &str) -> Option<&Arc<Template>> {
        self.versions.values().filter(|template| &*template.id.key == key).max_by_key(|template| template.id.version)
    }
    /// All of them, by key and version.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Template>> {
        self.versions.values()
    }
}

#[cfg(test)]
mod tests;
