//! What the cases stand on: a place for a store, a clock that ticks, two villages and a plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use lianhu::domain::LonLat;
use lianhu::domain::plan::{Change, Changes, GridRow, Membership, PlanHead, PlanStatus, Seat, UnitRow, VillageRows};
use lianhu::domain::register::{BuildingRow, Geometry, HouseholdRow};
use lianhu::store::{
    ImportReport, ImportRequest, Layer, OpenMode, OpenOptions, RegisterRow, Role, Scope, Store, StoreError,
    TransactionRequest, open,
};
use serde_json::json;

use crate::cluster::Cluster;

pub(crate) const VILLAGE: &str = "520423102001";
pub(crate) const NEIGHBOUR: &str = "520423102002";

/// Where a case's store is.
pub(crate) struct Place {
    pub(crate) url: String,
    /// Folder of the file, for SQLite.
    pub(crate) folder: tempfile::TempDir,
    /// Database, for PostGIS.
    pub(crate) database: Option<String>,
}

/// One second a look, from the first of March 2025, midnight in China.
static TICKS: AtomicI64 = AtomicI64::new(0);
static CHANCE: AtomicU64 = AtomicU64::new(1);
const START: i64 = 1_740_758_400;

/// Options with a clock that ticks at each look and numbers that never repeat.
pub(crate) fn options(mode: OpenMode) -> OpenOptions {
    on_day(options_without_clock(mode), tick)
}

/// The same clock with real chance, for programs started again: their numbers would repeat.
pub(crate) fn options_by_chance(mode: OpenMode) -> OpenOptions {
    on_day(OpenOptions::new(mode), tick)
}

fn tick() -> time::OffsetDateTime {
    let at = START + TICKS.fetch_add(1, Ordering::Relaxed);
    time::OffsetDateTime::from_unix_timestamp(at).expect("a time")
}

fn options_without_clock(mode: OpenMode) -> OpenOptions {
    OpenOptions::new(mode).entropy(Arc::new(|bytes| {
        let n = CHANCE.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        bytes.iter_mut().zip(n.iter().cycle()).for_each(|(b, n)| *b = *n);
    }))
}

fn on_day(options: OpenOptions, clock: impl Fn() -> time::OffsetDateTime + Send + Sync + 'static) -> OpenOptions {
    options.clock(Arc::new(clock))
}

/// Options whose clock stands at noon (UTC) of a day.
pub(crate) fn noon_of(mode: OpenMode, day: time::Date) -> OpenOptions {
    on_day(options_without_clock(mode), move || day.with_hms(12, 0, 0).expect("noon").assume_utc())
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite:{}", folder.path().join("register.gpkg").display());
        Self { url, folder, database: None }
    }

    pub(crate) fn postgis() -> Self {
        let cluster = Cluster::get();
        let database = cluster.database();
        Self { url: cluster.url(&database), folder: tempfile::tempdir().expect("folder"), database: Some(database) }
    }

    /// The file of an SQLite store.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("register.gpkg")
    }

    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        self.try_open(OpenMode::Create).await.expect("the store opens")
    }

    pub(crate) async fn try_open(&self, mode: OpenMode) -> Result<Arc<dyn Store>, StoreError> {
        open(&self.url, options(mode)).await
    }
}

/// The administrator of all.
pub(crate) fn admin() -> Scope {
    Scope::whole_store(Role::Admin)
}

pub(crate) fn scope(role: Role, code: &str) -> Scope {
    Scope::region(role, code).expect("a code")
}

pub(crate) fn building(id: &str, village: &str, lon_deg: f64, lat_deg: f64) -> RegisterRow {
    RegisterRow::Buildings(BuildingRow {
        id: id.to_owned(),
        village: village.to_owned(),
        name: Some(format!("{id}号楼")),
        kind: None,
        households: None,
        dedicated: None,
        stairwells: vec!["1单元".to_owned()],
        place: Geometry::Point([lon_deg, lat_deg]),
        valid_from: None,
        valid_to: None,
        row_version: 0,
    })
}

pub(crate) fn household(id: &str, village: &str, building: &str, lon_deg: f64, lat_deg: f64) -> RegisterRow {
    RegisterRow::Households(HouseholdRow {
        id: id.to_owned(),
        village: village.to_owned(),
        building: building.to_owned(),
        stairwell: Some("1单元".to_owned()),
        floor: Some(-1),
        hamlet: Some("上寨".to_owned()),
        group_name: Some("3组".to_owned()),
        persons: Some(4),
        tenure: Some(lianhu::domain::register::Tenure::Rented),
        eligible: Some(true),
        place: LonLat { lon_deg, lat_deg },
        valid_from: Some("2020-01-01".to_owned()),
        valid_to: None,
        row_version: 0,
    })
}

