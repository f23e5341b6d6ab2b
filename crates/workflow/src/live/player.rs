//! A file under a play head.

use super::meter::{LiveMeter, LiveSnapshot};
use crate::WorkflowError;
use audio::{Block, BlockRef, Buffer, Frames, Layout};
use std::path::Path;

/// Frames read at a time.
const BLOCK_FRAMES: Frames = 1 << 12;
/// A jump is crossfaded over this long, so that the splice makes no click in the meters, in seconds.
const SPLICE_S: f64 = 0.01;

/// Plays a file into meters, without a sound: its caller is the clock.
pub struct LivePlayer {
    reader: files::Reader,
    meter: LiveMeter,
    buffer: Buffer,
    format: String,
    rate_hz: f64,
    frames: Frames,
    ended: bool,
}

impl LivePlayer {
    /// Opens a file at its beginning.
    ///
    /// # Errors
    /// When it cannot be read or has a rate that the meters do not work at.
    pub fn open(path: &Path) -> Result<LivePlayer, WorkflowError> {
        let reader = files::open(path)?;
        let info = reader.info();
        let rate_hz = f64::from(info.sample_rate_hz);
        let meter = LiveMeter::new(rate_hz, Layout::from_mask(info.channels, info.channel_mask))?;
        let format = crate::plots::described(info);
        let (channels, frames) = (info.channels, info.frames);
        let buffer = Buffer::new(channels, BLOCK_FRAMES);
        Ok(LivePlayer { meter, buffer, format, rate_hz, frames, ended: false, reader })
    }

    /// Container and encoding, for people.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Frames per second, in hertz.
    pub fn sample_rate_hz(&self) -> f64 {
        self.rate_hz
    }

    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.frames as f64 / self.rate_hz
    }

    /// Where the play head stands, in seconds.
    pub fn position_s(&self) -> f64 {
        self.reader.position() as f64 / self.rate_hz
    }

    /// Whether the end was reached.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Plays on to a place in the file, in seconds; nothing when that lies behind the play head.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub fn play_to(&mut self, seconds: f64) -> Result<(), WorkflowError> {
        let target = self.frame_at(seconds);
        while self.reader.position() < target {
            let wanted = (target - self.reader.position()).min(BLOCK_FRAMES);
            let frames = self.reader.read(&mut self.buffer.range_mut(0, wanted))?;
            if frames == 0 {
                // Shorter than its header says.
                self.frames = self.reader.position();
                break;
            }
            self.meter.push(&self.buffer.range(0, frames));
        }
        if self.reader.position() >= self.frames && !self.ended {
            self.ended = true;
            self.meter.finish();
        }
        Ok(())
    }

    /// Stands at another place, in seconds; what is measured over all goes on with what is played from there.
    ///
    /// # Errors
    /// When the file cannot be read there.
    pub fn seek(&mut self, seconds: f64) -> Result<(), WorkflowError> {
        let splice = ((SPLICE_S * self.rate_hz) as Frames).min(BLOCK_FRAMES);
        let mut out = Buffer::new(self.buffer.channels(), splice);
        self.reader.read(&mut out.as_block_mut())?;
        self.reader.seek(self.frame_at(seconds))?;
        self.reader.read(&mut self.buffer.range_mut(0, splice))?;
        crossfade(&out.as_block(), &mut self.buffer.range_mut(0, splice));
        self.meter.push(&self.buffer.range(0, splice));
        self.ended = false;
        Ok(())
    }

    /// Begins all that is measured since the start anew, together (EBU Tech 3341).
    ///
    /// # Errors
    /// Never at a rate at which the file could be opened.
    pub fn reset(&mut self) -> Result<(), WorkflowError> {
        self.meter.reset()
    }

    /// All meters now.
    pub fn snapshot(&self) -> LiveSnapshot {
        self.meter.snapshot()
    }

    fn frame_at(&self, seconds: f64) -> Frames {
        ((seconds.max(0.0) * self.rate_hz).round() as Frames).min(self.frames)
    }
}

/// From `old` to what stands in `new`, linearly.
fn crossfade(old: &BlockRef, new: &mut Block) {
    let frames = new.frames();
    for channel in 0..new.channels() {
        let (old, new) = (old.channel(channel), new.channel_mut(channel));
        for n in 0..frames {
            let share = (n as f64 + 0.5) / frames as f64;
            new[n] = new[n] * share + old[n] * (1.0 - share);
        }
    }
}
