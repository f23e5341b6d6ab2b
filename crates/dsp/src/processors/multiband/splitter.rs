//! The two ways of parting a signal into bands, as one.

use super::Splitting;
use crate::blocks::crossover::{Bands, Crossover, MAX_BANDS, Slope};
use crate::blocks::linear_crossover::LinearCrossover;
use audio::{BlockRef, Frames};

/// Either way of splitting.
pub(super) enum Splitter {
    LinkwitzRiley(Crossover),
    LinearPhase(LinearCrossover),
}

impl Splitter {
    /// Parts `channels` at `edges_hz`, in rising order.
    pub(super) fn new(
        splitting: Splitting,
        edges_hz: &[f64],
        sample_rate_hz: f64,
        channels: usize,
    ) -> Splitter {
        let slope = slope(splitting);
        match splitting {
            Splitting::LinkwitzRiley24 | Splitting::LinkwitzRiley48 => {
                Splitter::LinkwitzRiley(Crossover::new(slope, edges_hz, sample_rate_hz, channels))
            }
            Splitting::LinearPhase24 | Splitting::LinearPhase48 => {
                Splitter::LinearPhase(LinearCrossover::new(slope, edges_hz, sample_rate_hz, channels))
            }
        }
    }

    pub(super) fn latency(&self) -> Frames {
        match self {
            Splitter::LinkwitzRiley(_) => 0,
            Splitter::LinearPhase(crossover) => crossover.latency(),
        }
    }

    pub(super) fn go_to(&mut self, edge: usize, hz: f64) {
        match self {
            Splitter::LinkwitzRiley(crossover) => crossover.go_to(edge, hz),
            Splitter::LinearPhase(crossover) => crossover.go_to(edge, hz),
        }
    }

    pub(super) fn reset(&mut self) {
        match self {
            Splitter::LinkwitzRiley(crossover) => crossover.reset(),
            Splitter::LinearPhase(crossover) => crossover.reset(),
        }
    }

    pub(super) fn flush(&mut self) {
        if let Splitter::LinkwitzRiley(crossover) = self {
            crossover.flush();
        }
    }

    pub(super) fn want(&mut self, bands: [bool; MAX_BANDS]) {
        if let Splitter::LinearPhase(crossover) = self {
            crossover.want(bands);
        }
    }

    pub(super) fn split(&mut self, piece: &BlockRef, bands: &mut [Bands]) {
        match self {
            Splitter::LinkwitzRiley(crossover) => crossover.split(piece, bands),
            Splitter::LinearPhase(crossover) => crossover.split(piece, bands),
        }
    }
}

/// The slopes of a way of splitting.
pub(super) fn slope(splitting: Splitting) -> Slope {
    match splitting {
        Splitting::LinkwitzRiley24 | Splitting::LinearPhase24 => Slope::Db24,
        Splitting::LinkwitzRiley48 | Splitting::LinearPhase48 => Slope::Db48,
    }
}
