//! Which of several sounds that play together hides how much of which other.
//!
//! In every auditory band of every row a sound stands above or below what the others spread there; what stands
//! level with it is half hidden. Spreading falls by 10 dB for each band of about one equivalent rectangular
//! bandwidth upward and by 25 dB downward (slopes of excitation patterns at middle levels: Moore & Glasberg,
//! *Formulae describing frequency selectivity*, Hearing Research 28, 1987). A sound's bands count by how loud they
//! are in it: power behind outer and middle ear to the power of 0.3 (Stevens 1955). [`loudness_left`] is the slower
//! and more exact way, by the model of partial loudness.

use super::ear;
use super::partial_loudness::LoudnessModel;
use crate::erb::{ERB_BANDS, ErbFrames, band_edges_hz};
use crate::facts::Region;
use crate::stats::{nearest_rank, sorted};
use audio::{db_to_power, power_to_db};
use serde::Serialize;

/// Fall of spread power toward higher bands and toward lower ones, in dB per band.
const UPWARD_DB: f64 = 10.0;
const DOWNWARD_DB: f64 = 25.0;
/// How gently hidden turns into heard, in dB.
const SOFTNESS_DB: f64 = 3.0;
/// At most so many rows are looked at, evenly over the song: two minutes of all of them.
const MOST_ROWS: usize = 2400;
/// Growth of loudness with power.
const GROWTH: f64 = 0.3;
/// What is this far below a sound's loudest band of all rows is nothing of it, as a power ratio (-60 dB).
const NOTHING: f64 = 1e-6;
/// Maskers that hide less than this are not listed.
const LEAST_SHARE: f64 = 0.02;
/// The band range holds all bands that count at least this part of the worst one.
const BAND_PART: f64 = 0.5;
/// Places are looked for in steps of this many seconds, and are where this part more is hidden than on average.
const PLACE_S: f64 = 1.0;
const WORSE: f64 = 1.25;
/// So many places are told, the longest ones.
const MOST_PLACES: usize = 3;
/// Loudness is judged as at this level of the sum of all, in dB SPL, in its loud rows: the level at which mixes
/// are listened to (SMPTE RP 200: 83 dB).
const LISTENING_DB_SPL: f64 = 83.0;
/// Loudness is judged in at most so many rows.
const LOUDNESS_ROWS: usize = 150;

/// One of the sounds that play together.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Its power in auditory bands.
    pub erb: &'a ErbFrames,
    /// Factor on its power: the number of its channels times the square of its gain.
    pub gain: f64,
    /// What each band counts more or less than its loudness says: 1 everywhere, or more where the words of a
    /// voice are told apart.
    pub emphasis: Option<&'a [f64; ERB_BANDS]>,
}

/// How much of one sound another one hides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Masker {
    /// Its place in the list of sounds.
    pub masker: usize,
    /// Share of the sound that it would hide by itself, 0 to 1.
    pub masked_share: f64,
    /// Where most of that is, in hertz.
    pub low_hz: f64,
    /// Upper end of that range.
    pub high_hz: f64,
    /// How far it stands above the sound there, where it hides it, in dB: the middle value.
    pub over_db: f64,
    /// When it hides most, at most three places.
    pub places: Vec<Region>,
}

/// How much of one sound all others hide.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Masked {
    /// Its place in the list of sounds.
    pub part: usize,
    /// Share that is hidden by all others together, 0 to 1; absent where it never plays.
    pub masked_share: Option<f64>,
    /// Loudness in the mix against loudness alone, 0 to 1; absent where it never plays or is too soft to be heard.
    pub loudness_left: Option<f64>,
    /// Who hides it, the worst first.
    pub by: Vec<Masker>,
}

/// Who masks whom by how much, in which band and when, in the order of the sounds.
pub fn masking(parts: &[Part]) -> Vec<Masked> {
    (0..parts.len()).map(|part| masked(parts, part)).collect()
}

/// How much of one of the sounds the others hide.
///
/// # Panics
/// When there is no such sound.
pub fn masked(parts: &[Part], part: usize) -> Masked {
    let rows = Rows::new(&parts[part]);
    let mut together = Sums::default();
    let mut alone: Vec<Sums> = parts.iter().map(|_| Sums::default()).collect();
    for row in &rows.rows {
        let (own, weights) = rows.at(*row);
        let mut sum = [0.0; ERB_BANDS];
        for (other, sums) in
            parts.iter().zip(&mut alone).enumerate().filter(|(n, _)| *n != part).map(|(_, p)| p)
        {
            let power = power_in(other, *row);
            if power.iter().any(|p| *p > 0.0) {
                sum.iter_mut().zip(&power).for_each(|(s, p)| *s += p);
                sums.add(*row, &own, &spread(&power), &weights);
            }
        }
        together.add(*row, &own, &spread(&sum), &weights);
    }
    let all = rows.weight();
    let by = alone.iter().enumerate().filter(|(n, _)| *n != part);
    let mut by: Vec<Masker> = by.filter_map(|(n, sums)| sums.masker(n, &rows, all)).collect();
    by.sort_by(|a, b| b.masked_share.total_cmp(&a.masked_share).then(a.masker.cmp(&b.masker)));
    Masked {
        part,
        masked_share: (all > 0.0).then(|| together.hidden.iter().sum::<f64>() / all),
        loudness_left: loudness_left(parts, part),
        by,
    }
}

