//! What a check finds in files with planted faults, and what it does not find in good ones.

use std::fs;
use std::sync::OnceLock;

use crate::support::{noise, rounded, tone, write};
use delivery::{Checked, Finding, Mend, Reading, Remedy, Severity, check, find_target, judge, passes};
use files::SampleFormat::{Float32, Int16, Int24};
use measure::{BandFacts, ClippedRun};
use tempfile::TempDir;

const RATE: u32 = 48_000;

/// Four seconds of 997 Hz: in both channels its loudness in LUFS is its peak in dBFS (BS.1770-5).
fn channel(peak_dbfs: f64) -> Vec<f64> {
    let mut samples = tone(997.0, 0.0, peak_dbfs, RATE, 4.0);
    // Something under 24 bits, as a render has.
    samples.iter_mut().zip(noise(3, 192_000)).for_each(|(s, n)| *s += 1e-6 * n);
    samples
}

fn checked(channels: &[Vec<f64>], target: &str) -> (Checked, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "song.wav", channels, Int24, RATE);
    (check(path, find_target(target).unwrap()).unwrap(), folder)
}

fn find<'a>(findings: &'a [Finding], id: &str) -> &'a Finding {
    findings.iter().find(|f| f.id == id).unwrap_or_else(|| panic!("no {id} in {findings:?}"))
}

/// The reading of a good file, to plant facts in.
fn good() -> Reading {
    static GOOD: OnceLock<Reading> = OnceLock::new();
    let read = || checked(&[channel(-14.0), channel(-14.0)], "streaming").0.reading;
    GOOD.get_or_init(read).clone()
}

#[test]
fn a_good_file_has_no_findings() {
    let (checked, _folder) = checked(&[channel(-14.0), channel(-14.0)], "streaming");
    assert_eq!(checked.findings, []);
    assert!(checked.passed);
    assert_eq!((checked.reading.bits_used, checked.reading.facts.true_peak_factor), (24, 32));
}

#[test]
fn loudness_is_advice_for_music_and_a_rule_for_broadcast() {
    let both = [channel(-11.0), channel(-11.0)];
    let (music, _a) = checked(&both, "streaming");
    let finding = find(&music.findings, "integrated_loudness");
    assert_eq!(finding.severity, Severity::Warn);
    assert!(finding.what.contains("-11.0 LUFS, 3.0 LU above"), "{}", finding.what);
    assert!(music.passed);
    let (broadcast, _b) = checked(&both, "ebu_r128_s1");
    assert_eq!(find(&broadcast.findings, "integrated_loudness").severity, Severity::Fail);
    let short_term = find(&broadcast.findings, "short_term_loudness");
    assert!((short_term.value.unwrap() + 11.0).abs() < 0.1 && short_term.limit == Some(-18.0));
    assert!(!broadcast.passed && broadcast.findings.is_sorted_by_key(|f| f.severity));

    // Within the tolerance nothing is said; just outside of it something is.
    let broadcast_findings = |level: f64| {
        let (checked, _folder) = checked(&[channel(level), channel(level)], "ebu_r128");
        checked.findings.iter().any(|f| f.id == "integrated_loudness")
    };
    assert!(!broadcast_findings(-22.55) && broadcast_findings(-22.4) && broadcast_findings(-23.6));
}

#[test]
fn a_quiet_file_is_told_what_fits_under_its_ceiling() {
    let mut reading = good();
    reading.facts.integrated_lufs = Some(-20.0);
    reading.facts.true_peak_dbtp = Some(-5.0);
    let findings = judge(&reading, find_target("streaming").unwrap());
    let remedy = &find(&findings, "integrated_loudness").remedy;
    assert!(remedy.contains("6.0 dB louder") && remedy.contains("leaves 4.0 dB"), "{remedy}");
    reading.facts.true_peak_dbtp = Some(-8.0);
    let findings = judge(&reading, find_target("streaming").unwrap());
    assert!(find(&findings, "integrated_loudness").remedy.contains("the ceiling allows it"));
}

