//! Two processes on one database: this test binary starts itself again, with [`ROLE`] saying what the child does.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use helpdesk_core::command::{Comment, CreateTicket, EditTicket, Patch};
use helpdesk_core::event::Subject;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::store::{Database, Log};
use helpdesk_core::testing::{Chance, ManualClock, World};
use helpdesk_core::ticket::Priority;
use helpdesk_core::{Actor, Desk};

/// What a child does: `create` or `soak`.
const ROLE: &str = "HELPDESK_TEST_CHILD";

fn rounds(short: usize) -> usize {
    if std::env::var_os("HELPDESK_LONG").is_some() { short * 20 } else { short }
}

/// What a child needs to know, through its environment.
struct Brief {
    role: String,
    database: String,
    tenant: String,
    project: String,
    actor: String,
    seed: u64,
}

impl Brief {
    fn new(role: &str, database: &str, world: &World, seed: u64) -> Self {
        Self {
            role: role.into(),
            database: database.into(),
            tenant: world.tenant.to_string(),
            project: world.it.to_string(),
            actor: World::id(&world.ana).to_string(),
            seed,
        }
    }

    fn spawn(&self) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["it::processes::child", "--exact", "--nocapture", "--test-threads=1"]);
        for (name, value) in [
            (ROLE, self.role.as_str()),
            ("HELPDESK_TEST_DATABASE", &self.database),
            ("HELPDESK_TEST_TENANT", &self.tenant),
            ("HELPDESK_TEST_PROJECT", &self.project),
            ("HELPDESK_TEST_ACTOR", &self.actor),
            ("HELPDESK_TEST_SEED", &self.seed.to_string()),
        ] {
            command.env(name, value);
        }
        command.stdout(Stdio::piped()).spawn().unwrap()
    }

    fn received() -> Option<Self> {
        let read = |name: &str| std::env::var(name).ok();
        Some(Self {
            role: read(ROLE)?,
            database: read("HELPDESK_TEST_DATABASE")?,
            tenant: read("HELPDESK_TEST_TENANT")?,
            project: read("HELPDESK_TEST_PROJECT")?,
            actor: read("HELPDESK_TEST_ACTOR")?,
            seed: read("HELPDESK_TEST_SEED")?.parse().ok()?,
        })
    }
}

/// The lines a child has told, without the mark.
fn told(children: Vec<Child>) -> Vec<String> {
    let mut all = vec![];
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "the child failed: {text}");
        all.extend(text.lines().filter_map(|line| line.split_once("@@")).map(|(_, line)| line.to_owned()));
    }
    all
}

async fn open(database: &str) -> Arc<dyn Database> {
    if database.starts_with("postgres") {
        let options = PgOptions { pool_size: 8, ..PgOptions::default() };
        Arc::new(PgStore::connect(database, options).await.unwrap())
    } else {
        Arc::new(SqliteStore::open(database).await.unwrap())
    }
}

/// Does nothing unless this process is a child.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(brief) = Brief::received() else { return };
    match brief.role.as_str() {
        "create" => create(&brief).await,
        _ => soak(&brief).await,
    }
}

fn place(brief: &Brief) -> (Actor, helpdesk_core::id::ProjectId) {
    let actor = Actor::person(brief.tenant.parse().unwrap(), brief.actor.parse().unwrap());
    (actor, brief.project.parse().unwrap())
}

/// 32 creators at once, each telling the key it got.
async fn create(brief: &Brief) {
    let store = helpdesk_core::testing::Faulty::calm(open(&brief.database).await);
    let desk = Desk::builder(store).build().await.unwrap();
    let (by, project) = place(brief);
    let created = (0..32).map(|n| {
        let (desk, by) = (desk.clone(), by.clone());
        tokio::spawn(async move {
            let id = desk.act(&by, CreateTicket::new(project, format!("t{n}"))).await.unwrap().out;
            desk.ticket(&by, id).await.unwrap().key
        })
    });
    for key in join_all(created.collect::<Vec<_>>()).await {
        println!("\n@@{}", key.unwrap());
    }
    desk.close().await;
}

