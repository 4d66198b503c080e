//! Barriers, outlines and regions of a command: read in the reference system of its households.

use crate::domain::{Barrier, Region};
use crate::exchange::{self, Isolation, Read, ReadError, ReadOptions};

use super::args::InputArgs;
use super::commands::{Failure, conversion};

pub(super) type Polygons = Vec<Vec<Vec<[f64; 2]>>>;

fn read<T>(
    path: &str,
    input: &InputArgs,
    planar: bool,
    reader: impl Fn(&str, Option<&str>, &ReadOptions<'_>) -> Result<Read<T>, ReadError>,
) -> Result<T, Failure> {
    let convert = conversion(input)?;
    let options = ReadOptions {
        extra_columns: &[],
        to_wgs84: convert.as_ref().map(|f| f as &dyn Fn([f64; 2]) -> [f64; 2]),
        isolation: Some(&Isolation::apart()),
    };
    let read = reader(path, None, &options).map_err(Failure::read)?;
    for warning in &read.warnings {
        errln!("{warning}");
    }
    if read.planar != planar {
        let (there, here) = if planar { ("度 degrees", "米 metres") } else { ("米 metres", "度 degrees") };
        return Err(Failure::input(format!(
            "{path}：坐标为 {there}，而住户坐标为 {here}，请统一\n{path}: its coordinates are not of the households' kind; make them one"
        )));
    }
    Ok(read.value)
}

pub(super) fn read_barriers(path: Option<&str>, input: &InputArgs, planar: bool) -> Result<Vec<Barrier>, Failure> {
    path.map_or(Ok(Vec::new()), |p| read(p, input, planar, exchange::read_barriers))
}

pub(super) fn read_boundary(path: Option<&str>, input: &InputArgs, planar: bool) -> Result<Option<Polygons>, Failure> {
    path.map(|p| read(p, input, planar, exchange::read_boundary)).transpose()
}

pub(super) fn read_regions(path: Option<&str>, input: &InputArgs, planar: bool) -> Result<Vec<Region>, Failure> {
    path.map_or(Ok(Vec::new()), |p| read(p, input, planar, exchange::read_regions))
}
