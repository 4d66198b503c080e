//! From the log into memory: what is served after any write is what a load of all of it would give.

use super::*;
use crate::domain::LonLat;
use crate::domain::plan::{Change, Changes, GridRow, UnitRow, VillageRows};
use crate::domain::random::Random;
use crate::domain::register::{BuildingRow, Geometry, HouseholdRow, IncidentRow};
use crate::store::{
    Derived, DerivedGrid, DerivedLeader, DerivedUnit, ImportRequest, NewVillage, OpenMode, OpenOptions, Publication,
    RegisterRow, TransactionRequest, Which, Worked,
};

const VILLAGES: [&str; 2] = ["520423102001", "520423102002"];

fn admin() -> Scope {
    Scope::whole_store(Role::Admin)
}

fn incident(n: u32, random: &mut Random) -> RegisterRow {
    let place = LonLat { lon_deg: 105.0 + f64::from(random.below(100)) * 0.01, lat_deg: 26.0 };
    RegisterRow::Incidents(IncidentRow {
        id: format!("i{n:03}"),
        region: VILLAGES[random.below(2) as usize].to_owned(),
        grid: None,
        unit: None,
        category: "other".to_owned(),
        dispute: None,
        level: "grid".to_owned(),
        state: "reported".to_owned(),
        occurred_at: "2026-01-01T00:00:00.000Z".to_owned(),
        due_at: None,
        summary: Some(format!("第{}", random.below(5))),
        place: (random.below(5) > 0).then_some(place),
        source: None,
        source_id: None,
        row_version: 0,
    })
}

fn building(n: u32, random: &mut Random) -> RegisterRow {
    RegisterRow::Buildings(BuildingRow {
        id: format!("b{n:03}"),
        village: VILLAGES[0].to_owned(),
        name: Some(format!("{}号", random.below(9))),
        kind: None,
        households: None,
        dedicated: None,
        stairwells: Vec::new(),
        place: Geometry::Point([105.0 + f64::from(random.below(100)) * 0.01, 26.0]),
        valid_from: None,
        valid_to: None,
        row_version: 0,
    })
}

fn household(n: u32, random: &mut Random) -> RegisterRow {
    RegisterRow::Households(HouseholdRow {
        id: format!("h{n:03}"),
        village: VILLAGES[0].to_owned(),
        building: "b000".to_owned(),
        stairwell: None,
        floor: Some(1),
        hamlet: None,
        group_name: None,
        persons: Some(random.below(6)),
        tenure: None,
        eligible: None,
        place: LonLat { lon_deg: 105.0, lat_deg: 26.0 },
        valid_from: None,
        valid_to: None,
        row_version: 0,
    })
}

fn derived(rows: &VillageRows, shift: f64) -> Derived {
    let square = |n: usize| {
        let (x, y) = (105.0 + n as f64 * 0.01 + shift, 26.0);
        vec![vec![vec![[x, y], [x + 0.01, y], [x + 0.01, y + 0.01], [x, y + 0.01], [x, y]]]]
    };
    let grid = |(n, g): (usize, &GridRow)| DerivedGrid {
        code: g.code.clone(),
        polygons: square(n),
        households: 10,
        buildings: 2,
        persons: None,
        deviation: Some(0.01),
        area_m2: 1.0,
        perimeter_m: 4.0,
        polsby_popper: 0.78,
    };
    let unit = |(n, u): (usize, &UnitRow)| DerivedUnit {
        code: u.code.clone(),
        polygons: square(n),
        households: 10,
        sse_m2: 2.5 + shift,
        reach_m: 9.0,
    };
    let leader = |u: &UnitRow| {
        let place = LonLat { lon_deg: 105.0, lat_deg: 26.0 };
        Some(DerivedLeader { unit: u.code.clone(), household: u.leader.clone()?, role: "leader".to_owned(), place })
    };
    Derived {
        grids: rows.grids.iter().enumerate().map(grid).collect(),
        units: rows.units.iter().enumerate().map(unit).collect(),
        leaders: rows.units.iter().filter_map(leader).collect(),
    }
}

fn village(code: &str) -> VillageRows {
    let mut rows = VillageRows { village: code.to_owned(), ..VillageRows::default() };
    for g in 1..=2 {
        let grid = format!("{code}{g:03}");
        rows.units.extend((1..=2).map(|u| UnitRow {
            code: format!("{grid}{u:03}"),
            locked: false,
            leader: Some(format!("h{g}{u}")),
            deputies: Vec::new(),
            officers_locked: false,
            exception: None,
            founded_on: None,
            contact_group: None,
        }));
        rows.memberships.extend((1..=2).map(|u| crate::domain::plan::Membership {
            household: format!("{code}-{g}{u}"),
            unit: format!("{grid}{u:03}"),
        }));
        rows.grids.push(GridRow {
            code: grid,
            name: format!("第{g}网格"),
            kind: "base".to_owned(),
            locked: false,
            valid_from: String::new(),
            valid_to: None,
            predecessors: Vec::new(),
        });
    }
    rows
}

