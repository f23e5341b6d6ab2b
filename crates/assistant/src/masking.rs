//! How much of a part is hidden by others: signal-to-masker ratios in auditory bands.
//!
//! The masker's power spreads to neighbouring bands, by 10 dB for each equivalent rectangular bandwidth upward
//! and 25 dB downward (the slopes of excitation patterns at middle levels: Moore & Glasberg 1987). What stands
//! level with the spread power in its band counts as half hidden.

use measure::{Analysis, ERB_BANDS, ErbFrames};

/// Fall of spread power toward higher bands, in dB per band of about one ERB.
const UPWARD_DB: f64 = 10.0;
/// The same toward lower bands.
const DOWNWARD_DB: f64 = 25.0;
/// How gently hidden turns into heard, in dB.
const SOFTNESS_DB: f64 = 3.0;
/// At most so many rows are looked at, evenly over the song.
const MOST_ROWS: usize = 800;

/// One voice of the mix for the measure.
#[derive(Clone, Copy)]
pub(crate) struct Voice<'a> {
    /// Its bands.
    pub(crate) erb: &'a ErbFrames,
    /// Its factor on power: fader, trims of buses, and the number of channels.
    pub(crate) gain: f64,
}

impl<'a> Voice<'a> {
    /// A voice from an analysis, with a gain in dB.
    pub(crate) fn new(analysis: &'a Analysis, gain_db: f64) -> Voice<'a> {
        let channels = analysis.facts.channels.max(1) as f64;
        Voice { erb: &analysis.erb, gain: channels * audio::db_to_power(gain_db) }
    }

    fn add_row(&self, row: usize, to: &mut [f64; ERB_BANDS]) {
        if row < self.erb.rows() {
            to.iter_mut().zip(self.erb.row(row)).for_each(|(sum, p)| *sum += self.gain * f64::from(*p));
        }
    }
}

/// Power as it reaches into neighbouring bands.
fn spread(power: &[f64; ERB_BANDS]) -> [f64; ERB_BANDS] {
    let (up, down) = (audio::db_to_power(-UPWARD_DB), audio::db_to_power(-DOWNWARD_DB));
    let mut spread = *power;
    let mut from_below = 0.0;
    for band in 0..ERB_BANDS {
        spread[band] += from_below;
        from_below = (from_below + power[band]) * up;
    }
    let mut from_above = 0.0;
    for band in (0..ERB_BANDS).rev() {
        spread[band] += from_above;
        from_above = (from_above + power[band]) * down;
    }
    spread
}

/// Share of `part` that `others` hide while it plays, 0 to 1, weighted by where its own power lies (`weights`
/// by band). `None` where it never plays.
pub(crate) fn hidden_share(part: &[Voice], others: &[Voice], weights: &[f64; ERB_BANDS]) -> Option<f64> {
    let plays = |row: usize| part.iter().any(|v| v.erb.active.get(row).copied().unwrap_or(false));
    let length = part.iter().map(|voice| voice.erb.rows()).max().unwrap_or(0);
    let rows: Vec<usize> = (0..length).filter(|row| plays(*row)).collect();
    let step = rows.len().div_ceil(MOST_ROWS).max(1);
    let (mut hidden, mut all) = (0.0, 0.0);
    for row in rows.into_iter().step_by(step) {
        let (mut own, mut masker) = ([0.0; ERB_BANDS], [0.0; ERB_BANDS]);
        part.iter().for_each(|voice| voice.add_row(row, &mut own));
        others.iter().for_each(|voice| voice.add_row(row, &mut masker));
        let masker = spread(&masker);
        for band in 0..ERB_BANDS {
            if own[band] <= 0.0 {
                continue;
            }
            let ratio_db = audio::power_to_db(own[band] / masker[band].max(1e-30)).clamp(-60.0, 60.0);
            hidden += weights[band] / (1.0 + (ratio_db / SOFTNESS_DB).exp());
            all += weights[band];
        }
    }
    (all > 0.0).then(|| hidden / all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Sound, analysis};

    fn share(part: &Sound, others: &[(&Sound, f64)]) -> f64 {
        let part = analysis(part);
        let others: Vec<(Analysis, f64)> = others.iter().map(|(sound, db)| (analysis(sound), *db)).collect();
        let voices: Vec<Voice> = others.iter().map(|(a, db)| Voice::new(a, *db)).collect();
        hidden_share(&[Voice::new(&part, 0.0)], &voices, &crate::power::band_shares(&part)).unwrap()
    }

    #[test]
    fn equal_power_in_the_same_band_hides_half() {
        let tone = Sound::tone(1_000.0);
        // The masker at the same place and level: a ratio of 0 dB, so a half.
        assert!((share(&tone, &[(&tone, 0.0)]) - 0.5).abs() < 0.01);
        assert!(share(&tone, &[(&tone, 12.0)]) > 0.97);
        assert!(share(&tone, &[]) < 0.001);
    }

    #[test]
    fn masking_reaches_upward_farther_than_downward() {
        let (low, high) = (Sound::tone(500.0), Sound::tone(1_000.0));
        let (upward, downward) = (share(&high, &[(&low, 50.0)]), share(&low, &[(&high, 50.0)]));
        assert!(upward > downward + 0.05, "{upward} {downward}");
    }

    #[test]
    fn taking_a_masker_away_never_hides_more() {
        let (a, b, c) = (Sound::tone(700.0), Sound::tone(900.0), Sound::tone(200.0));
        assert!(share(&a, &[(&b, 0.0)]) <= share(&a, &[(&b, 0.0), (&c, 6.0)]));
    }
}
