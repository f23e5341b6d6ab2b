//! A clipper and a limiter that share the work.
//!
//! The clipper takes the first decibels off each peak (see [`crate::blocks::peak_share`]), at eight times the sample rate
//! and with antiderivative antialiasing (see [`crate::blocks::clip`]); the true-peak [`Guard`] takes the rest and keeps
//! the ceiling. Below the ceiling the output is the input, bit for bit.

use crate::blocks::grid::{Grid, Gridded};
use crate::blocks::guard::{self, Guard};
use crate::blocks::lookahead::greater;
use crate::blocks::peak_share::{self, PeakShare};
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};

choices! {
    /// Which peaks the clipper works on.
    pub enum Clips {
        /// Whatever stands above the ceiling.
        Everything = "everything",
        /// The first 0.7 ms of what rises above its surroundings: drums, not held notes.
        Hits = "hits",
    }
}

settings! {
    /// Settings of the clipper and limiter.
    pub struct Settings {
        /// Gain before the clipper.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -24.0, max: 36.0 },
        /// No peak passes it; at the upper end nothing happens.
        ceiling_dbtp: f64 {
            label: "Ceiling", unit: Unit::DecibelTruePeak, min: -24.0, max: 24.0, default: 24.0,
        },
        /// The most that the clipper takes off a peak; the limiter takes the rest.
        share_db: f64 { label: "Share", unit: Unit::Decibel, max: 12.0, default: 2.0 },
        /// How gradually the clipper sets in: 0 is a hard clip.
        knee_db: f64 { label: "Knee", unit: Unit::Decibel, max: 6.0, default: 1.0, fixed: true },
        /// Which peaks the clipper works on.
        clips: Clips { label: "Clips", fixed: true },
        /// How far the limiter hears ahead, and how long its gain takes to fall.
        lookahead_ms: f64 {
            label: "Lookahead", unit: Unit::Millisecond, min: 0.5, max: 20.0, default: 3.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// Time of the limiter to 63 % of the way back after a single peak; up to 25 times slower under steady reduction.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 1.0, max: 1000.0, default: 30.0,
            taper: Taper::Logarithmic,
        },
        /// 100 moves the limiter's gain of all channels alike, 0 each by itself.
        link_percent: f64 {
            label: "Link", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true,
        },
    }
}

/// Clipper and limiter.
pub static KIND: Kind = Kind {
    id: "clip_limiter",
    label: "Clipper and limiter",
    family: Family::Dynamics,
    help: "A clipper takes the first decibels off each peak, a true-peak limiter the rest: louder than a limiter alone, \
           and it keeps the snap of drums that a limiter turns down. For dense, loud music; on soft or sustained \
           music the clipper is heard.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(ClipLimiter::new(Settings::from_values(values), spec)),
    response: None,
};

/// Length of the beginning of a hit, in milliseconds.
const HIT_MS: f64 = 0.7;

struct ClipLimiter {
    settings: Settings,
    drive: Ramp,
    ceiling_db: Ramp,
    share_db: Ramp,
    share: PeakShare,
    guard: Guard,
    grid: Grid,
    deepest_db: f64,
}

impl ClipLimiter {
    fn new(settings: Settings, spec: &Spec) -> ClipLimiter {
        let clipper = peak_share::Design {
            knee_db: settings.knee_db,
            hit_ms: (settings.clips == Clips::Hits).then_some(HIT_MS),
        };
        let limiter = guard::Design {
            lookahead_ms: settings.lookahead_ms,
            hold_ms: 0.0,
            backlash_db: 0.0,
            mean_ms: None,
            lasting: Vec::new(),
            release_ms: settings.release_ms,
            adaptive: true,
            link_percent: settings.link_percent,
        };
        ClipLimiter {
            drive: Ramp::new(db_to_gain(settings.drive_db)),
            ceiling_db: Ramp::new(settings.ceiling_dbtp),
            share_db: Ramp::new(settings.share_db),
            share: PeakShare::new(&clipper, spec),
            guard: Guard::new(&limiter, settings.ceiling_dbtp, spec),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        }
    }
}

impl Gridded for ClipLimiter {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.guard.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.drive.scale_block(block);
        let frames = block.frames();
        let (ceiling_db, share_db) = (self.ceiling_db.path(frames), self.share_db.path(frames));
        self.share.piece(block, &ceiling_db[..frames], &share_db[..frames]);
        self.guard.piece(block);
        self.deepest_db = greater(self.deepest_db, self.guard.take_deepest_db());
    }
}

impl Processor for ClipLimiter {
    fn latency(&self) -> Frames {
        self.share.latency() + self.guard.latency()
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.share.tail())
    }

    fn reset(&mut self) {
        self.drive.finish();
        self.ceiling_db.finish();
        self.share_db.finish();
        self.share.reset();
        self.guard.reset();
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = self.settings.clone();
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.knee_db = before.knee_db;
        self.settings.clips = before.clips;
        self.settings.lookahead_ms = before.lookahead_ms;
        self.settings.link_percent = before.link_percent;
        if self.settings.drive_db != before.drive_db {
            self.drive.go_to(db_to_gain(self.settings.drive_db));
        }
        if self.settings.ceiling_dbtp != before.ceiling_dbtp {
            self.ceiling_db.go_to(self.settings.ceiling_dbtp);
            self.guard.set_ceiling(self.settings.ceiling_dbtp);
        }
        if self.settings.share_db != before.share_db {
            self.share_db.go_to(self.settings.share_db);
        }
        if self.settings.release_ms != before.release_ms {
            self.guard.set_release(self.settings.release_ms);
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
