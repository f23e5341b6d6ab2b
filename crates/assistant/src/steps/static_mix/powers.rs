//! Mean powers of tracks by band, weighted as loudness is.

use crate::TrackFacts;
use crate::power::{Bands, Rows, lufs, weight};
use audio::db_to_power;
use measure::ERB_BANDS;
use session::Strip;
use std::collections::BTreeSet;

/// A track with its rows.
pub(super) struct Voiced<'a> {
    pub(super) track: &'a Strip,
    pub(super) facts: &'a TrackFacts,
    pub(super) rows: Rows,
    /// Gain of the buses behind its fader, in dB.
    pub(super) path_db: f64,
    pub(super) source: usize,
    /// Level inside its source, in dB.
    pub(super) inside_db: f64,
    /// Factors on power of cuts that are decided for the track by itself and not heard yet.
    pub(super) planned: Bands,
}

impl Voiced<'_> {
    /// Adds the power of a row as it stands behind the buses, with the factors by band of everything before.
    pub(super) fn add_row(&self, row: usize, factors: &Bands, to: &mut [f32]) {
        let analysis = self.facts.now();
        if row >= analysis.erb.rows() {
            return;
        }
        let gain = db_to_power(self.path_db + self.inside_db) * analysis.facts.channels.max(1) as f64;
        let factors = self.planned.iter().zip(factors).map(|(planned, factor)| gain * planned * factor);
        for ((sum, power), factor) in to.iter_mut().zip(analysis.erb.row(row)).zip(factors) {
            *sum += factor as f32 * power;
        }
    }
}

/// Mean weighted power of a track over rows by band, with its level inside its source and the buses behind it.
pub(super) fn bands(voiced: &Voiced, rows: &[usize]) -> Bands {
    let analysis = voiced.facts.now();
    let erb = &analysis.erb;
    let gain = db_to_power(voiced.path_db + voiced.inside_db);
    let mut bands = [0.0; ERB_BANDS];
    if erb.rows() == 0 {
        // Only its loudness is known.
        bands[ERB_BANDS / 2] = gain * voiced.rows.mean(rows);
        return bands;
    }
    let gain = gain * analysis.facts.channels.max(1) as f64 / rows.len().max(1) as f64;
    for row in rows.iter().copied().filter(|row| *row < erb.rows()) {
        bands.iter_mut().zip(erb.row(row)).for_each(|(sum, power)| *sum += f64::from(*power));
    }
    let weights = erb.centres_hz.iter().zip(&voiced.planned);
    bands.iter_mut().zip(weights).for_each(|(power, (hz, planned))| *power *= gain * planned * weight(*hz));
    bands
}

/// Mean powers of some tracks over the rows in which any of them is loud; 0 for the others.
pub(super) fn mean_powers(tracks: &[Voiced], members: &[usize]) -> Vec<Bands> {
    let rows: BTreeSet<usize> = members.iter().flat_map(|t| tracks[*t].rows.loud_rows()).collect();
    let rows: Vec<usize> = rows.into_iter().collect();
    let none = [0.0; ERB_BANDS];
    let power = |track: usize| if members.contains(&track) { bands(&tracks[track], &rows) } else { none };
    (0..tracks.len()).map(power).collect()
}

/// Mean powers of some tracks, each over the rows in which it is loud itself; 0 for the others.
pub(super) fn mean_powers_alone(tracks: &[Voiced], members: &[usize]) -> Vec<Bands> {
    let own = |track: &Voiced| bands(track, &track.rows.loud_rows());
    let power = |track: usize| {
        if members.contains(&track) { own(&tracks[track]) } else { [0.0; ERB_BANDS] }
    };
    (0..tracks.len()).map(power).collect()
}

/// Loudness of powers under factors, in LUFS.
pub(super) fn level_db(power: &[Bands], factors: &[Bands]) -> f64 {
    let sum = |(power, factor): (&Bands, &Bands)| power.iter().zip(factor).map(|(p, f)| p * f).sum::<f64>();
    lufs(power.iter().zip(factors).map(sum).sum())
}
