//! Every planted fault is truly there, as large as the sheet says, and the clean song has none of it.
//! All on seed 7, by the tests' own measurements.

mod common;

use common::*;
use demo::SampleFormat;

#[test]
fn the_clean_song_has_an_empty_list_and_the_other_one_fault_or_more_for_each_step() {
    assert!(clean().sheet.planted.is_empty());
    let planted = &faulty().sheet.planted;
    // 12 and 17 to 20 judge and deliver; there is nothing to plant for them.
    for step in (1..=16).filter(|step| *step != 12) {
        assert!(planted.iter().any(|p| p.step == step), "nothing planted for step {step}");
    }
    assert!(planted.windows(2).all(|pair| pair[0].step <= pair[1].step), "in order of steps");
    for fault in planted {
        let known = fault.track == "all tracks" || faulty().tracks.iter().any(|t| t.file_name == fault.track);
        assert!(known && fault.amount.is_finite() && !fault.what.is_empty(), "{fault:?}");
        assert!(fault.places_s.iter().all(|(from, to)| from <= to), "{fault:?}");
    }
}

#[test]
fn the_bass_stands_off_zero() {
    let mean = |song: &Recorded| {
        let bass = &song.track("Bass").channels[0];
        bass.iter().map(|&x| f64::from(x)).sum::<f64>() / bass.len() as f64
    };
    // A plucked string has no mean of its own beyond what its beginning and end leave: under 0.0005.
    assert!((mean(faulty()) - faulty().planted("dc_offset").amount).abs() < 5e-4, "{}", mean(faulty()));
    assert!(mean(clean()).abs() < 5e-4, "{}", mean(clean()));
}

#[test]
fn the_outer_kick_microphone_is_late() {
    let measured = |song: &Recorded| {
        let (from, to) = (song.at_s(6, 0.0), song.at_s(8, 0.0));
        lag(song.track("Kick In").part(from, to), song.track("Kick Out").part(from, to), 500)
    };
    let ((natural, likeness), (late, _)) = (measured(clean()), measured(faulty()));
    // 0.35 m at 343 m/s is 49 frames; the duller microphone's own phase adds to it.
    assert!((35..90).contains(&natural) && likeness > 0.7, "{natural} frames, {likeness}");
    // The same two signals, once moved: exact but for what the bleed changes.
    assert!((late as f64 - natural as f64 - 240.0).abs() <= 2.0, "{natural} and {late} frames");
    assert_eq!(faulty().planted("late_microphone").amount, 5.0);
}

#[test]
fn the_lower_snare_microphone_is_turned_round() {
    let sign = |song: &Recorded| {
        let (from, to) = (song.at_s(2, 0.0), song.at_s(6, 0.0));
        // The head's tone, below the wires' noise: a mean over 1 ms.
        let top = smoothed(song.track("Snare Top").part(from, to), 48);
        let bottom = smoothed(song.track("Snare Btm").part(from, to), 48);
        lag(&top, &bottom, 20).1
    };
    assert!(sign(clean()) > 0.6, "{}", sign(clean()));
    assert!(sign(faulty()) < -0.6, "{}", sign(faulty()));
}

#[test]
fn the_floor_tom_is_clipped_and_nothing_else_is() {
    let planted = faulty().planted("clipping");
    let flat = |x: &f32| x.abs() >= 0.985_f32;
    let tom = faulty().track("Floor Tom");
    let clipped = tom.channels[0].iter().filter(|x| flat(x)).count();
    assert_eq!(clipped as f64, planted.amount);
    assert!(clipped > 50);
    for (n, _) in tom.channels[0].iter().enumerate().filter(|(_, x)| flat(x)) {
        let at_s = n as f64 / tom.rate_hz;
        let named = planted.places_s.iter().any(|(from, to)| at_s >= from - 1e-4 && at_s <= to + 1e-4);
        assert!(named, "clipped at {at_s} s, which no place names");
    }
    for track in faulty().tracks.iter().filter(|t| !t.file_name.contains("Floor Tom")).chain(&clean().tracks)
    {
        let high = track.channels.iter().map(|c| peak(c)).fold(0.0, f64::max);
        assert!(high < 0.95, "{} peaks at {high}", track.file_name);
    }
}

