//! Levels of the wide bands against time, as a compressor meets them.

use audio::power_to_db;
use dsp::processors::compressor::static_reduction_db;
use measure::ToneSeries;

/// Windows this far below the loudest are pauses, in dB (the relative gate of EBU Tech 3342).
const PAUSE_DB: f64 = 20.0;
/// A band this far below the whole is no part of the music, in dB.
const NOTHING_DB: f64 = -30.0;

/// The levels of one wide band where the music plays, in dBFS (mean square of a channel), in rising order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Levels(Vec<f64>);

/// The levels of each of the four bands; `None` for those in which nothing plays, and for all of what was too short.
pub(crate) fn of(tone: &ToneSeries) -> [Option<Levels>; 4] {
    let whole = |window: &[f32; 4]| window.iter().map(|p| f64::from(*p)).sum::<f64>();
    let loudest = tone.wide.iter().map(whole).fold(0.0, f64::max);
    let plays = |window: &&[f32; 4]| whole(window) > loudest * audio::db_to_power(-PAUSE_DB);
    let windows: Vec<&[f32; 4]> = tone.wide.iter().filter(plays).collect();
    let all: f64 = windows.iter().map(|w| whole(w)).sum();
    std::array::from_fn(|band| {
        let energy: f64 = windows.iter().map(|w| f64::from(w[band])).sum();
        if windows.len() < 20 || energy <= all * audio::db_to_power(NOTHING_DB) {
            return None;
        }
        let mut levels: Vec<f64> =
            windows.iter().map(|w| power_to_db(f64::from(w[band]).max(1e-15))).collect();
        levels.sort_by(f64::total_cmp);
        Some(Levels(levels))
    })
}

impl Levels {
    /// The level that a share of the windows stay below.
    pub(crate) fn at(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share).round() as usize]
    }

    /// How far the loud windows stand above the middle one, in dB: 95th percentile less the median.
    pub(crate) fn spread_db(&self) -> f64 {
        self.at(0.95) - self.at(0.5)
    }

    /// The same behind a compressor: its curve rises with the level, so the percentiles stay the same windows.
    pub(crate) fn compressed_spread_db(&self, curve: Curve) -> f64 {
        let out = |share| self.at(share) - curve.reduction_db(self.at(share));
        out(0.95) - out(0.5)
    }

    /// Mean reduction in dB.
    pub(crate) fn mean_reduction_db(&self, curve: Curve) -> f64 {
        self.0.iter().map(|l| curve.reduction_db(*l)).sum::<f64>() / self.0.len() as f64
    }

    /// How much power is lost, in dB.
    pub(crate) fn lost_db(&self, curve: Curve) -> f64 {
        let power = |db: f64| audio::db_to_power(db);
        let before: f64 = self.0.iter().map(|l| power(*l)).sum();
        let after: f64 = self.0.iter().map(|l| power(l - curve.reduction_db(*l))).sum();
        power_to_db(before / after)
    }
}

/// The static curve of a compressor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Curve {
    pub(crate) threshold_db: f64,
    pub(crate) ratio: f64,
    pub(crate) knee_db: f64,
}

impl Curve {
    pub(crate) fn reduction_db(&self, level_db: f64) -> f64 {
        static_reduction_db(level_db, self.threshold_db, self.ratio, self.knee_db)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A song whose band `band` swings by `swing_db` either way around its level, the others stand still.
    pub(crate) fn swinging(band: usize, swing_db: f64) -> ToneSeries {
        let wide = (0..400).map(|n| {
            let swing = swing_db * (f64::from(n) * 23.0 * std::f64::consts::TAU / 400.0).sin();
            std::array::from_fn(|b| {
                audio::db_to_power(-24.0 - 4.0 * b as f64 + if b == band { swing } else { 0.0 }) as f32
            })
        });
        ToneSeries { step_s: 0.17, wide: wide.collect(), ..ToneSeries::default() }
    }

    #[test]
    fn the_spread_is_that_of_a_sine_and_silence_has_none() {
        let levels = of(&swinging(0, 8.0));
        // 95 % of a sine's values lie under sin(0.45 pi) of its height, half of them under 0.
        let expected = 8.0 * (0.45 * std::f64::consts::PI).sin();
        let spread = |b: usize| levels[b].as_ref().expect("it plays").spread_db();
        assert!((spread(0) - expected).abs() < 0.15, "{}", spread(0));
        assert!(spread(1).abs() < 1e-4);
        assert!(of(&ToneSeries::default()).iter().all(Option::is_none));
    }

    #[test]
    fn what_a_curve_takes_is_foreseen() {
        let levels = of(&swinging(0, 8.0))[0].clone().expect("it plays");
        // Above a hard threshold far below everything, 2:1 halves all distances.
        let curve = Curve { threshold_db: -60.0, ratio: 2.0, knee_db: 0.0 };
        assert!((levels.compressed_spread_db(curve) - 0.5 * levels.spread_db()).abs() < 1e-9);
        let mean = levels.mean_reduction_db(curve);
        // The mean level is -24 dB, 36 dB above the threshold, of which half goes.
        assert!((mean - 18.0).abs() < 0.3, "{mean}");
        assert!(levels.lost_db(curve) > mean, "loud windows lose more and weigh more");
    }
}
