//! The desk's reads, statement by statement.

use anyhow::Context;
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Lite;
use crate::hand::Person;
use crate::hand::read_people as people;
use crate::hand::sql::read as columns;
use crate::step::PAGE;
use crate::world::{COLUMNS, place};

/// A ticket's head, all columns decoded; those a command looks at have names.
pub(super) struct Head {
    pub(super) id: Uuid,
    pub(super) state: String,
    pub(super) resolved_at: i64,
    pub(super) reopened: i64,
    pub(super) version: i64,
    _ids: [Uuid; 3],
    _texts: [String; 6],
    _numbers: [i64; 16],
    _salt: Vec<u8>,
    _people: Vec<Person>,
    _tags: String,
}

fn id(row: &Row<'_>, at: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, [u8; 16]>(at).map(Uuid::from_bytes)
}

fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    let number = |at| row.get::<_, i64>(at);
    let text = |at| row.get::<_, String>(at);
    Ok(Head {
        id: id(row, 1)?,
        state: text(7)?,
        resolved_at: number(20)?,
        reopened: number(22)?,
        version: number(24)?,
        _ids: [id(row, 2)?, id(row, 15)?, id(row, 16)?],
        _texts: [text(4)?, text(5)?, text(9)?, text(14)?, text(25)?, text(27)?],
        _numbers: [
            number(3)?,
            number(6)?,
            number(8)?,
            number(10)?,
            number(11)?,
            number(12)?,
            number(13)?,
            number(17)?,
            number(18)?,
            number(19)?,
            number(21)?,
            number(23)?,
            number(26)?,
            number(28)?,
            number(29)?,
            0,
        ],
        _salt: row.get(30)?,
        _people: people(row.get_ref(31)?.as_str()?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(31, rusqlite::types::Type::Text, error.into())
        })?,
        _tags: text(32)?,
    })
}

impl Lite {
    fn statement(
        &self,
        name: &'static str,
        make: impl FnOnce() -> String,
    ) -> anyhow::Result<rusqlite::CachedStatement<'_>> {
        let mut texts = self.texts.borrow_mut();
        let text = texts.entry(name).or_insert_with(make);
        Ok(self.conn.prepare_cached(text)?)
    }

    pub(super) fn epoch(&self, tenant: &[u8]) -> anyhow::Result<i64> {
        let mut statement = self.conn.prepare_cached("SELECT epoch FROM hd_epoch WHERE tenant_id = ?1")?;
        Ok(statement.query_row([tenant], |row| row.get(0))?)
    }

    /// The head of a ticket.
    pub(super) fn load(&self, tenant: &[u8], ticket: &[u8]) -> anyhow::Result<Head> {
        let select = || format!("SELECT {} FROM hd_ticket t WHERE tenant_id = ?1 AND id = ?2", columns("t"));
        let head = self.statement("load", select)?.query_row(params![tenant, ticket], head)?;
        Ok(head)
    }

    /// The long text of a ticket.
    pub(super) fn text(&self, tenant: &[u8], ticket: &[u8]) -> anyhow::Result<(String, Vec<u8>)> {
        let sql = "SELECT description, salt FROM hd_ticket_text WHERE tenant_id = ?1 AND ticket_id = ?2";
        Ok(self.conn.prepare_cached(sql)?.query_row(params![tenant, ticket], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Reads a ticket whole.
    pub(super) fn get(&self, i: u64) -> anyhow::Result<()> {
        let (t, p, number) = place(i);
        let owner = &self.world.tenants[t];
        let tenant = Uuid::from(owner.id).into_bytes();
        let select = || {
            format!(
                "SELECT {} FROM hd_project k JOIN hd_ticket t ON t.tenant_id = k.tenant_id AND t.project_id = k.id \
                 WHERE k.tenant_id = ?1 AND k.\"key\" = ?2 AND t.number = ?3",
                columns("t")
            )
        };
        let head = self.statement("get", select)?.query_row(params![tenant, owner.projects[p].1, number], head)?;
        let ticket = head.id.into_bytes();
        let epoch = self.epoch(&tenant)?;
        let text = self.text(&tenant, &ticket)?;
        let sql = "SELECT id, author, visibility, body, salt, version, created_at, edited_at, deleted_at FROM hd_entry \
             WHERE tenant_id = ?1 AND ticket_id = ?2 ORDER BY created_at, id LIMIT 100";
        let mut statement = self.conn.prepare_cached(sql)?;
        let entries = statement.query_map(params![tenant, ticket], |row| {
            Ok((
                (id(row, 0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?),
                (row.get::<_, Vec<u8>>(4)?, row.get::<_, i64>(5)?, row.get::<_, i64>(6)?),
                (row.get::<_, i64>(7)?, row.get::<_, i64>(8)?),
            ))
        })?;
        std::hint::black_box((head, epoch, text, entries.collect::<Result<Vec<_>, _>>()?));
        Ok(())
    }

    /// Reads a page.
    pub(super) fn list(&self, t: usize, p: usize) -> anyhow::Result<()> {
        let owner = &self.world.tenants[t];
        let tenant = Uuid::from(owner.id).into_bytes();
        let (project, viewer) = (Uuid::from(owner.projects[p].0).into_bytes(), Uuid::from(owner.agent).into_bytes());
        let select = || {
            format!(
                "SELECT {} FROM hd_ticket t WHERE t.tenant_id = ?1 AND t.project_id = ?2 AND t.state = ?3 \
                 AND t.deleted_at = 9223372036854775807 AND (t.visibility IN ('project', 'tenant') OR EXISTS \
                 (SELECT 1 FROM hd_participant m WHERE m.tenant_id = ?1 AND m.ticket_id = t.id AND m.person_id = ?4 \
                 AND m.until = 9223372036854775807)) ORDER BY t.updated_at DESC, t.id DESC LIMIT {PAGE}",
                columns("t")
            )
        };
        let mut statement = self.statement("list", select)?;
        let page = statement.query_map(params![tenant, project, COLUMNS[0].state, viewer], head)?;
        let page = page.collect::<Result<Vec<_>, _>>()?;
        let epoch = self.epoch(&tenant)?;
        std::hint::black_box((page.last().context("a list is empty")?, epoch));
        Ok(())
    }
}
