-- Approvals: templates, rounds, who is asked and what they said; delegations; managers and heads; how a ticket's approvals
-- stand together.

ALTER TABLE hd_ticket ADD COLUMN approval TEXT NOT NULL DEFAULT 'none';
ALTER TABLE hd_person ADD COLUMN manager BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
ALTER TABLE hd_group ADD COLUMN head BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';

-- Approval templates: every published version, which never changes.
CREATE TABLE hd_template (
    tenant_id BLOB NOT NULL,
    "key" TEXT NOT NULL,
    version INTEGER NOT NULL,
    hash TEXT NOT NULL,
    definition TEXT NOT NULL,
    published_by TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, "key", version)
) WITHOUT ROWID;

-- Approvals of tickets. The template is `key@version`.
CREATE TABLE hd_approval (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    id BLOB NOT NULL,
    number INTEGER NOT NULL,
    template TEXT NOT NULL,
    round INTEGER NOT NULL,
    state TEXT NOT NULL,
    hash TEXT NOT NULL,
    requested_by BLOB NOT NULL,
    edited_by BLOB NOT NULL,
    requested_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    resubmitted_by BLOB NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, id)
) WITHOUT ROWID;

-- Steps that have begun, of every round.
CREATE TABLE hd_approval_step (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    approval_id BLOB NOT NULL,
    round INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    state TEXT NOT NULL,
    needed TEXT NOT NULL,
    note TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, approval_id, round, "position")
) WITHOUT ROWID;
CREATE INDEX hd_approval_step_state ON hd_approval_step (tenant_id, state, ticket_id);

-- The places of those who are asked: an inbox is those that are open.
CREATE TABLE hd_approval_slot (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    id BLOB NOT NULL,
    number INTEGER NOT NULL,
    approval_id BLOB NOT NULL,
    round INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    person_id BLOB NOT NULL,
    group_ids TEXT NOT NULL,
    via TEXT NOT NULL,
    state TEXT NOT NULL,
    consulted BLOB NOT NULL,
    turn INTEGER NOT NULL,
    carried INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, id)
) WITHOUT ROWID;
CREATE INDEX hd_approval_slot_person ON hd_approval_slot (tenant_id, person_id, state, opened_at, id);
CREATE INDEX hd_approval_slot_state ON hd_approval_slot (tenant_id, state, ticket_id);

-- What was said: never changed, never removed.
CREATE TABLE hd_approval_decision (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    id BLOB NOT NULL,
    number INTEGER NOT NULL,
    approval_id BLOB NOT NULL,
    slot_id BLOB NOT NULL,
    round INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    person_id BLOB NOT NULL,
    on_behalf_of BLOB NOT NULL,
    "comment" TEXT NOT NULL,
    salt BLOB NOT NULL,
    hash TEXT NOT NULL,
    "at" INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, id)
) WITHOUT ROWID;

-- Standing delegations; taken back, they stay.
CREATE TABLE hd_delegation (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    principal BLOB NOT NULL,
    delegate BLOB NOT NULL,
    scope TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX hd_delegation_principal ON hd_delegation (tenant_id, principal);
CREATE INDEX hd_delegation_delegate ON hd_delegation (tenant_id, delegate);

-- What the planner should think of it, as in the first migration.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('hd_approval', 'hd_approval', '50000 50000 2 1'),
    ('hd_approval_step', 'hd_approval_step', '100000 100000 4 2 2 1'),
    ('hd_approval_step', 'hd_approval_step_state', '100000 100000 10000 1'),
    ('hd_approval_slot', 'hd_approval_slot', '300000 300000 6 1'),
    ('hd_approval_slot', 'hd_approval_slot_person', '300000 300000 300 100 1 1'),
    ('hd_approval_slot', 'hd_approval_slot_state', '300000 300000 30000 2'),
    ('hd_approval_decision', 'hd_approval_decision', '200000 200000 4 1'),
    ('hd_delegation', 'hd_delegation', '1000 1000 1'),
    ('hd_delegation', 'hd_delegation_principal', '1000 1000 2'),
    ('hd_delegation', 'hd_delegation_delegate', '1000 1000 2');
ANALYZE sqlite_schema;
