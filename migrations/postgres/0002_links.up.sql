-- Links between tickets: one row per link, whichever end it is looked at from. The kind is one of `blocks`, `duplicates`
-- and `relates`; of two tickets that relate, the one with the smaller id is the source.

CREATE TABLE hd_link (
    tenant_id uuid NOT NULL,
    source uuid NOT NULL,
    target uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    linked_by text COLLATE "C" NOT NULL,
    linked_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, source, target, kind)
);
CREATE INDEX hd_link_target ON hd_link (tenant_id, target, source, kind);
