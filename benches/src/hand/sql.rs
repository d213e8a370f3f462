//! The statements, made once.

use helpdesk_core::ticket::{Importance, Priority, Urgency};

use crate::step::PAGE;

/// "Not (yet)", and what an absent number is.
const NEVER: i64 = i64::MAX;
const NIL: &str = "'00000000-0000-0000-0000-000000000000'::uuid";

/// The columns of a ticket, in order.
pub const TICKET: [&str; 35] = [
    "tenant_id",
    "id",
    "project_id",
    "number",
    "type",
    "workflow",
    "workflow_version",
    "state",
    "category",
    "title",
    "priority",
    "priority_manual",
    "urgency",
    "importance",
    "visibility",
    "group_id",
    "parent_id",
    "start_at",
    "due_at",
    "estimate",
    "resolved_at",
    "closed_at",
    "reopened",
    "regrouped",
    "version",
    "created_by",
    "created_at",
    "updated_by",
    "updated_at",
    "deleted_at",
    "salt",
    "people",
    "tags",
    "company_id",
    "folded",
];
/// The columns of a ticket that are read where they lie, behind an alias: all but the last.
pub fn read(alias: &str) -> String {
    let columns: Vec<String> = TICKET[..34].iter().map(|column| format!("{alias}.{column}")).collect();
    columns.join(", ")
}

const EVENT: &str = "tenant_id, id, subject_kind, subject_id, version, ord, kind, schema, author, cause, occurred_at, \
     recorded_at, internal, data";

/// The texts.
pub struct Statements {
    /// Tenant → the epoch.
    pub epoch: String,
    /// Tenant, project → the number drawn.
    pub draw: String,
    /// Tenant, ticket → epoch, head.
    pub load: String,
    /// The same with the long text.
    pub load_text: String,
    /// Tenant, project key, number → the whole ticket.
    pub get: String,
    /// Tenant, project, state, viewer → a page.
    pub list: String,
    /// A creation.
    pub create: String,
    /// A transition.
    pub transition: String,
    /// A comment.
    pub comment: String,
}

/// One array per column of a side table.
fn arrays(alias: &str, table: &str, columns: &[&str], rest: &str) -> (String, String) {
    let list: Vec<String> = columns.iter().map(|column| format!("{alias}.{column}")).collect();
    let all: Vec<String> = columns.iter().map(|column| format!("array_agg(r.{column}) AS {column}")).collect();
    let join = format!(
        " LEFT JOIN LATERAL (SELECT {} FROM (SELECT * FROM {table} WHERE tenant_id = t.tenant_id AND ticket_id = t.id \
         {rest}) r) {alias} ON true",
        all.join(", ")
    );
    (list.join(", "), join)
}

/// The shared lock that keeps readers of the log from overtaking this commit; the number is the library's for the schema
/// `public`.
fn watermark() -> String {
    let hash = "public".bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    let magic = (hash ^ (hash >> 15)) & 0x3fff | 0x4000;
    format!("pg_advisory_xact_lock_shared(({magic}::bigint << 48) | (SELECT last_value FROM hd_event_seq))")
}