#[test]
fn the_right_guitar_hums() {
    // The intro, in which this guitar waits, cut to whole periods of 50 Hz.
    let part = |song: &'static Recorded| song.track("EGtr R").part(1.0, 4.0);
    let level = |song, hz| db(sine(part(song), hz, 48_000.0) / 2f64.sqrt());
    let planted = faulty().planted("hum");
    // 0.3 dB: the self-noise of -84 dBFS beside a line of -48.
    assert!((level(faulty(), 50.0) - planted.amount).abs() < 0.3, "{}", level(faulty(), 50.0));
    for hz in [100.0, 150.0, 200.0, 250.0, 350.0] {
        assert!(level(faulty(), hz) > -70.0, "{hz} Hz: {}", level(faulty(), hz));
    }
    for hz in [50.0, 100.0, 150.0] {
        assert!(level(clean(), hz) < -100.0, "{hz} Hz: {}", level(clean(), hz));
    }
}

#[test]
fn the_lead_voice_rumbles() {
    // Before the first word: nothing but noise and rumble. A mean over 5 ms takes the noise away.
    let level = |song: &Recorded| {
        let before = smoothed(song.track("Lead Vox").part(0.0, 4.5), 240);
        db(rms(&before))
    };
    // 1.5 dB: 4.5 s of noise around 14 Hz hold few independent values.
    assert!((level(faulty()) - faulty().planted("rumble").amount).abs() < 1.5, "{}", level(faulty()));
    assert!(level(clean()) < -95.0, "{}", level(clean()));
}

#[test]
fn a_backing_voice_clicks() {
    // Two neighbours that differ by most of the click's height: no voice does that.
    let clicks = |song: &Recorded| -> Vec<f64> {
        let voice = &song.track("BVox 1").channels[0];
        let sharp = |w: &[f32]| (w[1] - 0.5 * (w[0] + w[2])).abs() > 0.22;
        voice
            .windows(3)
            .enumerate()
            .filter(|(_, w)| sharp(w))
            .map(|(n, _)| (n + 1) as f64 / 48_000.0)
            .collect()
    };
    let planted = faulty().planted("clicks");
    let found = clicks(faulty());
    for &(from, to) in &planted.places_s {
        assert!(found.iter().any(|&at| at >= from && at <= to), "no click between {from} and {to} s");
    }
    for at in &found {
        let known = planted.places_s.iter().any(|(from, to)| at >= from && at <= to);
        assert!(known, "a click at {at} s that is not listed");
    }
    assert_eq!(planted.places_s.len() as f64, planted.amount);
    assert!(clicks(clean()).is_empty());
}

#[test]
fn three_files_differ_in_rate_format_and_length() {
    let session_s = faulty().track("Kick In").frames() as f64 / 48_000.0;
    for track in &faulty().tracks {
        let foreign = track.file_name.contains("BVox 2");
        let short = track.file_name.contains("Tambourine");
        let expected_format = match () {
            () if foreign => SampleFormat::Int16,
            () if track.file_name.contains("Pad") => SampleFormat::Float32,
            () => SampleFormat::Int24,
        };
        assert_eq!(track.rate_hz, if foreign { 44_100.0 } else { 48_000.0 }, "{}", track.file_name);
        assert_eq!(track.format, expected_format, "{}", track.file_name);
        let missing_s = session_s - track.frames() as f64 / track.rate_hz;
        let expected_s = if short { faulty().planted("shorter").amount } else { 0.0 };
        // One frame of the slower rate.
        assert!((missing_s - expected_s).abs() < 2.3e-5, "{} lacks {missing_s} s", track.file_name);
    }
    for track in &clean().tracks {
        assert_eq!((track.rate_hz, track.format), (48_000.0, SampleFormat::Int24), "{}", track.file_name);
        assert_eq!(track.frames(), clean().tracks[0].frames(), "{}", track.file_name);
    }
}

