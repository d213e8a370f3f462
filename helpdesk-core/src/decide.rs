//! From a command to what must be loaded for it, and to the engine that decides it.

use std::collections::BTreeSet;

use crate::approval::{decide as approvals, delegate};
use crate::board::card::NEAR;
use crate::board::{self, Place};
use crate::command::{Command, CreateTicket};
use crate::error::Refusal;
use crate::id::{DelegationId, EntryId, GrantId, GroupId, PersonId, TenantId, TicketId};
use crate::role::{Principal, RoleKey, Scope};
use crate::scene::{Ctx, Decision, Scene};
use crate::ticket::link::{self, LinkKind};
use crate::ticket::{decide as tickets, entry};
use crate::{org, role, workflow};

/// What a set of commands needs to be loaded, in one trip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// The tickets.
    pub tickets: BTreeSet<TicketId>,
    /// Whether with their long texts.
    pub texts: bool,
    /// Entries of those tickets.
    pub entries: BTreeSet<EntryId>,
    /// The ticket whose ancestors are wanted: a new parent.
    pub above: Option<TicketId>,
    /// Those of the tickets whose links are wanted.
    pub links: BTreeSet<TicketId>,
    /// The tickets from which links that block are followed, from blocker to blocked: ends of new ones.
    pub behind: BTreeSet<TicketId>,
    /// People by id.
    pub people: BTreeSet<PersonId>,
    /// People by the host's user id.
    pub externals: BTreeSet<String>,
    /// A grant.
    pub grant: Option<GrantId>,
    /// A role of the tenant's own, and until when it is granted.
    pub role: Option<RoleKey>,
    /// A group with its grants, and whether this person is in it.
    pub member: Option<(GroupId, PersonId)>,
    /// Whether the grants on departments are wanted: a group moves to another place in the tree.
    pub departments: bool,
    /// Whether a tenant with this key exists.
    pub tenant_key: Option<String>,
    /// Groups whose active members are wanted.
    pub pools: BTreeSet<GroupId>,
    /// Tickets of which everything below is wanted.
    pub below: BTreeSet<TicketId>,
    /// Those of the tickets whose approvals are wanted.
    pub approvals: BTreeSet<TicketId>,
    /// Roles whose grants are wanted.
    pub holders: BTreeSet<RoleKey>,
    /// People whose delegations to others are wanted.
    pub delegations: BTreeSet<PersonId>,
    /// A delegation.
    pub delegation: Option<DelegationId>,
    /// A place on a board whose surroundings are wanted.
    pub place: Option<Place>,
}

