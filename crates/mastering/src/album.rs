//! An album: where its tracks stand, how loud they are beside each other, and which of them sounds unlike the others.

use measure::Facts;

/// How a track follows the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Join {
    /// Its length in frames.
    pub frames: usize,
    /// Silence before it, in frames; 0 joins it on the frame.
    pub gap_frames: usize,
    /// Frames in which it sounds together with the one before.
    pub crossfade_frames: usize,
}

/// Where tracks begin, in frames of the album, and where it ends: one more than there are joins.
///
/// A track behind a gap begins on a frame that `grid_frames` divides (a CD's sectors), so that its mark is exact; one that
/// is joined or faded in begins where the music says. A crossfade is at most as long as half of either track.
pub fn places(joins: &[Join], grid_frames: usize) -> Vec<usize> {
    let mut places = Vec::with_capacity(joins.len() + 1);
    let mut end = 0;
    for (n, join) in joins.iter().enumerate() {
        let before = if n == 0 { 0 } else { joins[n - 1].frames };
        let crossfade = crossfade_frames(join, before);
        let start = match (crossfade, join.gap_frames) {
            (0, 0) => end,
            (0, gap) => (end + gap).next_multiple_of(grid_frames.max(1)),
            (crossfade, _) => end - crossfade,
        };
        places.push(start);
        end = start + join.frames;
    }
    places.push(end);
    places
}

/// The crossfade that there is room for, in frames, behind a track of `before` frames.
pub fn crossfade_frames(join: &Join, before: usize) -> usize {
    join.crossfade_frames.min(before / 2).min(join.frames / 2)
}

/// What an album does with the loudness of its tracks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Relation {
    /// The masters stay as they are.
    AsMastered,
    /// One gain for all brings the loudest track to this loudness, in LUFS.
    Album(f64),
    /// Every track comes to this loudness, in LUFS.
    Track(f64),
}

/// The gain of a track, and what kept it from more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackGain {
    /// In dB.
    pub gain_db: f64,
    /// What the ceiling took from the gain that the relation asks for, in dB: 0 where there was room.
    pub held_back_db: f64,
}

/// The gain of every track. `wishes_db` are added before the ceiling holds: no gain lifts a true peak above it. A track
/// above it already is not turned down for that, which is the check's to tell.
///
/// With one gain for all it is held back for all, so that what is between the tracks stays (AES TD1008, 2021).
pub fn gains(tracks: &[&Facts], wishes_db: &[f64], relation: Relation, ceiling_dbtp: f64) -> Vec<TrackGain> {
    let loudness = |facts: &Facts| facts.integrated_lufs;
    let wished = |n: usize| wishes_db.get(n).copied().unwrap_or(0.0);
    let loudest = tracks.iter().filter_map(|facts| loudness(facts)).fold(f64::NEG_INFINITY, f64::max);
    let asked: Vec<f64> = tracks
        .iter()
        .enumerate()
        .map(|(n, facts)| {
            wished(n)
                + match relation {
                    Relation::AsMastered => 0.0,
                    Relation::Album(lufs) if loudest.is_finite() => lufs - loudest,
                    Relation::Track(lufs) => loudness(facts).map_or(0.0, |own| lufs - own),
                    Relation::Album(_) => 0.0,
                }
        })
        .collect();
    let over = |n: usize| {
        let room = tracks[n].true_peak_dbtp.map_or(f64::INFINITY, |peak| (ceiling_dbtp - peak).max(0.0));
        (asked[n] - room).max(0.0)
    };
    let worst = (0..tracks.len()).map(over).fold(0.0, f64::max);
    (0..tracks.len())
        .map(|n| {
            let held_back_db = if matches!(relation, Relation::Track(_)) { over(n) } else { worst };
            TrackGain { gain_db: asked[n] - held_back_db, held_back_db }
        })
        .collect()
}

/// A track whose sound is unlike the album's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlier {
    /// Which track, from 0.
    pub track: usize,
    /// How far its third octaves are from the album's median at equal loudness, in dB RMS.
    pub distance_db: f64,
    /// The band that is farthest off: its centre in hertz.
    pub band_hz: f64,
    /// How far it is off, in dB: above 0 there is more of it than in the others.
    pub band_db: f64,
}

/// Third octaves are compared where music has something to say: below lies rumble, above lies what codecs take away.
const BANDS_HZ: std::ops::RangeInclusive<f64> = 50.0..=12_500.0;

