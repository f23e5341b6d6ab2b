//! What takes faults out of a recording.

use super::{Fault, Recipe, Shown, recipe};

pub(super) const RECIPES: &[Recipe] = &[
    recipe("declip", Shown::Waveform(Fault::Clipping), &[("", "ceiling_db = -6.03; rise_db = 12")]),
    recipe("declick", Shown::Waveform(Fault::Clicks), &[("", "sensitivity_percent = 60")]),
    recipe("dehum", Shown::Spectrum(Fault::Hum), &[("", "mains = auto")]),
    recipe("rumble", Shown::Spectrum(Fault::Rumble), &[("", "remove_dc = true; freq_hz = 25")]),
    recipe("denoise", Shown::Spectrum(Fault::Noise), &[("", "reduction_db = 15; adaptive = true")]),
    recipe("resonance", Shown::Spectrum(Fault::Ringing), &[("", "range_db = 15; mode = room")]),
    recipe(
        "align",
        Shown::Phase,
        &[
            ("turned by 60 degrees", "rotation_degrees = 60"),
            ("all-pass of second order at 200 Hz", "all_pass = second; all_pass_hz = 200"),
        ],
    ),
];
