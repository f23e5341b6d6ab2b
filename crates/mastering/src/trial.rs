//! One render of the last stage, what it measured, and the bounds on what it may cost.

use measure::Facts;

/// Less reduction than this is none, in dB.
const NOTHING_DB: f64 = 0.05;

/// Bounds on the damage of the last stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Mean gain reduction, in dB.
    pub mean_reduction_db: f64,
    /// Gain reduction that nineteen in twenty moments stay below, in dB.
    pub p95_reduction_db: f64,
    /// What a clipper may cut off: on average, and on the loudest twentieth of the moments, in dB.
    pub clipped_db: (f64, f64),
    /// Peak to short-term loudness that only one in twenty windows may fall below, in LU.
    pub psr_p5_lu: f64,
}

impl Default for Bounds {
    /// What a limiter takes without being heard to work.
    fn default() -> Bounds {
        Bounds { mean_reduction_db: 3.0, p95_reduction_db: 7.0, clipped_db: (0.3, 1.5), psr_p5_lu: 5.0 }
    }
}

impl Bounds {
    /// Bounds of a style: half the damage for a factor of one half, half as much again for one and a half.
    pub fn of_strength(strength: f64) -> Bounds {
        let normal = Bounds::default();
        Bounds {
            mean_reduction_db: normal.mean_reduction_db * strength,
            p95_reduction_db: normal.p95_reduction_db * (0.5 + 0.5 * strength),
            clipped_db: (normal.clipped_db.0 * strength, normal.clipped_db.1 * strength),
            psr_p5_lu: normal.psr_p5_lu + 2.0 * (1.0 - strength),
        }
    }

    /// Bounds that let the music become as dense as a reference is, at full `strength` of the loudness match.
    #[must_use]
    pub fn toward(self, psr_p5_lu: Option<f64>, strength: f64) -> Bounds {
        let theirs = psr_p5_lu.map_or(self.psr_p5_lu, |psr| psr - 0.5).min(self.psr_p5_lu);
        Bounds {
            mean_reduction_db: self.mean_reduction_db * (1.0 + 2.0 * strength),
            p95_reduction_db: self.p95_reduction_db * (1.0 + 2.0 * strength),
            psr_p5_lu: self.psr_p5_lu + strength * (theirs - self.psr_p5_lu),
            ..self
        }
    }
}

/// One render with a drive, and what it measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Drive into the limiter, in dB.
    pub drive_db: f64,
    /// What came out.
    pub facts: Facts,
    /// Mean gain reduction of the limiter, in dB.
    pub mean_reduction_db: f64,
    /// Gain reduction that 95 % of the readings stay below, in dB.
    pub p95_reduction_db: f64,
    /// What a clipper before the limiter cuts off, in dB: the mean, and what 95 % of the readings stay below. 0 without one.
    pub clipped_db: (f64, f64),
    /// How far the highest samples of 3 s stand over their loudness in the densest twentieth, in LU: what two trials are
    /// compared by, while the bound is kept by `facts.psr_p5_lu`.
    pub density_lu: Option<f64>,
}

impl Trial {
    /// From the limiter's gain reduction in dB: its mean, and what 95 % of its readings stay below.
    pub fn new(drive_db: f64, facts: Facts, reduction_db: (f64, f64)) -> Trial {
        let (mean_reduction_db, p95_reduction_db) = reduction_db;
        Trial {
            drive_db,
            density_lu: facts.psr_p5_lu,
            facts,
            mean_reduction_db,
            p95_reduction_db,
            clipped_db: (0.0, 0.0),
        }
    }

    /// With a clipper before the limiter: the mean of what it cuts off in dB, and what 95 % of its readings stay below.
    #[must_use]
    pub fn clipping(self, clipped_db: (f64, f64)) -> Trial {
        Trial { clipped_db, ..self }
    }

    /// With another measure of density to be compared by.
    #[must_use]
    pub fn as_dense(self, density_lu: Option<f64>) -> Trial {
        Trial { density_lu, ..self }
    }

    /// Whether the last stage does next to nothing: then how dense it is came with the music.
    pub(crate) fn untouched(&self) -> bool {
        self.mean_reduction_db <= NOTHING_DB
            && self.p95_reduction_db <= NOTHING_DB
            && self.clipped_db.1 <= NOTHING_DB
    }

    /// How far this goes beyond each bound, in dB or LU; below 0 where the bound is kept.
    pub(crate) fn beyond(&self, bounds: &Bounds) -> [f64; 5] {
        let none = f64::NEG_INFINITY;
        let clipped = |is: f64, most: f64| if is > 0.0 { is - most } else { none };
        [
            clipped(self.clipped_db.0, bounds.clipped_db.0),
            clipped(self.clipped_db.1, bounds.clipped_db.1),
            self.mean_reduction_db - bounds.mean_reduction_db,
            self.p95_reduction_db - bounds.p95_reduction_db,
            self.facts.psr_p5_lu.map_or(none, |psr| bounds.psr_p5_lu - psr),
        ]
    }

    /// The first bound that this goes beyond, in words.
    pub fn damage(&self, bounds: &Bounds) -> Option<String> {
        let psr = self.facts.psr_p5_lu;
        if self.clipped_db.0 > bounds.clipped_db.0 || self.clipped_db.1 > bounds.clipped_db.1 {
            let (mean, p95) = self.clipped_db;
            return Some(format!(
                "the clipper would cut {mean:.1} dB on average and {p95:.1} dB off the loudest hits"
            ));
        }
        if self.mean_reduction_db > bounds.mean_reduction_db {
            return Some(format!("the limiter would take {:.1} dB on average", self.mean_reduction_db));
        }
        if self.p95_reduction_db > bounds.p95_reduction_db {
            return Some(format!("the loudest hits would lose {:.1} dB", self.p95_reduction_db));
        }
        psr.filter(|psr| *psr < bounds.psr_p5_lu)
            .map(|psr| format!("peaks would stand only {psr:.1} LU over the loudness"))
    }
}

/// What more loudness would cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// How much louder, in LU.
    pub louder_lu: f64,
    /// More mean gain reduction, in dB.
    pub mean_reduction_db: f64,
    /// More gain reduction on the loudest twentieth, in dB.
    pub p95_reduction_db: f64,
    /// Less peak over short-term loudness in the densest twentieth, in LU.
    pub psr_lu: Option<f64>,
}

impl Cost {
    pub(crate) fn between(kept: &Trial, more: &Trial) -> Option<Cost> {
        let louder_lu = more.facts.integrated_lufs? - kept.facts.integrated_lufs?;
        (louder_lu > 0.05).then(|| Cost {
            louder_lu,
            mean_reduction_db: more.mean_reduction_db - kept.mean_reduction_db,
            p95_reduction_db: more.p95_reduction_db - kept.p95_reduction_db,
            psr_lu: kept.density_lu.zip(more.density_lu).map(|(kept, more)| kept - more),
        })
    }

    /// In words.
    pub(crate) fn told(&self) -> String {
        let psr = self.psr_lu.map_or(String::new(), |psr| format!(" and {psr:.1} LU of peaks over loudness"));
        format!(
            "{:.1} LU more would cost {:.1} dB of reduction on average, {:.1} dB on the loudest hits{psr}",
            self.louder_lu, self.mean_reduction_db, self.p95_reduction_db
        )
    }
}
