//! Taking a body in as a file: streamed, counted and hashed, given up when it is too long or comes too slowly.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt as _;

use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::too_large;
use crate::api::listen::body_time;
use crate::api::scratch::{Scratch, fresh_id};
use crate::domain::hex;
use crate::exchange::Format;
use crate::store::StoreError;

use super::reading::Reading;
use super::{Imports, State, Subject, Upload};

/// Beyond the time that every body has, it comes at this rate or faster.
const SLOWEST_BYTES_PER_S: u64 = 16 << 10;
/// Bytes of a row of a format that has no lines, about.
const ROW_BYTES: u64 = 150;
const BLOCK: usize = 256 << 10;

pub(super) fn failed(e: &std::io::Error) -> Problem {
    match e.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full.into(),
        _ => Problem::internal(format!("upload: {e}")),
    }
}

/// What was counted on the way.
struct Counted {
    bytes: u64,
    lines: u64,
    sha256: String,
}

async fn next(body: &mut Body, (begun, time): (Instant, Duration), bytes: u64) -> Answer<Option<Bytes>> {
    let allowed = time + Duration::from_secs(bytes / SLOWEST_BYTES_PER_S);
    let left = allowed.saturating_sub(begun.elapsed()).min(time);
    loop {
        match tokio::time::timeout(left, body.frame()).await {
            Err(_) => {
                let what = "请求体传送超时 / the body came too slowly";
                return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow_body", what));
            }
            Ok(None) => return Ok(None),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Ok(Some(Err(_))) => {
                let what = "请求体不完整 / the body is not whole";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "broken_body", what));
            }
        }
    }
}

async fn written(request: Request, path: &Path, most_bytes: u64) -> Answer<Counted> {
    let time = body_time(request.extensions());
    let mut body = request.into_body();
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(path).await.map_err(|e| failed(&e))?;
    let mut file = tokio::io::BufWriter::with_capacity(BLOCK, file);
    let (begun, mut digest) = (Instant::now(), Sha256::new());
    let (mut bytes, mut lines) = (0, 0);
    while let Some(data) = next(&mut body, (begun, time), bytes).await? {
        bytes += data.len() as u64;
        if bytes > most_bytes {
            return Err(too_large(most_bytes));
        }
        lines += data.iter().filter(|b| **b == b'\n').count() as u64;
        digest.update(&data);
        file.write_all(&data).await.map_err(|e| failed(&e))?;
    }
    file.flush().await.map_err(|e| failed(&e))?;
    Ok(Counted { bytes, lines, sha256: hex(&digest.finalize()) })
}

/// A file's name without its folders, and the format its ending says.
fn named(name: Option<&str>) -> Answer<(String, Format)> {
    let name = name.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control() && *c != '|').take(120).collect();
    if !name.contains('.') {
        return Err(Problem::bad("file_name", "应为带扩展名的文件名 / the file's name with its ending"));
    }
    match Format::of_path(&name) {
        Format::Csv if !has_ending(&name, &["csv", "txt", "tsv"]) => Err(unknown(&name)),
        Format::Other | Format::GeoParquet => Err(unknown(&name)),
        format => Ok((name, format)),
    }
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, e)| endings.iter().any(|known| known.eq_ignore_ascii_case(e)))
}

fn unknown(name: &str) -> Problem {
    let what = format!(
        "{name}：不支持的格式；可用 CSV、XLSX、GeoJSON、GeoPackage、Shapefile（zip）、FlatGeobuf、KML，规则还有 TOML / a format that is not read; CSV, XLSX, GeoJSON, GeoPackage, Shapefile (zip), FlatGeobuf and KML are, for profiles TOML too"
    );
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_format", what).field("file_name")
}

/// Takes a file in.
///
/// # Errors
/// 413, 408, 429, 507; 422 for a format that is not read.
pub(super) async fn receive(
    imports: &Imports,
    principal: &Principal,
    (subject, reading): (Subject, Reading),
    file_name: Option<&str>,
    headers: &HeaderMap,
    request: Request,
) -> Answer<Arc<Upload>> {
    let (file_name, format) = named(file_name)?;
    if format == Format::Toml && !matches!(&subject, Subject::Layer(schema) if schema.name == "profiles") {
        let what = format!("{file_name}：TOML 只用于规则（profiles） / TOML is for the layer profiles alone");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_format", what).field("file_name"));
    }
    if matches!(subject, Subject::Ledger { .. }) && !matches!(format, Format::Csv | Format::Xlsx) {
        let what = format!("{file_name}：台账为 xlsx 或 csv / a ledger is xlsx or csv");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_format", what).field("file_name"));
    }
    let most_bytes = imports.limits.file_bytes;
    let said = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if said.is_some_and(|n| n > most_bytes) {
        return Err(too_large(most_bytes));
    }
    imports.make_room(&principal.actor)?;
    let id = fresh_id()?;
    let scratch = Scratch(imports.folder.join(format!("{id}.{}", format.name())));
    let Counted { bytes, lines, sha256 } = written(request, &scratch.0, most_bytes).await?;
    let rows_guessed = match format {
        Format::Csv | Format::GeoJsonSeq => lines,
        _ => bytes / ROW_BYTES,
    };
    let upload = Arc::new(Upload {
        id,
        owner: principal.actor.clone(),
        scope: principal.scope.clone(),
        subject,
        file_name,
        format,
        scratch,
        bytes,
        rows_guessed: rows_guessed.max(1),
        sha256,
        state: Mutex::new(State { touched: Instant::now(), busy: false, reading, faults: None }),
    });
    imports.keep(upload.clone());
    Ok(upload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_cut_to_the_file_and_says_the_format() {
        for (name, kept, format) in [
            ("住户.csv", "住户.csv", Format::Csv),
            ("../../etc/cron.d/x.xlsx", "x.xlsx", Format::Xlsx),
            ("规则.toml", "规则.toml", Format::Toml),
            ("C:\\temp\\楼栋.ZIP", "楼栋.ZIP", Format::Shapefile),
            ("a\n|layername=b.gpkg", "alayername=b.gpkg", Format::GeoPackage),
        ] {
            assert_eq!(named(Some(name)).expect(name), (kept.to_owned(), format));
        }
        for bad in
            [None, Some(""), Some("x"), Some("x.exe"), Some("x.xls"), Some("x.parquet"), Some("x/.."), Some("x.csv/y")]
        {
            assert!(named(bad).is_err(), "{bad:?}");
        }
    }
}
