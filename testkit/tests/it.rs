//! A cluster comes up, answers, and leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use helpdesk_testkit::{BouncerOptions, Cluster, ClusterOptions, PgBouncer, Programs, shared};

fn own() -> Cluster {
    Cluster::start_with(&ClusterOptions::default()).unwrap()
}

fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn data_directory(cluster: &Cluster) -> String {
    cluster.psql("postgres", "SHOW data_directory").unwrap().trim().to_owned()
}

#[test]
fn it_answers_and_leaves_nothing_behind() {
    let cluster = own();
    let (port, pid, data) = (cluster.port(), cluster.pid().unwrap(), data_directory(&cluster));
    assert_eq!(cluster.psql("postgres", "SELECT 1").unwrap().trim(), "1");
    assert!(Path::new(&data).exists());
    drop(cluster);
    assert!(!answers(port));
    assert!(!Path::new(&data).exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn two_clusters_know_nothing_of_each_other() {
    let (one, other) = (own(), own());
    assert_ne!(one.port(), other.port());
    one.create_database("only_here").unwrap();
    assert!(one.psql("only_here", "SELECT 1").is_ok());
    assert_eq!(other.psql("only_here", "SELECT 1").unwrap_err().code(), "program_failed");
    drop(one);
    assert!(other.psql("postgres", "SELECT 1").is_ok());
}

#[test]
fn options_reach_the_server() {
    let options = ClusterOptions {
        fsync: true,
        shared_buffers: "32MB".to_owned(),
        extra: vec!["max_prepared_transactions=3".to_owned()],
    };
    let cluster = Cluster::start_with(&options).unwrap();
    for (name, value) in [("fsync", "on"), ("shared_buffers", "32MB"), ("max_prepared_transactions", "3")] {
        assert_eq!(cluster.psql("postgres", &format!("SHOW {name}")).unwrap().trim(), value);
    }
}

#[test]
fn a_setting_that_postgres_refuses_is_told_with_its_log() {
    let options = ClusterOptions { extra: vec!["no_such_setting=1".to_owned()], ..ClusterOptions::default() };
    let error = Cluster::start_with(&options).unwrap_err();
    assert_eq!(error.code(), "server_not_ready");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn the_shared_cluster_is_one_and_its_databases_are_many() {
    let (first, second) = (shared().fresh_database("it").unwrap(), shared().fresh_database("it").unwrap());
    assert_ne!(first, second);
    assert_eq!(shared().url("x"), shared().url("x"));
    let name = first.rsplit('/').next().unwrap().split('?').next().unwrap();
    assert_eq!(shared().psql(name, "SELECT current_database()").unwrap().trim(), name);
}

#[test]
fn a_killed_parent_leaves_no_server() {
    let mut parent = Command::new(env!("CARGO_BIN_EXE_throwaway-postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let cluster = Cluster::external(url.trim()).unwrap();
    let data = data_directory(&cluster);
    assert!(answers(cluster.port()));
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(within(Duration::from_secs(20), || !answers(cluster.port()) && !Path::new(&data).exists()));
}

#[test]
fn an_external_server_is_used_and_left_alone() {
    let server = own();
    let guest = Cluster::external(&server.url("postgres")).unwrap();
    assert_eq!(guest.pid(), None);
    let url = guest.fresh_database("guest").unwrap();
    assert!(url.contains(&server.port().to_string()));
    drop(guest);
    assert!(answers(server.port()));
}

#[test]
fn pgbouncer_pools_by_transaction_and_stops() {
    let cluster = own();
    cluster.create_database("desk").unwrap();
    let bouncer = PgBouncer::start_with(&cluster, &BouncerOptions { pool_size: 1, ..Default::default() }).unwrap();
    assert!(bouncer.version().major >= 1);
    let through = Cluster::external(&bouncer.url("desk")).unwrap();
    assert_eq!(through.psql("desk", "SELECT current_database()").unwrap().trim(), "desk");
    let backend = || through.psql("desk", "SELECT pg_backend_pid()").unwrap();
    assert_eq!(backend(), backend(), "a pool of one: two clients share the server connection");
    let port = through.port();
    drop(bouncer);
    assert!(!answers(port));
}

#[test]
fn a_missing_program_says_what_to_install() {
    let error = Programs::find().path("no-such-program").unwrap_err();
    assert_eq!(error.code(), "program_missing");
    assert!(error.to_string().contains("apt-get install postgresql"), "{error}");
}
