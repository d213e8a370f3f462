//! What a plugin staged for its store, as rows, and how much it keeps there.

use std::collections::BTreeMap;

use helpdesk_core::id::TenantId;
use helpdesk_core::store::{Kv, Row, StoreError, Write};
use helpdesk_core::time::Timestamp;
use helpdesk_core::{Desk, PluginId};

use crate::effect::KvWrite;

/// Why staged writes cannot be rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unwritable {
    /// An expected version no longer holds: somebody else was faster.
    Stale,
    /// The stored value is none that can be changed in this way; what is wrong with it.
    Unfit(String),
}

/// The rows of staged writes to the plugin's store; later writes of one key build on earlier ones.
pub(super) async fn rows(
    desk: &Desk,
    tenant: TenantId,
    plugin: &PluginId,
    writes: &[KvWrite],
    now: Timestamp,
) -> Result<Result<Vec<Write>, Unwritable>, StoreError> {
    let unfit = |why: String| Ok(Err(Unwritable::Unfit(why)));
    let mut seen: BTreeMap<String, (Option<Kv>, Option<Kv>)> = BTreeMap::new();
    for write in writes {
        let (KvWrite::Set { key, .. } | KvWrite::Add { key, .. } | KvWrite::Delete { key, .. }) = write;
        if !seen.contains_key(key) {
            let stored = desk.store().kv(tenant, plugin.as_str(), key).await?;
            seen.insert(key.clone(), (stored.clone(), stored));
        }
        let Some((stored, current)) = seen.get_mut(key) else { continue };
        let live = current.as_ref().filter(|kv| kv.expires_at.is_none_or(|end| end > now));
        let version = live.map_or(0, |kv| kv.version.unsigned_abs());
        let stale = |expect: &Option<u64>| expect.is_some_and(|expect| expect != version);
        let next = |value: Vec<u8>, expires_at| Kv {
            tenant,
            plugin: plugin.to_string(),
            key: key.clone(),
            value,
            version: stored.as_ref().map_or(1, |kv| kv.version + 1),
            expires_at,
        };
        match write {
            KvWrite::Set { expect, .. } | KvWrite::Delete { expect, .. } if stale(expect) => {
                return Ok(Err(Unwritable::Stale));
            }
            KvWrite::Set { value, ttl_seconds, .. } => {
                let expires = ttl_seconds.map(|seconds| now.plus_millis(i64::from(seconds) * 1000));
                *current = Some(next(value.clone(), expires));
            }
            KvWrite::Add { delta, .. } => {
                let old: i64 = match live {
                    None => 0,
                    Some(kv) => match std::str::from_utf8(&kv.value).ok().and_then(|text| text.parse().ok()) {
                        Some(number) => number,
                        None => return unfit(format!("the stored value `{key}` is no number")),
                    },
                };
                let Some(sum) = old.checked_add(*delta) else {
                    return unfit(format!("the counter `{key}` overflows"));
                };
                let expires = live.and_then(|kv| kv.expires_at);
                *current = Some(next(sum.to_string().into_bytes(), expires));
            }
            KvWrite::Delete { .. } => *current = None,
        }
    }
    let row =
        |(before, after): (Option<Kv>, Option<Kv>)| Write { before: before.map(Row::Kv), after: after.map(Row::Kv) };
    Ok(Ok(seen.into_values().filter(|(before, after)| before != after).map(row).collect()))
}

/// What a key costs beside its own bytes and its value's: empty values take room too.
const KEY_COST: u64 = 256;
/// Keys read at once when they are counted.
const PAGE: u16 = 10_000;

/// What the plugin would keep with these rows written, in bytes, when that is more than `allowed` and more than now:
/// whoever has too much may still make it less. Deliveries that run side by side do not see each other's writes; what
/// they add together is refused with the next one.
pub(super) async fn too_much(
    desk: &Desk,
    tenant: TenantId,
    plugin: &PluginId,
    rows: &[Write],
    now: Timestamp,
    allowed: u64,
) -> Result<Option<u64>, StoreError> {
    let cost = |row: &Option<Row>| match row {
        Some(Row::Kv(kv)) if kv.expires_at.is_none_or(|end| end > now) => {
            (kv.key.len() + kv.value.len()) as u64 + KEY_COST
        }
        _ => 0,
    };
    let after: u64 = rows.iter().map(|row| cost(&row.after)).sum();
    let before: u64 = rows.iter().map(|row| cost(&row.before)).sum();
    if after <= before {
        return Ok(None);
    }
    let more = after - before;
    let bytes = desk.store().kv_bytes(tenant, plugin.as_str(), now).await?;
    // A key has at least one byte: when that many would fit, nobody needs to count them.
    if bytes.saturating_mul(1 + KEY_COST).saturating_add(more) <= allowed {
        return Ok(None);
    }
    let keys = count(desk, tenant, plugin, now).await?;
    let kept = bytes.saturating_add(keys.saturating_mul(KEY_COST)).saturating_add(more);
    Ok((kept > allowed).then_some(kept))
}

