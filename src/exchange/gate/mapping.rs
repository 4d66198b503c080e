//! Which column of a file is which field: guessed from its name, overruled by `--map "列=field"`, and shown.

use std::fmt;

use crate::exchange::headers::{is_contact, is_sensitive, standard_name};

use super::schema::{LayerSchema, Shape};

/// Names a column of well-known text goes by.
const WKT_NAMES: &[&str] = &["wkt", "geometry", "geom", "几何", "图形"];

/// What becomes of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnUse {
    /// It is this field of the schema.
    Field(usize),
    /// Longitude, or x of a plane.
    X,
    /// Latitude, or y of a plane.
    Y,
    /// The whole geometry as well-known text.
    Wkt,
    /// Personal, and nobody needs it: never kept.
    Personal,
    /// No field is called so, or another column is that field already.
    Unused,
}

/// Columns and what becomes of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// The layer mapped to.
    pub schema: &'static LayerSchema,
    /// Columns as the file names them.
    pub columns: Vec<String>,
    /// What becomes of each.
    pub uses: Vec<ColumnUse>,
    /// Whether positions in columns are degrees; otherwise metres of a plane.
    pub degrees: bool,
}

/// An override that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not of the form `列=field`.
    #[error("--map “{0}”：应为“列=字段” / --map \"{0}\": column=field wanted")]
    Form(String),
    /// The file has no such column.
    #[error("--map：文件中没有列“{column}”；已有：{}\n--map: no column \"{column}\" in the file; there are: {}", .found.join("、"), .found.join(", "))]
    NoColumn {
        /// The column asked for.
        column: String,
        /// Columns there are.
        found: Vec<String>,
    },
    /// The layer has no such field.
    #[error("--map：图层没有字段“{field}”；可用：{}\n--map: no field \"{field}\" in the layer; there are: {}", .found.join("、"), .found.join(", "))]
    NoField {
        /// The field asked for.
        field: String,
        /// Fields there are.
        found: Vec<String>,
    },
    /// The column is of a kind that is never kept.
    #[error("--map：列“{0}”属个人敏感信息，一律不导入 / --map: column \"{0}\" is personal and is never imported")]
    Personal(String),
}

impl Mapping {
    /// Guesses the mapping of `columns`, then follows `overrides` (`列=field`; `列=` leaves a column out).
    ///
    /// # Errors
    /// An override that names no column or field, or a personal column.
    pub fn guess(schema: &'static LayerSchema, columns: &[String], overrides: &[String]) -> Result<Self, MappingError> {
        let mut uses = vec![ColumnUse::Unused; columns.len()];
        let mut said = vec![false; columns.len()];
        for text in overrides {
            let (column, field) = text.split_once('=').ok_or_else(|| MappingError::Form(text.clone()))?;
            let (column, field) = (column.trim(), field.trim());
            let at = columns
                .iter()
                .position(|c| c.trim() == column)
                .ok_or_else(|| MappingError::NoColumn { column: column.to_owned(), found: columns.to_vec() })?;
            if is_sensitive(column) && !field.is_empty() {
                return Err(MappingError::Personal(column.to_owned()));
            }
            let chosen = match (schema.field_named(field), position(field)) {
                _ if field.is_empty() => ColumnUse::Unused,
                (Some(i), _) => ColumnUse::Field(i),
                (None, Some(axis)) if schema.shape != Shape::None => axis,
                _ => {
                    let found = schema.fields.iter().map(|f| f.name.to_owned()).collect();
                    return Err(MappingError::NoField { field: field.to_owned(), found });
                }
            };
            if let (Some(u), Some(s)) = (uses.get_mut(at), said.get_mut(at)) {
                (*u, *s) = (chosen, true);
            }
        }
        // The field's own name counts more than its other names, whichever column comes first.
        for exact in [true, false] {
            for (i, column) in columns.iter().enumerate() {
                if said.get(i) != Some(&false) || uses.get(i) != Some(&ColumnUse::Unused) {
                    continue;
                }
                let guess = guess_of(schema, column, exact);
                let taken = !matches!(guess, ColumnUse::Personal | ColumnUse::Unused) && uses.contains(&guess);
                if let Some(u) = uses.get_mut(i).filter(|_| !taken) {
                    *u = guess;
                }
            }
        }
        let degrees = !columns.iter().zip(&uses).any(|(c, u)| *u == ColumnUse::X && standard_name(c) == Some("x"));
        Ok(Self { schema, columns: columns.to_vec(), uses, degrees })
    }

