//! The demo: a small company with a few projects, some people, tickets that triage has something to say about, purchases
//! that wait for approval ([`requests`]), and a removal that two departments share.
//!
//! Made once. Every command has an idempotency key, so that a start that was interrupted goes on where it ended; the
//! tenant's name tells whether it is finished.

mod requests;

use anyhow::Context as _;
use helpdesk_core::command::{
    AddMember, Asking, Comment, CreateBoard, CreateGroup, CreateProject, CreateTicket, DefineTag, EditTenant,
    EnsurePerson, GrantRole, Intent, MoveTo, NewColumn, Patch, RegisterTenant, Relate,
};
use helpdesk_core::feed::Subscriber as _;
use helpdesk_core::id::{GroupId, PersonId, ProjectId, TenantId, TicketId};
use helpdesk_core::org::{GroupKind, PersonKind};
use helpdesk_core::role::Role;
use helpdesk_core::store::PeopleFind;
use helpdesk_core::ticket::TicketType;
use helpdesk_core::workflow::Workflow;
use helpdesk_core::{Actor, Desk, PluginId};
use helpdesk_plugins::PluginHost;

use crate::triage;

/// Key of the demo's tenant.
pub const TENANT: &str = "demo";
const NAME: &str = "Demo Ltd";
const UNFINISHED: &str = "Demo Ltd (being set up)";

/// What triage does in the demo.
const RULES: &str = include_str!("demo/triage.json");

/// The people of the demo: the host's own user id, name, what they are, and their role.
pub const PEOPLE: [(&str, &str, PersonKind, Role); 8] = [
    ("olga", "Olga Owner", PersonKind::Staff, Role::Owner),
    ("mo", "Mo Moderator", PersonKind::Staff, Role::Moderator),
    ("ana", "Ana Agent", PersonKind::Staff, Role::Agent),
    ("ben", "Ben Agent", PersonKind::Staff, Role::Agent),
    ("ravi", "Ravi Requester", PersonKind::Requester, Role::Requester),
    ("vera", "Vera Auditor", PersonKind::Staff, Role::Auditor),
    ("fay", "Fay Finance", PersonKind::Staff, Role::Approver),
    ("finn", "Finn Finance", PersonKind::Staff, Role::Approver),
];

const TAGS: [(&str, &str); 4] =
    [("hardware", "#b45309"), ("network", "#1d4ed8"), ("access", "#15803d"), ("content", "#7c3aed")];

/// Makes the demo unless it is there, and returns its tenant.
pub async fn ensure(desk: &Desk, plugins: &(PluginHost, PluginId)) -> anyhow::Result<TenantId> {
    let known = desk.store().tenants().await?.into_iter().find(|tenant| tenant.key == TENANT);
    match known {
        Some(tenant) if tenant.name != UNFINISHED => Ok(tenant.id),
        Some(tenant) => furnish(desk, plugins, tenant.id).await,
        None => {
            let tenant = desk.act(&Actor::system(), RegisterTenant::new(TENANT, UNFINISHED)).await?.out;
            furnish(desk, plugins, tenant).await
        }
    }
}

/// The people of the demo who are there, with their ids.
pub async fn people(desk: &Desk, tenant: TenantId) -> anyhow::Result<Vec<(String, PersonId, String)>> {
    let find = PeopleFind { limit: 100, ..PeopleFind::default() };
    let people = desk.people(&Actor::system_of(tenant), find).await?;
    Ok(people.into_iter().map(|person| (person.external, person.id, person.name)).collect())
}

