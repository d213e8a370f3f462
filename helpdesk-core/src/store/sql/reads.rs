//! The statements that read and do not depend on a filter, rendered once when a store opens.
//!
//! Placeholders are `$1`, `$2` … in order of first use, which both databases take (to SQLite they are names, which it
//! numbers in that order). A row has the columns of its image, in order; what comes before or after is said. Statements
//! that give many rows end before their limit: [`limited`] appends it.

use super::image::Image;
use super::names::{Dialect, Names, columns};
use crate::approval::{Approval, ApprovalDecision, ApprovalStep, Delegation, PublishedTemplate, Slot};
use crate::board::Board;
use crate::org::{Group, Installation, Membership, Person, Project, Tenant};
use crate::role::{CustomRole, Grant};
use crate::store::{Head, Kv, RunRecord};
use crate::ticket::link::STEPS_MAX;
use crate::ticket::{Entry, Link, LinkKind, Participant, Relation, Revision, Tag, TicketText};
use crate::time::Timestamp;
use crate::workflow::{Category, Published};

/// `sql` with a literal limit: PostgreSQL plans a bound one anew each time.
pub(crate) fn limited(sql: &str, limit: u16) -> String {
    format!("{sql} LIMIT {limit}")
}

/// The texts.
#[derive(Debug)]
pub(crate) struct Reads {
    /// What is read of a ticket under the alias `t`: not a statement.
    pub(crate) head: String,
    /// Tenant → epoch.
    pub(crate) epoch: String,
    /// Tenant → the tenant.
    pub(crate) tenant: String,
    /// Every tenant, in order of id.
    pub(crate) tenants: String,
    /// Key of a tenant → a row when it is taken.
    pub(crate) tenant_key: String,
    /// Tenant → its projects.
    pub(crate) projects: String,
    /// Tenant → its groups.
    pub(crate) groups: String,
    /// Tenant → its tags.
    pub(crate) tags: String,
    /// Tenant → its published workflows.
    pub(crate) workflows: String,
    /// Tenant → its published approval templates.
    pub(crate) templates: String,
    /// Tenant, ticket (PostgreSQL: tickets) → approvals, in order of number.
    pub(crate) approvals: String,
    /// The same → their steps, in order of (approval, round, position).
    pub(crate) approval_steps: String,
    /// The same → their slots, in order of number.
    pub(crate) slots: String,
    /// The same → what was said, in order of number.
    pub(crate) decisions: String,
    /// Tenant, role → its grants, expired ones too, in order of id.
    pub(crate) holders: String,
    /// Tenant, person → the delegations they have given, in order of (created_at, id).
    pub(crate) delegations_of: String,
    /// Tenant, person → the delegations they have given or were given, in the same order.
    pub(crate) delegations: String,
    /// Tenant, id → the delegation.
    pub(crate) delegation: String,
    /// Tenant, person, opened_at, id → their open slots after that place, oldest first. Limited.
    pub(crate) inbox: String,
    /// Tenant, person, ticket to begin after → tickets with slots of theirs that are open or approved. Limited.
    pub(crate) concerned_person: String,
    /// Tenant, way, ticket to begin after → tickets with open slots found in that way, vacant slots or blocked steps.
    /// Limited.
    pub(crate) concerned_via: String,
    /// Tenant → the roles it has defined.
    pub(crate) roles: String,
    /// Tenant, key of a role → until when it is granted at the longest, 0 when it never was.
    pub(crate) role_until: String,
    /// Tenant → its boards.
    pub(crate) boards: String,
    /// Tenant → its plugins.
    pub(crate) plugins: String,
    /// Tenant → all grants, in order of id.
    pub(crate) grants: String,
    /// Tenant, id → the grant.
    pub(crate) grant: String,
    /// Tenant, kind and key of a principal → its grants, in order of id.
    pub(crate) grants_of: String,
    /// Tenant → the grants on departments, in order of id.
    pub(crate) grants_on_departments: String,
    /// Tenant, person as uuid → the grants of their groups, in order of id.
    pub(crate) grants_by_group: String,
    /// Tenant, group → members, in order of person.
    pub(crate) members: String,
    /// Tenant, group, person → the membership.
    pub(crate) member: String,
    /// Tenant, id → the ticket.
    pub(crate) ticket: String,
    /// Tenant, project key, number → the ticket.
    pub(crate) ticket_by_key: String,
    /// Tenant, ticket → the long text.
    pub(crate) text: String,
    /// Tenant, ticket, id → the entry.
    pub(crate) entry: String,
    /// Tenant, ticket, created_at, id → entries after that place, oldest first. Limited.
    pub(crate) entries: String,
    /// Tenant, ticket → earlier texts, oldest first.
    pub(crate) revisions: String,
    /// Tenant, ticket → everyone who ever was something to it, in order of (since, person); sort in Rust.
    pub(crate) participants: String,
    /// Tenant, id → the person.
    pub(crate) person: String,
    /// Tenant, external id → the person.
    pub(crate) external: String,
    /// Tenant, id to begin after (nil: the first), folded search or empty, kind or empty → people by id. Limited.
    pub(crate) find_people: String,
    /// Tenant, plugin, key → the value.
    pub(crate) kv: String,
    /// Tenant, plugin, key to begin after or empty, prefix → rows of one column, keys in order. Limited.
    pub(crate) kv_keys: String,
    pub(crate) kv_bytes: String,
    /// Tenant, plugin → runs, newest first. Limited.
    pub(crate) runs: String,
    /// Tenant, author, key → hash, made, version, seq of the last event of that version or 0.
    pub(crate) earlier: String,
    /// Tenant, ticket → (distance, id, version) of the tickets above it, nearest first, itself not among them.
    pub(crate) ancestors: String,
    /// Tenant, ticket → the tickets below it at every depth, in no order. Limited.
    pub(crate) below: String,
    /// Tenant, group → (person, tickets assigned that have not ended) of its active members, in order of (since, person).
    pub(crate) pool: String,
    /// Tenant, ticket (PostgreSQL: tickets) → the links at both ends, each once.
    pub(crate) links: String,
    /// Tenant, ticket (PostgreSQL: tickets) → (blocker, blocked, version of the blocked) behind it, one row more than
    /// [`STEPS_MAX`] at most.
    pub(crate) steps: String,
}

