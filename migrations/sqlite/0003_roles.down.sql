-- What was granted on departments, companies and tickets, or of roles that a tenant has defined, means nothing to the
-- schema before.
DELETE FROM hd_grant WHERE scope_kind NOT IN ('tenant', 'project')
    OR role NOT IN ('owner', 'admin', 'moderator', 'agent', 'requester', 'approver', 'observer', 'auditor');

DROP TABLE hd_role;

ALTER TABLE hd_ticket DROP COLUMN company_id;

ALTER TABLE hd_project DROP COLUMN relations;
