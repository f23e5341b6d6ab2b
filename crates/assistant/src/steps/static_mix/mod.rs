//! Step 3: levels first, around the most important element, then places between the loudspeakers.

mod balance;
mod expected;
mod pan;
mod powers;
mod seats;
mod width;

use crate::parts::heard;
use crate::words::{place, signed_db};
use crate::{Hears, Rules, SongFacts, Step};
use balance::{Balance, Level};
pub(crate) use balance::{Room, RoomFor};
pub(crate) use pan::{Stage, steered};
use session::{Decision, Session, StepId};
use std::collections::BTreeMap;

/// Smaller moves of a fader are not heard, in dB: faders that would stand nearer to zero stand there.
const LEAST_DB: f64 = 0.5;
/// A fader that stands where it should to a tenth of a decibel is not set.
const SAME_DB: f64 = 0.05;
/// After dynamics, faders are set as exactly as this, in dB.
const LEAST_AGAIN_DB: f64 = 0.3;
/// Smaller moves of a pan are not heard, in percent.
const LEAST_PAN: f64 = 5.0;

/// Levels and panning.
pub(crate) struct StaticMix;

impl Step for StaticMix {
    fn id(&self) -> StepId {
        StepId::StaticMix
    }

    fn hears(&self, _: &Session) -> Hears {
        Hears::Strips
    }

    fn decide(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
        let Some(balance) = balance::solve(facts, session, rules, true) else {
            return Vec::new();
        };
        let mut decisions = Vec::new();
        if !settled(&balance) {
            for level in balance.levels.iter().filter(|level| !level.fixed) {
                let fader_db = if level.fader_db.abs() < LEAST_DB { 0.0 } else { level.fader_db };
                // Where faders stood must not show in where they stand.
                if (fader_db - level.before_db).abs() > SAME_DB {
                    decisions.push(fader(level, fader_db, &balance));
                }
            }
        }
        let stage = &balance.stage;
        for placed in stage.placed() {
            if placed.fixed || (placed.pan - placed.track.pan).abs() < LEAST_PAN {
                continue;
            }
            let why = format!("Pan to {}: {}.", place(placed.pan), placed.reason);
            decisions.push(
                Decision::set(StepId::StaticMix, placed.track.path().child("pan"), placed.pan, why)
                    .noted(placed.note.clone())
                    .measured("centre of energy", placed.centroid_hz, "Hz")
                    .measured("balance of the mix, right against left", stage.lean_db(), "LU")
                    .sure(placed.confidence)
                    .costs("what else lies on that side is hidden more")
                    .unless("the arrangement wants it elsewhere"),
            );
        }
        decisions.extend(heard(session).filter_map(|track| {
            let raised = balance.widths.iter().find(|raised| raised.narrow.track == track.id)?;
            width::wider(track, raised, rules)
        }));
        decisions
    }
}

/// Faders once more, after everything that changed how loud tracks are: those that would move by `LEAST_AGAIN_DB`
/// or more. The same facts and faders that stand there already give nothing.
pub fn rebalance(facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
    let Some(balance) = balance::solve(facts, session, rules, false) else { return Vec::new() };
    let moved = |level: &&Level| !level.fixed && (level.fader_db - level.before_db).abs() >= LEAST_AGAIN_DB;
    let moving = balance.levels.iter().filter(moved);
    moving.map(|level| fader(level, level.fader_db, &balance)).collect()
}

/// What the optimiser found beside the levels.
pub(crate) struct Found {
    /// Slopes by track, in dB per octave.
    pub(crate) tilts: BTreeMap<String, f64>,
    /// Cuts that make room for others.
    pub(crate) rooms: Vec<Room>,
}

/// Solves the mix for what the equalisers are to do.
pub(crate) fn found(facts: &SongFacts, session: &Session, rules: &Rules) -> Found {
    let Some(balance) = balance::solve(facts, session, rules, true) else {
        return Found { tilts: BTreeMap::new(), rooms: Vec::new() };
    };
    let tilt = |level: Level| (level.track.id.clone(), level.tilt_db_per_oct);
    Found { tilts: balance.levels.into_iter().map(tilt).collect(), rooms: balance.rooms }
}

/// True when the faders are where they belong already, but for a common gain.
fn settled(balance: &Balance) -> bool {
    let moves: Vec<f64> = balance.levels.iter().map(|level| level.fader_db - level.before_db).collect();
    let highest = moves.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let lowest = moves.iter().copied().fold(f64::INFINITY, f64::min);
    // A common gain of some dB is the pre-master's to give.
    highest - lowest < 2.0 * LEAST_DB && highest.abs().max(lowest.abs()) < 6.0
}

/// What is said of a fader on its bound.
fn bound_told(level: &Level) -> String {
    match (level.wanted_db, level.at_bound_db) {
        (Some(wanted), _) => format!(" Wanted {}, stopped at the bound.", signed_db(wanted)),
        (None, Some(off_db)) if off_db.abs() >= SAME_DB => format!(
            " That is the bound of faders: the whole mix stands {:.1} dB {} so that it goes no farther.",
            off_db.abs(),
            if off_db > 0.0 { "higher" } else { "lower" }
        ),
        (None, Some(_)) => " That is the bound of faders.".to_string(),
        (None, None) => String::new(),
    }
}

fn fader(level: &Level, fader_db: f64, balance: &Balance) -> Decision {
    let Level { part, before_lu, after_lu, expected_lu, .. } = *level;
    let name = part.name;
    let stood = format!("it stood at {before_lu:+.1} LU against the whole mix");
    let stands = format!("now at {after_lu:+.1} LU");
    let expectation = if level.known {
        format!("usual for {name} beside these parts is {expected_lu:+.0} LU")
    } else {
        format!("nobody said what it is, so it stands like an ordinary part, at {expected_lu:+.0} LU")
    };
    let group =
        if level.group.is_empty() { String::new() } else { format!(", together with {}", level.group) };
    let stopped = bound_told(level);
    let raised = match balance.lead_raised {
        Some((raised_lu, before, after)) if level.lead => format!(
            " {} of that because the others hid {:.0} % of it, now {:.0} %.",
            signed_db(raised_lu),
            before * 100.0,
            after * 100.0
        ),
        _ => String::new(),
    };
    let rough = match level.rough_lu {
        Some(rough_lu) => format!("; the rough mix has it at {rough_lu:+.1} LU"),
        None => String::new(),
    };
    let why = format!(
        "Fader {}: {stood}{group}, {stands}; {expectation}{rough}.{raised}{stopped}",
        signed_db(fader_db)
    );
    let mut decision = Decision::set(StepId::StaticMix, level.track.path().child("fader_db"), fader_db, why)
        .noted(format!("{name} {after_lu:+.1} LU to the mix"))
        .measured("level against the mix before", before_lu, "LU")
        .measured("level against the mix now", after_lu, "LU")
        .measured("usual level", expected_lu, "LU")
        .sure(if level.known { 1.0 - part.spread_lu / 10.0 } else { 0.45 })
        .costs("what lies beside it is hidden more where it goes up, less where it goes down")
        .unless(if level.known { "the song wants another balance" } else { "a role is given" });
    if let Some(rough_lu) = level.rough_lu {
        decision = decision.measured("level in the rough mix", rough_lu, "LU");
    }
    if let Some((_, _, hidden)) = balance.lead_raised.filter(|_| level.lead) {
        decision = decision.measured("hidden by the others", hidden * 100.0, "%");
    }
    decision
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wished;
