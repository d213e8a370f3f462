//! People: the directory.

use async_graphql::{Context, Description, ID, InputObject, MaybeUndefined, Object, Result};
use helpdesk_core::Desk;
use helpdesk_core::command::{EditPerson, EnsurePerson};
use helpdesk_core::desk::read::PAGE_MAX;
use helpdesk_core::id::PersonId;
use helpdesk_core::org;
use helpdesk_core::store::PeopleFind;

use crate::connection::{Paged, after, connection, cursor, page_size};
use crate::fault::not_found;
use crate::id::{Ref, global, maybe};
use crate::names::PersonKind;
use crate::payload::{With, act, payloads};
use crate::scalar::DateTime;
use crate::session::Session;

/// Somebody in the directory. Those who may not see the directory see names, nothing else.
#[derive(Debug, Clone, Description)]
pub(crate) struct Person(pub(crate) org::Person);

#[Object(use_type_description)]
impl Person {
    /// Their global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.id)
    }
    /// The host's own user id; empty for those who may not see the directory.
    async fn external_id(&self) -> &str {
        &self.0.external
    }
    /// What they are.
    async fn kind(&self) -> PersonKind {
        self.0.kind.into()
    }
    /// Display name.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// E-mail address, or empty.
    async fn email(&self) -> &str {
        &self.0.email
    }
    /// Telephone, or empty.
    async fn phone(&self) -> &str {
        &self.0.phone
    }
    /// Job title, or empty.
    async fn title(&self) -> &str {
        &self.0.title
    }
    /// Whom they report to; null too for those who may not see the directory.
    async fn manager(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let Some(manager) = self.0.manager else { return Ok(None) };
        Ok(Session::of(ctx)?.loaders.person(manager).await?.map(Person))
    }
    /// What they can do, in words that tags have; none for those who may not see the directory.
    async fn skills(&self) -> &[String] {
        &self.0.skills
    }
    /// Inactive people may not act and are not assigned.
    async fn active(&self) -> bool {
        self.0.active
    }
    /// Counts changes, from 1.
    async fn version(&self) -> i64 {
        self.0.version
    }
    /// When they were first seen.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When they last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

connection! {
    /// A page of people.
    PersonConnection,
    /// Somebody in a list.
    PersonEdge of Person
}

pub(crate) async fn load(ctx: &Context<'_>, id: &PersonId) -> Result<Person> {
    Session::of(ctx)?.loaders.person(*id).await?.map(Person).ok_or_else(|| not_found("person", id))
}

#[derive(Default)]
pub(crate) struct PersonQuery;

#[Object]
impl PersonQuery {
    /// Somebody in the directory.
    async fn person(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Ref<PersonId>,
    ) -> Result<Option<Person>> {
        load(ctx, &id.0).await.map(Some)
    }

    /// The directory, oldest entry first.
    async fn people(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose name or e-mail contains this, without regard to case and accents.")] search: Option<
            String,
        >,
        #[graphql(desc = "Of this kind only.")] kind: Option<PersonKind>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(name = "after", desc = "A cursor of this list: what follows it.")] after_cursor: Option<String>,
    ) -> Result<PersonConnection> {
        let session = Session::of(ctx)?;
        let (first, start) = (page_size(first)?, after::<PersonId>(after_cursor.as_deref())?);
        let limit = (first + 1).min(PAGE_MAX);
        let find = PeopleFind { search: search.unwrap_or_default(), kind: kind.map(Into::into), after: start, limit };
        let read = move |desk: Desk, actor| async move {
            let mut found = desk.people(&actor, find.clone()).await?;
            if found.len() == usize::from(first) && limit == first {
                let after = found.last().map(|person| person.id);
                found.extend(desk.people(&actor, PeopleFind { after, limit: 1, ..find }).await?);
            }
            Ok(found)
        };
        let found = session.loaders.read(read).await?;
        let items = found.into_iter().map(|person| (cursor(&person.id), Person(person))).collect();
        Ok(PersonConnection { page: Paged::cut(items, first, start.is_some()) })
    }
}

/// Makes sure that somebody is in the directory: adds or updates by the host's own user id.
#[derive(InputObject)]
struct PersonEnsureInput {
    /// The host's own user id, 1 to 200 characters.
    external_id: String,
    /// Display name.
    name: String,
    /// What they are; kept when omitted, `REQUESTER` for new ones.
    kind: Option<PersonKind>,
    /// E-mail address; kept when omitted.
    email: Option<String>,
    /// Telephone; kept when omitted.
    phone: Option<String>,
    /// Job title; kept when omitted.
    title: Option<String>,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Changes somebody's entry in the directory; what is omitted stays, null clears.
#[derive(InputObject)]
struct PersonEditInput {
    /// The person.
    person: Ref<PersonId>,
    /// New display name.
    name: Option<String>,
    /// What they are.
    kind: Option<PersonKind>,
    /// E-mail address.
    email: MaybeUndefined<String>,
    /// Telephone.
    phone: MaybeUndefined<String>,
    /// Job title.
    title: MaybeUndefined<String>,
    /// Whom they report to; null for nobody.
    manager: MaybeUndefined<Ref<PersonId>>,
    /// Everything they can do, in words that tags have; replaces what was there. At most 50.
    skills: Option<Vec<String>>,
    /// Deactivate or reactivate.
    active: Option<bool>,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `personEnsure` answers.
    PersonEnsurePayload {
        /// The person after the command.
        person: Person = load, from PersonId
    }
    /// What `personEdit` answers.
    PersonEditPayload {
        /// The person after the command.
        person: Person = load, from PersonId
    }
}

#[derive(Default)]
pub(crate) struct PersonMutation;

#[Object]
impl PersonMutation {
    /// Adds somebody to the directory, or updates them, by the host's own user id.
    async fn person_ensure(&self, ctx: &Context<'_>, input: PersonEnsureInput) -> Result<Option<PersonEnsurePayload>> {
        let command = EnsurePerson {
            tenant: crate::viewer::tenant(ctx)?,
            external: input.external_id,
            name: input.name,
            kind: input.kind.map(Into::into),
            email: input.email,
            phone: input.phone,
            title: input.title,
        };
        let with = With::new(input.expected_version, input.idempotency_key).at(&[("external", "externalId")]);
        Ok(Some(PersonEnsurePayload(act(ctx, command, with).await?)))
    }

    /// Changes somebody's entry; people may change their own name, e-mail, phone and title.
    async fn person_edit(&self, ctx: &Context<'_>, input: PersonEditInput) -> Result<Option<PersonEditPayload>> {
        // The directory has no null texts: cleared is empty.
        let text = |field: MaybeUndefined<String>| Option::<Option<String>>::from(field).map(Option::unwrap_or_default);
        let command = EditPerson {
            person: input.person.0,
            name: input.name,
            kind: input.kind.map(Into::into),
            email: text(input.email),
            phone: text(input.phone),
            title: text(input.title),
            manager: maybe(input.manager),
            skills: input.skills,
            active: input.active,
        };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(PersonEditPayload(act(ctx, command, with).await?.about(input.person.0))))
    }
}
