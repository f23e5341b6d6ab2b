//! Analysers at work: what they do with a block is done on two cores where one is free.

use crate::WorkflowError;
use audio::{BlockRef, Frames, Layout};
use engine::EngineError;
use measure::{Analyser, Options};

/// Lets an analyser take a block, in parts that any free thread may work on.
pub(crate) fn take(analyser: &mut Analyser, block: &BlockRef) {
    analyser.push_apart(block, |one, other| {
        rayon::join(one, other);
    });
}

/// An analyser that takes rendered audio.
pub(crate) struct Ear(pub(crate) Analyser);

impl Ear {
    pub(crate) fn new(rate_hz: u32, channels: usize, options: Options) -> Result<Ear, WorkflowError> {
        Ok(Ear(Analyser::new(f64::from(rate_hz), Layout::from_channels(channels), options)?))
    }
}

impl engine::Sink for &mut Ear {
    fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        take(&mut self.0, block);
        Ok(())
    }
}

/// An analyser that takes only the first frames of what is rendered.
pub(crate) struct Until {
    ear: Ear,
    left: Frames,
}

impl Until {
    pub(crate) fn new(ear: Ear, frames: Frames) -> Until {
        Until { ear, left: frames }
    }

    pub(crate) fn into_analyser(self) -> Analyser {
        self.ear.0
    }
}

impl engine::Sink for &mut Until {
    fn write(&mut self, block: &BlockRef) -> Result<(), EngineError> {
        let frames = block.frames().min(self.left);
        self.left -= frames;
        take(&mut self.ear.0, &block.range(0, frames));
        Ok(())
    }
}
