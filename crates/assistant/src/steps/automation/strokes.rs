//! One stroke that stands far above the other hard ones is taken down by hand: alone it would eat the room of
//! every limiter behind it.

use crate::levels::at;
use crate::parts::{role, sources};
use crate::steps::dynamics::strokes_db;
use crate::words::{clock, listed, tenth};
use crate::{Rules, SongFacts};
use session::{Decision, Session, StepId, Strip, Value};

/// So many strokes tell what is usual.
const LEAST_STROKES: usize = 8;
/// Louder than the middle one of the harder half by this is too loud, in dB: accents are softer.
const TOO_LOUD_DB: f64 = 4.5;
/// It may stay this much louder, in dB.
const LEFT_DB: f64 = 1.0;
/// The most that a stroke is taken down, in dB.
const MOST_DB: f64 = 8.0;
/// At most so many: what happens more often is the part.
const MOST_STROKES: usize = 3;
/// The fader is down from so long before the onset until so long after it, and moves this long, in seconds.
const BEFORE_S: f64 = 0.03;
const AFTER_S: f64 = 0.25;
const MOVE_S: f64 = 0.02;
const BACK_S: f64 = 0.15;

/// Dips of the faders of all microphones of a drum at its strokes that stick out.
pub(super) fn dips(facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for source in sources(facts, session) {
        let Some((nearest, hot)) = source.iter().find_map(|track| Some((*track, hot(track, facts)?))) else {
            continue;
        };
        for track in &source {
            let path = track.path().child("automation").child("fader_db");
            if track.lanes.is_empty()
                && !rules.is_yours(&path)
                && !rules.is_yours(&track.path().child("fader_db"))
            {
                decisions.push(dip(track, nearest, &hot, rules));
            }
        }
    }
    decisions
}

/// Strokes that stick out: onset in seconds, and excess in dB; `None` where there are none.
fn hot(track: &Strip, facts: &SongFacts) -> Option<Vec<(f64, f64)>> {
    let strokes = strokes_db(facts.tracks.get(&track.id)?.now(), role(track))?;
    if strokes.len() < LEAST_STROKES {
        return None;
    }
    let mut levels: Vec<f64> = strokes.iter().map(|(_, level)| *level).collect();
    levels.sort_by(f64::total_cmp);
    let hard = at(&levels, 0.75)?;
    let over = strokes.iter().map(|(time_s, level)| (*time_s, level - hard));
    let hot: Vec<(f64, f64)> = over.filter(|(_, over)| *over > TOO_LOUD_DB).collect();
    (!hot.is_empty() && hot.len() <= MOST_STROKES).then_some(hot)
}

fn dip(track: &Strip, nearest: &Strip, hot: &[(f64, f64)], rules: &Rules) -> Decision {
    let mut points: Vec<(f64, f64)> = Vec::new();
    let fader_db = track.fader_db;
    let mut told = Vec::new();
    for (time_s, over_db) in hot {
        let down_db = tenth(((over_db - LEFT_DB) * rules.strength.clamp(0.0, 1.0)).min(MOST_DB));
        let start_s = (time_s - BEFORE_S - MOVE_S).max(0.0);
        let millis = |s: f64| (s * 1000.0).round() / 1000.0;
        points.retain(|(at_s, _)| *at_s < start_s);
        points.push((millis(start_s), fader_db));
        points.push((millis(start_s + MOVE_S), tenth(fader_db - down_db)));
        points.push((millis(time_s + AFTER_S), tenth(fader_db - down_db)));
        points.push((millis(time_s + AFTER_S + BACK_S), fader_db));
        told.push(format!("{} ({over_db:+.1} dB, taken down by {down_db:.1})", clock(*time_s)));
    }
    let most = hot.iter().map(|(_, over)| *over).fold(0.0, f64::max);
    let strokes = if hot.len() == 1 { "One stroke stands" } else { "Some strokes stand" };
    let heard =
        if nearest.id == track.id { String::new() } else { format!(", heard on `{}`", nearest.name()) };
    let why = format!("{strokes} above the other hard ones{heard}: at {}.", listed(&told));
    let path = track.path().child("automation").child("fader_db");
    Decision::set(StepId::Automation, path, Value::points(points), why)
        .noted(format!("one stroke {most:+.1} dB"))
        .measured("highest stroke against the other hard ones", most, "dB")
        .sure(0.75)
        .costs("the accent of that stroke")
        .unless("that stroke is the accent of the song")
}
