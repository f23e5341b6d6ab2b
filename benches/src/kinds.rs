//! Each processor by itself, at work.

use crate::clock::least_s;
use crate::song::{Instrument, RATE};
use crate::{Failure, say};
use audio::{Buffer, Spec};
use dsp::{Kind, Values};

/// Settings under which a kind works as hard as it does in a mix.
type Work = (&'static str, &'static [(&'static str, f64)]);

const WORK: &[Work] = &[
    ("gain", &[("gain_db", -3.0), ("pan", 20.0)]),
    ("compressor", &[("threshold_db", -24.0), ("ratio", 3.0), ("sidechain_high_pass_hz", 100.0)]),
    ("gate", &[("threshold_db", -30.0), ("range_db", 30.0), ("lookahead_ms", 3.0)]),
    ("de_esser", &[("range_db", 6.0), ("threshold_db", -20.0)]),
    ("saturator", &[("drive_db", 6.0), ("mix_percent", 100.0)]),
    ("reverb", &[("decay_s", 1.8), ("low_cut_hz", 200.0), ("mix_percent", 100.0)]),
    (
        "delay",
        &[("time_ms", 375.0), ("feedback_percent", 35.0), ("low_cut_hz", 200.0), ("mix_percent", 100.0)],
    ),
    ("width", &[("width_percent", 120.0), ("mono_below_hz", 120.0)]),
    ("limiter", &[("drive_db", 12.0), ("ceiling_dbtp", -1.0)]),
];

/// A high-pass of four poles, two bells and two shelves.
fn eq(kind: &'static Kind) -> Result<Values, Failure> {
    let mut values = Values::neutral(kind);
    let bands: [(&str, &[(&str, f64)]); 5] = [
        ("high_pass", &[("freq_hz", 40.0), ("slope_db_per_oct", 24.0)]),
        ("low_shelf", &[("freq_hz", 120.0), ("gain_db", 2.0)]),
        ("bell", &[("freq_hz", 310.0), ("gain_db", -3.0), ("q", 1.4)]),
        ("bell", &[("freq_hz", 3200.0), ("gain_db", 2.5), ("q", 1.0)]),
        ("high_shelf", &[("freq_hz", 9000.0), ("gain_db", 1.5)]),
    ];
    for (shape, settings) in bands {
        let band = values.push(kind, "bands")?;
        values.set_choice(kind, &format!("bands.{band}.type"), shape)?;
        for (name, value) in settings {
            values.set(kind, &format!("bands.{band}.{name}"), *value)?;
        }
    }
    Ok(values)
}

/// Seconds of sound that each is given.
const SOUND_S: usize = 20;

/// Frames of a block, as the engine gives them.
const BLOCK_FRAMES: usize = 1024;

fn values(kind: &'static Kind) -> Result<Values, Failure> {
    if kind.id == "eq" {
        return eq(kind);
    }
    let mut values = Values::neutral(kind);
    for (name, value) in WORK.iter().filter(|w| w.0 == kind.id).flat_map(|w| w.1) {
        values.set(kind, name, *value)?;
    }
    Ok(values)
}

fn run_kind(kind: &'static Kind, values: &Values, channels: usize) -> Result<f64, Failure> {
    let spec = Spec { sample_rate_hz: f64::from(RATE), channels, max_frames: BLOCK_FRAMES };
    let frames = SOUND_S * RATE as usize;
    let mut sound = Buffer::new(channels, frames);
    for c in 0..channels {
        Instrument::new(c as u64 + 1).fill(sound.channel_mut(c));
    }
    let mut block = Buffer::new(channels, BLOCK_FRAMES);
    let took_s = least_s(|| {
        let mut processor = (kind.build)(values, &spec);
        for start in (0..frames - BLOCK_FRAMES).step_by(BLOCK_FRAMES) {
            block.as_block_mut().copy_from(&sound.range(start, BLOCK_FRAMES));
            processor.process(&mut block.as_block_mut(), None);
        }
        Ok::<(), Failure>(())
    })?;
    Ok(took_s * 1e9 / frames as f64)
}

/// Prints ns per frame of these kinds, or of the whole rack, mono and stereo.
pub(crate) fn run(wanted: &[&str]) -> Result<(), Failure> {
    say(
        "kind            mono  stereo   ns per frame, CPU of one core; with the settings of benches/src/kinds.rs",
    )?;
    for kind in dsp::KINDS.iter().filter(|kind| wanted.is_empty() || wanted.contains(&kind.id)) {
        let values = values(kind)?;
        let (mono, stereo) = (run_kind(kind, &values, 1)?, run_kind(kind, &values, 2)?);
        say(&format!("{:12} {mono:7.1} {stereo:7.1}", kind.id))?;
    }
    Ok(())
}
