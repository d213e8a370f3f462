//! Many tickets at once: the one ticket per project that the desk made is cloned inside the database, with its text,
//! people, comment, search documents and events. Whatever columns a table has are copied; a few are told anew.

use std::fmt::Write as _;

use anyhow::Context;
use helpdesk_core::workflow::Category;
use uuid::Uuid;

use crate::world::{COLUMNS, LANES, SPREAD, World};

/// How a database says what differs between the two.
struct Words {
    ordinals: fn(u64) -> String,
    id: &'static str,
    id_text: &'static str,
    fresh_id: &'static str,
    blob: fn(Uuid) -> String,
}

const POSTGRES: Words = Words {
    ordinals: |n| format!("generate_series(0::bigint, {n} - 1) AS s(i)"),
    id: "(lpad(to_hex(s.i), 12, '0') || '70008000000000000000')::uuid",
    id_text: "(lpad(to_hex(s.i), 12, '0') || '70008000000000000000')::uuid::text",
    fresh_id: "gen_random_uuid()",
    blob: |id| format!("'{id}'::uuid"),
};

const SQLITE: Words = Words {
    ordinals: |n| {
        format!(
            "(WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < {n} - 1) SELECT i FROM c) AS s"
        )
    },
    id: "unhex(printf('%012x', s.i) || '70008000000000000000')",
    id_text: "printf('%08x-%04x-7000-8000-000000000000', s.i >> 16, s.i & 65535)",
    fresh_id: "randomblob(16)",
    blob: |id| format!("x'{}'", id.simple()),
};

/// A table that is cloned: how a row `r` of the first ticket `k` is found, and the columns that are told anew.
type Cloned = (&'static str, &'static str, Vec<(&'static str, String)>);

fn tables(words: &Words, tickets: u64, now: i64) -> Vec<Cloned> {
    let id = || words.id.to_owned();
    let turn = format!("((s.i / {LANES}) % {})", SPREAD.len());
    let by_turn = |value: &dyn Fn(usize) -> String| {
        let mut case = format!("CASE {turn}");
        for (at, column) in SPREAD.iter().enumerate() {
            let _ = write!(case, " WHEN {at} THEN {}", value(usize::from(*column))); // writing to a String cannot fail
        }
        case + " END"
    };
    let updated = format!("({now} - ((s.i * 7919) % {tickets}) * 31000)");
    let ended = by_turn(&|column| {
        if COLUMNS[column].category == Category::Closed { updated.clone() } else { i64::MAX.to_string() }
    });
    let ticket = "r.id = k.ticket";
    let side = "r.ticket_id = k.ticket";
    vec![
        (
            "hd_ticket",
            ticket,
            vec![
                ("id", id()),
                ("number", format!("2 + s.i / {LANES}")),
                ("state", by_turn(&|column| format!("'{}'", COLUMNS[column].state))),
                ("category", by_turn(&|column| (COLUMNS[column].category as i64).to_string())),
                ("resolved_at", ended.clone()),
                ("closed_at", ended),
                ("created_at", format!("{now} - ({tickets} - s.i) * 31000")),
                ("updated_at", updated),
            ],
        ),
        ("hd_ticket_text", side, vec![("ticket_id", id())]),
        ("hd_participant", side, vec![("ticket_id", id())]),
        ("hd_entry", side, vec![("ticket_id", id())]),
        ("hd_search", side, vec![("ticket_id", id()), ("doc", String::new())]),
        (
            "hd_event",
            "r.subject_kind = 'ticket' AND r.subject_id = k.name",
            vec![("id", words.fresh_id.to_owned()), ("subject_id", words.id_text.to_owned()), ("seq", String::new())],
        ),
    ]
}

/// The statements, given the columns of a table; an empty expression leaves the column to its default.
fn statements(
    words: &Words,
    world: &World,
    now: i64,
    mut columns: impl FnMut(&str) -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<Vec<String>> {
    let mut all = vec!["CREATE TEMPORARY TABLE lane AS".to_owned()];
    for (t, tenant) in world.tenants.iter().enumerate() {
        for (p, (_, _, first)) in tenant.projects.iter().enumerate() {
            let (lane, union) = (t + p * world.tenants.len(), if t + p == 0 { "" } else { " UNION ALL" });
            let (owner, ticket) = ((words.blob)(tenant.id.into()), (words.blob)((*first).into()));
            let row =
                format!("{union} SELECT {lane} AS lane, {owner} AS tenant, {ticket} AS ticket, '{first}' AS name");
            all[0].push_str(&row);
        }
    }
    for (table, found, told) in tables(words, world.tickets, now) {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in columns(table)? {
            let value = told.iter().find(|(name, _)| *name == column).map(|(_, value)| value.clone());
            let value = value.unwrap_or_else(|| format!("r.\"{column}\""));
            if !value.is_empty() {
                names.push(format!("\"{column}\""));
                values.push(value);
            }
        }
        anyhow::ensure!(!names.is_empty(), "{table} has no columns: migrate first");
        all.push(format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {} JOIN lane k ON k.lane = s.i % {LANES} \
             JOIN {table} r ON r.tenant_id = k.tenant AND {found} ORDER BY s.i, {}",
            names.join(", "),
            values.join(", "),
            (words.ordinals)(world.tickets),
            if table == "hd_event" { "r.seq" } else { "k.lane" },
        ));
    }
    let next = 2 + world.tickets / LANES;
    all.push(format!("UPDATE hd_counter SET next = {next}"));
    all.push("DROP TABLE lane".into());
    Ok(all)
}

/// Stocks a PostgreSQL database.
pub async fn postgres(url: &str, world: &World, now: i64) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let rows = client
        .query(
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'",
            &[],
        )
        .await?;
    let known: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let of = |table: &str| known.iter().filter(|(of, _)| of == table).map(|(_, column)| column.clone()).collect();
    // What a cloned row tells anew, the text beside it tells, too.
    client
        .batch_execute(
            "CREATE FUNCTION stock() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN NEW.head := hd_ticket_head(NEW); RETURN NEW; END $$; \
             CREATE TRIGGER stock BEFORE INSERT ON hd_ticket FOR EACH ROW EXECUTE FUNCTION stock()",
        )
        .await?;
    for statement in statements(&POSTGRES, world, now, |table| Ok(of(table)))? {
        client
            .batch_execute(&statement)
            .await
            .with_context(|| format!("stocking: {}", &statement[..60.min(statement.len())]))?;
    }
    client.batch_execute("DROP TRIGGER stock ON hd_ticket; DROP FUNCTION stock()").await?;
    client.batch_execute("VACUUM ANALYZE").await?;
    client.batch_execute("CHECKPOINT").await?;
    drop(client);
    connection.await??;
    Ok(())
}

/// Stocks a SQLite file.
pub fn sqlite(file: &std::path::Path, world: &World, now: i64) -> anyhow::Result<()> {
    let conn = rusqlite::Connection::open(file)?;
    let columns = |table: &str| -> anyhow::Result<Vec<String>> {
        let mut statement = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let names = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(names)
    };
    conn.execute_batch("BEGIN")?;
    for statement in statements(&SQLITE, world, now, columns)? {
        conn.execute_batch(&statement)
            .with_context(|| format!("stocking: {}", &statement[..60.min(statement.len())]))?;
    }
    // No ANALYZE: with its samples SQLite prepares a statement anew whenever a bound value changes.
    conn.execute_batch("INSERT INTO hd_search_words(hd_search_words) VALUES ('rebuild'); COMMIT;")?;
    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}
