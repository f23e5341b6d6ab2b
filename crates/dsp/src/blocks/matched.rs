//! Digital filters whose magnitude follows the analogue prototype up to the top of the band.
//!
//! The bilinear transform squeezes every curve against the Nyquist frequency. Here poles and zeros are mapped
//! one by one by `z = exp(s T)` (matched z-transform; L. R. Rabiner and B. Gold, *Theory and Application of
//! Digital Signal Processing*, 1975, section 4.10), which keeps each of them where it belongs. What remains
//! is the pull of the poles and zeros that sampling repeats beyond Nyquist: a slow, smooth curve. One more
//! section of second order, a rational function of tan²(w/2) that passes through the remaining error at zero
//! frequency and four frequencies up to 0.465 of the sample rate, takes it away; it is left out where the
//! error is too small to matter. The idea of matching squared magnitudes that are rational in sin²(w/2) is
//! M. Vicanek's (*Matched second order digital filters*, 2016).
//!
//! Digital filters are written as fractions in `S = (z - 1)/(z + 1)`, which is `j tan(w/2)` on the unit
//! circle: numbers stay well scaled for low corners, and [`super::svf`] takes them as they are.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Corners are held below this share of the sample rate: 20.3 kHz at 44.1 kHz.
pub const HIGHEST_CORNER: f64 = 0.46;

/// Shares of the sample rate at which the correction meets the remaining error.
const MEETING_POINTS: [f64; 4] = [0.162_75, 0.288_3, 0.395_25, 0.465];

/// Shares of the sample rate at which the numerator of a low-pass section meets the prototype. Low ones, so
/// that the error left for the correction rises in one direction.
const LOW_PASS_POINTS: [f64; 2] = [0.069_75, 0.139_5];

/// Errors below this many decibels are not corrected.
const NEGLIGIBLE_DB: f64 = 0.03;

/// Where the prototype's power is below this (-60 dB) its error is not heard.
const NEGLIGIBLE_POWER: f64 = 1e-6;

/// A fraction of two polynomials, `c[0] + c[1] s + c[2] s²` over the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fraction {
    /// The polynomial above.
    pub numerator: [f64; 3],
    /// The polynomial below.
    pub denominator: [f64; 3],
}

impl Fraction {
    /// One.
    pub const ONE: Fraction = Fraction { numerator: [1.0, 2.0, 1.0], denominator: [1.0, 2.0, 1.0] };

    /// Squared magnitude at `s = j sqrt(square)`.
    pub fn power(&self, square: f64) -> f64 {
        power(&self.numerator, square) / power(&self.denominator, square)
    }

    /// One over it.
    pub fn inverse(self) -> Fraction {
        Fraction { numerator: self.denominator, denominator: self.numerator }
    }
}

fn power(c: &[f64; 3], square: f64) -> f64 {
    let real = c[0] - c[2] * square;
    real * real + c[1] * c[1] * square
}

/// Bell of the audio-EQ cookbook: gain at the centre, bandwidth `1/q` at half the gain in decibels.
pub fn bell(gain_db: f64, q: f64) -> Fraction {
    let a = 10f64.powf(gain_db / 40.0);
    Fraction { numerator: [1.0, a / q, 1.0], denominator: [1.0, 1.0 / (a * q), 1.0] }
}

/// Low shelf of the audio-EQ cookbook: the gain below the corner, half of it in decibels at the corner.
pub fn low_shelf(gain_db: f64, q: f64) -> Fraction {
    let a = 10f64.powf(gain_db / 40.0);
    let slope = a.sqrt() / q;
    Fraction { numerator: [a * a, a * slope, a], denominator: [1.0, slope, a] }
}

/// High shelf of the audio-EQ cookbook: the gain above the corner, half of it in decibels at the corner.
pub fn high_shelf(gain_db: f64, q: f64) -> Fraction {
    let a = 10f64.powf(gain_db / 40.0);
    let slope = a.sqrt() / q;
    Fraction { numerator: [a, a * slope, a * a], denominator: [a, slope, 1.0] }
}

/// Tilt: a shelf of first order that is the gain far above, one over it far below and 0 dB at the corner.
pub fn tilt(gain_db: f64) -> Fraction {
    let gain = 10f64.powf(gain_db / 20.0);
    Fraction { numerator: [1.0, gain, 0.0], denominator: [gain, 1.0, 0.0] }
}

/// Band-pass: 0 dB at the centre, -3 dB at the ends of a band as wide as the centre over `q`.
pub fn band_pass(q: f64) -> Fraction {
    Fraction { numerator: [0.0, 1.0 / q, 0.0], denominator: [1.0, 1.0 / q, 1.0] }
}

/// Notch: silence at the centre, -3 dB at the ends of a band as wide as the centre over `q`.
pub fn notch(q: f64) -> Fraction {
    Fraction { numerator: [1.0, 0.0, 1.0], denominator: [1.0, 1.0 / q, 1.0] }
}