#[test]
fn a_peak_above_the_ceiling_has_its_place() {
    let mut left = channel(-14.0);
    // One sample of 0.99 at 2.5 s.
    left[120_000] = 0.99;
    let (checked, _folder) = checked(&[left, channel(-14.0)], "streaming");
    let finding = find(&checked.findings, "true_peak");
    assert_eq!(finding.severity, Severity::Fail);
    assert!((finding.place_s.unwrap() - 2.5).abs() < 0.001, "{:?}", finding.place_s);
    assert!(finding.value.unwrap() > -0.1 && finding.limit == Some(-1.0));
}

#[test]
fn wrong_formats_are_named_with_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let tone = channel(-14.0);
    let path = write(folder.path(), "mono.wav", std::slice::from_ref(&tone), Float32, RATE);
    let findings = check(&path, find_target("cd").unwrap()).unwrap().findings;
    assert!(find(&findings, "sample_rate").what.contains("48 kHz, not 44.1 kHz"));
    assert!(find(&findings, "bit_depth").what.contains("32-bit float, not 16-bit"));
    assert!(find(&findings, "channels").what.contains("mono, not stereo"));
    let path = write(folder.path(), "song.flac", &[tone.clone(), tone], Int24, RATE);
    let findings = check(&path, find_target("vinyl").unwrap()).unwrap().findings;
    assert!(find(&findings, "container").what.contains("FLAC, not WAV or AIFF"));
    let findings = check(&path, find_target("ebu_r128").unwrap()).unwrap().findings;
    assert!(findings.iter().all(|f| f.id != "sample_rate"), "48 kHz is what it prefers");
}

#[test]
fn a_track_too_short_for_a_disc_fails() {
    let folder = tempfile::tempdir().unwrap();
    let short = tone(997.0, 0.0, -14.0, 44_100, 3.0);
    let path = write(folder.path(), "short.wav", &[short.clone(), short], Int16, 44_100);
    let checked = check(&path, find_target("cd").unwrap()).unwrap();
    assert_eq!(find(&checked.findings, "duration").limit, Some(4.0));
    assert!(!checked.passed);
}

#[test]
fn padded_bits_are_seen() {
    let plane = rounded(&channel(-14.0), 16);
    let (streaming, _a) = checked(&[plane.clone(), plane.clone()], "streaming");
    let finding = find(&streaming.findings, "bits_used");
    assert_eq!((finding.severity, finding.value), (Severity::Warn, Some(16.0)));
    let (native, _b) = checked(&[plane.clone(), plane], "apple_digital_masters");
    assert_eq!(find(&native.findings, "bits_used").severity, Severity::Fail);
}

#[test]
fn holes_silence_and_cut_ends_are_found_where_they_are() {
    let mut left = channel(-14.0);
    left[120_100..120_580].fill(0.0);
    let (torn, _a) = checked(&[left, channel(-14.0)], "streaming");
    let hole = find(&torn.findings, "dropout");
    assert!((hole.place_s.unwrap() - 120_100.0 / 48_000.0).abs() < 0.001);
    assert!(hole.what.contains("10.0 ms") || hole.what.contains("9.9 ms"), "{}", hole.what);

    let mut ends = vec![0.0; 3 * 48_000];
    ends.extend(channel(-14.0));
    ends.extend(vec![0.0; 11 * 48_000]);
    let (quiet, _b) = checked(&[ends.clone(), ends], "streaming");
    let (start, end) = (find(&quiet.findings, "silence_start"), find(&quiet.findings, "silence_end"));
    assert_eq!((start.severity, end.severity), (Severity::Warn, Severity::Warn));
    // The fades add some milliseconds below the threshold.
    assert!((start.value.unwrap() - 3.0).abs() < 0.02 && (end.value.unwrap() - 11.0).abs() < 0.02);
    assert!((end.place_s.unwrap() - 7.0).abs() < 0.02);

    let middle = channel(-14.0)[10_012..180_037].to_vec();
    let (cut, _c) = checked(&[middle.clone(), middle], "streaming");
    assert_eq!(find(&cut.findings, "abrupt_start").place_s, Some(0.0));
    assert_eq!(find(&cut.findings, "abrupt_end").severity, Severity::Warn);
}

#[test]
fn a_damaged_file_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "song.wav", &[channel(-14.0), channel(-14.0)], Int24, RATE);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let cut = check(&path, find_target("streaming").unwrap()).unwrap();
    let finding = find(&cut.findings, "reader");
    assert_eq!(finding.severity, Severity::Fail);
    assert!(finding.what.contains("ends early") && finding.what.ends_with('.'), "{}", finding.what);

    let path = write(folder.path(), "float.wav", &[channel(-14.0), channel(-14.0)], Float32, RATE);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 800;
    bytes[at..at + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let spoiled = check(&path, find_target("premaster").unwrap()).unwrap();
    assert!(find(&spoiled.findings, "reader").what.contains("NaN or infinite"));
    assert!(!spoiled.passed);
}

