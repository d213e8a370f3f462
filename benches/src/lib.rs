//! What the load programs share: a world of tickets, the steps taken in it, and three ways to take them.
//!
//! [`minimal`] is PostgreSQL under pgbench with the least schema, [`hand`] the library's own schema driven by SQL written
//! by hand, [`served`] the same work through the `Desk`. [`lite`] is the hand-written way on SQLite. No measuring of a
//! stored figure: contestants alternate in one run and only ratios are compared.

pub mod cpu;
pub mod drive;
pub mod hand;
pub mod lite;
pub mod minimal;
pub mod report;
pub mod served;
pub mod step;
pub mod stock;
pub mod world;
