//! Tempo, beats, key and sections of music that is made here, so that the truth is known.

use crate::common::Random;
use audio::{BlockRef, Buffer, Layout};
use measure::{Analysis, Music, Options, analyse};
use std::f64::consts::TAU;

const RATE: f64 = 44_100.0;

fn music_of(samples: &[f64]) -> Music {
    let options = Options { true_peak_factor: 4, spectrum: true, pitch: false, ..Options::default() };
    let block = BlockRef::from_mono(samples);
    analyse(&block, RATE, Layout::Mono, options).unwrap().music.expect("asked for")
}

fn silence(seconds: f64) -> Vec<f64> {
    vec![0.0; (seconds * RATE) as usize]
}

/// A short tone with a hard beginning.
fn click(samples: &mut [f64], at_s: f64, hz: f64, gain: f64) {
    let from = (at_s * RATE).round() as usize;
    for n in 0..(0.05 * RATE) as usize {
        let Some(sample) = samples.get_mut(from + n) else { return };
        let t = n as f64 / RATE;
        *sample += gain * (TAU * hz * t).sin() * (-t / 0.01).exp();
    }
}

fn metronome(bpm: f64, seconds: f64) -> (Vec<f64>, Vec<f64>) {
    let mut samples = silence(seconds);
    let times: Vec<f64> =
        (0..).map(|n| 0.4 + f64::from(n) * 60.0 / bpm).take_while(|at| *at < seconds - 0.1).collect();
    times.iter().for_each(|at| click(&mut samples, *at, 1_500.0, 0.5));
    (samples, times)
}

/// Share of the true beats that have a found one within 70 ms and the other way round (F-measure of McKinney et al.
/// 2007, the field's own figure), without the first and last second.
fn f_measure(found: &[f64], truth: &[f64]) -> f64 {
    let hits = truth.iter().filter(|t| found.iter().any(|f| (*f - **t).abs() < 0.07)).count() as f64;
    2.0 * hits / (found.len() + truth.len()) as f64
}

#[test]
fn a_metronome_has_its_tempo_and_its_beats() {
    for bpm in [40.0, 60.0, 84.5, 120.0, 137.3, 180.0] {
        let (samples, truth) = metronome(bpm, 18.0);
        let music = music_of(&samples);
        let found = music.tempo_bpm.unwrap_or_else(|| panic!("{bpm}: {music:?}"));
        // 0.2 %: a beat of 10 ms bins over 24 s.
        assert!((found / bpm - 1.0).abs() < 0.002, "{found} for {bpm}, other {:?}", music.tempo_other_bpm);
        assert!(music.tempo_confidence > 0.6, "{bpm}: {}", music.tempo_confidence);
        let f = f_measure(&music.beats_s, &truth);
        assert!(f > 0.95, "{bpm}: F {f}, {:?}", music.beats_s);
        // In the middle of a bin, and the window's own delay: 15 ms.
        let off: Vec<f64> =
            music.beats_s.iter().map(|b| truth.iter().map(|t| (b - t).abs()).fold(1.0, f64::min)).collect();
        assert!(off.iter().all(|off| *off < 0.015), "{bpm}: {off:?}");
    }
}

#[test]
fn a_pulse_that_may_be_felt_half_as_fast_is_told_so() {
    // Clicks at 240 with nothing between and no accents: felt at 240 or at 120, and nothing in the sound says which.
    let music = music_of(&metronome(240.0, 18.0).0);
    let found = music.tempo_bpm.unwrap();
    let other = music.tempo_other_bpm.unwrap();
    let (slow, fast) = (found.min(other), found.max(other));
    // The other one is told on the grid of candidates: 1 %.
    assert!((fast / 240.0 - 1.0).abs() < 0.012 && (slow / 120.0 - 1.0).abs() < 0.012, "{slow} {fast}");
    assert!(music.tempo_level_confidence < 0.2, "{}", music.tempo_level_confidence);
}

