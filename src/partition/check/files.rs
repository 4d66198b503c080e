//! What the files of a plan say twice must agree: roles and exceptions row by row, leaders as points, buildings with their grid.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breaches, HouseholdFacts, PlanFacts, Rule, UnitFacts};

/// An officer's point may lie this far from the household's building (metres).
const SAME_PLACE_M: f64 = 0.05;
/// The file of officers, where it cannot be read.
const LEADERS: &str = "leaders.geojson";

/// What one row of the assignment says beside grid and unit.
#[derive(Clone, Debug, Default)]
pub struct RowFacts {
    /// `leader`, `deputy` or nothing.
    pub role: String,
    /// Reason of its unit's exception, or nothing.
    pub exception: String,
}

/// An officer as drawn.
#[derive(Clone, Debug)]
pub struct LeaderFacts {
    /// Household id.
    pub id: String,
    /// `leader` or `deputy`.
    pub role: String,
    /// Code of the unit.
    pub unit: String,
    /// Position in the village's plane.
    pub at: [f64; 2],
}

/// A building as written.
#[derive(Clone, Debug)]
pub struct BuildingFacts {
    /// Its id.
    pub id: String,
    /// Index of its village.
    pub village: u32,
    /// Code of its grid.
    pub grid: String,
    /// Households it says it has.
    pub households: u64,
}

/// What stands in the files of a plan a second time.
#[derive(Clone, Debug)]
pub struct WrittenFacts {
    /// One entry a household of [`PlanFacts::households`].
    pub rows: Vec<RowFacts>,
    /// Households each unit of [`PlanFacts::units`] says it has.
    pub unit_households: Vec<Option<u64>>,
    /// Officers, or why their file cannot be read.
    pub leaders: Result<Vec<LeaderFacts>, String>,
    /// Buildings.
    pub buildings: Vec<BuildingFacts>,
}

pub(super) fn check(plan: &PlanFacts, out: &mut Breaches) {
    let Some(written) = &plan.written else { return };
    rows(plan, &written.rows, out);
    sizes(plan, &written.unit_households, out);
    match &written.leaders {
        Ok(leaders) => officers(plan, leaders, out),
        Err(e) => out.push(Rule::H8, [LEADERS.to_owned()], e.replace('\n', " / ")),
    }
    buildings(plan, &written.buildings, out);
}

/// Role of a household in its unit, as `units.geojson` has it.
fn role<'a>(unit: Option<&UnitFacts>, id: &str) -> &'a str {
    match unit {
        Some(u) if u.leader.as_deref() == Some(id) => "leader",
        Some(u) if u.deputies.iter().any(|d| d == id) => "deputy",
        _ => "",
    }
}

/// H7, H8 and H4 as the rows of the assignment tell them again.
fn rows(plan: &PlanFacts, rows: &[RowFacts], out: &mut Breaches) {
    let units: BTreeMap<&str, &UnitFacts> = plan.units.iter().map(|u| (u.code.as_str(), u)).collect();
    for (h, r) in plan.households.iter().zip(rows) {
        let unit = units.get(h.unit.as_str()).copied();
        let wanted = role(unit, &h.id);
        if r.role != wanted {
            let said = &r.role;
            out.push(
                Rule::H8,
                [h.unit.clone(), h.id.clone()],
                format!(
                    "职务写作“{said}”，而单元文件中为“{wanted}” / the role is \"{said}\" where the units' file has \"{wanted}\""
                ),
            );
        }
        let wanted = unit.and_then(|u| u.exception.as_deref()).unwrap_or("");
        if r.exception != wanted {
            let said = &r.exception;
            out.push(
                Rule::H7,
                [h.unit.clone(), h.id.clone()],
                format!(
                    "例外写作“{said}”，而单元文件中为“{wanted}” / the exception is \"{said}\" where the units' file has \"{wanted}\""
                ),
            );
        }
        if h.at.is_none() {
            out.push(
                Rule::H4,
                [h.id.clone(), h.building.clone()],
                "楼栋不在 buildings.geojson 中，无法核对位置 / its building is not in buildings.geojson, so its place cannot be judged",
            );
        }
    }
}

