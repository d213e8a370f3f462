//! Tags.

use async_graphql::{Context, Description, ID, InputObject, MaybeUndefined, Object, Result};
use helpdesk_core::command::{DefineTag, EditTag};
use helpdesk_core::id::{ProjectId, TagId};
use helpdesk_core::ticket;

use crate::actor::Actor;
use crate::connection::{Named, connection, page_of};
use crate::fault::not_found;
use crate::id::{Ref, global};
use crate::payload::{With, act, payloads};
use crate::project::Project;
use crate::scalar::DateTime;
use crate::session::Session;

/// A tag a project knows.
#[derive(Debug, Clone, Description)]
pub(crate) struct Tag(pub(crate) ticket::Tag);

impl Tag {
    /// Its place in lists: by name.
    pub(crate) fn place(&self) -> Named<TagId> {
        Named(self.0.name.clone(), self.0.id)
    }
}

#[Object(use_type_description)]
impl Tag {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.id)
    }
    /// The project it belongs to.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        Ok(Session::of(ctx)?.config().await?.projects.get(&self.0.project).cloned().map(Project))
    }
    /// Its name, unique in the project.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// What it is for.
    async fn description(&self) -> &str {
        &self.0.description
    }
    /// `#rrggbb`, or empty.
    async fn colour(&self) -> &str {
        &self.0.colour
    }
    /// Counts changes, from 1.
    async fn version(&self) -> i64 {
        self.0.version
    }
    /// Who defined it.
    async fn created_by(&self) -> Actor {
        Actor(self.0.created_by.clone())
    }
    /// When it was defined.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was deleted, if it is.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.0.deleted_at.map(DateTime)
    }
}

connection! {
    /// A page of tags.
    TagConnection,
    /// A tag in a list.
    TagEdge of Tag, count = usize
}

pub(crate) async fn load(ctx: &Context<'_>, id: &TagId) -> Result<Tag> {
    let config = Session::of(ctx)?.config().await?;
    config.tags.get(id).cloned().map(Tag).ok_or_else(|| not_found("tag", id))
}

#[derive(Default)]
pub(crate) struct TagQuery;

#[Object]
impl TagQuery {
    /// A tag.
    async fn tag(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Ref<TagId>) -> Result<Option<Tag>> {
        load(ctx, &id.0).await.map(Some)
    }

    /// The tags the viewer sees, by name.
    async fn tags(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of this project only.")] project: Option<Ref<ProjectId>>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<TagConnection> {
        let config = Session::of(ctx)?.config().await?;
        // A deleted tag is found by its id; lists show what can be used.
        let usable = config.tags.values().filter(|tag| tag.deleted_at.is_none());
        let all = usable.filter(|tag| project.as_ref().is_none_or(|project| tag.project == project.0));
        let all: Vec<Tag> = all.cloned().map(Tag).collect();
        let count = all.len();
        Ok(TagConnection { page: page_of(all, Tag::place, first, after.as_deref())?, count })
    }
}

/// Defines a tag of a project.
#[derive(InputObject)]
struct TagCreateInput {
    /// The project.
    project: Ref<ProjectId>,
    /// Its name, 1 to 60 characters, unique in the project without regard to case.
    name: String,
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// `#rrggbb`, or empty.
    #[graphql(default)]
    colour: String,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Changes, deletes or restores a tag; what is omitted stays, null clears.
#[derive(InputObject)]
struct TagEditInput {
    /// The tag.
    tag: Ref<TagId>,
    /// New name.
    name: Option<String>,
    /// What it is for.
    description: MaybeUndefined<String>,
    /// `#rrggbb`, or empty.
    colour: MaybeUndefined<String>,
    /// Delete or restore.
    deleted: Option<bool>,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `tagCreate` answers.
    TagCreatePayload {
        /// The new tag.
        tag: Tag = load, from TagId
    }
    /// What `tagEdit` answers.
    TagEditPayload {
        /// The tag after the command; absent when you may not see deleted tags.
        tag: Tag = load, from TagId
    }
}

#[derive(Default)]
pub(crate) struct TagMutation;

#[Object]
impl TagMutation {
    /// Defines a tag.
    async fn tag_create(&self, ctx: &Context<'_>, input: TagCreateInput) -> Result<Option<TagCreatePayload>> {
        let command = DefineTag {
            project: input.project.0,
            name: input.name,
            description: input.description,
            colour: input.colour,
        };
        let with = With::new(None, input.idempotency_key);
        Ok(Some(TagCreatePayload(act(ctx, command, with).await?)))
    }

    /// Changes, deletes or restores a tag.
    async fn tag_edit(&self, ctx: &Context<'_>, input: TagEditInput) -> Result<Option<TagEditPayload>> {
        // Tags have no null texts: cleared is empty.
        let text = |field: MaybeUndefined<String>| Option::<Option<String>>::from(field).map(Option::unwrap_or_default);
        let command = EditTag {
            tag: input.tag.0,
            name: input.name,
            description: text(input.description),
            colour: text(input.colour),
            deleted: input.deleted,
        };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TagEditPayload(act(ctx, command, with).await?.about(input.tag.0))))
    }
}