impl Statements {
    /// Renders them.
    pub fn new() -> Self {
        let head = "t.head";
        let entry = ["id", "author", "visibility", "body", "salt", "version", "created_at", "edited_at", "deleted_at"];
        let (entries, join_entries) = arrays("n", "hd_entry", &entry, "ORDER BY created_at, id LIMIT 100");
        let load = |list: &str, join: &str| {
            format!(
                "SELECT e.epoch, {head}{list} FROM hd_epoch e \
                 JOIN hd_ticket t ON t.tenant_id = e.tenant_id AND t.id = $2{join} \
                 WHERE e.tenant_id = $1"
            )
        };
        let join_text = " JOIN hd_ticket_text x ON x.tenant_id = t.tenant_id AND x.ticket_id = t.id";
        let watermark = watermark();
        let log = |subject: &str, version: &str, at: &str, rest: [&str; 5]| {
            let [id, kind, author, cause, data] = rest;
            format!(
                "w AS MATERIALIZED (SELECT {watermark} FROM u), \
                 l AS (INSERT INTO hd_event ({EVENT}) SELECT $1, {id}, 'ticket', {subject}, {version}, 0, {kind}, 1, \
                 {author}, {cause}, {at}, {at}, false, {data} FROM w RETURNING seq) \
                 SELECT (SELECT count(*) FROM u), (SELECT max(seq) FROM l)"
            )
        };
        let guard = "e AS MATERIALIZED (SELECT 1 FROM hd_epoch WHERE tenant_id = $1 AND epoch = $2 FOR SHARE)";
        let (medium, normal, important) = (Priority::Medium as i64, Urgency::Normal as i64, Importance::Normal as i64);
        let doc = "array_to_tsvector($11::text[])";
        Self {
            epoch: "SELECT epoch FROM hd_epoch WHERE tenant_id = $1".into(),
            draw: "UPDATE hd_counter SET next = next + 1 WHERE tenant_id = $1 AND project_id = $2 \
                   RETURNING next - 1, set_config('synchronous_commit', 'off', true)"
                .into(),
            load: load("", ""),
            load_text: load(", x.description, x.salt", join_text),
            get: format!(
                "SELECT e.epoch, {head}, x.description, x.salt, {entries} FROM hd_epoch e \
                 JOIN hd_project k ON k.tenant_id = e.tenant_id AND k.key = $2 \
                 JOIN hd_ticket t ON t.tenant_id = k.tenant_id AND t.project_id = k.id AND t.number = $3\
                 {join_text}{join_entries} WHERE e.tenant_id = $1"
            ),
            list: format!(
                "SELECT e.epoch, {head} FROM hd_epoch e, LATERAL (SELECT * FROM hd_ticket q \
                 WHERE q.tenant_id = $1 AND q.project_id = $2 AND q.state = $3 AND q.deleted_at = {NEVER} \
                 AND (q.visibility IN ('project', 'tenant') OR EXISTS (SELECT 1 FROM hd_participant m \
                 WHERE m.tenant_id = $1 AND m.ticket_id = q.id AND m.person_id = $4 AND m.until = {NEVER})) \
                 ORDER BY q.updated_at DESC, q.id DESC LIMIT (SELECT {PAGE})) t WHERE e.tenant_id = $1"
            ),
            create: format!(
                "WITH {guard}, \
                 u AS (INSERT INTO hd_ticket ({}, head) SELECT $1, $3, $4, $5, 'task', 'kanban', 1, 'todo', 0, $6, {medium}, \
                 false, {normal}, {important}, $7, {NIL}, {NIL}, {NEVER}, {NEVER}, -1, {NEVER}, {NEVER}, 0, 0, 1, $8, $9, \
                 $8, $9, {NEVER}, $10, $20, '', {NIL}, $12, $21 FROM e RETURNING 1), \
                 x AS (INSERT INTO hd_ticket_text (tenant_id, ticket_id, description, salt) SELECT $1, $3, $13, $14 FROM u), \
                 p AS (INSERT INTO hd_participant (tenant_id, ticket_id, person_id, relation, joined, since, until) \
                 SELECT $1, $3, $15, r, 1, $9, {NEVER} FROM u, (VALUES ('reporter'), ('requester')) AS v(r)), \
                 s AS (INSERT INTO hd_search (tenant_id, ticket_id, entry_id, internal, words) \
                 SELECT $1, $3, {NIL}, false, {doc} FROM u), {}",
                TICKET.join(", "),
                log("$16", "1", "$9", ["$17", "'ticket.created'", "$8", "$18", "$19"]),
            ),
            transition: format!(
                "WITH {guard}, \
                 u AS (UPDATE hd_ticket SET state = $5, category = $6, resolved_at = $7, closed_at = $8, reopened = $9, \
                 version = $10, updated_by = $11, updated_at = $12, head = $17 WHERE tenant_id = $1 AND id = $3 AND version = $4 \
                 AND EXISTS (SELECT 1 FROM e) RETURNING 1), {}",
                log("$13", "$10", "$12", ["$14", "'ticket.moved'", "$11", "$15", "$16"]),
            ),
            comment: format!(
                "WITH {guard}, \
                 u AS (UPDATE hd_ticket SET version = $5, updated_by = $6, updated_at = $7, head = $16 \
                 WHERE tenant_id = $1 AND id = $3 AND version = $4 AND EXISTS (SELECT 1 FROM e) RETURNING 1), \
                 n AS (INSERT INTO hd_entry (tenant_id, ticket_id, id, author, visibility, body, salt, version, created_at, \
                 edited_at, deleted_at) SELECT $1, $3, $8, $6, 'public', $9, $10, 1, $7, {NEVER}, {NEVER} FROM u), \
                 s AS (INSERT INTO hd_search (tenant_id, ticket_id, entry_id, internal, words) \
                 SELECT $1, $3, $8, false, {doc} FROM u), {}",
                log("$12", "$5", "$7", ["$13", "'entry.added'", "$6", "$14", "$15"]),
            ),
        }
    }
}

impl Default for Statements {
    fn default() -> Self {
        Self::new()
    }
}
