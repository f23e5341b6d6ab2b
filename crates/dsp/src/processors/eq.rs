//! Parametric equaliser of minimum phase.
//!
//! Bands in series, then the output gain. Curves are those of the audio-EQ cookbook's analogue prototypes
//! (R. Bristow-Johnson) and of Butterworth's high- and low-pass, followed up to 20 kHz without cramping (see
//! [`crate::blocks::matched`]) by state-variable sections that may be moved (see [`crate::blocks::svf`]).
//! A cut is exactly one over the same boost. A bell, shelf or tilt at 0 dB does nothing and costs nothing.
//!
//! A band may work on part of a stereo signal. Bands of the whole signal come first, then those of left and right,
//! then those of middle `(L + R)/2` and side `(L - R)/2`; within each the order changes nothing.

use crate::blocks::matched::{self, Fraction};
use crate::blocks::ramp::Ramp;
use crate::blocks::svf::{Chain, Coefficients};
use crate::{Address, Complex64, Family, Kind, Processor, Tail, Taper, Unit, Values, choices, settings};
use audio::{Block, BlockRef, Buffer, Spec, db_to_gain};
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
        /// Raises everything above a frequency by the gain and lowers everything below by as much.
        Tilt = "tilt",
        /// Keeps the surroundings of a frequency and removes the rest.
        BandPass = "band_pass",
        /// Turns the phase around a frequency, by half a turn there, and changes no level.
        AllPass = "all_pass",
    }
}

choices! {
    /// The part of a stereo signal that a band changes.
    pub enum Channel {
        /// Every channel.
        Stereo = "stereo",
        /// What left and right have in common; a mono signal is all middle.
        Mid = "mid",
        /// What left and right have not in common.
        Side = "side",
        /// The left channel.
        Left = "left",
        /// The right channel.
        Right = "right",
    }
}

impl Channel {
    /// All of them, in the order of [`Channel`]'s numbers.
    pub(crate) const ALL: [Channel; 5] =
        [Channel::Stereo, Channel::Mid, Channel::Side, Channel::Left, Channel::Right];

    /// What it means on a signal of so many channels; `None` where there is no such part.
    pub(crate) fn on(self, channels: usize) -> Option<Channel> {
        match self {
            part if channels == 2 => Some(part),
            Channel::Stereo | Channel::Mid => Some(Channel::Stereo),
            _ => None,
        }
    }
}

settings! {
    /// Settings of one band.
    pub struct Band {
        /// The shape of the band.
        r#type: Shape { label: "Type", fixed: true },
        /// Centre of a bell, notch, band-pass or tilt, corner of a shelf or pass. Held below 0.46 of the sample rate.
        freq_hz: f64 {
            label: "Frequency", unit: Unit::Hertz, min: 10.0, max: 40_000.0, default: 1_000.0,
            taper: Taper::Logarithmic,
        },
        /// Gain of a bell, shelf or tilt; the others have none.
        gain_db: f64 { label: "Gain", unit: Unit::Decibel, min: -30.0, max: 30.0 },
        /// Narrowness of a bell, notch, band-pass or all-pass, steepness of a shelf, resonance of a pass of
        /// 12 dB/oct or more (0.7071 is Butterworth's, without resonance).
        q: f64 {
            label: "Q", min: 0.1, max: 40.0, default: FRAC_1_SQRT_2, taper: Taper::Logarithmic,
        },
        /// Steepness of a pass, in steps of 6.
        slope_db_per_oct: f64 {
            label: "Slope", unit: Unit::DecibelPerOctave, min: 6.0, max: 96.0, default: 12.0, fixed: true,
        },
        /// The part of a stereo signal that the band changes.
        channel: Channel { label: "Channel", fixed: true },
    }
}

settings! {
    /// Settings of the equaliser.
    pub struct Settings {
        /// Gain after all bands.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
    }
    groups {
        /// The bands.
        bands: Band { label: "Band", max: 24 },
    }
}

