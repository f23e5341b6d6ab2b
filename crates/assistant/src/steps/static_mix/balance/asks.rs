//! The problem as the optimiser takes it: what is wished of levels, of tone, and of the spectrum of the sum.

use super::super::powers::{Voiced, mean_powers, mean_powers_alone};
use super::wishes::ranges_of_references;
use super::{Group, MIX_LUFS, Problem, Source};
use crate::Rules;
use crate::parts::role;
use crate::power::{Bands, weight};
use crate::solve::{Against, Ask, Model, Range, Spectrum};
use audio::{db_to_power, power_to_db};
use measure::ERB_BANDS;

/// How equally loud players of one part are, in LU.
const ALIKE_LU: f64 = 1.0;
/// How far a printed echo or reverberation lies under all that it repeats, in LU: what listeners preferred of wet sound
/// against dry (Pestana & Reiss, *Intelligent audio production strategies informed by best practices*, AES 53rd
/// conference, 2014), and how far that varies between ballads and dense songs (engineering practice).
pub(super) const ECHO_LU: f64 = -9.0;
const ECHO_SPREAD_LU: f64 = 3.0;
/// How much the level of the lead against the rest varies within a genre, in LU.
const GENRE_SPREAD_LU: f64 = 1.5;

/// A range that lies farther than this under the others is one in which nothing plays, in dB: no fader helps that.
const EMPTY_DB: f64 = 20.0;

