//! Tiles of Tianditu through the service, from a Tianditu of the tests' own: the key is on what is asked there and nowhere else.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::Reply;
use crate::server::{PASSWORD, Place, ROLES, Server};

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// A picture by its first bytes, which is all that the service looks at.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nground";
/// Longer than any tile.
const LONG: usize = (1 << 20) + 1;

/// What is asked, line by line; the column of a tile says how it is answered.
#[derive(Clone)]
struct Upstream {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/tdt", listener.local_addr().expect("an address"));
        let upstream = Self { url, asked: Arc::default() };
        let here = upstream.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let here = here.clone();
                std::thread::spawn(move || here.answer(stream));
            }
        });
        upstream
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("lock").clone()
    }

    fn answer(&self, mut stream: TcpStream) {
        let lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
        let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let Some(first) = head.first() else { return };
        self.asked.lock().expect("lock").push(head.join("\n"));
        let column = first.split("TILECOL=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
        let page = b"<html>tk is wrong</html>".to_vec();
        let (status, kind, body) = match column {
            "2" => ("200 OK", "text/html", page),
            "3" => ("200 OK", "image/png", [PICTURE, &vec![0; LONG]].concat()),
            "4" => {
                std::thread::sleep(Duration::from_secs(9));
                return;
            }
            "5" => ("403 Forbidden", "application/json", br#"{"code":301012,"msg":"Key"}"#.to_vec()),
            "6" => ("404 Not Found", "text/html", page),
            "7" => ("302 Found\r\nLocation: /tdt/elsewhere?TILECOL=1", "image/png", PICTURE.to_vec()),
            "8" => {
                std::thread::sleep(Duration::from_millis(400));
                ("200 OK", "image/png", PICTURE.to_vec())
            }
            "9" => ("200 OK", "image/png", page),
            "10" => ("500 Internal Server Error", "text/html", page),
            "11" => ("200 OK", "text/html", PICTURE.to_vec()),
            _ => ("200 OK", "image/png", PICTURE.to_vec()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        // a client that has enough goes
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    }
}

/// The service on a store with one administrator, with that Tianditu; no certificates are needed for it, and none are there.
fn service(upstream: &Upstream) -> Server {
    let place = Place::sqlite();
    let regions = format!("{}/fixtures/township/regions.geojson", env!("CARGO_MANIFEST_DIR"));
    place.run(&["import", "--layer", "regions", &regions], "");
    place.run(&["user", "add", "县管理员", "--role", "admin", "--region", "*"], PASSWORD);
    let said = place.run(&["token", "add", "--role", "admin", "--region", "*"], "");
    let token = said.lines().last().expect("a token").trim().to_owned();
    let settings = [
        ("LIANHU_TIANDITU_KEY", KEY),
        ("LIANHU_TIANDITU_BASE", upstream.url.as_str()),
        ("LIANHU_TIANDITU_SECONDS", "3"),
        ("LIANHU_LOG", "debug"),
        ("SSL_CERT_FILE", "/dev/null"),
        ("SSL_CERT_DIR", "/dev/null"),
    ];
    Server::start_with(place, token, &[], &settings)
}

fn path(layer: &str, row: u32, column: u32) -> String {
    format!("/api/basemaps/tianditu/{layer}/14/{row}/{column}")
}

/// Keeps what clients were told, to look for the key in it.
struct Told<'s>(&'s Server, Vec<String>);

impl Told<'_> {
    fn get(&mut self, path: &str) -> Reply {
        let reply = self.0.get(path);
        self.1.push(format!("{:?} {}", reply.headers, reply.text()));
        reply
    }
}

#[test]
fn tianditu_comes_through_the_service_and_its_key_does_not() {
    let upstream = Upstream::start();
    let server = service(&upstream);
    let mut told = Told(&server, Vec::new());
    let count = || upstream.asked().len();

    // whoever is not known asks nothing of anybody, and what is no tile neither
    server.ask("GET", &path("vec", 9, 1), &[], None).problem(401, "unauthenticated");
    for bad in
        ["ter/14/9/1", "vec_w/14/9/1", "vec/0/0/0", "vec/19/9/1", "vec/3/8/1", "vec/3/1/8", "vec/x/9/1", "vec/14/-1/1"]
    {
        told.get(&format!("/api/basemaps/tianditu/{bad}")).problem(404, "not_found");
    }
    told.get(&format!("{}?tk=x", path("vec", 9, 1))).problem(400, "unknown_parameter");
    assert_eq!(count(), 0);

    // a tile comes as it is, is asked for as the WMTS wants it, and once
    let first = told.get(&path("vec", 9, 1)).is(200);
    assert_eq!((first.body.as_slice(), first.header("content-type")), (PICTURE, "image/png"));
    assert_eq!(first.header("cache-control"), "private, max-age=86400");
    let asked = upstream.asked();
    assert!(
        asked[0].starts_with(&format!(
            "GET /tdt/vec_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=vec&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles\
             &TILEMATRIX=14&TILEROW=9&TILECOL=1&tk={KEY} HTTP/1.1\n"
        )),
        "{asked:?}"
    );
    let lower = asked[0].to_ascii_lowercase();
    assert!(lower.contains("user-agent: lianhu/") && !lower.contains("authorization") && !lower.contains("cookie"));
    assert_eq!(told.get(&path("vec", 9, 1)).is(200).body, PICTURE);
    let bearer = format!("Bearer {}", server.token);
    let known = [("authorization", bearer.as_str()), ("if-none-match", first.header("etag"))];
    let again = server.ask("GET", &path("vec", 9, 1), &known, None).is(304);
    assert_eq!((again.header("etag"), again.body.len()), (first.header("etag"), 0));
    assert_eq!(count(), 1);
    for role in ROLES {
        server.get_as(&server.token_for(role, "520423102001"), &path("vec", 9, 1)).is(200);
    }
    assert_eq!(count(), 1, "every role, out of memory");
    told.get(&path("cva", 9, 1)).is(200);
    assert_eq!(count(), 2, "each layer has its own");
    // many who want the same at once ask once
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| server.get(&path("img", 9, 8)).is(200));
        }
    });
    assert_eq!(count(), 3);

    // what is no tile goes no further, whatever it is called, and nothing is followed
    for (column, status, code) in [
        (2, 502, "basemap_no_tile"),
        (3, 502, "basemap_no_tile"),
        (4, 504, "basemap_late"),
        (5, 502, "basemap_refused"),
        (7, 502, "basemap_no_tile"),
        (9, 502, "basemap_no_tile"),
        (10, 502, "basemap_no_tile"),
        (11, 502, "basemap_no_tile"),
    ] {
        let (before, reply) = (count(), told.get(&path("vec", 9, column)).problem(status, code));
        let text = reply.text();
        assert!(!text.contains("tk is wrong") && !text.contains("127.0.0.1") && !text.contains("301012"), "{text}");
        assert_eq!((count(), reply.header("cache-control")), (before + 1, "no-store"), "{column}");
        // one that comes between: these are no failures in a row
        told.get(&path("vec", 100 + column, 1)).is(200);
    }
    told.get(&path("vec", 9, 6)).problem(404, "not_found");
    assert!(upstream.asked().iter().all(|head| !head.contains("elsewhere")));

    // failures in a row: nobody is asked for a while, and what is kept still comes
    for row in 0..4 {
        told.get(&path("vec", row, 2)).problem(502, "basemap_no_tile");
    }
    let before = count();
    let resting = told.get(&path("vec", 200, 1)).problem(503, "basemap_resting");
    let wait_s: u32 = resting.header("retry-after").parse().expect("seconds");
    assert!((1..=15).contains(&wait_s), "{wait_s}");
    told.get(&path("vec", 9, 1)).is(200);
    assert_eq!(count(), before);

    // the key is on everything that was asked there, and in nothing that was told here
    assert!(
        upstream.asked().iter().all(|head| head.lines().next().is_some_and(|l| l.contains(&format!("&tk={KEY} "))))
    );
    let who = told.get("/api/session").is(200).json();
    assert_eq!(who["basemaps"], serde_json::json!(["tianditu"]));
    assert!(told.get("/api/openapi.json").is(200).text().contains("getTiandituTile"));
    told.get("/api/audit?limit=1000").is(200);
    let figures = crate::client::send("GET", &format!("{}/metrics", server.admin_base), &[], None).is(200).text();
    told.1.extend([figures, server.log()]);
    assert!(server.log().contains("Tianditu gives no tiles") && server.log().contains("Tianditu gives tiles again"));
    let spoken: Vec<&String> = told.1.iter().filter(|text| text.contains(KEY)).collect();
    assert!(spoken.is_empty(), "{spoken:?}");
}

