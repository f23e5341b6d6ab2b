//! Short sessions with random faults: what a finder of faults finds and invents can be counted over many of them.
//!
//! A [`Material`] is the beginning of a clean take; each of its sessions has some of its tracks, and none to four
//! faults of random kinds, places and amounts. Tracks without a fault are those of the material, sample by sample.

use audio::{Buffer, db_to_gain};

use crate::band::{Take, each_track};
use crate::faults;
use crate::filter::Biquad;
use crate::level::{active_rms_dbfs, peak, turn};
use crate::random::Random;
use crate::{Planted, SESSION_RATE_HZ, Song, Track};

/// Length of a session in seconds: intro, verse and chorus.
const LENGTH_S: f64 = 26.0;
/// One session in so many has no fault.
const CLEAN_EVERY: usize = 4;
/// At most so many faults are planted in one session.
const MOST_FAULTS: usize = 4;
/// What is recorded together comes together: microphones of one drum, and pairs.
const PLAYERS: [&[&str]; 13] = [
    &["Kick In", "Kick Out"],
    &["Snare Top", "Snare Btm"],
    &["HiHat"],
    &["Floor Tom"],
    &["OH L", "OH R"],
    &["Bass DI"],
    &["EGtr L", "EGtr R"],
    &["Keys"],
    &["Pad"],
    &["Lead Vox"],
    &["BVox 1", "BVox 2"],
    &["Tambourine"],
    &["Shaker"],
];

/// A kind of fault: its word, the roles it is planted on (all when empty), and what does it.
struct Kind {
    fault: &'static str,
    roles: &'static [&'static str],
    plant: fn(&mut [Vec<f64>], &mut Random) -> (f64, &'static str),
}

const VOICES: &[&str] = &["lead_vocal", "backing_vocal"];
const STEREO: &[&str] = &["keys", "synth_pad"];
const RATE_HZ: f64 = SESSION_RATE_HZ as f64;

const KINDS: &[Kind] = &[
    Kind { fault: "dc_offset", roles: &[], plant: dc_offset },
    Kind { fault: "rumble", roles: &[], plant: rumble },
    Kind { fault: "hum", roles: &[], plant: hum },
    Kind {
        fault: "noise",
        roles: &["lead_vocal", "backing_vocal", "guitar_electric", "bass_di", "keys"],
        plant: noise,
    },
    Kind { fault: "clicks", roles: VOICES, plant: clicks },
    Kind { fault: "clipping", roles: &[], plant: clipping },
    Kind { fault: "polarity", roles: &["kick_out", "snare_bottom"], plant: polarity },
    Kind { fault: "late_microphone", roles: &["kick_out", "snare_bottom"], plant: late },
    Kind { fault: "out_of_phase", roles: STEREO, plant: out_of_phase },
    Kind { fault: "lopsided_low_end", roles: &["keys"], plant: lopsided },
    Kind { fault: "silent", roles: &[], plant: silent },
    Kind { fault: "too_quiet", roles: &[], plant: too_quiet },
    Kind { fault: "uneven", roles: &["lead_vocal", "backing_vocal", "bass_di"], plant: uneven },
    Kind { fault: "ring", roles: &["snare_top"], plant: ring },
];

/// The kinds of faults that sessions may have, as [`Planted::fault`] calls them.
pub fn trial_faults() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.fault).collect()
}

/// The beginning of a clean take, from which sessions are made.
#[derive(Debug, Clone)]
pub struct Material {
    seed: u64,
    tempo_bpm: f64,
    sections: Vec<(&'static str, f64)>,
    tracks: Vec<Track>,
}

impl Material {
    /// The take of a seed; costs a few seconds of work.
    pub fn new(seed: u64) -> Material {
        let frames = (LENGTH_S * RATE_HZ) as usize;
        let mut tracks = Vec::new();
        let sheet = each_track(seed, Take::Clean, |track| {
            let cut = |c: usize| {
                let samples = track.audio.channel(c);
                samples[..frames.min(samples.len())].to_vec()
            };
            let channels: Vec<Vec<f64>> = (0..track.audio.channels()).map(cut).collect();
            tracks.push(Track { audio: Buffer::from_channels(&channels), ..track });
        });
        let sections = sheet.sections.into_iter().filter(|(_, start_s)| *start_s < LENGTH_S).collect();
        Material { seed, tempo_bpm: sheet.tempo_bpm, sections, tracks }
    }

