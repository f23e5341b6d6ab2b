//! Settings under which each processor works as hard as it does in a mix.

use crate::Failure;
use crate::song::Instrument;
use audio::Buffer;
use dsp::{ImpulseResponse, Kind, Values};
use std::sync::Arc;

const WORK: &[(&str, &str)] = &[
    ("gain", "gain_db = -3; pan = 20"),
    ("declip", "ceiling_db = -6; rise_db = 12"),
    ("declick", "sensitivity_percent = 60"),
    ("dehum", "mains = 50"),
    ("rumble", "remove_dc = true; freq_hz = 25"),
    ("denoise", "reduction_db = 12; adaptive = true"),
    ("resonance", "range_db = 6"),
    ("align", "delay_ms = 1.234; rotation_degrees = 30"),
    // A high-pass of four poles, two bells and two shelves.
    (
        "eq",
        "bands.0.type = high_pass; bands.0.freq_hz = 40; bands.0.slope_db_per_oct = 24; \
         bands.1.type = low_shelf; bands.1.freq_hz = 120; bands.1.gain_db = 2; \
         bands.2.freq_hz = 310; bands.2.gain_db = -3; bands.2.q = 1.4; \
         bands.3.freq_hz = 3200; bands.3.gain_db = 2.5; bands.3.q = 1; \
         bands.4.type = high_shelf; bands.4.freq_hz = 9000; bands.4.gain_db = 1.5",
    ),
    (
        "phase_eq",
        "bands.0.type = low_shelf; bands.0.freq_hz = 120; bands.0.gain_db = 2; \
         bands.1.freq_hz = 3200; bands.1.gain_db = 2.5; bands.1.q = 1",
    ),
    (
        "dynamic_eq",
        "bands.0.freq_hz = 250; bands.0.range_db = -6; bands.0.threshold_db = -40; \
         bands.1.freq_hz = 3200; bands.1.range_db = -6; bands.1.threshold_db = -40",
    ),
    (
        "match_eq",
        "points.0.freq_hz = 60; points.0.source_db = -20; points.0.target_db = -14; \
         points.1.freq_hz = 300; points.1.source_db = -20; points.1.target_db = -24; \
         points.2.freq_hz = 10000; points.2.source_db = -50; points.2.target_db = -40",
    ),
    ("tilt", "tilt_db_per_oct = 0.5"),
    ("filter", "type = low_pass; freq_hz = 2000; oscillator_octaves = 1; mix_percent = 100"),
    ("gate", "threshold_db = -30; range_db = 30; lookahead_ms = 3"),
    ("compressor", "threshold_db = -24; ratio = 3; sidechain_high_pass_hz = 100"),
    ("vca_compressor", "threshold_db = -24; ratio = 4; colour_percent = 50"),
    ("fet_compressor", "drive_db = 12; ratio = 4_to_1; output_db = -6; colour_percent = 50"),
    ("opto_compressor", "threshold_db = -24; colour_percent = 50"),
    ("vari_mu_compressor", "threshold_db = -24; release = dual; colour_percent = 50"),
    (
        "multiband",
        "crossover = linear_phase_24; bands.0.freq_hz = 120; bands.0.threshold_db = -24; \
         bands.0.ratio = 2; bands.1.freq_hz = 1000; bands.1.threshold_db = -24; bands.1.ratio = 2; \
         bands.2.freq_hz = 6000; bands.2.threshold_db = -24; bands.2.ratio = 2; \
         bands.3.threshold_db = -24; bands.3.ratio = 2",
    ),
    ("de_esser", "range_db = 6; threshold_db = -20"),
    ("transient", "attack_db = 6; sustain_db = -3"),
    ("ducker", "threshold_db = -30; range_db = 6"),
    ("leveller", "range_db = 9"),
    ("saturator", "drive_db = 6; mix_percent = 100"),
    ("clipper", "drive_db = 6; ceiling_db = -3; knee_db = 3"),
    ("tape", "drive_db = 6; mix_percent = 100"),
    ("tube", "drive_db = 6; mix_percent = 100"),
    ("transformer", "drive_db = 6; mix_percent = 100"),
    ("console", "drive_db = 6; mix_percent = 100"),
    ("exciter", "freq_hz = 3000; amount_percent = 50"),
    ("chorus", "mix_percent = 50"),
    ("flanger", "feedback_percent = 50; mix_percent = 50"),
    ("phaser", "feedback_percent = 50; mix_percent = 50"),
    ("tremolo", "depth_percent = 60"),
    ("vibrato", "depth_cents = 20"),
    ("auto_pan", "depth_percent = 80"),
    ("width", "width_percent = 120; mono_below_hz = 120"),
    (
        "band_width",
        "bands.0.freq_hz = 120; bands.0.width_percent = 0; bands.1.freq_hz = 4000; \
         bands.2.width_percent = 130",
    ),
    ("mid_side", "mid_db = -1; side_db = 1"),
    ("rotation", "angle_degrees = 8"),
    ("haas", "amount_percent = 60; delay_ms = 14"),
    ("decorrelator", "amount_percent = 60"),
    ("phase_align", "amount_percent = 100; follow = delay_and_phase"),
    ("reverb", "decay_s = 1.8; low_cut_hz = 200; mix_percent = 100"),
    ("plate", "decay_s = 1.8; low_cut_hz = 200; mix_percent = 100"),
    ("convolution_reverb", "low_cut_hz = 200; mix_percent = 100"),
    ("delay", "time_ms = 375; feedback_percent = 35; low_cut_hz = 200; mix_percent = 100"),
    ("limiter", "drive_db = 12; ceiling_dbtp = -1"),
    ("clip_limiter", "drive_db = 12; ceiling_dbtp = -1"),
    ("perceptual_limiter", "drive_db = 12; ceiling_dbtp = -1"),
];

/// The settings of a kind.
///
/// # Errors
/// When a kind has none here: neutral, it would measure nothing.
pub(crate) fn values(kind: &'static Kind) -> Result<Values, Failure> {
    let mut values = Values::parse(kind, text(kind)?)?;
    values.impulse_response = kind.impulse_response.then(|| Arc::new(hall()));
    Ok(values)
}

/// Two seconds of falling noise, left and right different.
fn hall() -> ImpulseResponse {
    let plane = |seed: u64| {
        let mut samples = vec![0.0; 96_000];
        Instrument::new(seed).noise_into(&mut samples);
        samples.iter_mut().enumerate().for_each(|(n, x)| *x *= 10f64.powf(-3.0 * n as f64 / 96_000.0));
        samples
    };
    ImpulseResponse { audio: Buffer::from_channels(&[plane(1), plane(2)]), sample_rate_hz: 48_000.0 }
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
