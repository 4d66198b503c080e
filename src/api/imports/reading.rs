//! How a file is to be read: which column is which field, the reference system, the sheet.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::error::{Answer, Problem};
use crate::exchange::gate::{ColumnUse, GateError, Mapping};
use crate::exchange::{OpenOptions, ReadError, open};
use crate::plan::register::RegisterError;
use crate::space::datum::Crs;
use crate::store::Scope;

use super::{Imports, Subject, Upload};

/// Longest list of columns that are mapped by hand.
const MOST_COLUMNS: usize = 1_000;

/// What the client says of a file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Reading {
    /// Column → field; an empty field leaves the column out.
    #[serde(default)]
    map: BTreeMap<String, String>,
    crs: Option<String>,
    layer_name: Option<String>,
    /// Code of rows that name none.
    region: Option<String>,
}

impl Reading {
    /// As it comes with an upload.
    pub(super) fn of_region(region: Option<&str>) -> Self {
        Self { region: region.map(str::to_owned), ..Self::default() }
    }

    /// Refuses what means nothing.
    ///
    /// # Errors
    /// 422 with the field.
    pub(super) fn check(&self) -> Answer<()> {
        let wrong = |field: &str, what: String| {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field(field))
        };
        if self.map.len() > MOST_COLUMNS || self.map.keys().any(|c| c.contains('=')) {
            return wrong("map", format!("最多 {MOST_COLUMNS} 列，列名不含“=” / at most so many columns, none with ="));
        }
        if let Some(Err(e)) = self.crs.as_deref().map(Crs::parse) {
            return wrong("crs", e.to_string());
        }
        match &self.region {
            Some(code) if Scope::region(crate::store::Role::Viewer, code).is_err() || code.len() > 12 => {
                wrong("region", "应为 2、4、6、9 或 12 位数字 / 2, 4, 6, 9 or 12 digits".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// `列=field`, as the gate takes them.
    pub(super) fn overrides(&self) -> Vec<String> {
        self.map.iter().map(|(column, field)| format!("{column}={field}")).collect()
    }

    /// The region of rows that name none: what was said, or one's own area where it is one division.
    pub(super) fn region(&self, scope: &Scope) -> Option<String> {
        let own = match scope.prefixes() {
            [one] if (2..=12).contains(&one.len()) => Some(one.clone()),
            _ => None,
        };
        self.region.clone().or(own)
    }

    /// How the file is opened.
    pub(super) fn open_options(&self, imports: &Imports, upload: &Upload) -> OpenOptions {
        OpenOptions {
            layer: self.layer_name.clone(),
            crs: self.crs.as_deref().and_then(|c| Crs::parse(c).ok()),
            format: Some(upload.format),
            limits: imports.limits,
            isolation: imports.isolation.clone(),
        }
    }
}

/// What becomes of each column, for people to change.
pub(super) fn columns(mapping: &Mapping) -> Value {
    let of = |used: ColumnUse| match used {
        ColumnUse::Field(i) => mapping.schema.fields.get(i).map(|f| f.name),
        ColumnUse::X => Some(if mapping.degrees { "lon" } else { "x" }),
        ColumnUse::Y => Some(if mapping.degrees { "lat" } else { "y" }),
        ColumnUse::Wkt => Some("geometry"),
        ColumnUse::Personal | ColumnUse::Unused => None,
    };
    let pairs = mapping.columns.iter().zip(&mapping.uses);
    let list = pairs.map(|(column, used)| {
        let dropped = (*used == ColumnUse::Personal).then_some("person");
        json!({"column": column, "field": of(*used), "dropped": dropped})
    });
    Value::Array(list.collect())
}

/// Why a file is not read, with what is needed to read it another way: its import, its columns, its layers.
pub(super) fn refused(imports: &Imports, upload: &Upload, reading: &Reading, e: RegisterError) -> Problem {
    let more = match &e {
        RegisterError::Read(ReadError::Layer { found, .. }) => Some(("layers", json!(found))),
        RegisterError::Gate(GateError::Read(ReadError::Layer { found, .. })) => Some(("layers", json!(found))),
        RegisterError::Gate(GateError::Mapping(_) | GateError::Read(ReadError::MissingColumn { .. })) => {
            let Subject::Layer(schema) = &upload.subject else { return told(upload, e.into()) };
            let head = open(&upload.path(), &reading.open_options(imports, upload)).ok();
            let head = head.map(|source| source.head().columns.clone()).unwrap_or_default();
            let overrides = reading.overrides();
            let mapping = Mapping::guess(schema, &head, &overrides).or_else(|_| Mapping::guess(schema, &head, &[]));
            mapping.ok().map(|m| ("columns", columns(&m)))
        }
        _ => None,
    };
    let problem = told(upload, e.into()).with("import", json!({"id": upload.id}));
    match more {
        Some((name, value)) => problem.with(name, value),
        None => problem,
    }
}

/// A problem in the client's words for the file.
fn told(upload: &Upload, problem: Problem) -> Problem {
    problem.reworded(|text| upload.told(text))
}
