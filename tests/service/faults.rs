//! What happens when things break.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Reply, send};
use crate::cluster::Cluster;
use crate::server::{Place, Server, not_tried};

pub(crate) fn f16_panic_is_500_with_its_id_and_is_counted(server: &Server) {
    let panics = || -> u64 {
        let text = send("GET", &format!("{}/metrics", server.admin_base), &[], None).is(200).text();
        let line = text.lines().find_map(|l| l.strip_prefix("lianhu_panics_total "));
        line.map_or(0, |n| n.trim().parse().expect("a number"))
    };
    let before = panics();
    let reply = server.get("/api/test/panic").problem(500, "internal");
    assert!(!reply.text().contains("asked for by a test"));
    assert!(server.log().contains(reply.header("x-request-id")));
    assert!(panics() > before);
    server.get("/api/session").is(200);
    let metrics = send("GET", &format!("{}/metrics", server.admin_base), &[], None).text();
    assert!(metrics.contains("lianhu_requests_total{") && metrics.contains("route=\"/api/test/panic\""));
    // the public listener tells nothing of this
    server.get("/metrics").problem(404, "not_found");
    send("GET", &format!("{}/livez", server.admin_base), &[], None).is(200);
}

/// Whoever makes words up makes neither a series nor a line of the log with them.
pub(crate) fn methods_nobody_knows_are_counted_as_one(server: &Server) {
    let host = server.base.trim_start_matches("http://");
    for n in 0..20 {
        let mut socket = TcpStream::connect(host).expect("connected");
        let head = format!("BREW{n} /ogc HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        socket.write_all(head.as_bytes()).expect("sent");
        let mut said = String::new();
        socket.read_to_string(&mut said).expect("an answer");
        assert!(said.starts_with("HTTP/1.1 405 "), "{said}");
    }
    let metrics = send("GET", &format!("{}/metrics", server.admin_base), &[], None).is(200).text();
    assert!(!metrics.contains("BREW") && !server.log().contains("BREW"));
    let others = metrics.lines().filter(|l| l.starts_with("lianhu_requests_total{") && l.contains("method=\"other\""));
    assert_eq!(others.filter(|l| l.contains("route=\"/ogc\"")).count(), 1, "{metrics}");
}

pub(crate) fn f08_half_open_heads_are_closed(server: &Server) {
    let host = server.base.trim_start_matches("http://");
    let mut slow: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(host).expect("connected")).collect();
    for s in &mut slow {
        s.write_all(b"GET /ogc HTTP/1.1\r\nHost: x\r\nX-Slow: ").expect("sent");
    }
    // everybody else is served meanwhile
    server.get("/ogc/collections/grids/items?limit=1").is(200);
    let begun = Instant::now();
    for s in &mut slow {
        s.set_read_timeout(Some(Duration::from_secs(40))).expect("set");
        let mut rest = Vec::new();
        let _ = s.read_to_end(&mut rest);
    }
    assert!(begun.elapsed() < Duration::from_secs(35), "{:?}", begun.elapsed());
}

/// Uploads of which half was sent.
struct HalfSent(Vec<TcpStream>);

impl HalfSent {
    const ROWS: [&str; 2] = ["楼栋编号,村编码,经度,纬度\n", "F10,520423102001,105.6435644,25.9749874\n"];

    fn begin(server: &Server, n: usize) -> Self {
        let host = server.base.trim_start_matches("http://");
        let begun = |_| {
            let mut socket = TcpStream::connect(host).expect("connected");
            socket.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
            let head = format!(
                "POST /api/imports?layer=buildings&file_name=f10.csv HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\
                 Content-Length: {}\r\n\r\n{}",
                server.token,
                Self::ROWS.concat().len(),
                Self::ROWS[0]
            );
            socket.write_all(head.as_bytes()).expect("sent");
            socket
        };
        Self((0..n).map(begun).collect())
    }

