//! Between the loudspeakers: where single tracks stand, how loud both sides are, how wide the sum is.
//!
//! Positions are those of the pan law, from -1 (left) over 0 (middle) to 1 (right): a mono track gives `cos^2` and
//! `sin^2` of an angle to left and right, so that its power does not depend on its place. What the law of stereo files takes
//! from a point on two equal channels is made good by its fader afterwards.

use super::point::{Point, Sloped, beyond, minus};
use crate::power::Bands;
use audio::{db_to_power, power_to_db};
use measure::ERB_BANDS;
use std::f64::consts::{FRAC_PI_4, SQRT_2};
use std::ops::Range;

/// How far both sides of a mix differ in loudness, in LU, and how far they may in an octave above 200 Hz, in dB.
const LEAN_LU: f64 = 0.2;
const OCTAVE_LEAN_DB: f64 = 2.0;
const OCTAVES_HZ: [f64; 5] = [200.0, 400.0, 800.0, 1_600.0, 3_200.0];
/// Side against middle of released recordings, in dB (45 freely licensed ones, octaves from 120 Hz to 8 kHz), and how
/// far around it is style.
const USUAL_SIDE_DB: f64 = -5.0;
const STYLE_DB: f64 = 3.0;
const SIDE_SPREAD_DB: f64 = 10.0;
const SIDE_HZ: (f64, f64) = (250.0, 8_000.0);
/// At least this share of every power counts for each side, and for middle and side: 30 dB are as good as nothing.
const LEAST_SHARE: f64 = 1e-3;
/// How far the usual width of a role varies, in dB.
const WIDTH_SPREAD_DB: f64 = 3.0;

/// How a track comes out of both loudspeakers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sides {
    /// A point, which stands here unless a place moves it.
    Point {
        /// -1 to 1.
        position: f64,
        /// Recorded on two equal channels, of which the law of stereo files turns one down.
        doubled: bool,
    },
    /// A stereo recording: shares of its power on the right, and in its side.
    Stereo { right: f64, side: f64 },
}

/// Tracks that move out to the sides together.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Tracks, each with its side: -1 left, 1 right.
    pub(crate) members: Vec<(usize, f64)>,
    /// Where they usually stand, 0 to 1, how far that varies, and the farthest.
    pub(crate) wish: f64,
    pub(crate) spread: f64,
    pub(crate) most: f64,
}

/// A stereo source that is narrower than such things are.
#[derive(Debug, Clone)]
pub(crate) struct Width {
    pub(crate) source: usize,
    /// Side against middle, now and as is usual, and the most the side may be raised by, in dB.
    pub(crate) side_db: f64,
    pub(crate) usual_db: f64,
    pub(crate) most_db: f64,
}

impl Width {
    /// Share of the power in the side.
    fn share(&self) -> f64 {
        let ratio = db_to_power(self.side_db);
        ratio / (1.0 + ratio)
    }

    /// Power gained by raising the side, in dB.
    pub(super) fn power_db(&self, raised_db: f64) -> f64 {
        let side = self.share();
        power_to_db(1.0 - side + side * db_to_power(raised_db))
    }

    /// The slope of that.
    pub(super) fn slope(&self, raised_db: f64) -> f64 {
        let side = self.share() * db_to_power(raised_db);
        side / (1.0 - self.share() + side)
    }
}

/// Everything between the loudspeakers.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// By track.
    pub(crate) sides: Vec<Sides>,
    /// Mean weighted powers over the song, by track and band, behind faders that were solved before: a side that is
    /// too loud is a matter of places, not of levels.
    pub(crate) of: Vec<Bands>,
    pub(crate) places: Vec<Place>,
    pub(crate) widths: Vec<Width>,
}

type Deviation = (f64, Vec<f64>, f64);

impl Image {
    /// Where a point stands, as an angle from the middle, and the variable that moves it with the angle's slope by it;
    /// `None` for what is no point.
    pub(super) fn angle(&self, point: &Point, track: usize) -> Option<(f64, Option<(usize, f64)>)> {
        let Sides::Point { position, doubled } = self.sides[track] else { return None };
        let found = self.places.iter().enumerate().find_map(|(n, place)| {
            let (_, side) = place.members.iter().find(|(member, _)| *member == track)?;
            Some((point.layout.place(n), *side))
        });
        let turned = |position: f64| if doubled { turned_down(position) } else { (position, 1.0) };
        Some(match found {
            Some((variable, side)) => {
                let (position, slope) = turned(side * point.variables[variable]);
                (position * FRAC_PI_4, Some((variable, side * slope * FRAC_PI_4)))
            }
            None => (turned(position).0 * FRAC_PI_4, None),
        })
    }

    /// Right against left, in dB, and its slopes.
    pub(super) fn lean(&self, point: &Point, bands: Range<usize>) -> Sloped {
        // Share on the right of a point: sin^2 of the angle from the left loudspeaker.
        let right = |angle: f64| ((1.0 + (2.0 * angle).sin()) / 2.0, (2.0 * angle).cos());
        minus(
            self.summed(point, bands.clone(), &right, &|right, _| (right, 0.0)),
            &self.summed(point, bands, &|angle| mirrored(right(angle)), &|right, _| (1.0 - right, 0.0)),
        )
    }

