//! `lianhu export` and `import` of ledgers.

use crate::exchange::Format;
use crate::exchange::ledger::Ledger;
use crate::exchange::{Cell, WriteOptions, Written};
use crate::plan::register::{LedgerImport, LedgerOutcome, LedgerWish, china_today, export_ledger, import_ledger};
use crate::store::OpenMode;

use super::commands::{Failure, Outcome};
use super::register::{
    ACTOR, KEPT, SHOWN, everything, failed, file_options, refuse_unless_partial, tell_faults, with_store,
};
use super::register_args::{ExportArgs, ImportArgs};

pub(super) fn export(a: &ExportArgs, ledger: Ledger, format: Format) -> Result<Written, Failure> {
    if !matches!(format, Format::Csv | Format::Xlsx) {
        return Err(Failure::usage(format!("{}：台账只导出为 xlsx 或 csv / a ledger is xlsx or csv", a.layer)));
    }
    if a.bbox.is_some() {
        return Err(Failure::usage("台账不支持 --bbox / ledgers know no --bbox"));
    }
    let today = a.as_of.clone().unwrap_or_else(china_today);
    let wish = LedgerWish {
        ledger,
        format,
        region: a.region.as_deref(),
        plan: a.plan.as_deref(),
        names_for: a.purpose.as_deref().filter(|_| a.with_names),
        today: &today,
        as_of: a.as_of.as_deref(),
        options: WriteOptions::default(),
    };
    let mode = if a.with_names { OpenMode::ReadWrite } else { OpenMode::ReadOnly };
    with_store(&a.store, mode, async |store| {
        export_ledger(store, &everything(), ACTOR, &wish, &a.file).await.map_err(failed)
    })
}

pub(super) fn import(a: &ImportArgs, ledger: Ledger) -> Outcome {
    if a.crs.is_some() || !a.map.is_empty() || a.region.is_some() {
        let said = "台账不用 --crs、--map、--region / ledgers know no --crs, --map and --region";
        return Err(Failure::usage(said));
    }
    let today = china_today();
    let wish = LedgerImport {
        ledger,
        files: &a.files,
        open: file_options(a.sheet.clone(), None),
        plan: a.plan.as_deref(),
        today: &today,
        dry_run: a.dry_run,
        partial: a.partial,
        faults_kept: KEPT,
    };
    let outcome = with_store(&a.store, OpenMode::ReadWrite, async |store| {
        import_ledger(store, &everything(), ACTOR, &wish).await.map_err(failed)
    })?;
    tell(ledger, &outcome, a.dry_run);
    if let Some(path) = &a.faults {
        let format = Format::of_path(&path.to_string_lossy());
        outcome.faults.write(format, path).map_err(Failure::input)?;
    }
    refuse_unless_partial(&outcome.faults, a.partial)
}

fn tell(ledger: Ledger, outcome: &LedgerOutcome, dry_run: bool) {
    tell_faults(&outcome.faults);
    if outcome.unclaimed_rows > 0 {
        errln!(
            "{0} 行有改动而没有“方案版本”，无法发现他人在此期间的修改 / {0} changed rows have no 方案版本: edits of others meanwhile cannot be seen",
            outcome.unclaimed_rows
        );
    }
    for c in outcome.cells.iter().take(SHOWN) {
        outln!("  {} {}：{} → {}", c.code, c.column, shown(&c.before), shown(&c.after));
    }
    if outcome.cells.len() > SHOWN {
        outln!("  … {}", outcome.cells.len());
    }
    let stored = match (dry_run, outcome.committed.is_empty() && outcome.changed_rows > 0) {
        (true, _) => "（试运行，未入库 dry run）",
        (_, true) => "（未入库 not stored）",
        _ => "",
    };
    outln!(
        "{}：更新 {}，未变 {}，单元格 {}{stored} / rows changed, unchanged, cells",
        ledger.name(),
        outcome.changed_rows,
        outcome.unchanged_rows,
        outcome.cells.len()
    );
    for (plan, version) in &outcome.committed {
        outln!("方案 plan {plan}：版本 version {version}");
    }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Empty => "（空）".to_owned(),
        Cell::Text(t) | Cell::Date(t) => t.to_string(),
        Cell::Whole(v) => v.to_string(),
        Cell::Real(v) => v.to_string(),
        Cell::Bool(b) => b.to_string(),
    }
}
