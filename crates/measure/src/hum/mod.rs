//! Mains hum: steady lines at multiples of 50 or 60 Hz, judged where the signal pauses.
//!
//! Spectra of about 0.7 s under a Hann window. In a pause a line of the mains stands in every frame, and is as
//! strong in all of them; the tail of a note is not, and noise has no lines. A line counts by the power of its
//! main lobe against the middle level of what lies beside it.
//!
//! A signal without pauses is judged by the quietest tenth of its frames, bin by bin: music comes and goes in every
//! bin, the mains stay. There three lines are asked for, plainer ones, far below the music: a held note is none. What
//! hides in both stands alone before the first note.

mod lead_in;
mod lines;

pub use lines::{Hum, HumLine};

use crate::activity::{Activity, FRAME_S as ACTIVITY_S};
use crate::frames::{Framer, Spectrum, add_powers, size_for};
use crate::stats::{nearest_rank, sorted};
use audio::{BlockRef, Frames, power_to_db};
use lead_in::LeadIn;
use std::f64::consts::PI;

/// Frames last at least this long: lines 10 Hz apart are told from each other and from what lies between.
const FRAME_S: f64 = 0.6;
/// Spectra are kept up to here, in hertz: what hums higher is a buzz, and has its strong lines below.
const HIGHEST_HZ: f64 = 680.0;
/// Multiples that are looked for.
const MULTIPLES: usize = 12;
/// Of longer signals every second frame is kept, then every fourth, so that there are never more than this: 24 min at
/// 48 kHz.
const MOST_FRAMES: usize = 1 << 12;
/// So many frames have to lie in pauses.
const LEAST_FRAMES: usize = 5;
/// What has just ended still sounds for so long, in seconds.
const TAIL_S: f64 = 0.4;
/// The main lobe of the window reaches so many bins to either side.
const LOBE: usize = 2;
/// The level beside a line is the middle one of the bins between these distances, either way.
const BESIDE: (usize, usize) = (5, 14);
/// A line of hum stands out by this much, in dB; and two of them by this much more before anything is hum.
const STANDS_OUT_DB: f64 = 6.0;
const PLAIN_DB: f64 = 12.0;
/// The level of a line in the tenth and the ninetieth percentile of the frames differs by no more, in dB.
const STEADY_DB: f64 = 6.0;

/// Without pauses: lines stand out by more in dB, there are so many of them, and all of them together are so far below
/// the playing, in dB.
const ALWAYS_PLAIN_DB: f64 = 15.0;
const ALWAYS_LINES: usize = 3;
const BELOW_PLAYING_DB: f64 = 12.0;
/// And so many frames, some 9 s.
const ALWAYS_LEAST_FRAMES: usize = 24;
/// The top of such a line lies within so many bins of where it should: a note of nearly its pitch does not.
const EXACT_BINS: usize = 1;

/// In pauses a single line is hum as well when it is one of the first two and stands out by so many dB: the mains
/// without a rectifier are a sine, and nothing else sounds there.
const ALONE_DB: f64 = 20.0;
/// Between these there is no music, in hertz.
const SUBSONIC_HZ: (f64, f64) = (4.0, 25.0);
/// What is there in all but this share of the frames is always there.
const SUBSONIC_SHARE: f64 = 0.1;

/// How lines are judged in a set of frames: the share of them that are quieter than the level of a bin, the shares
/// between whose levels a line is steady, how far two (or more) lines stand out, and one that stands alone.
struct Rule {
    share: f64,
    steady: (f64, f64),
    plain_db: f64,
    lines: usize,
    alone_db: f64,
    exact_bins: usize,
}

const IN_PAUSES: Rule = Rule {
    share: 0.5,
    steady: (0.1, 0.9),
    plain_db: PLAIN_DB,
    lines: 2,
    alone_db: ALONE_DB,
    exact_bins: LOBE,
};
const ALWAYS: Rule = Rule {
    share: 0.1,
    steady: (0.02, 0.2),
    plain_db: ALWAYS_PLAIN_DB,
    lines: ALWAYS_LINES,
    alone_db: f64::INFINITY,
    exact_bins: EXACT_BINS,
};

