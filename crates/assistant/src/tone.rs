//! What instruments usually sound like, by octave, and how far a track is from it.

use crate::parts::heard;
use crate::solve::{CHAIN_DB_PER_OCT, Tone};
use crate::{Rules, roles};
use measure::Facts;
use session::{Session, Strip};

/// Number of bands of [`Facts::bands`].
pub(crate) const OCTAVES: usize = 9;
/// Nothing counts as weaker than this share, in dB: keeps emptiness from outweighing everything.
const WEAKEST_DB: f64 = -60.0;
/// The bands 250 Hz to 4 kHz, in which spectra are laid over each other before they are compared.
const COMMON: std::ops::Range<usize> = 3..7;

/// Energy of each octave against the whole track's, in dB, and how far that varies between good recordings.
///
/// Bands: 20-60, -120, -250, -500, -1k, -2k, -4k, -8k, -16k Hz. Our own means over freely licensed multitrack
/// recordings, rounded; the variations are engineering judgement, wider where registers and instruments differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Typical {
    pub(crate) share_db: [f64; OCTAVES],
    pub(crate) spread_db: [f64; OCTAVES],
}

const VOICE: Typical = Typical {
    // The second octave is that of low voices' fundamentals: there or not.
    share_db: [-50.0, -43.0, -14.0, -6.0, -4.0, -9.0, -13.0, -17.0, -22.0],
    spread_db: [9.0, 9.0, 9.0, 3.0, 3.0, 3.0, 3.0, 4.0, 5.0],
};
const ELECTRIC_GUITAR: Typical = Typical {
    share_db: [-36.0, -25.0, -17.0, -12.0, -8.0, -6.5, -4.0, -18.0, -42.0],
    spread_db: [9.0, 6.0, 4.0, 2.2, 3.0, 3.0, 3.0, 6.0, 12.0],
};
const ACOUSTIC_GUITAR: Typical = Typical {
    share_db: [-40.0, -22.0, -11.0, -6.0, -6.0, -9.0, -12.0, -16.0, -22.0],
    spread_db: [9.0, 6.0, 4.0, 3.0, 3.0, 3.0, 3.0, 4.0, 5.0],
};
const KEYS: Typical = Typical {
    share_db: [-28.0, -22.0, -11.0, -5.0, -5.0, -8.0, -13.0, -21.0, -27.0],
    spread_db: [9.0, 9.0, 7.0, 6.0, 6.0, 6.0, 6.0, 9.0, 12.0],
};
const SNARE: Typical = Typical {
    share_db: [-30.0, -18.0, -3.0, -9.0, -12.0, -15.0, -16.0, -12.5, -16.0],
    spread_db: [9.0, 6.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 6.0],
};
const KICK: Typical = Typical {
    share_db: [-4.0, -3.0, -9.0, -18.0, -22.0, -25.0, -22.0, -22.0, -28.0],
    spread_db: [6.0, 4.0, 5.0, 6.0, 6.0, 5.0, 4.0, 5.0, 8.0],
};

/// What a role usually sounds like; `None` where nobody can say.
pub(crate) fn typical(role: &str) -> Option<Typical> {
    Some(match role {
        "lead_vocal" | "spoken" | "backing_vocal" | "harmony_vocal" | "vocal_double" | "adlib" => VOICE,
        "guitar_electric" | "guitar_rhythm" => ELECTRIC_GUITAR,
        "guitar_acoustic" => ACOUSTIC_GUITAR,
        "snare" | "snare_top" => SNARE,
        "kick" | "kick_in" => KICK,
        "piano" | "electric_piano" | "organ" | "keys" => KEYS,
        _ => return None,
    })
}

/// How far a track is from what is usual for its role.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deviation {
    /// Too much (positive) or too little of each octave, in dB, the middle of the spectrum laid over the usual.
    pub(crate) excess_db: [f64; OCTAVES],
    /// How far that varies between good recordings, in dB.
    pub(crate) spread_db: [f64; OCTAVES],
}

