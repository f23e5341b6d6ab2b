//! What is asked of the mix: levels of parts, of all drums, of the lead against the rest, tones, and the spectrum of
//! the sum; [`crate::solve`] finds the faders and slopes that meet it best.
//!
//! Each part has an expected loudness against the others and a spread within which good mixes differ.

mod asks;
mod echoes;
mod hides;
mod places;
mod wishes;

use super::expected::{effect_lu, lead_against_rest_lu, usual_inside_db};
use super::pan::Stage;
use super::powers::{Voiced, bands, level_db, mean_powers};
use super::width;
use crate::cuts::planned;
use crate::parts::{self, DRUMS, EFFECTS, HARMONY, Part, part_of, role};
use crate::power::{Bands, Rows, busiest_third, lufs};
use crate::solve::{Model, Solution};
use crate::words::{listed, tenth};
use crate::{Rules, SongFacts};
use audio::{db_to_power, power_to_db};
use measure::ERB_BANDS;
use session::{Session, Strip};
use std::collections::BTreeMap;

/// Loudness of the busy parts of the mix before the pre-master, in LUFS: leaves headroom.
const MIX_LUFS: f64 = -18.0;
/// The mix may be so much louder to keep the lowest fader above its bound, in dB.
const LOUDER_DB: f64 = 4.0;
/// Faders stay within these, in dB.
const FADER_DB: (f64, f64) = (-20.0, 10.0);
/// How far a microphone moves against another of the same source, in dB.
const INSIDE_DB: f64 = 6.0;
/// A lead that is raised by less because it is hidden is not said to be, in LU.
const RAISED_LU: f64 = 0.25;
/// A part of several different instruments is louder than one, by so much for ten times as many, in LU.
const MANY_LU: f64 = 5.0;
/// A loop beside drums that are played by themselves, in LU, and where none of these is a snare: then it is the rest of
/// the kit.
const LOOP_LU: f64 = -9.0;
const REST_OF_KIT_LU: f64 = -6.5;
/// A hi-hat or cymbals that no microphone over the kit hears as well: programmed ones carry all of the top by themselves,
/// in LU.
const CYMBALS_ALONE_LU: f64 = -12.5;
/// Backing voices where no lead sings in at least this share of the rows, in LU.
const VOICES_ALONE_LU: f64 = -4.8;
const LEAD_SINGS: f64 = 0.1;

/// One track's level.
pub(super) struct Level<'a> {
    pub(super) track: &'a Strip,
    pub(super) part: Part,
    /// Whether its role is known.
    pub(super) known: bool,
    pub(super) lead: bool,
    /// Whether a person has set the fader.
    pub(super) fixed: bool,
    pub(super) before_db: f64,
    pub(super) fader_db: f64,
    /// What it would have been without bounds, where that differs.
    pub(super) wanted_db: Option<f64>,
    /// Where it stands on a bound: what the whole mix is off its loudness so that it gets no farther, in dB.
    pub(super) at_bound_db: Option<f64>,
    /// Loudness of its part against the mix, before, now, and as expected, in LU.
    pub(super) before_lu: f64,
    pub(super) after_lu: f64,
    pub(super) expected_lu: f64,
    /// Loudness of its source against the rough mix, in LU, where that tells.
    pub(super) rough_lu: Option<f64>,
    /// The other tracks of its part.
    pub(super) group: String,
    /// What the track's slope should be turned by, in dB per octave; 0 where nothing is known of it.
    pub(super) tilt_db_per_oct: f64,
}

/// Everything that was solved together.
pub(super) struct Balance<'a> {
    pub(super) levels: Vec<Level<'a>>,
    /// By how much the lead was raised because it was hidden, and the hidden share before and after.
    pub(super) lead_raised: Option<(f64, f64, f64)>,
    /// Where everything stands.
    pub(super) stage: Stage<'a>,
    /// What the sides of narrow tracks are raised by.
    pub(super) widths: Vec<width::Raised>,
    /// Cuts that make room for others.
    pub(super) rooms: Vec<Room>,
}

/// A cut of one track that uncovers another part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Room {
    /// The track that steps back.
    pub(crate) track: String,
    pub(crate) hz: f64,
    pub(crate) depth_db: f64,
    pub(crate) q: f64,
    /// True where it went as deep as it may.
    pub(crate) stopped: bool,
    /// The track whose playing opens the cut; `None` for one that is always there.
    pub(crate) key: Option<String>,
    /// What it is made for.
    pub(crate) part: RoomFor,
    /// The share of that which is hidden without any of these cuts, and with all of them.
    pub(crate) before: f64,
    pub(crate) after: f64,
}