/// The low spectra of a stream.
#[derive(Clone)]
pub(crate) struct HumMeter {
    framer: Framer,
    spectrum: Spectrum,
    sample_rate_hz: f64,
    size: usize,
    channels: usize,
    next: i64,
    frames: Frames,
    kept: usize,
    scale: f64,
    /// Power of the lowest bins, frame after frame, of every `step`-th frame.
    rows: Vec<f32>,
    step: usize,
    /// Frames that have come.
    seen: usize,
    lead_in: LeadIn,
}

impl HumMeter {
    pub(crate) fn new(sample_rate_hz: f64, channels: usize) -> HumMeter {
        let size = size_for(FRAME_S, sample_rate_hz);
        let window: Vec<f64> =
            (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin().powi(2)).collect();
        let energy: f64 = window.iter().map(|w| w * w).sum();
        let bin_hz = sample_rate_hz / size as f64;
        HumMeter {
            framer: Framer::new(channels, size, 0),
            spectrum: Spectrum::new(window),
            sample_rate_hz,
            size,
            channels,
            next: 0,
            frames: 0,
            kept: ((HIGHEST_HZ / bin_hz) as usize).min(size / 2) + 1,
            scale: 2.0 / (size as f64 * energy * channels as f64),
            rows: Vec::new(),
            step: 1,
            seen: 0,
            lead_in: LeadIn::new(sample_rate_hz, channels),
        }
    }

    /// Takes clean samples.
    pub(crate) fn push(&mut self, block: &BlockRef) {
        self.frames += block.frames();
        self.lead_in.push(block);
        self.framer.push(block);
        while self.framer.has(self.next) {
            if self.seen.is_multiple_of(self.step) {
                self.row();
            }
            self.seen += 1;
            self.next += (self.size / 2) as i64;
            self.framer.forget(self.next);
        }
    }

    /// Level below 25 Hz that nine tenths of the sounding frames reach, in dBFS: what comes with strokes and notes is
    /// not counted. `None` where nothing sounds, or not for long enough to tell.
    pub(crate) fn subsonic_dbfs(&self) -> Option<f64> {
        let bin_hz = self.sample_rate_hz / self.size as f64;
        let bins = (SUBSONIC_HZ.0 / bin_hz).ceil() as usize..=(SUBSONIC_HZ.1 / bin_hz) as usize;
        let rows = self.rows.chunks_exact(self.kept).filter(|row| row.iter().any(|power| *power > 0.0));
        let powers = sorted(rows.map(|row| row[bins.clone()].iter().map(|power| f64::from(*power)).sum()));
        let power = nearest_rank(&powers, SUBSONIC_SHARE).filter(|_| powers.len() >= LEAST_FRAMES)?;
        (power > 0.0).then(|| power_to_db(power))
    }

    /// Keeps the frame that has come.
    fn row(&mut self) {
        let mut row = vec![0.0; self.kept];
        for channel in 0..self.channels {
            let whole = 0..self.size;
            let spectrum = self.spectrum.without_dc(self.framer.frame(channel, self.next), whole);
            add_powers(&mut row, spectrum);
        }
        self.rows.extend(row.iter().map(|power| (power * self.scale) as f32));
        if self.rows.len() > MOST_FRAMES * self.kept {
            // The first, the third ... stay.
            let rows = self.rows.len() / self.kept;
            for row in 1..rows.div_ceil(2) {
                self.rows.copy_within(2 * row * self.kept..(2 * row + 1) * self.kept, row * self.kept);
            }
            self.rows.truncate(rows.div_ceil(2) * self.kept);
            self.step *= 2;
        }
    }

    /// The hum in the pauses, or of all of a signal that has none, or before its first note; `None` where nothing surely
    /// hums.
    pub(crate) fn finish(self, activity: &Activity) -> Option<Hum> {
        self.among_notes(activity).or_else(|| {
            let first = activity.active.iter().position(|active| *active)?;
            self.lead_in.hum(first as f64 * ACTIVITY_S)
        })
    }

