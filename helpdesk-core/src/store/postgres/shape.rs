//! The shape of a commit, and the one statement that has it. Values are no part of a shape, so that few texts serve
//! all commits; [`compose`](super::compose) puts the values in the same order as the placeholders stand here.
//!
//! ```text
//! ep, ls, rd   what must still hold and is locked: epoch, lease, tickets read
//! c0, c1 …     changes of rows that count versions; they happen only if the above held
//! g            the gate: one row when everything held; several changes at once raise an error otherwise
//! w0, w1 …     all other changes; jb jobs, dn the finished job, ky the idempotency key, em the epoch
//! wm           the watermark of the log: after every row lock, before the first number
//! ev           the events
//! ```
//! No two of these change the same row: PostgreSQL would carry out only one of them.

use std::fmt::Write as _;

use super::core::Core;
use crate::store::sql::column::Kind;
use crate::store::sql::image::Table;

/// What is done about the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum EpochShape {
    Begin,
    Seen,
    Move,
}

/// What is done to rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    Insert,
    /// Sets the columns whose bits are set.
    Update(u64),
    Delete,
}

impl Act {
    /// Its place among those of one table.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Insert => 0,
            Self::Update(_) => 1,
            Self::Delete => 2,
        }
    }
}

/// Rows of one table that are treated alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub(super) table: &'static str,
    pub(super) act: Act,
    /// One row stands as plain placeholders, several as one array per column.
    pub(super) many: bool,
}

/// How events stand in the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum EventShape {
    None,
    One,
    /// Several; of one subject's one version (or not), by one author at one time for one cause (or not).
    Many {
        subject: bool,
        origin: bool,
    },
}

/// A shape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) epoch: EpochShape,
    pub(super) lease: bool,
    pub(super) reads: bool,
    /// Changes of rows that count versions.
    pub(super) checked: Vec<Part>,
    /// All other changes.
    pub(super) plain: Vec<Part>,
    pub(super) jobs: bool,
    pub(super) key: bool,
    pub(super) events: EventShape,
}

/// Columns of an event: those that name the subject, those that name the origin, and the rest.
pub(super) const EVENT_SUBJECT: [&str; 3] = ["subject_kind", "subject_id", "version"];
pub(super) const EVENT_ORIGIN: [&str; 4] = ["author", "cause", "occurred_at", "recorded_at"];
pub(super) const EVENT_REST: [&str; 6] = ["id", "ord", "kind", "schema", "internal", "data"];

/// Columns of a job that come with it, in order.
pub(super) const JOB_COLUMNS: &str = "tenant_id, id, queue, key, subject, seq, priority, run_at, tries, data";

/// What happens to a job whose key waits already: it is moved, and whoever works on the old one loses the lease.
pub(super) const JOB_CONFLICT: &str = "ON CONFLICT (tenant_id, queue, key) WHERE state = 'live' DO UPDATE SET \
     subject = excluded.subject, seq = excluded.seq, priority = excluded.priority, run_at = excluded.run_at, \
     tries = excluded.tries, data = excluded.data, attempt = 0, lease_until = 0, error = '', \
     lease_token = excluded.lease_token";

/// The rest of a new job's columns, after [`JOB_COLUMNS`], and what stands in them.
pub(super) const JOB_FRESH: (&str, &str) = (
    "attempt, lease_token, lease_until, state, error",
    "0, '00000000-0000-0000-0000-000000000000'::uuid, 0, 'live', ''",
);

/// Takes the watermark lock of the log: the sequence's number at this moment, shared.
pub(super) fn watermark(core: &Core) -> String {
    let seq = core.names.text("hd_event_seq");
    format!("pg_advisory_xact_lock_shared(({}::bigint << 48) | (SELECT last_value FROM {seq}))", core.magic())
}

/// How a table's columns are looked up while rendering.
pub(super) type Tables<'a> = &'a dyn Fn(&'static str) -> &'static Table;

struct Text<'a> {
    core: &'a Core,
    sql: String,
    used: usize,
}

