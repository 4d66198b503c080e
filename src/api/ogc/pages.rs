//! The landing page, what the service conforms to, the collections and what can be asked of them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::Answer;
use crate::api::extract::{Params, Segments};
use crate::api::memory::collection::{Kind, Shapes, Time};
use crate::api::memory::{Collection, Snapshot, View};
use crate::api::turns::in_turn;
use crate::store::Scope;

use super::crs::Crs;
use super::html;
use super::items::named;
use super::query::{Form, form};

/// What is conformed to.
pub(super) const CONFORMS_TO: [&str; 25] = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/create-replace-delete",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/update",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/optimistic-locking-etags",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/features",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
];

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

/// An answer of a page: JSON, or HTML made of the same.
pub(super) fn either(form: Form, value: &Value, page: impl FnOnce() -> String) -> Response {
    let named = |kind| [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, no-cache")];
    match form {
        Form::Html => (named(HTML), page()).into_response(),
        _ => (named(JSON), value.to_string()).into_response(),
    }
}

pub(super) fn link(href: String, rel: &str, kind: &str, title: &str) -> Value {
    json!({"href": href, "rel": rel, "type": kind, "title": title})
}

pub(in crate::api) async fn landing(
    State(app): State<Arc<App>>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    let base = format!("{}/ogc", app.keeper.origin(&headers));
    let mut value = json!({
        "title": "联户 Lianhu",
        "description": "网格、十联户单元、楼栋、住户、事件 / grids, ten-household units, buildings, households, incidents",
        "links": [
            link(base.clone(), "self", JSON, "本页 this page"),
            link(format!("{base}?f=html"), "alternate", "text/html", "网页 as a page"),
            link(format!("{base}/api"), "service-desc", "application/vnd.oai.openapi+json;version=3.0", "接口定义 the API's definition"),
            link(format!("{base}/api.html"), "service-doc", "text/html", "接口说明 the API explained"),
            link(format!("{base}/conformance"), "conformance", JSON, "符合的标准 what is conformed to"),
            link(format!("{base}/collections"), "data", JSON, "图层 collections"),
            link(format!("{base}/lianhu.qgs"), "related", "application/x-qgis-project", "QGIS 项目 a QGIS project"),
            link(format!("{base}/tileMatrixSets"), "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", JSON, "切片方案 tile matrix sets"),
        ],
    });
    let public = super::public::ways(&app);
    if let Some(links) = value["links"].as_array_mut() {
        let link_of = |(path, title, _): &(String, String, String)| {
            let bare = path.split('?').next().unwrap_or(path);
            link(format!("{}{bare}", app.keeper.origin(&headers)), "related", JSON, title)
        };
        links.extend(public.iter().map(link_of));
    }
    let page = || {
        let items = [
            ("/ogc/collections?f=html", "图层 Collections", ""),
            ("/ogc/conformance?f=html", "符合的标准 Conformance", ""),
            ("/ogc/api.html", "接口说明 The API explained", ""),
            ("/ogc/lianhu.qgs", "QGIS 项目 A QGIS project", "qgs"),
            ("/ogc/api", "OpenAPI 3", "JSON"),
            ("/", "地图 The map", ""),
        ];
        let items = items.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned()));
        let items: Vec<_> = items.chain(public).collect();
        let hint = "<p>在 QGIS 中：添加 WFS / OGC API – Features 图层，地址为本页；认证选“基本认证”，密码填令牌。<br>\
            In QGIS: add a WFS / OGC API – Features layer with this page's address; authentication “Basic”, with a token as the password.</p>";
        html::page("联户 Lianhu · OGC API", &[], &format!("{}{hint}", html::links(&items)))
    };
    Ok(either(form(&params, &headers, false)?, &value, page))
}

