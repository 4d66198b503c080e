//! What a view is looked at in: incidents from the store, outlines and homes from memory.

use std::collections::HashMap;

use crate::api::App;
use crate::api::error::Answer;
use crate::api::memory::{Collection, Shape};
use crate::api::turns::in_turn;
use crate::domain::LonLat;
use crate::domain::register::Polygons;
use crate::plan::room::{Ground, beside};
use crate::store::{IncidentFilter, Scope};

/// Reads it; across a region's border incidents as far as the reader sees them and cells of a resolution reach, if one is
/// given. Homes only where they are asked for: there may be a million.
///
/// # Errors
/// What the store says.
pub(in crate::api) async fn ground(
    app: &App,
    scope: &Scope,
    filter: &IncidentFilter,
    with_homes: bool,
    resolution: Option<u8>,
) -> Answer<Ground> {
    let incidents = app.store.incident_points(scope, filter).await?;
    let narrow = match filter.region.as_deref() {
        None => Some(scope.clone()),
        Some(region) => scope.within(region),
    };
    let mut ground = Ground { incidents, ..Ground::default() };
    let Some(narrow) = narrow else { return Ok(ground) };
    ground.outline = outline(app, &narrow).await?;
    if let Some(beside) = filter.region.as_ref().and(resolution).and_then(|r| beside(&ground.outline, r)) {
        let near = IncidentFilter { region: None, bbox_deg: Some(beside), ..filter.clone() };
        let near = app.store.incident_points(scope, &near).await?;
        let work = move || {
            ground.around = without(near, &ground.incidents);
            ground
        };
        ground = in_turn(work).await?;
    }
    if with_homes {
        let homes = app.memory.get(Collection::Households).await?;
        let view = app.memory.view(&homes, &narrow).await?;
        // a million of them take longer than others who ask should wait
        let lived_in = move || {
            let gone = homes.spec().position("valid_to").unwrap_or_default();
            let place = |row: u32| match (homes.shape(row), homes.field(row, gone)) {
                (Some(Shape::Point([lon_deg, lat_deg])), Some("null")) => {
                    Some((LonLat { lon_deg: *lon_deg, lat_deg: *lat_deg }, 1))
                }
                _ => None,
            };
            view.rows(0, homes.len() as u32).filter_map(place).collect()
        };
        ground.homes = in_turn(lived_in).await?;
    }
    Ok(ground)
}

/// Outlines of the villages that a scope sees.
///
/// # Errors
/// What the store says.
pub(in crate::api) async fn outline(app: &App, scope: &Scope) -> Answer<Polygons> {
    let regions = app.memory.get(Collection::Regions).await?;
    let view = app.memory.view(&regions, scope).await?;
    in_turn(move || {
        let level = regions.spec().position("level").unwrap_or_default();
        let is_village = |row: &u32| regions.field(*row, level) == Some("\"village\"");
        let rows = view.rows(0, regions.len() as u32).filter(is_village);
        let shapes = rows.filter_map(|row| match regions.shape(row) {
            Some(Shape::Other(shape)) => Some(polygons(shape)),
            _ => None,
        });
        shapes.flatten().collect()
    })
    .await
}

/// Incidents that are not among others, each as often as it is more.
fn without(mut all: Vec<(LonLat, i64)>, others: &[(LonLat, i64)]) -> Vec<(LonLat, i64)> {
    let key = |i: &(LonLat, i64)| (i.0.lon_deg.to_bits(), i.0.lat_deg.to_bits(), i.1);
    let mut known: HashMap<_, u32> = HashMap::with_capacity(others.len());
    for other in others {
        *known.entry(key(other)).or_default() += 1;
    }
    all.retain(|i| match known.get_mut(&key(i)) {
        Some(n) if *n > 0 => {
            *n -= 1;
            false
        }
        _ => true,
    });
    all
}

fn polygons(shape: &geo::Geometry<f64>) -> Polygons {
    let ring = |l: &geo::LineString<f64>| l.0.iter().map(|c| [c.x, c.y]).collect();
    let rings = |p: &geo::Polygon<f64>| std::iter::once(p.exterior()).chain(p.interiors()).map(ring).collect();
    match shape {
        geo::Geometry::Polygon(p) => vec![rings(p)],
        geo::Geometry::MultiPolygon(all) => all.iter().map(rings).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_around_are_those_that_are_more() {
        let at = |x: f64, t: i64| (LonLat { lon_deg: x, lat_deg: 26.0 }, t);
        let all = vec![at(1.0, 1), at(1.0, 1), at(1.0, 2), at(2.0, 1)];
        assert_eq!(without(all.clone(), &[at(1.0, 1), at(9.0, 9)]), [at(1.0, 1), at(1.0, 2), at(2.0, 1)]);
        assert!(without(all.clone(), &all).is_empty());
    }
}
