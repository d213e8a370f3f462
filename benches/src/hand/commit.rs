//! The three commands: load in one trip, commit in one; a creation takes its number along with the load.

use deadpool_postgres::Object;
use helpdesk_core::Author;
use helpdesk_core::event::{Cause, EntryAdded, Event, TicketCreated, TicketMoved};
use helpdesk_core::id::{CommandId, EntryId, EventId, Mint, PersonId, Salt, TenantId, TicketId};
use helpdesk_core::text::{fold, words};
use helpdesk_core::ticket::{EntryVisibility, Importance, Priority, Relation, TicketType, Urgency, Visibility};
use helpdesk_core::workflow::{Category, WorkflowRef};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Hand;
use super::read::{Head, Loaded, loaded};
use crate::step::{BODY, DESCRIPTION, TITLE};
use crate::world::{COLUMNS, Tenant, place, ticket};

/// The words of texts as PostgreSQL indexes them: each once, with the tenant's own lexeme.
fn lexemes(tenant: TenantId, texts: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
    all.sort_unstable();
    all.dedup();
    all.insert(0, format!(":{}", Uuid::from(tenant).simple()));
    all
}

/// The event of a creation.
pub fn creation(tenant: &Tenant, p: usize, number: i64, title: Salt, text: Salt) -> Event {
    Event::from(TicketCreated {
        project: tenant.projects[p].0,
        number,
        r#type: TicketType::Task,
        workflow: WorkflowRef { key: "kanban".into(), version: 1 },
        transition: "create".into(),
        state: COLUMNS[0].state.into(),
        category: Category::New,
        title: title.digest(TITLE),
        description: Some(text.digest(DESCRIPTION)),
        priority: Priority::Medium,
        priority_manual: false,
        urgency: Urgency::Normal,
        importance: Importance::Normal,
        visibility: Visibility::Project,
        group: None,
        company: None,
        parent: None,
        start_at: None,
        due_at: None,
        estimate: None,
        people: vec![(Relation::Reporter, tenant.agent), (Relation::Requester, tenant.agent)],
        tags: vec![],
    })
}

/// The people of a new ticket, as its row copies them.
pub fn people(tenant: &Tenant, now: i64) -> String {
    let agent = Uuid::from(tenant.agent).simple();
    format!("reporter {agent} 1 {now}\nrequester {agent} 1 {now}\n")
}

fn author(person: PersonId) -> String {
    Author::Person(person).to_string()
}

fn cause() -> anyhow::Result<String> {
    Ok(serde_json::to_string(&Cause::default())?)
}

fn committed(row: &Row) -> anyhow::Result<()> {
    anyhow::ensure!(row.try_get::<_, i64>(0)? == 1, "a commit was stale although nobody else writes here");
    std::hint::black_box(row.try_get::<_, Option<i64>>(1)?);
    Ok(())
}

