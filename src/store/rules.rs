//! What a row of the register must keep to, whoever brings it.

use crate::domain::VillageCode;
use crate::domain::incident::dictionary::hours_of;
use crate::domain::register::{Geometry, Polygons};

use super::dates;
use super::error::StoreError;
use super::rows::RegisterRow;
use super::scope::Scope;
use super::value::Value;

const LONGEST_KEY: usize = 128;
const LONGEST_TEXT: usize = 1 << 20;

fn level_of(code: &str) -> Option<&'static str> {
    match code.len() {
        2 => Some("province"),
        4 => Some("city"),
        6 => Some("county"),
        9 => Some("township"),
        12 => Some("village"),
        _ => None,
    }
}

fn digits(code: &str, lengths: &[usize]) -> Result<(), String> {
    if lengths.contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
    let shown: String = code.chars().take(30).collect();
    Err(format!("代码“{shown}”应为 {} 位数字 / the code has these many digits", lengths.join("/")))
}

fn check_shape(shape: &Geometry) -> Result<(), String> {
    let mut bad = None;
    shape.each_position(|[lon, lat]| {
        if !((-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat)) {
            bad.get_or_insert([lon, lat]);
        }
    });
    if let Some([lon, lat]) = bad {
        return Err(format!("坐标 {lon}, {lat} 超出经纬度范围 / outside the range of degrees"));
    }
    let ring_ok = |ring: &Vec<[f64; 2]>| ring.len() >= 4 && ring.first() == ring.last();
    let rings_ok = |rings: &Vec<Vec<[f64; 2]>>| !rings.is_empty() && rings.iter().all(ring_ok);
    let fine = match shape {
        Geometry::Point(_) => true,
        Geometry::Line(line) => line.len() >= 2,
        Geometry::Polygon(rings) => rings_ok(rings),
        Geometry::MultiPolygon(parts) => !parts.is_empty() && parts.iter().all(rings_ok),
    };
    if fine {
        Ok(())
    } else {
        Err("线少于两点，或环未闭合、少于四点 / a line of one place, a ring not closed or too short".into())
    }
}

fn check_polygons(parts: &Polygons) -> Result<(), String> {
    check_shape(&Geometry::MultiPolygon(parts.clone()))
}

/// The code by which a row lies in a region; `None` for rows of everyone.
fn code_of(row: &RegisterRow) -> Option<&str> {
    match row {
        RegisterRow::Regions(r) => Some(&r.code),
        RegisterRow::Buildings(r) => Some(&r.village),
        RegisterRow::Households(r) => Some(&r.village),
        RegisterRow::Centres(r) => Some(&r.region),
        RegisterRow::Officers(r) => Some(&r.region),
        RegisterRow::Barriers(r) => Some(&r.region),
        RegisterRow::OldNets(r) => Some(&r.region),
        RegisterRow::Incidents(r) => Some(&r.region),
        RegisterRow::Transitions(r) => Some(&r.region),
        RegisterRow::Jobs(r) => Some(&r.region),
        RegisterRow::Zones(_) | RegisterRow::Dictionaries(_) | RegisterRow::Profiles(_) => None,
    }
}

/// Whether a row lies within a scope: rows of everyone only within the whole store.
pub(super) fn within(row: &RegisterRow, scope: &Scope) -> bool {
    match row {
        RegisterRow::Zones(zone) => zone.townships.iter().all(|t| scope.covers(t)),
        row => code_of(row).map_or_else(|| scope.is_whole(), |code| scope.covers(code)),
    }
}

impl RegisterRow {
    /// Code of the division, grid or unit it lies in; `None` for rows of everyone.
    #[must_use]
    pub fn lies_in(&self) -> Option<&str> {
        code_of(self)
    }

    /// Whether a scope may write it: rows of everyone only that of the whole store.
    #[must_use]
    pub fn is_within(&self, scope: &Scope) -> bool {
        within(self, scope)
    }

    /// The rule of the register that it breaks, if any; Chinese / English.
    #[must_use]
    pub fn breach(&self) -> Option<String> {
        check_texts(self, &self.values()).and_then(|()| check_own(self)).err()
    }
}

