-- Roles in full: a ticket's company, roles that tenants define, what relations give in a project.

ALTER TABLE hd_ticket ADD COLUMN company_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';

-- Permissions by name, separated by one space.
CREATE TABLE hd_role (
    tenant_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    permissions text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

-- JSON; empty where everything is by default.
ALTER TABLE hd_project ADD COLUMN relations text COLLATE "C" NOT NULL DEFAULT '';
