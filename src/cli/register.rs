//! `lianhu export`, `draft`, and what the commands of the register share.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::exchange::gate::FaultList;
use crate::exchange::ledger::Ledger;
use crate::exchange::{Format, Isolation, Limits, OpenOptions as FileOptions, WriteOptions, Written};
use crate::partition::effort::Effort;
use crate::plan::job::Job;
use crate::plan::register::{
    ExportWish, NetsWish, PlanWish, PublishWish, RegisterError, export_layer, plan_region, publish_plan,
};
use crate::space::datum::Crs;
use crate::store::{Filter, OpenMode, OpenOptions, Role, Scope, Store, StoreError, open};

use super::commands::{Failure, Outcome};
use super::register_args::{DraftArgs, ExportArgs, StoreArgs};
use super::{console, outputs};

/// Who acts on the command line: whoever holds the file.
pub(super) const ACTOR: &str = "cli";
/// Faults shown; the list has all.
pub(super) const SHOWN: usize = 20;
/// Faults kept for the list.
pub(super) const KEPT: usize = 10_000;

pub(super) fn failed(e: RegisterError) -> Failure {
    let code = match &e {
        RegisterError::Store(s) => s.exit_code(),
        RegisterError::Transact(crate::store::TransactError::Store(s)) => s.exit_code(),
        RegisterError::Gate(crate::exchange::gate::GateError::Mapping(_))
        | RegisterError::NoLayer { .. }
        | RegisterError::NoNet { .. } => 2,
        RegisterError::NotLegal { .. } => 1,
        RegisterError::Read(r) if r.is_usage() => 2,
        _ => 3,
    };
    Failure { message: e.to_string(), code }
}

pub(super) fn of_store(e: StoreError) -> Failure {
    failed(e.into())
}

pub(super) fn everything() -> Scope {
    Scope::whole_store(Role::Admin)
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::input(format!("无法启动 / cannot start: {e}")))
}

