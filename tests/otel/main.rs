//! Traces, from outside: the built program against a small collector. Builds with the feature `otel` alone.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[path = "../service/client.rs"]
#[expect(dead_code, reason = "a part of the service's own tests")]
mod client;
#[path = "../store_contract/cluster.rs"]
mod cluster;
#[path = "../service/defined.rs"]
#[expect(dead_code, reason = "a part of the service's own tests")]
mod defined;
#[path = "../service/server.rs"]
#[expect(dead_code, reason = "a part of the service's own tests")]
mod server;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use server::{Place, Server};

/// A request as the collector got it: its first line, its headers, its body.
type Taken = (String, Vec<String>, Vec<u8>);

/// Takes whatever is sent to it and keeps it.
struct Collector {
    base: String,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Collector {
    /// One that answers with a status; `None`: never.
    fn start(status: Option<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let kept = taken.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || while take(&socket, status, &kept).is_some() {});
            }
        });
        Self { base, taken }
    }

    fn taken(&self) -> Vec<Taken> {
        self.taken.lock().expect("the list").clone()
    }
}

/// Reads one request and answers it; `None` when no further one comes.
fn take(mut socket: &TcpStream, status: Option<u16>, kept: &Mutex<Vec<Taken>>) -> Option<()> {
    let mut reader = BufReader::new(socket);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let length = head.iter().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    kept.lock().ok()?.push((head.remove(0), head, body));
    match status {
        Some(status) => write!(socket, "HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n").ok(),
        None => {
            std::thread::sleep(std::time::Duration::from_secs(60));
            None
        }
    }
}

fn served(environment: &[(&str, &str)]) -> Server {
    let place = Place::sqlite();
    let outlines = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/township/regions.geojson");
    place.run(&["import", "--layer", "regions", outlines], "");
    place.run(&["user", "add", "县管理员", "--role", "admin", "--region", "*"], server::PASSWORD);
    let said = place.run(&["token", "add", "--role", "admin", "--region", "*"], "");
    let token = said.lines().last().expect("a token").trim().to_owned();
    Server::start_with(place, token, &[], environment)
}

fn holds(body: &[u8], bytes: &[u8]) -> bool {
    body.windows(bytes.len()).any(|w| w == bytes)
}

/// A key with a whole number as protobuf has it: field 2 of the pair is a value, whose field 3 is the number.
fn pair(key: &str, number: u16) -> Vec<u8> {
    let (low, high) = ((number & 0x7F) as u8 | 0x80, (number >> 7) as u8);
    [key.as_bytes(), &[0x12, 0x03, 0x18, low, high]].concat()
}

#[test]
fn requests_are_told_in_batches_by_route_and_status_and_by_nothing_else() {
    let collector = Collector::start(Some(200));
    let mut server = served(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.base)]);
    for i in 0..40 {
        server.get(&format!("/api/plans/geheim{i}")).is(404);
    }
    server.get("/api/plans?geheim=1").is(400);
    server.get("/ogc/collections/regions/items?limit=1").is(200);
    server.get("/api/test/panic").is(500);
    server.terminate();
    assert!(server.ended(), "{}", server.log());
    let taken = collector.taken();
    assert!(!taken.is_empty() && taken.len() < 40, "{} batches", taken.len());
    for (line, head, _) in &taken {
        assert_eq!(line, "POST /v1/traces HTTP/1.1");
        assert!(head.iter().any(|l| l.eq_ignore_ascii_case("content-type: application/x-protobuf")), "{head:?}");
    }
    let all: Vec<u8> = taken.iter().flat_map(|t| t.2.clone()).collect();
    for word in ["GET /api/plans/{id}", "http.route", "/ogc/collections/{collection}/items", "http.request.method"] {
        assert!(holds(&all, word.as_bytes()), "{word}");
    }
    assert!(holds(&all, b"service.version") && holds(&all, env!("CARGO_PKG_VERSION").as_bytes()));
    for status in [200, 400, 404, 500] {
        assert!(holds(&all, &pair("http.response.status_code", status)), "{status}");
    }
    assert!(!holds(&all, b"answered"), "spans, not lines of the log");
    for word in ["geheim", "limit", "Bearer", server.token.as_str(), "127.0.0.1", "县管理员", "asked for by a test"]
    {
        assert!(!holds(&all, word.as_bytes()), "{word}");
    }
    // the log is what it is without traces
    let log = server.log();
    assert!(log.contains("\"answered\"") && !log.contains("otel") && !log.contains("\"span"), "{log}");
}

#[test]
fn collector_that_is_away_refuses_or_never_answers_hurts_nobody() {
    let away = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let (refusing, silent) = (Collector::start(Some(503)), Collector::start(None));
    for base in [format!("http://{away}"), refusing.base.clone(), silent.base.clone()] {
        let mut server = served(&[("LIANHU_OTEL_ENDPOINT", &base)]);
        for _ in 0..20 {
            server.get("/ogc/collections/regions/items?limit=1").is(200);
        }
        server.terminate();
        assert!(server.ended(), "{base}: {}", server.log());
        let log = server.log();
        let said = ["traces are not taken by the collector", "the last traces were not sent"];
        assert!(said.iter().any(|w| log.contains(w)), "{base}: {log}");
    }
    assert!(!refusing.taken().is_empty() && !silent.taken().is_empty());
}

#[test]
fn without_a_collector_there_are_no_traces() {
    let mut server = served(&[]);
    server.get("/ogc/collections/regions/items?limit=1").is(200);
    server.terminate();
    assert!(server.ended() && server.log().contains("\"answered\""));
}
