//! Where results go: a file whose ending says its format, or `-`, which is standard output. Looked at before any work.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::domain::io_words::{words_of_reading, words_of_writing};
use crate::exchange;

use super::args::OutputArgs;
use super::commands::Failure;
use super::console;

/// Endings of what a register hands out: profiles come as TOML too.
pub(super) const EXPORTS: &[&str] = &[
    ".csv",
    ".geojson",
    ".json",
    ".geojsonl",
    ".geojsons",
    ".geojsonseq",
    ".ndjson",
    ".gpkg",
    ".fgb",
    ".kml",
    ".xlsx",
    ".zip",
    ".parquet",
    ".geoparquet",
    ".toml",
];
/// Endings of files of places: all of those but the last.
pub(super) const MAPS: &[&str] = match EXPORTS.split_last() {
    Some((_, maps)) => maps,
    None => &[],
};
/// Endings of tables.
pub(super) const TABLES: &[&str] = &[".csv", ".xlsx"];

/// Whether a path is standard output.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses a place that cannot be written, or an ending (lower case, with its dot) that the command does not write; any ending goes where
/// none is named. For `-`, what is said goes to standard error from now on.
///
/// # Errors
/// Usage (2) for an ending, a second `-` or a folder; bad input (3) where the folder is not there.
pub(super) fn check(flag: &str, path: &Path, endings: &[&str]) -> Result<(), Failure> {
    if is_standard(path) {
        return match console::keep_for_data() {
            true => Ok(()),
            false => Err(Failure::usage(format!(
                "{flag} -：标准输出只能写一个结果，其余请写文件名\n{flag} -: standard output takes one result; name a file for the others"
            ))),
        };
    }
    check_ending(flag, path, endings, true)?;
    check_place(flag, path)
}

/// The same for what must have a name: `-` is refused.
///
/// # Errors
/// As [`check`].
pub(super) fn check_file(flag: &str, path: &Path, endings: &[&str]) -> Result<(), Failure> {
    check_ending(flag, path, endings, false)?;
    check_place(flag, path)
}

fn check_ending(flag: &str, path: &Path, endings: &[&str], standard: bool) -> Result<(), Failure> {
    let name = path.display();
    let lower = path.to_string_lossy().to_lowercase();
    if endings.is_empty() || endings.iter().any(|e| lower.ends_with(e)) {
        return Ok(());
    }
    let (or, or_english) = if standard { ("，或 -（标准输出）", ", or - (standard output)") } else { ("", "") };
    Err(Failure::usage(format!(
        "{flag} {name}：不写这种文件；可用 {0}{or}\n{flag} {name}: no such file is written; use {1}{or_english}",
        endings.join("、"),
        endings.join(", ")
    )))
}

/// Refuses a place that cannot be written, whatever its ending.
fn check_place(flag: &str, path: &Path) -> Result<(), Failure> {
    let name = path.display();
    if path.is_dir() {
        return Err(Failure::usage(format!(
            "{flag} {name}：这是文件夹，请写出文件名\n{flag} {name}: this is a folder; name a file in it"
        )));
    }
    match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => Err(unwritable(path, &ErrorKind::NotFound.into())),
        _ => Ok(()),
    }
}

/// Looks at the files of one format each that units and grids write: only an ending that promises another format is refused.
///
/// # Errors
/// As [`check`]; usage (2) where two go into one file.
pub(super) fn check_all(out: &OutputArgs) -> Result<(), Failure> {
    let files: [(&str, _, &[&str]); 3] = [
        ("--labels", &out.labels, &[]),
        ("--geojson", &out.geojson, &[".geojson", ".json"]),
        ("--report", &out.report, &[".json"]),
    ];
    for (flag, path, endings) in files {
        if let Some(path) = path {
            check(flag, path, if path.extension().is_some() { endings } else { &[] })?;
        }
    }
    let places: Vec<(&Path, PathBuf)> = files
        .iter()
        .filter_map(|f| f.1.as_deref())
        .filter(|path| !is_stream(path))
        .filter_map(|path| Some((path, place_of(path)?)))
        .collect();
    let twice = places.iter().enumerate().find(|(i, f)| places.iter().skip(i + 1).any(|g| f.1 == g.1));
    match twice {
        None => Ok(()),
        Some((_, (path, _))) => Err(Failure::usage(format!(
            "{0}：两种结果不能写入同一个文件\n{0}: two results cannot go into one file",
            path.display()
        ))),
    }
}

/// Where a file is or will be, however its path is written.
fn place_of(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

/// A file that the system did not let us write.
pub(super) fn unwritable(path: &Path, e: &std::io::Error) -> Failure {
    let (words, name) = (words_of_writing(e), path.display());
    Failure::input(format!("{name}：无法写入：{}\n{name}: cannot be written: {}", words.chinese, words.english))
}

/// A file that the system did not let us read.
pub(super) fn unreadable(path: &Path, e: &std::io::Error) -> Failure {
    let (words, name) = (words_of_reading(e), path.display());
    Failure::input(format!("{name}：无法读取：{}\n{name}: cannot be read: {}", words.chinese, words.english))
}

/// Whether a path takes bytes one after the other, and cannot be replaced by a file: standard output, a device, a pipe.
fn is_stream(path: &Path) -> bool {
    is_standard(path) || std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// Writes a result, whole or not at all.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if is_standard(path) {
        let mut bytes = bytes;
        return console::give(&mut bytes).map_err(|e| unwritable(path, &e));
    }
    // A device or a pipe is written to, and not replaced by a file.
    let written = if is_stream(path) { std::fs::write(path, bytes) } else { exchange::write_whole(path, bytes) };
    written.map_err(|e| unwritable(path, &e))
}

/// Writes several results: files all or none, then what goes to standard output, a device or a pipe.
///
/// # Errors
/// What cannot be written; no file is then new or changed, unless it was the renaming itself that failed.
pub(super) fn put_all(results: &[(&Path, &[u8])]) -> Result<(), Failure> {
    let (streams, files): (Vec<_>, Vec<_>) = results.iter().copied().partition(|(path, _)| is_stream(path));
    exchange::write_all_whole(&files).map_err(|(path, e)| unwritable(path, &e))?;
    streams.iter().try_for_each(|(path, bytes)| put(path, bytes))
}
