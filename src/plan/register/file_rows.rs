//! Rows of the register made rows of files: a cell for each field of the layer's schema.

use crate::domain::LonLat;
use crate::domain::register::Tenure;
use crate::exchange::Cell;
use crate::store::RegisterRow;

use super::shapes::{polygons_to_file, to_file};

/// A row for a file: a cell for each field of its layer's schema, and its geometry. `None` for layers that are not exchanged.
pub(super) fn file_row(row: &RegisterRow) -> Option<(Vec<Cell>, Option<geo::Geometry<f64>>)> {
    let text = |t: &Option<String>| t.as_deref().map_or(Cell::Empty, |t| Cell::Text(t.into()));
    let day = |t: &Option<String>| t.as_deref().map_or(Cell::Empty, |t| Cell::Date(t.into()));
    let said = |t: &str| if t.is_empty() { Cell::Empty } else { Cell::Text(t.into()) };
    let count = |n: Option<u32>| n.map_or(Cell::Empty, |n| Cell::Whole(i64::from(n)));
    let version = |v: u64| i64::try_from(v).map_or(Cell::Empty, Cell::Whole);
    let point = |p: &LonLat| geo::Geometry::Point(geo::Point::new(p.lon_deg, p.lat_deg));
    Some(match row {
        RegisterRow::Regions(r) => (
            vec![
                said(&r.code),
                said(&r.name),
                said(&r.level),
                text(&r.parent),
                day(&r.valid_from),
                day(&r.valid_to),
                version(r.row_version),
            ],
            r.outline.as_ref().map(polygons_to_file),
        ),
        RegisterRow::Buildings(r) => (
            vec![
                said(&r.id),
                said(&r.village),
                text(&r.name),
                text(&r.kind),
                count(r.households),
                text(&r.dedicated),
                said(&r.stairwells.join("、")),
                day(&r.valid_from),
                day(&r.valid_to),
                version(r.row_version),
            ],
            Some(to_file(&r.place)),
        ),
        RegisterRow::Households(r) => (
            vec![
                said(&r.id),
                said(&r.village),
                said(&r.building),
                text(&r.stairwell),
                r.floor.map_or(Cell::Empty, |v| Cell::Whole(i64::from(v))),
                text(&r.hamlet),
                text(&r.group_name),
                count(r.persons),
                match r.tenure {
                    None => Cell::Empty,
                    Some(Tenure::Own) => said("own"),
                    Some(Tenure::Rented) => said("rented"),
                    Some(Tenure::Vacant) => said("vacant"),
                },
                r.eligible.map_or(Cell::Empty, Cell::Bool),
                day(&r.valid_from),
                day(&r.valid_to),
                version(r.row_version),
            ],
            Some(point(&r.place)),
        ),
        RegisterRow::Barriers(r) => (
            vec![
                said(&r.id),
                said(&r.region),
                said(&r.kind),
                Cell::Bool(r.hard),
                text(&r.name),
                day(&r.valid_from),
                day(&r.valid_to),
                version(r.row_version),
            ],
            Some(to_file(&r.shape)),
        ),
        RegisterRow::OldNets(r) => (
            vec![
                said(&r.id),
                said(&r.net),
                said(&r.region),
                text(&r.name),
                day(&r.valid_from),
                day(&r.valid_to),
                version(r.row_version),
            ],
            Some(polygons_to_file(&r.shape)),
        ),
        RegisterRow::Centres(r) => (
            vec![
                said(&r.id),
                said(&r.region),
                said(&r.level),
                said(&r.name),
                text(&r.address),
                text(&r.duty_hours),
                day(&r.valid_from),
                day(&r.valid_to),
                version(r.row_version),
            ],
            r.place.as_ref().map(point),
        ),
        // Names only where they were revealed for a purpose; a telephone is opened by whoever may.
        RegisterRow::Officers(r) => (
            vec![
                said(&r.id),
                said(&r.region),
                said(&r.role),
                text(&r.name),
                Cell::Empty,
                text(&r.household),
                day(&r.elected_on),
                day(&r.valid_from),
                day(&r.valid_to),
                version(r.row_version),
            ],
            None,
        ),
        RegisterRow::Incidents(r) => (
            vec![
                said(&r.id),
                said(&r.region),
                text(&r.grid),
                said(&r.category),
                text(&r.dispute),
                said(&r.level),
                said(&r.state),
                day(&Some(r.occurred_at.clone())),
                day(&r.due_at),
                text(&r.summary),
                version(r.row_version),
            ],
            r.place.as_ref().map(point),
        ),
        RegisterRow::Zones(r) => (
            vec![
                said(&r.id),
                said(&r.name),
                said(&r.townships.join("、")),
                day(&r.valid_from),
                day(&r.valid_to),
                version(r.row_version),
            ],
            None,
        ),
        RegisterRow::Profiles(r) => (vec![said(&r.name), said(&r.title), said(&r.toml), version(r.row_version)], None),
        RegisterRow::Dictionaries(r) => (
            vec![
                said(&r.dictionary),
                said(&r.key),
                said(&r.name),
                text(&r.name_en),
                Cell::Whole(r.position),
                Cell::Bool(r.enabled),
                text(&r.due_hours),
                version(r.row_version),
            ],
            None,
        ),
        _ => return None,
    })
}
