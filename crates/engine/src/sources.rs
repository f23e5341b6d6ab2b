//! The audio that a plan's tracks play: files, or buffers in memory.

use crate::error::EngineError;
use crate::plan::{Node, Source};
use crate::stream::{Memory, Placed, Stream};
use audio::{Block, Buffer, Frames};
use dsp::ImpulseResponse;
use dsp::blocks::resample::{Resampler, resample, resampled_frames};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One recording.
#[derive(Debug, Clone)]
pub enum Audio {
    /// Channels x frames in memory.
    Memory {
        /// The samples.
        buffer: Arc<Buffer>,
        /// Their rate, in hertz.
        sample_rate_hz: u32,
    },
    /// One file, or the left and the right file of a split pair.
    Files {
        /// The files, each of which gives its channels in order.
        paths: Vec<PathBuf>,
        /// Rate of the files, in hertz.
        sample_rate_hz: u32,
        /// Channels of all files together.
        channels: usize,
        /// Length of the longest file.
        frames: Frames,
        /// Hash of the files' bytes, for the cache.
        hash: String,
        /// What the files were when they were hashed, in the same order.
        stamps: Vec<files::Stamp>,
    },
}

impl Audio {
    /// Looks into one file, or the two files of a split pair, and hashes them.
    pub fn open(paths: &[PathBuf]) -> Result<Audio, EngineError> {
        let stamps = paths.iter().map(files::Stamp::of).collect::<Result<Vec<_>, _>>()?;
        let (mut rates, mut channels, mut frames, mut hash) = (Vec::new(), 0, 0, blake3::Hasher::new());
        for path in paths {
            let info = files::probe(path)?;
            rates.push(info.sample_rate_hz);
            channels += info.channels;
            frames = frames.max(info.frames as Frames);
            hash.update(files::audio_hash(path)?.as_bytes());
        }
        if let [left, right] = paths
            && rates[0] != rates[1]
        {
            let why = format!("{} Hz and {} Hz", rates[0], rates[1]);
            return Err(EngineError::Pair { left: left.clone(), right: right.clone(), why });
        }
        let sample_rate_hz = rates.first().copied().unwrap_or(48_000);
        let hash = hash.finalize().to_hex().to_string();
        let audio = Audio::Files { paths: paths.to_vec(), sample_rate_hz, channels, frames, hash, stamps };
        audio.unchanged()?;
        Ok(audio)
    }

    /// An error when a file is no longer the one that was opened.
    fn unchanged(&self) -> Result<(), EngineError> {
        if let Audio::Files { stamps, .. } = self {
            stamps.iter().try_for_each(files::Stamp::check)?;
        }
        Ok(())
    }

    /// Files that are open while it is read.
    fn open_files(&self) -> usize {
        match self {
            Audio::Files { paths, .. } => paths.len(),
            Audio::Memory { .. } => 0,
        }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        match self {
            Audio::Memory { buffer, .. } => buffer.channels(),
            Audio::Files { channels, .. } => *channels,
        }
    }

    /// The recording's own rate, in hertz.
    pub fn sample_rate_hz(&self) -> u32 {
        match self {
            Audio::Memory { sample_rate_hz, .. } | Audio::Files { sample_rate_hz, .. } => *sample_rate_hz,
        }
    }

    /// Length once converted to `rate_hz`.
    pub fn frames_at(&self, rate_hz: u32) -> Frames {
        let frames = match self {
            Audio::Memory { buffer, .. } => buffer.frames(),
            Audio::Files { frames, .. } => *frames,
        };
        resampled_frames(frames, self.sample_rate_hz(), rate_hz)
    }

    /// Tells recordings apart by content.
    pub fn hash(&self) -> String {
        match self {
            Audio::Files { hash, .. } => hash.clone(),
            Audio::Memory { buffer, sample_rate_hz } => {
                let mut hash = blake3::Hasher::new();
                hash.update(&sample_rate_hz.to_le_bytes());
                for channel in buffer.as_block().iter() {
                    hash.update(&(channel.len() as u64).to_le_bytes());
                    channel.iter().for_each(|s| {
                        hash.update(&s.to_le_bytes());
                    });
                }
                hash.finalize().to_hex().to_string()
            }
        }
    }

