//! `lianhu import`: files or standard input into a layer, with a word of how far it is.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::exchange::gate::CellFault;
use crate::exchange::gate::schema::{LAYERS, LayerSchema};
use crate::exchange::ledger::Ledger;
use crate::exchange::{Format, Limits, tells_of_a_person};
use crate::plan::register::{ImportOutcome, ImportWish, Pass, import_files};
use crate::space::datum::Crs;
use crate::store::{Expect, OpenMode, StoreError};

use super::commands::{Failure, Outcome};
use super::console::{self, Ticker};
use super::outputs;
use super::register::{
    ACTOR, KEPT, SHOWN, cancel, everything, failed, file_options, of_store, refuse_unless_partial, tell_faults,
    with_store,
};
use super::register_args::ImportArgs;

/// What standard input is called.
const STANDARD_INPUT: &str = "-";
/// Bytes read from standard input at once.
const BLOCK: usize = 1 << 16;
/// Longest reason, characters.
const LONGEST_REASON: usize = 500;

pub(super) fn import(a: &ImportArgs) -> Outcome {
    if let Some(path) = &a.faults {
        outputs::check_file("--faults", path, outputs::TABLES)?;
    }
    if let Some(ledger) = Ledger::named(&a.layer) {
        if a.reason.is_some() {
            return Err(Failure::usage(
                "--reason 只用于图层，台账有变更原因列 / --reason goes with layers; a ledger has its own column",
            ));
        }
        if a.format.is_some() || a.files.iter().any(|f| f == STANDARD_INPUT) {
            let said = "台账为 .xlsx 或 .csv 文件，不用 --format 和标准输入 / a ledger is an .xlsx or .csv file: no --format, no standard input";
            return Err(Failure::usage(said));
        }
        return super::ledger::import(a, ledger);
    }
    if a.plan.is_some() {
        return Err(Failure::usage("--plan 只用于台账 / --plan goes with ledgers only"));
    }
    let Some(schema) = LayerSchema::named(&a.layer) else {
        let known = LAYERS.iter().map(|l| l.name).collect::<Vec<_>>().join(" ");
        return Err(Failure::usage(format!(
            "--layer {0}：没有这个图层；可用 {known}\n--layer {0}: no such layer; there are {known}",
            a.layer
        )));
    };
    check_reason(a.reason.as_deref())?;
    let crs = a.crs.as_deref().map(Crs::parse).transpose().map_err(Failure::usage)?;
    let mut open = file_options(a.sheet.clone(), crs);
    open.format = a.format.as_deref().map(format_of).transpose()?;
    let ticker = Ticker::start();
    let (files, spooled) = with_standard_input(&a.files, &ticker)?;
    if spooled.is_some() {
        open.format = open.format.or(Some(Format::Csv));
    }
    if files.iter().any(|f| open.format.unwrap_or(Format::of_path(f)) == Format::Toml) && schema.name != "profiles" {
        return Err(Failure::usage("TOML 只用于规则（profiles） / TOML is for the layer profiles alone"));
    }
    let bytes: u64 = files.iter().filter_map(|f| std::fs::metadata(f).ok()).map(|m| m.len()).sum();
    let of = if bytes > 0 { format!("（文件 file {}）", amount(bytes)) } else { String::new() };
    let progress = |pass: Pass, rows: u64| {
        let what = if pass == Pass::Judging { "检查 rows judged" } else { "入库 rows stored" };
        ticker.tell(format!("{what}: {rows}{of}"));
    };
    ticker.tell(format!("读取 reading{of}"));
    let wish = ImportWish {
        schema,
        files: &files,
        open,
        overrides: &a.map,
        region: a.region.as_deref(),
        expect: Expect::Either,
        compared: None,
        dry_run: a.dry_run,
        partial: a.partial,
        faults_kept: KEPT,
        sealer: match schema.name {
            "officers" => super::key::find(&a.store)?.map(Arc::new),
            _ => None,
        },
        idempotency: None,
        reason: a.reason.as_deref(),
        cancel: Some(cancel()),
        progress: &progress,
    };
    let done = with_store(&a.store, OpenMode::Create, async |store| {
        import_files(store, &everything(), ACTOR, &wish).await.map_err(failed)
    });
    drop(ticker);
    let spooled = spooled.map(|file| file.path().to_string_lossy().into_owned());
    let own = |text: &str| spooled.as_deref().map_or_else(|| text.to_owned(), |s| text.replace(s, STANDARD_INPUT));
    let mut outcome = done.map_err(|f| Failure { message: own(&f.message), code: f.code })?;
    outcome.reports.iter_mut().for_each(|(file, _)| *file = own(file));
    let lists = outcome.faults.faults.iter_mut().chain(&mut outcome.cautions.faults);
    lists.for_each(|f: &mut CellFault| f.file = own(&f.file));
    finish(a, &outcome)
}

