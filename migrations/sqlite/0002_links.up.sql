-- Links between tickets: one row per link, whichever end it is looked at from. The kind is one of `blocks`, `duplicates`
-- and `relates`; of two tickets that relate, the one with the smaller id is the source.

CREATE TABLE hd_link (
    tenant_id BLOB NOT NULL,
    source BLOB NOT NULL,
    target BLOB NOT NULL,
    kind TEXT NOT NULL,
    linked_by TEXT NOT NULL,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, source, target, kind)
) WITHOUT ROWID;
CREATE INDEX hd_link_target ON hd_link (tenant_id, target, source, kind);

-- What the planner should think of it, as in the first migration.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('hd_link', 'hd_link', '500000 500000 2 1 1'),
    ('hd_link', 'hd_link_target', '500000 500000 2 1 1');
ANALYZE sqlite_schema;
