//! Width of the stereo image, and the low end in the middle.
//!
//! Middle `(L + R)/2` and side `(L - R)/2`; the side is scaled. Below `mono_below_hz` the side is removed by
//! a Linkwitz-Riley high-pass of 12, 24 or 48 dB per octave (S. H. Linkwitz, *Active crossover networks for
//! noncoincident drivers*, JAES 1976), while the middle passes the allpass of exactly the same phase: without
//! it, images near the corner would shift to one side. The middle's level is never touched, so the sum to
//! mono is as loud as before whatever the width. In linear phase the same is done by a band of width 0 in
//! [`super::band_width`].

use crate::blocks::matched::{self, Fraction};
use crate::blocks::ramp::Ramp;
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Complex64, Family, Kind, Processor, Tail, Unit, Values, choices, settings};
use audio::{Block, BlockRef, Frames, Spec};
use std::f64::consts::{FRAC_1_SQRT_2, TAU};

choices! {
    /// How steeply the side is removed below the corner.
    pub enum Steepness {
        /// 24 dB per octave.
        Db24 = "24_db_per_oct",
        /// 12 dB per octave: the gentlest on phase.
        Db12 = "12_db_per_oct",
        /// 48 dB per octave.
        Db48 = "48_db_per_oct",
    }
}

settings! {
    /// Settings of the width.
    pub struct Settings {
        /// Level of the side signal: 0 is mono, 100 as it came, 200 twice as much side.
        width_percent: f64 { label: "Width", unit: Unit::Percent, max: 200.0, default: 100.0 },
        /// Below this frequency everything stands in the middle; below 10 Hz it is off.
        mono_below_hz: f64 { label: "Mono below", unit: Unit::Hertz, max: 500.0 },
        /// How steeply the side is removed below that.
        mono_slope: Steepness { label: "Mono slope", fixed: true },
    }
}

/// Stereo width with mono low end.
pub static KIND: Kind = Kind {
    id: "width",
    label: "Width",
    family: Family::Level,
    help: "Narrows or widens the stereo image and keeps the low end in the middle. On signals that are not \
           stereo it does nothing.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Width::new(Settings::from_values(values), spec)),
    response: Some(response),
};

const LOWEST_CORNER_HZ: f64 = 10.0;

/// The most sections that middle and side need.
const SECTIONS: [usize; 2] = [2, 4];

/// The sections of the middle's allpass, and of the side's high-pass.
type Sections = ([Coefficients; SECTIONS[0]], [Coefficients; SECTIONS[1]]);

fn design(settings: &Settings, sample_rate_hz: f64) -> Sections {
    let (mut middle, mut side) = ([Coefficients::NEUTRAL; SECTIONS[0]], [Coefficients::NEUTRAL; SECTIONS[1]]);
    if settings.mono_below_hz < LOWEST_CORNER_HZ {
        return (middle, side);
    }
    let corner = settings.mono_below_hz / sample_rate_hz;
    let order = match settings.mono_slope {
        Steepness::Db12 => {
            // First order run twice: -S^2/(S + 1)^2, whose phase is that of (1 - S)/(1 + S) = (1 - S^2)/(S + 1)^2.
            let below = [1.0, 2.0, 1.0];
            let fraction = |numerator| {
                let mut sections = [Fraction { numerator, denominator: below }];
                matched::digital(&mut sections, corner);
                Coefficients::from_fraction(&sections[0])
            };
            middle[0] = fraction([1.0, 0.0, -1.0]);
            side[0] = fraction([0.0, 0.0, -1.0]);
            return (middle, side);
        }
        Steepness::Db24 => 2,
        Steepness::Db48 => 4,
    };
    let mut sections = [Fraction::ONE; 8];
    let count = matched::butterworth(order, true, FRAC_1_SQRT_2, &mut sections);
    matched::digital(&mut sections[..count], corner);
    for (i, high_pass) in sections[..count].iter().enumerate() {
        // D(-S)/D(S) turns the phase by twice that of 1/D(S), as the high-pass does in its two runs: its
        // numerator, a positive number times S^4 or S^8, turns nothing.
        let [d0, d1, d2] = high_pass.denominator;
        let allpass = Fraction { numerator: [d0, -d1, d2], denominator: [d0, d1, d2] };
        middle[i] = Coefficients::from_fraction(&allpass);
        side[2 * i] = Coefficients::from_fraction(high_pass);
        side[2 * i + 1] = side[2 * i];
    }
    (middle, side)
}

