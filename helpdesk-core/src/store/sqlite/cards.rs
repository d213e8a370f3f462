//! Cards of boards: the surroundings of a place, and a column's cards.

use super::db::{Built, Db, Fault, NAMES, get, image};
use super::load::epoch_or_0;
use crate::board::{Card, Place, Surroundings};
use crate::id::TenantId;
use crate::store::sql::cards;
use crate::store::sql::column::Column;
use crate::store::sql::image::Image;
use crate::store::{CardFind, CardFound, Head, Parts};

/// What is around a place.
pub(super) fn surroundings(db: &Db, tenant: TenantId, place: &Place) -> Result<Surroundings, Fault> {
    let Place { board, ticket, beside, reach } = *place;
    let mut values = vec![tenant.put(), board.put()];
    values.extend(beside.map(|beside| beside.put()));
    values.push(ticket.put());
    let (cards, last): (Vec<Card>, i64) = match beside {
        Some(_) => (db.images("cards beside", &cards::beside(&NAMES, reach), &values)?, 0),
        None => {
            let found = db.images("cards at the end", &cards::at_the_end(&NAMES, reach), &values)?;
            let last = db.number("last number", &cards::last_number(&NAMES), &[tenant.put(), ticket.put()])?;
            (found, last.unwrap_or_default())
        }
    };
    Ok(Surroundings { cards, last, reach })
}

/// One page of a column's cards, and the epoch.
pub(super) fn page(db: &Db, find: &CardFind) -> Result<(i64, Vec<CardFound>), Fault> {
    let (list, from, values) = cards::page(find, &db.reads.head, &NAMES);
    let sql = format!("SELECT {list} FROM {from} ORDER BY t.place");
    let behind = Head::TABLE.read().len();
    let found = db.query("cards", &sql, values.into_iter().map(Built), |row| {
        Ok(CardFound {
            rank: cards::rank(&get::<String>(row, behind)?)?,
            public: get(row, behind + 1)?,
            internal: get(row, behind + 2)?,
            parts: Parts::from(image::<Head>(row)?),
        })
    })?;
    Ok((epoch_or_0(db, find.find.tenant)?, found))
}
