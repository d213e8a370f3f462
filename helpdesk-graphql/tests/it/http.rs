//! HTTP and WebSocket: who is let in, and what is taken.

use helpdesk_core::Actor;
use helpdesk_graphql::{Bearer, Limits};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::Stage;

/// Serves the API to bearer `ana` and tells the address.
async fn serve(stage: &Stage) -> std::net::SocketAddr {
    let ana = stage.world.ana.clone();
    let login = Bearer(move |token: String| {
        let found: Option<Actor> = (token == "ana").then(|| ana.clone());
        async move { found }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = stage.api.router(login).merge(helpdesk_graphql::graphiql());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// One request over a connection of its own: status and body.
async fn send(address: std::net::SocketAddr, head: &str, body: &str) -> (u16, String) {
    let (head, body) = whole(address, head, body).await;
    (head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default(), body)
}

/// The same, with all that stands before the body.
async fn whole(address: std::net::SocketAddr, head: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!("{head}\r\nhost: desk\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await; // a refused body ends in a reset
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.to_owned(), body.to_owned())
}

const POST: &str = "POST /graphql HTTP/1.1\r\ncontent-type: application/json";

#[tokio::test]
async fn only_those_with_a_known_token_are_let_in() {
    let stage = Stage::new().await;
    let address = serve(&stage).await;
    let body = json!({"query": "{ viewer { person { name } } }"}).to_string();
    let (status, answer) = send(address, &format!("{POST}\r\nauthorization: Bearer ana"), &body).await;
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["data"]["viewer"]["person"]["name"], "Ana");
    for token in ["", "\r\nauthorization: Bearer eve", "\r\nauthorization: Basic ana", "\r\nx-actor: system"] {
        let (status, answer) = send(address, &format!("{POST}{token}"), &body).await;
        assert_eq!(status, 401, "{token}");
        assert!(answer.contains("UNAUTHENTICATED"), "{answer}");
    }
}

#[tokio::test]
async fn only_json_of_a_fitting_size_is_taken() {
    let stage = Stage::new().await;
    let address = serve(&stage).await;
    let login = "authorization: Bearer ana";
    let body = json!({"query": "mutation { tenantEdit(input: {name: \"Pwned\"}) { cursor } }"}).to_string();
    assert_eq!(
        send(address, &format!("GET /graphql?query=%7Bviewer%7Bstaff%7D%7D HTTP/1.1\r\n{login}"), "").await.0,
        405
    );
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let head = format!("POST /graphql HTTP/1.1\r\ncontent-type: {kind}\r\n{login}");
        assert_eq!(send(address, &head, &body).await.0, 415, "{kind}");
    }
    let (status, answer) = send(address, &format!("{POST}\r\n{login}"), "{\"query\":").await;
    assert_eq!(status, 400);
    assert!(answer.contains("BAD_USER_INPUT") && !answer.contains("EOF"), "{answer}");
    let large = json!({"query": "x".repeat(Limits::default().body)}).to_string();
    assert_eq!(send(address, &format!("{POST}\r\n{login}"), &large).await.0, 413);
}

#[tokio::test]
async fn the_graphiql_page_needs_nothing_from_elsewhere() {
    let address = serve(&Stage::new().await).await;
    let (head, page) = whole(address, "GET /graphiql HTTP/1.1", "").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("cache-control: no-cache"), "{head}");
    let named = page
        .split(" src=\"")
        .skip(1)
        .chain(page.split("<link ").skip(1).filter_map(|it| it.split_once("href=\"").map(|(_, it)| it)));
    let named: Vec<&str> = named.filter_map(|it| it.split('"').next()).filter(|&it| it != "data:,").collect();
    assert_eq!(named.len(), 5, "{page}");
    for path in named {
        assert!(path.starts_with("/graphiql/"), "from elsewhere: {path}");
        let (head, body) = whole(address, &format!("GET {path} HTTP/1.1"), "").await;
        let kind = if path.ends_with(".css") { "text/css" } else { "text/javascript" };
        assert!(head.starts_with("HTTP/1.1 200") && !body.is_empty(), "{path}: {head}");
        for expected in [&format!("content-type: {kind}; charset=utf-8"), "x-content-type-options: nosniff"] {
            assert!(head.contains(expected), "{path} lacks {expected}: {head}");
        }
        // What does not change is kept, and is zipped.
        assert_eq!(head.contains("immutable"), path != "/graphiql/start.js", "{path}: {head}");
        assert_eq!(head.contains("content-encoding: gzip"), path != "/graphiql/start.js", "{path}: {head}");
    }
    let policy = head.lines().find(|line| line.starts_with("content-security-policy: ")).unwrap_or_default();
    assert!(policy.contains("default-src 'none'; script-src 'self';"), "{head}");
    assert!(!policy.contains("http") && !policy.contains('*'), "{policy}");
    assert_eq!(send(address, "GET /graphiql/else.js HTTP/1.1", "").await.0, 404);
}

/// A WebSocket by hand: what is needed of RFC 6455, unfragmented.
struct Socket(TcpStream);

impl Socket {
    async fn open(address: std::net::SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = "GET /graphql/ws HTTP/1.1\r\nhost: desk\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            sec-websocket-protocol: graphql-transport-ws\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        Self(stream)
    }

    async fn send(&mut self, message: Value) {
        let text = message.to_string().into_bytes();
        let length = u16::try_from(text.len()).unwrap();
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend(length.to_be_bytes());
        frame.extend([0; 4]); // a mask of zeros changes nothing
        frame.extend(text);
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next text, or none when the other side closes.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let kind = self.0.read_u8().await.ok()? & 0x0f;
            let length = match self.0.read_u8().await.ok()? & 0x7f {
                126 => usize::from(self.0.read_u16().await.ok()?),
                127 => usize::try_from(self.0.read_u64().await.ok()?).ok()?,
                short => usize::from(short),
            };
            let mut data = vec![0; length];
            self.0.read_exact(&mut data).await.ok()?;
            match kind {
                1 => return Some(serde_json::from_slice(&data).unwrap()),
                8 => return None,
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_websocket_delivers_events_to_those_let_in() {
    let stage = Stage::new().await;
    let address = serve(&stage).await;
    let mut socket = Socket::open(address).await;
    socket.send(json!({"type": "connection_init", "payload": {"Authorization": "Bearer ana"}})).await;
    assert_eq!(socket.next().await.unwrap()["type"], "connection_ack");
    let query = "subscription { events(heartbeat: 1) { ... on EventDelivery { event { kind ticket { key } } }
        ... on StreamHeartbeat { cursor } } }";
    socket.send(json!({"type": "subscribe", "id": "1", "payload": {"query": query}})).await;
    // The first heartbeat tells that the subscription stands.
    assert!(socket.next().await.unwrap()["payload"]["data"]["events"]["cursor"].is_string());
    stage.world.ticket("Printer").await;
    loop {
        let message = socket.next().await.unwrap();
        let item = &message["payload"]["data"]["events"];
        if item.get("event").is_some() {
            assert_eq!(item["event"], json!({"kind": "ticket.created", "ticket": {"key": "IT-1"}}));
            break;
        }
    }
    for payload in [json!({"Authorization": "Bearer eve"}), json!({}), Value::Null] {
        let mut socket = Socket::open(address).await;
        socket.send(json!({"type": "connection_init", "payload": payload})).await;
        assert_ne!(socket.next().await.map(|message| message["type"].clone()), Some(json!("connection_ack")));
    }
}
