//! Room on the disk, looked for before the work: an hour of rendering must not end at a full disk.

use crate::{Context, Project, WorkflowError};
use assistant::Recording;
use std::collections::BTreeMap;
use std::path::Path;

/// Beyond what was reckoned: reports, measurements, and what others write meanwhile.
const RESERVE: f64 = 1.1;

/// Bytes of a sample of what is rendered from the mix.
const RENDERED: u64 = 4;

/// Bytes of a sample while mastering: the chain as it was rendered, the master, and its copy with lower peaks.
const MASTERING: u64 = 3 * 8;

/// Bytes of a sample of a delivered file: 32 bits at most.
const DELIVERED: u64 = 4;

/// Bytes of a sample of a strip that is kept: the new one is written before the old one goes.
const KEPT: u64 = 2 * 8;

/// Strips that a mix has besides its tracks: buses and returns.
const GROUPS: u64 = 12;

/// What is to be written from a song's recordings.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub(crate) premaster: bool,
    pub(crate) stems: bool,
    pub(crate) tracks: bool,
    /// The master, and files for so many targets.
    pub(crate) masters: u64,
}

/// How large a song is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Length in frames at the rate that most recordings have.
    frames: u64,
    tracks: u64,
    /// Channels of all recordings together.
    channels: u64,
}

impl Size {
    pub(crate) fn of(recordings: &[Recording]) -> Size {
        let mut rates: BTreeMap<u32, usize> = BTreeMap::new();
        recordings.iter().for_each(|r| *rates.entry(r.sample_rate_hz).or_default() += 1);
        let rate = rates.into_iter().max_by_key(|&(rate, count)| (count, rate)).map_or(0, |(rate, _)| rate);
        let longest_s = recordings.iter().map(|r| r.duration_s).fold(0.0, f64::max);
        Size {
            frames: (longest_s * f64::from(rate)).ceil() as u64,
            tracks: recordings.len() as u64,
            channels: recordings.iter().map(|r| r.channels as u64).sum(),
        }
    }

    /// Bytes of everything that is wanted, at the moment when most of it is there.
    fn outputs(self, wanted: Wanted) -> u64 {
        let stereo = 2 * self.frames;
        let mut bytes = 0;
        bytes += if wanted.premaster { stereo * RENDERED } else { 0 };
        bytes += if wanted.stems { GROUPS * stereo * RENDERED } else { 0 };
        bytes += if wanted.tracks { self.tracks * stereo * RENDERED } else { 0 };
        if wanted.masters > 0 {
            bytes += mastering(self.frames, 2) + (wanted.masters - 1) * stereo * DELIVERED;
        }
        bytes
    }

    /// Bytes of the strips that are kept for the next render.
    fn kept(self) -> u64 {
        self.frames * (self.channels + 2 * GROUPS) * KEPT
    }
}

/// Bytes that mastering a file takes, its result included.
pub(crate) fn mastering(frames: u64, channels: u64) -> u64 {
    frames * channels * (MASTERING + DELIVERED)
}

/// Bytes of one rendered file.
pub(crate) fn rendered(frames: u64, channels: u64) -> u64 {
    frames * channels * RENDERED
}

impl Project {
    /// The project as it fits on its disk: without keeping finished tracks where there is only room for what is wanted.
    ///
    /// # Errors
    /// [`WorkflowError::NoSpace`] when not even that fits.
    pub(crate) fn fitting(
        &self,
        size: Size,
        wanted: Wanted,
        context: &Context,
    ) -> Result<Project, WorkflowError> {
        let outputs = size.outputs(wanted);
        ensure(&self.home, outputs)?;
        let cramped =
            !self.uncached && free(&self.home).is_some_and(|free| with_reserve(outputs + size.kept()) > free);
        if cramped && !self.untouched {
            context.listener.note(&format!(
                "{}: too little room to keep finished tracks for the next render ({}); this one is not slowed down by it, \
                 the next one is",
                self.home.display(),
                words(with_reserve(size.kept()))
            ));
        }
        Ok(Project { uncached: self.uncached || cramped, ..self.clone() })
    }
}

/// An error when a folder's disk has less room than `bytes` and a tenth.
pub(crate) fn ensure(folder: &Path, bytes: u64) -> Result<(), WorkflowError> {
    let needed = with_reserve(bytes);
    match free(folder) {
        Some(free) if needed > free => Err(WorkflowError::NoSpace {
            folder: folder.to_path_buf(),
            needed: words(needed),
            free: words(free),
        }),
        _ => Ok(()),
    }
}

fn free(folder: &Path) -> Option<u64> {
    files::free_space(folder)
}

fn with_reserve(bytes: u64) -> u64 {
    (bytes as f64 * RESERVE) as u64
}

/// Bytes for people, in powers of ten as disks are sold.
fn words(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(sample_rate_hz: u32, channels: usize, duration_s: f64) -> Recording {
        Recording {
            path: "a.wav".into(),
            sample_rate_hz,
            channels,
            duration_s,
            depth: String::new(),
            notes: Vec::new(),
            time_reference_frames: None,
        }
    }

    #[test]
    fn a_song_takes_what_its_files_will() {
        // One voice at another rate is converted.
        let size =
            Size::of(&[recording(48_000, 2, 100.0), recording(48_000, 1, 90.0), recording(96_000, 1, 50.0)]);
        assert_eq!(size, Size { frames: 4_800_000, tracks: 3, channels: 4 });
        let premaster = Wanted { premaster: true, ..Wanted::default() };
        assert_eq!(size.outputs(premaster), 4_800_000 * 2 * 4);
        // A float chain, the float master, its copy, and the files.
        let all = Wanted { masters: 2, ..premaster };
        assert_eq!(size.outputs(all) - size.outputs(premaster), 4_800_000 * 2 * (8 + 8 + 8 + 4 + 4));
        // Four channels of tracks, and twelve groups of two.
        assert_eq!(size.kept(), 4_800_000 * (4 + 24) * 16);
        assert_eq!(Size::of(&[]).outputs(all), 0);
    }

    #[test]
    fn what_is_needed_and_what_is_there_are_told() {
        let folder = tempfile::tempdir().unwrap();
        ensure(folder.path(), 1_000).unwrap();
        ensure(&folder.path().join("not/made/yet"), 1_000).unwrap();
        if files::free_space(folder.path()).is_some() {
            let error = ensure(folder.path(), 1 << 60).unwrap_err();
            let said = error.to_string();
            assert!(
                said.contains("needs about 12682") && said.contains("GB and ") && said.contains("-o"),
                "{said}"
            );
            assert_eq!(error.failure().code(), 1);
        }
        assert_eq!([words(12_345), words(12_345_678), words(12_345_678_900)], ["12 kB", "12 MB", "12.3 GB"]);
    }
}
