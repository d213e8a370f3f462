-- Boards with their columns, and the places of cards that were moved by hand. Columns are JSON: they are read and written
-- whole. So is the filter; empty for all tickets of the project.

CREATE TABLE hd_board (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    project_id BLOB NOT NULL,
    name TEXT NOT NULL,
    "filter" TEXT NOT NULL,
    "columns" TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;

-- A rank is the number of a ticket in twelve digits and a fraction in base 62, in byte order. A ticket without a row stands
-- at its number.
CREATE TABLE hd_card (
    tenant_id BLOB NOT NULL,
    board_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    rank TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, board_id, ticket_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX hd_card_rank ON hd_card (tenant_id, board_id, rank);

-- The tickets of a column in order, for those that have no row there.
CREATE INDEX hd_ticket_column ON hd_ticket (tenant_id, project_id, state, number);

-- What the planner should think of it, as in the first migration.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('hd_ticket', 'hd_ticket_column', '1000000 1000000 100000 20000 1'),
    ('hd_card', 'hd_card', '100000 100000 10000 1'),
    ('hd_card', 'hd_card_rank', '100000 100000 10000 1');
ANALYZE sqlite_schema;
