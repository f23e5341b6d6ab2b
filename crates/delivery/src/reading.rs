//! A file as it stands on the disk: what it is, what it holds, what it measures.

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use audio::{Buffer, Frames, Layout, gain_to_db};
use files::{Encoding, Format, Info, Note, Tags};
use measure::{Analyser, Analysis, Facts, Options};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::edges::{Dropout, Edges};
use crate::error::DeliveryError;
use crate::finding::Severity;
use crate::grid::Grid;
use crate::pauses::Pauses;
use crate::targets::{Container, Depth};

/// Oversampling of the true peak of a file that is handed over. It under-reads by at most 0.009 dB at 0.45 of the
/// sample rate (ITU-R BS.1770-5, Annex 2).
const TRUE_PEAK_FACTOR: usize = 32;

/// Frames that are read at a time.
const BLOCK_FRAMES: Frames = 16_384;

/// Everything that is known about a file on the disk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// The file.
    #[serde(serialize_with = "shown_path")]
    pub path: PathBuf,
    /// SHA-256 of its bytes, as 64 hexadecimal digits.
    pub sha256: String,
    /// MD5 of the sound: every frame's samples as little-endian integers of the file's depth, which is what FLAC keeps in
    /// its header (RFC 9639 section 8.2). `None` for floating point, for what is coded with loss, and for what is written
    /// without being listed ([`Job::listed`](crate::Job::listed)).
    pub audio_md5: Option<String>,
    /// The format's name.
    pub format: String,
    /// The kind of file, where it is one that is delivered.
    pub container: Option<Container>,
    /// How samples are stored: "24-bit", "32-bit float", "FLAC 24-bit", "MP3".
    pub encoding: String,
    /// The depth, where it is one that is delivered.
    pub depth: Option<Depth>,
    /// Whether it is coded with loss.
    pub lossy: bool,
    /// Lowest and highest bits per second of what is coded with loss, in thousands: of the frames of an MP3, a mean of all
    /// others.
    pub bit_rates_kbps: Option<[u32; 2]>,
    /// Frames per second, in hertz.
    pub sample_rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
    /// Length in frames.
    pub frames: Frames,
    /// Length in seconds.
    pub duration_s: f64,
    /// Bits of the smallest grid on which every sample lies; see [`Grid::bits_used`].
    pub bits_used: u32,
    /// Silence before the first sound, in seconds. Dithered silence counts.
    pub leading_silence_s: f64,
    /// Silence after the last sound, in seconds.
    pub trailing_silence_s: f64,
    /// Rest before the first sound, in seconds: room tone below -50 dBFS RMS counts. `None` where all of it is rest.
    pub pause_start_s: Option<f64>,
    /// The same after the last sound.
    pub pause_end_s: Option<f64>,
    /// Whether nothing sounds at all.
    pub silent: bool,
    /// Highest sample of the first frame, in dBFS; `None` for zero.
    pub first_frame_dbfs: Option<f64>,
    /// Peak right at the end, in dBFS, where sound is cut off there; `None` where it has faded.
    pub cut_end_dbfs: Option<f64>,
    /// How many dropouts there are.
    pub dropout_count: usize,
    /// The first dropouts in order of time.
    pub dropouts: Vec<Dropout>,
    /// What the reader of the file mended or doubts.
    pub remarks: Vec<Remark>,
    /// What the file says about itself; nothing where its kind is not tagged here.
    #[serde(skip)]
    pub tags: Tags,
    /// The readings of all meters; the true peak at 32 times oversampling.
    pub facts: Facts,
    /// What the meters found besides: the course of the loudness, the image against time.
    #[serde(skip)]
    pub analysis: Analysis,
}

/// Something the reader of a file mended or doubts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Remark {
    /// How bad it is in a file that is handed over.
    pub severity: Severity,
    /// One plain sentence.
    pub text: String,
}

/// How closely a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// What was just written: everything but clicks, which are its source's.
    Written,
    /// What comes from somewhere else.
    Strange,
}

/// Reads a whole file and measures it, in bounded memory.
///
/// # Errors
/// When the file cannot be read or measured.
pub fn read_back(path: impl AsRef<Path>) -> Result<Reading, DeliveryError> {
    read_observed(path.as_ref(), Look::Written, &mut |_| ControlFlow::Continue(()))
}

