//! Saturation and character.

use super::{Recipe, Shown, recipe};

pub(super) const RECIPES: &[Recipe] = &[
    recipe(
        "saturator",
        Shown::Harmonics,
        &[
            ("drive 12 dB", "drive_db = 12; mix_percent = 100"),
            ("drive 0 dB", "drive_db = 0; mix_percent = 100"),
        ],
    ),
    recipe(
        "clipper",
        Shown::Levels,
        &[
            ("ceiling -12 dB, hard", "ceiling_db = -12"),
            ("ceiling -12 dB, knee 12 dB", "ceiling_db = -12; knee_db = 12"),
        ],
    ),
    recipe(
        "tape",
        Shown::Harmonics,
        &[
            ("drive 12 dB", "drive_db = 12; mix_percent = 100"),
            ("drive 0 dB", "drive_db = 0; mix_percent = 100"),
        ],
    ),
    recipe(
        "tube",
        Shown::Harmonics,
        &[
            ("drive 12 dB", "drive_db = 12; mix_percent = 100"),
            ("drive 0 dB", "drive_db = 0; mix_percent = 100"),
        ],
    ),
    recipe("transformer", Shown::Harmonics, &[("drive 12 dB", "drive_db = 12; mix_percent = 100")]),
    recipe(
        "console",
        Shown::Harmonics,
        &[
            ("drive 12 dB", "drive_db = 12; mix_percent = 100"),
            ("drive 0 dB", "drive_db = 0; mix_percent = 100"),
        ],
    ),
    recipe(
        "exciter",
        Shown::Harmonics,
        &[("amount 60 %, above 1 kHz", "freq_hz = 1000; amount_percent = 60")],
    ),
];
