//! What people have said of the balance: the rough mix that they made, and finished songs that it is to be near to.

use super::super::powers::Voiced;
use super::{Problem, Source};
use crate::SongFacts;
use crate::power::{Rows, busiest_third, lufs};
use crate::solve::{Against, Ask, Range};
use audio::{db_to_power, power_to_db};

/// A rough mix is meant within this, in LU: it was made quickly, and by ear.
const ROUGH_LU: f64 = 1.5;
/// One reference alone varies by this where nobody knows how others of its kind do, in dB; several vary no less.
const REFERENCE_DB: f64 = 2.0;

/// Where a source stands in the rough mix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rough {
    /// Loudness while it plays against the rough mix in the busy parts, in LU.
    pub(super) level_lu: f64,
    /// The largest error of its tracks' gains, in dB.
    error_db: f64,
}

/// Where the rough mix has each source: all of its tracks have to be found there.
pub(super) fn rough_levels(facts: &SongFacts, tracks: &[Voiced], sources: &[Source]) -> Vec<Option<Rough>> {
    let mix = facts.rough_mix.as_ref().and_then(|rough| Some((rough, facts.tracks.get(&rough.track)?)));
    let Some((rough, mix)) = mix else { return vec![None; sources.len()] };
    let rows: Vec<Rows> = tracks.iter().map(|voiced| voiced.rows.clone()).collect();
    let whole_lufs = lufs(Rows::of(&mix.raw).mean(&busiest_third(&rows)));
    let of_source = |source: &Source| {
        let (mut power, mut error_db) = (0.0, 0.0f64);
        for track in &source.tracks {
            let placed = rough.placed.get(&tracks[*track].track.id)?;
            let raw = Rows::of(&tracks[*track].facts.raw);
            power += db_to_power(lufs(raw.mean(&raw.loud_rows())) + placed.gain_db);
            error_db = error_db.max(placed.error_db);
        }
        let level_lu = power_to_db(power) - whole_lufs;
        level_lu.is_finite().then_some(Rough { level_lu, error_db })
    };
    sources.iter().map(of_source).collect()
}

impl Problem<'_> {
    /// The levels of the rough mix as wishes, beside what is usual.
    pub(super) fn rough_asks(&self) -> Vec<Ask> {
        let known = self.rough.iter().enumerate().filter_map(|(source, rough)| Some((source, (*rough)?)));
        let ask = |(source, rough): (usize, Rough)| Ask {
            of: self.alone(source),
            against: Against::Whole,
            goal_lu: rough.level_lu,
            spread_lu: ROUGH_LU.hypot(rough.error_db),
        };
        known.map(ask).collect()
    }
}

/// The levels of some ranges in finished songs, each against the mean of its ranges; what the songs differ by is the
/// spread. The given ranges where there are no songs, or where they say nothing of a range.
pub(super) fn ranges_of_references(facts: &SongFacts, usual: Vec<Range>) -> Vec<Range> {
    let songs: Vec<(f64, Vec<f64>)> = facts
        .references
        .iter()
        .filter_map(|song| {
            let level = |range: &Range| {
                let inside = |hz: f64| (range.low_hz..range.high_hz).contains(&hz);
                let own: Vec<f64> = song
                    .third_octave_db
                    .iter()
                    .filter(|band| inside(band.hz))
                    .filter_map(|band| band.db)
                    .collect();
                let mean = own.iter().map(|db| db_to_power(*db)).sum::<f64>() / own.len() as f64;
                (!own.is_empty()).then(|| power_to_db(mean))
            };
            let levels: Option<Vec<f64>> = usual.iter().map(level).collect();
            let levels = levels?;
            let mean = levels.iter().sum::<f64>() / levels.len() as f64;
            Some((song.weight, levels.into_iter().map(|db| db - mean).collect()))
        })
        .collect();
    let weight: f64 = songs.iter().map(|(weight, _)| weight).sum();
    if weight <= 0.0 {
        return usual;
    }
    let mean =
        |of: &dyn Fn(&[f64]) -> f64| songs.iter().map(|(w, levels)| w * of(levels)).sum::<f64>() / weight;
    let range = |(place, range): (usize, Range)| {
        let level_db = mean(&|levels| levels[place]);
        let varies = mean(&|levels| (levels[place] - level_db).powi(2)).sqrt();
        Range { level_db, spread_db: REFERENCE_DB.hypot(varies), ..range }
    };
    usual.into_iter().enumerate().map(range).collect()
}
