//! `lianhu backup`, `restore`, `check` of a store, `migrate`, `purge`, `audit`, `history`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::plan::room::moments;
use crate::store::{Layer, OpenMode, OpenOptions, Retention, actor_names, copy_into};

use super::commands::{Failure, Outcome};
use super::outputs;
use super::register::{ACTOR, everything, of_store, runtime, with_store};
use super::register_args::{AuditArgs, FileArgs, HistoryArgs, PurgeArgs, StoreArgs};

pub(super) fn backup(a: &FileArgs) -> Outcome {
    with_store(&a.store, OpenMode::ReadOnly, async |store| {
        store.backup(&everything(), &a.file).await.map_err(of_store)
    })?;
    outln!("已备份 saved: {}", a.file.display());
    Ok(0)
}

pub(super) fn restore(a: &FileArgs) -> Outcome {
    let target = a.store.store.strip_prefix("sqlite:").map(Path::new);
    if let Some(path) = target.filter(|p| p.exists()) {
        return Err(Failure::input(format!(
            "{0} 已存在，请另选或先移走 / {0} is there already: choose another or move it away",
            path.display()
        )));
    }
    let place = target.unwrap_or(&a.file);
    let unwritten = |e: std::io::Error| outputs::unwritable(place, &e);
    // Beside the target, so that it can be moved there; for a server anywhere.
    let scratch = std::env::temp_dir();
    let beside = target.and_then(Path::parent).filter(|p| !p.as_os_str().is_empty());
    let beside = beside.unwrap_or(if target.is_some() { Path::new(".") } else { &scratch });
    let fresh = tempfile::Builder::new().prefix(".lianhu-").tempdir_in(beside).map_err(unwritten)?;
    let staged = fresh.path().join("restored.gpkg");
    std::fs::copy(&a.file, &staged).map_err(|e| outputs::unreadable(&a.file, &e))?;
    let staged_url = StoreArgs { store: format!("sqlite:{}", staged.display()) };
    // Opening brings it up to date; only a whole store takes its place.
    let findings =
        with_store(&staged_url, OpenMode::ReadWrite, async |store| store.check(&everything()).await.map_err(of_store))?;
    // What another program edited is as it was saved, and is settled in the restored store; a server has no place to keep it open.
    let (open, wrong): (Vec<_>, Vec<_>) = findings.iter().partition(|f| f.kind == "foreign");
    if let Some(first) = wrong.first() {
        return Err(Failure::input(format!("{}：{} {}", a.file.display(), first.place, first.what)));
    }
    if target.is_none() && !open.is_empty() {
        return Err(Failure::input(format!(
            "{0}：有 {1} 处其他软件的修改未确认；请先恢复为 sqlite: 文件，用 lianhu foreign 确认或撤回，再恢复其备份\n{0}: {1} findings of edits by another program are not settled: restore it as a sqlite: file, settle them with lianhu foreign, and restore a backup of that",
            a.file.display(),
            open.len()
        )));
    }
    match target {
        Some(path) => std::fs::rename(&staged, path).map_err(unwritten)?,
        None => {
            let create = OpenOptions::new(OpenMode::Create);
            runtime()?.block_on(copy_into(&staged_url.store, &a.store.store, &create)).map_err(of_store)?;
        }
    }
    if !open.is_empty() {
        outln!("其他软件的修改尚待确认：lianhu foreign list / edits by another program wait to be settled");
    }
    // An address may hold a password.
    outln!("已恢复 restored: {}", target.map_or_else(|| "postgres://…".to_owned(), |p| p.display().to_string()));
    Ok(0)
}

pub(super) fn check(url: &str) -> Outcome {
    let a = StoreArgs { store: url.to_owned() };
    let findings =
        with_store(&a, OpenMode::ReadOnly, async |store| store.check(&everything()).await.map_err(of_store))?;
    for f in &findings {
        outln!("[{}] {}：{}", f.kind, f.place, f.what);
    }
    if findings.is_empty() {
        outln!("库完好 / the store is as it was written");
    }
    Ok(u8::from(!findings.is_empty()))
}

