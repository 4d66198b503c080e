//! What whoever runs the service meets: settings, the first start, limits.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use crate::client::send;
use crate::server::{Place, Server, cookie_of, not_tried};

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

/// A11, A17: behind TLS the cookie is bound to the host and to TLS, and every answer tells browsers to stay with it.
#[test]
fn a17_behind_tls_the_cookie_is_bound_to_the_host_and_every_answer_has_hsts() {
    let server = fresh(&["--public-origin", "https://county.example"], &[]);
    let origin = [("origin", "https://county.example")];
    let signed = server.sign_in("某管理员", crate::server::PASSWORD, &origin).is(201);
    let set = signed.header("set-cookie").to_owned();
    let parts: Vec<&str> = set.split("; ").collect();
    assert!(parts[0].starts_with("__Host-lianhu=lianhu_"), "{set}");
    for part in ["Secure", "HttpOnly", "Path=/", "SameSite=Strict"] {
        assert!(parts.contains(&part), "{part}: {set}");
    }
    assert!(!set.to_ascii_lowercase().contains("domain"), "{set}");
    let cookie = cookie_of(&signed);
    server.ask("GET", "/api/session", &[("cookie", &cookie)], None).is(200);
    // the same secret under the name that plain http has: a page of another host could have planted it
    let bare = cookie.trim_start_matches("__Host-").to_owned();
    server.ask("GET", "/api/session", &[("cookie", &bare)], None).problem(401, "unauthenticated");
    server.sign_in("某管理员", crate::server::PASSWORD, &[("origin", &server.base)]).problem(403, "cross_site");
    for (path, status) in
        [("/", 200), ("/ogc", 200), ("/ogc/style.css", 200), ("/api/session", 401), ("/nothing", 404), ("/first", 404)]
    {
        let reply = server.ask("GET", path, &[], None).is(status);
        let said = reply.header("strict-transport-security");
        assert!(said.starts_with("max-age=31536000"), "{path}: {said}");
    }
    let page = server.get("/ogc/collections/regions/items?limit=1").is(200);
    assert!(page.text().contains("https://county.example/ogc/"), "links lead to the address outside");
    let gone = server.ask("DELETE", "/api/session", &[("cookie", &cookie), origin[0]], None).is(204);
    assert!(gone.header("set-cookie").starts_with("__Host-lianhu=;") && gone.header("set-cookie").contains("Secure"));
}

/// What an answer says to pages of another origin.
fn to_origin(server: &Server, method: &str, path: &str, origin: &str, more: &[(&str, &str)]) -> (u16, String) {
    let bearer = format!("Bearer {}", server.token);
    let mut headers = vec![("origin", origin)];
    // a browser asks beforehand without any token
    headers.extend((method != "OPTIONS").then_some(("authorization", bearer.as_str())));
    headers.extend_from_slice(more);
    let reply = server.ask(method, path, &headers, None);
    assert!(reply.header("access-control-allow-credentials").is_empty(), "{method} {path}");
    (reply.status, reply.header("access-control-allow-origin").to_owned())
}

const GIS: &str = "https://gis.example";
const READ: [(&str, &str); 2] =
    [("access-control-request-method", "GET"), ("access-control-request-headers", "authorization")];
const ITEMS: &str = "/ogc/collections/regions/items?limit=1";

#[test]
fn no_page_of_another_origin_reads_anything_as_built() {
    let server = fresh(&[], &[]);
    for path in [ITEMS, "/ogc", "/api/session"] {
        assert_eq!(to_origin(&server, "GET", path, GIS, &[]), (200, String::new()), "{path}");
        let (status, said) = to_origin(&server, "OPTIONS", path, GIS, &READ);
        assert!((400..500).contains(&status) && said.is_empty(), "{path}: {status} {said}");
    }
}

#[test]
fn pages_of_named_origins_read_the_standard_interface_and_nothing_else() {
    let server = fresh(&["--allowed-origins", "https://gis.example,http://127.0.0.1:9"], &[]);
    for path in [ITEMS, "/ogc", "/ogc/collections/regions/tiles/WebMercatorQuad/1/0/1"] {
        assert_eq!(to_origin(&server, "GET", path, GIS, &[]), (200, GIS.to_owned()), "{path}");
        assert_eq!(to_origin(&server, "OPTIONS", path, GIS, &READ), (204, GIS.to_owned()), "{path}");
        for other in ["https://evil.example", "https://gis.example.evil.example", "http://gis.example", "null", "*"] {
            assert_eq!(to_origin(&server, "GET", path, other, &[]), (200, String::new()), "{path} {other}");
            let (status, said) = to_origin(&server, "OPTIONS", path, other, &READ);
            assert!((400..500).contains(&status) && said.is_empty(), "{path} {other}");
        }
    }
    let reply = server.ask("GET", ITEMS, &[("origin", GIS)], None).is(401);
    assert_eq!(reply.header("access-control-allow-origin"), GIS, "a page may learn that it wants a token");
    assert!(reply.header("vary").contains("Origin"));
    let reply = server.get(ITEMS).is(200);
    assert!(reply.header("vary").contains("Origin") && reply.header("vary").contains("Accept-Encoding"));
    let asked = server.ask("OPTIONS", ITEMS, &[("origin", GIS), READ[0], READ[1]], None).is(204);
    assert_eq!(asked.header("access-control-allow-methods"), "GET, HEAD");
    assert!(asked.header("access-control-allow-headers").contains("authorization"));
    assert!(asked.header("content-security-policy").contains("default-src"), "this is an answer like others");
    // neither writing nor the application's own interface
    for (method, path) in [("PUT", "/ogc/collections/regions/items/520423102001"), ("POST", ITEMS), ("DELETE", ITEMS)] {
        let (_, said) = to_origin(&server, method, path, GIS, &[]);
        assert!(said.is_empty(), "{method} {path}");
        let wanted = [("access-control-request-method", method)];
        let (status, said) = to_origin(&server, "OPTIONS", path, GIS, &wanted);
        assert!((400..500).contains(&status) && said.is_empty(), "{method} {path}");
    }
    for path in ["/api/session", "/api/events", "/", "/ogcx"] {
        let (_, said) = to_origin(&server, "OPTIONS", path, GIS, &READ);
        assert!(said.is_empty(), "{path}");
    }
    assert_eq!(to_origin(&server, "GET", "/api/session", GIS, &[]), (200, String::new()));
}

