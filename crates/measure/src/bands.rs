//! The bands that a spectrum is told in.

/// Nominal centres of the third-octave bands of IEC 61260-1, in hertz. The exact ones are
/// `1000 x 10^(n/10)`, n from -16 to 13, with edges `10^(1/20)` below and above.
pub(crate) const THIRD_OCTAVES_HZ: [f64; 30] = [
    25.0, 31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0,
    1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0, 10_000.0, 12_500.0,
    16_000.0, 20_000.0,
];
/// Edges of the bands for width and shares of energy, in hertz: about an octave each.
pub(crate) const OCTAVE_EDGES_HZ: [f64; 10] =
    [20.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0];
