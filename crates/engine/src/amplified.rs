//! A sink behind a gain.

use crate::error::EngineError;
use crate::render::Sink;
use audio::{BlockRef, Buffer, db_to_gain};
use session::Strip;

/// A constant factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amplification(f64);

impl Amplification {
    /// What a strip does to the level; nothing when it does more than that.
    pub fn of(strip: &Strip) -> Option<Amplification> {
        let plain = strip.inserts.iter().all(|i| i.bypass) && strip.lanes.is_empty() && strip.pan == 0.0;
        let turned = if strip.invert { -1.0 } else { 1.0 };
        let heard = if strip.mute { 0.0 } else { 1.0 };
        let gain = db_to_gain(strip.trim_db) * db_to_gain(strip.fader_db);
        plain.then_some(Amplification(gain * turned * heard))
    }
}

/// Hands on what it is given, at another level.
///
/// A stem is taken where a strip goes into the mix; behind the gain of the mix, all stems add up to the mix as it is
/// written.
pub struct Amplified<S> {
    sink: S,
    amplification: Amplification,
    buffer: Buffer,
}

impl<S: Sink> Amplified<S> {
    /// Puts a factor before a sink.
    pub fn new(amplification: Amplification, sink: S) -> Amplified<S> {
        Amplified { sink, amplification, buffer: Buffer::new(0, 0) }
    }
}

impl<S: Sink> Sink for Amplified<S> {
    fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        if self.buffer.channels() != block.channels() || self.buffer.frames() < block.frames() {
            self.buffer = Buffer::new(block.channels(), block.frames());
        }
        for (channel, samples) in block.iter().enumerate() {
            for (out, sample) in self.buffer.channel_mut(channel).iter_mut().zip(samples) {
                *out = sample * self.amplification.0;
            }
        }
        self.sink.write(&self.buffer.range(0, block.frames()))
    }
}
