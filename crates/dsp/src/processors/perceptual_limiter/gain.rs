//! The gain that costs the least loudness for its smoothness.
//!
//! The reduction `g` that the peaks to come ask for is an obstacle; wanted is the curve above it with the least
//! `sum g + lambda / 2 * sum (g'')^2`: how much is turned down, and how much the gain bends, which is what
//! makes sidebands. It is found exactly, half a second ahead, by a quadratic programme (see `obstacle.rs`), on a
//! grid of two thirds of a millisecond. The values found are the coefficients of a cubic B-spline (C. de Boor, *A practical
//! guide to splines*, 1978): a mean of neighbours with positive weights, hence nowhere below the obstacle that
//! each of them keeps, and twice differentiable.
//!
//! Of a peak, the share is left standing; not of what lasts. What lasts is the morphological opening of the
//! demand (J. Serra, *Image analysis and mathematical morphology*, 1982): what stands for a sixth of a second.

use super::obstacle::Obstacle;
use crate::blocks::grid::CONTROL_FRAMES;
use crate::blocks::guard::hold_back;
use crate::blocks::lookahead::{Delay, SlidingMaximum, greater};
use crate::blocks::math;
use crate::blocks::true_peak::PeakFinder;
use audio::{Block, Frames, Spec};

/// Frames of a cell at 44.1 and 48 kHz.
const CELL: usize = 32;
/// Frames on either side of a peak at which the gain is down in full.
const MARGIN: usize = 4;
/// Half a period of 28 Hz: tones above it have no gaps between their peaks.
const HOLD_S: f64 = 0.018;
/// What stands so long is no peak.
const LASTING_S: f64 = 0.15;
/// How far the curve is planned ahead, and how much of each plan is kept.
const AHEAD_S: f64 = 0.5;
const KEPT_S: f64 = 0.1;
/// What a steady tone's peaks may be read apart, in decibels.
const BACKLASH_DB: f64 = 0.05;
/// No signal asks for more.
const LARGEST_DB: f64 = 400.0;

/// Works out one gain for all channels, and delays them until it is known.
pub(super) struct SmoothGain {
    cell: usize,
    cell_s: f64,
    latency: Frames,
    finders: Vec<PeakFinder>,
    around: SlidingMaximum,
    /// Frames of the present cell, and the greatest demand in it.
    filled: usize,
    demand_db: f64,
    /// Over the cells that one coefficient serves.
    spline: SlidingMaximum,
    hold: SlidingMaximum,
    /// The minimum, as the maximum of the negated values.
    erosion: SlidingMaximum,
    dilation: SlidingMaximum,
    /// What lasts, as the backlash holds it.
    lasting_db: f64,
    /// The demand waits for what lasts to be known.
    straight: Delay,
    share_db: f64,
    smoothness_s: f64,
    /// The floor of the cells that are planned.
    floor: Vec<f64>,
    /// Cells since the last plan, and cells from one plan to the next.
    fresh: usize,
    kept: usize,
    obstacle: Obstacle,
    /// Coefficients: the last three of the plan before, then what is kept of the last plan.
    coefficients: Vec<f64>,
    delays: Vec<Delay>,
    deepest_db: f64,
}

impl SmoothGain {
    pub(super) fn new(share_db: f64, smoothness_ms: f64, spec: &Spec) -> SmoothGain {
        let scale = ((spec.sample_rate_hz / 46_000.0).max(0.25).log2().round()).exp2();
        let cell = (CELL as f64 * scale) as usize;
        let cell_s = cell as f64 / spec.sample_rate_hz;
        let cells = |seconds: f64| (seconds / cell_s).ceil() as usize;
        let (hold, lasting) = (2 * cells(HOLD_S / 2.0) + 1, 2 * cells(LASTING_S / 2.0) + 1);
        let (ahead, kept) = (cells(AHEAD_S), cells(KEPT_S));
        let straight = hold / 2 + lasting - 1;
        // A coefficient serves the two cells before it, its own and the one after it, and the newest four make a
        // cell: three cells. The rest as it says.
        let latency = cell * (3 + straight + ahead + kept) + PeakFinder::LATENCY + MARGIN + 1;
        SmoothGain {
            cell,
            cell_s,
            latency,
            finders: vec![PeakFinder::new(); spec.channels],
            around: SlidingMaximum::new(2 * MARGIN + 2),
            filled: 0,
            demand_db: 0.0,
            spline: SlidingMaximum::new(4),
            hold: SlidingMaximum::new(hold),
            erosion: SlidingMaximum::new(lasting),
            dilation: SlidingMaximum::new(lasting),
            lasting_db: 0.0,
            straight: Delay::new(straight),
            share_db,
            smoothness_s: smoothness_ms / 1000.0,
            floor: vec![0.0; kept + ahead],
            fresh: 0,
            kept,
            obstacle: Obstacle::new(kept + ahead),
            coefficients: vec![0.0; kept + 3],
            delays: (0..spec.channels).map(|_| Delay::new(latency)).collect(),
            deepest_db: 0.0,
        }
    }

    pub(super) fn latency(&self) -> Frames {
        self.latency
    }

