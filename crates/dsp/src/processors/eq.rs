//! Parametric equaliser of minimum phase.
//!
//! Bands in series, then the output gain. Curves are those of the audio-EQ cookbook's analogue prototypes
//! (R. Bristow-Johnson) and of Butterworth's high- and low-pass, followed up to 20 kHz without cramping (see
//! [`crate::blocks::matched`]) by state-variable sections that may be moved (see [`crate::blocks::svf`]).
//! A cut is exactly one over the same boost. A bell or shelf at 0 dB does nothing and costs nothing.

use crate::blocks::matched::{self, Fraction};
use crate::blocks::ramp::Ramp;
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Complex64, Family, Kind, Processor, Tail, Taper, Unit, Values, choices, settings};
use audio::{Block, BlockRef, Spec, db_to_gain};
use std::f64::consts::{FRAC_1_SQRT_2, TAU};

choices! {
    /// The shape of a band.
    pub enum Shape {
        /// Raises or lowers the surroundings of a frequency.
        Bell = "bell",
        /// Raises or lowers everything below a frequency.
        LowShelf = "low_shelf",
        /// Raises or lowers everything above a frequency.
        HighShelf = "high_shelf",
        /// Removes what is below a frequency.
        HighPass = "high_pass",
        /// Removes what is above a frequency.
        LowPass = "low_pass",
        /// Removes one frequency.
        Notch = "notch",
    }
}

settings! {
    /// Settings of one band.
    pub struct Band {
        /// The shape of the band.
        r#type: Shape { label: "Type", fixed: true },
        /// Centre of a bell or notch, corner of a shelf or pass. Held below 0.46 of the sample rate.
        freq_hz: f64 {
            label: "Frequency", unit: Unit::Hertz, min: 10.0, max: 40_000.0, default: 1_000.0,
            taper: Taper::Logarithmic,
        },
        /// Gain of a bell or shelf; passes and notches have none.
        gain_db: f64 { label: "Gain", unit: Unit::Decibel, min: -30.0, max: 30.0 },
        /// Narrowness of a bell or notch, steepness of a shelf, resonance of a pass of 12 dB/oct or more
        /// (0.7071 is Butterworth's, without resonance).
        q: f64 {
            label: "Q", min: 0.1, max: 40.0, default: FRAC_1_SQRT_2, taper: Taper::Logarithmic,
        },
        /// Steepness of a pass, in steps of 6.
        slope_db_per_oct: f64 {
            label: "Slope", unit: Unit::DecibelPerOctave, min: 6.0, max: 96.0, default: 12.0, fixed: true,
        },
    }
}

settings! {
    /// Settings of the equaliser.
    pub struct Settings {
        /// Gain after all bands.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
    }
    groups {
        /// The bands, in the order they are applied.
        bands: Band { label: "Band", max: 24 },
    }
}

/// Parametric equaliser.
pub static KIND: Kind = Kind {
    id: "eq",
    label: "Equaliser",
    family: Family::Equaliser,
    help: "Shapes tone with up to 24 bands: bells, shelves, high- and low-passes of 6 to 96 dB per octave, \
           notches. Cut what masks or booms, then lift what is missing.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Equaliser::new(Settings::from_values(values), spec)),
    response: Some(response),
};

/// Sections of a band, and one more for what sampling leaves to correct.
const MOST_SECTIONS: usize = 9;

/// Filters of one band: as many as [`sections`] says, the last one the correction.
type Filters = [Coefficients; MOST_SECTIONS];

/// Order of a pass: one for each 6 dB per octave.
fn order(band: &Band) -> usize {
    (band.slope_db_per_oct / 6.0).round() as usize
}

/// How many filters a band has; only the fixed settings count.
fn sections(band: &Band) -> usize {
    match band.r#type {
        Shape::HighPass | Shape::LowPass => order(band).div_ceil(2) + 1,
        _ => 2,
    }
}

fn design(band: &Band, sample_rate_hz: f64) -> Filters {
    let mut prototypes = [Fraction::ONE; 8];
    let boost_db = band.gain_db.abs();
    let count = match band.r#type {
        Shape::HighPass => matched::butterworth(order(band), true, band.q, &mut prototypes),
        Shape::LowPass => matched::butterworth(order(band), false, band.q, &mut prototypes),
        shape => {
            prototypes[0] = match shape {
                Shape::LowShelf => matched::low_shelf(boost_db, band.q),
                Shape::HighShelf => matched::high_shelf(boost_db, band.q),
                Shape::Notch => matched::notch(band.q),
                _ => matched::bell(boost_db, band.q),
            };
            1
        }
    };
    let has_gain = matches!(band.r#type, Shape::Bell | Shape::LowShelf | Shape::HighShelf);
    let correction = matched::digital(&mut prototypes[..count], band.freq_hz / sample_rate_hz);
    let filter = |section: Fraction| {
        let cut = has_gain && band.gain_db < 0.0;
        let filter = Coefficients::from_fraction(&if cut { section.inverse() } else { section });
        if has_gain && band.gain_db == 0.0 { filter.silenced() } else { filter }
    };
    let mut filters = [Coefficients::NEUTRAL; MOST_SECTIONS];
    for (to, section) in filters.iter_mut().zip(&prototypes[..count]) {
        *to = filter(*section);
    }
    filters[count] = correction.map_or(Coefficients::NEUTRAL, filter);
    filters
}

