//! A [`Filter`] as SQL over `hd_ticket` under the alias `t`: the other half of `filter/eval.rs`, and equal to it.
//!
//! Every condition is true or false, never NULL: absent values are sentinels, and each condition minds its own.

use sea_query::{Expr, ExprTrait, SelectStatement};

use super::column::{Column, Val};
use super::image::Image;
use super::names::{Dialect, Names};
use super::search;
use crate::filter::{Cond, Filter, Number, Range, TextIs, When};
use crate::id::{GroupId, TenantId, TicketId};
use crate::store::Internal;
use crate::text::{fold, in_order};
use crate::ticket::{Participant, Relation, SearchDoc, Tagging};
use crate::time::Timestamp;

/// The alias of `hd_ticket`.
pub(crate) const T: &str = "t";

/// What stands in a column for an instant that is not (yet), as a literal so that partial indexes serve.
pub(crate) const NEVER: &str = "9223372036854775807";

/// `filter` as a condition on the ticket `t` of `tenant`.
pub(crate) fn condition(filter: &Filter, names: &Names, tenant: TenantId, internal: &Internal) -> Expr {
    Compiler { names, tenant, internal }.filter(filter)
}

struct Compiler<'a> {
    names: &'a Names,
    tenant: TenantId,
    internal: &'a Internal,
}

fn yes() -> Expr {
    Expr::cust("(1 = 1)")
}

fn no() -> Expr {
    Expr::cust("(1 = 0)")
}

fn col(name: &'static str) -> Expr {
    Expr::col((T, name))
}

fn never() -> Expr {
    Expr::cust(NEVER)
}

/// The column holds one of these; nothing is one of none. Texts with a NUL stand in no column and PostgreSQL refuses
/// them, so they are left out.
fn one_of<C: Column>(column: Expr, list: &[C]) -> Expr {
    let mut vals = list.iter().map(Column::put).filter(|val| !matches!(val, Val::Text(text) if text.contains('\0')));
    match (vals.next(), vals.next()) {
        (None, _) => no(),
        (Some(only), None) => column.eq(Expr::val(only)),
        (Some(first), Some(second)) => column.is_in([first, second].into_iter().chain(vals)),
    }
}

