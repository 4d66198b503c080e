//! The demonstration: a synthetic township, imported and planned when the store is empty.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::exchange::gate::schema::LayerSchema;
use crate::exchange::{Isolation, Limits, OpenOptions as FileOptions};
use crate::partition::effort::Effort;
use crate::plan::job::Job;
use crate::plan::register::{
    ImportWish, NetsWish, PlanWish, PublishWish, china_today, import_files, plan_region, publish_plan,
};
use crate::store::{Filter, Layer, Store};

use super::commands::Failure;
use super::register::{everything, failed, of_store};

/// The township's code and county's rules.
const REGION: &str = "520423102";
const PROFILE: &str = "huangguoshu";
const ACTOR: &str = "demo";
/// What grids, and then units, are given of time.
const BUDGET: [Duration; 2] = [Duration::from_secs(4), Duration::from_secs(8)];

/// Layer, file name and content, in the order of import.
const FILES: [(&str, &str, &[u8]); 4] = [
    ("regions", "regions.geojson", include_bytes!("../../fixtures/township/regions.geojson")),
    ("barriers", "barriers.geojson", include_bytes!("../../fixtures/township/barriers.geojson")),
    ("households", "households.csv", include_bytes!("../../fixtures/township/households.csv")),
    ("incidents", "incidents.csv", include_bytes!("../../fixtures/township/incidents.csv")),
];

fn broken(e: impl std::fmt::Display) -> Failure {
    Failure::input(format!("示例数据无法载入 / the example cannot be loaded: {e}"))
}

/// Loads the township, unless the store holds anything.
pub(super) async fn load(store: &dyn Store) -> Result<(), Failure> {
    let scope = everything();
    for layer in [Layer::Regions, Layer::Buildings] {
        if store.count(&scope, layer, &Filter::default()).await.map_err(of_store)? > 0 {
            return Ok(());
        }
    }
    eprintln!("空库：正在载入示例乡镇 / the store is empty: loading the example township …");
    let folder = tempfile::tempdir().map_err(broken)?;
    for (layer, name, content) in FILES {
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
            dry_run: false,
            partial: false,
            faults_kept: 3,
            cancel: None,
            idempotency: None,
            sealer: None,
            progress: &|_, _| {},
        };
        let done = import_files(store, &scope, ACTOR, &wish).await.map_err(failed)?;
        if let Some(fault) = done.faults.faults.first() {
            return Err(broken(fault));
        }
    }
    let profile = super::plan::profile(PROFILE)?;
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
        eprintln!("示例方案有违反，未发布 / the example plan breaks a rule and stays a draft: {breach:?}");
        return Ok(());
    }
    let day = china_today();
    let wish = PublishWish { plan: &planned.head.id, base_version: Some(planned.head.version), date: &day };
    publish_plan(store, &scope, ACTOR, &wish).await.map_err(failed)?;
    Ok(())
}