impl Needs {
    /// Adds what `command` needs.
    pub fn of(&mut self, command: &Command) {
        match command {
            Command::RegisterTenant(c) => self.tenant_key = Some(c.key.clone()),
            Command::EditTenant(_)
            | Command::CreateGroup(_)
            | Command::PublishWorkflow(_)
            | Command::DefineTag(_)
            | Command::EditTag(_)
            | Command::InstallPlugin(_)
            | Command::RemovePlugin(_)
            | Command::CreateBoard(_)
            | Command::EditBoard(_)
            | Command::AddColumn(_)
            | Command::EditColumn(_)
            | Command::MoveColumn(_)
            | Command::DeleteColumn(_)
            | Command::RestoreColumn(_) => {}
            Command::CreateProject(c) => self.people.extend(c.lead),
            Command::EditProject(c) => self.people.extend(c.lead.flatten()),
            Command::EnsurePerson(c) => {
                self.externals.insert(c.external.clone());
            }
            Command::EditPerson(c) => {
                self.people.insert(c.person);
                self.people.extend(c.manager.flatten());
            }
            Command::AddMember(c) => {
                self.people.insert(c.person);
                self.member = Some((c.group, c.person));
            }
            Command::EditGroup(c) => {
                self.departments = c.parent.flatten().is_some();
                self.people.extend(c.head.flatten());
            }
            Command::RemoveMember(c) => self.member = Some((c.group, c.person)),
            Command::GrantRole(c) => {
                if let Principal::Person(person) = c.to {
                    self.people.insert(person);
                }
                if let Scope::Ticket(ticket) = c.scope {
                    self.ticket(ticket);
                }
            }
            Command::DefineRole(_) | Command::EditRole(_) => {}
            Command::DeleteRole(c) => self.role = Some(c.role.clone()),
            Command::RevokeRole(c) => self.grant = Some(c.grant),
            Command::CreateTicket(c) => {
                self.people.extend(c.requester);
                self.people.extend(&c.assignees);
                self.tickets.extend(c.id);
                self.parent(c.fields.parent.flatten());
            }
            Command::EditTicket(c) => {
                self.ticket(c.ticket);
                self.texts |= c.fields.title.is_some() || c.fields.description.is_some();
                self.parent(c.fields.parent.flatten());
            }
            Command::MoveTo(c) => {
                self.ticket(c.ticket);
                self.texts = true; // a transition may require a description
                self.parent(c.fields.parent.flatten());
            }
            Command::MoveCard(c) => {
                self.ticket(c.ticket);
                self.texts = true; // as for the transition it may be
                self.parent(c.fields.parent.flatten());
                let beside = c.before.or(c.after);
                self.tickets.extend(beside);
                self.place = Some(Place { board: c.board, ticket: c.ticket, beside, reach: NEAR });
            }
            Command::ForceState(c) => self.ticket(c.ticket),
            Command::MigrateTicket(c) => self.ticket(c.ticket),
            Command::Relate(c) => {
                self.ticket(c.ticket);
                self.people.extend(&c.people);
            }
            Command::Unrelate(c) => self.ticket(c.ticket),
            Command::Claim(c) => self.ticket(c.ticket),
            Command::Reassign(c) => {
                self.ticket(c.ticket);
                self.people.insert(c.to);
            }
            Command::TagTicket(c) => self.ticket(c.ticket),
            Command::LinkTickets(c) => {
                self.linked(c.ticket, c.to);
                match c.kind {
                    LinkKind::Blocks => drop(self.behind.insert(c.to)),
                    LinkKind::BlockedBy => drop(self.behind.insert(c.ticket)),
                    LinkKind::Duplicates | LinkKind::DuplicatedBy | LinkKind::Relates => {}
                }
            }
            Command::UnlinkTickets(c) => self.linked(c.ticket, c.to),
            Command::DeleteTicket(c) => self.ticket(c.ticket),
            Command::RestoreTicket(c) => self.ticket(c.ticket),
            Command::Comment(c) => self.ticket(c.ticket),
            Command::StopAutomation(c) => self.ticket(c.ticket),
            Command::EditComment(c) => {
                self.ticket(c.ticket);
                self.entries.insert(c.entry);
            }
            Command::DeleteComment(c) => {
                self.ticket(c.ticket);
                self.entries.insert(c.entry);
            }
            Command::PublishTemplate(_) => {}
            Command::RequestApproval(c) => self.approval(c.ticket),
            Command::DecideApproval(c) => self.approval(c.ticket),
            Command::RetractDecision(c) => self.approval(c.ticket),
            Command::ReassignSlot(c) => {
                self.approval(c.ticket);
                self.people.insert(c.to);
            }
            Command::ConsultApprover(c) => {
                self.approval(c.ticket);
                self.people.insert(c.person);
            }
            Command::AdviseApprover(c) => self.approval(c.ticket),
            Command::RecallApproval(c) => self.approval(c.ticket),
            Command::ResubmitApproval(c) => self.approval(c.ticket),
            Command::ReviewApprovers(c) => self.approval(c.ticket),
            Command::Delegate(c) => {
                self.people.extend([c.principal, c.delegate]);
                if let Scope::Ticket(ticket) = c.scope {
                    self.ticket(ticket);
                }
            }
            Command::RevokeDelegation(c) => self.delegation = Some(c.delegation),
        }
    }

