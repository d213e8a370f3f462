//! The authorization table: every command × built-in role × relation, written by hand, and what holds a desk against it.
//!
//! A command without a row does not compile: see `ROWS`.

use crate::actor::{Actor, PluginId};
use crate::approval::TemplateDefinition;
use crate::command::*;
use crate::id::{
    ApprovalId, BoardId, ColumnId, DelegationId, EntryId, GrantId, GroupId, PersonId, ProjectId, TagId, TenantId,
    TicketId,
};
use crate::org::{GroupKind, PersonKind};
use crate::role::{Permission, Permissions, Relations, Role, RoleKey, Scope};
use crate::testing::scenario::Stage;
use crate::ticket::{LinkKind, Priority, Relation, Visibility};
use crate::workflow::{Definition, Workflow, WorkflowRef};

/// The table, as it is written; its head says how it is read.
pub const TABLE: &str = include_str!("authorization/table.txt");

/// Every command has a row: checked when this is compiled.
const ROWS: () = {
    let mut i = 0;
    while i < Command::NAMES.len() {
        assert!(
            has_row(TABLE.as_bytes(), Command::NAMES[i].as_bytes()),
            "a command has no row in the authorization table"
        );
        i += 1;
    }
};

/// Whether a line begins with `name` and ends it with a dot or a space.
const fn has_row(table: &[u8], name: &[u8]) -> bool {
    let mut at = 0;
    while at + name.len() < table.len() {
        if at == 0 || table[at - 1] == b'\n' {
            let mut same = 0;
            while same < name.len() && table[at + same] == name[same] {
                same += 1;
            }
            if same == name.len() && (table[at + same] == b' ' || table[at + same] == b'.') {
                return true;
            }
        }
        at += 1;
    }
    false
}

/// What one cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is allowed.
    Allowed,
    /// It is refused with this code.
    Refused(&'static str),
}

/// One row: the command with the situation behind a dot, and a cell for each role, then for each relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `Comment`, `Comment.internal`.
    pub name: String,
    /// For every one of [`Role::ALL`], granted in the project.
    pub roles: Vec<Expected>,
    /// For every one of [`Relation::ALL`], without any role.
    pub relations: Vec<Expected>,
}

/// The rows of the table.
///
/// # Panics
/// When the table is malformed.
pub fn rows() -> Vec<Row> {
    const { ROWS };
    let cell = |word: &str| match word {
        "ok" => Expected::Allowed,
        "F" => Expected::Refused("FORBIDDEN"),
        "-" => Expected::Refused("NOT_FOUND"),
        "N" => Expected::Refused("NOT_ASKED"),
        "T" => Expected::Refused("NOTHING_TO_RETRACT"),
        other => panic!("`{other}` is no cell"),
    };
    let told = |line: &&str| !line.trim().is_empty() && !line.starts_with(['#', ' ']);
    TABLE
        .lines()
        .filter(told)
        .map(|line| {
            let (roles, relations) = line.split_once('|').expect("roles | relations");
            let mut roles = roles.split_whitespace();
            let row = Row {
                name: roles.next().expect("a command").to_owned(),
                roles: roles.map(cell).collect(),
                relations: relations.split_whitespace().map(cell).collect(),
            };
            assert_eq!((row.roles.len(), row.relations.len()), (Role::ALL.len(), Relation::ALL.len()), "{line}");
            row
        })
        .collect()
}

