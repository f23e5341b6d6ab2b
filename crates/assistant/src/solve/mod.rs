//! One optimiser over the mix, on power in auditory bands: levels, broad tone, room in the spectrum, places and widths
//! are solved together.
//!
//! A mix is here what gains, slopes, cuts, places and widths do to band powers that were measured once; nothing is
//! rendered. What is wanted of it are [`Ask`]s: that some tracks together stand at a level against the whole, against
//! other tracks or among their like, each with the spread within which good mixes differ. Beside them stand what is
//! known of the tone of each source ([`Tone`]), the spectrum of the sum ([`Spectrum`]), how much of each part the
//! others hide ([`Hidden`]), how loud both loudspeakers are and how wide the sum is ([`Image`]), and for every slope,
//! cut, place and width the wish to do nothing. All of it is one sum in units of its own spread,
//!
//! ```text
//! sum_k ((L_k - goal_k) / spread_k)^2 + sum_s ((t_s + tilt_s) / varies_s)^2 + (t_s / chain)^2
//!     + sum_o (dead(D_o) / spread_o)^2 + sum_p (dead(hidden_p) / spread_p)^2 + (lean / spread)^2
//!     + sum_u ((place_u - wish_u) / spread_u)^2 + sum_w ((side_w - usual_w) / spread_w)^2 + 2 price sum_c depth_c
//! ```
//!
//! over gains and depths in dB, slopes in dB per octave and places from the middle (0) to a side (1), minimised
//! inside bounds by Levenberg and Marquardt's method. The price of a cut is paid by the decibel, so that cuts which do
//! not pay stay at nothing. Only ratios of gains matter (Wilson & Fazenda, *Navigating the mix-space*, 2016): the level
//! to which all of them refer is a variable too, and the common gain is set afterwards by headroom.

mod hidden;
mod image;
mod newton;
mod point;

pub(crate) use hidden::{Hidden, Limit};
pub(crate) use image::{Image, Place, Sides, Width};
use point::Point;

use crate::power::Bands;
use measure::ERB_BANDS;

/// The slope turns around this, in hertz.
pub(crate) const PIVOT_HZ: f64 = 1_000.0;
/// Slopes of recordings differ by so much without anybody's will, in dB per octave: microphones, places and rooms
/// that differ by 6 dB between 100 Hz and 10 kHz. It is how far a slope is believed to be an accident.
pub(crate) const CHAIN_DB_PER_OCT: f64 = 0.8;
/// Most that a slope is turned, in dB per octave: 6 dB at 16 kHz.
pub(crate) const MOST_DB_PER_OCT: f64 = 1.5;
/// What a decibel of a cut costs, and how far cuts go without regret, in dB: a cut is made where every decibel
/// uncovers half a percent of a part of which a third is hidden.
const PRICE_PER_DB: f64 = 0.002;
const EASY_DB: f64 = 40.0;

/// What a level is held against.
#[derive(Debug, Clone)]
pub(crate) enum Against {
    /// The level that all expectations refer to.
    Whole,
    /// Other tracks together: mean weighted powers by track and band.
    Tracks(Vec<Bands>),
    /// The mean of the levels of one group of [`Model::alike`].
    Alike(usize),
}

/// A wish about a level.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// Mean weighted powers by track and band; zero for tracks that it is not about.
    pub(crate) of: Vec<Bands>,
    pub(crate) against: Against,
    pub(crate) goal_lu: f64,
    pub(crate) spread_lu: f64,
}

/// How far a source's spectrum is sloped against what is usual for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tone {
    /// Brighter (positive) or darker than usual, in dB per octave.
    pub(crate) tilt_db_per_oct: f64,
    /// How far that varies between good recordings, in dB per octave.
    pub(crate) varies_db_per_oct: f64,
}

/// What is expected of the spectrum of the sum.
#[derive(Debug, Clone)]
pub(crate) struct Spectrum {
    /// Mean powers by track and band, not weighted.
    pub(crate) of: Vec<Bands>,
    /// Ranges of bands with their level in dB against each other, and how far that varies.
    pub(crate) ranges: Vec<Range>,
}

/// A range of the spectrum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) low_hz: f64,
    pub(crate) high_hz: f64,
    pub(crate) level_db: f64,
    pub(crate) spread_db: f64,
}