/// A host that is asked over https must be known by something.
#[test]
fn https_without_certificates_is_refused_with_what_to_do() {
    let place = Place::sqlite();
    let serve = |base: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_lianhu"))
            .args(["serve", "--store", &place.url, "--bind", "127.0.0.1:0", "--admin-bind", "127.0.0.1:0"])
            .envs([("LIANHU_TIANDITU_KEY", KEY), ("LIANHU_TIANDITU_BASE", base)])
            .envs([("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/dev/null")])
            .output()
            .expect("the program ends");
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let (code, said) = serve("https://t{s}.tianditu.gov.cn");
    assert_eq!(code, Some(2), "{said}");
    let told = said.lines().find(|line| line.contains("tianditu.base")).unwrap_or_default();
    assert!(told.contains("根证书") && told.contains("ca-certificates") && told.contains("SSL_CERT_FILE"), "{said}");
    assert!(!said.contains(KEY), "{said}");
}

/// Without a key there is none of it.
pub(crate) fn nothing_is_asked_of_other_hosts_without_a_key(server: &Server) {
    server.get(&path("vec", 9, 1)).problem(404, "not_found");
    server.ask("GET", &path("vec", 9, 1), &[], None).problem(401, "unauthenticated");
    assert_eq!(server.get("/api/session").is(200).json()["basemaps"], serde_json::json!([]));
    assert!(!server.get("/api/openapi.json").is(200).text().contains("tianditu/"));
}
