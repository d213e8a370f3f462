-- What was granted on departments, companies and tickets means nothing to the schema before.
DELETE FROM hd_grant WHERE scope_kind NOT IN ('tenant', 'project');

ALTER TABLE hd_ticket DROP COLUMN company_id;