/// Runs with the store open; always closes it.
pub(super) fn with_store<T>(
    a: &StoreArgs,
    mode: OpenMode,
    work: impl AsyncFnOnce(&dyn Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    runtime()?.block_on(async {
        let store = open(&a.store, OpenOptions::new(mode)).await.map_err(of_store)?;
        let outcome = work(store.as_ref()).await;
        store.close().await;
        outcome
    })
}

/// Ctrl-C as a flag that outlives this call.
pub(super) fn cancel() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let (raised, told) = (console::cancel_flag(), flag.clone());
    std::thread::spawn(move || {
        while !raised.load(Ordering::Relaxed) {
            if Arc::strong_count(&told) == 1 {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        told.store(true, Ordering::Relaxed);
    });
    flag
}

/// Hostile-prone formats are taken apart in a child process.
pub(super) fn file_options(sheet: Option<String>, crs: Option<Crs>) -> FileOptions {
    let isolation = Isolation::apart();
    FileOptions { layer: sheet, crs, format: None, limits: Limits::default(), isolation }
}

/// What is said at the end when there were faults.
pub(super) fn refuse_unless_partial(faults: &FaultList, partial: bool) -> Outcome {
    if faults.is_empty() || partial {
        return Ok(0);
    }
    let total = faults.total;
    Err(Failure::input(format!(
        "共 {total} 处错误，未入库；改正后重试，或用 --partial 跳过有错的行\n{total} faults, nothing was stored: mend them, or leave the rows out with --partial"
    )))
}

/// The first faults, and how many there are.
pub(super) fn tell_faults(faults: &FaultList) {
    for fault in faults.faults.iter().take(SHOWN) {
        errln!("{fault}");
    }
    if faults.total > SHOWN as u64 {
        errln!("… 共 {0} 处，用 --faults FILE 导出清单 / {0} in all; --faults FILE writes the list", faults.total);
    }
}

pub(super) fn export(a: &ExportArgs) -> Outcome {
    if !outputs::is_standard(&a.file) {
        if a.format.is_none() {
            outputs::check("FILE", &a.file, outputs::MAPS)?;
        }
        out!("{}", told(&a.file, &write_out(a)?));
        return Ok(0);
    }
    if a.format.is_none() {
        return Err(Failure::usage("输出到标准输出（-）时请用 --format 说明格式 / standard output (-) wants --format"));
    }
    // by way of a file: some formats are not written from front to back, and what fails must print nothing
    let folder = tempfile::tempdir().map_err(Failure::input)?;
    let file = folder.path().join("export");
    let written = write_out(&ExportArgs { file: file.clone(), ..a.clone() })?;
    std::fs::File::open(file).and_then(|mut f| console::give(&mut f)).map_err(Failure::input)?;
    err!("{}", told(&a.file, &written));
    Ok(0)
}

fn write_out(a: &ExportArgs) -> Result<Written, Failure> {
    let format = match &a.format {
        Some(name) => Format::parse(name).ok_or_else(|| {
            let known = "geojson geojsonseq gpkg fgb shp kml csv xlsx geoparquet toml";
            Failure::usage(format!(
                "--format {name}：没有这种格式；可用 {known}\n--format {name}: no such format; use {known}"
            ))
        })?,
        None => Format::of_path(&a.file.to_string_lossy()),
    };
    if format == Format::Toml && !matches!(a.layer.trim(), "profiles" | "规则") {
        return Err(Failure::usage("toml 只用于规则（profiles） / toml is for the layer profiles alone"));
    }
    if let Some(ledger) = Ledger::named(&a.layer) {
        return super::ledger::export(a, ledger, format);
    }
    let bbox_deg = a.bbox.as_deref().map(bbox).transpose()?;
    let sealer = if a.with_names { super::key::find(&a.store)? } else { None };
    let wish = ExportWish {
        layer: &a.layer,
        format,
        filter: Filter { bbox_deg, region: a.region.clone(), as_of: a.as_of.clone(), ..Filter::default() },
        plan: a.plan.as_deref(),
        names_for: a.purpose.as_deref().filter(|_| a.with_names),
        sealer: sealer.as_ref(),
        personal: true,
        progress: &|_| true,
        options: WriteOptions::default(),
    };
    let mode = if a.with_names { OpenMode::ReadWrite } else { OpenMode::ReadOnly };
    with_store(&a.store, mode, async |store| {
        export_layer(store, &everything(), ACTOR, &wish, &a.file).await.map_err(failed)
    })
}

/// What is said of a file that was written.
fn told(file: &Path, written: &Written) -> String {
    let mut said = format!("{}：{} 行 rows\n", file.display(), written.rows);
    for (field, name) in &written.renamed {
        said += &format!("  {field} → {name}\n");
    }
    if written.cut_texts > 0 {
        said += &format!("  截短的文字 texts cut: {}\n", written.cut_texts);
    }
    said
}

fn bbox(text: &str) -> Result<[f64; 4], Failure> {
    let parts: Vec<f64> =
        text.split(',').filter_map(|p| p.trim().parse().ok()).filter(|v: &f64| v.is_finite()).collect();
    match parts.as_slice() {
        &[w, s, e, n] if w <= e && s <= n => Ok([w, s, e, n]),
        _ => Err(Failure::usage(format!("--bbox {text}：应为 西,南,东,北（度）/ west,south,east,north in degrees"))),
    }
}

pub(super) fn draft(a: &DraftArgs, begun: Instant) -> Outcome {
    let effort = |share: f64| match a.budget {
        Some(s) => Effort::Until(begun + Duration::from_secs_f64(s.clamp(0.0, 1e7) * share)),
        None => Effort::Auto,
    };
    let job = |effort: Effort| Job {
        begun,
        effort,
        seed: a.seed,
        cancel: console::cancel_flag(),
        progress: &console::progress,
        replay: None,
    };
    let (grids, units) = (job(effort(0.5)), job(effort(1.0)));
    let nets = match a.old_nets.as_slice() {
        [] => NetsWish::None,
        [all] if all == "all" || all == "全部" => NetsWish::All,
        names => NetsWish::Named(names.to_vec()),
    };
    let planned = with_store(&a.store, OpenMode::ReadWrite, async |store| {
        let profile = super::profiles::found(store, &a.profile).await?;
        let (region, name) = (a.region.as_str(), a.name.as_str());
        let wish = PlanWish { region, name, profile: &profile, nets: &nets, jobs: (&grids, &units) };
        let planned = plan_region(store, &everything(), ACTOR, &wish).await.map_err(failed)?;
        if let (Some(date), true) = (&a.publish, planned.breaches.is_empty()) {
            let wish = PublishWish { plan: &planned.head.id, base_version: Some(planned.head.version), date };
            publish_plan(store, &everything(), ACTOR, &wish).await.map_err(failed)?;
        }
        Ok(planned)
    })?;
    super::plan::say_breaches(&planned.breaches);
    if a.publish.is_some() && !planned.breaches.is_empty() {
        outln!("方案有违反，未发布，仍为草案 / the plan breaks hard rules: it stays a draft");
    }
    let (villages, grids, units) = planned.counts;
    outln!("方案 plan {}：{villages} 村 villages，{grids} 网格 grids，{units} 单元 units", planned.head.id);
    if let Some(moved) = &planned.moved {
        outln!(
            "与现行方案相比 against the plan in force: 换网格 other grid {} 户，换单元 other unit {} 户",
            moved["grid_changed"]["households"],
            moved["unit_changed"]["households"]
        );
    }
    for n in &planned.nets {
        outln!(
            "旧网 old net {}：保留旧界 border kept {:.1} %，换网格的户 households in another grid {} / {}",
            n.net,
            n.kept_share * 100.0,
            n.households_changed,
            n.households
        );
    }
    for e in planned.report.exceptions.iter().take(SHOWN) {
        outln!("例外 exception: {} {} 户 households, {}", e.village, e.households, e.reason);
    }
    Ok(u8::from(!planned.breaches.is_empty()))
}
