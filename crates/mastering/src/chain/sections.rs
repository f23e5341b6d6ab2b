//! Step 13: what is out of tone in the loud parts only, or in the quiet parts only, is moved there only.
//!
//! The thirds of the song, by loudness, are each held against the target at equal loudness. Where the loud and the quiet third
//! miss it by amounts that differ by more than 2 dB, no equaliser that stands still can be right for both; a dynamic one whose
//! threshold lies between the levels that the band has in both moves the third that is out.

use super::{hundredth, insert, setting};
use crate::curve::at;
use crate::matching::bands::limit_db;
use crate::matching::portrait::{Portrait, SECTIONS, mean_of, thirds};
use crate::{Goal, MasterFacts, MasterStep};
use audio::power_to_db;
use dsp::{Kind, Values};
use measure::{Analysis, ToneSeries};
use session::{Change, Decision, Session, StepId};

/// Loud and quiet parts differ when what they miss differs by more, in dB.
const DIFFER_DB: f64 = 2.0;
/// The level of a band must differ by this from quiet to loud for a threshold to tell them apart, in dB.
const APART_DB: f64 = 3.0;
/// Part of the spread in which nothing is corrected, and part of the rest that is, as for the tone.
const DEAD_ZONE: f64 = 0.7;
const STRENGTH: f64 = 0.5;
/// The most that a band moves, and the least that is worth it, in dB.
const MOST_DB: f64 = 3.0;
const LEAST_DB: f64 = 0.5;
/// Bands at most: more would be another mix.
const MOST_BANDS: usize = 2;
/// Centres of the bands in hertz, an octave and a half apart; each reads an octave.
const CENTRES_HZ: [f64; 5] = [80.0, 250.0, 800.0, 2_500.0, 8_000.0];
const HALF_OCTAVE: f64 = std::f64::consts::SQRT_2 * 1.02;
/// Narrowness of the bells: about an octave and a half.
const Q: f64 = 1.0;
/// Attack and release in milliseconds: with the phrase, not with the beat.
const TIMES_MS: (f64, f64) = (80.0, 400.0);
/// A sine at full scale is 0 dB to the equaliser and -3.01 dB in mean square.
const SINE_DB: f64 = 3.01;
const ID: &str = "sections";

/// Moves bands where the song is loud, or where it is quiet.
pub(crate) struct Sections;

/// What the thirds of a song miss of the target around one centre, in dB beyond what records vary, and how loud the band is in
/// each, in dBFS.
#[derive(Debug, Clone, PartialEq)]
struct Centre {
    hz: f64,
    outside_db: [f64; SECTIONS],
    level_db: [f64; SECTIONS],
    /// How much the references vary there, in dB; infinite without any.
    spread_db: f64,
    /// How far it may be moved, in dB.
    limit_db: f64,
}

/// A band that is moved.
#[derive(Debug, Clone, PartialEq)]
struct Band {
    centre: Centre,
    /// Whether it moves where the song is loud, else where it is quiet.
    loud: bool,
    range_db: f64,
}

fn soft(db: f64, zone: f64) -> f64 {
    db.signum() * (db.abs() - zone).max(0.0)
}

/// What each band of each third misses of the target and the spread there; nothing where either does not play.
fn missing(mix: &Portrait, facts: &MasterFacts, goal: &Goal) -> Vec<(f64, [Option<f64>; SECTIONS], f64)> {
    let songs = facts.references.iter().filter(|r| r.weight > 0.0 && goal.matching.tone > 0.0);
    let songs: Vec<(Portrait, f64)> =
        songs.filter_map(|r| Some((Portrait::of(&r.analysis)?, r.weight))).collect();
    let theirs = mean_of(&songs);
    let each = mix.bands.iter().enumerate().map(|(n, band)| {
        let aim = |section: usize| match &theirs {
            Some(theirs) => theirs.bands[n].level_db[section],
            None => at(goal.curve, band.hz).map(|a| a.0),
        };
        let spread = match &theirs {
            Some(theirs) => Some(theirs.bands[n].spread_db),
            None => at(goal.curve, band.hz).map(|a| a.1),
        };
        let missing = std::array::from_fn(|s| Some(aim(s)? - band.level_db[s]?));
        (band.hz, missing, spread.unwrap_or(f64::INFINITY))
    });
    let mut all: Vec<_> = each.collect();
    // Each third by itself at equal level from 200 Hz to 4 kHz.
    for section in 0..SECTIONS {
        let middle = all.iter().filter(|b| (200.0..=4_000.0).contains(&b.0));
        let mut middle: Vec<f64> = middle.filter_map(|b| b.1[section]).collect();
        middle.sort_by(f64::total_cmp);
        let level = middle.get(middle.len() / 2).copied().unwrap_or(0.0);
        all.iter_mut().for_each(|b| b.1[section] = b.1[section].map(|db| db - level));
    }
    all
}

