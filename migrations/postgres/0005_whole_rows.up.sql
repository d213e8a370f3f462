-- A ticket's row once more as one text beside its columns: whoever reads whole tickets reads one value instead of 33, which
-- is most of what a list costs. Every commit writes it with the row (store/postgres/head.rs); the columns are what
-- conditions, indexes and a host's own statements are about. A generated column would keep it, too, but PostgreSQL takes
-- such an expression apart anew for every statement that writes, which made an update nearly twice as dear.
ALTER TABLE hd_ticket ADD COLUMN head text COLLATE "C" NOT NULL DEFAULT '';

-- What stands there: the fields in order of the columns but salt and title, which come last, separated by tabs, which no
-- column can hold; an absent id or instant is empty. A column that is added later is read beside it. Whoever changed
-- tickets by hand says afterwards: UPDATE hd_ticket t SET head = hd_ticket_head(t) WHERE head <> hd_ticket_head(t).
CREATE FUNCTION hd_ticket_head(t hd_ticket) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT array_to_string(ARRAY[
        t.id::text,
        t.project_id::text,
        t.number::text,
        t.type,
        t.workflow,
        t.workflow_version::text,
        t.state,
        t.category::text,
        t.priority::text,
        t.priority_manual::text,
        t.urgency::text,
        t.importance::text,
        t.visibility,
        CASE t.group_id WHEN '00000000-0000-0000-0000-000000000000' THEN '' ELSE t.group_id::text END,
        CASE t.parent_id WHEN '00000000-0000-0000-0000-000000000000' THEN '' ELSE t.parent_id::text END,
        CASE t.start_at WHEN 9223372036854775807 THEN '' ELSE t.start_at::text END,
        CASE t.due_at WHEN 9223372036854775807 THEN '' ELSE t.due_at::text END,
        t.estimate::text,
        CASE t.resolved_at WHEN 9223372036854775807 THEN '' ELSE t.resolved_at::text END,
        CASE t.closed_at WHEN 9223372036854775807 THEN '' ELSE t.closed_at::text END,
        t.reopened::text,
        t.regrouped::text,
        t.version::text,
        t.created_by,
        t.created_at::text,
        t.updated_by,
        t.updated_at::text,
        CASE t.deleted_at WHEN 9223372036854775807 THEN '' ELSE t.deleted_at::text END,
        t.people,
        t.tags,
        CASE t.company_id WHEN '00000000-0000-0000-0000-000000000000' THEN '' ELSE t.company_id::text END,
        encode(t.salt, 'hex'),
        t.title
    ], E'\t')
$$;
UPDATE hd_ticket t SET head = hd_ticket_head(t);

-- A project belongs to one tenant. Unless told, the planner takes the two for independent, expects a twentieth of the
-- rows where there are twenty tenants, and fetches and sorts a whole queue for one page of it.
CREATE STATISTICS hd_ticket_place (dependencies) ON tenant_id, project_id FROM hd_ticket;
ANALYZE hd_ticket;
