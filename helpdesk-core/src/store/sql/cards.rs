//! The statements about cards of boards: the surroundings of a place, and a column's cards.
//!
//! A ticket without a card stands at the rank of its number, see [`Rank`](crate::board::Rank).

use sea_query::{Expr, ExprTrait, SelectStatement, UnionType, Values};

use super::column::Column;
use super::filter::{NEVER, T, condition};
use super::image::Image;
use super::names::{Dialect, Names, columns};
use crate::board::rank::NUMBER;
use crate::board::{Card, Rank};
use crate::store::{CardFind, Head};
use crate::ticket::{Entry, EntryVisibility};

/// The rank of a ticket under the alias `t` that has no card.
fn own(dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => format!("printf('%0{NUMBER}d', t.number)"),
        Dialect::Postgres => format!("lpad(CAST(t.number AS text), {NUMBER}, '0') COLLATE \"C\""),
    }
}

/// Tenant, board, the ticket beside, ticket → the cards of both, and `reach` on either side of the latter's place.
pub(crate) fn beside(names: &Names, reach: u16) -> String {
    let (all, cards, tickets) = (columns::<Card>(""), names.of::<Card>(), names.of::<Head>());
    let own = own(names.dialect);
    format!(
        "WITH place(rank) AS (SELECT coalesce((SELECT c.rank FROM {cards} c WHERE c.tenant_id = $1 AND c.board_id = $2 \
         AND c.ticket_id = t.id), {own}) FROM {tickets} t WHERE t.tenant_id = $1 AND t.id = $3) \
         SELECT {all} FROM {cards} WHERE tenant_id = $1 AND board_id = $2 AND ticket_id IN ($3, $4) \
         UNION SELECT {all} FROM (SELECT {all} FROM {cards} WHERE tenant_id = $1 AND board_id = $2 \
         AND rank < (SELECT rank FROM place) ORDER BY rank DESC LIMIT {reach}) below \
         UNION SELECT {all} FROM (SELECT {all} FROM {cards} WHERE tenant_id = $1 AND board_id = $2 \
         AND rank > (SELECT rank FROM place) ORDER BY rank LIMIT {reach}) above"
    )
}

/// Tenant, board, ticket → its card, and the last `reach` of the board.
pub(crate) fn at_the_end(names: &Names, reach: u16) -> String {
    let (all, cards) = (columns::<Card>(""), names.of::<Card>());
    format!(
        "SELECT {all} FROM {cards} WHERE tenant_id = $1 AND board_id = $2 AND ticket_id = $3 \
         UNION SELECT {all} FROM (SELECT {all} FROM {cards} WHERE tenant_id = $1 AND board_id = $2 \
         ORDER BY rank DESC LIMIT {reach}) last"
    )
}

/// Tenant, ticket → the largest number of its project, 0 when there is no such ticket.
pub(crate) fn last_number(names: &Names) -> String {
    let tickets = names.of::<Head>();
    format!(
        "SELECT coalesce(max(number), 0) FROM {tickets} WHERE tenant_id = $1 \
         AND project_id = (SELECT project_id FROM {tickets} WHERE tenant_id = $1 AND id = $2)"
    )
}

/// One page of a column's cards, in order: the columns of [`Head`] under `t`, then rank, public and internal entries.
/// Without `FROM` and what follows it, which comes second.
///
/// Walks along an index, merged: one over the cards by rank, and one for each state over the tickets without a card by
/// number. None of them sorts or counts what is not shown, however many tickets stand in other states, or in this one.
pub(crate) fn page(find: &CardFind, head: &str, names: &Names) -> (String, String, Values) {
    let CardFind { find, board, states, after } = find;
    let tenant = || Expr::val(find.tenant.put());
    let mine = |alias: &'static str| {
        Expr::col((alias, "tenant_id"))
            .equals((T, "tenant_id"))
            .and(Expr::col((alias, "board_id")).eq(Expr::val(board.put())))
            .and(Expr::col((alias, "ticket_id")).equals((T, "id")))
    };
    let walk = |place: &str| {
        let mut select = SelectStatement::new();
        select
            .expr(Expr::cust("t.*"))
            .expr(Expr::cust(format!("{place} AS place")))
            .from_as(names.table(Head::TABLE.name), T)
            .and_where(Expr::col((T, "tenant_id")).eq(tenant()))
            .and_where(condition(find, names));
        select
    };
    // The limits are literals, put in below: PostgreSQL plans a bound one anew each time.
    const UPTO: &str = "/* upto */";
    let upto = |column: &str| Expr::cust(format!("{column} {UPTO}"));
    let mut ranked = walk("c.rank");
    ranked.join_as(sea_query::JoinType::InnerJoin, names.table(Card::TABLE.name), "c", mine("c"));
    ranked.and_where(in_states(states));
    let mut card = SelectStatement::new();
    card.expr(Expr::cust("1")).from_as(names.table(Card::TABLE.name), "c").and_where(mine("c"));
    if let Some(after) = after {
        ranked.and_where(Expr::col(("c", "rank")).gt(Expr::val(after.put())));
    }
    ranked.order_by_expr(upto("c.rank"), sea_query::Order::Asc);
    let mut all = SelectStatement::new();
    all.expr(Expr::cust("*")).from_subquery(ranked, "ranked");
    // A walk for each of a great many states would be a long text.
    for states in states.chunks(if states.len() <= WALKS_MAX { 1 } else { states.len() }) {
        let mut unranked = walk(&own(names.dialect));
        unranked.and_where(in_states(states)).and_where(Expr::not_exists(card.clone()));
        if let Some(after) = after {
            unranked.and_where(Expr::col((T, "number")).gt(Expr::val(after.number())));
        }
        unranked.order_by_expr(upto("t.number"), sea_query::Order::Asc);
        let mut one = SelectStatement::new();
        one.expr(Expr::cust("*")).from_subquery(unranked, "unranked");
        all.union(UnionType::All, one);
    }
    let (sql, values) = names.dialect.render(&all);
    let sql = sql.replace(&format!("{UPTO} ASC"), &format!("LIMIT {}", find.limit));
    let entries = |visibility: EntryVisibility| {
        format!(
            "(SELECT count(*) FROM {} n WHERE n.tenant_id = t.tenant_id AND n.ticket_id = t.id \
             AND n.deleted_at = {NEVER} AND n.visibility = '{visibility}')",
            names.of::<Entry>()
        )
    };
    let list = format!("{head}, t.place, {}, {}", entries(EntryVisibility::Public), entries(EntryVisibility::Internal));
    (list, format!("(SELECT * FROM ({sql}) u ORDER BY u.place LIMIT {}) t", find.limit), values)
}

/// Most states of a column that are walked along one by one.
const WALKS_MAX: usize = 12;

/// The ticket stands in one of them.
fn in_states(states: &[String]) -> Expr {
    let state = Expr::col((T, "state"));
    match states {
        [] => Expr::cust("1 = 0"),
        [only] => state.eq(Expr::val(only.put())),
        [..] => state.is_in(states.iter().map(Column::put)),
    }
}

/// What stands behind the columns of [`Head`] in a row of [`page`].
pub(crate) fn rank(text: &str) -> Result<Rank, crate::store::StoreError> {
    text.parse().map_err(|error: crate::board::rank::BadRank| super::column::odd("a rank", error.to_string()))
}