/// The whole problem.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// The source of each track: sources have one gain and one slope.
    pub(crate) sources: Vec<usize>,
    /// Centres of the bands in hertz.
    pub(crate) centres_hz: Vec<f64>,
    pub(crate) asks: Vec<Ask>,
    /// Groups of what should be equally loud: of each the powers, as in [`Ask::of`].
    pub(crate) alike: Vec<Vec<Vec<Bands>>>,
    /// By source: gains from which to begin, in dB; those that a person has set stay.
    pub(crate) start_db: Vec<f64>,
    pub(crate) fixed: Vec<bool>,
    /// By source; without one the slope stays.
    pub(crate) tones: Vec<Option<Tone>>,
    pub(crate) spectrum: Option<Spectrum>,
    /// Where the level begins that all refer to, in LUFS.
    pub(crate) whole_lufs: f64,
    /// Cuts that could be made.
    pub(crate) cuts: Vec<Cut>,
    /// What others hide.
    pub(crate) hidden: Vec<Hidden>,
    /// Where everything stands between the loudspeakers; `None` where that is no part of the problem.
    pub(crate) image: Option<Image>,
}

/// A bell that could take something away from a source.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    pub(crate) source: usize,
    /// What a decibel of depth takes away by band, in dB.
    pub(crate) shape_db: Bands,
    /// Share of the time in which it works: 1 unless another track opens it.
    pub(crate) share: f64,
    /// The deepest, in dB.
    pub(crate) most_db: f64,
    /// Where it is decided already, in dB.
    pub(crate) fixed_db: Option<f64>,
}

/// Where everything ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Solution {
    /// By source, in dB.
    pub(crate) gains_db: Vec<f64>,
    /// By source, in dB per octave around [`PIVOT_HZ`].
    pub(crate) tilts_db_per_oct: Vec<f64>,
    /// By cut, in dB.
    pub(crate) depths_db: Vec<f64>,
    /// By place, 0 (middle) to 1 (side).
    pub(crate) places: Vec<f64>,
    /// By width, what the side is raised by in dB.
    pub(crate) sides_db: Vec<f64>,
    /// Factors on power by source and band of everything but the gain.
    pub(crate) tone: Vec<Bands>,
    /// By [`Hidden`], the share that is hidden.
    pub(crate) hidden: Vec<f64>,
    /// Right against left of the sum, in LU; 0 where places are no part of the problem.
    pub(crate) lean_lu: f64,
    /// The level that all expectations refer to, in LUFS.
    pub(crate) whole_lufs: f64,
    /// The sum that is left.
    pub(crate) cost: f64,
}

/// Variables in order: gains, slopes, the level of the whole, depths of cuts, places, widths.
#[derive(Debug, Clone, Copy)]
struct Layout {
    sources: usize,
    cuts: usize,
    places: usize,
    widths: usize,
}

impl Layout {
    fn tilt(&self, source: usize) -> usize {
        self.sources + source
    }

    fn whole(&self) -> usize {
        2 * self.sources
    }

    fn cut(&self, cut: usize) -> usize {
        self.whole() + 1 + cut
    }

    fn place(&self, place: usize) -> usize {
        self.cut(self.cuts) + place
    }

    fn width(&self, width: usize) -> usize {
        self.place(self.places) + width
    }

    fn len(&self) -> usize {
        self.width(self.widths)
    }
}

impl Model {
    fn layout(&self) -> Layout {
        let image = self.image.as_ref();
        Layout {
            sources: self.start_db.len(),
            cuts: self.cuts.len(),
            places: image.map_or(0, |image| image.places.len()),
            widths: image.map_or(0, |image| image.widths.len()),
        }
    }

    /// The minimum. Depends on neither where the gains stood nor on the order of sources.
    pub(crate) fn solve(&self) -> Solution {
        let layout = self.layout();
        let mut bounds = self.bounds(&layout);
        let start = self.start(&layout);
        let problem = newton::Problem {
            residuals: &|variables| Point::new(self, &layout, variables).residuals(),
            price: &self.price(&layout),
            longest: &bounds.iter().map(|bound| bound.longest).collect::<Vec<f64>>(),
        };
        bounds.iter_mut().zip(&start).filter(|(bound, _)| bound.stays).for_each(|(bound, at)| {
            (bound.least, bound.most) = (*at, *at);
        });
        let limits: Vec<(f64, f64)> = bounds.iter().map(|bound| (bound.least, bound.most)).collect();
        let (variables, cost) = problem.minimum(start, &limits);
        self.told(&layout, &variables, cost)
    }