/// Sends every cell's command on `stage`, over an empty database, and tells the cells that disagree.
///
/// # Panics
/// When the ground cannot be laid, or a row has no sample.
pub async fn disagreeing(stage: &mut dyn Stage) -> Vec<String> {
    let mut ground = Ground::lay(stage).await;
    let mut odd = Vec::new();
    for row in rows() {
        let roles = Role::ALL.iter().map(|role| role.as_str()).zip(ground.roles.clone());
        let relations = Relation::ALL.iter().map(|relation| relation.as_str()).zip(ground.relations.clone());
        let expected = row.roles.iter().chain(&row.relations);
        // What was refused has changed nothing.
        let mut worn = true;
        for ((who, person), expected) in roles.chain(relations).zip(expected) {
            let by = Actor::person(ground.tenant, person);
            if std::mem::take(&mut worn) {
                ground.prepare(stage, &row.name).await;
            }
            let command = ground.sample(&row.name, person);
            let done = stage.act(&by, ground.ask(command)).await;
            let came = done.map_or_else(|refused| refused.code, |_| "ok".into());
            worn = came == "ok";
            let wanted = match expected {
                Expected::Allowed => "ok",
                Expected::Refused(code) => code,
            };
            if came != wanted {
                odd.push(format!("{} by {who}: {came}, the table says {wanted}", row.name));
            }
        }
    }
    odd
}

/// A tenant with one person per column, and what one cell is about.
struct Ground {
    tenant: TenantId,
    project: ProjectId,
    roles: Vec<PersonId>,
    relations: Vec<PersonId>,
    /// Somebody who is an assignee and a watcher and sends nothing.
    other: PersonId,
    team: GroupId,
    department: GroupId,
    company: GroupId,
    tag: TagId,
    role: RoleKey,
    plugin: PluginId,
    ticket: TicketId,
    /// Another ticket, to be linked.
    beside: TicketId,
    board: BoardId,
    /// Its columns, and one to be deleted or restored.
    todo: ColumnId,
    doing: ColumnId,
    spare: ColumnId,
    entry: EntryId,
    note: EntryId,
    grant: GrantId,
    approval: ApprovalId,
    delegation: DelegationId,
    drawn: u64,
}

impl Ground {
    async fn lay(stage: &mut dyn Stage) -> Self {
        let mut ground = Self {
            tenant: TenantId::NIL,
            project: ProjectId::NIL,
            roles: vec![],
            relations: vec![],
            other: PersonId::NIL,
            team: GroupId::NIL,
            department: GroupId::NIL,
            company: GroupId::NIL,
            tag: TagId::NIL,
            role: Role::Agent.into(),
            plugin: "triage".parse().expect("a plugin's name"),
            ticket: TicketId::NIL,
            beside: TicketId::NIL,
            board: BoardId::NIL,
            todo: ColumnId::NIL,
            doing: ColumnId::NIL,
            spare: ColumnId::NIL,
            entry: EntryId::NIL,
            note: EntryId::NIL,
            grant: GrantId::NIL,
            approval: ApprovalId::NIL,
            delegation: DelegationId::NIL,
            drawn: 0,
        };
        ground.tenant = ground.made(stage, RegisterTenant::new("table", "Table")).await;
        let tenant = ground.tenant;
        ground.project = ground.made(stage, CreateProject::new(tenant, "IT")).await;
        ground.team = ground.made(stage, CreateGroup::new(tenant, GroupKind::Team, "team")).await;
        ground.department = ground.made(stage, CreateGroup::new(tenant, GroupKind::Department, "works")).await;
        ground.company = ground.made(stage, CreateGroup::new(tenant, GroupKind::Company, "globex")).await;
        ground.tag = ground.made(stage, DefineTag::new(ground.project, "urgent")).await;
        let permissions = Permissions::of(&[Permission::TicketRead]);
        let role = DefineRole { tenant, key: "reader".into(), name: "Reader".into(), permissions };
        ground.role = ground.made(stage, role).await;
        ground.made(stage, ground.installation()).await;
        ground.board = ground.made(stage, CreateBoard::new(ground.project, "board").columns([])).await;
        ground.todo = ground.column(stage, NewColumn::new("to do", ["todo"])).await;
        ground.doing = ground.column(stage, NewColumn::new("doing", ["in_progress"])).await;
        ground.other = ground.hire(stage, "other", PersonKind::Staff).await;
        ground.made(stage, ground.template()).await;
        let stand_in = ground.hire(stage, "stand-in", PersonKind::Staff).await;
        let given = Delegate { delegate: stand_in, ..ground.proxy(ground.other) };
        ground.delegation = ground.made(stage, given).await;
        ground.made(stage, AddMember { group: ground.team, person: ground.other }).await;
        for role in Role::ALL {
            let person = ground.hire(stage, &format!("role {role}"), PersonKind::Staff).await;
            ground.made(stage, GrantRole::new(*role, person).on(ground.project)).await;
            ground.roles.push(person);
        }
        for relation in Relation::ALL {
            let person = ground.hire(stage, &format!("relation {relation}"), PersonKind::Requester).await;
            ground.relations.push(person);
        }
        ground
    }

