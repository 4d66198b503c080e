//! F08: clients that send or take so slowly that they are given up. The times are short here; that they end is what counts.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::client::send;
use crate::server::{Place, Server};

/// Against hanging; nothing takes so long.
const GUARD: Duration = Duration::from_secs(120);

fn server() -> Server {
    let place = Place::sqlite();
    let token = place.settle();
    let short = [("LIANHU_HEAD_SECONDS", "2"), ("LIANHU_BODY_SECONDS", "2"), ("LIANHU_WRITE_SECONDS", "2")];
    Server::start_with(place, token, &[], &short)
}

fn connected(server: &Server, head: &str) -> TcpStream {
    let host = server.base.trim_start_matches("http://");
    let mut socket = TcpStream::connect(host).expect("connected");
    socket.set_read_timeout(Some(GUARD)).expect("set");
    let token = &server.token;
    let head = format!("{head}\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n");
    socket.write_all(head.as_bytes()).expect("sent");
    socket
}

/// Sends a byte now and then until the other side will have no more; what it said.
fn dripped(mut socket: TcpStream, piece: &[u8]) -> String {
    let begun = Instant::now();
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("set");
    let mut said = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        assert!(begun.elapsed() < GUARD, "still open");
        let _ = socket.write_all(piece);
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => said.extend_from_slice(&buffer[..n]),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            // closed with our bytes unread
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn connections(server: &Server) -> f64 {
    let text = send("GET", &format!("{}/metrics", server.admin_base), &[], None).is(200).text();
    let line = text.lines().find_map(|l| l.strip_prefix("lianhu_connections "));
    line.and_then(|n| n.trim().parse().ok()).unwrap_or_default()
}

#[test]
fn f08_slow_bodies_and_slow_readers_are_given_up() {
    let server = server();
    // a body of JSON that never comes to its end
    let json = "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    let mut socket = connected(&server, "POST /api/incidents HTTP/1.1");
    socket.write_all(json.as_bytes()).expect("sent");
    let said = dripped(socket, b" ");
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("\"slow_body\""), "{said}");
    // a file that comes in drops
    let mut socket = connected(&server, "POST /api/imports?layer=buildings&file_name=a.csv HTTP/1.1");
    socket.write_all(b"Transfer-Encoding: chunked\r\n\r\n").expect("sent");
    let said = dripped(socket, b"1\r\nx\r\n");
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("\"slow_body\""), "{said}");
    let uploads = format!("{}.uploads", server.place.url.trim_start_matches("sqlite:"));
    assert_eq!(std::fs::read_dir(uploads).expect("the folder").count(), 0);
    // a head that never ends
    let mut socket = connected(&server, "GET /ogc HTTP/1.1");
    socket.write_all(b"X-Slow: ").expect("sent");
    dripped(socket, b"x");

    // one who asks for more than the system keeps for him, and takes nothing
    let page = "/ogc/collections/households/items?limit=10000";
    let whole = server.get(page).is(200).body.len();
    let asked = (64 << 20) / whole + 1;
    let mut socket = connected(&server, &format!("GET {page} HTTP/1.1"));
    let again = format!("\r\nGET {page} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n", server.token);
    socket.write_all(again.repeat(asked - 1).as_bytes()).and_then(|()| socket.write_all(b"\r\n")).expect("sent");
    let begun = Instant::now();
    // the one that asks for the figures is there itself
    while connections(&server) > 1.0 {
        assert!(begun.elapsed() < GUARD, "still open");
        server.get("/ogc/collections/grids/items?limit=1").is(200);
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut got = Vec::new();
    let _ = socket.read_to_end(&mut got);
    assert!(got.starts_with(b"HTTP/1.1 200 ") && got.len() < whole * asked, "{} of {}", got.len(), whole * asked);
    server.get("/ogc/collections/grids/items?limit=1").is(200);
}
