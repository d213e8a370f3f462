//! Taking tickets in flight to another version of a workflow.

use async_graphql::{Context, Description, InputObject, Object, Result, SimpleObject};
use helpdesk_core::desk::migrate::Migrated;
use helpdesk_core::workflow::migrate::Migration;

use crate::fault::failed;
use crate::scalar::EventCursor;
use crate::session::Session;
use crate::ticket::Ticket;
use crate::user_error::{UserError, mendable};

/// Where what stands in a state goes.
#[derive(InputObject)]
struct WorkflowStateMapping {
    /// The state's id in the old versions.
    from: String,
    /// The state's id in the new version.
    to: String,
}

/// Takes tickets to another version of their workflow.
#[derive(InputObject)]
struct WorkflowMigrateInput {
    /// The workflow's key.
    key: String,
    /// The version all its tickets are taken to.
    to: u32,
    /// Where states go that the new version does not have; equal ids map by themselves.
    #[graphql(default)]
    states: Vec<WorkflowStateMapping>,
    /// Only says what would become of the tickets; writes nothing.
    #[graphql(default)]
    rehearse: bool,
}

/// A state that has no place in the new version.
#[derive(Debug, Clone, SimpleObject)]
struct BlockedState {
    /// Its id in the old version.
    state: String,
    /// How many tickets stand there and stay as they are.
    tickets: u64,
}

/// What became of a migration, or would.
#[derive(Debug, Clone, Default, Description)]
struct WorkflowMigration(Migrated);

#[Object(use_type_description)]
impl WorkflowMigration {
    /// How many tickets were taken to the new version, or would be.
    async fn moved(&self) -> u64 {
        self.0.moved
    }
    /// The states that keep tickets where they are.
    async fn blocked(&self) -> Vec<BlockedState> {
        self.0.blocked.iter().map(|(state, n)| BlockedState { state: state.clone(), tickets: *n }).collect()
    }
    /// Tickets that stay as they are, as far as you may see them.
    async fn blocked_tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
    ) -> Result<Vec<Ticket>> {
        let first = crate::connection::page_size(first)?;
        let mut tickets = vec![];
        for (id, _) in self.0.named.iter().take(usize::from(first)) {
            tickets.extend(crate::payload::seen(crate::ticket::load(ctx, id).await)?);
        }
        Ok(tickets)
    }
}

/// What `workflowMigrate` answers.
#[derive(Description)]
struct WorkflowMigratePayload {
    migration: Option<Migrated>,
    errors: Vec<UserError>,
    cursor: Option<EventCursor>,
}

#[Object(use_type_description)]
impl WorkflowMigratePayload {
    /// What became of it.
    async fn migration(&self) -> Option<WorkflowMigration> {
        self.migration.clone().map(WorkflowMigration)
    }
    /// What you can mend; empty when it was carried out.
    async fn user_errors(&self) -> &[UserError] {
        &self.errors
    }
    /// Where the log stands after it: a subscription that has passed this place has shown all of it.
    async fn cursor(&self) -> Option<EventCursor> {
        self.cursor
    }
}

#[derive(Default)]
pub(crate) struct WorkflowMigrationMutation;

#[Object]
impl WorkflowMigrationMutation {
    /// Takes the tickets of a workflow to one of its versions, ticket by ticket. Repeated, it goes on with the rest.
    async fn workflow_migrate(
        &self,
        ctx: &Context<'_>,
        input: WorkflowMigrateInput,
    ) -> Result<Option<WorkflowMigratePayload>> {
        let session = Session::of(ctx)?;
        session.forget();
        let mut plan = Migration::new(input.key, input.to);
        plan.states.extend(input.states.into_iter().map(|mapping| (mapping.from, mapping.to)));
        let done = if input.rehearse {
            session.desk.rehearse(&session.actor, &plan).await
        } else {
            session.desk.migrate(&session.actor, &plan).await
        };
        Ok(Some(match done {
            Ok(migrated) => {
                let head = session.desk.head_of_log().await.map_err(|error| failed(&error))?;
                WorkflowMigratePayload { migration: Some(migrated), errors: vec![], cursor: Some(EventCursor(head)) }
            }
            Err(error) => {
                let errors = mendable(error, &[]).map_err(|error| failed(&error))?;
                WorkflowMigratePayload { migration: None, errors, cursor: None }
            }
        }))
    }
}
