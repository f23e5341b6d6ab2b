//! Tilt: turns the whole spectrum like a seesaw, by so many decibels per octave.
//!
//! Poles and zeros on the real axis in turn, each pair a shelf of first order, spaced evenly in octaves from below the
//! audible band to above it: between them the magnitude is a straight line over log frequency (J. Abel & J. O. Smith,
//! *Closed form fractional integration and differentiation via real exponentially spaced pole-zero pairs*, DAFx 2015).
//! The distance of a pole from its zero, as a part of the distance of two poles, is the slope as a part of 6.02 dB per
//! octave. Realised by [`crate::blocks::matched`], so that the line goes on to 20 kHz; two opposite tilts null.

use crate::blocks::matched::{self, Fraction};
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Complex64, Family, Kind, Processor, Tail, Taper, Unit, Values, settings};
use audio::{Block, BlockRef, Spec};
use std::f64::consts::TAU;

settings! {
    /// Settings of the tilt.
    pub struct Settings {
        /// Slope of the whole spectrum: above 0 brighter, below 0 darker.
        tilt_db_per_oct: f64 { label: "Tilt", unit: Unit::DecibelPerOctave, min: -6.0, max: 6.0 },
        /// Where the gain stays 0 dB.
        pivot_hz: f64 {
            label: "Pivot", unit: Unit::Hertz, min: 100.0, max: 8_000.0, default: 1_000.0,
            taper: Taper::Logarithmic,
        },
    }
}

/// Straight spectral tilt.
pub static KIND: Kind = Kind {
    id: "tilt",
    label: "Tilt",
    family: Family::Equaliser,
    help: "Makes a sound brighter or darker as a whole, without a bump anywhere: a straight line from 20 Hz to 20 kHz. \
           Half a decibel per octave is much on a master.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Tilt::new(Settings::from_values(values), spec)),
    response: Some(response),
};

/// Poles, two to a section: within 0.1 dB of the line from 20 Hz to 20 kHz at any slope.
const POLES: usize = 8;
const SECTIONS: usize = POLES / 2;
const LOWEST_HZ: f64 = 5.0;
const HIGHEST_HZ: f64 = 100_000.0;

/// The sections, the last one the correction for what sampling changes.
type Filters = [Coefficients; SECTIONS + 1];

/// The filters of a slope. Each of them is 0 dB at the pivot, so that none is loud while another has yet to follow.
fn design(settings: &Settings, sample_rate_hz: f64) -> Filters {
    let slope = settings.tilt_db_per_oct;
    // A fall is one over the same rise. Without one the poles stay where they are, unheard.
    let share = slope.abs() / (20.0 * 2f64.log10());
    let ratio = (HIGHEST_HZ / LOWEST_HZ).powf(1.0 / (POLES - 1) as f64);
    // In units of the middle of all poles.
    let middle_hz = (LOWEST_HZ * HIGHEST_HZ).sqrt();
    let pole = |i: usize| LOWEST_HZ / middle_hz * ratio.powi(i as i32);
    let pair = |a: f64, b: f64| [1.0, 1.0 / a + 1.0 / b, 1.0 / (a * b)];
    let zero = |i: usize| pole(i) * ratio.powf(-share);
    let square = (settings.pivot_hz / middle_hz).powi(2);
    let mut sections: [Fraction; SECTIONS] = std::array::from_fn(|i| {
        let section = Fraction {
            numerator: pair(zero(2 * i), zero(2 * i + 1)),
            denominator: pair(pole(2 * i), pole(2 * i + 1)),
        };
        let at_pivot = section.power(square).sqrt();
        Fraction { numerator: section.numerator.map(|c| c / at_pivot), ..section }
    });
    let correction = matched::digital(&mut sections, middle_hz / sample_rate_hz);
    let turned = |section: Fraction| if slope < 0.0 { section.inverse() } else { section };
    let mut filters = [Coefficients::NEUTRAL; SECTIONS + 1];
    for (to, section) in filters.iter_mut().zip(sections) {
        let filter = Coefficients::from_fraction(&turned(section));
        *to = if slope == 0.0 { filter.silenced() } else { filter };
    }
    filters[SECTIONS] =
        correction.map_or(Coefficients::NEUTRAL, |section| Coefficients::from_fraction(&turned(section)));
    filters
}

fn response(values: &Values, spec: &Spec, hz: f64) -> Complex64 {
    let filters = design(&Settings::from_values(values), spec.sample_rate_hz);
    let z = Complex64::from_polar(1.0, TAU * hz / spec.sample_rate_hz);
    let sounding = filters.iter().filter(|f| !f.is_neutral());
    sounding.fold(Complex64::new(1.0, 0.0), |gain, filter| gain * filter.response(z))
}

struct Tilt {
    settings: Settings,
    sample_rate_hz: f64,
    chain: Chain,
}

impl Tilt {
    fn new(settings: Settings, spec: &Spec) -> Tilt {
        let chain = Chain::new(design(&settings, spec.sample_rate_hz), spec.channels);
        Tilt { chain, sample_rate_hz: spec.sample_rate_hz, settings }
    }
}

impl Processor for Tilt {
    fn tail(&self) -> Tail {
        Tail::Frames(self.chain.tail())
    }

    fn reset(&mut self) {
        self.chain.reset();
    }

    fn set(&mut self, address: Address, value: f64) {
        self.settings.set(address, value);
        let filters = design(&self.settings, self.sample_rate_hz);
        for (place, filter) in filters.into_iter().enumerate() {
            self.chain.go_to(place, filter);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.chain.process(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain_db(slope: f64, pivot_hz: f64, rate: f64, hz: f64) -> f64 {
        let filters = design(&Settings { tilt_db_per_oct: slope, pivot_hz }, rate);
        let z = Complex64::from_polar(1.0, TAU * hz / rate);
        let sections: f64 = filters.iter().map(|f| f.response(z).norm()).product();
        20.0 * sections.log10()
    }

    /// 0.2 dB to 10 kHz as asked, and the equaliser's 0.6 dB above it, at every rate.
    #[test]
    fn the_line_is_straight_from_20_hz_to_20_khz() {
        for rate in [44_100.0, 48_000.0, 96_000.0, 192_000.0] {
            for slope in [-6.0, -3.0, -1.0, 0.3, 1.0, 2.0, 4.5, 6.0] {
                for pivot_hz in [200.0, 1_000.0] {
                    for n in 0..200 {
                        let hz = 20.0 * 1_000f64.powf(f64::from(n) / 199.0);
                        let seen = gain_db(slope, pivot_hz, rate, hz);
                        let line = slope * (hz / pivot_hz).log2();
                        let allowed = 0.2;
                        let error = (seen - line).abs();
                        assert!(error <= allowed, "{slope} dB/oct, {rate} Hz, at {hz:.0} Hz: {error:.3} dB");
                    }
                }
            }
        }
    }

    #[test]
    fn opposite_tilts_null() {
        let spec = Spec { sample_rate_hz: 44_100.0, channels: 1, max_frames: 4_096 };
        let input: Vec<f64> = (0..4_096).map(|n| f64::from(n * n % 977) / 977.0 - 0.5).collect();
        let mut samples = input.clone();
        for slope in [4.0, -4.0] {
            let settings = Settings { tilt_db_per_oct: slope, pivot_hz: 700.0 };
            Tilt::new(settings, &spec).process(&mut Block::from_mono(&mut samples), None);
        }
        let left = samples.iter().zip(&input).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        // -120 dB is asked of an equaliser; f64 leaves far less.
        assert!(left < 1e-10, "{left:e}");
    }
}