    /// Sends the rest; what is answered.
    fn end(self) -> Vec<String> {
        let ended = |mut socket: TcpStream| {
            socket.write_all(Self::ROWS[1].as_bytes()).expect("it is still taken in");
            let mut said = String::new();
            socket.read_to_string(&mut said).expect("an answer, and the end of the connection");
            said
        };
        self.0.into_iter().map(ended).collect()
    }
}

/// On SQLite alone: what is looked at is the service, not the store. Five exports run when the end is asked for, and five uploads still run
/// when nobody is let in any more.
#[test]
fn f10_end_is_asked_for_and_nobody_notices() {
    let place = Place::sqlite();
    let token = place.settle();
    let mut server = Server::start(place, token, &[]);
    let (base, token, admin_base) = (server.base.clone(), server.token.clone(), server.admin_base.clone());
    let (ready, answered) = (AtomicBool::new(true), AtomicUsize::new(0));
    let bearer = format!("Bearer {token}");
    let ask = |path: &str| {
        send("GET", &format!("{base}/ogc/collections/{path}"), &[("authorization", &bearer)], None).is(200);
        answered.fetch_add(1, Ordering::Relaxed);
    };
    let uploads = HalfSent::begin(&server, 5);
    // a balancer sends no more once the service says that it is not ready
    let exports = || {
        let begun = Instant::now();
        while ready.load(Ordering::Relaxed) {
            // one after the other without a pause: at each moment one runs
            ask("households/items?f=xlsx");
        }
        (begun, Instant::now())
    };
    let (told, exported): (Instant, Vec<(Instant, Instant)>) = std::thread::scope(|threads| {
        let running: Vec<_> = (0..5).map(|_| threads.spawn(exports)).collect();
        for _ in 0..5 {
            threads.spawn(|| {
                while ready.load(Ordering::Relaxed) {
                    ask("grids/items?limit=10");
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        std::thread::sleep(Duration::from_millis(700));
        let told = Instant::now();
        server.terminate();
        until("not being ready", Duration::from_secs(60), || operator_at(&admin_base, "readyz") != 200);
        ready.store(false, Ordering::Relaxed);
        (told, running.into_iter().map(|r| r.join().expect("every export is answered")).collect())
    });
    assert!(
        exported.iter().all(|(begun, ended)| *begun < told && told < *ended),
        "five ran when the end was asked for"
    );
    assert!(answered.load(Ordering::Relaxed) > 10);
    // the door is shut; who is inside is waited for
    let host = server.base.trim_start_matches("http://").to_owned();
    until("shutting the door", Duration::from_secs(60), || TcpStream::connect(&host).is_err());
    for said in uploads.end() {
        assert!(said.starts_with("HTTP/1.1 202 ") && said.contains("\"job\""), "{said}");
    }
    assert!(server.ended(), "a good end: {}", server.log());
}

#[test]
fn demonstration_is_for_this_machine_alone() {
    let place = Place::sqlite();
    place.settle();
    let server = Server::start(place, String::new(), &["--demo"]);
    let who = server.ask("GET", "/api/session", &[], None).is(200).json();
    assert_eq!((who["role"].as_str(), who["by"].as_str()), (Some("planner"), Some("demo")));
    server.ask("GET", "/ogc/collections/grids/items?limit=1", &[], None).is(200);
    // through a proxy, or by another name (DNS rebinding): nobody
    server.ask("GET", "/api/session", &[("x-forwarded-for", "10.1.2.3")], None).problem(401, "unauthenticated");
    server.ask("GET", "/api/session", &[("host", "evil.example")], None).problem(401, "unauthenticated");
    // a foreign page cannot write
    server
        .ask("POST", "/api/tokens", &[("origin", "https://evil.example")], Some(&serde_json::json!({})))
        .problem(403, "cross_site");
}

/// Forks the plan in force: a write of some hundred kilobytes.
fn fork(server: &Server) -> Reply {
    let plans = server.get("/api/plans?status=live").is(200).json();
    let live = plans["plans"][0]["id"].as_str().expect("a plan in force").to_owned();
    server.write("POST", &format!("/api/plans/{live}/fork"), &json!({"name": "试改"}))
}

fn operator(server: &Server, path: &str) -> u16 {
    operator_at(&server.admin_base, path)
}

fn operator_at(admin_base: &str, path: &str) -> u16 {
    send("GET", &format!("{admin_base}/{path}"), &[], None).status
}

/// Waits until something is so.
fn until(what: &str, limit: Duration, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < limit, "{what} takes longer than {limit:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A small disk of its own, where we may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts one; or why not.
    fn mount() -> Result<Self, String> {
        let at = tempfile::tempdir().expect("folder");
        let mut command = Command::new("mount");
        let done = command.args(["-t", "tmpfs", "-o", "size=96m", "tmpfs"]).arg(at.path()).env("LC_ALL", "C").output();
        let done = done.map_err(|e| format!("mount: {e}"))?;
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        if done.status.success() { Ok(Self(at)) } else { Err(said) }
    }

    /// Whether this process may mount (CAP_SYS_ADMIN), as far as it is told. Something around it may still refuse.
    fn may_be_mounted() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let rights = status.lines().find_map(|l| l.strip_prefix("CapEff:"));
        rights.and_then(|r| u64::from_str_radix(r.trim(), 16).ok()).is_some_and(|r| r & (1 << 21) != 0)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn f03_full_store_is_507_while_reading_goes_on() {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(why) => {
            let is_refused = why.contains("denied") || why.contains("not permitted") || why.contains("superuser");
            assert!(is_refused || !SmallDisk::may_be_mounted(), "whoever may mount has a small disk: {why}");
            return not_tried("F03: a full disk under a GeoPackage that is served; it wants a tmpfs", &why);
        }
    };
    let place = Place::within(disk.0.path());
    let token = place.settle();
    let server = Server::start(place, token, &[]);
    fork(&server).is(201);
    let ballast = disk.0.path().join("ballast");
    let mut file = std::fs::File::create(&ballast).expect("ballast");
    while file.write_all(&[1; 1 << 16]).is_ok() {}
    while file.write_all(&[1; 512]).is_ok() {}
    drop(file);
    // what is free inside the file is used up first
    let refused = (0..200).map(|_| fork(&server)).find(|reply| reply.status != 201).expect("a full disk");
    let refused = refused.problem(507, "store_full");
    assert!(!refused.text().contains("register.gpkg"), "{}", refused.text());
    assert_eq!((operator(&server, "livez"), operator(&server, "readyz")), (200, 503));
    server.get("/ogc/collections/grids/items?limit=1").is(200);
    server.get("/api/plans").is(200);
    std::fs::remove_file(&ballast).expect("space");
    fork(&server).is(201);
    until("being ready again", Duration::from_secs(30), || operator(&server, "readyz") == 200);
}

#[test]
fn f06_database_goes_and_comes_back() {
    let cluster = Cluster::start();
    let place = Place::of(&cluster);
    let token = place.settle();
    let server = Server::start(place, token, &[]);
    fork(&server).is(201);
    cluster.control(&["-m", "immediate", "stop"]);
    for _ in 0..3 {
        let live = "/api/plans?status=live";
        let refused = server.get(live).problem(503, "unavailable");
        assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|s| s <= 5), "{:?}", refused.headers);
        assert!(!refused.text().contains("postgres"), "{}", refused.text());
    }
    assert_eq!((operator(&server, "livez"), operator(&server, "readyz")), (200, 503));
    cluster.control(&["start"]);
    until("coming back", Duration::from_secs(60), || operator(&server, "readyz") == 200);
    fork(&server).is(201);
    // every connection cut while nobody looked
    cluster
        .psql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lianhu'");
    until("a new connection", Duration::from_secs(60), || server.get("/api/plans").status == 200);
    fork(&server).is(201);
}