/// Kick on 1 and 3, snare on 2 and 4, hat on eighths.
fn drums(bpm: f64, seconds: f64) -> (Vec<f64>, Vec<f64>) {
    let mut samples = silence(seconds);
    let mut random = Random(99);
    let beat = 60.0 / bpm;
    let mut times = Vec::new();
    for n in 0.. {
        let at = 0.5 + f64::from(n) * 0.5 * beat;
        if at > seconds - 0.3 {
            break;
        }
        let from = (at * RATE) as usize;
        let mut hit = |length_s: f64, gain: f64, tone_hz: f64, noise: f64| {
            for k in 0..(4.0 * length_s * RATE) as usize {
                let Some(sample) = samples.get_mut(from + k) else { return };
                let t = k as f64 / RATE;
                *sample +=
                    gain * (-t / length_s).exp() * ((TAU * tone_hz * t).sin() + noise * random.number());
            }
        };
        hit(0.02, 0.08, 8_000.0, 1.0);
        if n % 2 == 0 {
            times.push(at);
            match n / 2 % 4 {
                0 => hit(0.15, 0.6, 55.0, 0.05),
                2 => hit(0.10, 0.4, 60.0, 0.05),
                _ => hit(0.06, 0.3, 190.0, 1.0),
            }
        }
    }
    (samples, times)
}

#[test]
fn drums_have_the_beat_that_is_felt_and_no_key() {
    for bpm in [84.0, 104.0, 126.0] {
        let (samples, truth) = drums(bpm, 20.0);
        let music = music_of(&samples);
        assert!((music.tempo_bpm.unwrap() / bpm - 1.0).abs() < 0.002, "{bpm}: {:?}", music.tempo_bpm);
        assert!(f_measure(&music.beats_s, &truth) > 0.95, "{bpm}");
        assert_eq!(music.key, None, "drums have no key");
    }
}

#[test]
fn bars_begin_where_bass_and_harmony_change() {
    // Four beats of half a second in a bar; the first chord is an upbeat of two.
    let progression =
        [(7, false), (0, false), (5, false), (9, true), (7, false), (2, true), (5, false), (4, true)];
    let mut samples = silence(1.0);
    samples.extend(&chords(&progression, 0, 0.0, 2.0)[(RATE as usize)..]);
    samples.extend(chords(&progression, 0, 0.0, 2.0));
    for n in 0..62 {
        click(&mut samples, 1.0 + 0.5 * f64::from(n), 1_000.0, 0.2);
    }
    let music = music_of(&samples);
    assert!((music.tempo_bpm.unwrap() - 120.0).abs() < 0.3, "{:?}", music.tempo_bpm);
    assert_eq!(music.beats_per_bar, Some(4));
    // Chords change at 2, 4, 6 ... s.
    let first = music.downbeats_s[0];
    assert!((first / 2.0 - (first / 2.0).round()).abs() < 0.02, "{first}");
    // Clicks all alike have none.
    assert_eq!(music_of(&metronome(120.0, 20.0).0).beats_per_bar, None);
}

#[test]
fn beats_follow_a_tempo_that_changes() {
    // From 90 to 120 over forty seconds: 10 ms more or less each beat.
    let mut samples = silence(42.0);
    let (mut at, mut truth) = (0.5, Vec::new());
    while at < 41.0 {
        truth.push(at);
        click(&mut samples, at, 1_200.0, 0.5);
        at += 60.0 / (90.0 + 30.0 * at / 42.0);
    }
    let music = music_of(&samples);
    let f = f_measure(&music.beats_s, &truth);
    assert!(f > 0.9, "F {f}");
    assert!(music.tempo_confidence < 0.6, "no one tempo: {music:?}");

    // And jump: 90, then 132.
    let mut samples = silence(40.0);
    let first = (0..30).map(|n| 0.4 + f64::from(n) * 60.0 / 90.0);
    let second = (0..42).map(|n| 20.4 + f64::from(n) * 60.0 / 132.0);
    let truth: Vec<f64> = first.chain(second).collect();
    truth.iter().for_each(|at| click(&mut samples, *at, 1_200.0, 0.5));
    let music = music_of(&samples);
    let f = f_measure(&music.beats_s, &truth);
    assert!(f > 0.85, "F {f}");
    assert!(music.tempo_confidence < 0.7, "{}", music.tempo_confidence);
}

