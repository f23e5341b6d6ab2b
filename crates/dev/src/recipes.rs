//! The settings at which processors are plotted and shown as an example.
//!
//! A processor without a recipe still gets its page: a linear one is plotted with each of its parameters moved, and
//! any other goes without a plot.

use dsp::{Address, Class, Kind, Values};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Gain against frequency of an impulse that is the same in every channel.
    Response,
    /// Gain against frequency of an impulse with opposite signs left and right.
    SideResponse,
    /// Level out against level in, of a steady tone.
    Levels,
    /// Gain of a steady tone against its frequency.
    Tones,
    /// Levels of the harmonics of a steady tone.
    Harmonics,
    /// Level against time after an impulse.
    Decay,
}

/// One curve: its legend, and settings as `name = value; ...`.
pub(crate) type CurveText = (&'static str, &'static str);

/// How one kind is plotted. The settings of the first curve are its example in the session file.
pub(crate) struct Recipe {
    pub(crate) kind: &'static str,
    pub(crate) shown: Shown,
    pub(crate) curves: &'static [CurveText],
}

const fn recipe(kind: &'static str, shown: Shown, curves: &'static [CurveText]) -> Recipe {
    Recipe { kind, shown, curves }
}

/// All recipes.
pub(crate) static RECIPES: &[Recipe] = &[
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
        "compressor",
        Shown::Levels,
        &[
            ("ratio 4, knee 6 dB", "threshold_db = -24; ratio = 4; knee_db = 6"),
            ("ratio 2, knee 24 dB", "threshold_db = -24; ratio = 2; knee_db = 24"),
            ("ratio 100, knee 0 dB", "threshold_db = -24; ratio = 100; knee_db = 0"),
            ("ratio 4, mix 50 % (parallel)", "threshold_db = -24; ratio = 4; knee_db = 6; mix_percent = 50"),
        ],
    ),
    recipe(
        "gate",
        Shown::Levels,
        &[
            (
                "gate, range 40 dB",
                "threshold_db = -36; range_db = 40; hysteresis_db = 6; hold_ms = 80; release_ms = 200",
            ),
            (
                "expander, ratio 2, knee 12 dB, range 40 dB",
                "threshold_db = -36; ratio = 2; knee_db = 12; range_db = 40",
            ),
        ],
    ),
    recipe(
        "de_esser",
        Shown::Tones,
        &[
            ("range 6 dB", "freq_hz = 6500; range_db = 6; threshold_db = -12"),
            ("range 12 dB", "freq_hz = 6500; range_db = 12; threshold_db = -12"),
        ],
    ),
    recipe(
        "saturator",
        Shown::Harmonics,
        &[
            ("drive 12 dB", "drive_db = 12; mix_percent = 100"),
            ("drive 0 dB", "drive_db = 0; mix_percent = 100"),
        ],
    ),
    recipe(
        "limiter",
        Shown::Levels,
        &[
            ("drive 6 dB, ceiling -1 dBTP", "drive_db = 6; ceiling_dbtp = -1; release_ms = 120"),
            ("drive 0 dB, ceiling -1 dBTP", "ceiling_dbtp = -1"),
        ],
    ),
    recipe(
        "clip_limiter",
        Shown::Levels,
        &[
            ("drive 6 dB, ceiling -1 dBTP, share 2 dB", "drive_db = 6; ceiling_dbtp = -1; share_db = 2"),
            ("drive 0 dB, ceiling -1 dBTP", "ceiling_dbtp = -1"),
        ],
    ),
    recipe(
        "perceptual_limiter",
        Shown::Levels,
        &[
            ("drive 6 dB, ceiling -1 dBTP", "drive_db = 6; ceiling_dbtp = -1"),
            ("drive 0 dB, ceiling -1 dBTP", "ceiling_dbtp = -1"),
        ],
    ),
    recipe(
        "width",
        Shown::SideResponse,
        &[
            ("width 120 %, mono below 120 Hz", "width_percent = 120; mono_below_hz = 120"),
            ("width 50 %", "width_percent = 50"),
        ],
    ),
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

/// The recipe of a kind.
pub(crate) fn recipe_of(kind: &Kind) -> Option<&'static Recipe> {
    RECIPES.iter().find(|recipe| recipe.kind == kind.id)
}

/// Settings from their text. Items of groups come into being when they are named, and other settings are neutral.
///
/// # Panics
/// When the text names what the kind does not have: recipes are ours.
pub(crate) fn values(kind: &Kind, text: &str) -> Values {
    let mut values = Values::neutral(kind);
    for setting in text.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        let (name, value) = setting.split_once(" = ").unwrap_or_else(|| panic!("{}: `{setting}`", kind.id));
        let address = kind.address(name).unwrap_or_else(|unknown| panic!("{unknown}"));
        if let Address::Item { group, item, .. } = address {
            while values.groups[group].len() <= item {
                values.push(kind, kind.groups[group].id).expect("a group of the kind");
            }
        }
        let set = match value.parse() {
            Ok(number) => values.set(kind, name, number),
            Err(_) => values.set_choice(kind, name, value),
        };
        set.unwrap_or_else(|unknown| panic!("{unknown}"));
    }
    values
}

/// What a linear kind without a recipe is plotted at: each number that can be automated, three quarters up.
pub(crate) fn moved(kind: &Kind) -> Vec<(String, Values)> {
    let numbers = kind.params.iter().enumerate().filter(|(_, p)| p.class == Class::Number && !p.fixed);
    numbers
        .take(4)
        .map(|(place, param)| {
            let mut values = Values::neutral(kind);
            values.fields[place] = param.min + 0.75 * (param.max - param.min);
            (format!("{} = {}", param.id, values.fields[place]), values)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_of_a_kind_of_the_rack_and_within_its_ranges() {
        for recipe in RECIPES {
            let kind = dsp::kind(recipe.kind).unwrap_or_else(|| panic!("no kind `{}`", recipe.kind));
            for (legend, text) in recipe.curves {
                let values = values(kind, text);
                for address in values.addresses() {
                    let param = kind.param(address);
                    let value = values.get(address);
                    assert!(param.clamp(value) == value, "{} {legend}: {} = {value}", kind.id, param.id);
                }
            }
        }
    }
}
