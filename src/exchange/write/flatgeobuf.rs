//! FlatGeobuf with its packed Hilbert index: features stand in the order of the index.

use std::io::BufWriter;

use flatgeobuf::geozero::error::Result as GeozeroResult;
use flatgeobuf::geozero::{ColumnValue, GeomProcessor, GeozeroGeometry, PropertyProcessor as _};
use flatgeobuf::{ColumnType, FgbCrs, FgbWriter, FgbWriterOptions, GeometryType};
use geo::{Geometry, LineString, Polygon};

use crate::exchange::table::Cell;

use super::whole::WholeFile;
use super::{FieldType, Geometries, Sink, WriteError, WriterSchema, Written};

pub(super) struct Flat {
    writer: FgbWriter<'static>,
    file: WholeFile,
    names: Vec<String>,
}

impl Flat {
    pub(super) fn begin(file: WholeFile, schema: WriterSchema) -> Result<Self, WriteError> {
        let kind = match schema.geometries {
            Geometries::Points => GeometryType::Point,
            Geometries::None | Geometries::Any => GeometryType::Unknown,
        };
        let options = FgbWriterOptions {
            write_index: schema.geometries != Geometries::None,
            detect_type: false,
            promote_to_multi: false,
            crs: FgbCrs { org: Some("EPSG"), code: 4326, name: Some("WGS 84"), ..FgbCrs::default() },
            ..FgbWriterOptions::default()
        };
        let mut writer = FgbWriter::create_with_options(&schema.layer, kind, options).map_err(|e| file.error(e))?;
        for field in &schema.fields {
            let kind = match field.kind {
                FieldType::Text => ColumnType::String,
                FieldType::Whole => ColumnType::Long,
                FieldType::Real => ColumnType::Double,
                FieldType::Bool => ColumnType::Bool,
                FieldType::Date => ColumnType::DateTime,
            };
            writer.add_column(&field.name, kind, |_, _| {});
        }
        let names = schema.fields.into_iter().map(|f| f.name).collect();
        Ok(Self { writer, file, names })
    }
}

impl Sink for Flat {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        let mut outcome = Ok(true);
        let added = self.writer.add_feature_geom(Shape(geometry), |feature| {
            for (i, (value, name)) in values.iter().zip(&self.names).enumerate() {
                let value = match value {
                    Cell::Empty => continue,
                    Cell::Text(t) => ColumnValue::String(t),
                    Cell::Date(t) => ColumnValue::DateTime(t),
                    Cell::Whole(v) => ColumnValue::Long(*v),
                    Cell::Real(v) => ColumnValue::Double(*v),
                    Cell::Bool(b) => ColumnValue::Bool(*b),
                };
                if outcome.is_ok() {
                    outcome = feature.property(i, name, &value);
                }
            }
        });
        added.and(outcome.map(|_| ())).map_err(|e| self.file.error(e))
    }

    fn finish(self: Box<Self>) -> Result<Written, WriteError> {
        let out = BufWriter::with_capacity(1 << 16, self.file.file());
        self.writer.write(out).map_err(|e| self.file.error(e))?;
        self.file.commit()?;
        Ok(Written::default())
    }
}

/// A geometry as the writer walks it.
struct Shape<'g>(Option<&'g Geometry<f64>>);

fn line<P: GeomProcessor>(p: &mut P, l: &LineString<f64>, tagged: bool, idx: usize) -> GeozeroResult<()> {
    p.linestring_begin(tagged, l.0.len(), idx)?;
    for (i, c) in l.0.iter().enumerate() {
        p.xy(c.x, c.y, i)?;
    }
    p.linestring_end(tagged, idx)
}

fn polygon<P: GeomProcessor>(p: &mut P, g: &Polygon<f64>, tagged: bool, idx: usize) -> GeozeroResult<()> {
    p.polygon_begin(tagged, 1 + g.interiors().len(), idx)?;
    for (i, ring) in std::iter::once(g.exterior()).chain(g.interiors()).enumerate() {
        line(p, ring, false, i)?;
    }
    p.polygon_end(tagged, idx)
}

impl GeozeroGeometry for Shape<'_> {
    fn process_geom<P: GeomProcessor>(&self, p: &mut P) -> GeozeroResult<()> {
        match self.0 {
            Some(Geometry::Point(g)) => {
                p.point_begin(0)?;
                p.xy(g.x(), g.y(), 0)?;
                p.point_end(0)
            }
            Some(Geometry::LineString(g)) => line(p, g, true, 0),
            Some(Geometry::Polygon(g)) => polygon(p, g, true, 0),
            Some(Geometry::MultiPoint(g)) => {
                p.multipoint_begin(g.0.len(), 0)?;
                for (i, c) in g.0.iter().enumerate() {
                    p.xy(c.x(), c.y(), i)?;
                }
                p.multipoint_end(0)
            }
            Some(Geometry::MultiLineString(g)) => {
                p.multilinestring_begin(g.0.len(), 0)?;
                for (i, l) in g.0.iter().enumerate() {
                    line(p, l, false, i)?;
                }
                p.multilinestring_end(0)
            }
            Some(Geometry::MultiPolygon(g)) => {
                p.multipolygon_begin(g.0.len(), 0)?;
                for (i, part) in g.0.iter().enumerate() {
                    polygon(p, part, false, i)?;
                }
                p.multipolygon_end(0)
            }
            _ => Ok(()),
        }
    }
}
