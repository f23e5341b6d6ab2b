//! What some values of the variables make of the powers, and what is off there.

use super::newton::Residuals;
use super::{Against, CHAIN_DB_PER_OCT, EASY_DB, Layout, Model, PIVOT_HZ, Range};
use crate::power::Bands;
use audio::{db_to_power, power_to_db};
use measure::ERB_BANDS;

/// Loudness of nothing, in dB.
const NOTHING_DB: f64 = -200.0;

/// A value and its slopes by the variables.
pub(super) type Sloped = (f64, Vec<f64>);

/// What a variable does to the power of a source.
pub(super) struct Knob {
    pub(super) variable: usize,
    pub(super) source: usize,
    /// By band, in dB for a unit of the variable: of means over time, and of rows in which the lead plays.
    mean: Bands,
    pub(super) heard: Bands,
}

/// The mix at some values of the variables.
pub(super) struct Point<'a> {
    pub(super) model: &'a Model,
    pub(super) layout: &'a Layout,
    pub(super) variables: &'a [f64],
    /// Factors on power by source and band: of means over time, and of rows in which the lead plays.
    factors: Vec<Bands>,
    pub(super) heard: Vec<Bands>,
    pub(super) knobs: Vec<Knob>,
}

/// Octaves from the pivot, held inside hearing, by band.
fn octaves(centres_hz: &[f64]) -> Bands {
    let mut octaves = [0.0; ERB_BANDS];
    for (octave, hz) in octaves.iter_mut().zip(centres_hz) {
        *octave = (hz.clamp(40.0, 16_000.0) / PIVOT_HZ).log2();
    }
    octaves
}