impl Text<'_> {
    /// The next placeholder.
    fn next(&mut self) -> String {
        self.used += 1;
        format!("${}", self.used)
    }
    fn part(&mut self, name: &str, body: &str) {
        let comma = if self.sql.is_empty() { "WITH " } else { ",\n" };
        // Writing to a String cannot fail.
        let _ = write!(self.sql, "{comma}{name} AS {body}");
    }
    fn table(&self, name: &str) -> String {
        self.core.names.text(name)
    }
}

/// Words are lexemes separated by one space.
fn stored(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Words => format!("array_to_tsvector(string_to_array({value}, ' '))"),
        Kind::Uuid | Kind::Int | Kind::Text | Kind::Bool | Kind::Bytes => value.to_owned(),
    }
}

impl Shape {
    /// The statement. It answers one row: whether the gate was open, whether the lease held, and the last event's place.
    pub(super) fn render(&self, core: &Core, tables: Tables<'_>) -> String {
        let mut text = Text { core, sql: String::with_capacity(2048), used: 1 }; // $1 is the tenant
        let mut held: Vec<String> = Vec::new();
        let epochs = text.table("hd_epoch");
        if self.epoch != EpochShape::Begin {
            let lock = if self.epoch == EpochShape::Move { "NO KEY UPDATE" } else { "SHARE" };
            let seen = text.next();
            let body =
                format!("MATERIALIZED (SELECT 1 FROM {epochs} WHERE tenant_id = $1 AND epoch = {seen} FOR {lock})");
            text.part("ep", &body);
            held.push("EXISTS (SELECT 1 FROM ep)".into());
        }
        let jobs = text.table("hd_job");
        let mut leased = String::new();
        if self.lease {
            let (tenant, id, token) = (text.next(), text.next(), text.next());
            leased = format!("tenant_id = {tenant} AND id = {id}");
            let body = format!(
                "MATERIALIZED (SELECT 1 FROM {jobs} WHERE {leased} AND lease_token = {token} AND state = 'live' FOR UPDATE)"
            );
            text.part("ls", &body);
            held.push("EXISTS (SELECT 1 FROM ls)".into());
        }
        if self.reads {
            let (tickets, ids, versions) = (text.table("hd_ticket"), text.next(), text.next());
            let body = format!(
                "MATERIALIZED (SELECT 1 FROM {tickets} AS t, unnest({ids}, {versions}) AS x(id, version) \
                 WHERE t.tenant_id = $1 AND t.id = x.id AND t.version = x.version FOR SHARE OF t)"
            );
            text.part("rd", &body);
            held.push(format!("(SELECT count(*) FROM rd) = cardinality({ids})"));
        }
        let gate = self.checked(&mut text, tables, &held.join(" AND "));
        let mut before_log = self.plain(&mut text, tables, gate);
        before_log.extend(self.work(&mut text, gate, &leased));
        if self.key {
            let values: Vec<String> = (0..8).map(|_| text.next()).collect();
            let body = format!(
                "(INSERT INTO {} (tenant_id, author, key, hash, made, version, subject_kind, subject_id, at) \
                 SELECT $1, {} FROM {gate} RETURNING 1)",
                text.table("hd_idempotency"),
                values.join(", ")
            );
            text.part("ky", &body);
            before_log.push("ky".into());
        }
        match self.epoch {
            EpochShape::Begin => {
                text.part("em", &format!("(INSERT INTO {epochs} (tenant_id, epoch) SELECT $1, 1 FROM {gate})"));
            }
            EpochShape::Move => {
                let body = format!("(UPDATE {epochs} SET epoch = epoch + 1 FROM {gate} WHERE tenant_id = $1)");
                text.part("em", &body);
            }
            EpochShape::Seen => {}
        }
        let last = self.log(&mut text, gate, &before_log);
        let lease = if self.lease { "(SELECT count(*) FROM ls)" } else { "1::bigint" };
        let _ = write!(text.sql, "\nSELECT (SELECT count(*) FROM {gate}), {lease}, {last}");
        text.sql
    }

