-- Approvals: templates, rounds, who is asked and what they said; delegations; managers and heads; how a ticket's approvals
-- stand together.

ALTER TABLE hd_ticket ADD COLUMN approval text COLLATE "C" NOT NULL DEFAULT 'none';
ALTER TABLE hd_person ADD COLUMN manager uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE hd_group ADD COLUMN head uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';

-- Approval templates: every published version, which never changes.
CREATE TABLE hd_template (
    tenant_id uuid NOT NULL,
    "key" text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    hash text COLLATE "C" NOT NULL,
    definition text COLLATE "C" NOT NULL,
    published_by text COLLATE "C" NOT NULL,
    published_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, "key", version)
);

-- Approvals of tickets. The template is `key@version`.
CREATE TABLE hd_approval (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    template text COLLATE "C" NOT NULL,
    round bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    requested_by uuid NOT NULL,
    edited_by uuid NOT NULL,
    requested_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    resubmitted_by uuid NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, id)
);

-- Steps that have begun, of every round.
CREATE TABLE hd_approval_step (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    approval_id uuid NOT NULL,
    round bigint NOT NULL,
    "position" bigint NOT NULL,
    "key" text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    needed text COLLATE "C" NOT NULL,
    note text COLLATE "C" NOT NULL,
    opened_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, approval_id, round, "position")
);
CREATE INDEX hd_approval_step_state ON hd_approval_step (tenant_id, state, ticket_id);

-- The places of those who are asked: an inbox is those that are open.
CREATE TABLE hd_approval_slot (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    approval_id uuid NOT NULL,
    round bigint NOT NULL,
    "position" bigint NOT NULL,
    person_id uuid NOT NULL,
    group_ids text COLLATE "C" NOT NULL,
    via text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    consulted uuid NOT NULL,
    turn bigint NOT NULL,
    carried boolean NOT NULL,
    opened_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, id)
);
CREATE INDEX hd_approval_slot_person ON hd_approval_slot (tenant_id, person_id, state, opened_at, id);
CREATE INDEX hd_approval_slot_state ON hd_approval_slot (tenant_id, state, ticket_id);

-- What was said: never changed, never removed.
CREATE TABLE hd_approval_decision (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    approval_id uuid NOT NULL,
    slot_id uuid NOT NULL,
    round bigint NOT NULL,
    verdict text COLLATE "C" NOT NULL,
    person_id uuid NOT NULL,
    on_behalf_of uuid NOT NULL,
    "comment" text COLLATE "C" NOT NULL,
    salt bytea NOT NULL,
    hash text COLLATE "C" NOT NULL,
    "at" bigint NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, id)
);

-- Standing delegations; taken back, they stay.
CREATE TABLE hd_delegation (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    principal uuid NOT NULL,
    delegate uuid NOT NULL,
    scope text COLLATE "C" NOT NULL,
    starts_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX hd_delegation_principal ON hd_delegation (tenant_id, principal);
CREATE INDEX hd_delegation_delegate ON hd_delegation (tenant_id, delegate);
