//! What whoever runs the service meets: settings, the first start, limits.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use crate::client::send;
use crate::server::{Place, Server, cookie_of};

fn fresh(more: &[&str], environment: &[(&str, &str)]) -> Server {
    let place = Place::sqlite();
    let outlines = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/township/regions.geojson");
    place.run(&["import", "--layer", "regions", outlines], "");
    place.run(&["user", "add", "某管理员", "--role", "admin", "--region", "*"], crate::server::PASSWORD);
    let said = place.run(&["token", "add", "--role", "admin", "--region", "*"], "");
    let token = said.lines().last().expect("a token").trim().to_owned();
    Server::start_with(place, token, more, environment)
}

#[test]
fn config_is_shown_as_it_is_resolved_without_passwords() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("lianhu.toml");
    std::fs::write(&file, "bind = \"127.0.0.1:18080\"\nlog = \"warn\"\n").expect("file");
    let shown = |arguments: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_lianhu"))
            .arg("config")
            .args(arguments)
            .env("LIANHU_CONFIG", &file)
            .env("LIANHU_STORE", "postgres://li:geheim@db/lianhu")
            .output()
            .expect("the program runs");
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let (code, text) = shown(&["--bind", "127.0.0.1:18081"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("bind = \"127.0.0.1:18081\"") && text.contains("log = \"warn\""), "{text}");
    assert!(text.contains("postgres://li:***@db/lianhu") && !text.contains("geheim"), "{text}");
    assert_eq!(shown(&["--bind", "nowhere"]).0, Some(2));
}

#[test]
fn first_start_prints_a_link_that_makes_one_admin_once() {
    let server = Server::start_with(Place::sqlite(), String::new(), &[], &[]);
    let log = server.log();
    let link = log.split_whitespace().find(|w| w.contains("/first?key=")).unwrap_or_else(|| panic!("{log}")).to_owned();
    let path = link.trim_start_matches(&server.base).to_owned();
    let key = path.split_once("key=").expect("a key").1.to_owned();
    assert!(server.ask("GET", &path, &[], None).is(200).text().contains("<form method=\"post\" action=\"/first\">"));
    server.get_as(&key, "/api/session").problem(401, "unauthenticated");
    server.ask("GET", "/first?key=x", &[], None).problem(404, "not_found");
    let other = format!("/first?key=lianhu_{}", "0".repeat(64));
    server.ask("GET", &other, &[], None).problem(410, "link_spent");
    let send_form = |password: &str| {
        let body = format!("key={key}&name=%E5%8E%BF%E9%95%BF&password={password}");
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", server.base.as_str())];
        send("POST", &format!("{}/first", server.base), &headers, Some(body.as_bytes()))
    };
    assert_eq!(send_form("short").status / 100, 4);
    let made = send_form("a-long-enough-one").is(303);
    let cookie = cookie_of(&made);
    let who = server.ask("GET", "/api/session", &[("cookie", &cookie)], None).is(200).json();
    assert_eq!((&who["name"], &who["role"], &who["region"]), (&"县长".into(), &"admin".into(), &"*".into()));
    send_form("a-long-enough-one").problem(410, "link_spent");
    server.ask("GET", &path, &[], None).problem(410, "link_spent");
    let bytes = std::fs::read(server.place.url.trim_start_matches("sqlite:")).expect("the store");
    assert!(!bytes.windows(key.len()).any(|w| w == key.as_bytes()), "the key is kept as a hash");
}

#[test]
fn costly_requests_are_counted_by_token() {
    let server = fresh(&[], &[("LIANHU_COSTLY_PER_MINUTE", "2")]);
    let upload = |token: &str| server.upload_as(token, "/api/imports?layer=buildings&file_name=a.csv", b"x");
    upload(&server.token).is(202);
    upload(&server.token).is(202);
    let refused = upload(&server.token).problem(429, "too_often");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|s| (1..=60).contains(&s)));
    server.get("/api/regions").is(200);
    upload(&server.token_for("planner", "520423102")).is(202);
}

/// Signed in or not, whatever the token: the address counts, on what is open to everybody.
#[test]
fn public_requests_are_counted_by_address() {
    let server = fresh(&[], &[("LIANHU_PUBLIC_INCIDENTS", "true"), ("LIANHU_PUBLIC_PER_MINUTE", "2")]);
    let totals = "/ogc/collections/public-totals/items";
    server.ask("GET", totals, &[], None).is(200);
    server.get("/ogc/collections/public-incidents").is(200);
    let refused = server.ask("GET", totals, &[], None).problem(429, "too_often");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|s| (1..=60).contains(&s)));
    server.get(totals).problem(429, "too_often");
    // everything else goes on
    server.ask("GET", "/ogc", &[], None).is(200);
    server.get("/ogc/collections").is(200);
    server.sign_in("某管理员", crate::server::PASSWORD, &[]).is(201);
}

#[test]
fn i40_body_beyond_the_cap_is_refused_and_leaves_no_file() {
    let server = fresh(&["--upload-mib", "1"], &[]);
    let uploads = format!("{}.uploads", server.place.url.trim_start_matches("sqlite:"));
    let files = || std::fs::read_dir(&uploads).expect("the folder").count();
    let path = "/api/imports?layer=buildings&file_name=a.csv";
    let host = server.base.trim_start_matches("http://").to_owned();
    let connected = |how: &str| {
        let mut socket = TcpStream::connect(&host).expect("connected");
        let token = &server.token;
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{how}\r\n\r\n");
        socket.write_all(head.as_bytes()).expect("sent");
        socket
    };
    // refused for what it says it will send
    let mut socket = connected(&format!("Content-Length: {}", (1 << 20) + 1));
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 413");
    // without a length, for what it sends
    let mut socket = connected("Transfer-Encoding: chunked");
    let chunk = [format!("{:x}\r\n", 1 << 16).into_bytes(), vec![b'x'; 1 << 16], b"\r\n".to_vec()].concat();
    // the service closes while we still send
    let mut sent = 0;
    while sent < 64 && socket.write_all(&chunk).is_ok() {
        sent += 1;
    }
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    assert!(sent < 64 || answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(files(), 0);
    // what waits is for its owner's eyes
    server.upload_as(&server.token, path, b"x").is(202);
    for entry in std::fs::read_dir(&uploads).expect("the folder").flatten() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(entry.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    }
}

/// Where systemd is there to judge it.
#[test]
fn systemd_unit_leaves_the_service_little() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/lianhu.service");
    let judged = Command::new("systemd-analyze").args(["security", "--offline=yes", "--threshold=15", unit]).output();
    let Ok(judged) = judged else { return };
    let said = String::from_utf8_lossy(&judged.stdout);
    if said.contains("exposure level") {
        assert!(judged.status.success(), "{}", said.lines().last().unwrap_or_default());
    }
}
