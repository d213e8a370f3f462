DROP TABLE hd_card;

DROP TABLE hd_board;
