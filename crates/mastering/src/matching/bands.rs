//! How far each third octave is moved, in tone and in width; pure.

use super::portrait::Portrait;
use audio::{db_to_power, power_to_db};
use measure::k_weighting_db;

/// A band may be moved by this, and by so many spreads of the reference more, up to the most; in dB.
const FREE_DB: f64 = 5.0;
const SPREADS: f64 = 2.0;
const MOST_DB: f64 = 10.0;
/// Up to this strength these limits stand. Who asks for the whole of a reference may get twice as far.
const CAREFUL: f64 = 0.7;
/// Lifts below this and above that are rumble and hiss, in hertz.
const LIFT_HZ: std::ops::RangeInclusive<f64> = 30.0..=17_000.0;
/// Bands below this and above that are not moved at all, in hertz.
const MOVED_HZ: std::ops::RangeInclusive<f64> = 24.0..=17_000.0;
/// Rounds in which tone and width find each other; each moves the powers that the other one weighs.
const ROUNDS: usize = 4;

/// What is done to one third octave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    /// Centre in hertz.
    pub hz: f64,
    /// What was missing to the reference at equal loudness, in dB, the mean over the sections.
    pub missing_db: f64,
    /// How much the reference varies there, in dB.
    pub spread_db: f64,
    /// The farthest that it may be moved, in dB, either way.
    pub limit_db: f64,
    /// How far it is moved, in dB.
    pub gain_db: f64,
}

/// What is missing in each band at equal loudness, weighed by the energy of the sections.
pub(super) fn missing(mix: &Portrait, target: &Portrait, width: bool) -> Vec<Option<f64>> {
    let pairs = mix.bands.iter().zip(&target.bands);
    pairs
        .map(|(a, b)| {
            let (have, want) = if width { (a.width_db, b.width_db) } else { (a.level_db, b.level_db) };
            let (mut sum, mut shares) = (0.0, 0.0);
            for ((have, want), share) in have.iter().zip(want).zip(mix.shares) {
                if let (Some(have), Some(want)) = (have, want) {
                    sum += share * (want - have);
                    shares += share;
                }
            }
            (shares > 0.0).then(|| sum / shares)
        })
        .collect()
}

/// The farthest that a band may be moved: what the reference itself varies says how freely.
pub(crate) fn limit_db(spread_db: f64, strength: f64) -> f64 {
    (FREE_DB + SPREADS * spread_db).min(MOST_DB) * freedom(strength)
}

/// How much farther than with care: 1 up to the careful strength, 2 at full strength.
pub(super) fn freedom(strength: f64) -> f64 {
    1.0 + ((strength - CAREFUL) / (1.0 - CAREFUL)).clamp(0.0, 1.0)
}

/// What of a difference is asked for at a strength: at full strength all of it. Below, what lies within the spread of
/// the reference counts less, and neighbours are drawn together.
pub(super) fn asked(missing: &[Option<f64>], spreads: &[f64], strength: f64) -> Vec<f64> {
    let rest = 1.0 - strength;
    let soft = |db: f64, zone: f64| db.signum() * (db.abs() - zone).max(0.0);
    let outside: Vec<f64> = missing
        .iter()
        .zip(spreads)
        .map(|(missing, spread)| soft(missing.unwrap_or(0.0), rest * DEAD_ZONE * spread))
        .collect();
    let smooth = smoothed(&outside);
    outside.iter().zip(smooth).map(|(own, around)| strength * (own + rest * (around - own))).collect()
}

/// Part of the spread in which nothing is corrected at the least strength.
const DEAD_ZONE: f64 = 0.7;

/// Each band with its neighbours, by 1, 2 and 1.
pub(super) fn smoothed(bands: &[f64]) -> Vec<f64> {
    let last = bands.len().saturating_sub(1);
    let around = |n: usize| 0.25 * (bands[n.saturating_sub(1)] + bands[(n + 1).min(last)]);
    (0..bands.len()).map(|n| around(n) + 0.5 * bands[n]).collect()
}