    /// Columns with one use, by name.
    fn named(&self, wanted: ColumnUse) -> Vec<String> {
        self.columns.iter().zip(&self.uses).filter(|(_, u)| **u == wanted).map(|(c, _)| c.clone()).collect()
    }

    /// Columns left out because they are personal.
    #[must_use]
    pub fn personal(&self) -> Vec<String> {
        self.named(ColumnUse::Personal)
    }

    /// Columns left out because no field is called so.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        self.named(ColumnUse::Unused)
    }

    /// The column that is a field.
    #[must_use]
    pub fn column_of(&self, field: usize) -> Option<usize> {
        self.uses.iter().position(|u| *u == ColumnUse::Field(field))
    }

    /// The column of a use.
    pub(super) fn find(&self, wanted: ColumnUse) -> Option<usize> {
        self.uses.iter().position(|u| *u == wanted)
    }

    /// Whether columns say where a row is.
    pub(super) fn has_place(&self) -> bool {
        self.find(ColumnUse::Wkt).is_some() || (self.find(ColumnUse::X).is_some() && self.find(ColumnUse::Y).is_some())
    }

    /// Required fields that no column is.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let fields = self.schema.fields.iter().enumerate();
        fields.filter(|(i, f)| f.required && self.column_of(*i).is_none()).map(|(_, f)| f.name).collect()
    }
}

fn position(name: &str) -> Option<ColumnUse> {
    match standard_name(name) {
        Some("x" | "lon") => Some(ColumnUse::X),
        Some("y" | "lat") => Some(ColumnUse::Y),
        _ => WKT_NAMES.contains(&name.trim().to_lowercase().as_str()).then_some(ColumnUse::Wkt),
    }
}

fn guess_of(schema: &LayerSchema, column: &str, exact: bool) -> ColumnUse {
    if is_sensitive(column) {
        return ColumnUse::Personal;
    }
    let lower = column.trim().to_lowercase();
    let field = match exact {
        true => schema.fields.iter().position(|f| f.name == lower || f.title == lower),
        false => schema.field_named(column),
    };
    match field {
        Some(i) => ColumnUse::Field(i),
        None if is_contact(column) => ColumnUse::Personal,
        None if schema.shape != Shape::None => position(column).unwrap_or(ColumnUse::Unused),
        None => ColumnUse::Unused,
    }
}

impl fmt::Display for Mapping {
    /// One line a column: `户号 → id（户号）`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (column, used) in self.columns.iter().zip(&self.uses) {
            match used {
                ColumnUse::Field(i) => match self.schema.fields.get(*i) {
                    Some(field) => writeln!(f, "  {column} → {}（{}）", field.name, field.title)?,
                    None => writeln!(f, "  {column}")?,
                },
                ColumnUse::X => writeln!(f, "  {column} → {}", if self.degrees { "lon（经度）" } else { "x" })?,
                ColumnUse::Y => writeln!(f, "  {column} → {}", if self.degrees { "lat（纬度）" } else { "y" })?,
                ColumnUse::Wkt => writeln!(f, "  {column} → geometry（几何）")?,
                ColumnUse::Personal => writeln!(f, "  {column} → 不导入：个人信息 / dropped: personal")?,
                ColumnUse::Unused => writeln!(f, "  {column} → 不导入：未识别 / dropped: no such field")?,
            }
        }
        Ok(())
    }
}