/// Sections of a Butterworth low-pass (or high-pass) of `order` at most 16; gives how many were written.
///
/// `q` scales the resonance of the section with the highest Q; at 0.7071 the filter is Butterworth's.
pub fn butterworth(order: usize, high_pass: bool, q: f64, sections: &mut [Fraction; 8]) -> usize {
    let order = order.clamp(1, 16);
    let pairs = order / 2;
    for i in 0..pairs {
        let sharpest = i + 1 == pairs;
        let own = 0.5 / ((2 * i + 1 + order % 2) as f64 * PI / (2 * order) as f64).cos();
        let damping = 1.0 / if sharpest { own * q / FRAC_1_SQRT_2 } else { own };
        let numerator = if high_pass { [0.0, 0.0, 1.0] } else { [1.0, 0.0, 0.0] };
        sections[i] = Fraction { numerator, denominator: [1.0, damping, 1.0] };
    }
    if order % 2 == 1 {
        let numerator = if high_pass { [0.0, 1.0, 0.0] } else { [1.0, 0.0, 0.0] };
        sections[pairs] = Fraction { numerator, denominator: [1.0, 1.0, 0.0] };
    }
    pairs + order % 2
}

/// Turns prototypes (corner at s = j) into digital sections, in place, and gives their correction.
///
/// `corner` is the corner's share of the sample rate; it is held between 1e-6 and [`HIGHEST_CORNER`].
/// The correction is `None` where it would change less than 0.03 dB.
pub fn digital(sections: &mut [Fraction], corner: f64) -> Option<Fraction> {
    let corner = corner.clamp(1e-6, HIGHEST_CORNER);
    let mut wanted = [1.0; 4];
    let mut missing = [1.0; 4];
    for section in sections {
        let analogue = *section;
        *section = map(&analogue, corner);
        for (i, &point) in MEETING_POINTS.iter().enumerate() {
            let gain = analogue.power((point / corner).powi(2));
            wanted[i] *= gain;
            missing[i] *= gain / section.power(square_tangent(point));
        }
    }
    let matters =
        |i: usize| wanted[i] > NEGLIGIBLE_POWER && (10.0 * missing[i].log10()).abs() > NEGLIGIBLE_DB;
    if (0..4).any(matters) { correction(&missing) } else { None }
}

/// tan²(w/2) at a share of the sample rate.
fn square_tangent(frequency: f64) -> f64 {
    (PI * frequency).tan().powi(2)
}

fn map(analogue: &Fraction, corner: f64) -> Fraction {
    let half = PI * corner;
    let denominator = map_roots(&analogue.denominator, half);
    let without_zeros = analogue.numerator[1] == 0.0 && analogue.numerator[2] == 0.0;
    let matched = if without_zeros { numerator_through(analogue, &denominator, corner) } else { None };
    let mapped =
        Fraction { numerator: matched.unwrap_or_else(|| map_roots(&analogue.numerator, half)), denominator };
    // The scale is set far below the corner, where sampling changes nothing: there the prototype's gain, even
    // that of a high-pass, and the digital one's have the same shape.
    let low = 1e-3;
    let scale = (analogue.power(low * low) / mapped.power(square_tangent(corner * low))).sqrt();
    Fraction { numerator: mapped.numerator.map(|c| c * scale), denominator }
}

/// The numerator (of least phase) with which a low-pass section meets the prototype at two frequencies.
fn numerator_through(analogue: &Fraction, denominator: &[f64; 3], corner: f64) -> Option<[f64; 3]> {
    let constant = denominator[0] * denominator[0];
    let [(x1, b1), (x2, b2)] = LOW_PASS_POINTS.map(|point| {
        let x = square_tangent(point);
        (x, (analogue.power((point / corner).powi(2)) * power(denominator, x) - constant) / x)
    });
    let square = (b2 - b1) / (x2 - x1);
    factor(&[constant, b1 - square * x1, square])
}

/// A polynomial in s with its roots mapped by the matched z-transform to one in S; roots at infinity go to
/// S = -1, which is z = 0 and changes no magnitude. Its scale is left open.
fn map_roots(c: &[f64; 3], half: f64) -> [f64; 3] {
    let with_real = |a: f64, b: f64| [a * b, a + b, 1.0];
    match *c {
        [_, b, a] if a == 0.0 && b == 0.0 => with_real(1.0, 1.0),
        [c, b, 0.0] => with_real((c / b * half).tanh(), 1.0),
        [c, b, a] => {
            // s = middle ± sqrt(square), negated so that the real parts are positive.
            let middle = 0.5 * b / a;
            let square = middle * middle - c / a;
            if square >= 0.0 {
                let larger = middle + square.sqrt();
                let smaller = if larger > 0.0 { c / a / larger } else { 0.0 };
                return with_real((larger * half).tanh(), (smaller * half).tanh());
            }
            let (real, imaginary) = (middle * half, (-square).sqrt() * half);
            // A pair that oscillates above Nyquist cannot be placed; the correction stands in for it.
            if imaginary > 0.475 * PI {
                return with_real(1.0, 1.0);
            }
            // tanh(x + jy) = (sinh x cosh x + j sin y cos y) / (sinh² x + cos² y).
            let below = real.sinh().powi(2) + imaginary.cos().powi(2);
            [
                (real.sinh().powi(2) + imaginary.sin().powi(2)) / below,
                2.0 * real.sinh() * real.cosh() / below,
                1.0,
            ]
        }
    }
}

