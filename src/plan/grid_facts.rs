//! Grids without units as plain facts for `check`.

use crate::domain::{Households, VillageCode};
use crate::partition::check::{GridFacts, HouseholdFacts, PlanFacts, VillageFacts};

use super::grids::VillageGrids;

/// What can be judged of grids alone, under provisional village codes: shapes against outline and barriers, rows against grids.
#[must_use]
pub fn facts_of_grids(table: &Households, villages: &[VillageGrids]) -> PlanFacts {
    let mut facts = PlanFacts::default();
    for (index, v) in (0_u32..).zip(villages) {
        let code = VillageCode::provisional(index);
        let ground = &v.ground;
        let outline = ground
            .outline
            .clone()
            .unwrap_or_else(|| ground.mesh.dissolve(&vec![0; ground.graph.xy.len()], 1).swap_remove(0));
        facts.villages.push(VillageFacts {
            code: code.as_str().to_owned(),
            outline,
            barriers: ground.barriers.clone(),
        });
        let of_rows = v.of_rows();
        // A row may stand for a building: rows are counted, not households.
        let mut rows = vec![0_u32; v.grids.len()];
        for ((&row, &g), &at) in ground.village.rows.iter().zip(&of_rows).zip(&ground.village.xy) {
            let row = row as usize;
            let counts = table.households[row] > 0;
            rows[g as usize] += u32::from(counts);
            facts.households.push(HouseholdFacts {
                id: table.ids[row].clone(),
                building: table.building.get(row).unwrap_or_default().to_owned(),
                village: index,
                grid: code.grid(v.grids[g as usize].number),
                unit: String::new(),
                counts,
                at: Some(at),
            });
        }
        facts.grids.extend(v.grids.iter().zip(rows).map(|(g, households)| GridFacts {
            code: code.grid(g.number),
            village: index,
            kind: if g.dedicated { "dedicated" } else { "base" }.to_owned(),
            polygons: g.polygons.clone(),
            households,
            deviation: g.deviation(),
        }));
    }
    facts
}
