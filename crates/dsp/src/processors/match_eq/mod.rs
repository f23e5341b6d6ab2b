//! Match equaliser: brings the spectrum of a recording towards that of another.
//!
//! Both spectra are brought to equal loudness, so that only their shape is compared; their difference is scaled, kept
//! within limits, smoothed, and faded out beyond the range that is corrected (see [`correction::correction_curve`],
//! which whoever decides about a master can ask by itself). The curve is realised as in [`crate::blocks::fir`] and
//! applied by partitioned convolution.

mod correction;

pub use correction::{Correction, SpectrumPoint, correction_curve};

use super::phase_eq::Phase;
use crate::blocks::fir;
use crate::blocks::fir_bank::{Kernels, Memo};
use crate::blocks::fir_equaliser::FirEqualiser;
use crate::blocks::math;
use crate::{Complex64, Family, Kind, Taper, Unit, Values, settings};
use audio::{Spec, db_to_gain};

settings! {
    /// Both spectra at one frequency.
    pub struct Point {
        /// Where both were measured.
        freq_hz: f64 {
            label: "Frequency", unit: Unit::Hertz, min: 10.0, max: 40_000.0, default: 1_000.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// Level of the recording there, in a band of constant width in octaves.
        source_db: f64 { label: "Source", unit: Unit::Decibel, min: -150.0, max: 50.0, fixed: true },
        /// Level of the other recording in the same band.
        target_db: f64 { label: "Target", unit: Unit::Decibel, min: -150.0, max: 50.0, fixed: true },
    }
}

settings! {
    /// Settings of the match equaliser.
    pub struct Settings {
        /// How much of the difference is made up for.
        strength_percent: f64 {
            label: "Strength", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true,
        },
        /// The most it lifts.
        max_boost_db: f64 { label: "Most boost", unit: Unit::Decibel, max: 24.0, default: 6.0, fixed: true },
        /// The most it lowers.
        max_cut_db: f64 { label: "Most cut", unit: Unit::Decibel, max: 24.0, default: 6.0, fixed: true },
        /// Width in octaves over which the difference is smoothed: wide follows the tone, narrow its details.
        smoothing_octaves: f64 {
            label: "Smoothing", min: 0.1, max: 3.0, default: 0.5, taper: Taper::Logarithmic, fixed: true,
        },
        /// Below it nothing is corrected.
        low_hz: f64 {
            label: "From", unit: Unit::Hertz, min: 20.0, max: 1_000.0, default: 30.0, taper: Taper::Logarithmic,
            fixed: true,
        },
        /// Above it nothing is corrected.
        high_hz: f64 {
            label: "To", unit: Unit::Hertz, min: 2_000.0, max: 22_000.0, default: 16_000.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// How the phase follows from the magnitude.
        phase: Phase { label: "Phase", default: Phase::Mixed as usize as f64, fixed: true },
        /// Where mixed phase changes from minimum to linear: at 500 no careful curve rings more than -40 dB before the
        /// sound.
        split_hz: f64 {
            label: "Split", unit: Unit::Hertz, min: 100.0, max: 2_000.0, default: 500.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// Gain after everything.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
    }
    groups {
        /// Both spectra, best at third octaves.
        points: Point { label: "Point", max: 128 },
    }
}

/// Match equaliser.
pub static KIND: Kind = Kind {
    id: "match_eq",
    label: "Match equaliser",
    family: Family::Equaliser,
    help: "Brings the tone of a recording towards that of another, from the spectra of both: how much of it, how far at \
           most and how finely are settings. A third to a half of the difference is usually enough.",
    revision: 3,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| {
        let settings = Settings::from_values(values);
        let kernels = design(&settings, spec);
        Box::new(FirEqualiser::new(&KIND, &kernels, spec.channels, settings.output_db))
    },
    response: Some(response),
};

/// Filter length times the width of the curve's narrowest feature in hertz, as in the linear-phase equaliser.
const LENGTH_BY_WIDTH: f64 = 8.5;
const SHORTEST_S: f64 = 0.02;
const LONGEST_S: f64 = 0.68;

impl Settings {
    /// What the correction is made from.
    fn correction(&self) -> Correction {
        Correction {
            strength: self.strength_percent / 100.0,
            max_boost_db: self.max_boost_db,
            max_cut_db: self.max_cut_db,
            smoothing_octaves: self.smoothing_octaves,
            low_hz: self.low_hz,
            high_hz: self.high_hz,
        }
    }
}

fn design(settings: &Settings, spec: &Spec) -> Kernels {
    let rate = spec.sample_rate_hz;
    let width_hz = settings.low_hz * (2f64.powf(settings.smoothing_octaves.min(1.0)) - 1.0);
    let seconds = (LENGTH_BY_WIDTH / width_hz).clamp(SHORTEST_S, LONGEST_S);
    let taps = 2 * (0.5 * seconds * rate).round() as usize + 1;
    let phase = settings.phase.of_filter(settings.split_hz, rate);
    let delay = phase.delay(taps);
    let measured = settings.points.iter().map(|p| SpectrumPoint {
        freq_hz: p.freq_hz,
        source_db: p.source_db,
        target_db: p.target_db,
    });
    let curve = correction_curve(&measured.collect::<Vec<_>>(), &settings.correction());
    if curve.is_flat() {
        return Kernels { delay, kernels: Vec::new() };
    }
    let taps = fir::design(taps, phase, |share| math::db_to_gain(curve.db(share * rate)));
    Kernels::each(taps, delay, spec.channels)
}

thread_local! {
    static DESIGNED: Memo = const { Memo::new() };
}

fn response(values: &Values, spec: &Spec, hz: f64) -> Complex64 {
    let settings = Settings::from_values(values);
    let kernels = DESIGNED.with(|memo| memo.get(values, spec, || design(&settings, spec)));
    kernels.response(0, hz / spec.sample_rate_hz) * db_to_gain(settings.output_db)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 4_096 };

    /// Third octaves of a source, and of the same source through a known tilt and dip: the equaliser gives them back.
    #[test]
    fn a_known_difference_is_made_up_for() {
        let difference = |hz: f64| 1.5 * (hz / 1_000.0).log2().clamp(-3.0, 3.0);
        let points: Vec<Point> = (0..31)
            .map(|n| 20.0 * 2f64.powf(f64::from(n) / 3.0))
            .map(|freq_hz| Point { freq_hz, source_db: -40.0, target_db: -43.0 + difference(freq_hz) })
            .collect();
        for phase in [Phase::Linear, Phase::Minimum, Phase::Mixed] {
            let settings = Settings { phase, points: points.clone(), ..Settings::default() };
            let kernels = design(&settings, &SPEC);
            let db = |hz: f64| 20.0 * kernels.response(0, hz / 48_000.0).norm().log10();
            // One gain for all, from equal loudness; the shape is the difference's.
            let offset = db(1_000.0);
            for hz in [200.0, 400.0, 2_000.0, 5_000.0] {
                let error = db(hz) - offset - difference(hz);
                assert!(error.abs() < 0.05, "{phase:?} {hz} Hz: {error:.3} dB");
            }
        }
    }

    #[test]
    fn equal_spectra_change_no_bit() {
        let points = vec![
            Point { freq_hz: 100.0, source_db: -30.0, target_db: -20.0 },
            Point { freq_hz: 5_000.0, source_db: -50.0, target_db: -40.0 },
        ];
        let kernels = design(&Settings { points, ..Settings::default() }, &SPEC);
        assert!(kernels.kernels.is_empty());
    }
}
