//! All readings of one signal.
//!
//! The names are those that people meet in JSON: the quantity, then its unit. A reading that is not defined
//! for the signal at hand is `None` (null): mono has no correlation, silence no loudness, a note of one
//! second no loudness range. There is never a stand-in number, and never one that is not finite.

use crate::dynamics::KReading;
use crate::histogram::LoudnessHistogram;
use crate::image::{ChannelRelation, StereoBand};
use audio::Frames;
use serde::{Deserialize, Serialize};

/// Every reading of one signal. Ratios of level that could be infinite (a channel against silence, the side
/// signal of mono) stop at 240 dB, either way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Frames per second, in hertz.
    pub sample_rate_hz: f64,
    /// Number of channels.
    pub channels: usize,
    /// Length in frames.
    pub frames: Frames,
    /// Length in seconds.
    pub duration_s: f64,

    /// Integrated loudness in LUFS (BS.1770-5).
    pub integrated_lufs: Option<f64>,
    /// Loudest 400 ms in LUFS.
    pub max_momentary_lufs: Option<f64>,
    /// Loudest 3 s in LUFS.
    pub max_short_term_lufs: Option<f64>,
    /// Loudness range in LU (EBU Tech 3342).
    pub loudness_range_lu: Option<f64>,

    /// True peak in dBTP, of the highest channel.
    pub true_peak_dbtp: Option<f64>,
    /// The frame at or just before the true peak.
    pub true_peak_frame: Option<Frames>,
    /// Oversampling factor at which the true peak was read.
    pub true_peak_factor: usize,
    /// Highest sample in dBFS.
    pub sample_peak_dbfs: Option<f64>,
    /// Root mean square of all channels in dBFS; a sine at full scale has -3.01.
    pub rms_dbfs: Option<f64>,
    /// Sample peak minus RMS, in dB.
    pub crest_db: Option<f64>,
    /// True peak minus integrated loudness, in LU.
    pub plr_lu: Option<f64>,
    /// Smallest true peak of 3 s minus their short-term loudness, in LU.
    pub psr_min_lu: Option<f64>,
    /// The value that 5 % of these stay below, in LU.
    pub psr_p5_lu: Option<f64>,
    /// The middle of these, in LU.
    pub psr_median_lu: Option<f64>,
    /// DR value of the TT Dynamic Range Meter (Algorithmix 1.3), in dB: the mean of the channels, rounded.
    pub dr_db: Option<f64>,
    /// The reading of a K-system meter on each of its scales.
    pub k_system: Vec<KReading>,
    /// How often each momentary loudness occurs.
    pub momentary_histogram: LoudnessHistogram,
    /// How often each short-term loudness occurs.
    pub short_term_histogram: LoudnessHistogram,

    /// Mean of the channel where it is farthest from zero, 1.0 being full scale.
    pub dc_offset: f64,
    /// Samples in clipped runs.
    pub clipped_samples: usize,
    /// Runs of clipped samples.
    pub clipped_runs: usize,
    /// Where the first clipped runs are.
    pub clipped_places: Vec<ClippedRun>,
    /// The level in dBFS at which most of the first clipped runs are cut.
    pub clipped_level_dbfs: Option<f64>,
    /// Samples that were not finite numbers, and counted as zero.
    pub non_finite_samples: usize,
    /// Level in dBFS (RMS of 50 ms) that a tenth of the sounding frames stay below.
    pub noise_floor_dbfs: Option<f64>,
    /// Digital silence before the first sample that is not zero, in seconds.
    pub leading_silence_s: f64,
    /// Digital silence after the last sample that is not zero, in seconds.
    pub trailing_silence_s: f64,

    /// Time before anything is higher than -60 dBFS, in seconds, in steps of 10 ms.
    pub leading_quiet_s: f64,
    /// Time after the last that is, in seconds.
    pub trailing_quiet_s: f64,
    /// Bits from full scale down to the last one that is used; `None` of silence and of floats between the steps of
    /// 32 bits. Only where pitch was asked for.
    pub bits_used: Option<u32>,

    /// Correlation of left and right, -1 to 1; only for two channels that both sound.
    pub correlation: Option<f64>,
    /// Level lost in dB when left and right are added to mono: 0 for equal, 3.01 for independent channels.
    pub mono_loss_db: Option<f64>,
    /// Level of the side signal against the middle, in dB.
    pub side_mid_db: Option<f64>,
    /// Level of right against left, in dB: positive leans to the right.
    pub balance_db: Option<f64>,
    /// What two channels are to each other, where it can be told surely.
    pub channel_relation: Option<ChannelRelation>,
    /// The stereo image by about an octave, and its worst moment.
    pub stereo_bands: Vec<StereoBand>,
    /// Level of the side signal against the middle in each third-octave band, in dB; empty unless there are two
    /// channels.
    pub third_octave_side_mid_db: Vec<BandLevel>,

    /// Mean level of each third-octave band (IEC 61260-1 nominal centres from 25 Hz to 20 kHz), in dBFS.
    pub third_octave_db: Vec<BandLevel>,
    /// Energy, width and correlation by about an octave.
    pub bands: Vec<BandFacts>,
    /// Slope of the third octaves from 50 Hz to 10 kHz in dB per octave (least squares): pink noise has 0.
    pub tilt_db_per_octave: Option<f64>,
    /// Where the spectrum ends all at once, in hertz: lossy coding, or a recording at a lower rate.
    pub bandwidth_hz: Option<f64>,
    /// Centre of gravity of the power spectrum, in hertz.
    pub centroid_hz: Option<f64>,
    /// 1 % of the energy lies below, in hertz.
    pub energy_1_percent_hz: Option<f64>,
    /// 99 % of the energy lies below, in hertz.
    pub energy_99_percent_hz: Option<f64>,
    /// Energy below 25 Hz (DC not counted) against all of it, in dB.
    pub below_25_hz_db: Option<f64>,

    /// Share of the time in which the signal plays, 0 to 1.
    pub active_share: f64,
    /// Where it plays.
    pub active_regions: Vec<Region>,
    /// RMS of the active frames, in dBFS.
    pub active_rms_dbfs: Option<f64>,
    /// Loudness of the active frames (K-weighted, no further gate), in LUFS.
    pub active_lufs: Option<f64>,
    /// 95th minus 10th percentile of momentary loudness while active, in LU.
    pub level_spread_lu: Option<f64>,
    /// Middle value of the crest factor of active 400 ms, in dB.
    pub active_crest_db: Option<f64>,

    /// Onsets in one second of playing (of the active regions).
    pub onsets_per_s: Option<f64>,
    /// Middle value of the time from one onset to the next, in seconds.
    pub inter_onset_median_s: Option<f64>,

    /// Share of the active frames that have a clear pitch, 0 to 1.
    pub pitched_share: Option<f64>,
    /// 5 % of the pitched frames lie below, in hertz.
    pub pitch_low_hz: Option<f64>,
    /// The middle pitch, in hertz.
    pub pitch_median_hz: Option<f64>,
    /// 95 % of the pitched frames lie below, in hertz.
    pub pitch_high_hz: Option<f64>,

    /// The readings of each channel.
    pub per_channel: Vec<ChannelFacts>,
}