/// What happens to equal channels.
fn response(values: &Values, spec: &Spec, hz: f64) -> Complex64 {
    let (middle, _) = design(&Settings::from_values(values), spec.sample_rate_hz);
    if spec.channels != 2 {
        return Complex64::new(1.0, 0.0);
    }
    let z = Complex64::from_polar(1.0, TAU * hz / spec.sample_rate_hz);
    middle.iter().filter(|section| !section.is_neutral()).map(|section| section.response(z)).product()
}

struct Width {
    settings: Settings,
    spec: Spec,
    middle: Chain,
    side: Chain,
    width: Ramp,
}

impl Width {
    fn new(settings: Settings, spec: &Spec) -> Width {
        let (middle, side) = design(&settings, spec.sample_rate_hz);
        Width {
            middle: Chain::new(middle, 1),
            side: Chain::new(side, 1),
            width: Ramp::new(settings.width_percent / 100.0),
            spec: *spec,
            settings,
        }
    }
}

impl Processor for Width {
    fn tail(&self) -> Tail {
        let tail: Frames = if self.spec.channels == 2 { self.middle.tail().max(self.side.tail()) } else { 0 };
        Tail::Frames(tail)
    }

    fn reset(&mut self) {
        self.middle.reset();
        self.side.reset();
        self.width.finish();
    }

