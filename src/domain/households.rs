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

    /// The column of some rows, in their order, with the values that occur there alone.
    #[must_use]
    pub fn subset(&self, rows: &[u32]) -> Self {
        let mut new_of: BTreeMap<u32, u32> = BTreeMap::new();
        let mut part = Self::default();
        for &row in rows {
            let old = self.of.get(row as usize).copied().unwrap_or(NO_VALUE);
            let new = match self.names.get(old as usize) {
                None => NO_VALUE,
                Some(name) => *new_of.entry(old).or_insert_with(|| {
                    part.names.push(name.clone());
                    part.names.len() as u32 - 1
                }),
            };
            part.of.push(new);
        }
        part
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

    /// The table of some rows, in their order.
    #[must_use]
    pub fn subset(&self, rows: &[u32]) -> Self {
        fn of<T: Clone>(all: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().filter_map(|&r| all.get(r as usize)).cloned().collect()
        }
        let column = |c: &Option<Column>| c.as_ref().map(|c| c.subset(rows));
        Self {
            positions: match &self.positions {
                Positions::Planar(p) => Positions::Planar(of(p, rows)),
                Positions::Geographic(p) => Positions::Geographic(of(p, rows)),
            },
            ids: of(&self.ids, rows),
            building: self.building.subset(rows),
            households: of(&self.households, rows),
            rows_are_buildings: self.rows_are_buildings,
            village: column(&self.village),
            hamlet: column(&self.hamlet),
            group: column(&self.group),
            stairwell: column(&self.stairwell),
            floor: self.floor.as_ref().map(|f| of(f, rows)),
            persons: self.persons.as_ref().map(|p| of(p, rows)),
            eligible: self.eligible.as_ref().map(|e| of(e, rows)),
            lock: column(&self.lock),
            dedicated: column(&self.dedicated),
            extra: self.extra.iter().map(|(name, c)| (name.clone(), c.subset(rows))).collect(),
            source_row: of(&self.source_row, rows),
        }
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
