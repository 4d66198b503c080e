//! The table of households, built row by row: the column rules that CSV, GeoJSON and GeoPackage share.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{Column, Households, LonLat, NO_VALUE, Point, Positions};

use super::ReadOptions;
use super::error::{Fault, Faults, ReadError, RowKind};
use super::headers::{is_personal, standard_name};
use super::place::{DEGREE_M, fault_of_degrees};

/// Places of one building may differ by this much (metres, or degrees of that length).
const SAME_PLACE_M: f64 = 0.01;
/// Metres of a plane lie within this: eight digits are a Gauss–Krüger easting with its zone.
const FARTHEST_M: f64 = 1e8;
/// Columns that are kept as text.
const TEXT_COLUMNS: &[&str] = &["building", "village", "hamlet", "group", "stairwell", "lock", "dedicated"];
/// Columns that give a position, of no use where the row is a feature.
const POSITION_COLUMNS: &[&str] = &["x", "y", "lon", "lat"];

#[derive(Default)]
struct Interner {
    at: HashMap<String, u32>,
    column: Column,
}

impl Interner {
    fn push(&mut self, value: &str) {
        let index = self.index(value.trim());
        self.column.of.push(index);
    }

    fn index(&mut self, value: &str) -> u32 {
        if value.is_empty() {
            NO_VALUE
        } else if let Some(&i) = self.at.get(value) {
            i
        } else {
            let i = self.column.names.len() as u32;
            self.at.insert(value.to_owned(), i);
            self.column.names.push(value.to_owned());
            i
        }
    }
}

/// Where the position of a row comes from.
#[derive(Clone, Copy)]
enum PositionColumns<'a> {
    At { x: usize, y: usize, convert: Option<&'a dyn Fn([f64; 2]) -> [f64; 2]> },
    Geometry,
}

/// A feature's part of a row: what CSV says in columns.
pub(super) struct FeaturePlace<'r> {
    /// The position, or why there is none.
    pub(super) position: Result<[f64; 2], Fault>,
    /// The feature's own id, used where no `id` column gives one.
    pub(super) id: Option<&'r str>,
    /// Whether it is a polygon, hence a building.
    pub(super) polygon: bool,
}

/// The content of a file of households.
pub(super) struct Built {
    pub(super) table: Households,
    pub(super) dropped_columns: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// The table while it is filled.
pub(super) struct HouseholdTable<'a> {
    file: &'a str,
    kind: RowKind,
    headers: Vec<String>,
    place: BTreeMap<String, usize>,
    dropped: Vec<String>,
    position: PositionColumns<'a>,
    id_at: Option<usize>,
    geographic: bool,
    texts: Vec<(String, usize, Interner)>,
    building: Interner,
    polygon: Vec<bool>,
    faults: Faults,
    ids: Vec<String>,
    coordinates: Vec<[f64; 2]>,
    households: Vec<u32>,
    persons: Vec<Option<u32>>,
    floors: Vec<Option<i32>>,
    eligible: Vec<bool>,
    source_row: Vec<u32>,
}

fn is_asked_for(name: &str, options: &ReadOptions<'_>) -> bool {
    !is_personal(name) && options.extra_columns.iter().any(|c| c == name)
}

/// Whether a column of households is kept: a standard one, or one that was asked for and is not personal.
pub(super) fn is_kept(header: &str, options: &ReadOptions<'_>) -> bool {
    standard_name(header).is_some() || is_asked_for(header.trim(), options)
}

impl<'a> HouseholdTable<'a> {
    /// A table whose rows carry their position in columns.
    ///
    /// # Errors
    /// When there is no id or no position column.
    pub(super) fn of_columns(
        file: &'a str,
        headers: Vec<String>,
        options: &ReadOptions<'a>,
    ) -> Result<Self, ReadError> {
        let mut table = Self::new(file, RowKind::Line, headers, options);
        let at = |name: &str| table.place.get(name).copied();
        let missing = |column: &str, names: &[&str]| ReadError::MissingColumn {
            file: file.to_owned(),
            column: column.to_owned(),
            accepted: names.iter().map(|n| (*n).to_owned()).collect(),
            found: table.headers.join(", "),
        };
        if table.id_at.is_none() {
            return Err(missing("id", &["户号", "编号", "住户编号"]));
        }
        let (x, y, geographic) = match (at("lon"), at("lat"), at("x"), at("y")) {
            (Some(lon), Some(lat), _, _) => (lon, lat, true),
            (_, _, Some(x), Some(y)) => (x, y, options.to_wgs84.is_some()),
            _ => return Err(missing("lon,lat / x,y", &["经度,纬度"])),
        };
        table.geographic = geographic;
        table.position = PositionColumns::At { x, y, convert: options.to_wgs84 };
        Ok(table)
    }

