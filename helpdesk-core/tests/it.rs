//! The one integration binary of the core: everything that needs a database, a second process or the shipped corpus.
//!
//! Sizes grow when `HELPDESK_LONG` is set.

mod it {
    mod authorization;
    mod conformance;
    mod contract;
    mod desk;
    mod golden;
    mod laws;
    mod lifecycles;
    mod postgres;
    mod processes;
    mod scenarios;
    mod sqlite;
    mod within;
}
