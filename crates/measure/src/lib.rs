//! Meters, and facts about a signal.
//!
//! A meter takes [`audio::BlockRef`]s (channels x frames) of any size; how a signal was cut into blocks never
//! changes a reading by a bit. [`Analyser`] runs all of them in one pass and makes [`Facts`]: one flat list of
//! readings, which is what the assistant decides from and what people see as JSON. [`Loudness`],
//! [`TruePeak`] and [`Overs`] also stand alone, for a solver or a limiter that needs just one of them.
//!
//! ```
//! use audio::{Buffer, Layout};
//! use measure::{Options, analyse};
//!
//! // 1 kHz at -6 dBFS for ten seconds, in both channels.
//! let tone: Vec<f64> = (0..480_000).map(|n| 0.5 * (n as f64 * std::f64::consts::TAU / 48.0).sin()).collect();
//! let buffer = Buffer::from_channels(&[tone.clone(), tone]);
//! let facts = analyse(&buffer.as_block(), 48_000.0, Layout::Stereo, Options::default())?.facts;
//! assert_eq!(facts.duration_s, 10.0);
//! assert!((facts.true_peak_dbtp.unwrap() + 6.0).abs() < 0.1);
//! assert!((facts.integrated_lufs.unwrap() + 6.0).abs() < 0.1);
//! # Ok::<(), measure::Error>(())
//! ```
//!
//! This crate never changes audio and never knows settings.

mod activity;
mod alignment;
mod analysis;
mod band_meter;
mod bands;
mod between;
mod bins;
mod clicks;
mod clipping;
mod course;
mod density;
mod depth;
mod dropouts;
mod dynamics;
mod erb;
mod error;
mod facts;
mod frames;
mod histogram;
mod hum;
mod image;
mod levels;
mod loudness;
mod music;
mod onsets;
mod pitch;
mod powers;
mod readings;
mod shape;
mod spectrum;
mod stats;
mod tempo;
mod tone_series;
mod true_peak;

pub use alignment::{Alignment, correlation, delay_and_polarity};
pub use analysis::{Analyser, Analysis, AtAnyLevel, Blemishes, Options, Share, analyse};
pub use band_meter::{BandMeter, BandPortrait, BandReading};
pub use between::{
    LoudnessModel, Masked, Masker, Part, Placed, StretchReader, Stretches, Unmixed, Unmixer, loudness_left,
    masked, masking,
};
pub use course::Course;
pub use density::Density;
pub use dropouts::Dropout;
pub use dynamics::{KReading, PsrSeries};
pub use erb::{ERB_BANDS, ErbFrames};
pub use error::Error;
pub use facts::{BandFacts, BandLevel, ChannelFacts, ClippedRun, Facts, Region};
pub use histogram::LoudnessHistogram;
pub use hum::{Hum, HumLine};
pub use image::{BandImage, ChannelRelation, ImageSeries, StereoBand};
pub use loudness::{Loudness, LoudnessSeries, channel_weights, k_weighting_db, loudness_range_of_lu};
pub use music::{Key, Music, Section};
pub use readings::{GROUPS, LOUDNESS_READINGS, READINGS, Reading};
pub use tempo::{Tempo, tempo};
pub use tone_series::{ToneSeries, WIDE_EDGES_HZ};
pub use true_peak::{Over, Overs, Peak, TruePeak, TruePeakReading, overs, true_peak_dbtp};

/// Raised whenever a meter of this crate gives another reading for the same signal: what was measured by an older one
/// and kept is measured anew.
pub const REVISION: u32 = 10;
