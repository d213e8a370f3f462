//! Moving cards: into another column by a transition, and to a place among the others.
//!
//! A place is next to a neighbour, or the end of the board; the order is the board's, and a column's is that of the board.
//! The new rank lies between the neighbour's and whatever comes next: another card, or the own place of a ticket that has
//! none (whether there is such a ticket does not matter, so nobody looks). When many cards were put at one place ranks grow
//! long; then those around it are spread anew in the same commit, which changes no order.
//!
//! Movers at one place: the card next to it counts a version, so that of two who saw the same surroundings one decides
//! again. Ranks are unique besides.

use super::model::{Board, Card, Column};
use super::rank::Rank;
use crate::case::Case;
use crate::command::{MoveCard, MoveTo};
use crate::error::{Refusal, WorkflowRefusal};
use crate::event::{CardMoved, Subject};
use crate::id::TicketId;
use crate::role::Permission;
use crate::scene::{Ctx, Decision, Scene};
use crate::store::{Row, Write};
use crate::ticket::decide::{live, require};

/// Cards that are loaded on either side of a place.
pub const NEAR: u16 = 2;
/// The same, when ranks have grown long.
pub const WIDE: u16 = 1024;
/// The longest rank, in characters, that is given without spreading those around it.
pub const LONG: usize = 48;
/// What spreading strives for: the least number of cards with which it comes to this.
const SHORT: usize = 30;

/// Moves a card.
///
/// Refused: `NOT_FOUND` for a board, column, ticket or neighbour that is not there for the actor, and for a ticket that is
/// no card of the board; what the transition refuses; `TRANSITION_NOT_ALLOWED` when none leads into the column.
pub fn move_card(scene: &Scene, ask: &MoveCard, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let board = super::decide::seen(scene, ask.board, ctx)?;
    let case = live(scene, ask.ticket, ctx)?;
    let column = board.column(ask.column).ok_or_else(|| Refusal::not_found("column", ask.column))?;
    if !is_card(board, case, ctx) {
        return Err(Refusal::not_found("card", ask.ticket));
    }
    let spot = spot(scene, board, ask, ctx)?;
    let stays = column.states.contains(&case.ticket.state) && ask.transition.is_none();
    let mut decision = if stays {
        require(ctx, case, Permission::TicketEdit)?;
        if !ask.fields.fields().is_empty() {
            let message = "are set with a transition, and this moves none; edit the ticket instead";
            return Err(Refusal::invalid("fields", message));
        }
        Decision::default()
    } else {
        cross(scene, case, column, ask, ctx)?
    };
    if let Some((rank, writes)) = put(scene, board, case, &spot, ctx) {
        let event =
            CardMoved { board: board.id, ticket: ask.ticket, column: column.id, rank: rank.as_str().to_owned() };
        decision.events.insert(0, (Subject::Card(board.id, ask.ticket), event.into()));
        decision.writes.extend(writes);
    }
    Ok(decision)
}

/// Whether the ticket is on the board, whoever may see it.
pub(crate) fn is_card(board: &Board, case: &Case, ctx: &Ctx<'_>) -> bool {
    let shown = board.cards(board.live()).bind(ctx.access.person());
    shown.matches(case, &[], false)
}

/// Takes a transition into the column: the one asked for, else the first that can be taken.
fn cross(
    scene: &Scene,
    case: &Case,
    column: &Column,
    ask: &MoveCard,
    ctx: &mut Ctx<'_>,
) -> Result<Decision, Refusal> {
    let state = &case.ticket.state;
    let ways = case.workflow.exits(state).filter(|transition| column.states.contains(&transition.to));
    let ways = ways.map(|transition| transition.id.as_str());
    let asked = |id: &&str| ask.transition.as_deref().is_none_or(|asked| asked == *id);
    let ways: Vec<&str> = ways.filter(asked).collect();
    let shut = |reasons: Vec<String>| -> Refusal {
        WorkflowRefusal::Shut { column: column.title.clone(), state: state.clone(), reasons }.into()
    };
    if ways.is_empty() {
        let named = ask.transition.iter().map(|id| id.chars().take(64).collect::<String>());
        let open: Vec<&str> = case.workflow.exits(state).map(|transition| transition.id.as_str()).collect();
        let named = named.map(|id| format!("`{id}` does not lead there"));
        return Err(shut(named.chain([format!("one can take: {}", open.join(", "))]).collect()));
    }
    let mut refused: Vec<(&str, Refusal)> = Vec::new();
    for way in ways {
        let mint = ctx.mint.clone();
        let fields = ask.fields.clone();
        match crate::workflow::decide::move_to(scene, &MoveTo { fields, ..MoveTo::new(ask.ticket, way) }, ctx) {
            Ok(decision) => return Ok(decision),
            Err(refusal) => refused.push((way, refusal)),
        }
        ctx.mint = mint;
    }
    let code = refused[0].1.code();
    let alike = refused.iter().all(|(_, refusal)| refusal.code() == code);
    if refused.len() == 1 || (alike && matches!(code, "FORBIDDEN" | "FIELD_INVALID")) {
        return Err(refused.remove(0).1);
    }
    Err(shut(refused.into_iter().map(|(way, refusal)| format!("`{way}`: {refusal}")).collect()))
}

/// Where a card shall stand.
enum Spot {
    Above(Rank),
    Below(Rank),
    End,
}

