//! Files that are whole or absent: written under another name, then renamed.
//!
//! Whatever is unfinished stands under a hidden name, `.tonmeister-XXXXXX.part`, and its writer holds the system's
//! advisory lock on it, which ends with the writer's process, however that ends. So [`sweep`] can tell what nobody will
//! finish from what somebody is writing at this moment, without guessing from names, ages or process numbers.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use crate::error::FileError;

/// What the names of unfinished files begin and end with.
const PREFIX: &str = ".tonmeister-";
const SUFFIX: &str = ".part";

/// A file being written: it stands beside its target under a hidden name, and vanishes when dropped.
#[derive(Debug)]
pub struct PendingFile {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl PendingFile {
    /// Starts a file that will replace `target`.
    ///
    /// # Errors
    /// [`FileError::Io`] when the folder does not exist or the disk refuses: what is to be written is no missing input.
    pub fn create(target: &Path) -> Result<PendingFile, FileError> {
        let refused = |source| FileError::Io { path: target.to_owned(), action: "create it", source };
        let temporary = locked_in(folder_of(target)).map_err(refused)?;
        Ok(PendingFile { temporary, target: target.to_owned() })
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Where it will stand.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Writes everything out to the disk and gives the file its name: after that it is whole there even when the power
    /// fails.
    ///
    /// # Errors
    /// [`FileError::Io`] when the disk refuses; what stood under the name is then untouched.
    pub fn commit(self) -> Result<(), FileError> {
        self.temporary.as_file().sync_all().map_err(|e| self.refused("write it out", e))?;
        let target = self.target.clone();
        self.commit_unsynced()?;
        // The name is in the folder only once the folder is written out. Some file systems cannot sync a
        // folder; the file itself is safe by then.
        if let Ok(folder) = File::open(folder_of(&target)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// Gives the file its name, and leaves it to the system when it reaches the disk: for what can be made again.
    ///
    /// # Errors
    /// As [`PendingFile::commit`].
    pub fn commit_unsynced(self) -> Result<(), FileError> {
        let PendingFile { temporary, target } = self;
        let refused = |e: tempfile::PersistError| FileError::Io {
            path: target.clone(),
            action: "give it its name",
            source: e.error,
        };
        temporary.persist(&target).map_err(refused)?;
        Ok(())
    }

    /// A folder that vanished meanwhile is no missing input.
    fn refused(&self, action: &'static str, source: io::Error) -> FileError {
        FileError::Io { path: self.target.clone(), action, source }
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}

/// A hidden folder for files that are made, looked at and then moved out; it vanishes with what is in it when dropped.
#[derive(Debug)]
pub struct Workshop {
    folder: TempDir,
    /// Held as long as there is work.
    _lock: Option<File>,
}

impl Workshop {
    /// Makes one in `parent`, on the same disk as what it is for.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create_in(parent: &Path) -> io::Result<Workshop> {
        loop {
            let folder = named(&mut tempfile::Builder::new()).tempdir_in(parent)?;
            let lock = match File::open(folder.path()) {
                Ok(lock) => Some(lock),
                // Somebody has swept it away before it had its lock.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // Not every system can open a folder; there it is never swept either.
                Err(_) => None,
            };
            if lock.as_ref().is_none_or(|lock| lock.lock().is_err()) || folder.path().exists() {
                return Ok(Workshop { folder, _lock: lock });
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn named<'a>(
    builder: &'a mut tempfile::Builder<'static, 'static>,
) -> &'a mut tempfile::Builder<'static, 'static> {
    builder.prefix(PREFIX).suffix(SUFFIX)
}

/// A hidden file in `folder`, with its lock.
fn locked_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    // Temporary files are private by default; a finished one has the permissions any new file would have.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let temporary = named(&mut builder).tempfile_in(folder)?;
        // A file system without locks is worked on without them. Between its making and its lock somebody may have
        // swept the file away: then there is another.
        if temporary.as_file().lock().is_err() || temporary.path().exists() {
            return Ok(temporary);
        }
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
    pending.write_all(bytes).map_err(|e| FileError::io(path.as_ref(), "write to it", e))?;
    pending.commit()
}

/// Removes what programs that were killed have left unfinished in one folder (not in the folders in it), and gives the
/// number of such files. What a living program is writing stays, and so does everything that has another name; what
/// cannot be removed is left.
pub fn sweep(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_ours(&entry.file_name()))
        .filter(|entry| remove_if_nobodys(&entry.path()))
        .count()
}

fn is_ours(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
        && name.as_encoded_bytes().ends_with(SUFFIX.as_bytes())
}

fn remove_if_nobodys(path: &Path) -> bool {
    // A link is not followed, and nothing is opened that could block.
    let Ok(kind) = fs::symlink_metadata(path) else { return false };
    if !kind.is_file() && !kind.is_dir() {
        return false;
    }
    let Ok(file) = File::open(path) else { return false };
    match file.try_lock() {
        // Removed while the lock is held, so that whoever has just made it sees that it is gone.
        Ok(()) if kind.is_dir() => fs::remove_dir_all(path).is_ok(),
        Ok(()) => fs::remove_file(path).is_ok(),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(error.to_string().contains("none/session.toml: cannot create it"), "{error}");
    }

    /// The file was there when it was begun: that its folder is gone now is no missing input.
    #[cfg(unix)]
    #[test]
    fn a_folder_that_vanishes_meanwhile_is_a_failure_of_writing() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("out");
        fs::create_dir(&inner).unwrap();
        let pending = PendingFile::create(&inner.join("mix.wav")).unwrap();
        fs::remove_dir_all(&inner).unwrap();
        let error = pending.commit().unwrap_err();
        assert!(matches!(error, FileError::Io { action: "give it its name", .. }), "{error}");
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

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_what_nobody_is_writing_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // As a killed program leaves them: no lock is left of it.
        fs::write(at(".tonmeister-dead01.part"), b"half").unwrap();
        fs::create_dir(at(".tonmeister-dead02.part")).unwrap();
        fs::write(at(".tonmeister-dead02.part").join("file.wav"), b"half").unwrap();
        // Not ours.
        for name in ["song.part", ".other.part", ".tonmeister-notes.txt", "tonmeister-x.part"] {
            fs::write(at(name), b"theirs").unwrap();
        }
        let mut living = PendingFile::create(&at("mix.wav")).unwrap();
        living.write_all(b"whole").unwrap();
        let workshop = Workshop::create_in(folder.path()).unwrap();
        assert_eq!(sweep(folder.path()), 2);
        assert!(workshop.path().is_dir());
        living.commit().unwrap();
        drop(workshop);
        assert_eq!(
            names(folder.path()),
            [".other.part", ".tonmeister-notes.txt", "mix.wav", "song.part", "tonmeister-x.part"]
        );
        assert_eq!(sweep(folder.path()), 0);
        assert_eq!(sweep(&at("nowhere")), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_with_such_a_name_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join("song.wav"), b"music").unwrap();
        std::os::unix::fs::symlink(other.path(), folder.path().join(".tonmeister-evil00.part")).unwrap();
        assert_eq!(sweep(folder.path()), 0);
        assert_eq!(names(other.path()), ["song.wav"]);
    }

    /// Somebody sweeps all the time while others write: no file is lost, and no folder in which they work.
    #[test]
    fn sweeping_while_others_write_takes_nothing_from_them() {
        struct Done<'a>(&'a std::sync::atomic::AtomicBool);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    sweep(folder.path());
                }
            });
            // Also when something below fails.
            let _done = Done(&done);
            for n in 0..600 {
                let path = folder.path().join(format!("{}.wav", n % 200));
                let mut pending = PendingFile::create(&path).unwrap();
                pending.write_all(b"music").unwrap();
                pending.commit_unsynced().unwrap();
                let workshop = Workshop::create_in(folder.path()).unwrap();
                std::thread::yield_now();
                fs::write(workshop.path().join("work"), b"half").unwrap();
            }
        });
        assert_eq!(names(folder.path()).len(), 200);
    }
}
