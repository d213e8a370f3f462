-- Roles in full: a ticket's company.

ALTER TABLE hd_ticket ADD COLUMN company_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
