//! What both databases share: values, the columns of every table, filters and the statements that read.

pub(crate) mod column;
pub(crate) mod image;