/// What a cut makes room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoomFor {
    /// What the mix is about.
    Lead,
    /// The low end of the kick.
    Kick,
}

/// The gain that all faders have in common.
#[derive(Debug, Clone, Copy)]
struct Headroom {
    common_db: f64,
    /// How far that is from the mix at its loudness, so that no fader passes its bound.
    off_db: f64,
}

/// Whether a fader stands on one of its bounds, to the tenth that it is set to.
fn is_bound(fader_db: f64) -> bool {
    fader_db <= FADER_DB.0 + 0.05 || fader_db >= FADER_DB.1 - 0.05
}

/// Microphones of one source, or one track: what one variable moves.
struct Source {
    tracks: Vec<usize>,
    /// The variable's value where a person has set a fader of it.
    fixed_db: Option<f64>,
    part: usize,
}

/// Sources that are balanced as one.
struct Group {
    part: Part,
    known: bool,
    expected_lu: f64,
    sources: Vec<usize>,
    /// Mean weighted power of each track over the rows in which the part plays; 0 for tracks of other parts.
    power: Vec<Bands>,
}

/// Several parts together.
struct Sum {
    /// Mean weighted power of each track over the rows in which one of them is loud; 0 for others.
    power: Vec<Bands>,
    expected_lu: f64,
    spread_lu: f64,
}

/// The whole problem.
struct Problem<'a> {
    tracks: Vec<Voiced<'a>>,
    sources: Vec<Source>,
    groups: Vec<Group>,
    /// Mean weighted power of each track over the busy rows.
    mix: Vec<Bands>,
    /// What is expected of several parts together: all drums, all that carries the harmony.
    sums: Vec<Sum>,
    /// The lead's group, and the level it should have against all the rest, where the genre says.
    lead: Option<(usize, Option<f64>)>,
    /// Recorded echoes and reverberation, each with the sources that it repeats.
    echoes: Vec<(usize, Vec<usize>)>,
    /// By source, where a rough mix tells.
    rough: Vec<Option<wishes::Rough>>,
    facts: &'a SongFacts,
}

/// Solves the mix; `None` where nothing plays. What is still `open`, to be decided, is solved with the levels: slopes,
/// cuts, places and widths.
pub(super) fn solve<'a>(
    facts: &'a SongFacts,
    session: &'a Session,
    rules: &Rules,
    open: bool,
) -> Option<Balance<'a>> {
    let problem = Problem::new(facts, session, rules, open)?;
    let mut model = problem.model(rules);
    if !open {
        model.tones.fill(None);
    }
    // Levels alone first: sides are chosen by how loud things are, and what being hidden changes is told.
    let levels = model.solve();
    model.hidden = problem.hidden(&levels, rules);
    let faders = problem.faders(session, &model, &levels);
    let mut stage = match open {
        true => Stage::chosen(facts, session, rules, &faders),
        false => Stage::as_it_is(facts, session, rules, &faders),
    };
    let narrow = if open { problem.narrow(facts, rules) } else { Vec::new() };
    let units = if open { problem.heard_units(&stage) } else { Vec::new() };
    model.image = Some(problem.image(&stage, &units, &narrow, &levels));
    let candidates = if open { problem.candidates(facts, session, rules) } else { Vec::new() };
    model.cuts = candidates.iter().map(|candidate| candidate.cut.clone()).collect();
    let mut solution = model.solve();
    // Once more with cuts as they can be set, and with both sides as loud as the levels make them now.
    problem.choose(&mut model, &candidates, &solution);
    model.image = Some(problem.image(&stage, &units, &narrow, &solution));
    model.start_db.clone_from(&solution.gains_db);
    solution = model.solve();
    let rooms = problem.rooms(&model, &candidates, &solution);
    let lead_raised = problem.lead_raised(&model, &levels, &solution);
    let headroom = problem.headroom(&model, &solution);
    solution.gains_db.iter_mut().for_each(|db| *db += headroom.common_db);
    stage.take(&units, &solution.places);
    let raised =
        |(narrow, db): (&width::Narrow, &f64)| width::Raised { narrow: narrow.clone(), raised_db: *db };
    let widths = narrow.iter().zip(&solution.sides_db).map(raised).collect();
    let levels = problem.levels(&solution, headroom, rules);
    Some(Balance { levels, lead_raised, stage, widths, rooms })
}