pub(in crate::api) async fn conformance(params: Params, headers: HeaderMap) -> Answer<Response> {
    params.only(&["f"])?;
    let page = || {
        let rows: Vec<Vec<String>> = CONFORMS_TO.iter().map(|c| vec![(*c).to_owned()]).collect();
        html::page("符合的标准 Conformance", &[("/ogc", "OGC API")], &html::table(&["URI".to_owned()], &rows))
    };
    Ok(either(form(&params, &headers, false)?, &json!({"conformsTo": CONFORMS_TO}), page))
}

pub(in crate::api) async fn style() -> Response {
    let named = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (named, html::STYLE).into_response()
}

/// How far a hexagon of the hotspots may stand out of the ground they are made on, degrees.
const HEXAGON_DEG: f64 = 0.01;

/// Around all that a scope sees of a collection. Hotspots are not made for that: they lie on the divisions.
pub(super) async fn extent_of(app: &Arc<App>, collection: Collection, scope: &Scope) -> Answer<Option<[f64; 4]>> {
    if collection == Collection::Hotspots {
        let (regions, view) = app.seen(Collection::Regions, scope).await?;
        let wider = |[w, s, e, n]: [f64; 4]| [w - HEXAGON_DEG, s - HEXAGON_DEG, e + HEXAGON_DEG, n + HEXAGON_DEG];
        return Ok(bounds_of(regions, view).await?.map(wider));
    }
    let (snapshot, view) = app.seen(collection, scope).await?;
    bounds_of(snapshot, view).await
}

/// Around all that a view sees: known, or found off the request threads.
pub(super) async fn bounds_of(snapshot: Arc<Snapshot>, view: Arc<View>) -> Answer<Option<[f64; 4]>> {
    match snapshot.bounds_at_hand(&view) {
        Some(bounds) => Ok(bounds),
        None => in_turn(move || snapshot.bounds(&view)).await,
    }
}

/// What is said of a collection.
async fn described(app: &Arc<App>, base: &str, collection: Collection, scope: &Scope) -> Answer<Value> {
    let spec = collection.spec();
    let home = format!("{base}/ogc/collections/{}", collection.id());
    let crs: Vec<&str> = Crs::ALL.iter().map(|c| c.uri()).collect();
    let mut extent = json!({});
    if let Some(b) = extent_of(app, collection, scope).await? {
        extent["spatial"] = json!({"bbox": [b], "crs": Crs::Crs84.uri()});
    }
    if spec.time != Time::None {
        extent["temporal"] = json!({"interval": [[null, null]]});
    }
    let mut links = vec![
        link(home.clone(), "self", JSON, "本图层 this collection"),
        link(format!("{home}?f=html"), "alternate", "text/html", "网页 as a page"),
        link(format!("{home}/items"), "items", "application/geo+json", "要素 features"),
        link(format!("{home}/items?f=html"), "items", "text/html", "要素 features"),
        link(
            format!("{home}/queryables"),
            "http://www.opengis.net/def/rel/ogc/1.0/queryables",
            "application/schema+json",
            "可查询的字段 queryables",
        ),
        link(
            format!("{home}/tiles"),
            "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
            JSON,
            "矢量切片 vector tiles",
        ),
    ];
    for (f, _, kind, _) in super::query::FILES {
        links.push(link(format!("{home}/items?f={f}"), "items", kind, f));
    }
    Ok(json!({
        "id": collection.id(),
        "title": format!("{} {}", spec.title, spec.title_en),
        "description": spec.about,
        "itemType": "feature",
        "extent": extent,
        "crs": crs,
        "storageCrs": Crs::Crs84.uri(),
        "links": links,
    }))
}

