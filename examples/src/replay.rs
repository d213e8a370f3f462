//! Import of ServiceNow-style incident audit logs: one CSV row per change of an incident, in the order of the source.
//!
//! The way of a row: lines of text → [`reader`] (columns) → [`row`] (typed values) → [`plan`](mod@plan) (what an
//! importer has to do, and when) → a desk → [`report`] (what was made, what was odd, what differs from the log's own
//! columns).
//! Nothing in here knows a desk or a database: the program that has both carries out the steps of a [`CasePlan`].
//!
//! Every row is accounted for exactly once, as opened, changed, unchanged or odd ([`odd`]); an odd row's tracked
//! changes still apply wherever the row could be read.
//!
//! ```
//! use helpdesk_examples::replay::{Log, plan};
//!
//! let csv = "number,incident_state,reassignment_count,reopen_count,caller_id,opened_by,opened_at,sys_updated_by,\
//!            sys_updated_at,priority,assignment_group,assigned_to\n\
//!            INC1,New,0,0,7,2,1/2/2016 09:00,2,1/2/2016 09:05,3,?,?\n\
//!            INC1,Resolved,1,0,7,2,1/2/2016 09:00,4,2/2/2016 10:00,3,66,4\n";
//! let log = Log::read(csv.as_bytes())?;
//! let case = plan(&log.cases[0]).expect("both rows have a time");
//! assert_eq!(case.steps.len(), 4); // opened; then group, assignee and state
//! assert_eq!(case.outcome.state.id(), "resolved");
//! # Ok::<(), helpdesk_examples::replay::ReadError>(())
//! ```

mod lines;
pub mod log;
pub mod odd;
pub mod person;
pub mod plan;
pub mod reader;
pub mod report;
pub mod row;
pub mod states;
pub mod time;

pub use log::Log;
pub use odd::{Odd, OddReason};
pub use person::{Part, Person};
pub use plan::{Account, Act, CasePlan, Claims, Opening, Outcome, Priority, Step, Verdict, plan};
pub use reader::{ReadError, Reader};
pub use report::{Mismatch, MismatchKind, Report};
pub use row::Row;
pub use states::State;
