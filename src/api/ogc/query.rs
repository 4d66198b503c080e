//! The parameters of `/items`: each is kept, or the answer is 400.

use std::cell::Cell;

use axum::http::{HeaderMap, StatusCode, header};

use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::Params;
use crate::api::memory::Collection;
use crate::api::memory::collection::{Kind, Spec, Time};

use super::cql::{self, Filter, Names, Writing};
use super::crs::Crs;
use super::time::{Span, datetime};

/// Features of a page where none are said.
pub(in crate::api) const LIMIT: u64 = 100;
/// Most features of a page.
pub(in crate::api) const MOST: u64 = 10_000;
/// Numbers above the maximum mean the maximum, as the standard has it, up to here.
const ASKED: u64 = 1_000_000_000;
/// Ids that can be asked for at once.
const MOST_IDS: usize = 1_000;

/// In what form the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    GeoJson,
    Html,
    File(crate::exchange::Format),
}

/// Names of `f`, media type and file name's end of what is given out as files.
pub(in crate::api) const FILES: [(&str, crate::exchange::Format, &str, &str); 7] = {
    use crate::exchange::Format::{Csv, FlatGeobuf, GeoJsonSeq, GeoPackage, Kml, Shapefile, Xlsx};
    [
        ("fgb", FlatGeobuf, "application/flatgeobuf", "fgb"),
        ("gpkg", GeoPackage, "application/geopackage+sqlite3", "gpkg"),
        ("csv", Csv, "text/csv; charset=utf-8", "csv"),
        ("xlsx", Xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        ("kml", Kml, "application/vnd.google-earth.kml+xml", "kml"),
        ("shp", Shapefile, "application/zip", "shp.zip"),
        ("geojsonseq", GeoJsonSeq, "application/geo+json-seq", "geojsonl"),
    ]
};

/// Media types a client takes, the dearest first; those of one weight in its own order.
fn taken(accept: &str) -> Vec<&str> {
    let weighed = accept.split(',').filter_map(|part| {
        let mut words = part.split(';').map(str::trim);
        let kind = words.next()?;
        let weight = words.find_map(|w| w.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f64>().ok())?;
        (weight > 0.0).then_some((weight, kind))
    });
    let mut weighed: Vec<(f64, &str)> = weighed.collect();
    weighed.sort_by(|a, b| b.0.total_cmp(&a.0));
    weighed.into_iter().map(|(_, kind)| kind).collect()
}

/// `f`, or what the client says it takes.
///
/// # Errors
/// 400 for an `f` there is not; 406 never: GeoJSON is for everybody else.
pub(super) fn form(params: &Params, headers: &HeaderMap, files: bool) -> Answer<Form> {
    if let Some(f) = params.get("f") {
        return match f {
            "json" | "geojson" => Ok(Form::GeoJson),
            "html" => Ok(Form::Html),
            other => {
                let file = FILES.iter().find(|x| files && x.0 == other);
                let known = if files { "json, html, fgb, gpkg, csv, xlsx, kml, shp, geojsonseq" } else { "json, html" };
                file.map(|x| Form::File(x.1)).ok_or_else(|| Problem::bad("f", format!("可用 / there are: {known}")))
            }
        };
    }
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    for kind in taken(accept) {
        match kind {
            "text/html" | "application/xhtml+xml" => return Ok(Form::Html),
            "application/geo+json" | "application/json" | "*/*" => return Ok(Form::GeoJson),
            _ => {
                let of = |x: &&(&str, crate::exchange::Format, &str, &str)| {
                    files && !kind.is_empty() && x.2.split(';').next() == Some(kind)
                };
                if let Some(x) = FILES.iter().find(of) {
                    return Ok(Form::File(x.1));
                }
            }
        }
    }
    Ok(Form::GeoJson)
}

/// What is asked of a collection's items.
pub(super) struct Query {
    pub(super) form: Form,
    pub(super) limit: usize,
    /// The key after which (or, descending, before which) to go on.
    pub(super) cursor: Option<String>,
    pub(super) descending: bool,
    /// Degrees; may cross the date line.
    pub(super) bbox_deg: Option<[f64; 4]>,
    pub(super) crs: Crs,
    pub(super) ids: Option<Vec<String>>,
    pub(super) span: Option<Span>,
    pub(super) filter: Option<Filter>,
    /// Positions of the fields wanted; `None` is all that may be seen.
    pub(super) properties: Option<Vec<usize>>,
    pub(super) with_geometry: bool,
    /// Whether personal fields are shown.
    pub(super) personal: bool,
    /// All that selects rows, in one text.
    pub(super) selects: String,
}

/// Parameters that every collection knows.
pub(in crate::api) const KNOWN: [&str; 14] = [
    "f",
    "limit",
    "cursor",
    "bbox",
    "bbox-crs",
    "crs",
    "datetime",
    "ids",
    "sortby",
    "properties",
    "filter",
    "filter-lang",
    "filter-crs",
    "skipGeometry",
];

fn crs_of(params: &Params, name: &str) -> Answer<Crs> {
    params.get(name).map_or(Ok(Crs::Crs84), |text| Crs::parse(name, text))
}

pub(super) fn bbox(text: &str, crs: Crs) -> Answer<[f64; 4]> {
    let wrong = || Problem::bad("bbox", "应为四个数（或六个）/ four numbers, or six: minx,miny,maxx,maxy");
    let numbers: Option<Vec<f64>> =
        text.split(',').map(|t| t.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
    let b = match numbers.ok_or_else(wrong)?.as_slice() {
        &[a, b, c, d] | &[a, b, _, c, d, _] => [a, b, c, d],
        _ => return Err(wrong()),
    };
    let geographic = matches!(crs, Crs::Crs84 | Crs::Epsg4326 | Crs::Epsg4490);
    if !geographic && (b[0] > b[2] || b[1] > b[3]) {
        return Err(wrong());
    }
    let [x0, y0, x1, y1] = crs.box_to_lonlat(b);
    if y0 > y1 || ![x0, y0, x1, y1].iter().all(|v| v.is_finite()) {
        return Err(wrong().hint("bbox-crs：轴的顺序 the order of axes"));
    }
    Ok([x0, y0, x1, y1])
}

fn properties(text: &str, spec: &'static Spec, personal: bool) -> Answer<Vec<usize>> {
    let mut wanted = Vec::new();
    for name in text.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        let at = spec.position(name).ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            Problem::bad("properties", format!("没有字段“{shown}” / no field \"{shown}\""))
        })?;
        if !personal && spec.fields.get(at).is_some_and(|f| f.personal) {
            return Err(personal_refused());
        }
        wanted.push(at);
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok(wanted)
}

