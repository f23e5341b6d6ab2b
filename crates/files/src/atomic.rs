//! Files that are whole or absent: written under another name, then renamed.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::FileError;

/// A file being written: it stands beside its target under a hidden name, and vanishes when dropped.
#[derive(Debug)]
pub(crate) struct PendingFile {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl PendingFile {
    /// Starts a file that will replace `target`. The folder must exist.
    pub(crate) fn create(target: &Path) -> Result<PendingFile, FileError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".").suffix(".part");
        // Temporary files are private by default; a finished one has the permissions any new file would have.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary =
            builder.tempfile_in(folder_of(target)).map_err(|e| FileError::io(target, "create it", e))?;
        Ok(PendingFile { temporary, target: target.to_owned() })
    }

    /// The open file.
    pub(crate) fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Where it will stand.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Writes everything out and gives the file its name.
    pub(crate) fn commit(self) -> Result<(), FileError> {
        let PendingFile { temporary, target } = self;
        temporary.as_file().sync_all().map_err(|e| FileError::io(&target, "write it out", e))?;
        temporary.persist(&target).map_err(|e| FileError::io(&target, "give it its name", e.error))?;
        // The name is in the folder only once the folder is written out. Some file systems cannot sync a
        // folder; the file itself is safe by then.
        if let Ok(folder) = File::open(folder_of(&target)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes `bytes` to `path`, replacing what stood there, so that at every moment either the old or the new
/// content is there whole.
///
/// # Errors
/// When the folder does not exist or the disk refuses; the old content is then untouched.
pub fn atomic_write(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), FileError> {
    let mut pending = PendingFile::create(path.as_ref())?;
    pending.file().write_all(bytes).map_err(|e| FileError::io(path.as_ref(), "write to it", e))?;
    pending.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_new_content_replaces_the_old_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.toml");
        atomic_write(&path, b"old").unwrap();
        atomic_write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_unfinished_file_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.toml");
        atomic_write(&path, b"old").unwrap();
        let mut pending = PendingFile::create(&path).unwrap();
        pending.file().write_all(b"half").unwrap();
        drop(pending);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = atomic_write(folder.path().join("none/session.toml"), b"x").unwrap_err();
        assert!(matches!(error, FileError::NotFound { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_a_finished_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, b"x").unwrap();
        let ours = folder.path().join("ours");
        atomic_write(&ours, b"x").unwrap();
        let mode = |p| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&ours), mode(&plain));
    }
}
