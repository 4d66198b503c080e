//! Files into the register: first every row is judged, then all good ones go in with one transaction.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::Region;
use crate::domain::register::RegionRow;
use crate::exchange::gate::schema::LayerSchema;
use crate::exchange::gate::{CellFault, ColumnUse, FaultList, Mapping, Report, TypedRow, typed_rows};
use crate::exchange::{Cell, Fault, OpenOptions, open};
use crate::plan::room::dictionaries;
use crate::space::outlines::Outlines;
use crate::store::{
    Expect, Filter, Idempotency, ImportReport, ImportRequest, Layer, RegisterRow, Scope, Store, StoreError,
};

use super::RegisterError;
use super::again::{Good, gate_options, second_reading};
use super::cautions::{Cautions, own_words};
use super::named_buildings::NamedBuildings;
use super::rows::{Surroundings, dedicated_of, register_row};
use super::seal::{SealError, Sealer};

/// Rows that go to the store at once.
pub(super) const CHUNK: usize = 4_000;
/// Rows between two words of progress, and two looks at whether to go on.
const STEP: u64 = 512;
/// Keys asked for at once.
const KEYS: usize = 1_000;
/// Rows shown of what was read.
const SHOWN: usize = 5;
/// What an officer is never shown by.
const OF_PERSONS: [&str; 2] = ["name", "phone"];

/// Which of its two passes an import is in; each goes over all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Every row is judged.
    Judging,
    /// The good rows go to the store.
    Storing,
}

/// What is to be imported, and how.
#[derive(Clone)]
pub struct ImportWish<'a> {
    /// The layer.
    pub schema: &'static LayerSchema,
    /// Files of it.
    pub files: &'a [String],
    /// How they are opened.
    pub open: OpenOptions,
    /// `列=field` overrides.
    pub overrides: &'a [String],
    /// Region of rows that name none.
    pub region: Option<&'a str>,
    /// Whether rows are to be in the register already.
    pub expect: Expect,
    /// The fields that may change in rows that are there, and `geometry`; `None`: all that the file has.
    pub compared: Option<&'a [String]>,
    /// Say what would happen, change nothing.
    pub dry_run: bool,
    /// Store the good rows although others are faulty.
    pub partial: bool,
    /// Faults kept in full.
    pub faults_kept: usize,
    /// Same key and same files: stored once.
    pub idempotency: Option<Idempotency>,
    /// Why, as the logs keep it.
    pub reason: Option<&'a str>,
    /// Seals officers' telephones; without it a file that has some is refused.
    pub sealer: Option<Arc<Sealer>>,
    /// Looked at between chunks.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Told the rows a pass has been over.
    pub progress: &'a (dyn Fn(Pass, u64) + Sync),
}

impl ImportWish<'_> {
    pub(super) fn step(&self, pass: Pass, rows: u64) -> Result<(), StoreError> {
        (self.progress)(pass, rows);
        match &self.cancel {
            Some(c) if c.load(Ordering::Relaxed) => Err(StoreError::Cancelled),
            _ => Ok(()),
        }
    }
}

/// A row as it was understood, without what tells of persons.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRow {
    /// Fields that have a value.
    pub fields: Vec<(&'static str, Cell)>,
    /// Its place, degrees.
    pub place: Option<[f64; 2]>,
}

/// What an import found and did.
#[derive(Clone, Debug)]
pub struct ImportOutcome {
    /// What each file held.
    pub reports: Vec<(String, Report)>,
    /// All faults of all files.
    pub faults: FaultList,
    /// Rows with a fault.
    pub refused_rows: u64,
    /// The first good rows.
    pub sample: Vec<SampleRow>,
    /// Good rows that should be looked at, and why: none of it keeps a row out.
    pub cautions: FaultList,
    /// Good rows by the code they lie in.
    pub regions: BTreeMap<String, u64>,
    /// What the store did, layer by layer: buildings that only households name come before the households.
    pub stored: Vec<(Layer, ImportReport)>,
}

impl ImportOutcome {
    fn accept(&mut self, schema: &'static LayerSchema, typed: &TypedRow, row: &RegisterRow) {
        if let Some(code) = row.lies_in() {
            match self.regions.get_mut(code) {
                Some(n) => *n += 1,
                None => drop(self.regions.insert(code.to_owned(), 1)),
            }
        }
        if self.sample.len() < SHOWN {
            let hidden = |name: &str| schema.name == "officers" && OF_PERSONS.contains(&name);
            let fields = schema.fields.iter().zip(&typed.values);
            let fields = fields.filter(|(f, v)| **v != Cell::Empty && !hidden(f.name));
            let fields = fields.map(|(f, v)| (f.name, v.clone())).collect();
            self.sample.push(SampleRow { fields, place: typed.place() });
        }
    }
}

