//! Projects.

use async_graphql::{Context, Description, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use helpdesk_core::command::{CreateProject, EditProject};
use helpdesk_core::id::{PersonId, ProjectId};
use helpdesk_core::org;
use helpdesk_core::role::Relations;

use crate::board::{Board, BoardConnection};
use crate::connection::{Named, connection, page_of};
use crate::fault::{bad_input, not_found};
use crate::id::{Ref, global};
use crate::names::{Permission, Relation, Visibility};
use crate::payload::{With, act, payloads};
use crate::person::Person;
use crate::scalar::DateTime;
use crate::session::Session;
use crate::tag::{Tag, TagConnection};
use crate::workflow::Workflow;

/// What being something to a ticket of the project allows on it, for as long as it lasts.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct ProjectRelation {
    /// As what.
    relation: Relation,
    /// What it gives. Without `TICKET_READ` it does not even show the ticket.
    permissions: Vec<Permission>,
    /// Whether the project says so, rather than the default.
    overridden: bool,
}

/// What being something to a ticket of the project is to allow.
#[derive(InputObject)]
struct ProjectRelationInput {
    /// As what.
    relation: Relation,
    /// What it gives: of reading, editing, moving, assigning, watching and writing, nothing else.
    permissions: Vec<Permission>,
}

fn relations(said: Vec<ProjectRelationInput>) -> Relations {
    said.into_iter().fold(Relations::DEFAULT, |all, one| {
        all.with(one.relation.into(), one.permissions.into_iter().map(helpdesk_core::role::Permission::from).collect())
    })
}

/// A project: the container that gives tickets their key.
#[derive(Debug, Clone, Description)]
pub(crate) struct Project(pub(crate) org::Project);

#[Object(use_type_description)]
impl Project {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.id)
    }
    /// 2 to 10 capital letters and digits, unique in the tenant.
    async fn key(&self) -> &str {
        &self.0.key
    }
    /// Display name.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// Who answers for it.
    async fn lead(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        match self.0.lead {
            Some(id) => Ok(Session::of(ctx)?.loaders.person(id).await?.map(Person)),
            None => Ok(None),
        }
    }
    /// The workflow new tickets get: the newest version of its key.
    async fn workflow(&self, ctx: &Context<'_>) -> Result<Option<Workflow>> {
        Ok(Session::of(ctx)?.config().await?.workflows.newest(&self.0.workflow).cloned().map(Workflow))
    }
    /// The visibility new tickets get.
    async fn visibility(&self) -> Visibility {
        self.0.visibility.into()
    }
    /// What being something to its tickets allows on them.
    async fn relations(&self) -> Vec<ProjectRelation> {
        let all = helpdesk_core::ticket::Relation::ALL.iter();
        all.map(|relation| ProjectRelation {
            relation: (*relation).into(),
            permissions: self.0.relations.of(*relation).iter().map(Into::into).collect(),
            overridden: self.0.relations.said().any(|(said, _)| said == *relation),
        })
        .collect()
    }
    /// The tags it knows, by name.
    async fn tags(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<TagConnection> {
        let config = Session::of(ctx)?.config().await?;
        let tags = config.tags.values().filter(|tag| tag.project == self.0.id && tag.deleted_at.is_none());
        let tags: Vec<Tag> = tags.cloned().map(Tag).collect();
        let count = tags.len();
        Ok(TagConnection { page: page_of(tags, Tag::place, first, after.as_deref())?, count })
    }
    /// Its boards, by name.
    async fn boards(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<BoardConnection> {
        let config = Session::of(ctx)?.config().await?;
        // A deleted board is found by its id; lists show what can be used.
        let live = config.boards.values().filter(|board| board.project == self.0.id && board.deleted_at.is_none());
        let boards: Vec<Board> = live.cloned().map(Board).collect();
        let count = boards.len();
        Ok(BoardConnection { page: page_of(boards, Board::place, first, after.as_deref())?, count })
    }
    /// What the viewer's roles allow in it.
    async fn viewer_permissions(&self, ctx: &Context<'_>) -> Result<Vec<Permission>> {
        let access = Session::of(ctx)?.loaders.access().await?;
        Ok(access.in_project(self.0.id).iter().map(Into::into).collect())
    }
    /// Counts changes, from 1.
    async fn version(&self) -> i64 {
        self.0.version
    }
    /// When it was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was deleted, if it is.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.0.deleted_at.map(DateTime)
    }
}