    /// Changes that must match, and the gate behind them.
    fn checked(&self, text: &mut Text<'_>, tables: Tables<'_>, held: &str) -> &'static str {
        let and_held = if held.is_empty() { String::new() } else { format!(" AND {held}") };
        let mut counts = Vec::new();
        for (i, part) in self.checked.iter().enumerate() {
            let table = tables(part.table);
            let (body, expected) = change(text, table, part, true, None, &and_held);
            text.part(&format!("c{i}"), &body);
            counts.push(format!("(SELECT count(*) FROM c{i}) = {expected}"));
        }
        let holding = if held.is_empty() { String::new() } else { format!(" WHERE {held}") };
        match self.checked.as_slice() {
            [] => {
                text.part("g", &format!("MATERIALIZED (SELECT 1 AS ok{holding})"));
                "g"
            }
            // One row changed, or none: nothing needs to be undone, no error needs to be raised.
            [only] if !only.many => "c0",
            [..] => {
                let all = counts.join(" AND ");
                let guard = format!("SELECT 1 / (CASE WHEN {all} THEN 1 ELSE 0 END) AS ok{holding}");
                text.part("g", &format!("MATERIALIZED ({guard})"));
                "g"
            }
        }
    }

    /// Changes that need no check of their own. All of them come before the log: they may wait for locks, or fail.
    fn plain(&self, text: &mut Text<'_>, tables: Tables<'_>, gate: &str) -> Vec<String> {
        let mut waiting = Vec::new();
        for (i, part) in self.plain.iter().enumerate() {
            let (body, _) = change(text, tables(part.table), part, false, Some(gate), "");
            let name = format!("w{i}");
            text.part(&name, &body);
            waiting.push(name);
        }
        waiting
    }

    /// Jobs to enqueue and the job that is finished.
    fn work(&self, text: &mut Text<'_>, gate: &str, leased: &str) -> Vec<String> {
        let jobs = text.table("hd_job");
        let mut waiting = Vec::new();
        let mut kept = String::new();
        if self.jobs {
            let arrays: Vec<String> = (0..10).map(|_| text.next()).collect();
            let (fresh, values) = JOB_FRESH;
            let body = format!(
                "(INSERT INTO {jobs} ({JOB_COLUMNS}, {fresh}) SELECT x.*, {values} FROM {gate}, unnest({}) AS x \
                 {JOB_CONFLICT} RETURNING 1)",
                arrays.join(", ")
            );
            text.part("jb", &body);
            waiting.push("jb".into());
            // A job that enqueues itself anew is moved, not deleted: one statement changes a row once.
            kept = format!(
                " AND NOT EXISTS (SELECT 1 FROM unnest({}, {}, {}) AS n(t, q, k) WHERE n.t = j.tenant_id AND n.q = j.queue AND n.k = j.key)",
                arrays[0], arrays[2], arrays[3]
            );
        }
        if self.lease {
            text.part("dn", &format!("(DELETE FROM {jobs} AS j USING {gate} WHERE {leased}{kept} RETURNING 1)"));
            waiting.push("dn".into());
        }
        waiting
    }

    /// Watermark and events. Answers the expression for the last event's place.
    fn log(&self, text: &mut Text<'_>, gate: &str, before: &[String]) -> &'static str {
        if self.events == EventShape::None {
            return "NULL::bigint";
        }
        let lock = watermark(text.core);
        let counts: Vec<String> = before.iter().map(|name| format!("(SELECT count(*) FROM {name})")).collect();
        let after = if counts.is_empty() { String::new() } else { format!(" WHERE {} >= 0", counts.join(" + ")) };
        text.part("wm", &format!("MATERIALIZED (SELECT {lock} FROM {gate}{after})"));
        let events = text.table("hd_event");
        let (mut columns, mut values, mut arrays, mut names) =
            (vec!["tenant_id"], vec!["$1".to_owned()], vec![], vec![]);
        let scalar = |group: &[&'static str]| match self.events {
            EventShape::None | EventShape::One => true,
            EventShape::Many { subject, origin } => {
                if group == EVENT_SUBJECT {
                    subject
                } else {
                    group == EVENT_ORIGIN && origin
                }
            }
        };
        for group in [&EVENT_SUBJECT[..], &EVENT_ORIGIN[..], &EVENT_REST[..]] {
            let plain = scalar(group);
            for column in group {
                columns.push(column);
                let place = text.next();
                if plain {
                    values.push(place);
                } else {
                    arrays.push(place);
                    names.push(*column);
                    values.push(format!("x.{column}"));
                }
            }
        }
        let rows = if arrays.is_empty() {
            String::new()
        } else {
            format!(", unnest({}) WITH ORDINALITY AS x({}, nth) ORDER BY x.nth", arrays.join(", "), names.join(", "))
        };
        let (columns, values) = (columns.join(", "), values.join(", "));
        text.part("ev", &format!("(INSERT INTO {events} ({columns}) SELECT {values} FROM wm{rows} RETURNING seq)"));
        "(SELECT max(seq) FROM ev)"
    }
}

