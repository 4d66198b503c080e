//! A plan made from the register, kept in the store as a draft with its rows and what is derived from them.

use std::ops::ControlFlow;

use serde_json::json;

use crate::domain::plan::{PlanHead, PlanStatus, VillageRows};
use crate::domain::register::{BarrierRow, BuildingRow, Geometry, HouseholdRow, Polygons, RegionRow};
use crate::domain::{Barrier, BarrierShape, Column, Households, LonLat, NO_VALUE, Positions, Profile, Region};
use crate::partition::check::{Breach, check};
use crate::plan::edit::rows_of;
use crate::plan::folder::{Content, read_facts, stage_folder};
use crate::plan::job::{Job, PlanError};
use crate::plan::make::{VillagePlan, make_plan};
use crate::plan::report::Report;
use crate::plan::shapes::unit_hull;
use crate::store::{
    Derived, DerivedGrid, DerivedLeader, DerivedUnit, Filter, Layer, RegisterRow, Scope, Store, StoreError,
};

use super::RegisterError;

/// What plan is wanted.
pub struct PlanWish<'a> {
    /// Region it covers: 2, 4, 6, 9 or 12 digits.
    pub region: &'a str,
    /// Name people give it.
    pub name: &'a str,
    /// Rules.
    pub profile: &'a Profile,
    /// How long grids, and then units, are worked on.
    pub jobs: (&'a Job<'a>, &'a Job<'a>),
}

/// A plan in the store, and how it came out.
pub struct Planned {
    /// Its head.
    pub head: PlanHead,
    /// Villages, grids, units.
    pub counts: (usize, usize, usize),
    /// Breaches of H1–H11, judged on the plan as files would hold it; with any, it must not be published.
    pub breaches: Vec<Breach>,
    /// The report.
    pub report: Report,
}

/// Makes a plan of a region from the register and stores it as a draft.
///
/// # Errors
/// Nothing to plan, what the solver refuses, what the store says. Nothing is stored then.
pub async fn plan_region(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &PlanWish<'_>,
) -> Result<Planned, RegisterError> {
    let input_version = store.register_version(scope).await?;
    let input = read_input(store, scope, wish.region).await?;
    if input.table.is_empty() {
        return Err(RegisterError::NoHousehold { region: wish.region.to_owned() });
    }
    let mut report = Report::new("plan", wish.jobs.0.seed);
    report.rows = input.table.len() as u64;
    let plans = make_plan(&input.table, &input.regions, &input.barriers, wish.profile, wish.jobs, &mut report)?;
    let head = PlanHead {
        id: String::new(),
        name: wish.name.to_owned(),
        region: wish.region.to_owned(),
        status: PlanStatus::Draft,
        version: 1,
        seed: wish.jobs.0.seed,
        parameters: json!({"program": report.version, "stages": report.stages, "hard_barriers": input.barriers.iter().filter(|b| b.hard).count()}),
        profile: wish.profile.to_toml(),
        input_version,
        valid_from: None,
        valid_to: None,
    };
    let breaches = {
        // The same judgement as of `lianhu plan`: on what is written, not on what the solver believes.
        let scratch =
            tempfile::tempdir().map_err(|e| PlanError::File { file: "tmp".to_owned(), message: e.to_string() })?;
        let content = Content {
            table: &input.table,
            plans: &plans,
            regions: &input.regions,
            barriers: &input.barriers,
            profile: wish.profile,
        };
        let staged = stage_folder(&scratch.path().join("plan"), &content)?;
        check(&read_facts(&staged.path())?)
    };
    let rows: Vec<VillageRows> = plans.iter().map(|p| rows_of(p, &input.table, wish.profile.grid.levels)).collect();
    let counts =
        (plans.len(), plans.iter().map(|p| p.grids.grids.len()).sum(), plans.iter().map(|p| p.units.len()).sum());
    let head = store.create_plan(scope, actor, &head, &mut rows.into_iter()).await?;
    for plan in &plans {
        let derived = derived_of(plan, &input.table);
        store.set_derived(scope, &head.id, head.version, plan.code.as_str(), &derived).await?;
    }
    Ok(Planned { head, counts, breaches, report })
}

/// A region's register as the core wants it.
struct Input {
    table: Households,
    regions: Vec<Region>,
    barriers: Vec<Barrier>,
}

async fn gather<T>(
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

async fn read_input(store: &dyn Store, scope: &Scope, region: &str) -> Result<Input, StoreError> {
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
    // Barriers are kept with any division above or beside: all of the scope, a crossing far away does no harm.
    let barriers: Vec<BarrierRow> = gather(store, scope, Layer::Barriers, None, |r| match r {
        RegisterRow::Barriers(r) if r.valid_to.is_none() => Some(r),
        _ => None,
    })
    .await?;
    Ok(Input {
        table: table_of(households, buildings),
        regions: regions
            .into_iter()
            .filter(|r| r.level != "village" || r.code.starts_with(region))
            .map(|r| Region {
                code: Some(if r.code.len() == 12 { r.code.clone() } else { format!("{:0<12}", r.code) }),
                name: Some(r.name),
                level: r.level,
                polygons: r.outline.unwrap_or_default(),
            })
            .collect(),
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

/// Polygons, figures and leaders of a fresh plan.
fn derived_of(plan: &VillagePlan, table: &Households) -> Derived {
    let ground = &plan.grids.ground;
    let village = &ground.village;
    let written = |polygons: &[Vec<Vec<[f64; 2]>>]| -> Polygons {
        polygons
            .iter()
            .map(|p| p.iter().map(|ring| ring.iter().map(|&c| village.frame.to_written(c)).collect()).collect())
            .collect()
    };
    let grids = plan.grids.grids.iter().zip(plan.grid_counts(table)).map(|(g, (buildings, persons))| DerivedGrid {
        code: plan.code.grid(g.number),
        polygons: written(&g.polygons),
        households: g.households,
        buildings: buildings as u32,
        persons: persons.and_then(|p| u32::try_from(p).ok()),
        deviation: g.deviation(),
        area_m2: g.area_m2,
        perimeter_m: g.perimeter_m,
        polsby_popper: g.polsby_popper(),
    });
    let at = |m: u32| village.xy.get(m as usize).copied();
    let units = plan.units.iter().map(|u| {
        let places: Vec<[f64; 2]> = u.members.iter().filter_map(|&m| at(m)).collect();
        DerivedUnit {
            code: u.code.clone(),
            polygons: written(&[vec![unit_hull(&places)]]),
            households: u.members.len() as u32,
            sse_m2: u.sse_m2,
            reach_m: u.reach_m,
        }
    });
    let leaders = plan.units.iter().flat_map(|u| {
        u.officers.iter().enumerate().filter_map(move |(i, &m)| {
            let row = *village.rows.get(m as usize)?;
            let [lon_deg, lat_deg] = village.frame.to_written(at(m)?);
            Some(DerivedLeader {
                unit: u.code.clone(),
                household: table.ids.get(row as usize)?.clone(),
                role: if i == 0 { "leader" } else { "deputy" }.to_owned(),
                place: LonLat { lon_deg, lat_deg },
            })
        })
    });
    Derived { grids: grids.collect(), units: units.collect(), leaders: leaders.collect() }
}
