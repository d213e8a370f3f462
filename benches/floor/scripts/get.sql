\set i random(0, :n - 1)
SELECT t.* FROM project p JOIN ticket t ON t.tenant_id = p.tenant_id AND t.project_id = p.id
WHERE p.tenant_id = 1 + :i % 20 AND p.key = 'P' || (1 + (:i / 20) % 5) AND t.no = 1 + :i / 100;
