//! Levels as a least-squares problem over the faders.
//!
//! Each part has an expected loudness against the others and a spread within which good mixes differ; what is
//! minimised is the sum of squared deviations in units of the spread, over all parts, all drums together and
//! the lead against all the rest. Only ratios matter (Wilson & Fazenda, *Navigating the mix-space*, 2016): the
//! level that all expectations refer to is a variable too, and the common gain is set afterwards by headroom.
//! Loudness after a change of gains follows from band powers, without rendering.

use crate::masking::{Voice, hidden_share};
use crate::parts::{self, DRUMS, Part, part_of, role};
use crate::power::{Rows, band_shares, busiest_third, lufs};
use crate::words::{listed, tenth};
use crate::{Rules, SongFacts, TrackFacts};
use audio::{db_to_power, power_to_db};
use measure::ERB_BANDS;
use session::{Session, Strip};

/// Loudness of the busy parts of the mix before the pre-master, in LUFS: leaves headroom.
const MIX_LUFS: f64 = -18.0;
/// The mix may be so much louder to keep the lowest fader above its bound, in dB.
const LOUDER_DB: f64 = 4.0;
/// Faders stay within these, in dB.
const FADER_DB: (f64, f64) = (-20.0, 10.0);
/// How equally loud players of one part are, in LU.
const ALIKE_LU: f64 = 1.0;
/// How far a microphone moves against another of the same source, in dB.
const INSIDE_DB: f64 = 6.0;
/// From which share on a lead counts as masked, and the most it is raised for that, in LU.
const HIDDEN: f64 = 0.45;
const RAISE_LU: f64 = 2.0;
/// The most where the genre says how loud a lead is, in LU.
const RAISE_IN_GENRE_LU: f64 = 0.5;
const RAISE_STEP_LU: f64 = 0.5;
/// A part of several different instruments is louder than one, by so much for ten times as many, in LU.
const MANY_LU: f64 = 5.0;
/// A loop beside drums that are played by themselves, in LU.
const LOOP_LU: f64 = -9.0;
/// Backing voices where no lead sings in at least this share of the rows, in LU.
const VOICES_ALONE_LU: f64 = -5.0;
const LEAD_SINGS: f64 = 0.1;
/// How much the level of the lead against the rest varies within a genre, in LU.
const GENRE_SPREAD_LU: f64 = 1.5;

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
    /// Loudness of its part against the mix, before, now, and as expected, in LU.
    pub(super) before_lu: f64,
    pub(super) after_lu: f64,
    pub(super) expected_lu: f64,
    /// The other tracks of its part.
    pub(super) group: String,
}

/// All levels.
pub(super) struct Balance<'a> {
    pub(super) levels: Vec<Level<'a>>,
    /// By how much the lead was raised because it was hidden, and the hidden share before and after.
    pub(super) lead_raised: Option<(f64, f64, f64)>,
}

/// A track with its rows.
struct Voiced<'a> {
    track: &'a Strip,
    facts: &'a TrackFacts,
    rows: Rows,
    /// Gain of the buses behind its fader, in dB.
    path_db: f64,
    source: usize,
    /// Level inside its source, in dB.
    inside_db: f64,
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
    power: Vec<f64>,
}

/// The whole problem.
struct Problem<'a> {
    tracks: Vec<Voiced<'a>>,
    sources: Vec<Source>,
    groups: Vec<Group>,
    /// Mean weighted power of each track over the busy rows.
    mix: Vec<f64>,
    /// The same over the rows in which the drums play; 0 for other tracks.
    drums: Option<Vec<f64>>,
    /// The expected level of all drums, in LU.
    drums_lu: f64,
    /// The lead's group, and the level it should have against all the rest, where the genre says.
    lead: Option<(usize, Option<f64>)>,
}

/// Gain of all buses behind a strip, in dB.
pub(crate) fn path_gain_db(session: &Session, strip: &Strip) -> f64 {
    let mut gain_db = 0.0;
    let mut bus = strip.bus.as_deref().and_then(|id| session.buses.get(id));
    // Buses cannot feed themselves in a session that was read; the count only guards against one made by hand.
    for _ in 0..=session.buses.len() {
        let Some(strip) = bus else { break };
        gain_db += strip.trim_db + strip.fader_db;
        bus = strip.bus.as_deref().and_then(|id| session.buses.get(id));
    }
    gain_db
}