impl Hand {
    pub(super) async fn create(&self, client: &Object, id: CommandId, t: usize, p: usize) -> anyhow::Result<()> {
        let tenant = &self.world.tenants[t];
        let (owner, project) = (Uuid::from(tenant.id), Uuid::from(tenant.projects[p].0));
        let (epoch, draw) =
            (client.prepare_cached(&self.texts.epoch).await?, client.prepare_cached(&self.texts.draw).await?);
        self.trips.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (whose, where_to): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 2]) = ([&owner], [&owner, &project]);
        let (epoch, number) = tokio::try_join!(client.query_one(&epoch, &whose), client.query_one(&draw, &where_to))?;
        let (epoch, number): (i64, i64) = (epoch.try_get(0)?, number.try_get(0)?);

        let now = self.clock.now().millis();
        let mut mint = Mint::new(id);
        let ticket: TicketId = mint.id();
        let (title_salt, text_salt) = (mint.salt(), mint.salt());
        let event = creation(tenant, p, number, title_salt, text_salt);
        let event_id = Uuid::from(mint.id::<EventId>());
        let by = author(tenant.agent);
        let person = |relation| (relation, Uuid::from(tenant.agent), 1, now);
        let made = Loaded {
            epoch,
            head: Head {
                id: ticket.into(),
                project,
                number,
                kind: "task".into(),
                workflow: ("kanban".into(), 1),
                state: COLUMNS[0].state.into(),
                category: COLUMNS[0].category as i64,
                title: TITLE.into(),
                priority: (Priority::Medium as i64, false),
                weight: (Urgency::Normal as i64, Importance::Normal as i64),
                visibility: Visibility::Project.as_str().into(),
                group: Uuid::nil(),
                parent: Uuid::nil(),
                planned: (i64::MAX, i64::MAX, -1),
                resolved_at: i64::MAX,
                closed_at: i64::MAX,
                reopened: 0,
                regrouped: 0,
                version: 1,
                created: (by.clone(), now),
                updated: (by.clone(), now),
                deleted_at: i64::MAX,
                salt: title_salt.0,
            },
            people: vec![person(Relation::Reporter), person(Relation::Requester)],
            tags: String::new(),
            company: Uuid::nil(),
        };
        let row = self
            .one(
                client,
                &self.texts.create,
                &[
                    &owner,
                    &epoch,
                    &Uuid::from(ticket),
                    &project,
                    &number,
                    &TITLE,
                    &Visibility::Project.as_str(),
                    &by,
                    &now,
                    &title_salt.0.as_slice(),
                    &lexemes(tenant.id, &[TITLE, DESCRIPTION]),
                    &fold(TITLE),
                    &DESCRIPTION,
                    &text_salt.0.as_slice(),
                    &Uuid::from(tenant.agent),
                    &ticket.to_string(),
                    &event_id,
                    &cause()?,
                    &event.data(),
                    &people(tenant, now),
                    &made.whole(),
                ],
            )
            .await?;
        committed(&row)
    }

    pub(super) async fn transition(&self, client: &Object, id: CommandId, i: u64, to: usize) -> anyhow::Result<()> {
        let (t, ..) = place(i);
        let tenant = &self.world.tenants[t];
        let (owner, ticket) = (Uuid::from(tenant.id), ticket(i));
        let seen = loaded(&self.one(client, &self.texts.load_text, &[&owner, &ticket]).await?)?;

        let now = self.clock.now().millis();
        let from = COLUMNS.iter().find(|column| column.state == seen.head.state);
        let from = from.ok_or_else(|| anyhow::anyhow!("a ticket stands in `{}`", seen.head.state))?;
        let to = &COLUMNS[to];
        let event = Event::from(TicketMoved {
            transition: Some(to.transition.into()),
            from: from.state.into(),
            to: to.state.into(),
            before: from.category,
            after: to.category,
            reason: None,
        });
        // The board has one closed column and none that is resolved.
        let closes = to.category == Category::Closed;
        let resolved_at = if !closes { i64::MAX } else { seen.head.resolved_at.min(now) };
        let closed_at = if closes { now } else { i64::MAX };
        let reopened = seen.head.reopened + i64::from(from.category == Category::Closed);
        let (category, version) = (to.category as i64, seen.head.version + 1);
        let event_id = Uuid::from(Mint::new(id).id::<EventId>());
        let by = author(tenant.agent);
        let mut after = seen.clone();
        (after.head.state, after.head.category) = (to.state.into(), category);
        (after.head.resolved_at, after.head.closed_at, after.head.reopened) = (resolved_at, closed_at, reopened);
        (after.head.version, after.head.updated) = (version, (by.clone(), now));
        let row = self
            .one(
                client,
                &self.texts.transition,
                &[
                    &owner,
                    &seen.epoch,
                    &ticket,
                    &seen.head.version,
                    &to.state,
                    &category,
                    &resolved_at,
                    &closed_at,
                    &reopened,
                    &version,
                    &by,
                    &now,
                    &TicketId::from(ticket).to_string(),
                    &event_id,
                    &cause()?,
                    &event.data(),
                    &after.whole(),
                ],
            )
            .await?;
        committed(&row)
    }

    pub(super) async fn comment(&self, client: &Object, id: CommandId, i: u64) -> anyhow::Result<()> {
        let (t, ..) = place(i);
        let tenant = &self.world.tenants[t];
        let (owner, ticket) = (Uuid::from(tenant.id), ticket(i));
        let seen = loaded(&self.one(client, &self.texts.load, &[&owner, &ticket]).await?)?;

        let now = self.clock.now().millis();
        let mut mint = Mint::new(id);
        let entry: EntryId = mint.id();
        let salt = mint.salt();
        let event = Event::from(EntryAdded {
            entry,
            visibility: EntryVisibility::Public,
            digest: salt.digest(BODY),
            length: BODY.len() as u32,
        });
        let version = seen.head.version + 1;
        let event_id = Uuid::from(mint.id::<EventId>());
        let by = author(tenant.agent);
        let mut after = seen.clone();
        (after.head.version, after.head.updated) = (version, (by.clone(), now));
        let row = self
            .one(
                client,
                &self.texts.comment,
                &[
                    &owner,
                    &seen.epoch,
                    &ticket,
                    &seen.head.version,
                    &version,
                    &by,
                    &now,
                    &Uuid::from(entry),
                    &BODY,
                    &salt.0.as_slice(),
                    &lexemes(tenant.id, &[BODY]),
                    &TicketId::from(ticket).to_string(),
                    &event_id,
                    &cause()?,
                    &event.data(),
                    &after.whole(),
                ],
            )
            .await?;
        committed(&row)
    }
}
