//! Contestant (c): the desk.

use std::sync::Arc;

use anyhow::Context;
use helpdesk_core::command::{Comment, CreateTicket, MoveTo};
use helpdesk_core::desk::read::Page;
use helpdesk_core::filter::build::{project, state};
use helpdesk_core::id::TicketId;
use helpdesk_core::store::Which;
use helpdesk_core::{Asking, Desk};

use crate::drive::Contestant;
use crate::step::{BODY, DESCRIPTION, PAGE, Step, TITLE, What};
use crate::world::{COLUMNS, World, place, ticket};

/// A desk and the world it keeps.
pub struct Served {
    /// The desk.
    pub desk: Desk,
    /// The world.
    pub world: Arc<World>,
}

impl Contestant for Served {
    async fn take(&self, step: &Step) -> anyhow::Result<()> {
        let tenant = |t: usize| &self.world.tenants[t];
        let known = |i: u64| (tenant(place(i).0).actor(), TicketId::from(ticket(i)));
        match step.what {
            What::Create(t, p) => {
                let create = CreateTicket::new(tenant(t).projects[p].0, TITLE).description(DESCRIPTION);
                self.desk.act(&tenant(t).actor(), create.with_id(step.id)).await?;
            }
            What::Move(i, _, to) => {
                let (agent, ticket) = known(i);
                self.desk.act(&agent, MoveTo::new(ticket, COLUMNS[to].transition).with_id(step.id)).await?;
            }
            What::Comment(i) => {
                let (agent, ticket) = known(i);
                self.desk.act(&agent, Comment::public(ticket, BODY).with_id(step.id)).await?;
            }
            What::Get(i) => {
                let (t, p, number) = place(i);
                let which = Which::Key(tenant(t).projects[p].1.clone(), number);
                let view = self.desk.ticket(&tenant(t).actor(), which).await?;
                anyhow::ensure!(view.case.ticket.number == number, "another ticket was read");
            }
            What::List(t, p) => {
                let waits = project().is(tenant(t).projects[p].0).and(state().is(COLUMNS[0].state.to_owned()));
                let views = self.desk.tickets(&tenant(t).actor(), &waits, Page::first(PAGE)).await?;
                std::hint::black_box(views.last().context("a list is empty")?.key.as_str());
            }
        }
        Ok(())
    }
}
