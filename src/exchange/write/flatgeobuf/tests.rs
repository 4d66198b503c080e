//! The same bytes as the format's own library writes, which holds its index in memory.

use std::path::Path;

use flatgeobuf::geozero::error::Result as GeozeroResult;
use flatgeobuf::geozero::{ColumnValue, GeomProcessor, GeozeroGeometry, PropertyProcessor as _};
use flatgeobuf::{FgbCrs, FgbWriter, FgbWriterOptions};
use geo::{MultiLineString, MultiPoint, MultiPolygon, Point, polygon};

use super::*;

/// A geometry as the library walks it.
struct Walked<'g>(&'g Geometry<f64>);

fn line<P: GeomProcessor>(p: &mut P, l: &LineString<f64>, tagged: bool, idx: usize) -> GeozeroResult<()> {
    p.linestring_begin(tagged, l.0.len(), idx)?;
    for (i, c) in l.0.iter().enumerate() {
        p.xy(c.x, c.y, i)?;
    }
    p.linestring_end(tagged, idx)
}

fn area<P: GeomProcessor>(p: &mut P, g: &Polygon<f64>, tagged: bool, idx: usize) -> GeozeroResult<()> {
    p.polygon_begin(tagged, 1 + g.interiors().len(), idx)?;
    for (i, ring) in rings(g).enumerate() {
        line(p, ring, false, i)?;
    }
    p.polygon_end(tagged, idx)
}

impl GeozeroGeometry for Walked<'_> {
    fn process_geom<P: GeomProcessor>(&self, p: &mut P) -> GeozeroResult<()> {
        match self.0 {
            Geometry::Point(g) => {
                p.point_begin(0)?;
                p.xy(g.x(), g.y(), 0)?;
                p.point_end(0)
            }
            Geometry::LineString(g) => line(p, g, true, 0),
            Geometry::Polygon(g) => area(p, g, true, 0),
            Geometry::MultiPoint(g) => {
                p.multipoint_begin(g.0.len(), 0)?;
                for (i, c) in g.0.iter().enumerate() {
                    p.xy(c.x(), c.y(), i)?;
                }
                p.multipoint_end(0)
            }
            Geometry::MultiLineString(g) => {
                p.multilinestring_begin(g.0.len(), 0)?;
                for (i, l) in g.0.iter().enumerate() {
                    line(p, l, false, i)?;
                }
                p.multilinestring_end(0)
            }
            Geometry::MultiPolygon(g) => {
                p.multipolygon_begin(g.0.len(), 0)?;
                for (i, part) in g.0.iter().enumerate() {
                    area(p, part, false, i)?;
                }
                p.multipolygon_end(0)
            }
            _ => Ok(()),
        }
    }
}

type Row = (Vec<Cell>, Geometry<f64>);

fn schema(geometries: Geometries) -> WriterSchema {
    let kinds = [FieldType::Text, FieldType::Whole, FieldType::Real, FieldType::Bool, FieldType::Date];
    let fields = kinds.iter().map(|k| WriterField { name: format!("字段 {k:?}"), kind: *k }).collect();
    WriterSchema { layer: "东西".to_owned(), fields, geometries }
}

fn theirs(schema: &WriterSchema, rows: &[Row]) -> Vec<u8> {
    let kind = if schema.geometries == Geometries::Points { GeometryType::Point } else { GeometryType::Unknown };
    let options = FgbWriterOptions {
        write_index: true,
        detect_type: false,
        promote_to_multi: false,
        crs: FgbCrs { org: Some("EPSG"), code: 4326, name: Some("WGS 84"), ..FgbCrs::default() },
        ..FgbWriterOptions::default()
    };
    let mut writer = FgbWriter::create_with_options(&schema.layer, kind, options).expect("begun");
    let kinds = [ColumnType::String, ColumnType::Long, ColumnType::Double, ColumnType::Bool, ColumnType::DateTime];
    for (field, kind) in schema.fields.iter().zip(kinds) {
        writer.add_column(&field.name, kind, |_, _| {});
    }
    for (values, geometry) in rows {
        let added = writer.add_feature_geom(Walked(geometry), |feature| {
            for (i, value) in values.iter().enumerate() {
                let value = match value {
                    Cell::Empty => continue,
                    Cell::Text(t) => ColumnValue::String(t),
                    Cell::Date(t) => ColumnValue::DateTime(t),
                    Cell::Whole(v) => ColumnValue::Long(*v),
                    Cell::Real(v) => ColumnValue::Double(*v),
                    Cell::Bool(b) => ColumnValue::Bool(*b),
                };
                feature.property(i, "", &value).expect("a property");
            }
        });
        added.expect("added");
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).expect("written");
    bytes
}

