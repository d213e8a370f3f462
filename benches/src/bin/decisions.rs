//! `cargo xtask bench decisions`: what the pure decisions cost, and how little the number of grants and groups matters.
//! One thread; nothing but memory; the median of rounds.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use helpdesk_benches::drive::median;
use helpdesk_core::approval::TemplateDefinition;
use helpdesk_core::command::{
    AddMember, Command, CreateGroup, CreateProject, CreateTicket, DecideApproval, EnsurePerson, GrantRole,
    PublishTemplate, RegisterTenant, RequestApproval,
};
use helpdesk_core::config::TenantConfig;
use helpdesk_core::decide::decide;
use helpdesk_core::id::{ApprovalId, CommandId, GroupId, Mint, TenantId, TicketId};
use helpdesk_core::org::{GroupKind, PersonKind};
use helpdesk_core::role::{Access, Permission, Role};
use helpdesk_core::scene::{Ctx, Drawn, Scene, Turns, settle};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::workflow::effects::Wants;
use helpdesk_core::workflow::exits::{Asker, available};
use helpdesk_core::{Actor, Desk, Timestamp};
use serde_json::json;

#[derive(Parser)]
#[command(about = "What pure decisions cost")]
struct Options {
    /// Calls in a round
    #[arg(long, default_value_t = 20_000)]
    calls: u32,
    /// Rounds; the median counts
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// The most that many grants and groups may cost, as a multiple of few.
const WANTED: f64 = 2.0;

/// Somebody with so many grants in so many groups, and a ticket they are asked to approve.
struct Ground {
    tenant: TenantId,
    actor: Actor,
    config: Arc<TenantConfig>,
    access: Access,
    case: Arc<helpdesk_core::case::Case>,
    ticket: TicketId,
    approval: ApprovalId,
    now: Timestamp,
}

impl Ground {
    async fn lay(grants: usize, groups: usize) -> anyhow::Result<Self> {
        let store = SqliteStore::memory().await?;
        store.migrate().await?;
        let desk = Desk::builder(store).build().await?;
        let tenant = desk.act(&Actor::system(), RegisterTenant::new("decisions", "Decisions")).await?.out;
        let host = Actor::system_of(tenant);
        let person = EnsurePerson::external(tenant, "ana", "Ana").kind(PersonKind::Staff);
        let person = desk.act(&host, person).await?.out;
        let mut first = None;
        for n in 0..grants {
            let project = desk.act(&host, CreateProject::new(tenant, format!("P{n}"))).await?.out;
            first = first.or(Some(project));
            desk.act(&host, GrantRole::new(Role::Agent, person).on(project)).await?;
        }
        let mut last: Option<GroupId> = None;
        for n in 0..groups {
            let group = CreateGroup::new(tenant, GroupKind::Team, format!("Group {n}"));
            let group = desk.act(&host, group).await?.out;
            desk.act(&host, AddMember { group, person }).await?;
            last = Some(group);
        }
        let project = first.context("at least one grant")?;
        let group = last.context("at least one group")?;
        let text = format!(
            "key = \"two\"\nname = \"Two\"\n[[steps]]\nkey = \"one\"\nname = \"One\"\nrule = \"any\"\nask = [{{ group = \"{group}\" }}]"
        );
        desk.act(&host, PublishTemplate { tenant, definition: TemplateDefinition::from_toml(&text)? }).await?;
        let ticket = desk.act(&host, CreateTicket::new(project, "A chair")).await?.out;
        let approval = desk.act(&host, RequestApproval::new(ticket, "two")).await?.out;
        let actor = Actor::person(tenant, person);
        let mut case = desk.ticket(&actor, ticket).await?.case;
        case.approvals = Some(desk.approvals(&actor, ticket).await?);
        let config = desk.config(&actor).await?;
        let (_, standing) = desk.store().standing(&actor).await?;
        let now = desk.clock().now();
        let access = Access::compile(&actor, standing.person.as_ref(), &standing.grants, &config, now);
        desk.close().await;
        Ok(Self { tenant, actor, config, access, case: Arc::new(case), ticket, approval, now })
    }

    fn may(&self) -> bool {
        self.access.on(&*self.case).has(Permission::TicketMove)
    }

    fn exits(&self) -> bool {
        let may = self.access.on(&*self.case);
        let exits =
            available(&self.case, Asker { may, person: self.access.person(), children_ended: None, reasoned: false });
        exits.iter().any(helpdesk_core::workflow::exits::Exit::open)
    }

    fn approve(&self) -> bool {
        let mut scene = Scene::new(self.tenant, self.config.clone(), [self.case.clone()]);
        let mut ctx = Ctx {
            actor: &self.actor,
            by: self.actor.author(),
            access: &self.access,
            now: self.now,
            at: self.now,
            mint: Mint::new(CommandId::NIL),
            numbers: Drawn::default(),
            turns: Turns::default(),
            wants: Wants::default(),
        };
        let command: Command = DecideApproval::approve(self.ticket, self.approval).into();
        let decided = decide(&scene, &command, &mut ctx).and_then(|decision| settle(&mut scene, decision, &mut ctx));
        decided.is_ok() && !scene.is_still()
    }
}

/// Nanoseconds of one call.
fn time(options: &Options, what: impl Fn() -> bool) -> anyhow::Result<f64> {
    let mut rounds = Vec::with_capacity(options.rounds);
    for _ in 0..options.rounds {
        let begun = Instant::now();
        let mut held = 0;
        for _ in 0..options.calls {
            held += u32::from(std::hint::black_box(what()));
        }
        anyhow::ensure!(held == options.calls, "a decision came out otherwise");
        rounds.push(begun.elapsed().as_secs_f64() * 1e9 / f64::from(options.calls));
    }
    Ok(median(&mut rounds))
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let few = runtime.block_on(Ground::lay(5, 5))?;
    let many = runtime.block_on(Ground::lay(200, 500))?;
    println!("{:<22} {:>12} {:>14} {:>8}", "decision", "5 / 5 ns", "200 / 500 ns", "ratio");
    let mut lines = vec![];
    type Decision = fn(&Ground) -> bool;
    let decisions: [(&str, Decision); 3] =
        [("may", Ground::may), ("available_transitions", Ground::exits), ("approve", Ground::approve)];
    for (name, decision) in decisions {
        let (one, other) = (time(&options, || decision(&few))?, time(&options, || decision(&many))?);
        let ratio = other / one;
        let judged = if ratio <= WANTED { "ok" } else { "NO" };
        println!("{name:<22} {one:>12.0} {other:>14.0} {ratio:>8.2} {WANTED:.1} wanted at most: {judged}");
        lines.push(json!({ "decision": name, "few_ns": one.round(), "many_ns": other.round(), "ratio": ratio }));
    }
    if options.json {
        println!("{}", json!({ "decisions": lines }));
    }
    Ok(())
}
