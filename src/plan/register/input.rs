//! A region's register as the core wants it: one table of households, outlines, barriers.

use std::ops::ControlFlow;

use crate::domain::register::{BarrierRow, BuildingRow, Geometry, HouseholdRow, RegionRow};
use crate::domain::{
    Barrier, BarrierShape, Column, Households, LonLat, NO_VALUE, Positions, Profile, Region, VillageCode,
};
use crate::plan::edit::{Land, Outline};
use crate::plan::job::PlanError;
use crate::plan::village::Village;
use crate::store::{Filter, Layer, RegisterRow, Role, Scope, Store, StoreError};

/// A region's register as the core wants it.
pub(super) struct Input {
    pub(super) table: Households,
    pub(super) regions: Vec<Region>,
    pub(super) barriers: Vec<Barrier>,
    /// Which of the regions a village is.
    region_of: std::collections::BTreeMap<String, usize>,
}

/// More than the kilometre around its households within which a village looks at barriers, in degrees at any latitude of China.
const NEAR_DEG: f64 = 0.05;

/// All rows of a layer, or of a region in it, that `take` takes.
pub(super) async fn gather<T>(
    store: &dyn Store,
    scope: &Scope,
    layer: Layer,
    region: Option<&str>,
    take: impl Fn(RegisterRow) -> Option<T> + Send + Sync,
) -> Result<Vec<T>, StoreError>
where
    T: Send,
{
    let mut all = Vec::new();
    let filter = Filter { region: region.map(str::to_owned), ..Filter::default() };
    let mut sink = |rows: Vec<RegisterRow>| {
        all.extend(rows.into_iter().filter_map(&take));
        ControlFlow::Continue(())
    };
    store.stream(scope, layer, &filter, &mut sink).await?;
    Ok(all)
}

/// Reads what a plan of `region` is made from.
pub(super) async fn read_input(store: &dyn Store, scope: &Scope, region: &str) -> Result<Input, StoreError> {
    let regions: Vec<RegionRow> = gather(store, scope, Layer::Regions, None, |r| match r {
        RegisterRow::Regions(r) if r.valid_to.is_none() => Some(r),
        _ => None,
    })
    .await?;
    let buildings: Vec<BuildingRow> = gather(store, scope, Layer::Buildings, Some(region), |r| match r {
        RegisterRow::Buildings(r) if r.valid_to.is_none() => Some(r),
        _ => None,
    })
    .await?;
    let households: Vec<HouseholdRow> = gather(store, scope, Layer::Households, Some(region), |r| match r {
        RegisterRow::Households(r) if r.valid_to.is_none() => Some(r),
        _ => None,
    })
    .await?;
    // Barriers are kept with any division above or beside, so they are looked for everywhere: they are no secret, a plan that does not
    // know of one is wrong, and a crossing far away does no harm.
    let barriers: Vec<BarrierRow> =
        gather(store, &Scope::whole_store(Role::Viewer), Layer::Barriers, None, |r| match r {
            RegisterRow::Barriers(r) if r.valid_to.is_none() => Some(r),
            _ => None,
        })
        .await?;
    let regions: Vec<Region> = regions
        .into_iter()
        .filter(|r| r.level != "village" || r.code.starts_with(region))
        .map(|r| Region {
            code: Some(if r.code.len() == 12 { r.code.clone() } else { format!("{:0<12}", r.code) }),
            name: Some(r.name),
            level: r.level,
            polygons: r.outline.unwrap_or_default(),
        })
        .collect();
    let villages = regions.iter().enumerate().filter(|(_, r)| r.level == "village");
    Ok(Input {
        table: table_of(households, buildings),
        region_of: villages.filter_map(|(i, r)| Some((r.code.clone()?, i))).collect(),
        regions,
        barriers: barriers
            .into_iter()
            .filter_map(|b| {
                let shape = match b.shape {
                    Geometry::Line(line) => BarrierShape::Line(line),
                    Geometry::Polygon(rings) => BarrierShape::Area(rings),
                    Geometry::Point(_) | Geometry::MultiPolygon(_) => return None,
                };
                Some(Barrier { kind: b.kind, hard: b.hard, name: b.name, shape })
            })
            .collect(),
    })
}

#[derive(Default)]
struct Texts {
    column: Column,
    at: std::collections::HashMap<String, u32>,
}

impl Texts {
    fn push(&mut self, text: Option<&str>) {
        let index = match text {
            None => NO_VALUE,
            Some(t) => match self.at.get(t) {
                Some(&i) => i,
                None => {
                    let i = self.column.names.len() as u32;
                    self.column.names.push(t.to_owned());
                    self.at.insert(t.to_owned(), i);
                    i
                }
            },
        };
        self.column.of.push(index);
    }

    fn known(self) -> Option<Column> {
        (!self.column.names.is_empty()).then_some(self.column)
    }
}

