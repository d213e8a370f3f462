//! A whole log in memory: its rows by case, and what could not be read.

use std::{collections::HashMap, io::BufRead, path::Path};

use super::{
    odd::Odd,
    reader::{ReadError, Reader},
    row::Row,
};

/// Every row of a log.
#[derive(Debug, Default)]
pub struct Log {
    /// The rows of each case in the order of the source; cases in the order in which they first appear, even when the
    /// rows of several stand between each other.
    pub cases: Vec<Vec<Row>>,
    /// Rows that belong to no case because they could not be read.
    pub unread: Vec<Odd>,
    /// How many rows the file has, counted while reading.
    pub rows: u64,
}

impl Log {
    /// Reads a file, plain or gzip.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self::collect(Reader::open(path)?))
    }

    /// Reads a log, plain or gzip.
    pub fn read<'a>(source: impl BufRead + Send + 'a) -> Result<Self, ReadError> {
        Ok(Self::collect(Reader::new(source)?))
    }

    fn collect(mut reader: Reader<'_>) -> Self {
        let mut log = Self::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        for read in reader.by_ref() {
            match read {
                Ok(row) => match places.get(&row.number) {
                    Some(&place) => log.cases[place].push(row),
                    None => {
                        places.insert(row.number.clone(), log.cases.len());
                        log.cases.push(vec![row]);
                    }
                },
                Err(odd) => log.unread.push(odd),
            }
        }
        log.rows = reader.rows();
        log
    }
}