#[test]
fn what_has_no_beat_is_not_given_one() {
    let mut random = Random(5);
    let noise: Vec<f64> = silence(20.0).iter().map(|_| 0.3 * random.number()).collect();
    let mut one_hit = silence(20.0);
    click(&mut one_hit, 3.0, 400.0, 0.8);
    let mut scattered = silence(30.0);
    for _ in 0..80 {
        click(&mut scattered, 15.0 + 14.5 * random.number(), 900.0, 0.5);
    }
    for (name, samples) in [("noise", &noise), ("one hit", &one_hit), ("scattered", &scattered)] {
        let music = music_of(samples);
        assert!(music.tempo_confidence < 0.5, "{name}: {:?} {}", music.tempo_bpm, music.tempo_confidence);
        assert_eq!(music.key, None, "{name}");
    }
    let music = music_of(&silence(20.0));
    assert_eq!((music.tempo_bpm, music.beats_s.len(), music.key, music.sections.len()), (None, 0, None, 0));
}

#[test]
fn short_files_say_what_they_can() {
    for seconds in [0.0, 1.0 / RATE, 0.01, 0.3, 1.0, 2.0] {
        let (samples, _) = drums(120.0, seconds + 0.5);
        let music = music_of(&samples[..(seconds * RATE) as usize]);
        assert!(music.sections.len() <= 1, "{seconds}: {:?}", music.sections);
        assert!(music.beats_s.iter().all(|at| *at <= seconds), "{seconds}: {music:?}");
        assert!(music.sections.iter().all(|s| s.start_s == 0.0 && (s.end_s - seconds).abs() < 1e-4));
    }
}

/// A tone with overtones at a pitch in semitones above C1, in a tuning in cents.
fn note(samples: &mut [f64], from_s: f64, to_s: f64, semitones: f64, cents: f64, gain: f64, bright: f64) {
    let hz = 32.703_195_662_574_83 * ((semitones + cents / 100.0) / 12.0).exp2();
    for n in (from_s * RATE) as usize..((to_s * RATE) as usize).min(samples.len()) {
        let t = n as f64 / RATE - from_s;
        let fade = (t / 0.01).min((to_s - from_s - t) / 0.02).clamp(0.0, 1.0) * (-t / 1.5).exp();
        let wave: f64 =
            (1..=6).map(|k| (TAU * hz * f64::from(k) * t).sin() * bright.powi(k - 1) / f64::from(k)).sum();
        samples[n] += gain * fade * wave;
    }
}

/// Chords as (root above C, minor), so many seconds each, with a bass note.
fn chords(chords: &[(i32, bool)], tonic: i32, cents: f64, length_s: f64) -> Vec<f64> {
    let mut samples = silence(length_s * chords.len() as f64);
    for (n, (root, minor)) in chords.iter().enumerate() {
        let from = length_s * n as f64;
        let root = f64::from((root + tonic).rem_euclid(12));
        for (above, gain) in [(12.0, 0.2), (36.0, 0.1), (if *minor { 39.0 } else { 40.0 }, 0.1), (43.0, 0.1)]
        {
            note(&mut samples, from, from + length_s, root + above, cents, gain, 0.6);
        }
    }
    samples
}

#[test]
fn keys_are_found_in_all_transpositions_and_tunings() {
    // I IV V I vi ii V I, and i iv V i VI iv V i with the major dominant of the harmonic minor.
    let major =
        [(0, false), (5, false), (7, false), (0, false), (9, true), (2, true), (7, false), (0, false)];
    let minor = [(0, true), (5, true), (7, false), (0, true), (8, false), (5, true), (7, false), (0, true)];
    for tonic in 0..12 {
        // A different tuning for each: -45 to +43 cents.
        let cents = -45.0 + 8.0 * f64::from(tonic);
        for (progression, is_minor) in [(&major, false), (&minor, true)] {
            let music = music_of(&chords(progression, tonic, cents, 0.8));
            let key = music.key.clone().unwrap_or_else(|| panic!("no key for {tonic} {is_minor} {cents}"));
            assert_eq!((key.tonic, key.minor), (tonic as usize, is_minor), "{cents} cents: {key:?}");
            // Peaks of overlapping overtones shift by a few cents.
            let off = (music.tuning_cents.unwrap() - cents + 50.0).rem_euclid(100.0) - 50.0;
            assert!(off.abs() < 6.0, "{:?} for {cents}", music.tuning_cents);
            assert!(key.confidence > 0.3, "{key:?}");
        }
    }
}

