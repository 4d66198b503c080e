//! The two collections and the numbers in them, by month.

use serde_json::{Value, json};

use crate::api::error::{Answer, Problem};
use crate::api::ogc::html;
use crate::api::ogc::time::Span;
use crate::api::public::Windows;
use crate::plan::room::moments;
use crate::plan::room::public::{PublicClass, PublicWindow, public_ring};

/// One of the two collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Cells,
    Totals,
}

impl Layer {
    pub(super) const ALL: [Self; 2] = [Self::Cells, Self::Totals];

    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Cells => "public-hotspots",
            Self::Totals => "public-totals",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Cells => "公开：热点 Public: hotspots",
            Self::Totals => "公开：事件总数及分类 Public: incidents in all and by category",
        }
    }

    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Cells => {
                "每月每个六边形（H3 7 级，约 5 平方公里）的判定：hot 多于偶然，cold 少于偶然，none 与偶然无异；无事件、不足 k 件、或为保护后者而不公开的，均不列出 / \
                 whether a hexagon (H3 7, about 5 km²) had more incidents in a month than chance explains (hot), fewer (cold) or neither (none); \
                 what had none, fewer than k, or is kept back to protect those is not listed"
            }
            Self::Totals => {
                "每月的事件总数和各类别事件数；count 为空：不足 k 件，或为保护其他类别而不公开 / \
                 incidents by month, in all and by category; without count: fewer than k, or kept back to protect another category"
            }
        }
    }

    pub(super) const fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Cells => {
                &[("h3", "六边形"), ("window", "月份"), ("from", "自"), ("to", "至（不含）"), ("class", "判定")]
            }
            Self::Totals => &[
                ("category", "类别"),
                ("name", "名称"),
                ("window", "月份"),
                ("from", "自"),
                ("to", "至（不含）"),
                ("count", "事件数"),
            ],
        }
    }
}

/// A number that is published.
pub(super) struct Feature {
    pub(super) id: String,
    ring: Option<Vec<[f64; 2]>>,
    pub(super) span: Span,
    /// As the layer's fields.
    pub(super) values: Vec<Value>,
}

/// Category keys with their names, in the order of pages.
pub(super) type Categories = Vec<(String, String)>;

pub(super) fn features_of(layer: Layer, window: &PublicWindow, categories: &Categories) -> Vec<Feature> {
    let Some((from, to)) = window.days() else { return Vec::new() };
    let span = Span { from: moments::ms(moments::start_of(from)), to: moments::ms(moments::start_of(to)) };
    let when = [window.window.as_str().into(), from.to_string().into(), to.to_string().into()];
    match layer {
        Layer::Cells => {
            let of = |(h3, class): (&String, &PublicClass)| {
                let mut values = vec![h3.as_str().into()];
                values.extend(when.clone());
                values.push(class.word().into());
                Feature { id: format!("{}.{h3}", window.window), ring: public_ring(h3), span, values }
            };
            window.classes.iter().map(of).collect()
        }
        Layer::Totals => {
            let of = |key: &str, name: &str, count: Option<u64>| {
                let mut values = vec![key.into(), name.into()];
                values.extend(when.clone());
                values.push(count.into());
                Feature { id: format!("{}.{key}", window.window), ring: None, span, values }
            };
            let by_category = categories.iter().map(|(key, name)| of(key, name, window.categories.get(key).copied()));
            std::iter::once(of("all", "合计", Some(window.total))).chain(by_category).collect()
        }
    }
}

pub(super) fn all_features(layer: Layer, windows: &Windows, categories: &Categories) -> Vec<Feature> {
    windows.values().flat_map(|w| features_of(layer, w, categories)).collect()
}

impl Feature {
    /// Whether its hexagon lies in a box, roughly.
    pub(super) fn meets(&self, [w, s, e, n]: [f64; 4]) -> bool {
        let Some(ring) = &self.ring else { return false };
        let side = |axis: usize, of: fn(f64, f64) -> f64| ring.iter().filter_map(|c| c.get(axis).copied()).reduce(of);
        let (Some(west), Some(east)) = (side(0, f64::min), side(0, f64::max)) else { return false };
        let (Some(south), Some(north)) = (side(1, f64::min), side(1, f64::max)) else { return false };
        // a box may go over the date line
        let across = if w <= e { west <= e && east >= w } else { west <= e || east >= w };
        across && south <= n && north >= s
    }
}

pub(super) fn as_json(layer: Layer, feature: &Feature) -> Value {
    let geometry = feature.ring.as_ref().map(|ring| json!({"type": "Polygon", "coordinates": [ring]}));
    let fields = layer.fields().iter().map(|f| f.0.to_owned());
    let properties: serde_json::Map<String, Value> = fields.zip(feature.values.iter().cloned()).collect();
    json!({"type": "Feature", "id": feature.id, "geometry": geometry, "properties": properties})
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(t) => t.clone(),
        other => other.to_string(),
    }
}

pub(super) fn as_table(layer: Layer, features: &[&Feature]) -> String {
    let head: Vec<String> = layer.fields().iter().map(|(name, title)| format!("{title} {name}")).collect();
    let rows: Vec<Vec<String>> = features.iter().map(|f| f.values.iter().map(shown).collect()).collect();
    html::table(&head, &rows)
}

pub(super) fn as_csv(layer: Layer, features: &[&Feature]) -> Answer<Vec<u8>> {
    let failed = |e: String| Problem::internal(format!("csv: {e}"));
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(b"\xEF\xBB\xBF".to_vec());
    out.write_record(layer.fields().iter().map(|f| f.0)).map_err(|e| failed(e.to_string()))?;
    for feature in features {
        out.write_record(feature.values.iter().map(shown)).map_err(|e| failed(e.to_string()))?;
    }
    out.into_inner().map_err(|e| failed(e.to_string()))
}
