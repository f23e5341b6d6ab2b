//! Step 10: does the mix hold elsewhere? Mono, both loudspeakers, the low end; what does not is mended where
//! that is safe, and found for the report.

use crate::finding::Finding;
use crate::parts::{heard, lead, role};
use crate::words::{listed, place};
use crate::{Hears, Rules, SongFacts, Step};
use dsp::Values;
use measure::Facts;
use session::{Change, Decision, Session, StepId, Strip};
use std::collections::BTreeMap;

use super::static_mix::{Stage, steered};

mod sections;

pub use sections::{LeadInSection, holders, lead_and_rest, lead_by_section, lower_by_db};

/// Two unrelated channels lose 3.01 dB in mono; a track that loses more works against itself.
const TRACK_LOSS_DB: f64 = 3.3;
/// The least loss that is mended, in dB: below it narrowing costs more than it brings.
const MENDED_LOSS_DB: f64 = 4.0;
/// Losses of the lead and of the mix that are told, in dB.
const LEAD_LOSS_DB: f64 = 1.0;
const MIX_LOSS_DB: f64 = 1.5;
/// Right against left that is heard as leaning, in dB.
const LEAN_DB: f64 = 0.5;
/// Right against left that is mended, in dB: below it the weighting of loudness decides what leans.
const MENDED_LEAN_DB: f64 = 1.0;
/// Correlation below which a mix is too wide.
const CORRELATION: f64 = 0.2;
/// Correlation that the low end should have, and where it ends, in hertz.
const LOW_CORRELATION: f64 = 0.9;
const LOW_HZ: f64 = 125.0;
/// A bass with less of its energy than this between 200 and 800 Hz is not heard on a telephone, in dB.
const BASS_HARMONICS_DB: f64 = -14.0;

/// Checks.
pub(crate) struct Checks;

impl Step for Checks {
    fn id(&self) -> StepId {
        StepId::Checks
    }

    fn hears(&self, _: &Session) -> Hears {
        Hears::Mix
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let mut decisions: Vec<Decision> =
            heard(session).filter_map(|track| narrower(track, now(facts, track)?)).collect();
        decisions.extend(even_sides(facts, session, rules));
        decisions.retain(|decision| !rules.is_yours(decision.change.path()));
        decisions
    }
}

fn now<'a>(facts: &'a SongFacts, track: &Strip) -> Option<&'a Facts> {
    Some(&facts.tracks.get(&track.id)?.now().facts)
}

/// What does not hold elsewhere, whether it could be mended or not. The mix first, then track by track.
pub fn findings(facts: &SongFacts, session: &Session) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut tell = |what: &str, track: Option<&Strip>, value: f64, unit: &str| {
        let track = track.map(|track| track.id.clone());
        found.push(Finding { what: what.to_string(), track, value, unit: unit.to_string() });
    };
    if let Some(mix) = facts.mix.as_ref().map(|mix| &mix.facts) {
        if let Some(loss) = mix.mono_loss_db.filter(|loss| *loss > MIX_LOSS_DB) {
            tell("the mix loses level in mono", None, loss, "dB");
        }
        if let Some(lean) = mix.balance_db.filter(|lean| lean.abs() > LEAN_DB) {
            let what = if lean > 0.0 { "the mix leans to the right" } else { "the mix leans to the left" };
            tell(what, None, lean.abs(), "dB");
        }
        if let Some(correlation) = mix.correlation.filter(|c| *c < CORRELATION) {
            tell("left and right of the mix have little in common", None, correlation, "");
        }
        let low = mix.bands.iter().filter(|band| band.high_hz <= LOW_HZ);
        let wide = low.filter_map(|band| band.correlation).fold(f64::INFINITY, f64::min);
        if wide < LOW_CORRELATION {
            tell("the low end differs between left and right", None, wide, "");
        }
    }
    let leads = lead(session, &Rules::default());
    for track in heard(session) {
        let Some(now) = now(facts, track) else { continue };
        let is_lead = leads.iter().any(|lead| lead.id == track.id);
        let limit = if is_lead { LEAD_LOSS_DB } else { TRACK_LOSS_DB };
        if let Some(loss) = now.mono_loss_db.filter(|loss| *loss > limit) {
            tell("it loses level in mono", Some(track), loss, "dB");
        }
        if crate::roles::family(role(track)) == "bass"
            && let Some(share) = share_db(now, 200.0, 800.0).filter(|share| *share < BASS_HARMONICS_DB)
        {
            tell(
                "small loudspeakers will not play the bass line: little lies in 200-800 Hz",
                Some(track),
                share,
                "dB",
            );
        }
    }
    found.extend(crate::recordings::beyond_repair(facts, session));
    for (strip, note, why) in super::automation::unanswered(session, &Rules::default()) {
        let at_s = note.from_s.unwrap_or(0.0);
        let what = format!("your note \"{}\" is not answered: {why}", note.text);
        found.push(Finding { what, track: Some(strip), value: at_s, unit: "s".to_string() });
    }
    found
}

