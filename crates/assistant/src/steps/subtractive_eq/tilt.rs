//! A whole spectrum that leans: turned towards what is usual for the role, as far as the optimiser believes it to be
//! an accident of microphone, place and room.

use crate::parts::role;
use crate::rack::settings;
use crate::solve::{CHAIN_DB_PER_OCT, MOST_DB_PER_OCT, PIVOT_HZ};
use crate::tone::{may_be_tilted, slope};
use crate::words::spoken_role;
use crate::{Rules, TrackFacts};
use dsp::processors::tilt;
use session::{Change, Decision, StepId, Strip};

/// Smaller turns are not heard, in dB per octave: half a decibel between 1 kHz and the ends of hearing.
const LEAST_DB_PER_OCT: f64 = 0.12;

/// The turn of a track in dB per octave, for what the optimiser wants.
pub(super) fn turn(track: &Strip, wanted_db_per_oct: f64, rules: &Rules) -> Option<f64> {
    let scaled = wanted_db_per_oct * rules.strength.clamp(0.0, 1.5);
    let turn = (scaled.clamp(-MOST_DB_PER_OCT, MOST_DB_PER_OCT) * 100.0).round() / 100.0;
    (turn.abs() >= LEAST_DB_PER_OCT && may_be_tilted(track, rules)).then_some(turn)
}

pub(super) fn decision(track: &Strip, known: &TrackFacts, turn: f64) -> Option<Decision> {
    let role = role(track);
    let tone = slope(role, &known.now().facts)?;
    let (leans, varies) = (tone.tilt_db_per_oct, tone.varies_db_per_oct);
    let values = settings(&tilt::KIND, &[("tilt_db_per_oct", turn), ("pivot_hz", PIVOT_HZ)], &[]);
    let stopped = if turn.abs() >= MOST_DB_PER_OCT { " More was wanted, stopped at that bound." } else { "" };
    let how = if leans > 0.0 { "brighter" } else { "darker" };
    let why = format!(
        "Its spectrum is {:.1} dB per octave {how} than is usual for its role, {} (which varies by {varies:.1}; \
         microphones and rooms vary by {CHAIN_DB_PER_OCT:.1}): turned by {turn:+.2} dB per octave around 1 kHz, {:+.1} dB \
         at 8 kHz.{stopped}",
        leans.abs(),
        spoken_role(role),
        3.0 * turn
    );
    let change = Change::insert(&track.path(), "tilt", &tilt::KIND, &values);
    Some(
        Decision::new(StepId::SubtractiveEq, change, why)
            .noted(format!("{leans:+.1} dB per octave against the usual"))
            .measured("slope against the usual", leans, "dB/oct")
            .measured("usual variation", varies, "dB/oct")
            .sure((0.8 - 0.2 * varies).clamp(0.3, 0.7))
            .costs("the colour that its microphone and place had")
            .unless("that is its sound"),
    )
}
