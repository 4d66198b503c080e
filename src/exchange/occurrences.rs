//! Incidents as points in space and time, and counts of H3 cells: what statistics read.

use h3o::CellIndex;

use crate::domain::LonLat;

use super::Read;
use super::error::{Fault, ReadError};
use super::gate::schema::{CELL_COUNTS, LayerSchema, OCCURRENCES};
use super::gate::{CellFault, FaultList, GateError, GateOptions, TypedRow, moment_of, typed_rows};
use super::open::{OpenOptions, open};
use super::table::Cell;

/// Faults that a message shows; the others are counted.
const SHOWN: usize = 20;

/// Incidents of a file, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Occurrences {
    /// Where each happened.
    pub places: Vec<LonLat>,
    /// When, in seconds since 1970 (UTC).
    pub occurred_s: Vec<i64>,
    /// Rows that say no place; they are not among the others.
    pub unplaced: u64,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OccurrenceError {
    /// The file as a whole.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// Faulty rows.
    #[error("{}", list(.0))]
    Rows(FaultList),
    /// Positions in a plane, which H3 knows nothing of.
    #[error(
        "{0}：坐标是平面米制，六边形需要经纬度（lon,lat），或在文件中注明坐标系\n{0}: the positions are metres of a plane; hexagons need lon,lat, or a file that names its reference system"
    )]
    Planar(String),
}

impl From<ReadError> for OccurrenceError {
    fn from(e: ReadError) -> Self {
        Self::Gate(e.into())
    }
}

fn list(faults: &FaultList) -> String {
    let mut lines = vec![format!("共 {0} 处错误，未读入任何数据 / {0} faults, nothing was read", faults.total)];
    lines.extend(faults.faults.iter().map(ToString::to_string));
    if faults.total > faults.faults.len() as u64 {
        lines.push(format!("…（还有 {0} 处 / {0} more）", faults.total - faults.faults.len() as u64));
    }
    lines.join("\n")
}

/// Reads incidents with a place and a time from a file of any format. A time without a zone is China's.
///
/// # Errors
/// Every fault of every row (to a limit), with row and column; nothing is returned then.
pub fn read_occurrences(path: &str, options: &OpenOptions) -> Result<Read<Occurrences>, OccurrenceError> {
    read(path, options, &OCCURRENCES, |value: &mut Occurrences, row| {
        let Some(Cell::Date(text)) = row.values.first() else { return Ok(()) };
        let fault = || Fault::new("not_a_date", format!("“{text}”不是日期时间 / \"{text}\" is no date with time"));
        let at = moment_of(text).ok_or_else(fault)?;
        match row.place() {
            Some([lon_deg, lat_deg]) => {
                value.places.push(LonLat { lon_deg, lat_deg });
                value.occurred_s.push(at.unix_timestamp());
            }
            None => value.unplaced += 1,
        }
        Ok(())
    })
}

/// Reads counts of H3 cells (`h3,count`), each cell once, all of one resolution.
///
/// # Errors
/// Every fault of every row (to a limit), with row and column; nothing is returned then.
pub fn read_cell_counts(path: &str, options: &OpenOptions) -> Result<Read<Vec<(CellIndex, u32)>>, OccurrenceError> {
    read(path, options, &CELL_COUNTS, |value: &mut Vec<(CellIndex, u32)>, row| {
        let [Cell::Text(text), Cell::Whole(count)] = row.values.as_slice() else { return Ok(()) };
        let no_cell = || {
            Fault::new("bad_cell", format!("列 h3：“{text}”不是 H3 六边形编号 / column h3: \"{text}\" is no H3 cell"))
        };
        let cell: CellIndex = text.parse().map_err(|_| no_cell())?;
        if let Some((first, _)) = value.first()
            && first.resolution() != cell.resolution()
        {
            let (a, b) = (u8::from(first.resolution()), u8::from(cell.resolution()));
            return Err(Fault::new(
                "mixed_resolutions",
                format!(
                    "列 h3：{text} 的分辨率是 {b}，前面的是 {a} / column h3: {text} has resolution {b}, those before have {a}"
                ),
            ));
        }
        value.push((cell, u32::try_from(*count).unwrap_or(u32::MAX)));
        Ok(())
    })
}

