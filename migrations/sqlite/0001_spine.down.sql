-- Removes everything.

DROP TABLE hd_position;
DROP TABLE hd_job;
DROP TABLE hd_event;
DROP TABLE hd_idempotency;
DROP TABLE hd_run;
DROP TABLE hd_kv;
DROP TABLE hd_search_words;
DROP TABLE hd_search;
DROP TABLE hd_revision;
DROP TABLE hd_entry;
DROP TABLE hd_ticket_tag;
DROP TABLE hd_participant;
DROP TABLE hd_ticket_text;
DROP TABLE hd_ticket;
DROP TABLE hd_plugin;
DROP TABLE hd_tag;
DROP TABLE hd_workflow;
DROP TABLE hd_grant;
DROP TABLE hd_member;
DROP TABLE hd_group;
DROP TABLE hd_person;
DROP TABLE hd_counter;
DROP TABLE hd_project;
DROP TABLE hd_epoch;
DROP TABLE hd_tenant;
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'hd\_%' ESCAPE '\';
