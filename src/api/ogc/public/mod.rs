//! `/ogc/collections/public-hotspots` and `/public-totals`: for everybody, where that is turned on. No filter here chooses incidents:
//! each class and number was made and protected once, a request only says which of the finished ones it wants.

mod features;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use serde_json::{Value, json};

use crate::api::App;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Params, Segments};
use crate::api::public::Windows;
use crate::plan::room::moments;
use crate::plan::room::public::{PublicWindow, public_ring};
use crate::store::{Role, Scope};

use super::answer::{Made, kept};
use super::crs::Crs;
use super::html;
use super::items::{encoded, with_changes};
use super::pages::{either, link};
use super::query::{Form, LIMIT, MOST, bbox, form};
use super::time::datetime;
use features::{Categories, Feature, Layer, all_features, as_csv, as_json, as_table, features_of};

const JSON: &str = "application/json";
const GEOJSON: &str = "application/geo+json";
const CSV: &str = "text/csv; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const NUMBER_MATCHED: HeaderName = HeaderName::from_static("ogc-numbermatched");
/// Parameters of `/items`.
const KNOWN: [&str; 5] = ["f", "limit", "cursor", "bbox", "datetime"];

/// What is said of a collection.
fn described(layer: Layer, origin: &str, windows: &Windows) -> Value {
    let home = format!("{origin}/ogc/collections/{}", layer.id());
    let days = |of: Option<&PublicWindow>| of.and_then(PublicWindow::days);
    let (first, last) = (days(windows.values().next()), days(windows.values().next_back()));
    let at = |day: time::Date| moments::shown(&moments::stored(moments::start_of(day)));
    let mut extent = json!({"temporal": {"interval": [[first.map(|d| at(d.0)), last.map(|d| at(d.1))]]}});
    if layer == Layer::Cells {
        let rings = windows.values().flat_map(|w| w.cells.keys()).filter_map(|h3| public_ring(h3)).flatten();
        let wider = |b: [f64; 4], [x, y]: [f64; 2]| [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)];
        let bounds = rings.fold([f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY], wider);
        if bounds.iter().all(|v| v.is_finite()) {
            extent["spatial"] = json!({"bbox": [bounds], "crs": Crs::Crs84.uri()});
        }
    }
    json!({
        "id": layer.id(),
        "title": layer.title(),
        "description": layer.about(),
        "itemType": "feature",
        "extent": extent,
        "crs": [Crs::Crs84.uri()],
        "storageCrs": Crs::Crs84.uri(),
        "links": [
            link(home.clone(), "self", JSON, "本图层 this collection"),
            link(format!("{home}?f=html"), "alternate", "text/html", "网页 as a page"),
            link(format!("{home}/items"), "items", GEOJSON, "要素 features"),
            link(format!("{home}/items?f=html"), "items", "text/html", "要素 features"),
            link(format!("{home}/items?f=csv"), "items", "text/csv", "csv"),
        ],
    })
}

/// The public collections, where there are any.
pub(super) fn all_described(app: &App, origin: &str) -> Vec<Value> {
    let Ok(windows) = app.public.windows() else { return Vec::new() };
    Layer::ALL.iter().map(|layer| described(*layer, origin, &windows)).collect()
}

/// Addresses and titles for pages.
pub(super) fn ways(app: &App) -> Vec<(String, String, String)> {
    let layers = if app.public.is_on() { &Layer::ALL[..] } else { &[] };
    let way = |l: &Layer| (format!("/ogc/collections/{}?f=html", l.id()), l.title().to_owned(), l.about().to_owned());
    layers.iter().map(way).collect()
}

fn collection_of(app: &App, layer: Layer, params: &Params, headers: &HeaderMap) -> Answer<Response> {
    let windows = app.public.windows()?;
    params.only(&["f"])?;
    let value = described(layer, &app.keeper.origin(headers), &windows);
    let page = || {
        let items = format!("/ogc/collections/{}/items", layer.id());
        let ways =
            ["html", "json", "csv"].map(|f| (format!("{items}?f={f}"), format!("要素 Items: {f}"), String::new()));
        let body = format!("<p>{}</p>{}", html::escape(layer.about()), html::links(&ways));
        html::page(layer.title(), &[("/ogc", "OGC API")], &body)
    };
    Ok(either(form(params, headers, false)?, &value, page))
}

/// GeoJSON, a page, or CSV; the rest of the files is for those who take copies.
fn form_of(params: &Params, headers: &HeaderMap) -> Answer<(Form, &'static str)> {
    use crate::exchange::Format::Csv;
    match form(params, headers, true)? {
        Form::Html => Ok((Form::Html, HTML)),
        Form::GeoJson => Ok((Form::GeoJson, GEOJSON)),
        Form::File(Csv) => Ok((Form::File(Csv), CSV)),
        Form::File(_) if params.get("f").is_some() => Err(Problem::bad("f", "可用 / there are: json, html, csv")),
        Form::File(_) => Ok((Form::GeoJson, GEOJSON)),
    }
}

async fn categories(app: &App) -> Answer<Categories> {
    let lists = crate::plan::room::dictionaries(app.store(), &Scope::whole_store(Role::Viewer)).await?;
    Ok(lists.categories.into_iter().filter(|c| c.enabled).map(|c| (c.key, c.name)).collect())
}

