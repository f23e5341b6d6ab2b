//! One run at a time in a song's folder.
//!
//! The lock is the system's advisory lock on `.tonmeister/lock`. It ends with the process that holds it, however that
//! ends, so nobody has to guess whether it is stale; what the file says is only for people. It is removed when the work
//! is done: one that is found without its lock was left by a run that was killed.

use crate::{Context, Listener, WorkflowError};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The work of one run in a project; others are kept out until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    /// The open file with the lock on it; none where the disk knows no locks.
    _file: Option<File>,
    path: PathBuf,
    /// Folders that were made for it, the outermost first; those still empty at the end go again.
    made: Vec<PathBuf>,
}

/// Waits for whoever holds a lock, and tells nobody.
struct Patient;

impl Listener for Patient {
    fn stage(&self, _: &str, _: Option<f64>) {}
    fn progress(&self, _: f64) {}
    fn note(&self, _: &str) {}
    fn waits_for(&self, _: &str) -> bool {
        true
    }
}

/// Between two tries to take a lock that somebody holds.
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

impl Held {
    /// Takes the lock of the project that stands in `home` and keeps its state in `state`. Where the disk knows no locks that
    /// is told, and nobody is kept out.
    ///
    /// # Errors
    /// [`WorkflowError::Busy`] when another run has it; when the folder cannot be written to.
    pub(crate) fn take(home: &Path, state: &Path, context: &Context) -> Result<Held, WorkflowError> {
        Held::take_at(state.join("lock"), home, context)
    }

    fn take_at(path: PathBuf, home: &Path, context: &Context) -> Result<Held, WorkflowError> {
        let (mut held, got) = Held::wait(path, home, context)?;
        match got {
            Ok(Some(file)) => held._file = Some(file.tell(context)?),
            Ok(None) => context.listener.note(&format!(
                "{}: this disk knows no locks; see to it that nothing else works in this folder",
                home.display()
            )),
            Err(error) => {
                held.let_be();
                return Err(error);
            }
        }
        Ok(held)
    }

    /// Takes a lock that nobody has for longer than a moment: for what several runs write to in turns. It is waited for,
    /// and nobody is told.
    ///
    /// # Errors
    /// When the folder cannot be written to, or the user wants to stop.
    pub(crate) fn briefly(folder: &Path, context: &Context) -> Result<Held, WorkflowError> {
        let path = folder.join(".tonmeister.lock");
        Held::take_at(path, folder, &Context { listener: &Patient, ..*context })
    }

    /// Tries to take the lock; where somebody holds it, as often as whoever listens wants to wait.
    fn wait(
        path: PathBuf,
        home: &Path,
        context: &Context,
    ) -> Result<(Held, Result<Option<Locked>, WorkflowError>), WorkflowError> {
        let mut waits = false;
        loop {
            // Whoever held it takes the folders away that it made.
            let made: Vec<PathBuf> = path
                .ancestors()
                .skip(1)
                .filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
                .map(Path::to_path_buf)
                .collect();
            let held = Held { _file: None, path: path.clone(), made: made.into_iter().rev().collect() };
            match locked(&held.path, home) {
                Err(WorkflowError::Busy { folder, holder }) => {
                    waits = waits || context.listener.waits_for(&holder);
                    if !waits {
                        let busy = WorkflowError::Busy { folder, holder };
                        return Ok((held, Err(busy)));
                    }
                }
                got => return Ok((held, got)),
            }
            held.let_be();
            context.check()?;
            std::thread::sleep(BETWEEN_TRIES);
        }
    }

    /// The lock is somebody else's, and not ours to remove.
    fn let_be(mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // While the lock is still held, so that it is never somebody else's file.
        let _ = std::fs::remove_file(&self.path);
        for folder in self.made.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holder {
    process: u32,
    /// Seconds since 1970, by the clock of the machine.
    begun_s: u64,
}

impl Holder {
    fn this_process() -> Holder {
        Holder { process: std::process::id(), begun_s: now_s() }
    }

    fn text(self) -> String {
        format!("process = {}\nbegun_s = {}\n", self.process, self.begun_s)
    }

    fn read(text: &str) -> Option<Holder> {
        let value = |key: &str| {
            text.lines().filter_map(|line| line.split_once(" = ")).find(|(k, _)| *k == key).map(|(_, v)| v)
        };
        Some(Holder { process: value("process")?.parse().ok()?, begun_s: value("begun_s")?.parse().ok()? })
    }

    /// In words; the time only where the clock makes sense of it.
    fn words(self, now_s: u64) -> String {
        let ago = match now_s.checked_sub(self.begun_s) {
            Some(s @ 0..120) => format!(", begun {s} s ago"),
            Some(s @ 120..7_200) => format!(", begun {} min ago", s / 60),
            Some(s @ 7_200..864_000) => format!(", begun {} h ago", s / 3_600),
            _ => String::new(),
        };
        format!("process {}{ago}", self.process)
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A file with the lock on it.
struct Locked {
    file: File,
    path: PathBuf,
    /// Who was cut off while holding it.
    left_by: Option<Holder>,
}

/// Takes the lock; nothing where the disk knows none.
fn locked(path: &Path, home: &Path) -> Result<Option<Locked>, WorkflowError> {
    let folder = path.parent().unwrap_or(home);
    loop {
        // A folder that cannot be written to is told now, not after minutes of listening.
        std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = match opened {
            Ok(file) => file,
            // Whoever made the folder is done in this moment, and has taken it away.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(WorkflowError::io(path, "create the lock")(error)),
        };
        let got = file.try_lock();
        let mut text = String::new();
        // Some systems do not let others read what is locked.
        let _ = Read::by_ref(&mut file).take(1024).read_to_string(&mut text);
        let holder = Holder::read(&text);
        match got {
            // Whoever held it may have removed the file since it was opened here.
            Ok(()) if is_still_there(&file, path) => {
                return Ok(Some(Locked { file, path: path.to_path_buf(), left_by: holder }));
            }
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(WorkflowError::Busy {
                    folder: home.to_path_buf(),
                    holder: holder.map_or("another process".into(), |h| h.words(now_s())),
                });
            }
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

impl Locked {
    /// Writes who holds it, and tells whom it was taken over from.
    fn tell(mut self, context: &Context) -> Result<File, WorkflowError> {
        if let Some(holder) = self.left_by {
            context.listener.note(&format!(
                "taking over from {}, which was cut off before it was done",
                holder.words(now_s())
            ));
        }
        let text = Holder::this_process().text();
        let written = self
            .file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(text.as_bytes()));
        written.map_err(WorkflowError::io(&self.path, "write to it"))?;
        Ok(self.file)
    }
}

#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// An open file cannot be taken away here.
#[cfg(not(unix))]
fn is_still_there(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_makes_no_nonsense() {
        let holder = Holder { process: 7, begun_s: 1_000 };
        assert_eq!(Holder::read(&holder.text()), Some(holder));
        for (now, said) in [
            (1_003, "process 7, begun 3 s ago"),
            (1_600, "process 7, begun 10 min ago"),
            (11_000, "process 7, begun 2 h ago"),
            (0, "process 7"),
            (4_000_000_000, "process 7"),
        ] {
            assert_eq!(holder.words(now), said);
        }
        for text in ["", "process = x\nbegun_s = 1\n", "\0\0\0", "process = 1"] {
            assert_eq!(Holder::read(text), None, "{text:?}");
        }
    }
}
