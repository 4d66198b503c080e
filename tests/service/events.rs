//! Events: in order, scoped, none lost over a reconnect. On SQLite the service is the only writer, so there only the stream itself is
//! looked at; on PostGIS another process writes meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::incidents::{body, report};
use crate::plans::{draft, edit, rename, village};
use crate::server::{PASSWORD, Place, Server, TOWNSHIP, VILLAGE, cookie_of, writing};

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
        Self::open_as(server, &format!("Authorization: Bearer {token}"), last)
    }

    /// By whatever header says who it is.
    pub(crate) fn open_as(server: &Server, who: &str, last: Option<u64>) -> Self {
        let host = server.base.trim_start_matches("http://");
        let mut socket = TcpStream::connect(host).expect("connected");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("set");
        let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let head = format!("GET /api/events HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{who}\r\n{last}\r\n");
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
                let data = serde_json::from_str(data).expect("JSON");
                crate::defined::look_at_event(&kind, &data);
                found.push(Event { id, kind: kind.clone(), data });
            }
            line.clear();
        }
        found
    }

    /// Reads on until an event is like this; all that was told up to it, which is the last one, within a time.
    pub(crate) fn up_to(&mut self, within: Duration, like: impl Fn(&Event) -> bool) -> Vec<Event> {
        let (mut told, begun) = (Vec::new(), Instant::now());
        while begun.elapsed() < within && !told.last().is_some_and(&like) {
            told.extend(self.take(1, within.saturating_sub(begun.elapsed()), |_| true));
        }
        told
    }

    /// The first line that is like this, within a time.
    fn line(&mut self, within: Duration, like: impl Fn(&str) -> bool) -> Option<String> {
        let (begun, mut line) = (Instant::now(), String::new());
        while begun.elapsed() < within {
            match self.0.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) if like(line.trim_end()) => return Some(line.trim_end().to_owned()),
                Ok(_) => line.clear(),
                // what was read so far stays in the line
                Err(_) => {}
            }
        }
        None
    }

    /// The kinds of events told up to the stream's end; `None` where it does not end in time.
    pub(crate) fn read_to_its_end(&mut self, within: Duration) -> Option<Vec<String>> {
        let (begun, mut line, mut kinds) = (Instant::now(), String::new(), Vec::new());
        while begun.elapsed() < within {
            match self.0.read_line(&mut line) {
                Ok(0) => return Some(kinds),
                Ok(_) => {
                    kinds.extend(line.trim_end().strip_prefix("event: ").map(str::to_owned));
                    line.clear();
                }
                Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(_) => return Some(kinds),
            }
        }
        None
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

/// A file on its way in is told of as a job of its own kind, by stages and rows; once it is there, the layer is told of to all who see it.
pub(crate) fn import_is_told_by_stages_and_then_its_layer(server: &Server) {
    const ROWS: usize = 20_000;
    let planner = server.token_for("planner", TOWNSHIP);
    let mut stream = Stream::open(server, &planner, None);
    stream.hello();
    let row = |i: usize| format!("SSE-{i},{VILLAGE},{},25.9749874\n", 105.643_564_4 + (i % 100) as f64 * 1e-7);
    let file: String = std::iter::once("楼栋编号,村编码,经度,纬度\n".to_owned()).chain((0..ROWS).map(row)).collect();
    let query = "/api/imports?layer=buildings&file_name=sse.csv";
    let judged = server.upload_as(&planner, query, file.as_bytes()).is(202).json();
    let preview = told_of(&mut stream, judged["job"].as_str().expect("a job"));
    let mut listener = Stream::open(server, &server.token_for("viewer", TOWNSHIP), None);
    listener.hello();
    let import = judged["import"]["id"].as_str().expect("an import");
    let started = server.commit_as(&planner, import, "sse", false).is(202).json();
    let stored = told_of(&mut stream, started["job"].as_str().expect("a job"));
    for (told, kind, stages) in [
        (preview, "import.preview", ["检查 judging", "与库比对 comparing"]),
        (stored, "import", ["检查 judging", "入库 storing"]),
    ] {
        assert!(told.iter().all(|t| t["kind"] == kind), "{told:?}");
        let first = told.first().expect("something is told");
        let end = told.last().expect("something is told");
        assert!(first["status"] == "running" && end["status"] == "done", "on its way, and at its end: {told:?}");
        let amounts = ["rows", "bytes"].map(|of| end[of].as_u64());
        assert_eq!(amounts, [Some(ROWS as u64), Some(file.len() as u64)], "{kind}");
        let seen = told.iter().filter_map(|t| t["stage"].as_str()).filter(|stage| !stage.is_empty());
        let seen: std::collections::BTreeSet<&str> = seen.collect();
        assert!(!seen.is_empty() && seen.iter().all(|stage| stages.contains(stage)), "{kind}: {seen:?}");
        for pair in told.windows(2) {
            assert!(pair[0]["share"].as_f64() <= pair[1]["share"].as_f64(), "{kind}: {pair:?}");
            assert!(pair[0]["version"].as_u64() < pair[1]["version"].as_u64(), "{kind}: {pair:?}");
        }
    }
    let of_layer = |e: &Event| e.kind == "register" && e.data["layer"] == "buildings";
    let told = listener.up_to(Duration::from_secs(60), of_layer);
    assert!(told.last().is_some_and(of_layer), "{told:?}");
    assert!(told.iter().all(|e| e.kind != "job"), "jobs are their owner's: {told:?}");
}

/// What is done to a plan is told by its name, in order, each once, to those who see the plan.
pub(crate) fn plan_is_told_of_by_what_was_done(server: &Server) {
    let mut stream = Stream::open(server, &server.token_for("planner", TOWNSHIP), None);
    let mut foreign = Stream::open(server, &server.token_for("planner", "520424"), None);
    stream.hello();
    foreign.hello();
    let plan = draft(server);
    let grid = village(server, &plan)["grids"][0]["code"].clone();
    edit(server, &plan, &format!("told-{plan}"), 1, &rename(&grid, "听见")).is(200);
    for turn in ["undo", "redo"] {
        server.write("POST", &format!("/api/plans/{plan}/{turn}"), &json!({})).is(200);
    }
    let own = |e: &Event| e.kind == "plan" && e.data["plan"] == plan.as_str();
    let mut told = stream.up_to(Duration::from_secs(60), |e| own(e) && e.data["operation"] == "plan.redo");
    // one that came twice would be here by now
    told.extend(stream.everything(Duration::from_millis(500)));
    told.retain(own);
    let operations: Vec<&str> = told.iter().filter_map(|e| e.data["operation"].as_str()).collect();
    assert_eq!(operations, ["plan.fork", "plan.edit", "plan.undo", "plan.redo"]);
    assert!(told.windows(2).all(|w| w[0].id < w[1].id), "{told:?}");
    assert!(!told.iter().any(|e| e.data.to_string().contains("听见")), "what was written is not told: {told:?}");
    let elsewhere = foreign.everything(Duration::from_millis(500));
    assert!(!elsewhere.iter().any(own), "{elsewhere:?}");
}

/// No beat comes sooner.
pub(crate) const BEFORE_A_BEAT: Duration = Duration::from_secs(12);

/// A user with a session: its id and the header that says so.
pub(crate) fn signed_in(server: &Server, name: &str, role: &str, region: &str) -> (String, String) {
    let wish = json!({"name": name, "password": PASSWORD, "role": role, "region": region});
    let made = server.write("POST", "/api/users", &wish).is(201).json();
    let cookie = cookie_of(&server.sign_in(name, PASSWORD, &[]).is(201));
    (made["id"].as_str().expect("an id").to_owned(), format!("Cookie: {cookie}"))
}

/// A stream is looked at when rights change, not at its next beat, which comes after fifteen seconds.
pub(crate) fn a07_whoever_is_moved_or_put_out_stops_listening_at_once(server: &Server) {
    let _writing = writing();
    let change = |id: &str, change: Value| server.write("PATCH", &format!("/api/users/{id}"), &change).is(200);
    let (id, who) = signed_in(server, "听众", "viewer", VILLAGE);
    let mut stream = Stream::open_as(server, &who, None);
    stream.hello();
    let heard = report(server, &body("dispute"));
    let told = stream.of_kind("incident", 1, Duration::from_secs(10));
    assert_eq!(told[0].data["id"], heard["id"], "the own village is heard");
    // what does not concern the listener does not end the stream
    let (other, _) = signed_in(server, "旁人", "viewer", VILLAGE);
    change(&other, json!({"disabled": true}));
    // to another village: told to read anew, and nothing after
    change(&id, json!({"region": "520423102002"}));
    let missed = report(server, &body("dispute"));
    let kinds = stream.read_to_its_end(BEFORE_A_BEAT).expect("an end before the beat");
    assert!(kinds.iter().any(|k| k == "reset") && kinds.iter().all(|k| k != "incident"), "{kinds:?}");
    let mut again = Stream::open_as(server, &who, Some(told[0].id));
    again.hello();
    let more = report(server, &body("dispute"));
    let now = again.of_kind("incident", 1, Duration::from_secs(1));
    assert_eq!(now, [], "of {missed} and {more}");
    // another role is another scope
    change(&id, json!({"role": "exporter"}));
    assert!(again.read_to_its_end(BEFORE_A_BEAT).is_some());
    // put out: not a word
    let mut last = Stream::open_as(server, &who, None);
    last.hello();
    change(&id, json!({"disabled": true}));
    let kinds = last.read_to_its_end(BEFORE_A_BEAT).expect("an end before the beat");
    assert!(kinds.iter().all(|k| k != "reset"), "{kinds:?}");
    // a revoked token, and a session that was signed out of
    let token = server.token_for("viewer", VILLAGE);
    let token_id = server.get_as(&token, "/api/session").is(200).json()["id"].clone();
    let mut by_token = Stream::open(server, &token, None);
    by_token.hello();
    let (_, who) = signed_in(server, "退出", "viewer", VILLAGE);
    let mut by_session = Stream::open_as(server, &who, None);
    by_session.hello();
    let bearer = format!("Bearer {}", server.token);
    let path = format!("/api/tokens/{}", token_id.as_str().expect("an id"));
    server.ask("DELETE", &path, &[("authorization", &bearer)], None).is(204);
    assert!(by_token.read_to_its_end(BEFORE_A_BEAT).is_some(), "the token's");
    let cookie = who.trim_start_matches("Cookie: ");
    server.ask("DELETE", "/api/session", &[("cookie", cookie), ("origin", &server.base)], None).is(204);
    assert!(by_session.read_to_its_end(BEFORE_A_BEAT).is_some(), "the session's");
}

pub(crate) fn stream_beats_where_there_is_nothing_to_tell(server: &Server) {
    let token = server.token_for("viewer", "520424");
    let mut stream = Stream::open(server, &token, None);
    stream.hello();
    // four times what is promised, as a guard against hanging
    let beat = stream.line(Duration::from_secs(60), |line| line.starts_with(':') && line.contains("beat"));
    assert!(beat.is_some(), "no sign of life");
}

/// What clients keep and ask about again: a page, a feature, a tile of what stays; a page of what changes.
const KEPT: [&str; 4] = [
    "regions/items?limit=5",
    "regions/items/520423102001",
    "regions/tiles/WebMercatorQuad/12/1741/3249",
    "incidents/items?limit=5",
];

/// Asks for these under one name of the host, whatever the port is, with the marks known.
fn kept(server: &Server, token: &str, known: &[String]) -> Vec<(u16, String)> {
    let bearer = format!("Bearer {token}");
    let ask = |(at, path): (usize, &&str)| {
        let mut headers = vec![("authorization", bearer.as_str()), ("host", "lianhu.example")];
        headers.extend(known.get(at).map(|tag| ("if-none-match", tag.as_str())));
        let reply = server.ask("GET", &format!("/ogc/collections/{path}"), &headers, None);
        (reply.status, reply.header("etag").to_owned())
    };
    KEPT.iter().enumerate().map(ask).collect()
}

/// A client that was here before a restart hears what came after the last it heard, each once, in order; what it keeps and did not change
/// is still good.
fn restart_loses_and_doubles_nothing(place: Place) {
    let outlines = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/township/regions.geojson");
    place.run(&["import", "--layer", "regions", outlines], "");
    place.run(&["user", "add", "县管理员", "--role", "admin", "--region", "*"], PASSWORD);
    let said = place.run(&["token", "add", "--role", "admin", "--region", "*"], "");
    let token = said.lines().last().expect("a token").trim().to_owned();
    let mut before = Server::start(place, token.clone(), &[]);
    let mut stream = Stream::open(&before, &token, None);
    let begin = stream.hello();
    let mut made: Vec<Value> = (0..2).map(|_| report(&before, &body("dispute"))["id"].clone()).collect();
    let told = stream.of_kind("incident", 2, Duration::from_secs(20));
    assert_eq!(told.iter().map(|e| e.data["id"].clone()).collect::<Vec<_>>(), made);
    let (first, known): (Vec<u16>, Vec<String>) = kept(&before, &token, &[]).into_iter().unzip();
    assert_eq!(first, [200; 4]);
    assert_eq!(kept(&before, &token, &known).iter().map(|a| a.0).collect::<Vec<_>>()[..3], [304; 3]);
    // this one happens while the client hears nothing any more
    drop(stream);
    made.push(report(&before, &body("dispute"))["id"].clone());
    before.terminate();
    assert!(before.ended(), "{}", before.log());
    let after = Server::start(before.place.beside(), token.clone(), &[]);
    let answers: Vec<u16> = kept(&after, &token, &known).iter().map(|a| a.0).collect();
    assert_eq!(answers, [304, 304, 304, 200], "what changed is told, the rest is as it was");
    made.push(report(&after, &body("dispute"))["id"].clone());
    for (last, missed) in [(told[1].id, 2), (told[0].id, 3), (begin, 4)] {
        let mut again = Stream::open(&after, &token, Some(last));
        assert_eq!(again.hello(), last);
        let mut heard = again.of_kind("incident", missed, Duration::from_secs(20));
        // what was missed comes in one piece: one that came twice would be here by now
        heard.extend(again.of_kind("incident", 1, Duration::from_millis(700)));
        let ids: Vec<Value> = heard.iter().map(|e| e.data["id"].clone()).collect();
        assert_eq!(ids, made[made.len() - missed..], "after {last}");
        assert!(heard.windows(2).all(|w| w[0].id < w[1].id) && heard.iter().all(|e| e.id > last), "{heard:?}");
    }
}

#[test]
fn restart_loses_and_doubles_nothing_on_sqlite() {
    restart_loses_and_doubles_nothing(Place::sqlite());
}

#[test]
fn restart_loses_and_doubles_nothing_on_postgis() {
    restart_loses_and_doubles_nothing(Place::postgis());
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
