//! Answers that are the same as long as what they are made of is: ETag, 304, bodies kept plain and packed.

use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::api::App;
use crate::api::bodies::{Packing, pack};
use crate::api::error::{Answer, Problem};
use crate::domain::hex;

/// Heavy answers made at once; others wait.
static TURNS: Semaphore = Semaphore::const_new(8);
/// Whoever keeps an answer asks whether it still holds.
pub(super) const FRESH: &str = "private, no-cache";
/// What tells of people is kept nowhere (A17); a program that knows its ETag may still ask whether it holds.
pub(super) const NOT_KEPT: &str = "no-store";
/// What an answer depends on besides its address.
pub(super) const VARIES: &str = "Accept, Accept-Encoding, Authorization, Cookie";
/// Links as an HTTP header: at most so many bytes.
const LONGEST_LINKS: usize = 8 * 1024;

/// A body about to be made.
pub(super) struct Made {
    pub(super) body: Bytes,
    pub(super) kind: &'static str,
    /// More headers.
    pub(super) headers: Vec<(HeaderName, String)>,
}

impl Made {
    pub(super) fn new(body: impl Into<Bytes>, kind: &'static str) -> Self {
        Self { body: body.into(), kind, headers: Vec::new() }
    }

    pub(super) fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// `Link` with the relations of a page.
    pub(super) fn links(self, links: &[(String, &str, &str)]) -> Self {
        let one = |(href, rel, kind): &(String, &str, &str)| format!("<{href}>; rel=\"{rel}\"; type=\"{kind}\"");
        let text = links.iter().map(one).collect::<Vec<_>>().join(", ");
        if text.len() > LONGEST_LINKS { self } else { self.header(header::LINK, text) }
    }
}

/// Who writes answers: another build may write other words about the same rows. What cannot be told apart holds for this process alone.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let built = file.and_then(|f| Ok((f.modified()?, f.len()))).unwrap_or_else(|_| (SystemTime::now(), 0));
    let at = built.0.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{} {at} {}", env!("CARGO_PKG_VERSION"), built.1)
});

/// The ETag of an answer: weak, as packed and plain bodies share it. It depends on nothing but the key and the program, so it outlives a
/// restart; keys therefore name contents, never moments or numbers that another store, or this one brought back from a copy, counts anew.
pub(super) fn etag(key: &str) -> String {
    let sha =
        Sha256::new_with_prefix(PROGRAM.as_bytes()).chain_update([0x1f_u8]).chain_update(key.as_bytes()).finalize();
    format!("W/\"{}\"", hex(sha.get(..16).unwrap_or_default()))
}

/// Whether a client has this already. What is no ETag fits nothing (E13).
pub(in crate::api) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let bare = |t: &str| t.trim().trim_start_matches("W/").to_owned();
    let of = bare(etag);
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).any(|t| t.trim() == "*" || bare(t) == of)
}

fn with_headers(mut response: Response, etag: &str, keeping: &str, headers: &[(HeaderName, String)]) -> Response {
    let map = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            map.insert(name, value);
        }
    };
    set(header::ETAG, etag);
    set(header::CACHE_CONTROL, keeping);
    set(header::VARY, VARIES);
    for (name, value) in headers {
        set(name.clone(), value);
    }
    response
}

/// What is kept beside a body: its headers.
fn notes(made: &Made) -> Bytes {
    let mut text = made.kind.to_owned();
    for (name, value) in &made.headers {
        text.push('\n');
        text.push_str(name.as_str());
        text.push('\t');
        text.push_str(value);
    }
    text.into()
}

fn noted(bytes: &Bytes) -> Option<(String, Vec<(HeaderName, String)>)> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    let kind = lines.next()?.to_owned();
    let headers = lines
        .filter_map(|l| {
            let (name, value) = l.split_once('\t')?;
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value.to_owned()))
        })
        .collect();
    Some((kind, headers))
}

/// Answers with what `make` makes, unless the client has it (304) or it is kept. `key` names all that the body depends on. Heavy work
/// leaves the request threads.
///
/// # Errors
/// What `make` says.
pub(super) async fn kept(
    app: &Arc<App>,
    headers: &HeaderMap,
    key: &str,
    heavy: bool,
    make: impl FnOnce() -> Answer<Made> + Send + 'static,
) -> Answer<Response> {
    kept_as(app, headers, key, heavy, FRESH, make).await
}

/// The same, and what its `Cache-Control` says.
///
/// # Errors
/// What `make` says.
pub(super) async fn kept_as(
    app: &Arc<App>,
    headers: &HeaderMap,
    key: &str,
    heavy: bool,
    keeping: &'static str,
    make: impl FnOnce() -> Answer<Made> + Send + 'static,
) -> Answer<Response> {
    let etag = etag(key);
    if is_known(headers, &etag) {
        return Ok(with_headers(StatusCode::NOT_MODIFIED.into_response(), &etag, keeping, &[]));
    }
    let wanted = Packing::wanted(headers);
    let note_key = format!("{etag}#");
    if let Some((kind, more)) = app.bodies.get(&note_key, Packing::Plain).as_ref().and_then(noted)
        && let Some((body, packing)) = app.bodies.find(&etag, wanted).await
    {
        return Ok(finished(body, packing, (&etag, keeping), &kind, &more));
    }
    let turn = if heavy { TURNS.acquire().await.ok() } else { None };
    let work = move || -> Answer<(Made, Bytes, Packing)> {
        // held until it is made, also when the client went away
        let _turn = turn;
        let made = make()?;
        let (body, packing) = pack(made.body.clone(), wanted);
        Ok((made, body, packing))
    };
    let (made, body, packing) = if heavy || wanted == Packing::Gzip {
        tokio::task::spawn_blocking(work).await.map_err(|e| Problem::internal(format!("work: {e}")))??
    } else {
        work()?
    };
    let is_cheap = !heavy && wanted == Packing::Plain;
    if !is_cheap || app.bodies.is_asked_again(&etag) {
        app.bodies.keep(&note_key, Packing::Plain, &notes(&made));
        app.bodies.keep(&etag, packing, &body);
    }
    Ok(finished(body, packing, (&etag, keeping), made.kind, &made.headers))
}

fn finished(
    body: Bytes,
    packing: Packing,
    (etag, keeping): (&str, &str),
    kind: &str,
    more: &[(HeaderName, String)],
) -> Response {
    let mut headers = vec![(header::CONTENT_TYPE, kind.to_owned())];
    if packing == Packing::Gzip {
        headers.push((header::CONTENT_ENCODING, "gzip".to_owned()));
    }
    headers.extend_from_slice(more);
    with_headers(Body::from(body).into_response(), etag, keeping, &headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e13_garbage_etags_fit_nothing() {
        let tag = etag("x");
        let known = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(text).expect("value"));
            is_known(&headers, &tag)
        };
        assert!(known(&tag) && known(tag.trim_start_matches("W/")) && known("*") && known(&format!("\"a\", {tag}")));
        for bad in ["", "\"", "W/", "\"a\"", "garbage", ",,,"] {
            assert!(!known(bad), "{bad}");
        }
        assert_ne!(tag, etag("y"));
    }
}
