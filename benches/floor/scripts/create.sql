\set t random(1, 20)
\set p random(1, 5)
WITH n AS (UPDATE project_counter SET next_no = next_no + 1 WHERE tenant_id = :t AND project_id = :p RETURNING next_no - 1 AS no),
     k AS (INSERT INTO ticket (tenant_id, id, project_id, no, status, priority, assignee_id, title)
           SELECT :t, uuid7(), :p, no, 'open', 2, 7, 'Printer on floor three does not print' FROM n RETURNING id, no)
INSERT INTO event (tenant_id, ticket_id, ticket_version, kind, actor_id, payload)
SELECT :t, id, 1, 'ticket.created', 7, '{"channel": "email", "priority": 2}' FROM k RETURNING seq;
