-- Approvals end with their tables; people, groups and tickets stay.

DROP TABLE hd_delegation;
DROP TABLE hd_approval_decision;
DROP TABLE hd_approval_slot;
DROP TABLE hd_approval_step;
DROP TABLE hd_approval;
DROP TABLE hd_template;
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'hd_approval%' OR tbl = 'hd_delegation';

ALTER TABLE hd_group DROP COLUMN head;
ALTER TABLE hd_person DROP COLUMN manager;
ALTER TABLE hd_ticket DROP COLUMN approval;
