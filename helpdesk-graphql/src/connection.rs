//! Connections: pages of lists that may grow, after the Relay cursor connections specification.

use async_graphql::{Result, SimpleObject};
use helpdesk_core::desk::read::PAGE_MAX;

use crate::fault::bad_input;
use crate::id::{Noun, split};

/// Where a page lies in its list.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether something follows.
    pub(crate) has_next_page: bool,
    /// Whether something comes before: true when the page was asked for with `after`.
    pub(crate) has_previous_page: bool,
    /// The cursor of the first edge.
    pub(crate) start_cursor: Option<String>,
    /// The cursor of the last edge: give it as `after` to go on.
    pub(crate) end_cursor: Option<String>,
}

/// How many there are, counted up to a limit.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "TotalCount")]
pub(crate) struct TotalCount {
    /// How many, at most the limit of 1,000.
    pub(crate) value: u32,
    /// Whether that is all of them.
    pub(crate) is_exact: bool,
}

/// The nodes of a page with their cursors.
#[derive(Debug, Clone)]
pub(crate) struct Paged<T> {
    pub(crate) items: Vec<(String, T)>,
    pub(crate) more: bool,
    pub(crate) before: bool,
}

impl<T> Paged<T> {
    pub(crate) fn info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.more,
            has_previous_page: self.before,
            start_cursor: self.items.first().map(|(cursor, _)| cursor.clone()),
            end_cursor: self.items.last().map(|(cursor, _)| cursor.clone()),
        }
    }

    /// From `first + 1` items read, or fewer.
    pub(crate) fn cut(mut items: Vec<(String, T)>, first: u16, before: bool) -> Self {
        let more = items.len() > usize::from(first);
        items.truncate(usize::from(first));
        Self { items, more, before }
    }
}

/// A page size, 1 to 100.
pub(crate) fn page_size(first: i32) -> Result<u16> {
    let size = u16::try_from(first).ok().filter(|size| (1..=PAGE_MAX).contains(size));
    size.ok_or_else(|| bad_input(format!("`first` is {first}; give 1 to {PAGE_MAX}")))
}

/// The cursor of something in a list ordered by its key.
pub(crate) fn cursor<T: Noun>(id: &T) -> String {
    format!("after-{}", crate::id::global(id).0)
}

/// Reads what [`cursor`] wrote.
pub(crate) fn after<T: Noun>(text: Option<&str>) -> Result<Option<T>> {
    let Some(text) = text else { return Ok(None) };
    let read = |text: &str| {
        let (kind, key) = split(text.strip_prefix("after-")?)?;
        (kind == T::KIND).then(|| T::read(key)).flatten()
    };
    read(text).map(Some).ok_or_else(|| {
        let given: String = text.chars().take(80).collect();
        bad_input(format!("`{given}` is not a cursor of this list; give an `endCursor` of it, unchanged"))
    })
}

/// A place in a list ordered by a text; the id breaks ties. The text is hexadecimal in cursors.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named<K>(pub(crate) String, pub(crate) K);

impl<K: Noun> Noun for Named<K> {
    const KIND: &'static str = K::KIND;
    fn key(&self) -> String {
        let name: String = self.0.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("{name}_{}", self.1.key())
    }
    fn read(key: &str) -> Option<Self> {
        let (name, key) = key.split_once('_')?;
        let bytes = name.as_bytes().chunks(2);
        let bytes = bytes.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        Some(Self(String::from_utf8(bytes.collect::<Option<_>>()?).ok()?, K::read(key)?))
    }
}

/// One page of a list that is in memory, ordered by `key`. A cursor is the key of an item rather than the item: the list
/// goes on behind it although the item is gone.
pub(crate) fn page_of<T, K: Noun + Ord>(
    mut all: Vec<T>,
    key: impl Fn(&T) -> K,
    first: i32,
    after_cursor: Option<&str>,
) -> Result<Paged<T>> {
    let first = page_size(first)?;
    let start = after::<K>(after_cursor)?;
    all.sort_by_cached_key(&key);
    let rest = all.into_iter().filter(|it| start.as_ref().is_none_or(|start| key(it) > *start));
    let items = rest.take(usize::from(first) + 1).map(|it| (cursor(&key(&it)), it)).collect();
    Ok(Paged::cut(items, first, start.is_some()))
}

