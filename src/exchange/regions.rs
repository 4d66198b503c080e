//! Regions and boundaries from a layer of polygons.

use std::collections::BTreeMap;

use geo::Geometry;
use serde_json::Value;

use crate::domain::Region;

use super::error::{Fault, Faults, ReadError, RowKind};
use super::layer::{Located, Row, dropped, located, property, text_property};
use super::place::fault_of_degrees;
use super::rings::{fault_of_polygon, rings_of, wrong_kind};
use super::source::Source;
use super::{Read, ReadOptions};

const CODE: &[&str] = &["code", "编码", "区划编码", "区划代码", "村编码"];
const NAME: &[&str] = &["name", "名称"];
const LEVEL: &[&str] = &["level", "级别"];
const ADMIN_LEVEL: &[&str] = &["admin_level"];

/// Polygons, each a list of rings, exterior first; rings are closed.
pub type Polygons = Vec<Vec<Vec<[f64; 2]>>>;

fn is_kept(column: &str) -> bool {
    let lower = column.trim().to_lowercase();
    lower == "id" || [CODE, NAME, LEVEL, ADMIN_LEVEL].iter().any(|list| list.contains(&lower.as_str()))
}

/// Reads administrative regions: polygons with `code`, `name` and `level` (else OpenStreetMap's `admin_level`, else village).
///
/// # Errors
/// Every feature that is no valid polygon, has a code that is not text, a level that is not known, or a village's code that an
/// earlier feature has; nothing is returned then.
pub fn read_regions(
    path: &str,
    layer: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Read<Vec<Region>>, ReadError> {
    // Of two villages with one code only the first would be found; above the village a code only lends its name.
    let mut owners: BTreeMap<String, (u64, Option<String>)> = BTreeMap::new();
    read(path, layer, options, |row, polygons| {
        let code = code_of(property(row, CODE))?;
        let name = text_property(row, NAME);
        let level = level_of(row)?.to_owned();
        if let Some(code) = code.as_ref().filter(|_| level == "village") {
            if let Some((number, other)) = owners.get(code) {
                return Err(duplicate_code(code, *number, other.as_deref()));
            }
            owners.insert(code.clone(), (row.number, name.clone()));
        }
        Ok(Region { code, name, level, polygons })
    })
}

fn duplicate_code(code: &str, number: u64, name: Option<&str>) -> Fault {
    let short = |text: &str| text.chars().take(40).collect::<String>();
    let (code, name) = (short(code), name.map_or(String::new(), |n| format!(" “{}”", short(n))));
    Fault::new(
        "duplicate_code",
        format!(
            "村编码 {code} 已属于第 {number} 个要素{name}：请改正编码；同一村的几块面请合并为一个多面要素 / the village code {code} is already that of feature {number}{name}: correct one of them, or make the parts of one village one multi-polygon"
        ),
    )
}

/// Reads all polygons of a file, whatever they are called: the outline for `--boundary`. A bare GeoJSON geometry will do.
///
/// # Errors
/// Every feature that is no valid polygon, or a file without any feature.
pub fn read_boundary(path: &str, layer: Option<&str>, options: &ReadOptions<'_>) -> Result<Read<Polygons>, ReadError> {
    let Read { value, planar, warnings, sha256_hex, .. } = read(path, layer, options, |_, polygons| Ok(polygons))?;
    let value: Polygons = value.into_iter().flatten().collect();
    if value.is_empty() {
        let mut faults = Faults::default();
        faults.push(1, "no_geometry", || "文件中没有面 / there is no polygon in the file".to_owned());
        faults.into_result(Source::new(path, layer).file, RowKind::Feature)?;
    }
    Ok(Read { value, planar, dropped_columns: Vec::new(), warnings, sha256_hex })
}

fn read<T>(
    path: &str,
    layer: Option<&str>,
    options: &ReadOptions<'_>,
    mut build: impl FnMut(&Row, Polygons) -> Result<T, Fault>,
) -> Result<Read<Vec<T>>, ReadError> {
    let source = Source::new(path, layer);
    let Located { rows, columns, planar, warnings, sha256_hex } = located(&source, options, &is_kept)?;
    let mut faults = Faults::default();
    let mut value = Vec::with_capacity(rows.len());
    for row in &rows {
        match polygons_of(row, planar).and_then(|polygons| build(row, polygons)) {
            Ok(v) => value.push(v),
            Err(fault) => {
                let name = text_property(row, NAME);
                faults.push_of(row.number, name.as_deref().or(row.said()), fault.code, || fault.message);
            }
        }
    }
    faults.into_result(source.file, RowKind::Feature)?;
    Ok(Read { value, planar, dropped_columns: dropped(&columns, is_kept), warnings, sha256_hex })
}

fn polygons_of(row: &Row, planar: bool) -> Result<Polygons, Fault> {
    let polygons = match row.geometry.as_ref().map_err(Clone::clone)? {
        Geometry::Polygon(p) => std::slice::from_ref(p),
        Geometry::MultiPolygon(m) => &m.0,
        Geometry::Point(_) | Geometry::MultiPoint(_) => return Err(wrong_kind("Point", "面", "a polygon")),
        _ => return Err(wrong_kind("LineString", "面", "a polygon")),
    };
    if let Some(fault) = polygons.iter().find_map(fault_of_polygon) {
        return Err(fault);
    }
    let all: Polygons = polygons.iter().map(rings_of).collect();
    match all.iter().flatten().flatten().find_map(|&c| fault_of_degrees(c)).filter(|_| !planar) {
        Some(fault) => Err(fault),
        None => Ok(all),
    }
}

/// A code is text: Excel and its kin keep 15 digits of a number and lose the rest.
fn code_of(value: Option<&Value>) -> Result<Option<String>, Fault> {
    let not_text = |shown: &str| {
        let shown: String = shown.chars().take(30).collect();
        Fault::new(
            "code_not_text",
            format!(
                "编码 {shown} 是数字而不是文本，可能已丢失末位：请把该列改为文本后重新导出 / the code {shown} is a number, not text, and may have lost its last digits: make the column text and export again"
            ),
        )
    };
    match value {
        None => Ok(None),
        Some(Value::String(t)) => {
            let t = t.trim();
            let scientific = t.parse::<f64>().is_ok() && t.contains(['e', 'E', '.']);
            if scientific { Err(not_text(t)) } else { Ok((!t.is_empty()).then(|| t.to_owned())) }
        }
        Some(other) => Err(not_text(&other.to_string())),
    }
}

fn level_of(row: &Row) -> Result<&'static str, Fault> {
    let unknown = |shown: &str| {
        let shown: String = shown.chars().take(20).collect();
        Fault::new(
            "unknown_level",
            format!(
                "级别“{shown}”：应为 village、township、county、city（村、乡镇、县、市） / level \"{shown}\": village, township, county or city wanted"
            ),
        )
    };
    if let Some(level) = text_property(row, LEVEL) {
        return match level.to_lowercase().as_str() {
            "village" | "村" | "社区" | "村(社区)" | "村（社区）" => Ok("village"),
            "township" | "town" | "乡" | "镇" | "乡镇" | "街道" | "乡镇(街道)" | "乡镇（街道）" => {
                Ok("township")
            }
            "county" | "县" | "区" | "县区" | "县(区)" | "县（区）" => Ok("county"),
            "city" | "市" => Ok("city"),
            _ => Err(unknown(&level)),
        };
    }
    let Some(number) = text_property(row, ADMIN_LEVEL) else { return Ok("village") };
    // The European use, where 8 is the commune; files of Chinese divisions carry `level`.
    match number.parse::<u32>() {
        Ok(8..=12) => Ok("village"),
        Ok(6 | 7) => Ok("township"),
        Ok(5) => Ok("county"),
        Ok(4) => Ok("city"),
        Ok(1..=3) => Ok("country"),
        _ => Err(unknown(&number)),
    }
}
