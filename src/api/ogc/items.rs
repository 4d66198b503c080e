//! `/items` and `/items/{id}`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Params, Segments};
use crate::api::memory::fragment::{Pen, quote};
use crate::api::memory::written::BETWEEN;
use crate::api::memory::{Collection, Snapshot};
use crate::api::preconditions::etag_of_row;

use super::answer::{FRESH, Made, NOT_KEPT, VARIES, is_known, kept_as};
use super::crs::Crs;
use super::editing::is_editable;
use super::html;
use super::query::{FILES, Form, Query, form};
use super::select::{Page, Rows, is_heavy, rows};

const GEOJSON: &str = "application/geo+json";
const HTML: &str = "text/html; charset=utf-8";
const CONTENT_CRS: HeaderName = HeaderName::from_static("content-crs");
/// About what a page's frame and a feature take: room is asked for once.
const LINKS_BYTES: usize = 1_024;
const FEATURE_BYTES: usize = 400;
/// What stands in a query as it is.
const IN_QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',').remove(b':').remove(b'/');

/// Percent-encodes for a path segment or a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, IN_QUERY).to_string()
}

pub(super) fn with_changes(params: &Params, changes: &[(&str, Option<&str>)]) -> String {
    let kept = params.pairs().filter(|(n, _)| changes.iter().all(|(c, _)| c != n));
    let new = changes.iter().filter_map(|(n, v)| v.map(|v| (*n, v)));
    let pairs: Vec<String> = kept.chain(new).map(|(n, v)| format!("{}={}", encoded(n), encoded(v))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// A collection somebody named.
///
/// # Errors
/// 404.
pub(super) fn named(id: &str) -> Answer<Collection> {
    Collection::named(id).ok_or_else(Problem::missing)
}

/// The audit log is told of a refused look at personal fields.
async fn noted<T>(app: &App, principal: &Principal, subject: &str, outcome: Answer<T>) -> Answer<T> {
    if let Err(p) = &outcome
        && p.status() == axum::http::StatusCode::FORBIDDEN
    {
        let told = serde_json::json!({"code": "personal_fields"}).to_string();
        app.store.note(&principal.scope, &principal.actor, "access.refused", subject, &told).await?;
    }
    outcome
}

/// One feature in the form a query wants.
pub(super) struct Writer {
    crs: Crs,
    plain: bool,
    personal: bool,
    with_geometry: bool,
    properties: Option<Vec<usize>>,
}

impl Writer {
    fn of(query: &Query) -> Self {
        Self {
            crs: query.crs,
            plain: query.is_plain(),
            personal: query.personal,
            with_geometry: query.with_geometry,
            properties: query.properties.clone(),
        }
    }

    pub(super) fn append(&self, out: &mut String, snapshot: &Snapshot, row: u32) {
        if self.plain {
            snapshot.append(out, row, self.personal);
            return;
        }
        out.push_str("{\"type\":\"Feature\",\"id\":");
        quote(out, snapshot.id(row));
        out.push_str(",\"geometry\":");
        let convert = |c| self.crs.of_lonlat(c);
        let pen = Pen { convert: Some(&convert), unit: self.crs.unit() };
        pen.shape(out, snapshot.shape(row).filter(|_| self.with_geometry));
        out.push_str(",\"properties\":{");
        let mut first = true;
        for (at, (field, value)) in snapshot.fields(row).enumerate() {
            let wanted = self.properties.as_ref().is_none_or(|w| w.contains(&at));
            if !wanted || (field.personal && !self.personal) {
                continue;
            }
            if !first {
                out.push(',');
            }
            first = false;
            let _ = write!(out, "\"{}\":{value}", field.name);
        }
        out.push_str("}}");
    }
}

/// What may keep an answer: nothing, where whoever asks sees what tells of people (A17).
fn keeping(collection: Collection, personal: bool) -> &'static str {
    if personal && collection.spec().fields.iter().any(|f| f.personal) { NOT_KEPT } else { FRESH }
}

/// What an answer about a collection depends on, besides the query itself.
fn key_of(app: &App, headers: &HeaderMap, principal: &Principal, snapshot: &Snapshot, view_digest: u64) -> String {
    format!(
        "{}\u{1f}{:x}\u{1f}{}\u{1f}{:x}\u{1f}{}",
        snapshot.collection.id(),
        snapshot.digest,
        principal.scope.area(),
        view_digest,
        app.keeper.origin(headers)
    )
}

pub(in crate::api) async fn items(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(collection): Segments<String>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    let collection = named(&collection)?;
    let query =
        noted(&app, &principal, collection.id(), Query::read(&params, &headers, collection, &principal)).await?;
    let (snapshot, view) = app.seen(collection, &principal.scope).await?;
    let area = principal.scope.area();
    if let Form::File(format) = query.form {
        return super::export::file(&app, &principal, snapshot, view, query, format).await;
    }
    let key = format!(
        "{}\u{1f}{:?}\u{1f}{}\u{1f}{:?}",
        key_of(&app, &headers, &principal, &snapshot, view.digest),
        query.form,
        query.personal,
        params.pairs().collect::<Vec<_>>(),
    );
    let base = format!("{}/ogc/collections/{}/items", app.keeper.origin(&headers), collection.id());
    let heavy = is_heavy(&query, &snapshot);
    kept_as(&app, &headers, &key, heavy, keeping(collection, query.personal), move || {
        let rows = rows(&snapshot, &view, &area, &query);
        let page = rows.page(&snapshot, &query);
        let links = links_of(&base, &params, &snapshot, &query, &page);
        let made = match query.form {
            Form::Html => Made::new(items_page(&snapshot, &query, &page, &links), HTML),
            _ => Made::new(feature_collection(&snapshot, &query, &page, &links), GEOJSON)
                .header(CONTENT_CRS, format!("<{}>", query.crs.uri())),
        };
        Ok(made.header(HeaderName::from_static("ogc-numbermatched"), page.matched.to_string()).links(&links))
    })
    .await
}

fn links_of(
    base: &str,
    params: &Params,
    snapshot: &Snapshot,
    query: &Query,
    page: &Page,
) -> Vec<(String, &'static str, &'static str)> {
    let (own, other, other_kind) = match query.form {
        Form::Html => (HTML, "json", GEOJSON),
        _ => (GEOJSON, "html", "text/html"),
    };
    let own_kind = own.split(';').next().unwrap_or(own);
    let mut links = vec![
        (format!("{base}{}", with_changes(params, &[])), "self", own_kind),
        (format!("{base}{}", with_changes(params, &[("f", Some(other))])), "alternate", other_kind),
    ];
    if let Some(last) = page.rows.last().filter(|_| page.more) {
        let next = with_changes(params, &[("cursor", Some(snapshot.id(*last)))]);
        links.push((format!("{base}{next}"), "next", own_kind));
    }
    if let Some(up) = base.strip_suffix("/items") {
        links.push((up.to_owned(), "collection", "application/json"));
    }
    links
}

fn link_objects(out: &mut String, links: &[(String, &str, &str)]) {
    for (i, (href, rel, kind)) in links.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str("{\"href\":");
        quote(out, href);
        let _ = write!(out, ",\"rel\":\"{rel}\",\"type\":\"{kind}\"}}");
    }
}

