//! How a run failed, and what follows from it: its kind is told apart from its words, which may name figures that are
//! never the same twice. Pure.

use helpdesk_core::Refusal;

use super::apply::Misfit;
use super::guard::Mark;
use crate::limits::Limit;
use crate::outcome::Ended;

/// How a run ended whose effects could not be applied.
const REFUSED: &str = "refused";

/// Why a run came to nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// The guest, one of its limits, or the host.
    #[error("{0}")]
    Run(Ended),
    /// An effect cannot be a command.
    #[error("{0}")]
    Misfit(Misfit),
    /// A stored value cannot be changed in this way.
    #[error("{0}")]
    Stored(String),
    /// The desk refused a command.
    #[error("{}: {_0}", _0.code())]
    Refused(Refusal),
}

impl Failure {
    /// How the record of the run names it.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Run(ended) => ended.code(),
            Self::Misfit(_) | Self::Stored(_) | Self::Refused(_) => REFUSED,
        }
    }

    /// Its kind, when failing in that way twice means that it will not go away by itself.
    pub(super) fn kind(&self) -> Option<String> {
        match self {
            Self::Run(Ended::Trapped { kind, .. }) => Some(format!("trapped/{}", kind.code())),
            // Of a machine that has too much to do, a guest knows nothing.
            Self::Run(Ended::LimitHit { limit: Limit::GuestTime | Limit::WallTime, .. }) => None,
            Self::Run(Ended::LimitHit { limit, .. }) => Some(format!("limit-hit/{}", limit.code())),
            Self::Run(
                Ended::Ok | Ended::Skipped(_) | Ended::Retry { .. } | Ended::Rejected(_) | Ended::HostFault(_),
            ) => None,
            Self::Misfit(misfit) => Some(format!("misfit/{}", misfit.effect())),
            Self::Stored(_) => Some("stored".into()),
            Self::Refused(refusal) => Some(format!("refused/{}", refusal.code())),
        }
    }

    /// What the breaker makes of it.
    pub(super) fn mark(&self) -> Mark {
        match self {
            // Asking for another try is no failure, and what the host did is not the plugin's.
            Self::Run(Ended::Ok | Ended::Skipped(_) | Ended::Retry { .. } | Ended::HostFault(_)) => Mark::Neither,
            Self::Run(Ended::LimitHit { limit: Limit::GuestTime | Limit::WallTime, .. }) => Mark::Neither,
            Self::Run(Ended::Rejected(_) | Ended::Trapped { .. } | Ended::LimitHit { .. }) => Mark::Failed,
            Self::Misfit(_) | Self::Stored(_) | Self::Refused(_) => Mark::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use helpdesk_core::role::{Denied, Permission};

    use super::*;
    use crate::outcome::TrapKind;

    #[test]
    fn failures_are_of_one_kind_whatever_figures_they_name() {
        let hit = |limit, used| Failure::Run(Ended::LimitHit { limit, used, allowed: 50 });
        let trap = |message: &str| Failure::Run(Ended::Trapped { kind: TrapKind::Fault, message: message.into() });
        let refused = |needed| Failure::Refused(Denied { needed }.into());
        assert_eq!(hit(Limit::Fuel, 51).kind(), hit(Limit::Fuel, 63).kind());
        assert_ne!(hit(Limit::Fuel, 51).kind(), hit(Limit::Memory, 51).kind());
        assert_eq!(trap("at: 0x10").kind(), trap("near: 0x20").kind());
        assert_ne!(trap("at 0x10").kind(), hit(Limit::Fuel, 50).kind());
        assert_eq!(refused(Permission::PluginManage).kind(), refused(Permission::Import).kind());
        assert_eq!(refused(Permission::Import).kind().as_deref(), Some("refused/FORBIDDEN"));
    }

    #[test]
    fn time_that_ran_out_is_of_no_kind_and_counts_for_nothing() {
        for limit in [Limit::GuestTime, Limit::WallTime] {
            let late = Failure::Run(Ended::LimitHit { limit, used: 51, allowed: 50 });
            assert_eq!((late.kind(), late.mark()), (None, Mark::Neither));
        }
        let fault = Failure::Run(Ended::HostFault("gone".into()));
        assert_eq!((fault.kind(), fault.mark()), (None, Mark::Neither));
    }
}
