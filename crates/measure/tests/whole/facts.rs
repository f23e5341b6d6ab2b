//! The facts of signals whose facts are known.

use crate::common::{Random, play, programme, tones};
use audio::{BlockRef, Buffer, Layout, db_to_gain};
use measure::{Analyser, Analysis, Facts, Options, analyse};
use proptest::prelude::*;
use std::f64::consts::{PI, TAU};

fn analysis(rate: f64, buffer: &Buffer) -> Analysis {
    let layout = Layout::from_channels(buffer.channels());
    analyse(&buffer.as_block(), rate, layout, Options::default()).unwrap()
}

fn facts(rate: f64, channels: &[Vec<f64>]) -> Facts {
    analysis(rate, &Buffer::from_channels(channels)).facts
}

fn sine(rate: f64, hz: f64, seconds: f64, level: f64) -> Vec<f64> {
    (0..(seconds * rate) as usize).map(|n| level * (TAU * hz * n as f64 / rate).sin()).collect()
}

fn white(seconds: f64, rate: f64, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    (0..(seconds * rate) as usize).map(|_| 0.25 * random.number()).collect()
}

#[track_caller]
fn near(what: &str, got: Option<f64>, expected: f64, tolerance: f64) {
    let error = got.map_or(f64::NAN, |got| (got - expected).abs());
    assert!(error <= tolerance, "{what}: {got:?} for {expected}");
}

#[test]
fn a_sine_reads_as_textbooks_say() {
    for rate in [44_100.0, 48_000.0, 96_000.0] {
        let tone = sine(rate, 1000.0, 8.0, 0.5);
        let facts = facts(rate, &[tone.clone(), tone]);
        near("sample peak", facts.sample_peak_dbfs, -6.02, 0.01);
        near("RMS", facts.rms_dbfs, -9.03, 0.01);
        near("crest", facts.crest_db, 3.01, 0.01);
        near("loudness", facts.integrated_lufs, -6.02, 0.1);
        near("PLR", facts.plr_lu, 0.0, 0.15);
        near("PSR", facts.psr_median_lu, 0.0, 0.15);
        near("correlation", facts.correlation, 1.0, 1e-12);
        near("mono loss", facts.mono_loss_db, 0.0, 1e-9);
        near("balance", facts.balance_db, 0.0, 1e-9);
        near("centroid", facts.centroid_hz, 1000.0, 5.0);
        near("1 %", facts.energy_1_percent_hz, 1000.0, 5.0);
        near("99 %", facts.energy_99_percent_hz, 1000.0, 5.0);
        near("active", Some(facts.active_share), 1.0, 0.0);
        near("active RMS", facts.active_rms_dbfs, -9.03, 0.01);
        near("active loudness", facts.active_lufs, -6.02, 0.1);
        near("spread", facts.level_spread_lu, 0.0, 0.1);
        near("active crest", facts.active_crest_db, 3.01, 0.02);
        near("pitch", facts.pitch_median_hz, 1000.0, 10.0);
        near("pitched", facts.pitched_share, 1.0, 0.02);
        near("no DC", Some(facts.dc_offset), 0.0, 1e-6);
        assert_eq!((facts.clipped_samples, facts.non_finite_samples), (0, 0));
        assert_eq!((facts.leading_silence_s, facts.trailing_silence_s), (1.0 / rate, 0.0));
        for band in &facts.third_octave_db {
            // The side lobes of the window, and the cuts at the ends of the tone: 40 dB down.
            let expected = if band.hz == 1000.0 { -9.03 } else { -49.0 };
            let got = band.db.unwrap_or(-300.0);
            assert!(
                if band.hz == 1000.0 { (got - expected).abs() < 0.05 } else { got < expected },
                "{band:?}"
            );
        }
    }
}