fn finish(a: &ImportArgs, outcome: &ImportOutcome) -> Outcome {
    tell(outcome);
    if let Some(path) = &a.faults {
        let format = Format::of_path(&path.to_string_lossy());
        outcome.faults.write(format, path).map_err(Failure::input)?;
    }
    let conflicts: usize = outcome.stored.iter().filter(|(_, r)| !r.stored).map(|(_, r)| r.conflicts.len()).sum();
    if conflicts > 0 {
        return Err(Failure::input(format!(
            "{conflicts} 行在导出后已被他人修改，未入库；请重新导出后再改，或用 --partial 只导入其余行\n{conflicts} rows were changed in the store since this was exported, nothing was stored: export again and repeat the edits, or bring the other rows in with --partial"
        )));
    }
    refuse_unless_partial(&outcome.faults, a.partial)
}

/// A reason stays in logs that nobody changes: it names no person by number.
fn check_reason(reason: Option<&str>) -> Result<(), Failure> {
    let Some(reason) = reason else { return Ok(()) };
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(Failure::usage(format!(
            "--reason 最多 {LONGEST_REASON} 字，一行 / one line of so many characters at most"
        )));
    }
    if tells_of_a_person(reason) {
        let said = "--reason 含身份证号或手机号，原因会长期留在记录里 / --reason holds an identity card or telephone number, and stays in the logs";
        return Err(Failure::usage(said));
    }
    Ok(())
}

fn format_of(name: &str) -> Result<Format, Failure> {
    Format::parse(name)
        .filter(|f| *f != Format::GeoParquet)
        .ok_or_else(|| Failure::usage(format!("--format {name}: csv xlsx geojson geojsonseq gpkg fgb shp kml toml")))
}

/// Bytes as people read them.
fn amount(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} B"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// The files, with standard input kept in a temporary one: rows are gone over twice, which a pipe allows once.
fn with_standard_input(files: &[String], ticker: &Ticker) -> Result<(Vec<String>, Option<NamedTempFile>), Failure> {
    match files.iter().filter(|f| *f == STANDARD_INPUT).count() {
        0 => return Ok((files.to_vec(), None)),
        1 if files.len() == 1 => {}
        _ => {
            let said = "标准输入（-）须是唯一的文件 / standard input (-) is to be the only file";
            return Err(Failure::usage(said));
        }
    }
    let mut file = NamedTempFile::new().map_err(Failure::input)?;
    console::pass(file.path());
    let (sender, blocks) = sync_channel::<std::io::Result<Vec<u8>>>(8);
    // a pipe may be silent for long: it is waited for elsewhere, so that Ctrl-C is heard
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut block = vec![0; BLOCK];
            let read = input.read(&mut block).map(|n| {
                block.truncate(n);
                block
            });
            let ended = !matches!(&read, Ok(b) if !b.is_empty());
            if sender.send(read).is_err() || ended {
                return;
            }
        }
    });
    let (mut bytes, most, stop) = (0_u64, Limits::default().file_bytes, console::cancel_flag());
    loop {
        ticker.tell(format!("读标准输入 reading standard input: {}", amount(bytes)));
        if stop.load(Ordering::Relaxed) {
            return Err(of_store(StoreError::Cancelled));
        }
        match blocks.recv_timeout(Duration::from_millis(100)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Ok(block)) if !block.is_empty() => {
                bytes += block.len() as u64;
                if bytes > most {
                    return Err(Failure::input(format!("标准输入超过 {most} 字节 / more than {most} bytes")));
                }
                file.write_all(&block).map_err(Failure::input)?;
            }
            Ok(Err(e)) => return Err(Failure::input(format!("{STANDARD_INPUT}：{e}"))),
            Ok(Ok(_)) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    file.flush().map_err(Failure::input)?;
    Ok((vec![file.path().to_string_lossy().into_owned()], Some(file)))
}

fn tell(outcome: &ImportOutcome) {
    for (file, report) in &outcome.reports {
        errln!("{file}：{} 行 rows", report.rows);
        for line in report.mapping.to_string().lines() {
            errln!("  {line}");
        }
        let personal = report.mapping.personal();
        if !personal.is_empty() {
            errln!("  未保留的个人信息列 personal columns, not kept: {}", personal.join("、"));
        }
        for warning in &report.warnings {
            errln!("  {warning}");
        }
    }
    for caution in outcome.cautions.faults.iter().take(SHOWN) {
        let column = caution.column.as_deref().unwrap_or_default();
        errln!("请核对 to be looked at（列 column {column}）：{caution}");
    }
    if outcome.cautions.total > SHOWN as u64 {
        errln!("… 共 {0} 处请核对，不妨碍入库 / {0} in all, none keeps a row out", outcome.cautions.total);
    }
    tell_faults(&outcome.faults);
    for (layer, r) in &outcome.stored {
        outln!(
            "{}：新增 {}，更新 {}，未变 {}，冲突 {}{} / inserted, updated, unchanged, conflicts",
            layer.name(),
            r.inserted,
            r.updated,
            r.unchanged,
            r.conflicts.len(),
            match (r.stored, r.conflicts.is_empty()) {
                (true, _) => "",
                (false, true) => "（试运行，未入库 dry run）",
                (false, false) => "（未入库 not stored）",
            }
        );
        for c in r.conflicts.iter().take(SHOWN) {
            outln!(
                "  {}：文件版本 {} 库版本 {} / the store's row was changed meanwhile",
                c.id,
                c.file_version,
                c.store_version
            );
        }
    }
}
