//! A limiter whose distortion is put where the ear does not hear it.
//!
//! Three stages. The gain is the curve that costs the least loudness for its smoothness, the solution of a quadratic
//! programme half a second ahead (see `gain.rs`); it leaves a share of short peaks standing. These are taken off
//! by the error of least noise-to-mask ratio, the solution of another one (see `canceller.rs`). A true-peak [`Guard`]
//! is the guarantee; it finds hundredths of a decibel to do. Below the ceiling the output is the input, bit for bit.

mod canceller;
mod gain;
mod mask;
mod obstacle;

use crate::blocks::grid::{Grid, Gridded};
use crate::blocks::guard::{Design, Guard};
use crate::blocks::lookahead::greater;
use crate::blocks::math;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Taper, Unit, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};
use canceller::Canceller;
use gain::SmoothGain;

settings! {
    /// Settings of the perceptual limiter.
    pub struct Settings {
        /// Gain before the limiter.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -24.0, max: 36.0 },
        /// No peak passes it; at the upper end it never acts.
        ceiling_dbtp: f64 {
            label: "Ceiling", unit: Unit::DecibelTruePeak, min: -24.0, max: 24.0, default: 24.0,
        },
        /// So much of a short peak the gain leaves standing; it is taken off by distortion under the music.
        share_db: f64 { label: "Share", unit: Unit::Decibel, max: 3.0, default: 1.0, fixed: true },
        /// How slowly the gain moves: longer is cleaner, shorter is louder. 6 dB come back in about four times as long.
        smoothness_ms: f64 {
            label: "Smoothness", unit: Unit::Millisecond, min: 5.0, max: 100.0, default: 25.0,
            taper: Taper::Logarithmic,
        },
    }
}

/// Perceptual limiter.
pub static KIND: Kind = Kind {
    id: "perceptual_limiter",
    label: "Perceptual limiter",
    family: Family::Dynamics,
    help: "Holds the true peak under a ceiling with the least audible distortion for the loudness: the gain moves no \
           more than it must, and short peaks are taken off by an error that is shaped, moment by moment, to \
           hide under the music. It plans half a second ahead and is nearly a second late: for the last stage of a \
           master.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(PerceptualLimiter::new(Settings::from_values(values), spec)),
    response: None,
};

/// The gain and the canceller stay this far under the ceiling, in decibels: so that a tone which the gain has brought
/// down is no work for the canceller, and what the canceller's coarser grid misses none for the guarantee.
const GAIN_BELOW_DB: f64 = 0.06;
const CANCELLER_BELOW_DB: f64 = 0.03;
/// Lookahead and release of the guarantee, in milliseconds: it has hundredths of a decibel to do.
const LAST_LOOKAHEAD_MS: f64 = 3.0;
const LAST_RELEASE_MS: f64 = 30.0;

struct PerceptualLimiter {
    settings: Settings,
    drive: Ramp,
    ceiling_db: Ramp,
    gain: SmoothGain,
    canceller: Canceller,
    guard: Guard,
    grid: Grid,
    deepest_db: f64,
}

impl PerceptualLimiter {
    fn new(settings: Settings, spec: &Spec) -> PerceptualLimiter {
        let last = Design {
            lookahead_ms: LAST_LOOKAHEAD_MS,
            hold_ms: 0.0,
            backlash_db: 0.0,
            mean_ms: None,
            lasting: Vec::new(),
            release_ms: LAST_RELEASE_MS,
            adaptive: false,
            link_percent: 100.0,
        };
        PerceptualLimiter {
            drive: Ramp::new(db_to_gain(settings.drive_db)),
            ceiling_db: Ramp::new(settings.ceiling_dbtp),
            gain: SmoothGain::new(settings.share_db, settings.smoothness_ms, spec),
            canceller: Canceller::new(spec),
            guard: Guard::new(&last, settings.ceiling_dbtp, spec),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        }
    }
}

impl Gridded for PerceptualLimiter {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.guard.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        let frames = block.frames();
        self.drive.scale_block(block);
        let mut ceiling_db = self.ceiling_db.path(frames);
        let ceiling_db = &mut ceiling_db[..frames];
        let lowest_db = ceiling_db.iter().fold(f64::INFINITY, |low, db| low.min(*db));
        ceiling_db.iter_mut().for_each(|db| *db -= GAIN_BELOW_DB);
        self.gain.piece(block, ceiling_db);
        let cancelled = math::db_to_gain(lowest_db - CANCELLER_BELOW_DB);
        let mut start = 0;
        while start < frames {
            let count = self.canceller.room().min(frames - start);
            for (channel, samples) in block.range_mut(start, count).iter_mut().enumerate() {
                self.canceller.process(channel, samples);
            }
            self.canceller.advance(count, cancelled);
            start += count;
        }
        self.guard.piece(block);
        let gains = self.gain.take_deepest_db() + self.guard.take_deepest_db();
        self.deepest_db = greater(self.deepest_db, gains);
    }
}

impl Processor for PerceptualLimiter {
    fn latency(&self) -> Frames {
        self.gain.latency() + self.canceller.latency() + self.guard.latency()
    }

    fn reset(&mut self) {
        self.drive.finish();
        self.ceiling_db.finish();
        self.gain.reset();
        self.canceller.reset();
        self.guard.reset();
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = self.settings.clone();
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.share_db = before.share_db;
        if self.settings.drive_db != before.drive_db {
            self.drive.go_to(db_to_gain(self.settings.drive_db));
        }
        if self.settings.ceiling_dbtp != before.ceiling_dbtp {
            self.ceiling_db.go_to(self.settings.ceiling_dbtp);
            self.guard.set_ceiling(self.settings.ceiling_dbtp);
        }
        if self.settings.smoothness_ms != before.smoothness_ms {
            self.gain.set_smoothness(self.settings.smoothness_ms);
        }
    }

    fn process(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.deepest_db = 0.0;
        self.on_grid(block, None);
    }

    fn reading(&self) -> Reading {
        Reading { gain_reduction_db: self.deepest_db }
    }
}

#[cfg(test)]
mod tests;