/// White noise has the same power in every hertz: each band's level follows from its width.
#[test]
fn white_noise_fills_bands_by_their_width() {
    for rate in [44_100.0, 96_000.0] {
        let (left, right) = (white(10.0, rate, 3), white(10.0, rate, 5));
        let facts = facts(rate, &[left, right]);
        let power = 0.25 * 0.25 / 3.0;
        near("RMS", facts.rms_dbfs, 10.0 * f64::log10(power), 0.02);
        for (n, band) in facts.third_octave_db.iter().enumerate() {
            let exact_hz = 1000.0 * 10f64.powf((n as f64 - 16.0) / 10.0);
            let edge = 10f64.powf(0.05);
            let width = (exact_hz * edge).min(rate / 2.0) - exact_hz / edge;
            let expected = 10.0 * (power * width / (rate / 2.0)).log10();
            // Noise of B hertz over T seconds in 2 channels has 2 B T degrees of freedom: its level scatters by
            // 4.34 / sqrt(2 B T) dB; four of those, and 0.05 for the edges.
            let tolerance = 4.0 * 4.34 / (2.0 * width * 10.0).sqrt() + 0.05;
            near(&format!("{} Hz", band.hz), band.db, expected, tolerance);
        }
        for band in &facts.bands {
            near("independent", band.correlation, 0.0, 0.15);
            near("as much side as middle", band.side_mid_db, 0.0, 1.5);
        }
        near("correlation", facts.correlation, 0.0, 0.01);
        near("mono loss", facts.mono_loss_db, 3.01, 0.05);
        near("centroid", facts.centroid_hz, rate / 4.0, rate / 400.0);
        near("99 %", facts.energy_99_percent_hz, 0.99 * rate / 2.0, rate / 1000.0);
        near("crest of uniform noise", facts.crest_db, 10.0 * 3f64.log10(), 0.05);
        assert!(facts.pitched_share.unwrap() < 0.02, "{:?}", facts.pitched_share);
    }
}

#[test]
fn width_is_read_by_band() {
    // Low tone in phase, high tone in opposite phase and half as loud.
    let (low, high) = (sine(48_000.0, 80.0, 6.0, 0.4), sine(48_000.0, 5000.0, 6.0, 0.2));
    let left = low.iter().zip(&high).map(|(a, b)| a + b).collect();
    let right = low.iter().zip(&high).map(|(a, b)| a - b).collect();
    let facts = facts(48_000.0, &[left, right]);
    let band = |low_hz: f64| facts.bands.iter().find(|b| b.low_hz == low_hz).unwrap();
    near("low", band(60.0).correlation, 1.0, 1e-3);
    near("high", band(4000.0).correlation, -1.0, 1e-3);
    assert!(band(60.0).side_mid_db.unwrap() < -40.0 && band(4000.0).side_mid_db.unwrap() > 40.0);
    near("whole", facts.side_mid_db, -6.02, 0.01);
    near("low share", band(60.0).share_db, 10.0 * f64::log10(0.8), 0.02);
    near("high share", band(4000.0).share_db, 10.0 * f64::log10(0.2), 0.02);
}

#[test]
fn dc_and_rumble_are_told_apart() {
    let rate = 48_000.0;
    let tone = sine(rate, 200.0, 10.0, 0.1);
    let offset: Vec<f64> = tone.iter().map(|x| x - 0.01).collect();
    let shifted = facts(rate, &[tone.clone(), offset]);
    near("DC", Some(shifted.dc_offset), -0.01, 1e-5);
    // What is left below are the cuts at both ends of the tone.
    assert!(shifted.below_25_hz_db.unwrap() < -45.0, "{:?}", shifted.below_25_hz_db);
    let rumble = sine(rate, 12.0, 10.0, 0.05);
    let rumbling = facts(rate, &[tone.iter().zip(&rumble).map(|(a, b)| a + b).collect()]);
    // A quarter of the tone's power: a fifth of all.
    near("rumble", rumbling.below_25_hz_db, 10.0 * f64::log10(0.2), 0.05);
}