/// Mean level of an octave in each third, in dBFS.
fn level_db(tone: &ToneSeries, parts: &[Vec<usize>; SECTIONS], hz: f64) -> [f64; SECTIONS] {
    let around: Vec<usize> = (0..tone.hz.len()).filter(|&n| near(tone.hz[n], hz)).collect();
    let power = |stretch: usize| -> f64 {
        around.iter().map(|&n| f64::from(tone.mid[stretch][n]) + f64::from(tone.side[stretch][n])).sum()
    };
    std::array::from_fn(|s| {
        let sum: f64 = parts[s].iter().map(|&n| power(n)).sum();
        power_to_db(sum / parts[s].len().max(1) as f64)
    })
}

fn near(band_hz: f64, hz: f64) -> bool {
    (hz / HALF_OCTAVE..=hz * HALF_OCTAVE).contains(&band_hz)
}

fn centres(heard: &Analysis, facts: &MasterFacts, goal: &Goal) -> Option<Vec<Centre>> {
    let portrait = Portrait::of(heard)?;
    let parts = thirds(&heard.tone)?;
    let missing = missing(&portrait, facts, goal);
    let one = |hz: f64| {
        let around: Vec<_> = missing.iter().filter(|b| near(b.0, hz)).collect();
        let mut outside_db = [0.0; SECTIONS];
        for (section, outside) in outside_db.iter_mut().enumerate() {
            let of: Vec<f64> =
                around.iter().filter_map(|b| Some(soft(b.1[section]?, DEAD_ZONE * b.2))).collect();
            if of.is_empty() {
                return None;
            }
            *outside = of.iter().sum::<f64>() / of.len() as f64;
        }
        let varies = around.iter().map(|b| b.2).sum::<f64>() / around.len() as f64;
        let spread_db = if facts.references.is_empty() { f64::INFINITY } else { varies };
        let level_db = level_db(&heard.tone, &parts, hz);
        Some(Centre { hz, outside_db, level_db, spread_db, limit_db: MOST_DB })
    };
    Some(CENTRES_HZ.into_iter().filter_map(one).collect())
}

/// How far the match lets the band be moved yet, in dB: what its curve moves already counts.
fn room_db(session: &Session, centre: &Centre, strength: f64) -> f64 {
    let limit = limit_db(centre.spread_db, strength);
    let Some(curve) = insert(session, "match").filter(|_| centre.spread_db.is_finite()) else {
        return f64::INFINITY;
    };
    let place = |item: usize| {
        let of = |field: &str| setting(curve, &format!("points.{item}.{field}"));
        of("freq_hz").zip(of("gain_db"))
    };
    let items = curve.values.groups.first().map_or(0, Vec::len);
    let moved = (0..items).filter_map(place).filter(|(hz, _)| near(*hz, centre.hz));
    (limit - moved.fold(0.0, |most: f64, (_, gain)| most.max(gain.abs()))).max(0.0)
}

