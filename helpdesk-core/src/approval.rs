//! Approvals (SEMANTICS, "Approvals"): who is asked ([`template`], [`resolve`]), what they may say ([`decide`]), when a
//! step has ended ([`rule`]), what follows ([`advance`]), and what an edit of the ticket does to it ([`watch`]).
//!
//! A template has versions that never change; an approval of a ticket stays on the one it was requested with. It runs in
//! rounds: a step opens, asks people (each has one slot), counts in exact integers, ends once. How many approvals a step
//! needs is fixed when it opens, so that it never shrinks when somebody leaves.

pub mod advance;
pub(crate) mod apply;
pub mod decide;
pub mod delegate;
pub mod model;
pub mod refusal;
pub mod resolve;
pub mod rule;
pub mod simulate;
pub mod template;
pub mod watch;

pub use model::*;
pub use refusal::ApprovalRefusal;
pub use rule::{Needed, Rejection, Rule, Seat, Tally, Vote};
pub use simulate::{Simulation, StepForecast};
pub use template::{
    Approver, Deadline, DeadlineAction, OnEdit, OnEmpty, PublishedTemplate, Resubmit, StepDefinition, Template,
    TemplateDefinition, TemplateRef,
};