#[test]
fn any_page_reads_only_where_it_is_written_so() {
    let server = fresh(&[], &[("LIANHU_WEB_ALLOWED_ORIGINS", "*")]);
    assert_eq!(to_origin(&server, "GET", ITEMS, "https://any.example", &[]), (200, "*".to_owned()));
    assert_eq!(to_origin(&server, "OPTIONS", ITEMS, "https://any.example", &READ), (204, "*".to_owned()));
    assert_eq!(to_origin(&server, "GET", "/api/session", "https://any.example", &[]), (200, String::new()));
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
    server.get("/ogc/collections/public-hotspots").is(200);
    let refused = server.ask("GET", totals, &[], None).problem(429, "too_often");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|s| (1..=60).contains(&s)));
    server.get(totals).problem(429, "too_often");
    // everything else goes on
    server.ask("GET", "/ogc", &[], None).is(200);
    server.get("/ogc/collections").is(200);
    // signing in has a count of its own: a password costs time and memory, also under names that nobody has
    let sign_in = |name: &str| server.sign_in(name, crate::server::PASSWORD, &[]);
    sign_in("某管理员").is(201);
    sign_in("没有此人").problem(401, "wrong_password");
    sign_in("某管理员").problem(429, "too_often");
}

/// What describes the service is made anew each time and seldom another: whoever has it is told so.
#[test]
fn what_describes_the_service_has_a_mark_of_its_own() {
    let server = fresh(&[], &[]);
    let mut marks = std::collections::BTreeSet::new();
    let paths = [
        "/ogc",
        "/ogc?f=html",
        "/ogc/api",
        "/ogc/conformance",
        "/ogc/style.css",
        "/ogc/collections",
        "/ogc/collections/grids",
        "/ogc/collections/grids/queryables",
        "/ogc/collections/grids/tiles",
        "/ogc/tileMatrixSets/WebMercatorQuad",
        "/ogc/lianhu.qgs",
        "/api/openapi.json",
    ];
    for path in paths {
        let first = server.get(path).is(200);
        let mark = first.header("etag").to_owned();
        assert!(mark.starts_with("W/\"") && marks.insert(mark.clone()), "{path}: {mark}");
        let token = format!("Bearer {}", server.token);
        let with = |mark: &str| server.ask("GET", path, &[("authorization", &token), ("if-none-match", mark)], None);
        let again = with(&mark).is(304);
        assert!(again.body.is_empty() && again.header("etag") == mark, "{path}");
        assert_eq!(with("W/\"another\"").is(200).body, first.body, "{path}");
    }
}

/// Whoever comes through a trusted proxy from elsewhere is not slowed down, and nobody writes an address of their own; without the setting
/// all who come through it are one.
#[test]
fn a09_wrong_passwords_are_counted_by_the_address_before_a_trusted_proxy() {
    for (trusted, victim) in [(&[("LIANHU_WEB_TRUSTED_PROXIES", "127.0.0.1")][..], 201), (&[], 429)] {
        let server = fresh(&[], trusted);
        let from =
            |address: &str, password: &str| server.sign_in("某管理员", password, &[("x-forwarded-for", address)]);
        for n in 0..10 {
            let written = format!("192.0.2.{n}, 198.51.100.1");
            from(&written, "错误的密码错误的密码").problem(401, "wrong_password");
        }
        from("198.51.100.1", "错误的密码错误的密码").problem(429, "throttled");
        assert_eq!(from("198.51.100.2", crate::server::PASSWORD).status, victim, "{trusted:?}");
    }
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
    let what = "the unit for systemd; it wants systemd-analyze";
    let judged = match judged {
        Ok(judged) => judged,
        Err(e) => return not_tried(what, &e.to_string()),
    };
    let said = String::from_utf8_lossy(&judged.stdout);
    if !said.contains("exposure level") {
        return not_tried(what, &String::from_utf8_lossy(&judged.stderr));
    }
    assert!(judged.status.success(), "{}", said.lines().last().unwrap_or_default());
}
