//! `lianhu foreign list|accept|take-back`: what another program (QGIS) changed in the file of a store.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::store::{ForeignChoice, ForeignEdit, Layer, OpenMode};

use super::commands::{Failure, Outcome};
use super::register::{ACTOR, everything, of_store, with_store};
use super::register_args::{ForeignArgs, ForeignCommand, ForeignListArgs};

pub(super) fn run(command: &ForeignCommand) -> Outcome {
    match command {
        ForeignCommand::List(a) => list(a),
        ForeignCommand::Accept(a) => settle(a, true),
        ForeignCommand::TakeBack(a) => settle(a, false),
    }
}

/// Edits read at once.
const PAGE: u32 = 1_000;

/// Layers another program may edit.
const EDITABLE: [Layer; 5] = [Layer::Regions, Layer::Buildings, Layer::Centres, Layer::Barriers, Layer::OldNets];

fn layer(name: Option<&str>) -> Result<Option<Layer>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let found = EDITABLE.into_iter().find(|l| l.name() == name);
    found.map(Some).ok_or_else(|| {
        let known = EDITABLE.map(Layer::name).join(" ");
        Failure::usage(format!("--layer {name}：其他软件可修改的图层 / layers another program may edit: {known}"))
    })
}

/// The cells an edit changed: column, before, after.
fn changed(edit: &ForeignEdit) -> Vec<String> {
    let cells = |row: &Option<Value>| row.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (cells(&edit.before), cells(&edit.after));
    let columns: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let cell = |row: &serde_json::Map<String, Value>, column: &str| row.get(column).cloned().unwrap_or_default();
    let mut said: Vec<String> = columns
        .into_iter()
        .map(|c| (c, cell(&before, c), cell(&after, c)))
        .filter(|(_, was, now)| was != now)
        .map(|(column, was, now)| format!("{column}: {was} → {now}"))
        .collect();
    if edit.moved && edit.operation == "update" {
        said.push("位置或形状 place or shape".to_owned());
    }
    said
}

fn list(a: &ForeignListArgs) -> Outcome {
    let only = layer(a.layer.as_deref())?;
    let listed = with_store(&a.store, OpenMode::ReadOnly, async |store| {
        let (mut last, mut listed) = (0, 0_u64);
        loop {
            let page = store.foreign_edits(&everything(), last, PAGE).await.map_err(of_store)?;
            let Some(end) = page.last() else { return Ok(listed) };
            last = end.seq;
            for edit in page.iter().filter(|e| only.is_none_or(|l| l.name() == e.layer)) {
                show(edit);
                listed += 1;
            }
        }
    })?;
    match listed {
        0 => outln!("没有待确认的修改 / nothing to settle"),
        n => outln!(
            "{n} 处修改待确认：lianhu foreign accept 确认，lianhu foreign take-back 撤回 / {n} edits to accept or to take back"
        ),
    }
    Ok(0)
}

fn show(edit: &ForeignEdit) {
    let operation = match edit.operation.as_str() {
        "insert" => "新增 insert",
        "delete" => "删除 delete",
        _ => "修改 update",
    };
    let id = edit.id.as_deref().unwrap_or("—");
    outln!("{}\t{}\t{}\t{operation}\t{id}\t{}", edit.seq, edit.at, edit.layer, changed(edit).join("; "));
}

fn settle(a: &ForeignArgs, accept: bool) -> Outcome {
    let ids = (!a.all).then(|| a.ids.clone());
    let choice = ForeignChoice { up_to: a.up_to, layer: layer(a.layer.as_deref())?, ids };
    let settled = with_store(&a.store, OpenMode::ReadWrite, async |store| {
        store.settle_foreign(&everything(), ACTOR, &choice, accept).await.map_err(of_store)
    })?;
    let done = if accept { "已确认 accepted" } else { "已撤回 taken back" };
    outln!("{done}: {settled}");
    Ok(0)
}
