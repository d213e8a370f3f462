//! Links by which somebody decides without finding the ticket first: good for one decision on one slot, in one round, for
//! what the ticket says now (SEMANTICS, "Approvals": quick-decision links).
//!
//! A link is a token: what it is for, and a signature (HMAC-SHA-256, RFC 2104) under a key only the host has. Nothing is
//! stored: a slot counts its decisions, so that a link is spent with the first.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::Desk;
use super::act::Done;
use crate::actor::Actor;
use crate::approval::{ApprovalRefusal, Slot, SlotState, StepState, Vote};
use crate::command::{Asking, DecideApproval};
use crate::error::{ActError, Refusal};
use crate::id::{DecisionId, SlotId, TenantId, TicketId, hex};
use crate::role::{Denied, Permission};
use crate::time::Timestamp;

/// A key for links: at least 32 random bytes that only the host knows, the same in all its processes.
#[derive(Clone)]
pub struct LinkKey(Vec<u8>);

impl LinkKey {
    /// Takes the host's secret.
    ///
    /// # Errors
    /// `FIELD_INVALID` `key` for one of less than 32 bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, Refusal> {
        let secret = secret.into();
        if secret.len() < 32 {
            return Err(Refusal::invalid("key", format!("has {} bytes, give at least 32 random ones", secret.len())));
        }
        Ok(Self(secret))
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(..)")
    }
}

/// What a link is for.
struct Claim {
    tenant: TenantId,
    ticket: TicketId,
    slot: SlotId,
    expires: Timestamp,
}

impl Claim {
    /// What is signed: the link, and everything that must still be so when it is used.
    fn sign(&self, key: &LinkKey, slot: &Slot, hash: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
        for id in [Uuid::from(self.tenant), self.ticket.into(), self.slot.into(), slot.person.into()] {
            mac.update(id.as_bytes());
        }
        mac.update(&self.expires.millis().to_be_bytes());
        mac.update(&slot.round.to_be_bytes());
        mac.update(&slot.turn.to_be_bytes());
        mac.update(hash.as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    fn read(text: &str) -> Option<(Self, &str)> {
        let parts: Vec<&str> = text.split('.').collect();
        let [tenant, ticket, slot, expires, signature] = parts.as_slice() else { return None };
        let id = |text: &str| Uuid::try_parse(text).ok();
        let claim = Self {
            tenant: id(tenant)?.into(),
            ticket: id(ticket)?.into(),
            slot: id(slot)?.into(),
            expires: Timestamp::from_millis(i64::from_str_radix(expires, 16).ok()?),
        };
        Some((claim, signature))
    }
}

fn simple(id: impl Into<Uuid>) -> String {
    id.into().simple().to_string()
}

/// Compares in a time that tells nothing of where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |odd, (a, b)| odd | (a ^ b)) == 0
}

impl Desk {
    /// Makes a link for the person a slot belongs to, to be sent to them: letters, digits and dots. Whoever has it decides
    /// as that person, so it is made for the host alone.
    ///
    /// # Errors
    /// `FORBIDDEN` for anybody but [`Actor::System`]; `NOT_FOUND` for an unknown slot; `LINK_SPENT` for one that takes no
    /// decision.
    pub async fn decision_link(
        &self,
        by: &Actor,
        key: &LinkKey,
        ticket: TicketId,
        slot: SlotId,
        expires: Timestamp,
    ) -> Result<String, ActError> {
        if !matches!(by, Actor::System(_)) {
            return Err(Refusal::from(Denied { needed: Permission::ApprovalManage }).into());
        }
        let tenant = Self::tenant_of(by)?;
        let Open { slot: found, hash, .. } = self.open_slot(by, ticket, slot).await?;
        let claim = Claim { tenant, ticket, slot, expires };
        let signature = claim.sign(key, &found, &hash);
        let (tenant, ticket, slot) = (simple(tenant), simple(ticket), simple(slot));
        Ok(format!("{tenant}.{ticket}.{slot}.{:x}.{signature}", expires.millis()))
    }

    /// Decides by a link, as the person it was made for.
    ///
    /// # Errors
    /// `LINK_SPENT` for a link that was used, has expired, was made for another state of the approval, or is none;
    /// otherwise as [`DecideApproval`].
    pub async fn decide_by_link(
        &self,
        key: &LinkKey,
        link: &str,
        verdict: Vote,
        comment: Option<String>,
    ) -> Result<Done<DecisionId>, ActError> {
        let spent = || ActError::from(Refusal::from(ApprovalRefusal::LinkSpent));
        let (claim, signature) = Claim::read(link).ok_or_else(spent)?;
        if claim.expires <= self.inner.clock.now() {
            return Err(spent());
        }
        let host = Actor::system_of(claim.tenant);
        for _ in 0..super::act::TRIES {
            let found = self.open_slot(&host, claim.ticket, claim.slot).await;
            let Open { slot, step, hash, version } = found.map_err(|error| match error {
                ActError::Refused(_) => spent(),
                other => other,
            })?;
            if !same(&claim.sign(key, &slot, &hash), signature) {
                return Err(spent());
            }
            let decide = DecideApproval {
                ticket: claim.ticket,
                approval: slot.approval,
                verdict,
                comment: comment.clone(),
                step: Some(step),
                on_behalf_of: Some(slot.person),
            };
            match self.act(&Actor::person(claim.tenant, slot.person), decide.expecting(version)).await {
                // Something of the ticket changed meanwhile: is the link still for what it says?
                Err(ActError::Refused(Refusal::Conflict(_))) => {}
                // Somebody was faster with the same link.
                Err(ActError::Refused(Refusal::Approval(ApprovalRefusal::AlreadyDecided { .. }))) => {
                    return Err(spent());
                }
                other => return other,
            }
        }
        Err(ActError::Busy(super::act::TRIES))
    }

    /// A slot that takes a decision, with what its approval is about.
    async fn open_slot(&self, by: &Actor, ticket: TicketId, id: SlotId) -> Result<Open, ActError> {
        let mut views = self.with_approvals(by, &[ticket]).await?;
        let view = views.remove(&ticket).ok_or_else(|| Refusal::not_found("ticket", ticket))?;
        let version = view.version();
        let all = view.case.approvals.unwrap_or_default();
        let slot = all.slot(id).ok_or_else(|| Refusal::not_found("slot", id))?;
        let step = all.step_of(slot).filter(|step| step.state == StepState::Open);
        match (all.get(slot.approval), step) {
            (Some(approval), Some(step)) if slot.state == SlotState::Open && approval.state.running() => {
                Ok(Open { slot: slot.clone(), step: step.key.clone(), hash: approval.hash.clone(), version })
            }
            _ => Err(Refusal::from(ApprovalRefusal::LinkSpent).into()),
        }
    }
}

/// A slot that takes a decision.
struct Open {
    slot: Slot,
    /// The key of its step.
    step: String,
    /// What its approval is about.
    hash: String,
    /// The ticket's version.
    version: i64,
}
