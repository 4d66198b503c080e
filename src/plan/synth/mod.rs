//! A synthetic county, for demonstration and load: nobody in it exists.
//!
//! 1. [`County::lay_out`] draws villages (Voronoi cells with wiggled shared borders), rivers, a railway, roads, bridges, lakes and
//!    chooses the special places: an exclave, a house without neighbours, a hamlet of four, a village cut by a river without a bridge.
//! 2. The households and incidents of each village are a pure function of county and seed, so villages are made in parallel and
//!    the bytes are the same at any thread count.
//! 3. [`write()`] streams everything into a folder that appears whole or not at all.
//!
//! All geometry is in metres of one transverse Mercator about the county's middle and written in degrees.

mod cells;
mod county;
mod dice;
mod incidents;
mod lines;
mod names;
mod settle;
#[cfg(test)]
mod tests;
mod write;

use crate::domain::LonLat;

pub use county::{County, Special};
pub use names::Division;
pub use write::{Summary, write};

/// Villages at most: ten made-up counties of codes.
const MOST_VILLAGES: u32 = 20_000;
/// Households at most.
const MOST_HOUSEHOLDS: u32 = 20_000_000;
/// Incidents at most.
const MOST_INCIDENTS: u32 = 20_000_000;

/// What to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthOptions {
    /// Households, exactly.
    pub households: u32,
    /// Villages, exactly.
    pub villages: u32,
    /// Incidents, exactly.
    pub incidents: u32,
    /// Seed of every random choice.
    pub seed: u64,
    /// Official codes and names of 黄果树镇 and two neighbouring villages instead of a made-up county.
    pub township: bool,
}

impl SynthOptions {
    fn check(&self) -> Result<(), SynthError> {
        let most = if self.township { names::OFFICIAL_VILLAGES } else { MOST_VILLAGES };
        if self.villages == 0 || self.villages > most {
            return Err(SynthError::Villages { villages: self.villages, most });
        }
        if self.households < self.villages || self.households > MOST_HOUSEHOLDS {
            return Err(SynthError::Households {
                households: self.households,
                least: self.villages,
                most: MOST_HOUSEHOLDS,
            });
        }
        if self.incidents > MOST_INCIDENTS {
            return Err(SynthError::Incidents { incidents: self.incidents, most: MOST_INCIDENTS });
        }
        Ok(())
    }

    /// The middle: by the waterfalls for the township, by the city of Anshun for a county.
    fn centre(&self) -> LonLat {
        if self.township {
            LonLat { lon_deg: 105.65, lat_deg: 25.97 }
        } else {
            LonLat { lon_deg: 105.93, lat_deg: 26.25 }
        }
    }
}

/// Why no county was made.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// No village, or more than there are codes for.
    #[error("村数 {villages} 应在 1 到 {most} 之间\n--villages {villages} must lie between 1 and {most}")]
    Villages {
        /// Asked for.
        villages: u32,
        /// The most.
        most: u32,
    },
    /// Fewer households than villages, or too many.
    #[error(
        "户数 {households} 应在 {least}（每村至少一户）到 {most} 之间\n--households {households} must lie between {least} (one a village) and {most}"
    )]
    Households {
        /// Asked for.
        households: u32,
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// Too many incidents.
    #[error("事件数 {incidents} 不能超过 {most}\n--incidents {incidents} must not exceed {most}")]
    Incidents {
        /// Asked for.
        incidents: u32,
        /// The most.
        most: u32,
    },
    /// The folder holds something already.
    #[error(
        "文件夹 {folder} 不是空的；换一个，或加 --force 覆盖\nthe folder {folder} is not empty; choose another or add --force to replace it"
    )]
    NotEmpty {
        /// Folder.
        folder: String,
    },
    /// The folder to be replaced holds what this program did not write.
    #[error(
        "文件夹 {folder} 中有别的文件（{file}），不予替换\nthe folder {folder} also holds {file}, which synth did not write; it is not replaced"
    )]
    ForeignFile {
        /// Folder.
        folder: String,
        /// First such file.
        file: String,
    },
    /// The file system said no.
    #[error("{file}：{reason}\n{file}: {reason}")]
    File {
        /// File or folder.
        file: String,
        /// The system's words.
        reason: String,
    },
}