fn place_of(shape: &Geometry) -> LonLat {
    let bounds = shape.bounds_deg().unwrap_or([0.0; 4]);
    match shape {
        Geometry::Point([lon, lat]) => LonLat { lon_deg: *lon, lat_deg: *lat },
        _ => LonLat { lon_deg: (bounds[0] + bounds[2]) / 2.0, lat_deg: (bounds[1] + bounds[3]) / 2.0 },
    }
}

/// Households, then buildings without any household row: institutions are ground too.
fn table_of(households: Vec<HouseholdRow>, buildings: Vec<BuildingRow>) -> Households {
    let lived_in: std::collections::HashSet<&str> = households.iter().map(|h| h.building.as_str()).collect();
    let of_building: std::collections::HashMap<&str, &BuildingRow> =
        buildings.iter().map(|b| (b.id.as_str(), b)).collect();
    let [mut building, mut village, mut hamlet, mut group, mut stairwell, mut dedicated]: [Texts; 6] =
        std::array::from_fn(|_| Texts::default());
    let (mut ids, mut positions, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut floor, mut persons, mut eligible) = (Vec::new(), Vec::new(), Vec::new());
    for h in &households {
        ids.push(h.id.clone());
        // One building has one place: its own, wherever its households are noted.
        positions.push(of_building.get(h.building.as_str()).map_or(h.place, |b| place_of(&b.place)));
        counts.push(1);
        building.push(Some(&h.building));
        village.push(Some(&h.village));
        hamlet.push(h.hamlet.as_deref());
        group.push(h.group_name.as_deref());
        stairwell.push(h.stairwell.as_deref());
        dedicated.push(of_building.get(h.building.as_str()).and_then(|b| b.dedicated.as_deref()));
        floor.push(h.floor);
        persons.push(h.persons);
        eligible.push(h.eligible.unwrap_or(true));
    }
    for b in buildings.iter().filter(|b| !lived_in.contains(b.id.as_str())) {
        ids.push(b.id.clone());
        positions.push(place_of(&b.place));
        counts.push(0);
        building.push(Some(&b.id));
        village.push(Some(&b.village));
        for empty in [&mut hamlet, &mut group, &mut stairwell] {
            empty.push(None);
        }
        dedicated.push(b.dedicated.as_deref());
        floor.push(None);
        persons.push(None);
        eligible.push(false);
    }
    let rows = ids.len() as u32;
    Households {
        positions: Positions::Geographic(positions),
        ids,
        building: building.column,
        households: counts,
        rows_are_buildings: false,
        village: village.known(),
        hamlet: hamlet.known(),
        group: group.known(),
        stairwell: stairwell.known(),
        floor: floor.iter().any(Option::is_some).then_some(floor),
        persons: persons.iter().any(Option::is_some).then_some(persons),
        eligible: Some(eligible),
        lock: None,
        dedicated: dedicated.known(),
        extra: std::collections::BTreeMap::new(),
        source_row: (1..=rows).collect(),
    }
}

impl Input {
    /// Outline of a village, where the register has one.
    fn outline(&self, village: &str) -> Option<Outline> {
        let region = self.regions.get(*self.region_of.get(village)?)?;
        (!region.polygons.is_empty()).then(|| region.polygons.clone())
    }

    /// A village as the land that plans are edited on.
    ///
    /// # Errors
    /// As [`Land::new`]; a village that has no code.
    pub(super) fn land(&self, village: &Village, profile: &Profile) -> Result<Land, PlanError> {
        let code = VillageCode::parse(&village.key)
            .map_err(|e| PlanError::Solver { village: village.key.clone(), message: e.to_string() })?;
        let table = self.table.subset(&village.rows);
        let barriers = profile.barriers(&near(&table.positions, &self.barriers)).into_owned();
        Land::new(code, table, self.outline(&village.key), barriers, profile.clone())
    }
}

/// Barriers that may touch a village: those within a few kilometres of its households; the village looks closer itself.
fn near(positions: &Positions, barriers: &[Barrier]) -> Vec<Barrier> {
    let Positions::Geographic(places) = positions else { return barriers.to_vec() };
    let mut lo = [f64::INFINITY; 2];
    let mut hi = [f64::NEG_INFINITY; 2];
    for p in places {
        lo = [lo[0].min(p.lon_deg), lo[1].min(p.lat_deg)];
        hi = [hi[0].max(p.lon_deg), hi[1].max(p.lat_deg)];
    }
    let meets = |line: &[[f64; 2]]| {
        let (mut a, mut b) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for c in line {
            a = [a[0].min(c[0]), a[1].min(c[1])];
            b = [b[0].max(c[0]), b[1].max(c[1])];
        }
        (0..2).all(|i| a[i] <= hi[i] + NEAR_DEG && b[i] >= lo[i] - NEAR_DEG)
    };
    let kept = |b: &&Barrier| match &b.shape {
        BarrierShape::Line(line) => meets(line),
        BarrierShape::Area(rings) => rings.first().is_some_and(|r| meets(r)),
    };
    barriers.iter().filter(kept).cloned().collect()
}