/// Parametric equaliser.
pub static KIND: Kind = Kind {
    id: "eq",
    label: "Equaliser",
    family: Family::Equaliser,
    help: "Shapes tone with up to 24 bands: bells, shelves, high- and low-passes of 6 to 96 dB per octave, \
           notches, tilts, band- and all-passes, each on the whole signal, middle, side, left or right. Cut what \
           masks or booms, then lift what is missing.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    // A band of one channel alone does not.
    keeps_mono: false,
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

/// Shapes that have a gain, and change nothing at 0 dB.
pub(crate) fn has_gain(shape: Shape) -> bool {
    matches!(shape, Shape::Bell | Shape::LowShelf | Shape::HighShelf | Shape::Tilt)
}

/// The filters of one band: the sections of its shape, then the correction for what sampling does to it.
pub(crate) fn design(band: &Band, sample_rate_hz: f64) -> Filters {
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
                Shape::Tilt => matched::tilt(boost_db),
                Shape::BandPass => matched::band_pass(band.q),
                Shape::AllPass => return all_pass(band, sample_rate_hz),
                _ => matched::bell(boost_db, band.q),
            };
            1
        }
    };
    let has_gain = has_gain(band.r#type);
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

/// The poles of a band-pass, with zeros that mirror them: D(-S)/D(S) changes no level at any frequency.
fn all_pass(band: &Band, sample_rate_hz: f64) -> Filters {
    let mut section = [matched::band_pass(band.q)];
    matched::digital(&mut section, band.freq_hz / sample_rate_hz);
    let [d0, d1, d2] = section[0].denominator;
    let mut filters = [Coefficients::NEUTRAL; MOST_SECTIONS];
    filters[0] =
        Coefficients::from_fraction(&Fraction { numerator: [d0, -d1, d2], denominator: [d0, d1, d2] });
    filters
}

/// The filters of all bands on one part of a signal with so many channels, in order.
fn filters_of<'a>(
    bands: &'a [Band],
    part: Channel,
    spec: &Spec,
) -> impl Iterator<Item = Coefficients> + use<'a> {
    let (rate, channels) = (spec.sample_rate_hz, spec.channels);
    let here = bands.iter().filter(move |band| band.channel.on(channels) == Some(part));
    here.flat_map(move |band| design(band, rate).into_iter().take(sections(band)))
}

/// What happens to the left channel when both are equal.
fn response(values: &Values, spec: &Spec, hz: f64) -> Complex64 {
    let settings = Settings::from_values(values);
    let z = Complex64::from_polar(1.0, TAU * hz / spec.sample_rate_hz);
    let of = |part| {
        let sounding = filters_of(&settings.bands, part, spec).filter(|f| !f.is_neutral());
        sounding.fold(Complex64::new(1.0, 0.0), |gain, filter| gain * filter.response(z))
    };
    let [stereo, mid, side, left, right] = Channel::ALL.map(of);
    let placed = (mid * (left + right) + side * (left - right)) * 0.5;
    stereo * placed * db_to_gain(settings.output_db)
}

struct Equaliser {
    settings: Settings,
    spec: Spec,
    /// One per part, in the order of [`Channel::ALL`].
    chains: [Chain; 5],
    output: Ramp,
    /// Middle and side, and what they were.
    parts: Buffer,
}

impl Equaliser {
    fn new(settings: Settings, spec: &Spec) -> Equaliser {
        let chain = |part| {
            let channels = if part == Channel::Stereo { spec.channels } else { 1 };
            Chain::new(filters_of(&settings.bands, part, spec), channels)
        };
        let split = |band: &Band| matches!(band.channel, Channel::Mid | Channel::Side);
        let room = if settings.bands.iter().any(split) { spec.max_frames } else { 0 };
        Equaliser {
            chains: Channel::ALL.map(chain),
            output: Ramp::new(db_to_gain(settings.output_db)),
            parts: Buffer::new(2, room),
            spec: *spec,
            settings,
        }
    }

    fn move_band(&mut self, item: usize) {
        let band = &self.settings.bands[item];
        let Some(part) = band.channel.on(self.spec.channels) else { return };
        let before = self.settings.bands[..item].iter();
        let first: usize =
            before.filter(|b| b.channel.on(self.spec.channels) == Some(part)).map(sections).sum();
        let filters = design(band, self.spec.sample_rate_hz);
        for (place, filter) in filters.into_iter().take(sections(band)).enumerate() {
            self.chains[part as usize].go_to(first + place, filter);
        }
    }

    fn chain(&mut self, part: Channel) -> &mut Chain {
        &mut self.chains[part as usize]
    }

    /// Filters middle and side. Only what changes is added, so that what does not change keeps its bits.
    fn run_middle_and_side(&mut self, block: &mut Block) {
        if self.chain(Channel::Mid).is_neutral() && self.chain(Channel::Side).is_neutral() {
            return;
        }
        let frames = block.frames();
        let (left, right) = block.stereo_mut();
        let mut parts = self.parts.range_mut(0, frames);
        let (mid, side) = parts.stereo_mut();
        for n in 0..frames {
            (mid[n], side[n]) = (0.5 * (left[n] + right[n]), 0.5 * (left[n] - right[n]));
        }
        self.chains[Channel::Mid as usize].process(&mut Block::from_mono(mid));
        self.chains[Channel::Side as usize].process(&mut Block::from_mono(side));
        for n in 0..frames {
            let more_mid = mid[n] - 0.5 * (left[n] + right[n]);
            let more_side = side[n] - 0.5 * (left[n] - right[n]);
            left[n] += more_mid + more_side;
            right[n] += more_mid - more_side;
        }
    }
}