/// Imports files into one layer. Nothing is stored unless all rows are good or `partial` was asked for.
///
/// # Errors
/// What makes a file unusable as a whole, and what the store says.
pub async fn import_files(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &ImportWish<'_>,
) -> Result<ImportOutcome, RegisterError> {
    let layer = Layer::named(wish.schema.name).ok_or_else(|| RegisterError::NoLayer {
        name: wish.schema.name.to_owned(),
        known: super::LAYERS_OUT.join(", "),
    })?;
    let regions = if layer == Layer::Regions { Vec::new() } else { village_rows(store, scope).await? };
    let outlines = Arc::new(Outlines::new(&regions.iter().map(outline_of).collect::<Vec<_>>()));
    let lists = Arc::new(dictionaries(store, scope).await?);
    let words = own_words(layer, &lists);
    let mut cautions = Cautions::new(store, scope, layer, &regions, &lists).await?;
    let mut outcome = ImportOutcome {
        reports: Vec::new(),
        faults: FaultList::new(wish.faults_kept),
        refused_rows: 0,
        sample: Vec::new(),
        cautions: FaultList::new(wish.faults_kept),
        regions: BTreeMap::new(),
        stored: Vec::new(),
    };
    let mut buildings = NamedBuildings::default();
    let mut columns: Option<Vec<String>> = None;
    // rows, file by file, that have a fault the gate does not know
    let mut refused: Vec<HashSet<u64>> = Vec::new();
    let mut seen = 0;
    for file in wish.files {
        let (chinese, english) = wish.schema.least_header();
        let source = open(file, &wish.open).map_err(|e| e.needing(&chinese, &english))?;
        let sheet = source.head().layer.clone();
        let options = gate_options(wish.overrides, &outlines, &words, wish.faults_kept);
        let mut rows = typed_rows(source, wish.schema, options)?;
        let mapping = rows.mapping().clone();
        let here = columns_of(&mapping, rows.has_place(), wish.sealer.is_some());
        columns = Some(match columns {
            None => here,
            Some(before) => before.into_iter().filter(|c| here.contains(c)).collect(),
        });
        let around =
            Surroundings { villages: &outlines, region: wish.region, sealer: wish.sealer.as_deref(), lists: &lists };
        let told = |row: &TypedRow, fault: Fault| CellFault {
            file: file.clone(),
            sheet: sheet.clone(),
            row: row.number,
            column: fault.field.map(|f| header_of(&mapping, f)),
            id: id_of(wish.schema, row),
            code: fault.code,
            reason: fault.message,
        };
        let mut refused_here = HashSet::new();
        for row in rows.by_ref() {
            let row = row?;
            seen += 1;
            if seen % STEP == 0 {
                wish.step(Pass::Judging, seen)?;
            }
            let judged = register_row(wish.schema, &row, &around).and_then(|r| {
                fault_of(&r, scope).map_or(Ok(()), Err)?;
                if layer == Layer::Households {
                    buildings.note(&r, dedicated_of(wish.schema, &row), row.number)?;
                }
                let cautions = cautions.look(&r, row.number)?;
                Ok((r, cautions))
            });
            match judged {
                Ok((r, found)) => {
                    outcome.accept(wish.schema, &row, &r);
                    cautions.claim(&r, refused.len(), |fault| told(&row, fault));
                    found.into_iter().for_each(|caution| outcome.cautions.add(told(&row, caution)));
                }
                // The same for every row: said once.
                Err(fault) if fault.code == "no_key" => return Err(SealError::NoKey.into()),
                Err(fault) => {
                    refused_here.insert(row.number);
                    outcome.faults.add(told(&row, fault));
                }
            }
        }
        let report = rows.report();
        for fault in &report.faults.faults {
            outcome.faults.add(fault.clone());
        }
        outcome.faults.total += report.faults.total - report.faults.faults.len() as u64;
        outcome.refused_rows += report.faulty_rows + refused_here.len() as u64;
        outcome.reports.push((file.clone(), report));
        refused.push(refused_here);
    }
    for (file, fault) in cautions.names_taken() {
        if let Some(rows) = refused.get_mut(file) {
            rows.insert(fault.row);
        }
        outcome.refused_rows += 1;
        outcome.faults.add(fault);
    }
    if !outcome.faults.is_empty() && !wish.partial {
        return Ok(outcome);
    }
    let mut request = ImportRequest::new(layer);
    request.expect = wish.expect;
    request.dry_run = wish.dry_run;
    request.partial = wish.partial;
    request.idempotency.clone_from(&wish.idempotency);
    request.reason = wish.reason.map(str::to_owned);
    request.cancel.clone_from(&wish.cancel);
    request.columns = columns.map(|mut columns| {
        if let Some(compared) = wish.compared {
            columns.retain(|c| compared.iter().any(|field| column_of(field) == c));
        }
        columns
    });
    let mut homes = None;
    if layer == Layer::Households {
        forget_known(store, scope, &mut buildings).await?;
        homes = (!buildings.is_empty()).then(|| buildings.into_rows());
    }
    let mut rows = Good { homes, rows: second_reading(wish, outlines, lists, words, refused), wish, sent: 0 };
    let done = store.import(scope, actor, &request, &mut rows).await?;
    if done.buildings_made > 0 {
        let made = ImportReport { inserted: done.buildings_made, stored: done.stored, ..ImportReport::default() };
        outcome.stored.push((Layer::Buildings, made));
    }
    outcome.stored.push((layer, done));
    Ok(outcome)
}

