//! Collections read from the store: register layers as they are, plan layers from the plans in force.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::domain::plan::{GridRow, PlanStatus, UnitRow};
use crate::domain::register::{Geometry, Tenure};
use crate::plan::register::{polygons_to_file, to_file};
use crate::store::{
    DerivedGrid, DerivedLeader, DerivedUnit, Filter, Layer, MapLayer, MapRow, PlanFilter, RegisterRow, Role, Scope,
    Store, StoreError,
};

use super::base::Builder;
use super::collection::Collection;
use super::fragment::{Feature, Value};
use super::shape::Shape;
use super::snapshot::{Changes, Snapshot};

/// Keys asked for at once.
const KEYS: usize = 1_000;
/// Villages of a plan read at once.
const VILLAGES: usize = 64;
/// Digits of a village's code.
const VILLAGE: usize = 12;

/// Takes a feature: its key, the code by which it is seen, where it lies, its values in the order of the fields, the version of its row
/// or 0.
type Put<'a> = dyn FnMut(&str, &str, Option<Shape>, &[Value<'_>], u64) + Send + 'a;

/// Reads a whole collection: features are made of rows where these are read.
pub(super) async fn load(store: &dyn Store, collection: Collection) -> Result<Snapshot, StoreError> {
    let mut builder = Builder::new(collection);
    let mut put = builder.put();
    match layer_of(collection) {
        Some(layer) => {
            let mut see = |row: &RegisterRow| {
                put_row(&mut put, row);
                ControlFlow::Continue(())
            };
            store.each(&everything(), layer, &Filter::default(), &mut see).await?;
        }
        None => plan_layer(store, collection, &mut put).await?,
    }
    drop(put);
    let packed = tokio::task::spawn_blocking(move || Snapshot::loaded(builder.finish())).await;
    packed.map_err(|e| StoreError::Internal { code: format!("snapshot: {e}") })
}

/// Reads features of a register's layer by their keys, as they are now.
pub(super) async fn load_some(
    store: &dyn Store,
    collection: Collection,
    keys: impl IntoIterator<Item = String>,
) -> Result<Changes, StoreError> {
    let mut changes: Changes = keys.into_iter().map(|key| (key, None)).collect();
    let Some(layer) = layer_of(collection) else { return Ok(changes) };
    let keys: Vec<String> = changes.keys().cloned().collect();
    for some in keys.chunks(KEYS) {
        let limit = u32::try_from(some.len()).ok();
        let filter = Filter { ids: Some(some.to_vec()), limit, ..Filter::default() };
        let mut put = |id: &str, code: &str, shape: Option<Shape>, values: &[Value<'_>], version: u64| {
            let feature = Feature::new(collection.spec(), id, code, shape, values).versioned(version);
            changes.insert(id.to_owned(), Some(feature));
        };
        for row in store.list(&everything(), layer, &filter).await?.rows {
            put_row(&mut put, &row);
        }
    }
    Ok(changes)
}

/// Reads a village's features of a plan's layer, as they are now.
pub(super) async fn load_village(
    store: &dyn Store,
    collection: Collection,
    village: &str,
) -> Result<Vec<Feature>, StoreError> {
    let mut features = Vec::new();
    if let Some(plan) = plan_of(store, village).await? {
        let mut put = |id: &str, code: &str, shape: Option<Shape>, values: &[Value<'_>], version: u64| {
            features.push(Feature::new(collection.spec(), id, code, shape, values).versioned(version));
        };
        put_villages(store, collection, &plan, (village, village), &mut put).await?;
    }
    Ok(features)
}

/// The register's layer behind a collection; `None` for layers of plans.
pub(super) const fn layer_of(collection: Collection) -> Option<Layer> {
    match collection {
        Collection::Regions => Some(Layer::Regions),
        Collection::Buildings => Some(Layer::Buildings),
        Collection::Households => Some(Layer::Households),
        Collection::Incidents => Some(Layer::Incidents),
        Collection::Grids | Collection::Units | Collection::Leaders | Collection::Hotspots => None,
    }
}

fn everything() -> Scope {
    Scope::whole_store(Role::Viewer)
}

fn shape_of(g: &Geometry) -> Shape {
    match g {
        Geometry::Point(p) => Shape::Point(*p),
        other => Shape::Other(Box::new(to_file(other))),
    }
}

