//! The demonstration: a synthetic township, imported and planned when the store is empty.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::domain::incident::dictionary::EMERGENCY;
use crate::domain::register::OfficerRow;
use crate::exchange::gate::schema::LayerSchema;
use crate::exchange::{Isolation, Limits, OpenOptions as FileOptions};
use crate::partition::effort::Effort;
use crate::plan::job::Job;
use crate::plan::register::{
    ImportWish, NetsWish, PlanWish, PublishWish, Sealer, china_today, import_files, plan_region, publish_plan,
};
use crate::plan::room::{moments, of_emergency};
use crate::store::{Alarm, Expect, Filter, ImportRequest, IncidentRecord, Layer, RegisterRow, Store};

use super::commands::Failure;
use super::demo_incidents;
use time::OffsetDateTime;

use super::register::{everything, failed, of_store};

/// The township's code and county's rules.
const REGION: &str = "520423102";
const PROFILE: &str = "huangguoshu";
const ACTOR: &str = "demo";
/// What grids, and then units, are given of time.
const BUDGET: [Duration; 2] = [Duration::from_secs(4), Duration::from_secs(8)];

/// Layer, file name and content, in the order of import.
const FILES: [(&str, &str, &[u8]); 3] = [
    ("regions", "regions.geojson", include_bytes!("../../fixtures/township/regions.geojson")),
    ("barriers", "barriers.geojson", include_bytes!("../../fixtures/township/barriers.geojson")),
    ("households", "households.csv", include_bytes!("../../fixtures/township/households.csv")),
];
/// The incidents of the synthetic year.
const INCIDENTS: &str = include_str!("../../fixtures/township/incidents.csv");

fn broken(e: impl std::fmt::Display) -> Failure {
    Failure::input(format!("示例数据无法载入 / the example cannot be loaded: {e}"))
}

/// Loads the township, unless the store holds anything. Telephones are sealed with the key that is asked for then; without one there are none.
pub(super) async fn load(
    store: &dyn Store,
    key: impl FnOnce() -> Result<Option<Sealer>, Failure>,
) -> Result<(), Failure> {
    let scope = everything();
    for layer in [Layer::Regions, Layer::Buildings] {
        if store.count(&scope, layer, &Filter::default()).await.map_err(of_store)? > 0 {
            return Ok(());
        }
    }
    errln!("空库：正在载入示例乡镇 / the store is empty: loading the example township …");
    for (layer, name, content) in FILES {
        bring(store, layer, name, content).await?;
    }
    if let Some(plan) = planned(store).await? {
        officers(store, &plan, key()?.as_ref()).await?;
    }
    incidents(store).await
}

/// Imports a file.
async fn bring(store: &dyn Store, layer: &str, name: &str, content: &[u8]) -> Result<(), Failure> {
    let scope = everything();
    let folder = tempfile::tempdir().map_err(broken)?;
    let path = folder.path().join(name);
    std::fs::write(&path, content).map_err(broken)?;
    let files = [path.to_string_lossy().into_owned()];
    let wish = ImportWish {
        schema: LayerSchema::named(layer).ok_or_else(|| broken(layer))?,
        files: &files,
        open: FileOptions {
            layer: None,
            crs: None,
            format: None,
            limits: Limits::default(),
            // our own files need no fence around their parser
            isolation: Isolation::InProcess,
        },
        overrides: &[],
        region: (layer == "barriers").then_some(REGION),
        expect: Expect::Either,
        compared: None,
        dry_run: false,
        partial: false,
        faults_kept: 3,
        cancel: None,
        idempotency: None,
        reason: None,
        sealer: None,
        progress: &|_, _| {},
    };
    let done = import_files(store, &scope, ACTOR, &wish).await.map_err(failed)?;
    if let Some(fault) = done.faults.faults.first() {
        return Err(broken(fault));
    }
    Ok(())
}

/// Makes a plan and puts it in force; its id.
async fn planned(store: &dyn Store) -> Result<Option<String>, Failure> {
    let scope = everything();
    let profile = super::profiles::profile(PROFILE)?;
    let (begun, never) = (Instant::now(), AtomicBool::new(false));
    let [grids, units] = BUDGET.map(|budget| Job {
        begun,
        effort: Effort::Until(begun + budget),
        seed: 1,
        cancel: &never,
        progress: &|_, _| {},
        replay: None,
    });
    let wish = PlanWish {
        region: REGION,
        name: "示例方案 example",
        profile: &profile,
        nets: &NetsWish::None,
        jobs: (&grids, &units),
    };
    let planned = plan_region(store, &scope, ACTOR, &wish).await.map_err(failed)?;
    if let Some(breach) = planned.breaches.first() {
        errln!("示例方案有违反，未发布 / the example plan breaks a rule and stays a draft: {breach:?}");
        return Ok(None);
    }
    let day = china_today();
    let wish = PublishWish { plan: &planned.head.id, base_version: Some(planned.head.version), date: &day };
    publish_plan(store, &scope, ACTOR, &wish).await.map_err(failed)?;
    Ok(Some(planned.head.id))
}

/// A number that no telephone has: area codes do not begin with two zeros, and it says what it is.
fn telephone(n: usize) -> String {
    format!("000-0000-{n:04}（示例 example）")
}

/// A head and a worker for each grid, the leader of each unit: by role, without names, with made-up telephones.
async fn officers(store: &dyn Store, plan: &str, sealer: Option<&Sealer>) -> Result<(), Failure> {
    let scope = everything();
    let villages = store.plan_villages(&scope, plan).await.map_err(of_store)?;
    let (_, rows) = store.plan_rows(&scope, plan, &villages).await.map_err(of_store)?;
    let mut count = 0;
    let mut officer = |region: &str, role: &str, household: Option<String>| {
        count += 1;
        let id = format!("demo-{role}-{region}");
        RegisterRow::Officers(OfficerRow {
            phone_sealed: sealer.map(|s| s.seal(&id, &telephone(count))),
            id,
            region: region.to_owned(),
            role: role.to_owned(),
            household,
            ..OfficerRow::default()
        })
    };
    let mut all = Vec::new();
    for village in &rows {
        for grid in &village.grids {
            all.extend(["grid_head", "grid_worker"].map(|role| officer(&grid.code, role, None)));
        }
        all.extend(
            village.units.iter().filter(|u| u.leader.is_some()).map(|u| officer(&u.code, "leader", u.leader.clone())),
        );
    }
    let request = ImportRequest::new(Layer::Officers);
    store.import(&scope, ACTOR, &request, &mut vec![all].into_iter()).await.map_err(of_store)?;
    Ok(())
}

/// The incidents of the days before now.
async fn incidents(store: &dyn Store) -> Result<(), Failure> {
    let (scope, now) = (everything(), OffsetDateTime::now_utc());
    bring(store, "incidents", "incidents.csv", demo_incidents::drawn_together(INCIDENTS, now).as_bytes()).await?;
    let rules = store.alert_rules(&scope).await.map_err(of_store)?;
    let now_ms = moments::ms(now);
    let alarm =
        Alarm(Arc::new(move |row| (row.category == EMERGENCY).then(|| of_emergency(&rules, row, now_ms)).flatten()));
    for (incidents, as_bulk) in [(demo_incidents::outbreak(now), true), (vec![demo_incidents::emergency(now)], false)] {
        let record =
            IncidentRecord { incidents, partial: true, as_bulk, alarm: Some(alarm.clone()), idempotency: None };
        store.record_incidents(&scope, ACTOR, &record).await.map_err(of_store)?;
    }
    Ok(())
}