fn all_filters<'a>(settings: &'a Settings, spec: &Spec) -> impl Iterator<Item = Coefficients> + use<'a> {
    let rate = spec.sample_rate_hz;
    settings.bands.iter().flat_map(move |band| design(band, rate).into_iter().take(sections(band)))
}

fn response(values: &Values, spec: &Spec, hz: f64) -> Complex64 {
    let settings = Settings::from_values(values);
    let z = Complex64::from_polar(1.0, TAU * hz / spec.sample_rate_hz);
    let gain = Complex64::new(db_to_gain(settings.output_db), 0.0);
    all_filters(&settings, spec).filter(|f| !f.is_neutral()).fold(gain, |gain, f| gain * f.response(z))
}

struct Equaliser {
    settings: Settings,
    sample_rate_hz: f64,
    chain: Chain,
    output: Ramp,
}

impl Equaliser {
    fn new(settings: Settings, spec: &Spec) -> Equaliser {
        Equaliser {
            chain: Chain::new(all_filters(&settings, spec), spec.channels),
            output: Ramp::new(db_to_gain(settings.output_db)),
            sample_rate_hz: spec.sample_rate_hz,
            settings,
        }
    }

    fn move_band(&mut self, item: usize) {
        let first: usize = self.settings.bands[..item].iter().map(sections).sum();
        let band = &self.settings.bands[item];
        let filters = design(band, self.sample_rate_hz);
        for (place, filter) in filters.into_iter().take(sections(band)).enumerate() {
            self.chain.go_to(first + place, filter);
        }
    }
}

impl Processor for Equaliser {
    fn tail(&self) -> Tail {
        Tail::Frames(self.chain.tail())
    }

    fn reset(&mut self) {
        self.chain.reset();
        self.output.finish();
    }