fn read<T: Default>(
    path: &str,
    options: &OpenOptions,
    schema: &'static LayerSchema,
    mut take: impl FnMut(&mut T, &TypedRow) -> Result<(), Fault>,
) -> Result<Read<T>, OccurrenceError> {
    let (chinese, english) = schema.least_header();
    let source = open(path, options).map_err(|e| e.needing(&chinese, &english))?;
    let file = source.file().to_owned();
    let mut rows = typed_rows(source, schema, GateOptions { faults_kept: SHOWN, ..GateOptions::default() })?;
    let (mut value, mut own) = (T::default(), FaultList::new(SHOWN));
    for row in rows.by_ref() {
        let row = row?;
        if let Err(fault) = take(&mut value, &row) {
            let (code, reason, row) = (fault.code, fault.message, row.number);
            own.add(CellFault { file: file.clone(), sheet: None, row, column: None, id: None, code, reason });
        }
    }
    let mut report = rows.report();
    let total = report.faults.total + own.total;
    if total > 0 {
        let mut faults = FaultList::new(SHOWN);
        report.faults.faults.append(&mut own.faults);
        report.faults.faults.sort_by_key(|f| f.row);
        report.faults.faults.into_iter().for_each(|f| faults.add(f));
        faults.total = total;
        return Err(OccurrenceError::Rows(faults));
    }
    if report.planar && schema.shape != super::gate::schema::Shape::None {
        return Err(OccurrenceError::Planar(file));
    }
    // Columns that statistics have no use for are many and of no interest; personal ones are named.
    let dropped_columns = report.mapping.personal();
    let (warnings, sha256_hex) = (report.warnings, report.sha256_hex);
    Ok(Read { value, planar: report.planar, dropped_columns, warnings, sha256_hex })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(ending: &str, text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new().suffix(ending).tempfile().expect("file");
        std::fs::write(file.path(), text).expect("written");
        file
    }

    fn incidents(ending: &str, text: &str) -> Result<Occurrences, OccurrenceError> {
        let f = file(ending, text);
        read_occurrences(&f.path().to_string_lossy(), &OpenOptions::default()).map(|r| r.value)
    }

    fn counts(text: &str) -> Result<Vec<(CellIndex, u32)>, OccurrenceError> {
        let f = file(".csv", text);
        read_cell_counts(&f.path().to_string_lossy(), &OpenOptions::default()).map(|r| r.value)
    }

    #[test]
    fn times_of_every_kind_are_one_point_in_time() {
        let text = "编号,时间,经度,纬度\n1,2021-05-03 14:30,105.9,26.2\n2,2021-05-03T06:30:00Z,105.9,26.2\n3,1620023400,105.9,26.2\n\
                    4,2021-05-03T14:30:00+08:00,105.9,26.2\n";
        let read = incidents(".csv", text).expect("readable");
        assert_eq!(read.occurred_s, [1_620_023_400; 4]);
        assert_eq!(read.places[0], LonLat { lon_deg: 105.9, lat_deg: 26.2 });
        let features = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"date":"2021-05-03"},
            "geometry":{"type":"Point","coordinates":[105.9,26.2]}},{"type":"Feature","properties":{"date":"2021-05-04"},"geometry":null}]}"#;
        let read = incidents(".geojson", features).expect("readable");
        assert_eq!((read.occurred_s.as_slice(), read.unplaced), (&[1_619_971_200][..], 1));
    }

    #[test]
    fn what_is_missing_is_named_as_people_may_write_it() {
        let said = |text: &str| incidents(".csv", text).expect_err("faulty").to_string();
        let empty = said("");
        assert!(empty.contains("发生时间,经度,纬度") && empty.contains("occurred_at,lon,lat"), "{empty}");
        assert!(!empty.contains("building"), "{empty}");
        let column = said("when,lon,lat\n2021-01-01,105.9,26.2\n");
        assert!(column.contains("缺少列 occurred_at，也可叫 发生时间") && column.contains("timestamp"), "{column}");
        let place = said("time,lon,lat\n2021-01-01,NaN,26.2\n2021-01-01,105.9,\n");
        assert!(place.contains("列 lon：“NaN”不是有限的数") && place.contains("列 lat 为空"), "{place}");
        assert!(!place.contains("Text("), "{place}");
        let cells = counts("").expect_err("empty").to_string();
        assert!(cells.contains("六边形,数量") && cells.contains("h3,count"), "{cells}");
    }

    #[test]
    fn faults_name_row_and_column() {
        let said = incidents(".csv", "time,lon,lat\n2021-13-01,105.9,26.2\n2021-01-01,x,26.2\n,105.9,26.2\n");
        let said = said.expect_err("faulty").to_string();
        for part in ["第 2 行", "column time", "第 3 行", "column lon", "第 4 行", "3 faults"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(matches!(incidents(".csv", "lon,lat\n1,2\n"), Err(OccurrenceError::Gate(_))));
        assert!(matches!(incidents(".csv", "time,x,y\n2021-01-01,1,2\n"), Err(OccurrenceError::Planar(_))));
    }

    #[test]
    fn cells_are_read_once_each_and_of_one_resolution() {
        let said = |text: &str| counts(text).expect_err("faulty").to_string();
        let cell = h3o::LatLng::new(26.2, 105.9).expect("place").to_cell(h3o::Resolution::Nine);
        let coarse = cell.parent(h3o::Resolution::Eight).expect("a parent");
        assert_eq!(counts(&format!("h3,count\n{cell},3\n")).expect("readable"), [(cell, 3)]);
        assert!(said(&format!("h3,count\n{cell},3\n{cell},4\n")).contains("duplicate_id"));
        assert!(said(&format!("h3,count\n{cell},3\n{coarse},4\n")).contains("mixed_resolutions"));
        assert!(said("h3,count\nzz,3\n").contains("bad_cell"));
        assert!(said(&format!("h3,count\n{cell},-3\n")).contains("not_a_count"));
        assert!(said(&format!("h3,count\n{cell},1.5\n")).contains("column count"));
    }
}
