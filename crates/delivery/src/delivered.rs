//! A delivered file, as every part of the program tells of it.

use std::path::PathBuf;

use measure::Facts;
use serde::Serialize;

use crate::finding::Finding;
use crate::job::stored;
use crate::quantise::Dither;
use crate::reading::{Reading, shown_path};
use crate::targets::{Container, Depth};

/// What was delivered, as it stands on the disk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivered {
    /// The target's id.
    pub target: String,
    /// The file.
    #[serde(serialize_with = "shown_path")]
    pub path: PathBuf,
    /// The kind of file.
    pub container: Container,
    /// How samples are stored; `None` for what is coded with loss.
    pub depth: Option<Depth>,
    /// Bits per second of what is coded with loss, in thousands: constant for MP3 and AAC, a mean for the others.
    pub bit_rate_kbps: Option<u32>,
    /// Frames per second, in hertz.
    pub sample_rate_hz: u32,
    /// The master's frames per second in hertz, where it was converted.
    pub converted_from_hz: Option<u32>,
    /// What was added before rounding.
    pub dither: Dither,
    /// Seed of the dither.
    pub seed: u64,
    /// Gain that was applied to keep the ceiling, in dB: 0 or a little less.
    pub trim_db: f64,
    /// How often the file was made until it kept the ceiling.
    pub passes: usize,
    /// Gain that would still be needed to keep the ceiling, in dB: 0 where it is kept.
    pub needed_trim_db: f64,
    /// Samples beyond full scale that were clipped.
    pub clipped_samples: u64,
    /// Whether no finding is a failure.
    pub passed: bool,
    /// Whether it was there already, made of the same, and was left as it was.
    pub kept: bool,
    /// A fingerprint of everything it was made of: master, target and settings.
    pub made_from: String,
    /// What was found in the file, the worst first.
    pub findings: Vec<Finding>,
    /// The file, read back.
    pub reading: Reading,
}

impl Delivered {
    /// How samples are stored, for people: "24-bit", "320 kbit/s".
    pub fn stored(&self) -> String {
        stored(self.depth, self.bit_rate_kbps)
    }

    /// SHA-256 of the file, as 64 hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.reading.sha256
    }

    /// The readings of the file.
    pub fn facts(&self) -> &Facts {
        &self.reading.facts
    }
}