#[test]
fn the_singer_at_home_sings_in_noise_and_in_tune() {
    let quiet = |song: &Recorded| db(rms(song.track("BVox 2").part(0.5, 5.0)));
    // 0.2 dB: 200 000 samples of white noise.
    assert!((quiet(faulty()) - faulty().planted("noise").amount).abs() < 0.2, "{}", quiet(faulty()));
    assert!(quiet(clean()) < -83.0, "{}", quiet(clean()));
    // The same held note in both takes, though the rates differ: the loudest bin stands at one frequency.
    let loudest = |song: &Recorded| {
        let track = song.track("BVox 2");
        let part = track.part(song.at_s(9, 1.5), song.at_s(9, 2.5));
        let level = |hz: &f64| sine(part, *hz, track.rate_hz);
        (120..700).map(f64::from).max_by(|a, b| level(a).total_cmp(&level(b))).unwrap_or(0.0)
    };
    let (here, home) = (loudest(clean()), loudest(faulty()));
    // 44.1 against 48 kHz would be 8.8 % off; vibrato and the room move the strongest bin under 2 %.
    assert!((home / here - 1.0).abs() < 0.02, "{here} and {home} Hz");
}

#[test]
fn the_keys_are_too_quiet_and_the_pad_too_loud() {
    let level = |song: &Recorded, name: &str| active_dbfs(song.track(name));
    let keys = level(faulty(), "Keys");
    assert!((keys - faulty().planted("too_quiet").amount).abs() < 0.1, "{keys}");
    assert!(keys < -44.0 && level(clean(), "Keys") > -36.0);
    // The rumble would count as singing. 0.3 dB: what taking it away changes in a voice.
    let lead = active_level_dbfs(&[without_rumble(&faulty().track("Lead Vox").channels[0])], 48_000.0);
    let over = level(faulty(), "Pad") - lead;
    assert!((over - faulty().planted("too_loud").amount).abs() < 0.3, "{over}");
    let balanced = level(clean(), "Pad") - level(clean(), "Lead Vox");
    assert!(balanced < -9.0 && over - balanced > 8.0, "{over} against {balanced}");
}

#[test]
fn the_snare_rings_whatever_is_played() {
    // Between strokes of the verse: from 0.1 to 0.4 s after the backbeats.
    let over = |song: &Recorded| {
        let mut worst = f64::INFINITY;
        for (bar, beat) in [(2, 1.0), (3, 1.0), (4, 1.0), (4, 3.0)] {
            let at = song.at_s(bar, beat);
            let part = song.track("Snare Top").part(at + 0.1, at + 0.25);
            let around = [430.0, 520.0, 780.0, 930.0].map(|hz| sine(part, hz, 48_000.0));
            let around = around.iter().sum::<f64>() / 4.0;
            worst = worst.min(db(sine(part, faulty().planted("ring").amount, 48_000.0) / around));
        }
        worst
    };
    assert!(over(faulty()) > 18.0, "{} dB", over(faulty()));
    assert!(over(clean()) < 9.0, "{} dB", over(clean()));
}

#[test]
fn the_guitars_are_muddy() {
    for name in ["EGtr L", "EGtr R"] {
        let balance = |song: &Recorded| {
            let chorus = song.track(name).part(song.at_s(6, 0.0), song.at_s(10, 0.0));
            bands_db(chorus, (270.0, 335.0), (1500.0, 3000.0), 48_000.0)
        };
        let more = balance(faulty()) - balance(clean());
        // The bell gives 5.7 to 6 dB over this third of an octave; the dark session takes under 0.5 from the
        // reference band, and the bell gives some 0.2 to it.
        assert!((more - faulty().planted("mud").amount).abs() < 0.8, "{name}: {more} dB");
    }
}

