//! The static mix on made-up songs: a band, and loudness computed once more from its rows.

mod levels;
mod places;
mod solution;

use super::*;
use crate::parts::part_of;
use crate::power::{Rows, busiest_third, lufs};
use crate::testing::{Sound, applied, decide, song, song_of};
use audio::db_to_power;
use proptest::prelude::*;
use session::{Change, Path, Session};

pub(super) const BAND: &[(&str, &str)] = &[
    ("kick_in", "kick_in"),
    ("snare_top", "snare_top"),
    ("hat", "hihat"),
    ("oh_l", "overhead_left"),
    ("oh_r", "overhead_right"),
    ("bass", "bass_di"),
    ("gtr_l", "guitar_electric"),
    ("gtr_r", "guitar_electric"),
    ("keys", "keys"),
    ("vox", "lead_vocal"),
    ("bv_1", "backing_vocal"),
    ("bv_2", "backing_vocal"),
    ("tambourine", "tambourine"),
];

pub(super) fn mixed(session: &Session, facts: &SongFacts) -> Session {
    applied(session, &decide(&StaticMix, facts, session, &Rules::default()))
}

/// Loudness of tracks while they play against the whole mix in its busiest third, in LU: the balance computed
/// once more, from rows and not from the solver's tables.
pub(super) fn level_lu(session: &Session, facts: &SongFacts, ids: &[&str]) -> f64 {
    let rows = |id: &str| {
        let mut rows = Rows::of(facts.tracks[id].now());
        let gain = db_to_power(session.tracks[id].fader_db);
        rows.power.iter_mut().for_each(|p| *p *= gain);
        rows
    };
    let all: Vec<Rows> = session.tracks.keys().map(|id| rows(id)).collect();
    let busy = busiest_third(&all);
    let mix: f64 = all.iter().map(|rows| rows.mean(&busy)).sum();
    let own: Vec<Rows> = ids.iter().map(|id| rows(id)).collect();
    // Blocks of 400 ms; what plays in these songs does so evenly, so that none of them falls below the gate.
    let near = |row: usize, rows: &Rows| (row.saturating_sub(4)..row + 5).any(|near| rows.is_active(near));
    let plays: Vec<usize> = (0..600).filter(|row| own.iter().any(|rows| near(*row, rows))).collect();
    lufs(own.iter().map(|rows| rows.mean(&plays)).sum()) - lufs(mix)
}
