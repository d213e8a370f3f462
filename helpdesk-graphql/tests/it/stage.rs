//! A furnished tenant with an API over it, and short ways to ask.

use std::sync::Arc;

use helpdesk_core::Actor;
use helpdesk_core::id::TicketId;
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::World;
use helpdesk_graphql::{Api, Limits};
use serde_json::{Value, json};

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) api: Api,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let store = SqliteStore::memory().await.unwrap();
        store.migrate().await.unwrap();
        let world = World::found(Arc::new(store), "acme").await;
        let api = Api::new(world.desk.clone(), Limits::default());
        Self { world, api }
    }

    /// The whole answer.
    pub(crate) async fn ask(&self, by: &Actor, document: &str, variables: Value) -> Value {
        self.api.execute(by, document, variables).await
    }

    /// The data of an answer that must have no errors.
    pub(crate) async fn get(&self, by: &Actor, document: &str, variables: Value) -> Value {
        let answer = self.ask(by, document, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        answer["data"].clone()
    }

    /// The code of the only error.
    pub(crate) async fn code(&self, by: &Actor, document: &str, variables: Value) -> String {
        let answer = self.ask(by, document, variables).await;
        let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("no errors: {answer:#}"));
        assert_eq!(errors.len(), 1, "{answer:#}");
        errors[0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no code: {answer:#}")).to_owned()
    }

    /// Runs the mutation `name`; `fields` select from its payload. The payload.
    pub(crate) async fn act(&self, by: &Actor, name: &str, fields: &str, input: Value) -> Value {
        let data = self.get(by, &mutation(name, fields), json!({ "input": input })).await;
        data[name].clone()
    }

    /// The code of the error the mutation ends with.
    pub(crate) async fn act_code(&self, by: &Actor, name: &str, input: Value) -> String {
        self.code(by, &mutation(name, ""), json!({ "input": input })).await
    }

    /// The global id of something, by its UUID: what clients get from lists.
    pub(crate) async fn ticket_id(&self, ticket: TicketId) -> Value {
        let data =
            self.get(&self.world.root, "query($id: ID) { ticket(id: $id) { id } }", json!({"id": ticket.to_string()}));
        data.await["ticket"]["id"].clone()
    }
}

pub(crate) fn mutation(name: &str, fields: &str) -> String {
    let mut kind = name.to_owned();
    kind[..1].make_ascii_uppercase();
    format!(
        "mutation($input: {kind}Input!) {{ {name}(input: $input) {{ {fields} cursor userErrors {{
            __typename code message path
            ... on VersionConflict {{ expected current fields }}
            ... on TransitionNotAllowed {{ transition state missing template }}
            ... on FieldInvalid {{ field }}
            ... on AlreadyExists {{ noun given }}
            ... on WorkflowMalformed {{ problems {{ at line column message }} }}
            ... on ApprovalTemplateMalformed {{ problems {{ at line column message }} }}
            ... on ApprovalRefused {{ approvalState stepState verdict decidedBy }}
        }} }} }}"
    )
}