#[test]
fn one_note_has_no_key() {
    let mut drone = silence(20.0);
    for n in 0..10 {
        note(&mut drone, 2.0 * f64::from(n), 2.0 * f64::from(n) + 2.0, 21.0, 0.0, 0.3, 0.6);
    }
    assert_eq!(music_of(&drone).key, None);
}

/// Eight bars of four beats at 120: chords, brightness, level and whether drums play are those of the part.
fn part(samples: &mut Vec<f64>, name: char) {
    let (progression, bright, gain, beat): ([(i32, bool); 4], f64, f64, bool) = match name {
        'A' => ([(0, false), (9, true), (5, false), (7, false)], 0.3, 0.5, false),
        'B' => ([(5, false), (0, false), (7, false), (9, true)], 0.8, 1.0, true),
        _ => ([(3, false), (8, false), (10, false), (2, true)], 0.5, 0.6, false),
    };
    let mut both = Vec::new();
    for _ in 0..2 {
        let mut four = silence(8.0);
        for (n, (root, minor)) in progression.iter().enumerate() {
            let from = 2.0 * n as f64;
            for above in [12.0, 36.0, if *minor { 39.0 } else { 40.0 }, 43.0] {
                note(&mut four, from, from + 2.0, f64::from(*root) + above, 0.0, 0.12 * gain, bright);
            }
        }
        both.extend(four);
    }
    for n in 0..32 {
        click(
            &mut both,
            0.5 * f64::from(n),
            if beat { 3_000.0 } else { 1_000.0 },
            if beat { 0.4 } else { 0.05 },
        );
    }
    samples.extend(both);
}

#[test]
fn a_form_is_found_with_its_boundaries_and_its_letters() {
    let mut samples = Vec::new();
    "ABABCB".chars().for_each(|name| part(&mut samples, name));
    let music = music_of(&samples);
    let found: Vec<(f64, f64, &str)> =
        music.sections.iter().map(|s| (s.start_s, s.end_s, s.label.as_str())).collect();
    let letters: String = found.iter().map(|(_, _, label)| *label).collect();
    assert_eq!(letters, "ABABCB", "{found:?}");
    for (n, (start_s, ..)) in found.iter().enumerate() {
        // Within a beat of half a second.
        assert!((start_s - 16.0 * n as f64).abs() < 0.55, "{found:?}");
    }
    assert_eq!(found.last().unwrap().1, 96.0);
    let energy: Vec<f64> = music.sections.iter().map(|s| s.energy).collect();
    assert!(energy[1] > energy[0] + 0.3 && energy[3] > energy[4] + 0.2, "{energy:?}");
    assert_eq!(music.energy_lufs.len(), 96);
}

#[test]
fn one_part_is_not_cut_and_silence_is_told() {
    let mut samples = Vec::new();
    part(&mut samples, 'A');
    part(&mut samples, 'A');
    let music = music_of(&samples);
    assert!(music.sections.len() <= 2, "{:?}", music.sections);
    assert!(music.sections.iter().all(|s| s.label == "A"), "{:?}", music.sections);
    // The same after ten seconds of nothing.
    let mut late = silence(10.0);
    late.extend(samples);
    let sections = music_of(&late).sections;
    assert_eq!(sections[0].label, "silence", "{sections:?}");
    assert!((sections[0].end_s - 10.0).abs() < 0.8, "{sections:?}");
}

#[test]
fn how_the_signal_was_cut_does_not_matter_and_who_does_not_ask_does_not_pay() {
    let (samples, _) = drums(110.0, 12.0);
    let whole = music_of(&samples);
    let options = Options { true_peak_factor: 4, spectrum: true, pitch: false, ..Options::default() };
    let mut analyser = measure::Analyser::new(RATE, Layout::Mono, options).unwrap();
    let mut at = 0;
    for size in [1, 7, 441, 1000, 30_000].into_iter().cycle() {
        let end = (at + size).min(samples.len());
        analyser.push(&BlockRef::from_mono(&samples[at..end]));
        at = end;
        if at == samples.len() {
            break;
        }
    }
    assert_eq!(analyser.finish().music, Some(whole));
    let stereo = Buffer::from_channels(&[samples.clone(), samples]);
    let lean = Options { music: false, ..options };
    let Analysis { music, .. } = analyse(&stereo.as_block(), RATE, Layout::Stereo, lean).unwrap();
    assert_eq!(music, None);
}
