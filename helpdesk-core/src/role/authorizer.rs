//! The host's own say about rights: it narrows what grants and relations allow, for lists and checks alike (FEATURES R7).

use super::model::Permissions;
use crate::actor::Actor;
use crate::config::TenantConfig;
use crate::filter::Filter;

/// What the host takes away from actors, on top of what the desk allows. It can never add.
///
/// Pure and quick: it is asked whenever an actor's rights are compiled, and what it says is kept with them until the
/// policy epoch or its own [`version`](Self::version) moves. The system itself is not asked about.
///
/// ```
/// use helpdesk_core::actor::Actor;
/// use helpdesk_core::config::TenantConfig;
/// use helpdesk_core::filter::{Filter, build::kind};
/// use helpdesk_core::role::{Authorizer, Permission, Permissions};
/// use helpdesk_core::ticket::TicketType;
///
/// /// Services see incidents only, and delete nothing.
/// struct Services;
///
/// impl Authorizer for Services {
///     fn narrow(&self, actor: &Actor, _: &TenantConfig) -> Filter {
///         if matches!(actor, Actor::Service(..)) { kind().is(TicketType::Incident) } else { Filter::All }
///     }
///     fn veto(&self, actor: &Actor, _: &TenantConfig) -> Permissions {
///         if matches!(actor, Actor::Service(..)) { Permissions::of(&[Permission::TicketDelete]) } else { Permissions::NONE }
///     }
/// }
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// The tickets there are for the actor: others do not exist for them, in lists, counts, searches, reads, commands,
    /// events and subscriptions; a ticket outside cannot be created either.
    ///
    /// Conditions on full text and on parents do not go here, nor filters that are too large to run: with such a one
    /// there are no tickets.
    fn narrow(&self, actor: &Actor, config: &TenantConfig) -> Filter {
        let _ = (actor, config);
        Filter::All
    }

    /// What the actor may not do anywhere, whatever they were granted and whatever they are to a ticket.
    fn veto(&self, actor: &Actor, config: &TenantConfig) -> Permissions {
        let _ = (actor, config);
        Permissions::NONE
    }

    /// Moves when the answers change: what was compiled before is then compiled anew.
    fn version(&self) -> u64 {
        0
    }
}

/// Takes nothing away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Everything;

impl Authorizer for Everything {}
