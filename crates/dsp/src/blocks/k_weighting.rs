//! The K-weighting of ITU-R BS.1770-5, for processors that act on loudness.
//!
//! A high shelf of 4 dB, the head, and a high-pass near 38 Hz. The standard prints both as digital filters for
//! 48 kHz; the analogue filters that the bilinear transform turns into those (the parameters below) give the
//! weighting at any sample rate.

use super::dynamics::{StateVariable, loop_gain, tangent};

const SHELF_HZ: f64 = 1_681.974_450_955_533;
const SHELF_DAMPING: f64 = 1.0 / 0.707_175_236_955_419_6;
/// Gain of the shelf above it: 3.999843853973347 dB.
const SHELF_HIGH: f64 = 1.584_864_701_130_855;
/// And around it: the same to the power 0.4996667741545416.
const SHELF_BAND: f64 = 1.258_720_930_232_561_7;
const PASS_HZ: f64 = 38.135_470_876_024_44;
const PASS_DAMPING: f64 = 1.0 / 0.500_327_037_323_877_3;

/// Loudness of a mean square, summed over the channels, in LUFS: `OFFSET_LUFS + 10 log10(power)`.
pub const OFFSET_LUFS: f64 = -0.691;

/// The weighting of one channel.
#[derive(Debug, Clone)]
pub struct KWeighting {
    shelf: StateVariable,
    pass: StateVariable,
    /// Frequency, loop gain of the shelf and of the high-pass.
    tuning: [[f64; 2]; 2],
    /// The standard's high-pass is not scaled to unity far above its corner.
    scale: f64,
}

impl KWeighting {
    /// At a sample rate.
    pub fn new(sample_rate_hz: f64) -> KWeighting {
        let [shelf, pass] = [SHELF_HZ, PASS_HZ].map(|hz| tangent(hz, sample_rate_hz));
        KWeighting {
            shelf: StateVariable::default(),
            pass: StateVariable::default(),
            tuning: [[shelf, loop_gain(shelf, SHELF_DAMPING)], [pass, loop_gain(pass, PASS_DAMPING)]],
            scale: 1.0 / loop_gain(pass, PASS_DAMPING),
        }
    }

    /// The next weighted sample.
    #[inline(always)]
    pub fn next(&mut self, sample: f64) -> f64 {
        let [[shelf, shelf_scale], [pass, pass_scale]] = self.tuning;
        let out = self.shelf.next(sample, shelf, SHELF_DAMPING, shelf_scale);
        let shelved = SHELF_HIGH * out.high + SHELF_BAND * SHELF_DAMPING * out.band + out.low;
        self.scale * self.pass.next(shelved, pass, PASS_DAMPING, pass_scale).high
    }

    /// Adds the squares of the weighted samples to `energy`, one after the other.
    pub fn add_energy(&mut self, samples: &[f64], energy: &mut f64) {
        let (mut state, mut sum) = (self.clone(), *energy);
        for sample in samples {
            let weighted = state.next(*sample);
            sum += weighted * weighted;
        }
        (*self, *energy) = (state, sum);
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.shelf = StateVariable::default();
        self.pass = StateVariable::default();
    }

    /// Clears what is too small to matter, and what is no number.
    pub fn flush(&mut self) {
        self.shelf.flush();
        self.pass.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The coefficients printed in BS.1770, tables 1 and 2, as direct forms.
    #[test]
    fn at_48_khz_it_is_the_printed_filter() {
        let biquad = |b: [f64; 3], a: [f64; 2], input: &[f64]| -> Vec<f64> {
            let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
            input
                .iter()
                .map(|&now| {
                    let out = b[0] * now + b[1] * x[0] + b[2] * x[1] - a[0] * y[0] - a[1] * y[1];
                    (x, y) = ([now, x[0]], [out, y[0]]);
                    out
                })
                .collect()
        };
        let mut impulse = vec![0.0; 2_000];
        impulse[0] = 1.0;
        let shelf = [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85];
        let shelved = biquad(shelf, [-1.690_659_293_182_41, 0.732_480_774_215_85], &impulse);
        let printed = biquad([1.0, -2.0, 1.0], [-1.990_047_454_833_98, 0.990_072_250_366_21], &shelved);
        let mut weighting = KWeighting::new(48_000.0);
        for (n, (x, expected)) in impulse.iter().zip(&printed).enumerate() {
            let seen = weighting.next(*x);
            // The table has 14 decimals, of poles that lie 0.005 from one.
            assert!((seen - expected).abs() < 1e-10, "frame {n}: {seen} {expected}");
        }
    }
}