/// Solves the levels; `None` where nothing plays.
pub(super) fn solve<'a>(facts: &'a SongFacts, session: &'a Session, rules: &Rules) -> Option<Balance<'a>> {
    let problem = Problem::new(facts, session, rules)?;
    let mut sources_db = problem.least_squares();
    let lead_raised = problem.raise_lead(&mut sources_db, rules);
    Some(Balance { levels: problem.levels(&sources_db, rules), lead_raised })
}

impl<'a> Problem<'a> {
    fn new(facts: &'a SongFacts, session: &'a Session, rules: &Rules) -> Option<Problem<'a>> {
        let (mut tracks, mut sources) = (Vec::new(), Vec::new());
        for members in parts::sources(session) {
            let mut own = Vec::new();
            for track in members {
                let Some(known) = facts.tracks.get(&track.id) else { continue };
                let rows = Rows::of(known.now());
                if rows.active_rows().is_empty() || rows.mean(&rows.active_rows()) <= 0.0 {
                    continue;
                }
                own.push(tracks.len());
                let path_db = path_gain_db(session, track);
                tracks.push(Voiced {
                    track,
                    facts: known,
                    rows,
                    path_db,
                    source: sources.len(),
                    inside_db: 0.0,
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
        let mix = tracks.iter().map(|v| v.rows.mean(&busy) * db_to_power(v.path_db)).collect();
        let mut problem =
            Problem { tracks, sources, groups: Vec::new(), mix, drums: None, drums_lu: 0.0, lead: None };
        problem.place_inside(rules);
        problem.group(rules);
        problem.find_lead(session, rules);
        Some(problem)
    }

    /// Loudness of a track while it plays, with the buses behind it, in LUFS.
    fn own_lufs(&self, track: usize) -> f64 {
        let voiced = &self.tracks[track];
        lufs(voiced.rows.mean(&voiced.rows.active_rows())) + voiced.path_db
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
                let moved = (usual_db - recorded_db).clamp(-INSIDE_DB, INSIDE_DB);
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
            let found = groups.iter().position(|group| known && group.known && group.part.name == part.name);
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
        let no_lead = !groups.iter().any(|group| group.part.name == "lead vocal" && self.sings(group));
        for group in &mut groups {
            match group.part.name {
                "drums" if single_drums => group.part.level_lu = LOOP_LU,
                "backing vocals" if no_lead => group.part.level_lu = VOICES_ALONE_LU,
                _ => {}
            }
            // Doubles of a voice or a guitar are one part however many; an orchestra is louder than a fiddle.
            let sections = matches!(group.part.name, "keys" | "synths" | "strings" | "horns" | "percussion");
            let many = if sections { MANY_LU * (group.sources.len() as f64).log10() } else { 0.0 };
            let level_lu = group.part.level_lu + many;
            group.expected_lu = scaled_lu(level_lu, rules);
            let members: Vec<usize> =
                group.sources.iter().flat_map(|s| self.sources[*s].tracks.iter().copied()).collect();
            group.power = mean_powers(&self.tracks, &members);
        }
        let drums: Vec<usize> = groups
            .iter()
            .filter(|group| group.part.drums)
            .flat_map(|group| group.sources.iter().flat_map(|s| self.sources[*s].tracks.iter().copied()))
            .collect();
        self.drums_lu = scaled_lu(DRUMS.level_lu, rules);
        let drum_parts = groups.iter().filter(|group| group.part.drums).count();
        self.drums = (drum_parts >= 2).then(|| mean_powers(&self.tracks, &drums));
        self.groups = groups;
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
            let expected = self.groups[group].expected_lu.max(-4.0);
            self.groups[group].expected_lu = expected;
        }
    }

    /// Power factors of all tracks for variables of the sources, in dB.
    fn factors(&self, sources_db: &[f64]) -> Vec<f64> {
        self.tracks.iter().map(|v| db_to_power(sources_db[v.source] + v.inside_db)).collect()
    }

    /// The variables that least squares finds, one for each source, with the common gain of headroom.
    fn least_squares(&self) -> Vec<f64> {
        let mut variables: Vec<f64> = (0..self.sources.len())
            .map(|source| {
                let Source { fixed_db, part, .. } = &self.sources[source];
                let group = &self.groups[*part];
                let alone = group.expected_lu - power_to_db(group.sources.len() as f64) + MIX_LUFS;
                fixed_db.unwrap_or(alone - self.source_db(source))
            })
            .collect();
        let mut free: Vec<usize> =
            (0..variables.len()).filter(|source| self.sources[*source].fixed_db.is_none()).collect();
        // The last variable is the level that the expectations refer to.
        free.push(variables.len());
        variables.push(MIX_LUFS);
        for _ in 0..60 {
            let (residuals, slopes) = self.residuals(&variables);
            let step = gauss_newton(&residuals, &slopes, &free);
            let longest = step.iter().fold(0.0f64, |most, s| most.max(s.abs()));
            // Far from the solution the sums of powers are not straight: at most 6 dB at once.
            let short = (6.0 / longest.max(1e-12)).min(1.0);
            free.iter().zip(&step).for_each(|(place, step)| variables[*place] += short * step);
            if longest < 1e-6 {
                break;
            }
        }
        variables.pop();
        if self.sources.iter().all(|source| source.fixed_db.is_none()) {
            self.set_headroom(&mut variables);
        }
        variables
    }

    /// The common gain: the mix at its loudness, or lower where a fader would pass its bound.
    fn set_headroom(&self, sources_db: &mut [f64]) {
        let factors = self.factors(sources_db);
        let mix: f64 = self.mix.iter().zip(&factors).map(|(power, factor)| power * factor).sum();
        let mut common_db = MIX_LUFS - lufs(mix);
        let faders = self.tracks.iter().map(|v| sources_db[v.source] + v.inside_db);
        let (lowest, highest) =
            faders.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), db| (low.min(db), high.max(db)));
        common_db += (FADER_DB.0 - lowest - common_db).clamp(0.0, LOUDER_DB);
        common_db = common_db.min((FADER_DB.1 - highest).max(FADER_DB.0 - lowest));
        sources_db.iter_mut().for_each(|db| *db += common_db);
    }

