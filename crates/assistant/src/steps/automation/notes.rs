//! Notes of a person, answered: a setting for all of the song, or a lane where the note names a place.
//!
//! Every answer is bounded, and undone by taking the note out. What cannot be answered is told
//! ([`unanswered`]) and kept.

use super::gain_lane::{Pulse, moved};
use crate::parts::is_point;
use crate::power::{Rows, lufs};
use crate::rack::{Band, settings};
use crate::wishes::{Range, Wish, wishes};
use crate::words::{clock, signed_db, tenth};
use crate::{Rules, SongFacts};
use dsp::processors::width;
use session::{Change, Decision, LaneTarget, Note, Path, Session, StepId, Strip, StripClass, Value};

/// How far an answer goes when the note says no more, and at most: level, a bell and a shelf, a send (dB); place (of 100);
/// width (percent).
const LEVEL_DB: (f64, f64) = (3.0, 6.0);
const TONE_DB: (f64, f64) = (3.0, 5.0);
const SEND_DB: (f64, f64) = (4.0, 8.0);
const SIDE: (f64, f64) = (25.0, 50.0);
const WIDTH_PERCENT: (f64, f64) = (25.0, 50.0);
/// Narrowness of a bell.
const Q: f64 = 1.2;
/// A note that only says where it begins lasts so long, in seconds.
const LASTS_S: f64 = 4.0;
/// A first send into a space, in dB.
const FIRST_SEND_DB: f64 = -15.0;
/// A send that is closed, in dB.
const CLOSED_DB: f64 = -60.0;
/// The insert that answers what a note says of tone.
const EQ: &str = "noted";

/// From and to of a note, in seconds; `None` for all of the song.
fn span(note: &Note) -> Option<(f64, f64)> {
    note.from_s.map(|from_s| (from_s, note.to_s.unwrap_or(from_s + LASTS_S)))
}

fn place(note: &Note) -> String {
    match span(note) {
        Some((from_s, to_s)) => format!("from {} to {}", clock(from_s), clock(to_s)),
        None => "all through".to_string(),
    }
}

/// Strips that may carry notes.
fn noted(session: &Session) -> impl Iterator<Item = &Strip> {
    let strips = session.strips().filter(|strip| strip.class != StripClass::Master);
    strips.filter(|strip| !strip.notes.is_empty())
}

/// Answers to all notes; `decided` are the decisions of this step so far, on whose lanes they rest.
pub(super) fn answers(
    facts: &SongFacts,
    session: &Session,
    rules: &Rules,
    mut decided: Vec<Decision>,
) -> Vec<Decision> {
    for strip in noted(session) {
        for note in &strip.notes {
            for (wish, amount) in wishes(&note.text) {
                let answer = Answer { strip, note, amount, facts, session, rules };
                let Ok(new) = answer.to(wish, &decided) else { continue };
                new.into_iter().for_each(|decision| joined(&mut decided, decision));
            }
        }
    }
    decided
}

/// Adds an answer; what was decided about the same is a part of it, with its reason.
fn joined(decided: &mut Vec<Decision>, mut answer: Decision) {
    if let Some(place) = decided.iter().position(|old| old.change.path() == answer.change.path()) {
        let old = decided.remove(place);
        answer.why = format!("{} {}", old.why, answer.why);
        answer.evidence = [old.evidence, answer.evidence].concat();
    }
    decided.push(answer);
}

/// A note that nothing answers: the strip, the note, and why.
pub fn unanswered(session: &Session, rules: &Rules) -> Vec<(String, Note, String)> {
    let facts = SongFacts::default();
    let mut left = Vec::new();
    for strip in noted(session) {
        for note in &strip.notes {
            let wanted = wishes(&note.text);
            if wanted.is_empty() {
                left.push((strip.id.clone(), note.clone(), "its words are not understood".to_string()));
            }
            for (wish, amount) in wanted {
                let answer = Answer { strip, note, amount, facts: &facts, session, rules };
                left.extend(answer.to(wish, &[]).err().map(|why| (strip.id.clone(), note.clone(), why)));
            }
        }
    }
    left
}

struct Answer<'a> {
    strip: &'a Strip,
    note: &'a Note,
    amount: f64,
    facts: &'a SongFacts,
    session: &'a Session,
    rules: &'a Rules,
}

type Answered = Result<Vec<Decision>, String>;

