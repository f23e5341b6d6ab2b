//! Sets of coefficients that move the noise of quantisation to where the ear hears least.
//!
//! The error of past samples is fed back into the next: `y = round(x - sum c[k] e[n-k] + d)`, `e` being what the
//! rounding and its dither did. The noise of the file is then that error, which is white, through the filter
//! `1 - sum c[k] z^-k` (Lipshitz, Vanderkooy & Wannamaker, *Minimally audible noise shaping*, J. Audio Eng. Soc. 39,
//! 1991; Wannamaker, *Psychoacoustically optimal noise shaping*, J. Audio Eng. Soc. 40, 1992). Its first
//! coefficient is one, hence the mean of its logarithm over frequency is at least zero (Gerzon & Craven, *Optimal noise
//! shaping and dither of digital signals*, AES preprint 2822, 1989): what is gained at 4 kHz is paid above 15 kHz.

use super::Dither;

/// Most coefficients of a set.
pub(super) const MOST_TAPS: usize = 9;

/// From Lipshitz, Vanderkooy & Wannamaker 1991: "improved E-weighted".
const LIPSHITZ: [f64; 5] = [2.033, -2.165, 1.959, -1.590, 0.6149];
/// From Wannamaker 1992.
const F_3: [f64; 3] = [1.623, -0.982, 0.109];
const F_9: [f64; 9] = [2.412, -3.370, 3.937, -4.174, 3.353, -2.205, 1.281, -0.569, 0.0847];
/// From Lipshitz, Vanderkooy & Wannamaker 1991.
const MODIFIED_E: [f64; 9] = [1.662, -1.263, 0.4827, -0.2913, 0.1268, -0.1124, 0.03252, -0.01265, -0.03524];
const IMPROVED_E: [f64; 9] = [2.847, -4.685, 6.214, -7.184, 6.639, -5.032, 3.263, -1.632, 0.4191];
/// What `design` gives at 44.1 and 48 kHz; a test holds them to it.
const QUIET_44100: [f64; 9] =
    [2.752748, -3.986102, 3.449441, -1.509583, -0.527343, 1.381053, -1.154123, 0.511180, -0.117271];
const QUIET_48000: [f64; 9] =
    [2.756490, -3.670302, 2.535042, -0.340294, -1.084697, 0.957225, -0.239543, -0.149003, 0.085978];

/// The coefficients of a dither at a sample rate, none where it does not shape. The published sets were made for
/// 44.1 kHz and serve 48 kHz as they are.
pub(super) fn coefficients(dither: Dither, sample_rate_hz: u32) -> &'static [f64] {
    match dither {
        Dither::None | Dither::Tpdf => &[],
        Dither::FirstOrder => &[1.0],
        Dither::Lipshitz => &LIPSHITZ,
        Dither::F3 => &F_3,
        Dither::F9 => &F_9,
        Dither::ModifiedE => &MODIFIED_E,
        Dither::ImprovedE => &IMPROVED_E,
        Dither::Quiet if sample_rate_hz < 46_000 => &QUIET_44100,
        Dither::Quiet => &QUIET_48000,
    }
}

/// The threshold in quiet in decibels of sound pressure (Terhardt, *Calculating virtual pitch*, Hearing Research 1, 1979).
#[cfg(test)]
fn threshold_in_quiet_db(hz: f64) -> f64 {
    let khz = (hz / 1000.0).max(0.02);
    3.64 * khz.powf(-0.8) - 6.5 * (-0.6 * (khz - 3.3).powi(2)).exp() + 1e-3 * khz.powi(4)
}

/// How far the ear's weight is followed downwards, in decibels: where it hears less the noise may not grow for ever.
#[cfg(test)]
const WEIGHT_RANGE_DB: f64 = 45.0;

/// The ear's weight of noise power at `points` frequencies from zero to half the rate, one where it hears best.
#[cfg(test)]
fn weight(sample_rate_hz: f64, points: usize, range_db: f64) -> Vec<f64> {
    let hz = |n: usize| (n as f64 + 0.5) * sample_rate_hz / 2.0 / points as f64;
    let db: Vec<f64> = (0..points).map(|n| threshold_in_quiet_db(hz(n))).collect();
    let least = db.iter().copied().fold(f64::INFINITY, f64::min);
    db.iter().map(|db| audio::db_to_power(-(db - least).min(range_db))).collect()
}

