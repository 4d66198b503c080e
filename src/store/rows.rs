//! The register's layers: which table and columns each has, and how its rows go in and out.

use crate::domain::register::{
    BarrierRow, BuildingRow, CentreRow, DictionaryRow, HouseholdRow, IncidentRow, IncidentTransition, JobRow,
    OfficerRow, OldNetRow, ProfileRow, RegionRow, ZoneRow,
};

use super::error::StoreError;
use super::seen::Standing;
use super::value::{Cell, Row, Value, row_sum};

/// By what a layer is found within a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopedBy {
    /// A column with a code.
    Code(&'static str),
    /// The village column; scopes below the village go through the plan in force.
    Building,
    Household,
    /// The region column; scopes below the village by the column of the grid or unit.
    Incident,
    /// The list of townships.
    Zone,
    /// Seen by all.
    Everyone,
}

/// A layer as the statements see it.
#[derive(Debug)]
pub(super) struct LayerSpec {
    pub(super) table: &'static str,
    pub(super) key: &'static str,
    /// All columns of a row but `row_version`, which comes last.
    pub(super) columns: &'static [&'static str],
    pub(super) geometry: bool,
    pub(super) scoped_by: ScopedBy,
}

impl LayerSpec {
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.contains(&column)
    }

    pub(super) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| *c == column)
    }
}

