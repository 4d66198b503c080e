//! Households from the features of a layer: points, and polygons that are buildings.

use std::borrow::Cow;

use geo::Geometry;

use super::ReadOptions;
use super::error::{Fault, ReadError};
use super::household_table::{Built, FeaturePlace, HouseholdTable, is_kept};
use super::interior::interior_point;
use super::layer::{Located, text_of};
use super::rings::{fault_of_polygon, wrong_kind};

/// The position of a feature and whether it is a polygon.
fn place(geometry: &Geometry<f64>) -> (Result<[f64; 2], Fault>, bool) {
    let wrong = |found: &str| (Err(wrong_kind(found, "点或面", "a point or a polygon")), false);
    let inside = match geometry {
        Geometry::Point(p) => return (Ok([p.x(), p.y()]), false),
        Geometry::MultiPoint(m) => match m.0.as_slice() {
            [p] => return (Ok([p.x(), p.y()]), false),
            _ => return wrong("MultiPoint"),
        },
        Geometry::Polygon(p) => interior_point([p]),
        Geometry::MultiPolygon(m) => interior_point(m),
        Geometry::LineString(_) => return wrong("LineString"),
        Geometry::MultiLineString(_) => return wrong("MultiLineString"),
        _ => return wrong("GeometryCollection"),
    };
    let position = inside.filter(|c| c.iter().all(|v| v.is_finite()));
    (position.ok_or_else(|| Fault::new("zero_area", "面没有内点 / the polygon has no inside")), true)
}

fn is_invalid(geometry: &Geometry<f64>) -> bool {
    match geometry {
        Geometry::Polygon(p) => fault_of_polygon(p).is_some(),
        Geometry::MultiPolygon(m) => m.iter().any(|p| fault_of_polygon(p).is_some()),
        _ => false,
    }
}

/// Builds the table from a layer that was read with [`is_kept`] as its filter.
pub(super) fn build(file: &str, layer: Located, options: &ReadOptions<'_>) -> Result<Built, ReadError> {
    let columns = layer.columns;
    debug_assert!(layer.rows.iter().all(|r| r.properties.keys().all(|k| is_kept(k, options))));
    let mut table = HouseholdTable::of_features(file, columns.clone(), layer.planar, options);
    let (mut invalid, mut first_invalid) = (0_usize, None);
    for row in &layer.rows {
        let (position, polygon) = match &row.geometry {
            Ok(geometry) => {
                // Only the position is used, so a drawing fault in one building is told, not refused.
                if is_invalid(geometry) {
                    invalid += 1;
                    first_invalid = first_invalid.or(Some(row.number));
                }
                place(geometry)
            }
            Err(fault) => (Err(fault.clone()), false),
        };
        let fields: Vec<Cow<'_, str>> = columns.iter().map(|c| text_of(row.properties.get(c))).collect();
        let feature = FeaturePlace { position, id: row.id.as_deref(), polygon };
        table.push(row.number, Some(feature), |i| fields.get(i).map_or("", |t| t.as_ref()));
    }
    let mut built = table.finish()?;
    built.warnings.splice(0..0, layer.warnings);
    if let Some(number) = first_invalid {
        built.warnings.push(format!(
            "{invalid} 个面自相交或无效（首个：第 {number} 个要素），仍取其内点\n{invalid} polygons cross themselves or are otherwise invalid (first: feature {number}); their interior points are used all the same"
        ));
    }
    Ok(built)
}
