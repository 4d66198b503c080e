//! The register and its plans into files: streamed, in constant memory, whole or not at all.

use std::ops::ControlFlow;
use std::path::Path;

use crate::domain::register::OfficerRow;
use crate::exchange::gate::schema::{Field, FieldKind, LayerSchema, Shape};
use crate::exchange::ledger::Ledger;
use crate::exchange::{Cell, FieldType, Format, Geometries, WriteOptions, Writer, WriterField, WriterSchema, Written};
use crate::store::{Filter, Layer, RegisterRow, Scope, Store, StoreError};

use super::RegisterError;
use super::file_rows::file_row;
use super::hand_out_plans::{Part, export_part};
use super::seal::{SealError, Sealer};

/// Layers that can be handed out.
pub const LAYERS_OUT: [&str; 14] = [
    "regions",
    "buildings",
    "households",
    "barriers",
    "officers",
    "incidents",
    "old_nets",
    "centres",
    "zones",
    "profiles",
    "dictionaries",
    "grids",
    "units",
    "leaders",
];

/// What is to be handed out, and where.
#[derive(Clone)]
pub struct ExportWish<'a> {
    /// One of [`LAYERS_OUT`].
    pub layer: &'a str,
    /// The format.
    pub format: Format,
    /// Which rows.
    pub filter: Filter,
    /// The plan whose grids, units or leaders are meant; the plans in force otherwise.
    pub plan: Option<&'a str>,
    /// Officers with their names, for this purpose; who asked and why is logged.
    pub names_for: Option<&'a str>,
    /// Opens officers' telephones, where names are asked for.
    pub sealer: Option<&'a Sealer>,
    /// With what tells of the people of a household, and what an incident is about.
    pub personal: bool,
    /// Told the rows (of plans: the villages) written so far; false stops.
    pub progress: &'a (dyn Fn(u64) -> bool + Sync),
    /// The time that formats insist on.
    pub options: WriteOptions,
}

/// Writes a layer to a file.
///
/// # Errors
/// What the store or the file system says; nothing stands at the path then that did not stand there before.
pub async fn export_layer(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &ExportWish<'_>,
    path: &Path,
) -> Result<Written, RegisterError> {
    if let Some(part) = Part::named(wish.layer) {
        return export_part(store, scope, wish, part, path).await;
    }
    let unknown = || {
        let known: Vec<&str> = LAYERS_OUT.into_iter().chain(Ledger::ALL.map(Ledger::name)).collect();
        RegisterError::NoLayer { name: wish.layer.to_owned(), known: known.join(", ") }
    };
    let schema = LayerSchema::named(wish.layer).ok_or_else(unknown)?;
    let layer = Layer::named(schema.name).ok_or_else(unknown)?;
    let left_out = left_out(layer, wish);
    let mut writer = Writer::create(wish.format, path, schema_of(schema, left_out), wish.options)?;
    let mut failed: Option<RegisterError> = None;
    let mut written = 0;
    if layer == Layer::Officers
        && let Some(purpose) = wish.names_for
    {
        let mut filter = wish.filter.clone();
        loop {
            let page = store.reveal_officers(scope, actor, purpose, &filter).await?;
            for row in &page.rows {
                if let Some((mut cells, geometry)) = file_row(row) {
                    show_phone(schema, row, wish.sealer, &mut cells)?;
                    writer.write(&cells, geometry.as_ref())?;
                }
            }
            match page.next {
                Some(next) => filter.after = Some(next),
                None => return Ok(writer.finish()?),
            }
            written += page.rows.len() as u64;
            if !(wish.progress)(written) {
                return Err(StoreError::Cancelled.into());
            }
        }
    }
    let mut write = |rows: Vec<RegisterRow>| {
        for row in &rows {
            if let Some((mut cells, geometry)) = file_row(row)
                && let Err(e) = writer.write(without(schema, left_out, &mut cells), geometry.as_ref())
            {
                failed = Some(e.into());
                return ControlFlow::Break(());
            }
        }
        written += rows.len() as u64;
        if !(wish.progress)(written) {
            failed = Some(StoreError::Cancelled.into());
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    store.stream(scope, layer, &wish.filter, &mut write).await?;
    if let Some(e) = failed {
        return Err(e);
    }
    Ok(writer.finish()?)
}

/// Columns that are left out, rather than empty: an empty one, brought back, would erase what the store has.
fn left_out(layer: Layer, wish: &ExportWish<'_>) -> &'static [&'static str] {
    match layer {
        Layer::Officers if wish.names_for.is_none() => &["name", "phone"],
        Layer::Households if !wish.personal => &["persons", "tenure", "eligible"],
        Layer::Incidents if !wish.personal => &["summary"],
        _ => &[],
    }
}

fn without<'c>(schema: &LayerSchema, left_out: &[&str], cells: &'c mut Vec<Cell>) -> &'c [Cell] {
    if !left_out.is_empty() {
        let mut fields = schema.fields.iter();
        cells.retain(|_| fields.next().is_none_or(|f| !left_out.contains(&f.name)));
    }
    cells
}

/// Puts an officer's telephone, opened, into its cell.
fn show_phone(
    schema: &LayerSchema,
    row: &RegisterRow,
    sealer: Option<&Sealer>,
    cells: &mut [Cell],
) -> Result<(), SealError> {
    let RegisterRow::Officers(OfficerRow { id, phone_sealed: Some(sealed), .. }) = row else { return Ok(()) };
    let phone = sealer.ok_or(SealError::NoKey)?.open(id, sealed)?;
    let at = schema.fields.iter().position(|f| f.name == "phone");
    if let Some(cell) = at.and_then(|i| cells.get_mut(i)) {
        *cell = Cell::Text(phone.into());
    }
    Ok(())
}

fn schema_of(schema: &LayerSchema, left_out: &[&str]) -> WriterSchema {
    let kind = |f: &Field| match f.kind {
        FieldKind::Count(_) | FieldKind::Floor => FieldType::Whole,
        FieldKind::Real => FieldType::Real,
        FieldKind::Bool => FieldType::Bool,
        FieldKind::Date | FieldKind::Moment => FieldType::Date,
        FieldKind::Id | FieldKind::Code(_) | FieldKind::Codes(_) | FieldKind::Text | FieldKind::Word(_) => {
            FieldType::Text
        }
    };
    let of_building = |f: &&Field| !(schema.name == "households" && matches!(f.name, "households" | "dedicated"));
    let fields = schema
        .fields
        .iter()
        .filter(of_building)
        .filter(|f| !left_out.contains(&f.name))
        .map(|f| WriterField { name: f.name.to_owned(), kind: kind(f) })
        .collect();
    let geometries = match schema.shape {
        Shape::None => Geometries::None,
        Shape::OptionalPlace => Geometries::Points,
        Shape::Place if schema.name == "households" => Geometries::Points,
        Shape::Place | Shape::LineOrArea | Shape::Area => Geometries::Any,
    };
    WriterSchema { layer: schema.name.to_owned(), fields, geometries }
}
