-- The spine. Ids are 16-byte blobs, instants milliseconds since 1970 (9223372036854775807: never), texts compared byte
-- by byte, booleans 0 and 1; nothing is NULL. The columns are those of the row images, in their order.

CREATE TABLE hd_tenant (
    tenant_id BLOB NOT NULL PRIMARY KEY,
    "key" TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    suspended INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- The policy epoch: moved by grants, memberships and configuration, checked by every commit.
CREATE TABLE hd_epoch (
    tenant_id BLOB NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE hd_project (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    "key" TEXT NOT NULL,
    name TEXT NOT NULL,
    lead BLOB NOT NULL,
    workflow TEXT NOT NULL,
    visibility TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, "key")
) WITHOUT ROWID;

CREATE TABLE hd_counter (
    tenant_id BLOB NOT NULL,
    project_id BLOB NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, project_id)
) WITHOUT ROWID;

CREATE TABLE hd_person (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    external TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT NOT NULL,
    title TEXT NOT NULL,
    active INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    folded TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, external)
) WITHOUT ROWID;

CREATE TABLE hd_group (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    parent BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    folded TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, folded)
) WITHOUT ROWID;

CREATE TABLE hd_member (
    tenant_id BLOB NOT NULL,
    group_id BLOB NOT NULL,
    person_id BLOB NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, group_id, person_id)
) WITHOUT ROWID;
CREATE INDEX hd_member_person ON hd_member (tenant_id, person_id);

CREATE TABLE hd_grant (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    principal_kind TEXT NOT NULL,
    principal TEXT NOT NULL,
    role TEXT NOT NULL,
    scope_kind TEXT NOT NULL,
    scope_id BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX hd_grant_principal ON hd_grant (tenant_id, principal_kind, principal);

CREATE TABLE hd_workflow (
    tenant_id BLOB NOT NULL,
    "key" TEXT NOT NULL,
    version INTEGER NOT NULL,
    hash TEXT NOT NULL,
    definition TEXT NOT NULL,
    published_by TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, "key", version)
) WITHOUT ROWID;

CREATE TABLE hd_tag (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    project_id BLOB NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    colour TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;

CREATE TABLE hd_plugin (
    tenant_id BLOB NOT NULL,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    manifest TEXT NOT NULL,
    granted TEXT NOT NULL,
    config TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, plugin)
) WITHOUT ROWID;

CREATE TABLE hd_ticket (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    project_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    workflow TEXT NOT NULL,
    workflow_version INTEGER NOT NULL,
    state TEXT NOT NULL,
    category INTEGER NOT NULL,
    title TEXT NOT NULL,
    priority INTEGER NOT NULL,
    priority_manual INTEGER NOT NULL,
    urgency INTEGER NOT NULL,
    importance INTEGER NOT NULL,
    visibility TEXT NOT NULL,
    group_id BLOB NOT NULL,
    parent_id BLOB NOT NULL,
    start_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    estimate INTEGER NOT NULL,
    resolved_at INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    reopened INTEGER NOT NULL,
    regrouped INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    salt BLOB NOT NULL,
    -- Copies of the live rows of hd_participant and of those of hd_ticket_tag, one per line.
    people TEXT NOT NULL,
    tags TEXT NOT NULL,
    folded TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, project_id, number)
);
-- Few indexes hold what every change moves: each costs a write per command.
CREATE INDEX hd_ticket_updated ON hd_ticket (tenant_id, updated_at, id);
CREATE INDEX hd_ticket_project ON hd_ticket (tenant_id, project_id, updated_at, id);
CREATE INDEX hd_ticket_board ON hd_ticket (tenant_id, project_id, state, updated_at, id);
CREATE INDEX hd_ticket_due ON hd_ticket (tenant_id, due_at, id);
CREATE INDEX hd_ticket_parent ON hd_ticket (tenant_id, parent_id);

CREATE TABLE hd_ticket_text (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    description TEXT NOT NULL,
    salt BLOB NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id)
);

CREATE TABLE hd_participant (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    person_id BLOB NOT NULL,
    relation TEXT NOT NULL,
    joined INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, person_id, relation, joined)
) WITHOUT ROWID;
CREATE INDEX hd_participant_person ON hd_participant (tenant_id, person_id, relation, ticket_id, until)
    WHERE until = 9223372036854775807;

CREATE TABLE hd_ticket_tag (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    tag_id BLOB NOT NULL,
    tagged_by TEXT NOT NULL,
    tagged_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX hd_ticket_tag_tag ON hd_ticket_tag (tenant_id, tag_id, ticket_id);

CREATE TABLE hd_entry (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    id BLOB NOT NULL,
    author TEXT NOT NULL,
    visibility TEXT NOT NULL,
    body TEXT NOT NULL,
    salt BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, id)
);
CREATE INDEX hd_entry_created ON hd_entry (tenant_id, ticket_id, created_at, id);

