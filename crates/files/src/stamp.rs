//! Whether a file is still the one that it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::FileError;

/// What tells a file from what becomes of it: its length and the time it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// Of a file as it is now.
    ///
    /// # Errors
    /// [`FileError::NotFound`], or [`FileError::Io`] when it cannot be looked at.
    pub fn of(path: impl AsRef<Path>) -> Result<Stamp, FileError> {
        let path = path.as_ref();
        let there = fs::metadata(path).map_err(|e| FileError::io(path, "look at it", e))?;
        Ok(Stamp { path: path.to_owned(), bytes: there.len(), modified: there.modified().ok() })
    }

    /// Nothing, as long as the file is the one that it was.
    ///
    /// # Errors
    /// [`FileError::Changed`] when it has vanished, or is another or another's content.
    pub fn check(&self) -> Result<(), FileError> {
        let how = match Stamp::of(&self.path) {
            Ok(now) if now == *self => return Ok(()),
            Ok(now) if now.bytes != self.bytes => {
                format!("was {} bytes long and is {} now", self.bytes, now.bytes)
            }
            Ok(_) => "was written to".into(),
            Err(FileError::NotFound { .. }) => "has vanished".into(),
            Err(error) => return Err(error),
        };
        Err(FileError::Changed { path: self.path.clone(), how })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_a_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vox.wav");
        fs::write(&path, b"12345678").unwrap();
        let stamp = Stamp::of(&path).unwrap();
        stamp.check().unwrap();
        // Reading is no change.
        fs::read(&path).unwrap();
        stamp.check().unwrap();
        fs::write(&path, b"1234").unwrap();
        let error = stamp.check().unwrap_err().to_string();
        assert!(error.contains("vox.wav") && error.contains("8 bytes long and is 4 now"), "{error}");
        fs::write(&path, b"87654321").unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        assert!(stamp.check().unwrap_err().to_string().contains("was written to"));
        fs::remove_file(&path).unwrap();
        assert!(stamp.check().unwrap_err().to_string().contains("has vanished"));
        assert!(matches!(Stamp::of(&path), Err(FileError::NotFound { .. })));
    }
}
