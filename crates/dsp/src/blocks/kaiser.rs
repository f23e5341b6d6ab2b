//! Kaiser's window, under which every filter of this crate is cut off.
//!
//! J. F. Kaiser, *Nonrecursive digital filter design using the I0-sinh window function*, IEEE International
//! Symposium on Circuits and Systems (1974): for a wished attenuation it is nearly the shortest.

/// The window's parameter for side lobes this many decibels down, from 50 dB on (Kaiser 1974).
pub const fn beta(attenuation_db: f64) -> f64 {
    0.1102 * (attenuation_db - 8.7)
}

/// The window at `x`, -1 to 1, one in the middle; zero outside.
pub fn window(x: f64, beta: f64) -> f64 {
    let edge = 1.0 - x * x;
    if edge < 0.0 { 0.0 } else { bessel_i0(beta * edge.sqrt()) / bessel_i0(beta) }
}

/// The modified Bessel function of the first kind and order zero, by its power series (Abramowitz & Stegun
/// 9.6.10).
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bessel_function_is_the_tables() {
        // Abramowitz & Stegun, table 9.8: e^-x I0(x).
        for (x, expected) in
            [(0.0, 1.0), (1.0, 0.465_759_607_6), (5.0, 0.183_540_812_6), (10.0, 0.127_833_337_2)]
        {
            let seen = bessel_i0(x) * f64::exp(-x);
            // Ten printed digits.
            assert!((seen - expected).abs() < 1e-10, "{x}: {seen}");
        }
    }

    #[test]
    fn the_window_falls_from_its_middle() {
        assert_eq!(window(0.0, 8.0), 1.0);
        assert_eq!((window(1.01, 8.0), window(-1.01, 8.0)), (0.0, 0.0));
        assert!((0..100).all(|n| window(f64::from(n) / 100.0, 8.0) > window(f64::from(n + 1) / 100.0, 8.0)));
    }
}
