//! The hard rules H1–H11 on random small villages: whatever the ground, `check` finds nothing on the plan that is written.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use lianhu::domain::{Barrier, BarrierShape, Households, Profile, Region};
use lianhu::exchange::{ReadOptions, read_households};
use lianhu::partition::check::check;
use lianhu::partition::effort::Effort;
use lianhu::plan::folder::{ASSIGNMENT, BUILDINGS, Content, GRIDS, LEADERS, UNITS, read_facts, stage_folder};
use lianhu::plan::job::{Job, PlanError};
use lianhu::plan::make::{VillagePlan, make_plan};
use lianhu::plan::report::Report;
use proptest::prelude::*;

/// Side of a village's square, in metres.
const SIDE_M: f64 = 600.0;
/// Where its exclave begins, and the side of that.
const EXCLAVE_M: (f64, f64) = (900.0, 150.0);

/// Corners of the mesh lie on a lattice at most so coarse, in metres.
const LATTICE_M: f64 = 1e-4;

type Rings = Vec<Vec<[f64; 2]>>;

/// One building: where (per mille of the village or of its exclave), households, storeys if it is a tower.
#[derive(Clone, Debug)]
struct House {
    at: [u16; 2],
    in_exclave: bool,
    households: u8,
    tower: bool,
}

#[derive(Clone, Debug)]
struct Case {
    villages: Vec<Vec<House>>,
    exclave: bool,
    /// Lines over everything: ends per mille, hard, and whether it is a bridge.
    lines: Vec<([u16; 4], bool, bool)>,
    hamlets: u8,
    dedicated: u8,
    profile: usize,
    target: u32,
    rounds: u32,
    seed: u64,
}

fn house() -> impl Strategy<Value = House> {
    let households = prop_oneof![8 => 1..4_u8, 1 => Just(0_u8), 1 => 8..45_u8];
    ([0..=1_000_u16, 0..=1_000_u16], prop::bool::weighted(0.15), households, prop::bool::ANY)
        .prop_map(|(at, in_exclave, households, tower)| House { at, in_exclave, households, tower })
}

fn case() -> impl Strategy<Value = Case> {
    let village = prop::collection::vec(house(), 3..45);
    let line =
        ([0..=1_000_u16, 0..=1_000_u16, 0..=1_000_u16, 0..=1_000_u16], prop::bool::ANY, prop::bool::weighted(0.3));
    (
        prop::collection::vec(village, 1..3),
        prop::bool::weighted(0.3),
        prop::collection::vec(line, 0..4),
        (0..4_u8, 0..3_u8),
        0..8_usize,
        12..60_u32,
        (0..5_u32, any::<u64>()),
    )
        .prop_map(|(villages, exclave, lines, (hamlets, dedicated), profile, target, (rounds, seed))| Case {
            villages,
            exclave,
            lines,
            hamlets,
            dedicated,
            profile,
            target,
            rounds,
            seed,
        })
}

fn square(x: f64, y: f64, side: f64) -> Rings {
    vec![vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]]
}

impl Case {
    fn place(&self, village: usize, h: &House) -> [f64; 2] {
        let x0 = village as f64 * SIDE_M;
        // A little inside, so that a house on the border belongs to one village.
        let share = |v: u16| 0.001 + f64::from(v) / 1_000.0 * 0.998;
        let [x, y] = h.at.map(share);
        if self.exclave && h.in_exclave {
            [x0 + x * EXCLAVE_M.1, EXCLAVE_M.0 + y * EXCLAVE_M.1]
        } else {
            [x0 + x * SIDE_M, y * SIDE_M]
        }
    }

