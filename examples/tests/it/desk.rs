//! The desk program: it starts on a free port, lets in the holders of its tokens and nobody else, keeps what it made,
//! and says plainly what is wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::world::{Kind, Place};

/// A running desk; stopped when it goes out of scope.
struct Running {
    child: Child,
    url: String,
}

fn desk(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_desk"));
    command.arg("--data").arg(data);
    command
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "`{url}`");
        Self { child, url }
    }

    /// One HTTP exchange: status and body.
    fn http(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    fn query(&self, token: Option<&str>, query: &str) -> (u16, Value) {
        let body = json!({ "query": query }).to_string();
        let login = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
        let (status, answer) = self.http(&format!(
            "POST /graphql HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n{login}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        (status, serde_json::from_str(&answer).unwrap_or(Value::String(answer)))
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
    }
}

/// What a program that ends by itself prints, and whether it ended well.
fn told(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).trim().to_owned())
}

/// Tickets of the demo.
const DEMO: usize = 11;
const TICKETS: &str = "{ tickets(first: 50) { nodes { key title tags { name } } } }";

fn keys(answer: &Value) -> Vec<&str> {
    let nodes = answer["data"]["tickets"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    nodes.iter().map(|node| node["key"].as_str().unwrap()).collect()
}

fn serves(data: &Path, more: &[&str]) {
    let running = Running::start(desk(data).args(more).stderr(Stdio::null()));
    let (ended, ana) = told(desk(data).args(more).args(["token", "ana"]));
    assert!(ended, "{ana}");
    let (status, answer) = running.query(Some(&ana), TICKETS);
    assert_eq!((status, keys(&answer).len()), (200, DEMO), "{answer}");
    // Triage has something to say about most of them; it is given the time it needs.
    let tagged = || running.query(Some(&ana), TICKETS).1.to_string().matches("\"name\"").count();
    let begun = std::time::Instant::now();
    while tagged() < 6 && begun.elapsed().as_secs() < 30 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(tagged(), 6, "{}", running.query(Some(&ana), TICKETS).1);

    // One purchase waits for the second of finance, the other one was approved and went on by itself.
    let standing = "{ tickets(first: 50) { nodes { key approval } } }";
    let (_, answer) = running.query(Some(&ana), standing);
    let nodes = answer["data"]["tickets"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let of = |key: &str| nodes.iter().find(|node| node["key"] == key).map(|node| node["approval"].clone());
    assert_eq!((of("REQ-1"), of("REQ-2")), (Some("PENDING".into()), Some("APPROVED".into())), "{answer}");

    for nobody in [None, Some("secret"), Some(&ana[1..])] {
        let (_, answer) = running.query(nobody, TICKETS);
        assert_eq!(answer["data"]["tickets"], Value::Null, "{answer}");
        assert!(answer.to_string().contains("UNAUTHENTICATED"), "{answer}");
    }
    let (status, page) = running.http("GET /graphiql HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n");
    assert!(status == 200 && page.contains("graphiql"), "{page}");
    assert!(!page.contains("https://"), "{page}");
    let (status, _) = running.http("GET / HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n");
    assert_eq!(status, 307);

    let taken = running.url.trim_start_matches("http://").to_owned();
    let (ended, said) = told(desk(data).args(more).args(["--listen", &taken]));
    assert!(!ended && said.contains(&format!("cannot listen on {taken}")), "{said}");
    running.stop();

    // The demo is made once.
    let again = Running::start(desk(data).args(more).stderr(Stdio::null()));
    assert_eq!(keys(&again.query(Some(&ana), TICKETS).1).len(), DEMO);
    again.stop();
}

#[test]
fn it_serves_its_demo_from_a_file() {
    let place = Place::new(Kind::Sqlite);
    serves(&place.path("data"), &[]);
}

#[test]
fn it_serves_its_demo_from_postgres() {
    let place = Place::new(Kind::Postgres);
    serves(&place.path("data"), &["--database", &place.address]);
}

#[test]
fn migrations_go_up_and_down_and_are_told() {
    let place = Place::new(Kind::Sqlite);
    let data = place.path("data");
    let migrate = |verb| told(desk(&data).args(["migrate", verb]));
    let (ended, before) = migrate("status");
    assert!(ended && before.contains("0001 ") && before.contains("not applied"), "{before}");
    let (ended, up) = migrate("up");
    assert!(ended && !up.contains("not applied"), "{up}");
    let (ended, down) = migrate("down");
    assert!(ended && down.contains("not applied"), "{down}");
    while migrate("down").0 {}
    assert!(migrate("down").1.contains("nothing to go back from"));
}

#[test]
fn what_it_cannot_do_it_says() {
    let place = Place::new(Kind::Sqlite);
    let data = place.path("data");
    let (ended, said) = told(desk(&data).args(["--database", "postgres://127.0.0.1:1/none"]));
    assert!(!ended && said.contains("cannot open the database postgres://127.0.0.1:1/none"), "{said}");
    let (ended, said) = told(desk(&data).args(["--database", "mysql://x"]));
    assert!(!ended && said.contains("`mysql://x` names no database"), "{said}");
    let (ended, said) = told(desk(&data).args(["--database", "mysql://ana:secret@x/desk"]));
    assert!(!ended && said.contains("`mysql://x/desk`") && !said.contains("secret"), "{said}");
    assert!(told(desk(&data).args(["migrate", "up"])).0);
    let (ended, said) = told(desk(&data).args(["token", "ana"]));
    assert!(!ended && said.contains("run `desk` once"), "{said}");
}
