-- The spine: organisation, tickets, log, queue. Names are unqualified: the runner sets search_path for its transaction.
--
-- Nothing is NULL: what is absent is a sentinel (nil uuid, 9223372036854775807 for "not yet", -1, empty text). Instants
-- are milliseconds since 1970-01-01T00:00:00Z. tenant_id leads every key and every index, with these exceptions, which
-- serve work across tenants: hd_tenant_key, hd_event_seq_key, hd_job_due, hd_job_leased, hd_job_dead,
-- hd_idempotency_age, hd_kv_expiry, and hd_search_words (a GIN index cannot hold a uuid without an extension).

CREATE TABLE hd_epoch (
    tenant_id uuid PRIMARY KEY,
    epoch bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE hd_tenant (
    tenant_id uuid PRIMARY KEY,
    key text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    suspended boolean NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX hd_tenant_key ON hd_tenant (key);

CREATE TABLE hd_project (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    lead uuid NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    visibility text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX hd_project_key ON hd_project (tenant_id, key);

CREATE TABLE hd_counter (
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (tenant_id, project_id)
) WITH (fillfactor = 10);

CREATE TABLE hd_person (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    external text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    email text COLLATE "C" NOT NULL,
    phone text COLLATE "C" NOT NULL,
    title text COLLATE "C" NOT NULL,
    active boolean NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    folded text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX hd_person_external ON hd_person (tenant_id, external);

CREATE TABLE hd_group (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    parent uuid NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    folded text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX hd_group_name ON hd_group (tenant_id, folded);

CREATE TABLE hd_member (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    person_id uuid NOT NULL,
    since bigint NOT NULL,
    PRIMARY KEY (tenant_id, group_id, person_id)
);
CREATE INDEX hd_member_person ON hd_member (tenant_id, person_id, group_id);

CREATE TABLE hd_grant (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    principal_kind text COLLATE "C" NOT NULL,
    principal text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    scope_kind text COLLATE "C" NOT NULL,
    scope_id uuid NOT NULL,
    expires_at bigint NOT NULL,
    granted_by text COLLATE "C" NOT NULL,
    granted_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX hd_grant_principal ON hd_grant (tenant_id, principal_kind, principal);

CREATE TABLE hd_workflow (
    tenant_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    hash text COLLATE "C" NOT NULL,
    definition text COLLATE "C" NOT NULL,
    published_by text COLLATE "C" NOT NULL,
    published_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, key, version)
);

CREATE TABLE hd_tag (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    project_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    colour text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE hd_plugin (
    tenant_id uuid NOT NULL,
    plugin text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    manifest text COLLATE "C" NOT NULL,
    granted text COLLATE "C" NOT NULL,
    config text COLLATE "C" NOT NULL,
    enabled boolean NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, plugin)
);

CREATE TABLE hd_ticket (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    project_id uuid NOT NULL,
    number bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    workflow_version bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    category bigint NOT NULL,
    title text COLLATE "C" NOT NULL,
    priority bigint NOT NULL,
    priority_manual boolean NOT NULL,
    urgency bigint NOT NULL,
    importance bigint NOT NULL,
    visibility text COLLATE "C" NOT NULL,
    group_id uuid NOT NULL,
    parent_id uuid NOT NULL,
    start_at bigint NOT NULL,
    due_at bigint NOT NULL,
    estimate bigint NOT NULL,
    resolved_at bigint NOT NULL,
    closed_at bigint NOT NULL,
    reopened bigint NOT NULL,
    regrouped bigint NOT NULL,
    version bigint NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_by text COLLATE "C" NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint NOT NULL,
    salt bytea NOT NULL,
    -- Copies of the live rows of hd_participant and of those of hd_ticket_tag, one per line.
    people text COLLATE "C" NOT NULL,
    tags text COLLATE "C" NOT NULL,
    folded text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX hd_ticket_number ON hd_ticket (tenant_id, project_id, number);
CREATE INDEX hd_ticket_list ON hd_ticket (tenant_id, project_id, state, updated_at DESC, id DESC);
-- Lists that name no state.
CREATE INDEX hd_ticket_recent ON hd_ticket (tenant_id, updated_at DESC, id DESC);
CREATE INDEX hd_ticket_project ON hd_ticket (tenant_id, project_id, updated_at DESC, id DESC);
CREATE INDEX hd_ticket_children ON hd_ticket (tenant_id, parent_id)
    WHERE parent_id <> '00000000-0000-0000-0000-000000000000';

CREATE TABLE hd_ticket_text (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    description text COLLATE "C" NOT NULL,
    salt bytea NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id)
);

CREATE TABLE hd_participant (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    person_id uuid NOT NULL,
    relation text COLLATE "C" NOT NULL,
    joined bigint NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, person_id, relation, joined)
);
CREATE INDEX hd_participant_person ON hd_participant (tenant_id, person_id, relation, ticket_id)
    WHERE until = 9223372036854775807;

CREATE TABLE hd_ticket_tag (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    tag_id uuid NOT NULL,
    tagged_by text COLLATE "C" NOT NULL,
    tagged_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, tag_id)
);
CREATE INDEX hd_ticket_tag_tag ON hd_ticket_tag (tenant_id, tag_id, ticket_id);

CREATE TABLE hd_entry (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    id uuid NOT NULL,
    author text COLLATE "C" NOT NULL,
    visibility text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    salt bytea NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    edited_at bigint NOT NULL,
    deleted_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, id)
);

CREATE TABLE hd_revision (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    "of" text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    "before" text COLLATE "C" NOT NULL,
    salt bytea NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, "of", version)
);

CREATE TABLE hd_search (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    internal boolean NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, entry_id)
);
CREATE INDEX hd_search_words ON hd_search USING gin (words);

