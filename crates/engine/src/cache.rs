//! Finished strips on disk, so that only what changed is rendered again.
//!
//! One file per strip, named by the hash of all that its audio before the fader depends on and by the lengths of song
//! and tail: moving the fader of a track leaves its file valid and makes those useless that hear it, changing one insert makes
//! one more useless. What no one needs but strips that are here need not be read, nor even be there. The samples are `f64` in
//! slabs of any size, interleaved, little endian; behind them stand the gain reductions. A file has its name only when
//! it is whole. Only the strips of the last plan stay: what is kept never takes more than one render of each of them.

use crate::error::EngineError;
use crate::plan::{Node, Plan};
use crate::stream::Stream;
use crate::taken::Taken;
use audio::{Block, BlockRef, Frames};
use files::PendingFile;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Gain reductions per insert, with its id.
pub(crate) type Reductions = Vec<(String, Taken)>;

/// Begins the gain reductions; a file of another make counts as none.
const REDUCTIONS_MARK: &[u8; 8] = b"taken  2";

/// What the file of a node is called, without its extension.
fn stem(plan: &Plan, node: &Node) -> String {
    format!("{}-{}+{}", node.hash, plan.song_frames, plan.tail_frames)
}

fn file_of(folder: &Path, plan: &Plan, place: usize) -> PathBuf {
    folder.join(format!("{}.strip", stem(plan, &plan.nodes[place])))
}

/// Whether a strip is worth its room on the disk: it takes work to make, and is not itself what is asked for.
pub(crate) fn is_worth_keeping(plan: &Plan, place: usize) -> bool {
    let node = &plan.nodes[place];
    !node.chain.is_empty() && (node.source.is_some() || place + 1 < plan.nodes.len())
}

/// The strips of a plan that lie in the cache, each with all it hears: only then is known what the inserts before it did.
pub(crate) fn find_all(folder: Option<&Path>, plan: &Plan) -> Vec<Option<Hit>> {
    let mut hits: Vec<Option<Hit>> = Vec::with_capacity(plan.nodes.len());
    let mut known = Vec::with_capacity(plan.nodes.len());
    for place in 0..plan.nodes.len() {
        let inputs_known = plan.heard_by(place).all(|edge| known[edge.from]);
        let worth = is_worth_keeping(plan, place);
        let hit = folder.filter(|_| worth && inputs_known).and_then(|folder| find(folder, plan, place));
        known.push(inputs_known && (plan.nodes[place].chain.is_empty() || hit.is_some()));
        hits.push(hit);
    }
    hits
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
fn find(folder: &Path, plan: &Plan, place: usize) -> Option<Hit> {
    let (channels, frames) = (plan.nodes[place].channels, plan.frames());
    let path = file_of(folder, plan, place);
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
    bytes: Vec<u8>,
}

impl Keeper {
    pub(crate) fn new(folder: &Path, plan: &Plan, place: usize) -> Result<Keeper, EngineError> {
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let path = file_of(folder, plan, place);
        let file = PendingFile::create(&path)?;
        Ok(Keeper { writer: BufWriter::with_capacity(1 << 16, file), path, bytes: Vec::new() })
    }

    pub(crate) fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        let channels = block.channels();
        self.bytes.resize(block.frames() * channels * 8, 0);
        for (channel, samples) in block.iter().enumerate() {
            let places = self.bytes.chunks_exact_mut(8).skip(channel).step_by(channels);
            places.zip(samples).for_each(|(bytes, sample)| bytes.copy_from_slice(&sample.to_le_bytes()));
        }
        self.writer.write_all(&self.bytes).map_err(io(&self.path))
    }

    /// Completes the file and gives it its name.
    pub(crate) fn finish(mut self, reductions: &Reductions) -> Result<(), EngineError> {
        let path = self.path;
        self.writer.write_all(&bytes_of(reductions)).map_err(io(&path))?;
        let file = self.writer.into_inner().map_err(|e| io(&path)(e.into_error()))?;
        // After a loss of power a file that had not reached the disk is shorter than its name says: it counts as none.
        Ok(file.commit_unsynced()?)
    }
}

fn bytes_of(reductions: &Reductions) -> Vec<u8> {
    let mut bytes = REDUCTIONS_MARK.to_vec();
    let number = |bytes: &mut Vec<u8>, number: usize| bytes.extend((number as u64).to_le_bytes());
    for (id, taken) in reductions {
        number(&mut bytes, id.len());
        bytes.extend_from_slice(id.as_bytes());
        number(&mut bytes, taken.step_frames);
        bytes.extend(taken.mean_db.to_le_bytes());
        bytes.extend(taken.p95_db.to_le_bytes());
        number(&mut bytes, taken.deepest_db.len());
        taken.deepest_db.iter().for_each(|db| bytes.extend(db.to_le_bytes()));
    }
    bytes
}

fn read_reductions(bytes: &[u8]) -> Option<Reductions> {
    fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
        let (head, rest) = bytes.split_at_checked(count)?;
        *bytes = rest;
        Some(head)
    }
    fn eight(bytes: &mut &[u8]) -> Option<[u8; 8]> {
        take(bytes, 8)?.try_into().ok()
    }
    fn number(bytes: &mut &[u8]) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(eight(bytes)?)).ok()
    }
    let mut bytes = bytes.strip_prefix(REDUCTIONS_MARK)?;
    let mut reductions = Vec::new();
    while !bytes.is_empty() {
        let length = number(&mut bytes)?;
        let id = String::from_utf8(take(&mut bytes, length)?.to_vec()).ok()?;
        let step_frames = number(&mut bytes)?;
        let mean_db = f64::from_le_bytes(eight(&mut bytes)?);
        let p95_db = f64::from_le_bytes(eight(&mut bytes)?);
        let count = number(&mut bytes)?;
        let values = take(&mut bytes, count.checked_mul(4)?)?;
        let values = values.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes")));
        reductions.push((id, Taken { step_frames, deepest_db: values.collect(), mean_db, p95_db }));
    }
    Some(reductions)
}

/// Removes every strip that is not of this plan. What cannot be removed is left: it only takes room.
pub(crate) fn prune(folder: &Path, plan: &Plan) {
    let stems: Vec<String> = plan.nodes.iter().map(|node| stem(plan, node)).collect();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = path.extension().is_some_and(|e| e == "strip");
        let kept =
            path.file_stem().and_then(|s| s.to_str()).is_some_and(|stem| stems.iter().any(|s| s == stem));
        if ours && !kept {
            let _ = std::fs::remove_file(path);
        }
    }
}