#[test]
fn the_level_of_music_while_it_plays() {
    // Phrases of 2 s at three levels, with 3 s of noise at -70 dBFS between them.
    let rate = 48_000.0;
    let mut samples = Vec::new();
    let mut random = Random(11);
    for level in [-12.0, -16.0, -20.0, -12.0, -16.0, -20.0] {
        samples.extend(sine(rate, 440.0, 2.0, db_to_gain(level)));
        samples.extend((0..144_000).map(|_| db_to_gain(-70.0) * random.number()));
    }
    let facts = facts(rate, &[samples]);
    near("active", Some(facts.active_share), 0.4, 0.01);
    assert_eq!(facts.active_regions.len(), 6);
    for (n, region) in facts.active_regions.iter().enumerate() {
        near("start", Some(region.start_s), 5.0 * n as f64, 0.051);
        near("end", Some(region.end_s), 5.0 * n as f64 + 2.0, 0.051);
    }
    let mean: f64 = [-12.0, -16.0, -20.0].iter().map(|db| audio::db_to_power(*db)).sum::<f64>() / 6.0;
    near("active RMS", facts.active_rms_dbfs, 10.0 * mean.log10(), 0.1);
    near("spread", facts.level_spread_lu, 8.0, 1.0);
    // Uniform noise has a third of its peak's power.
    near("noise floor", facts.noise_floor_dbfs, -70.0 - 4.77, 0.5);
}

#[test]
fn onsets_of_a_beat_are_counted() {
    for (rate, per_s) in [(48_000.0, 4.0), (44_100.0, 2.0)] {
        // Decaying noise bursts over a steady quiet tone.
        let mut random = Random(21);
        let samples: Vec<f64> = (0..(12.0 * rate) as usize)
            .map(|n| {
                let t = n as f64 / rate;
                let since = t % (1.0 / per_s);
                0.5 * random.number() * (-since / 0.03).exp() + 0.02 * (TAU * 220.0 * t).sin()
            })
            .collect();
        let analysis = analysis(rate, &Buffer::from_channels(&[samples]));
        near("onsets", Some(analysis.onsets_s.len() as f64), 12.0 * per_s, 1.0);
        near("interval", analysis.facts.inter_onset_median_s, 1.0 / per_s, 0.011);
        for onset in &analysis.onsets_s {
            let beat = (onset * per_s).round() / per_s;
            assert!((onset - beat).abs() < 0.03, "onset at {onset} s, beat at {beat} s");
        }
    }
    // A held tone begins once.
    let held = analysis(48_000.0, &Buffer::from_channels(&[sine(48_000.0, 300.0, 6.0, 0.3)]));
    assert!(held.onsets_s.len() <= 1, "{:?}", held.onsets_s);
}

#[test]
fn pitch_of_notes_with_overtones() {
    for rate in [44_100.0, 48_000.0, 96_000.0] {
        let notes = [41.2, 82.4, 110.0, 220.0, 440.0, 880.0];
        for hz in notes {
            let samples: Vec<f64> = (0..(3.0 * rate) as usize)
                .map(|n| {
                    let t = n as f64 / rate;
                    (1..8).map(|k| 0.2 / k as f64 * (TAU * hz * k as f64 * t).sin()).sum()
                })
                .collect();
            let facts = facts(rate, &[samples]);
            // Half a semitone: coarse is what is promised.
            near(&format!("{hz} Hz at {rate}"), facts.pitch_median_hz, hz, 0.03 * hz);
            near("steady", facts.pitch_high_hz, hz, 0.03 * hz);
        }
    }
}

#[test]
fn auditory_bands_hold_the_power_of_the_signal() {
    for rate in [44_100.0, 48_000.0] {
        let analysis = analysis(rate, &Buffer::from_channels(&[sine(rate, 1000.0, 4.0, 0.5)]));
        let erb = &analysis.erb;
        assert_eq!((erb.rows(), erb.frame_s, erb.active.len()), (80, 0.05, 80));
        for row in 1..erb.rows() - 1 {
            let sum: f64 = erb.row(row).iter().map(|p| f64::from(*p)).sum();
            assert!((sum - 0.125).abs() < 1e-3, "row {row}: {sum}");
            let best = (0..40).max_by(|a, b| erb.row(row)[*a].total_cmp(&erb.row(row)[*b])).unwrap();
            // The bands are 15 % wide there.
            assert!((erb.centres_hz[best] - 1000.0).abs() < 80.0, "{}", erb.centres_hz[best]);
        }
    }
}

