//! Takes the last overs out of a finished file: a small smooth dip of the gain around each.
//!
//! A limiter keeps its ceiling at the rate at which it looks; a finer meter, a quantiser or a resampler may
//! still find a peak above it by hundredths of a decibel. Lowering the gain there, and nowhere else, by the
//! excess and a hair more costs no loudness. Measure, repair, measure again: one or two passes.

use super::lookahead::greater;
use super::math;
use audio::{Block, Frames};
use std::f64::consts::FRAC_PI_2;

/// A place where a signal exceeds its ceiling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Over {
    /// The frame at or right before the peak.
    pub frame: Frames,
    /// By how much, in decibels, above zero.
    pub excess_db: f64,
}

/// What is taken off beyond the excess, in decibels: the dip itself bends the waveform between the samples.
pub const REPAIR_MARGIN_DB: f64 = 0.005;

/// Frames on either side of an over at which the gain is down in full.
const FLAT_FRAMES: f64 = 2.0;

/// Lowers `block` around each over by its excess and [`REPAIR_MARGIN_DB`].
///
/// `first_frame` is the song's frame at which the block begins, so that a file can be repaired in parts;
/// overs outside it reach in as far as their dips do. The dip falls and rises like a raised cosine within
/// `half_width` frames (2 to 5 ms are inaudible); where dips overlap the deeper one counts, so that a
/// cluster is not lowered many times. Samples away from all overs keep every bit. The same gain goes to all
/// channels.
pub fn repair(block: &mut Block, first_frame: Frames, overs: &[Over], half_width: Frames) {
    let frames = block.frames();
    let half_width = half_width.max(FLAT_FRAMES as usize + 1);
    let mut dips_db = vec![0.0; frames];
    let skirt = half_width as f64 - FLAT_FRAMES;
    for over in overs {
        let start = over.frame.saturating_sub(half_width).max(first_frame);
        // The frame after the peak stands as near to it as the one before.
        let end = (over.frame + half_width + 2).min(first_frame + frames);
        for frame in start..end {
            let distance = (frame as f64 - (over.frame as f64 + 0.5)).abs() - 0.5;
            let shape = ((distance - FLAT_FRAMES) / skirt).clamp(0.0, 1.0);
            let dip = (over.excess_db.max(0.0) + REPAIR_MARGIN_DB) * (FRAC_PI_2 * shape).cos().powi(2);
            dips_db[frame - first_frame] = greater(dip, dips_db[frame - first_frame]);
        }
    }
    for samples in block.iter_mut() {
        for (sample, dip_db) in samples.iter_mut().zip(&dips_db) {
            if *dip_db > 0.0 {
                *sample *= math::db_to_gain(-dip_db);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;

    #[test]
    fn the_dip_is_as_deep_as_asked_and_only_there() {
        let overs = [
            Over { frame: 500, excess_db: 0.4 },
            Over { frame: 503, excess_db: 0.1 },
            Over { frame: 2, excess_db: 0.2 },
            Over { frame: 997, excess_db: 0.3 },
        ];
        let mut whole = Buffer::from_channels(&[vec![1.0; 1000], vec![-0.5; 1000]]);
        repair(&mut whole.as_block_mut(), 0, &overs, 100);
        for (frame, excess) in [(500, 0.4), (501, 0.4), (2, 0.2), (3, 0.2), (997, 0.3), (998, 0.3)] {
            let db = audio::gain_to_db(whole.channel(0)[frame]);
            assert!((db + excess + REPAIR_MARGIN_DB).abs() < 1e-9, "{frame}: {db}");
            assert_eq!(whole.channel(1)[frame], -0.5 * whole.channel(0)[frame]);
        }
        assert_eq!(&whole.channel(0)[110..390], &[1.0; 280][..]);
        let step = whole.channel(0).windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        // The steepest place of a raised cosine: pi/2 of the mean slope.
        assert!(step < 0.05 / 98.0 * 1.6, "{step}");

        let mut parts = Buffer::from_channels(&[vec![1.0; 1000], vec![-0.5; 1000]]);
        for start in (0..1000).step_by(250) {
            repair(&mut parts.range_mut(start, 250), start, &overs, 100);
        }
        assert_eq!(parts, whole, "in parts as at once");
    }

    #[test]
    fn nothing_to_do_changes_nothing() {
        let mut buffer = Buffer::from_channels(&[vec![0.1, -0.0, 1e-310]]);
        repair(&mut buffer.as_block_mut(), 0, &[], 10);
        repair(&mut buffer.range_mut(0, 0), 0, &[Over { frame: 0, excess_db: 1.0 }], 10);
        repair(&mut buffer.as_block_mut(), 0, &[Over { frame: 5000, excess_db: 1.0 }], 10);
        assert_eq!(buffer.channel(0), &[0.1, -0.0, 1e-310]);
    }
}