#[test]
fn a_silent_file_fails_whatever_the_target() {
    let (silent, _folder) = checked(&[vec![0.0; 240_000], vec![0.0; 240_000]], "streaming");
    for target in delivery::TARGETS.iter() {
        let findings = judge(&silent.reading, target);
        assert_eq!(find(&findings, "silent").severity, Severity::Fail, "{}", target.id);
        assert!(findings.iter().all(|f| f.id != "silence_start"), "said once");
    }
}

#[test]
fn faults_that_the_meters_read_become_findings() {
    let streaming = find_target("streaming").unwrap();
    let found = |plant: &dyn Fn(&mut Reading)| {
        let mut reading = good();
        plant(&mut reading);
        judge(&reading, streaming)
    };
    let clipped = found(&|r| {
        r.facts.clipped_runs = 3;
        r.facts.clipped_samples = 17;
        r.facts.clipped_places = vec![ClippedRun { channel: 0, frame: 96_000, frames: 5, level_dbfs: -0.1 }];
    });
    let finding = find(&clipped, "clipping");
    assert_eq!(finding.place_s, Some(2.0));
    assert!(finding.what.contains("3 peaks are clipped (17 samples)"), "{}", finding.what);
    assert!(find(&found(&|r| r.facts.dc_offset = -0.02), "dc_offset").what.contains("-2.00 %"));
    assert!(find(&found(&|r| r.facts.correlation = Some(-0.3)), "correlation").what.contains("-0.30"));
    assert!(find(&found(&|r| r.facts.mono_loss_db = Some(9.0)), "mono_loss").what.contains("9.0 dB"));
    assert!(find(&found(&|r| r.facts.balance_db = Some(-5.0)), "balance").what.contains("left"));
    let one_sided = found(&|r| r.facts.balance_db = Some(-74.0));
    assert!(find(&one_sided, "one_sided").what.contains("right channel is silent"));
    let (real, _folder) = checked(&[channel(-14.0), vec![0.0; 192_000]], "streaming");
    assert_eq!(find(&real.findings, "one_sided").severity, Severity::Warn);
    for findings in [&clipped, &one_sided] {
        assert!(passes(findings) && findings.iter().all(|f| !f.remedy.is_empty()));
    }
}

#[test]
fn audiobooks_and_records_have_rules_of_their_own() {
    let mut reading = good();
    reading.facts.rms_dbfs = Some(-17.2);
    reading.facts.noise_floor_dbfs = Some(-55.0);
    reading.facts.sample_peak_dbfs = Some(-2.5);
    let acx = judge(&reading, find_target("acx").unwrap());
    for (id, value, limit) in
        [("rms", -17.2, -18.0), ("noise_floor", -55.0, -60.0), ("sample_peak", -2.5, -3.0)]
    {
        let finding = find(&acx, id);
        assert_eq!(
            (finding.severity, finding.value, finding.limit),
            (Severity::Fail, Some(value), Some(limit))
        );
    }
    let band = |low_hz: f64, share: f64, side: f64| BandFacts {
        low_hz,
        high_hz: 2.0 * low_hz,
        share_db: Some(share),
        side_mid_db: Some(side),
        correlation: None,
    };
    reading.facts.bands = vec![band(40.0, -50.0, 6.0), band(80.0, -8.0, -3.0), band(1000.0, -3.0, 0.0)];
    reading.facts.correlation = Some(0.3);
    let vinyl = judge(&reading, find_target("vinyl").unwrap());
    assert!(
        find(&vinyl, "bass_width").what.contains("80 to 160 Hz"),
        "the empty and the high band do not count"
    );
    assert_eq!(find(&vinyl, "correlation").limit, Some(0.5));
    assert!(judge(&reading, find_target("streaming").unwrap()).iter().all(|f| f.id != "bass_width"));
}

