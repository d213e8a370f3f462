//! The three commands, with the checks and rows of the desk.

use helpdesk_core::Author;
use helpdesk_core::event::{Cause, EntryAdded, Event, TicketMoved};
use helpdesk_core::id::{CommandId, EntryId, EventId, Mint, TicketId};
use helpdesk_core::text::{fold, words};
use helpdesk_core::ticket::{EntryVisibility, Importance, Priority, Urgency};
use helpdesk_core::workflow::Category;
use rusqlite::params;
use uuid::Uuid;

use super::Lite;
use crate::hand::{creation, people};
use crate::step::{BODY, DESCRIPTION, TITLE};
use crate::world::{COLUMNS, Tenant, place, ticket};

const NIL: [u8; 16] = [0; 16];

/// What all rows of one command share.
struct Moment<'a> {
    tenant: [u8; 16],
    owner: &'a Tenant,
    author: String,
    now: i64,
}

impl Lite {
    fn moment(&self, t: usize) -> Moment<'_> {
        let owner = &self.world.tenants[t];
        let author = Author::Person(owner.agent).to_string();
        Moment { tenant: Uuid::from(owner.id).into_bytes(), owner, author, now: self.clock.now().millis() }
    }

    pub(super) fn create(&self, id: CommandId, t: usize, p: usize) -> anyhow::Result<()> {
        let at = self.moment(t);
        let (tenant, project) = (at.tenant, Uuid::from(at.owner.projects[p].0).into_bytes());
        let epoch = self.epoch(&tenant)?;
        let sql = "UPDATE hd_counter SET next = next + 1 WHERE tenant_id = ?1 AND project_id = ?2 RETURNING next - 1";
        let number: i64 = self.conn.prepare_cached(sql)?.query_row(params![tenant, project], |row| row.get(0))?;
        let mut mint = Mint::new(id);
        let ticket_id: TicketId = mint.id();
        let ticket = Uuid::from(ticket_id).into_bytes();
        let (title_salt, text_salt) = (mint.salt(), mint.salt());
        let event = creation(at.owner, p, number, title_salt, text_salt);

        anyhow::ensure!(self.epoch(&tenant)? == epoch, "the policy moved although nobody else writes here");
        let sql = "INSERT INTO hd_ticket (tenant_id, id, project_id, number, type, workflow, workflow_version, state, \
             category, title, priority, priority_manual, urgency, importance, visibility, group_id, parent_id, start_at, \
             due_at, estimate, resolved_at, closed_at, reopened, regrouped, version, created_by, created_at, updated_by, \
             updated_at, deleted_at, salt, people, tags, folded) VALUES (?1, ?2, ?3, ?4, 'task', 'kanban', 1, 'todo', 0, ?5, ?6, 0, ?7, \
             ?8, 'project', ?9, ?9, ?10, ?10, -1, ?10, ?10, 0, 0, 1, ?11, ?12, ?11, ?12, ?10, ?13, ?15, '', ?14)";
        self.conn.prepare_cached(sql)?.execute(params![
            tenant,
            ticket,
            project,
            number,
            TITLE,
            Priority::Medium as i64,
            Urgency::Normal as i64,
            Importance::Normal as i64,
            NIL,
            i64::MAX,
            at.author,
            at.now,
            title_salt.0,
            fold(TITLE),
            people(at.owner, at.now),
        ])?;
        let sql = "INSERT INTO hd_ticket_text (tenant_id, ticket_id, description, salt) VALUES (?1, ?2, ?3, ?4)";
        self.conn.prepare_cached(sql)?.execute(params![tenant, ticket, DESCRIPTION, text_salt.0])?;
        let sql = "INSERT INTO hd_participant (tenant_id, ticket_id, person_id, relation, joined, since, until) \
             VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6)";
        for relation in ["reporter", "requester"] {
            let agent = Uuid::from(at.owner.agent).into_bytes();
            self.conn.prepare_cached(sql)?.execute(params![tenant, ticket, agent, relation, at.now, i64::MAX])?;
        }
        self.index(&at, &ticket, &NIL, &[TITLE, DESCRIPTION])?;
        self.log(&at, ticket_id, 1, mint.id(), &event)
    }

    pub(super) fn transition(&self, id: CommandId, i: u64, to: usize) -> anyhow::Result<()> {
        let at = self.moment(place(i).0);
        let (tenant, ticket_id) = (at.tenant, TicketId::from(ticket(i)));
        let ticket = ticket(i).into_bytes();
        let epoch = self.epoch(&tenant)?;
        let seen = self.load(&tenant, &ticket)?;
        std::hint::black_box(self.text(&tenant, &ticket)?);
        let from = COLUMNS.iter().find(|column| column.state == seen.state);
        let from = from.ok_or_else(|| anyhow::anyhow!("a ticket stands in `{}`", seen.state))?;
        let to = &COLUMNS[to];
        let event = Event::from(TicketMoved {
            transition: Some(to.transition.into()),
            from: from.state.into(),
            to: to.state.into(),
            before: from.category,
            after: to.category,
            reason: None,
        });
        let closes = to.category == Category::Closed;
        let resolved_at = if closes { seen.resolved_at.min(at.now) } else { i64::MAX };
        let closed_at = if closes { at.now } else { i64::MAX };
        let reopened = seen.reopened + i64::from(from.category == Category::Closed);

        anyhow::ensure!(self.epoch(&tenant)? == epoch, "the policy moved although nobody else writes here");
        let sql = "UPDATE hd_ticket SET state = ?4, category = ?5, resolved_at = ?6, closed_at = ?7, reopened = ?8, \
             version = ?3 + 1, updated_by = ?9, updated_at = ?10 WHERE tenant_id = ?1 AND id = ?2 AND version = ?3";
        let changed = self.conn.prepare_cached(sql)?.execute(params![
            tenant,
            ticket,
            seen.version,
            to.state,
            to.category as i64,
            resolved_at,
            closed_at,
            reopened,
            at.author,
            at.now,
        ])?;
        anyhow::ensure!(changed == 1, "a ticket was stale although nobody else writes here");
        self.log(&at, ticket_id, seen.version + 1, Mint::new(id).id(), &event)
    }

    pub(super) fn comment(&self, id: CommandId, i: u64) -> anyhow::Result<()> {
        let at = self.moment(place(i).0);
        let (tenant, ticket_id) = (at.tenant, TicketId::from(ticket(i)));
        let ticket = ticket(i).into_bytes();
        let epoch = self.epoch(&tenant)?;
        let seen = self.load(&tenant, &ticket)?;
        let mut mint = Mint::new(id);
        let entry: EntryId = mint.id();
        let salt = mint.salt();
        let (digest, length) = (salt.digest(BODY), BODY.len() as u32);
        let event = Event::from(EntryAdded { entry, visibility: EntryVisibility::Public, digest, length });

        anyhow::ensure!(self.epoch(&tenant)? == epoch, "the policy moved although nobody else writes here");
        let sql = "UPDATE hd_ticket SET version = ?3 + 1, updated_by = ?4, updated_at = ?5 \
             WHERE tenant_id = ?1 AND id = ?2 AND version = ?3";
        let changed =
            self.conn.prepare_cached(sql)?.execute(params![tenant, ticket, seen.version, at.author, at.now])?;
        anyhow::ensure!(changed == 1, "a ticket was stale although nobody else writes here");
        let sql = "INSERT INTO hd_entry (tenant_id, ticket_id, id, author, visibility, body, salt, version, created_at, \
             edited_at, deleted_at) VALUES (?1, ?2, ?3, ?4, 'public', ?5, ?6, 1, ?7, ?8, ?8)";
        let entry = Uuid::from(entry).into_bytes();
        let mut insert = self.conn.prepare_cached(sql)?;
        insert.execute(params![tenant, ticket, entry, at.author, BODY, salt.0, at.now, i64::MAX])?;
        self.index(&at, &ticket, &entry, &[BODY])?;
        self.log(&at, ticket_id, seen.version + 1, mint.id(), &event)
    }

    fn index(&self, at: &Moment<'_>, ticket: &[u8], entry: &[u8], texts: &[&str]) -> anyhow::Result<()> {
        let mut all: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
        all.sort_unstable();
        all.dedup();
        let words = all.join(" ");
        let sql = "INSERT INTO hd_search (tenant_id, ticket_id, entry_id, internal, words) VALUES (?1, ?2, ?3, 0, ?4)";
        self.conn.prepare_cached(sql)?.execute(params![at.tenant, ticket, entry, words])?;
        let doc = self.conn.last_insert_rowid();
        let sql = "INSERT INTO hd_search_words (rowid, words) VALUES (?1, ?2)";
        self.conn.prepare_cached(sql)?.execute(params![doc, words])?;
        Ok(())
    }

    fn log(&self, at: &Moment<'_>, subject: TicketId, version: i64, id: EventId, event: &Event) -> anyhow::Result<()> {
        let sql = "INSERT INTO hd_event (tenant_id, id, subject_kind, subject_id, version, ord, kind, schema, author, \
             cause, occurred_at, recorded_at, internal, data) \
             VALUES (?1, ?2, 'ticket', ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?9, 0, ?10)";
        self.conn.prepare_cached(sql)?.execute(params![
            at.tenant,
            Uuid::from(id).into_bytes(),
            subject.to_string(),
            version,
            event.kind(),
            event.schema(),
            at.author,
            serde_json::to_string(&Cause::default())?,
            at.now,
            event.data(),
        ])?;
        Ok(())
    }
}
