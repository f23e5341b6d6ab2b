//! Equaliser of linear, minimum or mixed phase: a finite filter from bands, from a drawn curve, or from both.
//!
//! Bands have the magnitudes of the parametric equaliser (see [`super::eq`]), a drawn curve goes through its points
//! (see [`fir::Curve`]); their product is realised as in [`crate::blocks::fir`] and applied by partitioned convolution.
//! Parts of a stereo signal become four filters between left and right, so that middle and side keep one time and,
//! with linear phase, the image stays where it was.
//!
//! Linear phase rings before the sound for as long as after it. What would ring audibly is refused to it: high-passes
//! of more than 12 dB per octave below 120 Hz, and bells and notches of a Q above 3 below 300 Hz, are of minimum phase
//! in every mode.

use super::eq::{self, Channel, Shape};
use crate::blocks::fir::{self, Curve, Grid};
use crate::blocks::fir_bank::{Kernel, Kernels, Memo};
use crate::blocks::fir_equaliser::FirEqualiser;
use crate::blocks::math;
use crate::{Complex64, Family, Group, Kind, Param, Taper, Unit, Values, choices, settings};
use audio::{Spec, db_to_gain};
use std::f64::consts::PI;
use std::sync::Arc;

choices! {
    /// How the phase follows from the magnitude.
    pub enum Phase {
        /// All frequencies keep their time: no change of shape, but the lows ring a little before the sound.
        Linear = "linear",
        /// The least delay: nothing before the sound, as in an analogue equaliser.
        Minimum = "minimum",
        /// Minimum below the split, linear above: no ringing before low notes.
        Mixed = "mixed",
    }
}

impl Phase {
    /// As the filters' design takes it.
    pub(crate) fn of_filter(self, split_hz: f64, sample_rate_hz: f64) -> fir::Phase {
        match self {
            Phase::Linear => fir::Phase::Linear,
            Phase::Minimum => fir::Phase::Minimum,
            Phase::Mixed => fir::Phase::Mixed { split: split_hz / sample_rate_hz },
        }
    }
}

