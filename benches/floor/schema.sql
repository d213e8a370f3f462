-- The least schema with the same guarantees: what PostgreSQL itself can do. tenant_id leads every key.
CREATE TABLE tenant (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE project (
    tenant_id bigint NOT NULL, id bigint NOT NULL, key text NOT NULL,
    PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, key)
);
-- The hot counter stands apart from the project, alone on its page as far as possible.
CREATE TABLE project_counter (
    tenant_id bigint NOT NULL, project_id bigint NOT NULL, next_no bigint NOT NULL,
    PRIMARY KEY (tenant_id, project_id)
) WITH (fillfactor = 10);
CREATE TABLE ticket (
    tenant_id bigint NOT NULL, id uuid NOT NULL, project_id bigint NOT NULL, no bigint NOT NULL,
    status text NOT NULL, priority smallint NOT NULL, assignee_id bigint, title text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 90);
CREATE TABLE event (
    tenant_id bigint NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY, ticket_id uuid NOT NULL,
    ticket_version bigint NOT NULL, kind text NOT NULL, actor_id bigint,
    at timestamptz NOT NULL DEFAULT now(), payload jsonb NOT NULL
);
-- A client makes UUIDv7 itself; this is a cheap stand-in.
CREATE FUNCTION uuid7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
            || '7' || substr(r, 1, 3) || '8' || substr(r, 4, 15))::uuid
    FROM (SELECT replace(gen_random_uuid()::text, '-', '')) x(r)
$$;