CREATE TABLE hd_kv (
    tenant_id uuid NOT NULL,
    plugin text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    version bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, plugin, key)
);
CREATE INDEX hd_kv_expiry ON hd_kv (expires_at) WHERE expires_at <> 9223372036854775807;

CREATE TABLE hd_run (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    plugin text COLLATE "C" NOT NULL,
    event text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    effects bigint NOT NULL,
    fuel bigint NOT NULL,
    micros bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX hd_run_plugin ON hd_run (tenant_id, plugin, at DESC, id DESC);
CREATE INDEX hd_run_age ON hd_run (at);

CREATE TABLE hd_idempotency (
    tenant_id uuid NOT NULL,
    author text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    made text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    subject_kind text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (tenant_id, author, key)
);
CREATE INDEX hd_idempotency_age ON hd_idempotency (at);

CREATE SEQUENCE hd_event_seq CACHE 1;
-- A sequence reports last_value 1 before its first use; readers of the log would believe that event 1 is written.
SELECT nextval('hd_event_seq');

CREATE TABLE hd_event (
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('hd_event_seq'),
    id uuid NOT NULL,
    subject_kind text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    ord bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    schema bigint NOT NULL,
    author text COLLATE "C" NOT NULL,
    cause text COLLATE "C" NOT NULL,
    occurred_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    internal boolean NOT NULL,
    data text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX hd_event_seq_key ON hd_event (seq);
CREATE INDEX hd_event_subject ON hd_event (tenant_id, subject_kind, subject_id, version, ord);

CREATE TABLE hd_job (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    queue text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    priority bigint NOT NULL,
    run_at bigint NOT NULL,
    tries bigint NOT NULL,
    attempt bigint NOT NULL,
    lease_token uuid NOT NULL,
    lease_until bigint NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('live', 'dead')),
    error text COLLATE "C" NOT NULL,
    data text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX hd_job_key ON hd_job (tenant_id, queue, key) WHERE state = 'live';
CREATE INDEX hd_job_subject ON hd_job (tenant_id, queue, subject, seq, id) WHERE state = 'live' AND subject <> '';
CREATE INDEX hd_job_due ON hd_job (queue, priority, run_at) WHERE state = 'live';
CREATE INDEX hd_job_leased ON hd_job (queue, lease_until) WHERE state = 'live' AND lease_until > 0;
CREATE INDEX hd_job_dead ON hd_job (queue, run_at) WHERE state = 'dead';

CREATE TABLE hd_position (
    tenant_id uuid NOT NULL,
    subscriber text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, subscriber)
) WITH (fillfactor = 50);
