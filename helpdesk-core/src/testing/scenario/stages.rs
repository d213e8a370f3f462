//! The two levels of the core: pure, and through a desk over any database.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::stage::{Acted, Look, Picture, Refused, Seen, Stage};
use crate::actor::Actor;
use crate::board::{Board, Rank};
use crate::case::Case;
use crate::command::{Ask, Command};
use crate::desk::Desk;
use crate::desk::read::Page;
use crate::error::Refusal;
use crate::event::{Event, Subject};
use crate::filter::{Order, SortBy};
use crate::id::{BoardId, ColumnId, TicketId};
use crate::role::{Permission, Permissions};
use crate::store::PeopleFind;
use crate::testing::{Chance, ManualClock, Model};
use crate::ticket::EntryVisibility;
use crate::time::Clock;
use crate::workflow::exits::{Asker, available};

/// Scene, decide and settle without any database. Shows no lists, keeps no idempotency keys.
pub struct PureStage {
    model: Model,
    clock: ManualClock,
    chance: Chance,
}

impl Default for PureStage {
    fn default() -> Self {
        Self { model: Model::default(), clock: ManualClock::default(), chance: Chance::new(0) }
    }
}

impl PureStage {
    /// The case as `viewer` may see it.
    fn case(&self, viewer: &Actor, id: TicketId) -> Result<(String, Case, Permissions), Refusal> {
        let unknown = || Refusal::not_found("ticket", id);
        let tenant = viewer.tenant().ok_or(Refusal::NoTenant)?;
        let access = self.model.access(viewer, tenant, self.clock.now())?;
        let rows = self.model.rows(tenant).ok_or_else(unknown)?;
        let mut case = Case::clone(rows.cases.get(&id).ok_or_else(unknown)?);
        let may = access.on(&case);
        let gone = case.ticket.deleted_at.is_some() && !may.has(Permission::TicketDelete);
        if gone || !may.has(Permission::TicketRead) {
            return Err(unknown());
        }
        case.ticket.parent = case.ticket.parent.filter(|parent| {
            let parent = rows.cases.get(parent);
            parent.is_some_and(|parent| access.on(&**parent).has(Permission::TicketRead))
        });
        case.entries.retain(|entry| {
            let open = entry.visibility == EntryVisibility::Public || may.has(Permission::EntryInternal);
            open && entry.deleted_at.is_none()
        });
        let key = rows.config.projects.get(&case.ticket.project).map_or("?", |project| project.key.as_str());
        Ok((format!("{key}-{}", case.ticket.number), case, may))
    }

    fn board(&self, viewer: &Actor, id: BoardId) -> Result<&Board, Refusal> {
        let tenant = viewer.tenant().ok_or(Refusal::NoTenant)?;
        let access = self.model.access(viewer, tenant, self.clock.now())?;
        let config = self.model.rows(tenant).map(|rows| &rows.config);
        let board = config.and_then(|config| config.boards.get(&id)).filter(|board| board.deleted_at.is_none());
        let seen = board.filter(|board| {
            let may = access.in_project(board.project);
            may.has(Permission::TicketRead) || may.has(Permission::TicketCreate)
        });
        seen.map(|board| &**board).ok_or_else(|| Refusal::not_found("board", id))
    }

    /// The cards of a column as `viewer` may see them, in order.
    fn cards(&self, viewer: &Actor, id: BoardId, column: ColumnId) -> Result<Vec<Case>, Refusal> {
        let board = self.board(viewer, id)?;
        let column = board.column(column).ok_or_else(|| Refusal::not_found("column", column))?;
        let filter = board.cards([column]).bind(viewer.person_id());
        let Some(rows) = viewer.tenant().and_then(|tenant| self.model.rows(tenant)) else { return Ok(vec![]) };
        let shown = rows.cases.keys().filter_map(|id| Some(self.case(viewer, *id).ok()?.1));
        let mut cards: Vec<Case> = shown.filter(|case| filter.matches(case, &[], false)).collect();
        cards.sort_by_key(|case| {
            let card = rows.cards.get(&(id, case.ticket.id));
            card.map_or_else(|| Rank::of(case.ticket.number), |card| card.rank.clone())
        });
        Ok(cards)
    }