fn check_own(row: &RegisterRow) -> Result<(), String> {
    const REGION: &[usize] = &[2, 4, 6, 9, 12];
    match row {
        RegisterRow::Regions(r) => {
            digits(&r.code, REGION)?;
            if r.code.len() == 12 {
                VillageCode::parse(&r.code).map_err(|e| e.to_string())?;
            }
            if level_of(&r.code) != Some(r.level.as_str()) {
                return Err(format!("级别 {} 与代码位数不符 / level does not fit the code's digits", r.level));
            }
            r.outline.as_ref().map_or(Ok(()), check_polygons)
        }
        RegisterRow::Zones(r) if r.townships.is_empty() => {
            Err("功能区至少有一个乡镇（街道） / a zone has one township or more".to_owned())
        }
        RegisterRow::Zones(r) => r.townships.iter().try_for_each(|t| digits(t, &[9])),
        RegisterRow::Buildings(r) => {
            VillageCode::parse(&r.village).map_err(|e| e.to_string())?;
            if !matches!(r.place, Geometry::Point(_) | Geometry::Polygon(_)) {
                return Err("楼栋应为点或面 / a building is a point or a polygon".to_owned());
            }
            check_shape(&r.place)
        }
        RegisterRow::Households(r) => {
            VillageCode::parse(&r.village).map_err(|e| e.to_string())?;
            check_shape(&Geometry::Point([r.place.lon_deg, r.place.lat_deg]))
        }
        RegisterRow::Centres(r) => {
            digits(&r.region, REGION)?;
            r.place.map_or(Ok(()), |p| check_shape(&Geometry::Point([p.lon_deg, p.lat_deg])))
        }
        RegisterRow::Officers(r) => digits(&r.region, &[2, 4, 6, 9, 12, 15, 18]),
        RegisterRow::Barriers(r) => {
            digits(&r.region, REGION)?;
            check_shape(&r.shape)
        }
        RegisterRow::OldNets(r) => {
            digits(&r.region, REGION)?;
            check_polygons(&r.shape)
        }
        RegisterRow::Incidents(r) => {
            digits(&r.region, REGION)?;
            r.grid.as_ref().map_or(Ok(()), |g| digits(g, &[15]))?;
            r.unit.as_ref().map_or(Ok(()), |u| digits(u, &[18]))?;
            if r.source.is_some() != r.source_id.is_some() {
                return Err("来源和来源编号须同时给出 / source and source_id come together".to_owned());
            }
            r.place.map_or(Ok(()), |p| check_shape(&Geometry::Point([p.lon_deg, p.lat_deg])))
        }
        RegisterRow::Transitions(r) => digits(&r.region, REGION),
        RegisterRow::Jobs(r) => digits(&r.region, REGION),
        RegisterRow::Dictionaries(r) if r.id != format!("{}/{}", r.dictionary, r.key) => {
            Err(format!("编号应为 {}/{} / the id should be so", r.dictionary, r.key))
        }
        RegisterRow::Dictionaries(r) if r.due_hours.as_deref().is_some_and(|h| hours_of(h).is_none()) => {
            Err("办理时限应为一个或四个小时数，各 1–8784 / due hours are one number or four, each 1–8784".to_owned())
        }
        RegisterRow::Dictionaries(_) | RegisterRow::Profiles(_) => Ok(()),
    }
}

fn check_texts(row: &RegisterRow, values: &[Value]) -> Result<(), String> {
    let key = row.key();
    if key.is_empty() || key.len() > LONGEST_KEY || key.chars().any(char::is_control) {
        return Err(format!(
            "编号应为 1–{LONGEST_KEY} 字节、无控制字符 / a key has so many bytes, no control characters"
        ));
    }
    for (column, value) in row.layer().spec().columns.iter().zip(values) {
        match value {
            Value::Real(Some(v)) if !v.is_finite() => {
                return Err(format!("{column}: 不是有限数 / not a finite number"));
            }
            Value::Int(None) | Value::Text(None) => {}
            Value::Text(Some(text)) => {
                if text.len() > LONGEST_TEXT || text.contains('\0') {
                    return Err(format!("{column}: 文字过长或含 NUL / text too long or with a NUL"));
                }
                match *column {
                    "valid_from" | "valid_to" | "elected_on" => {
                        dates::check_day("date", text).map_err(|_| format!("{column}: “{text}” YYYY-MM-DD"))?;
                    }
                    "occurred_at" | "due_at" | "at" | "created_at" | "updated_at" if !dates::is_stamp(text) => {
                        return Err(format!("{column}: “{text}” YYYY-MM-DDTHH:MM:SS.mmmZ"));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks a row whose values are given.
pub(super) fn check(row: &RegisterRow, values: &[Value]) -> Result<(), StoreError> {
    check_texts(row, values).and_then(|()| check_own(row)).map_err(|what| StoreError::Constraint {
        layer: row.layer().name(),
        id: row.key().chars().take(LONGEST_KEY).collect(),
        what,
    })
}
