//! Carrying out the plans: cases are opened in the order of the log, then followed many at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use helpdesk_core::command::{Ask, Asking, CreateTicket, EditTicket, Intent, MoveTo, Patch, Relate};
use helpdesk_core::id::TicketId;
use helpdesk_core::ticket::{Priority, TicketType};
use helpdesk_core::{ActError, Actor, Desk, Refusal, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::ground::Ground;
use super::resume::{self, Past};
use super::send::send;
use super::{Planned, instant};
use crate::replay::{Act, CasePlan, Opening, Step};

/// Longest idempotency key a desk takes, in characters.
const KEY_MAX: usize = 128;
/// What is known of a row that an earlier run had refused: the desk keeps no refusals.
const NO_TRACE: &str = "no trace in the ticket's timeline";

/// What a run made of one case.
#[derive(Debug)]
pub struct Followed {
    /// The plan, with the rows the desk refused marked.
    pub plan: CasePlan,
    /// The ticket; none when the desk refused to create it.
    pub ticket: Option<TicketId>,
}

/// Imports every case of `planned`, `at_once` at a time, and returns them in the order of the log. `tick` is called with
/// the number of steps that were done since the last call.
pub async fn run(
    desk: &Desk,
    ground: Arc<Ground>,
    planned: &Planned,
    at_once: usize,
    tick: impl Fn(u64) + Clone + Send + Sync + 'static,
) -> anyhow::Result<Vec<Followed>> {
    let hand = Arc::new(Hand { desk: desk.clone(), ground });
    let there = hand.there(&planned.cases).await?;
    let free = Arc::new(Semaphore::new(at_once.max(1)));
    let mut running: JoinSet<anyhow::Result<(usize, Followed)>> = JoinSet::new();
    let mut followed: BTreeMap<usize, Followed> = BTreeMap::new();
    for (place, plan) in planned.cases.iter().enumerate() {
        let turn = free.clone().acquire_owned().await?;
        let mut case = Followed { plan: plan.clone(), ticket: None };
        let known = there.get(&hand.id(plan)?).cloned();
        let state = match known {
            Some(state) => {
                case.ticket = Some(hand.id(plan)?);
                Some((state, true))
            }
            // One after the other: numbers are handed out in the order of the log.
            None => hand.open(&mut case).await.with_context(|| here(plan))?.map(|state| (state, false)),
        };
        tick(1);
        match state {
            None => {
                tick(plan.steps.len() as u64 - 1);
                followed.insert(place, case);
            }
            Some((state, old)) => {
                let (hand, tick) = (hand.clone(), tick.clone());
                running.spawn(async move {
                    let _turn = turn;
                    let name = here(&case.plan);
                    hand.follow(&mut case, state, old, tick).await.context(name)?;
                    Ok((place, case))
                });
            }
        }
        while let Some(done) = running.try_join_next() {
            let (place, case) = done??;
            followed.insert(place, case);
        }
    }
    while let Some(done) = running.join_next().await {
        let (place, case) = done??;
        followed.insert(place, case);
    }
    Ok(followed.into_values().collect())
}

fn here(plan: &CasePlan) -> String {
    format!("importing case `{}`", plan.number)
}

/// What carries out plans.
struct Hand {
    desk: Desk,
    ground: Arc<Ground>,
}

impl Hand {
    /// The ticket of a case: its id follows from the log.
    fn id(&self, plan: &CasePlan) -> anyhow::Result<TicketId> {
        let opening = opening(plan)?;
        Ok(self.ground.ids.of(instant(opening.opened_at), &format!("ticket {}", plan.number)).into())
    }

    /// The cases that an earlier run has opened, with their states.
    async fn there(&self, plans: &[CasePlan]) -> anyhow::Result<BTreeMap<TicketId, String>> {
        let mut there = BTreeMap::new();
        for some in plans.chunks(100) {
            let ids: Vec<TicketId> = some.iter().map(|plan| self.id(plan)).collect::<Result<_, _>>()?;
            let views = self.desk.tickets_by_id(&self.ground.system(), &ids).await?;
            there.extend(views.into_iter().map(|view| (view.case.ticket.id, view.case.ticket.state)));
        }
        Ok(there)
    }

    /// Opens a case and returns its state; nothing when the desk refuses.
    async fn open(&self, case: &mut Followed) -> Result<Option<String>, anyhow::Error> {
        let plan = &case.plan;
        let (step, opening, id) = (first(plan)?, opening(plan)?, self.id(plan)?);
        let state = opening.state.id().to_owned();
        let entrance = self.ground.workflow.entrances().find(|entrance| entrance.to == state);
        let ask = CreateTicket {
            id: Some(id),
            // Without an entrance to that state the desk says what it has.
            transition: Some(entrance.map_or(state.clone(), |entrance| entrance.id.clone())),
            requester: opening.caller.as_ref().and_then(|person| self.ground.person(person)),
            assignees: opening.assignee.iter().filter_map(|person| self.ground.person(person)).collect(),
            ..CreateTicket::new(self.ground.project, title(plan, opening)).fields(Patch {
                description: Some(description(opening)),
                kind: Some(TicketType::Incident),
                priority: opening.priority.map(|to| Some(priority(to))),
                group: opening.group.as_deref().map(|name| self.ground.group(name)),
                ..Patch::default()
            })
        };
        let ask = self.ask(plan, step, instant(opening.opened_at), ask);
        match send(&self.desk, &self.ground.actor(step), ask).await {
            Ok(done) => {
                case.ticket = Some(done.out);
                Ok(Some(state))
            }
            Err(ActError::Refused(refusal)) => {
                for row in 0..case.plan.accounts.len() {
                    case.plan.refuse(row, &said(&refusal));
                }
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Carries out what is left of a case's steps.
    async fn follow(
        &self,
        case: &mut Followed,
        mut state: String,
        old: bool,
        tick: impl Fn(u64),
    ) -> Result<(), anyhow::Error> {
        let Some(ticket) = case.ticket else { return Ok(()) };
        let past = if old { self.past(&case.plan, ticket).await? } else { Past { next: 1, refused: Vec::new() } };
        for step in past.refused {
            let row = case.plan.steps[step].row;
            case.plan.refuse(row, NO_TRACE);
        }
        tick(past.next as u64 - 1);
        for next in past.next..case.plan.steps.len() {
            let plan = &case.plan;
            let step = &plan.steps[next];
            let at = instant(step.at);
            let by = self.ground.actor(step);
            let sent = match &step.act {
                Act::Open(_) => Ok(()),
                Act::SetGroup { to, .. } => {
                    let group = to.as_deref().and_then(|name| self.ground.group(name));
                    let ask = EditTicket::new(ticket, Patch { group: Some(group), ..Patch::default() });
                    self.send(&by, self.ask(plan, step, at, ask)).await
                }
                Act::Assign { to, .. } => {
                    let people: Vec<_> = to.iter().filter_map(|person| self.ground.person(person)).collect();
                    self.send(&by, self.ask(plan, step, at, Relate::assign(ticket, people))).await
                }
                Act::SetPriority { to } => {
                    let fields = Patch { priority: Some(Some(priority(*to))), ..Patch::default() };
                    self.send(&by, self.ask(plan, step, at, EditTicket::new(ticket, fields))).await
                }
                Act::Move { to, .. } => {
                    let exit = self.ground.workflow.exits(&state).find(|exit| exit.to == to.id());
                    // Without a way there the desk says which ways it has.
                    let transition = exit.map_or(to.id().to_owned(), |exit| exit.id.clone());
                    let sent = self.send(&by, self.ask(plan, step, at, MoveTo::new(ticket, transition))).await;
                    if sent.is_ok() {
                        state = to.id().to_owned();
                    }
                    sent
                }
            };
            let row = step.row;
            match sent {
                Ok(()) => {}
                Err(ActError::Refused(refusal)) => case.plan.refuse(row, &said(&refusal)),
                Err(error) => return Err(error.into()),
            }
            tick(1);
        }
        Ok(())
    }

    async fn past(&self, plan: &CasePlan, ticket: TicketId) -> anyhow::Result<Past> {
        // More events than one page holds are more than any case of a log has steps: the rest is sent again, and the
        // idempotency keys answer.
        let timeline = self.desk.timeline(&self.ground.system(), ticket, 0, 500).await?;
        Ok(resume::past(&self.ground, &plan.steps, &timeline))
    }

    /// `command` as step of a plan that happened at `at`, with an id and a key that follow from the log.
    fn ask<C: Intent>(&self, plan: &CasePlan, step: &Step, at: Timestamp, command: C) -> Ask<C> {
        let name = step.key(&plan.number);
        let id = self.ground.ids.of(at, &name);
        let key = format!("{}/{name}", self.ground.project);
        let key = if key.chars().count() > KEY_MAX || key.contains('\0') { id.to_string() } else { key };
        command.with_id(id).keyed(key).at(at)
    }

    async fn send<C: Intent + Clone>(&self, by: &Actor, ask: Ask<C>) -> Result<(), ActError> {
        send(&self.desk, by, ask).await.map(drop)
    }
}

fn said(refusal: &Refusal) -> String {
    format!("{}: {refusal}", refusal.code())
}

fn first(plan: &CasePlan) -> anyhow::Result<&Step> {
    plan.steps.first().context("the plan has no steps")
}

fn opening(plan: &CasePlan) -> anyhow::Result<&Opening> {
    match &first(plan)?.act {
        Act::Open(opening) => Ok(opening),
        other => anyhow::bail!("the plan begins with {other:?}"),
    }
}

fn title(plan: &CasePlan, opening: &Opening) -> String {
    let kind = opening.category.as_deref().map_or(String::new(), |category| format!(": category {category}"));
    format!("Incident {}{kind}", plan.number)
}

fn description(opening: &Opening) -> String {
    let contact = opening.contact.as_deref().map(|contact| format!("Reported by {}.", contact.to_lowercase()));
    contact.unwrap_or_default()
}

fn priority(of: crate::replay::Priority) -> Priority {
    match of {
        crate::replay::Priority::Critical => Priority::Critical,
        crate::replay::Priority::High => Priority::High,
        crate::replay::Priority::Medium => Priority::Medium,
        crate::replay::Priority::Low => Priority::Low,
    }
}
