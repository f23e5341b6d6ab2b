//! What stands between the loudspeakers, as the optimiser takes it.

use super::super::pan::{Stage, Unit};
use super::super::powers::{Voiced, bands};
use super::super::width::{self, Narrow};
use super::Problem;
use crate::power::Bands;
use crate::solve::{Image, Place, Sides, Solution, Width};
use crate::{Rules, SongFacts};
use audio::db_to_power;

/// A recording that says nothing of its side has none worth speaking of, in dB.
const NO_SIDE_DB: f64 = -60.0;

impl Problem<'_> {
    fn place_of(&self, id: &str) -> Option<usize> {
        self.tracks.iter().position(|voiced| voiced.track.id == id)
    }

    /// Tracks that are narrower than such things are, with their sources.
    pub(super) fn narrow(&self, facts: &SongFacts, rules: &Rules) -> Vec<Narrow> {
        // Microphones of one source keep their picture together.
        let alone = self.tracks.iter().filter(|voiced| self.sources[voiced.source].tracks.len() == 1);
        alone.filter_map(|voiced| width::narrow(voiced.track, facts, rules)).collect()
    }

    /// Those of the stage's units that are heard.
    pub(super) fn heard_units(&self, stage: &Stage) -> Vec<Unit> {
        let heard = |unit: &Unit| {
            unit.members.iter().all(|(place, _)| self.place_of(&stage.placed()[*place].track.id).is_some())
        };
        stage.units().into_iter().filter(heard).collect()
    }

    /// Everything between the loudspeakers, as loud as a solution makes it.
    pub(super) fn image(
        &self,
        stage: &Stage,
        units: &[Unit],
        narrow: &[Narrow],
        solution: &Solution,
    ) -> Image {
        let factors = self.factors(solution);
        let loud = |(voiced, factors): (&Voiced, &Bands)| {
            let mut own = bands(voiced, &all_rows(&self.tracks));
            own.iter_mut().zip(factors).for_each(|(power, factor)| *power *= factor);
            own
        };
        let sides = |id: &str| {
            let placed = stage.placed().iter().find(|placed| placed.track.id == id);
            let middle = Sides::Point { position: 0.0, doubled: false };
            let Some(placed) = placed else { return middle };
            let stereo = placed.right_share().map(|right| {
                let side = db_to_power(placed.side_db.unwrap_or(NO_SIDE_DB));
                Sides::Stereo { right, side: side / (1.0 + side) }
            });
            stereo.or(placed.point()).unwrap_or(middle)
        };
        let place = |unit: &Unit| {
            let member = |(place, side): &(usize, f64)| {
                Some((self.place_of(&stage.placed()[*place].track.id)?, *side))
            };
            Place {
                members: unit.members.iter().filter_map(member).collect(),
                wish: unit.wish,
                spread: unit.spread,
                most: unit.most,
            }
        };
        let width = |narrow: &Narrow| {
            let source = self.tracks[self.place_of(&narrow.track)?].source;
            let Narrow { side_db, usual_db, most_db, .. } = *narrow;
            Some(Width { source, side_db, usual_db, most_db })
        };
        Image {
            sides: self.tracks.iter().map(|voiced| sides(&voiced.track.id)).collect(),
            of: self.tracks.iter().zip(&factors).map(loud).collect(),
            places: units.iter().map(place).collect(),
            widths: narrow.iter().filter_map(width).collect(),
        }
    }
}

/// The rows of the whole song.
fn all_rows(tracks: &[Voiced]) -> Vec<usize> {
    (0..tracks.iter().map(|voiced| voiced.rows.power.len()).max().unwrap_or(0)).collect()
}
