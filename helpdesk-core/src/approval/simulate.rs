//! Who would be asked, in which order, if an approval were requested now (FEATURES A7). Nothing is written.

use super::advance::open_step;
use super::model::{Approval, ApprovalState};
use super::rule::Needed;
use super::template::Template;
use super::watch;
use crate::case::Case;
use crate::event::Event;
use crate::id::{ApprovalId, PersonId};
use crate::scene::{Ctx, Scene};

/// What would become of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepForecast {
    /// Its place in the template, from 0.
    pub index: u32,
    /// The stage it runs in, from 0: steps of one stage run at the same time.
    pub stage: u32,
    /// Its key.
    pub key: String,
    /// What people read.
    pub name: String,
    /// Who would be asked, and how they were found.
    pub asked: Vec<(PersonId, String)>,
    /// How many approvals it would need.
    pub needed: Option<Needed>,
    /// Why it would be skipped.
    pub skipped: Option<String>,
    /// Why it could not go on.
    pub blocked: Option<String>,
}

/// What would become of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// By which version of the template.
    pub template: super::TemplateRef,
    /// Its steps, in order.
    pub steps: Vec<StepForecast>,
}

impl Simulation {
    /// Whether it would come to a step that cannot go on.
    pub fn blocked(&self) -> bool {
        self.steps.iter().any(|step| step.blocked.is_some())
    }
}

/// Judges every step by the ticket as it is now.
pub(crate) fn simulate(scene: &Scene, case: &Case, template: &Template, ctx: &mut Ctx<'_>) -> Simulation {
    let approval = Approval {
        tenant: case.ticket.tenant,
        ticket: case.ticket.id,
        id: ApprovalId::NIL,
        number: 0,
        template: template.id.clone(),
        round: 1,
        state: ApprovalState::Pending,
        hash: watch::hash(case, template),
        requested_by: ctx.access.person(),
        resubmitted_by: None,
        edited_by: super::decide::last_editor(scene, case, &template.definition().watched, ctx),
        requested_at: ctx.now,
        ended_at: None,
    };
    let definition = template.definition();
    let stages = definition.stages();
    let mut steps = vec![];
    for (i, step) in definition.steps.iter().enumerate() {
        let stage = stages.iter().position(|stage| stage.contains(&i)).unwrap_or_default();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut forecast = StepForecast {
            index: number(i),
            stage: number(stage),
            key: step.key.clone(),
            name: step.name.clone(),
            asked: vec![],
            needed: None,
            skipped: None,
            blocked: None,
        };
        let begun = open_step(scene, case, &approval, template, forecast.index, ctx);
        if let Some(Event::StepOpened(opened)) = begun {
            forecast.asked = opened.asked.into_iter().map(|asked| (asked.person, asked.via)).collect();
            forecast.needed = Some(opened.needed);
        } else if let Some(Event::StepSkipped(skipped)) = begun {
            forecast.skipped = Some(skipped.note);
        } else if let Some(Event::StepBlocked(blocked)) = begun {
            forecast.blocked = Some(blocked.note);
        }
        steps.push(forecast);
    }
    Simulation { template: template.id.clone(), steps }
}
