DROP INDEX hd_ticket_column;
DELETE FROM sqlite_stat1 WHERE idx = 'hd_ticket_column';

DROP TABLE hd_card;
DELETE FROM sqlite_stat1 WHERE tbl = 'hd_card';

DROP TABLE hd_board;