/// Compares a track with its role; `None` where the role or the spectrum is unknown.
pub(crate) fn deviation(role: &str, facts: &Facts) -> Option<Deviation> {
    let typical = typical(role)?;
    let mut excess_db = [0.0; OCTAVES];
    if facts.bands.len() != OCTAVES || facts.bands.iter().all(|band| band.share_db.is_none()) {
        return None;
    }
    for (n, band) in facts.bands.iter().enumerate() {
        let share_db = band.share_db.unwrap_or(WEAKEST_DB).max(WEAKEST_DB);
        excess_db[n] = share_db - typical.share_db[n].max(WEAKEST_DB);
    }
    let mut common: Vec<f64> = excess_db[COMMON].to_vec();
    common.sort_by(f64::total_cmp);
    let middle = (common[1] + common[2]) / 2.0;
    excess_db.iter_mut().for_each(|excess| *excess -= middle);
    Some(Deviation { excess_db, spread_db: typical.spread_db })
}

const KIT: Typical = Typical {
    share_db: [-3.5, -5.5, -9.5, -14.0, -17.5, -17.5, -15.5, -15.5, -17.5],
    spread_db: [6.0, 5.0, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, 4.0],
};
const BASS: Typical = Typical {
    share_db: [-14.0, -3.0, -9.5, -10.0, -13.5, -18.0, -25.0, -33.0, -40.0],
    spread_db: [6.0, 4.0, 4.0, 5.0, 5.0, 5.0, 6.0, 9.0, 12.0],
};
const SYNTH: Typical = Typical {
    share_db: [-28.0, -24.0, -11.0, -5.5, -5.0, -8.0, -12.5, -21.0, -25.0],
    spread_db: [12.0, 9.0, 6.0, 5.0, 5.0, 5.0, 6.0, 8.0, 10.0],
};
/// What nobody knows, or a group of everything: released recordings (45, freely licensed: third octaves around the
/// octaves' centres, the low end left open, since a bass or a kit may stand beside it).
const MUSIC: Typical = Typical {
    share_db: [-7.0, -6.0, -7.0, -9.0, -10.0, -13.0, -16.0, -20.0, -26.0],
    spread_db: [20.0, 16.0, 8.0, 5.0, 5.0, 5.0, 6.0, 8.0, 12.0],
};
/// Centres of the octaves from 1 kHz, in octaves; what lies outside 40 Hz to 16 kHz is no part of a slope.
const OCTAVES_FROM_1_KHZ: [f64; OCTAVES] = [-4.5, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5];
/// Octaves weaker than this say more about noise than about tone, in dB under the whole.
const FAINT_DB: f64 = -42.0;

/// The spectrum that slopes are held against, and how far slopes differ between good recordings, in dB per octave: our
/// own measurements of freely licensed multitracks, two of each (drums -1.8 and -1.6 dB per octave, voices -4.7 and
/// -3.2, basses -2.9 and -5.3), wider where instruments differ more. Single drums are tuned and backing voices filtered
/// as the song wants them: nobody can say how they should lean.
fn sloped(role: &str) -> Option<(Typical, f64)> {
    Some(match role {
        "drum_kit" | "drum_machine" | "drum_loop" | "drum_bus" => (KIT, 0.5),
        "lead_vocal" | "vocal_bus" => (VOICE, 0.8),
        "vocal_double" | "adlib" | "spoken" => (VOICE, 1.0),
        "guitar_electric" | "guitar_rhythm" => (ELECTRIC_GUITAR, 1.3),
        "piano" | "electric_piano" | "organ" | "keys" => (KEYS, 1.5),
        _ if roles::family(role) == "bass" => (BASS, 1.5),
        _ if roles::family(role) == "synths" && role != "synth_lead" => (SYNTH, 1.6),
        "music_bus" | roles::UNKNOWN => (MUSIC, 1.8),
        _ => return None,
    })
}

