//! The statements that depend on a filter: a page of tickets, and a capped count.
//!
//! Both come as text with values, so that a store can put them inside a larger statement: on PostgreSQL their
//! placeholders are the first ones, `$1` onwards. Limits are literals: PostgreSQL plans a bound one anew each time.

use sea_query::{Expr, ExprTrait, Order as Way, SelectStatement, Values};

use super::column::Column;
use super::filter::{T, condition};
use super::image::Image;
use super::names::{Dialect, Names};
use crate::filter::{Cond, Filter, Order};
use crate::store::{Find, Head};

/// The rows of one page, in order: `SELECT * FROM hd_ticket t`, for the store to say what it reads of them.
pub(crate) fn page(find: &Find, names: &Names) -> (String, Values) {
    let mut select = SelectStatement::new();
    select.expr(Expr::cust("*"));
    matching(&mut select, find, names);
    let (by, way) = (find.order.by.as_str(), if find.order.descending { Way::Desc } else { Way::Asc });
    if let Some((sort, id)) = find.after {
        let place = Expr::tuple([Expr::col((T, by)), Expr::col((T, "id"))]);
        let after = Expr::tuple([Expr::val(sort), Expr::val(id.put())]);
        select.and_where(if find.order.descending { place.lt(after) } else { place.gt(after) });
    }
    select.order_by((T, by), way.clone()).order_by((T, "id"), way);
    let (sql, values) = names.dialect.render(&select);
    let limit = find.limit;
    // A limit it cannot read makes PostgreSQL expect to be asked for little, and follow the index. Told the number, it
    // holds a queue for shorter than a page, since it does not know the bound state's share, and fetches and sorts all.
    let limit = if names.dialect == Dialect::Postgres && is_queue(find) {
        format!("(SELECT {limit})")
    } else {
        limit.to_string()
    };
    (format!("{sql} LIMIT {limit}"), values)
}

/// Whether the rows asked for stand side by side in an index, in order: those of one project in one state, latest first.
fn is_queue(find: &Find) -> bool {
    let (mut project, mut state) = (false, false);
    let mut simple = |cond: &Cond| match cond {
        Cond::Project(list) if list.len() == 1 => project = true,
        Cond::State(list) if list.len() == 1 => state = true,
        _ => {}
    };
    fn each(filter: &Filter, of: &mut impl FnMut(&Cond)) {
        match filter {
            Filter::Is(cond) => of(cond),
            Filter::And(all) => all.iter().for_each(|filter| each(filter, of)),
            Filter::All | Filter::None | Filter::Or(_) | Filter::Not(_) => {}
        }
    }
    each(&find.filter, &mut simple);
    let searches = find.filter.mentions(|cond| matches!(cond, Cond::Text(_)));
    project && state && !searches && find.order == Order::default()
}

/// One row, one number: how many match, counted up to one more than `cap`.
pub(crate) fn count(find: &Find, cap: u32, names: &Names) -> (String, Values) {
    let mut select = SelectStatement::new();
    select.expr(Expr::cust("1"));
    matching(&mut select, find, names);
    let (sql, values) = names.dialect.render(&select);
    (format!("SELECT count(*) FROM ({sql} LIMIT {}) AS counted", u64::from(cap) + 1), values)
}

fn matching(select: &mut SelectStatement, find: &Find, names: &Names) {
    select
        .from_as(names.table(Head::TABLE.name), T)
        .and_where(Expr::col((T, "tenant_id")).eq(Expr::val(find.tenant.put())))
        .and_where(condition(find, names));
}