impl<'a> Problem<'a> {
    fn new(facts: &'a SongFacts, session: &'a Session, rules: &Rules, open: bool) -> Option<Problem<'a>> {
        let (mut tracks, mut sources) = (Vec::new(), Vec::new());
        let planned = if open { planned(facts, session, rules) } else { BTreeMap::new() };
        for members in parts::sources(facts, session) {
            let mut own = Vec::new();
            let level = |track: &Strip| {
                let known = facts.tracks.get(&track.id).map(|known| Rows::of(known.now()));
                known.map_or(-200.0, |rows| lufs(rows.mean(&rows.loud_rows())))
            };
            let together_db = parts::together_db(&members, facts, level);
            for track in members {
                let Some(known) = facts.tracks.get(&track.id) else { continue };
                let rows = Rows::of(known.now());
                if rows.mean(&rows.loud_rows()) <= 0.0 {
                    continue;
                }
                own.push(tracks.len());
                // What is still to be placed is balanced as it stands in the middle.
                let placed = !open || rules.is_yours(&track.path().child("pan"));
                let law_db = if placed { parts::balanced_db(known.now(), track.pan) } else { 0.0 };
                let path_db = parts::path_gain_db(session, track) + together_db + law_db;
                tracks.push(Voiced {
                    track,
                    facts: known,
                    rows,
                    path_db,
                    source: sources.len(),
                    inside_db: 0.0,
                    planned: planned.get(&track.id).copied().unwrap_or([1.0; ERB_BANDS]),
                });
            }
            if !own.is_empty() {
                sources.push(Source { tracks: own, fixed_db: None, part: 0 });
            }
        }
        if tracks.is_empty() {
            return None;
        }
        let rows: Vec<Rows> = tracks.iter().map(|voiced| voiced.rows.clone()).collect();
        let busy = busiest_third(&rows);
        let mix = tracks.iter().map(|v| bands(v, &busy)).collect();
        let rough = wishes::rough_levels(facts, &tracks, &sources);
        let mut problem = Problem {
            tracks,
            sources,
            groups: Vec::new(),
            mix,
            sums: Vec::new(),
            lead: None,
            echoes: Vec::new(),
            rough,
            facts,
        };
        problem.place_inside(rules);
        problem.group(rules);
        problem.find_lead(session, rules);
        problem.find_echoes();
        Some(problem)
    }

    /// Loudness of a track, gated, with the buses behind it, in LUFS.
    fn own_lufs(&self, track: usize) -> f64 {
        let voiced = &self.tracks[track];
        lufs(voiced.rows.mean(&voiced.rows.loud_rows())) + voiced.path_db
    }

    /// Levels of microphones of one source against each other: towards what is usual, within bounds.
    fn place_inside(&mut self, rules: &Rules) {
        for source in 0..self.sources.len() {
            let members = self.sources[source].tracks.clone();
            let nearest = members.iter().copied().max_by(|a, b| {
                let usual = |t: &usize| usual_inside_db(role(self.tracks[*t].track));
                usual(a).total_cmp(&usual(b)).then(b.cmp(a))
            });
            let Some(nearest) = nearest else { continue };
            for &track in &members {
                let recorded_db = self.own_lufs(track) - self.own_lufs(nearest);
                let usual_db = usual_inside_db(role(self.tracks[track].track));
                // What no role explains was placed by whoever recorded it.
                let unexplained = parts::shared_source(role(self.tracks[track].track)).is_none();
                let moved = if unexplained { 0.0 } else { usual_db - recorded_db };
                let moved = moved.clamp(-INSIDE_DB, INSIDE_DB);
                self.tracks[track].inside_db = if track == nearest { 0.0 } else { moved };
            }
            self.sources[source].fixed_db = members.iter().find_map(|track| {
                let voiced = &self.tracks[*track];
                let yours = rules.is_yours(&voiced.track.path().child("fader_db"));
                yours.then_some(voiced.track.fader_db - voiced.inside_db)
            });
        }
    }

    /// Sources of one part together. What is not known is a part by itself.
    fn group(&mut self, rules: &Rules) {
        let mut groups: Vec<Group> = Vec::new();
        for (source, own) in self.sources.iter_mut().enumerate() {
            let role = role(self.tracks[own.tracks[0]].track);
            let (part, known) = (part_of(role), crate::roles::is_role(role) && role != crate::roles::UNKNOWN);
            // Players of one part are alike; effects are not.
            let joins = known && part.name != EFFECTS;
            let found = groups.iter().position(|group| joins && group.known && group.part.name == part.name);
            own.part = found.unwrap_or(groups.len());
            match found {
                Some(group) => groups[group].sources.push(source),
                None => groups.push(Group {
                    part,
                    known,
                    expected_lu: 0.0,
                    sources: vec![source],
                    power: Vec::new(),
                }),
            }
        }
        let single_drums = groups.iter().any(|group| group.part.drums && group.part.name != DRUMS.name);
        let backbeat = groups.iter().any(|group| matches!(group.part.name, "snare" | "claps"));
        let overheads = groups.iter().any(|group| matches!(group.part.name, "overheads" | "drum room"));
        let no_lead = !groups.iter().any(|group| group.part.name == "lead vocal" && self.sings(group));
        for group in &mut groups {
            let members: Vec<usize> =
                group.sources.iter().flat_map(|s| self.sources[*s].tracks.iter().copied()).collect();
            match group.part.name {
                "drums" if single_drums && backbeat => group.part.level_lu = LOOP_LU,
                "drums" if single_drums => group.part.level_lu = REST_OF_KIT_LU,
                "hi-hat" | "cymbals" if !overheads => group.part.level_lu = CYMBALS_ALONE_LU,
                "backing vocals" if no_lead => group.part.level_lu = VOICES_ALONE_LU,
                EFFECTS => group.part.level_lu = effect_lu(played_share(&self.tracks, &members)),
                _ => {}
            }
            // Doubles of a voice or a guitar are one part however many; an orchestra is louder than a fiddle.
            let sections = matches!(group.part.name, "keys" | "synths" | "strings" | "horns" | "percussion");
            let many = if sections { MANY_LU * (group.sources.len() as f64).log10() } else { 0.0 };
            let level_lu = group.part.level_lu + many;
            group.expected_lu = scaled_lu(level_lu, rules);
            group.power = mean_powers(&self.tracks, &members);
        }
        let ordinary_lu = middle_of_the_known(&groups);
        for group in groups.iter_mut().filter(|group| !group.known) {
            group.expected_lu = ordinary_lu.unwrap_or(group.expected_lu);
        }
        self.groups = groups;
        let drum_parts = self.groups.iter().filter(|group| group.part.drums).count();
        let drums = (drum_parts >= 2).then(|| self.sum_of(DRUMS, &|group| group.part.drums, rules)).flatten();
        let beside = self.groups.len() > self.groups.iter().filter(|group| carries_harmony(group)).count();
        let harmony = beside.then(|| self.sum_of(HARMONY, &carries_harmony, rules)).flatten();
        self.sums = drums.into_iter().chain(harmony).collect();
    }

    /// All tracks of some groups together, with the level that such a sum usually has.
    fn sum_of(&self, part: Part, belongs: &dyn Fn(&Group) -> bool, rules: &Rules) -> Option<Sum> {
        let groups = self.groups.iter().filter(|group| belongs(group));
        let sources = groups.flat_map(|group| &group.sources);
        let members: Vec<usize> = sources.flat_map(|s| self.sources[*s].tracks.iter().copied()).collect();
        let power = (!members.is_empty()).then(|| mean_powers(&self.tracks, &members))?;
        Some(Sum { power, expected_lu: scaled_lu(part.level_lu, rules), spread_lu: part.spread_lu })
    }

    /// Whether a group plays in more than a passing moment of the song.
    fn sings(&self, group: &Group) -> bool {
        let members = group.sources.iter().flat_map(|s| &self.sources[*s].tracks);
        let most = members.map(|t| self.tracks[*t].rows.active_rows().len()).max().unwrap_or(0);
        let rows = self.tracks.iter().map(|v| v.rows.active.len()).max().unwrap_or(0);
        most as f64 >= LEAD_SINGS * rows as f64
    }

    fn find_lead(&mut self, session: &Session, rules: &Rules) {
        let lead = parts::lead(session, rules);
        let group = self.groups.iter().position(|group| {
            let mut tracks = group.sources.iter().flat_map(|s| &self.sources[*s].tracks);
            tracks.any(|track| lead.iter().any(|l| l.id == self.tracks[*track].track.id))
        });
        let voice = |group: &usize| self.groups[*group].part.name == "lead vocal";
        let genre_lu = session.song.genre.as_deref().and_then(lead_against_rest_lu);
        self.lead = group.map(|group| (group, genre_lu.filter(|_| voice(&group))));
        if let Some((group, _)) = self.lead.filter(|(group, _)| !voice(group)) {
            // What the mix is about stands where a voice would, if nearly.
            let expected = self.groups[group].expected_lu.max(-5.0);
            self.groups[group].expected_lu = expected;
        }
    }

    /// Factors on power of all tracks by band.
    fn factors(&self, solution: &Solution) -> Vec<Bands> {
        let of = |v: &Voiced| {
            let gain = db_to_power(solution.gains_db[v.source]);
            solution.tone[v.source].map(|tone| gain * tone)
        };
        self.tracks.iter().map(of).collect()
    }

    /// Faders by track, in dB, with the headroom that the mix needs.
    fn faders(&self, session: &'a Session, model: &Model, solution: &Solution) -> BTreeMap<&'a str, f64> {
        let headroom_db = self.headroom(model, solution).common_db;
        let mut faders: BTreeMap<&str, f64> =
            session.tracks.iter().map(|(id, track)| (id.as_str(), track.fader_db)).collect();
        let solved = |v: &Voiced<'a>| solution.gains_db[v.source] + v.inside_db + headroom_db;
        faders.extend(self.tracks.iter().map(|v| (v.track.id.as_str(), solved(v))));
        faders
    }

    /// The common gain: the mix at its loudness, or off it where a fader would pass its bound; none where a person has
    /// set a fader.
    fn headroom(&self, model: &Model, solution: &Solution) -> Headroom {
        if model.fixed.contains(&true) {
            return Headroom { common_db: 0.0, off_db: 0.0 };
        }
        let wanted_db = MIX_LUFS - level_db(&self.mix, &self.factors(solution));
        let faders = self.tracks.iter().map(|v| solution.gains_db[v.source] + v.inside_db);
        let (lowest, highest) =
            faders.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), db| (low.min(db), high.max(db)));
        let louder_db = (FADER_DB.0 - lowest - wanted_db).clamp(0.0, LOUDER_DB);
        let common_db = (wanted_db + louder_db).min((FADER_DB.1 - highest).max(FADER_DB.0 - lowest));
        Headroom { common_db, off_db: common_db - wanted_db }
    }

    /// Loudness of a source by itself, in LUFS.
    fn source_db(&self, source: usize) -> f64 {
        let own = |t: &usize| db_to_power(self.own_lufs(*t) + self.tracks[*t].inside_db);
        power_to_db(self.sources[source].tracks.iter().map(own).sum())
    }

    /// What the lead was raised by against the others because they hid it, and its hidden share before and after.
    fn lead_raised(&self, model: &Model, before: &Solution, now: &Solution) -> Option<(f64, f64, f64)> {
        let (group, _) = self.lead?;
        let place = self.lead_hidden()?;
        let moved = |source: &usize| now.gains_db[*source] - before.gains_db[*source];
        let middle = |sources: Vec<usize>| {
            let mut all: Vec<f64> = sources.iter().map(moved).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied()
        };
        let own = &self.groups[group].sources;
        let others = (0..self.sources.len()).filter(|source| !own.contains(source)).collect();
        let raised_lu = middle(own.clone())? - middle(others)?;
        let plain = Solution {
            gains_db: before.gains_db.clone(),
            tilts_db_per_oct: before.tilts_db_per_oct.clone(),
            whole_lufs: before.whole_lufs,
            ..now.clone()
        };
        let hid = model.hidden_with(&plain, &vec![0.0; model.cuts.len()])[place];
        (raised_lu >= RAISED_LU).then_some((raised_lu, hid, now.hidden[place]))
    }

    fn levels(&self, solution: &Solution, headroom: Headroom, rules: &Rules) -> Vec<Level<'a>> {
        let wanted: Vec<f64> =
            self.tracks.iter().map(|v| solution.gains_db[v.source] + v.inside_db).collect();
        let fixed = |v: &Voiced| rules.is_yours(&v.track.path().child("fader_db"));
        let bounded: Vec<f64> = self
            .tracks
            .iter()
            .zip(&wanted)
            .map(|(v, db)| if fixed(v) { v.track.fader_db } else { tenth(db.clamp(FADER_DB.0, FADER_DB.1)) })
            .collect();
        // The levels within a source are in the powers already.
        let flat = |faders_db: Vec<f64>| -> Vec<Bands> {
            let own = self.tracks.iter().zip(faders_db);
            own.map(|(v, db)| [db_to_power(db - v.inside_db); ERB_BANDS]).collect()
        };
        let now = flat(self.tracks.iter().map(|voiced| voiced.track.fader_db).collect());
        let mut then = flat(bounded.clone());
        for (factors, voiced) in then.iter_mut().zip(&self.tracks) {
            let tone = &solution.tone[voiced.source];
            factors.iter_mut().zip(tone).for_each(|(factor, tone)| *factor *= tone);
        }
        let against_mix =
            |power: &[Bands], factors: &[Bands]| level_db(power, factors) - level_db(&self.mix, factors);
        let lead = self.lead.map(|(group, _)| group);
        // What is expected against a full band, against this one: fewer parts stand nearer to their sum.
        let fewer_lu = {
            let off = self.groups.iter().map(|g| against_mix(&g.power, &then) - g.expected_lu);
            let mut off: Vec<f64> = off.collect();
            off.sort_by(f64::total_cmp);
            off[off.len() / 2]
        };
        let level = |(place, voiced): (usize, &Voiced<'a>)| {
            let own = self.sources[voiced.source].part;
            let group = &self.groups[own];
            let others = group.sources.iter().flat_map(|s| &self.sources[*s].tracks);
            let others: Vec<String> = others
                .filter(|track| **track != place)
                .map(|track| format!("`{}`", self.tracks[*track].track.name()))
                .collect();
            Level {
                track: voiced.track,
                part: group.part,
                known: group.known,
                lead: lead == Some(own),
                fixed: fixed(voiced),
                before_db: voiced.track.fader_db,
                fader_db: bounded[place],
                at_bound_db: Some(headroom.off_db).filter(|_| is_bound(bounded[place])),
                wanted_db: Some(wanted[place]).filter(|db| *db < FADER_DB.0 - 0.1 || *db > FADER_DB.1 + 0.1),
                before_lu: against_mix(&group.power, &now),
                after_lu: against_mix(&group.power, &then),
                expected_lu: group.expected_lu + fewer_lu,
                rough_lu: self.rough[voiced.source].map(|rough| rough.level_lu),
                tilt_db_per_oct: solution.tilts_db_per_oct[voiced.source],
                group: if others.len() > 4 { format!("{} others", others.len()) } else { listed(&others) },
            }
        };
        self.tracks.iter().enumerate().map(level).collect()
    }
}

