//! The tonal balance of finished records, where no reference is given.
//!
//! Third-octave levels of 45 freely licensed released tracks (game soundtracks of several genres, 100 s of each),
//! relative to their own mean between 100 Hz and 5 kHz: the median, and the spread from one track to another. The
//! slope from 100 Hz to 5 kHz is -1.7 dB per octave in bands, -4.7 dB per octave in power density, which agrees with
//! Pestana, Ma, Reiss, Barbosa and Black, *Spectral characteristics of popular commercial recordings 1950-2010*, AES
//! 135th convention 2013 (about -5). Genres differ by 13 dB at 12.8 kHz and by 2 to 4 dB from 100 to 800 Hz: the
//! middle is a law, the ends are style, and the spread says so.

use crate::{AMBIENT_RECORDS, ORCHESTRAL_RECORDS, RECORDS, ROCK_RECORDS, Records};

/// One point of the target curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetBand {
    /// Centre in hertz.
    pub hz: f64,
    /// Median level in dB.
    pub db: f64,
    /// Standard deviation between tracks in dB.
    pub spread_db: f64,
}

const fn band(hz: f64, db: f64, spread_db: f64) -> TargetBand {
    TargetBand { hz, db, spread_db }
}

/// The curve, from low to high.
pub static TARGET: &[TargetBand] = &[
    band(31.5, 1.0, 11.0),
    band(63.0, 5.0, 8.0),
    band(100.0, 4.0, 5.0),
    band(200.0, 4.0, 4.0),
    band(400.0, 2.0, 4.0),
    band(800.0, 1.0, 4.0),
    band(1600.0, -2.0, 3.0),
    band(3150.0, -5.0, 4.0),
    band(5000.0, -9.0, 7.0),
    band(8000.0, -11.0, 8.0),
    band(12500.0, -16.0, 13.0),
    band(16000.0, -19.0, 20.0),
];

/// The tonal balance of one kind of music.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Genre {
    /// What it is called in files and on the command line.
    pub id: &'static str,
    /// Its name for people, with the number of tracks it was measured from.
    pub label: &'static str,
    /// Its curve.
    pub curve: &'static [TargetBand],
    /// What else its records have in common.
    pub records: &'static Records,
}

/// The same 45 tracks parted by kind (6 to 14 tracks each). The spread of so few says little: that of all stands in, cut to
/// what songs of one kind differ by at the ends.
pub static GENRES: &[Genre] = &[
    Genre { id: "all", label: "everything (45 tracks)", curve: TARGET, records: &RECORDS },
    Genre { id: "rock", label: "electronic and rock (14 tracks)", curve: ROCK, records: &ROCK_RECORDS },
    Genre {
        id: "ambient",
        label: "industrial and ambient (9 tracks)",
        curve: AMBIENT,
        records: &AMBIENT_RECORDS,
    },
    Genre {
        id: "orchestral",
        label: "orchestral (9 tracks)",
        curve: ORCHESTRAL,
        records: &ORCHESTRAL_RECORDS,
    },
    Genre { id: "electronic", label: "ambient electronic (6 tracks)", curve: ELECTRONIC, records: &RECORDS },
];

/// The genre with this id.
pub fn genre(id: &str) -> Option<&'static Genre> {
    GENRES.iter().find(|genre| genre.id == id)
}

/// Bands of a genre from its medians, in the places of [`TARGET`].
const fn genre_curve(db: [f64; 12]) -> [TargetBand; 12] {
    const HZ: [f64; 12] =
        [31.5, 63.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3150.0, 5000.0, 8000.0, 12_500.0, 16_000.0];
    const SPREAD_DB: [f64; 12] = [8.0, 6.0, 4.0, 4.0, 4.0, 4.0, 3.0, 4.0, 5.0, 5.0, 7.0, 9.0];
    let mut bands = [band(0.0, 0.0, 0.0); 12];
    let mut n = 0;
    while n < 12 {
        bands[n] = band(HZ[n], db[n], SPREAD_DB[n]);
        n += 1;
    }
    bands
}

static ROCK: &[TargetBand] =
    &genre_curve([3.0, 7.0, 5.0, 3.0, 0.0, 0.0, -3.0, -3.0, -4.0, -5.0, -7.0, -10.0]);
static AMBIENT: &[TargetBand] =
    &genre_curve([4.0, 5.0, 4.0, 4.0, 1.0, 0.0, -2.0, -4.0, -9.0, -12.0, -21.0, -26.0]);
static ORCHESTRAL: &[TargetBand] =
    &genre_curve([-4.0, -3.0, 4.0, 3.0, 4.0, 2.0, 0.0, -6.0, -12.0, -17.0, -19.0, -23.0]);
static ELECTRONIC: &[TargetBand] =
    &genre_curve([4.0, 7.0, 4.0, 2.0, 3.0, 2.0, 0.0, -8.0, -10.0, -10.0, -17.0, -17.0]);

/// Level and spread at a frequency, straight in octaves between the points; nothing outside of them.
pub(crate) fn at(curve: &[TargetBand], hz: f64) -> Option<(f64, f64)> {
    let after = curve.iter().position(|b| b.hz >= hz)?;
    let right = curve[after];
    let Some(left) = after.checked_sub(1).map(|i| curve[i]) else {
        return (right.hz == hz).then_some((right.db, right.spread_db));
    };
    let place = (hz / left.hz).log2() / (right.hz / left.hz).log2();
    let between = |a: f64, b: f64| a + (b - a) * place;
    Some((between(left.db, right.db), between(left.spread_db, right.spread_db)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genres_are_told_apart_by_their_ends_and_agree_in_the_middle() {
        for genre in GENRES {
            assert_eq!(super::genre(genre.id), Some(genre));
            assert!(genre.curve.windows(2).all(|w| w[0].hz < w[1].hz));
            for (a, b) in genre.curve.iter().zip(TARGET) {
                // Measured: 2 to 4 dB from 100 to 800 Hz, 10 below and 13 above.
                let most = if (100.0..=800.0).contains(&a.hz) { 4.0 } else { 13.0 };
                assert!((a.db - b.db).abs() <= most && a.hz == b.hz, "{} {}", genre.id, a.hz);
            }
        }
        assert!(super::genre("polka").is_none());
    }

    #[test]
    fn points_are_met_and_between_them_octaves_are_straight() {
        assert_eq!(at(TARGET, 31.5), Some((1.0, 11.0)));
        assert_eq!(at(TARGET, 800.0), Some((1.0, 4.0)));
        let (db, spread) = at(TARGET, 800.0 * 2f64.sqrt()).expect("inside");
        assert!((db + 0.5).abs() < 1e-12 && (spread - 3.5).abs() < 1e-12);
        assert_eq!(at(TARGET, 20.0), None);
        assert_eq!(at(TARGET, 20_000.0), None);
    }
}
