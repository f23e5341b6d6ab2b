//! The main job on a small band: everything that is promised of it, judged by what stands on the disk.

use crate::support::*;
use audio::{Buffer, gain_to_db};
use ebur128::{EbuR128, Mode};
use files::SampleFormat;
use std::collections::BTreeSet;
use std::path::Path;
use workflow::{DeliverRequest, Part, ProduceRequest, Project, deliver, produce, render};

fn peak_db(buffer: &Buffer) -> f64 {
    gain_to_db((0..buffer.channels()).flat_map(|c| buffer.channel(c)).fold(0.0, |m: f64, s| m.max(s.abs())))
}

/// Loudness and true peak by another implementation.
fn other_meter(buffer: &Buffer, rate_hz: u32) -> (f64, f64) {
    let mut meter = EbuR128::new(2, rate_hz, Mode::I | Mode::TRUE_PEAK).expect("a meter");
    meter.add_frames_planar_f64(&[buffer.channel(0), buffer.channel(1)]).expect("frames");
    let peak = (0..2).map(|c| meter.true_peak(c).expect("a channel")).fold(0.0, f64::max);
    (meter.loudness_global().expect("loudness"), gain_to_db(peak))
}

/// A produced song, shared by the tests that only look at it.
fn song() -> &'static (tempfile::TempDir, workflow::Produced, Vec<workflow::Decision>) {
    static SONG: std::sync::OnceLock<(tempfile::TempDir, workflow::Produced, Vec<workflow::Decision>)> =
        std::sync::OnceLock::new();
    SONG.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        record(folder.path());
        let before = contents(folder.path());
        let project = Project::new(folder.path(), None).expect("a project");
        let request = ProduceRequest { stems: true, tracks: true, ..ProduceRequest::default() };
        let (produced, _, decisions) = produce(&project, &request, &context(0)).expect("a song");
        let after = contents(folder.path());
        for (path, hash) in &before {
            assert_eq!(after.get(path), Some(hash), "{} was touched", path.display());
        }
        let beside: BTreeSet<String> = std::fs::read_dir(folder.path())
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| !before.contains_key(path))
            .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
            .collect();
        let known = ["session.toml", "out", ".tonmeister"];
        assert_eq!(beside, known.iter().map(ToString::to_string).collect(), "nothing else appears");
        assert!(!after.keys().any(|p| p.to_string_lossy().contains(".part")), "nothing half-written stays");
        (folder, produced, decisions)
    })
}

fn out(name: &str) -> std::path::PathBuf {
    song().0.path().join("out").join(name)
}

#[test]
fn the_master_conforms_by_another_meter() {
    let (_, produced, _) = song();
    assert!(produced.passed, "{:?}", produced.notes);
    let info = files::probe(out("master.wav")).expect("a master");
    assert_eq!((info.channels, info.sample_rate_hz, info.encoding.describe()), (2, 48_000, "24-bit".into()));
    let (lufs, dbtp) = other_meter(&read(&out("master.wav")), 48_000);
    // The target is promised within 0.1 LU; both meters agree to 0.01 LU. The other meter oversamples four times,
    // which reads 0.17 dB low at worst; its short interpolator ripples by less than 0.01 dB.
    assert!((lufs + 14.0).abs() < 0.1, "{lufs} LUFS; {:?}", produced.notes);
    assert!(dbtp <= -0.99, "{dbtp} dBTP");
}

#[test]
fn the_pre_master_has_its_headroom() {
    let (lufs, dbtp) = other_meter(&read(&out("premaster.wav")), 48_000);
    // The other meter reads up to 0.17 dB low.
    assert!((-6.2..=-5.95).contains(&dbtp), "{dbtp} dBTP at {lufs} LUFS");
}