impl Compiler<'_> {
    fn filter(&self, filter: &Filter) -> Expr {
        match filter {
            Filter::All => yes(),
            Filter::None => no(),
            Filter::And(all) => all.iter().map(|f| self.filter(f)).reduce(ExprTrait::and).unwrap_or_else(yes),
            Filter::Or(any) => any.iter().map(|f| self.filter(f)).reduce(ExprTrait::or).unwrap_or_else(no),
            Filter::Not(inner) => self.filter(inner).not(),
            Filter::Is(cond) => self.cond(cond),
        }
    }

    fn cond(&self, cond: &Cond) -> Expr {
        match cond {
            Cond::Id(list) => one_of(col("id"), list),
            Cond::Project(list) => one_of(col("project_id"), list),
            Cond::Type(list) => one_of(col("type"), list),
            Cond::State(list) => one_of(col("state"), list),
            Cond::Category(list) => one_of(col("category"), list),
            Cond::Priority(list) => one_of(col("priority"), list),
            Cond::Urgency(list) => one_of(col("urgency"), list),
            Cond::Importance(list) => one_of(col("importance"), list),
            Cond::Visibility(list) => one_of(col("visibility"), list),
            Cond::Group(list) => one_or_none(col("group_id"), list, GroupId::NIL),
            // Most tickets have no parent: SQLite must not begin with the index on it, which the plus forbids.
            Cond::Parent(list) if list.is_empty() && self.names.dialect == Dialect::Sqlite => {
                Expr::cust("+\"t\".\"parent_id\"").eq(Expr::val(TicketId::NIL.put()))
            }
            Cond::Parent(list) => one_or_none(col("parent_id"), list, TicketId::NIL),
            Cond::CreatedBy(list) => one_of(col("created_by"), list),
            Cond::Related { people, relations } => {
                let mut live = Expr::col(("p", "until")).eq(never());
                if !Relation::ALL.iter().all(|relation| relations.contains(relation)) {
                    live = live.and(one_of(Expr::col(("p", "relation")), relations));
                }
                if people.is_empty() {
                    Expr::exists(self.side("p", Participant::TABLE.name).and_where(live).take())
                } else {
                    // By person: their tickets are few beside all, and the database may begin with them.
                    let mut theirs = self.of_tenant("p", Participant::TABLE.name);
                    theirs.and_where(live).and_where(one_of(Expr::col(("p", "person_id")), people));
                    col("id").in_subquery(theirs)
                }
            }
            Cond::Mine(_) => no(),
            Cond::Tag(list) => {
                let mut tags = self.side("g", Tagging::TABLE.name);
                if list.is_empty() {
                    return Expr::not_exists(tags);
                }
                Expr::exists(tags.and_where(one_of(Expr::col(("g", "tag_id")), list)).take())
            }
            Cond::Title(how) => self.title(how),
            Cond::Time(which, range) => time(*which, *range),
            Cond::Number(which, range) => number(*which, *range),
            Cond::PriorityManual(manual) => col("priority_manual").eq(*manual),
            Cond::Deleted(true) => col("deleted_at").ne(never()),
            Cond::Deleted(false) => col("deleted_at").eq(never()),
            Cond::Text(text) => self.text(&in_order(text)),
        }
    }

    /// Rows of a side table that belong to the ticket `t`.
    fn side(&self, alias: &'static str, table: &'static str) -> SelectStatement {
        let mut select = SelectStatement::new();
        select
            .expr(Expr::cust("1"))
            .from_as(self.names.table(table), alias)
            .and_where(Expr::col((alias, "tenant_id")).equals((T, "tenant_id")))
            .and_where(Expr::col((alias, "ticket_id")).equals((T, "id")));
        select
    }

    /// Tickets of the tenant in a side table.
    fn of_tenant(&self, alias: &'static str, table: &'static str) -> SelectStatement {
        let mut select = SelectStatement::new();
        select
            .column((alias, "ticket_id"))
            .from_as(self.names.table(table), alias)
            .and_where(Expr::col((alias, "tenant_id")).eq(Expr::val(self.tenant.put())));
        select
    }

    fn title(&self, how: &TextIs) -> Expr {
        let (TextIs::Equal(text) | TextIs::Contains(text) | TextIs::Begins(text)) = how;
        let text = fold(text);
        if text.contains('\0') {
            return no(); // no title holds one, and PostgreSQL takes none
        }
        match (how, self.names.dialect) {
            (TextIs::Equal(_), _) => col("folded").eq(text),
            (TextIs::Contains(_) | TextIs::Begins(_), _) if text.is_empty() => yes(),
            (TextIs::Contains(_), Dialect::Sqlite) => Expr::cust_with_values("instr(\"t\".\"folded\", ?) > 0", [text]),
            (TextIs::Contains(_), Dialect::Postgres) => {
                Expr::cust_with_values("strpos(\"t\".\"folded\", $1) > 0", [text])
            }
            (TextIs::Begins(_), Dialect::Sqlite) => Expr::cust_with_values(
                "substr(\"t\".\"folded\", 1, ?) = ?",
                [sea_query::Value::from(text.chars().count() as i64), text.into()],
            ),
            (TextIs::Begins(_), Dialect::Postgres) => {
                Expr::cust_with_values("starts_with(\"t\".\"folded\", $1)", [text])
            }
        }
    }

    fn text(&self, words: &[String]) -> Expr {
        let matching = match self.names.dialect {
            Dialect::Sqlite => search::fts5(words).map(|query| {
                Expr::cust_with_values(
                    "\"s\".\"doc\" IN (SELECT rowid FROM hd_search_words WHERE hd_search_words MATCH ?)",
                    [query],
                )
            }),
            Dialect::Postgres => search::tsquery(self.tenant, words)
                .map(|query| Expr::cust_with_values("\"s\".\"words\" @@ CAST(CAST($1 AS text) AS tsquery)", [query])),
        };
        let Some(matching) = matching else { return no() };
        let mut docs = self.of_tenant("s", SearchDoc::TABLE.name);
        docs.and_where(matching);
        let mut public = docs.clone();
        public.and_where(Expr::col(("s", "internal")).eq(false));
        match self.internal {
            Internal::Everywhere => col("id").in_subquery(docs),
            Internal::Projects(projects) if projects.is_empty() => col("id").in_subquery(public),
            Internal::Projects(projects) => {
                let inside = one_of(col("project_id"), projects).and(col("id").in_subquery(docs));
                col("id").in_subquery(public).or(inside)
            }
        }
    }
}

/// One of these; of no item: none at all. The nil id is nobody's and matches nothing.
fn one_or_none<C: Column + PartialEq + Copy>(column: Expr, list: &[C], nil: C) -> Expr {
    if list.is_empty() {
        return column.eq(Expr::val(nil.put()));
    }
    let real: Vec<C> = list.iter().copied().filter(|id| *id != nil).collect();
    one_of(column, &real)
}

fn time(which: When, range: Range<Timestamp>) -> Expr {
    let always = matches!(which, When::Created | When::Updated);
    let from = range.from.map(|at| col(which.as_str()).gte(at.millis()));
    let to = range.to.map(|at| col(which.as_str()).lt(at.millis()));
    // Below any instant is also not "never".
    let set = (!always && range.to.is_none()).then(|| col(which.as_str()).ne(never()));
    [set, from, to].into_iter().flatten().reduce(ExprTrait::and).unwrap_or_else(yes)
}

fn number(which: Number, range: Range<i64>) -> Expr {
    let from = match which {
        Number::Estimate => Some(Ord::max(range.from.unwrap_or(0), 0)), // absent is -1
        Number::Number | Number::Reopened | Number::Regrouped => range.from,
    };
    let from = from.map(|from| col(which.as_str()).gte(from));
    let to = range.to.map(|to| col(which.as_str()).lt(to));
    [from, to].into_iter().flatten().reduce(ExprTrait::and).unwrap_or_else(yes)
}