async fn sixty_four_distinct_keys(database: &str, world: &World) {
    let children = (0..2).map(|seed| Brief::new("create", database, world, seed).spawn()).collect();
    let keys = tokio::task::spawn_blocking(move || told(children)).await.unwrap();
    let distinct: BTreeSet<&String> = keys.iter().collect();
    assert_eq!((keys.len(), distinct.len()), (64, 64), "{keys:?}");
    assert!(keys.iter().all(|key| key.starts_with("IT-")));
    let count = world.desk.count(&world.ana, &helpdesk_core::Filter::All).await.unwrap();
    assert_eq!(count.value, 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creators_in_two_processes_get_distinct_keys_on_postgres() {
    let url = migrated("keys").await;
    let world = World::found(open(&url).await, "acme").await;
    sixty_four_distinct_keys(&url, &world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creators_in_two_processes_get_distinct_keys_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db").to_str().unwrap().to_owned();
    SqliteStore::open(&path).await.unwrap().migrate().await.unwrap();
    let world = World::found(open(&path).await, "acme").await;
    sixty_four_distinct_keys(&path, &world).await;
}

async fn migrated(name: &str) -> String {
    let url = helpdesk_testkit::shared().fresh_database(name).unwrap();
    PgStore::connect(&url, PgOptions::default()).await.unwrap().migrate().await.unwrap();
    url
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Four hostile writers: some hold their transaction open after taking their place in the log, some take it back, some
/// are dropped in the middle. Each tells the last version of its ticket that it knows to be committed.
async fn soak(brief: &Brief) {
    let store = Arc::new(PgStore::connect(&brief.database, PgOptions::default()).await.unwrap());
    let desk = {
        let store = helpdesk_core::testing::Faulty::calm(store.clone());
        Desk::builder(store).clock(ManualClock::default()).build().await.unwrap()
    };
    let writers = (0..4).map(|writer| {
        let (desk, store, url) = (desk.clone(), store.clone(), brief.database.clone());
        let ((by, project), mut chance) = (place(brief), Chance::new(brief.seed * 100 + writer));
        tokio::spawn(async move {
            let client = Arc::new(connect(&url).await);
            let id = desk.act(&by, CreateTicket::new(project, "soaked")).await.unwrap().out;
            let mut version = 1;
            for round in 0..rounds(30) {
                let priority = Some(Some(*chance.pick(Priority::ALL)));
                match chance.below(6) {
                    0 => {
                        let slow = desk.within(store.join(client.clone()));
                        client.batch_execute("BEGIN").await.unwrap();
                        let done = slow.act(&by, Comment::public(id, format!("slow {round}"))).await;
                        tokio::time::sleep(Duration::from_millis(chance.below(15) as u64)).await;
                        let back = chance.percent(40);
                        client.batch_execute(if back { "ROLLBACK" } else { "COMMIT" }).await.unwrap();
                        if let (Ok(done), false) = (done, back) {
                            version = done.version;
                        }
                    }
                    1 => {
                        let wait = Duration::from_micros(chance.below(3000) as u64);
                        let comment = desk.act(&by, Comment::public(id, format!("dropped {round}")));
                        if let Ok(done) = tokio::time::timeout(wait, comment).await {
                            version = done.unwrap().version;
                        }
                    }
                    2 => {
                        desk.act(&by, CreateTicket::new(project, format!("more {round}"))).await.unwrap();
                    }
                    _ => {
                        let patch = Patch { priority, ..Patch::default() };
                        version = version.max(desk.act(&by, EditTicket::new(id, patch)).await.unwrap().version);
                    }
                }
            }
            (id, version)
        })
    });
    for writer in join_all(writers.collect::<Vec<_>>()).await {
        let (id, version) = writer.unwrap();
        println!("\n@@{id} {version}");
    }
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_hostile_writers_and_a_foreign_transaction_leave_the_log_in_order() {
    let url = migrated("soak").await;
    let world = World::found(open(&url).await, "acme").await;
    let from = world.store.head().await.unwrap();
    // A foreign transaction that has written, and stays open all the time.
    let foreign = connect(&url).await;
    foreign.batch_execute("CREATE TABLE invoice (id int); BEGIN; INSERT INTO invoice VALUES (1)").await.unwrap();
    let children: Vec<Child> = (1..=2).map(|seed| Brief::new("soak", &url, &world, seed).spawn()).collect();
    let writing = tokio::task::spawn_blocking(move || told(children));
    // Two readers follow, each with a store of its own and pages of its own size.
    let follow = |limit: u16| {
        let (url, tenant) = (url.clone(), world.tenant);
        async move {
            let store = open(&url).await;
            let (mut seen, mut cursor, mut quiet) = (vec![], from, 0);
            while quiet < 100 {
                let (events, upto) = store.after(Some(tenant), cursor, limit).await.unwrap();
                quiet = if upto == cursor { quiet + 1 } else { 0 };
                if upto == cursor {
                    tokio::time::sleep(Duration::from_millis(15)).await;
                }
                seen.extend(events);
                cursor = upto;
            }
            seen
        }
    };
    let readers = [tokio::spawn(follow(3)), tokio::spawn(follow(100))];
    let written = writing.await.unwrap();
    let before = world.store.after(Some(world.tenant), from, 5000).await.unwrap().0.len();
    foreign.batch_execute("COMMIT").await.unwrap();
    let mut all = vec![];
    let mut cursor = from;
    loop {
        let (events, upto) = world.store.after(Some(world.tenant), cursor, 500).await.unwrap();
        if upto == cursor {
            break;
        }
        all.extend(events);
        cursor = upto;
    }
    assert_eq!(before, all.len(), "a transaction that is none of ours holds nothing back");
    for reader in readers {
        let seen = reader.await.unwrap();
        assert_eq!(seen.len(), all.len());
        assert!(seen == all, "a reader that followed saw another log");
    }
    assert!(all.is_sorted_by(|a, b| a.cursor < b.cursor));
    assert_eq!(written.len(), 8);
    for line in &written {
        let (id, version) = line.split_once(' ').unwrap();
        let (id, version): (helpdesk_core::id::TicketId, i64) = (id.parse().unwrap(), version.parse().unwrap());
        let versions: Vec<i64> =
            all.iter().filter(|event| event.subject == Subject::Ticket(id)).map(|event| event.version).collect();
        let current = world.desk.ticket(&world.ana, id).await.unwrap().version();
        assert!(current >= version, "what a writer was told is there");
        // One event per version here: nothing skipped, nothing twice, in order.
        assert_eq!(versions, (1..=current).collect::<Vec<_>>());
        let events = world.store.history(world.tenant, &Subject::Ticket(id), 0, 5000).await.unwrap();
        assert_eq!(events.len(), versions.len());
    }
}
