//! Barriers from a layer of lines or polygons.

use geo::{Geometry, LineString, Polygon};
use serde_json::Value;

use crate::domain::{Barrier, BarrierShape};

use super::error::{Fault, Faults, ReadError, RowKind};
use super::layer::{Row, dropped, located, property, text_of, text_property};
use super::place::fault_of_degrees;
use super::rings::{fault_of_polygon, rings_of, wrong_kind};
use super::source::Source;
use super::{Read, ReadOptions};

const KIND: &[&str] = &["kind", "类型", "类别"];
const HARD: &[&str] = &["hard", "硬", "硬性"];
const NAME: &[&str] = &["name", "名称"];
/// Tags of OpenStreetMap that say the kind where no column does, and the kind where it is not the tag's value.
const TAGS: &[(&str, Option<&str>)] = &[("waterway", None), ("railway", Some("railway")), ("highway", Some("road"))];

fn is_kept(column: &str) -> bool {
    let lower = column.trim().to_lowercase();
    let is = |list: &[&str]| list.contains(&lower.as_str());
    lower == "id" || is(KIND) || is(HARD) || is(NAME) || TAGS.iter().any(|t| t.0 == lower)
}

/// Reads barriers: lines and polygons with `kind`, `hard` and `name`; a multi-geometry becomes several.
///
/// # Errors
/// Every feature that is no line or polygon, is invalid, or whose `hard` is neither true nor false; nothing is returned then.
pub fn read_barriers(
    path: &str,
    layer: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Read<Vec<Barrier>>, ReadError> {
    let source = Source::new(path, layer);
    let layer = located(&source, options, &is_kept)?;
    let mut faults = Faults::default();
    let mut value = Vec::new();
    for row in &layer.rows {
        let hard = match hard_of(property(row, HARD)) {
            Ok(hard) => hard,
            Err(fault) => {
                faults.push_of(row.number, row.said(), fault.code, || fault.message);
                continue;
            }
        };
        match shapes_of(row, layer.planar) {
            Ok(shapes) => value.extend(shapes.into_iter().map(|shape| Barrier {
                kind: kind_of(row),
                hard,
                name: text_property(row, NAME),
                shape,
            })),
            Err(fault) => faults.push_of(row.number, row.said(), fault.code, || fault.message),
        }
    }
    faults.into_result(source.file, RowKind::Feature)?;
    Ok(Read {
        value,
        planar: layer.planar,
        dropped_columns: dropped(&layer.columns, is_kept),
        warnings: layer.warnings,
        sha256_hex: layer.sha256_hex,
    })
}

fn kind_of(row: &Row) -> String {
    let said = text_property(row, KIND).or_else(|| {
        TAGS.iter().find_map(|(tag, kind)| {
            let value = text_property(row, &[tag])?;
            Some(kind.map_or(value, str::to_owned))
        })
    });
    let said = said.map_or("barrier".to_owned(), |k| k.to_lowercase());
    match said.as_str() {
        "河" | "河流" => "river".to_owned(),
        "铁路" => "railway".to_owned(),
        "公路" | "道路" => "road".to_owned(),
        "桥" | "桥梁" => "bridge".to_owned(),
        _ => said,
    }
}

fn hard_of(value: Option<&Value>) -> Result<bool, Fault> {
    let text = text_of(value);
    match text.trim().to_lowercase().as_str() {
        "" | "false" | "0" | "否" | "no" => Ok(false),
        "true" | "1" | "是" | "yes" => Ok(true),
        other => {
            let shown: String = other.chars().take(20).collect();
            Err(Fault::new(
                "not_yes_or_no",
                format!(
                    "hard（硬）：“{shown}”应为 true/false、1/0 或 是/否 / hard: \"{shown}\" should be true/false, 1/0 or 是/否"
                ),
            ))
        }
    }
}

fn shapes_of(row: &Row, planar: bool) -> Result<Vec<BarrierShape>, Fault> {
    let geometry = row.geometry.as_ref().map_err(Clone::clone)?;
    let (lines, areas): (&[LineString<f64>], &[Polygon<f64>]) = match geometry {
        Geometry::LineString(l) => (std::slice::from_ref(l), &[]),
        Geometry::MultiLineString(m) => (&m.0, &[]),
        Geometry::Polygon(p) => (&[], std::slice::from_ref(p)),
        Geometry::MultiPolygon(m) => (&[], &m.0),
        _ => return Err(wrong_kind("Point", "线或面", "a line or a polygon")),
    };
    let fault = areas.iter().find_map(fault_of_polygon);
    let lines = lines.iter().map(|l| BarrierShape::Line(l.0.iter().map(|c| [c.x, c.y]).collect()));
    let shapes: Vec<BarrierShape> = lines.chain(areas.iter().map(|p| BarrierShape::Area(rings_of(p)))).collect();
    let outside = || {
        shapes.iter().find_map(|s| match s {
            BarrierShape::Line(l) => l.iter().find_map(|&c| fault_of_degrees(c)),
            BarrierShape::Area(rings) => rings.iter().flatten().find_map(|&c| fault_of_degrees(c)),
        })
    };
    match fault.or_else(|| if planar { None } else { outside() }) {
        Some(fault) => Err(fault),
        None => Ok(shapes),
    }
}
