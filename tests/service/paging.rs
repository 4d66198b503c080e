//! Pages while rows come and go: whoever turns them sees everything that stayed, once, in order.

use serde_json::{Value, json};

use crate::editing::{feature, place, send, served};
use crate::features::encoded;
use crate::server::{Server, VILLAGE, writing};

fn ids(features: &Value) -> Vec<String> {
    let features = features.as_array().expect("features");
    features.iter().map(|f| f["id"].as_str().expect("an id").to_owned()).collect()
}

fn path_of(id: &str) -> String {
    format!("buildings/items/{}", encoded(id))
}

fn comes(server: &Server, id: &str, at: [f64; 2]) {
    let new = feature(id, at, &json!({"name": "翻页", "village": VILLAGE}));
    send(server, &server.token, "POST", "buildings/items", None, Some(&new)).is(201);
    served(server, &path_of(id), |r| r.status == 200);
}

fn goes(server: &Server, id: &str) {
    send(server, &server.token, "DELETE", &path_of(id), Some("\"1\""), None).is(204);
    served(server, &path_of(id), |r| r.status == 404);
}

/// A page's ids, and where the next one is.
fn page(server: &Server, path: &str) -> (Vec<String>, Option<String>) {
    let page = server.get(path).is(200).json();
    let next = page["links"].as_array().expect("links").iter().find(|l| l["rel"] == "next");
    let href = next.map(|l| l["href"].as_str().expect("href"));
    let next = href.map(|h| h.strip_prefix(&server.base).expect("links stay on the host").to_owned());
    (ids(&page["features"]), next)
}

/// Behind the first page: its last row, which the cursor names, goes, and one comes that sorts before it. Ahead: one goes, one comes.
pub(crate) fn rows_that_come_and_go_between_pages_move_no_other(server: &Server) {
    let _writing = writing();
    let at = place(server);
    let of_village = format!("&village={VILLAGE}");
    for (query, of) in [
        (String::new(), ["0001-0700甲", "0001-0650甲", "0002-0100甲", "0001-0750甲"]),
        (of_village.clone(), ["0001-0100乙", "0001-0050乙", "0001-0200乙", "0001-0150乙"]),
        // from the end: behind is what sorts after
        (format!("{of_village}&sortby=-id"), ["0001-0600丙", "0001-0650丙", "0001-0400丙", "0001-0500丙"]),
    ] {
        let [last, new_behind, goes_ahead, new_ahead] = of;
        comes(server, last, at);
        comes(server, goes_ahead, at);
        let whole = page(server, &format!("/ogc/collections/buildings/items?limit=10000{query}")).0;
        let limit = whole.iter().position(|id| id == last).expect("it is served") + 1;
        assert!(whole.iter().skip(limit).any(|id| id == goes_ahead), "{query}");
        let (mut seen, mut next) = page(server, &format!("/ogc/collections/buildings/items?limit={limit}{query}"));
        assert_eq!(seen[..], whole[..limit], "{query}");
        goes(server, last);
        comes(server, new_behind, at);
        goes(server, goes_ahead);
        comes(server, new_ahead, at);
        let mut pages = 1;
        while let Some(path) = next {
            let (more, then) = page(server, &path);
            assert!(!more.is_empty(), "{path}");
            seen.extend(more);
            (next, pages) = (then, pages + 1);
        }
        let mut wanted: Vec<&str> = whole.iter().map(String::as_str).filter(|id| *id != goes_ahead).collect();
        let after = wanted.iter().position(|id| if query.contains("-id") { *id < new_ahead } else { *id > new_ahead });
        wanted.insert(after.expect("not the last"), new_ahead);
        assert!(seen == wanted, "{query}: {} {}, {pages} pages", seen.len(), wanted.len());
        assert!(pages > 3, "{query}");
        for id in [new_behind, new_ahead] {
            goes(server, id);
        }
    }
}
