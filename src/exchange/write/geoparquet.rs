//! GeoParquet 1.1: columns in row groups, geometries as well-known binary, what they are in the metadata `geo`.

use std::collections::BTreeSet;
use std::io::BufWriter;
use std::sync::Arc;

use geo::Geometry;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};

use crate::exchange::table::Cell;
use crate::exchange::wkb::append_wkb;

use super::canonical::{bounds, joined};
use super::whole::WholeFile;
use super::{FieldType, Geometries, Sink, WriteError, WriterField, WriterSchema, Written};

/// Rows a group: what is held in memory.
const GROUP: usize = 20_000;

/// How a field stands in a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Whole,
    Real,
    Bool,
    Day,
    Moment,
}

impl Kind {
    fn of(field: &WriterField) -> Self {
        match field.kind {
            FieldType::Text => Self::Text,
            FieldType::Whole => Self::Whole,
            FieldType::Real => Self::Real,
            FieldType::Bool => Self::Bool,
            FieldType::Date if field.name.ends_with("_at") => Self::Moment,
            FieldType::Date => Self::Day,
        }
    }

    fn column(self) -> (Physical, Option<LogicalType>) {
        match self {
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Whole => (Physical::INT64, None),
            Self::Real => (Physical::DOUBLE, None),
            Self::Bool => (Physical::BOOLEAN, None),
            Self::Day => (Physical::INT32, Some(LogicalType::Date)),
            Self::Moment => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        }
    }
}

type Row = (Vec<Cell>, Option<Geometry<f64>>);
type Failure = Box<dyn std::error::Error>;

pub(super) struct Parquet {
    /// Taken at the end.
    writer: Option<SerializedFileWriter<BufWriter<WholeFile>>>,
    path: std::path::PathBuf,
    kinds: Vec<Kind>,
    /// Name of the geometry's column, where there is one.
    geometry: Option<String>,
    rows: Vec<Row>,
    shapes: BTreeSet<&'static str>,
    extent: Option<[f64; 4]>,
}

impl Parquet {
    pub(super) fn begin(file: WholeFile, schema: WriterSchema) -> Result<Self, WriteError> {
        let path = file.path().to_owned();
        let kinds: Vec<Kind> = schema.fields.iter().map(Kind::of).collect();
        let geometry = (schema.geometries != Geometries::None).then(|| {
            let taken = |name: &str| schema.fields.iter().any(|f| f.name == name);
            ["geometry", "geom", "the_geom"].into_iter().find(|n| !taken(n)).unwrap_or("geometry_").to_owned()
        });
        let columns = columns(&schema.fields, &kinds, geometry.as_deref()).map_err(|e| WriteError::of(&path, e))?;
        let out = BufWriter::with_capacity(1 << 16, file);
        let writer = SerializedFileWriter::new(out, columns, Arc::new(WriterProperties::default()));
        let writer = Some(writer.map_err(|e| WriteError::of(&path, e))?);
        Ok(Self { writer, path, kinds, geometry, rows: Vec::new(), shapes: BTreeSet::new(), extent: None })
    }

    /// Writes the rows held as one group.
    fn group(&mut self) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.rows);
        let Some(writer) = self.writer.as_mut().filter(|_| !rows.is_empty()) else { return Ok(()) };
        let mut group = writer.next_row_group()?;
        for (i, kind) in self.kinds.iter().enumerate() {
            let Some(mut column) = group.next_column()? else { break };
            let cells = rows.iter().map(|(values, _)| values.get(i).unwrap_or(&Cell::Empty));
            match kind {
                Kind::Text => put::<ByteArrayType>(&mut column, cells.map(text))?,
                Kind::Whole => {
                    put::<Int64Type>(&mut column, cells.map(|c| if let Cell::Whole(v) = c { Some(*v) } else { None }))?
                }
                Kind::Real => {
                    put::<DoubleType>(&mut column, cells.map(|c| if let Cell::Real(v) = c { Some(*v) } else { None }))?
                }
                Kind::Bool => {
                    put::<BoolType>(&mut column, cells.map(|c| if let Cell::Bool(v) = c { Some(*v) } else { None }))?
                }
                Kind::Day => {
                    let days: Vec<Option<i32>> = cells.map(day).collect::<Result<_, _>>()?;
                    put::<Int32Type>(&mut column, days.into_iter())?;
                }
                Kind::Moment => {
                    let moments: Vec<Option<i64>> = cells.map(moment).collect::<Result<_, _>>()?;
                    put::<Int64Type>(&mut column, moments.into_iter())?;
                }
            }
            column.close()?;
        }
        if self.geometry.is_some()
            && let Some(mut column) = group.next_column()?
        {
            let shapes = rows.iter().map(|(_, geometry)| {
                geometry.as_ref().map(|g| {
                    let mut bytes = Vec::new();
                    append_wkb(&mut bytes, g);
                    ByteArray::from(bytes)
                })
            });
            put::<ByteArrayType>(&mut column, shapes)?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// What the metadata says of the geometries. Without a system they are WGS 84 longitude and latitude.
    fn told(&self, name: &str) -> String {
        let mut column = json!({ "encoding": "WKB", "geometry_types": self.shapes });
        if let (Some(bbox), Some(fields)) = (self.extent, column.as_object_mut()) {
            fields.insert("bbox".to_owned(), json!(bbox));
        }
        json!({ "version": "1.1.0", "primary_column": name, "columns": { name: column } }).to_string()
    }
}

