//! `lianhu plans …`: stored plans listed, edited, taken back, compared, checked, published.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use crate::domain::plan::{Changes, PlanStatus};
use crate::plan::edit::{Applied, Figures, Operation, Policy};
use crate::plan::register::{
    AbsorbWish, ComparedVillage, EditWish, Editor, PublishWish, absorb_register, china_today, compare_plans,
    judge_plan, publish_plan,
};
use crate::store::{OpenMode, PlanFilter, Store, Which};

use super::commands::{Failure, Outcome};
use super::plans_args::{PlansArgs, PlansCommand, TurnArgs};
use super::register::{ACTOR, SHOWN, everything, failed, of_store, with_store};

/// Largest file of operations, in bytes.
const LARGEST_BATCH: u64 = 16 << 20;

pub(super) fn plans(a: &PlansArgs) -> Outcome {
    use PlansCommand as C;
    let mode = match &a.command {
        C::List { .. } | C::History { .. } | C::Check { .. } | C::Compare { .. } | C::Where { .. } => {
            OpenMode::ReadOnly
        }
        C::Edit { preview: true, .. } => OpenMode::ReadOnly,
        _ => OpenMode::ReadWrite,
    };
    with_store(&a.store, mode, async |store| match &a.command {
        C::List { region } => list(store, region.as_deref()).await,
        C::Edit { plan, village, operations, base_version, keep_problems, preview } => {
            let wish = EditWish {
                plan: plan.clone(),
                village: village.clone(),
                base_version: match base_version {
                    Some(v) => *v,
                    None => store.get_plan(&everything(), plan).await.map_err(of_store)?.version,
                },
                grid_versions: Vec::new(),
                operations: read_operations(operations)?,
                policy: if *keep_problems { Policy::KeepAsDraftProblem } else { Policy::Refuse },
                today: china_today(),
                idempotency: None,
            };
            edit(store, &wish, *preview).await
        }
        C::Undo(t) => turn(store, t, true).await,
        C::Redo(t) => turn(store, t, false).await,
        C::History { plan, after } => history(store, plan, *after).await,
        C::Check { plan } => {
            let judged = judge_plan(store, &everything(), plan).await.map_err(failed)?;
            super::plan::say_breaches(&judged.breaches);
            Ok(u8::from(!judged.breaches.is_empty()))
        }
        C::Publish { plan, date } => {
            let wish = PublishWish { plan, base_version: None, date };
            let head = publish_plan(store, &everything(), ACTOR, &wish).await.map_err(failed)?;
            outln!("已发布，自 {date} 起施行：{0} / in force from {date}: {0}", head.id);
            Ok(0)
        }
        C::Fork { plan, name } => {
            let head = store.fork(&everything(), plan, ACTOR, name).await.map_err(of_store)?;
            outln!("新草案 new draft: {}", head.id);
            Ok(0)
        }
        C::Compare { first, second, region, json } => {
            let (editor, pair) = (Editor::new(), (first.as_str(), second.as_str()));
            let compared =
                compare_plans(store, &everything(), &editor, pair, region.as_deref()).await.map_err(failed)?;
            if *json {
                let text = serde_json::to_string_pretty(&compared);
                outln!("{}", text.map_err(|e| Failure::input(e.to_string()))?);
            } else {
                compared.iter().for_each(tell_compared);
            }
            Ok(0)
        }
        C::Absorb { plan, region, beside_new_plan } => {
            let day = china_today();
            let (region, beside_new_plan) = (region.as_deref(), *beside_new_plan);
            let progress = |_: usize, _: usize| true;
            absorb(store, &AbsorbWish { plan, region, today: &day, beside_new_plan, progress: &progress }).await
        }
        C::Where { household, date } => {
            let found = store.where_was(&everything(), household, date).await.map_err(of_store)?;
            match found {
                Some(b) => {
                    outln!("{date} {household}：网格 grid {}，单元 unit {}，方案 plan {}", b.grid, b.unit, b.plan)
                }
                None => outln!("{date} {household}：当日没有现行方案包含此户 / in no plan in force that day"),
            }
            Ok(0)
        }
    })
}

fn read_operations(path: &Path) -> Result<Vec<Operation>, Failure> {
    let shown = path.display();
    let unread = |e: std::io::Error| Failure::input(format!("{shown}: {e}"));
    let mut text = String::new();
    let reader: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(unread)?)
    };
    reader.take(LARGEST_BATCH).read_to_string(&mut text).map_err(unread)?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| {
        Failure::input(format!(
            "{shown}：第 {0} 行第 {1} 列：不是操作列表（{e}）\n{shown}: line {0}, column {1}: not a list of operations",
            e.line(),
            e.column()
        ))
    })
}

async fn list(store: &dyn Store, region: Option<&str>) -> Outcome {
    let filter = PlanFilter { status: None, region: region.map(str::to_owned) };
    for p in store.list_plans(&everything(), &filter).await.map_err(of_store)? {
        let standing = match p.status {
            PlanStatus::Draft => "草案 draft",
            PlanStatus::Live => "现行 in force",
            PlanStatus::Retired => "停用 retired",
        };
        let days = format!("{}…{}", p.valid_from.as_deref().unwrap_or(""), p.valid_to.as_deref().unwrap_or(""));
        outln!("{}\t{}\t{standing}\tv{}\t{days}\t{}", p.id, p.region, p.version, p.name);
    }
    Ok(0)
}