async fn count(desk: &Desk, tenant: TenantId, plugin: &PluginId, now: Timestamp) -> Result<u64, StoreError> {
    let (mut keys, mut last): (u64, Option<String>) = (0, None);
    loop {
        let page = desk.store().kv_keys(tenant, plugin.as_str(), "", last.as_deref(), now, PAGE).await?;
        keys += page.len() as u64;
        if page.len() < usize::from(PAGE) {
            return Ok(keys);
        }
        last = page.into_iter().next_back();
    }
}

#[cfg(test)]
mod tests {
    use helpdesk_core::command::RegisterTenant;
    use helpdesk_core::store::sqlite::SqliteStore;
    use helpdesk_core::{Actor, desk};

    use super::*;

    async fn desk() -> (Desk, TenantId) {
        let store = SqliteStore::memory().await.unwrap();
        store.migrate().await.unwrap();
        let desk = Desk::builder(store).build().await.unwrap();
        let tenant = desk.act(&Actor::system(), RegisterTenant::new("acme", "Acme")).await.unwrap().out;
        (desk, tenant)
    }

    fn set(key: &str, value: &[u8], expect: Option<u64>) -> KvWrite {
        KvWrite::Set { key: key.into(), value: value.into(), expect, ttl_seconds: None }
    }

    #[tokio::test]
    async fn a_lost_race_is_told_from_a_value_that_does_not_fit() {
        let (desk, tenant) = desk().await;
        let plugin: PluginId = "p".parse().unwrap();
        let now = desk.clock().now();
        let rows = async |writes: &[KvWrite]| rows(&desk, tenant, &plugin, writes, now).await.unwrap();
        let stored = rows(&[set("k", b"word", Some(0))]).await.unwrap();
        desk.act_all(&Actor::system_of(tenant), desk::Set { rows: stored, ..desk::Set::default() }).await.unwrap();
        assert_eq!(rows(&[set("k", b"other", Some(1))]).await.map(|rows| rows.len()), Ok(1));
        for late in [set("k", b"other", Some(0)), KvWrite::Delete { key: "k".into(), expect: Some(2) }] {
            assert_eq!(rows(&[late]).await, Err(Unwritable::Stale));
        }
        let add = KvWrite::Add { key: "k".into(), delta: 1 };
        assert!(matches!(rows(&[add]).await, Err(Unwritable::Unfit(why)) if why.contains("no number")));
    }

    #[tokio::test]
    async fn small_values_cost_their_keys() {
        let (desk, tenant) = desk().await;
        let plugin: PluginId = "p".parse().unwrap();
        let now = desk.clock().now();
        for n in 0..10 {
            let stored = rows(&desk, tenant, &plugin, &[set(&format!("k{n}"), b"", None)], now).await.unwrap().unwrap();
            desk.act_all(&Actor::system_of(tenant), desk::Set { rows: stored, ..desk::Set::default() }).await.unwrap();
        }
        let more = rows(&desk, tenant, &plugin, &[set("new", b"abc", None)], now).await.unwrap().unwrap();
        let kept = 10 * (2 + 256) + 6 + 256;
        let too_much = async |allowed| too_much(&desk, tenant, &plugin, &more, now, allowed).await.unwrap();
        assert_eq!(too_much(kept).await, None);
        assert_eq!(too_much(kept - 1).await, Some(kept));
        assert_eq!(too_much(0).await, Some(kept));
        assert_eq!(count(&desk, tenant, &plugin, now).await.unwrap(), 10);
        assert_eq!(super::too_much(&desk, tenant, &plugin, &[], now, 0).await.unwrap(), None);
    }
}