    fn csv(&self) -> String {
        let mut text = String::from("id,x,y,building,village,hamlet,group,stairwell,floor,dedicated,households\n");
        for (v, houses) in self.villages.iter().enumerate() {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for (b, h) in houses.iter().enumerate() {
                let [x, y] = self.place(v, h);
                let place = format!("{x:.2},{y:.2}");
                // Houses that fall on one point are one building.
                let b = *seen.entry(place.clone()).or_insert(b);
                let hamlet = |parts: u8| match parts {
                    0 => String::new(),
                    n => format!("h{}", u32::from(h.at[0]) * u32::from(n) / 1_001 + 10 * u32::from(h.in_exclave)),
                };
                let (ham, group) = (hamlet(self.hamlets), hamlet(self.hamlets / 2));
                let school = if b < usize::from(self.dedicated) { format!("school{b}") } else { String::new() };
                for i in 0..h.households.max(1) {
                    let (stair, floor) = if h.tower {
                        (format!("s{}", i / 12), (i / 3).to_string())
                    } else {
                        (String::new(), String::new())
                    };
                    text.push_str(&format!(
                        "v{v}b{b}i{i}n{},{place},v{v}b{b},52042310200{},{ham},{group},{stair},{floor},{school},{}\n",
                        text.len(),
                        v + 1,
                        h.households.min(1)
                    ));
                }
            }
        }
        text
    }

    fn regions(&self) -> Vec<Region> {
        (0..self.villages.len())
            .map(|v| {
                let x = v as f64 * SIDE_M;
                let mut polygons = vec![square(x, 0.0, SIDE_M)];
                if self.exclave {
                    polygons.push(square(x, EXCLAVE_M.0, EXCLAVE_M.1));
                }
                Region {
                    code: Some(format!("52042310200{}", v + 1)),
                    name: None,
                    level: "village".to_owned(),
                    polygons,
                }
            })
            .collect()
    }

    fn barriers(&self) -> Vec<Barrier> {
        let width = self.villages.len() as f64 * SIDE_M;
        self.lines
            .iter()
            .map(|(ends, hard, bridge)| {
                let at = |i: usize| [f64::from(ends[i]) / 1_000.0 * width, f64::from(ends[i + 1]) / 1_000.0 * SIDE_M];
                let (a, z) = (at(0), at(2));
                // A line reaches beyond its ends, a bridge is short.
                let stretch = if *bridge { 0.1 } else { 1.3 };
                let end =
                    |p: [f64; 2], q: [f64; 2]| [0, 1].map(|i| (p[i] + q[i]) / 2.0 + (p[i] - q[i]) * stretch / 2.0);
                Barrier {
                    kind: if *bridge { "bridge" } else { "river" }.to_owned(),
                    hard: *hard && !bridge,
                    name: None,
                    shape: BarrierShape::Line(vec![end(a, z), end(z, a)]),
                }
            })
            .filter(|b| matches!(&b.shape, BarrierShape::Line(l) if l[0] != l[1]))
            .collect()
    }

    fn profile(&self) -> Profile {
        let mut profile = Profile::shipped().swap_remove(self.profile);
        profile.grid.target_households = self.target;
        profile
    }
}

/// What one case gave: the plan, and its files as written beside `folder`.
struct Made {
    table: Households,
    regions: Vec<Region>,
    barriers: Vec<Barrier>,
    profile: Profile,
    plans: Vec<VillagePlan>,
}

fn made(case: &Case, folder: &Path) -> Result<Made, PlanError> {
    let input = folder.join("in.csv");
    std::fs::write(&input, case.csv()).expect("writable");
    let table = read_households(&input.to_string_lossy(), None, &ReadOptions::default()).expect("readable").value;
    let (regions, barriers, profile) = (case.regions(), case.barriers(), case.profile());
    let cancel = AtomicBool::new(false);
    let job = Job {
        begun: Instant::now(),
        effort: Effort::Rounds(case.rounds),
        seed: case.seed,
        cancel: &cancel,
        progress: &|_, _| {},
        replay: None,
    };
    let mut report = Report::new("plan", case.seed);
    let plans = make_plan(&table, &regions, &barriers, &profile, (&job, &job), &mut report)?;
    Ok(Made { table, regions, barriers, profile, plans })
}

impl Made {
    fn content(&self) -> Content<'_> {
        Content {
            table: &self.table,
            plans: &self.plans,
            regions: &self.regions,
            barriers: &self.barriers,
            profile: &self.profile,
        }
    }
}