    /// A table whose rows are features, already in degrees or in planar metres.
    pub(super) fn of_features(file: &'a str, headers: Vec<String>, planar: bool, options: &ReadOptions<'a>) -> Self {
        let mut table = Self::new(file, RowKind::Feature, headers, options);
        table.geographic = !planar;
        for name in POSITION_COLUMNS {
            if let Some(i) = table.place.remove(*name) {
                table.dropped.extend(table.headers.get(i).cloned());
            }
        }
        table
    }

    fn new(file: &'a str, kind: RowKind, headers: Vec<String>, options: &ReadOptions<'a>) -> Self {
        let mut place: BTreeMap<String, usize> = BTreeMap::new();
        let mut dropped = Vec::new();
        for (i, h) in headers.iter().enumerate() {
            let name = h.trim();
            match standard_name(name) {
                Some(standard) if !place.contains_key(standard) => {
                    place.insert(standard.to_owned(), i);
                }
                _ if is_asked_for(name, options) && !place.contains_key(name) => {
                    place.insert(name.to_owned(), i);
                }
                _ => dropped.push(name.to_owned()),
            }
        }
        let texts = place
            .iter()
            .filter(|(k, _)| k.as_str() != "building")
            .filter(|(k, _)| TEXT_COLUMNS.contains(&k.as_str()) || options.extra_columns.contains(k))
            .map(|(k, &i)| (k.clone(), i, Interner::default()))
            .collect();
        Self {
            file,
            kind,
            headers,
            id_at: place.get("id").copied(),
            place,
            dropped,
            position: PositionColumns::Geometry,
            geographic: true,
            texts,
            building: Interner::default(),
            polygon: Vec::new(),
            faults: Faults::default(),
            ids: Vec::new(),
            coordinates: Vec::new(),
            households: Vec::new(),
            persons: Vec::new(),
            floors: Vec::new(),
            eligible: Vec::new(),
            source_row: Vec::new(),
        }
    }

    /// Records a row that could not be taken apart.
    pub(super) fn fault(&mut self, line: u64, code: &'static str, message: impl FnOnce() -> String) {
        self.faults.push(line, code, message);
    }

