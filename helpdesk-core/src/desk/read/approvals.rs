//! Approvals as a viewer may see them: on a ticket, in their inbox, in advance.

use std::collections::{BTreeMap, BTreeSet};

use super::View;
use crate::actor::Actor;
use crate::approval::simulate::simulate;
use crate::approval::{Approval, ApprovalStep, Approvals, Delegation, Simulation, Slot, Verdict};
use crate::case::Case;
use crate::decide::Needs;
use crate::desk::Desk;
use crate::desk::act::stage;
use crate::desk::facts::Asked;
use crate::error::{ActError, Refusal};
use crate::id::{CommandId, Mint, PersonId, SlotId, TicketId};
use crate::role::{Denied, Permission, Permissions};
use crate::scene::{Ctx, Numbers, Turns};
use crate::store::Concerned;
use crate::time::Timestamp;
use crate::workflow::effects::Wants;

/// Most items in one page of an inbox.
pub const INBOX_MAX: u16 = 100;

/// One thing somebody is asked to decide (FEATURES A8).
#[derive(Debug, Clone)]
pub struct InboxItem {
    /// The slot that waits.
    pub slot: Slot,
    /// Its approval.
    pub approval: Approval,
    /// Its step.
    pub step: ApprovalStep,
    /// The ticket.
    pub ticket: View,
    /// Whose slot it is, when the viewer is their proxy.
    pub on_behalf_of: Option<PersonId>,
}

/// What of the approvals a viewer may read: what approvers ask each other is theirs, and of those who read internal
/// entries.
fn readable(mut all: Approvals, may: Permissions, me: Option<PersonId>) -> Approvals {
    let mine = |approval| {
        let asked = |slot: &Slot| Some(slot.person) == me || slot.consulted.is_some_and(|it| Some(it) == me);
        all.slots.iter().any(|slot| slot.approval == approval && asked(slot))
            || all.decisions.iter().any(|said| {
                said.approval == approval && (Some(said.person) == me || (me.is_some() && said.on_behalf_of == me))
            })
    };
    let open: BTreeSet<_> = all.all.iter().map(|approval| approval.id).filter(|id| mine(*id)).collect();
    all.decisions.retain(|said| {
        let between = matches!(said.verdict, Verdict::Consulted | Verdict::Advised);
        !between || may.has(Permission::EntryInternal) || open.contains(&said.approval)
    });
    all
}

impl Desk {
    /// The approvals of a ticket, of every round, with their steps, slots and decisions.
    ///
    /// # Errors
    /// `NOT_FOUND` when the ticket does not exist or the viewer may not see it.
    pub async fn approvals(&self, viewer: &Actor, ticket: TicketId) -> Result<Approvals, ActError> {
        let mut all = self.approvals_of(viewer, &[ticket]).await?;
        all.remove(&ticket).ok_or_else(|| Refusal::not_found("ticket", ticket).into())
    }

    /// The approvals of several tickets, read together; tickets the viewer may not see are left out.
    pub async fn approvals_of(
        &self,
        viewer: &Actor,
        tickets: &[TicketId],
    ) -> Result<BTreeMap<TicketId, Approvals>, ActError> {
        let views = self.with_approvals(viewer, tickets).await?;
        let all = views.into_iter().map(|(id, view)| (id, view.case.approvals.unwrap_or_default()));
        Ok(all.collect())
    }

    pub(in crate::desk) async fn with_approvals(
        &self,
        viewer: &Actor,
        tickets: &[TicketId],
    ) -> Result<BTreeMap<TicketId, View>, ActError> {
        let ids: BTreeSet<TicketId> = tickets.iter().copied().collect();
        let needs = Needs { tickets: ids.clone(), approvals: ids, ..Needs::default() };
        let views = self.loaded(viewer, &needs).await?;
        let shown = views.into_iter().map(|mut view| {
            let all = view.case.approvals.take().unwrap_or_default();
            view.case.approvals = Some(readable(all, view.may, view.viewer));
            (view.case.ticket.id, view)
        });
        Ok(shown.collect())
    }

