//! The K-weighting filter at any sample rate.
//!
//! ITU-R BS.1770-5, Annex 1, prints the coefficients of its two stages (a high shelf for the head, then the
//! high-pass of the revised low-frequency B curve) at 48 kHz and asks for the same response at other rates.
//! The constants below are the analogue parameters of the bilinear transforms that give those tables; at
//! 48 kHz they return the printed coefficients to the last digit printed.

use std::f64::consts::PI;

/// High shelf: centre, gain and quality, and the share of the gain reached at the centre.
const SHELF_HZ: f64 = 1681.974450955533;
const SHELF_DB: f64 = 3.999843853973347;
const SHELF_Q: f64 = 0.7071752369554196;
const SHELF_CENTRE_EXPONENT: f64 = 0.4996667741545416;
/// High-pass: corner and quality.
const HIGH_PASS_HZ: f64 = 38.13547087602444;
const HIGH_PASS_Q: f64 = 0.5003270373238773;
/// The standard's calibration frequency: its tables give the response that every rate must have here.
const CALIBRATION_HZ: f64 = 997.0;

/// Coefficients of one second-order section, `a0` being 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Section {
    pub(crate) b0: f64,
    pub(crate) b1: f64,
    pub(crate) b2: f64,
    pub(crate) a1: f64,
    pub(crate) a2: f64,
}

impl Section {
    /// Power gain at `hz`.
    fn power(&self, hz: f64, sample_rate_hz: f64) -> f64 {
        let w = 2.0 * PI * hz / sample_rate_hz;
        let part = |x0: f64, x1: f64, x2: f64| {
            let re = x0 + x1 * w.cos() + x2 * (2.0 * w).cos();
            let im = x1 * w.sin() + x2 * (2.0 * w).sin();
            re * re + im * im
        };
        part(self.b0, self.b1, self.b2) / part(1.0, self.a1, self.a2)
    }
}

/// Shelf and high-pass as the bilinear transform gives them; the high-pass with the numerator 1, -2, 1.
fn bilinear(sample_rate_hz: f64) -> [Section; 2] {
    let k = (PI * SHELF_HZ / sample_rate_hz).tan();
    let high = 10f64.powf(SHELF_DB / 20.0);
    let centre = high.powf(SHELF_CENTRE_EXPONENT);
    let a0 = 1.0 + k / SHELF_Q + k * k;
    let shelf = Section {
        b0: (high + centre * k / SHELF_Q + k * k) / a0,
        b1: 2.0 * (k * k - high) / a0,
        b2: (high - centre * k / SHELF_Q + k * k) / a0,
        a1: 2.0 * (k * k - 1.0) / a0,
        a2: (1.0 - k / SHELF_Q + k * k) / a0,
    };
    let k = (PI * HIGH_PASS_HZ / sample_rate_hz).tan();
    let a0 = 1.0 + k / HIGH_PASS_Q + k * k;
    let high_pass = Section {
        b0: 1.0,
        b1: -2.0,
        b2: 1.0,
        a1: 2.0 * (k * k - 1.0) / a0,
        a2: (1.0 - k / HIGH_PASS_Q + k * k) / a0,
    };
    [shelf, high_pass]
}

fn power(sections: &[Section; 2], hz: f64, sample_rate_hz: f64) -> f64 {
    sections.iter().map(|s| s.power(hz, sample_rate_hz)).product()
}

/// Power gain at `hz`, with the tables as printed for 48 kHz.
pub(crate) fn power_48k(hz: f64) -> f64 {
    power(&bilinear(48_000.0), hz, 48_000.0)
}

/// The two sections of the K-weighting for a sample rate in hertz.
///
/// The numerator 1, -2, 1 of the printed high-pass is not normalised, so its pass-band gain depends on the
/// rate it is derived for (+0.04 dB at 48 kHz, +0.26 dB at 8 kHz). It is scaled here so that the
/// calibration tone of 997 Hz reads the same at every rate as with the printed tables.
pub(crate) fn k_weighting(sample_rate_hz: f64) -> [Section; 2] {
    let [shelf, mut high_pass] = bilinear(sample_rate_hz);
    let wanted = power(&bilinear(48_000.0), CALIBRATION_HZ, 48_000.0);
    let scale = (wanted / power(&[shelf, high_pass], CALIBRATION_HZ, sample_rate_hz)).sqrt();
    high_pass.b0 *= scale;
    high_pass.b1 *= scale;
    high_pass.b2 *= scale;
    [shelf, high_pass]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_coefficients_return_at_48_khz() {
        // BS.1770-5, Annex 1, tables 1 and 2; 14 decimals are printed.
        let printed = [
            [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585],
            [1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621],
        ];
        for (section, table) in k_weighting(48_000.0).iter().zip(printed) {
            let ours = [section.b0, section.b1, section.b2, section.a1, section.a2];
            for (a, b) in ours.iter().zip(table) {
                assert!((a - b).abs() < 1e-12, "{ours:?} against {table:?}");
            }
        }
    }

    #[test]
    fn every_rate_has_the_response_of_48_khz() {
        let reference = |hz| power(&k_weighting(48_000.0), hz, 48_000.0);
        // The bilinear shelf is pulled in near the top of the band, by how much depends on the rate: the
        // bounds are the largest differences up to a quarter of the rate (8 kHz: its own half band) rounded up.
        for (rate, bound_db) in [
            (8_000.0, 0.4),
            (22_050.0, 0.1),
            (44_100.0, 0.02),
            (88_200.0, 0.06),
            (96_000.0, 0.06),
            (176_400.0, 0.08),
            (192_000.0, 0.08),
            (768_000.0, 0.08),
        ] {
            let sections = k_weighting(rate);
            let mut hz = 10.0;
            while hz < rate.min(48_000.0) / 4.0 {
                let db = 10.0 * (power(&sections, hz, rate) / reference(hz)).log10();
                assert!(db.abs() < bound_db, "{rate} Hz: {db} dB off at {hz} Hz");
                hz *= 1.05;
            }
        }
    }
}
