//! Why somebody may or may not do something to a ticket.

use crate::actor::Actor;
use crate::desk::Desk;
use crate::desk::cache::{ROUNDS, Standpoint};
use crate::error::{ActError, Refusal};
use crate::id::{TenantId, TicketId};
use crate::role::explain::{self, Asked, Explanation, Whom};
use crate::role::{Denied, Permission, Permissions};

impl Desk {
    /// The grants, relations and rules that decide whether `who` may do something to a ticket (FEATURES R6). A command is
    /// rehearsed: nothing is written. About others it is rehearsed for those alone who may see every ticket.
    ///
    /// # Errors
    /// `NOT_FOUND` when the viewer may not see the ticket. `FORBIDDEN` about others, unless the viewer has `role.grant` or
    /// `audit.read` there. `FIELD_INVALID` `command` when it is about another ticket.
    pub async fn explain(
        &self,
        viewer: &Actor,
        who: &Actor,
        asked: impl Into<Asked>,
        ticket: TicketId,
    ) -> Result<Explanation, ActError> {
        let (asked, tenant) = (asked.into(), Self::tenant_of(viewer)?);
        let view = self.head(viewer, ticket).await?;
        if who.tenant().is_some_and(|other| other != tenant) {
            return Err(Refusal::not_found("person", who.author()).into());
        }
        for _ in 0..ROUNDS {
            let (config, access) = self.fresh(viewer).await?;
            let seen_by = Standpoint { config: config.clone(), access: access.clone() };
            let granted = access.granted(&view.case.ticket);
            // The explanation lists their grants, as `grants` does.
            let lists = access.anywhere(Permission::RoleGrant) || access.everywhere().has(Permission::AuditRead);
            let tells = lists && (granted.has(Permission::RoleGrant) || granted.has(Permission::AuditRead));
            if who != viewer && (!tells || matches!(who, Actor::System(_))) {
                return Err(Refusal::from(Denied { needed: Permission::RoleGrant }).into());
            }
            let (seen, standing) = self.store().standing(who).await?;
            if seen != config.epoch && who.tenant().is_some() {
                continue; // the policy moves on: look again
            }
            let compiled = self.compiled(who, &standing, &config);
            let (person, grants, access) = (standing.person.as_ref(), &standing.grants, &compiled);
            let whom = Whom { actor: who, person, grants, access };
            let now = self.clock().now();
            let case = &view.case;
            let command = match asked {
                Asked::Permission(permission) => {
                    let explained = explain::explain(whom, &config, case, Permissions::of(&[permission]), now);
                    return self.told(seen_by, tenant, explained).await;
                }
                Asked::Command(command) => command,
            };
            if command.ticket() != Some(ticket) {
                return Err(Refusal::invalid("command", "is about another ticket, or none; name one on this").into());
            }
            let needed = explain::needed(&command, case, compiled.person());
            let explained = explain::explain(whom, &config, case, needed, now);
            let explained = self.told(seen_by, tenant, explained).await?;
            // A rehearsal sees with the other's eyes: only whoever sees all tickets may look through them.
            let all = access.everywhere();
            let sees_all = all.has(Permission::TicketRead) && all.has(Permission::RestrictedRead);
            if who != viewer && (!sees_all || access.is_narrowed()) {
                return Ok(explained);
            }
            return Ok(Explanation { refused: self.would_be(who, &command).await?, ..explained });
        }
        Err(ActError::Busy(ROUNDS))
    }
    /// Without the grants on other tickets that are hidden from whoever asked.
    async fn told(&self, by: Standpoint, tenant: TenantId, mut of: Explanation) -> Result<Explanation, ActError> {
        let shown = self.shown_scopes(&by, tenant, of.grants.iter().map(|reason| reason.grant.scope)).await?;
        of.grants.retain(|reason| shown.has(reason.grant.scope));
        Ok(of)
    }
}