struct Place {
    store: Arc<dyn Store>,
    memory: Arc<Memory>,
    tail: Tail,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite:{}", folder.path().join("r.gpkg").display());
        let store = crate::store::open(&url, OpenOptions::new(OpenMode::Create)).await.expect("a store");
        let memory = Arc::new(Memory::new(store.clone()));
        while memory.refresh().await {}
        let tail = Tail::new(store.clone(), memory.clone(), watch::Sender::new(0)).await.expect("a tail");
        Self { store, memory, tail, _folder: folder }
    }

    async fn draft(&self, region: &str, villages: &[&str]) -> PlanHead {
        let head = PlanHead {
            id: String::new(),
            name: "方案".to_owned(),
            region: region.to_owned(),
            status: PlanStatus::Draft,
            version: 1,
            seed: 1,
            parameters: json!({}),
            profile: String::new(),
            input_version: 1,
            valid_from: None,
            valid_to: None,
        };
        let mut villages = villages.iter().map(|v| {
            let rows = village(v);
            NewVillage { derived: derived(&rows, 0.0), rows }
        });
        self.store.create_plan(&admin(), "t", &head, &mut villages).await.expect("a plan")
    }

    async fn publish(&self, plan: &PlanHead, date: &str) {
        let request = Publication {
            plan: plan.id.clone(),
            base_version: 1,
            expected_live: None,
            date: date.to_owned(),
            actor: "t".to_owned(),
        };
        self.store.publish(&admin(), &request, &mut |_, _| Ok(())).await.expect("in force");
    }

    async fn bring(&self, rows: Vec<RegisterRow>) {
        let layer = rows.first().map_or(Layer::Buildings, RegisterRow::layer);
        let mut chunks = vec![rows].into_iter();
        self.store.import(&admin(), "t", &ImportRequest::new(layer), &mut chunks).await.expect("imported");
    }

    /// Takes in what the log says; what is kept must be what a fresh load is. Whether it was kept up in part.
    async fn settle(&self) -> bool {
        self.tail.look().await.expect("looked");
        let before = self.memory.whole_loads();
        while self.memory.refresh().await {}
        let in_part = self.memory.whole_loads() == before;
        let fresh = Arc::new(Memory::new(self.store.clone()));
        while fresh.refresh().await {}
        for collection in Collection::ALL {
            let [kept, fresh] = [&self.memory, &fresh].map(|m| m.get(collection));
            let (kept, fresh) = (kept.await.expect("there"), fresh.await.expect("there"));
            assert_eq!(kept.len(), fresh.len(), "{collection:?}");
            let text = |s: &crate::api::memory::Snapshot| {
                let mut out = String::new();
                (0..s.len() as u32).for_each(|row| s.append(&mut out, row, true));
                out
            };
            assert_eq!(text(&kept), text(&fresh), "{collection:?}");
            assert_eq!(kept.digest, fresh.digest, "{collection:?}");
            let bbox = [105.2, 25.0, 105.4, 27.0];
            assert_eq!(kept.in_box(bbox), fresh.in_box(bbox), "{collection:?}");
        }
        in_part
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_come_change_and_go_are_kept_up_in_part() {
    let place = Place::new().await;
    let mut random = Random::new(11);
    place.bring((0..60).map(|n| incident(n, &mut random)).collect()).await;
    place.bring((0..20).map(|n| building(n, &mut random)).collect()).await;
    place.bring((0..30).map(|n| household(n, &mut random)).collect()).await;
    assert!(place.settle().await, "few enough to be named");
    for _ in 0..12 {
        let (first, many) = (random.below(60), 1 + random.below(8));
        place.bring((first..first + many).map(|n| incident(n, &mut random)).collect()).await;
        place.bring(vec![building(random.below(30), &mut random)]).await;
        place.bring(vec![household(random.below(40), &mut random)]).await;
        let gone = format!("i{:03}", random.below(60));
        // it may be gone already
        let _ = place.store.remove(&admin(), "t", Layer::Incidents, &[gone], (None, None)).await;
        assert!(place.settle().await);
    }
    // more than the log names
    place.bring((100..1_200).map(|n| incident(n, &mut random)).collect()).await;
    assert!(!place.settle().await);
}

/// If-Match is held against the version of the row, also where a row was changed and changed back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_load_brings_new_versions_also_of_rows_that_say_what_they_said() {
    let place = Place::new().await;
    let mut random = Random::new(3);
    let (one, other) = (building(1, &mut random), building(1, &mut random));
    assert_ne!(one, other);
    place.bring(vec![one.clone()]).await;
    place.settle().await;
    let before = place.memory.get(Collection::Buildings).await.expect("there");
    place.bring(vec![other]).await;
    place.bring(vec![one]).await;
    place.memory.changed([Collection::Buildings]);
    while place.memory.refresh().await {}
    let now = place.memory.get(Collection::Buildings).await.expect("there");
    assert_eq!(now.digest, before.digest);
    assert_eq!(now.version(0), before.version(0).map(|v| v + 2));
    // and what is the same in that too is not taken for another
    place.memory.changed([Collection::Buildings]);
    while place.memory.refresh().await {}
    assert!(Arc::ptr_eq(&place.memory.get(Collection::Buildings).await.expect("there"), &now));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_that_panics_is_due_again_and_not_at_once_and_keeps_none_from_its_turn() {
    let place = Place::new().await;
    place.bring(vec![building(1, &mut Random::new(1))]).await;
    place.memory.have_fault(Collection::Regions);
    place.memory.changed([Collection::Regions, Collection::Buildings]);
    let begun = std::time::Instant::now();
    assert!(place.memory.refresh().await);
    assert!(begun.elapsed() >= AGAIN, "it waits");
    let buildings = place.memory.get(Collection::Buildings).await.expect("there");
    assert_eq!(buildings.len(), 1, "what came after what panicked");
    let loads = place.memory.whole_loads();
    assert!(place.memory.refresh().await, "due again");
    assert_eq!(place.memory.whole_loads(), loads + 1, "and nothing else is");
    assert!(!place.memory.refresh().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_the_plan_in_force_are_kept_up_by_village() {
    let place = Place::new().await;
    let plan = place.draft("520423102", &VILLAGES).await;
    assert!(place.settle().await, "a draft is in no collection");
    place.publish(&plan, "2026-01-01").await;
    assert!(!place.settle().await);
    assert_eq!(place.memory.get(Collection::Units).await.expect("there").len(), 8);
    for (n, code) in VILLAGES.iter().cycle().take(4).enumerate() {
        let request = TransactionRequest {
            plan: plan.id.clone(),
            base_version: 2 + n as u64,
            grid_versions: Vec::new(),
            villages: vec![(*code).to_owned()],
            actor: "t".to_owned(),
            operation: json!({}),
            idempotency: None,
        };
        let mut work = |_: &PlanHead, rows: &[VillageRows]| {
            let grid = rows[0].grids[0].clone();
            let after = GridRow { name: format!("改{n}"), ..grid.clone() };
            let changes =
                Changes { grids: vec![Change { before: Some(grid), after: Some(after) }], ..Changes::default() };
            Ok(Worked { changes, derived: vec![((*code).to_owned(), derived(&rows[0], n as f64 * 0.001))] })
        };
        place.store.transact(&admin(), &request, &mut work).await.expect("edited");
        assert!(place.settle().await);
    }
    let mut look = |_: &PlanHead, _: &[VillageRows], _: &Changes| Ok(Vec::new());
    place.store.undo(&admin(), &plan.id, "t", &Which::Last, &mut look).await.expect("undone");
    assert!(place.settle().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn village_of_a_narrower_plan_is_not_taken_from_the_wider_one() {
    let place = Place::new().await;
    let between = VILLAGES[1];
    let villages = [VILLAGES[0], between, "520423102003"];
    let wide = place.draft("520423102", &villages).await;
    place.publish(&wide, "2026-01-01").await;
    let narrow = place.draft(between, &[between]).await;
    place.publish(&narrow, "2026-02-01").await;
    assert!(!place.settle().await);
    for (collection, count) in [(Collection::Grids, 6), (Collection::Units, 12), (Collection::Leaders, 12)] {
        let there = place.memory.get(collection).await.expect("there");
        assert_eq!(there.len(), count, "{collection:?}");
        let plan = there.spec().position("plan").expect("a field");
        for row in 0..count as u32 {
            let of = if there.id(row).starts_with(between) { &narrow } else { &wide };
            assert_eq!(there.field(row, plan), Some(format!("\"{}\"", of.id).as_str()), "{}", there.id(row));
        }
    }
    // village by village it is the same
    place.memory.plans_changed(Some(villages.map(str::to_owned).to_vec()));
    assert!(place.settle().await);
}

/// A client that was here before a restart asks the log itself, which may be ahead of what was looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entry_that_was_not_looked_at_yet_is_told_once_by_the_next_look() {
    let place = Place::new().await;
    let mut random = Random::new(5);
    let begin = place.store.audit_head(&admin()).await.expect("a head");
    place.bring(vec![incident(1, &mut random)]).await;
    let tail = Tail::new(place.store.clone(), place.memory.clone(), watch::Sender::new(0)).await.expect("a tail");
    // told by the log: nothing of it is kept since the start
    place.bring(vec![incident(2, &mut random)]).await;
    let mut heard = Vec::new();
    let mut last = begin;
    for _ in 0..3 {
        match tail.since(last).await.expect("read") {
            Since::Events(events, up_to) => {
                heard.extend(events.iter().map(|e| e.id));
                last = up_to;
            }
            Since::Gone(head) => panic!("sent back from {last} to {head}"),
        }
        tail.look().await.expect("looked");
    }
    let head = place.store.audit_head(&admin()).await.expect("a head");
    assert!(heard.len() >= 2 && last == head, "{heard:?}, {last} of {head}");
    assert!(heard.is_sorted_by(|a, b| a < b), "{heard:?}");
}