    /// Side against middle of the sum, in dB, and its slopes.
    fn side(&self, point: &Point) -> Sloped {
        let bands = point.bands_between(SIDE_HZ.0, SIDE_HZ.1);
        let side = |angle: f64| ((1.0 - (2.0 * angle).cos()) / 2.0, (2.0 * angle).sin());
        minus(
            self.summed(point, bands.clone(), &side, &|_, side| (side, side)),
            &self.summed(point, bands, &|angle| mirrored(side(angle)), &|_, side| (1.0 - side, 0.0)),
        )
    }

    /// Level of a part of all tracks' powers: of points by their angle, with its slope; of stereo recordings by their
    /// shares of the right and of the side, with its slope by the level of the side.
    fn summed(
        &self,
        point: &Point,
        bands: Range<usize>,
        of_point: &dyn Fn(f64) -> (f64, f64),
        of_stereo: &dyn Fn(f64, f64) -> (f64, f64),
    ) -> Sloped {
        let mut slope = point.nothing();
        let mut sum = 1e-30;
        for (track, sides) in self.sides.iter().enumerate() {
            let all: f64 = self.of[track][bands.clone()].iter().sum();
            // Nothing at all on one side would make a ratio that depends on how loud the other is.
            let floored = |share: f64| LEAST_SHARE + (1.0 - LEAST_SHARE) * share;
            let (share, moves) = match sides {
                Sides::Stereo { right, side } => {
                    let (raised_db, variable) = self.raised(point, point.model.sources[track]);
                    let (share, slope) = of_stereo(*right, *side);
                    let raised = slope * (db_to_power(raised_db) - 1.0);
                    (floored(share + raised), variable.map(|v| (v, slope + raised)))
                }
                Sides::Point { .. } => {
                    let (angle, place) = self.angle(point, track).unwrap_or((0.0, None));
                    let (share, slope) = of_point(angle);
                    // Levels are logarithms of powers.
                    let slope = slope * 10.0 / std::f64::consts::LN_10;
                    (floored(share), place.map(|(variable, by)| (variable, by * slope)))
                }
            };
            sum += share * all;
            if let Some((variable, by)) = moves {
                slope[variable] += (1.0 - LEAST_SHARE) * by * all;
            }
        }
        slope.iter_mut().for_each(|slope| *slope /= sum);
        (power_to_db(sum), slope)
    }

    /// What the side of a stereo source is raised by, in dB, and the variable that says so.
    fn raised(&self, point: &Point, source: usize) -> (f64, Option<usize>) {
        let Some(n) = self.widths.iter().position(|width| width.source == source) else {
            return (0.0, None);
        };
        let variable = point.layout.width(n);
        (point.variables[variable], Some(variable))
    }

    pub(super) fn residuals(&self, point: &Point) -> Vec<Deviation> {
        let (lean, slope) = self.lean(point, 0..ERB_BANDS);
        let mut all = vec![(lean, slope, LEAN_LU)];
        for hz in OCTAVES_HZ {
            let (lean, slope) = self.lean(point, point.bands_between(hz, 2.0 * hz));
            let (beyond, slope) = beyond(lean, slope, -OCTAVE_LEAN_DB, OCTAVE_LEAN_DB);
            all.push((beyond, slope, OCTAVE_LEAN_DB));
        }
        let (side, slope) = self.side(point);
        let (beyond, slope) = beyond(side - USUAL_SIDE_DB, slope, -STYLE_DB, STYLE_DB);
        all.push((beyond, slope, SIDE_SPREAD_DB));
        let mut alone = |variable: usize, value: f64, spread: f64| {
            let mut slope = point.nothing();
            slope[variable] = 1.0;
            all.push((value, slope, spread));
        };
        for (n, place) in self.places.iter().enumerate() {
            let variable = point.layout.place(n);
            alone(variable, point.variables[variable] - place.wish, place.spread);
        }
        for (n, width) in self.widths.iter().enumerate() {
            let variable = point.layout.width(n);
            let side_db = width.side_db + point.variables[variable];
            alone(variable, side_db - width.usual_db, WIDTH_SPREAD_DB);
        }
        all
    }
}

/// Where a point on two equal channels stands when the law of stereo files is at a position, as the position of the law of
/// mono files that gives both loudspeakers the same ratio, and its slope: one channel stays, the other falls as
/// `sqrt(2) cos` of the law's angle.
fn turned_down(position: f64) -> (f64, f64) {
    let angle = (1.0 + position.abs().min(1.0)) * FRAC_PI_4;
    let low = SQRT_2 * angle.cos();
    let slope = SQRT_2 * angle.sin() * FRAC_PI_4 / (1.0 + low * low);
    let turned = 1.0f64.atan2(low) - FRAC_PI_4;
    ((turned / FRAC_PI_4).copysign(position), slope / FRAC_PI_4)
}

/// The other part of a power, with its slope.
fn mirrored((share, slope): (f64, f64)) -> (f64, f64) {
    (1.0 - share, -slope)
}
