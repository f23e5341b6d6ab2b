//! Hum, clicks and a lopsided low end: what was put in is found, and what is music is not taken for it.

use crate::common::Random;
use audio::{Buffer, Layout, db_to_gain};
use measure::{Blemishes, Options, analyse};
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;

fn blemishes(channels: &[Vec<f64>], rate: f64) -> Blemishes {
    let buffer = Buffer::from_channels(channels);
    let options = Options { true_peak_factor: 4, ..Options::default() };
    analyse(&buffer.as_block(), rate, Layout::from_channels(channels.len()), options).unwrap().blemishes
}

fn noise(seconds: f64, rate: f64, dbfs: f64, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    let gain = db_to_gain(dbfs) * 3f64.sqrt();
    (0..(seconds * rate) as usize).map(|_| gain * random.number()).collect()
}

fn sine(hz: f64, rms_dbfs: f64, rate: f64) -> impl Fn(usize) -> f64 {
    let peak = db_to_gain(rms_dbfs) * 2f64.sqrt();
    move |n| peak * (TAU * hz * n as f64 / rate).sin()
}

/// A part that plays notes of 98 Hz (a G, two hertz beside the mains) for 4 s of every 10, each dying away.
fn part(seconds: f64, rate: f64) -> Vec<f64> {
    let mut part = noise(seconds, rate, -84.0, 5);
    let tone: Vec<Box<dyn Fn(usize) -> f64>> =
        [98.0, 196.0, 294.0].map(|hz| Box::new(sine(hz, -20.0, rate)) as _).into();
    for (n, x) in part.iter_mut().enumerate() {
        let at_s = (n as f64 / rate) % 10.0;
        let level = if at_s < 4.0 { 1.0 } else { (-(at_s - 4.0) / 0.15).exp() };
        *x += level * tone.iter().map(|tone| tone(n)).sum::<f64>();
    }
    part
}

#[test]
fn hum_is_found_in_the_pauses_with_its_levels() {
    for (rate, mains_hz) in [(44_100.0, 50.0), (48_000.0, 60.0), (96_000.0, 50.0)] {
        let mut hums = part(40.0, rate);
        let lines = [(1.0, -50.0), (2.0, -56.0), (3.0, -60.0), (5.0, -66.0)];
        for (times, dbfs) in lines {
            // The mains are never quite what they should be.
            let line = sine(1.0004 * times * mains_hz, dbfs, rate);
            hums.iter_mut().enumerate().for_each(|(n, x)| *x += line(n));
        }
        let hum = blemishes(&[hums], rate).hum.expect("hum");
        assert_eq!(hum.mains_hz, mains_hz);
        let found: Vec<f64> = hum.lines.iter().map(|line| line.hz / mains_hz).collect();
        assert_eq!(found, lines.map(|(times, _)| times), "{hum:?}");
        for (line, (_, dbfs)) in hum.lines.iter().zip(lines) {
            // 0.5 dB: the main lobe holds 99.9 % of a line, the rest is noise of -84 dBFS and the tails of notes.
            assert!((line.dbfs - dbfs).abs() < 0.5, "{line:?} for {dbfs}");
        }
    }
}

#[test]
fn one_steady_line_in_the_pauses_is_hum_and_a_weak_one_is_not() {
    let with_line = |hz: f64, dbfs: f64| {
        let mut hums = part(40.0, RATE);
        let line = sine(hz, dbfs, RATE);
        hums.iter_mut().enumerate().for_each(|(n, x)| *x += line(n));
        blemishes(&[hums], RATE).hum
    };
    let hum = with_line(50.0, -55.0).expect("a sine of the mains");
    assert_eq!((hum.lines.len(), hum.lines[0].hz), (1, 50.0), "{hum:?}");
    // 0.5 dB: as above.
    assert!((hum.lines[0].dbfs + 55.0).abs() < 0.5, "{hum:?}");
    // A line that stands 20 dB out of nothing else than noise of -84 dBFS would need -105; at 75 Hz there is no mains.
    assert_eq!(with_line(75.0, -55.0), None);
}