/// The set with the least weighted noise: the best linear predictor of a signal whose spectrum is the weight, by
/// the Levinson-Durbin recursion (J. Makhoul, *Linear prediction: a tutorial review*, Proc. IEEE 63, 1975).
#[cfg(test)]
fn design(sample_rate_hz: f64) -> [f64; MOST_TAPS] {
    const POINTS: usize = 4096;
    let weight = weight(sample_rate_hz, POINTS, WEIGHT_RANGE_DB);
    let correlation = |lag: usize| -> f64 {
        let turn = |n: usize| (std::f64::consts::PI * (n as f64 + 0.5) / POINTS as f64 * lag as f64).cos();
        weight.iter().enumerate().map(|(n, w)| w * turn(n)).sum::<f64>() / POINTS as f64
    };
    let r: Vec<f64> = (0..=MOST_TAPS).map(correlation).collect();
    let mut c = [0.0; MOST_TAPS];
    let mut error = r[0];
    for order in 0..MOST_TAPS {
        let seen: f64 = (0..order).map(|k| c[k] * r[order - k]).sum();
        let reflection = (r[order + 1] - seen) / error;
        let before = c;
        c[order] = reflection;
        (0..order).for_each(|k| c[k] = before[k] - reflection * before[order - 1 - k]);
        error *= 1.0 - reflection * reflection;
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// Weighted and total power of white noise through the set, in decibels.
    fn gains_db(set: &[f64], sample_rate_hz: f64) -> (f64, f64) {
        const POINTS: usize = 4096;
        // The whole of the ear's weight, not the part that the design follows.
        let weight = weight(sample_rate_hz, POINTS, 200.0);
        let power = |n: usize| {
            let turn = PI * (n as f64 + 0.5) / POINTS as f64;
            let part = |f: fn(f64) -> f64| -> f64 {
                set.iter().enumerate().map(|(k, c)| c * f(turn * (k + 1) as f64)).sum()
            };
            (1.0 - part(f64::cos)).powi(2) + part(f64::sin).powi(2)
        };
        let total = (0..POINTS).map(power).sum::<f64>() / POINTS as f64;
        let weighted: f64 = (0..POINTS).map(|n| power(n) * weight[n]).sum();
        (audio::power_to_db(weighted / weight.iter().sum::<f64>()), audio::power_to_db(total))
    }

    #[test]
    fn the_stored_sets_are_what_the_design_gives() {
        for (rate_hz, stored) in [(44_100.0, QUIET_44100), (48_000.0, QUIET_48000)] {
            for (stored, designed) in stored.iter().zip(design(rate_hz)) {
                assert!((stored - designed).abs() < 1e-6, "{rate_hz} Hz: {:?}", design(rate_hz));
            }
        }
    }

    #[test]
    fn the_published_sets_do_what_is_published() {
        // Nine coefficients, F-weighted: 18.4 dB more noise in all.
        let (_, total) = gains_db(&F_9, 44_100.0);
        assert!((total - 18.4).abs() < 0.05, "{total} dB");
        // Every set is quieter to the ear than plain dither, by what dithers of its kind gain: 10 to 18 dB.
        for set in [&LIPSHITZ[..], &F_3, &F_9, &MODIFIED_E, &IMPROVED_E] {
            let (weighted, _) = gains_db(set, 44_100.0);
            assert!((-18.0..-9.0).contains(&weighted), "{set:?}: {weighted} dB");
        }
    }

    #[test]
    fn the_quiet_sets_are_the_quietest_and_raise_the_noise_less() {
        for (rate_hz, quiet) in [(44_100.0, QUIET_44100), (48_000.0, QUIET_48000)] {
            let (weighted, total) = gains_db(&quiet, rate_hz);
            for set in [&LIPSHITZ[..], &F_3, &F_9, &MODIFIED_E, &IMPROVED_E] {
                assert!(weighted < gains_db(set, rate_hz).0 - 4.0, "{rate_hz}: {weighted} dB, {set:?}");
            }
            // Less noise in all than the best published one of as many coefficients.
            assert!(total < 17.0 && total < gains_db(&F_9, rate_hz).1, "{rate_hz}: {total} dB");
        }
    }
}
