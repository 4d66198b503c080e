//! `/api/exports`: a layer as a file, written in the background and fetched by whoever asked for it, within the hour.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::exchange::{Format, WriteOptions};
use crate::plan::register::{ExportWish, LAYERS_OUT, export_layer};
use crate::store::{Filter, Layer, Scope, StoreError};

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::{Json, Params, Segments};
use super::jobs::Work;
use super::outgoing::send;
use super::scratch::{Scratch, fresh_id};

/// A file nobody fetched goes after so long.
const KEPT: Duration = Duration::from_secs(3_600);
/// Files of one owner that wait; the oldest makes room.
const MOST_OWN: usize = 20;
/// Longest purpose, characters.
const LONGEST_PURPOSE: usize = 200;

/// A file that waits to be fetched.
struct Export {
    owner: String,
    /// As who it was made; who is somebody else by now makes it anew.
    scope: Scope,
    layer: &'static str,
    format: Format,
    scratch: Scratch,
    made: Instant,
}

/// All of them.
pub(crate) struct Exports {
    list: Mutex<BTreeMap<String, Arc<Export>>>,
    folder: PathBuf,
}

impl Exports {
    /// In the folder of temporary files.
    pub(super) fn new(folder: &Path) -> Self {
        Self { list: Mutex::default(), folder: folder.to_owned() }
    }

    fn keep(&self, id: &str, export: Export) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|_, e| e.made.elapsed() < KEPT);
        let own = |e: &Export| e.owner == export.owner;
        while list.values().filter(|e| own(e)).count() >= MOST_OWN {
            let oldest = list.iter().filter(|(_, e)| own(e)).min_by_key(|(_, e)| e.made).map(|(id, _)| id.clone());
            oldest.and_then(|id| list.remove(&id));
        }
        list.insert(id.to_owned(), Arc::new(export));
    }

    fn find(&self, principal: &Principal, id: &str) -> Answer<Arc<Export>> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|_, e| e.made.elapsed() < KEPT);
        let own = |e: &&Arc<Export>| e.owner == principal.actor && e.scope == principal.scope;
        list.get(id).filter(own).cloned().ok_or_else(Problem::missing)
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewExport {
    layer: String,
    format: String,
    region: Option<String>,
    bbox: Option<[f64; 4]>,
    as_of: Option<String>,
    plan: Option<String>,
    #[serde(default)]
    with_names: bool,
    purpose: Option<String>,
}

fn wrong(field: &str, what: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field(field)
}

/// Names go out for a purpose alone.
///
/// # Errors
/// 422 when names are asked for without one.
pub(super) fn purpose_of(with_names: bool, purpose: Option<&str>) -> Answer<Option<String>> {
    let purpose = purpose.map(str::trim).filter(|p| !p.is_empty());
    match (with_names, purpose) {
        (false, _) => Ok(None),
        (true, Some(p)) if p.chars().count() <= LONGEST_PURPOSE => Ok(Some(p.to_owned())),
        (true, _) => {
            let what =
                format!("导出姓名须说明用途（最多 {LONGEST_PURPOSE} 字）/ names need a purpose, so many characters");
            Err(wrong("purpose", what))
        }
    }
}

/// Refuses whoever takes no copies, and notes that it was tried.
///
/// # Errors
/// 403.
pub(super) async fn need_copies(app: &App, principal: &Principal, what: &str) -> Answer<()> {
    if principal.takes_copies() {
        return Ok(());
    }
    app.store.note(&principal.scope, &principal.actor, "export.refused", what, "{}").await?;
    Err(Problem::forbidden("该角色不能导出文件 / this role may not take copies out").noted())
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    principal: Principal,
    Json(wish): Json<NewExport>,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    let known = LAYERS_OUT.into_iter().find(|l| *l == wish.layer);
    need_copies(&app, &principal, known.unwrap_or("export")).await?;
    let layer =
        known.ok_or_else(|| wrong("layer", format!("图层应为 / a layer is one of: {}", LAYERS_OUT.join(", "))))?;
    let format = Format::parse(&wish.format).ok_or_else(|| {
        wrong("format", "geojson, geojsonseq, gpkg, fgb, shp, kml, csv, xlsx, geoparquet; profiles: toml")
    })?;
    if format == Format::Toml && layer != "profiles" {
        return Err(wrong("format", "toml 只用于规则（profiles） / toml is for the layer profiles alone"));
    }
    if let Some(region) = &wish.region {
        Scope::region(principal.scope.role(), region).map_err(|e| wrong("region", e.to_string()))?;
    }
    let names_for = purpose_of(wish.with_names, wish.purpose.as_deref())?;
    let (id, running) = (fresh_id()?, app.clone());
    let of = (layer, format, names_for);
    let job = app
        .jobs
        .start("export", &principal, move |work| async move { write(&running, &work, &id, &wish, of).await })?;
    Ok((StatusCode::ACCEPTED, axum::Json(json!({ "job": job }))))
}

