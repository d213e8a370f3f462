//! Published lifecycles of other ticket systems, as definitions: Request Tracker, Bugzilla, Redmine.
//!
//! They are written from the documentation each file names, as a measure of what definitions can say, and to begin with
//! when a desk moves over. ITIL incident is [built in](crate::workflow::Workflow::ITIL).

/// The default lifecycle of Request Tracker, TOML.
pub const REQUEST_TRACKER: &str = include_str!("lifecycles/request_tracker.toml");
/// The default status workflow of Bugzilla, TOML.
pub const BUGZILLA: &str = include_str!("lifecycles/bugzilla.toml");
/// The default workflow of Redmine for the roles Manager, Developer and Reporter, TOML.
pub const REDMINE: &str = include_str!("lifecycles/redmine.toml");

/// All of them.
pub const ALL: [&str; 3] = [REQUEST_TRACKER, BUGZILLA, REDMINE];
