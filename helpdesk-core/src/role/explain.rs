//! Why somebody may or may not do something to a ticket (FEATURES R6): the grants, relations and rules that decide.
//!
//! It says what [`Access::on`] and the engines decide, and decides nothing itself.

use super::access::{Access, Denied};
use super::model::{Grant, Permission, Permissions};
use super::relation::Relations;
use crate::actor::Actor;
use crate::case::Case;
use crate::command::Command;
use crate::config::TenantConfig;
use crate::error::Refusal;
use crate::id::{GroupId, PersonId};
use crate::org::Person;
use crate::ticket::decide::needed_for;
use crate::ticket::{EntryVisibility, Relation, Visibility};
use crate::time::Timestamp;
use crate::value::names;

/// What is asked about.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// A permission on the ticket.
    Permission(Permission),
    /// A command on the ticket, rehearsed as it is.
    Command(Box<Command>),
}

impl From<Permission> for Asked {
    fn from(permission: Permission) -> Self {
        Self::Permission(permission)
    }
}
impl From<Command> for Asked {
    fn from(command: Command) -> Self {
        Self::Command(Box::new(command))
    }
}

names! {
    /// How a grant bears on a ticket.
    pub enum Bearing ("bearing") {
        /// It holds there.
        Holds = "holds",
        /// It has ended.
        Expired = "expired",
        /// Its scope does not reach the ticket.
        Elsewhere = "elsewhere",
        /// It was given to an earlier installation of the plugin.
        Earlier = "earlier",
    }
}
names! {
    /// A rule beside grants and relations that decided.
    pub enum Rule ("rule") {
        /// The host itself may do everything.
        System = "system",
        /// Nobody of that id is in the directory, or no such plugin is installed and enabled.
        Unknown = "unknown",
        /// The person is inactive: no grant and no relation counts.
        Inactive = "inactive",
        /// The ticket is restricted: only relations that show it, and `restricted.read`, let anybody in.
        Restricted = "restricted",
        /// The ticket is shown to everyone who reads tickets somewhere.
        TenantWide = "tenant_wide",
        /// Internal entries are for staff and auditors, whatever was granted to others.
        StaffOnly = "staff_only",
        /// The ticket is deleted: it is shown to those alone who could restore it.
        Deleted = "deleted",
        /// The host's authorizer keeps the ticket from the actor.
        Narrowed = "narrowed",
        /// The host's authorizer keeps a permission from the actor.
        Vetoed = "vetoed",
    }
}

/// A grant, and what it comes to on the ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantReason {
    /// The grant.
    pub grant: Grant,
    /// Through which group the actor has it, if not themselves.
    pub via: Option<GroupId>,
    /// What its role allows, whether or not it holds there.
    pub gives: Permissions,
    /// Whether it holds there.
    pub bearing: Bearing,
}

/// A relation of the actor to the ticket, and what it gives there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationReason {
    /// As what.
    pub relation: Relation,
    /// What it gives in this project.
    pub gives: Permissions,
    /// Since when.
    pub since: Timestamp,
}

/// Why somebody may or may not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Why not, as the actor would be told; none when it is allowed.
    pub refused: Option<Refusal>,
    /// The permissions it takes on the ticket, as far as they are known beforehand.
    pub needed: Permissions,
    /// Everything the actor may do on the ticket.
    pub may: Permissions,
    /// All grants of the actor and their groups, those that hold there first, then in order of id. Whoever asks is not
    /// told of those on other tickets they may not see.
    pub grants: Vec<GrantReason>,
    /// What the actor is to the ticket now.
    pub relations: Vec<RelationReason>,
    /// The rules that decided.
    pub rules: Vec<Rule>,
}

impl Explanation {
    /// Whether it is allowed.
    pub const fn allowed(&self) -> bool {
        self.refused.is_none()
    }
    /// The grants that hold there and give some of what it takes.
    pub fn deciding(&self) -> impl Iterator<Item = &GrantReason> {
        // Who reads restricted tickets is shown this one by that.
        let shown = self.rules.contains(&Rule::Restricted) && self.needed.has(Permission::TicketRead);
        let gives = move |reason: &&GrantReason| {
            self.needed.without(reason.gives) != self.needed || (shown && reason.gives.has(Permission::RestrictedRead))
        };
        self.grants.iter().filter(|reason| reason.bearing == Bearing::Holds).filter(gives)
    }
}

