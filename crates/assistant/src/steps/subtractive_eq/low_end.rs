//! High-passes: below the lowest note of a track there is only what disturbs.

use crate::cuts::Cut;
use crate::parts::{heard, role, sources};
use crate::rack::{Band, round_hz};
use crate::roles;
use crate::tone::{is_band, share_db};
use crate::{SongFacts, TrackFacts};
use dsp::processors::rumble;
use session::{Insert, Session, Strip};

/// A high-pass stands at most at this share of the lowest note.
const BELOW_LOWEST_NOTE: f64 = 0.7;
/// Where there are chords, pitch says little; then at most at this share of the frequency below which lies 1 %
/// of the energy.
const BELOW_ENERGY: f64 = 0.8;
/// What would be removed is not there when it has less than this share of the energy, in dB.
const NOTHING_THERE_DB: f64 = -40.0;
/// Share of clear pitch from which the lowest note is believed.
const PITCHED: f64 = 0.5;
/// Lower high-passes than this are step 1's.
const LOWEST_HZ: f64 = 24.0;
/// The filter against rumble has done the work already where it cuts from this share of the frequency on: a second filter
/// there would only turn the phase of the lowest notes once more, which takes height off strokes.
const CUT_ALREADY: f64 = 0.8;
/// A voice whose middle pitch is above has its high-pass higher, in hertz.
const HIGH_VOICE_HZ: f64 = 190.0;

/// How high a role's high-pass may stand, in hertz, and what else limits it.
#[derive(Clone, Copy)]
enum Limit {
    /// Its low end is never its own (other drums in a cymbal's microphone).
    Fixed(f64),
    /// One note at a time: the lowest note limits it.
    Notes(f64),
    /// Chords: its energy limits it.
    Energy(f64),
}

/// Maxima by role: engineering practice.
fn limit(role: &str, facts: &TrackFacts, band: bool) -> Option<Limit> {
    use Limit::{Energy, Fixed, Notes};
    Some(match role {
        "kick" | "kick_in" | "kick_out" => Fixed(28.0),
        "snare" | "snare_top" | "snare_bottom" | "snare_side" => Fixed(90.0),
        "rimshot" | "clap" | "snap" => Fixed(120.0),
        "tom_floor" | "toms" => Fixed(45.0),
        "tom_rack" => Fixed(60.0),
        "hihat" | "hihat_closed" | "hihat_open" | "hihat_pedal" | "ride" | "crash" | "cymbals" => {
            Fixed(250.0)
        }
        "overhead" | "overhead_left" | "overhead_right" => Fixed(80.0),
        "shaker" | "tambourine" | "chimes" => Fixed(300.0),
        "bass_808" | "bass_sub" | "bass_synth" => return None,
        "lead_vocal" | "vocal_double" | "adlib" => {
            let high = facts.raw.facts.pitch_median_hz.is_some_and(|hz| hz > HIGH_VOICE_HZ);
            Notes(if high { 120.0 } else { 90.0 })
        }
        "spoken" => Notes(80.0),
        "backing_vocal" | "harmony_vocal" => Notes(150.0),
        "choir" => Energy(120.0),
        "piano" => Energy(if band { 90.0 } else { 40.0 }),
        "violin" | "violin_2" => Notes(120.0),
        "cello" | "double_bass_section" | "harp" => Energy(40.0),
        "tuba" => Notes(40.0),
        "trombone" => Notes(60.0),
        "congas" | "bongos" | "cowbell" | "clave" => Energy(120.0),
        _ => match roles::family(role) {
            "bass" => Notes(30.0),
            "guitars" => Energy(90.0),
            "keys" => Energy(90.0),
            "synths" => Energy(100.0),
            "strings" => Energy(100.0),
            "brass" | "woodwinds" => Notes(120.0),
            _ => return None,
        },
    })
}

