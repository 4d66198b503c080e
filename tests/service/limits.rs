//! How much a body may be.

use crate::client::{Reply, send};
use crate::incidents::key;
use crate::server::Server;

const MIB: usize = 1 << 20;

pub(crate) fn json_beyond_its_bytes_is_413(server: &Server) {
    let bearer = format!("Bearer {}", server.token);
    // an object of nothing, and white space
    let sent = |path: &str, kind: &str, bytes: usize| -> Reply {
        let mut body = b"{}".to_vec();
        body.resize(bytes, b' ');
        let once = key();
        let headers = [("authorization", bearer.as_str()), ("content-type", kind), ("idempotency-key", once.as_str())];
        send("POST", &format!("{}{path}", server.base), &headers, Some(&body))
    };
    for (path, kind, most) in [
        ("/api/tokens", "application/json", MIB),
        ("/api/incidents", "application/json", MIB),
        ("/api/incidents/bulk", "application/json", 16 * MIB),
        ("/ogc/collections/buildings/items", "application/geo+json", 16 * MIB),
    ] {
        let refused = sent(path, kind, most + 1).problem(413, "too_large");
        assert!(refused.text().contains(&most.to_string()), "{path}: {}", refused.text());
        // as much as may be is read, and has nothing in it
        let read = sent(path, kind, most);
        assert_eq!(read.status, 422, "{path}: {}", read.text());
    }
}