    fn ticket(&mut self, id: TicketId) {
        self.tickets.insert(id);
    }
    fn approval(&mut self, id: TicketId) {
        self.tickets.insert(id);
        self.approvals.insert(id);
        self.texts = true; // a text may be what was approved
    }
    fn linked(&mut self, one: TicketId, two: TicketId) {
        self.tickets.extend([one, two]);
        self.links.extend([one, two]);
    }
    fn parent(&mut self, parent: Option<TicketId>) {
        self.tickets.extend(parent);
        self.above = parent.or(self.above);
    }
}

impl Command {
    /// Refuses texts that are looked up before they are checked, and ids no client may bring.
    pub(crate) fn check_texts(&self) -> Result<(), Refusal> {
        let nul = |field, text: &str| {
            let message = "has a NUL character, which cannot be stored; leave it out";
            if text.contains('\0') { Err(Refusal::invalid(field, message)) } else { Ok(()) }
        };
        if let Self::RegisterTenant(c) = self {
            nul("key", &c.key)?;
        }
        if let Self::EnsurePerson(c) = self {
            nul("external", &c.external)?;
        }
        if let Self::CreateTicket(CreateTicket { id: Some(id), .. }) = self
            && uuid::Uuid::from(*id).get_version_num() != 7
        {
            return Err(Refusal::invalid("id", format!("`{id}` is not a UUIDv7; make one, or leave it out")));
        }
        Ok(()) // everything else is checked where it is decided
    }

