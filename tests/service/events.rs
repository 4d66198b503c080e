//! Events: in order, scoped, none lost over a reconnect. On SQLite the service is the only writer, so there only the stream itself is
//! looked at; on PostGIS another process writes meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{Server, VILLAGE, writing};

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

pub(crate) struct Stream(BufReader<TcpStream>);

impl Stream {
    pub(crate) fn open(server: &Server, token: &str, last: Option<u64>) -> Self {
        let host = server.base.trim_start_matches("http://");
        let mut socket = TcpStream::connect(host).expect("connected");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("set");
        let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let head = format!("GET /api/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{last}\r\n");
        socket.write_all(head.as_bytes()).expect("sent");
        Self(BufReader::new(socket))
    }

    /// Events within a time, up to a number of them; not those of plans and jobs, which are other tests' meanwhile, nor of alerts, which
    /// the service opens by itself.
    pub(crate) fn events(&mut self, most: usize, within: Duration) -> Vec<Event> {
        self.take(most, within, |kind| !matches!(kind, "plan" | "alert" | "job"))
    }

    /// All that is told within a time.
    pub(crate) fn everything(&mut self, within: Duration) -> Vec<Event> {
        self.take(usize::MAX, within, |_| true)
    }

    /// Events of one kind.
    pub(crate) fn of_kind(&mut self, wanted: &str, most: usize, within: Duration) -> Vec<Event> {
        self.take(most, within, |kind| kind == wanted)
    }

    fn take(&mut self, most: usize, within: Duration, keep: impl Fn(&str) -> bool) -> Vec<Event> {
        let (mut found, begun) = (Vec::new(), Instant::now());
        let (mut id, mut kind, mut line) = (0, String::new(), String::new());
        while found.len() < most && begun.elapsed() < within {
            match self.0.read_line(&mut line) {
                Ok(0) => break,
                Ok(_) => {}
                // what was read so far stays in the line
                Err(_) => continue,
            }
            let text = line.trim_end();
            if let Some(n) = text.strip_prefix("id: ") {
                id = n.parse().expect("a number");
            } else if let Some(name) = text.strip_prefix("event: ") {
                name.clone_into(&mut kind);
            } else if let Some(data) = text.strip_prefix("data: ").filter(|_| keep(&kind)) {
                found.push(Event { id, kind: kind.clone(), data: serde_json::from_str(data).expect("JSON") });
            }
            line.clear();
        }
        found
    }

    /// The id the stream begins after.
    pub(crate) fn hello(&mut self) -> u64 {
        let begun = Instant::now();
        let mut line = String::new();
        while begun.elapsed() < Duration::from_secs(10) {
            if self.0.read_line(&mut line).is_ok() {
                if let Some(id) = line.trim_end().strip_prefix("id: ") {
                    return id.parse().expect("a number");
                }
                line.clear();
            }
        }
        panic!("no hello");
    }
}

/// What a stream tells of one job, up to its end.
fn told_of(stream: &mut Stream, job: &str) -> Vec<Value> {
    let begun = Instant::now();
    let mut told = Vec::new();
    while begun.elapsed() < Duration::from_secs(60) {
        for event in stream.of_kind("job", 1, Duration::from_secs(1)).into_iter().filter(|e| e.data["id"] == job) {
            told.push(event.data);
        }
        if told.last().is_some_and(|t| t["status"] != "running") {
            break;
        }
    }
    told
}

pub(crate) fn job_is_told_to_whoever_started_it_and_to_nobody_else(server: &Server) {
    let (own, other) = (server.token_for("exporter", VILLAGE), server.token_for("exporter", VILLAGE));
    let mut streams = [&own, &other].map(|token| Stream::open(server, token, None));
    let hello = streams.each_mut().map(Stream::hello)[0];
    let bearer = format!("Bearer {own}");
    let wish = serde_json::json!({"layer": "households", "format": "csv"});
    let started = server.ask("POST", "/api/exports", &[("authorization", &bearer)], Some(&wish)).is(202).json();
    let job = started["job"].as_str().expect("a job");
    let [ours, theirs] = &mut streams;
    let told = told_of(ours, job);
    assert!(told.windows(2).all(|w| w[0]["version"].as_u64() < w[1]["version"].as_u64()), "{told:?}");
    let end = told.last().expect("its end");
    let seen = server.get_as(&own, &format!("/api/jobs/{job}")).is(200).json();
    for field in ["id", "kind", "status", "share", "stage"] {
        assert_eq!(end[field], seen[field], "{field}");
    }
    assert_eq!((&end["status"], end.get("result")), (&"done".into(), None));
    server.get_as(&other, &format!("/api/jobs/{job}")).problem(404, "not_found");
    assert_eq!(theirs.of_kind("job", 1, Duration::from_millis(500)), []);
    // whoever was away is told the end; whoever comes for the first time is told of what runs
    let mut again = Stream::open(server, &own, Some(hello));
    assert_eq!(told_of(&mut again, job).last(), Some(end));
    let mut fresh = Stream::open(server, &own, None);
    assert_eq!(fresh.of_kind("job", 1, Duration::from_millis(500)), []);
}

fn incident(server: &Server, id: &str, village: &str) {
    let file = server.place.folder.path().join(format!("{id}.csv"));
    let text =
        format!("编号,时间,类别,级别,经度,纬度\n{id},2025-05-01T10:00:00+08:00,矛盾劝解,网格,105.6435644,25.9749874\n");
    std::fs::write(&file, text).expect("written");
    server.place.run(&["import", "--layer", "incidents", "--region", village, &file.to_string_lossy()], "");
}

fn is_postgis(server: &Server) -> bool {
    server.place.url.starts_with("postgres")
}

pub(crate) fn change_is_told_in_order_and_after_a_reconnect(server: &Server) {
    let mut first = Stream::open(server, &server.token, None);
    let begin = first.hello();
    assert!(begin > 0);
    // an id from nowhere begins anew
    let mut lost = Stream::open(server, &server.token, Some(begin + 1_000_000));
    lost.hello();
    assert_eq!(lost.events(1, Duration::from_secs(5)).first().map(|e| e.kind.clone()), Some("reset".to_owned()));
    server
        .ask(
            "GET",
            "/api/events",
            &[("last-event-id", "x"), ("authorization", &format!("Bearer {}", server.token))],
            None,
        )
        .problem(400, "bad_parameter");
    if !is_postgis(server) {
        return;
    }
    let _writing = writing();
    let mut first = Stream::open(server, &server.token, None);
    first.hello();
    incident(server, "EV1", VILLAGE);
    incident(server, "EV2", VILLAGE);
    let told = first.events(2, Duration::from_secs(10));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].id < told[1].id && told.iter().all(|e| e.kind == "register" && e.data["layer"] == "incidents"));
    drop(first);
    incident(server, "EV3", VILLAGE);
    let mut again = Stream::open(server, &server.token, Some(told[0].id));
    let missed = again.events(2, Duration::from_secs(10));
    assert_eq!(missed.first(), told.get(1));
    assert_eq!(missed.len(), 2);
}

pub(crate) fn change_is_served_within_a_second(server: &Server) {
    if !is_postgis(server) {
        return;
    }
    let _writing = writing();
    let path = "/ogc/collections/incidents/items?limit=1";
    let before = server.get(path).is(200);
    incident(server, "EV9", VILLAGE);
    let begun = Instant::now();
    // twenty times what is promised, as a guard against hanging
    while server.get("/ogc/collections/incidents/items/EV9").status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    let after = server.get(path).is(200);
    assert_ne!(before.header("etag"), after.header("etag"));
}
