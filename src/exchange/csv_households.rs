//! Households from CSV: UTF-8 or GB18030, comma, semicolon or tab, Chinese or English headers.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::domain::{Column, Households, LonLat, NO_VALUE, Point, Positions};

use super::ReadOptions;
use super::error::{ReadError, RowFault};
use super::headers::{is_personal, standard_name};

/// Faults listed in one answer; the others are only counted.
const FAULTS_LISTED: usize = 50;
/// Places of one building may differ by this much (metres, or degrees of that length).
const SAME_PLACE_M: f64 = 0.01;
const DEGREE_M: f64 = 111_320.0;

#[derive(Default)]
struct Interner {
    at: HashMap<String, u32>,
    column: Column,
}

impl Interner {
    fn push(&mut self, value: &str) {
        let value = value.trim();
        let index = if value.is_empty() {
            NO_VALUE
        } else if let Some(&i) = self.at.get(value) {
            i
        } else {
            let i = self.column.names.len() as u32;
            self.at.insert(value.to_owned(), i);
            self.column.names.push(value.to_owned());
            i
        };
        self.column.of.push(index);
    }
}

#[derive(Default)]
struct Faults {
    list: Vec<RowFault>,
    total: usize,
}

impl Faults {
    fn push(&mut self, line: u64, code: &'static str, message: impl FnOnce() -> String) {
        self.total += 1;
        if self.list.len() < FAULTS_LISTED {
            self.list.push(RowFault { line, code, message: message() });
        }
    }
}

fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, ReadError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    encoding_rs::GB18030
        .decode_without_bom_handling_and_without_replacement(bytes)
        .filter(|t| !t.contains('\u{FFFD}'))
        .ok_or_else(|| ReadError::Encoding { file: file.to_owned() })
}

