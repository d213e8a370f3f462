-- Roles in full: a ticket's company, roles that tenants define, what relations give in a project.

ALTER TABLE hd_ticket ADD COLUMN company_id BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';

-- Permissions by name, separated by one space.
CREATE TABLE hd_role (
    tenant_id BLOB NOT NULL,
    "key" TEXT NOT NULL,
    name TEXT NOT NULL,
    permissions TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, "key")
) WITHOUT ROWID;

-- JSON; empty where everything is by default.
ALTER TABLE hd_project ADD COLUMN relations TEXT NOT NULL DEFAULT '';
