//! The song as music: the same from the same seed, finite, and each instrument where it belongs.

mod common;

use common::*;
use demo::{Take, clean_song, each_track};

/// A number per track that any changed sample changes, so that no two songs need be held.
fn fingerprints(seed: u64, take: Take) -> Vec<(&'static str, u64)> {
    let mut prints = Vec::new();
    each_track(seed, take, |track| {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut highest = 0.0_f64;
        for channel in 0..track.audio.channels() {
            for x in track.audio.channel(channel) {
                assert!(x.is_finite(), "{} of seed {seed}: {x}", track.file_name);
                highest = highest.max(x.abs());
                hash = (hash ^ x.to_bits()).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        assert!(highest <= 1.0, "{} of seed {seed} peaks at {highest}", track.file_name);
        assert!(highest > 0.01, "{} of seed {seed} is silent", track.file_name);
        prints.push((track.file_name, hash));
    });
    prints
}

#[test]
fn the_same_seed_gives_the_same_samples_and_another_seed_does_not() {
    let first = fingerprints(3, Take::Faulty);
    assert_eq!(first, fingerprints(3, Take::Faulty));
    for (a, b) in first.iter().zip(fingerprints(u64::MAX, Take::Faulty)) {
        assert_ne!(a.1, b.1, "{} is the same for both seeds", a.0);
    }
}

#[test]
fn a_song_holds_what_comes_track_by_track() {
    let whole = clean_song(7);
    assert_eq!(whole.tracks.len(), 18);
    assert_eq!((whole.tempo_bpm, &whole.sections), (clean().sheet.tempo_bpm, &clean().sheet.sections));
    for (track, single) in whole.tracks.iter().zip(&clean().tracks) {
        assert_eq!(track.file_name, single.file_name);
        assert_eq!(track.audio.channels(), single.channels.len());
        assert_eq!(track.audio.frames(), single.frames());
        assert_eq!(track.audio.channel(0)[900_000] as f32, single.channels[0][900_000]);
    }
}

#[test]
fn the_form_is_a_song_of_about_forty_seconds() {
    let sheet = &clean().sheet;
    let names: Vec<&str> = sheet.sections.iter().map(|s| s.0).collect();
    assert_eq!(names, ["intro", "verse", "chorus", "break", "chorus", "outro"]);
    assert!((96.0..=104.0).contains(&sheet.tempo_bpm));
    let seconds = clean().track("Kick").frames() as f64 / 48_000.0;
    assert!((40.0..46.0).contains(&seconds), "{seconds} s");
    // Sections begin on bars of four beats.
    for pair in sheet.sections.windows(2) {
        let bars = (pair[1].1 - pair[0].1) * sheet.tempo_bpm / 240.0;
        assert!((bars - bars.round()).abs() < 1e-9, "{} is {bars} bars long", pair[0].0);
    }
}

#[test]
fn each_instrument_has_its_energy_where_it_belongs() {
    // Name, band in hertz, least share of the energy there over the whole song.
    let homes = [
        ("Kick In", 30.0, 250.0, 0.75),
        ("Kick Out", 30.0, 250.0, 0.75),
        ("Snare Top", 120.0, 12_000.0, 0.85),
        ("Snare Btm", 2000.0, 16_000.0, 0.4),
        ("HiHat", 3000.0, 20_000.0, 0.6),
        ("Floor Tom", 60.0, 400.0, 0.8),
        ("Bass", 35.0, 250.0, 0.75),
        ("EGtr L", 80.0, 6000.0, 0.95),
        ("EGtr R", 80.0, 6000.0, 0.95),
        ("Keys", 60.0, 3000.0, 0.95),
        ("Pad", 60.0, 4000.0, 0.95),
        ("Lead", 180.0, 5000.0, 0.9),
        ("BVox 1", 120.0, 5000.0, 0.9),
        ("BVox 2", 100.0, 5000.0, 0.9),
        ("Tambourine", 4000.0, 20_000.0, 0.85),
        ("Shaker", 2500.0, 20_000.0, 0.85),
    ];
    for (name, low_hz, high_hz, least) in homes {
        let samples = &clean().track(name).channels[0];
        let share = band(samples, low_hz, high_hz, 48_000.0) / band(samples, 10.0, 24_000.0, 48_000.0);
        assert!(share > least, "{name}: {share:.2} of the energy between {low_hz} and {high_hz} Hz");
    }
}

/// Fundamental by the highest peak of the autocorrelation between 100 and 700 Hz that is not beaten by more than
/// 10 % by a later one.
fn pitch_hz(samples: &[f32]) -> f64 {
    let strength = |lag: usize| correlation(&samples[lag..], &samples[..samples.len() - lag]);
    let all: Vec<(usize, f64)> = (68..480).map(|lag| (lag, strength(lag))).collect();
    let best = all.iter().fold(0.0, |best: f64, x| best.max(x.1));
    let peak = |w: &&[(usize, f64)]| w[1].1 > 0.9 * best && w[1].1 >= w[0].1 && w[1].1 >= w[2].1;
    all.windows(3).find(peak).map_or(0.0, |w| 48_000.0 / w[1].0 as f64)
}

#[test]
fn the_lead_sings_the_written_melody_and_the_bass_its_roots() {
    let song = clean();
    let held = |name: &str, bar: usize, beat: f64| {
        let at = song.at_s(bar, beat);
        pitch_hz(song.track(name).part(at, at + 0.12))
    };
    let semitones = |a: f64, b: f64| 12.0 * (a / b).log2();
    let first = held("Lead", 6, 0.4);
    // Bar, beat, semitones above the chorus's first note, which is the third of the key.
    for (bar, beat, interval) in
        [(6, 2.5, -4.0), (7, 0.4, -2.0), (7, 2.5, -9.0), (9, 1.5, -7.0), (13, 0.4, 3.0)]
    {
        let sung = semitones(held("Lead", bar, beat), first);
        // 0.8 semitone: vibrato of 0.38 and drift on both notes. A wrong note is a whole one off at least.
        assert!((sung - interval).abs() < 0.8, "bar {bar} beat {beat}: {sung} instead of {interval}");
    }
    // The harmony is sung below the lead, at the first note a sixth or a third under it.
    for name in ["BVox 1", "BVox 2"] {
        let under = semitones(first, held(name, 6, 0.4));
        assert!((2.0..17.0).contains(&under), "{name}: {under} semitones under the lead");
    }
}

#[test]
fn the_bass_locks_with_the_kick() {
    let song = clean();
    let rise = |name: &str, at: f64| {
        let track = song.track(name);
        rms(track.part(at, at + 0.05)) / rms(track.part(at - 0.06, at - 0.01)).max(1e-6)
    };
    let mut together = 0;
    for bar in 2..6 {
        let at = song.at_s(bar, 0.0);
        assert!(rise("Kick In", at) > 3.0, "a kick on the one of bar {bar}");
        together += usize::from(rise("Bass", at) > 1.2);
    }
    assert!(together >= 3, "the bass begins with the kick in {together} of 4 bars");
}

#[test]
fn the_chorus_is_fuller_than_the_verse() {
    let song = clean();
    let level = |from: usize, to: usize| {
        let power: f64 =
            song.tracks.iter().map(|t| rms(t.part(song.at_s(from, 0.0), song.at_s(to, 0.0))).powi(2)).sum();
        10.0 * power.log10()
    };
    let (verse, chorus) = (level(2, 6), level(6, 10));
    assert!((1.0..8.0).contains(&(chorus - verse)), "{:.1} dB", chorus - verse);
}
