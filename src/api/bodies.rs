//! Finished bodies by ETag, plain and compressed, as long as there is room: compressing costs fifteen times what assembling does.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Body as _;

use super::error::Problem;

/// Bytes kept in all, what keeping them takes among it.
const ROOM_BYTES: usize = 64 << 20;
/// About what an entry takes beside its body: its key, twice, and its places in the map and in the order.
const ENTRY_BYTES: usize = 320;
/// Answers of which it is remembered that somebody asked for them: about as many pages as there is room for, as what is asked for more
/// rarely would be gone again before.
const ASKED: usize = 512;
/// Longest body kept.
const LONGEST_BYTES: usize = 4 << 20;
const JSON: &str = "application/json";
/// Below this, compressing gains nothing.
const WORTH_BYTES: usize = 1024;
/// Two thirds of the best ratio at a third of its time.
const LEVEL: u32 = 4;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Packing {
    Plain,
    Gzip,
}

impl Packing {
    /// The packing a client takes.
    pub(crate) fn wanted(headers: &HeaderMap) -> Self {
        let list = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let takes = list.split(',').any(|part| {
            let mut words = part.split(';').map(str::trim);
            let named = matches!(words.next(), Some("gzip" | "*"));
            named && !words.any(|q| matches!(q, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        });
        if takes { Self::Gzip } else { Self::Plain }
    }
}

#[derive(Default)]
struct Kept {
    of: HashMap<(String, Packing), Bytes>,
    order: VecDeque<(String, Packing)>,
    bytes: usize,
}

/// The bodies.
pub(crate) struct Bodies {
    kept: Mutex<Kept>,
    /// Hashes of ETags, each in the place that it points to.
    asked: Box<[AtomicU64]>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self { kept: Mutex::default(), asked: (0..ASKED).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Bodies {
    /// Whether somebody asked for this before, as far as is remembered. What is quickly made is kept only then: most boxes of a map that
    /// is moved are asked for once, and keeping them would drive out what is asked for by all.
    pub(crate) fn is_asked_again(&self, etag: &str) -> bool {
        let mut hash = DefaultHasher::new();
        hash.write(etag.as_bytes());
        let hash = hash.finish();
        self.asked.get(hash as usize % ASKED).is_some_and(|place| place.swap(hash, Ordering::Relaxed) == hash)
    }

    /// A kept body as a client takes it. What was kept for one that takes it plain is packed for the first that takes it packed, away from
    /// the request threads, and kept so too; an empty packed body says that packing it gains nothing.
    pub(crate) async fn find(&self, etag: &str, wanted: Packing) -> Option<(Bytes, Packing)> {
        let packed = if wanted == Packing::Gzip { self.get(etag, Packing::Gzip) } else { None };
        if let Some(body) = packed.as_ref().filter(|b| !b.is_empty()) {
            return Some((body.clone(), Packing::Gzip));
        }
        let plain = self.get(etag, Packing::Plain)?;
        if wanted == Packing::Plain || packed.is_some() || plain.len() < WORTH_BYTES {
            return Some((plain, Packing::Plain));
        }
        let (body, packing) = tokio::task::spawn_blocking(move || pack(plain, Packing::Gzip)).await.ok()?;
        let gained = if packing == Packing::Gzip { body.clone() } else { Bytes::new() };
        self.keep(etag, Packing::Gzip, &gained);
        Some((body, packing))
    }

    pub(crate) fn get(&self, etag: &str, packing: Packing) -> Option<Bytes> {
        self.kept.lock().ok()?.of.get(&(etag.to_owned(), packing)).cloned()
    }

    pub(crate) fn keep(&self, etag: &str, packing: Packing, body: &Bytes) {
        if body.len() > LONGEST_BYTES {
            return;
        }
        let Ok(mut kept) = self.kept.lock() else { return };
        let key = (etag.to_owned(), packing);
        match kept.of.insert(key.clone(), body.clone()) {
            Some(before) => kept.bytes -= before.len(),
            None => {
                kept.order.push_back(key);
                kept.bytes += ENTRY_BYTES;
            }
        }
        kept.bytes += body.len();
        while kept.bytes > ROOM_BYTES {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(gone) = kept.of.remove(&oldest) {
                kept.bytes = kept.bytes.saturating_sub(gone.len() + ENTRY_BYTES);
            }
        }
    }
}

/// Packs a body; what does not become shorter stays plain.
pub(crate) fn pack(body: Bytes, packing: Packing) -> (Bytes, Packing) {
    if packing == Packing::Plain || body.len() < WORTH_BYTES {
        return (body, Packing::Plain);
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 6), Compression::new(LEVEL));
    match encoder.write_all(&body).and_then(|()| encoder.finish()) {
        Ok(packed) if packed.len() < body.len() => (packed.into(), Packing::Gzip),
        _ => (body, Packing::Plain),
    }
}

/// A JSON answer in a packing.
pub(crate) fn json(body: Bytes, packing: Packing) -> Response {
    let mut response = Body::from(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    mark(headers, packing);
    response
}

fn mark(headers: &mut HeaderMap, packing: Packing) {
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packing == Packing::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.remove(header::CONTENT_LENGTH);
    }
}

/// Packs JSON answers that no handler packed, for whoever takes it: lists of thousands of rows go over slow lines.
pub(crate) async fn packed(request: Request, next: Next) -> Response {
    let wanted = Packing::wanted(request.headers());
    let response = next.run(request).await;
    let is_plain_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t == JSON)
        && !response.headers().contains_key(header::CONTENT_ENCODING);
    let is_long = response.body().size_hint().exact().is_some_and(|n| n >= WORTH_BYTES as u64);
    if wanted == Packing::Plain || !is_plain_json || !is_long {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Problem::internal("a body broke off").into_response();
    };
    let Ok((body, packing)) = tokio::task::spawn_blocking(move || pack(body, wanted)).await else {
        return Problem::internal("packing failed").into_response();
    };
    mark(&mut head.headers, packing);
    Response::from_parts(head, Body::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_never_exceeded_and_the_oldest_goes_first() {
        let bodies = Bodies::default();
        let body = Bytes::from(vec![7; LONGEST_BYTES]);
        let most = ROOM_BYTES / LONGEST_BYTES;
        for i in 0..=most {
            bodies.keep(&i.to_string(), Packing::Plain, &body);
        }
        assert!(bodies.get("0", Packing::Plain).is_none());
        assert!(bodies.get(&most.to_string(), Packing::Plain).is_some());
        assert!(bodies.kept.lock().expect("lock").bytes <= ROOM_BYTES);
        bodies.keep("long", Packing::Plain, &Bytes::from(vec![7; LONGEST_BYTES + 1]));
        assert!(bodies.get("long", Packing::Plain).is_none());
        // another body in the place of one is counted as what it is, and many short ones as what they take
        let short = Bodies::default();
        for body in [&b"long enough"[..], b"", b"short"] {
            short.keep("same", Packing::Plain, &Bytes::from_static(body));
        }
        assert_eq!(short.kept.lock().expect("lock").bytes, 5 + ENTRY_BYTES);
        for i in 0..ROOM_BYTES / ENTRY_BYTES + 10 {
            short.keep(&i.to_string(), Packing::Plain, &Bytes::new());
        }
        let kept = short.kept.lock().expect("lock");
        assert!(
            kept.bytes <= ROOM_BYTES && kept.of.len() == kept.order.len() && kept.of.len() <= ROOM_BYTES / ENTRY_BYTES
        );
    }

    #[test]
    fn what_is_asked_for_again_is_known_and_few_are_taken_for_it() {
        let bodies = Bodies::default();
        assert!(!bodies.is_asked_again("a") && bodies.is_asked_again("a") && bodies.is_asked_again("a"));
        let taken = (0..3 * ASKED).filter(|n| bodies.is_asked_again(&n.to_string())).count();
        assert_eq!(taken, 0, "nothing that is new is taken for known");
        // many others came in between: it may be forgotten, never wrongly known
        let again = (0..3 * ASKED).filter(|n| bodies.is_asked_again(&n.to_string())).count();
        assert!(again < 3 * ASKED);
    }

    #[tokio::test]
    async fn what_was_kept_plain_is_packed_once_for_those_who_take_it() {
        let bodies = Bodies::default();
        let long = Bytes::from("网格".repeat(WORTH_BYTES));
        bodies.keep("long", Packing::Plain, &long);
        let (body, packing) = bodies.find("long", Packing::Gzip).await.expect("kept");
        assert!(packing == Packing::Gzip && body.len() < long.len() / 10, "{}", body.len());
        assert_eq!(bodies.get("long", Packing::Gzip), Some(body), "once");
        assert_eq!(bodies.find("long", Packing::Plain).await, Some((long, Packing::Plain)));

        // what is short, and what packing makes no shorter
        let short = Bytes::from_static(b"{}");
        bodies.keep("short", Packing::Plain, &short);
        assert_eq!(bodies.find("short", Packing::Gzip).await, Some((short, Packing::Plain)));
        let mut noise = vec![0; 4 * WORTH_BYTES];
        getrandom::fill(&mut noise).expect("noise");
        let noise = Bytes::from(noise);
        bodies.keep("noise", Packing::Plain, &noise);
        for _ in 0..2 {
            assert_eq!(bodies.find("noise", Packing::Gzip).await, Some((noise.clone(), Packing::Plain)));
        }
        assert_eq!(bodies.get("noise", Packing::Gzip), Some(Bytes::new()), "tried once");
        assert_eq!(bodies.find("unknown", Packing::Gzip).await, None);
    }

    #[test]
    fn gzip_only_for_those_who_take_it() {
        let wants = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, axum::http::HeaderValue::from_static(text));
            Packing::wanted(&headers)
        };
        assert_eq!(wants("deflate, gzip;q=0.5"), Packing::Gzip);
        assert_eq!(wants("gzip;q=0, br"), Packing::Plain);
        assert_eq!(Packing::wanted(&HeaderMap::new()), Packing::Plain);
        let (packed, how) = pack(Bytes::from(vec![b'a'; 5000]), Packing::Gzip);
        let mut back = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut back).expect("gzip");
        assert!(how == Packing::Gzip && back == vec![b'a'; 5000]);
    }
}
