-- Roles in full: a ticket's company.

ALTER TABLE hd_ticket ADD COLUMN company_id BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
