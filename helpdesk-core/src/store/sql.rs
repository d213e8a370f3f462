//! What both databases share: values, the columns of every table, filters and the statements that read.

pub(crate) mod assemble;
pub(crate) mod cards;
pub(crate) mod column;
pub(crate) mod filter;
pub(crate) mod head;
pub(crate) mod image;
pub(crate) mod names;
pub(crate) mod owner;
pub(crate) mod reads;
pub(crate) mod search;
pub(crate) mod select;