async fn items_of(app: Arc<App>, layer: Layer, params: Params, headers: HeaderMap) -> Answer<Response> {
    let windows = app.public.windows()?;
    params.only(&KNOWN)?;
    let (form, kind) = form_of(&params, &headers)?;
    let limit = params.number("limit", 1..=1_000_000_000)?.unwrap_or(LIMIT).min(MOST) as usize;
    let within = params.get("bbox").map(|t| bbox(t, Crs::Crs84)).transpose()?;
    let during = params.get("datetime").map(datetime).transpose()?;
    let categories = categories(&app).await?;
    let base = format!("{}/ogc/collections/{}/items", app.keeper.origin(&headers), layer.id());
    let asked: Vec<_> = params.pairs().collect();
    let key = format!("{base}\u{1f}{form:?}\u{1f}{}\u{1f}{categories:?}\u{1f}{asked:?}", windows.mark);
    kept(&app, &headers, &key, true, move || {
        let all = all_features(layer, &windows, &categories);
        let chosen: Vec<&Feature> = all
            .iter()
            .filter(|f| during.is_none_or(|d| d.meets(&f.span)) && within.is_none_or(|b| f.meets(b)))
            .collect();
        let start = match params.get("cursor") {
            None => 0,
            Some(id) => chosen.iter().position(|f| f.id == id).map_or(chosen.len(), |at| at + 1),
        };
        let page: Vec<&Feature> = chosen.iter().skip(start).take(limit).copied().collect();
        let own = kind.split(';').next().unwrap_or(kind);
        let mut links = vec![(format!("{base}{}", with_changes(&params, &[])), "self", own)];
        for (f, other) in [("json", GEOJSON), ("html", "text/html"), ("csv", "text/csv")] {
            if other != own {
                links.push((format!("{base}{}", with_changes(&params, &[("f", Some(f))])), "alternate", other));
            }
        }
        if let Some(last) = page.last().filter(|_| start + page.len() < chosen.len()) {
            links.push((format!("{base}{}", with_changes(&params, &[("cursor", Some(&last.id))])), "next", own));
        }
        links.push((base.strip_suffix("/items").unwrap_or(&base).to_owned(), "collection", JSON));
        let body = match form {
            Form::GeoJson => {
                let objects = links.iter().map(|(href, rel, kind)| json!({"href": href, "rel": rel, "type": kind}));
                json!({
                    "type": "FeatureCollection",
                    "numberMatched": chosen.len(),
                    "numberReturned": page.len(),
                    "links": objects.collect::<Vec<_>>(),
                    "features": page.iter().map(|f| as_json(layer, f)).collect::<Vec<_>>(),
                })
                .to_string()
                .into_bytes()
            }
            Form::Html => {
                let counted = format!("<p>共 {0} 条，本页 {1} 条 / {1} of {0}</p>", chosen.len(), page.len());
                let ways = links.iter().filter(|l| matches!(l.1, "next" | "alternate"));
                let ways: Vec<_> = ways.map(|l| (l.0.clone(), l.1.to_owned(), l.2.to_owned())).collect();
                let note = format!("<p class=\"note\">{}</p>", html::escape(layer.about()));
                let body = format!("{counted}{}{}{note}", as_table(layer, &page), html::links(&ways));
                html::page(layer.title(), &[("/ogc", "OGC API")], &body).into_bytes()
            }
            Form::File(_) => as_csv(layer, &page)?,
        };
        Ok(Made::new(body, kind).header(NUMBER_MATCHED, chosen.len().to_string()).links(&links))
    })
    .await
}

async fn item_of(app: Arc<App>, layer: Layer, id: String, params: Params, headers: HeaderMap) -> Answer<Response> {
    let windows = app.public.windows()?;
    params.only(&["f"])?;
    let form = form(&params, &headers, false)?;
    let categories = categories(&app).await?;
    let of = id.split('.').next().and_then(|w| windows.get(w)).ok_or_else(Problem::missing)?;
    let feature = features_of(layer, of, &categories).into_iter().find(|f| f.id == id);
    let feature = feature.ok_or_else(Problem::missing)?;
    let home = format!("{}/ogc/collections/{}", app.keeper.origin(&headers), layer.id());
    let key = format!("{home}\u{1f}{form:?}\u{1f}{id}\u{1f}{:?}", feature.values);
    kept(&app, &headers, &key, false, move || {
        let own = format!("{home}/items/{}", encoded(&id));
        let links = [(own, "self", GEOJSON), (home, "collection", JSON)];
        if form == Form::Html {
            let page = html::page(&id, &[("/ogc", "OGC API")], &as_table(layer, &[&feature]));
            return Ok(Made::new(page, HTML).links(&links));
        }
        let mut value = as_json(layer, &feature);
        value["links"] =
            links.iter().map(|(href, rel, kind)| json!({"href": href, "rel": rel, "type": kind})).collect();
        Ok(Made::new(value.to_string(), GEOJSON).links(&links))
    })
    .await
}

/// The three handlers of each collection.
macro_rules! handlers {
    ($($module:ident: $layer:expr;)+) => { $(
        pub(in crate::api) mod $module {
            use super::*;

            pub(in crate::api) async fn collection(
                State(app): State<Arc<App>>,
                params: Params,
                headers: HeaderMap,
            ) -> Answer<Response> {
                collection_of(&app, $layer, &params, &headers)
            }

            pub(in crate::api) async fn items(
                State(app): State<Arc<App>>,
                params: Params,
                headers: HeaderMap,
            ) -> Answer<Response> {
                items_of(app, $layer, params, headers).await
            }

            pub(in crate::api) async fn item(
                State(app): State<Arc<App>>,
                Segments(id): Segments<String>,
                params: Params,
                headers: HeaderMap,
            ) -> Answer<Response> {
                item_of(app, $layer, id, params, headers).await
            }
        }
    )+ };
}

handlers! {
    cells: Layer::Cells;
    totals: Layer::Totals;
}
