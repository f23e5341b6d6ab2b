//! Frames of a finished file written anew where they stand: for a working file in which a few places change.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use audio::BlockRef;

use super::{FileType, SampleFormat, WriteSpec, pack, wav};
use crate::error::FileError;
use crate::info::{Encoding, Format};
use crate::read::open;

/// A WAV file of 64-bit floating point as [`Writer`](super::Writer) leaves it, open for changes. Whoever reads it meanwhile may
/// read old samples or new ones.
#[derive(Debug)]
pub struct Patch {
    path: PathBuf,
    file: File,
    spec: WriteSpec,
    /// Byte of the first frame.
    start: u64,
    frames: u64,
    bytes: Vec<u8>,
}

impl Patch {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read or written to, or is no such file.
    pub fn open(path: impl AsRef<Path>) -> Result<Patch, FileError> {
        let path = path.as_ref();
        let info = open(path)?.info().clone();
        let spec = WriteSpec {
            file_type: FileType::Wav,
            sample_format: SampleFormat::Float64,
            sample_rate_hz: info.sample_rate_hz,
            channels: info.channels,
        };
        let failed = |e| FileError::io(path, "write to it", e);
        let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
        let frames = info.frames as u64;
        let start = wav::header(&spec, frames, u64::from(u32::MAX), 0).len() as u64;
        let length = start + frames * spec.frame_bytes() as u64;
        let ours = matches!(info.format, Format::Wav | Format::Rf64)
            && info.encoding == Encoding::Float { bits: 64 }
            && file.metadata().map_err(failed)?.len() == length;
        match ours {
            true => Ok(Patch { path: path.to_owned(), file, spec, start, frames, bytes: Vec::new() }),
            false => Err(FileError::unsupported(path, "is no WAV file of 64-bit floating point alone")),
        }
    }

    /// Replaces the frames from `first` on by a block (channels x frames).
    ///
    /// # Errors
    /// When the disk refuses.
    ///
    /// # Panics
    /// When the block has other channels than the file, or reaches beyond its end.
    pub fn write(&mut self, first: u64, block: &BlockRef) -> Result<(), FileError> {
        assert_eq!(block.channels(), self.spec.channels, "a block with the channels of the file");
        assert!(first + block.frames() as u64 <= self.frames, "frames of the file");
        pack::pack_floats(block, &self.spec, &mut self.bytes);
        let at = self.start + first * self.spec.frame_bytes() as u64;
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(&self.bytes));
        written.map_err(|e| FileError::io(&self.path, "write to it", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Writer;
    use audio::Buffer;

    fn read_all(path: &Path) -> Vec<Vec<f64>> {
        let mut reader = open(path).unwrap();
        let mut buffer = Buffer::new(reader.info().channels, reader.info().frames);
        assert_eq!(reader.read(&mut buffer.as_block_mut()).unwrap(), buffer.frames());
        (0..buffer.channels()).map(|c| buffer.channel(c).to_vec()).collect()
    }

    /// Finds a patch that lands a frame off, in the wrong channel, or changes more than it was given.
    #[test]
    fn frames_are_replaced_where_they_stand_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        for channels in 1..=3usize {
            let path = folder.path().join("work.wav");
            let spec = WriteSpec {
                file_type: FileType::Wav,
                sample_format: SampleFormat::Float64,
                sample_rate_hz: 44_100,
                channels,
            };
            let mut expected: Vec<Vec<f64>> = (0..channels)
                .map(|c| (0..1000).map(|n| 0.1 / f64::from(n + 1) + c as f64).collect())
                .collect();
            let mut writer = Writer::create(&path, spec).unwrap();
            writer.write_f64(&Buffer::from_channels(&expected).as_block()).unwrap();
            writer.finish().unwrap();
            let mut patch = Patch::open(&path).unwrap();
            for (first, frames) in [(0, 1), (437, 60), (999, 1), (990, 0)] {
                let new: Vec<Vec<f64>> = (0..channels)
                    .map(|c| (0..frames).map(|n| (n as f64 * 0.3).sin() - c as f64).collect())
                    .collect();
                patch.write(first as u64, &Buffer::from_channels(&new).as_block()).unwrap();
                for (all, new) in expected.iter_mut().zip(&new) {
                    all[first..first + frames].copy_from_slice(new);
                }
            }
            drop(patch);
            assert_eq!(read_all(&path), expected, "{channels} channels");
        }
    }

    /// Finds a patch that would write into a file of another form, or into what stands behind the samples.
    #[test]
    fn other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.wav");
        let write = |sample_format| {
            let spec =
                WriteSpec { file_type: FileType::Wav, sample_format, sample_rate_hz: 44_100, channels: 2 };
            let mut writer = Writer::create(&path, spec).unwrap();
            writer.write_f64(&Buffer::new(2, 100).as_block()).unwrap();
            writer.finish().unwrap();
        };
        write(SampleFormat::Float32);
        assert!(matches!(Patch::open(&path), Err(FileError::Unsupported { .. })));
        write(SampleFormat::Float64);
        assert!(Patch::open(&path).is_ok());
        let mut longer = std::fs::read(&path).unwrap();
        longer.extend(b"LIST\x04\0\0\0INFO");
        std::fs::write(&path, longer).unwrap();
        assert!(matches!(Patch::open(&path), Err(FileError::Unsupported { .. })));
    }
}
