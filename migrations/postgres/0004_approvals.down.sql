-- Approvals end with their tables; people, groups and tickets stay.

DROP TABLE hd_delegation;
DROP TABLE hd_approval_decision;
DROP TABLE hd_approval_slot;
DROP TABLE hd_approval_step;
DROP TABLE hd_approval;
DROP TABLE hd_template;

ALTER TABLE hd_group DROP COLUMN head;
ALTER TABLE hd_person DROP COLUMN manager;
ALTER TABLE hd_ticket DROP COLUMN approval;