async fn furnish(desk: &Desk, plugins: &(PluginHost, PluginId), tenant: TenantId) -> anyhow::Result<TenantId> {
    let demo = Demo { desk, tenant };
    let system = Actor::system_of(tenant);
    let it = CreateProject::new(tenant, "IT").name("IT support").workflow(Workflow::ITIL);
    let it = demo.act(&system, "project IT", it).await?;
    let web = demo.act(&system, "project WEB", CreateProject::new(tenant, "WEB").name("Website")).await?;
    let mut who = Vec::new();
    for (external, name, kind, role) in PEOPLE {
        let email = format!("{external}@example.com");
        let person = EnsurePerson::external(tenant, external, name).kind(kind).email(email);
        let person = demo.act(&system, &format!("person {external}"), person).await?;
        demo.act(&system, &format!("role of {external}"), GrantRole::new(role, person)).await?;
        who.push(person);
    }
    let [olga, mo, ana, ben, ravi, _, fay, finn] = who[..] else { anyhow::bail!("the demo has eight people") };
    let workplace = demo.group("Workplace", ana).await?;
    demo.group("Network", ben).await?;
    demo.group("Website", ana).await?;
    for project in [it, web] {
        for (name, colour) in TAGS {
            let tag = DefineTag { colour: colour.into(), ..DefineTag::new(project, name) };
            demo.act(&system, &format!("tag {name} of {project}"), tag).await?;
        }
    }
    triage::install(desk, plugins, tenant, &[it, web], RULES).await?;
    desk.store().position(plugins.0.name()).await?; // triage sees everything from here on
    demo.tickets(it, web, [ana, ben, ravi], workplace).await?;
    let cast = requests::Cast { olga, mo, ana, ben, ravi, fay, finn };
    demo.purchases(&cast).await?;
    demo.removal(&cast).await?;
    let board = CreateBoard::new(web, "Website").columns([
        NewColumn { colour: "#64748b".into(), ..NewColumn::new("To do", ["todo"]) },
        NewColumn { colour: "#1d4ed8".into(), limit: Some(3), ..NewColumn::new("Doing", ["in_progress", "review"]) },
        NewColumn { colour: "#15803d".into(), ..NewColumn::new("Done", ["done"]) },
    ]);
    demo.act(&system, "board of the website", board).await?;
    let done = EditTenant { name: Some(NAME.into()), ..EditTenant::default() };
    demo.act(&system, "finished", done).await?;
    Ok(tenant)
}

struct Demo<'a> {
    desk: &'a Desk,
    tenant: TenantId,
}

impl Demo<'_> {
    async fn act<C: Intent>(&self, by: &Actor, step: &str, command: C) -> anyhow::Result<C::Out> {
        let done = self.desk.act(by, command.keyed(format!("demo/{step}"))).await;
        Ok(done.with_context(|| format!("cannot set the demo up: {step}"))?.out)
    }

    async fn group(&self, name: &str, member: PersonId) -> anyhow::Result<GroupId> {
        let system = Actor::system_of(self.tenant);
        let group = CreateGroup::new(self.tenant, GroupKind::Team, name);
        let group = self.act(&system, &format!("group {name}"), group).await?;
        self.act(&system, &format!("member of {name}"), AddMember { group, person: member }).await?;
        Ok(group)
    }

    async fn tickets(
        &self,
        it: ProjectId,
        web: ProjectId,
        [ana, ben, ravi]: [PersonId; 3],
        workplace: GroupId,
    ) -> anyhow::Result<()> {
        let [agent, network, client] = [ana, ben, ravi].map(|person| Actor::person(self.tenant, person));
        let printer =
            self.open(&client, it, "Printer on the second floor jams", "Paper jam, every other page.").await?;
        self.act(&agent, "take the printer", Relate::assign(printer, [ana])).await?;
        self.act(&agent, "start the printer", MoveTo::new(printer, "start")).await?;
        self.act(&agent, "ask about the printer", Comment::public(printer, "Which tray do you print from?")).await?;
        self.act(&client, "answer about the printer", Comment::public(printer, "Tray 2.")).await?;
        self.act(&agent, "note on the printer", Comment::internal(printer, "The roller of tray 2 is worn out."))
            .await?;

        let vpn = self.open(&client, it, "VPN drops every hour", "Since Monday, always after an hour.").await?;
        self.act(&network, "take the VPN", Relate::assign(vpn, [ben])).await?;

        let login = self.open(&client, it, "Cannot log in after the holidays", "My password is refused.").await?;
        self.act(&agent, "take the login", Relate::assign(login, [ana])).await?;
        self.act(&agent, "start the login", MoveTo::new(login, "start")).await?;
        self.act(&agent, "reset the login", Comment::public(login, "I have sent you a new password.")).await?;
        self.act(&agent, "resolve the login", MoveTo::new(login, "resolve")).await?;

        let fields = Patch { group: Some(Some(workplace)), kind: Some(TicketType::Request), ..Patch::default() };
        let laptop = CreateTicket::new(it, "New laptop for Kim").requester(ravi).fields(fields);
        self.act(&agent, "ticket laptop", laptop).await?;

        let typo = self.open(&client, web, "Typo on the front page", "It says `Helpdesc`.").await?;
        self.act(&agent, "start the typo", MoveTo::new(typo, "start")).await?;
        self.open(&agent, web, "Show opening hours on the contact page", "").await?;
        Ok(())
    }

    async fn open(&self, by: &Actor, project: ProjectId, title: &str, text: &str) -> anyhow::Result<TicketId> {
        self.act(by, &format!("ticket {title}"), CreateTicket::new(project, title).description(text)).await
    }
}
