DROP TABLE hd_position, hd_job, hd_event, hd_idempotency, hd_run, hd_kv, hd_search, hd_revision, hd_entry, hd_ticket_tag,
    hd_participant, hd_ticket_text, hd_ticket, hd_plugin, hd_tag, hd_workflow, hd_grant, hd_member, hd_group, hd_person,
    hd_counter, hd_project, hd_tenant, hd_epoch;
DROP SEQUENCE hd_event_seq;
