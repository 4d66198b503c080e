//! The same features as a plan directory holds, from the store.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use crate::domain::plan::VillageRows;
use crate::domain::register::{Geometry, Polygons};
use crate::plan::register::chosen_plans;
use crate::store::{Derived, Filter, Layer, RegisterRow, Scope, Store, StoreError};

use super::read::{Feature, Plan, Shape};
use super::{DrawError, unknown};

fn feature<const N: usize>(shape: Shape, pairs: [(&str, Value); N]) -> Feature {
    let properties: Map<String, Value> = pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    Feature::new(shape, properties)
}

fn areas(polygons: &Polygons) -> Shape {
    Shape { polygons: polygons.clone(), ..Shape::default() }
}

fn point(at: [f64; 2]) -> Shape {
    Shape { points: vec![at], ..Shape::default() }
}

fn shape(geometry: &Geometry) -> Shape {
    match geometry {
        Geometry::Point(p) => point(*p),
        Geometry::Line(line) => Shape { lines: vec![line.clone()], ..Shape::default() },
        Geometry::Polygon(rings) => Shape { polygons: vec![rings.clone()], ..Shape::default() },
        Geometry::MultiPolygon(parts) => areas(parts),
    }
}

/// Reads what a picture of one village, or of all of them, needs: of the plan of an id, or of the plans in force.
pub(super) async fn read(
    store: &dyn Store,
    scope: &Scope,
    plan: Option<&str>,
    village: Option<&str>,
) -> Result<Plan, DrawError> {
    let mut drawn = Plan {
        grids: Vec::new(),
        units: Vec::new(),
        leaders: Vec::new(),
        buildings: Vec::new(),
        regions: Vec::new(),
        barriers: Vec::new(),
        planar: false,
    };
    let mut known = BTreeSet::new();
    let mut seats: BTreeMap<String, String> = BTreeMap::new();
    for head in chosen_plans(store, scope, plan).await? {
        let villages = store.plan_villages(scope, &head.id).await?;
        for code in villages.iter().filter(|v| village.is_none_or(|asked| asked == v.as_str())) {
            let (_, rows) = store.plan_rows(scope, &head.id, std::slice::from_ref(code)).await?;
            let derived = store.derived(scope, &head.id, code).await?;
            for rows in rows {
                add_plan(&mut drawn, &rows, &derived);
                seats.extend(rows.seats.into_iter().map(|s| (s.building, s.grid)));
            }
        }
        known.extend(villages);
    }
    if let Some(asked) = village.filter(|v| !known.contains(*v)) {
        return Err(unknown(asked, &known));
    }
    add_ground(&mut drawn, store, scope, village, &seats).await?;
    Ok(drawn)
}

fn add_plan(drawn: &mut Plan, rows: &VillageRows, derived: &Derived) {
    let of_grid: BTreeMap<&str, _> = derived.grids.iter().map(|d| (d.code.as_str(), d)).collect();
    for g in rows.grids.iter().filter(|g| g.valid_to.is_none()) {
        let Some(d) = of_grid.get(g.code.as_str()) else { continue };
        drawn.grids.push(feature(
            areas(&d.polygons),
            [
                ("code", json!(g.code)),
                ("name", json!(g.name)),
                ("kind", json!(g.kind)),
                ("village", json!(rows.village)),
                ("households", json!(d.households)),
                ("deviation", json!(d.deviation)),
            ],
        ));
    }
    let of_unit: BTreeMap<&str, _> = derived.units.iter().map(|d| (d.code.as_str(), d)).collect();
    for u in &rows.units {
        let Some(d) = of_unit.get(u.code.as_str()).filter(|d| d.households > 0) else { continue };
        drawn.units.push(feature(
            areas(&d.polygons),
            [
                ("code", json!(u.code)),
                ("grid", json!(u.code.get(..15))),
                ("village", json!(rows.village)),
                ("households", json!(d.households)),
                ("exception", json!(u.exception)),
            ],
        ));
    }
    drawn.leaders.extend(derived.leaders.iter().map(|l| {
        feature(
            point([l.place.lon_deg, l.place.lat_deg]),
            [
                ("id", json!(l.household)),
                ("role", json!(l.role)),
                ("unit", json!(l.unit)),
                ("village", json!(rows.village)),
            ],
        )
    }));
}

/// Buildings with their households, outlines of divisions, barriers: what is in force today.
async fn add_ground(
    drawn: &mut Plan,
    store: &dyn Store,
    scope: &Scope,
    village: Option<&str>,
    seats: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    let here = Filter { region: village.map(str::to_owned), ..Filter::default() };
    let mut households: BTreeMap<String, u32> = BTreeMap::new();
    each(store, scope, Layer::Households, &here, |row| {
        if let RegisterRow::Households(h) = row
            && h.valid_to.is_none()
        {
            *households.entry(h.building).or_default() += 1;
        }
    })
    .await?;
    each(store, scope, Layer::Buildings, &here, |row| {
        if let RegisterRow::Buildings(b) = row
            && b.valid_to.is_none()
            && let Some(grid) = seats.get(&b.id)
            && let Some([w, s, e, n]) = b.place.bounds_deg()
        {
            let count = households.get(&b.id).copied().unwrap_or(0);
            drawn.buildings.push(feature(
                point([(w + e) / 2.0, (s + n) / 2.0]),
                [
                    ("id", json!(b.id)),
                    ("village", json!(b.village)),
                    ("grid", json!(grid)),
                    ("households", json!(count)),
                ],
            ));
        }
    })
    .await?;
    each(store, scope, Layer::Regions, &Filter::default(), |row| {
        if let RegisterRow::Regions(r) = row
            && r.valid_to.is_none()
            && matches!(r.level.as_str(), "village" | "township")
        {
            let outline = r.outline.as_ref().map(areas).unwrap_or_default();
            let pairs = [("code", json!(r.code)), ("name", json!(r.name)), ("level", json!(r.level))];
            drawn.regions.push(feature(outline, pairs));
        }
    })
    .await?;
    each(store, scope, Layer::Barriers, &Filter::default(), |row| {
        if let RegisterRow::Barriers(b) = row
            && b.valid_to.is_none()
        {
            let pairs = [("kind", json!(b.kind)), ("hard", json!(b.hard)), ("name", json!(b.name))];
            drawn.barriers.push(feature(shape(&b.shape), pairs));
        }
    })
    .await
}

async fn each(
    store: &dyn Store,
    scope: &Scope,
    layer: Layer,
    filter: &Filter,
    mut see: impl FnMut(RegisterRow) + Send,
) -> Result<(), StoreError> {
    let mut sink = |rows: Vec<RegisterRow>| {
        rows.into_iter().for_each(&mut see);
        ControlFlow::Continue(())
    };
    store.stream(scope, layer, filter, &mut sink).await.map(drop)
}
