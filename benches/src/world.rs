//! The world everything happens in: tenants with an agent and projects, made through the desk; then many tickets, cloned
//! from one that the desk made, see [`stock`](crate::stock).

use anyhow::Context;
use helpdesk_core::command::{Comment, CreateProject, CreateTicket, EnsurePerson, GrantRole, RegisterTenant};
use helpdesk_core::id::{PersonId, ProjectId, TenantId, TicketId};
use helpdesk_core::org::PersonKind;
use helpdesk_core::role::Role;
use helpdesk_core::workflow::Category;
use helpdesk_core::{Actor, Desk};
use uuid::Uuid;

/// Tenants, as in the minimal floor.
pub const TENANTS: u64 = 20;
/// Projects of each.
pub const PROJECTS: u64 = 5;
/// Tickets that share a number: one per project.
pub const LANES: u64 = TENANTS * PROJECTS;

/// A state of the kanban workflow, with the transition that leads there.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its id.
    pub state: &'static str,
    /// Its category.
    pub category: Category,
    /// The way there.
    pub transition: &'static str,
}

/// The columns of the board.
pub const COLUMNS: [Column; 4] = [
    Column { state: "todo", category: Category::New, transition: "back" },
    Column { state: "in_progress", category: Category::Open, transition: "start" },
    Column { state: "review", category: Category::Open, transition: "review" },
    Column { state: "done", category: Category::Closed, transition: "finish" },
];

/// Where the tickets of ten successive numbers stand, as indices of [`COLUMNS`]: most wait, so that lists are full.
pub const SPREAD: [u8; 10] = [0, 0, 0, 0, 0, 0, 0, 1, 2, 3];

/// A tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Who works there.
    pub agent: PersonId,
    /// Its projects with their keys, each with one ticket made through the desk.
    pub projects: Vec<(ProjectId, String, TicketId)>,
}

impl Tenant {
    /// The agent, acting.
    pub const fn actor(&self) -> Actor {
        Actor::person(self.id, self.agent)
    }
}

/// The world.
#[derive(Debug, Clone)]
pub struct World {
    /// Its tenants.
    pub tenants: Vec<Tenant>,
    /// How many tickets are in stock.
    pub tickets: u64,
}

/// Where the ticket in stock with ordinal `i` is: tenant and project as indices, and its number.
pub const fn place(i: u64) -> (usize, usize, i64) {
    ((i % TENANTS) as usize, (i / TENANTS % PROJECTS) as usize, 2 + (i / LANES) as i64)
}

/// The id of the ticket in stock with ordinal `i`.
pub const fn ticket(i: u64) -> Uuid {
    Uuid::from_u128((i as u128) << 80 | 0x7000_8000_0000_0000_0000)
}

/// Where it stands at first, as an index of [`COLUMNS`].
pub const fn column(i: u64) -> u8 {
    SPREAD[(i / LANES) as usize % SPREAD.len()]
}

impl World {
    /// Makes tenants, agents, projects and one ticket with one comment in each project.
    pub async fn furnish(desk: &Desk, tickets: u64) -> anyhow::Result<Self> {
        let root = Actor::system();
        let mut tenants = Vec::new();
        for t in 1..=TENANTS {
            let id = desk.act(&root, RegisterTenant::new(format!("tenant-{t}"), format!("Tenant {t}"))).await?.out;
            let root = Actor::system_of(id);
            let ensure = EnsurePerson::external(id, "users/7", "Ana Agent").kind(PersonKind::Staff);
            let agent = desk.act(&root, ensure).await?.out;
            desk.act(&root, GrantRole::new(Role::Agent, agent)).await?;
            let mut projects = Vec::new();
            for p in 1..=PROJECTS {
                let key = format!("P{p}");
                let create = CreateProject::new(id, &key).name(format!("Project {p}")).workflow("kanban");
                let project = desk.act(&root, create).await?.out;
                let create = CreateTicket::new(project, crate::step::TITLE).description(crate::step::DESCRIPTION);
                let by = Actor::person(id, agent);
                let first = desk.act(&by, create).await.context("the first ticket of a project")?.out;
                desk.act(&by, Comment::public(first, crate::step::BODY)).await?;
                projects.push((project, key, first));
            }
            tenants.push(Tenant { id, agent, projects });
        }
        Ok(Self { tenants, tickets })
    }
}
