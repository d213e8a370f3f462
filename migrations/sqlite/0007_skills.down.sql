ALTER TABLE hd_person DROP COLUMN skills;
