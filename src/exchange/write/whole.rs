//! Files are written whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::WriteError;

/// A temporary file beside the place it will take.
pub(super) struct WholeFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl WholeFile {
    pub(super) fn create(path: &Path) -> Result<Self, WriteError> {
        let temporary = NamedTempFile::new_in(folder_of(path)).map_err(|e| WriteError::io(path, &e))?;
        Ok(Self { temporary, path: path.to_owned() })
    }

    /// The place it will take, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is now, for libraries that open files themselves.
    pub(super) fn temporary_path(&self) -> &Path {
        self.temporary.path()
    }

    /// The folder it is in.
    pub(super) fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    pub(super) fn file(&self) -> &File {
        self.temporary.as_file()
    }

    pub(super) fn error(&self, e: impl std::fmt::Display) -> WriteError {
        WriteError::of(&self.path, e)
    }

    /// Forces the file to disk and renames it into place.
    pub(super) fn commit(self) -> Result<(), WriteError> {
        let path = self.path;
        put(self.temporary, &path).map_err(|e| WriteError::io(&path, &e))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn put(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private; a result is for everybody who may read the folder.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// What the system says without the name of a temporary file, which means nothing to anyone.
fn plain(e: io::Error) -> io::Error {
    if e.raw_os_error().is_none() { e.kind().into() } else { e }
}

/// Writes several files, all or none: each to a temporary file beside its place, and only when all stand complete they are renamed.
///
/// # Errors
/// The first path that cannot be written, with what the file system says; no file is then new or changed, unless it was the renaming itself that failed.
pub fn write_all_whole<'a>(files: &[(&'a Path, &[u8])]) -> Result<(), (&'a Path, io::Error)> {
    let mut staged = Vec::with_capacity(files.len());
    for &(path, bytes) in files {
        let stage = || {
            if path.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let mut file = NamedTempFile::new_in(folder_of(path))?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        staged.push((path, stage().map_err(|e| (path, plain(e)))?));
    }
    staged.into_iter().try_for_each(|(path, file)| put(file, path).map_err(|e| (path, plain(e))))
}

/// Writes `bytes` to a temporary file beside `path`, forces them to disk and renames it into place.
///
/// # Errors
/// Whatever the file system says; the old file, if any, is then untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder_of(path))?;
    file.write_all(bytes)?;
    put(file, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_files_all_are_written_or_none() {
        let folder = tempfile::tempdir().expect("folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "old").expect("writable");
        std::fs::create_dir(at("folder")).expect("writable");
        let (a, b, missing, taken) = (at("a"), at("b"), at("no/such/c"), at("folder"));
        for bad in [&missing, &taken] {
            let (path, e) = write_all_whole(&[(&a, b"new"), (&b, b"new"), (bad, b"new")]).expect_err("not writable");
            assert_eq!(path, bad);
            assert!(!e.to_string().contains(".tmp"), "{e}");
            assert_eq!(std::fs::read_to_string(&a).expect("file"), "old");
            assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 2, "nothing is left over");
        }
        write_all_whole(&[(&a, b"new"), (&b, b"too")]).expect("written");
        assert_eq!((std::fs::read(&a).expect("a"), std::fs::read(&b).expect("b")), (b"new".to_vec(), b"too".to_vec()));
    }
}