impl<'a> Point<'a> {
    pub(super) fn new(model: &'a Model, layout: &'a Layout, variables: &'a [f64]) -> Point<'a> {
        let knobs = knobs(model, layout, variables);
        let mut mean_db = vec![[0.0; ERB_BANDS]; layout.sources];
        let mut heard_db = mean_db.clone();
        let add = |to: &mut Bands, shape: &Bands, by: f64| {
            to.iter_mut().zip(shape).for_each(|(to, shape)| *to += by * shape);
        };
        // Widths are not straight: their power is known as it is.
        for knob in knobs.iter().filter(|knob| knob.variable < layout.width(0)) {
            let by = variables[knob.variable];
            if by != 0.0 {
                add(&mut mean_db[knob.source], &knob.mean, by);
                add(&mut heard_db[knob.source], &knob.heard, by);
            }
        }
        for (n, width) in model.image.iter().flat_map(|image| &image.widths).enumerate() {
            let wider_db = width.power_db(variables[layout.width(n)]);
            add(&mut mean_db[width.source], &[1.0; ERB_BANDS], wider_db);
            add(&mut heard_db[width.source], &[1.0; ERB_BANDS], wider_db);
        }
        let power = |all: Vec<Bands>| all.into_iter().map(|bands| bands.map(db_to_power)).collect();
        Point { model, layout, variables, factors: power(mean_db), heard: power(heard_db), knobs }
    }

    /// Factors on power by source and band of everything but the gain.
    pub(super) fn tone(&self) -> Vec<Bands> {
        let without = |source: usize| db_to_power(-self.variables[source]);
        let all = self.factors.iter().enumerate();
        all.map(|(source, bands)| bands.map(|factor| factor * without(source))).collect()
    }

    pub(super) fn nothing(&self) -> Vec<f64> {
        vec![0.0; self.layout.len()]
    }

    /// Level in dB of powers by track, over some bands, and its slopes. Most wishes are about few of many tracks: only what
    /// has power there is looked at.
    pub(super) fn level(&self, power: &[Bands], bands: std::ops::Range<usize>) -> Sloped {
        const NONE: usize = usize::MAX;
        let mut place = vec![NONE; self.layout.sources];
        let mut own: Vec<Bands> = Vec::new();
        let mut sum = 0.0;
        for (power, source) in power.iter().zip(&self.model.sources) {
            if power[bands.clone()].iter().all(|power| *power == 0.0) {
                continue;
            }
            if place[*source] == NONE {
                place[*source] = own.len();
                own.push([0.0; ERB_BANDS]);
            }
            let own = &mut own[place[*source]];
            for band in bands.clone() {
                let power = power[band] * self.factors[*source][band];
                own[band] += power;
                sum += power;
            }
        }
        let mut slope = self.nothing();
        for knob in self.knobs.iter().filter(|knob| place[knob.source] != NONE) {
            let own = own[place[knob.source]].iter().zip(&knob.mean);
            slope[knob.variable] += own.map(|(p, m)| p * m).sum::<f64>();
        }
        slope.iter_mut().for_each(|s| *s /= sum.max(1e-300));
        (if sum > 0.0 { power_to_db(sum).max(NOTHING_DB) } else { NOTHING_DB }, slope)
    }

    /// Deviations in units of their spread, and their slopes.
    pub(super) fn residuals(&self) -> Residuals {
        let (mut residuals, mut slopes) = (Vec::new(), Vec::new());
        let mut push = |(value, slope, spread): (f64, Vec<f64>, f64)| {
            residuals.push(value / spread);
            slopes.push(slope.into_iter().map(|s| s / spread).collect::<Vec<f64>>());
        };
        self.asked().into_iter().for_each(&mut push);
        self.done().into_iter().for_each(&mut push);
        self.spectrum().into_iter().for_each(&mut push);
        for hidden in &self.model.hidden {
            hidden.residuals(self).into_iter().for_each(&mut push);
        }
        if let Some(image) = &self.model.image {
            image.residuals(self).into_iter().for_each(&mut push);
        }
        (residuals, slopes)
    }

    /// What is asked of levels.
    fn asked(&self) -> Vec<(f64, Vec<f64>, f64)> {
        let level = |power: &[Bands]| self.level(power, 0..ERB_BANDS);
        let mut whole = (self.variables[self.layout.whole()], self.nothing());
        whole.1[self.layout.whole()] = 1.0;
        let group = |all: &Vec<Vec<Bands>>| mean(all.iter().map(|power| level(power)).collect());
        let alike: Vec<Sloped> = self.model.alike.iter().map(group).collect();
        let ask = |ask: &super::Ask| {
            let against = match &ask.against {
                Against::Whole => whole.clone(),
                Against::Tracks(power) => level(power),
                Against::Alike(group) => alike[*group].clone(),
            };
            let (value, slope) = minus(level(&ask.of), &against);
            (value - ask.goal_lu, slope, ask.spread_lu)
        };
        self.model.asks.iter().map(ask).collect()
    }

    /// What slopes are off by, and the wish to do nothing.
    fn done(&self) -> Vec<(f64, Vec<f64>, f64)> {
        let mut done = Vec::new();
        let alone = |variable: usize| {
            let mut slope = self.nothing();
            slope[variable] = 1.0;
            slope
        };
        for (source, tone) in self.model.tones.iter().enumerate() {
            let Some(tone) = tone else { continue };
            let variable = self.layout.tilt(source);
            let tilt = self.variables[variable];
            done.push((tilt + tone.tilt_db_per_oct, alone(variable), tone.varies_db_per_oct));
            done.push((tilt, alone(variable), CHAIN_DB_PER_OCT));
        }
        for cut in 0..self.model.cuts.len() {
            let variable = self.layout.cut(cut);
            done.push((self.variables[variable], alone(variable), EASY_DB));
        }
        done
    }

    /// What the spectrum of the sum is off by, beyond the dead zone in which good mixes differ.
    fn spectrum(&self) -> Vec<(f64, Vec<f64>, f64)> {
        /// Deviations inside this share of the spread are style.
        const DEAD: f64 = 0.7;
        let Some(spectrum) = &self.model.spectrum else { return Vec::new() };
        let inside = |range: &Range| self.bands_between(range.low_hz, range.high_hz);
        let level = |range: &Range| {
            let (db, slope) = self.level(&spectrum.of, inside(range));
            (db - range.level_db, slope)
        };
        let levels: Vec<Sloped> = spectrum.ranges.iter().map(level).collect();
        let middle = mean(levels.clone());
        let one = |(range, level): (&Range, Sloped)| {
            let (value, slope) = minus(level, &middle);
            let (beyond, slope) = beyond(value, slope, -DEAD * range.spread_db, DEAD * range.spread_db);
            (beyond, slope, range.spread_db)
        };
        spectrum.ranges.iter().zip(levels).map(one).collect()
    }

    /// The bands whose centres lie from one frequency to below another.
    pub(super) fn bands_between(&self, low_hz: f64, high_hz: f64) -> std::ops::Range<usize> {
        let place = |hz: f64| self.model.centres_hz.iter().position(|c| *c >= hz).unwrap_or(ERB_BANDS);
        place(low_hz)..place(high_hz)
    }
}

/// What a value is beyond a range in which it does not matter.
pub(super) fn beyond(value: f64, slope: Vec<f64>, least: f64, most: f64) -> Sloped {
    let beyond = value - value.clamp(least, most);
    let slope = if beyond == 0.0 { vec![0.0; slope.len()] } else { slope };
    (beyond, slope)
}

fn knobs(model: &Model, layout: &Layout, variables: &[f64]) -> Vec<Knob> {
    let octaves = octaves(&model.centres_hz);
    let mut knobs = Vec::new();
    let mut knob = |variable: usize, source: usize, mean: Bands, heard: Bands| {
        knobs.push(Knob { variable, source, mean, heard });
    };
    for source in 0..layout.sources {
        // What hides what knows its own gains.
        knob(source, source, [1.0; ERB_BANDS], [0.0; ERB_BANDS]);
        if model.tones[source].is_some() {
            // What hides what is asked of the slopes as they were: no part is made dull to be heard beside others.
            knob(layout.tilt(source), source, octaves, [0.0; ERB_BANDS]);
        }
    }
    for (n, cut) in model.cuts.iter().enumerate() {
        let heard = cut.shape_db.map(|db| -db);
        knob(layout.cut(n), cut.source, heard.map(|db| cut.share * db), heard);
    }
    for (n, width) in model.image.iter().flat_map(|image| &image.widths).enumerate() {
        let slope = [width.slope(variables[layout.width(n)]); ERB_BANDS];
        knob(layout.width(n), width.source, slope, slope);
    }
    knobs
}

pub(super) fn minus(a: Sloped, b: &Sloped) -> Sloped {
    (a.0 - b.0, a.1.iter().zip(&b.1).map(|(a, b)| a - b).collect())
}

fn mean(all: Vec<Sloped>) -> Sloped {
    let count = all.len().max(1) as f64;
    let length = all.first().map_or(0, |(_, slope)| slope.len());
    let slope = (0..length).map(|n| all.iter().map(|(_, slope)| slope[n]).sum::<f64>() / count);
    (all.iter().map(|(value, _)| value).sum::<f64>() / count, slope.collect())
}
