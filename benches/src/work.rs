//! Settings under which each processor works as hard as it does in a mix.

use crate::Failure;
use dsp::{Kind, Values};

const WORK: &[(&str, &str)] = &[
    ("gain", "gain_db = -3; pan = 20"),
    // A high-pass of four poles, two bells and two shelves.
    (
        "eq",
        "bands.0.type = high_pass; bands.0.freq_hz = 40; bands.0.slope_db_per_oct = 24; \
         bands.1.type = low_shelf; bands.1.freq_hz = 120; bands.1.gain_db = 2; \
         bands.2.freq_hz = 310; bands.2.gain_db = -3; bands.2.q = 1.4; \
         bands.3.freq_hz = 3200; bands.3.gain_db = 2.5; bands.3.q = 1; \
         bands.4.type = high_shelf; bands.4.freq_hz = 9000; bands.4.gain_db = 1.5",
    ),
    ("declip", "ceiling_db = -6; rise_db = 12"),
    (
        "phase_eq",
        "bands.0.type = low_shelf; bands.0.freq_hz = 120; bands.0.gain_db = 2; \
         bands.1.freq_hz = 3200; bands.1.gain_db = 2.5; bands.1.q = 1",
    ),
    ("compressor", "threshold_db = -24; ratio = 3; sidechain_high_pass_hz = 100"),
    (
        "multiband",
        "crossover = linear_phase_24; bands.0.freq_hz = 120; bands.0.threshold_db = -24; bands.0.ratio = 2; \
         bands.1.freq_hz = 1000; bands.1.threshold_db = -24; bands.1.ratio = 2; \
         bands.2.freq_hz = 6000; bands.2.threshold_db = -24; bands.2.ratio = 2; \
         bands.3.threshold_db = -24; bands.3.ratio = 2",
    ),
    ("gate", "threshold_db = -30; range_db = 30; lookahead_ms = 3"),
    ("de_esser", "range_db = 6; threshold_db = -20"),
    ("saturator", "drive_db = 6; mix_percent = 100"),
    ("clipper", "drive_db = 6; ceiling_db = -3; knee_db = 3"),
    ("mid_side", "mid_db = -1; side_db = 1"),
    ("rotation", "angle_degrees = 8"),
    ("haas", "amount_percent = 60; delay_ms = 14"),
    ("reverb", "decay_s = 1.8; low_cut_hz = 200; mix_percent = 100"),
    ("delay", "time_ms = 375; feedback_percent = 35; low_cut_hz = 200; mix_percent = 100"),
    ("width", "width_percent = 120; mono_below_hz = 120"),
    ("limiter", "drive_db = 12; ceiling_dbtp = -1"),
];

/// The settings of a kind.
///
/// # Errors
/// When a kind has none here: neutral, it would measure nothing.
pub(crate) fn values(kind: &'static Kind) -> Result<Values, Failure> {
    Ok(Values::parse(kind, text(kind)?)?)
}

/// The same as text.
pub(crate) fn text(kind: &Kind) -> Result<&'static str, Failure> {
    let found = WORK.iter().find(|(id, _)| *id == kind.id);
    found
        .map(|(_, text)| *text)
        .ok_or_else(|| format!("`{}` has no settings in benches/src/work.rs", kind.id).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_settings_within_its_ranges() {
        for kind in dsp::KINDS {
            let values = values(kind).unwrap_or_else(|error| panic!("{error}"));
            for address in values.addresses() {
                let (param, value) = (kind.param(address), values.get(address));
                assert_eq!(param.clamp(value), value, "{}.{}", kind.id, kind.name(address));
            }
            assert_ne!(values, Values::neutral(kind), "{} is neutral", kind.id);
        }
    }
}
