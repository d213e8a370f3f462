//! The corpus of scenarios, played through the API.

#[path = "scenarios/approval.rs"]
mod approval;
#[path = "scenarios/input.rs"]
mod input;
#[path = "scenarios/look.rs"]
mod look;

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use helpdesk_core::command::{Ask, Command, Made};
use helpdesk_core::id::DelegationId;
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::ManualClock;
use helpdesk_core::testing::scenario::{Acted, Feature, Look, Refused, Seen, Stage};
use helpdesk_core::{Actor, Desk};
use helpdesk_graphql::{Api, Limits};
use serde_json::{Value, json};

use crate::stage::mutation;

#[tokio::test]
async fn the_corpus_holds_at_the_level_of_the_api() {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    let clock = ManualClock::default();
    let desk = Desk::builder(store).clock(clock.clone()).build().await.unwrap();
    let api = Api::new(desk.clone(), Limits::default());
    let mut stage = Level { desk, api, clock, delegations: BTreeMap::new(), mutations: 0 };
    let features = Feature::folder(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios")).unwrap();
    let mut scenarios = 0;
    for feature in features {
        match feature.play(&mut stage).await {
            Ok(played) => scenarios += played.scenarios,
            Err(failed) => panic!("{failed}"),
        }
    }
    assert!(scenarios > 10 && stage.mutations > 50, "{scenarios} scenarios, {} mutations", stage.mutations);
}

struct Level {
    desk: Desk,
    api: Api,
    clock: ManualClock,
    /// The ids clients were handed out.
    delegations: BTreeMap<DelegationId, String>,
    mutations: usize,
}

impl Stage for Level {
    fn level(&self) -> &'static str {
        "GraphQL"
    }
    fn clock(&self) -> ManualClock {
        self.clock.clone()
    }
    fn act<'a>(&'a mut self, by: &'a Actor, ask: Ask<Command>) -> BoxFuture<'a, Result<Acted, Refused>> {
        self.acted(by, ask).boxed()
    }
    fn see<'a>(&'a mut self, viewer: &'a Actor, look: &'a Look) -> BoxFuture<'a, Result<Seen, Refused>> {
        async move { look::see(&self.api, viewer, look).await }.boxed()
    }
}

impl Level {
    async fn acted(&mut self, by: &Actor, ask: Ask<Command>) -> Result<Acted, Refused> {
        // Imports and the host's own commands are not the API's.
        let spoken = if ask.at.is_some() || matches!(by, Actor::System(_)) {
            None
        } else if let Some(spoken) = input::of(&ask.command) {
            Some(spoken)
        } else {
            approval::of(self, by, &ask.command).await
        };
        let Some((name, noun, mut input)) = spoken else {
            let done = self.desk.act_any(by, ask).await?;
            return Ok(Acted { made: done.out, version: Some(done.version), changed: Some(done.changed) });
        };
        self.mutations += 1;
        if let Some(key) = &ask.key {
            input["idempotencyKey"] = json!(key);
        }
        if let Some(version) = ask.expected {
            input["expectedVersion"] = json!(version);
        }
        let fields = match noun {
            "" => String::new(),
            "approval" => "approval { id uuid ticket { version } }".to_owned(),
            "delegation" => "delegation { id }".to_owned(),
            noun => format!("{noun} {{ id version }}"),
        };
        let answer = self.api.execute(by, &mutation(name, &fields), json!({ "input": input })).await;
        let payload = &answer["data"][name];
        if let Some(errors) = payload["userErrors"].as_array().filter(|errors| !errors.is_empty()) {
            return Err(refused(name, errors));
        }
        if payload["cursor"].is_null() {
            return Err(top_level(&answer));
        }
        let id = payload[noun]["id"].as_str().unwrap_or_default();
        let uuid = |at: usize| id.split('.').nth(1).and_then(|key| uuid::Uuid::try_parse(key.get(at..)?).ok());
        let made = match (&ask.command, uuid(0), uuid(32)) {
            (Command::CreateTicket(_), Some(id), _) => Made::Ticket(id.into()),
            (Command::Comment(_), _, Some(id)) => Made::Entry(id.into()),
            (Command::RequestApproval(_), _, Some(id)) => Made::Approval(id.into()),
            (Command::Delegate(_), _, Some(made)) => {
                self.delegations.insert(made.into(), id.to_owned());
                Made::Delegation(made.into())
            }
            _ => Made::Nothing,
        };
        let version = match noun {
            "ticket" => payload[noun]["version"].as_i64(),
            "approval" => payload[noun]["ticket"]["version"].as_i64(),
            _ => None,
        };
        Ok(Acted { made, version, changed: None })
    }
}

/// The user errors of a payload as one refusal.
fn refused(mutation: &str, errors: &[Value]) -> Refused {
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let mut fields = Vec::new();
    for error in errors {
        if let Value::String(field) = &error["field"] {
            fields.push(core_name(mutation, snake(field)));
        }
        for list in ["fields", "missing"] {
            fields.extend(error[list].as_array().into_iter().flatten().map(|it| text(it).to_lowercase()));
        }
    }
    let message = errors.iter().map(|error| text(&error["message"])).collect::<Vec<_>>().join("; ");
    Refused { code: text(&errors[0]["code"]), fields, message }
}

/// What the core calls a field whose input has another name.
fn core_name(mutation: &str, field: String) -> String {
    match (mutation, field.as_str()) {
        ("ticketAssign", "assignees") => "people".into(),
        ("ticketTag", "add") => "tags".into(),
        ("ticketCreate", "uuid") => "id".into(),
        ("personEnsure", "external_id") => "external".into(),
        ("roleGrant", "project") => "scope".into(),
        _ => field,
    }
}

/// The first top-level error as a refusal.
pub(crate) fn top_level(answer: &Value) -> Refused {
    let error = &answer["errors"][0];
    let extensions = &error["extensions"];
    let code = extensions["reason"].as_str().or(extensions["code"].as_str());
    let code = code.unwrap_or_else(|| panic!("{answer:#}")).to_owned();
    let fields = extensions["permission"].as_str().map(str::to_owned).into_iter().collect();
    Refused { code, fields, message: error["message"].as_str().unwrap_or_default().to_owned() }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    // The one input the core names as the API does.
    if snake == "idempotency_key" { "idempotencyKey".into() } else { snake }
}
