//! The table of households (户) as it was read: one entry a row, columns side by side.

use std::collections::BTreeMap;

use super::position::Positions;

/// The index in [`Column::of`] that says "the row has no value in this column".
pub const NO_VALUE: u32 = u32::MAX;

/// A text column with its distinct values stored once, in order of first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Distinct values, in order of first appearance.
    pub names: Vec<String>,
    /// For each row the index into `names`, or [`NO_VALUE`].
    pub of: Vec<u32>,
}

impl Column {
    /// The value of one row, if it has one.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        self.names.get(*self.of.get(row)? as usize).map(String::as_str)
    }
}

/// Households (or buildings with their number of households), as read; every vector has one entry a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Households {
    /// Where each row lies.
    pub positions: Positions,
    /// Opaque household (or building) ids, unique.
    pub ids: Vec<String>,
    /// Building of each row. Never [`NO_VALUE`]: without a column, equal coordinates are one building.
    pub building: Column,
    /// Number of households the row stands for (户数): 1 for a household row; 0 is allowed (a school).
    pub households: Vec<u32>,
    /// Whether the input had a `households` column (its rows are then buildings).
    pub rows_are_buildings: bool,
    /// Village code or name.
    pub village: Option<Column>,
    /// Natural settlement (自然寨).
    pub hamlet: Option<Column>,
    /// Villagers' group (村民小组).
    pub group: Option<Column>,
    /// Stairwell within the building (单元/楼道).
    pub stairwell: Option<Column>,
    /// Storey, where known.
    pub floor: Option<Vec<Option<i32>>>,
    /// Persons, where known.
    pub persons: Option<Vec<Option<u32>>>,
    /// Whether the household may be proposed as leader or deputy.
    pub eligible: Option<Vec<bool>>,
    /// Label of a locked grid or unit that the row must stay in.
    pub lock: Option<Column>,
    /// Name of the institution whose dedicated grid (专属网格) the row belongs to.
    pub dedicated: Option<Column>,
    /// Further columns that were asked for by name (`--container COL`).
    pub extra: BTreeMap<String, Column>,
    /// Row (CSV line, feature number) each entry came from, for messages; counted from 1, header included for CSV.
    pub source_row: Vec<u32>,
}

impl Households {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The column called `name` in English, whether standard or extra.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        match name {
            "building" => Some(&self.building),
            "village" => self.village.as_ref(),
            "hamlet" => self.hamlet.as_ref(),
            "group" => self.group.as_ref(),
            "stairwell" => self.stairwell.as_ref(),
            "lock" => self.lock.as_ref(),
            "dedicated" => self.dedicated.as_ref(),
            other => self.extra.get(other),
        }
    }
}
