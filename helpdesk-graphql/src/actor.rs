//! Who did something.

use async_graphql::{Context, Description, Enum, Object, Result};
use helpdesk_core::Author;

use crate::person::Person;
use crate::session::Session;

/// What kind of actor it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ActorKind {
    /// The host itself.
    System,
    /// A person.
    Person,
    /// A service account.
    Service,
    /// A plugin.
    Plugin,
}

/// Who did something: a person, a service account, a plugin, or the host itself.
#[derive(Debug, Clone, Description)]
pub(crate) struct Actor(pub(crate) Author);

#[Object(use_type_description)]
impl Actor {
    /// What kind of actor it is.
    async fn kind(&self) -> ActorKind {
        match self.0 {
            Author::System => ActorKind::System,
            Author::Person(_) => ActorKind::Person,
            Author::Service(_) => ActorKind::Service,
            Author::Plugin(_) => ActorKind::Plugin,
        }
    }
    /// What to show: a name; empty when the person is not known any more.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(match &self.0 {
            Author::System => "system".into(),
            Author::Plugin(plugin) => plugin.to_string(),
            Author::Person(id) | Author::Service(id) => {
                Session::of(ctx)?.loaders.person(*id).await?.map_or_else(String::new, |person| person.name)
            }
        })
    }
    /// The person or service account, if it is one.
    async fn person(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        match self.0.person() {
            Some(id) => Ok(Session::of(ctx)?.loaders.person(id).await?.map(Person)),
            None => Ok(None),
        }
    }
    /// The plugin's name, if it is one.
    async fn plugin(&self) -> Option<String> {
        match &self.0 {
            Author::Plugin(plugin) => Some(plugin.to_string()),
            Author::System | Author::Person(_) | Author::Service(_) => None,
        }
    }
}