    fn seen(&self, viewer: &Actor, look: &Look) -> Result<Seen, Refusal> {
        Ok(match look {
            Look::Ticket(id) => {
                let (key, case, _) = self.case(viewer, *id)?;
                Seen::Ticket(Picture::of(&key, &case))
            }
            Look::Entries(id) => {
                let (_, case, _) = self.case(viewer, *id)?;
                Seen::Entries(case.entries.into_iter().map(|entry| (entry.id, entry.body)).collect())
            }
            Look::Exits(id) => {
                let (_, case, may) = self.case(viewer, *id)?;
                let under = |other: &&std::sync::Arc<Case>| {
                    other.ticket.parent == Some(*id)
                        && !other.ticket.category.ended()
                        && other.ticket.deleted_at.is_none()
                        && self.case(viewer, other.ticket.id).is_ok()
                };
                let rows = viewer.tenant().and_then(|tenant| self.model.rows(tenant));
                let ended = rows.map(|rows| !rows.cases.values().any(|other| under(&other)));
                let asker = Asker { may, person: viewer.person_id(), children_ended: ended, reasoned: false };
                Seen::Exits(
                    available(&case, asker).into_iter().map(|exit| (exit.transition.id.clone(), exit.open())).collect(),
                )
            }
            Look::Latest(id, template) => {
                let (_, case, _) = self.case(viewer, *id)?;
                let latest = case.approvals.as_ref().and_then(|all| all.latest(template));
                Seen::Approval(latest.ok_or_else(|| Refusal::not_found("approval", template))?.id)
            }
            Look::Approvals(id) => {
                let (_, case, _) = self.case(viewer, *id)?;
                Seen::approvals(&case.approvals.unwrap_or_default())
            }
            Look::Board(id) => Seen::columns(self.board(viewer, *id)?),
            Look::Cards(board, column) => {
                Seen::Cards(self.cards(viewer, *board, *column)?.into_iter().map(|case| case.ticket.id).collect())
            }
            Look::Comments(board, column) => {
                let cards = self.cards(viewer, *board, *column)?;
                Seen::Words(cards.into_iter().map(|case| case.entries.len().to_string()).collect())
            }
            Look::Links(id) => {
                self.case(viewer, *id)?;
                let rows = viewer.tenant().and_then(|tenant| self.model.rows(tenant));
                let links = rows.map_or_else(Vec::new, |rows| rows.links_of(*id));
                let ends = links.iter().filter_map(|link| link.seen_from(*id));
                Seen::Links(ends.filter(|(_, other)| self.case(viewer, *other).is_ok()).collect())
            }
            Look::History(id) => {
                let (_, _, may) = self.case(viewer, *id)?;
                let rows = viewer.tenant().and_then(|tenant| self.model.rows(tenant));
                let events = rows.into_iter().flat_map(|rows| &rows.events);
                let shown = events.filter(|event| {
                    // A creation or an edit is told without its parent.
                    let told = matches!(event.event, Event::TicketCreated(_) | Event::TicketEdited(_));
                    let mut others = event.event.other_tickets().into_iter();
                    event.subject == Subject::Ticket(*id)
                        && (!event.internal || may.has(Permission::EntryInternal))
                        && (told || others.all(|other| self.case(viewer, other).is_ok()))
                });
                Seen::History(shown.map(|event| event.event.kind().to_owned()).collect())
            }
            Look::Why(who, permission, id) => {
                let (_, case, _) = self.case(viewer, *id)?;
                Seen::why(&self.model.explain(viewer, who, *permission, &case, self.clock.now())?)
            }
            // Enough to find a ticket; what lists show is for levels that have a database.
            Look::List(filter) => {
                let rows = viewer.tenant().and_then(|tenant| self.model.rows(tenant));
                let all = rows.into_iter().flat_map(|rows| rows.cases.values());
                let found = all.filter(|case| filter.matches(&***case, &[], false));
                let ids = found.map(|case| case.ticket.id).filter(|id| self.case(viewer, *id).is_ok());
                Seen::List(ids.collect())
            }
            Look::Count(_) | Look::People(_) | Look::Holders(..) | Look::Inbox | Look::Forecast(..) => {
                return Err(Refusal::not_found("list", "any"));
            }
        })
    }
}

impl Stage for PureStage {
    fn level(&self) -> &'static str {
        "pure core"
    }
    fn clock(&self) -> ManualClock {
        self.clock.clone()
    }
    fn shows(&self, look: &Look) -> bool {
        !matches!(
            look,
            Look::List(_) | Look::Count(_) | Look::People(_) | Look::Holders(..) | Look::Inbox | Look::Forecast(..)
        )
    }
    fn keeps_keys(&self) -> bool {
        false
    }
    fn act<'a>(&'a mut self, by: &'a Actor, ask: Ask<Command>) -> BoxFuture<'a, Result<Acted, Refused>> {
        let now = self.clock.now();
        let id = ask.id.unwrap_or_else(|| self.chance.uuid(now.millis()).into());
        let done = self.model.act(by, &ask, id, now).map_err(Refused::from);
        let acted =
            done.map(|done| Acted { made: done.made, version: Some(done.version), changed: Some(done.changed) });
        async move { acted }.boxed()
    }
    fn see<'a>(&'a mut self, viewer: &'a Actor, look: &'a Look) -> BoxFuture<'a, Result<Seen, Refused>> {
        let seen = self.seen(viewer, look).map_err(Refused::from);
        async move { seen }.boxed()
    }
}