/// Imports rows of one layer in one chunk.
pub(crate) async fn bring(store: &dyn Store, rows: Vec<RegisterRow>) -> Result<ImportReport, StoreError> {
    let layer = rows.first().map_or(Layer::Buildings, RegisterRow::layer);
    store.import(&admin(), "tester", &ImportRequest::new(layer), &mut vec![rows].into_iter()).await
}

/// Buildings b0… and households h0… (two a building) of both villages: even numbers in the first.
pub(crate) async fn settle(store: &dyn Store, buildings: usize) {
    let village = |i: usize| if i.is_multiple_of(2) { VILLAGE } else { NEIGHBOUR };
    let place = |i: usize| (105.6 + i as f64 * 1e-4, 25.97);
    let rows = (0..buildings).map(|i| building(&format!("b{i}"), village(i), place(i).0, place(i).1)).collect();
    bring(store, rows).await.expect("buildings");
    let one = |h: usize| household(&format!("h{h}"), village(h / 2), &format!("b{}", h / 2), place(h / 2).0, 25.97);
    bring(store, (0..buildings * 2).map(one).collect()).await.expect("households");
}

/// A village with `grids` grids of two units each; a unit has two households in one building.
pub(crate) fn village_rows(village: &str, grids: usize) -> VillageRows {
    let first = if village == VILLAGE { 0 } else { 1_000 };
    let mut rows = VillageRows { village: village.to_owned(), ..VillageRows::default() };
    for g in 1..=grids {
        let grid = format!("{village}{g:03}");
        rows.grids.push(GridRow {
            code: grid.clone(),
            name: format!("第{g}网格"),
            kind: "base".to_owned(),
            locked: false,
            valid_from: String::new(),
            valid_to: None,
            predecessors: Vec::new(),
        });
        for u in 1..=2 {
            let unit = format!("{grid}{u:03}");
            let building = first + g * 2 + u;
            rows.units.push(UnitRow {
                code: unit.clone(),
                locked: false,
                leader: Some(format!("h{}", building * 2)),
                deputies: vec![format!("h{}", building * 2 + 1)],
                officers_locked: false,
                exception: None,
                founded_on: Some("2021-06-01".to_owned()),
                contact_group: None,
            });
            rows.seats.push(Seat { building: format!("b{building}"), grid: grid.clone(), locked: u == 2 });
            for h in 0..2 {
                let household = format!("h{}", building * 2 + h);
                rows.memberships.push(Membership { household, unit: unit.clone() });
            }
        }
    }
    rows.seats.sort_by(|a, b| a.building.cmp(&b.building));
    rows.memberships.sort_by(|a, b| a.household.cmp(&b.household));
    rows
}

pub(crate) fn head(region: &str) -> PlanHead {
    PlanHead {
        id: String::new(),
        name: "方案".to_owned(),
        region: region.to_owned(),
        status: PlanStatus::Draft,
        version: 1,
        seed: u64::MAX,
        parameters: json!({ "rounds": 3, "程序": "0.1" }),
        profile: "name = \"x\"".to_owned(),
        input_version: 1,
        valid_from: None,
        valid_to: None,
    }
}

/// A stored plan of both villages (of their township), two grids each.
pub(crate) async fn plan(store: &dyn Store) -> PlanHead {
    let villages = vec![village_rows(VILLAGE, 2), village_rows(NEIGHBOUR, 2)];
    store
        .create_plan(&admin(), "tester", &head("520423102"), &mut villages.into_iter().map(Into::into))
        .await
        .expect("a plan")
}

pub(crate) fn request(plan: &PlanHead, base_version: u64, village: &str) -> TransactionRequest {
    TransactionRequest {
        plan: plan.id.clone(),
        base_version,
        grid_versions: Vec::new(),
        villages: vec![village.to_owned()],
        actor: "tester".to_owned(),
        operation: json!({ "op": "test" }),
        idempotency: None,
    }
}

/// The change that names a grid.
pub(crate) fn renamed(rows: &[VillageRows], code: &str, name: &str) -> Changes {
    let grid = rows.iter().flat_map(|v| &v.grids).find(|g| g.code == code).expect("the grid");
    let after = GridRow { name: name.to_owned(), ..grid.clone() };
    Changes { grids: vec![Change { before: Some(grid.clone()), after: Some(after) }], ..Changes::default() }
}

/// The change that moves a household to a unit.
pub(crate) fn moved(rows: &[VillageRows], household: &str, unit: &str) -> Changes {
    let member = rows.iter().flat_map(|v| &v.memberships).find(|m| m.household == household).expect("the household");
    let after = Membership { unit: unit.to_owned(), ..member.clone() };
    Changes { memberships: vec![Change { before: Some(member.clone()), after: Some(after) }], ..Changes::default() }
}

/// A small generator (SplitMix64), so that tests need none of the program's.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}
