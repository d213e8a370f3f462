//! The hand-written contestants leave the same rows as the desk, in as many trips as are stated.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use helpdesk_benches::drive::{Contestant, fresh_id};
use helpdesk_benches::hand::Hand;
use helpdesk_benches::lite::Lite;
use helpdesk_benches::served::Served;
use helpdesk_benches::step::{Board, Dice, Op, Step, next};
use helpdesk_benches::stock;
use helpdesk_benches::world::World;
use helpdesk_core::id::CommandId;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::{Clock, Desk, SystemClock, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

const TICKETS: u64 = 1_000;

/// A clock that stands until it is moved.
#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn at(millis: i64) -> Self {
        Self(Arc::new(AtomicI64::new(millis)))
    }
    fn tick(&self) {
        self.0.fetch_add(1_000, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// The same steps for everybody: all operations, mixed.
fn steps() -> Vec<Step> {
    let (board, mut dice) = (Board::stocked(TICKETS), Dice::new(7));
    let order = [Op::Create, Op::Transition, Op::Comment, Op::Transition, Op::Get, Op::List];
    let id = |n: u64| CommandId::from(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 | u128::from(n) << 80));
    (0..240).map(|n| Step { id: id(n), what: next(order[n as usize % order.len()], &board, &mut dice, 0, 1) }).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn tables_driven_by_hand_dump_equal_to_the_desk_s() {
    runtime().block_on(async {
        let cluster = helpdesk_testkit::shared();
        let desk_url = cluster.fresh_database("desk").unwrap();
        let database = desk_url.rsplit('/').next().unwrap().to_owned();
        let options = PgOptions { listen: false, ..PgOptions::default() };
        let store = PgStore::connect(&desk_url, options.clone()).await.unwrap();
        store.migrate().await.unwrap();
        let desk = Desk::builder(store).build().await.unwrap();
        let world = World::furnish(&desk, TICKETS).await.unwrap();
        desk.close().await;
        stock::postgres(&desk_url, &world, SystemClock.now().millis()).await.unwrap();
        let copy = format!("{database}_hand");
        cluster.psql("postgres", &format!("CREATE DATABASE \"{copy}\" TEMPLATE \"{database}\"")).unwrap();

        let (clock, world) = (Hands::at(1_800_000_000_000), Arc::new(world));
        let desk = Desk::builder(PgStore::connect(&desk_url, options).await.unwrap());
        let desk = desk.clock(clock.clone()).build().await.unwrap();
        let served = Served { desk, world: Arc::clone(&world) };
        let hand = Hand::connect(&cluster.url(&copy), world, Arc::new(clock.clone()), 2).unwrap();
        for step in steps() {
            served.take(&step).await.unwrap();
            hand.take(&step).await.unwrap();
            clock.tick();
        }
        served.desk.close().await;

        let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";
        let tables = cluster.psql(&database, tables).unwrap();
        let tables: Vec<&str> = tables.lines().filter(|table| table.starts_with("hd_")).collect();
        assert!(tables.len() > 15, "{tables:?}");
        for table in tables {
            let dump = format!("SELECT t::text FROM {table} t ORDER BY 1");
            let (served, by_hand) = (cluster.psql(&database, &dump).unwrap(), cluster.psql(&copy, &dump).unwrap());
            assert_same(table, &served, &by_hand);
        }
        let odd = "SELECT count(*) FROM hd_ticket t WHERE head IS DISTINCT FROM hd_ticket_head(t)";
        assert_eq!(cluster.psql(&database, odd).unwrap().trim(), "0", "a text that is not that of its row");
        assert!(cluster.psql(&copy, "SELECT count(*) FROM hd_event").unwrap().trim().parse::<u64>().unwrap() > TICKETS);
    });
}

#[test]
fn the_same_holds_on_sqlite() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (file, raw) = (folder.path().join("desk.db"), folder.path().join("raw.db"));
        let store = SqliteStore::open(&file).await.unwrap();
        store.migrate().await.unwrap();
        let desk = Desk::builder(store).build().await.unwrap();
        let world = World::furnish(&desk, TICKETS).await.unwrap();
        desk.close().await;
        drop(desk);
        stock::sqlite(&file, &world, SystemClock.now().millis()).unwrap();
        std::fs::copy(&file, &raw).unwrap();

        let (clock, world) = (Hands::at(1_800_000_000_000), Arc::new(world));
        let desk = Desk::builder(SqliteStore::open(&file).await.unwrap()).clock(clock.clone()).build().await.unwrap();
        let served = Served { desk, world: Arc::clone(&world) };
        let lite = Lite::open(&raw, world, Arc::new(clock.clone())).unwrap();
        for step in steps() {
            served.take(&step).await.unwrap();
            lite.take(&[step]).unwrap();
            clock.tick();
        }
        served.desk.close().await;
        drop((served, lite));

        let (served, by_hand) = (dump(&file), dump(&raw));
        assert!(served.len() > 15);
        for ((table, served), (_, by_hand)) in served.iter().zip(&by_hand) {
            assert_same(table, served, by_hand);
        }
    });
}