    /// The tenant the command itself names.
    pub const fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::CreateProject(c) => Some(c.tenant),
            Self::EnsurePerson(c) => Some(c.tenant),
            Self::CreateGroup(c) => Some(c.tenant),
            Self::PublishWorkflow(c) => Some(c.tenant),
            Self::DefineRole(c) => Some(c.tenant),
            Self::InstallPlugin(c) => Some(c.tenant),
            Self::PublishTemplate(c) => Some(c.tenant),
            Self::RegisterTenant(_)
            | Self::EditTenant(_)
            | Self::EditProject(_)
            | Self::EditPerson(_)
            | Self::EditGroup(_)
            | Self::AddMember(_)
            | Self::RemoveMember(_)
            | Self::GrantRole(_)
            | Self::RevokeRole(_)
            | Self::EditRole(_)
            | Self::DeleteRole(_)
            | Self::DefineTag(_)
            | Self::EditTag(_)
            | Self::RemovePlugin(_)
            | Self::CreateTicket(_)
            | Self::EditTicket(_)
            | Self::MoveTo(_)
            | Self::ForceState(_)
            | Self::MigrateTicket(_)
            | Self::Relate(_)
            | Self::Unrelate(_)
            | Self::Claim(_)
            | Self::Reassign(_)
            | Self::TagTicket(_)
            | Self::LinkTickets(_)
            | Self::UnlinkTickets(_)
            | Self::DeleteTicket(_)
            | Self::RestoreTicket(_)
            | Self::Comment(_)
            | Self::EditComment(_)
            | Self::DeleteComment(_)
            | Self::StopAutomation(_)
            | Self::RequestApproval(_)
            | Self::DecideApproval(_)
            | Self::RetractDecision(_)
            | Self::ReassignSlot(_)
            | Self::ConsultApprover(_)
            | Self::AdviseApprover(_)
            | Self::RecallApproval(_)
            | Self::ResubmitApproval(_)
            | Self::ReviewApprovers(_)
            | Self::Delegate(_)
            | Self::RevokeDelegation(_)
            | Self::CreateBoard(_)
            | Self::EditBoard(_)
            | Self::AddColumn(_)
            | Self::EditColumn(_)
            | Self::MoveColumn(_)
            | Self::DeleteColumn(_)
            | Self::RestoreColumn(_)
            | Self::MoveCard(_) => None,
        }
    }

    /// The ticket the command changes, if it changes one that exists.
    pub const fn ticket(&self) -> Option<TicketId> {
        match self {
            Self::EditTicket(c) => Some(c.ticket),
            Self::MoveTo(c) => Some(c.ticket),
            Self::MoveCard(c) => Some(c.ticket),
            Self::ForceState(c) => Some(c.ticket),
            Self::MigrateTicket(c) => Some(c.ticket),
            Self::Relate(c) => Some(c.ticket),
            Self::Unrelate(c) => Some(c.ticket),
            Self::Claim(c) => Some(c.ticket),
            Self::Reassign(c) => Some(c.ticket),
            Self::TagTicket(c) => Some(c.ticket),
            Self::LinkTickets(c) => Some(c.ticket),
            Self::UnlinkTickets(c) => Some(c.ticket),
            Self::DeleteTicket(c) => Some(c.ticket),
            Self::RestoreTicket(c) => Some(c.ticket),
            Self::Comment(c) => Some(c.ticket),
            Self::EditComment(c) => Some(c.ticket),
            Self::DeleteComment(c) => Some(c.ticket),
            Self::StopAutomation(c) => Some(c.ticket),
            Self::RequestApproval(c) => Some(c.ticket),
            Self::DecideApproval(c) => Some(c.ticket),
            Self::RetractDecision(c) => Some(c.ticket),
            Self::ReassignSlot(c) => Some(c.ticket),
            Self::ConsultApprover(c) => Some(c.ticket),
            Self::AdviseApprover(c) => Some(c.ticket),
            Self::RecallApproval(c) => Some(c.ticket),
            Self::ResubmitApproval(c) => Some(c.ticket),
            Self::ReviewApprovers(c) => Some(c.ticket),
            Self::RegisterTenant(_)
            | Self::EditTenant(_)
            | Self::CreateProject(_)
            | Self::EditProject(_)
            | Self::EnsurePerson(_)
            | Self::EditPerson(_)
            | Self::CreateGroup(_)
            | Self::EditGroup(_)
            | Self::AddMember(_)
            | Self::RemoveMember(_)
            | Self::GrantRole(_)
            | Self::RevokeRole(_)
            | Self::DefineRole(_)
            | Self::EditRole(_)
            | Self::DeleteRole(_)
            | Self::PublishWorkflow(_)
            | Self::DefineTag(_)
            | Self::EditTag(_)
            | Self::InstallPlugin(_)
            | Self::RemovePlugin(_)
            | Self::PublishTemplate(_)
            | Self::Delegate(_)
            | Self::RevokeDelegation(_)
            | Self::CreateTicket(_)
            | Self::CreateBoard(_)
            | Self::EditBoard(_)
            | Self::AddColumn(_)
            | Self::EditColumn(_)
            | Self::MoveColumn(_)
            | Self::DeleteColumn(_)
            | Self::RestoreColumn(_) => None,
        }
    }
}

