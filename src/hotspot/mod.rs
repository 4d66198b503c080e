//! Where and when incidents concentrate, and whether that is more than chance: pure statistics, no input or output, no clock.
//!
//! Cells are those of H3; a seed decides every draw, so that results depend on no thread count.

pub mod area;
pub mod cells;
pub mod density;
pub mod emerging;
pub mod error;
pub mod fdr;
pub mod gi;
pub mod hotspots;
pub mod knox;
pub mod law;
pub mod normal;
pub mod note;
pub mod permutation;
pub mod rates;
pub mod running;
mod sample;
pub mod scan;
pub mod suppression;
pub mod trend;
pub mod weights;

pub use area::Area;
pub use cells::{CellSet, HexCell};
pub use error::HotspotError;
pub use hotspots::{HotCell, HotClass, HotspotOptions, Hotspots, Study, hotspots};
pub use note::Note;
pub use weights::{Neighbourhood, Weights};
