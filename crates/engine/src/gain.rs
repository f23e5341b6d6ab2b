//! Gains that move in song time: evaluated on the 64-frame control grid, straight lines between.

use crate::Curve;
use crate::plan::Fader;
use audio::{Block, BlockRef, Frames, db_to_gain};
use dsp::blocks::grid::CONTROL_FRAMES;
use dsp::blocks::pan;

/// Frames from song frame `frame` up to the next point of the control grid.
pub(crate) fn to_next_point(frame: Frames) -> Frames {
    CONTROL_FRAMES - frame % CONTROL_FRAMES
}

/// Calls `piece(offset, frames, place in the control period)` for each part of a block that lies between two
/// points of the grid.
pub(crate) fn pieces(song_frame: Frames, frames: Frames, mut piece: impl FnMut(Frames, Frames, Frames)) {
    let mut offset = 0;
    while offset < frames {
        let left = to_next_point(song_frame + offset).min(frames - offset);
        piece(offset, left, song_frame + offset);
        offset += left;
    }
}

/// The gain at a frame on the line between the grid points around it.
fn line(from: f64, to: f64, frame: Frames) -> f64 {
    from + (to - from) * (frame % CONTROL_FRAMES) as f64 / CONTROL_FRAMES as f64
}

/// Adds `source` times a moving gain to `sum`; `song_frame` is that of the first frame.
pub(crate) fn add_scaled(sum: &mut Block, source: &BlockRef, gain_db: &Curve, song_frame: Frames) {
    if gain_db.is_constant() {
        let gain = db_to_gain(gain_db.value);
        if gain == 1.0 {
            return sum.add(source);
        }
        for (to, from) in sum.iter_mut().zip(source.iter()) {
            add_times(to, from, gain);
        }
        return;
    }
    pieces(song_frame, source.frames(), |offset, frames, frame| {
        let point = frame - frame % CONTROL_FRAMES;
        let (from, to) = (db_to_gain(gain_db.at(point)), db_to_gain(gain_db.at(point + CONTROL_FRAMES)));
        let mut target = sum.range_mut(offset, frames);
        for (to_channel, from_channel) in target.iter_mut().zip(source.range(offset, frames).iter()) {
            for (n, (t, f)) in to_channel.iter_mut().zip(from_channel).enumerate() {
                *t += f * line(from, to, frame + n);
            }
        }
    });
}

/// Multiplies `block` by trim and polarity; `song_frame` is that of the first frame.
pub(crate) fn apply_trim(block: &mut Block, trim_db: &Curve, invert: bool, song_frame: Frames) {
    let sign = if invert { -1.0 } else { 1.0 };
    let gain = |frame| sign * db_to_gain(trim_db.at(frame));
    if trim_db.is_constant() {
        let gain = gain(0);
        if gain != 1.0 {
            block.iter_mut().for_each(|samples| scale(samples, gain));
        }
        return;
    }
    pieces(song_frame, block.frames(), |offset, frames, frame| {
        let point = frame - frame % CONTROL_FRAMES;
        let (from, to) = (gain(point), gain(point + CONTROL_FRAMES));
        for channel in block.range_mut(offset, frames).iter_mut() {
            for (n, sample) in channel.iter_mut().enumerate() {
                *sample *= line(from, to, frame + n);
            }
        }
    });
}

/// Left and right factor of a fader at a frame, for a strip of `channels`.
fn factors(fader: &Fader, channels: usize, frame: Frames) -> (f64, f64) {
    if fader.mute {
        return (0.0, 0.0);
    }
    let gain = db_to_gain(fader.fader_db.at(frame));
    let position = fader.pan.at(frame);
    let (left, right) = if channels == 1 { pan::mono(position) } else { pan::balance(position) };
    (gain * left, gain * right)
}

/// Writes `input` (mono or stereo) through fader and pan to the stereo `output`.
pub(crate) fn apply_fader(fader: &Fader, input: &BlockRef, output: &mut Block, song_frame: Frames) {
    let (left_in, right_in) = (input.channel(0), input.channel(input.channels() - 1));
    let (left_out, right_out) = output.stereo_mut();
    if fader.mute || (fader.fader_db.is_constant() && fader.pan.is_constant()) {
        let (left, right) = factors(fader, input.channels(), 0);
        scale_into(left_out, left_in, left);
        scale_into(right_out, right_in, right);
        return;
    }
    pieces(song_frame, input.frames(), |offset, frames, frame| {
        let point = frame - frame % CONTROL_FRAMES;
        let from = factors(fader, input.channels(), point);
        let to = factors(fader, input.channels(), point + CONTROL_FRAMES);
        for n in offset..offset + frames {
            let place = frame + n - offset;
            left_out[n] = left_in[n] * line(from.0, to.0, place);
            right_out[n] = right_in[n] * line(from.1, to.1, place);
        }
    });
}

audio::wide! {
    fn scale_into(output: &mut [f64], input: &[f64], gain: f64) {
        output.iter_mut().zip(input).for_each(|(o, i)| *o = i * gain);
    }
}

audio::wide! {
    fn add_times(sum: &mut [f64], input: &[f64], gain: f64) {
        sum.iter_mut().zip(input).for_each(|(s, i)| *s += i * gain);
    }
}

audio::wide! {
    fn scale(samples: &mut [f64], gain: f64) {
        samples.iter_mut().for_each(|sample| *sample *= gain);
    }
}