/// 403 for personal fields (A04); whoever makes it notes it in the audit log.
fn personal_refused() -> Problem {
    let what = "该角色不能查看人口、居住方式、候选资格 / this role may not see persons, tenure, eligibility";
    Problem::new(StatusCode::FORBIDDEN, "personal_fields", what)
}

impl Query {
    /// Reads and checks all parameters.
    ///
    /// # Errors
    /// 400 with the parameter; 403 for personal fields.
    pub(super) fn read(
        params: &Params,
        headers: &HeaderMap,
        collection: Collection,
        principal: &Principal,
    ) -> Answer<Self> {
        let spec = collection.spec();
        let mut known = KNOWN.to_vec();
        known.extend(spec.fields.iter().map(|f| f.name));
        params.only(&known)?;
        let personal = principal.sees_personal();
        let mut parts = Vec::new();
        if let Some(text) = params.get("filter") {
            let writing = match params.get("filter-lang") {
                None if text.trim_start().starts_with('{') => Writing::Json,
                None | Some("cql2-text") => Writing::Text,
                Some("cql2-json") => Writing::Json,
                Some(_) => return Err(Problem::bad("filter-lang", "cql2-text, cql2-json")),
            };
            let refused = Cell::new(false);
            let names = Names { spec, personal, crs: crs_of(params, "filter-crs")?, refused: &refused };
            let filter = cql::parse(writing, text, &names);
            if refused.get() {
                return Err(personal_refused());
            }
            parts.push(filter?);
        } else if let Some(name) = ["filter-lang", "filter-crs"].into_iter().find(|n| params.get(n).is_some()) {
            return Err(Problem::bad(name, "没有 filter / there is no filter"));
        }
        for field in spec.fields {
            let Some(value) = params.get(field.name).filter(|_| !KNOWN.contains(&field.name)) else { continue };
            if field.personal && !personal {
                return Err(personal_refused());
            }
            parts.push(equality(field.name, field.kind, value, spec)?);
        }
        if params.get("bbox").is_none() && params.get("bbox-crs").is_some() {
            return Err(Problem::bad("bbox-crs", "没有 bbox / there is no bbox"));
        }
        let bbox_crs = crs_of(params, "bbox-crs")?;
        let ids = params.get("ids").map(|t| t.split(',').map(str::to_owned).collect::<Vec<_>>());
        if ids.as_ref().is_some_and(|i| i.len() > MOST_IDS) {
            return Err(Problem::bad("ids", format!("最多 {MOST_IDS} 个 / at most {MOST_IDS}")));
        }
        // what has no time is there at any time (/req/core/fc-time-response)
        let span = params.get("datetime").map(datetime).transpose()?.filter(|_| spec.time != Time::None);
        let descending = match params.get("sortby") {
            None => false,
            Some(text) => {
                let name = text.trim_start_matches(['+', '-', ' ']);
                if spec.key != Some(name) {
                    let by = spec.key.unwrap_or("-");
                    return Err(Problem::bad("sortby", format!("只能按 {by} 排序 / only by: {by}, -{by}")));
                }
                text.starts_with('-')
            }
        };
        let with_geometry = match params.get("skipGeometry") {
            None | Some("false") => true,
            Some("true") => false,
            Some(_) => return Err(Problem::bad("skipGeometry", "true, false")),
        };
        let not_selecting = ["f", "limit", "cursor", "crs", "properties", "skipGeometry", "sortby"];
        let mut selects: Vec<(&str, &str)> = params.pairs().filter(|(n, _)| !not_selecting.contains(n)).collect();
        selects.sort_unstable();
        Ok(Self {
            form: form(params, headers, true)?,
            limit: params.number("limit", 1..=ASKED)?.unwrap_or(LIMIT).min(MOST) as usize,
            cursor: params.get("cursor").map(str::to_owned),
            descending,
            bbox_deg: params.get("bbox").map(|t| bbox(t, bbox_crs)).transpose()?,
            crs: crs_of(params, "crs")?,
            ids,
            span,
            filter: match parts.len() {
                0 => None,
                _ => Some(Filter::all(parts)),
            },
            properties: params.get("properties").map(|t| properties(t, spec, personal)).transpose()?,
            with_geometry,
            personal,
            selects: if selects.is_empty() { String::new() } else { format!("{selects:?}") },
        })
    }

    /// Whether fragments can be handed out as they stand.
    pub(super) fn is_plain(&self) -> bool {
        self.crs == Crs::Crs84 && self.properties.is_none() && self.with_geometry
    }
}

fn equality(name: &str, kind: Kind, value: &str, spec: &'static Spec) -> Answer<Filter> {
    let literal = match kind {
        Kind::Whole | Kind::Real | Kind::Bool => value.to_owned(),
        Kind::Text | Kind::Day | Kind::Moment => format!("'{}'", value.replace('\'', "''")),
    };
    let refused = Cell::new(false);
    let names = Names { spec, personal: true, crs: Crs::Crs84, refused: &refused };
    // the name is one of ours, the literal is one token: nothing of the value is read as a filter
    let one_token = !matches!(kind, Kind::Whole | Kind::Real | Kind::Bool)
        || value.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !one_token {
        return Err(Problem::bad(name, "值的类型不对 / a value of another kind"));
    }
    cql::parse(Writing::Text, &format!("\"{name}\" = {literal}"), &names)
        .map_err(|_| Problem::bad(name, "值的类型不对 / a value of another kind"))
}
