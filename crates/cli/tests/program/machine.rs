//! What other programs see: one JSON object, its schema, and nothing written by a dry run.

use crate::common::{contents, object, song, tonmeister, voice, wav16, words};

/// Every command, with `--json`, in an order in which each finds what it needs.
const LINES: [(&str, &str); 23] = [
    ("scan song", "scan"),
    ("produce song --dry-run", "produce"),
    ("mix song --dry-run", "mix"),
    ("plan song", "plan"),
    ("plan song 4 --dry-run", "plan"),
    ("why lead_vox -C song", "why"),
    ("set track.lead_vox.pan=10 -C song", "set"),
    ("set --undo -C song", "set"),
    ("render song stems --dry-run", "render"),
    ("render song", "render"),
    ("mix song", "mix"),
    ("produce song", "produce"),
    ("deliver song --to qobuz", "deliver"),
    ("deliver song --to qobuz --dry-run", "deliver"),
    ("master mix.wav --dry-run", "master"),
    ("master mix.wav", "master"),
    ("measure mix.wav --series", "measure"),
    ("compare mix.wav mix-master.wav", "compare"),
    ("demo --dry-run", "demo"),
    ("processors", "processors"),
    ("targets", "targets"),
    ("roles", "roles"),
    ("roles Kick", "roles"),
];

#[test]
fn every_command_prints_one_object_with_its_schema() {
    let folder = song();
    let home = folder.path();
    std::fs::write(home.join("mix.wav"), wav16(&[voice(), voice()])).unwrap();
    for (line, command) in LINES {
        let before = contents(home);
        let ran = tonmeister(home, &words(&format!("{line} --json")));
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        let value = object(&ran);
        assert_eq!(value["schema"], format!("tonmeister.{command}/1"), "{line}");
        assert_eq!(ran.stdout.lines().count(), 1, "{line}: one line");
        let is_dry = line.contains("--dry-run");
        if let Some(said) = value.get("dry_run") {
            assert_eq!(said, is_dry, "{line}");
        }
        assert!(!is_dry || value.get("dry_run").is_some(), "{line} does not say that it wrote nothing");
        let writes = ["plan", "set", "render", "mix", "produce", "deliver", "master"].contains(&command);
        assert_eq!(contents(home) != before, writes && !is_dry, "{line}");
    }
    for line in ["completions bash", "man", ""] {
        let ran = tonmeister(home, &words(&format!("{line} --json")));
        assert!(object(&ran)["schema"].as_str().unwrap().starts_with("tonmeister."), "{line}");
    }
}

/// A check that does not pass is an answer, not an error.
#[test]
fn a_check_that_fails_is_an_object_too() {
    let folder = tempfile::tempdir().unwrap();
    let loud: Vec<f64> = voice().iter().map(|x| 20.0 * x).collect();
    std::fs::write(folder.path().join("loud.wav"), wav16(&[loud.clone(), loud])).unwrap();
    let ran = tonmeister(folder.path(), &words("check loud.wav --json"));
    assert_eq!(ran.code, 3, "{ran:?}");
    let value = object(&ran);
    assert_eq!(value["schema"], "tonmeister.check/1");
    assert_eq!(value["passed"], false);
    assert_eq!(value["files"][0]["passed"], false);
    assert!(!value["files"][0]["findings"].as_array().unwrap().is_empty());
}

/// What `measure --json` promises by name: programs that read it must find it for ever.
#[test]
fn measurements_have_their_names() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mix.wav"), wav16(&[voice(), voice()])).unwrap();
    let ran = tonmeister(folder.path(), &words("measure mix.wav --json --series"));
    let value = object(&ran);
    let file = &value["files"][0];
    for name in [
        "path",
        "sample_rate_hz",
        "channels",
        "frames",
        "duration_s",
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
        "third_octave_db",
        "notes",
    ] {
        assert!(file.get(name).is_some(), "{name} is missing");
    }
    let series = &file["series"];
    let length = series["time_s"].as_array().unwrap().len();
    for name in ["momentary_lufs", "short_term_lufs"] {
        assert_eq!(series[name].as_array().unwrap().len(), length, "{name}");
    }
    // Two seconds: there is no window of three, hence no short-term value that could be true.
    assert!(series["short_term_lufs"].as_array().unwrap().iter().all(serde_json::Value::is_null));
    assert!(series["momentary_lufs"].as_array().unwrap().iter().any(serde_json::Value::is_number));
}

/// People get the series too: a line a second.
#[test]
fn loudness_against_time_is_a_table() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mix.wav"), wav16(&[voice(), voice()])).unwrap();
    let with = tonmeister(folder.path(), &words("measure mix.wav --series")).stdout;
    let without = tonmeister(folder.path(), &words("measure mix.wav")).stdout;
    let series = with.strip_prefix(&without).expect("the readings come first");
    assert_eq!(series.lines().count(), 3, "a heading and two seconds: {series}");
    assert!(series.contains("2.0 s") && series.contains("LUFS"), "{series}");
}

/// What was not measured is not told, neither as a zero nor as a gap.
#[test]
fn loudness_alone_tells_loudness_and_peaks() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mix.wav"), wav16(&[voice(), voice()])).unwrap();
    let text = tonmeister(folder.path(), &words("measure mix.wav --loudness")).stdout;
    assert!(text.contains("Integrated loudness") && text.contains("right"), "{text}");
    for absent in ["RMS", "crest", "DC", "\nBlemishes", "\nSpectrum", "\nMusic"] {
        assert!(!text.contains(absent), "{absent}: {text}");
    }
    let value = object(&tonmeister(folder.path(), &words("measure mix.wav --loudness --json --series")));
    let file = value["files"][0].as_object().unwrap();
    for absent in ["rms_dbfs", "dc_offset", "blemishes", "psr_series", "stereo_series", "tempo_bpm"] {
        assert!(!file.contains_key(absent), "{absent}");
    }
    // The rest is what a whole measurement says, to the last bit.
    let whole = object(&tonmeister(folder.path(), &words("measure mix.wav --json --series")));
    for same in ["integrated_lufs", "loudness_range_lu", "true_peak_dbtp", "max_momentary_lufs", "series"] {
        assert_eq!(file[same], whole["files"][0][same], "{same}");
    }
}
