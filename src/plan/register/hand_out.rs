//! The register and its plans into files: streamed, in constant memory, whole or not at all.

use std::ops::ControlFlow;
use std::path::Path;

use crate::domain::plan::{PlanHead, PlanStatus, VillageRows};
use crate::domain::register::OfficerRow;
use crate::exchange::gate::schema::{Field, FieldKind, LayerSchema, Shape};
use crate::exchange::ledger::Ledger;
use crate::exchange::{
    Cell, FieldType, Format, Geometries, WriteError, WriteOptions, Writer, WriterField, WriterSchema, Written,
};
use crate::store::{Derived, Filter, Layer, PlanFilter, RegisterRow, Scope, Store, StoreError};

use super::RegisterError;
use super::rows::file_row;
use super::seal::{SealError, Sealer};
use super::shapes::polygons_to_file;

/// Layers that can be handed out.
pub const LAYERS_OUT: [&str; 11] = [
    "regions",
    "buildings",
    "households",
    "barriers",
    "officers",
    "incidents",
    "old_nets",
    "centres",
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
        *cell = Cell::Text(phone);
    }
    Ok(())
}

fn schema_of(schema: &LayerSchema, left_out: &[&str]) -> WriterSchema {
    let kind = |f: &Field| match f.kind {
        FieldKind::Count(_) | FieldKind::Floor => FieldType::Whole,
        FieldKind::Real => FieldType::Real,
        FieldKind::Bool => FieldType::Bool,
        FieldKind::Date | FieldKind::Moment => FieldType::Date,
        FieldKind::Id | FieldKind::Code(_) | FieldKind::Text | FieldKind::Word(_) => FieldType::Text,
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

/// A layer of plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Grids,
    Units,
    Leaders,
}

impl Part {
    fn named(name: &str) -> Option<Self> {
        match name {
            "grids" => Some(Self::Grids),
            "units" => Some(Self::Units),
            "leaders" => Some(Self::Leaders),
            _ => None,
        }
    }

    fn schema(self) -> WriterSchema {
        use FieldType::{Bool, Real, Text, Whole};
        let (layer, fields, geometries): (_, &[(&str, FieldType)], _) = match self {
            Self::Grids => (
                "grids",
                &[
                    ("code", Text),
                    ("name", Text),
                    ("kind", Text),
                    ("households", Whole),
                    ("buildings", Whole),
                    ("persons", Whole),
                    ("deviation", Real),
                    ("area_m2", Real),
                    ("perimeter_m", Real),
                    ("polsby_popper", Real),
                    ("locked", Bool),
                ],
                Geometries::Any,
            ),
            Self::Units => (
                "units",
                &[
                    ("code", Text),
                    ("grid", Text),
                    ("households", Whole),
                    ("sse_m2", Real),
                    ("reach_m", Real),
                    ("leader", Text),
                    ("deputies", Text),
                    ("exception", Text),
                    ("locked", Bool),
                ],
                Geometries::Any,
            ),
            Self::Leaders => ("leaders", &[("unit", Text), ("household", Text), ("role", Text)], Geometries::Points),
        };
        let fields = fields.iter().map(|(n, kind)| WriterField { name: (*n).to_owned(), kind: *kind }).collect();
        WriterSchema { layer: layer.to_owned(), fields, geometries }
    }

    fn write(self, writer: &mut Writer, rows: &VillageRows, derived: &Derived) -> Result<(), WriteError> {
        let whole = |n: u32| Cell::Whole(i64::from(n));
        let text = |t: &str| if t.is_empty() { Cell::Empty } else { Cell::Text(t.to_owned()) };
        match self {
            Self::Grids => {
                for g in rows.grids.iter().filter(|g| g.valid_to.is_none()) {
                    let of = derived.grids.iter().find(|d| d.code == g.code);
                    let real = |v: Option<f64>| v.map_or(Cell::Empty, Cell::Real);
                    let cells = [
                        text(&g.code),
                        text(&g.name),
                        text(&g.kind),
                        of.map_or(Cell::Empty, |d| whole(d.households)),
                        of.map_or(Cell::Empty, |d| whole(d.buildings)),
                        of.and_then(|d| d.persons).map_or(Cell::Empty, whole),
                        real(of.and_then(|d| d.deviation)),
                        real(of.map(|d| d.area_m2)),
                        real(of.map(|d| d.perimeter_m)),
                        real(of.map(|d| d.polsby_popper)),
                        Cell::Bool(g.locked),
                    ];
                    writer.write(&cells, of.map(|d| polygons_to_file(&d.polygons)).as_ref())?;
                }
            }
            Self::Units => {
                let lived_in: std::collections::BTreeSet<&str> =
                    rows.memberships.iter().map(|m| m.unit.as_str()).collect();
                // A unit without members is retired: its row only keeps the number from being given out again.
                for u in rows.units.iter().filter(|u| lived_in.contains(u.code.as_str())) {
                    let of = derived.units.iter().find(|d| d.code == u.code);
                    let cells = [
                        text(&u.code),
                        text(u.code.get(..15).unwrap_or_default()),
                        of.map_or(Cell::Empty, |d| whole(d.households)),
                        of.map_or(Cell::Empty, |d| Cell::Real(d.sse_m2)),
                        of.map_or(Cell::Empty, |d| Cell::Real(d.reach_m)),
                        text(u.leader.as_deref().unwrap_or_default()),
                        text(&u.deputies.join("、")),
                        text(u.exception.as_deref().unwrap_or_default()),
                        Cell::Bool(u.locked),
                    ];
                    writer.write(&cells, of.map(|d| polygons_to_file(&d.polygons)).as_ref())?;
                }
            }
            Self::Leaders => {
                for l in &derived.leaders {
                    let at = geo::Geometry::Point(geo::Point::new(l.place.lon_deg, l.place.lat_deg));
                    writer.write(&[text(&l.unit), text(&l.household), text(&l.role)], Some(&at))?;
                }
            }
        }
        Ok(())
    }
}

/// The plan of an id, or the plans in force.
pub(in crate::plan) async fn chosen_plans(
    store: &dyn Store,
    scope: &Scope,
    plan: Option<&str>,
) -> Result<Vec<PlanHead>, StoreError> {
    match plan {
        Some(id) => Ok(vec![store.get_plan(scope, id).await?]),
        None => store.list_plans(scope, &PlanFilter { status: Some(PlanStatus::Live), region: None }).await,
    }
}

/// Writes a layer of one plan, or of all plans in force.
async fn export_part(
    store: &dyn Store,
    scope: &Scope,
    wish: &ExportWish<'_>,
    part: Part,
    path: &Path,
) -> Result<Written, RegisterError> {
    let f = &wish.filter;
    if f.bbox_deg.is_some() || f.ids.is_some() || f.building.is_some() || f.as_of.is_some() {
        // Never answered without the filter.
        return Err(StoreError::Unsupported { layer: "grids/units/leaders", filter: "bbox/ids/as-of" }.into());
    }
    let plans = chosen_plans(store, scope, wish.plan).await?;
    let mut writer = Writer::create(wish.format, path, part.schema(), wish.options)?;
    let mut villages = 0;
    for plan in plans {
        for village in store.plan_villages(scope, &plan.id).await? {
            if wish.filter.region.as_ref().is_some_and(|r| !village.starts_with(r.as_str())) {
                continue;
            }
            let (_, rows) = store.plan_rows(scope, &plan.id, std::slice::from_ref(&village)).await?;
            let derived = store.derived(scope, &plan.id, &village).await?;
            for rows in &rows {
                part.write(&mut writer, rows, &derived)?;
            }
            villages += 1;
            if !(wish.progress)(villages) {
                return Err(StoreError::Cancelled.into());
            }
        }
    }
    Ok(writer.finish()?)
}