fn bands(heard: &Analysis, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Band> {
    let most_db = MOST_DB * goal.strength;
    let strength = if facts.references.is_empty() { STRENGTH * goal.strength } else { goal.matching.tone };
    let one = |mut centre: Centre| {
        let most_db = most_db.min(room_db(session, &centre, goal.matching.tone));
        centre.limit_db = most_db;
        let (quiet, loud) = (centre.outside_db[0], centre.outside_db[SECTIONS - 1]);
        let apart = centre.level_db[SECTIONS - 1] - centre.level_db[0];
        if (loud - quiet).abs() <= DIFFER_DB || apart < APART_DB {
            return None;
        }
        let at_loud = loud.abs() >= quiet.abs();
        // What both miss is the business of an equaliser that stands still.
        let common = if loud * quiet > 0.0 { loud.abs().min(quiet.abs()) } else { 0.0 };
        let own = if at_loud { loud } else { quiet };
        let range_db = hundredth((strength * soft(own, common)).clamp(-most_db, most_db));
        (range_db.abs() >= LEAST_DB).then_some(Band { centre, loud: at_loud, range_db })
    };
    let mut found: Vec<Band> = centres(heard, facts, goal).into_iter().flatten().filter_map(one).collect();
    found.sort_by(|a, b| b.range_db.abs().total_cmp(&a.range_db.abs()));
    found.truncate(MOST_BANDS);
    found.sort_by(|a, b| a.centre.hz.total_cmp(&b.centre.hz));
    found
}

fn settings(kind: &'static Kind, bands: &[Band]) -> Values {
    let mut values = Values::neutral(kind);
    for band in bands {
        let item = values.push(kind, "bands").expect("the equaliser has bands");
        let name = |field: &str| format!("bands.{item}.{field}");
        let (quiet, loud) = (band.centre.level_db[0], band.centre.level_db[SECTIONS - 1]);
        let threshold = 0.5 * (quiet + loud) + SINE_DB;
        // Wholly out at the level that the band has in the third it is for.
        let slope = (band.range_db.abs() / (0.5 * (loud - quiet))).min(0.95);
        for (field, value) in [
            ("freq_hz", band.centre.hz),
            ("q", Q),
            ("range_db", band.range_db),
            ("threshold_db", hundredth(threshold.clamp(-80.0, 0.0))),
            ("ratio", hundredth(1.0 / (1.0 - slope))),
            ("knee_db", 3.0),
            ("attack_ms", TIMES_MS.0),
            ("release_ms", TIMES_MS.1),
        ] {
            values.set(kind, &name(field), value).expect("a setting of a band");
        }
        let trigger = if band.loud { "above" } else { "below" };
        values.set_choice(kind, &name("trigger"), trigger).expect("a trigger");
    }
    values
}

fn decision(kind: &'static Kind, bands: &[Band], session: &Session, heard: &str) -> Decision {
    let told = bands.iter().map(|band| {
        let (at, other) = if band.loud { (SECTIONS - 1, 0) } else { (0, SECTIONS - 1) };
        let word = |db: f64| if db > 0.0 { "too little" } else { "too much" };
        let (here, there) = (band.centre.outside_db[at], band.centre.outside_db[other]);
        format!(
            "{:+.1} dB around {:.0} Hz where the song is {}: there it has {:.1} dB {} beyond what varies, elsewhere {:.1} dB {}",
            band.range_db,
            band.centre.hz,
            if band.loud { "loud" } else { "quiet" },
            here.abs(),
            word(here),
            there.abs(),
            word(there),
        )
    });
    let why = format!("{}.{heard}", told.collect::<Vec<_>>().join("; "));
    let change = Change::insert(&session.master.strip.path(), ID, kind, &settings(kind, bands));
    let decision = Decision::new(StepId::MasteringEq, change, why)
        .sure(0.5)
        .costs("a tone that moves with the level")
        .unless("an arrangement that is meant to change its colour");
    bands.iter().fold(decision, |d, band| {
        let name = |which: &str| format!("missing around {:.0} Hz in {which} parts", band.centre.hz);
        d.measured(name("quiet"), band.centre.outside_db[0], "dB").measured(
            name("loud"),
            band.centre.outside_db[SECTIONS - 1],
            "dB",
        )
    })
}

impl MasterStep for Sections {
    fn id(&self) -> StepId {
        StepId::MasteringEq
    }

    fn decide(&self, facts: &MasterFacts, session: &Session, goal: &Goal) -> Vec<Decision> {
        let Some(kind) = dsp::kind("dynamic_eq").filter(|_| !facts.finished(goal)) else { return Vec::new() };
        let bands = bands(facts.now.as_ref().unwrap_or(&facts.premaster), facts, session, goal);
        if bands.is_empty() { Vec::new() } else { vec![decision(kind, &bands, session, "")] }
    }

    /// A bell reaches beyond its octave and a phrase has levels of its own: the range is drawn to what was heard to move.
    fn revise(
        &self,
        before: &Analysis,
        facts: &MasterFacts,
        session: &Session,
        goal: &Goal,
    ) -> Vec<Decision> {
        let Some(now) = insert(session, ID).and(facts.now.as_ref()) else { return Vec::new() };
        let Some(kind) = dsp::kind("dynamic_eq") else { return Vec::new() };
        let mut bands = bands(before, facts, session, goal);
        let Some(after) = centres(now, facts, goal) else { return Vec::new() };
        let mut missed = String::new();
        for band in &mut bands {
            let Some(is) = after.iter().find(|c| c.hz == band.centre.hz) else { continue };
            // Against the other third: what moved in both is level, not tone.
            let (at, other) = if band.loud { (SECTIONS - 1, 0) } else { (0, SECTIONS - 1) };
            let apart = |c: &Centre| c.outside_db[other] - c.outside_db[at];
            let moved = apart(is) - apart(&band.centre);
            let ratio = band.range_db / if moved * band.range_db > 0.0 { moved } else { 0.5 * band.range_db };
            if (ratio - 1.0).abs() > 0.25 {
                let range = hundredth(
                    (band.range_db * ratio.clamp(0.5, 2.0))
                        .clamp(-band.centre.limit_db, band.centre.limit_db),
                );
                if range != band.range_db {
                    missed +=
                        &format!(" {moved:+.1} dB were heard around {:.0} Hz at first.", band.centre.hz);
                    band.range_db = range;
                }
            }
        }
        if missed.is_empty() { Vec::new() } else { vec![decision(kind, &bands, session, &missed)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TARGET;
    use measure::Facts;

    const HZ: [f64; 28] = [
        31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0,
        1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0, 10_000.0, 12_500.0,
        16_000.0,
    ];

    /// A song on the target curve whose loud stretches are `louder` dB above the quiet ones and off by `loud(hz)`.
    fn song(louder: f64, loud: impl Fn(f64) -> f64) -> MasterFacts {
        let mut tone = ToneSeries { stretch_s: 3.0, hz: HZ.to_vec(), ..ToneSeries::default() };
        for stretch in 0..12 {
            let part = f64::from(stretch / 4) / 2.0;
            let power = |hz: f64| {
                let curve = at(TARGET, hz).expect("on the curve").0;
                audio::db_to_power(curve - 40.0 + part * (louder + loud(hz))) as f32
            };
            tone.mid.push(HZ.iter().map(|hz| power(*hz)).collect());
            tone.side.push(vec![0.0; HZ.len()]);
        }
        let facts = Facts { sample_rate_hz: 48_000.0, ..Facts::default() };
        MasterFacts { premaster: Analysis { facts, tone, ..Analysis::default() }, ..MasterFacts::default() }
    }

    fn goal() -> Goal {
        Goal::new(Some(-14.0), -1.0)
    }

    fn decide(facts: &MasterFacts) -> Vec<Decision> {
        Sections.decide(facts, &Session::new(), &goal())
    }

    fn hump(hz: f64) -> f64 {
        10.0 * (-((hz / 2_500.0f64).log2() / 0.7).powi(2)).exp()
    }

    #[test]
    fn a_song_that_keeps_its_tone_or_its_level_is_left_alone() {
        assert!(decide(&song(10.0, |_| 0.0)).is_empty());
        assert!(decide(&song(10.0, |hz| 0.3 * hump(hz))).is_empty(), "within what records vary");
        // As loud in both: no threshold can tell them apart, but where the band itself is louder.
        assert!(decide(&MasterFacts::default()).is_empty());
    }

    #[test]
    fn harshness_of_the_loud_parts_is_cut_there_only() {
        let facts = song(8.0, hump);
        let decisions = decide(&facts);
        assert_eq!(decisions.len(), 1);
        assert!(decisions[0].why.contains("around 2500 Hz where the song is loud"), "{}", decisions[0].why);
        let bands = bands(&facts.premaster, &facts, &Session::new(), &goal());
        let band = &bands[0];
        assert!(band.range_db < -LEAST_DB && band.range_db >= -MOST_DB && band.loud, "{band:?}");
        let values = settings(dsp::kind("dynamic_eq").expect("it is there"), &bands);
        let kind = dsp::kind("dynamic_eq").expect("it is there");
        let threshold = values.get(kind.address("bands.0.threshold_db").expect("a threshold"));
        let [quiet, _, loud] = band.centre.level_db;
        assert!(threshold - SINE_DB > quiet && threshold - SINE_DB < loud, "{quiet} {threshold} {loud}");
        let bold = Goal { strength: 1.5, ..goal() };
        let harder = super::bands(&facts.premaster, &facts, &Session::new(), &bold);
        assert!(harder[0].range_db < band.range_db, "{harder:?}");
    }
}
