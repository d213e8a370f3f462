DROP TABLE hd_card;
DELETE FROM sqlite_stat1 WHERE tbl = 'hd_card';

DROP TABLE hd_board;
