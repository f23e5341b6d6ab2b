//! The way through a kind that bends a signal at a raised rate: filter, raise, bend, bring back, filter, and the blend
//! with the untouched signal. What bends is the kind's own.

use super::colour::Blend;
use super::grid::CONTROL_FRAMES;
use super::oversample::Oversampler;
use super::ramp::Ramp;
use super::svf::Chain;
use audio::{Block, Frames};

/// Bends one channel at a raised rate.
pub trait Bend: Send {
    /// Forgets the past.
    fn reset(&mut self);

    /// Bends the raised signal of some frames in place. `drive` has one gain per frame.
    fn bend(&mut self, raised: &mut [f64], drive: &[f64]);
}

/// See the module.
pub struct Path<B> {
    /// Before the curve.
    pub before: Chain,
    /// After the curve.
    pub after: Chain,
    /// Gain into the curve.
    pub drive: Ramp,
    /// The untouched signal, and the mix.
    pub blend: Blend,
    /// What bends each channel.
    pub benders: Vec<B>,
    oversamplers: Vec<Oversampler>,
}

impl<B: Bend> Path<B> {
    /// One bender and one oversampler per channel.
    pub fn new(
        oversampler: Oversampler,
        benders: Vec<B>,
        filters: [Chain; 2],
        drive: f64,
        blend: Blend,
    ) -> Path<B> {
        let [before, after] = filters;
        let oversamplers = vec![oversampler; benders.len()];
        Path { before, after, drive: Ramp::new(drive), blend, benders, oversamplers }
    }

    /// Frames by which the output stands later than the input.
    pub fn latency(&self) -> Frames {
        self.oversamplers.first().map_or(0, Oversampler::latency)
    }

    /// Frames for which the filters go on after the latency.
    pub fn tail(&self) -> Frames {
        // The filters of linear phase ring as long after their middle as before it.
        self.latency() + self.before.tail() + self.after.tail()
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.before.reset();
        self.after.reset();
        self.drive.finish();
        self.blend.reset();
        self.benders.iter_mut().for_each(B::reset);
        self.oversamplers.iter_mut().for_each(Oversampler::reset);
    }

    /// Processes `block` in place. `last` is given what comes out of the filters, before the blend.
    pub fn process(&mut self, block: &mut Block, mut last: impl FnMut(&mut Block)) {
        let Path { before, after, drive, blend, benders, oversamplers } = self;
        blend.process(block, |wet| {
            before.process(wet);
            let frames = wet.frames();
            let mut gains = [0.0; CONTROL_FRAMES];
            gains[..frames].iter_mut().for_each(|gain| *gain = drive.next_value());
            for (samples, (bender, oversampler)) in
                wet.iter_mut().zip(benders.iter_mut().zip(oversamplers.iter_mut()))
            {
                oversampler.process(samples, |raised| bender.bend(raised, &gains[..frames]));
            }
            after.process(wet);
            last(wet);
        });
    }
}