#[test]
fn every_decision_has_a_reason_with_a_measured_number() {
    let (_, _, decisions) = song();
    assert!(decisions.len() > 20, "{} decisions", decisions.len());
    for decision in decisions {
        let place = format!("{}: {}", decision.change.path(), decision.why);
        assert!(decision.why.ends_with('.') && decision.why.len() > 20, "no sentence: {place}");
        assert!(!decision.evidence.is_empty(), "nothing measured: {place}");
        assert!(decision.why.chars().any(|c| c.is_ascii_digit()), "no number: {place}");
        assert!(decision.evidence.iter().all(|e| e.value.is_finite()), "{place}: {:?}", decision.evidence);
        assert!((0.0..=1.0).contains(&decision.confidence), "{place}");
        // A place in the chain is a part of the decision that put the insert there.
        let placed = matches!(decision.change, session::Change::Place { .. });
        assert!(placed || !decision.costs.is_empty(), "what it costs is not said: {place}");
        assert!(placed || !decision.unless.is_empty(), "what would change its mind is not said: {place}");
    }
}

#[test]
fn the_planted_faults_are_mended() {
    let text = std::fs::read_to_string(song().0.path().join("session.toml")).expect("a session");
    let session = session::read(&text).session;
    assert!(session.tracks["snare_bottom"].invert, "the bottom microphone is turned: {text}");
    assert_eq!(session.tracks["keys"].files.len(), 2, "left and right are one track");
    let bass = &session.tracks["bass_di"];
    assert!(bass.inserts.iter().any(|i| i.kind.id == "eq"), "the offset of the bass is taken away: {text}");
    let mean = |buffer: &Buffer| buffer.channel(0).iter().sum::<f64>() / buffer.frames() as f64;
    let mixed = read(&out("tracks/bass_di.wav"));
    assert!(mean(&mixed).abs() < 1e-4, "2 % of offset went in, {} comes out", mean(&mixed));
}

#[test]
fn stems_add_up_to_the_pre_master() {
    let mut rest = read(&out("premaster.wav"));
    assert!(peak_db(&rest) > -8.0);
    let stems: Vec<_> =
        std::fs::read_dir(out("stems")).expect("stems").map(|e| e.expect("a stem").path()).collect();
    assert!(stems.len() > 1, "{stems:?}");
    for stem in stems {
        let stem = read(&stem);
        assert_eq!(stem.frames(), rest.frames());
        for c in 0..2 {
            for (sum, sample) in rest.channel_mut(c).iter_mut().zip(stem.channel(c)) {
                *sum -= sample;
            }
        }
    }
    // Each file is rounded to 24 bits of mantissa: under -150 dB of its own level.
    assert!(peak_db(&rest) < -140.0, "{:.1} dB are left", peak_db(&rest));
}

/// Loudness of one channel alone, by another implementation.
fn side_lufs(samples: &[f64]) -> f64 {
    let mut meter = EbuR128::new(1, 48_000, Mode::I).expect("a meter");
    meter.add_frames_f64(samples).expect("frames");
    meter.loudness_global().expect("loudness")
}

#[test]
fn the_rendered_mix_stands_in_the_middle_and_survives_mono() {
    let tracks: Vec<_> =
        std::fs::read_dir(out("tracks")).expect("tracks").map(|e| e.expect("a track").path()).collect();
    assert!(tracks.len() >= 6, "{tracks:?}");
    for path in tracks {
        let track = read(&path);
        let (left, right) = (track.channel(0), track.channel(1));
        let both: f64 = left.iter().zip(right).map(|(l, r)| l * l + r * r).sum();
        let mono: f64 = left.iter().zip(right).map(|(l, r)| (l + r) * (l + r) / 2.0).sum();
        // A track on one side alone loses just 3 dB.
        let loss_db = 10.0 * (both / mono).log10();
        assert!(loss_db < 3.0, "{}: {loss_db:.2} dB are lost in mono", path.display());
    }
    let mix = read(&out("premaster.wav"));
    let lean_lu = side_lufs(mix.channel(1)) - side_lufs(mix.channel(0));
    // The bound that the panning is solved for, in the loudness of the whole song.
    assert!(lean_lu.abs() < 0.5, "right against left {lean_lu:+.2} LU");
}

