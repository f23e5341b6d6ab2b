//! Gain, equalisers and filters.

use super::{Recipe, Shown, recipe};

pub(super) const RECIPES: &[Recipe] = &[
    recipe(
        "gain",
        Shown::Response,
        &[("gain_db = -6", "gain_db = -6"), ("gain_db = 3", "gain_db = 3"), ("neutral", "")],
    ),
    recipe(
        "eq",
        Shown::Response,
        &[
            (
                "high-pass 80 Hz at 24 dB/oct, bell -4 dB at 300 Hz, high shelf +3 dB at 8 kHz",
                "bands.0.type = high_pass; bands.0.freq_hz = 80; bands.0.slope_db_per_oct = 24; \
                 bands.1.freq_hz = 300; bands.1.gain_db = -4; bands.1.q = 1.4; \
                 bands.2.type = high_shelf; bands.2.freq_hz = 8000; bands.2.gain_db = 3",
            ),
            ("bell +6 dB at 1 kHz, q 1", "bands.0.freq_hz = 1000; bands.0.gain_db = 6; bands.0.q = 1"),
            ("bell +6 dB at 16 kHz, q 1", "bands.0.freq_hz = 16000; bands.0.gain_db = 6; bands.0.q = 1"),
            (
                "low-pass 2 kHz at 96 dB/oct",
                "bands.0.type = low_pass; bands.0.freq_hz = 2000; bands.0.slope_db_per_oct = 96",
            ),
        ],
    ),
    recipe(
        "phase_eq",
        Shown::Response,
        &[
            (
                "three bands, linear phase",
                "bands.0.type = low_shelf; bands.0.freq_hz = 120; bands.0.gain_db = 3; \
                 bands.1.freq_hz = 400; bands.1.gain_db = -3; bands.1.q = 1.4; \
                 bands.2.type = high_shelf; bands.2.freq_hz = 8000; bands.2.gain_db = 3",
            ),
            (
                "a drawn curve, minimum phase",
                "phase = minimum; points.0.freq_hz = 60; points.0.gain_db = 0; points.1.freq_hz = 250; \
                 points.1.gain_db = -5; points.2.freq_hz = 2000; points.2.gain_db = 1; points.3.freq_hz = 9000; \
                 points.3.gain_db = 5",
            ),
        ],
    ),
    recipe(
        "dynamic_eq",
        Shown::Tones,
        &[
            (
                "a bell that falls when loud",
                "bands.0.freq_hz = 3000; bands.0.q = 1.5; bands.0.range_db = -8; bands.0.threshold_db = -36",
            ),
            (
                "a low shelf that rises when loud",
                "bands.0.type = low_shelf; bands.0.freq_hz = 150; bands.0.range_db = 6; bands.0.threshold_db = -36",
            ),
        ],
    ),
    recipe(
        "match_eq",
        Shown::Response,
        &[
            (
                "half of a difference, at most 6 dB",
                "strength_percent = 50; points.0.freq_hz = 60; points.0.source_db = -20; points.0.target_db = -14; points.1.freq_hz = 300; points.1.source_db = -20; points.1.target_db = -24; points.2.freq_hz = 3000; points.2.source_db = -30; points.2.target_db = -30; points.3.freq_hz = 10000; points.3.source_db = -50; points.3.target_db = -36",
            ),
            (
                "all of it",
                "points.0.freq_hz = 60; points.0.source_db = -20; points.0.target_db = -14; points.1.freq_hz = 300; points.1.source_db = -20; points.1.target_db = -24; points.2.freq_hz = 3000; points.2.source_db = -30; points.2.target_db = -30; points.3.freq_hz = 10000; points.3.source_db = -50; points.3.target_db = -36",
            ),
        ],
    ),
    recipe(
        "tilt",
        Shown::Response,
        &[("1 dB per octave", "tilt_db_per_oct = 1"), ("-0.5 dB per octave", "tilt_db_per_oct = -0.5")],
    ),
    recipe("filter", Shown::Response, &[("low-pass at 800 Hz, resonance", "type = low_pass; freq_hz = 800")]),
];
