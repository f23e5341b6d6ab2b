//! What the steps know: measurements of every recording, every strip and the mix.

use measure::{Analysis, BandLevel, Facts, Placed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything measured about a song.
#[derive(Debug, Clone, Default)]
pub struct SongFacts {
    /// The session's rate, in hertz.
    pub sample_rate_hz: u32,
    /// Length of the longest track, in seconds.
    pub duration_s: f64,
    /// Tempo in beats per minute and how sure it is, where one was found or stated.
    pub tempo: Option<(f64, f64)>,
    /// Tracks by id.
    pub tracks: BTreeMap<String, TrackFacts>,
    /// Buses by id, as they leave their faders; absent until a step has asked for them.
    pub groups: BTreeMap<String, Facts>,
    /// The mix as it leaves the pre-master's fader.
    pub mix: Option<Analysis>,
    /// Microphones of one source, against each other.
    pub relations: Vec<Relation>,
    /// A rough mix among the recordings, where there is one that is a mix of the others.
    pub rough_mix: Option<RoughMix>,
    /// Finished songs that the mix is to be near to.
    pub references: Vec<ReferenceTone>,
}

/// The tone of a finished song.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceTone {
    /// Its name for people.
    pub name: String,
    /// What it counts beside others.
    pub weight: f64,
    /// Mean level of each third octave, in dBFS.
    pub third_octave_db: Vec<BandLevel>,
}

/// A mix that somebody made of the recordings: how they meant the song to be.
#[derive(Debug, Clone, PartialEq)]
pub struct RoughMix {
    /// The track that holds it.
    pub track: String,
    /// Share of its energy that the recordings explain, 0 to 1.
    pub explained: f64,
    /// What it made of the recordings it tells of, by track: gains against them as recorded.
    pub placed: BTreeMap<String, Placed>,
}

/// What is known of a recording's file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileFacts {
    /// Names of the file or of the pair, without folder.
    pub names: Vec<String>,
    /// Its own rate, in hertz.
    pub sample_rate_hz: u32,
    /// Its own depth, such as `24-bit integer`.
    pub depth: String,
    /// Length in seconds.
    pub duration_s: f64,
    /// What a person should know about it.
    pub notes: Vec<String>,
    /// Those of the notes that say what the reader had to mend: the sound differs from what the file holds.
    pub repairs: Vec<String>,
}

/// One track.
#[derive(Debug, Clone, Default)]
pub struct TrackFacts {
    /// Its file.
    pub file: FileFacts,
    /// As recorded.
    pub raw: Analysis,
    /// Before its fader, after everything decided so far. Absent until something was rendered.
    pub strip: Option<Analysis>,
}

impl TrackFacts {
    /// The signal as it is now: before the fader if it was rendered, else as recorded.
    pub fn now(&self) -> &Analysis {
        self.strip.as_ref().unwrap_or(&self.raw)
    }
}

/// How one microphone stands to another of the same source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// The track that would be moved: the farther microphone.
    pub track: String,
    /// The track it is compared with.
    pub reference: String,
    /// Frames (of the session's rate) by which `track` comes later.
    pub lag_frames: f64,
    /// True when `track` has the opposite polarity.
    pub inverted: bool,
    /// How sure lag and polarity are, 0 to 1.
    pub confidence: f64,
    /// Correlation of both from 80 Hz to 2 kHz when lag and polarity are mended, 0 to 1.
    pub correlation: f64,
    /// What the sum of both gains in 60-500 Hz when lag and polarity are mended, in dB.
    pub gain_db: f64,
}
