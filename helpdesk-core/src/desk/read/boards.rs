//! Boards as a viewer may see them: the cards in a column are the tickets in its states that the viewer may see, and no
//! others are counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, future};

use super::{COUNT_MAX, PAGE_MAX, Page, View, finding, views};
use crate::actor::Actor;
use crate::board::{Board, Column, Rank};
use crate::config::TenantConfig;
use crate::desk::Desk;
use crate::desk::cache::{ROUNDS, Standpoint};
use crate::desk::live::Live;
use crate::error::{ActError, Refusal};
use crate::event::{Cursor, Subject};
use crate::filter::{Cond, Filter, Order};
use crate::id::{BoardId, ColumnId, ProjectId, TicketId};
use crate::role::{Access, Permission};
use crate::store::{CardFind, CardFound, Count};

/// A card as a viewer may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardView {
    /// The ticket, with people and tags, without texts.
    pub view: View,
    /// Its place: what a page of cards continues after.
    pub rank: Rank,
    /// How many entries it has that the viewer may read.
    pub comments: u32,
}

/// Whether a project is known to somebody, so that its boards are: they see its tickets, or open some.
pub(super) fn sees(config: &TenantConfig, access: &Access, project: ProjectId) -> bool {
    let may = access.in_project(project);
    let there = config.projects.get(&project).is_some_and(|project| project.deleted_at.is_none());
    there && (may.has(Permission::TicketRead) || may.has(Permission::TicketCreate))
}

fn board(stand: &Standpoint, id: BoardId) -> Result<&Arc<Board>, Refusal> {
    let known = stand.config.boards.get(&id).filter(|board| board.deleted_at.is_none());
    let seen = known.filter(|board| sees(&stand.config, &stand.access, board.project));
    seen.ok_or_else(|| Refusal::not_found("board", id))
}

fn column(board: &Board, id: ColumnId) -> Result<&Column, Refusal> {
    board.column(id).ok_or_else(|| Refusal::not_found("column", id))
}

impl Desk {
    /// The boards of a project, in order of name, without deleted ones: those are in [`config`](Self::config).
    ///
    /// # Errors
    /// `NOT_FOUND` when the viewer may not see the project.
    pub async fn boards(&self, viewer: &Actor, project: ProjectId) -> Result<Vec<Arc<Board>>, ActError> {
        let (config, access) = self.fresh(viewer).await?;
        if !sees(&config, &access, project) {
            return Err(Refusal::not_found("project", project).into());
        }
        let here = |board: &&Arc<Board>| board.project == project && board.deleted_at.is_none();
        let mut boards: Vec<Arc<Board>> = config.boards.values().filter(here).cloned().collect();
        boards.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(boards)
    }

    /// A board with its columns.
    ///
    /// # Errors
    /// `NOT_FOUND` when it does not exist, is deleted, or its project is not the viewer's to see.
    pub async fn board(&self, viewer: &Actor, id: BoardId) -> Result<Arc<Board>, ActError> {
        let (config, access) = self.fresh(viewer).await?;
        Ok(board(&Standpoint { config, access }, id)?.clone())
    }

    /// One page of a column's cards, from the top: at most `first` (1 to 100), after the place of the last one seen.
    /// One read, and one more when some of them have parents.
    ///
    /// # Errors
    /// `NOT_FOUND` as for [`board`](Self::board), and when the board has no such column.
    pub async fn cards(
        &self,
        viewer: &Actor,
        id: BoardId,
        shown: ColumnId,
        first: u16,
        after: Option<Rank>,
    ) -> Result<Vec<CardView>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        if first == 0 || first > PAGE_MAX {
            return Err(Refusal::invalid("first", format!("is {first}, give 1 to {PAGE_MAX}")).into());
        }
        let mut stand = self.believed_standpoint(viewer, tenant).await?;
        for _ in 0..ROUNDS {
            let known = board(&stand, id).and_then(|board| Ok((board.tickets(), column(board, shown)?.states.clone())));
            let (filter, states) = known.clone().unwrap_or((Filter::None, vec![]));
            let find = finding(&stand, tenant, &filter, &Page::first(first));
            let find = CardFind { find, board: id, states, after: after.clone() };
            let (epoch, found) = self.store().cards(&find).await?;
            if epoch == stand.config.epoch {
                known?;
                return self.card_views(&stand, found).await;
            }
            // The policy moved on, and with it perhaps the board.
            stand = self.again(viewer, tenant, epoch).await?;
        }
        Err(ActError::Busy(ROUNDS))
    }

    async fn card_views(&self, stand: &Standpoint, found: Vec<CardFound>) -> Result<Vec<CardView>, ActError> {
        let mut places: BTreeMap<TicketId, (Rank, u32, u32)> = BTreeMap::new();
        let mut parts = Vec::with_capacity(found.len());
        for card in found {
            places.insert(card.parts.ticket.id, (card.rank, card.public, card.internal));
            parts.push(card.parts);
        }
        self.hide_parents(stand, stand.config.tenant.id, &mut parts).await?;
        let cards = views(stand, parts, Order::default())?.into_iter().filter_map(|view| {
            let (rank, public, internal) = places.remove(&view.case.ticket.id)?;
            let internal = if view.may.has(Permission::EntryInternal) { internal } else { 0 };
            Some(CardView { view, rank, comments: public + internal })
        });
        Ok(cards.collect())
    }

    /// How many cards stand in a column, counted up to 1,000: as many as [`cards`](Self::cards) lists.
    ///
    /// # Errors
    /// As for [`cards`](Self::cards).
    pub async fn count_cards(&self, viewer: &Actor, id: BoardId, shown: ColumnId) -> Result<Count, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let mut stand = self.believed_standpoint(viewer, tenant).await?;
        for _ in 0..ROUNDS {
            let filter = board(&stand, id).and_then(|board| Ok(board.cards([column(board, shown)?])));
            let find = finding(&stand, tenant, filter.as_ref().unwrap_or(&Filter::None), &Page::first(1));
            let (epoch, count) = self.store().count(&find, COUNT_MAX).await?;
            if epoch == stand.config.epoch {
                filter?;
                return Ok(count);
            }
            stand = self.again(viewer, tenant, epoch).await?;
        }
        Err(ActError::Busy(ROUNDS))
    }

    /// What happens on a board after `cursor`, and from then on: events of the tickets of its project, whether they are
    /// cards now or have ceased to be, of the board and of its cards; as [`subscribe`](Self::subscribe) shows them.
    ///
    /// # Errors
    /// As for [`board`](Self::board).
    pub async fn watch_board(
        &self,
        viewer: &Actor,
        id: BoardId,
        cursor: Cursor,
    ) -> Result<impl Stream<Item = Result<Live, ActError>> + Send + 'static + use<>, ActError> {
        let project = self.board(viewer, id).await?.project;
        let all = self.subscribe(viewer, Cond::Project(vec![project]).into(), cursor);
        let concerns = move |live: &Result<Live, ActError>| match live {
            Ok(Live::Event(event)) => match &event.subject {
                Subject::Board(board) | Subject::Card(board, _) => *board == id,
                _ => true,
            },
            Ok(Live::Caught(_)) | Err(_) => true,
        };
        Ok(all.filter(move |live| future::ready(concerns(live))))
    }
}
