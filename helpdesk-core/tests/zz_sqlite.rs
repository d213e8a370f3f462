#[path = "it/sqlite.rs"]
mod sqlite;
