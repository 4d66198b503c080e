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

/// Writes `bytes` to a temporary file beside `path`, forces them to disk and renames it into place.
///
/// # Errors
/// Whatever the file system says; the old file, if any, is then untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder_of(path))?;
    file.write_all(bytes)?;
    put(file, path)
}