/// Without `timeStamp`: it would have to say when this very answer was made (OGC 17-069r4, `/req/core/fc-timeStamp`), and answers are kept.
fn feature_collection(snapshot: &Snapshot, query: &Query, page: &Page, links: &[(String, &str, &str)]) -> String {
    let mut out = String::with_capacity(LINKS_BYTES + page.rows.len() * FEATURE_BYTES);
    let _ = write!(
        out,
        "{{\"type\":\"FeatureCollection\",\"numberMatched\":{},\"numberReturned\":{},\"links\":[",
        page.matched,
        page.rows.len()
    );
    link_objects(&mut out, links);
    out.push_str("],\"features\":[\n");
    let writer = Writer::of(query);
    if writer.plain {
        snapshot.append_all(&mut out, &page.rows, query.personal);
    } else {
        for (i, row) in page.rows.iter().enumerate() {
            out.push_str(if i > 0 { BETWEEN } else { "" });
            writer.append(&mut out, snapshot, *row);
        }
    }
    out.push_str("\n]}\n");
    out
}

/// A value for people.
fn shown(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::String(t)) => t,
        Ok(serde_json::Value::Null) => String::new(),
        Ok(serde_json::Value::Bool(b)) => if b { "是" } else { "否" }.to_owned(),
        _ => json.to_owned(),
    }
}

fn items_page(snapshot: &Snapshot, query: &Query, page: &Page, links: &[(String, &str, &str)]) -> String {
    let spec = snapshot.spec();
    let wanted = |at: usize| query.properties.as_ref().is_none_or(|w| w.contains(&at));
    let fields: Vec<(usize, _)> = spec.seen(query.personal).enumerate().filter(|(at, _)| wanted(*at)).collect();
    let head: Vec<String> = fields.iter().map(|(_, f)| format!("{} {}", f.title, f.name)).collect();
    let table: Vec<Vec<String>> = page
        .rows
        .iter()
        .map(|row| {
            let values: Vec<&str> = snapshot.fields(*row).map(|(_, v)| v).collect();
            fields.iter().map(|(at, _)| values.get(*at).map_or_else(String::new, |v| shown(v))).collect()
        })
        .collect();
    let mut body = format!(
        "<p>共 {0} 条，本页 {1} 条 / {1} of {0}</p>{2}",
        page.matched,
        page.rows.len(),
        html::table(&head, &table)
    );
    let ways: Vec<(String, String, String)> = links
        .iter()
        .filter(|l| matches!(l.1, "next" | "alternate"))
        .map(|(href, rel, kind)| {
            let text = if *rel == "next" { "下一页 next" } else { "GeoJSON" };
            (href.clone(), text.to_owned(), (*kind).to_owned())
        })
        .collect();
    body.push_str(&html::links(&ways));
    let files: Vec<&str> = FILES.iter().map(|f| f.0).collect();
    let _ = write!(body, "<p class=\"note\">f=json|html|{}</p>", files.join("|"));
    let collection = format!("/ogc/collections/{}", snapshot.collection.id());
    let way = [("/ogc", "OGC API"), ("/ogc/collections", "图层 Collections"), (collection.as_str(), spec.title)];
    html::page(&format!("{} {}", spec.title, spec.title_en), &way, &body)
}

