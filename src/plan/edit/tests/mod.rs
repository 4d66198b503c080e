//! Tests of the editing model, on villages small enough to be judged as a whole after every edit.

mod balance;
mod batches;
mod behind;
mod codes;
mod dynamic;
mod old_nets;
mod refusals;
mod shifts;
mod speed;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::domain::plan::{GridRow, Membership, Seat, UnitRow, VillageRows};
use crate::domain::{Barrier, BarrierShape, Column, Households, NO_VALUE, Point, Positions, Profile, VillageCode};
use crate::partition::check::Breach;
use crate::partition::effort::Random;

pub(super) const VILLAGE: &str = "520423102001";
pub(super) const TODAY: &str = "2026-03-01";

pub(super) fn profile(min: u32, max: u32, target: u32, tolerance: f64) -> Profile {
    Profile::parse(&format!(
        "name = \"test\"\n[unit]\nmin = {min}\nmax = {max}\ndeputies = 1\n[grid]\ndivide = \"balance\"\ntarget_households = {target}\ntolerance = {tolerance}\n"
    ))
    .expect("profile")
}

/// A register: buildings with their place and number of households; ids `b007`, households `b007-3`; empty buildings keep one row.
pub(super) fn register(buildings: &[(String, [f64; 2], u32)]) -> Households {
    let mut t = Households {
        positions: Positions::Planar(Vec::new()),
        ids: Vec::new(),
        building: Column::default(),
        households: Vec::new(),
        rows_are_buildings: false,
        village: None,
        hamlet: None,
        group: None,
        stairwell: None,
        floor: None,
        persons: None,
        eligible: None,
        lock: None,
        dedicated: None,
        extra: BTreeMap::new(),
        source_row: Vec::new(),
    };
    let Positions::Planar(points) = &mut t.positions else { unreachable!("planar") };
    for (name, at, n) in buildings {
        t.building.names.push(name.clone());
        for i in 0..(*n).max(1) {
            points.push(Point::new(at[0], at[1]));
            t.ids.push(if *n == 0 { name.clone() } else { format!("{name}-{i}") });
            t.building.of.push(t.building.names.len() as u32 - 1);
            t.households.push((*n).min(1));
            t.source_row.push(t.ids.len() as u32 + 1);
        }
    }
    t
}

/// Places of `w × h` buildings 20 m apart, a little off the lattice so that neighbours are plain.
pub(super) fn places(w: usize, h: usize) -> Vec<[f64; 2]> {
    let mut random = Random::new(11);
    (0..w * h)
        .map(|i| {
            let off = |r: &mut Random| r.unit() * 4.0 - 2.0;
            [(i / h) as f64 * 20.0 + off(&mut random), (i % h) as f64 * 20.0 + off(&mut random)]
        })
        .collect()
}

pub(super) fn outline(w: usize, h: usize) -> Outline {
    let (x, y) = (w as f64 * 20.0, h as f64 * 20.0);
    vec![vec![vec![[-20.0, -20.0], [x, -20.0], [x, y], [-20.0, y], [-20.0, -20.0]]]]
}

/// Codes of the test village.
pub(super) fn grid(n: u32) -> String {
    format!("{VILLAGE}{n:03}")
}

pub(super) fn unit(g: u32, n: u32) -> String {
    format!("{VILLAGE}{g:03}{n:03}")
}

/// Name of the building in a column and row of the lattice.
pub(super) fn b(column: usize, row: usize) -> String {
    format!("b{column:02}{row:02}")
}

/// A lattice of buildings with `per` households each; grids of `columns` columns; units of whole buildings in order along the
/// columns (boustrophedon), each of `size` households or a little more.
pub(super) struct Lattice {
    pub(super) w: usize,
    pub(super) h: usize,
    pub(super) per: u32,
    pub(super) columns: usize,
    pub(super) size: usize,
    pub(super) profile: Profile,
    pub(super) barriers: Vec<Barrier>,
}

impl Lattice {
    /// Six by four buildings of two households, three grids of two columns, units of four households.
    pub(super) fn small() -> Self {
        Self { w: 6, h: 4, per: 2, columns: 2, size: 4, profile: profile(3, 6, 16, 0.05), barriers: Vec::new() }
    }

