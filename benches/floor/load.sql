-- :n tickets in 20 tenants of 5 projects. A ticket's id is derived from its ordinal, so that scripts can pick one.
INSERT INTO tenant SELECT t, 'tenant ' || t FROM generate_series(1, 20) t;
INSERT INTO project SELECT t, p, 'P' || p FROM generate_series(1, 20) t, generate_series(1, 5) p;
INSERT INTO ticket (tenant_id, id, project_id, no, status, priority, assignee_id, title, version, created_at, updated_at)
SELECT 1 + i % 20, (lpad(to_hex(i), 12, '0') || '70008000000000000000')::uuid, 1 + (i / 20) % 5, 1 + i / 100,
       (ARRAY['open', 'open', 'open', 'open', 'open', 'open', 'open', 'pending', 'on_hold', 'closed'])[1 + (i / 100) % 10],
       i % 4, (i::bigint * 7919) % 500, 'Printer on floor ' || i % 40 || ' does not print', 1,
       timestamptz '2026-01-01' - (:n - i) * interval '31 seconds',
       timestamptz '2026-01-01' - ((i::bigint * 7919) % :n) * interval '31 seconds'
FROM generate_series(0, :n - 1) i;
INSERT INTO project_counter SELECT t, p, 2 + :n / 100 FROM generate_series(1, 20) t, generate_series(1, 5) p;
INSERT INTO event (tenant_id, ticket_id, ticket_version, kind, actor_id, at, payload)
SELECT tenant_id, id, 1, 'ticket.created', 7, created_at, '{"channel": "email", "priority": 2}' FROM ticket ORDER BY created_at;
CREATE UNIQUE INDEX ticket_no ON ticket (tenant_id, project_id, no);
CREATE INDEX ticket_list ON ticket (tenant_id, project_id, status, updated_at DESC, id DESC);
ALTER TABLE event ADD PRIMARY KEY (tenant_id, seq);
CREATE UNIQUE INDEX event_ticket ON event (tenant_id, ticket_id, ticket_version);