    pub(super) fn reset(&mut self) {
        self.finders.iter_mut().for_each(PeakFinder::reset);
        for sliding in
            [&mut self.around, &mut self.spline, &mut self.hold, &mut self.erosion, &mut self.dilation]
        {
            sliding.reset();
        }
        (self.filled, self.fresh) = (0, 0);
        (self.demand_db, self.lasting_db, self.deepest_db) = (0.0, 0.0, 0.0);
        self.straight.reset();
        self.floor.fill(0.0);
        self.coefficients.fill(0.0);
        self.delays.iter_mut().for_each(Delay::reset);
    }

    /// Changes how slowly the gain moves; from the next plan on.
    pub(super) fn set_smoothness(&mut self, smoothness_ms: f64) {
        self.smoothness_s = smoothness_ms / 1000.0;
    }

    /// The deepest reduction since it was last asked for, in decibels.
    pub(super) fn take_deepest_db(&mut self) -> f64 {
        std::mem::take(&mut self.deepest_db)
    }

    /// A piece of at most a control period, under the ceiling of each of its frames.
    pub(super) fn piece(&mut self, block: &mut Block, ceiling_db: &[f64]) {
        let frames = block.frames();
        // Far under any ceiling, and a number the logarithm takes.
        let mut demand = [1e-6; CONTROL_FRAMES];
        let demand = &mut demand[..frames];
        let lowest = ceiling_db.iter().fold(f64::INFINITY, |m, c| m.min(*c));
        let mut above = false;
        for (samples, finder) in block.iter_mut().zip(&mut self.finders) {
            let mut peaks = [0.0; CONTROL_FRAMES];
            if finder.find(samples, math::db_to_gain(lowest), &mut peaks[..frames]) {
                above = true;
                demand.iter_mut().zip(&peaks).for_each(|(d, peak)| *d = greater(*peak, *d));
            }
        }
        for (demand, ceiling_db) in demand.iter_mut().zip(ceiling_db) {
            *demand = if above { greater(math::amplitude_to_db(*demand) - ceiling_db, 0.0) } else { 0.0 };
        }
        self.around.process(demand);
        let mut start = 0;
        while start < frames {
            let count = (self.cell - self.filled).min(frames - start);
            self.stretch(&mut block.range_mut(start, count), &demand[start..start + count]);
            start += count;
        }
    }

    /// Frames of one cell.
    fn stretch(&mut self, block: &mut Block, demand: &[f64]) {
        let coefficients = &self.coefficients[self.fresh..self.fresh + 4];
        let idle = coefficients.iter().all(|c| *c == 0.0);
        let mut gains = [1.0; CONTROL_FRAMES];
        if !idle {
            for (n, gain) in gains[..block.frames()].iter_mut().enumerate() {
                let db = spline(coefficients, (self.filled + n) as f64 / self.cell as f64);
                self.deepest_db = greater(self.deepest_db, db);
                *gain = math::db_to_gain(-db);
            }
        }
        for (samples, delay) in block.iter_mut().zip(&mut self.delays) {
            delay.pass(samples);
            if !idle {
                samples.iter_mut().zip(&gains).for_each(|(sample, gain)| *sample *= gain);
            }
        }
        self.demand_db = demand.iter().fold(self.demand_db, |most, d| greater(*d, most));
        self.filled += demand.len();
        if self.filled == self.cell {
            self.filled = 0;
            let demand_db = std::mem::take(&mut self.demand_db);
            self.complete(if demand_db < LARGEST_DB { demand_db } else { LARGEST_DB });
        }
    }

    /// Work for a complete cell.
    fn complete(&mut self, demand_db: f64) {
        let wide = self.spline.next_value(demand_db);
        // The windows see nothing before the beginning: there is no demand there.
        let held = greater(self.hold.next_value(wide), 0.0);
        let eroded = -self.erosion.next_value(-held);
        let mut lasting = [self.dilation.next_value(eroded)];
        self.lasting_db = hold_back(&mut lasting, self.lasting_db, BACKLASH_DB);
        let mut straight = [wide];
        self.straight.pass(&mut straight);
        let cells = self.floor.len();
        self.floor.copy_within(1.., 0);
        self.floor[cells - 1] = greater(straight[0] - self.share_db, greater(lasting[0], 0.0));
        self.fresh += 1;
        if self.fresh == self.kept {
            self.fresh = 0;
            let lambda = (self.smoothness_s / self.cell_s).powi(4);
            let last = self.coefficients.len();
            let before = [self.coefficients[last - 2], self.coefficients[last - 1]];
            let curve = self.obstacle.solve(&self.floor, before, lambda);
            self.coefficients.copy_within(last - 3.., 0);
            self.coefficients[3..].copy_from_slice(&curve[..self.kept]);
        }
    }
}

/// The uniform cubic B-spline at `u`, 0 to 1, between the middle two of four coefficients.
#[inline(always)]
fn spline(c: &[f64], u: f64) -> f64 {
    let v = 1.0 - u;
    let (a, b) = (v * v * v, 3.0 * u * u * u - 6.0 * u * u + 4.0);
    let (d, e) = (3.0 * v * v * v - 6.0 * v * v + 4.0, u * u * u);
    (c[0] * a + c[1] * b + c[2] * d + c[3] * e) / 6.0
}
