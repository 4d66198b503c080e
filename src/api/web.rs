//! The map page and its files, built into the program; without them, a page that says how to build them.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::error::Problem;
use super::extract::Segments;
use crate::domain::hex;

#[derive(RustEmbed)]
#[folder = "web-map/dist/"]
#[allow_missing = true]
struct Files;

const ABSENT: &str = "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>联户 Lianhu</title>\
<link rel=\"stylesheet\" href=\"/ogc/style.css\"></head><body><main><h1>联户 Lianhu</h1>\
<p>地图尚未编译进本程序。请运行 <code>make run</code>（需要 Node 20 和 npm），或：<br>\
The map was not built into this program. Run <code>make run</code> (it wants Node 20 and npm), or:</p>\
<pre>cd web-map &amp;&amp; npm ci &amp;&amp; npm run build &amp;&amp; cd .. &amp;&amp; cargo build --release</pre>\
<p>接口可用 the interfaces work: <a href=\"/ogc\">/ogc</a> · <a href=\"/api/openapi.json\">/api/openapi.json</a></p>\
</main></body></html>";

fn file(path: &str, headers: &HeaderMap, cache: &'static str) -> Option<Response> {
    let found = Files::get(path)?;
    let etag = format!("\"{}\"", hex(found.metadata.sha256_hash().get(..12).unwrap_or_default()));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains(&etag));
    let kind = found.metadata.mimetype().to_owned();
    let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind };
    let named = [(header::CONTENT_TYPE, kind), (header::ETAG, etag), (header::CACHE_CONTROL, cache.to_owned())];
    if known {
        return Some((StatusCode::NOT_MODIFIED, named).into_response());
    }
    Some((named, Body::from(found.data.into_owned())).into_response())
}

/// The map's page.
pub(super) async fn map(headers: HeaderMap) -> Response {
    page(file("index.html", &headers, "no-cache"))
}

fn page(built: Option<Response>) -> Response {
    built.unwrap_or_else(|| ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], ABSENT).into_response())
}

/// A file of the map; its name holds a hash of its content.
pub(super) async fn asset(Segments(path): Segments<String>, headers: HeaderMap) -> Response {
    let year = "public, max-age=31536000, immutable";
    file(&format!("assets/{path}"), &headers, year).unwrap_or_else(|| Problem::missing().into_response())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn program_without_the_map_says_how_to_get_it() {
        assert!(file("no-such-page.html", &HeaderMap::new(), "no-cache").is_none());
        let answer = page(None);
        assert_eq!(answer.status(), StatusCode::OK);
        let text = to_bytes(answer.into_body(), 10_000).await.expect("a page");
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.contains("make run") && text.contains("npm run build") && text.contains("尚未编译"), "{text}");
        assert!(!text.contains("<script") && !text.contains("style="), "as strict as the rest");
    }
}