/// Speech for an audiobook: room tone at -66 dBFS RMS, with a tone that reads -20 dBFS RMS over the file.
fn chapter(start_s: f64, end_s: f64) -> Vec<f64> {
    let rate = 44_100;
    // Syllables: no two waves are equally high.
    let syllable = |n: usize| 1.0 + 0.4 * (n as f64 * 0.000_45).sin();
    let voice = tone(220.0, 0.0, -17.0, rate, 8.0).iter().enumerate().map(|(n, s)| s * syllable(n)).collect();
    let silence = |seconds: f64| vec![0.0; (seconds * f64::from(rate)) as usize];
    let mut all = [silence(start_s), voice, silence(end_s)].concat();
    let room = noise(5, all.len());
    // Evenly spread noise has an RMS of 1/sqrt(3).
    all.iter_mut().zip(room).for_each(|(s, n)| *s += 0.000_868 * n);
    all
}

fn audiobook(start_s: f64, end_s: f64) -> (Checked, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "chapter.wav", &[chapter(start_s, end_s)], Int24, 44_100);
    (check(path, find_target("acx").unwrap()).unwrap(), folder)
}

// Finds a rule that is not asked, and room tone that is taken for the voice.
#[test]
fn an_audiobook_is_held_against_every_rule() {
    let (good, _a) = audiobook(0.75, 2.0);
    assert!(good.passed, "{:?}", good.findings);
    assert!((good.reading.pause_start_s.unwrap() - 0.75).abs() < 0.03, "{:?}", good.reading.pause_start_s);
    let (short, _b) = audiobook(0.2, 0.5);
    for (id, limit) in [("pause_start", 0.5), ("pause_end", 1.0)] {
        let finding = find(&short.findings, id);
        assert_eq!((finding.severity, finding.limit), (Severity::Fail, Some(limit)));
        assert!(matches!(finding.mend, Mend::Refused(_)), "room tone is not made up: {finding:?}");
    }
    let (long, _c) = audiobook(3.0, 8.0);
    for (id, place_s) in [("pause_start", 3.0 - 0.75), ("pause_end", 3.0 + 8.0 + 3.0)] {
        let to = match find(&long.findings, id).mend {
            Mend::By(Remedy::TrimStart { to_s } | Remedy::TrimEnd { to_s }) => to_s,
            ref other => panic!("{other:?}"),
        };
        assert!((to - place_s).abs() < 0.05, "{id}: {to}");
    }
    let acx = find_target("acx").unwrap();
    let with = |rates, lossy| Reading { bit_rates_kbps: rates, lossy, ..good.reading.clone() };
    let ids = |reading: &Reading| {
        let fails = judge(reading, acx).into_iter().filter(|f| f.severity == Severity::Fail);
        fails.map(|f| f.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&with(Some([128, 128]), true)), ["bit_rate"]);
    assert_eq!(ids(&with(Some([192, 320]), true)), ["variable_bit_rate"]);
    assert!(ids(&with(Some([192, 192]), true)).is_empty());
}

#[test]
fn a_click_is_found_where_it_is() {
    let mut left = channel(-14.0);
    left[100_000] += 0.15;
    let (clicked, _folder) = checked(&[left, channel(-14.0)], "streaming");
    let finding = find(&clicked.findings, "clicks");
    assert_eq!((finding.value, &finding.mend), (Some(1.0), &Mend::By(Remedy::RepairClicks)));
    assert!((finding.place_s.unwrap() - 100_000.0 / 48_000.0).abs() < 0.002, "{finding:?}");
}

#[test]
fn tags_that_say_another_loudness_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "song.wav", &[channel(-14.0), channel(-14.0)], Int24, RATE);
    let said = |lufs, dbtp| {
        let loudness = files::Loudness {
            track_lufs: Some(lufs),
            track_peak_dbtp: Some(dbtp),
            ..files::Loudness::default()
        };
        files::write_tags(&path, &files::Tags { loudness, ..files::Tags::default() }).unwrap();
        check(&path, find_target("streaming").unwrap()).unwrap().findings
    };
    assert_eq!(said(-14.0, -14.0), []);
    let findings = said(-9.0, -0.5);
    for (id, value) in [("tags_loudness", -9.0), ("tags_peak", -0.5)] {
        let finding = find(&findings, id);
        assert_eq!((finding.value, &finding.mend), (Some(value), &Mend::By(Remedy::Tags)), "{finding:?}");
    }
}