    /// What waits for the viewer to decide, their principals' included, oldest first: of tickets they may see. The page
    /// begins after a slot (its `opened_at` and id), and is shorter than `first` where something was left out; an empty
    /// one is the end.
    ///
    /// # Errors
    /// `FIELD_INVALID` `first` unless 1 to 100.
    pub async fn inbox(
        &self,
        viewer: &Actor,
        first: u16,
        after: Option<(Timestamp, SlotId)>,
    ) -> Result<Vec<InboxItem>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        if first == 0 || first > INBOX_MAX {
            return Err(Refusal::invalid("first", format!("is {first}, give 1 to {INBOX_MAX}")).into());
        }
        let Some(me) = viewer.person_id() else { return Ok(vec![]) };
        let given = self.inner.store.delegations(tenant, me).await?;
        let now = self.inner.clock.now();
        let given: Vec<Delegation> = given.into_iter().filter(|it| it.delegate == me && it.holds(now)).collect();
        let people: BTreeSet<PersonId> = given.iter().map(|it| it.principal).chain([me]).collect();
        let people: Vec<PersonId> = people.into_iter().collect();
        let mut after = after;
        loop {
            let (epoch, slots) = self.inner.store.inbox(tenant, &people, after, first).await?;
            let Some(last) = slots.last() else { return Ok(vec![]) };
            after = Some((last.opened_at, last.id));
            let stand = self.standpoint(viewer, tenant, epoch).await?;
            let tickets: Vec<TicketId> = slots.iter().map(|slot| slot.ticket).collect();
            let views = self.with_approvals(viewer, &tickets).await?;
            let mut items = vec![];
            for slot in slots {
                let Some(view) = views.get(&slot.ticket) else { continue };
                let Some(all) = &view.case.approvals else { continue };
                let mine = slot.person == me
                    || given
                        .iter()
                        .any(|it| it.principal == slot.person && stand.config.reaches(it.scope, &view.case.ticket));
                // Read a moment later, it may have ended.
                let found = all.slot(slot.id).filter(|now| **now == slot);
                let around = found.and_then(|slot| Some((all.get(slot.approval)?, all.step_of(slot)?)));
                let Some((approval, step)) = around.filter(|(approval, step)| {
                    mine && approval.state.running()
                        && approval.round == slot.round
                        && step.state == crate::approval::StepState::Open
                        && view.case.ticket.deleted_at.is_none()
                }) else {
                    continue;
                };
                items.push(InboxItem {
                    approval: approval.clone(),
                    step: step.clone(),
                    ticket: view.clone(),
                    on_behalf_of: (slot.person != me).then_some(slot.person),
                    slot,
                });
            }
            // A page of nothing but what is hidden is not the end.
            if !items.is_empty() {
                return Ok(items);
            }
        }
    }

    /// The tickets with an approval that is blocked or has lost somebody who was asked, as the viewer may see them: for
    /// those who manage approvals. In order of id, after `after`.
    ///
    /// # Errors
    /// `FORBIDDEN` for a viewer who manages approvals nowhere.
    pub async fn stuck_approvals(
        &self,
        viewer: &Actor,
        first: u16,
        after: Option<TicketId>,
    ) -> Result<Vec<View>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        if first == 0 || first > INBOX_MAX {
            return Err(Refusal::invalid("first", format!("is {first}, give 1 to {INBOX_MAX}")).into());
        }
        let stand = self.believed_standpoint(viewer, tenant).await?;
        if !stand.access.somewhere(Permission::ApprovalManage) {
            return Err(Refusal::from(Denied { needed: Permission::ApprovalManage }).into());
        }
        let mut after = after;
        loop {
            let ids = self.inner.store.concerned(tenant, &Concerned::Stuck, after, first).await?;
            let Some(last) = ids.last() else { return Ok(vec![]) };
            after = Some(*last);
            let views = self.with_approvals(viewer, &ids).await?;
            let manages = |view: &View| view.may.has(Permission::ApprovalManage);
            let found: Vec<View> = views.into_values().filter(manages).collect();
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }

    /// The delegations somebody has given or was given: one's own, or anybody's for those who see the directory. Those for
    /// tickets the viewer may not see are told to whoever gave them, and to nobody else.
    ///
    /// # Errors
    /// `FORBIDDEN` for other people's without `people.manage`.
    pub async fn delegations(&self, viewer: &Actor, person: PersonId) -> Result<Vec<Delegation>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let stand = self.believed_standpoint(viewer, tenant).await?;
        let own = stand.access.person() == Some(person);
        if !own && !stand.access.everywhere().has(Permission::PeopleManage) {
            return Err(Refusal::from(Denied { needed: Permission::PeopleManage }).into());
        }
        let mut all = self.inner.store.delegations(tenant, person).await?;
        let shown = self.shown_scopes(&stand, tenant, all.iter().map(|given| given.scope)).await?;
        all.retain(|given| stand.access.person() == Some(given.principal) || shown.has(given.scope));
        Ok(all)
    }

    /// Who would be asked for an approval by the newest version of a template, in which order, if the viewer requested it
    /// now (FEATURES A7). Writes nothing.
    ///
    /// # Errors
    /// `NOT_FOUND` for a ticket the viewer may not see or an unknown template; `FORBIDDEN` without `approval.request`.
    pub async fn simulate_approval(
        &self,
        viewer: &Actor,
        ticket: TicketId,
        template: &str,
    ) -> Result<Simulation, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let ids = BTreeSet::from([ticket]);
        let needs = Needs { tickets: ids.clone(), approvals: ids, texts: true, ..Needs::default() };
        let mut loaded = self.inner.store.load(tenant, &needs, None).await?;
        let epoch = loaded.epoch.ok_or_else(|| Refusal::not_found("tenant", tenant))?;
        let stand = self.standpoint(viewer, tenant, epoch).await?;
        let now = self.inner.clock.now();
        let mut asked = Asked::default();
        loop {
            let mut ctx = Ctx {
                actor: viewer,
                by: viewer.author(),
                access: &stand.access,
                now,
                at: now,
                mint: Mint::new(CommandId::NIL),
                numbers: Numbers::default(),
                turns: Turns::default(),
                wants: Wants::default(),
            };
            let scene = stage(tenant, stand.config.clone(), loaded.clone(), &asked)?;
            let case: &Case = crate::ticket::decide::live(&scene, ticket, &ctx)?;
            crate::ticket::decide::require(&ctx, case, Permission::ApprovalRequest)?;
            let unknown = || Refusal::not_found("template", template.chars().take(64).collect::<String>());
            let found = stand.config.templates.newest(template).ok_or_else(unknown)?;
            let forecast = simulate(&scene, case, found, &mut ctx);
            if ctx.wants.is_empty() {
                return Ok(forecast);
            }
            if !self.load_wants((tenant, None), ctx.wants, &mut loaded, &mut asked).await? {
                return Err(ActError::Busy(1)); // the policy moved meanwhile
            }
        }
    }
}