/// Microphones that only a kit in a room has: then every microphone of it hears all of it.
fn hears_the_kit(role: &str) -> bool {
    matches!(
        role,
        "overhead"
            | "overhead_left"
            | "overhead_right"
            | "drum_room"
            | "kick_in"
            | "kick_out"
            | "snare_top"
            | "snare_bottom"
    )
}

/// What a track would get by itself, in hertz, with the words for what limits it.
fn wish(track: &Strip, facts: &TrackFacts, band: bool, shared_room: bool) -> Option<(f64, String)> {
    let raw = &facts.raw.facts;
    let energy = facts.now().facts.energy_1_percent_hz.or(raw.energy_1_percent_hz);
    let by_energy = |most_hz: f64| {
        energy.map(|hz| {
            let words = format!("99 % of its energy lies above {hz:.0} Hz");
            ((BELOW_ENERGY * hz).min(most_hz), words)
        })
    };
    match limit(role(track), facts, band)? {
        // Where nothing else is in the room, all of it is its own.
        Limit::Fixed(hz) if !shared_room => by_energy(hz),
        Limit::Fixed(hz) => Some((hz, "what is below is not its own".to_string())),
        Limit::Notes(most_hz) => {
            let lowest = raw.pitch_low_hz.filter(|_| raw.pitched_share.unwrap_or(0.0) > PITCHED);
            match lowest {
                Some(hz) => {
                    let words = format!("its lowest notes are around {hz:.0} Hz");
                    Some(((BELOW_LOWEST_NOTE * hz).min(most_hz), words))
                }
                None => by_energy(most_hz),
            }
        }
        Limit::Energy(most_hz) => by_energy(most_hz),
    }
}

/// Whether the filter against rumble stands as high as a high-pass would.
fn is_cut_already(track: &Strip, hz: f64) -> bool {
    let corner_hz = |insert: &Insert| rumble::Settings::from_values(&insert.values).freq_hz;
    let filters = track.inserts.iter().filter(|insert| insert.kind.id == rumble::KIND.id);
    filters.map(corner_hz).any(|corner_hz| corner_hz >= CUT_ALREADY * hz)
}

/// The high-passes of all tracks. All microphones of a source get the same one, since its phase turns what
/// lies above, and their sum would change.
pub(super) fn high_passes(facts: &SongFacts, session: &Session) -> Vec<Cut> {
    let band = is_band(session);
    let shared_room = heard(session).any(|track| hears_the_kit(role(track)));
    let mut cuts = Vec::new();
    for source in sources(facts, session) {
        let wishes: Vec<(&Strip, f64, String, f64)> = source
            .into_iter()
            .filter_map(|track| {
                let known = facts.tracks.get(&track.id)?;
                let (hz, words) = wish(track, known, band, shared_room)?;
                let below_db = share_db(&known.now().facts, 0.0, hz)?;
                Some((track, hz, words, below_db))
            })
            .collect();
        let hz = round_hz(wishes.iter().map(|(_, hz, ..)| *hz).fold(f64::INFINITY, f64::min));
        let cut_already = wishes.iter().all(|(track, ..)| is_cut_already(track, hz));
        if hz < LOWEST_HZ || cut_already || !wishes.iter().any(|(.., below_db)| *below_db > NOTHING_THERE_DB)
        {
            continue;
        }
        let together = wishes.len() > 1;
        for (track, _, words, below_db) in wishes {
            let same = if together { " All microphones of it get the same." } else { "" };
            let why = format!(
                "High-pass at {hz:.0} Hz: {words}, and what lies below has {below_db:.1} dB of its energy.{same}"
            );
            cuts.push(Cut {
                track: track.id.clone(),
                band: Band::high_pass("low_end", hz),
                why,
                note: format!("{below_db:.0} dB lie below"),
                evidence: vec![("energy below", below_db, "dB")],
                confidence: 0.85,
                unless: "its lowest notes are missed",
            });
        }
    }
    cuts
}
