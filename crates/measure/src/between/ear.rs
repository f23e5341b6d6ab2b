//! Figures of the average ear: what reaches the inner ear, and what it takes to hear it.
//!
//! Outer and middle ear, threshold excitation and the growth of loudness are the tables of ANSI S3.4-2007
//! (ISO 532-2:2017 has the same); the ratio at masked threshold is read off figure 9 of Moore, Glasberg & Baer,
//! *A model for the prediction of thresholds, loudness, and partial loudness*, J. Audio Eng. Soc. 45, 1997.

/// Hertz, and gain from the free field to the eardrum in dB, sound from the front (ANSI S3.4-2007, table 1).
const OUTER_DB: [(f64, f64); 39] = [
    (20.0, 0.0),
    (25.0, 0.0),
    (31.5, 0.0),
    (40.0, 0.0),
    (50.0, 0.0),
    (63.0, 0.0),
    (80.0, 0.0),
    (100.0, 0.0),
    (125.0, 0.1),
    (160.0, 0.3),
    (200.0, 0.5),
    (250.0, 0.9),
    (315.0, 1.4),
    (400.0, 1.6),
    (500.0, 1.7),
    (630.0, 2.5),
    (750.0, 2.7),
    (800.0, 2.6),
    (1000.0, 2.6),
    (1250.0, 3.2),
    (1500.0, 5.2),
    (1600.0, 6.6),
    (2000.0, 12.0),
    (2500.0, 16.8),
    (3000.0, 15.3),
    (3150.0, 15.2),
    (4000.0, 14.2),
    (5000.0, 10.7),
    (6000.0, 7.1),
    (6300.0, 6.4),
    (8000.0, 1.8),
    (9000.0, -0.9),
    (10_000.0, -1.6),
    (11_200.0, 1.9),
    (12_500.0, 4.9),
    (14_000.0, 2.0),
    (15_000.0, -2.0),
    (16_000.0, 2.5),
    (20_000.0, 2.5),
];

/// Hertz, and gain from the eardrum to the inner ear in dB (ANSI S3.4-2007, table 3).
const MIDDLE_DB: [(f64, f64); 40] = [
    (20.0, -39.6),
    (25.0, -32.0),
    (31.5, -25.85),
    (40.0, -21.4),
    (50.0, -18.5),
    (63.0, -15.9),
    (80.0, -14.1),
    (100.0, -12.4),
    (125.0, -11.0),
    (160.0, -9.6),
    (200.0, -8.3),
    (250.0, -7.4),
    (315.0, -6.2),
    (400.0, -4.8),
    (500.0, -3.8),
    (630.0, -3.3),
    (750.0, -2.9),
    (800.0, -2.6),
    (1000.0, -2.6),
    (1250.0, -3.2),
    (1500.0, -4.5),
    (1600.0, -5.5),
    (2000.0, -8.5),
    (2500.0, -10.4),
    (3000.0, -7.3),
    (3150.0, -7.0),
    (4000.0, -6.6),
    (5000.0, -7.0),
    (6000.0, -9.2),
    (6300.0, -10.2),
    (8000.0, -12.2),
    (9000.0, -10.8),
    (10_000.0, -10.1),
    (11_200.0, -12.7),
    (12_500.0, -15.0),
    (14_000.0, -18.2),
    (15_000.0, -23.8),
    (16_000.0, -32.3),
    (18_000.0, -45.5),
    (20_000.0, -50.0),
];

/// Hertz, and excitation at the threshold in quiet in dB; the same from 500 Hz on (ANSI S3.4-2007, table 4).
const QUIET_DB: [(f64, f64); 11] = [
    (50.0, 28.18),
    (63.0, 23.9),
    (80.0, 19.2),
    (100.0, 15.68),
    (125.0, 12.67),
    (160.0, 10.09),
    (200.0, 8.08),
    (250.0, 6.3),
    (315.0, 5.3),
    (400.0, 4.5),
    (500.0, 3.73),
];

/// Hertz, and signal against noise at the output of an auditory filter at the masked threshold, in dB.
const MASKED_DB: [(f64, f64); 14] = [
    (50.0, 13.5),
    (63.0, 10.0),
    (80.0, 7.1),
    (100.0, 4.9),
    (125.0, 3.1),
    (160.0, 1.5),
    (200.0, 0.4),
    (250.0, -0.5),
    (315.0, -1.3),
    (400.0, -1.9),
    (500.0, -2.3),
    (630.0, -2.7),
    (800.0, -2.9),
    (1000.0, -3.0),
];

/// Gain of the cochlear amplifier against that from 500 Hz on, in dB, and the exponent of loudness there (ANSI
/// S3.4-2007, table 6).
const EXPONENT: [(f64, f64); 6] =
    [(-25.0, 0.26692), (-20.0, 0.25016), (-15.0, 0.23679), (-10.0, 0.22228), (-5.0, 0.21055), (0.0, 0.2)];

/// The same gain in dB, and the constant `A` (ANSI S3.4-2007, table 5).
const CONSTANT: [(f64, f64); 12] = [
    (-24.54531, 8.852),
    (-22.78169, 8.3585),
    (-19.78305, 7.65258),
    (-16.21055, 6.99954),
    (-11.23866, 6.10719),
    (-7.38338, 5.55322),
    (-4.97718, 5.25064),
    (-2.50042, 4.98203),
    (-1.24006, 4.84918),
    (-0.52501, 4.77494),
    (-0.1875, 4.74019),
    (0.0, 4.72096),
];

/// Reads a table between its lines, straight; beyond its ends the value of the end.
fn read(table: &[(f64, f64)], at: f64, scale: impl Fn(f64) -> f64) -> f64 {
    let after = table.partition_point(|(x, _)| *x < at);
    match (after.checked_sub(1).and_then(|n| table.get(n)), table.get(after)) {
        (Some((x0, y0)), Some((x1, y1))) => {
            let share = (scale(at) - scale(*x0)) / (scale(*x1) - scale(*x0));
            y0 + share * (y1 - y0)
        }
        (Some((_, y)), None) | (None, Some((_, y))) => *y,
        (None, None) => 0.0,
    }
}

/// From the free field to the inner ear, in dB; 0 at 1 kHz.
pub(crate) fn transfer_db(hz: f64) -> f64 {
    read(&OUTER_DB, hz, f64::ln) + read(&MIDDLE_DB, hz, f64::ln)
}

/// Excitation at the threshold in quiet, in dB.
pub(crate) fn quiet_db(hz: f64) -> f64 {
    read(&QUIET_DB, hz, f64::ln)
}

/// Signal against noise at the masked threshold, in dB.
pub(crate) fn masked_db(hz: f64) -> f64 {
    read(&MASKED_DB, hz, f64::ln)
}

/// Gain in dB against that at 500 Hz and above, the exponent and the constant `A` of loudness at a frequency.
pub(crate) fn growth(hz: f64) -> (f64, f64, f64) {
    let gain_db = quiet_db(500.0) - quiet_db(hz);
    (gain_db, read(&EXPONENT, gain_db, |x| x), read(&CONSTANT, gain_db, |x| x))
}

/// The equivalent rectangular bandwidth at a frequency, in hertz (Glasberg & Moore 1990).
pub(crate) fn bandwidth_hz(hz: f64) -> f64 {
    24.673 * (0.004368 * hz + 1.0)
}

/// The frequency below which there are so many such bandwidths, in hertz.
pub(crate) fn hz_at_erb_number(number: f64) -> f64 {
    (10f64.powf(number / 21.366) - 1.0) / 0.004368
}
