//! Width, placing and phase of two channels.

use super::{Recipe, Shown, recipe};

pub(super) const RECIPES: &[Recipe] = &[
    recipe(
        "width",
        Shown::SideResponse,
        &[
            ("width 120 %, mono below 120 Hz", "width_percent = 120; mono_below_hz = 120"),
            ("width 50 %", "width_percent = 50"),
        ],
    ),
    recipe(
        "band_width",
        Shown::SideResponse,
        &[
            (
                "mono below 120 Hz, 140 % above 4 kHz",
                "bands.0.freq_hz = 120; bands.0.width_percent = 0; bands.1.freq_hz = 4000; \
                 bands.2.width_percent = 140",
            ),
            (
                "the same at 48 dB/oct",
                "slope = 48_db_per_oct; bands.0.freq_hz = 120; bands.0.width_percent = 0; \
                 bands.1.freq_hz = 4000; bands.2.width_percent = 140",
            ),
        ],
    ),
    recipe("mid_side", Shown::SideResponse, &[("side +3 dB", "side_db = 3"), ("side -6 dB", "side_db = -6")]),
    recipe(
        "rotation",
        Shown::Response,
        &[
            ("left of equal channels, 15 degrees", "angle_degrees = 15"),
            ("-15 degrees", "angle_degrees = -15"),
        ],
    ),
    recipe(
        "haas",
        Shown::Response,
        &[
            ("left and right alike, 14 ms, amount 60 %", "amount_percent = 60; delay_ms = 14"),
            ("amount 100 %, guard 1 dB", "amount_percent = 100; delay_ms = 14; guard_db = 1"),
        ],
    ),
    recipe(
        "decorrelator",
        Shown::Response,
        &[
            ("the left of equal channels, amount 100 %", "amount_percent = 100"),
            ("amount 40 %", "amount_percent = 40"),
        ],
    ),
    recipe(
        "phase_align",
        Shown::Phase,
        &[("left, the right being 60 degrees behind", "amount_percent = 100; phase_degrees = -60")],
    ),
];