impl Reads {
    pub(crate) fn new(names: &Names) -> Self {
        /// All columns of an image from its table, under a condition.
        fn rows<T: Image>(names: &Names, rest: &str) -> String {
            format!("SELECT {} FROM {} {rest}", columns::<T>(""), names.of::<T>())
        }
        let position = names.dialect.position();
        let (ticket, project, grant, member) =
            (names.of::<Head>(), names.of::<Project>(), names.of::<Grant>(), names.of::<Membership>());
        let link = names.of::<Link>();
        let given = match names.dialect {
            Dialect::Sqlite => "= $2",
            Dialect::Postgres => "= ANY($2)",
        };
        Self {
            head: columns::<Head>("t."),
            epoch: format!("SELECT epoch FROM {} WHERE tenant_id = $1", names.text("hd_epoch")),
            tenant: rows::<Tenant>(names, "WHERE tenant_id = $1"),
            tenants: rows::<Tenant>(names, "ORDER BY tenant_id"),
            tenant_key: format!("SELECT 1 FROM {} WHERE \"key\" = $1", names.of::<Tenant>()),
            projects: rows::<Project>(names, "WHERE tenant_id = $1"),
            groups: rows::<Group>(names, "WHERE tenant_id = $1"),
            tags: rows::<Tag>(names, "WHERE tenant_id = $1"),
            workflows: rows::<Published>(names, "WHERE tenant_id = $1 ORDER BY \"key\", version"),
            templates: rows::<PublishedTemplate>(names, "WHERE tenant_id = $1 ORDER BY \"key\", version"),
            approvals: rows::<Approval>(names, &format!("WHERE tenant_id = $1 AND ticket_id {given} ORDER BY number")),
            approval_steps: rows::<ApprovalStep>(
                names,
                &format!("WHERE tenant_id = $1 AND ticket_id {given} ORDER BY approval_id, round, \"position\""),
            ),
            slots: rows::<Slot>(names, &format!("WHERE tenant_id = $1 AND ticket_id {given} ORDER BY number")),
            decisions: rows::<ApprovalDecision>(
                names,
                &format!("WHERE tenant_id = $1 AND ticket_id {given} ORDER BY number"),
            ),
            holders: rows::<Grant>(names, "WHERE tenant_id = $1 AND role = $2 ORDER BY id"),
            delegations_of: rows::<Delegation>(
                names,
                "WHERE tenant_id = $1 AND principal = $2 ORDER BY created_at, id",
            ),
            delegations: rows::<Delegation>(
                names,
                "WHERE tenant_id = $1 AND (principal = $2 OR delegate = $2) ORDER BY created_at, id",
            ),
            delegation: rows::<Delegation>(names, "WHERE tenant_id = $1 AND id = $2"),
            inbox: rows::<Slot>(
                names,
                "WHERE tenant_id = $1 AND person_id = $2 AND state = 'open' AND (opened_at, id) > ($3, $4) \
                 ORDER BY opened_at, id",
            ),
            concerned_person: format!(
                "SELECT DISTINCT ticket_id FROM {} WHERE tenant_id = $1 AND person_id = $2 \
                 AND state IN ('open', 'approved') AND ticket_id > $3 ORDER BY ticket_id",
                names.of::<Slot>(),
            ),
            concerned_via: format!(
                "SELECT ticket_id FROM {slots} WHERE tenant_id = $1 AND (state = 'open' AND $2 <> '' \
                 AND {position}(' ' || via || ' ', ' ' || $2 || ' ') > 0 OR state = 'vacant') AND ticket_id > $3 \
                 UNION SELECT ticket_id FROM {steps} WHERE tenant_id = $1 AND state = 'blocked' AND ticket_id > $3 \
                 ORDER BY ticket_id",
                slots = names.of::<Slot>(),
                steps = names.of::<ApprovalStep>(),
            ),
            roles: rows::<CustomRole>(names, "WHERE tenant_id = $1"),
            role_until: format!("SELECT coalesce(max(expires_at), 0) FROM {grant} WHERE tenant_id = $1 AND role = $2"),
            boards: rows::<Board>(names, "WHERE tenant_id = $1"),
            plugins: rows::<Installation>(names, "WHERE tenant_id = $1"),
            grants: rows::<Grant>(names, "WHERE tenant_id = $1 ORDER BY id"),
            grant: rows::<Grant>(names, "WHERE tenant_id = $1 AND id = $2"),
            grants_of: rows::<Grant>(
                names,
                "WHERE tenant_id = $1 AND principal_kind = $2 AND principal = $3 ORDER BY id",
            ),
            grants_on_departments: rows::<Grant>(
                names,
                "WHERE tenant_id = $1 AND scope_kind = 'department' ORDER BY id",
            ),
            grants_by_group: format!(
                "SELECT {} FROM {member} m JOIN {grant} g ON g.tenant_id = m.tenant_id AND g.principal_kind = 'group' \
                 AND g.principal = {} WHERE m.tenant_id = $1 AND m.person_id = $2 ORDER BY g.id",
                columns::<Grant>("g."),
                names.dialect.uuid_text("m.group_id"),
            ),
            members: rows::<Membership>(names, "WHERE tenant_id = $1 AND group_id = $2 ORDER BY person_id"),
            member: rows::<Membership>(names, "WHERE tenant_id = $1 AND group_id = $2 AND person_id = $3"),
            ticket: rows::<Head>(names, "WHERE tenant_id = $1 AND id = $2"),
            ticket_by_key: format!(
                "SELECT {} FROM {project} p JOIN {ticket} t ON t.tenant_id = p.tenant_id AND t.project_id = p.id \
                 WHERE p.tenant_id = $1 AND p.\"key\" = $2 AND t.number = $3",
                columns::<Head>("t."),
            ),
            text: rows::<TicketText>(names, "WHERE tenant_id = $1 AND ticket_id = $2"),
            entry: rows::<Entry>(names, "WHERE tenant_id = $1 AND ticket_id = $2 AND id = $3"),
            entries: rows::<Entry>(
                names,
                "WHERE tenant_id = $1 AND ticket_id = $2 AND (created_at, id) > ($3, $4) ORDER BY created_at, id",
            ),
            revisions: rows::<Revision>(names, "WHERE tenant_id = $1 AND ticket_id = $2 ORDER BY version, \"of\""),
            participants: rows::<Participant>(
                names,
                "WHERE tenant_id = $1 AND ticket_id = $2 ORDER BY since, person_id",
            ),
            person: rows::<Person>(names, "WHERE tenant_id = $1 AND id = $2"),
            external: rows::<Person>(names, "WHERE tenant_id = $1 AND external = $2"),
            find_people: rows::<Person>(
                names,
                &format!(
                    "WHERE tenant_id = $1 AND id > $2 AND ($3 = '' OR {position}(folded, $3) > 0) \
                     AND ($4 = '' OR kind = $4) ORDER BY id"
                ),
            ),
            kv: rows::<Kv>(names, "WHERE tenant_id = $1 AND plugin = $2 AND \"key\" = $3"),
            kv_keys: format!(
                "SELECT \"key\" FROM {} WHERE tenant_id = $1 AND plugin = $2 AND \"key\" > $3 \
                 AND ($4 = '' OR {position}(\"key\", $4) = 1) AND expires_at > $5 ORDER BY \"key\"",
                names.of::<Kv>(),
            ),
            kv_bytes: format!(
                "SELECT coalesce(sum(octet_length(\"key\") + octet_length(value)), 0) FROM {} \
                 WHERE tenant_id = $1 AND plugin = $2 AND expires_at > $3",
                names.of::<Kv>(),
            ),
            runs: rows::<RunRecord>(names, "WHERE tenant_id = $1 AND plugin = $2 ORDER BY at DESC, id DESC"),
            earlier: format!(
                "SELECT hash, made, version, coalesce((SELECT max(e.seq) FROM {} e WHERE e.tenant_id = i.tenant_id \
                 AND e.subject_kind = i.subject_kind AND e.subject_id = i.subject_id AND e.version = i.version), 0) \
                 FROM {} i WHERE i.tenant_id = $1 AND i.author = $2 AND i.\"key\" = $3",
                names.text("hd_event"),
                names.text("hd_idempotency"),
            ),
            links: format!(
                "SELECT {columns} FROM {link} WHERE tenant_id = $1 AND source {given} \
                 UNION SELECT {columns} FROM {link} WHERE tenant_id = $1 AND target {given}",
                columns = columns::<Link>(""),
            ),
            // UNION: each ticket is followed once, whichever ways lead there.
            steps: format!(
                "WITH RECURSIVE behind(id) AS (SELECT id FROM {ticket} WHERE tenant_id = $1 AND id {given} \
                 UNION SELECT l.target FROM behind b JOIN {link} l ON l.tenant_id = $1 AND l.source = b.id \
                 AND l.kind = '{blocks}') SELECT l.source, l.target, t.version \
                 FROM (SELECT id FROM behind LIMIT {most}) b JOIN {link} l ON l.tenant_id = $1 AND l.source = b.id \
                 AND l.kind = '{blocks}' JOIN {ticket} t ON t.tenant_id = $1 AND t.id = l.target LIMIT {most}",
                blocks = LinkKind::Blocks,
                most = STEPS_MAX + 1,
            ),
            // UNION ALL with a bound: a ring in the data must not spin.
            ancestors: format!(
                "WITH RECURSIVE up(far, id, parent_id, version) AS (SELECT 0, id, parent_id, version FROM {ticket} \
                 WHERE tenant_id = $1 AND id = $2 UNION ALL SELECT up.far + 1, t.id, t.parent_id, t.version FROM up \
                 JOIN {ticket} t ON t.tenant_id = $1 AND t.id = up.parent_id WHERE up.far < 64) \
                 SELECT far, id, version FROM up WHERE far > 0 ORDER BY far"
            ),
            // The condition on nil is that of the index.
            below: format!(
                "WITH RECURSIVE down(far, id) AS (SELECT 1, id FROM {ticket} WHERE tenant_id = $1 AND parent_id = $2 \
                 AND parent_id <> {nil} UNION ALL SELECT down.far + 1, t.id FROM down JOIN {ticket} t \
                 ON t.tenant_id = $1 AND t.parent_id = down.id AND t.parent_id <> {nil} WHERE down.far < 64) \
                 SELECT {} FROM {ticket} t WHERE t.tenant_id = $1 AND t.id IN (SELECT id FROM down)",
                columns::<Head>("t."),
                nil = names.dialect.nil(),
            ),
            pool: format!(
                "SELECT m.person_id, (SELECT count(*) FROM {} p JOIN {ticket} t ON t.tenant_id = p.tenant_id \
                 AND t.id = p.ticket_id WHERE p.tenant_id = m.tenant_id AND p.person_id = m.person_id \
                 AND p.relation = '{}' AND p.until = {never} AND t.deleted_at = {never} AND t.category < {}), q.skills \
                 FROM {member} m JOIN {} q ON q.tenant_id = m.tenant_id AND q.id = m.person_id \
                 WHERE m.tenant_id = $1 AND m.group_id = $2 AND q.active ORDER BY m.since, m.person_id",
                names.of::<Participant>(),
                Relation::Assignee,
                Category::Resolved as i64,
                names.of::<Person>(),
                never = Timestamp::NEVER.millis(),
            ),
        }
    }
}