#[test]
fn what_goes_on_below_25_hz_is_told_from_strokes() {
    let rumble = sine(15.0, -40.0, RATE);
    let mut rumbles = part(40.0, RATE);
    rumbles.iter_mut().enumerate().for_each(|(n, x)| *x += rumble(n));
    let steady_dbfs = blemishes(&[rumbles], RATE).subsonic_dbfs.expect("a level");
    // A steady tone is as strong in every frame; half a decibel for the notes' beginnings.
    assert!((steady_dbfs + 40.0).abs() < 0.5, "{steady_dbfs}");
    // The same tone in bursts of a quarter of a second, two seconds apart.
    let mut strokes = part(40.0, RATE);
    for (n, x) in strokes.iter_mut().enumerate() {
        *x += if (n as f64 / RATE) % 2.0 < 0.25 { rumble(n) } else { 0.0 };
    }
    let between_dbfs = blemishes(&[strokes], RATE).subsonic_dbfs.expect("a level");
    assert!(between_dbfs < -80.0, "{between_dbfs}");
    assert_eq!(blemishes(&[vec![0.0; 480_000]], RATE).subsonic_dbfs, None);
}

#[test]
fn notes_noise_and_silence_do_not_hum() {
    assert_eq!(blemishes(&[part(40.0, RATE)], RATE).hum, None, "tails of notes beside the mains");
    assert_eq!(blemishes(&[noise(20.0, RATE, -40.0, 3)], RATE).hum, None, "noise");
    assert_eq!(blemishes(&[vec![0.0; 480_000]], RATE).hum, None, "silence");
    // A bass that holds a low G sharp of 50 Hz and its octave all the time has no pause to tell.
    let (first, second) = (sine(50.0, -20.0, RATE), sine(100.0, -26.0, RATE));
    let holds: Vec<f64> = (0..480_000).map(|n| first(n) + second(n)).collect();
    assert_eq!(blemishes(&[holds], RATE).hum, None);
}

/// A part that never pauses: a wandering voice over held notes, and none of them near the mains for long.
fn without_pauses(seconds: f64, rate: f64) -> Vec<f64> {
    let mut phases = [0.0; 3];
    let mut part = noise(seconds, rate, -70.0, 5);
    for (n, x) in part.iter_mut().enumerate() {
        let t = n as f64 / rate;
        for (voice, phase) in phases.iter_mut().enumerate() {
            // A line of notes, each of them longer than a second.
            let note = (t * 0.8) as usize * 7 % 11 + 5 * voice;
            *phase += TAU * 82.4 * 2f64.powf(note as f64 / 12.0) / rate;
            *x += 0.05 * (1..8).map(|k| (f64::from(k) * *phase).sin() / f64::from(k)).sum::<f64>();
        }
    }
    part
}

#[test]
fn hum_under_a_part_that_never_pauses_is_found() {
    let rate = 44_100.0;
    let clean = without_pauses(30.0, rate);
    assert_eq!(blemishes(std::slice::from_ref(&clean), rate).hum, None, "the part by itself");
    let mut hums = clean.clone();
    for (times, dbfs) in [(1.0, -40.0), (2.0, -44.0), (3.0, -42.0), (5.0, -46.0)] {
        let line = sine(1.0004 * times * 50.0, dbfs, rate);
        hums.iter_mut().enumerate().for_each(|(n, x)| *x += line(n));
    }
    let hum = blemishes(&[hums], rate).hum.expect("hum");
    assert_eq!(hum.mains_hz, 50.0);
    assert!(hum.lines.len() >= 3 && hum.lines[0].hz == 50.0, "{hum:?}");
    // The quietest tenth of the frames has the line with whatever plays against it then: 2 dB.
    assert!((hum.lines[0].dbfs + 40.0).abs() < 2.0, "{hum:?}");
    // A drone on a low G (49 Hz) with its overtones, as quiet, is no mains.
    let mut drone = clean;
    for times in 1..9 {
        let line = sine(49.0 * f64::from(times), -42.0, rate);
        drone.iter_mut().enumerate().for_each(|(n, x)| *x += line(n));
    }
    assert_eq!(blemishes(&[drone], rate).hum, None, "a drone");
}

