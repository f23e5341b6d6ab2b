//! The session file on disk.

use crate::{Document, SessionError};
use std::io::Write;
use std::path::Path;

/// Reads a session file.
pub fn load(file: &Path) -> Result<Document, SessionError> {
    text_of(file)?.parse()
}

/// The text of a file.
pub(crate) fn text_of(file: &Path) -> Result<String, SessionError> {
    let failed = |source| SessionError::File { file: file.into(), action: "read", source };
    let bytes = std::fs::read(file).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|error| SessionError::NotText {
        file: file.into(),
        offset: error.utf8_error().valid_up_to(),
    })?;
    // Some editors on Windows put this mark in front.
    Ok(text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text))
}

/// Writes a file at once or not at all: into a temporary file in the same folder, which reaches the disk
/// before it takes the old one's name. The old one's permissions stay.
pub fn save(file: &Path, text: &str) -> Result<(), SessionError> {
    write(file, text).map_err(|source| SessionError::File { file: file.into(), action: "write", source })
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    // A link stays a link: what it points to is replaced.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut temporary = temporary_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    if let Ok(old) = std::fs::metadata(&file) {
        temporary.as_file().set_permissions(old.permissions())?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(&file).map_err(|error| error.error)?;
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// A hidden file with the system's lock on it, by which `files::sweep` knows that somebody is writing it: the name and
/// the lock are its rule.
fn temporary_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tonmeister-").suffix(".part");
    // A temporary file is for its owner alone, unless told to be as any new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let temporary = builder.tempfile_in(folder)?;
        // It may have been swept away before it had its lock; a file system without locks is worked on without.
        if temporary.as_file().lock().is_err() || temporary.path().exists() {
            return Ok(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session.toml");
        for text in ["version = 1\n", "version = 1 # again\n"] {
            save(&file, text).unwrap();
            assert_eq!(load(&file).unwrap().to_string(), text);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn failures_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("nowhere/session.toml");
        assert!(load(&missing).unwrap_err().to_string().contains("nowhere"));
        assert!(save(&missing, "").unwrap_err().to_string().contains("cannot write"));
        let file = folder.path().join("latin.toml");
        std::fs::write(&file, b"a = '\xe9'").unwrap();
        assert!(matches!(load(&file), Err(SessionError::NotText { offset: 5, .. })));
        std::fs::write(&file, "\u{feff}version = 1\n").unwrap();
        assert_eq!(load(&file).unwrap().to_string(), "version = 1\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_permissions_survive() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&file, &link).unwrap();
        save(&link, "version = 1\n").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "version = 1\n");
    }
}
