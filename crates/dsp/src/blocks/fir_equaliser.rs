//! The processor of an equaliser whose curve is fixed: finite filters, and a level after them that can move.

use super::fir_bank::{FirBank, Kernels};
use super::ramp::Ramp;
use crate::{Address, Kind, Processor, Tail};
use audio::{Block, BlockRef, Frames, db_to_gain};

/// Finite filters and the output level after them. That level is the only setting of the kind that is not fixed.
pub struct FirEqualiser {
    kind: &'static Kind,
    bank: FirBank,
    output: Ramp,
}

impl FirEqualiser {
    /// For `channels` channels; the output level, in decibels, stands as given.
    pub fn new(kind: &'static Kind, kernels: &Kernels, channels: usize, output_db: f64) -> FirEqualiser {
        let bank = FirBank::new(kernels, channels);
        FirEqualiser { kind, bank, output: Ramp::new(db_to_gain(output_db)) }
    }
}

impl Processor for FirEqualiser {
    fn latency(&self) -> Frames {
        self.bank.latency()
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.bank.tail())
    }

    fn reset(&mut self) {
        self.bank.reset();
        self.output.finish();
    }

    fn set(&mut self, address: Address, value: f64) {
        let param = self.kind.param(address);
        if !param.fixed {
            self.output.go_to(db_to_gain(param.clamp(value)));
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.bank.process(block);
        let ramp = self.output;
        for samples in block.iter_mut() {
            self.output = ramp;
            self.output.scale(samples);
        }
    }
}