/// Decides one command: pure, nothing happens yet.
pub fn decide(scene: &Scene, command: &Command, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    match command {
        Command::RegisterTenant(c) => org::decide::register(scene, c, ctx),
        Command::EditTenant(c) => org::decide::edit_tenant(scene, c, ctx),
        Command::CreateProject(c) => org::decide::create_project(scene, c, ctx),
        Command::EditProject(c) => org::decide::edit_project(scene, c, ctx),
        Command::EnsurePerson(c) => org::decide::people::ensure(scene, c, ctx),
        Command::EditPerson(c) => org::decide::people::edit(scene, c, ctx),
        Command::CreateGroup(c) => org::decide::people::create_group(scene, c, ctx),
        Command::EditGroup(c) => org::decide::people::edit_group(scene, c, ctx),
        Command::AddMember(c) => org::decide::people::join(scene, c, ctx),
        Command::RemoveMember(c) => org::decide::people::leave(scene, c, ctx),
        Command::GrantRole(c) => role::decide::grant(scene, c, ctx),
        Command::RevokeRole(c) => role::decide::revoke(scene, c, ctx),
        Command::DefineRole(c) => role::decide::custom::define(scene, c, ctx),
        Command::EditRole(c) => role::decide::custom::edit(scene, c, ctx),
        Command::DeleteRole(c) => role::decide::custom::delete(scene, c, ctx),
        Command::PublishWorkflow(c) => workflow::decide::publish(scene, c, ctx),
        Command::DefineTag(c) => org::decide::define_tag(scene, c, ctx),
        Command::EditTag(c) => org::decide::edit_tag(scene, c, ctx),
        Command::InstallPlugin(c) => org::decide::install(scene, c, ctx),
        Command::RemovePlugin(c) => org::decide::remove(scene, c, ctx),
        Command::CreateTicket(c) => tickets::create(scene, c, ctx),
        Command::EditTicket(c) => tickets::edit(scene, c, ctx),
        Command::MoveTo(c) => workflow::decide::move_to(scene, c, ctx),
        Command::ForceState(c) => workflow::decide::force(scene, c, ctx),
        Command::MigrateTicket(c) => workflow::migrate::migrate(scene, c, ctx),
        Command::Relate(c) => tickets::relate(scene, c, ctx),
        Command::Unrelate(c) => tickets::unrelate(scene, c, ctx),
        Command::Claim(c) => tickets::claim(scene, c, ctx),
        Command::Reassign(c) => tickets::reassign(scene, c, ctx),
        Command::TagTicket(c) => tickets::tag(scene, c, ctx),
        Command::LinkTickets(c) => link::link(scene, c, ctx),
        Command::UnlinkTickets(c) => link::unlink(scene, c, ctx),
        Command::DeleteTicket(c) => tickets::delete(scene, c, ctx),
        Command::RestoreTicket(c) => tickets::restore(scene, c, ctx),
        Command::Comment(c) => entry::comment(scene, c, ctx),
        Command::EditComment(c) => entry::edit(scene, c, ctx),
        Command::DeleteComment(c) => entry::delete(scene, c, ctx),
        Command::StopAutomation(c) => tickets::stopped(scene, c, ctx),
        Command::PublishTemplate(c) => approvals::publish(scene, c, ctx),
        Command::RequestApproval(c) => approvals::request(scene, c, ctx),
        Command::DecideApproval(c) => approvals::decide(scene, c, ctx),
        Command::RetractDecision(c) => approvals::retract(scene, c, ctx),
        Command::ReassignSlot(c) => approvals::reassign(scene, c, ctx),
        Command::ConsultApprover(c) => approvals::consult(scene, c, ctx),
        Command::AdviseApprover(c) => approvals::advise(scene, c, ctx),
        Command::RecallApproval(c) => approvals::recall(scene, c, ctx),
        Command::ResubmitApproval(c) => approvals::resubmit(scene, c, ctx),
        Command::ReviewApprovers(c) => approvals::review(scene, c, ctx),
        Command::Delegate(c) => delegate::delegate(scene, c, ctx),
        Command::RevokeDelegation(c) => delegate::revoke(scene, c, ctx),
        Command::CreateBoard(c) => board::decide::create(scene, c, ctx),
        Command::EditBoard(c) => board::decide::edit(scene, c, ctx),
        Command::AddColumn(c) => board::decide::add_column(scene, c, ctx),
        Command::EditColumn(c) => board::decide::edit_column(scene, c, ctx),
        Command::MoveColumn(c) => board::decide::move_column(scene, c, ctx),
        Command::DeleteColumn(c) => board::decide::delete_column(scene, c, ctx),
        Command::RestoreColumn(c) => board::decide::restore_column(scene, c, ctx),
        Command::MoveCard(c) => board::card::move_card(scene, c, ctx),
    }
}