/// Whom an explanation is about, as the directory knows them.
#[derive(Debug, Clone, Copy)]
pub struct Whom<'a> {
    /// The actor.
    pub actor: &'a Actor,
    /// Their row.
    pub person: Option<&'a Person>,
    /// Their grants and those of their groups, expired ones too.
    pub grants: &'a [Grant],
    /// What it compiles to.
    pub access: &'a Access,
}

/// Explains what `whom` may do on `case`: `needed` of them, or why not.
pub fn explain(whom: Whom<'_>, config: &TenantConfig, case: &Case, needed: Permissions, now: Timestamp) -> Explanation {
    let may = whom.access.on(case);
    let hidden =
        !may.has(Permission::TicketRead) || (case.ticket.deleted_at.is_some() && !may.has(Permission::TicketDelete));
    let refused = if hidden {
        Some(Refusal::not_found("ticket", case.ticket.id))
    } else {
        needed.without(may).iter().next().map(|needed| Denied { needed }.into())
    };
    let mut grants: Vec<GrantReason> = whom.grants.iter().map(|grant| reason(grant, whom, config, case, now)).collect();
    grants.sort_by_key(|reason| (reason.bearing != Bearing::Holds, reason.grant.id));
    let relations = relations(whom, config, case);
    let rules = rules(whom, config, case, needed, &relations);
    Explanation { refused, needed, may, grants, relations, rules }
}

fn reason(grant: &Grant, whom: Whom<'_>, config: &TenantConfig, case: &Case, now: Timestamp) -> GrantReason {
    let reaches = config.reaches(grant.scope, &case.ticket);
    let installed = match whom.actor {
        Actor::Plugin(_, id) => config.plugins.get(id).map(|installed| installed.created_at),
        Actor::System(_) | Actor::Person(..) | Actor::Service(..) => None,
    };
    let bearing = if grant.expires_at.is_some_and(|end| end <= now) {
        Bearing::Expired
    } else if installed.is_some_and(|since| grant.granted_at < since) {
        Bearing::Earlier
    } else if reaches {
        Bearing::Holds
    } else {
        Bearing::Elsewhere
    };
    let via = match grant.to {
        super::model::Principal::Group(group) => Some(group),
        super::model::Principal::Person(_) | super::model::Principal::Plugin(_) => None,
    };
    let gives = grant.scope.lends(config.permissions_of(&grant.role));
    GrantReason { grant: grant.clone(), via, gives, bearing }
}

fn relations(whom: Whom<'_>, config: &TenantConfig, case: &Case) -> Vec<RelationReason> {
    let project = config.projects.get(&case.ticket.project);
    let said = project.map_or(const { &Relations::DEFAULT }, |project| &project.relations);
    let mine = case.people.iter().filter(|p| p.until.is_none() && Some(p.person) == whom.access.person());
    mine.map(|p| RelationReason { relation: p.relation, gives: said.of(p.relation), since: p.since }).collect()
}

fn rules(
    whom: Whom<'_>,
    config: &TenantConfig,
    case: &Case,
    needed: Permissions,
    relations: &[RelationReason],
) -> Vec<Rule> {
    let (ticket, access) = (&case.ticket, whom.access);
    let mut rules = Vec::new();
    match whom.actor {
        Actor::System(_) => return vec![Rule::System],
        Actor::Person(..) | Actor::Service(..) => match whom.person {
            None => return vec![Rule::Unknown],
            Some(person) if !person.active => return vec![Rule::Inactive],
            Some(_) => {}
        },
        Actor::Plugin(_, id) if !config.plugins.get(id).is_some_and(|installed| installed.enabled) => {
            return vec![Rule::Unknown];
        }
        Actor::Plugin(..) => {}
    }
    let granted = access.granted(ticket);
    let related = relations.iter().any(|reason| reason.gives.has(Permission::TicketRead));
    match ticket.visibility {
        Visibility::Restricted => rules.push(Rule::Restricted),
        Visibility::Tenant if !related && !granted.has(Permission::TicketRead) => {
            if access.anywhere(Permission::TicketRead) {
                rules.push(Rule::TenantWide);
            }
        }
        Visibility::Tenant | Visibility::Project => {}
    }
    let notes = needed.has(Permission::EntryInternal);
    if notes && !access.staff() && !granted.has(Permission::AuditRead) {
        rules.push(Rule::StaffOnly);
    }
    if ticket.deleted_at.is_some() {
        rules.push(Rule::Deleted);
    }
    if !access.admits(case) {
        rules.push(Rule::Narrowed);
    }
    let reads = Permissions::of(&[Permission::TicketRead]);
    if needed.with(reads).without(access.vetoed()) != needed.with(reads) {
        rules.push(Rule::Vetoed);
    }
    rules
}