    /// The session of a number: the same number gives the same session.
    pub fn session(&self, number: u64) -> Song {
        let mut random = Random::for_part(self.seed.wrapping_mul(0x9e37_79b9) ^ number, "trial");
        let mut tracks = self.some_tracks(&mut random);
        let mut planted: Vec<Planted> = Vec::new();
        if random.choose(CLEAN_EVERY) > 0 {
            for _ in 0..1 + random.choose(MOST_FAULTS) {
                planted.extend(plant(&mut tracks, &planted, &mut random));
            }
        }
        Song { title: "Trial", tempo_bpm: self.tempo_bpm, sections: self.sections.clone(), tracks, planted }
    }

    /// Five to eight players with all their microphones.
    fn some_tracks(&self, random: &mut Random) -> Vec<Track> {
        let mut players: Vec<usize> = (0..PLAYERS.len()).collect();
        let wanted = 5 + random.choose(4);
        while players.len() > wanted {
            players.remove(random.choose(players.len()));
        }
        let names: Vec<&str> = players.iter().flat_map(|player| PLAYERS[*player]).copied().collect();
        let plays = |track: &&Track| names.iter().any(|name| track.file_name.contains(name));
        self.tracks.iter().filter(plays).cloned().collect()
    }
}

/// Plants a fault of a random kind on a random track that can have it; none where the track has that already, or where
/// nothing would be left of either.
fn plant(tracks: &mut [Track], planted: &[Planted], random: &mut Random) -> Option<Planted> {
    let kind = &KINDS[random.choose(KINDS.len())];
    let fits = |track: &&mut Track| kind.roles.is_empty() || kind.roles.contains(&track.role);
    let mut able: Vec<&mut Track> = tracks.iter_mut().filter(fits).collect();
    if able.is_empty() {
        return None;
    }
    let place = random.choose(able.len());
    let track = &mut able[place];
    // One fault a track: what one does to another is nobody's fault.
    if planted.iter().any(|other| other.track == track.file_name) {
        return None;
    }
    // Half of a pair has its level from the other half.
    let is_half = track.file_name.ends_with(" L.wav") || track.file_name.ends_with(" R.wav");
    if is_half && matches!(kind.fault, "silent" | "too_quiet") {
        return None;
    }
    let mut channels: Vec<Vec<f64>> =
        (0..track.audio.channels()).map(|c| track.audio.channel(c).to_vec()).collect();
    if peak(&channels) <= 0.0 {
        return None;
    }
    let (amount, unit) = (kind.plant)(&mut channels, random);
    track.audio = Buffer::from_channels(&channels);
    let what = format!("{} of {amount:.2} {unit}", kind.fault);
    let step = if kind.fault == "ring" { 4 } else { 1 };
    Some(Planted {
        step,
        track: track.file_name,
        fault: kind.fault,
        what,
        amount,
        unit,
        places_s: Vec::new(),
    })
}

/// Level of what is played, in dBFS.
fn playing_dbfs(channels: &[Vec<f64>]) -> f64 {
    active_rms_dbfs(channels, RATE_HZ)
}

fn dc_offset(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let offset = random.between(0.004, 0.05) * if random.unit() < 0.5 { -1.0 } else { 1.0 };
    channels.iter_mut().for_each(|samples| faults::add_dc(samples, offset));
    (offset, "full scale")
}

fn rumble(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let dbfs = playing_dbfs(channels) - random.between(10.0, 32.0);
    channels.iter_mut().for_each(|samples| faults::add_rumble(samples, dbfs, random, RATE_HZ));
    (dbfs, "dBFS")
}

fn hum(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let mains_hz = if random.unit() < 0.5 { 50.0 } else { 60.0 };
    let dbfs = playing_dbfs(channels) - random.between(20.0, 45.0);
    channels.iter_mut().for_each(|samples| faults::add_hum(samples, mains_hz, dbfs, RATE_HZ));
    (mains_hz, "Hz")
}

fn noise(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let dbfs = playing_dbfs(channels) - random.between(26.0, 39.0);
    channels.iter_mut().for_each(|samples| faults::add_noise(samples, dbfs, random));
    (dbfs, "dBFS")
}

fn clicks(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let height = peak(channels) * random.between(0.3, 1.2);
    let count = 6 + random.choose(15);
    for samples in channels.iter_mut() {
        // A second apart at least in the mean, and never at the ends.
        let length = samples.len() as f64;
        let frames: Vec<usize> = (0..count)
            .map(|n| ((n as f64 + random.between(0.2, 0.8)) / count as f64 * length) as usize)
            .collect();
        faults::add_clicks(samples, &frames, height);
    }
    (count as f64, "clicks")
}

/// The converter was driven over its full scale for a small share of the samples.
fn clipping(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    const FULL: f64 = 0.98;
    let share = random.between(0.0005, 0.004);
    let mut levels: Vec<f64> = channels.iter().flatten().map(|x| x.abs()).filter(|x| *x > 1e-4).collect();
    levels.sort_by(f64::total_cmp);
    let place = ((1.0 - share) * levels.len().saturating_sub(1) as f64) as usize;
    let gain = FULL / levels.get(place).copied().unwrap_or(1.0).max(1e-3);
    channels.iter_mut().flatten().for_each(|x| *x *= gain);
    let clipped: usize = channels.iter_mut().map(|samples| faults::clip(samples, FULL)).sum();
    (clipped as f64, "samples")
}

fn polarity(channels: &mut [Vec<f64>], _: &mut Random) -> (f64, &'static str) {
    channels.iter_mut().for_each(|samples| faults::flip(samples));
    (180.0, "degrees")
}

fn late(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let ms = random.between(2.0, 8.0);
    channels.iter_mut().for_each(|samples| faults::delay(samples, (ms * 1e-3 * RATE_HZ) as usize));
    (ms, "ms")
}

fn out_of_phase(channels: &mut [Vec<f64>], _: &mut Random) -> (f64, &'static str) {
    if let Some(right) = channels.get_mut(1) {
        faults::flip(right);
    }
    (180.0, "degrees")
}

fn lopsided(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let side = random.choose(channels.len());
    let hz = random.between(150.0, 190.0);
    for q in [0.541, 1.307] {
        Biquad::high_pass(hz, q, RATE_HZ).run(&mut channels[side]);
    }
    (hz, "Hz")
}

fn silent(channels: &mut [Vec<f64>], _: &mut Random) -> (f64, &'static str) {
    channels.iter_mut().for_each(|samples| samples.fill(0.0));
    (0.0, "full scale")
}

fn too_quiet(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let dbfs = random.between(-50.0, -40.0);
    let gain_db = dbfs - playing_dbfs(channels);
    turn(channels, gain_db);
    (dbfs, "dBFS")
}

/// Groups of phrases louder and softer in turn.
fn uneven(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let swing_db = random.between(5.0, 7.5);
    let (mut points, mut at_s, mut sign) = (Vec::new(), 0.0, 1.0);
    while at_s < LENGTH_S {
        points.push((at_s, sign * swing_db * random.between(0.8, 1.0)));
        at_s += random.between(2.5, 4.5);
        sign = -sign;
    }
    channels.iter_mut().for_each(|samples| faults::ride(samples, &points, RATE_HZ));
    (2.0 * swing_db, "dB")
}

/// A drum's head that rings at one pitch after every stroke.
fn ring(channels: &mut [Vec<f64>], random: &mut Random) -> (f64, &'static str) {
    let hz = random.between(480.0, 900.0);
    let loudest = peak(channels);
    for samples in channels.iter_mut() {
        let (mut strokes, mut rest) = (Vec::new(), 0usize);
        for (frame, x) in samples.iter().enumerate() {
            rest = rest.saturating_sub(1);
            if rest == 0 && x.abs() > 0.4 * loudest {
                strokes.push((frame, db_to_gain(-13.0) * loudest));
                rest = (0.15 * RATE_HZ) as usize;
            }
        }
        faults::add_ring(samples, &strokes, hz, 0.22, RATE_HZ);
    }
    (hz, "Hz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_repeated_by_number_and_only_faulty_tracks_differ() {
        let material = Material::new(3);
        let mut kinds = Vec::new();
        let mut clean = 0;
        for number in 0..40 {
            let song = material.session(number);
            assert_eq!(song, material.session(number));
            assert!(song.tracks.len() >= 5, "{}", song.tracks.len());
            clean += usize::from(song.planted.is_empty());
            kinds.extend(song.planted.iter().map(|planted| planted.fault));
            for track in &song.tracks {
                let before = material.tracks.iter().find(|other| other.file_name == track.file_name).unwrap();
                let faulty = song.planted.iter().any(|planted| planted.track == track.file_name);
                assert_eq!(faulty, *track != *before, "{} in {number}", track.file_name);
                assert!(track.audio.channel(0).iter().all(|x| x.is_finite()));
            }
        }
        kinds.sort_unstable();
        kinds.dedup();
        // 40 sessions hold some 75 faults of 14 kinds, and some ten are clean.
        assert!(kinds.len() >= 11 && (4..20).contains(&clean), "{kinds:?} {clean}");
    }
}