    fn set(&mut self, address: Address, value: f64) {
        if KIND.param(address).fixed {
            return;
        }
        self.settings.set(address, value);
        match address {
            Address::Item { item, .. } if item < self.settings.bands.len() => self.move_band(item),
            Address::Item { .. } => {}
            Address::Field(_) => self.output.go_to(db_to_gain(self.settings.output_db)),
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.chain.process(block);
        let ramp = self.output;
        for samples in block.iter_mut() {
            self.output = ramp;
            self.output.scale(samples);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;
    use realfft::RealFftPlanner;

    const SPEC: Spec = Spec { sample_rate_hz: 48_000.0, channels: 1, max_frames: 4_096 };

    fn band(shape: Shape, freq_hz: f64, gain_db: f64, q: f64) -> Band {
        Band { r#type: shape, freq_hz, gain_db, q, ..Band::default() }
    }

    fn equaliser(bands: Vec<Band>) -> Equaliser {
        Equaliser::new(Settings { bands, ..Settings::default() }, &SPEC)
    }

    fn noise(frames: usize) -> Vec<f64> {
        let mut state = 88_172_645_463_325_252u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as f64 / u64::MAX as f64 - 0.5
        };
        (0..frames).map(|_| next()).collect()
    }

    #[test]
    fn a_boost_and_the_same_cut_null() {
        for shape in [Shape::Bell, Shape::LowShelf, Shape::HighShelf] {
            for freq_hz in [40.0, 900.0, 9_000.0, 19_000.0] {
                let bands = vec![band(shape, freq_hz, 9.0, 1.1), band(shape, freq_hz, -9.0, 1.1)];
                let input = noise(20_000);
                let mut audio = Buffer::from_channels(std::slice::from_ref(&input));
                equaliser(bands).process(&mut audio.as_block_mut(), None);
                let left =
                    audio.channel(0).iter().zip(&input).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                // -120 dB is asked; f64 leaves far less.
                assert!(left < 1e-10, "{shape:?} at {freq_hz} Hz leaves {left:e}");
            }
        }
    }

    #[test]
    fn passes_fall_as_steeply_as_they_say() {
        for slope in [6.0, 12.0, 18.0, 24.0, 48.0, 96.0] {
            let spec = Spec { sample_rate_hz: 96_000.0, ..SPEC };
            let level = |shape, hz: f64| {
                let band = Band { slope_db_per_oct: slope, ..band(shape, 1_000.0, 0.0, FRAC_1_SQRT_2) };
                let settings = Settings { bands: vec![band], ..Settings::default() };
                let z = Complex64::from_polar(1.0, TAU * hz / spec.sample_rate_hz);
                20.0 * all_filters(&settings, &spec).map(|f| f.response(z).norm()).product::<f64>().log10()
            };
            // Butterworth: -3.01 dB at the corner; from two to three octaves away nearly the full slope.
            for (shape, away) in [(Shape::HighPass, 0.125), (Shape::LowPass, 8.0)] {
                assert!((level(shape, 1_000.0) + 3.0103).abs() < 0.01, "{slope}: {}", level(shape, 1_000.0));
                let fall = level(shape, 1_000.0 * f64::powf(away, 2.0 / 3.0)) - level(shape, 1_000.0 * away);
                // "6 dB" is 20 log10(2) per order.
                let whole = slope / 6.0 * 6.0206;
                assert!((fall - whole).abs() < 0.2, "{shape:?} {slope} dB/oct falls {fall:.2} dB");
            }
        }
    }

    /// A gain that moves by 12 dB within 10 ms under a sine of 1 kHz leaves nothing above -80 dBFS further
    /// than 500 Hz from it, as a moved direct form does.
    #[test]
    fn a_moved_gain_does_not_splatter() {
        let frames = 48_000;
        let mut audio = Buffer::from_channels(&[(0..frames)
            .map(|n| 0.25 * (TAU * 1_000.0 * n as f64 / 48_000.0).sin())
            .collect::<Vec<f64>>()]);
        let mut eq = equaliser(vec![band(Shape::Bell, 1_000.0, 0.0, 1.0)]);
        let gain = Address::Item { group: 0, item: 0, field: 2 };
        for (point, start) in (0..frames).step_by(64).enumerate() {
            // 10 ms are seven and a half control periods at 48 kHz.
            let step = (point as f64 - 375.0).clamp(0.0, 7.5) / 7.5;
            eq.set(gain, 12.0 * step);
            let length = 64.min(frames - start);
            eq.process(&mut audio.range_mut(start, length), None);
        }
        // A Hann window over the second: the ends do not splatter, and the move stands at its middle.
        let mut windowed: Vec<f64> = audio
            .channel(0)
            .iter()
            .enumerate()
            .map(|(n, x)| x * 2.0 * (std::f64::consts::PI * n as f64 / frames as f64).sin().powi(2))
            .collect();
        let transform = RealFftPlanner::new().plan_fft_forward(frames);
        let mut spectrum = transform.make_output_vec();
        transform.process(&mut windowed, &mut spectrum).expect("lengths fit");
        let loudest = spectrum
            .iter()
            .enumerate()
            .filter(|(hz, _)| !(500..=1_500).contains(hz))
            .map(|(hz, x)| (x.norm() * 2.0 / frames as f64, hz))
            .fold((0.0, 0), |a, b| if b.0 > a.0 { b } else { a });
        assert!(loudest.0 < 1e-4, "{:.1} dBFS at {} Hz", 20.0 * loudest.0.log10(), loudest.1);
    }

    #[test]
    fn a_neutral_band_passes_every_bit() {
        let input = noise(1_000);
        let mut audio = Buffer::from_channels(std::slice::from_ref(&input));
        equaliser(vec![band(Shape::Bell, 3_000.0, 0.0, 5.0), band(Shape::HighShelf, 9_000.0, 0.0, 0.7)])
            .process(&mut audio.as_block_mut(), None);
        assert_eq!(audio.channel(0), &input[..]);
    }

    /// Noise of the arithmetic: a 20 Hz high-pass at 192 kHz, the case where direct forms in f32 fail by
    /// -50 dBFS, against the convolution with its impulse response, which has no recursion that could gather
    /// errors; -140 dBFS is asked.
    #[test]
    fn low_corners_at_high_rates_stay_exact() {
        let spec = Spec { sample_rate_hz: 192_000.0, ..SPEC };
        let settings =
            Settings { bands: vec![band(Shape::HighPass, 20.0, 0.0, FRAC_1_SQRT_2)], ..Settings::default() };
        let input = noise(100_000);
        let mut audio = Buffer::from_channels(std::slice::from_ref(&input));
        Equaliser::new(settings.clone(), &spec).process(&mut audio.as_block_mut(), None);
        let mut response = vec![0.0; 100_000];
        response[0] = 1.0;
        Equaliser::new(settings, &spec).process(&mut Block::from_mono(&mut response), None);
        for frame in [10_000, 50_000, 99_999] {
            let expected: f64 = (0..=frame).map(|n| response[frame - n] * input[n]).sum();
            let seen = audio.channel(0)[frame];
            assert!((seen - expected).abs() < 1e-7, "frame {frame}: {seen} {expected}");
        }
    }
}
