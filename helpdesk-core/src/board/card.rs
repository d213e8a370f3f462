//! Moving cards: into another column by a transition, and to a place among the others.
//!
//! A place is next to a neighbour, or the end of the board; the order is the board's, and a column's is that of the board.
//! The new rank lies between the neighbour's and whatever comes next: another card, or the own place of a ticket that has
//! none (whether there is such a ticket does not matter, so nobody looks). When many cards were put at one place ranks grow
//! long; then those around it are spread anew in the same commit, which changes no order.
//!
//! Movers at one place: each chooses a rank a little by chance, so that both can be right, and ranks are unique. Where ranks
//! are long enough to be spread soon, the card next to the place counts a version, so that of two who saw the same
//! surroundings one decides again.

use std::collections::BTreeSet;

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
/// What spreading strives for: the least number of cards with which it comes to this. Also: nothing is spread where a new
/// rank is not longer.
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
fn cross(scene: &Scene, case: &Case, column: &Column, ask: &MoveCard, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
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
    let stands = own.map_or_else(|| Rank::of(case.ticket.number), |own| own.rank.clone());
    let mut others: Vec<&Card> = scene.place.cards.iter().filter(|card| card.ticket != case.ticket.id).collect();
    others.sort_unstable_by(|a, b| a.rank.cmp(&b.rank));
    let [first, last, ..] = ctx.mint.salt().0;
    let Plan { rank, changes, wants } =
        plan(&others, &stands, spot, scene.place.last, scene.place.reach, [first, last])?;
    ctx.wants.cards |= wants;
    let mut writes: Vec<Write> = changes.into_iter().map(|(card, rank)| change(card, rank)).collect();
    let card = Card { tenant: scene.tenant, board: board.id, ticket: case.ticket.id, rank: rank.clone(), version: 1 };
    writes.push(match own {
        Some(own) => change(own, rank.clone()),
        None => Write { before: None, after: Some(Row::Card(card)) },
    });
    Some((rank, writes))
}

/// How a card comes to a place.
struct Plan<'a> {
    rank: Rank,
    /// Other cards, with their ranks after it: those spread anew, and those that only count a version.
    changes: Vec<(&'a Card, Rank)>,
    /// Whether ranks have grown long and more cards must be seen to spread them.
    wants: bool,
}

/// Finds the place among `others`, which are in order of rank, of a card that `stands` somewhere; none when it need not
/// move.
fn plan<'a>(
    others: &[&'a Card],
    stands: &Rank,
    spot: &Spot,
    last: i64,
    reach: u16,
    chance: [u8; 2],
) -> Option<Plan<'a>> {
    let (low, high) = bounds(others, spot, last);
    if low <= *stands && *stands <= high {
        return None;
    }
    let gap = (Rank::of(low.number()), Rank::of(low.number() + 1));
    let inside: Vec<&Card> = others.iter().copied().filter(|card| card.rank > gap.0 && card.rank < gap.1).collect();
    let (below, above) = inside.split_at(inside.partition_point(|card| card.rank <= low));
    let rank = Rank::between(&low, &high);
    if rank.as_str().len() <= SHORT {
        return Some(Plan { rank: Rank::about(&low, &high, chance), changes: vec![], wants: false });
    }
    let crowded = rank.as_str().len() > LONG;
    if crowded && reach >= WIDE {
        return Some(spread(below, above, &gap, stands, usize::from(reach)));
    }
    let beside = below.last().or(above.first()).copied();
    let changes = beside.map(|card| (card, card.rank.clone())).into_iter().collect();
    Some(Plan { rank, changes, wants: crowded })
}