/// The polynomial in S without zeros in the right half plane whose squared magnitude is `p(tan²(w/2))`.
fn factor(p: &[f64; 3]) -> Option<[f64; 3]> {
    if !(p[0] > 0.0 && p[2] >= 0.0) {
        return None;
    }
    let middle = p[1] + 2.0 * (p[0] * p[2]).sqrt();
    (middle > 0.0 && middle.is_finite()).then(|| [p[0].sqrt(), middle.sqrt(), p[2].sqrt()])
}

/// The section through the squared gains `missing` at the meeting points and 1 at zero frequency.
fn correction(missing: &[f64; 4]) -> Option<Fraction> {
    let x = MEETING_POINTS.map(square_tangent);
    second_order(missing, &x).or_else(|| first_order(missing, &x))
}

/// (1 + p1 x + p2 x²) / (1 + q1 x + q2 x²) through all four points: four linear equations.
fn second_order(missing: &[f64; 4], x: &[f64; 4]) -> Option<Fraction> {
    // Unknowns scaled to the highest point, for even columns.
    let top = x[3];
    let mut rows = [[0.0; 5]; 4];
    for i in 0..4 {
        let (u, r) = (x[i] / top, missing[i]);
        rows[i] = [u, u * u, -r * u, -r * u * u, r - 1.0];
    }
    let [p1, p2, q1, q2] = solve(rows)?;
    let numerator = factor(&[1.0, p1 / top, p2 / (top * top)])?;
    let denominator = factor(&[1.0, q1 / top, q2 / (top * top)])?;
    let section = Fraction { numerator, denominator };
    // Between the points it may not stray: a pole and a zero that almost cancel would.
    let largest = missing.iter().map(|m| m.ln().abs()).fold(0.0, f64::max);
    let strays =
        (1..24).any(|i| section.power(square_tangent(0.465 * i as f64 / 24.0)).ln().abs() > 1.2 * largest);
    (denominator[2] > 0.0 && !strays).then_some(section)
}

/// (1 + p x) / (1 + q x) through the second and the last point.
fn first_order(missing: &[f64; 4], x: &[f64; 4]) -> Option<Fraction> {
    let ([x1, x2], [r1, r2]) = ([x[1], x[3]], [missing[1], missing[3]]);
    // p x - q r x = r - 1 at both points.
    let determinant = x1 * x2 * (r1 - r2);
    let q = (x1 * (r2 - 1.0) - x2 * (r1 - 1.0)) / determinant;
    let p = (r1 - 1.0) / x1 + q * r1;
    if !(p >= 0.0 && q >= 0.0 && p.is_finite() && q.is_finite()) {
        return None;
    }
    // Above and below times (1 + S), so that it is a section like the others.
    let widened = |c: f64| [1.0, 1.0 + c.sqrt(), c.sqrt()];
    (q > 0.0).then(|| Fraction { numerator: widened(p), denominator: widened(q) })
}

