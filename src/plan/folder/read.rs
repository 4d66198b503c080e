//! Reads a plan directory, or a file of grids, back as facts for `check`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::domain::io_words::words_of_reading;
use crate::domain::{Barrier, BarrierShape, LonLat, Profile};
use crate::partition::check::{
    BuildingFacts, GridFacts, HouseholdFacts, LeaderFacts, PlanFacts, Polygons, RowFacts, UnitFacts, UnitSizes,
    VillageFacts, WrittenFacts,
};
use crate::plan::in_force::Assigned;
use crate::plan::job::PlanError;
use crate::plan::village::Frame;
use crate::space::projection::LocalProjection;

/// Barriers farther than this from a village's outline do not concern it (metres).
const NEAR_M: f64 = 1_000.0;

/// A feature collection: its features and whether coordinates are metres.
struct Collection {
    file: String,
    features: Vec<Value>,
    planar: bool,
}

fn fault(file: &Path, message: impl Into<String>) -> PlanError {
    PlanError::File { file: file.display().to_string(), message: message.into() }
}

fn read_text(path: &Path) -> Result<String, PlanError> {
    let bytes = std::fs::read(path).map_err(|e| {
        let words = words_of_reading(&e);
        fault(path, format!("{} / {}", words.chinese, words.english))
    })?;
    let text = String::from_utf8(bytes).map_err(|_| fault(path, "不是 UTF-8 文本 / not UTF-8 text"))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn read_collection(path: &Path) -> Result<Collection, PlanError> {
    let text = read_text(path)?;
    let mut whole: Value = serde_json::from_str(&text)
        .map_err(|e| fault(path, format!("不是有效的 JSON（{e}） / this is no JSON ({e})")))?;
    let planar = whole.get("lianhu:coordinates").and_then(Value::as_str) == Some("metres");
    let Some(Value::Array(features)) = whole.get_mut("features").map(Value::take) else {
        return Err(fault(path, "不是 GeoJSON FeatureCollection / not a GeoJSON FeatureCollection"));
    };
    Ok(Collection { file: path.display().to_string(), features, planar })
}

impl Collection {
    fn wrong(&self, index: usize, what: &str) -> PlanError {
        PlanError::File {
            file: self.file.clone(),
            message: format!("第 {0} 个要素：{what} / feature {0}: {what}", index + 1),
        }
    }

    fn text(&self, index: usize, name: &str) -> Result<String, PlanError> {
        self.optional(index, name).ok_or_else(|| self.wrong(index, &format!("缺少文本属性 text property \"{name}\"")))
    }

    fn property(&self, index: usize, name: &str) -> &Value {
        self.features.get(index).map_or(&Value::Null, |f| &f["properties"][name])
    }

    fn optional(&self, index: usize, name: &str) -> Option<String> {
        self.property(index, name).as_str().map(str::to_owned)
    }

    /// Polygons in file coordinates.
    fn polygons(&self, index: usize) -> Result<Polygons, PlanError> {
        let geometry = &self.features[index]["geometry"];
        let coordinates = &geometry["coordinates"];
        let read = match geometry["type"].as_str() {
            Some("Polygon") => rings(coordinates).map(|p| vec![p]),
            Some("MultiPolygon") => coordinates.as_array().and_then(|a| a.iter().map(rings).collect()),
            _ => None,
        };
        read.ok_or_else(|| self.wrong(index, "图形不是面 / the geometry is no polygon"))
    }

    fn point(&self, index: usize) -> Result<[f64; 2], PlanError> {
        position(&self.features[index]["geometry"]["coordinates"])
            .ok_or_else(|| self.wrong(index, "图形不是点 / the geometry is no point"))
    }
}

fn position(v: &Value) -> Option<[f64; 2]> {
    let a = v.as_array()?;
    let c = [a.first()?.as_f64()?, a.get(1)?.as_f64()?];
    c.iter().all(|v| v.is_finite()).then_some(c)
}

fn line(v: &Value) -> Option<Vec<[f64; 2]>> {
    v.as_array()?.iter().map(position).collect()
}

fn rings(v: &Value) -> Option<Vec<Vec<[f64; 2]>>> {
    let rings: Vec<_> = v.as_array()?.iter().map(line).collect::<Option<_>>()?;
    (!rings.is_empty() && rings.iter().all(|r| r.len() > 3)).then_some(rings)
}

/// The plane of a village, centred on its outline.
fn frame_of(outline: &Polygons, planar: bool) -> Frame {
    if planar {
        return Frame::Planar;
    }
    let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for c in outline.iter().flatten().flatten() {
        for i in 0..2 {
            lo[i] = lo[i].min(c[i]);
            hi[i] = hi[i].max(c[i]);
        }
    }
    let centre = |i: usize| if lo[i] <= hi[i] { (lo[i] + hi[i]) / 2.0 } else { 0.0 };
    Frame::Geographic(Box::new(LocalProjection::centred_on(LonLat { lon_deg: centre(0), lat_deg: centre(1) })))
}

fn projected(frame: &Frame, polygons: &Polygons) -> Polygons {
    polygons.iter().map(|p| p.iter().map(|r| r.iter().map(|&c| frame.to_local(c)).collect()).collect()).collect()
}

/// Reads a plan directory.
///
/// # Errors
/// A missing or unreadable file, with the feature or line at fault.
pub fn read_facts(folder: &Path) -> Result<PlanFacts, PlanError> {
    let at = |name: &str| folder.join(name);
    let profile_path = at(super::PROFILE);
    let profile = Profile::parse(&read_text(&profile_path)?).map_err(|e| fault(&profile_path, e))?;
    let regions = read_collection(&at(super::REGIONS))?;
    let mut facts = PlanFacts {
        unit_rules: Some(UnitSizes { min: profile.unit.min, max: profile.unit.max, deputies: profile.unit.deputies }),
        ..PlanFacts::default()
    };
    let mut frames = Vec::new();
    let mut village_of: BTreeMap<String, u32> = BTreeMap::new();
    for i in 0..regions.features.len() {
        if regions.optional(i, "level").is_some_and(|l| l != "village") {
            continue;
        }
        let outline = regions.polygons(i)?;
        let frame = frame_of(&outline, regions.planar);
        let code = regions.text(i, "code")?;
        village_of.entry(code.clone()).or_insert(facts.villages.len() as u32);
        facts.villages.push(VillageFacts { code, outline: projected(&frame, &outline), barriers: Vec::new() });
        frames.push(frame);
    }
    let barriers = read_barriers(&at(super::BARRIERS))?;
    for (village, frame) in facts.villages.iter_mut().zip(&frames) {
        village.barriers = near(&barriers, frame, &village.outline);
    }
    facts.grids = read_grids(&read_collection(&at(super::GRIDS))?, &village_of, &frames)?;
    let units = read_collection(&at(super::UNITS))?;
    for i in 0..units.features.len() {
        let deputies = units.property(i, "deputies").as_array().cloned().unwrap_or_default();
        facts.units.push(UnitFacts {
            code: units.text(i, "code")?,
            grid: units.text(i, "grid")?,
            leader: units.optional(i, "leader"),
            deputies: deputies.iter().filter_map(|d| d.as_str().map(str::to_owned)).collect(),
            exception: units.optional(i, "exception"),
            vacancy: units.optional(i, "vacancy"),
        });
    }
    let buildings = read_collection(&at(super::BUILDINGS))?;
    let mut places: BTreeMap<(u32, String), ([f64; 2], u64)> = BTreeMap::new();
    let mut written = Vec::with_capacity(buildings.features.len());
    for i in 0..buildings.features.len() {
        let village = buildings.text(i, "village")?;
        let Some(&v) = village_of.get(&village) else {
            return Err(buildings.wrong(i, &format!("村 village \"{village}\" 不在 is not in {}", super::REGIONS)));
        };
        let here = frames.get(v as usize).map_or([0.0; 2], |f| f.to_local(buildings.point(i).unwrap_or([0.0; 2])));
        buildings.point(i)?;
        let households = buildings.property(i, "households").as_u64().unwrap_or(0);
        let id = buildings.text(i, "id")?;
        let grid = buildings.optional(i, "grid").unwrap_or_default();
        written.push(BuildingFacts { id: id.clone(), village: v, grid, households });
        places.insert((v, id), (here, households));
    }
    let rows = read_assignment(&at(super::ASSIGNMENT), &village_of, &places, &mut facts)?;
    facts.written = Some(WrittenFacts {
        rows,
        unit_households: (0..units.features.len()).map(|i| units.property(i, "households").as_u64()).collect(),
        leaders: read_leaders(&at(super::LEADERS), &village_of, &frames).map_err(|e| e.to_string()),
        buildings: written,
    });
    Ok(facts)
}

/// Officers as drawn.
fn read_leaders(
    path: &Path,
    village_of: &BTreeMap<String, u32>,
    frames: &[Frame],
) -> Result<Vec<LeaderFacts>, PlanError> {
    let file = read_collection(path)?;
    (0..file.features.len())
        .map(|i| {
            let village = file.text(i, "village")?;
            let frame = village_of
                .get(&village)
                .and_then(|v| frames.get(*v as usize))
                .ok_or_else(|| file.wrong(i, &format!("村 village \"{village}\" 不在 is not in {}", super::REGIONS)))?;
            Ok(LeaderFacts {
                id: file.text(i, "id")?,
                role: file.text(i, "role")?,
                unit: file.text(i, "unit")?,
                at: frame.to_local(file.point(i)?),
            })
        })
        .collect()
}

/// Reads a file of grids alone, as `lianhu grids --geojson` writes it.
///
/// # Errors
/// An unreadable file, with the feature at fault.
pub fn read_grid_file(path: &Path) -> Result<PlanFacts, PlanError> {
    let grids = read_collection(path)?;
    let mut village_of: BTreeMap<String, u32> = BTreeMap::new();
    let mut outlines: Vec<Polygons> = Vec::new();
    for i in 0..grids.features.len() {
        let village = village_key(&grids, i)?;
        let next = outlines.len() as u32;
        let v = *village_of.entry(village).or_insert(next);
        if v == next {
            outlines.push(Vec::new());
        }
        outlines[v as usize].extend(grids.polygons(i)?);
    }
    let frames: Vec<Frame> = outlines.iter().map(|o| frame_of(o, grids.planar)).collect();
    let mut facts = PlanFacts { grids: read_grids(&grids, &village_of, &frames)?, ..PlanFacts::default() };
    let mut codes: Vec<(&String, &u32)> = village_of.iter().collect();
    codes.sort_by_key(|c| c.1);
    facts.villages =
        codes.into_iter().map(|(code, _)| VillageFacts { code: code.clone(), ..VillageFacts::default() }).collect();
    Ok(facts)
}

fn village_key(grids: &Collection, i: usize) -> Result<String, PlanError> {
    let code = grids.text(i, "code")?;
    Ok(grids.optional(i, "village").unwrap_or_else(|| code.chars().take(12).collect()))
}

fn read_grids(
    grids: &Collection,
    village_of: &BTreeMap<String, u32>,
    frames: &[Frame],
) -> Result<Vec<GridFacts>, PlanError> {
    (0..grids.features.len())
        .map(|i| {
            let village = village_key(grids, i)?;
            let Some(&v) = village_of.get(&village) else {
                return Err(grids.wrong(i, &format!("村 village \"{village}\" 不在 is not in {}", super::REGIONS)));
            };
            let polygons = grids.polygons(i)?;
            Ok(GridFacts {
                code: grids.text(i, "code")?,
                village: v,
                kind: grids.optional(i, "kind").unwrap_or_else(|| "base".to_owned()),
                polygons: frames.get(v as usize).map(|f| projected(f, &polygons)).unwrap_or_default(),
                households: grids.property(i, "households").as_u64().unwrap_or(0) as u32,
                deviation: grids.property(i, "deviation").as_f64(),
            })
        })
        .collect()
}

fn read_barriers(path: &Path) -> Result<Vec<Barrier>, PlanError> {
    let file = read_collection(path)?;
    (0..file.features.len())
        .map(|i| {
            let geometry = &file.features[i]["geometry"];
            let shape = match geometry["type"].as_str() {
                Some("LineString") => line(&geometry["coordinates"]).map(BarrierShape::Line),
                Some("Polygon") => rings(&geometry["coordinates"]).map(BarrierShape::Area),
                _ => None,
            };
            Ok(Barrier {
                kind: file.text(i, "kind")?,
                hard: file.property(i, "hard").as_bool().unwrap_or(false),
                name: file.optional(i, "name"),
                shape: shape.ok_or_else(|| file.wrong(i, "图形不是线或面 / neither line nor polygon"))?,
            })
        })
        .collect()
}

/// The barriers that can concern a village, in its plane.
fn near(barriers: &[Barrier], frame: &Frame, outline: &Polygons) -> Vec<Barrier> {
    let span = |lines: &[Vec<[f64; 2]>]| {
        let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for c in lines.iter().flatten() {
            for i in 0..2 {
                lo[i] = lo[i].min(c[i]);
                hi[i] = hi[i].max(c[i]);
            }
        }
        (lo, hi)
    };
    let own = span(&outline.iter().flatten().cloned().collect::<Vec<_>>());
    barriers
        .iter()
        .filter_map(|b| {
            let local = |l: &Vec<[f64; 2]>| l.iter().map(|&c| frame.to_local(c)).collect::<Vec<_>>();
            let (lines, shape) = match &b.shape {
                BarrierShape::Line(l) => {
                    let l = local(l);
                    (vec![l.clone()], BarrierShape::Line(l))
                }
                BarrierShape::Area(rings) => {
                    let r: Vec<_> = rings.iter().map(local).collect();
                    (r.clone(), BarrierShape::Area(r))
                }
            };
            let other = span(&lines);
            let touches = (0..2).all(|i| other.0[i] <= own.1[i] + NEAR_M && other.1[i] >= own.0[i] - NEAR_M);
            touches.then(|| Barrier { shape, ..b.clone() })
        })
        .collect()
}

fn read_assignment(
    path: &Path,
    village_of: &BTreeMap<String, u32>,
    places: &BTreeMap<(u32, String), ([f64; 2], u64)>,
    facts: &mut PlanFacts,
) -> Result<Vec<RowFacts>, PlanError> {
    let text = read_text(path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| fault(path, e.to_string()))?.clone();
    let column = |name: &str| column(path, &header, name);
    let (id, building, village, grid, unit) =
        (column("id")?, column("building")?, column("village")?, column("grid")?, column("unit")?);
    let (role, exception) = (column("role")?, column("exception")?);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| fault(path, e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |i: usize| record.get(i).unwrap_or("").to_owned();
        let Some(&v) = village_of.get(&field(village)) else {
            let name = field(village);
            return Err(fault(
                path,
                format!("第 {line} 行：未知的村“{name}” / line {line}: unknown village \"{name}\""),
            ));
        };
        let place = places.get(&(v, field(building)));
        facts.households.push(HouseholdFacts {
            id: field(id),
            building: field(building),
            village: v,
            grid: field(grid),
            unit: field(unit),
            counts: place.is_none_or(|p| p.1 > 0) || !field(unit).is_empty(),
            at: place.map(|p| p.0),
        });
        rows.push(RowFacts { role: field(role), exception: field(exception) });
    }
    Ok(rows)
}

/// Reads grid and unit of each household of a plan directory; buildings without households are left out.
///
/// # Errors
/// A directory without a readable assignment, or a household that stands in it twice.
pub fn read_assigned(folder: &Path) -> Result<Assigned, PlanError> {
    let path = folder.join(super::ASSIGNMENT);
    let text = read_text(&path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| fault(&path, e.to_string()))?.clone();
    let [id, grid, unit] = ["id", "grid", "unit"].map(|name| column(&path, &header, name));
    let (id, grid, unit) = (id?, grid?, unit?);
    let mut of = Assigned::new();
    for record in reader.records() {
        let record = record.map_err(|e| fault(&path, e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |i: usize| record.get(i).unwrap_or("").to_owned();
        if field(unit).is_empty() {
            continue;
        }
        if of.insert(field(id), (field(grid), field(unit))).is_some() {
            let id = field(id);
            return Err(fault(
                &path,
                format!("第 {line} 行：户号“{id}”重复 / line {line}: the household \"{id}\" stands twice"),
            ));
        }
    }
    Ok(of)
}

fn column(path: &Path, header: &csv::StringRecord, name: &str) -> Result<usize, PlanError> {
    header
        .iter()
        .position(|h| h == name)
        .ok_or_else(|| fault(path, format!("缺少列 {name} / the column {name} is missing")))
}