/// As [`read_back`]; `observe` is told the share that is done and may end the work.
pub(crate) fn read_observed(
    path: &Path,
    look: Look,
    observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Reading, DeliveryError> {
    let (reading, _) = read_sound(path, look, observe)?;
    Ok(Reading { sha256: sha256(path)?, ..reading })
}

/// As [`read_observed`], without the checksum of the bytes: for a file whose bytes are not its last ones yet. Besides what
/// [`sound_of`] says of it.
pub(crate) fn read_sound(
    path: &Path,
    look: Look,
    observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<(Reading, Option<blake3::Hash>), DeliveryError> {
    let stamp = files::Stamp::of(path)?;
    let mut reader = files::open(path)?;
    let info = reader.info();
    let layout = Layout::from_mask(info.channels, info.channel_mask);
    let expected = info.frames.max(1);
    let mut hearing = Hearing::new(path, f64::from(info.sample_rate_hz), layout, look)?;
    hearing.integers = Integers::of(info.encoding);
    hearing.md5 = hearing.integers.as_ref().map(|_| md5::Md5::new());
    let mut buffer = Buffer::new(layout.channels(), BLOCK_FRAMES);
    let mut frames = 0;
    loop {
        let read = reader.read(&mut buffer.as_block_mut())?;
        if read == 0 {
            break;
        }
        hearing.push(&buffer.range(0, read));
        frames += read;
        if observe(frames as f64 / expected as f64).is_break() {
            return Err(DeliveryError::Cancelled);
        }
    }
    stamp.check()?;
    let heard = hearing.finish();
    let sound = heard.sound;
    Ok((heard.reading(path, reader.info(), look)?, sound))
}

/// Listens to the samples of a file, as it is read or as it is written.
pub(crate) struct Hearing {
    sample_rate_hz: f64,
    layout: Layout,
    analyser: Analyser,
    grid: Grid,
    integers: Option<Integers>,
    md5: Option<md5::Md5>,
    sound: blake3::Hasher,
    edges: Edges,
    pauses: Pauses,
    frames: Frames,
}

impl Hearing {
    /// For the samples of a file at a rate in hertz.
    fn new(path: &Path, sample_rate_hz: f64, layout: Layout, look: Look) -> Result<Hearing, DeliveryError> {
        let options = Options {
            true_peak_factor: TRUE_PEAK_FACTOR,
            spectrum: true,
            pitch: false,
            clicks: look == Look::Strange,
            music: false,
            lean: true,
            ..Options::default()
        };
        let channels = layout.channels();
        Ok(Hearing {
            sample_rate_hz,
            layout,
            analyser: Analyser::new(sample_rate_hz, layout, options)
                .map_err(|source| DeliveryError::Measure { path: path.to_owned(), source })?,
            grid: Grid::new(),
            integers: None,
            md5: None,
            sound: blake3::Hasher::new(),
            edges: Edges::new(channels, sample_rate_hz),
            pauses: Pauses::new(channels, sample_rate_hz),
            frames: 0,
        })
    }

    /// For integers of so many bits that are about to be written, with their MD5 where that is asked for. `None` of more
    /// channels than two, whose places the file may tell otherwise.
    pub(crate) fn of_written(
        path: &Path,
        sample_rate_hz: u32,
        (channels, bits): (usize, u32),
        md5: bool,
    ) -> Result<Option<Hearing>, DeliveryError> {
        if !(1..=2).contains(&channels) {
            return Ok(None);
        }
        let layout = Layout::from_channels(channels);
        let mut hearing = Hearing::new(path, f64::from(sample_rate_hz), layout, Look::Written)?;
        hearing.integers = Some(Integers { bits, bytes: Vec::new() });
        hearing.md5 = md5.then(md5::Md5::new);
        Ok(Some(hearing))
    }

    /// Takes the next block (channels x any number of frames).
    pub(crate) fn push(&mut self, block: &audio::BlockRef) {
        if let Some(integers) = &mut self.integers {
            let bytes = integers.bytes_of(block);
            self.md5.iter_mut().for_each(|md5| md5.update(bytes));
            self.sound.update(bytes);
        }
        self.measure(block);
    }

    /// The same of samples that are these integers, one slice a channel.
    pub(crate) fn push_integers(&mut self, block: &audio::BlockRef, planes: &[&[i32]]) {
        if let Some(integers) = &mut self.integers {
            let bytes = integers.interleaved(planes, |n| *n);
            self.md5.iter_mut().for_each(|md5| md5.update(bytes));
            self.sound.update(bytes);
        }
        self.measure(block);
    }

    fn measure(&mut self, block: &audio::BlockRef) {
        self.analyser.push(block);
        self.grid.push(block);
        self.edges.push(block);
        self.pauses.push(block);
        self.frames += block.frames();
    }

    /// What was heard.
    pub(crate) fn finish(self) -> Heard {
        Heard {
            sample_rate_hz: self.sample_rate_hz,
            layout: self.layout,
            analysis: self.analyser.finish(),
            grid: self.grid,
            audio_md5: self.md5.map(|md5| hexadecimal(&md5.finalize())),
            sound: self.integers.map(|_| self.sound.finalize()),
            edges: self.edges,
            pauses: self.pauses,
            frames: self.frames,
        }
    }
}

/// What was heard of the samples of a file.
pub(crate) struct Heard {
    sample_rate_hz: f64,
    layout: Layout,
    analysis: Analysis,
    grid: Grid,
    audio_md5: Option<String>,
    /// What [`sound_of`] says of them.
    sound: Option<blake3::Hash>,
    edges: Edges,
    pauses: Pauses,
    frames: Frames,
}

impl Heard {
    /// The readings of all meters.
    pub(crate) fn facts(&self) -> &Facts {
        &self.analysis.facts
    }

    /// Of a file that says this of itself.
    fn reading(self, path: &Path, info: &Info, look: Look) -> Result<Reading, DeliveryError> {
        let Heard { sample_rate_hz, layout, analysis, grid, audio_md5, edges, pauses, frames, .. } = self;
        let (dropout_count, dropouts) = edges.dropouts();
        let pause_s = pauses.frames().map(|(start, end)| [start, end].map(|n| n as f64 / sample_rate_hz));
        let duration_s = frames as f64 / sample_rate_hz;
        Ok(Reading {
            path: path.to_owned(),
            sha256: String::new(),
            audio_md5,
            format: info.format.name().to_owned(),
            container: container(info.format, info.encoding),
            encoding: info.encoding.describe(),
            depth: depth(info.encoding),
            lossy: info.encoding.is_lossy(),
            bit_rates_kbps: if info.encoding.is_lossy() {
                bit_rates(path, info.format, duration_s)?
            } else {
                None
            },
            sample_rate_hz: info.sample_rate_hz,
            channels: layout.channels(),
            frames,
            duration_s,
            bits_used: grid.bits_used(),
            leading_silence_s: edges.leading_frames() as f64 / sample_rate_hz,
            trailing_silence_s: edges.trailing_frames() as f64 / sample_rate_hz,
            pause_start_s: pause_s.map(|[start, _]| start),
            pause_end_s: pause_s.map(|[_, end]| end),
            silent: edges.is_silent(),
            first_frame_dbfs: Some(edges.first_level()).filter(|level| *level > 0.0).map(gain_to_db),
            cut_end_dbfs: edges.cut_end().map(gain_to_db),
            dropout_count,
            dropouts,
            remarks: info.notes.iter().map(remark).collect(),
            tags: tags_of(path, look)?,
            facts: analysis.facts.clone(),
            analysis,
        })
    }

    /// Reads a file back that was heard while it was written: its readings, once it is sure that it holds those samples and
    /// no others.
    pub(crate) fn read_back(
        self,
        path: &Path,
        observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Reading, DeliveryError> {
        let stamp = files::Stamp::of(path)?;
        let (info, sound, sha256) = match hashed_as_it_lies(path, observe)? {
            Some((info, sound, sha256)) => (info, Some(sound), sha256),
            None => {
                let (info, sound) = hashed(path, observe)?;
                (info, sound, sha256(path)?)
            }
        };
        stamp.check()?;
        let same = sound.is_some() && sound == self.sound && info.channels == self.layout.channels();
        if !same {
            let what = "its samples are not those that were written".to_owned();
            return Err(DeliveryError::ReadBack { path: path.to_owned(), what });
        }
        Ok(Reading { sha256, ..self.reading(path, &info, Look::Written)? })
    }
}

/// Lowest and highest bit rate in kbit/s; where the frames do not say, that of all bytes in all the time.
fn bit_rates(path: &Path, format: Format, duration_s: f64) -> Result<Option<[u32; 2]>, DeliveryError> {
    if format == Format::Mpeg {
        return Ok(files::mpeg_bit_rates_kbps(path)?.map(|(low, high)| [low, high]));
    }
    let bytes = std::fs::metadata(path).map_err(|e| DeliveryError::io(path, "look at it", e))?.len();
    let mean = (bytes as f64 * 8e-3 / duration_s).round();
    Ok(mean.is_finite().then_some([mean as u32; 2]))
}

/// What a file says about itself, its loudness of `bext` before that of other tags. What was just written is not asked.
fn tags_of(path: &Path, look: Look) -> Result<Tags, DeliveryError> {
    if look == Look::Written {
        return Ok(Tags::default());
    }
    // Kinds of file that are not tagged here say nothing.
    let Ok(mut tags) = files::read_tags(path) else { return Ok(Tags::default()) };
    if let Some(said) = files::read_broadcast_loudness(path).ok().flatten() {
        let loudness = &mut tags.loudness;
        loudness.track_lufs = said.track_lufs.or(loudness.track_lufs);
        loudness.track_peak_dbtp = said.track_peak_dbtp.or(loudness.track_peak_dbtp);
    }
    Ok(tags)
}

fn container(format: Format, encoding: Encoding) -> Option<Container> {
    match (format, encoding) {
        (Format::Wav | Format::Rf64 | Format::Bw64, _) => Some(Container::Wav),
        (Format::Flac, _) => Some(Container::Flac),
        (Format::Aiff | Format::Aifc, _) => Some(Container::Aiff),
        (Format::Mp4, Encoding::Lossless { codec: "ALAC", .. }) => Some(Container::Alac),
        (Format::Mp4, Encoding::Lossy { codec: "AAC" }) => Some(Container::Aac),
        (Format::Mpeg, Encoding::Lossy { codec: "MP3" }) => Some(Container::Mp3),
        (Format::Ogg, Encoding::Lossy { codec: "Vorbis" }) => Some(Container::OggVorbis),
        (Format::Ogg, Encoding::Lossy { codec: "Opus" }) => Some(Container::Opus),
        _ => None,
    }
}

fn depth(encoding: Encoding) -> Option<Depth> {
    match encoding {
        Encoding::Float { bits: 32 } => Some(Depth::Float32),
        Encoding::Integer { bits } | Encoding::Lossless { bits, .. } => match bits {
            16 => Some(Depth::Int16),
            24 => Some(Depth::Int24),
            32 => Some(Depth::Int32),
            _ => None,
        },
        _ => None,
    }
}

pub(crate) fn remark(note: &Note) -> Remark {
    let severity = match note {
        Note::Truncated { .. } | Note::NotANumber { .. } | Note::Clamped { .. } | Note::Holes { .. } => {
            Severity::Fail
        }
        Note::JunkSkipped { .. } => Severity::Info,
        _ => Severity::Warn,
    };
    Remark { severity, text: note.to_string() }
}

/// Samples as the integers that they are in their file.
struct Integers {
    bits: u32,
    bytes: Vec<u8>,
}

impl Integers {
    fn of(encoding: Encoding) -> Option<Integers> {
        match encoding {
            Encoding::Integer { bits } | Encoding::Lossless { bits, .. } if bits <= 32 => {
                Some(Integers { bits, bytes: Vec::new() })
            }
            _ => None,
        }
    }

    /// A block (channels x frames) frame by frame, each sample the least bytes that hold it, the lowest first.
    fn bytes_of(&mut self, block: &audio::BlockRef) -> &[u8] {
        let scale = (1u64 << (self.bits - 1)) as f64;
        let channels: Vec<&[f64]> = block.iter().collect();
        self.interleaved(&channels, |sample| (sample * scale) as i32)
    }

    /// The same of channels of one length, each sample of which `integer` tells.
    fn interleaved<S>(&mut self, channels: &[&[S]], integer: impl Fn(&S) -> i32) -> &[u8] {
        let width = self.bits.div_ceil(8).max(1) as usize;
        self.bytes.clear();
        self.bytes.resize(channels.iter().map(|samples| samples.len() * width).sum(), 0);
        match width {
            1 => put_integers::<S, 1>(&mut self.bytes, channels, integer),
            2 => put_integers::<S, 2>(&mut self.bytes, channels, integer),
            3 => put_integers::<S, 3>(&mut self.bytes, channels, integer),
            _ => put_integers::<S, 4>(&mut self.bytes, channels, integer),
        }
        &self.bytes
    }
}

/// Interleaves channels as integers of `N` bytes.
fn put_integers<S, const N: usize>(bytes: &mut [u8], channels: &[&[S]], integer: impl Fn(&S) -> i32) {
    let lowest = |sample: &S| -> [u8; N] {
        let bytes = integer(sample).to_le_bytes();
        std::array::from_fn(|n| bytes[n])
    };
    if let [left, right] = channels {
        for ((frame, left), right) in bytes.chunks_exact_mut(2 * N).zip(*left).zip(*right) {
            frame[..N].copy_from_slice(&lowest(left));
            frame[N..].copy_from_slice(&lowest(right));
        }
        return;
    }
    for (channel, samples) in channels.iter().enumerate() {
        let places = bytes.chunks_exact_mut(N).skip(channel).step_by(channels.len());
        for (place, sample) in places.zip(*samples) {
            place.copy_from_slice(&lowest(sample));
        }
    }
}

/// What tells the sound of a file from any other, decoded anew; `None` where samples are no integers.
pub(crate) fn sound_of(path: &Path) -> Result<Option<blake3::Hash>, DeliveryError> {
    Ok(hashed(path, &mut |_| ControlFlow::Continue(()))?.1)
}

/// The same, with what the file says of itself once all of it was read.
fn hashed(
    path: &Path,
    observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<(Info, Option<blake3::Hash>), DeliveryError> {
    let mut reader = files::open(path)?;
    let Some(mut integers) = Integers::of(reader.info().encoding) else {
        return Ok((reader.info().clone(), None));
    };
    let expected = reader.info().frames.max(1);
    let mut hash = blake3::Hasher::new();
    let mut buffer = Buffer::new(reader.info().channels, BLOCK_FRAMES);
    let mut frames = 0;
    loop {
        let read = reader.read(&mut buffer.as_block_mut())?;
        if read == 0 {
            return Ok((reader.info().clone(), Some(hash.finalize())));
        }
        hash.update(integers.bytes_of(&buffer.range(0, read)));
        frames += read;
        if observe(frames as f64 / expected as f64).is_break() {
            return Err(DeliveryError::Cancelled);
        }
    }
}

/// The same of a file whose samples lie in it as they are hashed (WAV of integers), with the SHA-256 of all its bytes, read
/// once; `None` of any other.
fn hashed_as_it_lies(
    path: &Path,
    observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<(Info, blake3::Hash, String)>, DeliveryError> {
    let Some((info, samples)) = files::plain_integers(path)? else { return Ok(None) };
    let failed = |e| DeliveryError::io(path, "read it", e);
    let mut file = File::open(path).map_err(|e| DeliveryError::io(path, "open it", e))?;
    let (mut sound, mut all) = (blake3::Hasher::new(), Sha256::new());
    let mut bytes = vec![0u8; 1 << 18];
    let mut at = 0;
    loop {
        let read = file.read(&mut bytes).map_err(failed)?;
        if read == 0 {
            return Ok(Some((info, sound.finalize(), hexadecimal(&all.finalize()))));
        }
        all.update(&bytes[..read]);
        let within = |byte: u64| byte.clamp(at, at + read as u64) - at;
        sound.update(&bytes[within(samples.start) as usize..within(samples.end) as usize]);
        at += read as u64;
        if observe(at as f64 / samples.end.max(at) as f64).is_break() {
            return Err(DeliveryError::Cancelled);
        }
    }
}

/// Bytes as people write checksums.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// SHA-256 of a file's bytes, as 64 hexadecimal digits.
pub(crate) fn sha256(path: &Path) -> Result<String, DeliveryError> {
    let mut file = File::open(path).map_err(|e| DeliveryError::io(path, "open it", e))?;
    let mut hasher = Sha256::new();
    let mut bytes = vec![0u8; 1 << 16];
    loop {
        let read = file.read(&mut bytes).map_err(|e| DeliveryError::io(path, "read it", e))?;
        if read == 0 {
            return Ok(hexadecimal(&hasher.finalize()));
        }
        hasher.update(&bytes[..read]);
    }
}

/// Serialises a path as text; bytes that are none are shown as such.
pub(crate) fn shown_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // FIPS 180-4, the example of one block: "abc".
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(
            sha256(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
