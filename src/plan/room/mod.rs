//! What the monitoring room reads and writes: incidents as they come in. Joins the store with the statistics; knows no SQL and no HTTP.

mod alarms;
mod hotspots;
pub mod moments;
mod outbreaks;
pub mod public;
mod study;
mod wish;

pub use alarms::{ACTOR, AlarmedSpot, hot_and_growing, hotspot_round, of_emergency, place_of, round};
pub use hotspots::{HotspotWish, RoomCell, RoomHotspots, View, middle_of, room_hotspots};
pub use outbreaks::{Outbreak, OutbreakWish, outbreaks};
pub use study::{Ground, beside};
pub use wish::{FIELDS, INTAKE_FIELDS, Refused, incident_of};

use std::ops::ControlFlow;

use crate::domain::incident::Dictionaries;
use crate::store::{Filter, Layer, RegisterRow, Scope, Store, StoreError};

/// Categories and types of dispute: those that ship, as the store's own rows change and extend them.
///
/// # Errors
/// What the store says.
pub async fn dictionaries(store: &dyn Store, scope: &Scope) -> Result<Dictionaries, StoreError> {
    let mut rows = Vec::new();
    let mut gather = |page: Vec<RegisterRow>| {
        rows.extend(page.into_iter().filter_map(|r| match r {
            RegisterRow::Dictionaries(row) => Some(row),
            _ => None,
        }));
        ControlFlow::Continue(())
    };
    store.stream(scope, Layer::Dictionaries, &Filter::default(), &mut gather).await?;
    Ok(Dictionaries::with(&rows))
}