/// A connection type over [`Paged`], its edge type, and, when asked for, the fields of an `impl` beside it.
macro_rules! connection {
    ($(#[$doc:meta])* $name:ident, $(#[$edoc:meta])* $edge:ident of $node:ty $(, count = $count:ty)?) => {
        $(#[$edoc])*
        #[derive(Clone, async_graphql::SimpleObject)]
        pub(crate) struct $edge {
            /// Where it stands in the list.
            cursor: String,
            /// The node.
            node: $node,
        }

        $(#[$doc])*
        #[derive(async_graphql::Description)]
        pub(crate) struct $name {
            pub(crate) page: $crate::connection::Paged<$node>,
            $(pub(crate) count: $count,)?
        }

        #[async_graphql::Object(use_type_description)]
        impl $name {
            /// The nodes with their cursors.
            async fn edges(&self) -> Vec<$edge> {
                let edge = |(cursor, node): &(String, $node)| $edge { cursor: cursor.clone(), node: node.clone() };
                self.page.items.iter().map(edge).collect()
            }
            /// The nodes alone.
            async fn nodes(&self) -> Vec<$node> {
                self.page.items.iter().map(|(_, node)| node.clone()).collect()
            }
            /// Where the page lies in the list.
            async fn page_info(&self) -> $crate::connection::PageInfo {
                self.page.info()
            }
            $(
                /// How many there are in the whole list; counted only when asked for.
                async fn total_count(
                    &self,
                    ctx: &async_graphql::Context<'_>,
                ) -> async_graphql::Result<$crate::connection::TotalCount> {
                    <$count as $crate::connection::Counted>::count(&self.count, ctx).await
                }
            )?
        }
    };
}
pub(crate) use connection;

/// Knows, or finds out, how long a list is.
pub(crate) trait Counted: Send + Sync {
    /// The length of the list.
    fn count(&self, ctx: &async_graphql::Context<'_>) -> impl Future<Output = Result<TotalCount>> + Send;
}

/// The length of a list that is in memory.
impl Counted for usize {
    async fn count(&self, _: &async_graphql::Context<'_>) -> Result<TotalCount> {
        Ok(TotalCount { value: u32::try_from(*self).unwrap_or(u32::MAX), is_exact: true })
    }
}

#[cfg(test)]
mod tests {
    use helpdesk_core::id::TagId;
    use uuid::Uuid;

    use super::{Named, page_of};
    use crate::id::Noun;

    fn tag(n: u128) -> TagId {
        TagId::from(Uuid::from_u128(n))
    }

    #[test]
    fn a_list_goes_on_behind_what_is_gone() {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let page = |names: &[&str], after: Option<&str>| {
            let page = page_of(all(names), |name| Named(name.clone(), tag(1)), 2, after).unwrap();
            let last = page.items.last().map(|(cursor, _)| cursor.clone());
            (page.items.into_iter().map(|(_, name)| name).collect::<Vec<_>>(), page.more, last)
        };
        let (first, more, last) = page(&["d", "é_.b", "a", "c"], None);
        assert_eq!((first, more), (all(&["a", "c"]), true));
        let (second, more, last) = page(&["a", "b", "d", "é_.b"], last.as_deref());
        assert_eq!((second, more), (all(&["d", "é_.b"]), false));
        assert_eq!(page(&["a", "é_.b", "é_.c"], last.as_deref()).0, all(&["é_.c"]));
    }

    #[test]
    fn a_place_comes_back_and_a_broken_one_does_not() {
        let place = Named("Café_1.x".to_owned(), tag(9));
        assert_eq!(Named::read(&place.key()), Some(place));
        for broken in ["", "_", "4_0", "zz_00", "é_00", "ff_00000000000000000000000000000009"] {
            assert_eq!(Named::<TagId>::read(broken), None, "{broken}");
        }
    }
}