/// Whether a group accompanies with chords or lines, leads and effects apart: what is known to, and what nobody knows,
/// which most often does.
fn carries_harmony(group: &Group) -> bool {
    let name = group.part.name;
    !group.known || matches!(name, "guitars" | "keys" | "pads" | "synths" | "strings" | "horns" | "music")
}

/// Share of the song in which one of some tracks is loud.
fn played_share(tracks: &[Voiced], members: &[usize]) -> f64 {
    let all = tracks.iter().map(|voiced| voiced.rows.power.len()).max().unwrap_or(0);
    let most = members.iter().map(|track| tracks[*track].rows.loud_rows().len()).max().unwrap_or(0);
    most as f64 / all.max(1) as f64
}

/// What nobody knows is as loud as an ordinary part of this band: the middle of the parts that are known, but
/// for the lead and what is never in the foreground.
fn middle_of_the_known(groups: &[Group]) -> Option<f64> {
    let background = |name: &str| matches!(name, "effects" | "percussion" | "hi-hat" | "lead vocal");
    let known = groups.iter().filter(|group| group.known && !background(group.part.name));
    let mut levels: Vec<f64> = known.map(|group| group.expected_lu).collect();
    levels.sort_by(f64::total_cmp);
    let upper = *levels.get(levels.len() / 2)?;
    Some((upper + levels[(levels.len() - 1) / 2]) / 2.0)
}

/// An expected level by strength, which scales how far parts stand from an ordinary one.
fn scaled_lu(level_lu: f64, rules: &Rules) -> f64 {
    const ORDINARY_LU: f64 = -10.0;
    ORDINARY_LU + rules.strength * (level_lu - ORDINARY_LU)
}
