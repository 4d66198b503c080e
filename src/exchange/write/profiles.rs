//! Profiles as a TOML file, each under `[[profile]]`: what an import of profiles takes.

use std::io::{BufWriter, Write as _};

use geo::Geometry;

use crate::domain::Profile;
use crate::domain::profile_file::profile_in_file;
use crate::exchange::table::Cell;

use super::whole::WholeFile;
use super::{Sink, WriteError, WriterSchema, Written};

pub(super) struct Profiles {
    out: BufWriter<WholeFile>,
    path: std::path::PathBuf,
    /// Where the profile itself and its version stand among the fields.
    toml: usize,
    version: Option<usize>,
}

impl Profiles {
    pub(super) fn begin(file: WholeFile, schema: &WriterSchema) -> Result<Self, WriteError> {
        let at = |name: &str| schema.fields.iter().position(|f| f.name == name);
        let (path, toml, version) = (file.path().to_owned(), at("toml"), at("row_version"));
        let toml = toml.filter(|_| schema.layer == "profiles").ok_or(WriteError::Format)?;
        Ok(Self { out: BufWriter::new(file), path, toml, version })
    }
}

impl Sink for Profiles {
    fn row(&mut self, values: &[Cell], _: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        let text = match values.get(self.toml) {
            Some(Cell::Text(text)) => text.as_str(),
            _ => "",
        };
        let version = match self.version.and_then(|i| values.get(i)) {
            Some(Cell::Whole(v)) => *v,
            _ => 0,
        };
        let profile = Profile::parse(text).map_err(|e| WriteError::of(&self.path, e))?;
        self.out.write_all(profile_in_file(&profile, version).as_bytes()).map_err(|e| WriteError::of(&self.path, e))?;
        self.out.write_all(b"\n").map_err(|e| WriteError::of(&self.path, e))
    }

    fn finish(self: Box<Self>) -> Result<Written, WriteError> {
        let path = self.path;
        let file = self.out.into_inner().map_err(|e| WriteError::of(&path, e.error()))?;
        file.commit()?;
        Ok(Written::default())
    }
}