    /// Deviations in units of their spread, and their slopes by the variables.
    fn residuals(&self, variables: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let factors = self.factors(variables);
        let level = |power: &[f64]| self.level(power, &factors);
        let last = variables.len() - 1;
        let mut reference = (variables[last], vec![0.0; variables.len()]);
        reference.1[last] = 1.0;
        let (mut residuals, mut slopes) = (Vec::new(), Vec::new());
        let mut push = |a: &(f64, Vec<f64>), b: &(f64, Vec<f64>), goal: f64, spread: f64| {
            residuals.push((a.0 - b.0 - goal) / spread);
            slopes.push(a.1.iter().zip(&b.1).map(|(a, b)| (a - b) / spread).collect::<Vec<f64>>());
        };
        for group in &self.groups {
            push(&level(&group.power), &reference, group.expected_lu, group.part.spread_lu);
        }
        if let Some(drums) = &self.drums {
            push(&level(drums), &reference, self.drums_lu, DRUMS.spread_lu);
        }
        if let Some((group, Some(goal_lu))) = self.lead {
            let lead = &self.groups[group].power;
            let rest: Vec<f64> =
                self.mix.iter().zip(lead).map(|(all, own)| if *own > 0.0 { 0.0 } else { *all }).collect();
            if rest.iter().any(|power| *power > 0.0) {
                push(&level(lead), &level(&rest), goal_lu, GENRE_SPREAD_LU);
            }
        }
        for group in self.groups.iter().filter(|group| group.sources.len() > 1) {
            let own: Vec<f64> = group.sources.iter().map(|s| self.source_db(*s) + variables[*s]).collect();
            let mean = own.iter().sum::<f64>() / own.len() as f64;
            for (source, db) in group.sources.iter().zip(&own) {
                let mut slope = vec![0.0; variables.len()];
                group.sources.iter().for_each(|s| slope[*s] -= 1.0 / (own.len() as f64 * ALIKE_LU));
                slope[*source] += 1.0 / ALIKE_LU;
                residuals.push((db - mean) / ALIKE_LU);
                slopes.push(slope);
            }
        }
        (residuals, slopes)
    }