    /// Adds a row; `field` gives the text of a column, `feature` what a feature says without columns.
    pub(super) fn push<'r>(&mut self, line: u64, feature: Option<FeaturePlace<'r>>, field: impl Fn(usize) -> &'r str) {
        let field = |i: usize| field(i).trim();
        let mut id = self.id_at.map_or("", field);
        if id.is_empty() {
            id = feature.as_ref().and_then(|f| f.id).unwrap_or("");
        }
        let said = (self.kind == RowKind::Feature && !id.is_empty()).then_some(id);
        let faults = &mut self.faults;
        if id.is_empty() {
            faults.push_of(line, said, "missing_id", || match self.kind {
                RowKind::Line => "户号为空 / the id is empty".to_owned(),
                RowKind::Feature => {
                    "没有户号，请加 id 属性 / there is no id; give the feature a property id".to_owned()
                }
            });
        }
        let mut c = match self.position {
            PositionColumns::At { x, y, .. } => {
                let mut number = |i: usize| {
                    let text = field(i);
                    text.parse::<f64>().ok().filter(|v| v.is_finite()).unwrap_or_else(|| {
                        let column = self.headers.get(i).map_or("", String::as_str);
                        faults.push_of(line, said, "not_a_number", || {
                            let shown: String = text.chars().take(20).collect();
                            format!(
                                "列 {column}：“{shown}”不是有限的数 / column {column}: \"{shown}\" is not a finite number"
                            )
                        });
                        f64::NAN
                    })
                };
                [number(x), number(y)]
            }
            PositionColumns::Geometry => [f64::NAN; 2],
        };
        let polygon = feature.as_ref().is_some_and(|f| f.polygon);
        match feature.map(|f| f.position) {
            Some(Ok(p)) => c = p,
            Some(Err(fault)) => faults.push_of(line, said, fault.code, || fault.message),
            None => {}
        }
        if self.geographic && c.iter().all(|v| v.is_finite()) {
            if let PositionColumns::At { convert: Some(convert), .. } = self.position {
                c = convert(c);
            }
            if let Some(fault) = fault_of_degrees(c) {
                faults.push_of(line, said, fault.code, || fault.message);
            }
        }
        if !self.geographic && c.iter().any(|v| v.abs() > FARTHEST_M) {
            faults.push_of(line, said, "out_of_range", || {
                format!(
                    "户 {id}：{0}, {1} 超出 ±1 亿米，不是平面坐标 / household {id}: {0}, {1} lies beyond ±100,000 km and is no place in metres",
                    c[0], c[1]
                )
            });
        }
        let at = |name: &str| self.place.get(name).copied();
        let mut count = |name: &str, greatest: u64| -> Option<u32> {
            let text = field(at(name)?);
            if text.is_empty() {
                return None;
            }
            match text.parse::<u64>() {
                Ok(v) if v <= greatest => Some(v as u32),
                _ => {
                    let shown: String = text.chars().take(20).collect();
                    faults.push_of(line, said, "not_a_count", || {
                        format!("列 {name}：“{shown}”不是 0–{greatest} 的整数 / column {name}: \"{shown}\" is not a whole number in 0–{greatest}")
                    });
                    None
                }
            }
        };
        let own = count("households", 100_000).unwrap_or(1);
        let people = count("persons", 1_000_000);
        let floor = at("floor").map(field).filter(|t| !t.is_empty()).and_then(|t| {
            let digits = t.trim_end_matches(['层', '楼', 'F', 'f']);
            let parsed = digits.parse::<i32>().ok();
            if parsed.is_none() {
                faults.push_of(line, said, "not_a_floor", || {
                    let shown: String = t.chars().take(20).collect();
                    format!("楼层“{shown}”不是整数 / the floor \"{shown}\" is not a whole number")
                });
            }
            parsed
        });
        let may = at("eligible")
            .map(field)
            .map(|t| !matches!(t.to_lowercase().as_str(), "" | "0" | "false" | "no" | "否" | "n"));
        let building = at("building").map_or("", field);
        // A polygon is a building (CONTRACT: input rows); where none is named it is one of its own.
        self.building.push(if polygon && building.is_empty() { id } else { building });
        for (_, i, column) in &mut self.texts {
            column.push(field(*i));
        }
        self.ids.push(id.to_owned());
        self.coordinates.push(c);
        self.households.push(own);
        self.persons.push(people);
        self.floors.push(floor);
        self.eligible.push(may.unwrap_or(true));
        self.polygon.push(polygon);
        self.source_row.push(u32::try_from(line).unwrap_or(u32::MAX));
    }

    /// Checks what concerns several rows and gives the table.
    ///
    /// # Errors
    /// All faults of all rows, to a limit.
    pub(super) fn finish(mut self) -> Result<Built, ReadError> {
        let coordinates = std::mem::take(&mut self.coordinates);
        let far_north = |c: &[f64; 2]| c[0] < 60.0 && c[1] > 70.0;
        if self.geographic
            && self.faults.is_empty()
            && coordinates.iter().all(far_north)
            && let Some(&first) = self.source_row.first()
        {
            self.faults.push(u64::from(first), "out_of_range", || {
                "所有点都在北纬 70° 以北；经纬度是否颠倒？ / every point lies north of 70°: axes swapped?".to_owned()
            });
        }
        self.check_ids();
        let mut warnings = Vec::new();
        self.undo_building_tags(&mut warnings);
        self.name_nameless_buildings(&coordinates);
        self.check_buildings(&coordinates);
        self.faults.into_result(self.file, self.kind)?;
        let positions = if self.geographic {
            Positions::Geographic(coordinates.iter().map(|c| LonLat { lon_deg: c[0], lat_deg: c[1] }).collect())
        } else {
            Positions::Planar(coordinates.iter().map(|c| Point::new(c[0], c[1])).collect())
        };
        let mut columns: BTreeMap<String, Column> = self.texts.into_iter().map(|(k, _, i)| (k, i.column)).collect();
        let mut take = |name: &str| columns.remove(name);
        let has = |name: &str| self.place.contains_key(name);
        let table = Households {
            positions,
            ids: self.ids,
            building: self.building.column,
            households: self.households,
            rows_are_buildings: has("households"),
            village: take("village"),
            hamlet: take("hamlet"),
            group: take("group"),
            stairwell: take("stairwell"),
            floor: has("floor").then_some(self.floors),
            persons: has("persons").then_some(self.persons),
            eligible: has("eligible").then_some(self.eligible),
            lock: take("lock"),
            dedicated: take("dedicated"),
            extra: columns,
            source_row: self.source_row,
        };
        Ok(Built { table, dropped_columns: self.dropped, warnings })
    }

    fn check_ids(&mut self) {
        let mut seen: HashMap<&str, u32> = HashMap::with_capacity(self.ids.len());
        let kind = self.kind;
        for (id, &line) in self.ids.iter().zip(&self.source_row) {
            if let Some(first) = seen.insert(id, line).filter(|_| !id.is_empty()) {
                let said = (kind == RowKind::Feature).then_some(id.as_str());
                self.faults.push_of(u64::from(line), said, "duplicate_id", || {
                    let (zh, en) = (kind.chinese(u64::from(first)), kind.english(u64::from(first)));
                    format!("户号“{id}”与{zh}重复 / the id \"{id}\" also stands in {en}")
                });
            }
        }
    }

    /// `building=yes` of OpenStreetMap is a tag, not the name of a building: such polygons are buildings of their own.
    fn undo_building_tags(&mut self, warnings: &mut Vec<String>) {
        let yes = self.building.at.get("yes").copied();
        let tagged = yes.is_some_and(|y| self.building.column.of.iter().zip(&self.polygon).any(|(o, p)| *p && *o == y));
        if !tagged {
            return;
        }
        let old = std::mem::take(&mut self.building).column;
        for (row, (polygon, id)) in self.polygon.iter().zip(&self.ids).enumerate() {
            self.building.push(if *polygon { id } else { old.get(row).unwrap_or("") });
        }
        warnings.push(
            "列 building 含“yes”，按 OpenStreetMap 标签处理：每个面为一栋楼\ncolumn building holds \"yes\" and is taken as an OpenStreetMap tag: each polygon is a building of its own".to_owned(),
        );
    }

    /// A row without a building is a building of its own place.
    fn name_nameless_buildings(&mut self, coordinates: &[[f64; 2]]) {
        let places = by_place(coordinates, self.geographic);
        let mut fresh: HashMap<u32, u32> = HashMap::new();
        let Column { names, of } = &mut self.building.column;
        for (of, place) in of.iter_mut().zip(places).filter(|(of, _)| **of == NO_VALUE) {
            *of = *fresh.entry(place).or_insert_with(|| {
                names.push(format!("@{place}"));
                names.len() as u32 - 1
            });
        }
    }

    fn check_buildings(&mut self, coordinates: &[[f64; 2]]) {
        let limit = if self.geographic { SAME_PLACE_M / DEGREE_M } else { SAME_PLACE_M };
        let Column { names, of } = &self.building.column;
        let mut first: Vec<Option<usize>> = vec![None; names.len()];
        for (row, (&of, q)) in of.iter().zip(coordinates).enumerate() {
            let (Some(f), Some(name)) = (first.get_mut(of as usize), names.get(of as usize)) else { continue };
            let at = *f.get_or_insert(row);
            let p = coordinates.get(at).unwrap_or(q);
            if (p[0] - q[0]).abs() > limit || (p[1] - q[1]).abs() > limit {
                let line = |row: usize| self.source_row.get(row).map_or(0, |&l| u64::from(l));
                let kind = self.kind;
                let said = self.ids.get(row).filter(|_| kind == RowKind::Feature).map(String::as_str);
                self.faults.push_of(line(row), said, "building_places", || {
                    let (zh, en) = (kind.chinese(line(at)), kind.english(line(at)));
                    format!("楼栋“{name}”在{zh}位于别处 / building \"{name}\" stands elsewhere in {en}")
                });
            }
        }
    }
}

/// The distinct place of each row, to a millimetre (or its degrees).
fn by_place(coordinates: &[[f64; 2]], geographic: bool) -> Vec<u32> {
    let scale = if geographic { DEGREE_M * 1e3 } else { 1e3 };
    let mut seen: HashMap<(i64, i64), u32> = HashMap::new();
    coordinates
        .iter()
        .map(|c| {
            let fresh = seen.len() as u32;
            *seen.entry(((c[0] * scale).round() as i64, (c[1] * scale).round() as i64)).or_insert(fresh)
        })
        .collect()
}
