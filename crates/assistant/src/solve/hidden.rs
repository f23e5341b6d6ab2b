//! How much of a part the others hide, as a function of everything that can be moved.
//!
//! What stands level with the power that spreads into its band counts as half hidden ([`crate::masking`]); what
//! stands apart between the loudspeakers hides less.

use super::point::{Point, beyond};
use crate::masking::{SOFTNESS_DB, spread, spread_back};
use crate::power::Bands;
use measure::ERB_BANDS;
use std::f64::consts::LN_10;

/// Power that no longer hides when it comes from the other side, as a share: 6 dB of release from masking, as noise
/// beside speech gives between opposite loudspeakers.
const RELEASE: f64 = 0.75;
/// What lies farther than this under the strongest band of the moment is not what is heard of a part, as power.
const FAINT: f64 = 0.0316;

/// From which share on a part counts as hidden, and what share more weighs as much as a level that is off by its
/// spread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) from: f64,
    pub(crate) spread: f64,
}

/// A part that should be heard.
#[derive(Debug, Clone)]
pub(crate) struct Hidden {
    /// By source: whether it belongs to the part, and whether it could hide it.
    pub(crate) own: Vec<bool>,
    pub(crate) hides: Vec<bool>,
    /// The track whose place is the part's, where it is one.
    pub(crate) track: Option<usize>,
    /// By source: the track whose place is the source's.
    pub(crate) tracks: Vec<Option<usize>>,
    /// By source: the gains that are in the powers, in dB. What hides the part is as loud as that: a part is raised to be
    /// heard, and others step back by cuts and places, but nobody's level is given up for it.
    pub(crate) at_db: Vec<f64>,
    /// The level of the whole at which that was so, in LUFS: only what is raised against it is heard better.
    pub(crate) whole_lufs: f64,
    /// What counts by band.
    pub(crate) weights: Bands,
    /// Powers by row, source and band, in that order, while the part plays.
    pub(crate) powers: Vec<f32>,
    pub(crate) limits: Vec<Limit>,
}

/// How much a source hides by where it stands: a factor on its power, and the slopes of that by variables.
struct Release {
    factor: f64,
    slopes: Vec<(usize, f64)>,
}

impl Hidden {
    pub(super) fn residuals(&self, point: &Point) -> Vec<(f64, Vec<f64>, f64)> {
        let mut slope = point.nothing();
        let share = self.share(point, Some(&mut slope));
        let limit = |limit: &Limit| {
            let (beyond, slope) = beyond(share, slope.clone(), f64::NEG_INFINITY, limit.from);
            (beyond, slope, limit.spread)
        };
        self.limits.iter().map(limit).collect()
    }

    fn releases(&self, point: &Point) -> Vec<Release> {
        let image = point.model.image.as_ref();
        let angle = |track: Option<usize>| image.zip(track).and_then(|(image, t)| image.angle(point, t));
        let own = angle(self.track);
        let release = |track: &Option<usize>| {
            let Some(((own, mine), (other, its))) = own.zip(angle(*track)) else {
                return Release { factor: 1.0, slopes: Vec::new() };
            };
            let apart = own - other;
            let slope = -RELEASE * (2.0 * apart).sin();
            let slopes = mine.map(|(variable, by)| (variable, slope * by)).into_iter();
            let slopes = slopes.chain(its.map(|(variable, by)| (variable, -slope * by))).collect();
            Release { factor: 1.0 - RELEASE * apart.sin().powi(2), slopes }
        };
        self.tracks.iter().map(release).collect()
    }

    /// The hidden share, 0 to 1; adds its slopes by the variables.
    pub(super) fn share(&self, point: &Point, slope: Option<&mut Vec<f64>>) -> f64 {
        let sources = point.layout.sources;
        let releases = self.releases(point);
        let whole_db = point.variables[point.layout.whole()] - self.whole_lufs;
        let gains = point.variables.iter().zip(&self.at_db);
        let gains: Vec<f64> = gains.map(|(gain, at)| audio::db_to_power(gain - at - whole_db)).collect();
        let mut by_power = vec![[0.0; ERB_BANDS]; sources];
        let mut by_release = vec![0.0; sources];
        let (mut hidden, mut all) = (0.0, 0.0);
        let mut now = vec![[0.0; ERB_BANDS]; sources];
        for row in self.powers.chunks_exact(sources * ERB_BANDS) {
            let (mut own, mut masker) = ([0.0; ERB_BANDS], [0.0; ERB_BANDS]);
            for source in 0..sources {
                let factors = &point.heard[source];
                let gain = if self.own[source] { gains[source] } else { 1.0 };
                let powers = &row[source * ERB_BANDS..(source + 1) * ERB_BANDS];
                for band in 0..ERB_BANDS {
                    let power = f64::from(powers[band]) * gain * factors[band];
                    now[source][band] = power;
                    if self.own[source] {
                        own[band] += power;
                    } else if self.hides[source] {
                        masker[band] += releases[source].factor * power;
                    }
                }
            }
            let masker = spread(&masker);
            let faint = FAINT * own.iter().copied().fold(0.0, f64::max);
            let (mut by_own, mut by_masker) = ([0.0; ERB_BANDS], [0.0; ERB_BANDS]);
            for band in 0..ERB_BANDS {
                if own[band] <= faint {
                    continue;
                }
                let weight = self.weights[band];
                let ratio_db = audio::power_to_db(own[band] / masker[band].max(1e-30)).clamp(-60.0, 60.0);
                let share = 1.0 / (1.0 + (ratio_db / SOFTNESS_DB).exp());
                hidden += weight * share;
                all += weight;
                let steep = weight * share * (1.0 - share) / SOFTNESS_DB;
                by_own[band] = -steep / own[band];
                by_masker[band] = steep / masker[band].max(1e-30);
            }
            if slope.is_none() {
                continue;
            }
            let by_masker = spread_back(&by_masker);
            for source in 0..sources {
                let (by, factor) = match (self.own[source], self.hides[source]) {
                    (true, _) => (&by_own, 1.0),
                    (false, true) => (&by_masker, releases[source].factor),
                    (false, false) => continue,
                };
                for band in 0..ERB_BANDS {
                    let part = by[band] * now[source][band];
                    by_power[source][band] += factor * part;
                    by_release[source] += if self.own[source] { 0.0 } else { part };
                }
            }
        }
        if all <= 0.0 {
            return 0.0;
        }
        if let Some(slope) = slope {
            for knob in &point.knobs {
                let own = by_power[knob.source].iter().zip(&knob.heard);
                slope[knob.variable] += own.map(|(by, db)| by * db).sum::<f64>() / all;
            }
            for (source, by) in by_power.iter().enumerate().filter(|(source, _)| self.own[*source]) {
                let by = by.iter().sum::<f64>() / all;
                slope[source] += by;
                slope[point.layout.whole()] -= by;
            }
            for (release, by) in releases.iter().zip(&by_release) {
                for (variable, moves) in &release.slopes {
                    slope[*variable] += by * moves * 10.0 / LN_10 / all;
                }
            }
        }
        hidden / all
    }
}

#[cfg(test)]
mod tests;