    /// Loudness of a source by itself, in LUFS.
    fn source_db(&self, source: usize) -> f64 {
        let own = |t: &usize| db_to_power(self.own_lufs(*t) + self.tracks[*t].inside_db);
        power_to_db(self.sources[source].tracks.iter().map(own).sum())
    }

    /// Level in LUFS of powers under factors, and its slope by the variables (the shares of the sources).
    fn level(&self, power: &[f64], factors: &[f64]) -> (f64, Vec<f64>) {
        let sum: f64 = power.iter().zip(factors).map(|(p, f)| p * f).sum();
        let mut slope = vec![0.0; self.sources.len() + 1];
        for ((voiced, power), factor) in self.tracks.iter().zip(power).zip(factors) {
            slope[voiced.source] += power * factor / sum.max(1e-300);
        }
        (lufs(sum), slope)
    }

    /// Raises a lead that is hidden though it is as loud as usual.
    fn raise_lead(&self, sources_db: &mut [f64], rules: &Rules) -> Option<(f64, f64, f64)> {
        let (group, genre_lu) = self.lead?;
        let lead: Vec<usize> = self.groups[group].sources.clone();
        if lead.iter().any(|source| self.sources[*source].fixed_db.is_some()) {
            return None;
        }
        let is_lead = |voiced: &Voiced| lead.contains(&voiced.source);
        let mut weights = [0.0; ERB_BANDS];
        for voiced in self.tracks.iter().filter(|voiced| is_lead(voiced)) {
            let analysis = voiced.facts.now();
            for ((weight, share), hz) in
                weights.iter_mut().zip(band_shares(analysis)).zip(&analysis.erb.centres_hz)
            {
                // Words are carried between 1 and 5 kHz.
                *weight += share * if (1_000.0..5_000.0).contains(hz) { 2.0 } else { 1.0 };
            }
        }
        let hidden = |raised_db: f64| {
            let (mut own, mut others) = (Vec::new(), Vec::new());
            for voiced in &self.tracks {
                let gain_db = sources_db[voiced.source] + voiced.inside_db + voiced.path_db;
                let lead = is_lead(voiced);
                let raise = if lead { raised_db } else { 0.0 };
                let voice = Voice::new(voiced.facts.now(), gain_db + raise);
                if lead { own.push(voice) } else { others.push(voice) }
            }
            hidden_share(&own, &others, &weights)
        };
        let before = hidden(0.0)?;
        let most = genre_lu.map_or(RAISE_LU, |_| RAISE_IN_GENRE_LU) * rules.strength.clamp(0.0, 2.0);
        let (mut raised, mut after) = (0.0, before);
        while after > HIDDEN && raised + RAISE_STEP_LU <= most {
            raised += RAISE_STEP_LU;
            after = hidden(raised)?;
        }
        if raised == 0.0 {
            return None;
        }
        lead.iter().for_each(|source| sources_db[*source] += raised);
        if self.sources.iter().all(|source| source.fixed_db.is_none()) {
            self.set_headroom(sources_db);
        }
        Some((raised, before, after))
    }

    fn levels(&self, sources_db: &[f64], rules: &Rules) -> Vec<Level<'a>> {
        let now: Vec<f64> = self.tracks.iter().map(|voiced| db_to_power(voiced.track.fader_db)).collect();
        let wanted: Vec<f64> = self.tracks.iter().map(|v| sources_db[v.source] + v.inside_db).collect();
        let fixed = |v: &Voiced| rules.is_yours(&v.track.path().child("fader_db"));
        let bounded: Vec<f64> = self
            .tracks
            .iter()
            .zip(&wanted)
            .map(|(v, db)| if fixed(v) { v.track.fader_db } else { tenth(db.clamp(FADER_DB.0, FADER_DB.1)) })
            .collect();
        let then: Vec<f64> = bounded.iter().map(|db| db_to_power(*db)).collect();
        let against_mix =
            |power: &[f64], factors: &[f64]| self.level(power, factors).0 - self.level(&self.mix, factors).0;
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
                wanted_db: Some(wanted[place]).filter(|db| *db < FADER_DB.0 - 0.1 || *db > FADER_DB.1 + 0.1),
                before_lu: against_mix(&group.power, &now),
                after_lu: against_mix(&group.power, &then),
                expected_lu: group.expected_lu + fewer_lu,
                group: if others.len() > 4 { format!("{} others", others.len()) } else { listed(&others) },
            }
        };
        self.tracks.iter().enumerate().map(level).collect()
    }
}

