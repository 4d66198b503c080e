//! Households from CSV: UTF-8 or GB18030, comma, semicolon or tab, Chinese or English headers.

use super::ReadOptions;
use super::error::ReadError;
use super::household_table::{Built, HouseholdTable};
use super::source::decoded;

/// Parses the whole file.
pub(super) fn parse(file: &str, bytes: &[u8], options: &ReadOptions<'_>) -> Result<Built, ReadError> {
    let text = decoded(file, bytes)?;
    let empty = || ReadError::Empty { file: file.to_owned() };
    let first = text.lines().find(|l| !l.trim().is_empty()).ok_or_else(empty)?;
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|d| (first.bytes().filter(|b| b == d).count(), *d == b','))
        .unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(true).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|_| empty())?.iter().map(str::to_owned).collect();
    let mut table = HouseholdTable::of_columns(file, headers, options)?;
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(e) => {
                table.fault(line, "unreadable_row", || format!("无法解析 / cannot be parsed ({e})"));
                break;
            }
        }
        let line = record.position().map_or(line, csv::Position::line);
        let width = table.width();
        if record.len() != width {
            table.fault(line, "ragged_row", || {
                format!(
                    "有 {0} 列，表头有 {width} 列（是否少了引号？） / {0} fields where the header has {width} (a missing quote?)",
                    record.len()
                )
            });
            continue;
        }
        table.push(line, None, |i| record.get(i).unwrap_or(""));
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Households;

    fn read(bytes: &[u8]) -> Result<(Households, Vec<String>), ReadError> {
        parse("t.csv", bytes, &ReadOptions::default()).map(|b| (b.table, b.dropped_columns))
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
        let text = "id,x,y,身份证号,电话,zone\n1,2,3,520,139,z\n";
        let Built { table: t, dropped_columns, .. } = parse("t.csv", text.as_bytes(), &options).expect("readable");
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
