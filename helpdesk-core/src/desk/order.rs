//! A set of commands before anything is loaded: which tenant, which ids, what it needs, and whether it can be at all.

use sha2::{Digest, Sha256};

use super::act::{Done, Set};
use crate::actor::Actor;
use crate::approval::Overall;
use crate::command::{Command, Made};
use crate::config::TenantConfig;
use crate::decide::Needs;
use crate::error::{ActError, Conflict, Refusal};
use crate::event::Subject;
use crate::id::{CommandId, Mint, TenantId, TicketId, hex};
use crate::scene::Scene;
use crate::store::{Loaded, Row};
use crate::ticket::Ticket;
use crate::workflow::Transition;

/// Longest idempotency key, in characters.
const KEY_MAX: usize = 128;
/// Most commands in a set.
const SET_MAX: usize = 128;

/// A set of commands with what is known of it before anything is loaded.
pub(super) struct Order<'a> {
    pub(super) by: &'a Actor,
    pub(super) set: &'a Set,
    pub(super) expected: Option<i64>,
    pub(super) tenant: TenantId,
    pub(super) id: CommandId,
    pub(super) needs: Needs,
    pub(super) hash: String,
}

impl<'a> Order<'a> {
    #[allow(
        clippy::disallowed_methods,
        reason = "the desk makes the seed of a command that brings none; engines never do"
    )]
    pub(super) fn new(by: &'a Actor, set: &'a Set, expected: Option<i64>) -> Result<Self, ActError> {
        check_set(set)?;
        if let Some(id) = set.id
            && uuid::Uuid::from(id).get_version_num() != 7
        {
            return Err(Refusal::invalid("id", format!("`{id}` is not a UUIDv7; make one, or leave it out")).into());
        }
        if let Some(key) = &set.key
            && (key.is_empty() || key.chars().count() > KEY_MAX || key.contains('\0'))
        {
            return Err(
                Refusal::invalid("idempotencyKey", format!("needs 1 to {KEY_MAX} characters without NUL")).into()
            );
        }
        let (tenant, id) = match (set.commands.as_slice(), set.id, &set.key) {
            ([Command::RegisterTenant(c)], None, Some(key)) => {
                // Repeated with its key it must find the tenant it made.
                let id = Mint::new(CommandId::NIL).named(&format!("register/{}/{key}", c.key));
                (Mint::new(id).named("tenant"), id)
            }
            ([Command::RegisterTenant(_)], id, _) => {
                let id = id.unwrap_or_else(|| uuid::Uuid::now_v7().into());
                (Mint::new(id).named("tenant"), id)
            }
            (commands, id, _) => (tenant(by, commands)?, id.unwrap_or_else(|| uuid::Uuid::now_v7().into())),
        };
        for row in &set.rows {
            let own = [&row.before, &row.after].into_iter().flatten().all(|row| match row {
                Row::Kv(kv) => kv.tenant == tenant,
                Row::Run(run) => run.tenant == tenant,
                _ => false,
            });
            if !own {
                return Err(Refusal::invalid("rows", "may only be stored values and run records of the tenant").into());
            }
        }
        if set.jobs.iter().any(|job| job.tenant != tenant) {
            return Err(Refusal::invalid("jobs", "must belong to the tenant").into());
        }
        let mut needs = Needs::default();
        for command in &set.commands {
            needs.of(command);
        }
        needs.tickets.extend(set.expected.iter().map(|(ticket, _)| *ticket));
        let hash = if set.key.is_some() {
            let said = serde_json::to_vec(&(&set.commands, &set.expected, expected, set.at)).unwrap_or_default();
            hex(&Sha256::digest(said))
        } else {
            String::new()
        };
        Ok(Self { by, set, expected, tenant, id, needs, hash })
    }

    /// Whether a ticket that exists gets another parent.
    pub(super) fn moves_parent(&self) -> bool {
        self.set.commands.iter().any(|command| {
            matches!(command, Command::EditTicket(c) if c.fields.parent.is_some())
                || matches!(command, Command::MoveTo(c) if c.fields.parent.is_some())
                || matches!(command, Command::MoveCard(c) if c.fields.parent.is_some())
        })
    }

    /// Whether a transition asks for a parent that the ticket has already: it counts if it is shown to the actor.
    pub(super) fn needs_parent(&self, config: &TenantConfig, loaded: &Loaded) -> bool {
        let asks = |command: &Command, ticket: &Ticket| {
            let Some(workflow) = config.workflows.get(&ticket.workflow) else { return false };
            if let Command::MoveTo(c) = command {
                let transition = workflow.transition(&c.transition).filter(|_| c.ticket == ticket.id);
                return transition.is_some_and(Transition::asks_for_parent);
            }
            // Which way a card takes is not known yet.
            let Command::MoveCard(c) = command else { return false };
            c.ticket == ticket.id && workflow.exits(&ticket.state).any(Transition::asks_for_parent)
        };
        let mut children = loaded.cases.iter().map(|parts| &parts.ticket).filter(|ticket| ticket.parent.is_some());
        children.any(|ticket| self.set.commands.iter().any(|command| asks(command, ticket)))
    }

    /// Whether transitions are taken: what follows from them may have to know more than the tickets.
    pub(super) fn moves(&self) -> bool {
        let takes =
            |command: &Command| matches!(command, Command::MoveTo(_) | Command::MoveCard(_) | Command::CreateTicket(_));
        self.set.commands.iter().any(takes)
    }

    /// Whether a decision may look for more than was loaded: where transitions are taken, and where approvals are.
    pub(super) fn may_want(&self, loaded: &Loaded) -> bool {
        self.moves()
            || !self.needs.approvals.is_empty()
            || loaded.cases.iter().any(|parts| parts.ticket.approval != Overall::None)
    }

    /// Refuses a stale expectation of something outside tickets, or one of what counts no versions.
    pub(super) fn check_subject(&self, scene: &Scene) -> Result<(), Refusal> {
        match (self.expected, self.ticket(), self.subject(scene)) {
            (None, ..) | (_, Some(_), _) => Ok(()),
            (Some(expected), None, Some((_, current))) if expected == current => Ok(()),
            (Some(expected), None, Some((_, current))) => Err(Conflict { expected, current, fields: vec![] }.into()),
            (Some(_), None, None) => {
                Err(Refusal::invalid("expectedVersion", "says nothing here: this command changes nothing that exists"))
            }
        }
    }

    pub(super) fn registers(&self) -> bool {
        matches!(self.set.commands.as_slice(), [Command::RegisterTenant(_)])
    }

    /// The ticket a single command changes.
    pub(super) fn ticket(&self) -> Option<TicketId> {
        self.set.commands.first().and_then(Command::ticket)
    }

    /// The subject whose version a single command's caller saw, with its present version.
    pub(super) fn subject(&self, scene: &Scene) -> Option<(Subject, i64)> {
        let command = self.set.commands.first()?;
        if let Some(ticket) = command.ticket() {
            return Some((Subject::Ticket(ticket), scene.case(ticket)?.ticket.version));
        }
        let config = &scene.config;
        let board = |id| Some((Subject::Board(id), config.boards.get(&id)?.version));
        match command {
            Command::EditTenant(_) => Some((Subject::Tenant(config.tenant.id), config.tenant.version)),
            Command::EditProject(c) => Some((Subject::Project(c.project), config.projects.get(&c.project)?.version)),
            Command::EditPerson(c) => Some((Subject::Person(c.person), scene.people.get(&c.person)?.version)),
            Command::EnsurePerson(c) => {
                let person = scene.people.values().find(|person| person.external == c.external)?;
                Some((Subject::Person(person.id), person.version))
            }
            Command::EditGroup(c) => Some((Subject::Group(c.group), config.groups.get(&c.group)?.version)),
            Command::EditTag(c) => Some((Subject::Tag(c.tag), config.tags.get(&c.tag)?.version)),
            Command::EditRole(c) => Some((Subject::Role(c.role.clone()), config.roles.get(&c.role)?.version)),
            Command::DeleteRole(c) => Some((Subject::Role(c.role.clone()), config.roles.get(&c.role)?.version)),
            Command::InstallPlugin(c) => {
                Some((Subject::Plugin(c.plugin.clone()), config.plugins.get(&c.plugin)?.version))
            }
            Command::RemovePlugin(c) => {
                Some((Subject::Plugin(c.plugin.clone()), config.plugins.get(&c.plugin)?.version))
            }
            Command::EditBoard(c) => board(c.board),
            Command::AddColumn(c) => board(c.board),
            Command::EditColumn(c) => board(c.board),
            Command::MoveColumn(c) => board(c.board),
            Command::DeleteColumn(c) => board(c.board),
            Command::RestoreColumn(c) => board(c.board),
            Command::RegisterTenant(_)
            | Command::CreateBoard(_)
            | Command::MoveCard(_)
            | Command::CreateProject(_)
            | Command::CreateGroup(_)
            | Command::AddMember(_)
            | Command::RemoveMember(_)
            | Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::DefineRole(_)
            | Command::PublishWorkflow(_)
            | Command::DefineTag(_)
            | Command::CreateTicket(_)
            | Command::EditTicket(_)
            | Command::MoveTo(_)
            | Command::ForceState(_)
            | Command::MigrateTicket(_)
            | Command::Relate(_)
            | Command::Unrelate(_)
            | Command::Claim(_)
            | Command::Reassign(_)
            | Command::TagTicket(_)
            | Command::LinkTickets(_)
            | Command::UnlinkTickets(_)
            | Command::DeleteTicket(_)
            | Command::RestoreTicket(_)
            | Command::Comment(_)
            | Command::EditComment(_)
            | Command::DeleteComment(_)
            | Command::StopAutomation(_)
            | Command::PublishTemplate(_)
            | Command::RequestApproval(_)
            | Command::DecideApproval(_)
            | Command::RetractDecision(_)
            | Command::ReassignSlot(_)
            | Command::ConsultApprover(_)
            | Command::AdviseApprover(_)
            | Command::RecallApproval(_)
            | Command::ResubmitApproval(_)
            | Command::ReviewApprovers(_)
            | Command::Delegate(_)
            | Command::RevokeDelegation(_) => None,
        }
    }

    pub(super) fn subject_version(&self, scene: &Scene) -> Option<i64> {
        self.subject(scene).map(|(_, version)| version)
    }

    /// The answer to a command that was sent before with the same key.
    pub(super) fn repeat(&self, earlier: crate::store::Earlier) -> Result<Done<Vec<Made>>, ActError> {
        if earlier.hash != self.hash {
            return Err(Refusal::KeyReused(self.set.key.clone().unwrap_or_default()).into());
        }
        let out = serde_json::from_str(&earlier.made)
            .map_err(|error| crate::store::StoreError::Defect(format!("a stored answer cannot be read: {error}")))?;
        Ok(Done { out, version: earlier.version, cursor: earlier.cursor, changed: false })
    }
}