    fn ask(&mut self, command: Command) -> Ask<Command> {
        self.drawn += 1;
        let millis = 1_767_603_600_000 + self.drawn;
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &[3; 10]).into_uuid();
        Ask { command, id: Some(id.into()), expected: None, key: None, at: None }
    }

    /// What the host's command makes.
    async fn made<C: Intent>(&mut self, stage: &mut dyn Stage, command: C) -> C::Out {
        let host = if self.tenant == TenantId::NIL { Actor::system() } else { Actor::system_of(self.tenant) };
        let done = stage.act(&host, self.ask(command.into())).await;
        let made = done.unwrap_or_else(|refused| panic!("the ground: {} {}", refused.code, refused.message)).made;
        C::Out::try_from(made).unwrap_or_else(|made| panic!("the ground: made {made:?}"))
    }

    async fn hire(&mut self, stage: &mut dyn Stage, name: &str, kind: PersonKind) -> PersonId {
        self.made(stage, EnsurePerson::external(self.tenant, name, name).kind(kind)).await
    }

    async fn column(&mut self, stage: &mut dyn Stage, column: NewColumn) -> ColumnId {
        let board = self.board;
        self.made(stage, AddColumn { board, column, before: None }).await
    }

    fn installation(&self) -> InstallPlugin {
        InstallPlugin {
            tenant: self.tenant,
            plugin: self.plugin.clone(),
            digest: "0".repeat(64),
            manifest: "{}".into(),
            granted: "[]".into(),
            config: "{}".into(),
            enabled: true,
        }
    }

    /// Asks whoever is an approver of the ticket, and somebody else.
    fn template(&self) -> PublishTemplate {
        let text = format!(
            "key = \"table\"\nname = \"Table\"\n[[steps]]\nkey = \"both\"\nname = \"Both\"\nrule = \"all\"\n\
             ask = [{{ relation = \"approver\" }}, {{ person = \"{}\" }}]",
            self.other
        );
        let definition = TemplateDefinition::from_toml(&text).expect("a template");
        PublishTemplate { tenant: self.tenant, definition }
    }

    fn proxy(&self, principal: PersonId) -> Delegate {
        Delegate { principal, delegate: self.other, scope: Scope::Tenant, starts_at: None, ends_at: None }
    }

    /// An approval in the state a row is about.
    async fn request(&mut self, stage: &mut dyn Stage, row: &str) {
        let ticket = self.ticket;
        self.approval = self.made(stage, RequestApproval::new(ticket, "table")).await;
        let approval = self.approval;
        let at = Relation::ALL.iter().position(|relation| *relation == Relation::Approver).unwrap_or_default();
        let approver = Actor::person(self.tenant, self.relations[at]);
        let first: Option<Command> = match row {
            "RetractDecision" => Some(DecideApproval::approve(ticket, approval).into()),
            "AdviseApprover" => {
                let at = Relation::ALL.iter().position(|relation| *relation == Relation::Watcher).unwrap_or_default();
                let (person, question) = (self.relations[at], "what do you think?".into());
                Some(ConsultApprover { ticket, approval, step: None, person, question }.into())
            }
            _ => None,
        };
        if let Some(command) = first {
            let ask = self.ask(command);
            let done = stage.act(&approver, ask).await;
            done.unwrap_or_else(|refused| panic!("the ground: {} {}", refused.code, refused.message));
        }
        if row == "ResubmitApproval" {
            self.made(stage, RecallApproval { ticket, approval, reason: None }).await;
        }
    }

    /// A fresh ticket with everybody on it, its entries, and a grant to take back.
    async fn prepare(&mut self, stage: &mut dyn Stage, row: &str) {
        self.ticket = self.made(stage, CreateTicket::new(self.project, "one")).await;
        let nobody_works = |relation: Relation| row == "Claim" && relation == Relation::Assignee;
        for (relation, person) in Relation::ALL.iter().zip(self.relations.clone()) {
            if !nobody_works(*relation) {
                self.made(stage, Relate::new(self.ticket, *relation, [person])).await;
            }
        }
        for relation in [Relation::Assignee, Relation::Watcher] {
            if !nobody_works(relation) {
                self.made(stage, Relate::new(self.ticket, relation, [self.other])).await;
            }
        }
        if matches!(row, "LinkTickets" | "UnlinkTickets") {
            self.beside = self.made(stage, CreateTicket::new(self.project, "another")).await;
            self.made(stage, Relate::new(self.beside, Relation::Watcher, self.relations.clone())).await;
        }
        if row == "UnlinkTickets" {
            self.made(stage, LinkTickets::new(self.ticket, LinkKind::Relates, self.beside)).await;
        }
        self.entry = self.made(stage, Comment::public(self.ticket, "a word")).await;
        self.note = self.made(stage, Comment::internal(self.ticket, "a note")).await;
        let role = if row == "RevokeRole.owner" { Role::Owner } else { Role::Agent };
        if row.starts_with("RevokeRole") {
            self.grant = self.made(stage, GrantRole::new(role, self.team).on(self.project)).await;
        }
        if row != "RequestApproval"
            && (row.ends_with("Approval") || row.ends_with("Approver") || row.ends_with("Approvers"))
            || matches!(row, "RetractDecision" | "ReassignSlot")
        {
            self.request(stage, row).await;
        }
        if matches!(row, "DeleteColumn" | "RestoreColumn") {
            let nothing: [&str; 0] = [];
            self.spare = self.column(stage, NewColumn::new(format!("spare {}", self.drawn), nothing)).await;
        }
        if row == "RestoreColumn" {
            let (board, column) = (self.board, self.spare);
            self.made(stage, DeleteColumn { board, column, into: None }).await;
        }
        if row.ends_with(".restricted") {
            let fields = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
            self.made(stage, EditTicket::new(self.ticket, fields)).await;
        }
        if row == "RestoreTicket" || row.ends_with(".deleted") {
            self.made(stage, DeleteTicket { ticket: self.ticket, reason: None }).await;
        }
    }

    /// The command of a row, sent by `me`.
    fn sample(&self, row: &str, me: PersonId) -> Command {
        let (tenant, project, ticket, other) = (self.tenant, self.project, self.ticket, self.other);
        let text = format!("a text of {}", self.drawn);
        let title = || Patch { title: Some(text.clone()), ..Patch::default() };
        match row {
            "RegisterTenant" => RegisterTenant::new("another", "Another").into(),
            "EditTenant" => EditTenant { name: Some(text), suspended: None }.into(),
            "CreateProject" => CreateProject::new(tenant, format!("P{}", self.drawn)).into(),
            "EditProject" => EditProject { name: Some(text), ..EditProject::new(project) }.into(),
            "EditProject.relations" => {
                let relations =
                    Some(Relations::DEFAULT.with(Relation::Watcher, Relations::DEFAULT.of(Relation::Watcher)));
                EditProject { relations, ..EditProject::new(project) }.into()
            }
            "DefineTag" => DefineTag::new(project, text).into(),
            "EditTag" => {
                EditTag { tag: self.tag, name: Some(text), description: None, colour: None, deleted: None }.into()
            }
            "CreateBoard" => CreateBoard::new(project, text).into(),
            "EditBoard" => EditBoard { name: Some(text), ..EditBoard::new(self.board) }.into(),
            "AddColumn" => {
                let nothing: [&str; 0] = [];
                AddColumn { board: self.board, column: NewColumn::new(text, nothing), before: None }.into()
            }
            "EditColumn" => EditColumn { title: Some(text), ..EditColumn::new(self.board, self.todo) }.into(),
            "MoveColumn" => MoveColumn { board: self.board, column: self.todo, before: None }.into(),
            "DeleteColumn" => DeleteColumn { board: self.board, column: self.spare, into: None }.into(),
            "RestoreColumn" => RestoreColumn { board: self.board, column: self.spare }.into(),
            "MoveCard" => MoveCard::new(self.board, ticket, self.todo).into(),
            "MoveCard.across" => MoveCard::new(self.board, ticket, self.doing).into(),
            "EnsurePerson" => EnsurePerson::external(tenant, text.clone(), text).into(),
            "EditPerson" => EditPerson { title: Some(text), ..EditPerson::new(other) }.into(),
            "EditPerson.own" => EditPerson { title: Some(text), ..EditPerson::new(me) }.into(),
            "EditPerson.own_kind" => EditPerson { kind: Some(PersonKind::Service), ..EditPerson::new(me) }.into(),
            "CreateGroup" => CreateGroup::new(tenant, GroupKind::Team, text).into(),
            "EditGroup" => EditGroup { group: self.team, name: Some(text), ..EditGroup::new(self.team) }.into(),
            "AddMember" => AddMember { group: self.team, person: me }.into(),
            "RemoveMember" => RemoveMember { group: self.team, person: other }.into(),
            "GrantRole" => GrantRole::new(Role::Agent, other).on(project).into(),
            "GrantRole.owner" => GrantRole::new(Role::Owner, other).on(project).into(),
            "GrantRole.ticket" => GrantRole::new(Role::Agent, other).on(ticket).into(),
            "GrantRole.tenant" => GrantRole::new(Role::Requester, other).into(),
            "GrantRole.department" => {
                GrantRole::new(Role::Requester, other).on(Scope::Department(self.department)).into()
            }
            "RevokeRole" | "RevokeRole.owner" => RevokeRole { grant: self.grant }.into(),
            "DefineRole" => {
                let permissions = Permissions::NONE;
                DefineRole { tenant, key: format!("role-{}", self.drawn), name: text, permissions }.into()
            }
            "EditRole" => EditRole { role: self.role.clone(), name: Some(text), permissions: None }.into(),
            "DeleteRole" => DeleteRole { role: self.role.clone() }.into(),
            "PublishWorkflow" => {
                let mut definition = Definition::built_in().remove(0);
                definition.name = text;
                PublishWorkflow { tenant, definition }.into()
            }
            "InstallPlugin" => InstallPlugin { enabled: false, ..self.installation() }.into(),
            "RemovePlugin" => RemovePlugin { plugin: self.plugin.clone() }.into(),
            "CreateTicket" => CreateTicket::new(project, text).into(),
            "CreateTicket.priority" => {
                let fields = Patch { priority: Some(Some(Priority::High)), ..Patch::default() };
                CreateTicket::new(project, text).fields(fields).into()
            }
            "CreateTicket.assigned" => {
                CreateTicket { assignees: vec![other], ..CreateTicket::new(project, text) }.into()
            }
            "EditTicket" | "EditTicket.deleted" | "EditTicket.restricted" => EditTicket::new(ticket, title()).into(),
            "EditTicket.company" => {
                let fields = Patch { company: Some(Some(self.company)), ..Patch::default() };
                EditTicket::new(ticket, fields).into()
            }
            "MoveTo" => MoveTo::new(ticket, "start").into(),
            "MigrateTicket" => {
                let to = WorkflowRef { key: Workflow::ITIL.into(), version: 1 };
                MigrateTicket { ticket, to, state: Some("new".into()), from: None }.into()
            }
            "LinkTickets" => LinkTickets::new(ticket, LinkKind::Relates, self.beside).into(),
            "UnlinkTickets" => UnlinkTickets::new(ticket, LinkKind::Relates, self.beside).into(),
            "Claim" => Claim { ticket }.into(),
            "Reassign" => Reassign { ticket, from: other, to: self.roles[0], reason: text }.into(),
            "ForceState" => ForceState { ticket, state: "done".into(), reason: text }.into(),
            "Relate.assign" => Relate::new(ticket, Relation::Assignee, [self.roles[0]]).into(),
            "Relate.watch" => Relate::watch(ticket, me).into(),
            "Relate.member" => Relate::new(ticket, Relation::Member, [self.roles[0]]).into(),
            "Unrelate.watcher" => Unrelate { ticket, relation: Relation::Watcher, people: vec![other] }.into(),
            "Unrelate.own" => Unrelate { ticket, relation: Relation::Watcher, people: vec![me] }.into(),
            "Unrelate.assignee" => Unrelate { ticket, relation: Relation::Assignee, people: vec![other] }.into(),
            "TagTicket" => TagTicket { ticket, add: vec![self.tag], remove: vec![] }.into(),
            "DeleteTicket" => DeleteTicket { ticket, reason: None }.into(),
            "RestoreTicket" => RestoreTicket { ticket, reason: None }.into(),
            "Comment" | "Comment.restricted" => Comment::public(ticket, text).into(),
            "Comment.internal" => Comment::internal(ticket, text).into(),
            "EditComment" => EditComment { ticket, entry: self.entry, body: text }.into(),
            "EditComment.internal" => EditComment { ticket, entry: self.note, body: text }.into(),
            "DeleteComment" => DeleteComment { ticket, entry: self.entry }.into(),
            "DeleteComment.internal" => DeleteComment { ticket, entry: self.note }.into(),
            "PublishTemplate" => {
                let mut ask = self.template();
                ask.definition.name = text;
                ask.into()
            }
            "RequestApproval" => RequestApproval::new(ticket, "table").into(),
            "DecideApproval" => DecideApproval::approve(ticket, self.approval).into(),
            "RetractDecision" => RetractDecision { ticket, approval: self.approval, step: None }.into(),
            "ReassignSlot" => {
                let at = Relation::ALL.iter().position(|relation| *relation == Relation::Approver).unwrap_or_default();
                let (from, to) = (self.relations[at], self.roles[0]);
                ReassignSlot { ticket, approval: self.approval, step: None, from, to, reason: text }.into()
            }
            "ConsultApprover" => {
                let (approval, person) = (self.approval, self.roles[0]);
                ConsultApprover { ticket, approval, step: None, person, question: text }.into()
            }
            "AdviseApprover" => AdviseApprover { ticket, approval: self.approval, step: None, opinion: text }.into(),
            "RecallApproval" => RecallApproval { ticket, approval: self.approval, reason: None }.into(),
            "ResubmitApproval" => ResubmitApproval { ticket, approval: self.approval }.into(),
            "ReviewApprovers" => ReviewApprovers { ticket }.into(),
            "Delegate" => Delegate { delegate: me, ..self.proxy(other) }.into(),
            "Delegate.own" => self.proxy(me).into(),
            "RevokeDelegation" => RevokeDelegation { delegation: self.delegation }.into(),
            "StopAutomation" => {
                let plugin = self.plugin.clone();
                StopAutomation { ticket, plugin, limit: "depth".into(), used: 9, allowed: 8 }.into()
            }
            other => panic!("no sample for the row `{other}`; add one"),
        }
    }
}
