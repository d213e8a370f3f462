\set i random(0, :n - 1)
\set s random(0, 9)
WITH o AS (SELECT tenant_id, id, version, status FROM ticket
           WHERE tenant_id = 1 + :i % 20 AND id = (lpad(to_hex(:i::bigint), 12, '0') || '70008000000000000000')::uuid FOR UPDATE),
     u AS (UPDATE ticket t SET status = (ARRAY['open', 'open', 'open', 'open', 'open', 'open', 'open', 'pending', 'on_hold', 'closed'])[1 + :s],
                  version = t.version + 1, updated_at = now()
           FROM o WHERE t.tenant_id = o.tenant_id AND t.id = o.id AND t.version = o.version RETURNING t.tenant_id, t.id, t.version)
INSERT INTO event (tenant_id, ticket_id, ticket_version, kind, actor_id, payload)
SELECT tenant_id, id, version, 'ticket.transitioned', 7, '{"from": "open", "to": "pending"}' FROM u RETURNING seq;