connection! {
    /// A page of projects.
    ProjectConnection,
    /// A project in a list.
    ProjectEdge of Project, count = usize
}

pub(crate) async fn load(ctx: &Context<'_>, id: &ProjectId) -> Result<Project> {
    let config = Session::of(ctx)?.config().await?;
    config.projects.get(id).cloned().map(Project).ok_or_else(|| not_found("project", id))
}

#[derive(Default)]
pub(crate) struct ProjectQuery;

#[Object]
impl ProjectQuery {
    /// A project, by id or by key.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id; or give its key.")] id: Option<Ref<ProjectId>>,
        #[graphql(desc = "Its key; or give its id.")] key: Option<String>,
    ) -> Result<Option<Project>> {
        match (id, key) {
            (Some(id), None) => load(ctx, &id.0).await.map(Some),
            (None, Some(key)) => {
                let config = Session::of(ctx)?.config().await?;
                let found = config.project_by_key(&key).cloned().map(Project);
                found.map(Some).ok_or_else(|| not_found("project", key))
            }
            _ => Err(bad_input("give either `id` or `key`")),
        }
    }

    /// The projects the viewer sees, by key.
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<ProjectConnection> {
        let config = Session::of(ctx)?.config().await?;
        let all: Vec<Project> = config.projects.values().cloned().map(Project).collect();
        let place = |project: &Project| Named(project.0.key.clone(), project.0.id);
        let count = all.len();
        Ok(ProjectConnection { page: page_of(all, place, first, after.as_deref())?, count })
    }
}

/// Creates a project.
#[derive(InputObject)]
struct ProjectCreateInput {
    /// 2 to 10 of A-Z 0-9, beginning with a letter; unique in the tenant.
    key: String,
    /// Display name; the key when omitted.
    name: Option<String>,
    /// Who answers for it.
    lead: Option<Ref<PersonId>>,
    /// Key of the workflow; kanban when omitted.
    workflow: Option<String>,
    /// Visibility new tickets get; `PROJECT` when omitted.
    visibility: Option<Visibility>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Changes a project; what is omitted stays.
#[derive(InputObject)]
struct ProjectEditInput {
    /// The project.
    project: Ref<ProjectId>,
    /// New display name.
    name: Option<String>,
    /// New lead; null for none.
    lead: MaybeUndefined<Ref<PersonId>>,
    /// Key of the workflow for new tickets.
    workflow: Option<String>,
    /// Visibility for new tickets.
    visibility: Option<Visibility>,
    /// What being something to its tickets allows from now on; relations not named go back to the default.
    relations: Option<Vec<ProjectRelationInput>>,
    /// Delete or restore.
    deleted: Option<bool>,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `projectCreate` answers.
    ProjectCreatePayload {
        /// The new project.
        project: Project = load, from ProjectId
    }
    /// What `projectEdit` answers.
    ProjectEditPayload {
        /// The project after the command.
        project: Project = load, from ProjectId
    }
}

#[derive(Default)]
pub(crate) struct ProjectMutation;

#[Object]
impl ProjectMutation {
    /// Creates a project.
    async fn project_create(
        &self,
        ctx: &Context<'_>,
        input: ProjectCreateInput,
    ) -> Result<Option<ProjectCreatePayload>> {
        let command = CreateProject {
            tenant: crate::viewer::tenant(ctx)?,
            key: input.key,
            name: input.name,
            lead: input.lead.map(|lead| lead.0),
            workflow: input.workflow,
            visibility: input.visibility.map(Into::into),
        };
        let with = With::new(None, input.idempotency_key);
        Ok(Some(ProjectCreatePayload(act(ctx, command, with).await?)))
    }

    /// Changes, deletes or restores a project.
    async fn project_edit(&self, ctx: &Context<'_>, input: ProjectEditInput) -> Result<Option<ProjectEditPayload>> {
        let command = EditProject {
            project: input.project.0,
            name: input.name,
            lead: crate::id::maybe(input.lead),
            workflow: input.workflow,
            visibility: input.visibility.map(Into::into),
            relations: input.relations.map(relations),
            deleted: input.deleted,
        };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(ProjectEditPayload(act(ctx, command, with).await?.about(input.project.0))))
    }
}
