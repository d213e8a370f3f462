//! Groups and their members.

use async_graphql::{Context, Description, ID, InputObject, MaybeUndefined, Object, Result};
use helpdesk_core::command::{AddMember, CreateGroup, EditGroup, RemoveMember};
use helpdesk_core::id::{GroupId, PersonId};
use helpdesk_core::org;

use crate::connection::{Named, connection, page_of};
use crate::fault::not_found;
use crate::id::{Ref, global, maybe};
use crate::names::GroupKind;
use crate::payload::{With, act, payloads};
use crate::person::{Person, PersonConnection};
use crate::scalar::DateTime;
use crate::session::Session;

/// A group of people: department, team or company.
#[derive(Debug, Clone, Description)]
pub(crate) struct Group(pub(crate) org::Group);

#[Object(use_type_description)]
impl Group {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.id)
    }
    /// What it is.
    async fn kind(&self) -> GroupKind {
        self.0.kind.into()
    }
    /// Display name, unique in the tenant.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// The group above.
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Group>> {
        let config = Session::of(ctx)?.config().await?;
        Ok(self.0.parent.and_then(|id| config.groups.get(&id)).cloned().map(Group))
    }
    /// Who leads it.
    async fn head(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let Some(head) = self.0.head else { return Ok(None) };
        Ok(Session::of(ctx)?.loaders.person(head).await?.map(Person))
    }
    /// The people in it, oldest entry in the directory first.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<PersonConnection> {
        let members = Session::of(ctx)?.loaders.members(self.0.id).await?;
        let members = members.ok_or_else(|| not_found("group", self.0.id))?;
        let members: Vec<Person> = members.iter().cloned().map(Person).collect();
        Ok(PersonConnection { page: page_of(members, |person| person.0.id, first, after.as_deref())? })
    }
    /// Counts changes, from 1.
    async fn version(&self) -> i64 {
        self.0.version
    }
    /// When it was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

connection! {
    /// A page of groups.
    GroupConnection,
    /// A group in a list.
    GroupEdge of Group, count = usize
}

pub(crate) async fn load(ctx: &Context<'_>, id: &GroupId) -> Result<Group> {
    let config = Session::of(ctx)?.config().await?;
    config.groups.get(id).cloned().map(Group).ok_or_else(|| not_found("group", id))
}

#[derive(Default)]
pub(crate) struct GroupQuery;

#[Object]
impl GroupQuery {
    /// A group.
    async fn group(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Ref<GroupId>) -> Result<Option<Group>> {
        load(ctx, &id.0).await.map(Some)
    }

    /// The groups the viewer sees, by name.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of this kind only.")] kind: Option<GroupKind>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<GroupConnection> {
        let config = Session::of(ctx)?.config().await?;
        let wanted = kind.map(helpdesk_core::org::GroupKind::from);
        let all = config.groups.values().filter(|group| wanted.is_none_or(|kind| group.kind == kind));
        let all: Vec<Group> = all.cloned().map(Group).collect();
        let place = |group: &Group| Named(group.0.name.clone(), group.0.id);
        let count = all.len();
        Ok(GroupConnection { page: page_of(all, place, first, after.as_deref())?, count })
    }
}

/// Creates a group.
#[derive(InputObject)]
struct GroupCreateInput {
    /// Department, team or company.
    kind: GroupKind,
    /// Display name, unique in the tenant without regard to case.
    name: String,
    /// The group above.
    parent: Option<Ref<GroupId>>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Renames or moves a group, or says who leads it; what is omitted stays.
#[derive(InputObject)]
struct GroupEditInput {
    /// The group.
    group: Ref<GroupId>,
    /// New display name.
    name: Option<String>,
    /// The group above; null for none.
    parent: MaybeUndefined<Ref<GroupId>>,
    /// Who leads it; null for nobody.
    head: MaybeUndefined<Ref<PersonId>>,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Puts somebody into a group.
#[derive(InputObject)]
struct GroupAddMemberInput {
    /// The group.
    group: Ref<GroupId>,
    /// The person.
    person: Ref<PersonId>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Takes somebody out of a group.
#[derive(InputObject)]
struct GroupRemoveMemberInput {
    /// The group.
    group: Ref<GroupId>,
    /// The person.
    person: Ref<PersonId>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `groupCreate` answers.
    GroupCreatePayload {
        /// The new group.
        group: Group = load, from GroupId
    }
    /// What `groupEdit` answers.
    GroupEditPayload {
        /// The group after the command.
        group: Group = load, from GroupId
    }
    /// What `groupAddMember` answers.
    GroupAddMemberPayload {
        /// The group after the command.
        group: Group = load, from GroupId
    }
    /// What `groupRemoveMember` answers.
    GroupRemoveMemberPayload {
        /// The group after the command.
        group: Group = load, from GroupId
    }
}

#[derive(Default)]
pub(crate) struct GroupMutation;

#[Object]
impl GroupMutation {
    /// Creates a group.
    async fn group_create(&self, ctx: &Context<'_>, input: GroupCreateInput) -> Result<Option<GroupCreatePayload>> {
        let command = CreateGroup {
            tenant: crate::viewer::tenant(ctx)?,
            kind: input.kind.into(),
            name: input.name,
            parent: input.parent.map(|parent| parent.0),
        };
        let with = With::new(None, input.idempotency_key);
        Ok(Some(GroupCreatePayload(act(ctx, command, with).await?)))
    }

    /// Renames or moves a group, or says who leads it.
    async fn group_edit(&self, ctx: &Context<'_>, input: GroupEditInput) -> Result<Option<GroupEditPayload>> {
        let command =
            EditGroup { group: input.group.0, name: input.name, parent: maybe(input.parent), head: maybe(input.head) };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(GroupEditPayload(act(ctx, command, with).await?.about(input.group.0))))
    }

    /// Puts somebody into a group.
    async fn group_add_member(
        &self,
        ctx: &Context<'_>,
        input: GroupAddMemberInput,
    ) -> Result<Option<GroupAddMemberPayload>> {
        let command = AddMember { group: input.group.0, person: input.person.0 };
        let with = With::new(None, input.idempotency_key);
        Ok(Some(GroupAddMemberPayload(act(ctx, command, with).await?.about(input.group.0))))
    }

    /// Takes somebody out of a group.
    async fn group_remove_member(
        &self,
        ctx: &Context<'_>,
        input: GroupRemoveMemberInput,
    ) -> Result<Option<GroupRemoveMemberPayload>> {
        let command = RemoveMember { group: input.group.0, person: input.person.0 };
        let with = With::new(None, input.idempotency_key);
        Ok(Some(GroupRemoveMemberPayload(act(ctx, command, with).await?.about(input.group.0))))
    }
}
