//! Files on their way out: sent piece by piece, gone when the last byte was sent or the client went away.

use std::path::Path;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::io::AsyncReadExt as _;

use super::error::{Answer, Problem};
use crate::exchange::Format;

/// Bytes read and sent at once.
const PIECE: usize = 64 * 1024;

/// The media type and the ending of a format's files.
pub(super) const fn kind_of(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Xlsx => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        Format::GeoJson => ("application/geo+json", "geojson"),
        Format::GeoJsonSeq => ("application/geo+json-seq", "geojsonl"),
        Format::GeoPackage => ("application/geopackage+sqlite3", "gpkg"),
        Format::Shapefile => ("application/zip", "zip"),
        Format::FlatGeobuf => ("application/flatgeobuf", "fgb"),
        Format::Kml => ("application/vnd.google-earth.kml+xml", "kml"),
        Format::GeoParquet => ("application/vnd.apache.parquet", "parquet"),
        Format::Toml => ("application/toml", "toml"),
        Format::Other => ("application/octet-stream", "bin"),
    }
}

/// Sends a file under a name; whatever holds it (its folder, its place on a shelf) lives until then.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn send<H: Send + 'static>(path: &Path, holder: H, name: &str, format: Format) -> Answer<Response> {
    let failed = |e: std::io::Error| Problem::internal(format!("temporary file: {e}"));
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let length = file.metadata().await.map_err(failed)?.len();
    let pieces = stream::try_unfold((file, holder), |(mut file, holder)| async move {
        let mut piece = vec![0; PIECE];
        let n = file.read(&mut piece).await?;
        piece.truncate(n);
        Ok::<_, std::io::Error>((n > 0).then(|| (Bytes::from(piece), (file, holder))))
    });
    let (kind, ending) = kind_of(format);
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{ending}\"")),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