/// What the commands cost in round trips, counted on the wire; `cargo test -p helpdesk-benches trips -- --nocapture`
/// prints it.
#[test]
fn trips_are_as_stated() {
    runtime().block_on(async {
        let cluster = helpdesk_testkit::shared();
        let url = cluster.fresh_database("trips").unwrap();
        let options = PgOptions { listen: false, pool_size: 1, ..PgOptions::default() };
        let store = PgStore::connect(&url, options.clone()).await.unwrap();
        store.migrate().await.unwrap();
        let desk = Desk::builder(store).build().await.unwrap();
        let world = Arc::new(World::furnish(&desk, TICKETS).await.unwrap());
        desk.close().await;
        stock::postgres(&url, &world, SystemClock.now().millis()).await.unwrap();

        let wire = Wire::to(cluster.port()).await;
        let url = url.replace(&cluster.port().to_string(), &wire.port.to_string());
        let desk = Desk::builder(PgStore::connect(&url, options).await.unwrap()).build().await.unwrap();
        let served = Served { desk, world: Arc::clone(&world) };
        let hand = Hand::connect(&url, world, Arc::new(SystemClock), 1).unwrap();
        let stated = [
            // the operation, trips of the desk, trips by hand
            (Op::Create, 2, 2),
            (Op::Transition, 2, 2),
            (Op::Comment, 2, 2),
            (Op::Get, 1, 1),
            (Op::List, 1, 1),
        ];
        for (op, desk, by_hand) in stated {
            let board = Board::stocked(TICKETS);
            let mut trips = [u64::MAX; 2];
            // At first statements are prepared, and configuration and access are read; and now and then the store tells
            // other processes of what was committed, in its own time. Always the same ticket or project.
            for _ in 0..8 {
                let what = next(op, &board, &mut Dice::new(1), 0, 1);
                let before = wire.trips();
                served.take(&Step { id: fresh_id(), what }).await.unwrap();
                let between = wire.trips();
                let what = next(op, &board, &mut Dice::new(1), 0, 1);
                hand.take(&Step { id: fresh_id(), what }).await.unwrap();
                trips = [trips[0].min(between - before), trips[1].min(wire.trips() - between)];
            }
            println!("{}: the desk {} trips, by hand {}", op.name(), trips[0], trips[1]);
            assert_eq!(trips, [desk, by_hand], "{}", op.name());
        }
        served.desk.close().await;
    });
}

/// Stands between a client and a server and counts how often the client speaks after the server has.
struct Wire {
    port: u16,
    trips: Arc<AtomicU64>,
}

impl Wire {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (port, trips) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&trips);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(Self::relay(client, server, Arc::clone(&counted)));
            }
        });
        Self { port, trips }
    }

    async fn relay(client: TcpStream, server: u16, trips: Arc<AtomicU64>) -> std::io::Result<()> {
        let server = TcpStream::connect(("127.0.0.1", server)).await?;
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        let (mut asked, mut answered, mut client_speaks) = ([0; 16384], [0; 16384], false);
        loop {
            tokio::select! {
                n = from_client.read(&mut asked) => {
                    let n = n?;
                    if n == 0 { return Ok(()); }
                    if !client_speaks {
                        trips.fetch_add(1, Ordering::SeqCst);
                    }
                    client_speaks = true;
                    to_server.write_all(&asked[..n]).await?;
                }
                n = from_server.read(&mut answered) => {
                    let n = n?;
                    if n == 0 { return Ok(()); }
                    client_speaks = false;
                    to_client.write_all(&answered[..n]).await?;
                }
            }
        }
    }

    fn trips(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }
}

/// Every table of a SQLite file as sorted lines.
fn dump(file: &Path) -> Vec<(String, String)> {
    let conn = rusqlite::Connection::open(file).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'hd_%' ORDER BY name";
    let mut statement = conn.prepare(names).unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let rows = |table: &String| {
        let mut statement = conn.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let line = |row: &rusqlite::Row<'_>| {
            let values: Result<Vec<String>, _> = (0..columns)
                .map(|at| row.get::<_, rusqlite::types::Value>(at).map(|value| format!("{value:?}")))
                .collect();
            values.map(|values| values.join("|"))
        };
        let mut lines: Vec<String> = statement.query_map([], line).unwrap().collect::<Result<_, _>>().unwrap();
        lines.sort();
        (table.clone(), lines.join("\n"))
    };
    tables.iter().map(rows).collect()
}

fn assert_same(table: &str, served: &str, by_hand: &str) {
    let (a, b): (Vec<&str>, Vec<&str>) = (served.lines().collect(), by_hand.lines().collect());
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a, b, "{table} differs (left: the desk)");
    }
    assert_eq!(a.len(), b.len(), "{table} has another number of rows");
}
