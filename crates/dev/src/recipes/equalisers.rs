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
                "bell at 3 kHz, down by up to 9 dB when loud",
                "bands.0.freq_hz = 3000; bands.0.q = 1.5; bands.0.range_db = -9; bands.0.threshold_db = -40",
            ),
            (
                "low shelf at 150 Hz, down by up to 6 dB when loud",
                "bands.0.type = low_shelf; bands.0.freq_hz = 150; bands.0.range_db = -6; \
                 bands.0.threshold_db = -40",
            ),
        ],
    ),
    recipe(
        "match_eq",
        Shown::Response,
        &[(
            "a dull source towards a bright target, half of the difference",
            "strength_percent = 50; points.0.freq_hz = 60; points.0.source_db = -30; points.0.target_db = -34; \
             points.1.freq_hz = 500; points.1.source_db = -32; points.1.target_db = -33; \
             points.2.freq_hz = 4000; points.2.source_db = -45; points.2.target_db = -40; \
             points.3.freq_hz = 12000; points.3.source_db = -60; points.3.target_db = -50",
        )],
    ),
    recipe(
        "tilt",
        Shown::Response,
        &[
            ("tilt_db_per_oct = 0.5", "tilt_db_per_oct = 0.5"),
            ("tilt_db_per_oct = -1.5", "tilt_db_per_oct = -1.5"),
            ("tilt_db_per_oct = 3, pivot_hz = 500", "tilt_db_per_oct = 3; pivot_hz = 500"),
        ],
    ),
    recipe(
        "filter",
        Shown::Response,
        &[
            (
                "low-pass 1 kHz, 24 dB/oct, resonance 80 %",
                "slope_db_per_oct = 24; resonance_percent = 80; mix_percent = 100",
            ),
            (
                "band-pass 400 Hz, resonance 50 %",
                "type = band_pass; freq_hz = 400; resonance_percent = 50; mix_percent = 100",
            ),
        ],
    ),
];
