//! Households from the rows of a table: CSV or a sheet of a workbook.

use super::ReadOptions;
use super::error::ReadError;
use super::household_table::{Built, HouseholdTable};
use super::limits::Limits;
use super::open::Isolation;
use super::read::Request;
use super::source::Source;
use super::table::{Cell, Halt, Head, RawRow, RowSink};

/// Reads the whole file; gives the table and the SHA-256 of the file's bytes.
pub(super) fn read(source: &Source<'_>, options: &ReadOptions<'_>) -> Result<(Built, String), ReadError> {
    let request = Request {
        file: source.file.to_owned(),
        layer: source.layer.map(str::to_owned),
        format: source.format,
        limits: Limits::default(),
    };
    let isolation = options.isolation.unwrap_or(&Isolation::InProcess);
    gathered(source.file, options, |sink| isolation.produce(&request, sink))
}

fn gathered<'a>(
    file: &'a str,
    options: &ReadOptions<'a>,
    produce: impl FnOnce(&mut dyn RowSink) -> Result<(), Halt>,
) -> Result<(Built, String), ReadError> {
    let mut sink = Gathered { file, options: *options, table: None, sha256_hex: String::new() };
    match produce(&mut sink) {
        Ok(()) | Err(Halt::Stopped) => {}
        Err(Halt::Error(e)) => return Err(e),
    }
    let table = sink.table.ok_or_else(|| ReadError::empty(file))?;
    Ok((table.finish()?, sink.sha256_hex))
}

struct Gathered<'a> {
    file: &'a str,
    options: ReadOptions<'a>,
    table: Option<HouseholdTable<'a>>,
    sha256_hex: String,
}

impl RowSink for Gathered<'_> {
    fn head(&mut self, head: Head) -> Result<(), Halt> {
        self.table = Some(HouseholdTable::of_columns(self.file, head.columns, &self.options)?);
        self.sha256_hex = head.sha256_hex;
        Ok(())
    }

    fn row(&mut self, row: RawRow) -> Result<(), Halt> {
        let Some(table) = &mut self.table else { return Ok(()) };
        if let Some(fault) = row.fault {
            table.fault(row.number, fault.code, || fault.message);
            return Ok(());
        }
        let texts: Vec<String> = row.cells.into_iter().map(text_of).collect();
        table.push(row.number, None, |i| texts.get(i).map_or("", String::as_str));
        Ok(())
    }
}

fn text_of(cell: Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(t) | Cell::Date(t) => t.into(),
        Cell::Whole(v) => v.to_string(),
        Cell::Real(v) => v.to_string(),
        Cell::Bool(b) => b.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Households;
    use crate::exchange::source::Format;

    fn parse(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Built, ReadError> {
        let (file, layer) = ("t.csv".to_owned(), None);
        let request = Request { file, layer, format: Format::Csv, limits: Limits::default() };
        gathered("t.csv", options, |sink| crate::exchange::read::csv_bytes(&request, bytes.to_vec(), sink)).map(|b| b.0)
    }

    fn read(bytes: &[u8]) -> Result<(Households, Vec<String>), ReadError> {
        parse(bytes, &ReadOptions::default()).map(|b| (b.table, b.dropped_columns))
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
    fn metres_beyond_any_plane_name_row_and_id() {
        assert_eq!(codes(b"id,x,y\na,1,2\nfar,1e300,2\n"), [(3, "out_of_range")]);
        let e = read(b"id,x,y\na,1,2\nfar,1e300,2\n").expect_err("far").to_string();
        assert!(e.contains("far") && e.contains("line 3"), "{e}");
        assert_eq!(read(b"id,x,y\na,35450000,2900000\n").expect("a zone's easting").0.len(), 1);
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
        let options = ReadOptions { extra_columns: &extra, ..ReadOptions::default() };
        let text = "id,x,y,身份证号,电话,zone\n1,2,3,520,139,z\n";
        let Built { table: t, dropped_columns, .. } = parse(text.as_bytes(), &options).expect("readable");
        assert_eq!(dropped_columns, ["身份证号", "电话"]);
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
