//! The words of the field as types: no IO, no clock, no geometry algorithms.

pub mod barrier;
pub mod codes;
pub mod hex;
pub mod households;
pub mod incident;
pub mod io_words;
pub mod plan;
pub mod position;
pub mod profile;
pub mod profile_file;
pub mod random;
pub mod region;
pub mod register;
pub mod toml_words;
pub mod wording;

pub use barrier::{Barrier, BarrierShape};
pub use codes::VillageCode;
pub use hex::hex;
pub use households::{Column, Households, NO_VALUE};
pub use position::{LonLat, Point, Positions};
pub use profile::{Binding, Divide, Profile};
pub use profile_file::read_profiles;
pub use region::Region;