/// One part: its body, and how many rows it must touch when it is checked.
fn change(
    text: &mut Text<'_>,
    table: &'static Table,
    part: &Part,
    checked: bool,
    gate: Option<&str>,
    and_held: &str,
) -> (String, String) {
    let name = text.table(table.name);
    let mut arrays = Vec::new();
    let mut place = |text: &mut Text<'_>, column: &str| {
        let place = text.next();
        if !part.many {
            return place;
        }
        arrays.push((place, column.to_owned()));
        format!("x.\"{column}\"")
    };
    // An insert sets every column; the others find their rows by key and, where it counts, version.
    let set: Vec<usize> = match part.act {
        Act::Insert => (1..table.columns.len()).collect(),
        Act::Update(mask) => (1..table.columns.len()).filter(|i| mask & (1 << i) != 0).collect(),
        Act::Delete => vec![],
    };
    let mut matches = vec!["t.tenant_id = $1".to_owned()];
    if part.act != Act::Insert {
        for (column, _) in &table.columns[1..table.key] {
            let value = place(text, column);
            matches.push(format!("t.\"{column}\" = {value}"));
        }
        if let Some(version) = table.version.filter(|_| checked) {
            let value = place(text, "seen version");
            matches.push(format!("t.\"{}\" = {value}", table.columns[version].0));
        }
    }
    let values: Vec<(&str, String)> = set
        .into_iter()
        .map(|i| {
            let (column, kind) = table.columns[i];
            let value = place(text, column);
            (column, stored(kind, &value))
        })
        .collect();
    let expected = arrays.first().map_or("1".to_owned(), |(first, _)| format!("cardinality({first})"));
    let unnest = (!arrays.is_empty()).then(|| {
        let (places, columns): (Vec<_>, Vec<_>) = arrays.into_iter().map(|(p, c)| (p, format!("\"{c}\""))).unzip();
        format!("unnest({}) AS x({})", places.join(", "), columns.join(", "))
    });
    let from: Vec<&str> = gate.into_iter().chain(unnest.as_deref()).collect();
    let from = from.join(", ");
    let matches = matches.join(" AND ");
    let body = match part.act {
        Act::Insert => {
            let (columns, values): (Vec<String>, Vec<String>) =
                values.into_iter().map(|(column, value)| (format!("\"{column}\""), value)).unzip();
            format!(
                "(INSERT INTO {name} (tenant_id, {}) SELECT $1, {} FROM {from} RETURNING 1)",
                columns.join(", "),
                values.join(", ")
            )
        }
        Act::Update(_) => {
            let set: Vec<String> =
                values.into_iter().map(|(column, value)| format!("\"{column}\" = {value}")).collect();
            let from = if from.is_empty() { String::new() } else { format!(" FROM {from}") };
            format!("(UPDATE {name} AS t SET {}{from} WHERE {matches}{and_held} RETURNING 1 AS ok)", set.join(", "))
        }
        Act::Delete => {
            let using = if from.is_empty() { String::new() } else { format!(" USING {from}") };
            format!("(DELETE FROM {name} AS t{using} WHERE {matches}{and_held} RETURNING 1 AS ok)")
        }
    };
    (body, expected)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::store::Head;
    use crate::store::sql::image::Image;
    use crate::ticket::{Entry, Participant};

    fn check(shape: &Shape, expected: Expect) {
        let core = Core::new(Some("desk".into()), true);
        let tables = |name: &'static str| -> &'static Table {
            [const { &Head::TABLE }, const { &Entry::TABLE }, const { &Participant::TABLE }]
                .into_iter()
                .find(|table| table.name == name)
                .expect("a table of this test")
        };
        expected.assert_eq(&shape.render(&core, &tables));
    }

    fn part(table: &'static str, act: Act, many: bool) -> Part {
        Part { table, act, many }
    }

    #[test]
    fn one_row_is_gated_by_its_count() {
        let version = 1 << 24;
        let shape = Shape {
            epoch: EpochShape::Seen,
            lease: false,
            reads: false,
            checked: vec![part("hd_ticket", Act::Update(version), false)],
            plain: vec![part("hd_entry", Act::Insert, false)],
            jobs: false,
            key: false,
            events: EventShape::One,
        };
        check(
            &shape,
            expect![[r#"
            WITH ep AS MATERIALIZED (SELECT 1 FROM "desk".hd_epoch WHERE tenant_id = $1 AND epoch = $2 FOR SHARE),
            c0 AS (UPDATE "desk".hd_ticket AS t SET "version" = $5 WHERE t.tenant_id = $1 AND t."id" = $3 AND t."version" = $4 AND EXISTS (SELECT 1 FROM ep) RETURNING 1 AS ok),
            w0 AS (INSERT INTO "desk".hd_entry (tenant_id, "ticket_id", "id", "author", "visibility", "body", "salt", "version", "created_at", "edited_at", "deleted_at") SELECT $1, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM c0 RETURNING 1),
            wm AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared((23230::bigint << 48) | (SELECT last_value FROM "desk".hd_event_seq)) FROM c0 WHERE (SELECT count(*) FROM w0) >= 0),
            ev AS (INSERT INTO "desk".hd_event (tenant_id, subject_kind, subject_id, version, author, cause, occurred_at, recorded_at, id, ord, kind, schema, internal, data) SELECT $1, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28 FROM wm RETURNING seq)
            SELECT (SELECT count(*) FROM c0), 1::bigint, (SELECT max(seq) FROM ev)"#]],
        );
    }

    #[test]
    fn several_rows_are_gated_by_a_guard() {
        let shape = Shape {
            epoch: EpochShape::Move,
            lease: true,
            reads: true,
            checked: vec![part("hd_ticket", Act::Update(1 << 24), true), part("hd_entry", Act::Delete, false)],
            plain: vec![part("hd_participant", Act::Insert, true)],
            jobs: true,
            key: true,
            events: EventShape::Many { subject: true, origin: true },
        };
        check(
            &shape,
            expect![[r#"
            WITH ep AS MATERIALIZED (SELECT 1 FROM "desk".hd_epoch WHERE tenant_id = $1 AND epoch = $2 FOR NO KEY UPDATE),
            ls AS MATERIALIZED (SELECT 1 FROM "desk".hd_job WHERE tenant_id = $3 AND id = $4 AND lease_token = $5 AND state = 'live' FOR UPDATE),
            rd AS MATERIALIZED (SELECT 1 FROM "desk".hd_ticket AS t, unnest($6, $7) AS x(id, version) WHERE t.tenant_id = $1 AND t.id = x.id AND t.version = x.version FOR SHARE OF t),
            c0 AS (UPDATE "desk".hd_ticket AS t SET "version" = x."version" FROM unnest($8, $9, $10) AS x("id", "seen version", "version") WHERE t.tenant_id = $1 AND t."id" = x."id" AND t."version" = x."seen version" AND EXISTS (SELECT 1 FROM ep) AND EXISTS (SELECT 1 FROM ls) AND (SELECT count(*) FROM rd) = cardinality($6) RETURNING 1 AS ok),
            c1 AS (DELETE FROM "desk".hd_entry AS t WHERE t.tenant_id = $1 AND t."ticket_id" = $11 AND t."id" = $12 AND t."version" = $13 AND EXISTS (SELECT 1 FROM ep) AND EXISTS (SELECT 1 FROM ls) AND (SELECT count(*) FROM rd) = cardinality($6) RETURNING 1 AS ok),
            g AS MATERIALIZED (SELECT 1 / (CASE WHEN (SELECT count(*) FROM c0) = cardinality($8) AND (SELECT count(*) FROM c1) = 1 THEN 1 ELSE 0 END) AS ok WHERE EXISTS (SELECT 1 FROM ep) AND EXISTS (SELECT 1 FROM ls) AND (SELECT count(*) FROM rd) = cardinality($6)),
            w0 AS (INSERT INTO "desk".hd_participant (tenant_id, "ticket_id", "person_id", "relation", "joined", "since", "until") SELECT $1, x."ticket_id", x."person_id", x."relation", x."joined", x."since", x."until" FROM g, unnest($14, $15, $16, $17, $18, $19) AS x("ticket_id", "person_id", "relation", "joined", "since", "until") RETURNING 1),
            jb AS (INSERT INTO "desk".hd_job (tenant_id, id, queue, key, subject, seq, priority, run_at, tries, data, attempt, lease_token, lease_until, state, error) SELECT x.*, 0, '00000000-0000-0000-0000-000000000000'::uuid, 0, 'live', '' FROM g, unnest($20, $21, $22, $23, $24, $25, $26, $27, $28, $29) AS x ON CONFLICT (tenant_id, queue, key) WHERE state = 'live' DO UPDATE SET subject = excluded.subject, seq = excluded.seq, priority = excluded.priority, run_at = excluded.run_at, tries = excluded.tries, data = excluded.data, attempt = 0, lease_until = 0, error = '', lease_token = excluded.lease_token RETURNING 1),
            dn AS (DELETE FROM "desk".hd_job AS j USING g WHERE tenant_id = $3 AND id = $4 AND NOT EXISTS (SELECT 1 FROM unnest($20, $22, $23) AS n(t, q, k) WHERE n.t = j.tenant_id AND n.q = j.queue AND n.k = j.key) RETURNING 1),
            ky AS (INSERT INTO "desk".hd_idempotency (tenant_id, author, key, hash, made, version, subject_kind, subject_id, at) SELECT $1, $30, $31, $32, $33, $34, $35, $36, $37 FROM g RETURNING 1),
            em AS (UPDATE "desk".hd_epoch SET epoch = epoch + 1 FROM g WHERE tenant_id = $1),
            wm AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared((23230::bigint << 48) | (SELECT last_value FROM "desk".hd_event_seq)) FROM g WHERE (SELECT count(*) FROM w0) + (SELECT count(*) FROM jb) + (SELECT count(*) FROM dn) + (SELECT count(*) FROM ky) >= 0),
            ev AS (INSERT INTO "desk".hd_event (tenant_id, subject_kind, subject_id, version, author, cause, occurred_at, recorded_at, id, ord, kind, schema, internal, data) SELECT $1, $38, $39, $40, $41, $42, $43, $44, x.id, x.ord, x.kind, x.schema, x.internal, x.data FROM wm, unnest($45, $46, $47, $48, $49, $50) WITH ORDINALITY AS x(id, ord, kind, schema, internal, data, nth) ORDER BY x.nth RETURNING seq)
            SELECT (SELECT count(*) FROM g), (SELECT count(*) FROM ls), (SELECT max(seq) FROM ev)"#]],
        );
    }
}
