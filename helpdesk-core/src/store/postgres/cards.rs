//! Cards of boards: the surroundings of a place, and a column's cards.

use super::core::Core;
use super::head;
use super::link::Link;
use super::parts::{self, Extent};
use super::value::{Param, from_query, get};
use crate::board::Place;
use crate::id::TenantId;
use crate::store::sql::cards;
use crate::store::{CardFind, CardFound, StoreError};

/// The statement that gives the cards around a place.
pub(super) fn around(core: &Core, tenant: TenantId, place: &Place) -> (std::sync::Arc<str>, Vec<Param>) {
    let Place { board, ticket, beside, reach } = *place;
    let mut params = vec![Param::uuid(tenant), Param::uuid(board)];
    params.extend(beside.map(Param::uuid));
    params.push(Param::uuid(ticket));
    let text = match beside {
        Some(_) => core.text_for("cards beside", reach, || cards::beside(&core.names, reach)),
        None => core.text_for("cards at the end", reach, || cards::at_the_end(&core.names, reach)),
    };
    (text, params)
}

/// The statement that gives the largest number, when the place is at the end.
pub(super) fn last(core: &Core, tenant: TenantId, place: &Place) -> (std::sync::Arc<str>, Vec<Param>) {
    let text = core.text("last number", || cards::last_number(&core.names));
    (text, vec![Param::uuid(tenant), Param::uuid(place.ticket)])
}

/// One page of a column's cards, and the epoch.
pub(super) async fn page(link: &Link<'_>, find: &CardFind) -> Result<(i64, Vec<CardFound>), StoreError> {
    let core = link.core();
    let (list, from, values) = cards::page(find, &head::columns(), &core.names);
    let mut params = values.0.into_iter().map(from_query).collect::<Result<Vec<_>, StoreError>>()?;
    params.push(Param::uuid(find.find.tenant));
    let (epochs, tenant) = (core.names.text("hd_epoch"), params.len());
    let text = format!("SELECT e.epoch, {list} FROM {epochs} e LEFT JOIN {from} ON true WHERE e.tenant_id = ${tenant}");
    let rows = link.query_dynamic("cards", &text, params).await?;
    let behind = 1 + head::width();
    let (mut epoch, mut all) = (0, Vec::with_capacity(rows.len()));
    for row in &rows {
        let (seen, found) = parts::read(row, find.find.tenant, Extent::default())?;
        epoch = seen;
        let Some(parts) = found else { continue };
        all.push(CardFound {
            rank: cards::rank(&get::<String>(row, behind)?)?,
            public: get(row, behind + 1)?,
            internal: get(row, behind + 2)?,
            parts,
        });
    }
    // The page is the right one; joins promise nothing about its order.
    all.sort_by(|a, b| a.rank.cmp(&b.rank));
    Ok((epoch, all))
}