fn columns(fields: &[WriterField], kinds: &[Kind], geometry: Option<&str>) -> Result<TypePtr, Failure> {
    let optional = |name: &str, physical: Physical, logical: Option<LogicalType>| {
        let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        builder.with_logical_type(logical).build().map(Arc::new)
    };
    let mut all = Vec::with_capacity(fields.len() + 1);
    for (field, kind) in fields.iter().zip(kinds) {
        let (physical, logical) = kind.column();
        all.push(optional(&field.name, physical, logical)?);
    }
    if let Some(name) = geometry {
        all.push(optional(name, Physical::BYTE_ARRAY, None)?);
    }
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(all).build()?))
}

/// Writes a column's values; absent ones are levels only.
fn put<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), Failure> {
    let mut levels = Vec::new();
    let mut there = Vec::new();
    for value in values {
        levels.push(i16::from(value.is_some()));
        there.extend(value);
    }
    column.typed::<T>().write_batch(&there, Some(&levels), None)?;
    Ok(())
}

fn text(cell: &Cell) -> Option<ByteArray> {
    match cell {
        Cell::Text(t) | Cell::Date(t) => Some(ByteArray::from(t.as_str())),
        _ => None,
    }
}

fn date(text: &str) -> Option<Date> {
    let whole = format_description!("[year]-[month]-[day]");
    Date::parse(text.get(..10)?, whole).ok()
}

/// Days since 1970.
fn day(cell: &Cell) -> Result<Option<i32>, Failure> {
    let Cell::Date(text) = cell else { return Ok(None) };
    let date = date(text).ok_or_else(|| format!("“{text}”不是日期 / no date"))?;
    Ok(Some(date.to_julian_day() - OffsetDateTime::UNIX_EPOCH.date().to_julian_day()))
}

/// Milliseconds since 1970, UTC; a day is its beginning.
fn moment(cell: &Cell) -> Result<Option<i64>, Failure> {
    let Cell::Date(text) = cell else { return Ok(None) };
    let at = OffsetDateTime::parse(text, &Rfc3339).ok();
    let at = at.or_else(|| date(text).filter(|_| text.len() == 10).map(|d| d.with_time(Time::MIDNIGHT).assume_utc()));
    let at = at.ok_or_else(|| format!("“{text}”不是日期时间 / no date with time"))?;
    Ok(Some(i64::try_from(at.unix_timestamp_nanos() / 1_000_000)?))
}

fn shape_name(geometry: &Geometry<f64>) -> &'static str {
    match geometry {
        Geometry::Point(_) => "Point",
        Geometry::MultiPoint(_) => "MultiPoint",
        Geometry::LineString(_) => "LineString",
        Geometry::MultiLineString(_) => "MultiLineString",
        Geometry::Polygon(_) => "Polygon",
        Geometry::MultiPolygon(_) => "MultiPolygon",
        _ => "GeometryCollection",
    }
}

impl Sink for Parquet {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        self.shapes.extend(geometry.map(shape_name));
        self.extent = joined(self.extent, geometry.and_then(bounds));
        self.rows.push((values.to_vec(), geometry.cloned()));
        if self.rows.len() < GROUP {
            return Ok(());
        }
        self.group().map_err(|e| WriteError::of(&self.path, e))
    }

    fn finish(mut self: Box<Self>) -> Result<Written, WriteError> {
        self.group().map_err(|e| WriteError::of(&self.path, e))?;
        let path = self.path.clone();
        let geo = self.geometry.as_deref().map(|name| self.told(name));
        let Some(mut writer) = self.writer.take() else {
            return Err(WriteError::of(&path, "写出中断，请重试 / the writer stopped: try again"));
        };
        if let Some(geo) = geo {
            writer.append_key_value_metadata(KeyValue::new("geo".to_owned(), geo));
        }
        let out = writer.into_inner().map_err(|e| WriteError::of(&path, e))?;
        out.into_inner().map_err(|e| WriteError::of(&path, e.error()))?.commit()?;
        Ok(Written::default())
    }
}

