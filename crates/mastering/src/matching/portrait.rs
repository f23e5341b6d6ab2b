//! What a song is compared by: its tone and width in third octaves, loud parts apart from quiet ones, each at equal
//! loudness.

use audio::{db_to_power, power_to_db};
use measure::{Analysis, ToneSeries, k_weighting_db};

/// Quiet, middle and loud thirds of what sounds.
pub(crate) const SECTIONS: usize = 3;
/// Stretches this far below the loudest are pauses, in LU (the relative gate of EBU Tech 3342).
const PAUSE_LU: f64 = 20.0;
/// A band this far below the loudness of the whole does not play, in dB.
const EMPTY_DB: f64 = -75.0;
/// A side signal this far below the middle is none: rounding and dither, in dB.
const NO_SIDE_DB: f64 = -60.0;
/// The least that one song is taken to vary, in dB: no song says where a band must stand to the last decibel.
const LEAST_SPREAD_DB: f64 = 1.0;

/// One third octave of a song.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    pub(crate) hz: f64,
    /// Level of middle and side together against the loudness of the section, in dB; `None` where nothing plays.
    pub(crate) level_db: [Option<f64>; SECTIONS],
    /// Side against middle, in dB; `None` where there is no side or nothing plays.
    pub(crate) width_db: [Option<f64>; SECTIONS],
    /// How much the level varies from stretch to stretch at equal loudness, in dB.
    pub(crate) spread_db: f64,
    /// The same of the width.
    pub(crate) width_spread_db: f64,
    /// Mean power of middle and side over all that sounds.
    pub(crate) power: (f64, f64),
}

/// A song as the match sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Portrait {
    pub(crate) bands: Vec<Band>,
    /// Share of the energy that each section has.
    pub(crate) shares: [f64; SECTIONS],
    /// Side against middle of the whole, in dB.
    pub(crate) width_db: Option<f64>,
    pub(crate) loudness_range_lu: Option<f64>,
    pub(crate) integrated_lufs: Option<f64>,
}

/// Powers of one stretch: middle and side of each band, and the K-weighted sum.
struct Stretch<'a> {
    mid: &'a [f32],
    side: &'a [f32],
    loudness: f64,
}

impl Stretch<'_> {
    fn level(&self, band: usize) -> f64 {
        f64::from(self.mid[band]) + f64::from(self.side[band])
    }
}

impl Portrait {
    /// The portrait of what was measured; `None` of silence, and where the spectrum was not asked for.
    ///
    /// What stands above the end of a lossy or low-rate recording is no tone and is left out.
    pub(crate) fn of(analysis: &Analysis) -> Option<Portrait> {
        let tone = &analysis.tone;
        let weights: Vec<f64> = tone.hz.iter().map(|hz| db_to_power(k_weighting_db(*hz))).collect();
        let all: Vec<Stretch> = tone
            .mid
            .iter()
            .zip(&tone.side)
            .map(|(mid, side)| {
                let powers = mid.iter().zip(side).zip(&weights);
                let loudness = powers.map(|((m, s), w)| w * (f64::from(*m) + f64::from(*s))).sum();
                Stretch { mid, side, loudness }
            })
            .collect();
        let loudest = all.iter().map(|s| s.loudness).fold(0.0, f64::max);
        let mut sounding: Vec<Stretch> =
            all.into_iter().filter(|s| s.loudness > loudest * db_to_power(-PAUSE_LU)).collect();
        if sounding.is_empty() {
            return None;
        }
        sounding.sort_by(|a, b| a.loudness.total_cmp(&b.loudness));
        let sections = sections(&sounding);
        let whole: f64 = sounding.iter().map(|s| s.loudness).sum();
        let energy = |part: &[Stretch]| part.iter().map(|s| s.loudness).sum::<f64>();
        let shares = sections.map(|part| energy(part) / sections.iter().map(|p| energy(p)).sum::<f64>());
        let top_hz = analysis.facts.bandwidth_hz.unwrap_or(f64::INFINITY);
        let bands = tone.hz.iter().enumerate().map(|(b, &hz)| {
            let plays = hz * 10f64.powf(0.05) < top_hz;
            band(hz, b, &sections, &sounding, whole, plays)
        });
        Some(Portrait {
            bands: bands.collect(),
            shares,
            width_db: analysis.facts.side_mid_db.filter(|db| *db > NO_SIDE_DB),
            loudness_range_lu: analysis.facts.loudness_range_lu,
            integrated_lufs: analysis.facts.integrated_lufs,
        })
    }
}

/// The places of the stretches that sound, in thirds of rising loudness; `None` of too few for that.
pub(crate) fn thirds(tone: &ToneSeries) -> Option<[Vec<usize>; SECTIONS]> {
    let weights: Vec<f64> = tone.hz.iter().map(|hz| db_to_power(k_weighting_db(*hz))).collect();
    let loudness = |n: usize| -> f64 {
        let powers = tone.mid[n].iter().zip(&tone.side[n]).zip(&weights);
        powers.map(|((m, s), w)| w * (f64::from(*m) + f64::from(*s))).sum()
    };
    let mut all: Vec<(usize, f64)> = (0..tone.mid.len()).map(|n| (n, loudness(n))).collect();
    let loudest = all.iter().map(|s| s.1).fold(0.0, f64::max);
    all.retain(|s| s.1 > loudest * db_to_power(-PAUSE_LU));
    all.sort_by(|a, b| a.1.total_cmp(&b.1));
    let n = all.len();
    let part = |i: usize| all[i * n / SECTIONS..(i + 1) * n / SECTIONS].iter().map(|s| s.0).collect();
    (n >= SECTIONS).then(|| std::array::from_fn(part))
}