    /// What the variables come to, without looking for better ones: `solution` with other depths of cuts.
    pub(crate) fn hidden_with(&self, solution: &Solution, depths_db: &[f64]) -> Vec<f64> {
        let layout = self.layout();
        let mut variables = self.start(&layout);
        variables[..layout.sources].copy_from_slice(&solution.gains_db);
        variables[layout.sources..layout.whole()].copy_from_slice(&solution.tilts_db_per_oct);
        variables[layout.whole()] = solution.whole_lufs;
        variables[layout.cut(0)..layout.place(0)].copy_from_slice(depths_db);
        variables[layout.place(0)..layout.width(0)].copy_from_slice(&solution.places);
        variables[layout.width(0)..].copy_from_slice(&solution.sides_db);
        let point = Point::new(self, &layout, &variables);
        self.hidden.iter().map(|hidden| hidden.share(&point, None)).collect()
    }

    fn told(&self, layout: &Layout, variables: &[f64], cost: f64) -> Solution {
        let point = Point::new(self, layout, variables);
        Solution {
            gains_db: variables[..layout.sources].to_vec(),
            tilts_db_per_oct: variables[layout.sources..layout.whole()].to_vec(),
            depths_db: variables[layout.cut(0)..layout.place(0)].to_vec(),
            places: variables[layout.place(0)..layout.width(0)].to_vec(),
            sides_db: variables[layout.width(0)..].to_vec(),
            tone: point.tone(),
            hidden: self.hidden.iter().map(|hidden| hidden.share(&point, None)).collect(),
            lean_lu: self.image.as_ref().map_or(0.0, |image| image.lean(&point, 0..ERB_BANDS).0),
            whole_lufs: variables[layout.whole()],
            cost,
        }
    }

    fn start(&self, layout: &Layout) -> Vec<f64> {
        let mut start = vec![0.0; layout.len()];
        start[..layout.sources].copy_from_slice(&self.start_db);
        start[layout.whole()] = self.whole_lufs;
        for (n, cut) in self.cuts.iter().enumerate() {
            start[layout.cut(n)] = cut.fixed_db.unwrap_or(0.0);
        }
        for (n, place) in self.image.iter().flat_map(|image| &image.places).enumerate() {
            start[layout.place(n)] = place.wish.min(place.most);
        }
        start
    }

    fn bounds(&self, layout: &Layout) -> Vec<Bound> {
        let bound = |least, most, longest| Bound { least, most, longest, stays: false };
        // Far from the solution sums of powers are not straight: steps are no longer than this.
        let mut bounds = vec![bound(f64::NEG_INFINITY, f64::INFINITY, 6.0); layout.len()];
        for source in 0..layout.sources {
            bounds[source].stays = self.fixed[source];
            let tilt = &mut bounds[layout.tilt(source)];
            *tilt = bound(-MOST_DB_PER_OCT, MOST_DB_PER_OCT, 1.0);
            tilt.stays = self.tones[source].is_none();
        }
        for (n, cut) in self.cuts.iter().enumerate() {
            bounds[layout.cut(n)] = Bound { stays: cut.fixed_db.is_some(), ..bound(0.0, cut.most_db, 2.0) };
        }
        if let Some(image) = &self.image {
            for (n, place) in image.places.iter().enumerate() {
                bounds[layout.place(n)] = bound(0.0, place.most, 0.2);
            }
            for (n, width) in image.widths.iter().enumerate() {
                bounds[layout.width(n)] = bound(0.0, width.most_db, 3.0);
            }
        }
        bounds
    }

    /// What a unit of each variable costs by itself.
    fn price(&self, layout: &Layout) -> Vec<f64> {
        let mut price = vec![0.0; layout.len()];
        price[layout.cut(0)..layout.place(0)].fill(PRICE_PER_DB);
        price
    }
}

/// Within what a variable stays, and how far it moves in one step.
#[derive(Debug, Clone, Copy)]
struct Bound {
    least: f64,
    most: f64,
    longest: f64,
    /// It stays where it begins.
    stays: bool,
}

#[cfg(test)]
mod tests;