#[test]
fn the_kit_bleeds_into_the_floor_tom() {
    let bleed = |song: &Recorded| {
        let tom = song.track("Floor Tom");
        // The verse without toms against the softest strokes of the build, which are not clipped.
        let others = rms(tom.part(song.at_s(2, 0.0), song.at_s(4, 3.9)));
        db(others / rms(tom.part(song.at_s(11, 2.0), song.at_s(11, 2.9))))
    };
    let more = bleed(faulty()) - bleed(clean());
    // 1.5 dB: the bleed is part of the strokes' level too.
    assert!((more - faulty().planted("bleed").amount).abs() < 1.5, "{more} dB");
}

#[test]
fn the_lead_is_uneven_dull_and_drops_a_line() {
    let brightness = |song: &Recorded| {
        let verse = song.track("Lead Vox").part(song.at_s(2, 0.5), song.at_s(5, 3.0));
        bands_db(verse, (10_000.0, 16_000.0), (500.0, 1500.0), 48_000.0)
    };
    let duller = brightness(clean()) - brightness(faulty());
    // The voice's own shelf and the whole session's: 0.5 dB short of their ends at 10 kHz; the clean take's room,
    // which is duller than the voice, takes about as much.
    let expected = faulty().planted("dull").amount + faulty().planted("dark").amount;
    assert!((duller - expected).abs() < 1.5, "{duller} dB");

    let drop = |song: &Recorded| {
        let (from, to) = faulty().planted("line_drops").places_s[0];
        let lead = song.track("Lead Vox");
        let line = |from, to| rms(&without_rumble(lead.part(from, to)));
        db(line(song.at_s(2, 0.4), song.at_s(3, 3.2)) / line(from, to))
    };
    let more = drop(faulty()) - drop(clean());
    // 0.5 dB: the two lines have different vowels, which the dullness changes differently.
    assert!((more - faulty().planted("line_drops").amount).abs() < 0.5, "{more} dB");

    let spread = |song: &Recorded| {
        let lead = song.track("Lead Vox");
        let mut levels: Vec<f64> = lead.channels[0].chunks_exact(19_200).map(|w| db(rms(w))).collect();
        levels.sort_by(f64::total_cmp);
        let at = |levels: &[f64], share: f64| levels[((levels.len() - 1) as f64 * share).round() as usize];
        let loud = at(&levels, 0.95);
        levels.retain(|l| *l > loud - 20.0);
        at(&levels, 0.95) - at(&levels, 0.10)
    };
    let planted = faulty().planted("uneven").amount;
    assert!(planted > 11.0 && planted - spread(clean()) > 3.0, "{planted} against {}", spread(clean()));
}

#[test]
fn a_backing_voice_hisses_its_consonants() {
    let hiss = |song: &Recorded| {
        let chorus = song.track("BVox 1").part(song.at_s(6, 0.0), song.at_s(8, 0.0));
        bands_db(chorus, (5500.0, 12_000.0), (300.0, 3000.0), 48_000.0)
    };
    let more = hiss(faulty()) - hiss(clean());
    let expected = faulty().planted("sibilance").amount - faulty().planted("dark").amount;
    // The band also holds the vowels' highs, which did not grow, and the clean take's room.
    assert!(more > expected - 2.5 && more < expected + 2.0, "{more} dB");
}

#[test]
fn the_faulty_take_has_no_room() {
    // After the last sung note, when the voice itself is at rest.
    let tail = |song: &Recorded| {
        let end = song.at_s(17, 3.4);
        let voice = song.track("BVox 1");
        db(rms(voice.part(end + 0.17, end + 0.23)) / rms(voice.part(end - 1.0, end - 0.2)))
    };
    assert!(tail(clean()) > -46.0, "{} dB", tail(clean()));
    assert!(tail(faulty()) < -57.0, "{} dB", tail(faulty()));
}

