//! How good each processor is, in figures, and the same figures of its peers.
//!
//! `sound signals FOLDER` writes the test signals, `benches/peers/render.py FOLDER` sends them through the peers, and
//! `sound table FOLDER` measures everything and prints `docs/reference/sound.md`; `benches/peers/sound.sh` does all
//! three. Ours and theirs are read by the same functions of [`figures`].

mod apply;
mod figures;
mod rack;
mod signals;
mod table;
mod tasks;

use crate::Failure;
use crate::clock::least_s;
use audio::{Buffer, Frames, Spec};
use dsp::{Kind, Values};
use std::path::Path;

/// Rate of every measurement, in hertz.
const RATE_HZ: f64 = 48_000.0;
/// Frames of a block, as the engine gives them.
const BLOCK_FRAMES: Frames = 1_024;

pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        ["signals", folder] => signals::write(Path::new(folder)),
        ["table", folder] => table::print(Path::new(folder)),
        ["apply", kind, settings, from, to] => apply::run(kind, settings, from, to, None),
        ["apply", kind, settings, from, to, response] => apply::run(kind, settings, from, to, Some(response)),
        _ => Err(
            "say: sound signals FOLDER, sound table FOLDER, or sound apply KIND SETTINGS FROM TO [RESPONSE]"
                .into(),
        ),
    }
}

/// A stereo signal through a processor, its latency taken off.
fn through(kind: &'static Kind, values: &Values, sound: &Buffer) -> Buffer {
    let spec = Spec { sample_rate_hz: RATE_HZ, channels: sound.channels(), max_frames: BLOCK_FRAMES };
    through_at(kind, values, sound, &spec)
}

/// The same at any rate.
fn through_at(kind: &'static Kind, values: &Values, sound: &Buffer, spec: &Spec) -> Buffer {
    let mut processor = (kind.build)(values, spec);
    let latency = processor.latency();
    let mut out = Buffer::new(sound.channels(), sound.frames() + latency);
    for c in 0..sound.channels() {
        out.channel_mut(c)[..sound.frames()].copy_from_slice(sound.channel(c));
    }
    for start in (0..out.frames()).step_by(BLOCK_FRAMES) {
        let frames = BLOCK_FRAMES.min(out.frames() - start);
        processor.process(&mut out.range_mut(start, frames), None);
    }
    let planes: Vec<Vec<f64>> = (0..out.channels()).map(|c| out.channel(c)[latency..].to_vec()).collect();
    Buffer::from_channels(&planes)
}

/// CPU milliseconds that a processor takes for a second of stereo.
fn cost_ms(kind: &'static Kind, values: &Values) -> Result<f64, Failure> {
    let spec = Spec { sample_rate_hz: RATE_HZ, channels: 2, max_frames: BLOCK_FRAMES };
    let sound = signals::programme(10);
    let mut block = Buffer::new(2, BLOCK_FRAMES);
    let took_s = least_s(|| {
        let mut processor = (kind.build)(values, &spec);
        for start in (0..sound.frames() - BLOCK_FRAMES).step_by(BLOCK_FRAMES) {
            block.as_block_mut().copy_from(&sound.range(start, BLOCK_FRAMES));
            processor.process(&mut block.as_block_mut(), None);
        }
        Ok::<(), Failure>(())
    })?;
    Ok(took_s * 1_000.0 / 10.0)
}