/// The power of a sound in one row; nothing after its end.
fn power_in(part: &Part, row: usize) -> [f64; ERB_BANDS] {
    let mut power = [0.0; ERB_BANDS];
    if row < part.erb.rows() {
        power.iter_mut().zip(part.erb.row(row)).for_each(|(to, p)| *to = part.gain * f64::from(*p));
    }
    power
}

/// Power as it reaches into neighbouring bands.
fn spread(power: &[f64; ERB_BANDS]) -> [f64; ERB_BANDS] {
    let (up, down) = (db_to_power(-UPWARD_DB), db_to_power(-DOWNWARD_DB));
    let mut spread = *power;
    let mut carried = 0.0;
    for band in 0..ERB_BANDS {
        spread[band] += carried;
        carried = (carried + power[band]) * up;
    }
    carried = 0.0;
    for band in (0..ERB_BANDS).rev() {
        spread[band] += carried;
        carried = (carried + power[band]) * down;
    }
    spread
}

/// The rows in which a sound plays, and what its bands count in them.
struct Rows<'a> {
    part: &'a Part<'a>,
    rows: Vec<usize>,
    transfer: [f64; ERB_BANDS],
    least: f64,
}

impl<'a> Rows<'a> {
    fn new(part: &'a Part<'a>) -> Rows<'a> {
        let plays: Vec<usize> =
            (0..part.erb.rows()).filter(|row| part.erb.active.get(*row).copied().unwrap_or(false)).collect();
        let step = plays.len().div_ceil(MOST_ROWS).max(1);
        let mut transfer = [0.0; ERB_BANDS];
        transfer
            .iter_mut()
            .zip(&part.erb.centres_hz)
            .for_each(|(t, hz)| *t = db_to_power(ear::transfer_db(*hz)));
        let mut rows = Rows { part, rows: plays.into_iter().step_by(step).collect(), transfer, least: 0.0 };
        let loudest = |row: usize| rows.heard(row).into_iter().fold(0.0, f64::max);
        rows.least = NOTHING * rows.rows.iter().map(|row| loudest(*row)).fold(0.0, f64::max);
        rows
    }

    /// Power behind outer and middle ear.
    fn heard(&self, row: usize) -> [f64; ERB_BANDS] {
        let mut power = power_in(self.part, row);
        power.iter_mut().zip(&self.transfer).for_each(|(p, t)| *p *= t);
        power
    }

    /// The powers of one row and what each band counts.
    fn at(&self, row: usize) -> ([f64; ERB_BANDS], [f64; ERB_BANDS]) {
        let mut weights = self.heard(row);
        for (band, weight) in weights.iter_mut().enumerate() {
            let emphasis = self.part.emphasis.map_or(1.0, |e| e[band]);
            *weight = if *weight > self.least { emphasis * weight.powf(GROWTH) } else { 0.0 };
        }
        (power_in(self.part, row), weights)
    }

    /// All that counts.
    fn weight(&self) -> f64 {
        self.rows.iter().map(|row| self.at(*row).1.iter().sum::<f64>()).sum()
    }
}

/// What one masker hides.
struct Sums {
    /// Weight that is hidden, by band.
    hidden: [f64; ERB_BANDS],
    /// By row: what is hidden and what there is.
    rows: Vec<(usize, f64, f64)>,
    /// By band: how far the masker stands above, where it does.
    over_db: Vec<Vec<f32>>,
}

impl Default for Sums {
    fn default() -> Sums {
        Sums { hidden: [0.0; ERB_BANDS], rows: Vec::new(), over_db: vec![Vec::new(); ERB_BANDS] }
    }
}

impl Sums {
    fn add(
        &mut self,
        row: usize,
        own: &[f64; ERB_BANDS],
        masker: &[f64; ERB_BANDS],
        weights: &[f64; ERB_BANDS],
    ) {
        let (mut hidden, mut all) = (0.0, 0.0);
        for band in (0..ERB_BANDS).filter(|band| weights[*band] > 0.0) {
            all += weights[band];
            if masker[band] <= 0.0 {
                continue;
            }
            let over_db = power_to_db(masker[band] / own[band]).clamp(-60.0, 60.0);
            let part = weights[band] / (1.0 + (-over_db / SOFTNESS_DB).exp());
            self.hidden[band] += part;
            hidden += part;
            if over_db > 0.0 {
                self.over_db[band].push(over_db as f32);
            }
        }
        self.rows.push((row, hidden, all));
    }

    fn masker(&self, masker: usize, rows: &Rows, all: f64) -> Option<Masker> {
        let share = self.hidden.iter().sum::<f64>() / all.max(f64::MIN_POSITIVE);
        if share < LEAST_SHARE {
            return None;
        }
        let (low, high) = self.range();
        let over = sorted(self.over_db[low..=high].iter().flatten().map(|db| f64::from(*db)));
        Some(Masker {
            masker,
            masked_share: share,
            low_hz: band_edges_hz(low).0,
            high_hz: band_edges_hz(high).1,
            over_db: nearest_rank(&over, 0.5).unwrap_or(0.0),
            places: self.places(share, rows.part.erb.frame_s),
        })
    }