/// What a counted row says: see [`count`].
pub(crate) fn counted(found: i64, cap: u32) -> crate::store::Count {
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    crate::store::Count { value: Ord::min(found, cap), exact: found <= cap }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::filter::{Range, TextIs, When};
    use crate::id::{PersonId, ProjectId, TenantId};
    use crate::ticket::Relation;

    fn check(filter: Filter, sqlite: Expect, postgres: Expect) {
        check_with(Filter::All, filter, sqlite, postgres);
    }

    fn check_with(parents: Filter, filter: Filter, sqlite: Expect, postgres: Expect) {
        let internal = Filter::from(Cond::Project(vec![ProjectId::NIL]));
        let (tenant, order) = (TenantId::NIL, Order::default());
        let find = Find { tenant, filter, internal, parents, order, after: None, limit: 50 };
        for (dialect, expected) in [(Dialect::Sqlite, sqlite), (Dialect::Postgres, postgres)] {
            let names = Names { dialect, schema: (dialect == Dialect::Postgres).then(|| "desk".into()) };
            let (sql, _) = count(&find, 1000, &names);
            expected.assert_eq(sql.split_once(" AND ").map_or("", |(_, rest)| rest));
        }
    }

    #[test]
    fn conditions_keep_their_brackets() {
        let mine = Cond::Related { people: vec![PersonId::NIL], relations: vec![Relation::Assignee] };
        let due = Cond::Time(When::Due, Range { from: None, to: None });
        let either = Filter::Or(vec![mine.into(), Filter::from(due).negate()]);
        check(
            Filter::And(vec![either.negate(), Cond::Title(TextIs::Contains("ß".into())).into()]),
            expect![[
                r#"((NOT ("t"."id" IN (SELECT "p"."ticket_id" FROM "hd_participant" AS "p" WHERE "p"."tenant_id" = ? AND ("p"."until" = (9223372036854775807) AND "p"."relation" = ?) AND "p"."person_id" = ?) OR (NOT "t"."due_at" <> (9223372036854775807)))) AND instr("t"."folded", ?) > (0)) LIMIT 1001) AS counted"#
            ]],
            expect![[
                r#"((NOT ("t"."id" IN (SELECT "p"."ticket_id" FROM "desk"."hd_participant" AS "p" WHERE "p"."tenant_id" = $2 AND ("p"."until" = (9223372036854775807) AND "p"."relation" = $3) AND "p"."person_id" = $4) OR (NOT "t"."due_at" <> (9223372036854775807)))) AND strpos("t"."folded", $5) > (0)) LIMIT 1001) AS counted"#
            ]],
        );
    }

    #[test]
    fn parents_are_looked_at_under_their_own_alias() {
        let mine = Cond::Related { people: vec![PersonId::NIL], relations: Relation::ALL.to_vec() };
        let shown = Filter::from(mine).and(Filter::from(Cond::Tag(vec![])).or(Cond::Deleted(false)));
        let some = Cond::Parent(vec![uuid::Uuid::from_u128(1).into()]);
        check_with(
            shown,
            Filter::from(Cond::Parent(vec![])).or(some),
            expect![[
                r#"((+"t"."parent_id") = ? OR (NOT EXISTS(SELECT 1 FROM "hd_ticket" AS "above" WHERE "above"."tenant_id" = ? AND ("above"."id" IN (SELECT "p"."ticket_id" FROM "hd_participant" AS "p" WHERE "p"."tenant_id" = ? AND "p"."until" = (9223372036854775807) AND "p"."person_id" = ?) AND ((NOT EXISTS(SELECT 1 FROM "hd_ticket_tag" AS "g" WHERE "g"."tenant_id" = "above"."tenant_id" AND "g"."ticket_id" = "above"."id")) OR "above"."deleted_at" = (9223372036854775807))) AND "above"."id" = "t"."parent_id")) OR "t"."parent_id" IN (SELECT "above"."id" FROM "hd_ticket" AS "above" WHERE "above"."tenant_id" = ? AND ("above"."id" IN (SELECT "p"."ticket_id" FROM "hd_participant" AS "p" WHERE "p"."tenant_id" = ? AND "p"."until" = (9223372036854775807) AND "p"."person_id" = ?) AND ((NOT EXISTS(SELECT 1 FROM "hd_ticket_tag" AS "g" WHERE "g"."tenant_id" = "above"."tenant_id" AND "g"."ticket_id" = "above"."id")) OR "above"."deleted_at" = (9223372036854775807))) AND "above"."id" = ?)) LIMIT 1001) AS counted"#
            ]],
            expect![[
                r#"("t"."parent_id" = $2 OR (NOT EXISTS(SELECT 1 FROM "desk"."hd_ticket" AS "above" WHERE "above"."tenant_id" = $3 AND ("above"."id" IN (SELECT "p"."ticket_id" FROM "desk"."hd_participant" AS "p" WHERE "p"."tenant_id" = $4 AND "p"."until" = (9223372036854775807) AND "p"."person_id" = $5) AND ((NOT EXISTS(SELECT 1 FROM "desk"."hd_ticket_tag" AS "g" WHERE "g"."tenant_id" = "above"."tenant_id" AND "g"."ticket_id" = "above"."id")) OR "above"."deleted_at" = (9223372036854775807))) AND "above"."id" = "t"."parent_id")) OR "t"."parent_id" IN (SELECT "above"."id" FROM "desk"."hd_ticket" AS "above" WHERE "above"."tenant_id" = $6 AND ("above"."id" IN (SELECT "p"."ticket_id" FROM "desk"."hd_participant" AS "p" WHERE "p"."tenant_id" = $7 AND "p"."until" = (9223372036854775807) AND "p"."person_id" = $8) AND ((NOT EXISTS(SELECT 1 FROM "desk"."hd_ticket_tag" AS "g" WHERE "g"."tenant_id" = "above"."tenant_id" AND "g"."ticket_id" = "above"."id")) OR "above"."deleted_at" = (9223372036854775807))) AND "above"."id" = $9)) LIMIT 1001) AS counted"#
            ]],
        );
    }

    #[test]
    fn internal_documents_are_found_where_they_may_be() {
        check(
            Cond::Text("fire pri".into()).into(),
            expect![[
                r#"("t"."id" IN (SELECT "s"."ticket_id" FROM "hd_search" AS "s" WHERE "s"."tenant_id" = ? AND ("s"."doc" IN (SELECT rowid FROM hd_search_words WHERE hd_search_words MATCH ?)) AND "s"."internal" = ?) OR ("t"."project_id" = ? AND "t"."id" IN (SELECT "s"."ticket_id" FROM "hd_search" AS "s" WHERE "s"."tenant_id" = ? AND ("s"."doc" IN (SELECT rowid FROM hd_search_words WHERE hd_search_words MATCH ?))))) LIMIT 1001) AS counted"#
            ]],
            expect![[
                r#"("t"."id" IN (SELECT "s"."ticket_id" FROM "desk"."hd_search" AS "s" WHERE "s"."tenant_id" = $2 AND ("s"."words" @@ CAST(CAST($3 AS text) AS tsquery)) AND "s"."internal" = $4) OR ("t"."project_id" = $5 AND "t"."id" IN (SELECT "s"."ticket_id" FROM "desk"."hd_search" AS "s" WHERE "s"."tenant_id" = $6 AND ("s"."words" @@ CAST(CAST($7 AS text) AS tsquery))))) LIMIT 1001) AS counted"#
            ]],
        );
    }
}