#[test]
fn peak_to_short_term_finds_the_densest_place() {
    // A dense stretch (a tone) in the middle of sparse clicks of the same peak.
    let rate = 48_000.0;
    let clicks: Vec<f64> = (0..480_000)
        .map(|n| if n % 4800 < 480 { 0.5 * (TAU * 1000.0 * n as f64 / rate).sin() } else { 0.0 })
        .collect();
    let samples = [clicks.clone(), sine(rate, 1000.0, 5.0, 0.5), clicks].concat();
    let facts = facts(rate, &[samples]);
    // One channel: the tone's peak stands 3 dB above its loudness, the clicks' another 10.
    near("densest", facts.psr_min_lu, 3.01, 0.2);
    near("middle", facts.psr_median_lu, 13.0, 0.5);
}

fn json(facts: &Facts) -> serde_json::Value {
    serde_json::to_value(facts).unwrap()
}

/// No number is infinite or none at all, and the JSON can be read back.
fn sound(facts: &Facts) {
    let shown = format!("{facts:?}");
    let broken = ["NaN", "inf"].iter().find_map(|word| shown.find(word));
    assert!(broken.is_none(), "{}", &shown[broken.unwrap_or(0).saturating_sub(80)..][..100]);
    let text = serde_json::to_string(facts).unwrap();
    let back: Facts = serde_json::from_str(&text).unwrap();
    assert_eq!(back.integrated_lufs.is_some(), facts.integrated_lufs.is_some());
    assert_eq!(back.per_channel.len(), facts.channels);
}

#[test]
fn nothing_gives_nulls_and_no_number_from_nowhere() {
    for channels in [1, 2, 6] {
        for frames in [0, 1, 479, 5000, 60_000] {
            let silence = analysis(48_000.0, &Buffer::new(channels, frames)).facts;
            sound(&silence);
            let json = json(&silence);
            for name in [
                "integrated_lufs",
                "max_momentary_lufs",
                "max_short_term_lufs",
                "loudness_range_lu",
                "true_peak_dbtp",
                "sample_peak_dbfs",
                "rms_dbfs",
                "crest_db",
                "plr_lu",
                "psr_min_lu",
                "correlation",
                "mono_loss_db",
                "noise_floor_dbfs",
                "centroid_hz",
                "active_rms_dbfs",
                "pitch_median_hz",
                "onsets_per_s",
            ] {
                assert!(json[name].is_null(), "{name} of {frames} silent frames: {}", json[name]);
            }
            assert!(json["third_octave_db"].as_array().unwrap().iter().all(|band| band["db"].is_null()));
            let one = Buffer::from_channels(&vec![vec![0.5; frames.min(1)]; channels]);
            sound(&analysis(48_000.0, &one).facts);
        }
    }
    let mono = facts(48_000.0, &[sine(48_000.0, 300.0, 5.0, 0.3)]);
    assert_eq!((mono.correlation, mono.mono_loss_db, mono.side_mid_db), (None, None, None));
}

