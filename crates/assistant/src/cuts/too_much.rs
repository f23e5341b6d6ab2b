//! Mud, boxiness, honk, harshness: an octave that has more than such an instrument usually has.

use super::Cut;
use crate::parts::role;
use crate::rack::{Band, shown_hz};
use crate::tone::{centre_hz, deviation};
use crate::words::{spoken_role, tenth};
use crate::{Rules, TrackFacts};
use session::Strip;

/// More than this many variations above the usual is too much.
const TOO_MUCH: f64 = 1.5;
/// The same for layers, whose tone is made to fit under something else.
const TOO_MUCH_OF_LAYERS: f64 = 2.5;
/// Share of the excess that is cut.
const SHARE: f64 = 0.5;
/// Deepest and shallowest cut, in dB.
const DEEPEST_DB: f64 = 6.0;
const LEAST_DB: f64 = 0.5;

/// A range of the spectrum: its name, its octaves in `Facts::bands`, and where its centre is looked for.
struct Range {
    name: &'static str,
    what: &'static str,
    octaves: &'static [usize],
    low_hz: f64,
    high_hz: f64,
    q: f64,
}

const RANGES: [Range; 3] = [
    Range { name: "mud", what: "Muddy", octaves: &[2, 3], low_hz: 150.0, high_hz: 400.0, q: 0.9 },
    Range { name: "honk", what: "Boxy", octaves: &[4], low_hz: 450.0, high_hz: 1_100.0, q: 1.1 },
    Range { name: "harsh", what: "Harsh", octaves: &[6], low_hz: 2_000.0, high_hz: 4_200.0, q: 1.1 },
];

pub(super) fn cuts(track: &Strip, known: &TrackFacts, rules: &Rules) -> Vec<Cut> {
    let role = role(track);
    let now = &known.now().facts;
    // The body of a drum is its own.
    let drum = crate::roles::family(role) == "drums";
    let Some(deviation) = deviation(role, now).filter(|_| !drum) else {
        return Vec::new();
    };
    let layer = matches!(role, "backing_vocal" | "harmony_vocal" | "vocal_double" | "adlib");
    let too_much = if layer { TOO_MUCH_OF_LAYERS } else { TOO_MUCH };
    let mut cuts = Vec::new();
    for range in &RANGES {
        let beyond = |n: &&usize| deviation.excess_db[**n] - too_much * deviation.spread_db[**n];
        let octave = range.octaves.iter().max_by(|a, b| beyond(a).total_cmp(&beyond(b)));
        let Some(octave) = octave.filter(|n| beyond(n) > 0.0) else { continue };
        let (excess_db, spread_db) = (deviation.excess_db[*octave], deviation.spread_db[*octave]);
        let wanted_db = SHARE * excess_db * rules.strength;
        let gain_db = -tenth(wanted_db.min(DEEPEST_DB));
        let Some(hz) = centre_hz(now, range.low_hz, range.high_hz).filter(|_| gain_db <= -LEAST_DB) else {
            continue;
        };
        let band = Band::bell(range.name, hz, gain_db, range.q);
        let stopped = if wanted_db > DEEPEST_DB {
            format!(" Wanted {:.1} dB, stopped at {DEEPEST_DB:.0}.", -wanted_db)
        } else {
            String::new()
        };
        let why = format!(
            "{}: around {} it has {excess_db:.1} dB more than is usual for its role, {} (which varies by {spread_db:.1} \
             dB); cut by {:.1} dB.{stopped}",
            range.what,
            shown_hz(band.freq_hz),
            spoken_role(role),
            -gain_db
        );
        cuts.push(Cut {
            track: track.id.clone(),
            band,
            why,
            note: format!("{excess_db:+.1} dB against the usual"),
            evidence: vec![("more than usual", excess_db, "dB"), ("usual variation", spread_db, "dB")],
            confidence: (0.4 + 0.1 * excess_db / spread_db).min(0.8),
            unless: "that is its sound",
        });
    }
    cuts
}
