//! Which file, which layer of it, and its bytes as text.

use std::borrow::Cow;
use std::io::{self, Read as _};

use sha2::{Digest, Sha256};

use super::error::ReadError;
use crate::domain::hex;

/// The formats read and written, told from a file's ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated text, also standard input.
    Csv,
    /// Excel workbook (`.xlsx`).
    Xlsx,
    /// GeoJSON.
    GeoJson,
    /// GeoJSON text sequence (RFC 8142), also one feature a line.
    GeoJsonSeq,
    /// OGC GeoPackage.
    GeoPackage,
    /// Esri Shapefile in a zip.
    Shapefile,
    /// FlatGeobuf.
    FlatGeobuf,
    /// KML.
    Kml,
    /// GeoParquet: written, not read.
    GeoParquet,
    /// TOML: profiles alone.
    Toml,
    /// Known by its ending, and not read.
    Other,
}

impl Format {
    /// The format of a path.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let lower = path.to_ascii_lowercase();
        let ends = |list: &[&str]| list.iter().any(|e| lower.ends_with(e));
        if ends(&[".geojson", ".json"]) {
            Self::GeoJson
        } else if ends(&[".geojsonl", ".geojsons", ".geojsonseq", ".ndjson"]) {
            Self::GeoJsonSeq
        } else if ends(&[".gpkg"]) {
            Self::GeoPackage
        } else if ends(&[".xlsx"]) {
            Self::Xlsx
        } else if ends(&[".zip"]) {
            Self::Shapefile
        } else if ends(&[".fgb"]) {
            Self::FlatGeobuf
        } else if ends(&[".kml"]) {
            Self::Kml
        } else if ends(&[".toml"]) {
            Self::Toml
        } else if ends(&[".parquet", ".geoparquet"]) {
            Self::GeoParquet
        } else if ends(&[".xls", ".xlsb", ".ods", ".shp", ".kmz", ".gdb"]) {
            Self::Other
        } else {
            Self::Csv
        }
    }

    /// The format of a name such as `--format` takes.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "xlsx" | "excel" => Self::Xlsx,
            "geojson" => Self::GeoJson,
            "geojsonseq" | "geojsonl" => Self::GeoJsonSeq,
            "gpkg" | "geopackage" => Self::GeoPackage,
            "shp" | "shapefile" => Self::Shapefile,
            "fgb" | "flatgeobuf" => Self::FlatGeobuf,
            "kml" => Self::Kml,
            "geoparquet" | "parquet" => Self::GeoParquet,
            "toml" => Self::Toml,
            _ => return None,
        })
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::GeoJson => "geojson",
            Self::GeoJsonSeq => "geojsonseq",
            Self::GeoPackage => "gpkg",
            Self::Shapefile => "shp",
            Self::FlatGeobuf => "fgb",
            Self::Kml => "kml",
            Self::GeoParquet => "geoparquet",
            Self::Toml => "toml",
            Self::Other => "other",
        }
    }

    /// Whether a parser of this format works on binary or packed bytes, where a hostile file can do most: it runs in a child process.
    #[must_use]
    pub fn is_parsed_apart(self) -> bool {
        matches!(self, Self::Xlsx | Self::GeoPackage | Self::Shapefile | Self::FlatGeobuf | Self::Kml)
    }
}

/// A path as people and QGIS write it, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// The file alone.
    pub(super) file: &'a str,
    /// The layer named by `--layer`, else by `file.gpkg|layername=NAME`.
    pub(super) layer: Option<&'a str>,
    /// Whether `--layer` named it: a path from QGIS may carry a layer where there is only one, a flag without use is a mistake.
    flagged: bool,
    /// Told from the file's ending.
    pub(super) format: Format,
}

impl<'a> Source<'a> {
    /// Takes `path` apart; a layer given beside it counts more than one inside it.
    pub(super) fn new(path: &'a str, layer: Option<&'a str>) -> Self {
        let (file, inside) = match path.split_once("|layername=") {
            // QGIS may add further parts, as in `|geometrytype=Point`.
            Some((file, rest)) => (file, Some(rest.split('|').next().unwrap_or(rest))),
            None => (path, None),
        };
        Self { file, layer: layer.or(inside), flagged: layer.is_some(), format: Format::of_path(file) }
    }

    /// Refuses `--layer` for a file that has no layers, rather than to ignore it.
    pub(super) fn check_layer(&self) -> Result<(), ReadError> {
        match (self.format, self.layer) {
            (format, Some(layer))
                if self.flagged
                    && !matches!(format, Format::GeoPackage | Format::Xlsx | Format::GeoParquet | Format::Other) =>
            {
                Err(ReadError::LayerWithoutUse { file: self.file.to_owned(), layer: layer.to_owned() })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn unreadable(&self, e: &io::Error) -> ReadError {
        ReadError::unreadable(self.file, e)
    }

    /// All bytes of the file, or of standard input for `-`.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, ReadError> {
        if self.file == "-" {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map_err(|e| self.unreadable(&e))?;
            return Ok(bytes);
        }
        std::fs::read(self.file).map_err(|e| self.unreadable(&e))
    }
}

/// SHA-256 of bytes, in hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The text of a file in UTF-8 (with or without byte order mark) or GB18030; never mojibake.
pub(super) fn decoded<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, ReadError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    encoding_rs::GB18030
        .decode_without_bom_handling_and_without_replacement(bytes)
        .filter(|t| !t.contains('\u{FFFD}'))
        .ok_or_else(|| ReadError::Encoding { file: file.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_qgis_name_their_layer() {
        let s = Source::new("a.GPKG|layername=楼 栋|geometrytype=Polygon", None);
        assert_eq!((s.file, s.layer, s.format), ("a.GPKG", Some("楼 栋"), Format::GeoPackage));
        assert_eq!(Source::new("a.gpkg|layername=x", Some("y")).layer, Some("y"));
        assert_eq!(Source::new("a.geojson", None).format, Format::GeoJson);
        assert_eq!(Source::new("-", None).format, Format::Csv);
    }

    #[test]
    fn layer_flag_is_refused_where_a_file_has_no_layers() {
        for file in ["a.csv", "-", "a.geojson", "a.json", "a.geojson|layername=a"] {
            let e = Source::new(file, Some("楼栋")).check_layer().expect_err(file).to_string();
            assert!(e.contains("--layer 楼栋") && e.contains("layer_without_use"), "{e}");
            assert_eq!(Source::new(file, None).check_layer(), Ok(()), "{file}");
        }
        assert_eq!(Source::new("a.gpkg", Some("楼栋")).check_layer(), Ok(()));
    }
}
