DROP TABLE hd_link;
DELETE FROM sqlite_stat1 WHERE tbl = 'hd_link';