/// Gains of the tone that come nearest to `wished` within the limits and change no loudness.
///
/// `powers` are those of the bands as they come; both are in the order of the bands.
pub(super) fn tone_gains(hz: &[f64], powers: &[f64], wished: &[f64], limits: &[f64]) -> Vec<f64> {
    let weights: Vec<f64> =
        hz.iter().zip(powers).map(|(hz, p)| p * db_to_power(k_weighting_db(*hz))).collect();
    let total: f64 = weights.iter().sum();
    let gains = |shift: f64| -> Vec<f64> {
        let each = hz.iter().zip(wished).zip(limits).zip(powers);
        each.map(|(((hz, wish), limit), power)| {
            let most = if LIFT_HZ.contains(hz) { *limit } else { 0.0 };
            let moved = MOVED_HZ.contains(hz) && *power > 0.0;
            if moved { (wish + shift).clamp(-limit, most) } else { 0.0 }
        })
        .collect()
    };
    let louder = |gains: &[f64]| gains.iter().zip(&weights).map(|(g, w)| w * db_to_power(*g)).sum::<f64>();
    gains(level(|shift| louder(&gains(shift)) - total))
}

/// Gains of the side that come nearest to `wished` within the limits and give the whole the width asked for.
///
/// `powers` are those of middle and side of each band as they go; `width_db` is side against middle of the whole.
pub(super) fn side_gains(powers: &[(f64, f64)], wished: &[f64], limits: &[f64], width_db: f64) -> Vec<f64> {
    let gains = |shift: f64| -> Vec<f64> {
        wished.iter().zip(limits).map(|(wish, limit)| (wish + shift).clamp(-limit, *limit)).collect()
    };
    let mid: f64 = powers.iter().map(|p| p.0).sum();
    let width = |gains: &[f64]| {
        let side: f64 = gains.iter().zip(powers).map(|(g, p)| p.1 * db_to_power(*g)).sum();
        power_to_db(side / mid)
    };
    gains(level(|shift| width(&gains(shift)) - width_db))
}

/// The shift in dB at which a rising function crosses zero, by bisection; the nearest end where it does not.
fn level(over: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-4.0 * MOST_DB, 4.0 * MOST_DB);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if over(middle) > 0.0 { high = middle } else { low = middle }
    }
    0.5 * (low + high)
}

/// What is wished of tone and width, in the order of the bands, in dB; and of the whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wishes {
    pub(super) tone: Vec<f64>,
    pub(super) side: Vec<f64>,
    /// By how much side against middle of the whole is to change, in dB; absent where the width is left alone.
    pub(super) wider_db: Option<f64>,
}

/// Gains of tone and side for these wishes.
pub(super) fn gains(mix: &Portrait, wishes: &Wishes, limits: (&[f64], &[f64])) -> (Vec<f64>, Vec<f64>) {
    let hz: Vec<f64> = mix.bands.iter().map(|b| b.hz).collect();
    let mut tone = vec![0.0; hz.len()];
    let mut side = vec![0.0; hz.len()];
    let sums = mix.bands.iter().fold((0.0, 0.0), |sum, b| (sum.0 + b.power.0, sum.1 + b.power.1));
    for _ in 0..ROUNDS {
        if let Some(wider_db) = wishes.wider_db.filter(|_| sums.1 > 0.0) {
            let width_db = power_to_db(sums.1 / sums.0) + wider_db;
            let now = |(band, gain): (&super::portrait::Band, &f64)| {
                (band.power.0 * db_to_power(*gain), band.power.1 * db_to_power(*gain))
            };
            let powers: Vec<(f64, f64)> = mix.bands.iter().zip(&tone).map(now).collect();
            side = side_gains(&powers, &wishes.side, limits.1, width_db);
        }
        // The side makes a band louder: the tone makes up for that, within what it may move.
        let with_side =
            |(band, gain): (&super::portrait::Band, &f64)| band.power.0 + band.power.1 * db_to_power(*gain);
        let powers: Vec<f64> = mix.bands.iter().zip(&side).map(with_side).collect();
        let wished: Vec<f64> = wishes
            .tone
            .iter()
            .zip(mix.bands.iter().zip(&powers))
            .map(|(wish, (band, now))| {
                let came = band.power.0 + band.power.1;
                if *now > 0.0 { wish - power_to_db(now / came) } else { 0.0 }
            })
            .collect();
        tone = tone_gains(&hz, &powers, &wished, limits.0);
    }
    (tone, side)
}