    fn stream(&self, rate_hz: u32) -> Result<Box<dyn Stream>, EngineError> {
        match self {
            Audio::Memory { buffer, sample_rate_hz } if *sample_rate_hz == rate_hz => {
                Ok(Box::new(Memory::new(buffer.clone())))
            }
            Audio::Memory { buffer, sample_rate_hz } => {
                Ok(Box::new(Memory::new(Arc::new(resample(buffer, *sample_rate_hz, rate_hz)))))
            }
            Audio::Files { paths, sample_rate_hz, channels, .. } => {
                let files = FileStream::open(paths)?;
                if *sample_rate_hz == rate_hz {
                    return Ok(Box::new(files));
                }
                Ok(Box::new(Converted::new(files, *sample_rate_hz, rate_hz, *channels)))
            }
        }
    }
}

/// The longest impulse response that is read, in seconds: the longest measured reverberation (the oil tanks of
/// Inchindown, T. Cox 2014) lasts less.
const LONGEST_RESPONSE_S: f64 = 120.0;

/// All recordings of a session: of tracks by their id, impulse responses by the name the session gives them.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    audio: BTreeMap<String, Audio>,
    responses: BTreeMap<PathBuf, Arc<ImpulseResponse>>,
}

impl Sources {
    /// Adds or replaces the recording of a track.
    pub fn insert(&mut self, track: impl Into<String>, audio: Audio) {
        self.audio.insert(track.into(), audio);
    }

    /// The recording of a track.
    pub fn get(&self, track: &str) -> Option<&Audio> {
        self.audio.get(track)
    }

    /// An error when a recording is no longer the one that was opened: what was made of it is worth nothing then.
    pub fn unchanged(&self) -> Result<(), EngineError> {
        self.audio.values().try_for_each(Audio::unchanged)
    }

    /// Files that are open while all recordings are read.
    pub fn open_files(&self) -> usize {
        self.audio.values().map(Audio::open_files).sum()
    }

    /// Adds or replaces an impulse response under the name that the session gives it.
    pub fn insert_response(&mut self, name: impl Into<PathBuf>, response: Arc<ImpulseResponse>) {
        self.responses.insert(name.into(), response);
    }

    /// The impulse response of this name.
    pub fn response(&self, name: &Path) -> Option<&Arc<ImpulseResponse>> {
        self.responses.get(name)
    }

    /// Opens a track's audio where the plan puts it.
    pub(crate) fn place(&self, source: &Source, node: &Node, rate_hz: u32) -> Result<Placed, EngineError> {
        let missing = || EngineError::NoSource { track: source.name.clone() };
        let audio = self.audio.get(&source.name).ok_or_else(missing)?;
        let stream = audio.stream(rate_hz)?;
        Ok(Placed::new(stream, audio.channels(), node.arrival as i64 + source.start, source.fraction))
    }
}

/// Reads an impulse response whole: 1, 2 or 4 channels, at most two minutes.
pub fn read_response(path: &Path) -> Result<ImpulseResponse, EngineError> {
    let unfit = |why: String| EngineError::Response { path: path.to_path_buf(), why };
    let mut reader = files::open(path)?;
    let info = reader.info();
    let (channels, rate) = (info.channels, info.sample_rate_hz);
    if ![1, 2, 4].contains(&channels) {
        return Err(unfit(format!(
            "it has {channels} channels; one, two (stereo) or four (true stereo) are understood"
        )));
    }
    let longest = (LONGEST_RESPONSE_S * f64::from(rate)) as Frames;
    let mut planes = vec![Vec::new(); channels];
    let mut piece = Buffer::new(channels, 4096);
    loop {
        let frames = reader.read(&mut piece.as_block_mut())?;
        if frames == 0 {
            break;
        }
        for (c, plane) in planes.iter_mut().enumerate() {
            plane.extend_from_slice(&piece.channel(c)[..frames]);
        }
        if planes[0].len() > longest {
            return Err(unfit(format!(
                "it is longer than {LONGEST_RESPONSE_S} s; cut it to the space's own length"
            )));
        }
    }
    if planes.iter().flatten().all(|&sample| sample == 0.0) {
        return Err(unfit("it holds nothing but silence".into()));
    }
    Ok(ImpulseResponse { audio: Buffer::from_channels(&planes), sample_rate_hz: f64::from(rate) })
}