/// The permissions a command takes on its ticket; none of one that is not about an existing ticket. The command may need
/// more that only its decision knows.
pub fn needed(command: &Command, case: &Case, me: Option<PersonId>) -> Permissions {
    use Permission::*;
    match command {
        Command::EditTicket(_) | Command::TagTicket(_) => Permissions::of(&[TicketEdit]),
        Command::MoveTo(c) => {
            let edits = (!c.fields.fields().is_empty()).then_some(TicketEdit);
            let taken = case.workflow.transition(&c.transition);
            let takes: Vec<Permission> =
                taken.map_or(vec![TicketMove], |transition| transition.permissions().collect());
            takes.into_iter().chain(edits).collect()
        }
        Command::MoveCard(c) => match &c.transition {
            Some(id) => {
                let taken = case.workflow.transition(id).into_iter().flat_map(|transition| transition.permissions());
                taken.collect()
            }
            // Inside its column `ticket.edit`, else what the transition takes: only the decision knows.
            None => Permissions::NONE,
        },
        Command::ForceState(_) => Permissions::of(&[TicketForce]),
        Command::LinkTickets(_) | Command::UnlinkTickets(_) => Permissions::of(&[TicketEdit]),
        Command::Claim(_) | Command::Reassign(_) => Permissions::of(&[TicketAssign]),
        // Held in the whole tenant: no grant in the ticket's scope is enough.
        Command::MigrateTicket(_) => Permissions::of(&[WorkflowManage]),
        Command::Relate(c) => Permissions::of(&[needed_for(c.relation, &c.people, me)]),
        Command::Unrelate(c) => Permissions::of(&[needed_for(c.relation, &c.people, me)]),
        Command::DeleteTicket(_) | Command::RestoreTicket(_) => Permissions::of(&[TicketDelete]),
        Command::Comment(c) => {
            let internal = (c.visibility == EntryVisibility::Internal).then_some(EntryInternal);
            [Some(EntryWrite), internal].into_iter().flatten().collect()
        }
        Command::RequestApproval(_) => Permissions::of(&[ApprovalRequest]),
        Command::ReviewApprovers(_) => Permissions::of(&[ApprovalManage]),
        // Whoever is asked, asked for it, or manages approvals: only the decision knows.
        Command::DecideApproval(_)
        | Command::RetractDecision(_)
        | Command::ReassignSlot(_)
        | Command::ConsultApprover(_)
        | Command::AdviseApprover(_)
        | Command::RecallApproval(_)
        | Command::ResubmitApproval(_) => Permissions::NONE,
        // Authors their own, for a while; moderators any: only the decision knows.
        Command::EditComment(_) | Command::DeleteComment(_) => Permissions::NONE,
        Command::StopAutomation(_)
        | Command::RegisterTenant(_)
        | Command::EditTenant(_)
        | Command::CreateProject(_)
        | Command::EditProject(_)
        | Command::EnsurePerson(_)
        | Command::EditPerson(_)
        | Command::CreateGroup(_)
        | Command::EditGroup(_)
        | Command::AddMember(_)
        | Command::RemoveMember(_)
        | Command::GrantRole(_)
        | Command::RevokeRole(_)
        | Command::DefineRole(_)
        | Command::EditRole(_)
        | Command::DeleteRole(_)
        | Command::PublishWorkflow(_)
        | Command::DefineTag(_)
        | Command::EditTag(_)
        | Command::InstallPlugin(_)
        | Command::RemovePlugin(_)
        | Command::PublishTemplate(_)
        | Command::Delegate(_)
        | Command::RevokeDelegation(_)
        | Command::CreateTicket(_)
        | Command::CreateBoard(_)
        | Command::EditBoard(_)
        | Command::AddColumn(_)
        | Command::EditColumn(_)
        | Command::MoveColumn(_)
        | Command::DeleteColumn(_)
        | Command::RestoreColumn(_) => Permissions::NONE,
    }
}
