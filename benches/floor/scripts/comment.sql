\set i random(0, :n - 1)
WITH u AS (UPDATE ticket SET version = version + 1, updated_at = now()
           WHERE tenant_id = 1 + :i % 20 AND id = (lpad(to_hex(:i::bigint), 12, '0') || '70008000000000000000')::uuid
           RETURNING tenant_id, id, version)
INSERT INTO event (tenant_id, ticket_id, ticket_version, kind, actor_id, payload)
SELECT tenant_id, id, version, 'comment.added', 7, '{"public": true, "body": "I have restarted the print server; please try once more and tell us what the panel shows. Regards, the desk."}' FROM u RETURNING seq;
