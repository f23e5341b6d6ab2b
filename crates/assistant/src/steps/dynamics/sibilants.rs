//! Voices whose s and sh stick out.
//!
//! Sibilant moments are those in which the teeth have a quarter of the energy and more. How loud they are is
//! taken against the vowels of the same voice, and judged by what is usual and by the other voices of the
//! song.

use crate::levels::{at, level_db, sorted};
use crate::parts::{heard, role};
use crate::rack::{round_hz, settings};
use crate::words::tenth;
use crate::{Rules, SongFacts};
use dsp::processors::de_esser;
use measure::Analysis;
use session::{Change, Decision, Session, StepId, Strip};

/// The range of the teeth, in hertz.
const TEETH_HZ: (f64, f64) = (4_500.0, 11_000.0);
/// A voice has nothing of its own below, in hertz.
const VOICE_HZ: f64 = 150.0;
/// Share of the teeth from which a moment is sibilant, and below which it is a vowel.
const SIBILANT: f64 = 0.25;
const VOWEL: f64 = 0.03;
/// So many moments of 50 ms of each are needed.
const LEAST_ROWS: usize = 4;
/// Loud sibilants (90th percentile) of a voice that nobody complains about lie below this against its middle
/// vowels, in dB: our own measurement of a well-recorded pop voice gives -6.5, of a sibilant one +5.8.
const USUAL_DB: f64 = -4.0;
/// Above the middle of the song's other voices by more than this they stick out, in dB, unless they are
/// as soft as this.
const OTHERS_DB: f64 = 5.0;
const SOFT_DB: f64 = -14.0;
/// Share of the excess that is taken away, and bounds in dB.
const SHARE: f64 = 0.7;
const RANGE_DB: (f64, f64) = (2.0, 6.0);

/// How sibilant a voice is.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    track: String,
    /// Loud sibilants against vowels, in dB.
    level_db: f64,
    /// Where the sibilants lie, in hertz.
    hz: f64,
    /// Share of the teeth in sibilants and in bright vowels, in dB: between them the de-esser starts.
    sibilant_db: f64,
    vowel_db: f64,
}

fn is_voice(role: &str) -> bool {
    matches!(role, "lead_vocal" | "backing_vocal" | "harmony_vocal" | "vocal_double" | "adlib" | "spoken")
}

fn voice(track: &Strip, now: &Analysis) -> Option<Voice> {
    let erb = &now.erb;
    let sum = |row: usize, low_hz: f64, high_hz: f64| -> f64 {
        let bands = erb.row(row).iter().zip(&erb.centres_hz);
        bands.filter(|(_, hz)| (low_hz..high_hz).contains(*hz)).map(|(power, _)| f64::from(*power)).sum()
    };
    let (mut sibilants, mut shares, mut vowels, mut vowel_shares) = (vec![], vec![], vec![], vec![]);
    let (mut teeth_sum, mut moment) = (0.0, 0.0);
    for row in (0..erb.rows()).filter(|row| erb.active.get(*row).copied().unwrap_or(false)) {
        let (teeth, all) = (sum(row, TEETH_HZ.0, TEETH_HZ.1), sum(row, VOICE_HZ, 20_000.0));
        if all <= 0.0 {
            continue;
        }
        if teeth > SIBILANT * all {
            sibilants.push(level_db(teeth));
            shares.push(level_db(teeth / all));
            for (power, hz) in erb.row(row).iter().zip(&erb.centres_hz) {
                if (TEETH_HZ.0..TEETH_HZ.1).contains(hz) {
                    teeth_sum += f64::from(*power);
                    moment += f64::from(*power) * hz.ln();
                }
            }
        } else if teeth < VOWEL * all {
            vowels.push(level_db(all - teeth));
            vowel_shares.push(level_db(teeth / all));
        }
    }
    if sibilants.len() < LEAST_ROWS || vowels.len() < LEAST_ROWS || teeth_sum <= 0.0 {
        return None;
    }
    let quantile = |values: Vec<f64>, share: f64| at(&sorted(values), share);
    Some(Voice {
        track: track.id.clone(),
        level_db: quantile(sibilants, 0.9)? - quantile(vowels, 0.5)?,
        hz: (moment / teeth_sum).exp(),
        sibilant_db: quantile(shares, 0.5)?,
        vowel_db: quantile(vowel_shares, 0.9)?,
    })
}

/// The voices of the song, in its order.
pub(super) fn voices(facts: &SongFacts, session: &Session) -> Vec<Voice> {
    let voices = heard(session).filter(|track| is_voice(role(track)));
    voices.filter_map(|track| voice(track, facts.tracks.get(&track.id)?.now())).collect()
}

pub(super) fn de_esser(track: &Strip, voices: &[Voice], rules: &Rules) -> Option<Decision> {
    let own = voices.iter().find(|voice| voice.track == track.id)?;
    let others: Vec<f64> =
        voices.iter().filter(|voice| voice.track != track.id).map(|voice| voice.level_db).collect();
    let others_db = middle(others);
    let over_usual = own.level_db - USUAL_DB;
    let over_others = others_db.filter(|_| own.level_db > SOFT_DB).map(|db| own.level_db - db);
    let (excess_db, than) = match over_others {
        Some(over) if over > OTHERS_DB && over > over_usual => (over, "than in the song's other voices"),
        _ if over_usual > 0.0 => (over_usual, "than is usual at most"),
        _ => return None,
    };
    let range_db = tenth((SHARE * excess_db).clamp(RANGE_DB.0, RANGE_DB.1) * rules.strength);
    if range_db < 1.0 {
        return None;
    }
    // Half an octave below the middle of the sibilants the shelf is half-way down at it.
    let freq_hz = round_hz((own.hz * 0.75).clamp(3_500.0, 8_000.0));
    let threshold_db = tenth(((own.sibilant_db + own.vowel_db) / 2.0).clamp(-20.0, -5.0));
    let values = settings(
        &de_esser::KIND,
        &[("freq_hz", freq_hz), ("range_db", range_db), ("threshold_db", threshold_db)],
        &[],
    );
    let why = format!(
        "Its s and sh stand at {:+.1} dB against its vowels, {excess_db:.1} dB more {than}: turned down by up to \
         {range_db:.1} dB above {freq_hz:.0} Hz.",
        own.level_db
    );
    let change = Change::insert(&track.path(), "deess", &de_esser::KIND, &values);
    let mut decision = Decision::new(StepId::Dynamics, change, why)
        .noted(format!("sibilants {:+.0} dB to vowels", own.level_db))
        .measured("sibilants against vowels", own.level_db, "dB")
        .measured("middle of the sibilants", own.hz, "Hz")
        .sure(0.7)
        .costs("some brightness of every s and t that is loud")
        .unless("the voice begins to lisp");
    if let Some(others_db) = others_db {
        decision = decision.measured("sibilants of the other voices", others_db, "dB");
    }
    Some(decision)
}

/// The middle value; of two the mean.
fn middle(values: Vec<f64>) -> Option<f64> {
    let values = sorted(values);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[half]),
        _ => Some((values[half - 1] + values[half]) / 2.0),
    }
}
