//! A [`Filter`] as SQL over `hd_ticket` under the alias `t`: the other half of `filter/eval.rs`, and equal to it.
//!
//! A parent is asked for as the viewer is shown it. Under which condition that is so is a filter as well, compiled over
//! `hd_ticket` under another alias.
//!
//! Every condition is true or false, never NULL: absent values are sentinels, and each condition minds its own.

use sea_query::{Expr, ExprTrait, Func, SelectStatement};

use super::column::{Column, Val};
use super::image::Image;
use super::names::{Dialect, Names};
use super::search;
use crate::filter::{Cond, Filter, Number, Range, TextIs, When};
use crate::id::{GroupId, TenantId, TicketId};
use crate::store::{Find, Head};
use crate::text::{fold, in_order};
use crate::ticket::{Participant, Relation, SearchDoc, Tagging};
use crate::time::Timestamp;

/// The alias of `hd_ticket`.
pub(crate) const T: &str = "t";
/// Its alias where a parent is looked at.
const ABOVE: &str = "above";

/// What stands in a column for an instant that is not (yet), as a literal so that partial indexes serve.
pub(crate) const NEVER: &str = "9223372036854775807";

/// What `find` looks for, as a condition on the ticket `t` of its tenant.
pub(crate) fn condition(find: &Find, names: &Names) -> Expr {
    let Find { tenant, internal, parents, .. } = find;
    Compiler { names, tenant: *tenant, internal, parents, t: T }.filter(&find.filter)
}

struct Compiler<'a> {
    names: &'a Names,
    tenant: TenantId,
    /// The tickets whose internal entries are searched.
    internal: &'a Filter,
    /// Which parents are shown.
    parents: &'a Filter,
    /// The alias of `hd_ticket` the conditions are about.
    t: &'static str,
}

fn yes() -> Expr {
    Expr::cust("(1 = 1)")
}

fn no() -> Expr {
    Expr::cust("(1 = 0)")
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
    fn col(&self, name: &'static str) -> Expr {
        Expr::col((self.t, name))
    }

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
            Cond::Id(list) => one_of(self.col("id"), list),
            Cond::Project(list) => one_of(self.col("project_id"), list),
            Cond::Type(list) => one_of(self.col("type"), list),
            Cond::State(list) => one_of(self.col("state"), list),
            Cond::Category(list) => one_of(self.col("category"), list),
            Cond::Priority(list) => one_of(self.col("priority"), list),
            Cond::Urgency(list) => one_of(self.col("urgency"), list),
            Cond::Importance(list) => one_of(self.col("importance"), list),
            Cond::Visibility(list) => one_of(self.col("visibility"), list),
            Cond::Group(list) => one_or_none(self.col("group_id"), list, GroupId::NIL),
            Cond::Company(list) => one_or_none(self.col("company_id"), list, GroupId::NIL),
            Cond::Parent(list) => self.parent(list),
            Cond::CreatedBy(list) => one_of(self.col("created_by"), list),
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
                    self.col("id").in_subquery(theirs)
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
            Cond::Time(which, range) => self.time(*which, *range),
            Cond::Number(which, range) => self.number(*which, *range),
            Cond::PriorityManual(manual) => self.col("priority_manual").eq(*manual),
            Cond::Deleted(true) => self.col("deleted_at").ne(never()),
            Cond::Deleted(false) => self.col("deleted_at").eq(never()),
            Cond::Text(text) => self.text(&in_order(text)),
        }
    }

    /// Rows of a side table that belong to the ticket.
    fn side(&self, alias: &'static str, table: &'static str) -> SelectStatement {
        let mut select = SelectStatement::new();
        select
            .expr(Expr::cust("1"))
            .from_as(self.names.table(table), alias)
            .and_where(Expr::col((alias, "tenant_id")).equals((self.t, "tenant_id")))
            .and_where(Expr::col((alias, "ticket_id")).equals((self.t, "id")));
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
        let folded = || self.col("folded");
        match (how, self.names.dialect) {
            (TextIs::Equal(_), _) => folded().eq(text),
            (TextIs::Contains(_) | TextIs::Begins(_), _) if text.is_empty() => yes(),
            (TextIs::Contains(_), dialect) => {
                Expr::from(Func::cust(dialect.position()).arg(folded()).arg(text)).gt(Expr::cust("0"))
            }
            (TextIs::Begins(_), Dialect::Sqlite) => {
                let beginning =
                    Func::cust("substr").arg(folded()).arg(Expr::cust("1")).arg(text.chars().count() as i64);
                Expr::from(beginning).eq(text)
            }
            (TextIs::Begins(_), Dialect::Postgres) => Func::cust("starts_with").arg(folded()).arg(text).into(),
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
            Filter::All => self.col("id").in_subquery(docs),
            Filter::None => self.col("id").in_subquery(public),
            there => {
                let inside = self.filter(there).and(self.col("id").in_subquery(docs));
                self.col("id").in_subquery(public).or(inside)
            }
        }
    }

    /// Under one of these tickets, or under none; a parent that is not shown is none.
    fn parent(&self, list: &[TicketId]) -> Expr {
        if list.is_empty() {
            let none = match self.names.dialect {
                // Most tickets have no parent: SQLite must not begin with the index on it, which the plus forbids.
                Dialect::Sqlite => Expr::cust(format!("+\"{}\".\"parent_id\"", self.t)),
                Dialect::Postgres => self.col("parent_id"),
            };
            let none = none.eq(Expr::val(TicketId::NIL.put()));
            return match self.parents {
                Filter::All => none,
                shown => {
                    let mut above = self.above(shown);
                    above.expr(Expr::cust("1")).and_where(Expr::col((ABOVE, "id")).equals((self.t, "parent_id")));
                    none.or(Expr::not_exists(above))
                }
            };
        }
        match self.parents {
            Filter::All => one_or_none(self.col("parent_id"), list, TicketId::NIL),
            shown => {
                let mut above = self.above(shown);
                above.column((ABOVE, "id")).and_where(one_of(Expr::col((ABOVE, "id")), list));
                self.col("parent_id").in_subquery(above)
            }
        }
    }

    /// Tickets of the tenant that are shown where they are parents.
    fn above(&self, shown: &Filter) -> SelectStatement {
        let mut select = SelectStatement::new();
        select
            .from_as(self.names.table(Head::TABLE.name), ABOVE)
            .and_where(Expr::col((ABOVE, "tenant_id")).eq(Expr::val(self.tenant.put())))
            .and_where(Compiler { t: ABOVE, parents: &Filter::All, ..*self }.filter(shown));
        select
    }

    fn time(&self, which: When, range: Range<Timestamp>) -> Expr {
        let always = matches!(which, When::Created | When::Updated);
        let from = range.from.map(|at| self.col(which.as_str()).gte(at.millis()));
        let to = range.to.map(|at| self.col(which.as_str()).lt(at.millis()));
        // Below any instant is also not "never".
        let set = (!always && range.to.is_none()).then(|| self.col(which.as_str()).ne(never()));
        [set, from, to].into_iter().flatten().reduce(ExprTrait::and).unwrap_or_else(yes)
    }

    fn number(&self, which: Number, range: Range<i64>) -> Expr {
        let from = match which {
            Number::Estimate => Some(Ord::max(range.from.unwrap_or(0), 0)), // absent is -1
            Number::Number | Number::Reopened | Number::Regrouped => range.from,
        };
        let from = from.map(|from| self.col(which.as_str()).gte(from));
        let to = range.to.map(|to| self.col(which.as_str()).lt(to));
        [from, to].into_iter().flatten().reduce(ExprTrait::and).unwrap_or_else(yes)
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