/// The tenant the commands work in.
fn tenant(by: &Actor, commands: &[Command]) -> Result<TenantId, Refusal> {
    let mut named = by.tenant().into_iter().chain(commands.iter().filter_map(Command::tenant));
    let first = named.next().ok_or(Refusal::NoTenant)?;
    match named.find(|other| *other != first) {
        // Another tenant's things do not exist.
        Some(other) => Err(Refusal::not_found("tenant", other)),
        None => Ok(first),
    }
}

/// Refuses a set that is too large, or whose commands cannot go together: only commands on tickets can, and only one of
/// them may choose a parent, for what is read for it is read once.
fn check_set(set: &Set) -> Result<(), Refusal> {
    if set.commands.len() > SET_MAX {
        return Err(Refusal::invalid("commands", format!("are {}, at most {SET_MAX} go together", set.commands.len())));
    }
    if set.commands.len() < 2 {
        return set.commands.iter().try_for_each(Command::check_texts);
    }
    let on_tickets = |command: &Command| command.ticket().is_some() || matches!(command, Command::CreateTicket(_));
    if let Some(other) = set.commands.iter().find(|command| !on_tickets(command)) {
        return Err(Refusal::invalid("commands", format!("`{}` goes alone; send it by itself", other.name())));
    }
    let parents = set.commands.iter().filter(|command| {
        let mut needs = Needs::default();
        needs.of(command);
        needs.above.is_some()
    });
    if parents.count() > 1 {
        return Err(Refusal::invalid(
            "commands",
            "only one of a set can choose a parent; send the others by themselves",
        ));
    }
    if set.commands.iter().filter(|command| matches!(command, Command::MoveCard(_))).count() > 1 {
        return Err(Refusal::invalid("commands", "only one of a set can move a card; send the others by themselves"));
    }
    set.commands.iter().try_for_each(Command::check_texts)
}