#[test]
fn broken_and_extreme_signals_give_finite_numbers() {
    let mut random = Random(9);
    let square: Vec<f64> = (0..100_000).map(|n| if n % 200 < 100 { 1.0 } else { -1.0 }).collect();
    let broken: Vec<f64> = (0..100_000)
        .map(|n| match n % 7 {
            0 => f64::NAN,
            1 => f64::NEG_INFINITY,
            2 => 1e308,
            _ => random.number(),
        })
        .collect();
    let tiny: Vec<f64> = square.iter().map(|x| x * 1e-300).collect();
    let huge: Vec<f64> = square.iter().map(|x| x * 1e9).collect();
    for samples in [&square, &broken, &tiny, &huge] {
        for channels in [vec![samples.clone()], vec![samples.clone(), square.clone()]] {
            sound(&facts(44_100.0, &channels));
        }
    }
    let square = facts(44_100.0, &[square]);
    assert_eq!(square.clipped_samples, 100_000);
    near("crest of a square", square.crest_db, 0.0, 1e-9);
    assert_eq!(facts(44_100.0, &[broken]).non_finite_samples, 3 * 100_000 / 7 + 1);
}

#[test]
fn names_are_those_of_the_json() {
    let json = json(&analysis(48_000.0, &tones(48_000.0, 2, &[(4.0, -20.0)])).facts);
    for name in [
        "integrated_lufs",
        "max_momentary_lufs",
        "max_short_term_lufs",
        "loudness_range_lu",
        "true_peak_dbtp",
        "sample_peak_dbfs",
        "plr_lu",
        "crest_db",
        "dc_offset",
        "clipped_samples",
        "correlation",
        "mono_loss_db",
        "noise_floor_dbfs",
        "rms_dbfs",
    ] {
        assert!(json[name].is_number(), "{name}: {}", json[name]);
    }
    assert_eq!(json["third_octave_db"].as_array().unwrap().len(), 30);
    assert_eq!(json["third_octave_db"][0]["hz"], 25.0);
}

#[test]
fn a_tone_is_told_from_its_surroundings_at_low_rates() {
    // Bands above half the rate are undefined, not empty.
    let facts = facts(8_000.0, &[sine(8_000.0, 500.0, 4.0, 0.5)]);
    for band in &facts.third_octave_db {
        assert_eq!(band.db.is_some(), band.hz < 4_000.0, "{band:?}");
    }
    near("500 Hz", facts.third_octave_db[13].db, -9.03, 0.05);
}

#[test]
fn options_leave_out_what_is_not_asked_for() {
    let buffer = programme(48_000.0, 2, 4.0, 7);
    let lean =
        Options { true_peak_factor: 4, spectrum: false, pitch: false, music: false, ..Options::default() };
    let lean = analyse(&buffer.as_block(), 48_000.0, Layout::Stereo, lean).unwrap();
    let full = analysis(48_000.0, &buffer);
    assert!(lean.facts.third_octave_db.is_empty() && lean.erb.power.is_empty() && lean.onsets_s.is_empty());
    assert_eq!((lean.facts.pitched_share, lean.facts.onsets_per_s), (None, None));
    assert_eq!(lean.facts.integrated_lufs, full.facts.integrated_lufs);
    assert_eq!(lean.facts.active_lufs, full.facts.active_lufs);
}