/// Energy between two frequencies against all of it, from third octaves, in dB.
fn share_db(facts: &Facts, low_hz: f64, high_hz: f64) -> Option<f64> {
    let sum = |wanted: &dyn Fn(f64) -> bool| -> f64 {
        let bands = facts.third_octave_db.iter().filter(|band| wanted(band.hz));
        bands.filter_map(|band| band.db).map(audio::db_to_power).sum()
    };
    let (part, all) = (sum(&|hz| (low_hz..=high_hz).contains(&hz)), sum(&|_| true));
    (part > 0.0 && all > 0.0).then(|| audio::power_to_db(part / all))
}

/// A track that cancels itself in mono is made narrower, or one of its channels turned.
fn narrower(track: &Strip, now: &Facts) -> Option<Decision> {
    let loss = now.mono_loss_db.filter(|loss| *loss > MENDED_LOSS_DB)?;
    let side_mid = now.side_mid_db?;
    let correlation = now.correlation.unwrap_or(0.0);
    let (change, done, note) = if correlation < -0.5 && track.insert("polarity").is_none() {
        let kind = &dsp::processors::gain::KIND;
        let mut values = Values::neutral(kind);
        values.set(kind, "invert_right", 1.0).ok()?;
        let change = Change::insert(&track.path(), "polarity", kind, &values);
        (change, "the right channel is turned".to_string(), "right channel turned")
    } else {
        // Mid keeps its level, so the loss after is what the narrowed side still costs: 3 dB of level in mono
        // are lost where side and middle are equal.
        let width = (100.0 * audio::db_to_gain(-side_mid - 0.5)).clamp(20.0, 95.0).round();
        let kind = &dsp::processors::width::KIND;
        let mut values = Values::neutral(kind);
        values.set(kind, "width_percent", width).ok()?;
        if track.inserts.iter().any(|insert| insert.kind.id == kind.id) {
            return None;
        }
        let change = Change::insert(&track.path(), kind.id, kind, &values);
        (change, format!("narrowed to {width:.0} %"), "narrowed for mono")
    };
    let why = format!(
        "It loses {loss:.1} dB in mono (correlation {correlation:.2}, side {side_mid:+.1} dB): {done}."
    );
    Some(
        Decision::new(StepId::Checks, change, why)
            .noted(note)
            .measured("loss in mono", loss, "dB")
            .measured("correlation", correlation, "")
            .measured("side against middle", side_mid, "dB")
            .sure(0.7)
            .costs("some of its width")
            .unless("its width is worth more than mono"),
    )
}

/// Single instruments move in or out until both loudspeakers are equally loud.
fn even_sides(facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
    let Some(lean) =
        facts.mix.as_ref().and_then(|mix| mix.facts.balance_db).filter(|lean| lean.abs() > MENDED_LEAN_DB)
    else {
        return Vec::new();
    };
    let faders: BTreeMap<&str, f64> =
        session.tracks.iter().map(|(id, t)| (id.as_str(), t.fader_db)).collect();
    let moved = steered(Stage::as_it_is(facts, session, rules, &faders), -lean);
    let names: Vec<String> = moved.iter().map(|(id, _)| format!("`{id}`")).collect();
    let side = if lean > 0.0 { "right" } else { "left" };
    let with = if names.len() > 1 { format!(" (with {} moved)", listed(&names)) } else { String::new() };
    let decision = |(id, pan): (String, f64)| {
        let why = format!(
            "The mix is {:.1} dB louder on the {side}: it moves to {}{with}.",
            lean.abs(),
            place(pan)
        );
        let path = session::Path::new(["track", &id, "pan"]);
        Decision::set(StepId::Checks, path, pan, why)
            .noted(format!("mix {:.1} dB to the {side}", lean.abs()))
            .measured("right against left", lean, "dB")
            .sure(0.6)
            .costs("the place that the static mix had given it")
            .unless("the arrangement leans on purpose")
    };
    moved.into_iter().map(decision).collect()
}

#[cfg(test)]
mod tests;