/// Gauss elimination with row exchange.
fn solve(mut rows: [[f64; 5]; 4]) -> Option<[f64; 4]> {
    for column in 0..4 {
        let pivot = (column..4).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, pivot);
        if rows[column][column].abs() < 1e-14 {
            return None;
        }
        for row in column + 1..4 {
            let share = rows[row][column] / rows[column][column];
            for i in column..5 {
                rows[row][i] -= share * rows[column][i];
            }
        }
    }
    let mut solution = [0.0; 4];
    for row in (0..4).rev() {
        let known: f64 = (row + 1..4).map(|i| rows[row][i] * solution[i]).sum();
        solution[row] = (rows[row][4] - known) / rows[row][row];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest errors in decibels against the prototype, up to 10 kHz and up to 20 kHz (or the share of the
    /// sample rate that corresponds to them at 44.1 kHz), where the prototype's power is above `floor`.
    fn errors(prototypes: &[Fraction], corner_hz: f64, rate: f64, floor: f64) -> (f64, f64) {
        let mut sections = prototypes.to_vec();
        let correction = digital(&mut sections, corner_hz / rate);
        let (mut low, mut high) = (0.0f64, 0.0f64);
        for i in 0..300 {
            let hz = 20.0 * 1000f64.powf(i as f64 / 299.0);
            let wanted: f64 = prototypes.iter().map(|p| p.power((hz / corner_hz).powi(2))).product();
            let seen: f64 =
                sections.iter().chain(&correction).map(|s| s.power(square_tangent(hz / rate))).product();
            if wanted > floor {
                let error = (10.0 * (seen / wanted).log10()).abs();
                if hz <= 10_000.0 {
                    low = low.max(error);
                }
                high = high.max(error);
            }
        }
        (low, high)
    }

    const RATES: [f64; 5] = [44_100.0, 48_000.0, 88_200.0, 96_000.0, 192_000.0];
    const CORNERS: [f64; 11] =
        [20.0, 100.0, 500.0, 2_000.0, 4_000.0, 6_000.0, 8_000.0, 10_000.0, 12_000.0, 14_000.0, 16_000.0];

    /// 0.1 dB to 10 kHz and 0.6 dB to 20 kHz: a plain bilinear bell of 6 dB misses by 3.5 dB.
    fn assert_close(prototypes: &[Fraction], what: &str) {
        assert_close_above(1e-6, prototypes, what);
    }

    fn assert_close_above(floor: f64, prototypes: &[Fraction], what: &str) {
        for rate in RATES {
            for corner in CORNERS {
                let (low, high) = errors(prototypes, corner, rate, floor);
                assert!(
                    low <= 0.1 && high <= 0.6,
                    "{what} at {corner} Hz, rate {rate}: {low:.3} dB to 10 kHz, {high:.3} dB to 20 kHz"
                );
            }
        }
    }

    #[test]
    fn bells_and_shelves_follow_the_prototype_to_20_khz() {
        for gain_db in [0.5, 3.0, 6.0, 12.0, 24.0, 30.0] {
            for q in [0.1, 0.3, 0.71, 1.0, 2.0, 5.0, 12.0, 40.0] {
                assert_close(&[bell(gain_db, q)], &format!("bell {gain_db} dB, Q {q}"));
                // A shelf that rings more than this has a zero as sharp as its pole, an octave and more away; where
                // that falls on Nyquist nothing can stand in for it.
                if q <= 5.0 {
                    assert_close(&[low_shelf(gain_db, q)], &format!("low shelf {gain_db} dB, Q {q}"));
                    assert_close(&[high_shelf(gain_db, q)], &format!("high shelf {gain_db} dB, Q {q}"));
                }
            }
        }
    }

    #[test]
    fn tilts_and_band_passes_follow_the_prototype() {
        for gain_db in [0.5, 3.0, 12.0, 30.0] {
            assert_close(&[tilt(gain_db)], &format!("tilt {gain_db} dB"));
        }
        for q in [0.1, 0.3, 0.71, 2.0, 12.0, 40.0] {
            // A band-pass is there to be heard above -40 dB; its slopes go on as those of two first-order filters.
            assert_close_above(1e-4, &[band_pass(q)], &format!("band-pass, Q {q}"));
        }
    }

    #[test]
    fn notches_follow_the_prototype() {
        for q in [0.1, 0.5, 1.0, 3.0, 10.0, 40.0] {
            assert_close(&[notch(q)], &format!("notch Q {q}"));
        }
    }

    #[test]
    fn passes_of_every_order_follow_the_prototype() {
        for high_pass in [false, true] {
            for order in 1..=16 {
                for q in [FRAC_1_SQRT_2, 2.0] {
                    let mut sections = [Fraction::ONE; 8];
                    let count = butterworth(order, high_pass, q, &mut sections);
                    assert_close(&sections[..count], &format!("high-pass {high_pass}, order {order}, Q {q}"));
                }
            }
        }
    }

    #[test]
    fn butterworth_has_its_textbook_power() {
        // 1/(1 + w^2n): exact up to rounding.
        for order in 1..=16 {
            let mut sections = [Fraction::ONE; 8];
            let count = butterworth(order, false, FRAC_1_SQRT_2, &mut sections);
            for w in [0.3f64, 0.9, 1.0, 1.4] {
                let seen: f64 = sections[..count].iter().map(|s| s.power(w * w)).product();
                let expected = 1.0 / (1.0 + w.powi(2 * order as i32));
                assert!((seen / expected - 1.0).abs() < 1e-12, "order {order}, w {w}: {seen} {expected}");
            }
        }
    }

    #[test]
    fn low_corners_need_no_correction() {
        assert_eq!(digital(&mut [bell(6.0, 1.0)], 1_000.0 / 48_000.0), None);
        assert_eq!(digital(&mut [high_shelf(3.0, FRAC_1_SQRT_2)], 4_000.0 / 48_000.0), None);
    }
}