pub(in crate::api) async fn collections(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    let origin = app.keeper.origin(&headers);
    let mut list = Vec::new();
    let mut rows = Vec::new();
    for collection in Collection::SHOWN {
        let spec = collection.spec();
        list.push(described(&app, &origin, collection, &principal.scope).await?);
        let href = format!("/ogc/collections/{}?f=html", collection.id());
        rows.push((href, format!("{} {}", spec.title, spec.title_en), spec.about.to_owned()));
    }
    list.extend(super::public::all_described(&app, &origin));
    rows.extend(super::public::ways(&app));
    let value = json!({
        "links": [
            link(format!("{origin}/ogc/collections"), "self", JSON, "本页 this page"),
            link(format!("{origin}/ogc/collections?f=html"), "alternate", "text/html", "网页 as a page"),
        ],
        "collections": list,
    });
    let page = || html::page("图层 Collections", &[("/ogc", "OGC API")], &html::links(&rows));
    Ok(either(form(&params, &headers, false)?, &value, page))
}

pub(in crate::api) async fn collection(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(collection): Segments<String>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    let known = named(&collection)?;
    let value = described(&app, &app.keeper.origin(&headers), known, &principal.scope).await?;
    let page = || {
        let spec = known.spec();
        let rows: Vec<Vec<String>> =
            spec.fields.iter().map(|f| vec![f.name.to_owned(), f.title.to_owned(), format!("{:?}", f.kind)]).collect();
        let home = format!("/ogc/collections/{collection}");
        let ways = [
            (format!("{home}/items?f=html"), "要素 Items".to_owned(), String::new()),
            (format!("{home}/queryables"), "Queryables".to_owned(), "JSON Schema".to_owned()),
            (format!("{home}/tiles"), "矢量切片 Vector tiles".to_owned(), "MVT".to_owned()),
        ];
        let head = ["字段 field", "名称 title", "类型 kind"].map(str::to_owned);
        let body = format!("<p>{}</p>{}{}", html::escape(spec.about), html::links(&ways), html::table(&head, &rows));
        let way = [("/ogc", "OGC API"), ("/ogc/collections?f=html", "图层 Collections")];
        html::page(&format!("{} {}", spec.title, spec.title_en), &way, &body)
    };
    Ok(either(form(&params, &headers, false)?, &value, page))
}

pub(in crate::api) async fn queryables(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(collection): Segments<String>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    let collection = named(&collection)?;
    let spec = collection.spec();
    let mut properties = serde_json::Map::new();
    for f in spec.seen(principal.sees_personal()) {
        let mut schema = match f.kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Whole => json!({"type": "integer"}),
            Kind::Real => json!({"type": "number"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Day => json!({"type": "string", "format": "date"}),
            Kind::Moment => json!({"type": "string", "format": "date-time"}),
        };
        schema["title"] = format!("{} {}", f.title, f.name).into();
        properties.insert(f.name.to_owned(), schema);
    }
    let shapes = match spec.shapes {
        Shapes::Points => "geometry-point",
        Shapes::Any => "geometry-any",
        Shapes::Areas => "geometry-polygon-or-multipolygon",
    };
    properties.insert("geometry".to_owned(), json!({"format": shapes, "x-ogc-role": "primary-geometry"}));
    let home = format!("{}/ogc/collections/{}/queryables", app.keeper.origin(&headers), collection.id());
    let value = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": home,
        "type": "object",
        "title": format!("{} {}", spec.title, spec.title_en),
        "properties": properties,
        "additionalProperties": false,
    });
    let form = form(&params, &headers, false)?;
    if form == Form::Html {
        let rows: Vec<Vec<String>> = spec
            .seen(principal.sees_personal())
            .map(|f| vec![f.name.to_owned(), f.title.to_owned(), format!("{:?}", f.kind)])
            .collect();
        let head = ["字段 field", "名称 title", "类型 kind"].map(str::to_owned);
        let page = || html::page(spec.title, &[("/ogc", "OGC API")], &html::table(&head, &rows));
        return Ok(either(form, &value, page));
    }
    let named = [(header::CONTENT_TYPE, "application/schema+json"), (header::CACHE_CONTROL, "private, no-cache")];
    let by_role = [(HeaderName::from_static("vary"), "Authorization, Cookie")];
    Ok((named, by_role, value.to_string()).into_response())
}