impl Answer<'_> {
    fn to(&self, wish: Wish, decided: &[Decision]) -> Answered {
        match wish {
            Wish::Level => self.level(decided),
            Wish::Tone(range) => self.tone(&range, decided),
            Wish::Space => self.space(decided),
            Wish::Width => self.width(decided),
            Wish::Side => self.side(decided),
        }
    }

    fn size(&self, (usual, most): (f64, f64)) -> f64 {
        tenth((usual * self.amount).clamp(-most, most))
    }

    fn free(&self, path: &Path) -> Result<(), String> {
        match self.rules.is_yours(path) {
            true => Err(format!("you have set `{path}` yourself")),
            false => Ok(()),
        }
    }

    fn decision(&self, change: Change, done: &str, measured: (&str, f64, &str), costs: &str) -> Decision {
        let why = format!(
            "You noted \"{}\" {}: {done} ({} {:.1} {}).",
            self.note.text,
            place(self.note),
            measured.0,
            measured.1,
            measured.2
        );
        let notes = self.strip.path().child("notes");
        Decision::new(StepId::Automation, change, why.replace(" )", ")"))
            .noted(format!("noted: {}", self.note.text))
            .measured(measured.0, measured.1, measured.2)
            .sure(0.8)
            .costs(costs)
            .unless(format!("the note is taken out: `tonmeister set {notes}=`"))
    }

    /// Moves a setting of the strip: its value for all of the song, or its lane where the note is meant.
    fn shift(
        &self,
        key: &str,
        lane: (&Path, &LaneTarget),
        now: f64,
        by: f64,
        bounds: (f64, f64),
        decided: &[Decision],
    ) -> Result<(Change, Option<f64>), String> {
        let (name, target) = lane;
        let lane_path = self.strip.path().child("automation").join(name);
        let own = self.strip.path().join(&key.parse::<Path>().map_err(|error| error.to_string())?);
        let lane: Option<Vec<(f64, f64)>> = decided
            .iter()
            .find(|decision| *decision.change.path() == lane_path)
            .and_then(|decision| match &decision.change {
                Change::Set { value, .. } => points(value),
                _ => None,
            })
            .or_else(|| {
                let lane = self.strip.lanes.iter().find(|lane| lane.target == *target)?;
                Some(lane.points.iter().map(|point| (point.time_s, point.value)).collect())
            });
        if span(self.note).is_none() && lane.is_none() {
            self.free(&own)?;
            let standing = decided.iter().find(|decision| *decision.change.path() == own);
            let now = standing.and_then(|decision| number(&decision.change)).unwrap_or(now);
            let value = tenth((now + by).clamp(bounds.0, bounds.1));
            return Ok((Change::Set { path: own, value: value.into() }, Some(value)));
        }
        self.free(&lane_path)?;
        let pulse = Pulse { span_s: span(self.note), by };
        let points = moved(&lane.unwrap_or_else(|| vec![(0.0, now)]), &pulse, bounds);
        Ok((Change::Set { path: lane_path, value: Value::points(points) }, None))
    }

    fn level(&self, decided: &[Decision]) -> Answered {
        let by = self.size(LEVEL_DB);
        let fader = (&Path::new(["fader_db"]), &LaneTarget::Fader);
        let (lowest, highest) = (session::fields::FADER.min, session::fields::FADER.max);
        let (change, value) =
            self.shift("fader_db", fader, self.strip.fader_db, by, (lowest, highest), decided)?;
        let to = value.map_or(String::new(), |db| format!(", to {}", signed_db(db)));
        let done = format!("the fader goes {}{to}", signed_db(by));
        let costs = format!("the solved balance: it stands {} off it", signed_db(by));
        Ok(vec![self.decision(change, &done, self.loudness(), &costs)])
    }

    /// How loud it is there, before its fader; without measurements, where the fader stood.
    fn loudness(&self) -> (&'static str, f64, &'static str) {
        let known = self.facts.tracks.get(&self.strip.id).map(|known| Rows::of(known.now()));
        let level = known.and_then(|rows| {
            let (from_s, to_s) = span(self.note).unwrap_or((0.0, f64::INFINITY));
            let within = |row: &usize| (from_s..to_s).contains(&(*row as f64 * 0.05));
            let there: Vec<usize> = rows.active_rows().into_iter().filter(within).collect();
            (!there.is_empty()).then(|| lufs(rows.mean(&there)))
        });
        match level {
            Some(level) => ("it plays there at", level, "LUFS before its fader"),
            None => ("its fader stood at", self.strip.fader_db, "dB"),
        }
    }

    /// The third octave of a range that stands out most against its neighbours; without measurements, the middle.
    fn frequency(&self, range: &Range) -> (f64, f64) {
        let middle = (range.low_hz * range.high_hz).sqrt();
        let Some(known) = self.facts.tracks.get(&self.strip.id) else { return (middle, 0.0) };
        let bands = &known.now().facts.third_octave_db;
        let level = |place: usize| bands.get(place).and_then(|band| band.db);
        let stands_out = |place: usize| {
            let beside = [place.checked_sub(2), Some(place + 2)].map(|place| place.and_then(level));
            let [Some(below), Some(above)] = beside else { return None };
            Some((bands[place].hz, level(place)? - (below + above) / 2.0))
        };
        let within =
            (0..bands.len()).filter(|place| (range.low_hz..=range.high_hz).contains(&bands[*place].hz));
        within.filter_map(stands_out).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((middle, 0.0))
    }

    fn tone(&self, range: &Range, decided: &[Decision]) -> Answered {
        let by = self.size(TONE_DB);
        let (hz, excess_db) = if range.shelf { (range.low_hz, 0.0) } else { self.frequency(range) };
        let insert = self.strip.path().child("insert").child(EQ);
        let band_path = insert.child("bands").child(range.name);
        self.free(&band_path)?;
        let mut band = match range.shelf {
            true => Band::high_shelf(range.name, hz, by),
            false => Band::bell(range.name, hz, by, Q),
        };
        let first = self.strip.insert(EQ).is_none()
            && !decided.iter().any(|decision| insert.contains(decision.change.path()));
        let what = if range.shelf { "above" } else { "around" };
        let done = format!("{} {what} {hz:.0} Hz", signed_db(by));
        let measured = match range.shelf {
            true => ("the corner is", hz, "Hz"),
            false => ("that third octave stands out by", excess_db, "dB"),
        };
        let costs = "what else of it lies there";
        let Some(span_s) = span(self.note) else {
            let change = band.change(self.strip, EQ, first);
            return Ok(vec![self.decision(change, &done, measured, costs)]);
        };
        // The band stands there all through and moves where it is meant.
        band.gain_db = 0.0;
        let lane = Path::new(["automation", "insert", EQ, "bands", range.name, "gain_db"]);
        let path = self.strip.path().join(&lane);
        self.free(&path)?;
        let pulse = Pulse { span_s: Some(span_s), by };
        let standing = decided.iter().find(|decision| *decision.change.path() == path);
        let before = standing.and_then(|decision| match &decision.change {
            Change::Set { value, .. } => points(value),
            _ => None,
        });
        let lane = moved(&before.unwrap_or_else(|| vec![(0.0, 0.0)]), &pulse, (-TONE_DB.1, TONE_DB.1));
        let mut all = Vec::new();
        if standing.is_none() {
            all.push(self.decision(band.change(self.strip, EQ, first), &done, measured, costs));
        }
        let change = Change::Set { path, value: Value::points(lane) };
        all.push(self.decision(change, &done, measured, costs));
        Ok(all)
    }

    /// The return with a reverb that it is sent to, or the first there is.
    fn reverb(&self) -> Option<(&Strip, Option<f64>)> {
        let reverberates = |strip: &&Strip| {
            strip.inserts.iter().any(|i| matches!(i.kind.id, "reverb" | "plate" | "convolution_reverb"))
        };
        let sent = self.strip.sends.iter().find_map(|send| {
            let to = self.session.returns.get(&send.to).filter(reverberates)?;
            Some((to, Some(send.level_db)))
        });
        sent.or_else(|| self.session.returns.values().find(reverberates).map(|to| (to, None)))
    }

    fn space(&self, decided: &[Decision]) -> Answered {
        if !matches!(self.strip.class, StripClass::Track | StripClass::Bus) {
            return Err("only tracks and buses are sent into a space".into());
        }
        let (to, level_db) = self.reverb().ok_or("the mix has no reverb to send it to")?;
        let by = self.size(SEND_DB);
        let key = format!("{}_db", to.id);
        let bounds = (session::fields::SEND.min, 6.0);
        let costs = if by > 0.0 { "some clearness: it moves back" } else { "some depth: it moves forward" };
        let own = self.strip.path().child("sends").child(&key);
        let Some(level_db) = level_db else {
            if by < 0.0 {
                return Err("it is sent to no reverb; what is heard is in the recording".into());
            }
            self.free(&own)?;
            let stands = if span(self.note).is_some() { CLOSED_DB } else { FIRST_SEND_DB };
            let done = format!("it is sent to `{}` at {FIRST_SEND_DB:.0} dB", to.id);
            let measured = ("sends it had", 0.0, "");
            let mut all =
                vec![self.decision(Change::Set { path: own, value: stands.into() }, &done, measured, costs)];
            if let Some(span_s) = span(self.note) {
                let pulse = Pulse { span_s: Some(span_s), by: FIRST_SEND_DB - CLOSED_DB };
                let lane = self.strip.path().join(&Path::new(["automation", "send", key.as_str()]));
                let value = Value::points(moved(&[(0.0, CLOSED_DB)], &pulse, bounds));
                all.push(self.decision(Change::Set { path: lane, value }, &done, measured, costs));
            }
            return Ok(all);
        };
        let lane = (&Path::new(["send", key.as_str()]), &LaneTarget::Send(to.id.clone()));
        let (change, _) = self.shift(&format!("sends.{key}"), lane, level_db, by, bounds, decided)?;
        let done = format!("its send to `{}` goes {}", to.id, signed_db(by));
        Ok(vec![self.decision(change, &done, ("the send stood at", level_db, "dB"), costs)])
    }

    fn width(&self, _: &[Decision]) -> Answered {
        let point = self.facts.tracks.get(&self.strip.id).is_some_and(|known| is_point(known.now()));
        let mono = point || (self.strip.class == StripClass::Track && self.is_one_mono_file());
        if mono {
            return Err("it is mono, and has no width that could be turned".into());
        }
        if span(self.note).is_some() {
            return Err("width is set for all of the song; leave the time out".into());
        }
        let insert = self.strip.path().child("insert").child("noted_width");
        self.free(&insert)?;
        let percent = (100.0 + self.size(WIDTH_PERCENT)).round();
        let values = settings(&width::KIND, &[("width_percent", percent)], &[]);
        let change = Change::insert(&self.strip.path(), "noted_width", &width::KIND, &values);
        let done = format!("its side signal goes to {percent:.0} %");
        let side = self.facts.tracks.get(&self.strip.id).and_then(|known| known.now().facts.side_mid_db);
        let costs = if percent > 100.0 { "some of it in mono" } else { "some of its width" };
        Ok(vec![self.decision(
            change,
            &done,
            ("its side against its middle was", side.unwrap_or(0.0), "dB"),
            costs,
        )])
    }

    fn is_one_mono_file(&self) -> bool {
        let channels = self.facts.tracks.get(&self.strip.id).map(|known| known.raw.facts.channels);
        channels == Some(1)
    }

    fn side(&self, decided: &[Decision]) -> Answered {
        if self.strip.class == StripClass::Premaster {
            return Err("the whole mix has no place between the loudspeakers".into());
        }
        let by = self.size(SIDE).round();
        let lane = (&Path::new(["pan"]), &LaneTarget::Pan);
        let (change, _) = self.shift("pan", lane, self.strip.pan, by, (-100.0, 100.0), decided)?;
        let done = format!("it moves {:.0} to the {}", by.abs(), if by > 0.0 { "right" } else { "left" });
        let costs = "the solved balance of both sides";
        Ok(vec![self.decision(change, &done, ("it stood at", self.strip.pan, "of 100"), costs)])
    }
}

fn number(change: &Change) -> Option<f64> {
    match change {
        Change::Set { value: Value::Number(number), .. } => Some(*number),
        _ => None,
    }
}

/// The breakpoints of a lane's value.
fn points(value: &Value) -> Option<Vec<(f64, f64)>> {
    let Value::List(items) = value else { return None };
    let point = |item: &Value| match item {
        Value::List(pair) => match &pair[..] {
            [Value::Number(time_s), Value::Number(value)] => Some((*time_s, *value)),
            _ => None,
        },
        _ => None,
    };
    items.iter().map(point).collect()
}