#[test]
fn dropouts_are_found_in_either_channel() {
    let mut torn = [part(12.0, RATE), part(12.0, RATE)];
    torn.iter_mut()
        .for_each(|channel| channel.iter_mut().for_each(|x| *x = (*x * 32_768.0).round() / 32_768.0));
    torn[0][48_000..48_500].fill(0.0);
    torn[1][96_000..96_100].fill(0.0);
    // Both channels at once are one dropout.
    torn.iter_mut().for_each(|channel| channel[120_000..132_000].fill(0.0));
    let found = blemishes(&torn, RATE);
    let places: Vec<(usize, usize)> = found.dropout_places.iter().map(|d| (d.channel, d.frame)).collect();
    assert_eq!((found.dropouts, places), (3, vec![(0, 48_000), (1, 96_000), (0, 120_000)]), "{found:?}");
    let whole = part(12.0, RATE);
    assert_eq!(blemishes(&[whole], RATE).dropouts, 0);
}

/// Something like a voice: a wandering pitch of 40 harmonics, with breath.
fn voice(seconds: f64, rate: f64) -> Vec<f64> {
    let mut breath = noise(seconds, rate, -60.0, 9);
    let mut phase = 0.0;
    for (n, x) in breath.iter_mut().enumerate() {
        let t = n as f64 / rate;
        phase += TAU * 180.0 * (1.0 + 0.03 * (TAU * 5.5 * t).sin()) / rate;
        // 20 ms to begin and to end: what begins at once does click.
        let sings = ((t % 4.0) / 0.02).min((2.5 - t % 4.0) / 0.02).clamp(0.0, 1.0);
        *x += sings * 0.1 * (1..40).map(|k| (f64::from(k) * phase).sin() / f64::from(k)).sum::<f64>();
    }
    breath
}

#[test]
fn clicks_are_found_where_they_are() {
    for rate in [44_100.0, 48_000.0, 96_000.0] {
        let mut clicks = voice(12.0, rate);
        let at_s = [0.7, 2.2, 3.1, 5.5, 7.3, 9.9, 11.2];
        for (place, at_s) in at_s.iter().enumerate() {
            let frame = (at_s * rate) as usize;
            // Up and down, and up only; down to -26 dBFS.
            let height = if place % 2 == 0 { 0.3 } else { -0.2 };
            clicks[frame] += height;
            clicks[frame + 1] -= if place % 3 == 0 { 0.7 * height } else { 0.0 };
        }
        let found = blemishes(&[clicks], rate);
        assert_eq!(found.clicks, at_s.len(), "at {rate} Hz: {:?}", found.click_places_s);
        for (found, at_s) in found.click_places_s.iter().zip(at_s) {
            // The place lies within the stretch that a repair would fill, which lasts 1.6 ms at most.
            assert!((found - at_s).abs() < 0.0016, "{found} for {at_s}");
        }
    }
}

#[test]
fn music_does_not_click() {
    assert_eq!(blemishes(&[voice(12.0, RATE)], RATE).clicks, 0, "a voice");
    assert_eq!(blemishes(&[noise(10.0, RATE, -20.0, 4)], RATE).clicks, 0, "noise");
    assert_eq!(blemishes(&[vec![0.0; 48_000]], RATE).clicks, 0, "silence");
    // Strokes: noise that begins at once and dies away.
    let stroke = |n: usize, x: f64| x * (-((n % 24_000) as f64) / 2_400.0).exp();
    let strokes: Vec<f64> =
        noise(10.0, RATE, -12.0, 8).iter().enumerate().map(|(n, x)| stroke(n, *x)).collect();
    assert_eq!(blemishes(&[strokes], RATE).clicks, 0, "strokes");
    let square: Vec<f64> = (0..480_000).map(|n| if n % 480 < 240 { 1.0 } else { -1.0 }).collect();
    assert_eq!(blemishes(&[square], RATE).clicks, 0, "a full-scale square");
    // A file that is cut out of a tone steps at both ends.
    let tone = sine(333.0, -10.0, RATE);
    let cut: Vec<f64> = (0..48_100).map(|n| tone(n + 40)).collect();
    assert_eq!(blemishes(&[cut], RATE).clicks, 0, "a cut tone");
    assert_eq!(blemishes(&[vec![0.5]], RATE).clicks, 0, "one frame");
}