settings! {
    /// A point of the drawn curve.
    pub struct Point {
        /// Where it stands.
        freq_hz: f64 {
            label: "Frequency", unit: Unit::Hertz, min: 10.0, max: 40_000.0, default: 1_000.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// The curve's gain there.
        gain_db: f64 { label: "Gain", unit: Unit::Decibel, min: -30.0, max: 30.0, fixed: true },
    }
}

settings! {
    /// Settings of the equaliser.
    pub struct Settings {
        /// How the phase follows from the magnitude.
        phase: Phase { label: "Phase", fixed: true },
        /// Where mixed phase changes from minimum to linear. At 500 no careful curve rings more than -40 dB before
        /// the sound.
        split_hz: f64 {
            label: "Split", unit: Unit::Hertz, min: 100.0, max: 2_000.0, default: 300.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// Length of the filter: what is lower and narrower needs more. 0 finds it from the bands and points.
        length_ms: f64 { label: "Length", unit: Unit::Millisecond, max: 680.0, fixed: true },
        /// The part of a stereo signal that the drawn curve changes.
        curve_channel: Channel { label: "Curve's channel", fixed: true },
        /// Gain after everything.
        output_db: f64 { label: "Output", unit: Unit::Decibel, min: -30.0, max: 30.0 },
    }
    groups {
        /// The bands; passes and shelves as in the parametric equaliser. An all-pass changes nothing here.
        bands: eq::Band { label: "Band", max: 24 },
        /// Points of a drawn curve, joined without overshoot; level beyond the first and last.
        points: Point { label: "Point", max: 64 },
    }
}

/// The parametric equaliser's band, all of it fixed.
static BAND_PARAMS: [Param; eq::Band::PARAMS.len()] = all_fixed(eq::Band::PARAMS);

const fn all_fixed<const N: usize>(params: &[Param]) -> [Param; N] {
    let mut fixed = [Param::NUMBER; N];
    let mut i = 0;
    while i < N {
        fixed[i] = Param { fixed: true, ..params[i] };
        i += 1;
    }
    fixed
}

static GROUPS: [Group; 2] = [Group { params: &BAND_PARAMS, ..Settings::GROUPS[0] }, Settings::GROUPS[1]];

/// Equaliser of linear, minimum or mixed phase.
pub static KIND: Kind = Kind {
    id: "phase_eq",
    label: "Linear-phase equaliser",
    family: Family::Equaliser,
    help: "Shapes tone with bands or a drawn curve and leaves the timing of all frequencies alone: for masters, \
           parallel paths, and middle and side apart. With minimum phase for anything with sharp beats.",
    // 2: in equal blocks. 3: curves of middle and side are applied to these, and another transform, which round otherwise.
    revision: 3,
    params: Settings::PARAMS,
    groups: &GROUPS,
    key_input: false,
    impulse_response: false,
    // A band of one channel alone does not.
    keeps_mono: false,
    build: |values, spec| {
        let settings = Settings::from_values(values);
        let kernels = design(&settings, spec);
        Box::new(FirEqualiser::new(&KIND, &kernels, spec.channels, settings.output_db))
    },
    response: Some(response),
};

/// Shortest and longest filters that are chosen by themselves, in seconds; the longest just fits a grid of a power of two
/// at 48 kHz and its multiples.
const SHORTEST_S: f64 = 0.02;
const LONGEST_S: f64 = 0.68;

/// Filter length times the width of its narrowest feature in hertz: the feature's resonance falls by 50 dB within the
/// window's flat part, a quarter of the length.
const LENGTH_BY_WIDTH: f64 = 7.6;

/// The same for the distance of two points of a curve.
const LENGTH_BY_DISTANCE: f64 = 8.5;

/// Nothing comes of it, at any frequency.
fn is_flat(band: &eq::Band) -> bool {
    band.r#type == Shape::AllPass || eq::has_gain(band.r#type) && band.gain_db == 0.0
}

/// Would ring audibly before the sound with linear phase.
fn refuses_linear_phase(band: &eq::Band) -> bool {
    match band.r#type {
        Shape::HighPass => band.slope_db_per_oct > 12.0 && band.freq_hz < 120.0,
        Shape::Bell | Shape::Notch | Shape::BandPass => band.q > 3.0 && band.freq_hz < 300.0,
        _ => false,
    }
}

/// Bandwidth in hertz of the band's longest resonance.
fn width_hz(band: &eq::Band) -> f64 {
    let sharpest = match band.r#type {
        Shape::HighPass | Shape::LowPass => {
            // Q of Butterworth's sharpest pair grows with the order (2 n / pi for large n).
            let order = (band.slope_db_per_oct / 6.0).round();
            (order / std::f64::consts::PI).max(0.5) * band.q * std::f64::consts::SQRT_2
        }
        Shape::Tilt => 0.5,
        Shape::Notch | Shape::BandPass => band.q,
        _ => band.q * 10f64.powf(band.gain_db.abs() / 40.0),
    };
    band.freq_hz / sharpest.max(0.5)
}

/// Length of the filter in taps, an odd number.
fn taps(settings: &Settings, sample_rate_hz: f64) -> usize {
    let seconds = if settings.length_ms > 0.0 {
        settings.length_ms / 1_000.0
    } else {
        let of_bands = settings.bands.iter().filter(|b| !is_flat(b)).map(|b| LENGTH_BY_WIDTH / width_hz(b));
        let mut points: Vec<(f64, f64)> = settings.points.iter().map(|p| (p.freq_hz, p.gain_db)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let of_points = points
            .windows(2)
            .filter(|pair| (pair[1].1 - pair[0].1).abs() > 0.01)
            .map(|pair| LENGTH_BY_DISTANCE / (pair[1].0 - pair[0].0).max(1e-3));
        of_bands.chain(of_points).fold(SHORTEST_S, f64::max).min(LONGEST_S)
    };
    2 * (0.5 * seconds * sample_rate_hz).round() as usize + 1
}

/// Gains of some bands, and of a curve, at each of the grid's frequencies.
fn gains<'a>(
    grid: &Grid,
    bands: impl Iterator<Item = &'a eq::Band>,
    curve: Option<&Curve>,
    sample_rate_hz: f64,
) -> Vec<f64> {
    let filters: Vec<_> = bands.flat_map(|band| eq::design(band, sample_rate_hz)).collect();
    let filters: Vec<_> = filters.into_iter().filter(|f| !f.is_neutral()).collect();
    let gain = |share: f64| {
        let tangent = (PI * share).tan();
        let power: f64 = filters.iter().map(|f| f.power(tangent)).product();
        power.sqrt() * curve.map_or(1.0, |curve| math::db_to_gain(curve.db(share * sample_rate_hz)))
    };
    grid.frequencies().map(gain).collect()
}