#[test]
fn the_bass_has_no_harmonics_and_one_note_booms() {
    let share = |song: &Recorded| {
        let chorus = song.track("Bass").part(song.at_s(6, 0.0), song.at_s(10, 0.0));
        bands_db(chorus, (200.0, 800.0), (25.0, 20_000.0), 48_000.0)
    };
    // -14 dB: what a small speaker needs to let the line be heard.
    assert!(share(clean()) > -12.0, "{} dB", share(clean()));
    assert!(share(faulty()) < -16.0, "{} dB", share(faulty()));

    let boom = |song: &Recorded| {
        let bass = song.track("Bass");
        let bar = |bar| band(bass.part(song.at_s(bar, 0.0), song.at_s(bar, 2.4)), 35.0, 62.0, 48_000.0);
        10.0 * (bar(6) / bar(8)).log10()
    };
    let more = boom(faulty()) - boom(clean());
    // The bell's skirt also lifts the other note, three semitones lower, by some decibels.
    let planted = faulty().planted("booming_note").amount;
    assert!(more > 0.4 * planted && more < planted + 1.0, "{more} dB");
}

#[test]
fn the_pad_falls_apart_in_mono() {
    let sides = |song: &Recorded| {
        let pad = song.track("Pad");
        correlation(&pad.channels[0], &pad.channels[1])
    };
    assert!(sides(clean()) > 0.6, "{}", sides(clean()));
    assert!(sides(faulty()) < -0.6, "{}", sides(faulty()));
}

#[test]
fn the_left_hand_of_the_keys_is_on_one_side() {
    let lean = |song: &Recorded| {
        let keys = song.track("Keys");
        let side =
            |c: usize| band(&keys.channels[c], 60.0, faulty().planted("lopsided_low_end").amount, 48_000.0);
        10.0 * (side(0) / side(1)).log10()
    };
    assert!(lean(clean()).abs() < 0.5, "{} dB", lean(clean()));
    assert!(lean(faulty()) > 15.0, "{} dB", lean(faulty()));
}

#[test]
fn the_sum_goes_over() {
    let sum_peak = |song: &Recorded| {
        let frames = song.track("Kick In").frames();
        let mut highest = 0.0_f64;
        for side in 0..2 {
            let mut sum = vec![0.0_f64; frames];
            for track in song.tracks.iter().filter(|t| t.rate_hz == 48_000.0) {
                let channel = &track.channels[side.min(track.channels.len() - 1)];
                sum.iter_mut().zip(channel).for_each(|(s, &x)| *s += f64::from(x));
            }
            highest = sum.iter().fold(highest, |peak, x| peak.max(x.abs()));
        }
        db(highest)
    };
    // Single precision: far under 0.001 dB.
    assert!((sum_peak(faulty()) - faulty().planted("overshoot").amount).abs() < 0.001);
    assert!(sum_peak(faulty()) > 3.0, "{} dBFS", sum_peak(faulty()));
    assert!(sum_peak(clean()) < -1.0, "{} dBFS", sum_peak(clean()));
}

#[test]
fn the_session_is_dark() {
    let balance = |song: &Recorded| {
        let chorus = song.track("HiHat").part(song.at_s(6, 0.0), song.at_s(10, 0.0));
        bands_db(chorus, (10_000.0, 16_000.0), (1500.0, 3000.0), 48_000.0)
    };
    let darker = balance(clean()) - balance(faulty());
    // A shelf with its middle at 6 kHz has all but 0.4 dB of its 3 above 10 kHz.
    assert!((darker - faulty().planted("dark").amount).abs() < 0.6, "{darker} dB");
}

#[test]
fn one_snare_stroke_stands_out() {
    let over = |song: &Recorded| {
        let snare = song.track("Snare Top");
        let height = |bar: usize, beat: f64| {
            let at = song.at_s(bar, beat);
            peak(snare.part(at - 0.02, at + 0.06))
        };
        let mut others: Vec<f64> = [6, 7, 8, 12, 13, 14].map(|bar| height(bar, 1.0)).to_vec();
        others.sort_by(f64::total_cmp);
        db(height(14, 3.0) / others[3])
    };
    // 2.5 dB: this test takes other strokes for its median, and strokes differ by a decibel or two.
    assert!((over(faulty()) - faulty().planted("hot_hit").amount).abs() < 2.5, "{} dB", over(faulty()));
    assert!(over(faulty()) > 5.5 && over(clean()) < 3.0, "{} and {} dB", over(faulty()), over(clean()));
}
