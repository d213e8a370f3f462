DROP TABLE hd_link;
