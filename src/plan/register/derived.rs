//! What the store keeps beside a plan for maps: polygons and figures of grids and units, leaders where they live.

use crate::domain::LonLat;
use crate::domain::register::Polygons;
use crate::plan::edit::VillageState;
use crate::plan::shapes::unit_hull;
use crate::store::{Derived, DerivedGrid, DerivedLeader, DerivedUnit};

/// Everything that is derived of a village as it stands, in WGS 84 degrees with 9 decimals.
pub(super) fn derived_of(state: &VillageState) -> Derived {
    let frame = &state.land().village.frame;
    let written = |polygons: &[Vec<Vec<[f64; 2]>>]| -> Polygons {
        polygons
            .iter()
            .map(|p| p.iter().map(|ring| ring.iter().map(|&c| frame.to_written(c)).collect()).collect())
            .collect()
    };
    let grids = state.grid_layers().into_iter().map(|g| DerivedGrid {
        polygons: written(&g.polygons),
        code: g.code,
        households: g.households,
        buildings: g.buildings,
        persons: g.persons,
        deviation: g.deviation,
        area_m2: g.area_m2,
        perimeter_m: g.perimeter_m,
        polsby_popper: g.polsby_popper,
    });
    let layers = state.unit_layers();
    let leaders = layers.iter().flat_map(|u| {
        u.officers.iter().enumerate().map(|(i, (household, at))| {
            let [lon_deg, lat_deg] = frame.to_written(*at);
            DerivedLeader {
                unit: u.code.clone(),
                household: household.clone(),
                role: if i == 0 && u.has_leader { "leader" } else { "deputy" }.to_owned(),
                place: LonLat { lon_deg, lat_deg },
            }
        })
    });
    let units = layers.iter().map(|u| DerivedUnit {
        code: u.code.clone(),
        polygons: written(&[vec![unit_hull(&u.places)]]),
        households: u.places.len() as u32,
        sse_m2: u.sse_m2,
        reach_m: u.reach_m,
    });
    Derived { grids: grids.collect(), units: units.collect(), leaders: leaders.collect() }
}