    fn among_notes(&self, activity: &Activity) -> Option<Hum> {
        let hop_s = (self.size / 2) as f64 / self.sample_rate_hz;
        let pauses = |row: &usize| {
            let frame = row * self.step;
            let (from_s, to_s) = (frame as f64 * hop_s - TAIL_S, (frame + 2) as f64 * hop_s);
            let from = (from_s / ACTIVITY_S).max(0.0) as usize;
            let to = ((to_s / ACTIVITY_S).ceil() as usize).min(activity.active.len());
            !activity.active[from.min(to)..to].contains(&true)
        };
        let rows: Vec<&[f32]> = self.rows.chunks_exact(self.kept).collect();
        // Digital silence says nothing about the mains.
        let quiet: Vec<&[f32]> = (0..rows.len())
            .filter(pauses)
            .map(|row| rows[row])
            .filter(|row| row.iter().any(|power| *power > 0.0))
            .collect();
        let bin_hz = self.sample_rate_hz / self.size as f64;
        if quiet.len() >= LEAST_FRAMES {
            return strongest(&quiet, bin_hz, &IN_PAUSES);
        }
        let sounding: Vec<&[f32]> =
            rows.into_iter().filter(|row| row.iter().any(|power| *power > 0.0)).collect();
        if sounding.len() < ALWAYS_LEAST_FRAMES {
            return None;
        }
        let playing_dbfs = activity.rms_dbfs()?;
        strongest(&sounding, bin_hz, &ALWAYS).filter(|hum| hum.dbfs() <= playing_dbfs - BELOW_PLAYING_DB)
    }
}

/// The hum of 50 or of 60 Hz, whichever stands out more.
fn strongest(rows: &[&[f32]], bin_hz: f64, rule: &Rule) -> Option<Hum> {
    let hums = [50.0, 60.0].map(|mains_hz| hum(rows, mains_hz, bin_hz, rule));
    let plain = |hum: &Hum| hum.lines.iter().map(|line| line.above_floor_db).sum::<f64>();
    hums.into_iter().flatten().max_by(|a, b| plain(a).total_cmp(&plain(b)))
}

/// The hum of one mains frequency in some spectra.
fn hum(quiet: &[&[f32]], mains_hz: f64, bin_hz: f64, rule: &Rule) -> Option<Hum> {
    let bins = quiet[0].len();
    let middle: Vec<f64> = (0..bins)
        .map(|bin| {
            nearest_rank(&sorted(quiet.iter().map(|row| f64::from(row[bin]))), rule.share).unwrap_or(0.0)
        })
        .collect();
    let line = |multiple: usize| {
        let hz = mains_hz * multiple as f64;
        let bin = (hz / bin_hz).round() as usize;
        if bin + BESIDE.1 >= bins || bin < LOBE {
            return None;
        }
        let lobe = bin - LOBE..=bin + LOBE;
        let beside = (BESIDE.0..=BESIDE.1).flat_map(|far| [bin.checked_sub(far), Some(bin + far)]);
        let floor = nearest_rank(&sorted(beside.flatten().map(|bin| middle[bin])), 0.5)?;
        let power: f64 = middle[lobe.clone()].iter().sum();
        let width = (2 * LOBE + 1) as f64;
        let above_floor_db = power_to_db(power / (width * floor).max(1e-18));
        let levels = sorted(quiet.iter().map(|row| row[lobe.clone()].iter().map(|p| f64::from(*p)).sum()));
        let (low, high) = (nearest_rank(&levels, rule.steady.0)?, nearest_rank(&levels, rule.steady.1)?);
        let steady = high <= low * audio::db_to_power(STEADY_DB);
        let top = lobe.clone().max_by(|a, b| middle[*a].total_cmp(&middle[*b]))?;
        let stands_out = steady && top.abs_diff(bin) <= rule.exact_bins && above_floor_db >= STANDS_OUT_DB;
        stands_out.then(|| (multiple, HumLine { hz, dbfs: power_to_db(power), above_floor_db }))
    };
    let lines: Vec<(usize, HumLine)> = (1..=MULTIPLES).filter_map(line).collect();
    let plain: Vec<usize> = lines
        .iter()
        .filter(|(_, line)| line.above_floor_db >= rule.plain_db)
        .map(|(multiple, _)| *multiple)
        .collect();
    // Every rectifier and every transformer has the first or the second.
    let several = plain.len() >= rule.lines && plain[0] <= 2;
    let alone = lines.iter().any(|(multiple, line)| *multiple <= 2 && line.above_floor_db >= rule.alone_db);
    (several || alone).then(|| Hum { mains_hz, lines: lines.into_iter().map(|(_, line)| line).collect() })
}