/// One row as it is served, personal fields and all; `None` for rows that are not.
pub(crate) fn rendered(collection: Collection, row: &RegisterRow) -> Option<String> {
    let mut text = String::new();
    feature_of(collection, row)?.part().append(&mut text, collection.spec(), true);
    Some(text)
}

/// What [`Snapshot::content`] says of the feature that a row is served as.
pub(crate) fn content_of(collection: Collection, row: &RegisterRow) -> Option<u64> {
    Some(feature_of(collection, row)?.part().hash())
}

fn feature_of(collection: Collection, row: &RegisterRow) -> Option<Feature> {
    let mut feature = None;
    let mut put = |id: &str, code: &str, shape: Option<Shape>, values: &[Value<'_>], _: u64| {
        feature = Some(Feature::new(collection.spec(), id, code, shape, values));
    };
    put_row(&mut put, row);
    feature
}

fn put_row(put: &mut Put<'_>, row: &RegisterRow) {
    match row {
        RegisterRow::Regions(r) => {
            let shape = r.outline.as_ref().map(|o| Shape::Other(Box::new(polygons_to_file(o))));
            let values = [
                r.code.as_str().into(),
                r.name.as_str().into(),
                r.level.as_str().into(),
                (&r.parent).into(),
                (&r.valid_from).into(),
                (&r.valid_to).into(),
            ];
            put(&r.code, &r.code, shape, &values, r.row_version);
        }
        RegisterRow::Buildings(r) => {
            let stairwells = r.stairwells.join("、");
            let values = [
                r.id.as_str().into(),
                r.village.as_str().into(),
                (&r.name).into(),
                (&r.kind).into(),
                r.households.into(),
                (&r.dedicated).into(),
                stairwells.as_str().into(),
                (&r.valid_from).into(),
                (&r.valid_to).into(),
            ];
            put(&r.id, &r.village, Some(shape_of(&r.place)), &values, r.row_version);
        }
        RegisterRow::Households(r) => {
            let tenure = r.tenure.map_or(Value::None, |t| {
                Value::Text(match t {
                    Tenure::Own => "own",
                    Tenure::Rented => "rented",
                    Tenure::Vacant => "vacant",
                })
            });
            let values = [
                r.id.as_str().into(),
                r.village.as_str().into(),
                r.building.as_str().into(),
                (&r.stairwell).into(),
                r.floor.into(),
                (&r.hamlet).into(),
                (&r.group_name).into(),
                (&r.valid_from).into(),
                (&r.valid_to).into(),
                r.persons.into(),
                tenure,
                r.eligible.map_or(Value::None, Value::Bool),
            ];
            let at = Shape::Point([r.place.lon_deg, r.place.lat_deg]);
            put(&r.id, &r.village, Some(at), &values, r.row_version);
        }
        RegisterRow::Incidents(r) => {
            let values = [
                r.id.as_str().into(),
                r.region.as_str().into(),
                (&r.grid).into(),
                (&r.unit).into(),
                r.category.as_str().into(),
                (&r.dispute).into(),
                r.level.as_str().into(),
                r.state.as_str().into(),
                r.occurred_at.as_str().into(),
                (&r.due_at).into(),
                (&r.summary).into(),
            ];
            let at = r.place.map(|p| Shape::Point([p.lon_deg, p.lat_deg]));
            put(&r.id, &r.region, at, &values, 0);
        }
        _ => {}
    }
}

/// Villages of the plans in force, by code. Where two plans claim one, the one of the narrower region counts.
async fn villages_in_force(store: &dyn Store) -> Result<BTreeMap<String, String>, StoreError> {
    let filter = PlanFilter { status: Some(PlanStatus::Live), region: None };
    let mut plans = store.list_plans(&everything(), &filter).await?;
    plans.sort_by_key(|p| p.region.len());
    let mut villages = BTreeMap::new();
    for plan in plans {
        for village in store.plan_villages(&everything(), &plan.id).await? {
            villages.insert(village, plan.id.clone());
        }
    }
    Ok(villages)
}

