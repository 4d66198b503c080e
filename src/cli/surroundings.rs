//! Barriers, outlines and regions of a command: read in the reference system of its households.

use crate::domain::{Barrier, Region};
use serde_json::json;

use crate::exchange::{self, Isolation, Read, ReadError, ReadOptions};
use crate::plan::report::Report;

use super::args::InputArgs;
use super::commands::{Failure, conversion};

pub(super) type Polygons = Vec<Vec<Vec<[f64; 2]>>>;

/// Reads a file beside the households; its path and SHA-256 become parameters of the report.
fn read<T>(
    name: &str,
    path: Option<&str>,
    input: &InputArgs,
    planar: bool,
    report: &mut Report,
    reader: impl Fn(&str, Option<&str>, &ReadOptions<'_>) -> Result<Read<T>, ReadError>,
) -> Result<Option<T>, Failure> {
    report.parameters.insert(name.to_owned(), json!(path));
    let Some(path) = path else { return Ok(None) };
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
    report.parameters.insert(format!("{name}_sha256"), json!(read.sha256_hex));
    Ok(Some(read.value))
}

pub(super) fn read_barriers(
    path: Option<&str>,
    input: &InputArgs,
    planar: bool,
    report: &mut Report,
) -> Result<Vec<Barrier>, Failure> {
    read("barriers", path, input, planar, report, exchange::read_barriers).map(Option::unwrap_or_default)
}

pub(super) fn read_boundary(
    path: Option<&str>,
    input: &InputArgs,
    planar: bool,
    report: &mut Report,
) -> Result<Option<Polygons>, Failure> {
    read("boundary", path, input, planar, report, exchange::read_boundary)
}

pub(super) fn read_regions(
    path: Option<&str>,
    input: &InputArgs,
    planar: bool,
    report: &mut Report,
) -> Result<Vec<Region>, Failure> {
    read("regions", path, input, planar, report, exchange::read_regions).map(Option::unwrap_or_default)
}