    pub(super) fn buildings(&self) -> Vec<(String, [f64; 2], u32)> {
        places(self.w, self.h)
            .into_iter()
            .enumerate()
            .map(|(i, at)| (b(i / self.h, i % self.h), at, self.per))
            .collect()
    }

    pub(super) fn state(&self) -> VillageState {
        let buildings = self.buildings();
        let land = Land::new(
            VillageCode::parse(VILLAGE).expect("code"),
            register(&buildings),
            Some(outline(self.w, self.h)),
            self.barriers.clone(),
            self.profile.clone(),
        )
        .expect("land");
        VillageState::new(Arc::new(land), &self.rows(&buildings)).expect("state")
    }

    fn rows(&self, buildings: &[(String, [f64; 2], u32)]) -> VillageRows {
        let mut rows = VillageRows { village: VILLAGE.to_owned(), ..VillageRows::default() };
        for g in 0..self.w.div_ceil(self.columns) {
            let code = grid(g as u32 + 1);
            rows.grids.push(GridRow {
                code: code.clone(),
                name: String::new(),
                kind: "base".to_owned(),
                locked: false,
                valid_from: "2025-01-01".to_owned(),
                valid_to: None,
                predecessors: Vec::new(),
            });
            let mut order: Vec<usize> = Vec::new();
            for c in g * self.columns..((g + 1) * self.columns).min(self.w) {
                let column = c * self.h..(c + 1) * self.h;
                if c % 2 == 0 { order.extend(column) } else { order.extend(column.rev()) }
            }
            let all: Vec<String> = order
                .iter()
                .flat_map(|&i| (0..self.per).map(move |k| (i, k)))
                .map(|(i, k)| format!("{}-{k}", buildings[i].0))
                .collect();
            let units = (all.len() / self.size).max(1);
            for u in 0..units {
                let members = &all[u * all.len() / units..(u + 1) * all.len() / units];
                let code = format!("{code}{:03}", u + 1);
                rows.memberships
                    .extend(members.iter().map(|m| Membership { household: m.clone(), unit: code.clone() }));
                rows.units.push(UnitRow {
                    code,
                    locked: false,
                    leader: members.first().cloned(),
                    deputies: members.get(1).cloned().into_iter().collect(),
                    officers_locked: false,
                    exception: None,
                    founded_on: None,
                    contact_group: None,
                });
            }
            rows.seats.extend(order.iter().map(|&i| Seat {
                building: buildings[i].0.clone(),
                grid: code.clone(),
                locked: false,
            }));
        }
        rows.seats.sort_by(|a, b| a.building.cmp(&b.building));
        rows.memberships.sort_by(|a, b| a.household.cmp(&b.household));
        rows
    }
}

pub(super) fn river(points: &[[f64; 2]]) -> Barrier {
    Barrier { kind: "river".to_owned(), hard: true, name: None, shape: BarrierShape::Line(points.to_vec()) }
}

pub(super) fn done(state: &VillageState, operations: &[Operation]) -> Applied {
    apply(state, operations, Policy::Refuse, TODAY).unwrap_or_else(|r| panic!("refused: {r}"))
}

pub(super) fn refused(state: &VillageState, operations: &[Operation]) -> Refusal {
    match apply(state, operations, Policy::Refuse, TODAY) {
        Ok(_) => panic!("accepted"),
        Err(r) => r,
    }
}

pub(super) fn transfer(buildings: &[String], to: u32) -> Operation {
    Operation::TransferBuildings { buildings: buildings.to_vec(), to: grid(to) }
}

/// Rules and ids of breaches, in order.
pub(super) fn keys(breaches: &[Breach]) -> Vec<(crate::partition::check::Rule, Vec<String>)> {
    let mut keys: Vec<_> = breaches.iter().map(|b| (b.rule, b.ids.clone())).collect();
    keys.sort();
    keys
}

/// The quick judgement is that of the full check, and the state is that of its rows.
pub(super) fn sound(state: &VillageState) {
    assert_eq!(keys(&state.known_problems()), keys(&state.problems()));
    let again = VillageState::new(state.shared_land(), &state.rows()).expect("rows are a state");
    assert_eq!(again.rows(), state.rows());
    assert_eq!(again.grid_of, state.grid_of);
    assert_eq!(keys(&again.known_problems()), keys(&state.known_problems()));
}

