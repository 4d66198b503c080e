//! What a view is looked at in: incidents from the store, outlines and homes from memory.

use crate::api::App;
use crate::api::error::{Answer, Problem};
use crate::api::memory::{Collection, Shape, Snapshot, View};
use crate::domain::LonLat;
use crate::plan::room::Ground;
use crate::store::{IncidentFilter, Scope};

/// Reads it. Homes only where they are asked for: there may be a million.
///
/// # Errors
/// What the store says.
pub(in crate::api) async fn ground(
    app: &App,
    scope: &Scope,
    filter: &IncidentFilter,
    with_homes: bool,
) -> Answer<Ground> {
    let incidents = app.store.incident_points(scope, filter).await?;
    let narrow = match filter.region.as_deref() {
        None => Some(scope.clone()),
        Some(region) => scope.within(region),
    };
    let mut ground = Ground { incidents, ..Ground::default() };
    let Some(narrow) = narrow else { return Ok(ground) };
    let regions = app.memory.get(Collection::Regions).await?;
    let view = app.memory.view(&regions, &narrow).await?;
    let level = regions.spec().position("level").unwrap_or_default();
    let is_village = |row: &u32| regions.field(*row, level) == Some("\"village\"");
    for row in (0..regions.len() as u32).filter(|r| view.sees(*r)).filter(is_village) {
        if let Some(Shape::Other(shape)) = regions.shape(row) {
            ground.outline.extend(polygons(shape));
        }
    }
    if with_homes {
        let homes = app.memory.get(Collection::Households).await?;
        let view = app.memory.view(&homes, &narrow).await?;
        // a million of them take longer than others who ask should wait
        let read = tokio::task::spawn_blocking(move || lived_in(&homes, &view)).await;
        ground.homes = read.map_err(|e| Problem::internal(e.to_string()))?;
    }
    Ok(ground)
}

/// Homes of a view that are lived in now.
fn lived_in(homes: &Snapshot, view: &View) -> Vec<(LonLat, u64)> {
    let gone = homes.spec().position("valid_to").unwrap_or_default();
    let place = |row: u32| match (homes.shape(row), homes.field(row, gone)) {
        (Some(Shape::Point([lon_deg, lat_deg])), Some("null")) => {
            Some((LonLat { lon_deg: *lon_deg, lat_deg: *lat_deg }, 1))
        }
        _ => None,
    };
    (0..homes.len() as u32).filter(|row| view.sees(*row)).filter_map(place).collect()
}

fn polygons(shape: &geo::Geometry<f64>) -> Vec<Vec<Vec<[f64; 2]>>> {
    let ring = |l: &geo::LineString<f64>| l.0.iter().map(|c| [c.x, c.y]).collect();
    let rings = |p: &geo::Polygon<f64>| std::iter::once(p.exterior()).chain(p.interiors()).map(ring).collect();
    match shape {
        geo::Geometry::Polygon(p) => vec![rings(p)],
        geo::Geometry::MultiPolygon(all) => all.iter().map(rings).collect(),
        _ => Vec::new(),
    }
}