/// The undelayed spectrum of one part of the signal; `None` where nothing changes.
fn spectrum(settings: &Settings, part: Channel, grid: &Grid, spec: &Spec) -> Option<Vec<Complex64>> {
    let rate = spec.sample_rate_hz;
    let points: Vec<(f64, f64)> = settings.points.iter().map(|p| (p.freq_hz, p.gain_db)).collect();
    let curve = Curve::new(&points);
    let curve =
        (settings.curve_channel.on(spec.channels) == Some(part) && !curve.is_flat()).then_some(&curve);
    let here = |band: &&eq::Band| band.channel.on(spec.channels) == Some(part) && !is_flat(band);
    if curve.is_none() && !settings.bands.iter().any(|band| here(&band)) {
        return None;
    }
    let refused = |band: &&eq::Band| settings.phase != Phase::Minimum && refuses_linear_phase(band);
    let willing = settings.bands.iter().filter(here).filter(|band| !refused(band));
    let phase = settings.phase.of_filter(settings.split_hz, rate);
    let mut whole = grid.spectrum(&gains(grid, willing, curve, rate), phase);
    let minimum: Vec<&eq::Band> = settings.bands.iter().filter(here).filter(refused).collect();
    if !minimum.is_empty() {
        let part = grid.spectrum(&gains(grid, minimum.into_iter(), None, rate), fir::Phase::Minimum);
        whole.iter_mut().zip(&part).for_each(|(whole, part)| *whole *= part);
    }
    Some(whole)
}