/// The stretches in order of loudness cut in thirds; few of them stand for several sections.
fn sections<'a, 'b>(sounding: &'b [Stretch<'a>]) -> [&'b [Stretch<'a>]; SECTIONS] {
    let n = sounding.len();
    if n < SECTIONS {
        return [sounding; SECTIONS];
    }
    std::array::from_fn(|i| &sounding[i * n / SECTIONS..(i + 1) * n / SECTIONS])
}

fn band(
    hz: f64,
    b: usize,
    sections: &[&[Stretch]; SECTIONS],
    sounding: &[Stretch],
    whole: f64,
    plays: bool,
) -> Band {
    let sum = |part: &[Stretch], of: &dyn Fn(&Stretch) -> f64| part.iter().map(of).sum::<f64>();
    let level = |part: &[Stretch]| {
        let db = power_to_db(sum(part, &|s| s.level(b)) / sum(part, &|s| s.loudness));
        Some(db).filter(|db| plays && *db > EMPTY_DB)
    };
    let width = |part: &[Stretch]| {
        let db = power_to_db(sum(part, &|s| s.side[b].into()) / sum(part, &|s| s.mid[b].into()));
        level(part).and(Some(db.min(60.0)).filter(|db| *db > NO_SIDE_DB))
    };
    let each = |of: &dyn Fn(&[Stretch]) -> Option<f64>| -> Vec<(f64, f64)> {
        sounding.iter().filter_map(|s| Some((of(std::slice::from_ref(s))?, s.loudness))).collect()
    };
    let power = |of: &dyn Fn(&Stretch) -> f64| sum(sounding, of) / whole;
    Band {
        hz,
        level_db: sections.map(level),
        width_db: sections.map(width),
        spread_db: spread(&each(&level)),
        width_spread_db: spread(&each(&width)),
        power: (power(&|s| s.mid[b].into()), power(&|s| s.side[b].into())),
    }
}

/// Standard deviation, each value with its weight; never less than a song is taken to vary.
fn spread(values: &[(f64, f64)]) -> f64 {
    let weights: f64 = values.iter().map(|v| v.1).sum();
    let mean = values.iter().map(|v| v.0 * v.1).sum::<f64>() / weights;
    let variance = values.iter().map(|v| v.1 * (v.0 - mean).powi(2)).sum::<f64>() / weights;
    Some(variance.sqrt()).filter(|s| s.is_finite()).unwrap_or(0.0).max(LEAST_SPREAD_DB)
}

/// Weighted mean of several songs, and their spread: within each and from one to another.
pub(crate) fn mean_of(songs: &[(Portrait, f64)]) -> Option<Portrait> {
    let (first, _) = songs.first()?;
    let mean = |of: &dyn Fn(&Portrait) -> Option<f64>| weighted(songs.iter().map(|(p, w)| (of(p), *w)));
    let bands = first.bands.iter().enumerate().map(|(b, band)| {
        let at = |of: &dyn Fn(&Band) -> Option<f64>| mean(&|p| p.bands.get(b).and_then(of)).map(|m| m.0);
        let whole = |band: &Band| mean_level(&band.level_db);
        let between = mean(&|p| p.bands.get(b).and_then(whole)).map_or(0.0, |m| m.1);
        let within = at(&|band| Some(band.spread_db.powi(2))).unwrap_or(1.0);
        Band {
            hz: band.hz,
            level_db: std::array::from_fn(|s| at(&|band| band.level_db[s])),
            width_db: std::array::from_fn(|s| at(&|band| band.width_db[s])),
            spread_db: (within + between).sqrt(),
            width_spread_db: at(&|band| Some(band.width_spread_db.powi(2))).unwrap_or(1.0).sqrt(),
            power: (0.0, 0.0),
        }
    });
    Some(Portrait {
        bands: bands.collect(),
        shares: first.shares,
        width_db: mean(&|p| p.width_db).map(|m| m.0),
        loudness_range_lu: mean(&|p| p.loudness_range_lu).map(|m| m.0),
        integrated_lufs: mean(&|p| p.integrated_lufs).map(|m| m.0),
    })
}

/// The mean of the sections that play.
fn mean_level(sections: &[Option<f64>; SECTIONS]) -> Option<f64> {
    weighted(sections.iter().map(|db| (*db, 1.0))).map(|m| m.0)
}

/// Mean and variance of the values that are there, by weight.
fn weighted(values: impl Iterator<Item = (Option<f64>, f64)> + Clone) -> Option<(f64, f64)> {
    let there = || values.clone().filter_map(|(value, weight)| Some((value?, weight)));
    let weights: f64 = there().map(|v| v.1).sum();
    if weights <= 0.0 {
        return None;
    }
    let mean = there().map(|v| v.0 * v.1).sum::<f64>() / weights;
    Some((mean, there().map(|v| v.1 * (v.0 - mean).powi(2)).sum::<f64>() / weights))
}