fn ours(path: &Path, schema: &WriterSchema, rows: &[Row], run: usize) -> Vec<u8> {
    let file = WholeFile::create(path).expect("created");
    let mut flat = Flat::in_runs(file, schema.clone(), run).expect("begun");
    for (values, geometry) in rows {
        flat.row(values, Some(geometry)).expect("row");
    }
    Box::new(flat).finish().expect("finished");
    std::fs::read(path).expect("read")
}

fn values(i: usize) -> Vec<Cell> {
    let day = Cell::Date(format!("2021-05-{:02}", i % 28 + 1).into());
    let text = if i.is_multiple_of(5) { Cell::Empty } else { Cell::Text(format!("第{i}户").into()) };
    vec![text, Cell::Whole(i as i64 * 1_000_003), Cell::Real(i as f64 / 7.0), Cell::Bool(i.is_multiple_of(2)), day]
}

#[test]
fn points_are_written_byte_for_byte_as_by_the_library() {
    let folder = tempfile::tempdir().expect("folder");
    let schema = schema(Geometries::Points);
    // 1, 16, 17, 256, 257: a level full, and one beyond
    for n in [0, 1, 2, 15, 16, 17, 256, 257, 5_000] {
        let rows: Vec<Row> = (0..n)
            .map(|i| {
                let (x, y) = ((i * 7_919 % 1_013) as f64 / 1e4, (i * 104_729 % 997) as f64 / 1e4);
                (values(i), Geometry::Point(Point::new(105.9 + x, 26.2 - y)))
            })
            .collect();
        for run in [100, RUN] {
            assert!(ours(&folder.path().join("a.fgb"), &schema, &rows, run) == theirs(&schema, &rows), "{n}, {run}");
        }
    }
}

#[test]
fn lines_and_areas_are_written_byte_for_byte_as_by_the_library() {
    let folder = tempfile::tempdir().expect("folder");
    let square = |x: f64| -> Polygon<f64> {
        polygon!(exterior: [(x: x, y: 26.), (x: x + 0.01, y: 26.), (x: x + 0.01, y: 26.01), (x: x, y: 26.01)],
            interiors: [[(x: x + 0.002, y: 26.002), (x: x + 0.004, y: 26.002), (x: x + 0.004, y: 26.004)]])
    };
    let bare = |x: f64| Polygon::new(square(x).exterior().clone(), Vec::new());
    let line = |x: f64| LineString::from(vec![(x, 26.0), (x + 0.01, 26.0123), (x + 0.02, 26.0)]);
    let rows: Vec<Row> = (0..600)
        .map(|i| {
            let x = 105.0 + (i * 37 % 101) as f64 / 100.0;
            let geometry = match i % 6 {
                0 => Geometry::Polygon(square(x)),
                1 => Geometry::MultiPolygon(MultiPolygon::new(vec![square(x), bare(x + 1.0)])),
                2 => Geometry::LineString(line(x)),
                3 => Geometry::MultiLineString(MultiLineString::new(vec![line(x), line(x + 0.5)])),
                4 => Geometry::Polygon(bare(x)),
                _ => Geometry::MultiPoint(MultiPoint::from(vec![(x, 26.0), (x, 26.1)])),
            };
            (values(i), geometry)
        })
        .collect();
    let schema = schema(Geometries::Any);
    assert!(ours(&folder.path().join("a.fgb"), &schema, &rows, 100) == theirs(&schema, &rows));
}

#[test]
fn a_feature_without_a_geometry_lies_nowhere() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.fgb");
    let mut flat = Flat::begin(WholeFile::create(&path).expect("created"), schema(Geometries::Points)).expect("begun");
    let place = Geometry::Point(Point::new(105.9, 26.2));
    flat.row(&values(1), Some(&place)).expect("row");
    flat.row(&values(2), None).expect("row");
    assert!(flat.row(&values(3), Some(&Geometry::LineString(LineString::from(vec![(0., 0.), (1., 1.)])))).is_err());
    Box::new(flat).finish().expect("finished");
    let bytes = std::fs::read(&path).expect("read");
    let mut all = flatgeobuf::FgbReader::open(bytes.as_slice()).expect("opened").select_all_seq().expect("features");
    let mut found = Vec::new();
    while let Some(feature) = flatgeobuf::FallibleStreamingIterator::next(&mut all).expect("read") {
        found.push(feature.fbs_feature().geometry().is_some());
    }
    found.sort_unstable();
    assert_eq!(found, [false, true]);
    let near = flatgeobuf::FgbReader::open(std::io::Cursor::new(&bytes)).expect("opened");
    let near = near.select_bbox(105.0, 26.0, 106.0, 27.0).expect("index");
    assert_eq!(near.features_count(), Some(1));
}
