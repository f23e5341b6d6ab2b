//! The shape of the long-term spectrum: its tilt, and where it ends all at once.

use crate::facts::BandLevel;
use audio::power_to_db;

/// The tilt is that of the third octaves from 50 Hz to 10 kHz.
const TILT_HZ: (f64, f64) = (50.0, 10_000.0);
const TILT_BANDS: usize = 24;

/// The slope of a straight line through the levels of the 24 third-octave bands from 50 Hz to 10 kHz against their
/// number, by least squares, in dB per octave. Pink noise has 0, white noise +3.01. `None` unless all of them sound.
pub(crate) fn tilt_db_per_octave(third_octaves: &[BandLevel]) -> Option<f64> {
    let bands = third_octaves.iter().filter(|band| (TILT_HZ.0..=TILT_HZ.1).contains(&band.hz));
    let levels: Vec<f64> = bands.filter_map(|band| band.db).collect();
    if levels.len() != TILT_BANDS {
        return None;
    }
    let middle = (levels.len() - 1) as f64 / 2.0;
    let mean = levels.iter().sum::<f64>() / levels.len() as f64;
    let (mut product, mut square) = (0.0, 0.0);
    for (n, db) in levels.iter().enumerate() {
        let x = n as f64 - middle;
        product += x * (db - mean);
        square += x * x;
    }
    // Ten bands are a decade: 3.01 to the octave.
    Some(product / square * 10.0 * f64::log10(2.0))
}

/// The spectrum is looked at in steps of this, in hertz.
const STEP_HZ: f64 = 100.0;
/// An edge is looked for from here on: below it, slopes of music and of synthesisers are as steep.
const LOWEST_HZ: f64 = 4000.0;
/// Up to this share of half the sample rate: what lies above is where every converter ends.
const HIGHEST_SHARE: f64 = 0.95;
/// What lies just below the edge is the middle level of this stretch, in hertz; what lies above begins so far above.
const BELOW_HZ: f64 = 1000.0;
const ABOVE_HZ: f64 = 500.0;
/// The level falls by this much at least, in dB, and nothing above rises again.
const FALLS_DB: f64 = 20.0;

/// Where a spectrum ends all at once, in hertz: the frequency at which the level is half-way down, in decibels, from
/// the kilohertz below to the highest of everything that is more than 500 Hz above, which lies at least 20 dB lower.
/// Lossy coding and a recording at a lower rate leave such an edge, microphones and instruments do not. `None` where
/// there is none below 95 % of half the sample rate.
///
/// `power` is the long-term power spectrum, bins `bin_hz` apart.
pub(crate) fn bandwidth_hz(power: &[f64], bin_hz: f64) -> Option<f64> {
    let bins = ((STEP_HZ / bin_hz).round() as usize).max(1);
    let step_hz = bins as f64 * bin_hz;
    // Digital silence above the edge has a level too: far below all rounding.
    let level = |part: &[f64]| power_to_db(part.iter().sum::<f64>().max(1e-20));
    let levels: Vec<f64> = power.chunks_exact(bins).map(level).collect();
    let (below, above) = ((BELOW_HZ / step_hz).round() as usize, (ABOVE_HZ / step_hz).round() as usize);
    let nyquist = (power.len() as f64 * bin_hz / step_hz) as usize;
    let last = (HIGHEST_SHARE * nyquist as f64) as usize;
    // The last steps are those of a converter's own edge.
    let highest_from: Vec<f64> = levels
        .iter()
        .rev()
        .scan(f64::NEG_INFINITY, |most, db| {
            *most = most.max(*db);
            Some(*most)
        })
        .collect();
    let highest_from = |step: usize| highest_from[levels.len() - 1 - step];
    let mut best: Option<(f64, usize, f64, f64)> = None;
    for step in ((LOWEST_HZ / step_hz) as usize).max(below)..last.min(levels.len().saturating_sub(above + 1))
    {
        let mut stretch = levels[step - below..step].to_vec();
        stretch.sort_by(f64::total_cmp);
        let (high, low) = (stretch[stretch.len() / 2], highest_from(step + above));
        if high - low >= FALLS_DB && best.is_none_or(|(falls, ..)| high - low > falls) {
            best = Some((high - low, step, high, low));
        }
    }
    let (_, step, high, low) = best?;
    let half = 0.5 * (high + low);
    let edge = (step.saturating_sub(below)..levels.len()).rev().find(|step| levels[*step] >= half)?;
    let edge_hz = (edge + 1) as f64 * step_hz;
    (edge <= last).then_some(edge_hz)
}
