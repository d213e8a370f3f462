-- What people are good at, JSON; empty where nothing is known.
ALTER TABLE hd_person ADD COLUMN skills text COLLATE "C" NOT NULL DEFAULT '';
