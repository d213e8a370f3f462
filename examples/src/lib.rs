//! The library beneath the programs of this crate; `src/bin/` holds the programs themselves.

pub mod replay;