async fn write(
    app: &App,
    work: &Work,
    id: &str,
    wish: &NewExport,
    (layer, format, names_for): (&'static str, Format, Option<String>),
) -> Answer<Value> {
    let Principal { scope, actor, .. } = &work.principal;
    let filter =
        Filter { bbox_deg: wish.bbox, region: wish.region.clone(), as_of: wish.as_of.clone(), ..Filter::default() };
    let rows = match Layer::named(layer) {
        Some(of_register) => app.store.count(scope, of_register, &filter).await?,
        None => 0,
    };
    let progress = |written: u64| {
        work.tell("写出 writing", if rows > 0 { written as f64 / rows as f64 * 0.98 } else { 0.5 });
        !work.cancel().load(std::sync::atomic::Ordering::Relaxed)
    };
    let scratch = Scratch(app.exports.folder.join(format!("{id}.{}", format.name())));
    let export = ExportWish {
        layer,
        format,
        filter,
        plan: wish.plan.as_deref(),
        names_for: names_for.as_deref(),
        sealer: app.sealer.as_deref(),
        personal: work.principal.sees_personal(),
        progress: &progress,
        options: WriteOptions::default(),
    };
    let written = export_layer(app.store(), scope, actor, &export, &scratch.0).await?;
    let bytes = std::fs::metadata(&scratch.0).map_err(|e| Problem::internal(format!("export: {e}")))?.len();
    if work.cancel().load(std::sync::atomic::Ordering::Relaxed) {
        return Err(StoreError::Cancelled.into());
    }
    let told = json!({
        "format": format.name(), "region": wish.region, "bbox": wish.bbox, "as_of": wish.as_of, "plan": wish.plan,
        "purpose": names_for, "rows": written.rows,
    });
    app.store.note(scope, actor, "export.file", layer, &told.to_string()).await?;
    let (owner, scope) = (actor.clone(), scope.clone());
    app.exports.keep(id, Export { owner, scope, layer, format, scratch, made: Instant::now() });
    Ok(
        json!({"url": format!("/api/exports/{id}/file"), "bytes": bytes, "rows": written.rows, "renamed": written.renamed}),
    )
}

pub(super) async fn file(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer<Response> {
    if !principal.takes_copies() {
        return Err(Problem::forbidden("该角色不能导出文件 / this role may not take copies out"));
    }
    params.only(&[])?;
    let export = app.exports.find(&principal, &id)?;
    let path = export.scratch.0.clone();
    let (layer, format) = (export.layer, export.format);
    send(&path, export, layer, format).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Role;

    #[test]
    fn files_of_one_owner_make_room_for_each_other_and_no_one_else_s() {
        let folder = tempfile::tempdir().expect("folder");
        let exports = Exports::new(folder.path());
        let keep = |owner: &str, n: usize| {
            let path = folder.path().join(format!("{owner}{n}"));
            std::fs::write(&path, "x").expect("written");
            let (owner, scope) = (owner.to_owned(), Scope::whole_store(Role::Exporter));
            let (layer, format, made) = ("grids", Format::Csv, Instant::now());
            let id = format!("{owner}{n}");
            exports.keep(&id, Export { owner, scope, layer, format, scratch: Scratch(path), made });
        };
        keep("other", 0);
        for n in 0..MOST_OWN + 2 {
            keep("own", n);
        }
        let there = |name: &str| folder.path().join(name).exists();
        assert!(!there("own0") && !there("own1") && there("own2") && there("other0"));
        assert_eq!(exports.list.lock().expect("lock").len(), MOST_OWN + 1);
    }
}
