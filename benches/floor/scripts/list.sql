\set t random(1, 20)
\set p random(1, 5)
SELECT id, no, status, priority, assignee_id, title, updated_at FROM ticket
WHERE tenant_id = :t AND project_id = :p AND status = 'open'
  AND (updated_at, id) < ('infinity'::timestamptz, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
ORDER BY updated_at DESC, id DESC LIMIT 50;
