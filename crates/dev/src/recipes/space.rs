//! Movement, reverbs and delays.

use super::{Recipe, Shown, recipe};

pub(super) const RECIPES: &[Recipe] = &[
    recipe("chorus", Shown::Movement, &[("", "rate_hz = 1; mix_percent = 50")]),
    recipe(
        "flanger",
        Shown::Response,
        &[
            ("the sweep's longest delay, 3 ms", "delay_ms = 3; rate_hz = 0.1; mix_percent = 50"),
            (
                "1 ms standing still, feedback 60 %",
                "delay_ms = 1; depth_percent = 0; feedback_percent = 60; mix_percent = 50",
            ),
        ],
    ),
    recipe(
        "phaser",
        Shown::Response,
        &[
            (
                "the middle of a sweep, 8 stages",
                "stages = 8; low_freq_hz = 300; high_freq_hz = 3000; rate_hz = 0.1; mix_percent = 50",
            ),
            (
                "4 stages standing still, feedback 60 %",
                "low_freq_hz = 950; high_freq_hz = 950; feedback_percent = 60; mix_percent = 50",
            ),
        ],
    ),
    recipe("tremolo", Shown::Movement, &[("", "depth_percent = 80; rate_hz = 4; spread_percent = 50")]),
    recipe("vibrato", Shown::Pitch, &[("30 cents, 5.5 Hz", "depth_cents = 30")]),
    recipe("auto_pan", Shown::Movement, &[("", "depth_percent = 100; rate_hz = 1")]),
    recipe(
        "reverb",
        Shown::Decay,
        &[
            (
                "plate, 1.8 s",
                "style = plate; decay_s = 1.8; predelay_ms = 20; low_cut_hz = 200; mix_percent = 100",
            ),
            ("room, 0.4 s", "style = room; decay_s = 0.4; mix_percent = 100"),
            (
                "hall, 2.6 s, pre-delay 40 ms",
                "style = hall; decay_s = 2.6; predelay_ms = 40; mix_percent = 100",
            ),
            ("chamber, 1.2 s", "style = chamber; decay_s = 1.2; high_decay_ratio = 0.8; mix_percent = 100"),
        ],
    ),
    recipe(
        "plate",
        Shown::Decay,
        &[
            (
                "1.8 s, pre-delay 20 ms",
                "decay_s = 1.8; predelay_ms = 20; low_cut_hz = 200; mix_percent = 100",
            ),
            ("0.8 s", "decay_s = 0.8; mix_percent = 100"),
        ],
    ),
    recipe(
        "convolution_reverb",
        Shown::Decay,
        &[
            ("a made response of 1.5 s", "mix_percent = 100"),
            ("decay 50 %", "decay_percent = 50; mix_percent = 100"),
        ],
    ),
    recipe(
        "delay",
        Shown::Decay,
        &[(
            "a quarter note at 92 bpm, feedback 40 %",
            "sync = 1_4; tempo_bpm = 92; feedback_percent = 40; low_cut_hz = 200; high_cut_hz = 6000; \
                 mix_percent = 100",
        )],
    ),
];
