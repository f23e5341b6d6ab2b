//! Audio that flows into a strip: from memory, from files, from the cache.

use crate::error::EngineError;
use audio::{Block, Buffer, Frames};
use dsp::blocks::fractional::FractionalDelay;
use std::sync::Arc;

/// Gives audio from its first frame on, at the session's rate; after its end it gives silence.
pub(crate) trait Stream: Send {
    /// Fills `block`.
    fn read(&mut self, block: &mut Block) -> Result<(), EngineError>;
}

/// Audio held in memory.
pub(crate) struct Memory {
    buffer: Arc<Buffer>,
    position: Frames,
}

impl Memory {
    pub(crate) fn new(buffer: Arc<Buffer>) -> Memory {
        Memory { buffer, position: 0 }
    }
}

impl Stream for Memory {
    fn read(&mut self, block: &mut Block) -> Result<(), EngineError> {
        let frames = (self.buffer.frames() - self.position).min(block.frames());
        block.range_mut(0, frames).copy_from(&self.buffer.range(self.position, frames));
        let rest = block.frames() - frames;
        block.range_mut(frames, rest).clear();
        self.position += frames;
        Ok(())
    }
}

/// A stream put at its place: some frames later or earlier, and a fraction of a frame later.
pub(crate) struct Placed {
    stream: Box<dyn Stream>,
    /// Frames of silence still to come before the stream begins.
    silence: Frames,
    /// Frames of the stream still to be thrown away.
    skip: Frames,
    fraction: Vec<FractionalDelay>,
}

impl Placed {
    /// Places frame 0 of `stream` at stream frame `start` (which may be negative) plus `fraction`.
    pub(crate) fn new(stream: Box<dyn Stream>, channels: usize, start: i64, fraction: f64) -> Placed {
        let mut start = start;
        let mut delays = Vec::new();
        if fraction > 0.0 {
            start -= FractionalDelay::WHOLE_FRAMES as i64;
            delays = vec![FractionalDelay::new(fraction); channels];
        }
        Placed { stream, silence: start.max(0) as usize, skip: (-start).max(0) as usize, fraction: delays }
    }

    pub(crate) fn read(&mut self, block: &mut Block) -> Result<(), EngineError> {
        while self.skip > 0 {
            let mut waste = Buffer::new(block.channels(), self.skip.min(4096));
            self.stream.read(&mut waste.as_block_mut())?;
            // What is thrown away is still heard by the interpolator, whose window reaches back.
            for (channel, delay) in self.fraction.iter_mut().enumerate() {
                delay.process(waste.channel_mut(channel));
            }
            self.skip -= waste.frames();
        }
        let silent = self.silence.min(block.frames());
        block.range_mut(0, silent).clear();
        self.silence -= silent;
        let mut heard = block.range_mut(silent, block.frames() - silent);
        self.stream.read(&mut heard)?;
        for (samples, delay) in heard.iter_mut().zip(&mut self.fraction) {
            delay.process(samples);
        }
        Ok(())
    }
}