pub(super) fn migrate(a: &StoreArgs) -> Outcome {
    // PostgreSQL is upgraded only where that is asked for by name, as it is here.
    let mode = if a.store.starts_with("sqlite:") { OpenMode::ReadWrite } else { OpenMode::Create };
    with_store(a, mode, async |_| Ok(()))?;
    outln!("库结构已是最新 / the store is up to date");
    Ok(0)
}

/// The first moment of a day in China, as the store keeps moments.
fn day_begins(day: &str) -> Result<String, Failure> {
    let wrong = || Failure::usage(format!("“{day}”不是日期（如 2026-11-26） / \"{day}\" is no day such as 2026-11-26"));
    Ok(moments::stored(moments::start_of(moments::day(day).ok_or_else(wrong)?)))
}

pub(super) fn purge(a: &PurgeArgs) -> Outcome {
    let retention = Retention {
        officers_left_before: a.officers_left_before.clone(),
        officers: a.officer.clone(),
        photos_before: a.photos_before.as_deref().map(day_begins).transpose()?,
        keys_before: a.keys_before.as_deref().map(day_begins).transpose()?,
        jobs_before: a.jobs_before.as_deref().map(day_begins).transpose()?,
        cell_logs_before: a.cell_logs_before.as_deref().map(day_begins).transpose()?,
    };
    let done = with_store(&a.store, OpenMode::ReadWrite, async |store| {
        store.purge(&everything(), ACTOR, &retention).await.map_err(of_store)
    })?;
    outln!(
        "已清除 purged: 人员 officers {}、照片 photos {}、幂等键 keys {}、任务 jobs {}、单元格日志 cell logs {}",
        done.officers,
        done.photos,
        done.keys,
        done.jobs,
        done.cell_logs
    );
    Ok(0)
}

/// Who it was: the id that the log has, and the name of the account or token beside it.
fn who(actor: &str, names: &BTreeMap<String, String>) -> String {
    names.get(actor).map_or_else(|| actor.to_owned(), |name| format!("{actor}（{name}）"))
}

pub(super) fn audit(a: &AuditArgs) -> Outcome {
    let (rows, names) = with_store(&a.store, OpenMode::ReadOnly, async |store| {
        let rows = store.audit(&everything(), a.after, a.limit).await.map_err(of_store)?;
        Ok((rows, actor_names(store).await.map_err(of_store)?))
    })?;
    for r in rows {
        outln!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}",
            r.seq,
            r.at,
            who(&r.actor, &names),
            r.scope,
            r.operation,
            r.subject,
            r.after.unwrap_or_default()
        );
    }
    Ok(0)
}

pub(super) fn history(a: &HistoryArgs) -> Outcome {
    let layer = Layer::named(&a.layer).ok_or_else(|| {
        let known: Vec<&str> = Layer::ALL.iter().map(|l| l.name()).collect();
        Failure::usage(format!("--layer {0}：没有这个图层 / no such layer: {1}", a.layer, known.join(" ")))
    })?;
    let (changes, names) = with_store(&a.store, OpenMode::ReadOnly, async |store| {
        let changes = store.changes_of(&everything(), layer, &a.id).await.map_err(of_store)?;
        Ok((changes, actor_names(store).await.map_err(of_store)?))
    })?;
    for c in &changes {
        let reason = c.reason.as_deref().unwrap_or_default();
        let actor = who(&c.actor, &names);
        outln!("{}\t{actor}\t{}\t{}\t{}\t{}\t{reason}", c.at, c.operation, c.column, c.before, c.after);
    }
    if changes.is_empty() {
        outln!(
            "没有逐项修改记录；首次批量导入见审计记录 / no change is logged: the first load stands in the audit log"
        );
    }
    Ok(0)
}