/// What the store would not have of a row, so that all such rows are named and not only the first.
fn fault_of(row: &RegisterRow, scope: &Scope) -> Option<Fault> {
    if let Some(what) = row.breach() {
        return Some(Fault::new("bad_value", what));
    }
    (!row.is_within(scope)).then(|| {
        if matches!(row, RegisterRow::Zones(_)) {
            let what = "功能区含您辖区之外的乡镇 / some of its townships lie outside your area";
            return Fault::new("outside_area", what).of("townships");
        }
        let Some(code) = row.lies_in() else {
            let what = "全库共用，只有管辖全库的人可以改 / it is everybody's: only those whose area is the whole store change it";
            return Fault::new("outside_area", what);
        };
        Fault::new("outside_area", format!("{code} 在您的辖区之外 / {code} lies outside your area"))
    })
}

/// Villages of the store within the scope.
pub(super) async fn village_rows(store: &dyn Store, scope: &Scope) -> Result<Vec<RegionRow>, StoreError> {
    let mut rows = Vec::new();
    let mut gather = |page: Vec<RegisterRow>| {
        rows.extend(page.into_iter().filter_map(|r| match r {
            RegisterRow::Regions(region) if region.level == "village" => Some(region),
            _ => None,
        }));
        std::ops::ControlFlow::Continue(())
    };
    store.stream(scope, Layer::Regions, &Filter::default(), &mut gather).await?;
    Ok(rows)
}

fn outline_of(row: &RegionRow) -> Region {
    Region {
        code: Some(row.code.clone()),
        name: Some(row.name.clone()),
        level: row.level.clone(),
        polygons: row.outline.clone().unwrap_or_default(),
    }
}

/// Leaves out the buildings that the store has.
async fn forget_known(store: &dyn Store, scope: &Scope, buildings: &mut NamedBuildings) -> Result<(), StoreError> {
    if store.count(scope, Layer::Buildings, &Filter::default()).await? == 0 {
        return Ok(());
    }
    let ids: Vec<String> = buildings.ids().map(str::to_owned).collect();
    for some in ids.chunks(KEYS) {
        let filter = Filter { ids: Some(some.to_vec()), limit: u32::try_from(KEYS).ok(), ..Filter::default() };
        for row in store.list(scope, Layer::Buildings, &filter).await?.rows {
            buildings.forget(row.key());
        }
    }
    Ok(())
}

/// What a field is called in the store.
fn column_of(field: &str) -> &str {
    match field {
        "group" => "group_name",
        "phone" => "phone_sealed",
        "geometry" => "geom",
        name => name,
    }
}

/// What a file calls a field; its Chinese title where the file has no such column.
fn header_of(mapping: &Mapping, field: &str) -> String {
    let at = mapping.schema.fields.iter().position(|f| f.name == field);
    let column = at.and_then(|i| mapping.column_of(i)).and_then(|c| mapping.columns.get(c));
    let title = || at.and_then(|i| mapping.schema.fields.get(i)).map_or(field, |f| f.title);
    column.map_or_else(|| title().to_owned(), Clone::clone)
}

/// The store's columns that a file has.
fn columns_of(mapping: &Mapping, has_place: bool, sealed: bool) -> Vec<String> {
    let named = mapping.uses.iter().filter_map(|u| match u {
        ColumnUse::Field(i) => mapping.schema.fields.get(*i).map(|f| f.name),
        _ => None,
    });
    // Some are called otherwise in the store. Without the key a file has no telephones, and those of the store stay as they are.
    let mut columns: Vec<String> = named
        .filter(|name| {
            let of_building = mapping.schema.name == "households" && matches!(*name, "households" | "dedicated");
            *name != "row_version" && (*name != "phone" || sealed) && !of_building
        })
        .map(|name| column_of(name).to_owned())
        .collect();
    // the title of a profile stands in its text too, and changes with it
    if mapping.schema.name == "profiles" && !columns.iter().any(|c| c == "title") {
        columns.push("title".to_owned());
    }
    columns.extend(has_place.then(|| "geom".to_owned()));
    columns
}

fn id_of(schema: &LayerSchema, row: &TypedRow) -> Option<String> {
    let at = schema
        .fields
        .iter()
        .position(|f| matches!(f.name, "id" | "code"))
        .or_else(|| schema.fields.iter().position(|f| matches!(f.name, "key" | "name") && f.required))?;
    match row.values.get(at)? {
        crate::exchange::Cell::Text(t) => Some(t.to_string()),
        _ => None,
    }
}