#[test]
fn no_fader_stands_on_its_bound_without_saying_so() {
    let (_, _, decisions) = song();
    for decision in decisions.iter().filter(|d| d.change.path().to_string().ends_with(".fader_db")) {
        let session::Change::Set { value: session::Value::Number(db), .. } = &decision.change else {
            continue;
        };
        let says = ["stop", "bound", "most", "limit", "at least", "far as"];
        let told = says.iter().any(|word| decision.why.contains(word));
        assert!(
            told || (-19.95..=9.95).contains(db),
            "{}: {db} dB: {}",
            decision.change.path(),
            decision.why
        );
    }
}

#[test]
fn a_session_gives_the_same_bits_again_for_any_number_of_threads() {
    let (folder, ..) = song();
    let first =
        (sha256(&out("premaster.wav")), sha256(&out("master.wav")), sha256(&out("stems/bus.drums.wav")));
    for threads in [1, 2, 3] {
        let copy = tempfile::tempdir().expect("a folder");
        for entry in std::fs::read_dir(folder.path()).expect("the song") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                std::fs::copy(&path, copy.path().join(path.file_name().unwrap_or_default())).expect("a copy");
            }
        }
        let project = Project::new(copy.path(), None).expect("a project");
        render(&project, &[Part::Premaster, Part::Stems], true, false, &context(threads)).expect("a render");
        let at = |name: &str| sha256(&copy.path().join("out").join(name));
        let again = (at("premaster.wav"), at("master.wav"), at("stems/bus.drums.wav"));
        assert_eq!(again, first, "{threads} threads");
    }
}

#[test]
fn planning_again_changes_nothing() {
    // A song that is complete gets the same decisions: its session is the same to the byte.
    let (folder, ..) = song();
    let copy = tempfile::tempdir().expect("a folder");
    record(copy.path());
    let project = Project::new(copy.path(), None).expect("a project");
    let session = || std::fs::read_to_string(copy.path().join("session.toml")).expect("a session");
    produce(&project, &ProduceRequest::default(), &context(0)).expect("a song");
    let first = session();
    let title = |text: &str| text.lines().filter(|l| !l.starts_with("title")).collect::<Vec<_>>().join("\n");
    let other = std::fs::read_to_string(folder.path().join("session.toml")).expect("a session");
    assert_eq!(title(&first), title(&other), "the same recordings in another folder");
    let before = contents(copy.path());
    nothing_is_done_again(&project, copy.path());
    // What is only kept for speed may go at any time: the work is done anew, and gives the same to the byte.
    for kept in ["produced.json", "strips", "heard", "facts"] {
        let path = copy.path().join(".tonmeister").join(kept);
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.unwrap_or_else(|error| panic!("{kept}: {error}"));
    }
    produce(&project, &ProduceRequest::default(), &context(0)).expect("a song");
    assert_eq!(session(), first);
    let after = contents(copy.path());
    // The kept strips are all there again as well, under the same names.
    let differing: Vec<_> = before.iter().filter(|&(path, hash)| after.get(path) != Some(hash)).collect();
    assert!(differing.is_empty() && after.len() == before.len(), "{differing:?}");
}

/// Listens to what a run says it does.
#[derive(Default)]
struct Stages(std::sync::Mutex<Vec<String>>);

impl workflow::Listener for Stages {
    fn stage(&self, name: &str, _: Option<f64>) {
        self.0.lock().expect("no panic").push(name.to_string());
    }
    fn progress(&self, _: f64) {}
    fn note(&self, _: &str) {}
}