/// The plan in force in a village: the one of the narrowest region that has it.
async fn plan_of(store: &dyn Store, village: &str) -> Result<Option<String>, StoreError> {
    let filter = PlanFilter { status: Some(PlanStatus::Live), region: None };
    let mut plans = store.list_plans(&everything(), &filter).await?;
    plans.retain(|p| village.starts_with(&p.region));
    plans.sort_by_key(|p| p.region.len());
    let there = Scope::region(Role::Viewer, village)?;
    for plan in plans.into_iter().rev() {
        if !store.plan_villages(&there, &plan.id).await?.is_empty() {
            return Ok(Some(plan.id));
        }
    }
    Ok(None)
}

/// Villages that follow each other in one plan are asked for together: where another plan has one between them, it is not theirs.
async fn plan_layer(store: &dyn Store, collection: Collection, put: &mut Put<'_>) -> Result<(), StoreError> {
    let villages: Vec<(String, String)> = villages_in_force(store).await?.into_iter().collect();
    for of_one_plan in villages.chunk_by(|a, b| a.1 == b.1) {
        for some in of_one_plan.chunks(VILLAGES) {
            let Some(((first, plan), (last, _))) = some.first().zip(some.last()) else { continue };
            put_villages(store, collection, plan, (first, last), put).await?;
        }
    }
    Ok(())
}

/// Features of one layer of a plan in some villages, by key.
async fn put_villages(
    store: &dyn Store,
    collection: Collection,
    plan: &str,
    villages: (&str, &str),
    put: &mut Put<'_>,
) -> Result<(), StoreError> {
    let layer = match collection {
        Collection::Grids => MapLayer::Grids,
        Collection::Units => MapLayer::Units,
        _ => MapLayer::Leaders,
    };
    let mut see = |row: MapRow<'_>| match row {
        MapRow::Grid(g, d) => put_grid(put, plan, g, d),
        MapRow::Unit(u, d) => put_unit(put, plan, u, d),
        MapRow::Leader(l) => put_leader(put, plan, l),
    };
    store.each_on_map(&everything(), plan, villages, layer, &mut see).await
}

fn put_leader(put: &mut Put<'_>, plan: &str, l: &DerivedLeader) {
    let id = format!("{}.{}", l.unit, l.household);
    let values = [l.unit.as_str().into(), l.household.as_str().into(), l.role.as_str().into(), plan.into()];
    put(&id, &l.unit, Some(Shape::Point([l.place.lon_deg, l.place.lat_deg])), &values, 0);
}

fn put_grid(put: &mut Put<'_>, plan: &str, g: &GridRow, d: Option<&DerivedGrid>) {
    if g.valid_to.is_some() {
        return;
    }
    let real = |v: Option<f64>| v.map_or(Value::None, Value::Real);
    let values = [
        g.code.as_str().into(),
        g.name.as_str().into(),
        g.kind.as_str().into(),
        g.code.get(..VILLAGE).unwrap_or_default().into(),
        d.map(|d| d.households).into(),
        d.map(|d| d.buildings).into(),
        d.and_then(|d| d.persons).into(),
        real(d.and_then(|d| d.deviation)),
        real(d.map(|d| d.area_m2)),
        real(d.map(|d| d.perimeter_m)),
        real(d.map(|d| d.polsby_popper)),
        Value::Bool(g.locked),
        g.valid_from.as_str().into(),
        plan.into(),
    ];
    let shape = d.map(|d| Shape::Other(Box::new(polygons_to_file(&d.polygons))));
    put(&g.code, &g.code, shape, &values, 0);
}

/// A unit without members is retired: its row only keeps the number from being given out again.
fn put_unit(put: &mut Put<'_>, plan: &str, u: &UnitRow, d: Option<&DerivedUnit>) {
    let deputies = u.deputies.join("、");
    let values = [
        u.code.as_str().into(),
        u.code.get(..15).unwrap_or_default().into(),
        d.map(|d| d.households).into(),
        d.map_or(Value::None, |d| Value::Real(d.sse_m2)),
        d.map_or(Value::None, |d| Value::Real(d.reach_m)),
        (&u.leader).into(),
        deputies.as_str().into(),
        (&u.exception).into(),
        Value::Bool(u.locked),
        (&u.founded_on).into(),
        plan.into(),
    ];
    let shape = d.map(|d| Shape::Other(Box::new(polygons_to_file(&d.polygons))));
    put(&u.code, &u.code, shape, &values, 0);
}
