//! Contestant (b): SQL written by hand for the library's own tables: the same reads, number, rows and guarantees as the
//! desk, in the fewest trips. Ids, digests and event data come from the library's vocabulary, so that its tables end up
//! equal to the desk's; rules, caches, retries and composed statements do not.

mod commit;
mod read;
pub mod sql;

pub use self::commit::{creation, people};
pub use self::read::{Person, people as read_people};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use helpdesk_core::Clock;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

use self::sql::Statements;
use crate::drive::Contestant;
use crate::step::{Step, What};
use crate::world::World;

/// A pool of connections and the world behind them.
pub struct Hand {
    pool: Pool,
    texts: Statements,
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    trips: AtomicU64,
}

/// Values of placeholders.
type Values<'a> = [&'a (dyn ToSql + Sync)];

impl Hand {
    /// Connects with up to `connections` connections.
    pub fn connect(url: &str, world: Arc<World>, clock: Arc<dyn Clock>, connections: usize) -> anyhow::Result<Self> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(url.parse()?, NoTls, recycling);
        let pool = Pool::builder(manager).max_size(connections).runtime(Runtime::Tokio1).build()?;
        Ok(Self { pool, texts: Statements::new(), world, clock, trips: AtomicU64::new(0) })
    }

    /// Round trips so far, preparing not counted.
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }

    async fn one(&self, client: &Object, text: &str, values: &Values<'_>) -> anyhow::Result<Row> {
        let statement = client.prepare_cached(text).await?;
        self.trips.fetch_add(1, Ordering::Relaxed);
        client.query_opt(&statement, values).await?.context("a statement answered nothing")
    }

    async fn all(&self, client: &Object, text: &str, values: &Values<'_>) -> anyhow::Result<Vec<Row>> {
        let statement = client.prepare_cached(text).await?;
        self.trips.fetch_add(1, Ordering::Relaxed);
        Ok(client.query(&statement, values).await?)
    }
}

impl Contestant for Hand {
    async fn take(&self, step: &Step) -> anyhow::Result<()> {
        let client = self.pool.get().await?;
        match step.what {
            What::Create(t, p) => self.create(&client, step.id, t, p).await,
            What::Move(i, _, to) => self.transition(&client, step.id, i, to).await,
            What::Comment(i) => self.comment(&client, step.id, i).await,
            What::Get(i) => self.get(&client, i).await,
            What::List(t, p) => self.list(&client, t, p).await,
        }
    }
}
