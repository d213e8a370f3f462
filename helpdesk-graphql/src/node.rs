//! Anything by its global id.

use async_graphql::{Context, ID, Interface, Object, Result};
use futures_util::future::join_all;
use helpdesk_core::actor::PluginId;
use helpdesk_core::approval::TemplateRef;
use helpdesk_core::id::{BoardId, GrantId, GroupId, PersonId, ProjectId, TagId, TenantId, TicketId};
use helpdesk_core::workflow::WorkflowRef;

use crate::approval::template::ApprovalTemplate;
use crate::approval::{Approval, template};
use crate::board::Board;
use crate::delegation::Delegation;
use crate::entry::Entry;
use crate::fault::{NOT_FOUND, bad_input, has_code};
use crate::grant::Grant;
use crate::group::Group;
use crate::id::{ApprovalOf, DelegationOf, EntryOf, Noun, split};
use crate::person::Person;
use crate::plugin::Plugin;
use crate::project::Project;
use crate::session::Session;
use crate::tag::Tag;
use crate::tenant::Tenant;
use crate::ticket::Ticket;
use crate::workflow::Workflow;
use crate::{approval, board, delegation, entry, grant, group, person, plugin, project, tag, tenant, ticket, workflow};

/// Most ids in one `nodes`.
const NODES_MAX: usize = 100;

/// Something with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its global id."))]
pub(crate) enum Node {
    Tenant(Tenant),
    Project(Project),
    Person(Person),
    Group(Group),
    Grant(Grant),
    Tag(Tag),
    Workflow(Workflow),
    Plugin(Plugin),
    Ticket(Ticket),
    Entry(Entry),
    Board(Board),
    ApprovalTemplate(ApprovalTemplate),
    Approval(Approval),
    Delegation(Delegation),
}

async fn load(ctx: &Context<'_>, id: &str) -> Result<Node> {
    let given: String = id.chars().take(120).collect();
    let bad = || bad_input(format!("`{given}` is not an id; give one the desk handed out, unchanged"));
    let (kind, key) = split(id).ok_or_else(bad)?;
    macro_rules! by {
        ($($type:ty => $module:ident :: $variant:ident),* $(,)?) => {
            match kind {
                $(<$type as Noun>::KIND => {
                    let id = <$type as Noun>::read(key).ok_or_else(bad)?;
                    Ok(Node::$variant($module::load(ctx, &id).await?))
                })*
                _ => Err(bad()),
            }
        };
    }
    by! {
        TenantId => tenant::Tenant,
        ProjectId => project::Project,
        PersonId => person::Person,
        GroupId => group::Group,
        GrantId => grant::Grant,
        TagId => tag::Tag,
        WorkflowRef => workflow::Workflow,
        PluginId => plugin::Plugin,
        TicketId => ticket::Ticket,
        EntryOf => entry::Entry,
        BoardId => board::Board,
        TemplateRef => template::ApprovalTemplate,
        ApprovalOf => approval::Approval,
        DelegationOf => delegation::Delegation,
    }
}

#[derive(Default)]
pub(crate) struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything by its global id.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: ID) -> Result<Option<Node>> {
        load(ctx, &id).await.map(Some)
    }

    /// Up to 100 things by their global ids, in the order asked for; null where there is none, or none for you. Of
    /// tickets the heads are read, together.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100 ids.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > NODES_MAX {
            return Err(bad_input(format!("{} ids are too many; give at most {NODES_MAX}", ids.len())));
        }
        let loaders = &Session::of(ctx)?.loaders;
        let read = async |id: &ID| {
            if let Some((TicketId::KIND, key)) = split(id)
                && let Some(ticket) = TicketId::read(key)
            {
                return Ok(loaders.ticket(ticket).await?.map(|view| Node::Ticket(Ticket(view))));
            }
            match load(ctx, id).await {
                Ok(node) => Ok(Some(node)),
                Err(error) if has_code(&error, NOT_FOUND) => Ok(None),
                Err(error) => Err(error),
            }
        };
        join_all(ids.iter().map(read)).await.into_iter().collect()
    }
}