    fn set(&mut self, address: Address, value: f64) {
        let slope = self.settings.mono_slope;
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.mono_slope = slope;
        let (middle, side) = design(&self.settings, self.spec.sample_rate_hz);
        middle.into_iter().enumerate().for_each(|(i, section)| self.middle.go_to(i, section));
        side.into_iter().enumerate().for_each(|(i, section)| self.side.go_to(i, section));
        self.width.go_to(self.settings.width_percent / 100.0);
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        if block.channels() != 2 {
            return;
        }
        let filtered = !self.middle.is_neutral() || !self.side.is_neutral();
        let (left, right) = block.stereo_mut();
        if !filtered {
            // Adding the missing side keeps every bit where nothing is missing.
            for (left, right) in left.iter_mut().zip(right) {
                let more = self.width.next_value() - 1.0;
                if more != 0.0 {
                    let side = 0.5 * (*left - *right) * more;
                    *left += side;
                    *right -= side;
                }
            }
            return;
        }
        for (left, right) in left.iter_mut().zip(right.iter_mut()) {
            (*left, *right) = (0.5 * (*left + *right), 0.5 * (*left - *right));
        }
        self.middle.process(&mut Block::from_mono(left));
        self.side.process(&mut Block::from_mono(right));
        for (left, right) in left.iter_mut().zip(right) {
            let side = *right * self.width.next_value();
            (*left, *right) = (*left + side, *left - side);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;

    const SPEC: Spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 48_000 };

    fn tone(hz: f64) -> Vec<f64> {
        (0..48_000).map(|n| (TAU * hz * n as f64 / 48_000.0).sin()).collect()
    }

    /// One second of a sine on the left alone, processed; the amplitudes of the last half.
    fn left_sine(settings: Settings, hz: f64) -> Buffer {
        let mut audio = Buffer::from_channels(&[tone(hz), vec![0.0; 48_000]]);
        Width::new(settings, &SPEC).process(&mut audio.as_block_mut(), None);
        audio
    }

    /// The complex amplitude at a whole number of hertz over the last half second.
    fn amplitude(samples: &[f64], hz: f64) -> Complex64 {
        let sum: Complex64 = samples[24_000..]
            .iter()
            .enumerate()
            .map(|(n, x)| Complex64::from_polar(*x, -TAU * hz * (n + 24_000) as f64 / 48_000.0))
            .sum();
        sum / 12_000.0
    }

    #[test]
    fn width_scales_the_side_and_leaves_the_middle() {
        for (percent, left, right) in [(0.0, 0.5, 0.5), (50.0, 0.75, 0.25), (200.0, 1.5, -0.5)] {
            let out = left_sine(Settings { width_percent: percent, ..Settings::default() }, 1_000.0);
            let input = (TAU * 1_000.0 * 17.0 / 48_000.0).sin();
            assert!((out.channel(0)[17] - left * input).abs() < 1e-15, "{percent}");
            assert!((out.channel(1)[17] - right * input).abs() < 1e-15, "{percent}");
        }
    }

    #[test]
    fn the_low_end_is_mono_and_images_above_stay_in_place() {
        for (mono_slope, down_db) in
            [(Steepness::Db12, -24.0), (Steepness::Db24, -47.0), (Steepness::Db48, -94.0)]
        {
            images_stay_in_place(mono_slope, down_db);
        }
    }

    fn images_stay_in_place(mono_slope: Steepness, down_db: f64) {
        let settings = || Settings { mono_below_hz: 120.0, mono_slope, ..Settings::default() };
        // Two octaves below the corner the side is down by the slope twice.
        let low = left_sine(settings(), 30.0);
        let difference = amplitude(low.channel(0), 30.0) - amplitude(low.channel(1), 30.0);
        assert!(20.0 * difference.norm().log10() < down_db, "{mono_slope:?}: {difference}");
        // Linkwitz-Riley: half at the corner, and in phase with the middle, so that the left stays the louder
        // one without any shift: left 3/4, right 1/4 of the source.
        let corner = left_sine(settings(), 120.0);
        let (left, right) = (amplitude(corner.channel(0), 120.0), amplitude(corner.channel(1), 120.0));
        assert!((left.norm() - 0.75).abs() < 1e-3 && (right.norm() - 0.25).abs() < 1e-3, "{left} {right}");
        assert!((left / right).arg().abs() < 1e-3, "{left} {right}");
        let high = left_sine(settings(), 4_000.0);
        // Five octaves above, 12 dB per octave are 1e-3 short of everything.
        assert!(amplitude(high.channel(1), 4_000.0).norm() < 1e-3);
        // At high frequencies the polarity is as it came.
        let (kept, input) = (amplitude(high.channel(0), 4_000.0), amplitude(&tone(4_000.0), 4_000.0));
        assert!((kept / input).re > 0.9, "{mono_slope:?}: {kept} {input}");
    }

    #[test]
    fn the_sum_to_mono_keeps_its_level() {
        let slopes = [Steepness::Db12, Steepness::Db24, Steepness::Db48];
        for (width_percent, mono_slope) in [0.0, 130.0, 200.0].into_iter().zip(slopes) {
            for hz in [40.0, 100.0, 1_000.0] {
                let out = left_sine(Settings { width_percent, mono_below_hz: 100.0, mono_slope }, hz);
                let sum = amplitude(out.channel(0), hz) + amplitude(out.channel(1), hz);
                // The allpass is exact; half a second of settling leaves nothing.
                assert!((sum.norm() - 1.0).abs() < 1e-6, "{width_percent} %, {hz} Hz: {sum}");
            }
        }
    }

    #[test]
    fn other_layouts_pass() {
        for channels in [1, 3] {
            let input: Vec<Vec<f64>> = (0..channels).map(|c| vec![0.3 * c as f64 + 0.1; 50]).collect();
            let mut audio = Buffer::from_channels(&input);
            let settings = Settings { width_percent: 0.0, mono_below_hz: 200.0, ..Settings::default() };
            Width::new(settings, &Spec { channels, ..SPEC }).process(&mut audio.as_block_mut(), None);
            assert_eq!(audio, Buffer::from_channels(&input));
        }
    }
}