/// An expected level by strength, which scales how far parts stand from an ordinary one.
fn scaled_lu(level_lu: f64, rules: &Rules) -> f64 {
    const ORDINARY_LU: f64 = -10.0;
    ORDINARY_LU + rules.strength * (level_lu - ORDINARY_LU)
}

/// Mean powers of some tracks over the rows in which any of them plays; 0 for the others.
fn mean_powers(tracks: &[Voiced], members: &[usize]) -> Vec<f64> {
    let length = members.iter().map(|t| tracks[*t].rows.active.len()).max().unwrap_or(0);
    let rows: Vec<usize> =
        (0..length).filter(|row| members.iter().any(|t| tracks[*t].rows.is_active(*row))).collect();
    let power = |track: usize| tracks[track].rows.mean(&rows) * db_to_power(tracks[track].path_db);
    (0..tracks.len()).map(|track| if members.contains(&track) { power(track) } else { 0.0 }).collect()
}

/// Usual level of a microphone against the nearest of its source, in dB (engineering practice).
fn usual_inside_db(role: &str) -> f64 {
    match role {
        "kick_in" | "snare_top" => 0.0,
        "kick" | "snare" => -0.5,
        "kick_out" => -3.0,
        "kick_sub" => -6.0,
        "snare_side" => -4.0,
        "snare_bottom" => -7.0,
        _ => 0.0,
    }
}

/// Loudness of the lead against all the rest by genre, in LU. The order of genres is that of Gerdes &
/// Siedenburg (JASA Express Letters 2023).
fn lead_against_rest_lu(genre: &str) -> Option<f64> {
    const GENRES: &[(&str, f64)] = &[
        ("country", 3.0),
        ("singer", 3.0),
        ("rap", 2.5),
        ("hip", 2.5),
        ("r&b", 2.0),
        ("soul", 2.0),
        ("metal", -2.5),
        ("rock", 0.0),
        ("edm", -1.0),
        ("electronic", -1.0),
        ("choir", -2.0),
        ("ambient", -2.0),
        ("pop", 1.5),
    ];
    let genre = genre.to_lowercase();
    GENRES.iter().find(|(name, _)| genre.contains(name)).map(|(_, lu)| *lu)
}

/// The step of Gauss and Newton over the free variables, held near where nothing else holds it.
fn gauss_newton(residuals: &[f64], slopes: &[Vec<f64>], free: &[usize]) -> Vec<f64> {
    /// The common gain changes no residual; a little weight keeps it where it is.
    const HELD: f64 = 1e-6;
    let size = free.len();
    let mut rows: Vec<Vec<f64>> = free
        .iter()
        .enumerate()
        .map(|(place, a)| {
            let normal = |b: &usize| slopes.iter().map(|slope| slope[*a] * slope[*b]).sum::<f64>();
            let mut row: Vec<f64> = free.iter().map(normal).collect();
            row[place] += HELD;
            row.push(-slopes.iter().zip(residuals).map(|(slope, r)| slope[*a] * r).sum::<f64>());
            row
        })
        .collect();
    // Elimination without exchange: the matrix is symmetric and positive definite.
    for pivot in 0..size {
        for below in pivot + 1..size {
            let factor = rows[below][pivot] / rows[pivot][pivot];
            for column in pivot..=size {
                let above = rows[pivot][column];
                rows[below][column] -= factor * above;
            }
        }
    }
    let mut step = vec![0.0; size];
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| rows[row][column] * step[column]).sum();
        step[row] = (rows[row][size] - known) / rows[row][row];
    }
    step
}