/// Parses the whole file.
pub(super) fn parse(
    file: &str,
    bytes: &[u8],
    options: &ReadOptions<'_>,
) -> Result<(Households, Vec<String>), ReadError> {
    let text = decode(file, bytes)?;
    let Some(first) = text.lines().find(|l| !l.trim().is_empty()) else {
        return Err(ReadError::Empty { file: file.to_owned() });
    };
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|d| (first.bytes().filter(|b| b == d).count(), *d == b','))
        .unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(true).from_reader(text.as_bytes());
    let headers = reader.headers().cloned().map_err(|_| ReadError::Empty { file: file.to_owned() })?;

    let mut place: BTreeMap<String, usize> = BTreeMap::new();
    let mut dropped = Vec::new();
    for (i, h) in headers.iter().enumerate() {
        let name = h.trim();
        let wanted = options.extra_columns.iter().any(|c| c == name);
        match standard_name(name) {
            Some(standard) if !place.contains_key(standard) => {
                place.insert(standard.to_owned(), i);
            }
            _ if wanted && !is_personal(name) => {
                place.insert(name.to_owned(), i);
            }
            _ => dropped.push(name.to_owned()),
        }
    }
    let at = |name: &str| place.get(name).copied();
    let missing = |column: &str| ReadError::MissingColumn {
        file: file.to_owned(),
        column: column.to_owned(),
        found: headers.iter().collect::<Vec<_>>().join(", "),
    };
    let id_at = at("id").ok_or_else(|| missing("id"))?;
    let (x_at, y_at, geographic) = match (at("lon"), at("lat"), at("x"), at("y")) {
        (Some(lon), Some(lat), _, _) => (lon, lat, true),
        (_, _, Some(x), Some(y)) => (x, y, options.to_wgs84.is_some()),
        _ => return Err(missing("lon,lat / x,y")),
    };

    let standard = ["building", "village", "hamlet", "group", "stairwell", "lock", "dedicated"];
    let mut text_columns: Vec<(String, usize, Interner)> = place
        .iter()
        .filter(|(k, _)| standard.contains(&k.as_str()) || options.extra_columns.contains(k))
        .map(|(k, &i)| (k.clone(), i, Interner::default()))
        .collect();
    let mut faults = Faults::default();
    let mut ids: Vec<String> = Vec::new();
    let mut coordinates: Vec<[f64; 2]> = Vec::new();
    let (mut households, mut persons, mut floors, mut eligible) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut source_row: Vec<u32> = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(e) => {
                faults.push(line, "unreadable_row", || format!("无法解析 / cannot be parsed ({e})"));
                break;
            }
        }
        let line = record.position().map_or(line, csv::Position::line);
        if record.len() != headers.len() {
            faults.push(line, "ragged_row", || {
                format!(
                    "有 {0} 列，表头有 {1} 列（是否少了引号？） / {0} fields where the header has {1} (a missing quote?)",
                    record.len(),
                    headers.len()
                )
            });
            continue;
        }
        let field = |i: usize| record.get(i).unwrap_or("").trim();
        let id = field(id_at);
        if id.is_empty() {
            faults.push(line, "missing_id", || "户号为空 / the id is empty".to_owned());
        }
        let mut number = |i: usize| {
            let text = field(i);
            match text.parse::<f64>() {
                Ok(v) if v.is_finite() => v,
                _ => {
                    let column = headers.get(i).unwrap_or("").to_owned();
                    let shown: String = text.chars().take(20).collect();
                    faults.push(line, "not_a_number", || {
                        format!(
                            "列 {column}：“{shown}”不是有限的数 / column {column}: \"{shown}\" is not a finite number"
                        )
                    });
                    f64::NAN
                }
            }
        };
        let mut c = [number(x_at), number(y_at)];
        if geographic && c.iter().all(|v| v.is_finite()) {
            if let Some(convert) = options.to_wgs84 {
                c = convert(c);
            }
            let swapped = c[1].abs() > 90.0 && c[0].abs() <= 90.0;
            if c == [0.0, 0.0] {
                faults.push(line, "out_of_range", || "坐标为 0,0 / the position is 0,0".to_owned());
            } else if !(c[0].abs() <= 180.0 && c[1].abs() <= 90.0) {
                let hint = if swapped { "；经纬度是否颠倒？ / axes swapped?" } else { "" };
                faults.push(line, "out_of_range", || {
                    format!("经度 {0}、纬度 {1} 超出范围 / lon {0}, lat {1} are out of range{hint}", c[0], c[1])
                });
            }
        }
        let mut count = |name: &str, greatest: u64| -> Option<u32> {
            let text = field(at(name)?);
            if text.is_empty() {
                return None;
            }
            match text.parse::<u64>() {
                Ok(v) if v <= greatest => Some(v as u32),
                _ => {
                    let shown: String = text.chars().take(20).collect();
                    faults.push(line, "not_a_count", || {
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
                faults.push(line, "not_a_floor", || {
                    format!(
                        "楼层“{}”不是整数 / the floor is not a whole number",
                        t.chars().take(20).collect::<String>()
                    )
                });
            }
            parsed
        });
        let may = at("eligible")
            .map(field)
            .map(|t| !matches!(t.to_lowercase().as_str(), "" | "0" | "false" | "no" | "否" | "n"));
        for (_, i, column) in &mut text_columns {
            column.push(record.get(*i).unwrap_or(""));
        }
        ids.push(id.to_owned());
        coordinates.push(c);
        households.push(own);
        persons.push(people);
        floors.push(floor);
        eligible.push(may.unwrap_or(true));
        source_row.push(u32::try_from(line).unwrap_or(u32::MAX));
    }
    if geographic
        && !coordinates.is_empty()
        && faults.total == 0
        && coordinates.iter().all(|c| c[0] < 60.0 && c[1] > 70.0)
    {
        faults.push(u64::from(source_row[0]), "out_of_range", || {
            "所有点都在北纬 70° 以北；经纬度是否颠倒？ / every point lies north of 70°: axes swapped?".to_owned()
        });
    }
    let mut seen: HashMap<&str, u32> = HashMap::with_capacity(ids.len());
    for (id, &line) in ids.iter().zip(&source_row) {
        if let Some(first) = seen.insert(id, line).filter(|_| !id.is_empty()) {
            faults.push(u64::from(line), "duplicate_id", || {
                format!("户号“{id}”与第 {first} 行重复 / the id \"{id}\" also stands in line {first}")
            });
        }
    }
    drop(seen);
    let mut columns: BTreeMap<String, Column> = text_columns.into_iter().map(|(k, _, i)| (k, i.column)).collect();
    let building = match columns.remove("building") {
        Some(mut b) => {
            // A row without a building is a building of its own place.
            let nameless = by_place(&coordinates, geographic);
            let mut fresh: HashMap<u32, u32> = HashMap::new();
            for (row, of) in b.of.iter_mut().enumerate().filter(|(_, of)| **of == NO_VALUE) {
                let names = &mut b.names;
                *of = *fresh.entry(nameless[row]).or_insert_with(|| {
                    names.push(format!("@{}", nameless[row]));
                    names.len() as u32 - 1
                });
            }
            check_buildings(&b, &coordinates, geographic, &source_row, &mut faults);
            b
        }
        None => {
            let of = by_place(&coordinates, geographic);
            let count = of.iter().max().map_or(0, |m| m + 1);
            Column { names: (0..count).map(|i| format!("@{i}")).collect(), of }
        }
    };
    if faults.total > 0 {
        return Err(ReadError::Rows { file: file.to_owned(), faults: faults.list, total: faults.total });
    }
    let positions = if geographic {
        Positions::Geographic(coordinates.iter().map(|c| LonLat { lon_deg: c[0], lat_deg: c[1] }).collect())
    } else {
        Positions::Planar(coordinates.iter().map(|c| Point::new(c[0], c[1])).collect())
    };
    let mut take = |name: &str| columns.remove(name);
    let table = Households {
        positions,
        ids,
        building,
        households,
        rows_are_buildings: at("households").is_some(),
        village: take("village"),
        hamlet: take("hamlet"),
        group: take("group"),
        stairwell: take("stairwell"),
        floor: at("floor").map(|_| floors),
        persons: at("persons").map(|_| persons),
        eligible: at("eligible").map(|_| eligible),
        lock: take("lock"),
        dedicated: take("dedicated"),
        extra: columns,
        source_row,
    };
    Ok((table, dropped))
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

fn check_buildings(b: &Column, coordinates: &[[f64; 2]], geographic: bool, source_row: &[u32], faults: &mut Faults) {
    let limit = if geographic { SAME_PLACE_M / DEGREE_M } else { SAME_PLACE_M };
    let mut first: Vec<u32> = vec![NO_VALUE; b.names.len()];
    for (row, &of) in b.of.iter().enumerate() {
        let Some(f) = first.get_mut(of as usize) else { continue };
        if *f == NO_VALUE {
            *f = row as u32;
            continue;
        }
        let (p, q) = (coordinates[*f as usize], coordinates[row]);
        if (p[0] - q[0]).abs() > limit || (p[1] - q[1]).abs() > limit {
            let (name, other) = (&b.names[of as usize], source_row[*f as usize]);
            faults.push(u64::from(source_row[row]), "building_places", || {
                format!("楼栋“{name}”在第 {other} 行位于别处 / building \"{name}\" stands elsewhere in line {other}")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(Households, Vec<String>), ReadError> {
        parse("t.csv", bytes, &ReadOptions::default())
    }

    fn codes(bytes: &[u8]) -> Vec<(u64, &'static str)> {
        match read(bytes) {
            Err(ReadError::Rows { faults, .. }) => faults.iter().map(|f| (f.line, f.code)).collect(),
            other => panic!("no row faults: {other:?}"),
        }
    }

    #[test]
    fn bom_and_gb18030_and_chinese_headers_are_read() {
        let text = "户号,经度,纬度,楼栋,自然寨\n1,105.9,26.2,a,大寨\n";
        let (gb, _, _) = encoding_rs::GB18030.encode(text);
        for bytes in [text.as_bytes().to_vec(), [b"\xEF\xBB\xBF", text.as_bytes()].concat(), gb.into_owned()] {
            let (t, dropped) = read(&bytes).expect("readable");
            assert_eq!(t.hamlet.expect("column").names, ["大寨"]);
            assert!(dropped.is_empty());
        }
        assert!(matches!(read(b"id,x,y\n\xFF\xFF\xFF,1,2\n"), Err(ReadError::Encoding { .. })));
    }

    #[test]
    fn coordinates_that_are_no_numbers_name_their_line() {
        for bad in ["NaN", "inf", "1e999", "null", "\"105,9\""] {
            assert_eq!(codes(format!("id,x,y\na,1,2\nb,{bad},2\n").as_bytes()), [(3, "not_a_number")]);
        }
    }

    #[test]
    fn swapped_axes_are_suspected() {
        let e = read("id,lon,lat\n1,26.2,105.9\n".as_bytes()).expect_err("swapped").to_string();
        assert!(e.contains("axes swapped?") && e.contains("out_of_range"), "{e}");
        assert_eq!(codes(b"id,lon,lat\n1,0,0\n"), [(2, "out_of_range")]);
    }

    #[test]
    fn duplicate_ids_and_torn_buildings_name_both_rows() {
        let e = read(b"id,x,y,building\na,1,1,p\na,5,5,p\n").expect_err("faulty").to_string();
        assert!(e.contains("duplicate_id") && e.contains("building_places") && e.contains("line 2"), "{e}");
    }

    #[test]
    fn ragged_rows_and_open_quotes_name_the_line() {
        assert_eq!(codes(b"id,x,y\n1,2\n"), [(2, "ragged_row")]);
        assert_eq!(codes(b"id,x,y\n1,2,3\n2,\"3,4\n5,6,7\n")[0], (3, "ragged_row"));
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        assert_eq!(codes(b"id,x,y,households\n1,2,3,-1\n"), [(2, "not_a_count")]);
        assert_eq!(codes(b"id,x,y,households\n1,2,3,99999999999999999999\n"), [(2, "not_a_count")]);
    }

    #[test]
    fn personal_columns_are_dropped_and_named_even_when_asked_for() {
        let extra = ["身份证号".to_owned(), "zone".to_owned()];
        let options = ReadOptions { extra_columns: &extra, to_wgs84: None };
        let (t, dropped) =
            parse("t.csv", "id,x,y,身份证号,电话,zone\n1,2,3,520,139,z\n".as_bytes(), &options).expect("readable");
        assert_eq!(dropped, ["身份证号", "电话"]);
        assert_eq!(t.extra.keys().collect::<Vec<_>>(), ["zone"]);
        assert!(!format!("{t:?}").contains("139"));
    }

    #[test]
    fn without_a_building_column_equal_coordinates_are_one_building() {
        let (t, _) = read(b"id,x,y\n1,2,3\n2,2,3\n3,2,4\n").expect("readable");
        assert_eq!(t.building.of, [0, 0, 1]);
    }

    #[test]
    fn header_alone_is_an_empty_table_and_nothing_is_an_error() {
        assert_eq!(read(b"id,x,y\n").expect("header").0.len(), 0);
        assert!(matches!(read(b"\n"), Err(ReadError::Empty { .. })));
        assert!(matches!(read(b"id,x\n1,2\n"), Err(ReadError::MissingColumn { .. })));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = read(&bytes);
            let _ = read(&[b"id,x,y,building,floor,households\n".as_slice(), &bytes].concat());
        }
    }
}