// Finds a remedy without a price, one that nobody says whether it can be applied, and a second coding.
#[test]
fn every_remedy_has_a_price_and_says_whether_it_can_be_applied() {
    let mut seen = std::collections::BTreeSet::new();
    for lossy in [false, true] {
        for target in delivery::TARGETS.iter() {
            let mut bad = good();
            bad.lossy = lossy;
            bad.bit_rates_kbps = lossy.then_some([64, 96]);
            bad.sample_rate_hz = 32_000;
            bad.duration_s = 99_999.0;
            bad.leading_silence_s = 20.0;
            bad.trailing_silence_s = 20.0;
            bad.pause_start_s = Some(20.0);
            bad.pause_end_s = Some(0.0);
            bad.first_frame_dbfs = Some(-6.0);
            bad.cut_end_dbfs = Some(-6.0);
            bad.analysis.blemishes.clicks = 2;
            bad.facts.integrated_lufs = Some(-5.0);
            bad.facts.true_peak_dbtp = Some(2.0);
            bad.facts.sample_peak_dbfs = Some(-0.1);
            bad.facts.rms_dbfs = Some(-9.0);
            bad.facts.max_short_term_lufs = Some(-4.0);
            bad.facts.noise_floor_dbfs = Some(-30.0);
            bad.facts.dc_offset = 0.02;
            bad.facts.clipped_runs = 2;
            bad.facts.correlation = Some(-0.95);
            bad.facts.mono_loss_db = Some(15.0);
            bad.facts.balance_db = Some(8.0);
            for finding in judge(&bad, target) {
                let case = format!("{}: {finding:?}", target.id);
                assert_eq!(finding.remedy.is_empty(), finding.price.is_empty(), "{case}");
                assert_eq!(finding.remedy.is_empty(), finding.mend == Mend::Nothing, "{case}");
                assert!(!lossy || !matches!(finding.mend, Mend::By(_)), "{case}");
                seen.insert(finding.id);
            }
        }
    }
    assert!(seen.len() >= 20, "{seen:?}");
}

#[test]
fn a_channel_is_turned_only_where_it_is_upside_down_as_a_whole() {
    let mend = |correlation, loss, bands: [(f64, f64); 3]| {
        let mut reading = good();
        (reading.facts.correlation, reading.facts.mono_loss_db) = (Some(correlation), Some(loss));
        let band = |(share_db, correlation)| measure::BandFacts {
            low_hz: 0.0,
            high_hz: 0.0,
            share_db: Some(share_db),
            side_mid_db: None,
            correlation: Some(correlation),
        };
        reading.facts.bands = bands.map(band).to_vec();
        find(&judge(&reading, find_target("streaming").unwrap()), "mono_loss").mend.clone()
    };
    let all = [(-6.0, -0.9), (-6.0, -0.8), (-15.0, -0.6)];
    assert_eq!(mend(-0.9, 20.0, all), Mend::By(Remedy::InvertRight));
    // What hardly sounds says nothing.
    assert_eq!(mend(-0.9, 20.0, [all[0], all[1], (-40.0, 0.2)]), Mend::By(Remedy::InvertRight));
    assert!(matches!(mend(-0.3, 7.0, all), Mend::Refused(_)), "wide is not upside down");
    let rumble = [(-1.0, -0.9), (-16.0, 0.5), (-18.0, 0.8)];
    assert!(matches!(mend(-0.7, 8.6, rumble), Mend::Refused(_)), "the rumble of a record is not upside down");
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.wav");
    fs::write(&path, "not audio at all").unwrap();
    let error = check(&path, find_target("streaming").unwrap()).unwrap_err();
    assert!(error.to_string().contains("text.wav"), "{error}");
    assert!(check(folder.path().join("none"), find_target("cd").unwrap()).is_err());
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_text_is_checked_and_shown_all_the_same() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "song.wav", &[channel(-14.0), channel(-14.0)], Int24, RATE);
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"L\xf6we.wav"));
    fs::rename(path, &odd).unwrap();
    let checked = check(&odd, find_target("streaming").unwrap()).unwrap();
    let json = serde_json::to_value(&checked).unwrap();
    assert!(json["reading"]["path"].as_str().unwrap().ends_with("L\u{fffd}we.wav"));
    assert_eq!(json["passed"], true);
}
