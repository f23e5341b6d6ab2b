//! Each processor by itself, at work.

use crate::clock::least_s;
use crate::song::{Instrument, RATE};
use crate::work::values;
use crate::{Failure, say};
use audio::{Buffer, Spec};
use dsp::{Kind, Values};

/// Seconds of sound that each is given.
const SOUND_S: usize = 20;

/// Frames of a block, as the engine gives them.
const BLOCK_FRAMES: usize = 1024;

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
        "kind            mono  stereo   ns per frame, CPU of one core; with the settings of benches/src/work.rs",
    )?;
    for kind in dsp::KINDS.iter().filter(|kind| wanted.is_empty() || wanted.contains(&kind.id)) {
        let values = values(kind)?;
        let (mono, stereo) = (run_kind(kind, &values, 1)?, run_kind(kind, &values, 2)?);
        say(&format!("{:12} {mono:7.1} {stereo:7.1}", kind.id))?;
    }
    Ok(())
}