fn area_m2(rings: &Rings) -> f64 {
    let ring = |r: &Vec<[f64; 2]>| {
        let o = r[0];
        r.windows(2)
            .map(|w| (w[0][0] - o[0]) * (w[1][1] - o[1]) - (w[1][0] - o[0]) * (w[0][1] - o[1]))
            .sum::<f64>()
            .abs()
            / 2.0
    };
    rings.iter().map(ring).enumerate().map(|(i, a)| if i == 0 { a } else { -a }).sum()
}

/// Whether both ends of an edge lie on one side of the village's outline (axis-parallel squares).
fn on_outline(edge: &[[f64; 2]; 2], outline: &[Rings]) -> bool {
    outline
        .iter()
        .flatten()
        .flat_map(|r| r.windows(2))
        .any(|w| (0..2).any(|i| w[0][i] == w[1][i] && edge.iter().all(|p| (p[i] - w[0][i]).abs() < LATTICE_M)))
}

/// Areas of the grids add up to the village's, and an inner border is the same edges on both sides.
fn grids_tile(made: &Made) -> Result<(), TestCaseError> {
    for (plan, region) in made.plans.iter().zip(&made.regions) {
        let wanted: f64 = region.polygons.iter().map(area_m2).sum();
        let got: f64 = plan.grids.grids.iter().flat_map(|g| &g.polygons).map(area_m2).sum();
        prop_assert!((got / wanted - 1.0).abs() < 1e-9, "H2: {got} m² of {wanted} m²");
        let mut seen: BTreeMap<[u64; 4], i32> = BTreeMap::new();
        for ring in plan.grids.grids.iter().flat_map(|g| &g.polygons).flatten() {
            for w in ring.windows(2) {
                let bits = |p: [f64; 2]| p.map(|v| (v + 0.0).to_bits());
                let ([a, b], [c, d]) = (bits(w[0]), bits(w[1]));
                // A border walked once in each direction adds up to nothing.
                let (key, way) = if (a, b) < (c, d) { ([a, b, c, d], 1) } else { ([c, d, a, b], -1) };
                *seen.entry(key).or_default() += way;
            }
        }
        for (key, ways) in seen {
            let edge =
                [[f64::from_bits(key[0]), f64::from_bits(key[1])], [f64::from_bits(key[2]), f64::from_bits(key[3])]];
            prop_assert!(
                ways == 0 || (ways.abs() == 1 && on_outline(&edge, &region.polygons)),
                "edge {edge:?}: {ways}"
            );
        }
    }
    Ok(())
}

/// What a planner must repair in the input itself.
fn is_refusal(e: &PlanError) -> bool {
    matches!(e, PlanError::FixedInPieces { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn check_finds_no_breach_of_h1_to_h11_on_any_plan(case in case()) {
        let folder = tempfile::tempdir().expect("folder");
        let made = match made(&case, folder.path()) {
            Ok(m) => m,
            Err(e) if is_refusal(&e) => return Ok(()),
            Err(e) => return Err(TestCaseError::fail(e.to_string())),
        };
        let staged = stage_folder(&folder.path().join("plan"), &made.content()).expect("written");
        let breaches = check(&read_facts(&staged.path()).expect("readable"));
        let said: Vec<String> = breaches.iter().map(ToString::to_string).collect();
        prop_assert!(said.is_empty(), "{}", said.join("\n"));
        let households: u32 = made.table.households.iter().sum();
        let placed: usize = made.plans.iter().flat_map(|p| &p.units).map(|u| u.members.len()).sum();
        prop_assert_eq!(households as usize, placed, "H4");
        grids_tile(&made)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plan_has_the_same_bytes_at_any_thread_count(case in case()) {
        let bytes = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| {
                let folder = tempfile::tempdir().expect("folder");
                let made = match made(&case, folder.path()) {
                    Ok(m) => m,
                    Err(e) => return vec![e.to_string().into_bytes()],
                };
                let staged = stage_folder(&folder.path().join("plan"), &made.content()).expect("written");
                [ASSIGNMENT, GRIDS, UNITS, LEADERS, BUILDINGS].map(|f| std::fs::read(staged.path().join(f)).expect("file")).to_vec()
            })
        };
        prop_assert!(bytes(1) == bytes(2), "1 and 2 threads differ");
    }
}