async fn edit(store: &dyn Store, wish: &EditWish, preview: bool) -> Outcome {
    let editor = Arc::new(Editor::new());
    let applied = if preview {
        let (_, applied) = editor.preview(store, &everything(), wish).await.map_err(failed)?;
        outln!("预览，未保存 / a preview, nothing is stored");
        Some(applied)
    } else {
        let edited = editor.edit(store, &everything(), ACTOR, wish).await.map_err(failed)?;
        outln!("版本 version {}，历史 history #{}", edited.committed.version, edited.committed.seq);
        edited.applied
    };
    let Some(applied) = applied else { return Ok(0) };
    tell_applied(&applied);
    Ok(u8::from(!applied.problems.is_empty()))
}

fn tell_applied(a: &Applied) {
    outln!("涉及网格 grids touched: {}", a.touched.join("、"));
    outln!("变动户数 households moved: 网格 grid {}，单元 unit {}", a.moved.grid, a.moved.unit);
    tell_figures(&a.before, &a.after);
    for note in &a.notes {
        outln!("{note}");
    }
    for p in a.problems.iter().take(SHOWN) {
        outln!("问题 problem: {p}");
    }
}

fn tell_figures(before: &Figures, after: &Figures) {
    outln!(
        "偏差 deviation {:.2} % → {:.2} %，紧凑度 compactness {:.3} → {:.3}，基础网格 base grids {} → {}，单元 units {} → {}",
        before.deviation * 100.0,
        after.deviation * 100.0,
        before.mean_polsby_popper,
        after.mean_polsby_popper,
        before.base_grids,
        after.base_grids,
        before.units,
        after.units
    );
}

async fn turn(store: &dyn Store, t: &TurnArgs, undo: bool) -> Outcome {
    let which = t.seq.map_or(Which::Last, Which::Seq);
    let (committed, changes) =
        Editor::new().turn(store, &everything(), ACTOR, &t.plan, &which, undo).await.map_err(failed)?;
    let what = if undo { "已撤销 undone" } else { "已重做 done again" };
    outln!("{what}：版本 version {}，{}", committed.version, counted(&changes));
    Ok(0)
}

fn counted(c: &Changes) -> String {
    format!(
        "网格 grids {}，单元 units {}，楼栋 buildings {}，住户 households {}",
        c.grids.len(),
        c.units.len(),
        c.seats.len(),
        c.memberships.len()
    )
}

async fn history(store: &dyn Store, plan: &str, after: u64) -> Outcome {
    for e in store.history(&everything(), plan, after, 10_000).await.map_err(of_store)? {
        let undone = if e.undone { "（已撤销 undone）" } else { "" };
        outln!("#{}\t{}\t{}\t{}{undone}\t{}\t{}", e.seq, e.at, e.actor, e.kind, counted(&e.changes), e.operation);
    }
    Ok(0)
}

fn tell_compared(v: &ComparedVillage) {
    let c = &v.comparison;
    outln!(
        "{}：换网格 other grid {} 户，换单元 other unit {} 户，仅前者 only first {}，仅后者 only second {}，不同的网格 grids {}",
        v.village,
        c.households_in_other_grid.len(),
        c.households_in_other_unit.len(),
        c.households_only_first.len(),
        c.households_only_second.len(),
        c.changed_grids.len()
    );
    if let Some((a, b)) = &c.figures {
        tell_figures(a, b);
    }
}

async fn absorb(store: &dyn Store, wish: &AbsorbWish<'_>) -> Outcome {
    let done = absorb_register(store, &everything(), ACTOR, wish).await.map_err(failed)?;
    let (mut problems, mut skipped) = (0, false);
    for v in &done {
        let c = &v.count;
        if let Some(reason) = &v.skipped {
            skipped = true;
            outln!("{}：跳过，方案保持原样 skipped, the plan stays：{reason}", v.village);
        }
        if v.version.is_some() {
            out!(
                "{}：迁入 arrived {}，迁出 departed {}，新楼 new buildings {}，拆除 gone {}；原住户换单元 others moved {}",
                v.village,
                c.arrived,
                c.departed,
                c.buildings_new,
                c.buildings_gone,
                c.others_moved
            );
            match v.moved_by_new_plan {
                Some(n) => outln!("（重新划分会变动 a new plan would move {n}）"),
                None => outln!(""),
            }
        }
        for note in &v.notes {
            outln!("{}：{note}", v.village);
        }
        for p in v.problems.iter().take(SHOWN) {
            outln!("问题 problem: {p}");
        }
        problems += v.problems.len();
    }
    if done.is_empty() {
        outln!("方案与名册一致，无需更新 / plan and register agree: nothing to do");
    }
    Ok(if skipped { 3 } else { u8::from(problems > 0) })
}