#[test]
fn a_lattice_village_is_legal_and_its_rows_survive() {
    let state = Lattice::small().state();
    assert_eq!(state.problems(), []);
    sound(&state);
    assert_eq!(state.figures().base_grids, 3);
    assert_eq!(state.figures().units, 12);
}

#[test]
fn a_fresh_plan_becomes_rows_that_are_legal() {
    use crate::partition::effort::Effort;
    use crate::plan::job::Job;
    use crate::plan::make::make_plan;
    use crate::plan::report::Report;
    let mut random = Random::new(5);
    let mut buildings: Vec<(String, [f64; 2], u32)> =
        places(8, 6).into_iter().enumerate().map(|(i, at)| (b(i / 6, i % 6), at, 1 + random.below(4))).collect();
    buildings[20].2 = 0;
    let mut table = register(&buildings);
    let rows = table.len();
    table.village = Some(Column { names: vec![VILLAGE.to_owned()], of: vec![0; rows] });
    let school = table.building.of.iter().map(|&of| if of == 20 { 0 } else { NO_VALUE }).collect();
    table.dedicated = Some(Column { names: vec!["学校".to_owned()], of: school });
    let profile = profile(3, 6, 30, 0.05);
    let region = crate::domain::Region {
        code: Some(VILLAGE.to_owned()),
        name: None,
        level: String::new(),
        polygons: outline(8, 6),
    };
    let cancel = std::sync::atomic::AtomicBool::new(false);
    let job = Job {
        begun: std::time::Instant::now(),
        effort: Effort::Rounds(1),
        seed: 1,
        cancel: &cancel,
        progress: &|_, _| {},
        replay: None,
    };
    let mut report = Report::new("plan", 1);
    let plans =
        make_plan(&table, std::slice::from_ref(&region), &[], &profile, (&job, &job), &mut report).expect("plan");
    let rows = rows_of(&plans[0], &table, 2);
    assert!(rows.grids.iter().any(|g| g.kind == "level1") && rows.grids.iter().any(|g| g.code == grid(901)));
    let code = VillageCode::parse(VILLAGE).expect("code");
    let land = Land::new(code, table, Some(region.polygons), Vec::new(), profile).expect("land");
    let state = VillageState::new(Arc::new(land), &rows).expect("state");
    assert_eq!(state.problems(), []);
    assert_eq!(state.rows(), rows);
    sound(&state);
    // The school's ground and everyone else's stand in different grids whatever is edited around it.
    let name = &state.find_grid_of(&b(3, 2)).expect("school").name;
    assert_eq!(name, "学校");
    let retired = done(&state, &[Operation::RetireDedicated { grid: grid(901), into: None }]);
    assert_eq!(retired.state.problems(), []);
    sound(&retired.state);
}

#[test]
fn operations_are_read_strictly() {
    let read = |text: &str| serde_json::from_str::<Operation>(text);
    let op = read(r#"{"operation":"transfer_buildings","buildings":["b1"],"to":"520423102001002"}"#);
    assert!(matches!(op, Ok(Operation::TransferBuildings { .. })));
    assert!(read(r#"{"operation":"transfer_buildings","buildings":[],"to":"x","extra":1}"#).is_err());
    assert!(read(r#"{"operation":"drop_everything"}"#).is_err());
    let all = [
        Operation::SplitGrid { grid: grid(1), by: SplitBy::Line(vec![[0.0, 1.0], [2.0, 3.0]]) },
        Operation::SplitGrid { grid: grid(1), by: SplitBy::Count(2) },
        Operation::Lock { target: LockTarget::All },
        Operation::Unlock { target: LockTarget::Officers(unit(1, 1)) },
        Operation::Rebalance { grids: Vec::new(), seed: 0, rounds: 20 },
        Operation::RetireDedicated { grid: grid(901), into: None },
    ];
    for op in all {
        let text = serde_json::to_string(&op).expect("json");
        assert_eq!(read(&text).expect(&text), op);
    }
}