/// How far the spectrum of a track is sloped against what is usual for its role: the weighted median of the slopes
/// between all pairs of octaves (P. K. Sen, *Estimates of the regression coefficient based on Kendall's tau*, 1968), so
/// that a bump or a missing end is no slope. `None` where nobody can say, or where the slope is too far off to be an
/// accident.
pub(crate) fn slope(role: &str, facts: &Facts) -> Option<Tone> {
    let (typical, varies) = sloped(role)?;
    if facts.bands.len() != OCTAVES {
        return None;
    }
    let mut octaves: Vec<(f64, f64, f64)> = Vec::new();
    for (n, band) in facts.bands.iter().enumerate() {
        let heard = band.share_db.filter(|db| *db > FAINT_DB && typical.share_db[n] > FAINT_DB);
        let Some(share_db) = heard else { continue };
        octaves.push((OCTAVES_FROM_1_KHZ[n], share_db - typical.share_db[n], 1.0 / typical.spread_db[n]));
    }
    if octaves.len() < 5 {
        return None;
    }
    let mut slopes: Vec<(f64, f64)> = Vec::new();
    for (n, (x0, y0, w0)) in octaves.iter().enumerate() {
        let pairs = octaves[n + 1..].iter().map(|(x, y, w)| ((y - y0) / (x - x0), w * w0 * (x - x0)));
        slopes.extend(pairs);
    }
    slopes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = slopes.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let middle = slopes.iter().find(|(_, weight)| {
        below += weight;
        below >= half
    });
    let tilt_db_per_oct = middle.map(|(slope, _)| *slope)?;
    // What nobody knows may as well be cymbals or a bass: then it is no accident that it leans.
    let likely = if role == roles::UNKNOWN { 1.0 } else { 2.0 };
    let accident = likely * (varies * varies + CHAIN_DB_PER_OCT * CHAIN_DB_PER_OCT).sqrt();
    let tone = Tone { tilt_db_per_oct, varies_db_per_oct: varies };
    (tilt_db_per_oct.abs() <= accident).then_some(tone)
}

/// Whether the slope of a track is still to be decided, and by us: who sets an equaliser sets the slope as well.
pub(crate) fn may_be_tilted(track: &Strip, rules: &Rules) -> bool {
    let equaliser = track.path().child("insert").child("eq");
    !crate::rack::is_taken(track, "tilt", rules) && !crate::rack::is_set_whole(rules, &equaliser)
}

/// Third octaves of a track that sound, as hertz and dBFS.
pub(crate) fn thirds(facts: &Facts) -> Vec<(f64, f64)> {
    facts.third_octave_db.iter().filter_map(|band| Some((band.hz, band.db?))).collect()
}

/// Energy between two frequencies against all of it, in dB; `None` where nothing is known.
pub(crate) fn share_db(facts: &Facts, low_hz: f64, high_hz: f64) -> Option<f64> {
    let thirds = thirds(facts);
    let sum = |wanted: &dyn Fn(f64) -> bool| -> f64 {
        thirds.iter().filter(|(hz, _)| wanted(*hz)).map(|(_, db)| audio::db_to_power(*db)).sum()
    };
    let all = sum(&|_| true);
    let some = sum(&|hz| hz >= low_hz && hz < high_hz);
    (all > 0.0).then(|| audio::power_to_db((some / all).max(1e-12)))
}

/// Centre of the energy between two frequencies, on the logarithmic scale, in hertz.
pub(crate) fn centre_hz(facts: &Facts, low_hz: f64, high_hz: f64) -> Option<f64> {
    let (mut sum, mut moment) = (0.0, 0.0);
    for (hz, db) in thirds(facts).into_iter().filter(|(hz, _)| (low_hz..=high_hz).contains(hz)) {
        let power = audio::db_to_power(db);
        sum += power;
        moment += power * hz.ln();
    }
    (sum > 0.0).then(|| (moment / sum).exp())
}

/// Whether so many instruments play that everything has to share the spectrum.
pub(crate) fn is_band(session: &Session) -> bool {
    heard(session).count() >= 4
}