impl Problem<'_> {
    /// The problem as the optimiser takes it.
    pub(super) fn model(&self, rules: &Rules) -> Model {
        let tone = |source: &Source| {
            let track = &self.tracks[*source.tracks.first()?];
            let free = source.tracks.iter().all(|t| crate::tone::may_be_tilted(self.tracks[*t].track, rules));
            let facts = &track.facts.now().facts;
            crate::tone::slope(role(track.track), facts).filter(|_| free)
        };
        let alike = self.alike();
        Model {
            sources: self.tracks.iter().map(|voiced| voiced.source).collect(),
            centres_hz: self.centres_hz(),
            asks: self.asks(&alike),
            alike,
            start_db: (0..self.sources.len()).map(|source| self.start_db(source)).collect(),
            fixed: self.sources.iter().map(|source| source.fixed_db.is_some()).collect(),
            tones: self.sources.iter().map(tone).collect(),
            spectrum: self.spectrum(),
            whole_lufs: MIX_LUFS,
            cuts: Vec::new(),
            hidden: Vec::new(),
            image: None,
        }
    }

    pub(super) fn centres_hz(&self) -> Vec<f64> {
        let known = self.tracks.iter().map(|voiced| &voiced.facts.now().erb.centres_hz);
        let mut centres = known.into_iter().find(|hz| hz.len() == ERB_BANDS).cloned().unwrap_or_default();
        // Without bands everything lies at the pivot, where slopes do nothing.
        centres.resize(ERB_BANDS, crate::solve::PIVOT_HZ);
        centres
    }

    /// Players of one part: powers of each of them.
    fn alike(&self) -> Vec<Vec<Vec<Bands>>> {
        let several = self.groups.iter().filter(|group| group.sources.len() > 1);
        several.map(|group| group.sources.iter().map(|source| self.alone(*source)).collect()).collect()
    }

    /// Everything that is wished of levels.
    fn asks(&self, alike: &[Vec<Vec<Bands>>]) -> Vec<Ask> {
        let of_whole = |power: &[Bands], goal_lu: f64, spread_lu: f64| Ask {
            of: power.to_vec(),
            against: Against::Whole,
            goal_lu,
            spread_lu,
        };
        let of_group = |group: &Group| of_whole(&group.power, group.expected_lu, group.part.spread_lu);
        // An echo is held against what it repeats, not against the whole.
        let echo = |group: &Group| self.echoes.iter().any(|(echo, _)| group.sources == [*echo]);
        let mut asks: Vec<Ask> = self.groups.iter().filter(|group| !echo(group)).map(of_group).collect();
        asks.extend(self.sums.iter().map(|sum| of_whole(&sum.power, sum.expected_lu, sum.spread_lu)));
        if let Some((group, Some(goal_lu))) = self.lead {
            let lead = &self.groups[group].power;
            let own = |bands: &Bands| bands.iter().any(|power| *power > 0.0);
            let rest = self.mix.iter().zip(lead);
            let rest: Vec<Bands> =
                rest.map(|(all, lead)| if own(lead) { [0.0; ERB_BANDS] } else { *all }).collect();
            if rest.iter().any(own) {
                let (of, against) = (lead.clone(), Against::Tracks(rest));
                asks.push(Ask { of, against, goal_lu, spread_lu: GENRE_SPREAD_LU });
            }
        }
        asks.extend(self.rough_asks());
        for (group, all) in alike.iter().enumerate() {
            asks.extend(all.iter().map(|of| Ask {
                of: of.clone(),
                against: Against::Alike(group),
                goal_lu: 0.0,
                spread_lu: ALIKE_LU,
            }));
        }
        let all = |repeated: &[usize]| -> Vec<usize> {
            repeated.iter().flat_map(|source| self.sources[*source].tracks.iter().copied()).collect()
        };
        asks.extend(self.echoes.iter().map(|(echo, repeated)| Ask {
            of: self.alone(*echo),
            against: Against::Tracks(mean_powers(&self.tracks, &all(repeated))),
            goal_lu: ECHO_LU,
            spread_lu: ECHO_SPREAD_LU,
        }));
        asks
    }

    /// Powers of one source, where it is loud itself.
    pub(super) fn alone(&self, source: usize) -> Vec<Bands> {
        mean_powers_alone(&self.tracks, &self.sources[source].tracks)
    }

    /// The spectrum that is expected of the sum, that of the references or else the usual one: third octaves of 45 freely licensed released recordings around
    /// these centres, middle and deviation, in dB. Asked for where so many parts play beside the drums that the sum is
    /// a band's.
    fn spectrum(&self) -> Option<Spectrum> {
        const BAND: usize = 3;
        const USUAL: [(f64, f64, f64); 7] = [
            (100.0, 4.0, 5.0),
            (200.0, 4.0, 4.0),
            (400.0, 2.0, 4.0),
            (800.0, 1.0, 4.0),
            (1_600.0, -2.0, 3.0),
            (3_200.0, -5.0, 4.0),
            (6_400.0, -10.0, 7.5),
        ];
        if self.groups.iter().filter(|group| !group.part.drums).count() < BAND {
            return None;
        }
        let centres = self.centres_hz();
        let unweighted = |bands: &Bands| {
            let mut bands = *bands;
            bands.iter_mut().zip(&centres).for_each(|(power, hz)| *power /= weight(*hz).max(1e-9));
            bands
        };
        let range = |(hz, level_db, spread_db): (f64, f64, f64)| Range {
            low_hz: hz / std::f64::consts::SQRT_2,
            high_hz: hz * std::f64::consts::SQRT_2,
            level_db,
            spread_db,
        };
        let of: Vec<Bands> = self.mix.iter().map(unweighted).collect();
        let ranges = ranges_of_references(self.facts, USUAL.map(range).to_vec());
        let levels_db: Vec<f64> = ranges.iter().map(|range| self.start_level_db(&of, range)).collect();
        let middle_db = {
            let mut sorted = levels_db.clone();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        };
        let played = ranges.into_iter().zip(levels_db).filter(|(_, db)| *db > middle_db - EMPTY_DB);
        Some(Spectrum { of, ranges: played.map(|(range, _)| range).collect() })
    }

    /// Level of a range against what is usual, in dB, with every part as loud as it is expected to be.
    fn start_level_db(&self, of: &[Bands], range: &Range) -> f64 {
        let centres = self.centres_hz();
        let inside = |hz: f64| (range.low_hz..range.high_hz).contains(&hz);
        let power = |(voiced, power): (&Voiced, &Bands)| {
            let own = power.iter().zip(&centres).filter(|(_, hz)| inside(**hz)).map(|(power, _)| power);
            own.sum::<f64>() * db_to_power(self.start_db(voiced.source))
        };
        power_to_db(self.tracks.iter().zip(of).map(power).sum::<f64>().max(1e-30)) - range.level_db
    }

    /// The gain at which a source is as loud as is expected of it, or as a person has set it, in dB.
    fn start_db(&self, source: usize) -> f64 {
        let Source { fixed_db, part, .. } = &self.sources[source];
        let group = &self.groups[*part];
        let alone = group.expected_lu - power_to_db(group.sources.len() as f64) + MIX_LUFS;
        fixed_db.unwrap_or(alone - self.source_db(source))
    }
}
