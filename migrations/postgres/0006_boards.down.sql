DROP INDEX hd_ticket_column;

DROP TABLE hd_card;

DROP TABLE hd_board;
