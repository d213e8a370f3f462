//! The roots of the schema: what each noun adds to queries and mutations.

use async_graphql::MergedObject;

use crate::approval::forecast::ForecastQuery;
use crate::approval::inbox::InboxQuery;
use crate::approval::mutation::ApprovalMutation;
use crate::approval::mutation::slot::SlotMutation;
use crate::approval::template::{TemplateMutation, TemplateQuery};
use crate::board::BoardQuery;
use crate::board::mutation::BoardMutation;
use crate::delegation::{DelegationMutation, DelegationQuery};
use crate::entry::EntryMutation;
use crate::event::EventQuery;
use crate::explain::ExplainQuery;
use crate::grant::{GrantMutation, GrantQuery};
use crate::group::{GroupMutation, GroupQuery};
use crate::link::LinkMutation;
use crate::node::NodeQuery;
use crate::person::{PersonMutation, PersonQuery};
use crate::plugin::{PluginMutation, PluginQuery};
use crate::project::{ProjectMutation, ProjectQuery};
use crate::role::{RoleMutation, RoleQuery};
use crate::tag::{TagMutation, TagQuery};
use crate::tenant::TenantMutation;
use crate::ticket::mutation::TicketMutation;
use crate::ticket::query::TicketQuery;
use crate::viewer::ViewerQuery;
use crate::workflow::migration::WorkflowMigrationMutation;
use crate::workflow::{WorkflowMutation, WorkflowQuery};

/// The queries.
#[derive(Default, MergedObject)]
pub struct Query(
    NodeQuery,
    ViewerQuery,
    TicketQuery,
    ProjectQuery,
    PersonQuery,
    GroupQuery,
    TagQuery,
    WorkflowQuery,
    GrantQuery,
    ExplainQuery,
    RoleQuery,
    PluginQuery,
    EventQuery,
    BoardQuery,
    TemplateQuery,
    InboxQuery,
    ForecastQuery,
    DelegationQuery,
);

/// The mutations: one input and one payload each.
#[derive(Default, MergedObject)]
pub struct Mutation(
    TenantMutation,
    ProjectMutation,
    PersonMutation,
    GroupMutation,
    GrantMutation,
    RoleMutation,
    WorkflowMutation,
    WorkflowMigrationMutation,
    TagMutation,
    PluginMutation,
    TicketMutation,
    LinkMutation,
    EntryMutation,
    BoardMutation,
    TemplateMutation,
    ApprovalMutation,
    SlotMutation,
    DelegationMutation,
);