/// H4: the number of households a unit says it has.
fn sizes(plan: &PlanFacts, said: &[Option<u64>], out: &mut Breaches) {
    let mut held: BTreeMap<&str, u64> = BTreeMap::new();
    for h in plan.households.iter().filter(|h| h.counts) {
        *held.entry(h.unit.as_str()).or_default() += 1;
    }
    let grids: BTreeSet<&str> = plan.grids.iter().map(|g| g.code.as_str()).collect();
    for (u, said) in plan.units.iter().zip(said) {
        let n = held.get(u.code.as_str()).copied().unwrap_or(0);
        if *said != Some(n) {
            let said = said.map_or_else(|| "–".to_owned(), |s| s.to_string());
            out.push(
                Rule::H4,
                [u.code.clone()],
                format!("户数应为 {n}，写作 {said} / {n} households, but it says {said}"),
            );
        }
        if !grids.contains(u.grid.as_str()) {
            out.push(Rule::H6, [u.code.clone(), u.grid.clone()], "所属网格不存在 / its grid is not there");
        }
    }
}

/// H8: the officers drawn are those of the units, each once and at home.
fn officers(plan: &PlanFacts, leaders: &[LeaderFacts], out: &mut Breaches) {
    let homes: BTreeMap<&str, &HouseholdFacts> = plan.households.iter().map(|h| (h.id.as_str(), h)).collect();
    let mut wanted: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
    for u in &plan.units {
        wanted.extend(u.leader.iter().map(|id| (u.code.as_str(), id.as_str(), "leader")));
        wanted.extend(u.deputies.iter().map(|id| (u.code.as_str(), id.as_str(), "deputy")));
    }
    for l in leaders {
        let ids = [l.unit.clone(), l.id.clone()];
        if !wanted.remove(&(l.unit.as_str(), l.id.as_str(), l.role.as_str())) {
            out.push(
                Rule::H8,
                ids,
                format!(
                    "{LEADERS} 中的“{0}”在单元文件中没有 / {LEADERS} has a \"{0}\" the units' file has not",
                    l.role
                ),
            );
            continue;
        }
        let home = homes.get(l.id.as_str()).and_then(|h| h.at);
        if home.is_some_and(|h| (h[0] - l.at[0]).hypot(h[1] - l.at[1]) > SAME_PLACE_M) {
            out.push(Rule::H8, ids, format!("{LEADERS} 中的位置不是该户的位置 / {LEADERS} has it elsewhere"));
        }
    }
    for (unit, id, role) in wanted {
        out.push(
            Rule::H8,
            [unit.to_owned(), id.to_owned()],
            format!("{LEADERS} 中缺少这名“{role}” / {LEADERS} lacks this \"{role}\""),
        );
    }
}

/// H5 and H4: a building's grid and number of households.
fn buildings(plan: &PlanFacts, buildings: &[BuildingFacts], out: &mut Breaches) {
    let mut of: BTreeMap<(u32, &str), (&str, u64)> = BTreeMap::new();
    for h in &plan.households {
        let own = of.entry((h.village, h.building.as_str())).or_insert((h.grid.as_str(), 0));
        own.1 += u64::from(!h.unit.is_empty());
    }
    for b in buildings {
        let Some((grid, households)) = of.get(&(b.village, b.id.as_str())) else {
            let message = "楼栋不在 assignment.csv 中 / the building is not in assignment.csv";
            out.push(Rule::H4, [b.id.clone()], message);
            continue;
        };
        if b.grid != *grid {
            out.push(
                Rule::H5,
                [b.id.clone(), b.grid.clone(), (*grid).to_owned()],
                "楼栋与其住户不在同一网格 / the building and its households are in different grids",
            );
        }
        if b.households != *households {
            let said = b.households;
            out.push(
                Rule::H4,
                [b.id.clone()],
                format!("户数应为 {households}，写作 {said} / {households} households, but it says {said}"),
            );
        }
    }
}