/// Between which ranks a card at the spot stands.
fn bounds(others: &[&Card], spot: &Spot, last: i64) -> (Rank, Rank) {
    let ranks = || others.iter().map(|card| &card.rank);
    match spot {
        Spot::Below(rank) => {
            let next = ranks().find(|next| *next > rank);
            (rank.clone(), next.cloned().map_or(rank.ceiling(), |next| next.min(rank.ceiling())))
        }
        Spot::Above(rank) => {
            let whole = Rank::of(rank.number());
            let floor = if whole == *rank { Rank::of(rank.number() - 1) } else { whole };
            let last = ranks().rev().find(|last| *last < rank);
            (last.cloned().map_or(floor.clone(), |last| last.max(floor)), rank.clone())
        }
        Spot::End => {
            let place = Rank::of(last);
            let low = ranks().next_back().map_or(place.clone(), |last| last.clone().max(place));
            let high = low.ceiling();
            (low, high)
        }
    }
}

fn change(card: &Card, rank: Rank) -> Write {
    let after = Card { rank, version: card.version + 1, ..card.clone() };
    Write { before: Some(Row::Card(card.clone())), after: Some(Row::Card(after)) }
}

/// Spreads the cards around a place anew, as few as will do, and leaves room for one.
fn spread<'a>(below: &[&'a Card], above: &[&'a Card], gap: &(Rank, Rank), stands: &Rank, reach: usize) -> Plan<'a> {
    let mut many = 8;
    loop {
        many = (many * 2).min(reach - 1);
        let (low, high) = (below.len().saturating_sub(many), above.len().min(many));
        let floor = low.checked_sub(1).map(|at| below[at]);
        let from = floor.map_or(&gap.0, |card| &card.rank);
        let upto = above.get(high).map_or(&gap.1, |card| &card.rank);
        let around: Vec<&Card> = below[low..].iter().chain(&above[..high]).copied().collect();
        // Rows change one after the other: no new rank may be one that a card still has.
        let taken: BTreeSet<&Rank> = around.iter().map(|card| &card.rank).chain([stands]).collect();
        let mut free = Rank::spread(from, upto, 2 * (around.len() + 2));
        free.retain(|rank| !taken.contains(rank));
        let count = around.len() + 1;
        let mut ranks: Vec<Rank> = (0..count).map(|i| free[i * free.len() / count].clone()).collect();
        let longest = ranks.iter().map(|rank| rank.as_str().len()).max().unwrap_or_default();
        if longest > SHORT && many < reach - 1 && (low > 0 || high < above.len()) {
            continue;
        }
        let rank = ranks.remove(below.len() - low);
        // Whoever puts a card in below the lowest of them has seen the one before.
        let seen = floor.map(|card| (card, card.rank.clone()));
        return Plan { rank, changes: around.into_iter().zip(ranks).chain(seen).collect(), wants: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{BoardId, TenantId};

    /// A board in memory, by rank, seen through as much of it as a store would load.
    #[derive(Default)]
    struct Shelf {
        cards: Vec<Card>,
        longest: usize,
        spreads: usize,
        rewritten: usize,
    }

    impl Shelf {
        /// A new card at the spot, with the number 1,000,000 before it came here.
        fn put(&mut self, n: u128, spot: &Spot) {
            let pivot = match spot {
                Spot::Above(rank) | Spot::Below(rank) => self.cards.partition_point(|card| card.rank < *rank),
                Spot::End => self.cards.len(),
            };
            let stands = Rank::of(1_000_000);
            let seen = |reach: u16| {
                let reach = usize::from(reach);
                pivot.saturating_sub(reach)..(pivot + 1 + reach).min(self.cards.len())
            };
            let mut reach = NEAR;
            let (rank, changes) = loop {
                let others: Vec<&Card> = self.cards[seen(reach)].iter().collect();
                let plan = plan(&others, &stands, spot, 9, reach, [n as u8, (n >> 3) as u8]).expect("it moves");
                if !plan.wants {
                    break (plan.rank, plan.changes.into_iter().map(|(c, rank)| (c.ticket, rank)).collect::<Vec<_>>());
                }
                reach = WIDE;
            };
            let window = seen(reach);
            let spreads = changes.len() > 1;
            self.spreads += usize::from(spreads);
            self.rewritten += if spreads { changes.len() } else { 0 };
            let before = spreads.then(|| self.order());
            for (ticket, rank) in changes {
                let known = self.cards[window.clone()].iter_mut().find(|card| card.ticket == ticket);
                known.expect("a card that was seen").rank = rank;
            }
            if let Some(before) = before {
                assert!(self.cards.is_sorted_by(|a, b| a.rank < b.rank), "ranks are unique");
                assert_eq!(self.order(), before, "spreading changes no order");
            }
            let ticket = uuid::Uuid::from_u128(n).into();
            let (tenant, board) = (TenantId::NIL, BoardId::NIL);
            let at = self.cards.partition_point(|card| card.rank < rank);
            assert!(self.cards.get(at).is_none_or(|card| card.rank != rank), "the rank is new");
            self.longest = self.longest.max(rank.as_str().len());
            self.cards.insert(at, Card { tenant, board, ticket, rank, version: 1 });
        }
        fn order(&self) -> Vec<TicketId> {
            self.cards.iter().map(|card| card.ticket).collect()
        }
        fn place(&self, n: u128) -> usize {
            let ticket = TicketId::from(uuid::Uuid::from_u128(n));
            self.cards.iter().position(|card| card.ticket == ticket).expect("it is there")
        }
    }

    /// 10,000 at one place: always below one ticket, always above it, always at the end, always beside the newest.
    #[test]
    fn ten_thousand_cards_at_one_place_keep_short_ranks() {
        type Next = fn(&Shelf, u128) -> Spot;
        let ways: [(&str, Next); 4] = [
            ("below", |_, _| Spot::Below(Rank::of(5))),
            ("above", |_, _| Spot::Above(Rank::of(5))),
            ("end", |_, _| Spot::End),
            ("zigzag", |shelf, n| {
                let Some(newest) = n.checked_sub(1).map(|n| shelf.cards[shelf.place(n)].rank.clone()) else {
                    return Spot::Below(Rank::of(5));
                };
                if n % 2 == 0 { Spot::Above(newest) } else { Spot::Below(newest) }
            }),
        ];
        for (name, next) in ways {
            let mut shelf = Shelf::default();
            let count = if name == "zigzag" { 2_000 } else { 10_000 };
            for n in 0..count {
                let spot = next(&shelf, n);
                shelf.put(n, &spot);
            }
            assert_eq!(shelf.cards.len() as u128, count);
            let (longest, spreads) = (shelf.longest, shelf.spreads);
            let each = shelf.rewritten as f64 / count as f64;
            println!("{name}: longest {longest}, spread {spreads} times, {each:.2} rows rewritten per card");
            assert!(longest <= LONG && spreads > 0 && each < 8.0, "{name}: {longest} {spreads} {each}");
            let mut order: Vec<u128> = shelf.cards.iter().map(|card| uuid::Uuid::from(card.ticket).as_u128()).collect();
            match name {
                "below" => order.reverse(),
                "above" | "end" => {}
                _ => continue,
            }
            assert!(order.is_sorted(), "{name}: each came directly beside");
        }
    }

    #[test]
    fn a_card_that_stands_there_does_not_move() {
        let at = |text: &str| text.parse::<Rank>().expect("a rank");
        let still = |stands: &str, spot: Spot| plan(&[], &at(stands), &spot, 4, NEAR, [7, 7]).is_none();
        assert!(still("000000000003", Spot::Below(Rank::of(2))));
        assert!(still("000000000002V", Spot::Below(Rank::of(2))));
        assert!(still("000000000001", Spot::Above(Rank::of(2))));
        assert!(still("000000000004", Spot::End) && still("000000000004V", Spot::End));
        assert!(!still("000000000004", Spot::Below(Rank::of(2))) && !still("000000000003", Spot::End));
    }
}