    /// The bands about the worst one that count nearly as much.
    fn range(&self) -> (usize, usize) {
        let worst = (0..ERB_BANDS).max_by(|a, b| self.hidden[*a].total_cmp(&self.hidden[*b])).unwrap_or(0);
        let counts = |band: &usize| self.hidden[*band] >= BAND_PART * self.hidden[worst];
        let low = (0..worst).rev().take_while(counts).last().unwrap_or(worst);
        let high = (worst + 1..ERB_BANDS).take_while(counts).last().unwrap_or(worst);
        (low, high)
    }

    /// The longest stretches in which clearly more than on average is hidden.
    fn places(&self, share: f64, frame_s: f64) -> Vec<Region> {
        let second = |row: usize| (row as f64 * frame_s / PLACE_S) as usize;
        let count = self.rows.last().map_or(0, |(row, ..)| second(*row) + 1);
        let mut seconds = vec![(0.0, 0.0); count];
        for (row, hidden, all) in &self.rows {
            let sums = &mut seconds[second(*row)];
            *sums = (sums.0 + hidden, sums.1 + all);
        }
        let least = (WORSE * share).min(0.9);
        let mut places: Vec<Region> = Vec::new();
        for (n, (hidden, all)) in seconds.iter().enumerate() {
            let (start_s, end_s) = (n as f64 * PLACE_S, (n + 1) as f64 * PLACE_S);
            if *all <= 0.0 || hidden / all < least {
                continue;
            }
            match places.last_mut() {
                Some(last) if last.end_s >= start_s => last.end_s = end_s,
                _ => places.push(Region { start_s, end_s }),
            }
        }
        places.sort_by(|a, b| (b.end_s - b.start_s).total_cmp(&(a.end_s - a.start_s)));
        places.truncate(MOST_PLACES);
        places.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
        places
    }
}

/// Parts of each band that stand for it in the model of loudness.
const PER_BAND: usize = 2;
/// Spacing of its filters, in equivalent bandwidths.
const SPACING: f64 = 0.5;

/// Loudness of one of the sounds beside the others, against its loudness alone, 0 to 1, by the model of partial
/// loudness ([`LoudnessModel`]), as when the sum of all plays at 83 dB SPL. `None` where it never plays or is never
/// heard.
///
/// # Panics
/// When there is no such sound.
pub fn loudness_left(parts: &[Part], part: usize) -> Option<f64> {
    let own = &parts[part];
    let plays = |row: &usize| own.erb.active.get(*row).copied().unwrap_or(false);
    let rows: Vec<usize> = (0..own.erb.rows()).filter(plays).collect();
    let scale = listening_scale(parts)?;
    let model = LoudnessModel::new(&components(&own.erb.centres_hz), SPACING);
    let step = rows.len().div_ceil(LOUDNESS_ROWS).max(1);
    let (mut alone, mut left) = (0.0, 0.0);
    for row in rows.into_iter().step_by(step) {
        let mut others = [0.0; ERB_BANDS];
        for (_, other) in parts.iter().enumerate().filter(|(n, _)| *n != part) {
            others.iter_mut().zip(power_in(other, row)).for_each(|(sum, p)| *sum += p);
        }
        let (sound, masker) = (divided(&power_in(own, row), scale), divided(&others, scale));
        alone += model.sones(&sound);
        left += model.partial_sones(&sound, &masker);
    }
    // A thousandth of a sone is below the threshold of hearing (0.003 sone).
    (alone > 1e-3).then(|| (left / alone).clamp(0.0, 1.0))
}

/// Factor on power that makes the loud rows of the sum play at the listening level.
fn listening_scale(parts: &[Part]) -> Option<f64> {
    let rows = parts.iter().map(|part| part.erb.rows()).max().unwrap_or(0);
    let sum = |row: usize| parts.iter().map(|part| power_in(part, row).iter().sum::<f64>()).sum::<f64>();
    let powers = sorted((0..rows).map(sum).filter(|power| *power > 0.0));
    nearest_rank(&powers, 0.95).map(|power| db_to_power(LISTENING_DB_SPL) / power)
}

/// Frequencies that stand for parts of each band.
fn components(centres_hz: &[f64]) -> Vec<f64> {
    let bands = 0..centres_hz.len();
    let part = |band: usize, n: usize| {
        let (low, high) = band_edges_hz(band);
        // Halves of a band on a scale of ratios: bands are narrower than a third of an octave but at the bottom.
        low * (high / low).powf((n as f64 + 0.5) / PER_BAND as f64)
    };
    bands.flat_map(|band| (0..PER_BAND).map(move |n| part(band, n))).collect()
}

fn divided(bands: &[f64; ERB_BANDS], scale: f64) -> Vec<f64> {
    bands.iter().flat_map(|power| std::iter::repeat_n(power * scale / PER_BAND as f64, PER_BAND)).collect()
}
