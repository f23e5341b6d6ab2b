//! What the operating system has left for us: room on the disk, and files that may be open.
//!
//! Where the system cannot be asked there is no answer, and nobody is kept from working.

use std::path::Path;

/// Bytes that may still be written to the file system of `path`, which need not exist: the nearest folder above it
/// that does is asked.
#[cfg(unix)]
pub fn free_space(path: impl AsRef<Path>) -> Option<u64> {
    let absolute = std::path::absolute(path).ok()?;
    let there = absolute.ancestors().find(|p| p.is_dir())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    // File systems that keep no count of blocks give zero for all of them, such as some network drives.
    (disk.f_blocks > 0).then(|| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// As on Unix; not known here.
#[cfg(not(unix))]
pub fn free_space(_: impl AsRef<Path>) -> Option<u64> {
    None
}

/// How many files this program may have open at a time; none where there is no limit.
#[cfg(unix)]
pub fn open_files_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// As on Unix; not known here.
#[cfg(not(unix))]
pub fn open_files_limit() -> Option<u64> {
    None
}

/// The most that is asked for: macOS refuses more.
#[cfg(unix)]
const ENOUGH_FILES: u64 = 10_240;

/// Lets this program open as many files as it may: many systems begin with 256 or 1024, which a large song needs
/// more of.
pub fn raise_open_files_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.unwrap_or(ENOUGH_FILES).min(ENOUGH_FILES);
        if limit.current.is_some_and(|current| current < wanted) {
            // A system that refuses leaves the limit as it was.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn room_is_known_also_for_what_does_not_exist_yet() {
        let folder = tempfile::tempdir().unwrap();
        let here = free_space(folder.path()).expect("a disk with a size");
        let below = free_space(folder.path().join("not/there/yet.wav")).expect("the same disk");
        // Others write to this disk while the test runs.
        assert!(here.abs_diff(below) < here / 10 + (1 << 30), "{here} and {below}");
    }

    #[test]
    fn raising_the_limit_never_lowers_it() {
        let before = open_files_limit();
        raise_open_files_limit();
        let after = open_files_limit();
        assert!(after.is_none() || after >= before, "{before:?} to {after:?}");
    }
}