#[test]
fn the_low_end_is_weighed_by_itself() {
    let (low, high) = (sine(100.0, -20.0, RATE), sine(1_000.0, -20.0, RATE));
    let both: Vec<f64> = (0..480_000).map(|n| low(n) + high(n)).collect();
    let half: Vec<f64> = (0..480_000).map(|n| 0.5 * low(n) + high(n)).collect();
    let leans = blemishes(&[both.clone(), half], RATE).low_end_balance_db.unwrap();
    // Half the amplitude is 6.02 dB; the window's skirts of 1 kHz are under -60 dB.
    assert!((leans + 6.02).abs() < 0.02, "{leans}");
    let even = blemishes(&[both.clone(), both.clone()], RATE).low_end_balance_db.unwrap();
    assert!(even.abs() < 1e-9, "{even}");
    assert_eq!(blemishes(&[both], RATE).low_end_balance_db, None);
}

/// Round pulses between words: no sample of them is out of line with its neighbours. What dies away, or sounds for longer, is
/// played.
#[test]
fn round_pulses_that_stand_alone_are_clicks() {
    for rate in [44_100.0, 48_000.0] {
        // The longest pulse is 25 dB steeper than this noise.
        let quiet = noise(3.0, rate, -66.0, 9);
        let at = |seconds: f64| (seconds * rate) as usize;
        let mut clicked = quiet.clone();
        let places = [0.5, 1.1, 1.9, 2.4];
        for (place, length_s) in places.into_iter().zip([0.0003, 0.0004, 0.0005, 0.00065]) {
            let length = at(length_s);
            for n in 0..length {
                let bump = (std::f64::consts::PI * (n as f64 + 0.5) / length as f64).sin().powi(2);
                clicked[at(place) + n] += 0.3 * bump;
            }
        }
        let found = blemishes(&[clicked], rate);
        assert_eq!(found.clicks, places.len(), "{found:?}");
        for (place, found_s) in places.iter().zip(found.click_places_s) {
            assert!((found_s - place).abs() < 0.001, "{found_s} for {place}");
        }
        // A struck block of wood: 2 kHz that is 60 dB down after 35 ms.
        let mut struck = quiet;
        for place in places {
            for n in 0..at(0.1) {
                let t = n as f64 / rate;
                struck[at(place) + n] += 0.3 * (TAU * 2_000.0 * t).sin() * (-t / 0.005).exp();
            }
        }
        let found = blemishes(&[struck], rate);
        assert_eq!(found.clicks, 0, "{found:?}");
        // Low waves with steep edges, and one of narrow pulses.
        for hz in [31.0, 45.0] {
            let turn = |n: usize| (hz * n as f64 / rate).fract();
            let frames = at(2.0);
            let square: Vec<f64> = (0..frames).map(|n| if turn(n) < 0.5 { 0.3 } else { -0.3 }).collect();
            let saw: Vec<f64> = (0..frames).map(|n| 0.6 * turn(n) - 0.3).collect();
            let pulses: Vec<f64> = (0..frames).map(|n| if turn(n) < 0.02 { 0.3 } else { 0.0 }).collect();
            for (name, wave) in [("square", square), ("saw", saw), ("pulses", pulses)] {
                let found = blemishes(&[wave], rate);
                assert!(found.clicks == 0, "{name} of {hz} Hz at {rate} Hz: {found:?}");
            }
        }
    }
}