pub(in crate::api) async fn item(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((collection, id)): Segments<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    let collection = named(&collection)?;
    params.only(&["f", "crs"])?;
    let form = form(&params, &headers, false)?;
    let crs = params.get("crs").map_or(Ok(Crs::Crs84), |t| Crs::parse("crs", t))?;
    let (snapshot, view) = app.seen(collection, &principal.scope).await?;
    // what lies outside the scope is not there
    let row = snapshot.row_of(&id).filter(|row| view.sees(*row)).ok_or_else(Problem::missing)?;
    let personal = principal.sees_personal();
    // whoever may edit gets the row's version, which If-Match takes, with the form that is edited; others the answer's own mark
    let is_edited = form == Form::GeoJson && crs == Crs::Crs84 && personal && is_editable(collection);
    let version = snapshot.version(row).filter(|_| is_edited);
    let version = version.map(|version| etag_of_row(version, snapshot.content(row)));
    if let Some(version) = &version
        && is_known(&headers, version.to_str().unwrap_or_default())
    {
        let keeping = HeaderValue::from_static(keeping(collection, personal));
        let vary = HeaderValue::from_static(VARIES);
        let same = [(header::ETAG, version.clone()), (header::CACHE_CONTROL, keeping), (header::VARY, vary)];
        return Ok((StatusCode::NOT_MODIFIED, same).into_response());
    }
    let base = key_of(&app, &headers, &principal, &snapshot, view.digest);
    let key = format!("{base}\u{1f}{id}\u{1f}{form:?}\u{1f}{crs:?}\u{1f}{personal}");
    let home = format!("{}/ogc/collections/{}", app.keeper.origin(&headers), collection.id());
    let made = kept_as(&app, &headers, &key, false, keeping(collection, personal), move || {
        let own = format!("{home}/items/{}", encoded(&id));
        let mut links = vec![
            (own.clone(), "self", GEOJSON),
            (format!("{own}?f=html"), "alternate", "text/html"),
            (home, "collection", "application/json"),
        ];
        if form == Form::Html {
            links = vec![(own.clone(), "alternate", GEOJSON), (format!("{own}?f=html"), "self", "text/html")];
            return Ok(Made::new(item_page(&snapshot, row, personal), HTML).links(&links));
        }
        let writer = Writer { crs, plain: crs == Crs::Crs84, personal, with_geometry: true, properties: None };
        let mut out = String::new();
        writer.append(&mut out, &snapshot, row);
        // the feature's own closing brace gives way to its links
        out.pop();
        out.push_str(",\"links\":[");
        link_objects(&mut out, &links);
        out.push_str("]}\n");
        Ok(Made::new(out, GEOJSON).header(CONTENT_CRS, format!("<{}>", crs.uri())).links(&links))
    });
    let mut response = made.await?;
    if let Some(version) = version {
        response.headers_mut().insert(header::ETAG, version);
    }
    Ok(response)
}

fn item_page(snapshot: &Snapshot, row: u32, personal: bool) -> String {
    let spec = snapshot.spec();
    let rows: Vec<Vec<String>> = snapshot
        .fields(row)
        .filter(|(f, _)| personal || !f.personal)
        .map(|(f, v)| vec![format!("{} {}", f.title, f.name), shown(v)])
        .collect();
    let collection = format!("/ogc/collections/{}", snapshot.collection.id());
    let items = format!("{collection}/items?f=html");
    let way = [("/ogc", "OGC API"), (collection.as_str(), spec.title), (items.as_str(), "要素 Items")];
    html::page(snapshot.id(row), &way, &html::table(&["字段 field".to_owned(), "值 value".to_owned()], &rows))
}

/// Rows of a query, for files.
pub(super) fn rows_of(snapshot: &Snapshot, view: &Arc<crate::api::memory::View>, area: &str, query: &Query) -> Rows {
    rows(snapshot, view, area, query)
}