CREATE TABLE hd_revision (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    "of" TEXT NOT NULL,
    version INTEGER NOT NULL,
    before TEXT NOT NULL,
    salt BLOB NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, "of", version)
);

-- What full text looks into: the head of a ticket (entry nil), or one entry.
CREATE TABLE hd_search (
    doc INTEGER PRIMARY KEY,
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    entry_id BLOB NOT NULL,
    internal INTEGER NOT NULL,
    words TEXT NOT NULL,
    UNIQUE (tenant_id, ticket_id, entry_id)
);
-- The words are split and folded already, alike on both databases; the tokenizer only cuts at spaces.
CREATE VIRTUAL TABLE hd_search_words USING fts5 (
    words, content = 'hd_search', content_rowid = 'doc', tokenize = 'ascii', detail = 'none'
);

CREATE TABLE hd_kv (
    tenant_id BLOB NOT NULL,
    plugin TEXT NOT NULL,
    "key" TEXT NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, plugin, "key")
);
CREATE INDEX hd_kv_expires ON hd_kv (expires_at) WHERE expires_at <> 9223372036854775807;

CREATE TABLE hd_run (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    plugin TEXT NOT NULL,
    event TEXT NOT NULL,
    outcome TEXT NOT NULL,
    message TEXT NOT NULL,
    effects INTEGER NOT NULL,
    fuel INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX hd_run_plugin ON hd_run (tenant_id, plugin, at, id);
CREATE INDEX hd_run_age ON hd_run (at);

CREATE TABLE hd_idempotency (
    tenant_id BLOB NOT NULL,
    author TEXT NOT NULL,
    "key" TEXT NOT NULL,
    hash TEXT NOT NULL,
    made TEXT NOT NULL,
    version INTEGER NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, author, "key")
) WITHOUT ROWID;
CREATE INDEX hd_idempotency_at ON hd_idempotency (at);

-- One writer: the order of rowids is the order of commits. AUTOINCREMENT: a number is never given twice.
CREATE TABLE hd_event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    ord INTEGER NOT NULL,
    kind TEXT NOT NULL,
    schema INTEGER NOT NULL,
    author TEXT NOT NULL,
    cause TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    internal INTEGER NOT NULL,
    data TEXT NOT NULL
);
-- Not unique: grants and memberships count no versions of their own.
CREATE INDEX hd_event_subject ON hd_event (tenant_id, subject_kind, subject_id, version, ord);
CREATE INDEX hd_event_tenant ON hd_event (tenant_id, seq);

-- Workers ask across tenants, so the index they ask with begins with the queue.
CREATE TABLE hd_job (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    queue TEXT NOT NULL,
    "key" TEXT NOT NULL,
    subject TEXT NOT NULL,
    seq INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    lease_token BLOB NOT NULL,
    lease_until INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'dead')),
    error TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- A dead letter neither keeps its key from being used again nor is overwritten by the next job that bears it.
CREATE UNIQUE INDEX hd_job_key ON hd_job (tenant_id, queue, "key") WHERE state = 'live';
CREATE INDEX hd_job_due ON hd_job (queue, priority, run_at) WHERE state = 'live';
CREATE INDEX hd_job_subject ON hd_job (tenant_id, queue, subject, seq, id) WHERE state = 'live' AND subject <> '';
CREATE INDEX hd_job_dead ON hd_job (queue, run_at) WHERE state = 'dead';

CREATE TABLE hd_position (
    tenant_id BLOB NOT NULL,
    subscriber TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, subscriber)
) WITHOUT ROWID;

-- What the planner should think of the tables: it cannot know that one tenant may have a million tickets, and plans
-- must not depend on when somebody ran ANALYZE. Rows, then rows per value of the first column, of the first two, …
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('hd_ticket', 'sqlite_autoindex_hd_ticket_1', '1000000 1000000 1'),
    ('hd_ticket', 'sqlite_autoindex_hd_ticket_2', '1000000 1000000 100000 1'),
    ('hd_ticket', 'hd_ticket_updated', '1000000 1000000 2 1'),
    ('hd_ticket', 'hd_ticket_project', '1000000 1000000 100000 2 1'),
    ('hd_ticket', 'hd_ticket_board', '1000000 1000000 100000 20000 2 1'),
    ('hd_ticket', 'hd_ticket_due', '1000000 1000000 2 1'),
    ('hd_ticket', 'hd_ticket_parent', '1000000 1000000 5'),
    ('hd_participant', 'hd_participant', '3000000 3000000 3 2 1 1'),
    ('hd_participant', 'hd_participant_person', '2500000 2500000 200 100 1 1'),
    ('hd_ticket_tag', 'hd_ticket_tag', '500000 500000 2 1'),
    ('hd_ticket_tag', 'hd_ticket_tag_tag', '500000 500000 5000 1'),
    ('hd_search', 'sqlite_autoindex_hd_search_1', '3000000 3000000 3 1');
ANALYZE sqlite_schema;