/// A desk over a database.
pub struct DeskStage {
    desk: Desk,
    clock: ManualClock,
    level: &'static str,
}

impl DeskStage {
    /// Over `desk`, which goes by `clock`.
    pub fn new(level: &'static str, desk: Desk, clock: ManualClock) -> Self {
        Self { desk, clock, level }
    }

    async fn seen(&self, viewer: &Actor, look: &Look) -> Result<Seen, Refused> {
        let desk = &self.desk;
        Ok(match look {
            Look::Ticket(id) => {
                let view = desk.ticket(viewer, *id).await?;
                Seen::Ticket(Picture::of(&view.key, &view.case))
            }
            Look::List(filter) => {
                let page = Page::first(100).order(Order { by: SortBy::Number, descending: false });
                let views = desk.tickets(viewer, filter, page).await?;
                Seen::List(views.into_iter().map(|view| view.case.ticket.id).collect())
            }
            Look::Count(filter) => Seen::Count(desk.count(viewer, filter).await?.value),
            Look::History(id) => {
                let events = desk.timeline(viewer, *id, 0, 500).await?;
                Seen::History(events.into_iter().map(|event| event.event.kind().to_owned()).collect())
            }
            Look::Board(id) => Seen::columns(&*desk.board(viewer, *id).await?),
            Look::Cards(board, column) => {
                let cards = desk.cards(viewer, *board, *column, 100, None).await?;
                let count = desk.count_cards(viewer, *board, *column).await?;
                assert_eq!((count.value as usize, count.exact), (cards.len(), true), "cards are counted as listed");
                Seen::Cards(cards.into_iter().map(|card| card.view.case.ticket.id).collect())
            }
            Look::Comments(board, column) => {
                let cards = desk.cards(viewer, *board, *column, 100, None).await?;
                Seen::Words(cards.into_iter().map(|card| card.comments.to_string()).collect())
            }
            Look::Links(id) => {
                let links = desk.links(viewer, *id).await?;
                Seen::Links(links.iter().map(crate::desk::read::Linked::place).collect())
            }
            Look::Entries(id) => {
                let entries = desk.entries(viewer, *id, None, 100).await?;
                Seen::Entries(entries.into_iter().map(|entry| (entry.id, entry.body)).collect())
            }
            Look::Exits(id) => {
                let exits = desk.exits(viewer, *id).await?.into_iter();
                Seen::Exits(exits.map(|exit| (exit.transition.id.clone(), exit.open())).collect())
            }
            Look::Latest(id, template) => {
                let all = desk.approvals(viewer, *id).await?;
                Seen::Approval(all.latest(template).ok_or_else(|| Refusal::not_found("approval", template))?.id)
            }
            Look::Approvals(id) => Seen::approvals(&desk.approvals(viewer, *id).await?),
            Look::Inbox => {
                let items = desk.inbox(viewer, 100, None).await?.into_iter();
                Seen::Told(
                    items
                        .map(|item| {
                            let whose = item.on_behalf_of.map(|person| format!("/{person}")).unwrap_or_default();
                            format!("{}/{}{whose}", item.slot.ticket, item.step.key)
                        })
                        .collect(),
                )
            }
            Look::Forecast(id, template) => Seen::forecast(&desk.simulate_approval(viewer, *id, template).await?),
            Look::Why(who, permission, id) => Seen::why(&desk.explain(viewer, who, *permission, *id).await?),
            Look::Holders(role, scope) => {
                let holders = desk.holders(viewer, role, *scope).await?;
                Seen::People(holders.people.into_iter().map(|(person, _)| person.id).collect())
            }
            Look::People(text) => {
                let find = PeopleFind { search: text.clone(), limit: 100, ..PeopleFind::default() };
                let people = desk.people(viewer, find).await?;
                Seen::People(people.into_iter().map(|person| person.id).collect())
            }
        })
    }
}

impl Stage for DeskStage {
    fn level(&self) -> &'static str {
        self.level
    }
    fn clock(&self) -> ManualClock {
        self.clock.clone()
    }
    fn act<'a>(&'a mut self, by: &'a Actor, ask: Ask<Command>) -> BoxFuture<'a, Result<Acted, Refused>> {
        async move {
            let done = self.desk.act_any(by, ask).await?;
            Ok(Acted { made: done.out, version: Some(done.version), changed: Some(done.changed) })
        }
        .boxed()
    }
    fn see<'a>(&'a mut self, viewer: &'a Actor, look: &'a Look) -> BoxFuture<'a, Result<Seen, Refused>> {
        self.seen(viewer, look).boxed()
    }
}
