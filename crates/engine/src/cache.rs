//! Finished strips on disk, so that only what changed is rendered again.
//!
//! One file per strip, named by the hash of all that its audio before the fader depends on: moving a fader
//! leaves every file valid, changing one insert makes one of them useless. The samples are `f64` in slabs of
//! any size, interleaved, little endian; behind them stand the gain reductions. A file has its name only when
//! it is whole.

use crate::error::EngineError;
use crate::stream::Stream;
use audio::{Block, BlockRef, Frames};
use files::PendingFile;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Gain reductions per insert: its id and one reading per [`crate::READING_FRAMES`].
pub(crate) type Reductions = Vec<(String, Vec<f32>)>;

fn file_name(folder: &Path, hash: &str) -> PathBuf {
    folder.join(format!("{hash}.strip"))
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> EngineError + '_ {
    move |source| EngineError::Io { path: path.to_path_buf(), source }
}

/// A strip found in the cache.
pub(crate) struct Hit {
    reader: BufReader<File>,
    path: PathBuf,
    channels: usize,
    frames_left: Frames,
    bytes: Vec<u8>,
    pub(crate) reductions: Reductions,
}

/// Looks for a strip; a file that is not as it should be counts as none.
pub(crate) fn find(folder: &Path, hash: &str, channels: usize, frames: Frames) -> Option<Hit> {
    let path = file_name(folder, hash);
    let mut file = File::open(&path).ok()?;
    let samples = (channels * frames * 8) as u64;
    let length = file.metadata().ok()?.len();
    let trailer = length.checked_sub(samples)?;
    file.seek(SeekFrom::Start(samples)).ok()?;
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(trailer).read_to_end(&mut bytes).ok()?;
    let reductions = read_reductions(&bytes)?;
    file.seek(SeekFrom::Start(0)).ok()?;
    let reader = BufReader::with_capacity(1 << 16, file);
    Some(Hit { reader, path, channels, frames_left: frames, bytes: Vec::new(), reductions })
}

impl Stream for Hit {
    fn read(&mut self, block: &mut Block) -> Result<(), EngineError> {
        let frames = block.frames().min(self.frames_left);
        self.bytes.resize(frames * self.channels * 8, 0);
        self.reader.read_exact(&mut self.bytes).map_err(io(&self.path))?;
        self.frames_left -= frames;
        let rest = block.frames() - frames;
        for (channel, target) in block.range_mut(0, frames).iter_mut().enumerate() {
            let samples = self.bytes.chunks_exact(8).skip(channel).step_by(self.channels);
            for (sample, bytes) in target.iter_mut().zip(samples) {
                *sample = f64::from_le_bytes(bytes.try_into().expect("eight bytes"));
            }
        }
        block.range_mut(frames, rest).clear();
        Ok(())
    }
}

/// Writes a strip into the cache while it is rendered.
pub(crate) struct Keeper {
    writer: BufWriter<PendingFile>,
    path: PathBuf,
}

impl Keeper {
    pub(crate) fn new(folder: &Path, hash: &str) -> Result<Keeper, EngineError> {
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let path = file_name(folder, hash);
        let file = PendingFile::create(&path)?;
        Ok(Keeper { writer: BufWriter::with_capacity(1 << 16, file), path })
    }

    pub(crate) fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        for n in 0..block.frames() {
            for channel in block.iter() {
                self.writer.write_all(&channel[n].to_le_bytes()).map_err(io(&self.path))?;
            }
        }
        Ok(())
    }

    /// Completes the file and gives it its name.
    pub(crate) fn finish(mut self, reductions: &Reductions) -> Result<(), EngineError> {
        let path = self.path;
        for (id, values) in reductions {
            let mut bytes = (id.len() as u32).to_le_bytes().to_vec();
            bytes.extend_from_slice(id.as_bytes());
            bytes.extend_from_slice(&(values.len() as u32).to_le_bytes());
            values.iter().for_each(|v| bytes.extend_from_slice(&v.to_le_bytes()));
            self.writer.write_all(&bytes).map_err(io(&path))?;
        }
        let file = self.writer.into_inner().map_err(|e| io(&path)(e.into_error()))?;
        // After a loss of power a file that had not reached the disk is shorter than its name says: it counts as none.
        Ok(file.commit_unsynced()?)
    }
}

fn read_reductions(mut bytes: &[u8]) -> Option<Reductions> {
    fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
        let (head, rest) = bytes.split_at_checked(count)?;
        *bytes = rest;
        Some(head)
    }
    fn number(bytes: &mut &[u8]) -> Option<usize> {
        Some(u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?) as usize)
    }
    let mut reductions = Vec::new();
    while !bytes.is_empty() {
        let length = number(&mut bytes)?;
        let id = String::from_utf8(take(&mut bytes, length)?.to_vec()).ok()?;
        let count = number(&mut bytes)?;
        let values = take(&mut bytes, count.checked_mul(4)?)?;
        let values = values.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes")));
        reductions.push((id, values.collect()));
    }
    Some(reductions)
}

/// Removes every strip that is not among `hashes`. What cannot be removed is left: it only takes room.
pub(crate) fn prune(folder: &Path, hashes: &[&str]) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = path.extension().is_some_and(|e| e == "strip");
        let kept = path.file_stem().and_then(|s| s.to_str()).is_some_and(|stem| hashes.contains(&stem));
        if ours && !kept {
            let _ = std::fs::remove_file(path);
        }
    }
}
