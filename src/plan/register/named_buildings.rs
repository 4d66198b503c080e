//! Buildings that rows of households name, where nobody brought the buildings themselves.

use std::collections::BTreeMap;

use crate::domain::register::{BuildingRow, Geometry};
use crate::exchange::Fault;
use crate::store::RegisterRow;

use super::rows::bare;

/// Buildings that rows of households name, each where its first household lies. There may be millions: each is kept small.
#[derive(Debug, Default)]
pub(super) struct NamedBuildings {
    of: BTreeMap<Box<str>, Named>,
    villages: Vec<String>,
}

#[derive(Debug)]
struct Named {
    at: [f64; 2],
    village: u32,
    row: u64,
    dedicated: Option<Box<str>>,
}

impl NamedBuildings {
    /// Notes the building of a row of the household layer.
    ///
    /// # Errors
    /// When the building was noted at another place (one building has one place) or in another village.
    pub(super) fn note(&mut self, row: &RegisterRow, dedicated: Option<String>, number: u64) -> Result<(), Fault> {
        let (id, village, at) = match row {
            RegisterRow::Households(h) => (&h.building, &h.village, [h.place.lon_deg, h.place.lat_deg]),
            RegisterRow::Buildings(BuildingRow { id, village, place: Geometry::Point(at), .. }) => (id, village, *at),
            _ => return Ok(()),
        };
        // Rows of a village mostly stand together, so the last one is nearly always it.
        let index = match self.villages.iter().rposition(|v| v == village) {
            Some(i) => i,
            None => {
                self.villages.push(village.clone());
                self.villages.len() - 1
            }
        } as u32;
        match self.of.get(id.as_str()) {
            None => {
                let named = Named { at, village: index, row: number, dedicated: dedicated.map(String::into_boxed_str) };
                self.of.insert(id.as_str().into(), named);
                Ok(())
            }
            Some(known) if known.at == at && known.village == index => Ok(()),
            Some(known) => Err(Fault::new(
                "building_at_two_places",
                format!(
                    "楼栋 {0} 在第 {1} 行位于别处 / building {0} lies elsewhere in row {1}",
                    id.chars().take(60).collect::<String>(),
                    known.row
                ),
            )),
        }
    }

    /// The buildings, in the order of their ids.
    pub(super) fn into_rows(self) -> impl Iterator<Item = BuildingRow> + Send {
        let Self { of, villages } = self;
        of.into_iter().map(move |(id, n)| BuildingRow {
            dedicated: n.dedicated.map(String::from),
            ..bare(id.into(), villages.get(n.village as usize).cloned().unwrap_or_default(), n.at)
        })
    }

    /// Ids of the buildings.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.of.keys().map(AsRef::as_ref)
    }

    /// Leaves those out that are there already.
    pub(super) fn forget(&mut self, id: &str) {
        self.of.remove(id);
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}
