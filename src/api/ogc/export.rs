//! A query's features as a file of any format the program writes, by way of a temporary file.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use axum::response::Response;

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::memory::collection::{Kind, Shapes};
use crate::api::memory::{Snapshot, View};
use crate::api::outgoing::send;
use crate::exchange::{Cell, FieldType, Format, Geometries, WriteOptions, Writer, WriterField, WriterSchema};

use super::items::rows_of;
use super::query::{FILES, Query};

/// Rows between two looks whether anybody waits.
const LOOK: usize = 1_000;
/// Files written at once.
const AT_ONCE: usize = 2;
static TURNS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(AT_ONCE);

/// Writes and sends a file. A copy out of the house is noted in the audit log before the first byte leaves.
///
/// # Errors
/// 403 for roles that take no copies; 400 for what files cannot hold.
pub(super) async fn file(
    app: &Arc<App>,
    principal: &Principal,
    snapshot: Arc<Snapshot>,
    view: Arc<View>,
    query: Query,
    format: Format,
) -> Answer<Response> {
    let Some((_, _, _, ending)) = FILES.iter().find(|f| f.1 == format) else { return Err(Problem::missing()) };
    let collection = snapshot.collection.id();
    if !principal.takes_copies() {
        let told = serde_json::json!({"format": ending}).to_string();
        app.store.note(&principal.scope, &principal.actor, "export.refused", collection, &told).await?;
        return Err(Problem::forbidden("该角色不能导出文件 / this role may not take copies out"));
    }
    if query.crs != super::crs::Crs::Crs84 {
        return Err(Problem::bad("crs", "文件只有 CRS84 / files are in CRS84 only"));
    }
    if query.cursor.is_some() {
        return Err(Problem::bad("cursor", "文件不分页 / files have no pages"));
    }
    let area = principal.scope.area();
    let told = serde_json::json!({"format": ending, "selects": query.selects}).to_string();
    let turn = TURNS.acquire().await.map_err(|_| Problem::unavailable(5))?;
    let waited_for = Arc::new(());
    let waits = Arc::downgrade(&waited_for);
    let work = move || -> Answer<(tempfile::TempDir, std::path::PathBuf)> {
        // held until the file is there, also when the client went away
        let _turn = turn;
        let folder = tempfile::tempdir().map_err(|e| Problem::internal(format!("temporary folder: {e}")))?;
        let path = folder.path().join(format!("{}.{ending}", snapshot.collection.id()));
        let goes_on = || waits.strong_count() > 0;
        write(&snapshot, (&view, area.as_str()), &query, (format, path.as_path()), &goes_on)?;
        Ok((folder, path))
    };
    let written = tokio::task::spawn_blocking(work).await;
    drop(waited_for);
    let (folder, path) = written.map_err(|e| Problem::internal(format!("export: {e}")))??;
    app.store.note(&principal.scope, &principal.actor, "export.file", collection, &told).await?;
    send(&path, folder, collection, format).await
}

fn cell(kind: Kind, json: &str) -> Cell {
    if json == "null" {
        return Cell::Empty;
    }
    let text = || -> Cow<'_, str> { serde_json::from_str::<String>(json).map_or(Cow::Borrowed(json), Cow::Owned) };
    match kind {
        Kind::Text => Cell::Text(text().into_owned().into()),
        Kind::Day | Kind::Moment => Cell::Date(text().into_owned().into()),
        Kind::Whole => json.parse().map_or(Cell::Empty, Cell::Whole),
        Kind::Real => json.parse().map_or(Cell::Empty, Cell::Real),
        Kind::Bool => Cell::Bool(json == "true"),
    }
}

/// Writes the file, as long as somebody waits for it.
fn write(
    snapshot: &Snapshot,
    (view, area): (&Arc<View>, &str),
    query: &Query,
    (format, path): (Format, &Path),
    goes_on: &dyn Fn() -> bool,
) -> Answer<()> {
    let spec = snapshot.spec();
    let wanted: Vec<bool> = spec
        .fields
        .iter()
        .enumerate()
        .map(|(at, f)| (query.personal || !f.personal) && query.properties.as_ref().is_none_or(|w| w.contains(&at)))
        .collect();
    let kept = |at: &usize| wanted.get(*at).copied().unwrap_or(false);
    let fields = spec
        .fields
        .iter()
        .enumerate()
        .filter(|(at, _)| kept(at))
        .map(|(_, f)| WriterField {
            name: f.name.to_owned(),
            kind: match f.kind {
                Kind::Text => FieldType::Text,
                Kind::Whole => FieldType::Whole,
                Kind::Real => FieldType::Real,
                Kind::Bool => FieldType::Bool,
                Kind::Day | Kind::Moment => FieldType::Date,
            },
        })
        .collect();
    let geometries = match spec.shapes {
        _ if !query.with_geometry => Geometries::None,
        Shapes::Points => Geometries::Points,
        Shapes::Any | Shapes::Areas => Geometries::Any,
    };
    let schema = WriterSchema { layer: snapshot.collection.id().to_owned(), fields, geometries };
    let mut writer = Writer::create(format, path, schema, WriteOptions::default())?;
    let rows = rows_of(snapshot, view, area, query);
    for (n, row) in rows.iter().enumerate() {
        if n.is_multiple_of(LOOK) && !goes_on() {
            return Err(Problem::internal("nobody waits for the file"));
        }
        let cells: Vec<Cell> = snapshot
            .fields(row)
            .enumerate()
            .filter(|(at, _)| kept(at))
            .map(|(_, (field, json))| cell(field.kind, json))
            .collect();
        let geometry = snapshot.shape(row).map(crate::api::memory::Shape::to_geometry);
        writer.write(&cells, geometry.as_ref())?;
    }
    writer.finish()?;
    Ok(())
}