/// The filters between the channels; none where nothing changes.
fn design(settings: &Settings, spec: &Spec) -> Kernels {
    let taps = taps(settings, spec.sample_rate_hz);
    let phase = settings.phase.of_filter(settings.split_hz, spec.sample_rate_hz);
    let delay = phase.delay(taps);
    if settings.bands.iter().all(is_flat) && settings.points.iter().all(|p| p.gain_db == 0.0) {
        return Kernels { delay, kernels: Vec::new() };
    }
    let minimum = phase != fir::Phase::Linear || settings.bands.iter().any(refuses_linear_phase);
    let grid = Grid::new(taps, if minimum { fir::Phase::Minimum } else { fir::Phase::Linear });
    let parts = Channel::ALL.map(|part| spectrum(settings, part, &grid, spec));
    if parts.iter().all(Option::is_none) {
        return Kernels { delay, kernels: Vec::new() };
    }
    let [stereo, mid, side, left, right] = parts;
    if mid.is_none() && side.is_none() && left.is_none() && right.is_none() {
        let taps = grid.realise(&stereo.unwrap_or_default(), taps, delay);
        return Kernels::each(taps, delay, spec.channels);
    }
    let one = Complex64::new(1.0, 0.0);
    let at = |part: &Option<Vec<Complex64>>, bin: usize| part.as_ref().map_or(one, |part| part[bin]);
    let bins = grid.frequencies().count();
    // From left or right alone to the same or to the other channel.
    let kernel = |input: usize, output: usize| {
        let own = if input == 0 { &left } else { &right };
        let sign = if input == output { 0.5 } else { -0.5 };
        let gain = |bin| (at(&mid, bin) * 0.5 + at(&side, bin) * sign) * at(own, bin) * at(&stereo, bin);
        let spectrum: Vec<Complex64> = (0..bins).map(gain).collect();
        Arc::from(grid.realise(&spectrum, taps, delay))
    };
    let mut kernels = vec![Kernel { input: 0, output: 0, taps: kernel(0, 0) }];
    let crosses = mid.is_some() || side.is_some();
    let alike = left.is_none() && right.is_none();
    let of_right = if alike { kernels[0].taps.clone() } else { kernel(1, 1) };
    kernels.push(Kernel { input: 1, output: 1, taps: of_right });
    if crosses {
        let to_right: Arc<[f64]> = kernel(0, 1);
        let to_left = if alike { to_right.clone() } else { kernel(1, 0) };
        kernels.push(Kernel { input: 0, output: 1, taps: to_right });
        kernels.push(Kernel { input: 1, output: 0, taps: to_left });
    }
    Kernels { delay, kernels }
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
    use std::f64::consts::{FRAC_1_SQRT_2, TAU};

    const SPEC: Spec = Spec { sample_rate_hz: 48_000.0, channels: 2, max_frames: 4_096 };

    fn band(shape: Shape, freq_hz: f64, gain_db: f64, q: f64) -> eq::Band {
        eq::Band { r#type: shape, freq_hz, gain_db, q, ..eq::Band::default() }
    }

    fn with_bands(phase: Phase, bands: Vec<eq::Band>) -> Settings {
        Settings { phase, bands, ..Settings::default() }
    }

    /// Complex gain of the parametric equaliser's band: another realisation of the same prototype.
    fn parametric(bands: &[eq::Band], hz: f64) -> Complex64 {
        let z = Complex64::from_polar(1.0, TAU * hz / SPEC.sample_rate_hz);
        bands.iter().flat_map(|b| eq::design(b, SPEC.sample_rate_hz)).map(|f| f.response(z)).product()
    }

    fn places() -> impl Iterator<Item = f64> {
        (0..100).map(|n| 20.0 * 1_000f64.powf(f64::from(n) / 99.0))
    }

    /// 0.05 dB where the curve is above -40 dB, at the length that is found by itself.
    #[test]
    fn has_the_magnitude_of_the_parametric_equaliser() {
        let high_pass =
            eq::Band { slope_db_per_oct: 48.0, ..band(Shape::HighPass, 80.0, 0.0, FRAC_1_SQRT_2) };
        let sets = [
            vec![band(Shape::Bell, 60.0, 6.0, 1.0), band(Shape::HighShelf, 8_000.0, -4.0, FRAC_1_SQRT_2)],
            vec![band(Shape::LowShelf, 100.0, -9.0, 0.9), band(Shape::Bell, 3_000.0, 12.0, 4.0)],
            vec![high_pass, band(Shape::Tilt, 700.0, 3.0, 1.0)],
            vec![band(Shape::LowPass, 9_000.0, 0.0, FRAC_1_SQRT_2)],
        ];
        for bands in sets {
            for phase in [Phase::Linear, Phase::Minimum, Phase::Mixed] {
                let kernels = design(&with_bands(phase, bands.clone()), &SPEC);
                for hz in places() {
                    let wished = parametric(&bands, hz).norm();
                    if wished < 0.01 {
                        continue;
                    }
                    let seen = kernels.response(0, hz / 48_000.0).norm();
                    let error = 20.0 * (seen / wished).log10();
                    assert!(error.abs() < 0.05, "{phase:?} {bands:?} at {hz:.0} Hz: {error:.3} dB");
                }
            }
        }
    }

    #[test]
    fn linear_phase_turns_nothing_and_minimum_phase_is_the_parametric_ones() {
        let bands =
            vec![band(Shape::Bell, 200.0, 6.0, 1.0), band(Shape::HighShelf, 3_000.0, -4.0, FRAC_1_SQRT_2)];
        let linear = design(&with_bands(Phase::Linear, bands.clone()), &SPEC);
        let minimum = design(&with_bands(Phase::Minimum, bands.clone()), &SPEC);
        assert_eq!(minimum.delay, 0);
        for hz in places().filter(|hz| *hz < 10_000.0) {
            let share = hz / 48_000.0;
            assert!(linear.response(0, share).arg().abs() < 1e-9, "{hz}");
            let apart = minimum.response(0, share) / parametric(&bands, hz);
            // 0.03 radians: the parametric sections put some zeros at z = 0, which turns the phase at the top.
            let allowed = 0.005 + 0.1 * share;
            assert!(apart.arg().abs() < allowed, "{hz:.0} Hz: {}", apart.arg());
        }
    }

    /// What must not ring before the sound does not, although the mode is linear phase.
    #[test]
    fn steep_low_cuts_and_narrow_low_bells_are_of_minimum_phase() {
        let cut = eq::Band { slope_db_per_oct: 24.0, ..band(Shape::HighPass, 40.0, 0.0, FRAC_1_SQRT_2) };
        for low in [cut, band(Shape::Bell, 100.0, -12.0, 6.0)] {
            let kernels = design(&with_bands(Phase::Linear, vec![low.clone()]), &SPEC);
            let taps = &kernels.kernels[0].taps;
            let before = taps[..kernels.delay].iter().fold(0.0f64, |most, tap| most.max(tap.abs()));
            // The cepstrum's folding over; the sound itself is about 1.
            assert!(before < 1e-5, "{low:?}: {before:e}");
        }
        // A careful one stays symmetrical.
        let kernels = design(&with_bands(Phase::Linear, vec![band(Shape::Bell, 100.0, 3.0, 1.0)]), &SPEC);
        let taps = &kernels.kernels[0].taps;
        assert!((0..taps.len()).all(|n| (taps[n] - taps[taps.len() - 1 - n]).abs() < 1e-12));
    }

    /// Middle and side through their own curves; each sum and difference against the parametric magnitudes.
    #[test]
    fn parts_of_a_stereo_signal_are_changed_apart() {
        let on = |channel, band: eq::Band| eq::Band { channel, ..band };
        let bands = vec![
            on(Channel::Mid, band(Shape::Bell, 1_000.0, 6.0, 1.0)),
            on(Channel::Side, band(Shape::HighShelf, 4_000.0, -5.0, FRAC_1_SQRT_2)),
        ];
        let kernels = design(&with_bands(Phase::Linear, bands.clone()), &SPEC);
        let one = |input: usize, output: usize, hz: f64| {
            let found = kernels.kernels.iter().find(|k| (k.input, k.output) == (input, output));
            fir::response(&found.expect("a filter").taps, kernels.delay, hz / 48_000.0)
        };
        for hz in places() {
            let (mid, side) = (parametric(&bands[..1], hz).norm(), parametric(&bands[1..], hz).norm());
            assert!((one(0, 0, hz) + one(1, 0, hz) - mid).norm() < 0.005 * mid, "{hz:.0} Hz");
            assert!((one(0, 0, hz) - one(1, 0, hz) - side).norm() < 0.005 * side, "{hz:.0} Hz");
            assert!((one(1, 1, hz) - one(0, 0, hz)).norm() < 1e-12);
        }
        // Left alone leaves the right alone.
        let left = vec![on(Channel::Left, band(Shape::Bell, 1_000.0, 6.0, 1.0))];
        let kernels = design(&with_bands(Phase::Linear, left), &SPEC);
        assert_eq!(kernels.kernels.len(), 2);
        assert!((kernels.response(1, 1_000.0 / 48_000.0) - 1.0).norm() < 1e-12);
        assert!((kernels.response(0, 1_000.0 / 48_000.0).norm() - 1.9953).abs() < 0.002);
    }

    #[test]
    fn low_and_narrow_features_make_long_filters() {
        let of = |band| taps(&with_bands(Phase::Linear, vec![band]), 48_000.0);
        // The reference asks 8192 to 16384 taps for the lowest careful features at 48 kHz.
        assert!((8_192..=16_384).contains(&of(band(Shape::Bell, 30.0, 3.0, FRAC_1_SQRT_2))));
        assert!(of(band(Shape::Bell, 3_000.0, 3.0, 1.0)) < 1_000);
        assert_eq!(of(band(Shape::Bell, 10.0, 30.0, 40.0)), (LONGEST_S * 48_000.0).round() as usize + 1);
        let asked = Settings { length_ms: 100.0, ..Settings::default() };
        assert_eq!(taps(&asked, 48_000.0), 4_801);
    }

    #[test]
    fn a_drawn_curve_goes_through_its_points() {
        let drawn = [(40.0, 2.0), (100.0, -3.0), (400.0, 0.0), (2_000.0, 4.0), (12_000.0, -6.0)];
        let points = drawn.map(|(freq_hz, gain_db)| Point { freq_hz, gain_db }).to_vec();
        for phase in [Phase::Linear, Phase::Minimum, Phase::Mixed] {
            let kernels = design(&Settings { phase, points: points.clone(), ..Settings::default() }, &SPEC);
            for (hz, db) in drawn {
                let seen = 20.0 * kernels.response(0, hz / 48_000.0).norm().log10();
                assert!((seen - db).abs() < 0.05, "{phase:?} at {hz} Hz: {seen:.3} dB, {db} dB drawn");
            }
        }
    }
}
