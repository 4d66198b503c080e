//! Archives (XLSX, zipped Shapefile): looked through whole before anything in them is believed. Nothing is ever written to disk by a
//! name that stands in an archive.

use std::fs::File;
use std::io::{BufReader, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::exchange::error::ReadError;

use super::Request;

/// An archive that is within the caps.
pub(super) type Archive = ZipArchive<BufReader<File>>;

/// Opens the archive and checks entries, names and the bytes they truly unfold to.
///
/// # Errors
/// `too_many_entries`, `unsafe_name`, `encrypted`, `decompressed_too_large`, `corrupt_file`.
pub(super) fn checked(request: &Request) -> Result<(Archive, Vec<String>), ReadError> {
    let file = request.file.as_str();
    let packed = request.limits.checked_size(file)?;
    let mut archive = opened(request)?;
    if archive.len() > request.limits.entries {
        return Err(ReadError::limit(
            file,
            "too_many_entries",
            format!("压缩包内有 {} 个文件，上限 {}", archive.len(), request.limits.entries),
            format!("{} files in the archive; {} are the most", archive.len(), request.limits.entries),
        ));
    }
    let most = request.limits.unfolded_bytes(packed);
    let mut left = most;
    let mut names = Vec::with_capacity(archive.len());
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(|e| error_of(file, &e))?;
        names.push(safe_name(file, entry.name_raw(), entry.is_symlink())?);
        // Sizes in the directory may lie: the bytes themselves are counted.
        let unfolded = std::io::copy(&mut entry.by_ref().take(left.saturating_add(1)), &mut std::io::sink());
        let unfolded = unfolded.map_err(|e| ReadError::corrupt(file, e.to_string()))?;
        left = left.checked_sub(unfolded).ok_or_else(|| {
            ReadError::limit(
                file,
                "decompressed_too_large",
                format!("解压后超过 {} MiB（压缩包 {packed} 字节）", most >> 20),
                format!("unfolds to more than {} MiB (from {packed} bytes)", most >> 20),
            )
        })?;
    }
    Ok((archive, names))
}

pub(super) fn opened(request: &Request) -> Result<Archive, ReadError> {
    ZipArchive::new(BufReader::new(request.open()?)).map_err(|e| error_of(&request.file, &e))
}

pub(super) fn error_of(file: &str, e: &ZipError) -> ReadError {
    match e {
        ZipError::UnsupportedArchive(words) if words.to_lowercase().contains("password") => ReadError::limit(
            file,
            "encrypted",
            "压缩包已加密，请先解密".to_owned(),
            "the archive is encrypted; decrypt it first".to_owned(),
        ),
        other => ReadError::corrupt(file, other.to_string()),
    }
}

/// The name of an entry, refused where it would leave the folder it is unpacked to.
fn safe_name(file: &str, raw: &[u8], symlink: bool) -> Result<String, ReadError> {
    let name = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::GB18030.decode(raw).0.into_owned(),
    };
    let parts = || name.split(['/', '\\']);
    let climbs = parts().any(|p| p == "..");
    let rooted = name.starts_with(['/', '\\']) || parts().next().is_some_and(|p| p.contains(':'));
    if symlink || climbs || rooted || name.contains('\0') {
        let shown: String = name.chars().take(60).collect();
        return Err(ReadError::limit(
            file,
            "unsafe_name",
            format!("压缩包内的“{shown}”是链接或指向包外，已拒绝"),
            format!("\"{shown}\" in the archive is a link or points outside it; refused"),
        ));
    }
    Ok(name)
}
