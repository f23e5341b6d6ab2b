//! A song synthesised from code alone, with one planted fault per step of a production.
//!
//! "Low Tide Lights" is about forty seconds of a band: a drum kit before eight microphones, bass, two guitars,
//! electric piano, pad, a singer, two backing voices, tambourine and shaker. Nothing is sampled: every sound is
//! computed from a seed, and the same seed gives the same samples. [`song`] is what a careless recording
//! session left behind, with the list of what is wrong with it; [`clean_song`] is the same performance with
//! nothing to find.
//!
//! ```
//! let clean = demo::clean_song(7);
//! assert!(clean.planted.is_empty());
//! assert_eq!(clean.tracks[0].file_name, "01_Kick In.wav");
//! ```
//!
//! Nothing is planted for the steps that only judge and deliver what the others made: 12 (listening), and
//! 17 to 20 (metering, album, delivery, quality check).

mod band;
mod bass;
mod drums;
mod faults;
mod filter;
mod groove;
mod guitar;
mod keys;
mod kit;
mod level;
mod lyrics;
mod percussion;
mod random;
mod room;
mod score;
mod string;
mod trials;
mod voice;

use audio::Buffer;

pub use band::{Take, each_track};
pub use trials::{Material, trial_faults};

/// The rate of the session in hertz; a track that differs says so.
pub const SESSION_RATE_HZ: u32 = 48_000;

/// How the samples of a track's file are to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleFormat {
    /// 16-bit integer.
    Int16,
    /// 24-bit integer.
    Int24,
    /// 32-bit float.
    Float32,
}

impl SampleFormat {
    /// Bits per sample.
    pub fn bits(self) -> u16 {
        match self {
            SampleFormat::Int16 => 16,
            SampleFormat::Int24 => 24,
            SampleFormat::Float32 => 32,
        }
    }
}

/// One recorded track.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// The name an engineer gave the file, with `.wav`.
    pub file_name: &'static str,
    /// Frames per second in hertz.
    pub sample_rate_hz: u32,
    /// How the file stores its samples.
    pub format: SampleFormat,
    /// What the track truly is, in the vocabulary of roles (`kick_in`, `lead_vocal`).
    pub role: &'static str,
    /// The recording: 1 channel or 2, 1.0 is full scale.
    pub audio: Buffer,
}

/// One fault put into the song on purpose.
#[derive(Debug, Clone, PartialEq)]
pub struct Planted {
    /// The step of a production, 1 to 16, whose work it is to find and mend it.
    pub step: u8,
    /// The file it is in, or `all tracks`.
    pub track: &'static str,
    /// What kind of fault, as one word for programs (`dc_offset`).
    pub fault: &'static str,
    /// What is wrong, in plain words.
    pub what: String,
    /// How much, in `unit`.
    pub amount: f64,
    /// The unit of `amount`: `dB`, `dBFS`, `ms`, `s`, `Hz`, `degrees`, `bits`, `samples`, `clicks`, `full scale`
    /// or `s of reverberation`.
    pub unit: &'static str,
    /// Where: from and to, in seconds from the start of the file. Empty means everywhere.
    pub places_s: Vec<(f64, f64)>,
}

/// What is written on the song's sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// The song's title.
    pub title: &'static str,
    /// Quarter notes per minute; four to a bar.
    pub tempo_bpm: f64,
    /// Section names and their starts in seconds; bar one begins at the first.
    pub sections: Vec<(&'static str, f64)>,
    /// Mean level of the third octaves at 8, 10 and 12.5 kHz against those at 800 Hz, 1 and 1.25 kHz, in dB, of the tracks
    /// at the session's rate in a rough balance, before the session makes them dark.
    pub treble_db: f64,
    /// Everything that is wrong, in order of steps.
    pub planted: Vec<Planted>,
}

/// A song with all its tracks.
#[derive(Debug, Clone, PartialEq)]
pub struct Song {
    /// The song's title.
    pub title: &'static str,
    /// Quarter notes per minute; four to a bar.
    pub tempo_bpm: f64,
    /// Section names and their starts in seconds; bar one begins at the first.
    pub sections: Vec<(&'static str, f64)>,
    /// The recordings, in the order of their file names.
    pub tracks: Vec<Track>,
    /// Everything that is wrong, in order of steps; empty for a clean song.
    pub planted: Vec<Planted>,
}

/// The song as a careless session recorded it, faults and all. Holds all tracks at once, some 320 MB;
/// [`each_track`] gives one at a time.
pub fn song(seed: u64) -> Song {
    collect(seed, Take::Faulty)
}

/// The same performance, well recorded and in a rough balance: there is nothing to find.
pub fn clean_song(seed: u64) -> Song {
    collect(seed, Take::Clean)
}

fn collect(seed: u64, take: Take) -> Song {
    let mut tracks = Vec::new();
    let Sheet { title, tempo_bpm, sections, planted, .. } =
        each_track(seed, take, |track| tracks.push(track));
    Song { title, tempo_bpm, sections, tracks, planted }
}