/// A second run with nothing changed renders, measures and writes nothing, and says what the first one said.
fn nothing_is_done_again(project: &Project, folder: &Path) {
    let times = || -> std::collections::BTreeMap<_, _> {
        let time = |path: std::path::PathBuf| {
            let there = std::fs::metadata(&path).expect("a file");
            (path, there.modified().expect("a time"))
        };
        contents(folder).into_keys().map(time).collect()
    };
    let first = std::fs::read_to_string(folder.join(".tonmeister/produced.json")).expect("what was made");
    let first: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    let (stages, before) = (Stages::default(), times());
    let (again, _, decisions) =
        produce(project, &ProduceRequest::default(), &workflow::Context { listener: &stages, ..context(0) })
            .expect("a song");
    assert_eq!(*stages.0.lock().expect("no panic"), [""; 0], "no stage of work");
    assert!(times() == before, "a file was written");
    let mut said = serde_json::to_value(&again).expect("JSON");
    assert_eq!(said["schema"], "tonmeister.produce/1");
    said["schema"] = first["produced"]["schema"].clone();
    assert_eq!(said, first["produced"]);
    assert_eq!(serde_json::to_value(&decisions).expect("JSON"), first["decisions"]);
    assert!(!decisions.is_empty());
}

#[test]
fn each_target_gets_its_own_loudness_and_the_session_keeps_its_own() {
    let copy = tempfile::tempdir().expect("a folder");
    record(copy.path());
    let project = Project::new(copy.path(), None).expect("a project");
    produce(&project, &ProduceRequest::default(), &context(0)).expect("a song");
    let session = || std::fs::read_to_string(copy.path().join("session.toml")).expect("a session");
    let (before, master) = (session(), sha256(&copy.path().join("out/master.wav")));
    let targets = ["ebu-r128", "cd"].map(String::from).to_vec();
    let request = DeliverRequest { targets, ..DeliverRequest::default() };
    let delivered = deliver(&project, &request, &context(0)).expect("deliveries");
    assert!(delivered.passed, "{:?}", delivered.files);
    let [broadcast, cd] = &delivered.files[..] else { panic!("{:?}", delivered.files) };
    // 48 kHz as the master; both meters agree to 0.01 LU.
    let (lufs, dbtp) = other_meter(&read(Path::new(&broadcast.path)), 48_000);
    assert!((lufs + 23.0).abs() < 0.1 && dbtp <= -1.0, "{lufs} LUFS, {dbtp} dBTP");
    let info = files::probe(&cd.path).expect("a file");
    assert_eq!((info.sample_rate_hz, info.encoding.describe()), (44_100, "16-bit".into()));
    assert_eq!((session(), sha256(&copy.path().join("out/master.wav"))), (before, master));
}

#[test]
fn an_empty_session_gives_back_the_file_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut dice = Dice(5);
    let steps = f64::from(1 << 23);
    let noise = || (0..30_011).map(|_| (dice.next() * (steps - 1.0)).round() / steps).collect::<Vec<f64>>();
    let planes: Vec<Vec<f64>> = std::iter::repeat_with(noise).take(2).collect();
    write(&folder.path().join("take.wav"), 44_100, SampleFormat::Int24, &planes);
    let text = "version = 1\n\n[track.take]\nfile = \"take.wav\"\n";
    std::fs::write(folder.path().join("session.toml"), text).expect("a session");
    let project = Project::new(folder.path(), None).expect("a project");
    render(&project, &[Part::Premaster], false, false, &context(0)).expect("a render");
    let rendered = read(&folder.path().join("out/premaster.wav"));
    assert_eq!(rendered.frames(), 30_011);
    for (c, plane) in planes.iter().enumerate() {
        assert!(rendered.channel(c) == plane.as_slice(), "channel {c} differs");
    }
}

#[test]
fn silence_is_told_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    write(&folder.path().join("Kick.wav"), 48_000, SampleFormat::Int16, &[vec![0.0; 96_000]]);
    let project = Project::new(folder.path(), None).expect("a project");
    let error =
        produce(&project, &ProduceRequest::default(), &context(0)).expect_err("silence has no master");
    assert!(error.to_string().contains("LUFS") || error.to_string().contains("silent"), "{error}");
    assert!(!Path::new(&folder.path().join("out/master.wav")).exists());
}
