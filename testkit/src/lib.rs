//! Throw-away PostgreSQL clusters and PgBouncers, for tests and load programs.
//!
//! Everything runs on random loopback ports below one temporary directory, and is gone afterwards: on drop, at the end
//! of the process, and also when the process is killed. Not a client: it hands out URLs and leaves connecting to its
//! caller.
//!
//! ```no_run
//! let cluster = helpdesk_testkit::shared();
//! let url = cluster.fresh_database("conformance")?;
//! # let _ = url;
//! # Ok::<(), helpdesk_testkit::Error>(())
//! ```

mod bouncer;
mod cluster;
mod error;
mod port;
mod programs;
mod server_url;
mod watchdog;
mod workdir;

pub use bouncer::{BouncerOptions, PgBouncer, Version};
pub use cluster::{Cluster, ClusterOptions, EXTERNAL_SERVER, shared, try_shared};
pub use error::Error;
pub use programs::Programs;