/// Files read one after another frame by frame, their channels side by side.
struct FileStream {
    readers: Vec<(files::Reader, usize)>,
}

impl FileStream {
    fn open(paths: &[PathBuf]) -> Result<FileStream, EngineError> {
        let open = |path: &PathBuf| {
            let reader = files::open(path)?;
            let channels = reader.info().channels;
            Ok((reader, channels))
        };
        Ok(FileStream { readers: paths.iter().map(open).collect::<Result<_, EngineError>>()? })
    }

    /// Fills `block` as far as the longest file goes and gives the frames that were there.
    fn fill(&mut self, block: &mut Block) -> Result<Frames, EngineError> {
        let mut longest = 0;
        let mut first = 0;
        let whole = block.channels();
        for (reader, channels) in &mut self.readers {
            let frames = if *channels == whole {
                fill_from(reader, block)?
            } else {
                let mut part = Buffer::new(*channels, block.frames());
                let frames = fill_from(reader, &mut part.as_block_mut())?;
                for c in 0..*channels {
                    block.channel_mut(first + c).copy_from_slice(part.channel(c));
                }
                frames
            };
            first += *channels;
            longest = longest.max(frames);
        }
        Ok(longest)
    }
}

/// Reads until the block is full or the file ends; what is left becomes silence.
fn fill_from(reader: &mut files::Reader, block: &mut Block) -> Result<Frames, EngineError> {
    let mut done = 0;
    while done < block.frames() {
        let left = block.frames() - done;
        let frames = reader.read(&mut block.range_mut(done, left))?;
        if frames == 0 {
            block.range_mut(done, left).clear();
            break;
        }
        done += frames;
    }
    Ok(done)
}

impl Stream for FileStream {
    fn read(&mut self, block: &mut Block) -> Result<(), EngineError> {
        self.fill(block).map(|_| ())
    }
}

/// A file at another rate.
struct Converted {
    files: FileStream,
    resampler: Resampler,
    input: Buffer,
    /// Converted frames that have not been given out yet, per channel.
    ready: Vec<Vec<f64>>,
    taken: Frames,
    ended: bool,
}

impl Converted {
    fn new(files: FileStream, from_hz: u32, to_hz: u32, channels: usize) -> Converted {
        Converted {
            files,
            resampler: Resampler::new(from_hz, to_hz, channels),
            input: Buffer::new(channels, 4096),
            ready: vec![Vec::new(); channels],
            taken: 0,
            ended: false,
        }
    }

    fn refill(&mut self) -> Result<(), EngineError> {
        for plane in &mut self.ready {
            plane.drain(..self.taken);
        }
        self.taken = 0;
        let frames = self.files.fill(&mut self.input.as_block_mut())?;
        self.resampler.push(&self.input.range(0, frames), &mut self.ready);
        if frames < self.input.frames() {
            self.resampler.finish(&mut self.ready);
            self.ended = true;
        }
        Ok(())
    }
}

impl Stream for Converted {
    fn read(&mut self, block: &mut Block) -> Result<(), EngineError> {
        let mut done = 0;
        while done < block.frames() {
            let there = self.ready[0].len() - self.taken;
            if there == 0 && self.ended {
                let left = block.frames() - done;
                block.range_mut(done, left).clear();
                return Ok(());
            }
            if there == 0 {
                self.refill()?;
                continue;
            }
            let frames = there.min(block.frames() - done);
            for (target, plane) in block.range_mut(done, frames).iter_mut().zip(&self.ready) {
                target.copy_from_slice(&plane[self.taken..self.taken + frames]);
            }
            self.taken += frames;
            done += frames;
        }
        Ok(())
    }
}