/// Makes `Layer`, `RegisterRow` and the way between rows and values: `Variant(Row, table, key, scope) { field: column, … }`, geometry
/// always in the column `geom`.
macro_rules! layers {
    ($($(#[$doc:meta])* $variant:ident($row:ident, $table:literal, $key:ident, $scope:expr, $geometry:literal)
        { $($field:ident: $column:literal),+ $(,)? })+) => {
        /// A layer of the register.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Layer {
            $($(#[$doc])* $variant,)+
        }

        /// A row of any layer.
        #[derive(Clone, Debug, PartialEq)]
        pub enum RegisterRow {
            $($(#[$doc])* $variant($row),)+
        }

        impl Layer {
            /// All layers, in the order in which they are filled.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its table's name, also its name outside.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $table),+ }
            }

            pub(super) fn spec(self) -> &'static LayerSpec {
                match self { $(Self::$variant => &LayerSpec {
                    table: $table,
                    key: stringify!($key),
                    columns: &[$($column),+],
                    geometry: $geometry,
                    scoped_by: $scope,
                }),+ }
            }

            pub(super) fn read(self, row: &mut Row) -> Result<RegisterRow, StoreError> {
                Ok(match self { $(Self::$variant => RegisterRow::$variant($row {
                    $($field: row.take()?,)+
                    row_version: row.take()?,
                })),+ })
            }
        }

        impl RegisterRow {
            /// The layer it belongs to.
            #[must_use]
            pub const fn layer(&self) -> Layer {
                match self { $(Self::$variant(_) => Layer::$variant),+ }
            }

            /// Its key.
            #[must_use]
            pub fn key(&self) -> &str {
                match self { $(Self::$variant(r) => &r.$key),+ }
            }

            /// The version it claims; 0 claims none.
            #[must_use]
            pub const fn row_version(&self) -> u64 {
                match self { $(Self::$variant(r) => r.row_version),+ }
            }

            /// Makes it the row of its layer that an engine stands at.
            pub(super) fn refill(&mut self, row: &mut Standing<'_>) -> Result<(), StoreError> {
                match self { $(Self::$variant(r) => {
                    $(row.put(&mut r.$field)?;)+
                    row.put(&mut r.row_version)
                }),+ }
            }

            /// Values in the order of the layer's columns.
            pub(super) fn values(&self) -> Vec<Value> {
                match self { $(Self::$variant(r) => vec![$(r.$field.to_value()),+]),+ }
            }
        }
    };
}

layers! {
    /// 行政区.
    Regions(RegionRow, "regions", code, ScopedBy::Code("code"), true) {
        code: "code", name: "name", level: "level", parent: "parent", valid_from: "valid_from", valid_to: "valid_to",
        outline: "geom",
    }
    /// 功能区.
    Zones(ZoneRow, "zones", id, ScopedBy::Zone, false) {
        id: "id", name: "name", townships: "townships", valid_from: "valid_from", valid_to: "valid_to",
    }
    /// 楼栋.
    Buildings(BuildingRow, "buildings", id, ScopedBy::Building, true) {
        id: "id", village: "village", name: "name", kind: "kind", households: "households", dedicated: "dedicated",
        stairwells: "stairwells", valid_from: "valid_from", valid_to: "valid_to", place: "geom",
    }
    /// 住户.
    Households(HouseholdRow, "households", id, ScopedBy::Household, true) {
        id: "id", village: "village", building: "building", stairwell: "stairwell", floor: "floor", hamlet: "hamlet",
        group_name: "group_name", persons: "persons", tenure: "tenure", eligible: "eligible", valid_from: "valid_from",
        valid_to: "valid_to", place: "geom",
    }
    /// 综治中心.
    Centres(CentreRow, "centres", id, ScopedBy::Code("region"), true) {
        id: "id", region: "region", level: "level", name: "name", address: "address", duty_hours: "duty_hours",
        valid_from: "valid_from", valid_to: "valid_to", place: "geom",
    }
    /// 人员; read without names, see `Store::reveal_officers`.
    Officers(OfficerRow, "officers", id, ScopedBy::Code("region"), false) {
        id: "id", region: "region", role: "role", name: "name", phone_sealed: "phone_sealed", household: "household",
        elected_on: "elected_on", valid_from: "valid_from", valid_to: "valid_to",
    }
    /// 障碍.
    Barriers(BarrierRow, "barriers", id, ScopedBy::Code("region"), true) {
        id: "id", region: "region", kind: "kind", hard: "hard", name: "name", valid_from: "valid_from",
        valid_to: "valid_to", shape: "geom",
    }
    /// 原有网格.
    OldNets(OldNetRow, "old_nets", id, ScopedBy::Code("region"), true) {
        id: "id", net: "net", region: "region", name: "name", valid_from: "valid_from", valid_to: "valid_to",
        shape: "geom",
    }
    /// 事件.
    Incidents(IncidentRow, "incidents", id, ScopedBy::Incident, true) {
        id: "id", region: "region", grid: "grid", category: "category", dispute: "dispute", level: "level",
        state: "state", occurred_at: "occurred_at", due_at: "due_at", summary: "summary", place: "geom", unit: "unit",
        source: "source", source_id: "source_id",
    }
    /// 事件流转.
    Transitions(IncidentTransition, "incident_transitions", id, ScopedBy::Code("region"), false) {
        id: "id", incident: "incident", region: "region", from_state: "from_state", to_state: "to_state",
        from_level: "from_level", to_level: "to_level", role: "role", at: "at", due_at: "due_at", reason: "reason",
    }
    /// 字典.
    Dictionaries(DictionaryRow, "dictionaries", id, ScopedBy::Everyone, false) {
        id: "id", dictionary: "dictionary", key: "key", name: "name", name_en: "name_en", position: "position",
        enabled: "enabled", due_hours: "due_hours",
    }
    /// 规则.
    Profiles(ProfileRow, "profiles", name, ScopedBy::Everyone, false) {
        name: "name", title: "title", toml: "toml",
    }
    /// 任务.
    Jobs(JobRow, "jobs", id, ScopedBy::Code("region"), false) {
        id: "id", region: "region", kind: "kind", state: "state", progress: "progress", parameters: "parameters",
        result: "result", created_at: "created_at", updated_at: "updated_at",
    }
}

impl Layer {
    /// How many of its columns, the last ones, came with a later migration: rows that have nothing in them keep the check sum they were
    /// given before.
    pub(super) const fn later_columns(self) -> usize {
        match self {
            Self::Incidents => 3,
            Self::Dictionaries => 1,
            _ => 0,
        }
    }

    /// The layer of a table name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|l| l.name() == name)
    }
}

/// Check sum of a row of the register. Columns that came later count where they hold something.
pub(super) fn sum_of(layer: Layer, values: &[Value], row_version: u64) -> i64 {
    let always = values.len().saturating_sub(layer.later_columns());
    let empty = values.iter().skip(always).rev().take_while(|v| v.is_null()).count();
    row_sum(values.iter().take(values.len() - empty).chain([&Value::from(row_version)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_from_before_a_column_came_keeps_its_sum() {
        let old: Vec<Value> = (0..11).map(|i| Value::from(format!("v{i}"))).collect();
        let before = row_sum(old.iter().chain([&Value::from(3_u64)]));
        let mut now = old.clone();
        now.extend([Value::Text(None), Value::Text(None), Value::Text(None)]);
        assert_eq!(sum_of(Layer::Incidents, &now, 3), before);
        now[12] = Value::from("门禁");
        assert_ne!(sum_of(Layer::Incidents, &now, 3), before);
        // elsewhere nothing is left out
        assert_ne!(sum_of(Layer::Jobs, &[Value::Text(None)], 3), sum_of(Layer::Jobs, &[], 3));
    }
}
