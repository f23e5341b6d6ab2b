//! True-peak limiter: nothing passes the ceiling, not even between the samples.
//!
//! The gain is that of the [`Guard`]: peaks between the samples, their maximum over the lookahead, a release
//! in stages, smoothing. Below the ceiling the output is the input, bit for bit. What a finer meter still
//! finds, [`repair`] takes out of the finished file.
//!
//! A character is a design of the guard and, for the louder ones, a share that a clipper takes before it:
//! see `character.rs`.

mod character;

pub use crate::blocks::repair::{Over, REPAIR_MARGIN_DB, repair};

use crate::blocks::grid::{CONTROL_FRAMES, Grid, Gridded};
use crate::blocks::guard::Guard;
use crate::blocks::lookahead::greater;
use crate::blocks::peak_share::PeakShare;
use crate::blocks::ramp::Ramp;
use crate::{Address, Family, Kind, Processor, Reading, Tail, Taper, Unit, choices, settings};
use audio::{Block, BlockRef, Frames, Spec, db_to_gain};

choices! {
    /// How the gain comes back.
    pub enum ReleaseMode {
        /// Always at the release time.
        Fixed = "fixed",
        /// At the release time after a single peak, up to 25 times slower under steady reduction.
        Adaptive = "adaptive",
        /// A slow stage takes the mean of the reduction, a quick one the rest: the cleanest at high drive.
        TwoStage = "two_stage",
        /// At the release time after a short peak, 5 times slower after what has lasted 60 ms, 20 times after 300 ms.
        MultiStage = "multi_stage",
    }
}

choices! {
    /// What the limiter is to sound like.
    pub enum Character {
        /// As the other settings say.
        Custom = "custom",
        /// Steady tones pass without distortion, single hits come back quickly, what lasts slowly.
        Transparent = "transparent",
        /// The first 0.7 ms of every hit is clipped by up to 2 dB and the rest let go quickly: hits stay hits.
        Punchy = "punchy",
        /// A clipper takes up to 3 dB off every peak and the gain comes back at once: the loudest.
        Aggressive = "aggressive",
        /// A slow, even gain that is never heard to move; the most careful and the least loud.
        Safe = "safe",
    }
}

settings! {
    /// Settings of the limiter.
    pub struct Settings {
        /// Gain before the limiter.
        drive_db: f64 { label: "Drive", unit: Unit::Decibel, min: -24.0, max: 36.0 },
        /// No peak passes it; at the upper end it never acts.
        ceiling_dbtp: f64 {
            label: "Ceiling", unit: Unit::DecibelTruePeak, min: -24.0, max: 24.0, default: 24.0,
        },
        /// How far it hears ahead, and how long the gain takes to fall: longer is cleaner, shorter is louder.
        lookahead_ms: f64 {
            label: "Lookahead", unit: Unit::Millisecond, min: 0.5, max: 20.0, default: 5.0,
            taper: Taper::Logarithmic, fixed: true,
        },
        /// Time to 63 % of the way back. With a character other than custom it stretches that one's own times;
        /// 100 leaves them as they are.
        release_ms: f64 {
            label: "Release", unit: Unit::Millisecond, min: 1.0, max: 1000.0, default: 100.0,
            taper: Taper::Logarithmic,
        },
        /// How the gain comes back, for the custom character.
        release_mode: ReleaseMode { label: "Release mode", fixed: true },
        /// 100 moves all channels alike and keeps the image still, 0 each by itself.
        link_percent: f64 {
            label: "Link", unit: Unit::Percent, max: 100.0, default: 100.0, fixed: true,
        },
        /// What it sounds like.
        character: Character { label: "Character", fixed: true },
    }
}

/// True-peak limiter.
pub static KIND: Kind = Kind {
    id: "limiter",
    label: "True-peak limiter",
    family: Family::Dynamics,
    help: "Holds the true peak under a ceiling without overshoot. The last processor of a master: raise the \
           drive until it is loud enough. A ceiling of -1 dBTP leaves room for lossy encoders.",
    revision: 1,
    params: Settings::PARAMS,
    groups: Settings::GROUPS,
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, spec| Box::new(Limiter::new(Settings::from_values(values), spec)),
    response: None,
};

struct Limiter {
    settings: Settings,
    drive: Ramp,
    ceiling_db: Ramp,
    /// The clipper, and the most it takes off a peak in decibels.
    share: Option<(PeakShare, f64)>,
    guard: Guard,
    grid: Grid,
    deepest_db: f64,
}

impl Limiter {
    fn new(settings: Settings, spec: &Spec) -> Limiter {
        Limiter {
            drive: Ramp::new(db_to_gain(settings.drive_db)),
            ceiling_db: Ramp::new(settings.ceiling_dbtp),
            share: character::share(&settings).map(|(design, db)| (PeakShare::new(&design, spec), db)),
            guard: Guard::new(&character::design(&settings), settings.ceiling_dbtp, spec),
            grid: Grid::default(),
            deepest_db: 0.0,
            settings,
        }
    }
}

impl Gridded for Limiter {
    fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    fn at_point(&mut self) {
        self.guard.control();
    }

    fn piece(&mut self, block: &mut Block, _key: Option<&BlockRef>) {
        self.drive.scale_block(block);
        if let Some((share, share_db)) = &mut self.share {
            let frames = block.frames();
            let (ceiling_db, share_db) = (self.ceiling_db.path(frames), [*share_db; CONTROL_FRAMES]);
            share.piece(block, &ceiling_db[..frames], &share_db[..frames]);
        }
        self.guard.piece(block);
        self.deepest_db = greater(self.deepest_db, self.guard.take_deepest_db());
    }
}

impl Processor for Limiter {
    fn latency(&self) -> Frames {
        self.guard.latency() + self.share.as_ref().map_or(0, |(share, _)| share.latency())
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.share.as_ref().map_or(0, |(share, _)| share.tail()))
    }

    fn reset(&mut self) {
        self.drive.finish();
        self.ceiling_db.finish();
        if let Some((share, _)) = &mut self.share {
            share.reset();
        }
        self.guard.reset();
        self.grid.reset();
        self.deepest_db = 0.0;
    }

    fn set(&mut self, address: Address, value: f64) {
        let before = self.settings.clone();
        self.settings.set(address, value);
        // What fixes the structure stays as built.
        self.settings.lookahead_ms = before.lookahead_ms;
        self.settings.release_mode = before.release_mode;
        self.settings.link_percent = before.link_percent;
        self.settings.character = before.character;
        if self.settings.drive_db != before.drive_db {
            self.drive.go_to(db_to_gain(self.settings.drive_db));
        }
        if self.settings.ceiling_dbtp != before.ceiling_dbtp {
            self.ceiling_db.go_to(self.settings.ceiling_dbtp);
            self.guard.set_ceiling(self.settings.ceiling_dbtp);
        }
        if self.settings.release_ms != before.release_ms {
            self.guard.set_release(character::release_ms(&self.settings));
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