impl Processor for Equaliser {
    fn tail(&self) -> Tail {
        let [stereo, mid, side, left, right] = self.chains.each_ref().map(Chain::tail);
        Tail::Frames(stereo + left.max(right) + mid.max(side))
    }

    fn reset(&mut self) {
        self.chains.iter_mut().for_each(Chain::reset);
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
        self.chain(Channel::Stereo).process(block);
        if block.channels() == 2 {
            let (left, right) = block.stereo_mut();
            self.chains[Channel::Left as usize].process(&mut Block::from_mono(left));
            self.chains[Channel::Right as usize].process(&mut Block::from_mono(right));
            self.run_middle_and_side(block);
        }
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
        for shape in [Shape::Bell, Shape::LowShelf, Shape::HighShelf, Shape::Tilt] {
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
                let filters = filters_of(&settings.bands, Channel::Stereo, &spec);
                20.0 * filters.map(|f| f.response(z).norm()).product::<f64>().log10()
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

    fn stereo(bands: Vec<Band>, input: &[Vec<f64>]) -> Buffer {
        let spec = Spec { channels: 2, max_frames: 6_000, ..SPEC };
        let mut audio = Buffer::from_channels(input);
        Equaliser::new(Settings { bands, ..Settings::default() }, &spec)
            .process(&mut audio.as_block_mut(), None);
        audio
    }

    /// Against the definition: the same band on a signal that is the part and nothing else.
    #[test]
    fn a_band_changes_the_part_it_names_and_nothing_else() {
        let source = [noise(6_000), noise(12_000)[6_000..].to_vec()];
        let mix = |a: f64, b: f64| -> Vec<f64> {
            source[0].iter().zip(&source[1]).map(|(l, r)| a * l + b * r).collect()
        };
        let bell = |channel| Band { channel, ..band(Shape::Bell, 700.0, -9.0, 1.3) };
        let alone = |input: Vec<f64>| {
            let both = stereo(vec![bell(Channel::Stereo)], &[input.clone(), input]);
            both.channel(0).to_vec()
        };
        let (mid, side) = (mix(0.5, 0.5), mix(0.5, -0.5));
        let sum = |a: &[f64], b: &[f64], sign: f64| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| a + sign * b).collect()
        };
        let expected = |channel| match channel {
            Channel::Stereo => [alone(source[0].clone()), alone(source[1].clone())],
            Channel::Left => [alone(source[0].clone()), source[1].clone()],
            Channel::Right => [source[0].clone(), alone(source[1].clone())],
            Channel::Mid => {
                let mid = alone(mid.clone());
                [sum(&mid, &side, 1.0), sum(&mid, &side, -1.0)]
            }
            Channel::Side => {
                let side = alone(side.clone());
                [sum(&mid, &side, 1.0), sum(&mid, &side, -1.0)]
            }
        };
        for channel in Channel::ALL {
            let seen = stereo(vec![bell(channel)], &source);
            for (c, expected) in expected(channel).iter().enumerate() {
                let error =
                    seen.channel(c).iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                // Rounding in another order.
                assert!(error < 1e-13, "{channel:?}, channel {c}: {error:e}");
            }
        }
    }

    #[test]
    fn a_mono_signal_is_all_middle() {
        let spec = SPEC;
        let gain = |channel| {
            let bands = vec![Band { channel, ..band(Shape::Bell, 1_000.0, 6.0, 1.0) }];
            let mut audio = Buffer::from_channels(&[noise(500)]);
            Equaliser::new(Settings { bands, ..Settings::default() }, &spec)
                .process(&mut audio.as_block_mut(), None);
            audio
        };
        assert_eq!(gain(Channel::Mid), gain(Channel::Stereo));
        for channel in [Channel::Side, Channel::Left, Channel::Right] {
            assert_eq!(gain(channel).channel(0), noise(500));
        }
    }

    #[test]
    fn an_all_pass_turns_the_phase_and_keeps_the_level() {
        for q in [0.1, 0.5, FRAC_1_SQRT_2, 5.0] {
            let filters = design(&band(Shape::AllPass, 1_000.0, 0.0, q), 48_000.0);
            let at = |hz: f64| filters[0].response(Complex64::from_polar(1.0, TAU * hz / 48_000.0));
            for hz in [20.0, 500.0, 3_000.0, 20_000.0] {
                // Rounding alone.
                assert!((at(hz).norm() - 1.0).abs() < 1e-9, "Q {q}, {hz} Hz: {}", at(hz));
            }
            // Half a turn at its frequency; the poles' place is exact, their sum of angles nearly.
            assert!(at(1_000.0).re < -0.99, "Q {q}: {}", at(1_000.0));
        }
    }
}