#[cfg(test)]
mod tests {
    use geo::{Point, polygon};
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    use super::*;
    use crate::exchange::{Format, WriteOptions, Writer};

    fn field(name: &str, kind: FieldType) -> WriterField {
        WriterField { name: name.to_owned(), kind }
    }

    #[test]
    fn what_is_written_is_read_back_group_by_group_with_its_metadata() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.parquet");
        let fields = vec![
            field("id", FieldType::Text),
            field("persons", FieldType::Whole),
            field("area", FieldType::Real),
            field("hard", FieldType::Bool),
            field("valid_from", FieldType::Date),
            field("occurred_at", FieldType::Date),
        ];
        let schema = WriterSchema { layer: "住户".to_owned(), fields, geometries: Geometries::Any };
        let mut writer = Writer::create(Format::GeoParquet, &path, schema, WriteOptions::default()).expect("begun");
        let rows = GROUP + 5;
        for i in 0..rows {
            let mut values = vec![
                Cell::Text(format!("户{i}").into()),
                Cell::Whole(i as i64),
                Cell::Real(0.5),
                Cell::Bool(i % 2 == 0),
                Cell::Date("1970-01-03".into()),
                Cell::Date("1970-01-01T08:00:01.500+08:00".into()),
            ];
            if i == 1 {
                values[1..].fill(Cell::Empty);
            }
            let square = polygon![(x: 105., y: 26.), (x: 105.5, y: 26.), (x: 105.5, y: 26.5)];
            let shape = if i == 2 { square.into() } else { Geometry::Point(Point::new(105.9, 26.2)) };
            writer.write(&values, (i != 3).then_some(&shape)).expect("written");
        }
        assert_eq!(writer.finish().expect("finished").rows, rows as u64);
        let reader = SerializedFileReader::new(std::fs::File::open(&path).expect("file")).expect("parquet");
        let file = reader.metadata().file_metadata();
        assert_eq!((file.num_rows(), reader.num_row_groups()), (rows as i64, 2));
        let geo = file.key_value_metadata().into_iter().flatten().find(|kv| kv.key == "geo").expect("geo");
        let geo: serde_json::Value = serde_json::from_str(geo.value.as_deref().expect("text")).expect("JSON");
        assert_eq!((&geo["version"], &geo["primary_column"]), (&json!("1.1.0"), &json!("geometry")));
        let column = &geo["columns"]["geometry"];
        assert_eq!((&column["encoding"], &column["geometry_types"]), (&json!("WKB"), &json!(["Point", "Polygon"])));
        assert_eq!(column["bbox"], json!([105.0, 26.0, 105.9, 26.5]));
        let all: Vec<_> = reader.get_row_iter(None).expect("rows").map(|r| r.expect("row")).collect();
        let of = |i: usize| all[i].get_column_iter().map(|(_, f)| f.clone()).collect::<Vec<_>>();
        let last = of(rows - 1);
        assert_eq!(last[0], Field::Str(format!("户{}", rows - 1)));
        assert_eq!(last[1..5], [Field::Long(rows as i64 - 1), Field::Double(0.5), Field::Bool(true), Field::Date(2)]);
        assert_eq!(last[5], Field::TimestampMillis(1_500));
        let mut wkb = Vec::new();
        append_wkb(&mut wkb, &Geometry::Point(Point::new(105.9, 26.2)));
        assert_eq!(last[6], Field::Bytes(ByteArray::from(wkb)));
        assert!(of(1)[1..6].iter().all(|f| *f == Field::Null) && of(1)[6] != Field::Null);
        assert_eq!(of(3)[6], Field::Null);
    }

    #[test]
    fn tables_without_geometry_and_without_rows_are_files_too() {
        let folder = tempfile::tempdir().expect("folder");
        for geometries in [Geometries::None, Geometries::Points] {
            let path = folder.path().join("a.parquet");
            let schema = WriterSchema { layer: "a".to_owned(), fields: vec![field("id", FieldType::Text)], geometries };
            let writer = Writer::create(Format::GeoParquet, &path, schema, WriteOptions::default()).expect("begun");
            writer.finish().expect("finished");
            let reader = SerializedFileReader::new(std::fs::File::open(&path).expect("file")).expect("parquet");
            let told = reader.metadata().file_metadata().key_value_metadata().is_some_and(|kv| !kv.is_empty());
            assert_eq!(told, geometries != Geometries::None);
        }
    }
}
