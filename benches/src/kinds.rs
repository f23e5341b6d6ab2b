//! Each processor by itself, at work.

use crate::clock::least_s;
use crate::song::{Instrument, RATE};
use crate::work::values;
use crate::{Failure, say};
use allocation_counter::{AllocationInfo, measure};
use audio::{Buffer, Spec};
use dsp::{Kind, Values};

/// Seconds of sound that each is given.
const SOUND_S: usize = 20;

/// Frames of a block, as the engine gives them.
const BLOCK_FRAMES: usize = 1024;

/// Nanoseconds per frame, and what the processor allocated when it was built and at work.
fn run_kind(
    kind: &'static Kind,
    values: &Values,
    channels: usize,
) -> Result<(f64, [AllocationInfo; 2]), Failure> {
    let spec = Spec { sample_rate_hz: f64::from(RATE), channels, max_frames: BLOCK_FRAMES };
    let frames = SOUND_S * RATE as usize;
    let mut sound = Buffer::new(channels, frames);
    for c in 0..channels {
        Instrument::new(c as u64 + 1).fill(sound.channel_mut(c));
    }
    let mut block = Buffer::new(channels, BLOCK_FRAMES);
    let mut processor = None;
    let built = measure(|| processor = Some((kind.build)(values, &spec)));
    let mut processor = processor.ok_or("a processor")?;
    let worked = measure(|| {
        for start in (0..RATE as usize).step_by(BLOCK_FRAMES) {
            block.as_block_mut().copy_from(&sound.range(start, BLOCK_FRAMES));
            processor.process(&mut block.as_block_mut(), None);
        }
    });
    let took_s = least_s(|| {
        let mut processor = (kind.build)(values, &spec);
        for start in (0..frames - BLOCK_FRAMES).step_by(BLOCK_FRAMES) {
            block.as_block_mut().copy_from(&sound.range(start, BLOCK_FRAMES));
            processor.process(&mut block.as_block_mut(), None);
        }
        Ok::<(), Failure>(())
    })?;
    Ok((took_s * 1e9 / frames as f64, [built, worked]))
}

/// Prints ns per frame of these kinds, or of the whole rack, mono and stereo, and what the stereo one allocates.
pub(crate) fn run(wanted: &[&str]) -> Result<(), Failure> {
    say(
        "kind                    mono  stereo     built         KiB  at work   ns per frame, CPU of one core, and allocations; \
         with the settings of benches/src/work.rs",
    )?;
    for kind in dsp::KINDS.iter().filter(|kind| wanted.is_empty() || wanted.contains(&kind.id)) {
        let values = values(kind)?;
        let (mono, _) = run_kind(kind, &values, 1)?;
        let (stereo, [built, worked]) = run_kind(kind, &values, 2)?;
        let (made, kib, at_work) = (built.count_total, built.bytes_current / 1024, worked.count_total);
        say(&format!("{:20} {mono:7.1} {stereo:7.1} {made:9} {kib:11} {at_work:8}", kind.id))?;
    }
    Ok(())
}
