DROP STATISTICS hd_ticket_place;
DROP FUNCTION hd_ticket_head(hd_ticket);
ALTER TABLE hd_ticket DROP COLUMN head;