/// The first 30 minutes cost as much memory as their bins; nothing keeps the samples.
#[test]
fn a_stream_can_be_played_into_the_analyser() {
    let options = Options { true_peak_factor: 4, ..Options::default() };
    let mut analyser = Analyser::new(48_000.0, Layout::Mono, options).unwrap();
    play(48_000.0, 1, &[(6.0, -20.0)], |block| analyser.push(block));
    let facts = analyser.finish().facts;
    assert_eq!((facts.frames, facts.duration_s), (288_000, 6.0));
    near("loudness", facts.integrated_lufs, -23.01, 0.1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn blocks_of_any_size_give_the_same_bits(
        seed in 1u64..1000, size in 1usize..5000, channels in 1usize..4, odd_rate in any::<bool>(),
    ) {
        let rate = if odd_rate { 22_050.0 } else { 44_100.0 };
        let mut buffer = programme(rate, channels, 2.37, seed);
        let frames = buffer.frames();
        buffer.channel_mut(0).iter_mut().enumerate().for_each(|(n, x)| {
            *x = (*x * 4.0 * (PI * n as f64 / frames as f64).sin()).clamp(-0.4, 0.4);
        });
        let layout = Layout::from_channels(channels);
        let whole = analysis(rate, &buffer);
        let mut cut = Analyser::new(rate, layout, Options::default()).unwrap();
        let mut start = 0;
        while start < frames {
            let part = size.min(frames - start);
            cut.push(&buffer.range(start, part));
            start += part;
        }
        cut.push(&Buffer::new(channels, 0).as_block());
        prop_assert_eq!(cut.finish(), whole);
    }
}

/// Whatever is told of a signal at another level is what hearing it at that level tells, to the rounding of what is kept in
/// single precision: with pauses, near the gates and the thresholds of what plays, at quiet ends, of one and two channels.
#[test]
fn a_level_need_not_be_heard() {
    let options =
        Options { true_peak_factor: 4, pitch: false, music: false, clipping: false, ..Options::default() };
    for (channels, level_db) in [(1, -12.0), (2, -12.0), (2, -55.0), (2, -68.0)] {
        let level = db_to_gain(level_db);
        let mut buffer = programme(44_100.0, channels, 11.37, 5);
        let frames = buffer.frames();
        for channel in 0..channels {
            for (n, x) in buffer.channel_mut(channel).iter_mut().enumerate() {
                // A fade in, a pause with noise 50 dB down, a fade out.
                let (t, left) = (n as f64 / 44_100.0, (frames - n) as f64 / 44_100.0);
                let pause = if (4.0..6.0).contains(&t) { 0.003 } else { 1.0 };
                *x *= level * pause * t.min(1.0) * (left / 2.0).min(1.0).powi(2);
            }
        }
        let layout = Layout::from_channels(channels);
        let mut analyser = Analyser::new(44_100.0, layout, Options { pitch: true, ..options }).unwrap();
        analyser.push(&buffer.as_block());
        for gain in [1.0, 0.5, db_to_gain(7.3), -db_to_gain(-13.9), db_to_gain(31.0)] {
            let told = analyser.at_any_level().at(gain).expect("all samples are numbers");
            let mut louder = buffer.clone();
            for channel in 0..channels {
                louder.channel_mut(channel).iter_mut().for_each(|x| *x *= gain);
            }
            let heard = analyse(&louder.as_block(), 44_100.0, layout, options).unwrap();
            let (told, heard) = (serde_json::to_value(&told).unwrap(), serde_json::to_value(&heard).unwrap());
            let place = format!("{channels} channels at {level_db} dB, {gain}");
            alike(&place, &told, &heard);
        }
    }
    let mut analyser = Analyser::new(44_100.0, Layout::Mono, options).unwrap();
    analyser.push(&BlockRef::from_mono(&[0.5, f64::NAN]));
    assert!(analyser.at_any_level().at(2.0).is_none());
}

/// Numbers that differ by no more than 1 part in a million, the roundings of single precision added up, and by what
/// differences of running sums hold where nearly nothing was added to them: 1e-16 of sums of up to some thousands. A
/// correlation or a level near zero is what is left of powers in single precision: a part in a million of them.
fn alike(place: &str, a: &serde_json::Value, b: &serde_json::Value) {
    use serde_json::Value;
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            let ratio = place.contains("correlation") || place.contains("db");
            let left = if ratio { 1e-6 } else { 1e-12 };
            assert!((x - y).abs() <= 1e-6 * x.abs().max(y.abs()) + left, "{place}: {x} {y}");
        }
        (Value::Array(x), Value::Array(y)) => {
            assert_eq!(x.len(), y.len(), "{place}");
            x.iter().zip(y).enumerate().for_each(|(n, (x, y))| alike(&format!("{place}[{n}]"), x, y));
        }
        (Value::Object(x), Value::Object(y)) => {
            assert!(x.keys().eq(y.keys()), "{place}");
            x.iter().for_each(|(name, x)| alike(&format!("{place}.{name}"), x, &y[name]));
        }
        _ => assert_eq!(a, b, "{place}"),
    }
}