/// Readings of one channel.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelFacts {
    /// True peak in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// Highest sample in dBFS.
    pub sample_peak_dbfs: Option<f64>,
    /// Root mean square in dBFS.
    pub rms_dbfs: Option<f64>,
    /// Sample peak minus RMS, in dB.
    pub crest_db: Option<f64>,
    /// DR value in dB, not rounded.
    pub dr_db: Option<f64>,
    /// Mean, 1.0 being full scale.
    pub dc_offset: f64,
    /// Samples in clipped runs.
    pub clipped_samples: usize,
}

/// The level of one band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BandLevel {
    /// Nominal centre in hertz.
    pub hz: f64,
    /// Mean level in dBFS; `None` for silence or above half the sample rate.
    pub db: Option<f64>,
}

/// Energy and stereo image of one band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BandFacts {
    /// Lower edge in hertz.
    pub low_hz: f64,
    /// Upper edge in hertz.
    pub high_hz: f64,
    /// Energy against the whole signal's, in dB.
    pub share_db: Option<f64>,
    /// Level of the side signal against the middle, in dB.
    pub side_mid_db: Option<f64>,
    /// Correlation of left and right.
    pub correlation: Option<f64>,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Start in seconds.
    pub start_s: f64,
    /// End in seconds.
    pub end_s: f64,
}

/// A run of clipped samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClippedRun {
    /// The channel, from 0.
    pub channel: usize,
    /// Its first frame.
    pub frame: Frames,
    /// Its length in frames.
    pub frames: Frames,
    /// The level at which it is cut, in dBFS.
    pub level_dbfs: f64,
}
