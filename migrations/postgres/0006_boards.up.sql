-- Boards with their columns, and the places of cards that were moved by hand. Columns are JSON: they are read and written
-- whole. So is the filter; empty for all tickets of the project.

CREATE TABLE hd_board (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    project_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    "filter" text COLLATE "C" NOT NULL,
    "columns" text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- A rank is the number of a ticket in twelve digits and a fraction in base 62, in byte order. A ticket without a row stands
-- at its number.
CREATE TABLE hd_card (
    tenant_id uuid NOT NULL,
    board_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    rank text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (tenant_id, board_id, ticket_id)
);
CREATE UNIQUE INDEX hd_card_rank ON hd_card (tenant_id, board_id, rank);

-- The tickets of a column in order, for those that have no row there.
CREATE INDEX hd_ticket_column ON hd_ticket (tenant_id, project_id, state, number);
