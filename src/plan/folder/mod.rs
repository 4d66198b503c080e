//! A plan as a directory of files: written whole or not at all, and read back for checking and drawing.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{read_assigned, read_facts, read_grid_file};
pub use write::{Content, Staged, stage_folder};

/// Who is in which grid and unit.
pub const ASSIGNMENT: &str = "assignment.csv";
/// Shapes and figures of the grids.
pub const GRIDS: &str = "grids.geojson";
/// Hulls and figures of the units.
pub const UNITS: &str = "units.geojson";
/// Proposed leaders and deputies.
pub const LEADERS: &str = "leaders.geojson";
/// Buildings as used.
pub const BUILDINGS: &str = "buildings.geojson";
/// Villages and townships as used.
pub const REGIONS: &str = "regions.geojson";
/// Barriers as used.
pub const BARRIERS: &str = "barriers.geojson";
/// Rules as used.
pub const PROFILE: &str = "profile.toml";
/// Parameters, figures, exceptions.
pub const REPORT: &str = "report.json";
