//! Takes of a master: one becomes the master, the master of before stays as a take, and both can be delivered.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use workflow::{Context, DeliverRequest, MasterRequest, Project, Quiet, promote_take};

fn with<T>(work: impl FnOnce(&Context) -> T) -> T {
    let cancel = AtomicBool::new(false);
    work(&Context { listener: &Quiet, cancel: &cancel, threads: 1 })
}

/// A mix of five seconds in a folder of its own.
fn mix(folder: &Path) -> PathBuf {
    let path = folder.join("mix.wav");
    let spec = files::WriteSpec {
        file_type: files::FileType::Wav,
        sample_format: files::SampleFormat::Float32,
        sample_rate_hz: 44_100,
        channels: 2,
    };
    let wave = |hz: f64| -> Vec<f64> {
        let beat = |t: f64| 0.4 + 0.6 * (-6.0 * (t * 2.0).fract()).exp();
        (0..5 * 44_100).map(|n| f64::from(n) / 44_100.0).map(|t| 0.2 * beat(t) * (hz * t).sin()).collect()
    };
    let mut writer = files::Writer::create(&path, spec).expect("a file");
    writer
        .write_f64(&audio::Buffer::from_channels(&[wave(900.0), wave(1_300.0)]).as_block())
        .expect("written");
    writer.finish().expect("whole");
    path
}

fn mastered(mix: &Path, loudness_lufs: f64, take: Option<&str>) {
    let take = take.map(str::to_string);
    let request = MasterRequest { loudness_lufs: Some(loudness_lufs), take, ..MasterRequest::default() };
    with(|context| workflow::master_files(&[mix.to_path_buf()], None, &request, false, context))
        .expect("mastered");
}

/// A mix with a master and a take that is 4 LU louder, and the bytes of both.
struct Takes {
    folder: tempfile::TempDir,
    mix: PathBuf,
    first: Vec<u8>,
    loud: Vec<u8>,
}

impl Takes {
    fn made() -> Takes {
        let folder = tempfile::tempdir().expect("a folder");
        let mix = mix(folder.path());
        mastered(&mix, -20.0, None);
        mastered(&mix, -16.0, Some("loud"));
        let read = |name: &str| bytes(&folder.path().join(name));
        let (first, loud) = (read("mix-master.wav"), read("mix-takes/loud/mix-master.wav"));
        Takes { folder, mix, first, loud }
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

// Finds a master that is lost, a session that names its mix from the wrong folder, a take that stays half.
#[test]
fn a_take_becomes_the_master_and_comes_back() {
    let Takes { folder, mix, first, loud } = Takes::made();
    let at = |name: &str| folder.path().join(name);
    assert_ne!(first, loud);
    let told = with(|context| promote_take(&mix, None, "loud", true, context)).expect("told");
    assert_eq!((told.kept_as.as_deref(), told.dry_run), (Some("before"), true));
    assert_eq!(bytes(&at("mix-master.wav")), first, "a dry run writes nothing");
    assert!(!at("mix-takes/before").exists());

    let done = with(|context| promote_take(&mix, None, "loud", false, context)).expect("promoted");
    assert_eq!(done.kept_as.as_deref(), Some("before"));
    assert_eq!(bytes(&at("mix-master.wav")), loud);
    assert_eq!(bytes(&at("mix-takes/before/mix-master.wav")), first);
    assert!(!at("mix-takes/loud").exists() && !at("mix-takes/.promoting.json").exists());
    // The page plays what lies beside it now.
    let page = std::fs::read_to_string(at("mix-report.html")).expect("a page");
    assert!(page.contains("src=\"mix-ab/master.wav\"") && !page.contains("src=\"../"), "players");
    // And calls it by what it is now.
    assert!(page.contains("take before") && !page.contains("take loud"), "names");
    assert!(at("mix-ab/take-before.wav").is_file() && !at("mix-ab/take-loud.wav").exists());
    // What is delivered is the take, and nothing of it counts as a person's edit.
    let project = Project::of_file(&mix, None).expect("a project");
    let session = std::fs::read_to_string(project.session_file()).expect("a session");
    assert!(session.contains("file = \"mix.wav\""), "{session}");
    let request = DeliverRequest { targets: vec!["streaming".into()], ..DeliverRequest::default() };
    let sent = with(|context| workflow::deliver(&project, &request, context)).expect("delivered");
    let lufs = sent.files[0].integrated_lufs.expect("loud");
    assert!((lufs + 16.0).abs() < 0.1, "{lufs}");

    // The kept session finds its mix, from where it stands, and comes back.
    let kept = std::fs::read_to_string(at("mix-takes/before/mix.session.toml")).expect("a session");
    assert!(kept.contains(&*folder.path().canonicalize().expect("there").to_string_lossy()), "{kept}");
    let back = with(|context| promote_take(&mix, None, "before", false, context)).expect("promoted");
    let kept = back.kept_as.expect("there was a master");
    assert_eq!(bytes(&at("mix-master.wav")), first);
    assert_eq!(bytes(&at(&format!("mix-takes/{kept}/mix-master.wav"))), loud);
    assert!(!at("mix-takes/before").exists(), "it is the master now");
    // Mastering goes on where it was.
    mastered(&mix, -20.0, None);
    assert_eq!(bytes(&at("mix-master.wav")), first);
}

// Finds a change that was cut off and loses what was moved already, or keeps a mixture as a take.
#[test]
fn what_was_cut_off_is_completed_by_the_same_command() {
    let Takes { folder, mix, first, loud } = Takes::made();
    let at = |name: &str| folder.path().join(name);
    let session = bytes(&at("mix-takes/loud/mix.session.toml"));
    // As after the first move: the master of before stands whole among the takes, the new one is in its place already.
    std::fs::create_dir_all(at("mix-takes/before")).expect("a folder");
    std::fs::rename(at("mix-master.wav"), at("mix-takes/before/mix-master.wav")).expect("moved");
    std::fs::rename(at("mix-takes/loud/mix-master.wav"), at("mix-master.wav")).expect("moved");
    std::fs::write(at("mix-takes/.promoting.json"), r#"{"take": "loud", "kept_as": "before"}"#)
        .expect("a note");
    with(|context| promote_take(&mix, None, "loud", false, context)).expect("completed");
    assert_eq!(bytes(&at("mix-master.wav")), loud);
    assert_eq!(bytes(&at("mix-takes/before/mix-master.wav")), first);
    assert!(!at("mix-takes/loud").exists() && !at("mix-takes/before-2").exists());
    let text = String::from_utf8_lossy(&session).lines().count();
    let now = std::fs::read_to_string(at("mix.session.toml")).expect("a session");
    assert_eq!(now.lines().count(), text, "the take's session: {now}");
    let error =
        with(|context| promote_take(&mix, None, "loud", false, context)).expect_err("gone").to_string();
    assert!(error.contains("there is no take `loud`") && error.contains("before"), "{error}");
    for odd in ["..", ".tonmeister", "a/b", ""] {
        assert!(with(|context| promote_take(&mix, None, odd, false, context)).is_err(), "{odd}");
    }
}
