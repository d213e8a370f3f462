-- What people are good at, JSON; empty where nothing is known.
ALTER TABLE hd_person ADD COLUMN skills TEXT NOT NULL DEFAULT '';