fn spot(scene: &Scene, board: &Board, ask: &MoveCard, ctx: &Ctx<'_>) -> Result<Spot, Refusal> {
    let (beside, above) = match (ask.before, ask.after) {
        (None, None) => return Ok(Spot::End),
        (Some(before), None) => (before, true),
        (None, Some(after)) => (after, false),
        (Some(_), Some(_)) => return Err(Refusal::invalid("after", "goes without `before`; give one neighbour")),
    };
    if beside == ask.ticket {
        let field = if above { "before" } else { "after" };
        return Err(Refusal::invalid(field, "is the card itself; name a neighbour"));
    }
    let neighbour = live(scene, beside, ctx)?;
    if neighbour.ticket.project != board.project {
        return Err(Refusal::not_found("card", beside));
    }
    let rank = rank(scene, neighbour);
    Ok(if above { Spot::Above(rank) } else { Spot::Below(rank) })
}

/// Where a ticket stands.
fn rank(scene: &Scene, case: &Case) -> Rank {
    card(scene, case.ticket.id).map_or_else(|| Rank::of(case.ticket.number), |card| card.rank.clone())
}

fn card(scene: &Scene, ticket: TicketId) -> Option<&Card> {
    scene.place.cards.iter().find(|card| card.ticket == ticket)
}

/// The new rank with the rows to write; none when the card stands there already.
fn put(scene: &Scene, board: &Board, case: &Case, spot: &Spot, ctx: &mut Ctx<'_>) -> Option<(Rank, Vec<Write>)> {
    let own = card(scene, case.ticket.id);
    let mut others: Vec<&Card> = scene.place.cards.iter().filter(|card| card.ticket != case.ticket.id).collect();
    others.sort_unstable_by(|a, b| a.rank.cmp(&b.rank));
    let (low, high) = match spot {
        Spot::Below(rank) => {
            let next = others.iter().map(|card| &card.rank).find(|next| *next > rank);
            (rank.clone(), next.cloned().map_or(rank.ceiling(), |next| next.min(rank.ceiling())))
        }
        Spot::Above(rank) => {
            let whole = Rank::of(rank.number());
            let floor = if whole == *rank { Rank::of(rank.number() - 1) } else { whole };
            let last = others.iter().map(|card| &card.rank).rev().find(|last| *last < rank);
            (last.cloned().map_or(floor.clone(), |last| last.max(floor)), rank.clone())
        }
        Spot::End => {
            let own_place = Rank::of(scene.place.last);
            let low = others.last().map_or(own_place.clone(), |last| last.rank.clone().max(own_place));
            let high = low.ceiling();
            (low, high)
        }
    };
    let stands = own.map_or_else(|| Rank::of(case.ticket.number), |own| own.rank.clone());
    if low <= stands && stands <= high {
        return None;
    }
    let gap = (Rank::of(low.number()), Rank::of(low.number() + 1));
    others.retain(|card| card.rank > gap.0 && card.rank < gap.1);
    let at = others.partition_point(|card| card.rank <= low);
    let (below, above) = others.split_at(at);
    let mut rank = Rank::between(&low, &high);
    let mut writes = Vec::new();
    let crowded = rank.as_str().len() > LONG;
    if crowded && scene.place.reach >= WIDE {
        let reach = usize::from(scene.place.reach);
        rank = spread(below, above, gap, own, reach, &mut writes);
    } else {
        ctx.wants.cards |= crowded;
        let beside = below.last().or(above.first()).copied();
        writes.extend(beside.map(|card| change(card, card.rank.clone())));
    }
    let card = Card { tenant: scene.tenant, board: board.id, ticket: case.ticket.id, rank: rank.clone(), version: 1 };
    writes.push(match own {
        Some(own) => change(own, rank.clone()),
        None => Write { before: None, after: Some(Row::Card(card)) },
    });
    Some((rank, writes))
}

fn change(card: &Card, rank: Rank) -> Write {
    let after = Card { rank, version: card.version + 1, ..card.clone() };
    Write { before: Some(Row::Card(card.clone())), after: Some(Row::Card(after)) }
}

/// Spreads the cards around a place anew, as few as will do, and gives the place itself.
fn spread(
    below: &[&Card],
    above: &[&Card],
    gap: (Rank, Rank),
    own: Option<&Card>,
    reach: usize,
    writes: &mut Vec<Write>,
) -> Rank {
    let mut many = 8;
    loop {
        many = (many * 2).min(reach - 1);
        let (low, high) = (below.len().saturating_sub(many), above.len().min(many));
        let floor = low.checked_sub(1).map(|at| below[at]);
        let from = floor.map_or(&gap.0, |card| &card.rank);
        let upto = above.get(high).map_or(&gap.1, |card| &card.rank);
        let around: Vec<&Card> = below[low..].iter().chain(&above[..high]).copied().collect();
        // Rows change one after the other: no new rank may be one that another card still has.
        let taken = |rank: &Rank| around.iter().copied().chain(own).any(|card| card.rank == *rank);
        let mut free = Rank::spread(from, upto, 2 * (around.len() + 2));
        free.retain(|rank| !taken(rank));
        let count = around.len() + 1;
        let mut ranks: Vec<Rank> = (0..count).map(|i| free[i * free.len() / count].clone()).collect();
        let longest = ranks.iter().map(|rank| rank.as_str().len()).max().unwrap_or_default();
        if longest > SHORT && many < reach - 1 && (low > 0 || high < above.len()) {
            continue;
        }
        let place = ranks.remove(below.len() - low);
        writes.extend(around.into_iter().zip(ranks).map(|(card, rank)| change(card, rank)));
        // Whoever puts a card in below the lowest of them saw this one.
        writes.extend(floor.map(|card| change(card, card.rank.clone())));
        return place;
    }
}