/// The tracks whose third octaves, at equal loudness, lie more than `bound_db` RMS from the median of all; the farthest
/// first. Two tracks have no median that either could be unlike: at least three are needed.
pub fn outliers(tracks: &[&Facts], bound_db: f64) -> Vec<Outlier> {
    if tracks.len() < 3 {
        return Vec::new();
    }
    let levels: Vec<Vec<(f64, f64)>> = tracks.iter().map(|facts| levels(facts)).collect();
    let mut found: Vec<Outlier> = levels
        .iter()
        .enumerate()
        .filter_map(|(track, own)| {
            let apart: Vec<(f64, f64)> = own
                .iter()
                .filter_map(|(hz, db)| {
                    let others = levels.iter().filter_map(|all| all.iter().find(|(other, _)| other == hz));
                    Some((*hz, db - median(others.map(|(_, db)| *db).collect())?))
                })
                .collect();
            let square: f64 = apart.iter().map(|(_, db)| db * db).sum();
            let distance_db = (square / apart.len().max(1) as f64).sqrt();
            let (band_hz, band_db) = apart.into_iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
            (distance_db > bound_db).then_some(Outlier { track, distance_db, band_hz, band_db })
        })
        .collect();
    found.sort_by(|a, b| b.distance_db.total_cmp(&a.distance_db));
    found
}

/// Third octaves relative to the track's own loudness.
fn levels(facts: &Facts) -> Vec<(f64, f64)> {
    let Some(loudness) = facts.integrated_lufs else { return Vec::new() };
    let bands = facts.third_octave_db.iter().filter(|band| BANDS_HZ.contains(&band.hz));
    bands.filter_map(|band| Some((band.hz, band.db? - loudness))).collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::BandLevel;

    fn facts(lufs: f64, peak: f64, tilt_db: f64) -> Facts {
        let bands = [63.0, 250.0, 1_000.0, 4_000.0];
        let third_octave_db = bands
            .iter()
            .enumerate()
            .map(|(n, hz)| BandLevel { hz: *hz, db: Some(lufs - 12.0 - n as f64 + tilt_db * n as f64) })
            .collect();
        Facts { integrated_lufs: Some(lufs), true_peak_dbtp: Some(peak), third_octave_db, ..Facts::default() }
    }

    #[test]
    fn tracks_stand_where_gaps_joins_and_fades_put_them() {
        let join = |frames, gap_frames, crossfade_frames| Join { frames, gap_frames, crossfade_frames };
        let joins =
            [join(1_000, 0, 0), join(2_000, 0, 0), join(3_000, 588, 0), join(500, 0, 400), join(100, 0, 0)];
        // 3000 + 588 is on the next sector at 4116; the fade has room for half of 500 frames.
        assert_eq!(places(&joins, 588), [0, 1_000, 4_116, 6_866, 7_366, 7_466]);
        assert_eq!(places(&[], 588), [0]);
        assert_eq!(places(&joins[2..3], 588)[0], 588);
    }

    #[test]
    fn one_gain_keeps_what_is_between_the_tracks_and_the_ceiling_holds() {
        let (a, b, quiet) = (facts(-12.0, -3.0, 0.0), facts(-10.0, -1.5, 0.0), facts(-18.0, -8.0, 0.0));
        let all = [&a, &b, &quiet];
        let gain =
            |gains: Vec<TrackGain>| gains.iter().map(|g| (g.gain_db, g.held_back_db)).collect::<Vec<_>>();
        let zero = [0.0; 3];
        assert_eq!(gain(gains(&all, &zero, Relation::Album(-14.0), -1.0)), [(-4.0, 0.0); 3]);
        // 2 dB more were asked for, and half a dB is there.
        assert_eq!(gain(gains(&all, &zero, Relation::Album(-8.0), -1.0)), [(0.5, 1.5); 3]);
        assert_eq!(
            gain(gains(&all, &zero, Relation::Track(-12.0), -1.0)),
            [(0.0, 0.0), (-2.0, 0.0), (6.0, 0.0)]
        );
        assert_eq!(gain(gains(&all, &[0.0, 0.0, 1.0], Relation::Track(-10.0), -1.0))[2], (7.0, 2.0));
        assert_eq!(gain(gains(&all, &zero, Relation::AsMastered, -1.0)), [(0.0, 0.0); 3]);
        // A master above the ceiling is told by the check, and not turned down here.
        let hot = facts(-8.0, 0.5, 0.0);
        assert_eq!(gain(gains(&[&hot], &[0.0], Relation::AsMastered, -1.0)), [(0.0, 0.0)]);
        let silent = Facts::default();
        assert_eq!(gain(gains(&[&silent], &[], Relation::Track(-14.0), -1.0)), [(0.0, 0.0)]);
        assert_eq!(gain(gains(&[&silent], &[], Relation::Album(-14.0), -1.0)), [(0.0, 0.0)]);
    }

    #[test]
    fn the_track_that_sounds_unlike_the_others_is_named() {
        // Loudness alone makes no difference.
        let tracks = [facts(-14.0, -1.0, 0.0), facts(-20.0, -1.0, 0.0), facts(-12.0, -1.0, 3.0)];
        let all: Vec<&Facts> = tracks.iter().collect();
        let found = outliers(&all, 3.0);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].track, found[0].band_hz), (2, 4_000.0));
        assert!((found[0].band_db - 9.0).abs() < 1e-9);
        // The root of (0 + 9 + 36 + 81) / 4.
        assert!((found[0].distance_db - 31.5f64.sqrt()).abs() < 1e-9);
        assert_eq!(outliers(&all, 6.0), []);
        assert_eq!(outliers(&all[1..], 0.1), []);
    }
}
