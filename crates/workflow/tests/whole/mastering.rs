//! Mastering of finished mixes as a person asks for it: takes beside each other, references of all kinds, and nothing where
//! nothing is to be done.

use audio::{Buffer, db_to_gain};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use measure::{Analysis, Options, analyse};
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use workflow::{Context, MasterRequest, MasteredFile, Matching, Project, Quiet, master, master_files};

static NEVER: AtomicBool = AtomicBool::new(false);

fn context() -> Context<'static> {
    Context { listener: &Quiet, cancel: &NEVER, threads: 1 }
}

/// What a song is made of here.
struct Sound {
    rate_hz: u32,
    seconds: f64,
    /// Tilt in dB an octave around 800 Hz.
    tilt_db: f64,
    level: f64,
    width: f64,
    seed: u64,
}

impl Default for Sound {
    fn default() -> Sound {
        Sound { rate_hz: 48_000, seconds: 8.0, tilt_db: -4.5, level: 0.1, width: 0.4, seed: 3 }
    }
}

/// Chords of many partials that swell and fade, each partial with a phase of its own on either side.
fn song(sound: &Sound) -> [Vec<f64>; 2] {
    let mut state = sound.seed;
    let mut dice = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let partials: Vec<(f64, f64, f64, f64)> = (0..60)
        .map(|n| {
            let hz = 40.0 * 1.11f64.powi(n);
            let gain = db_to_gain(sound.tilt_db * (hz / 800.0).log2() * 0.5);
            (hz, gain, TAU * dice(), sound.width * (2.0 * dice() - 1.0))
        })
        .filter(|p| p.0 < 0.45 * f64::from(sound.rate_hz).min(44_100.0))
        .collect();
    let frames = (sound.seconds * f64::from(sound.rate_hz)) as usize;
    let mut both = [vec![0.0; frames], vec![0.0; frames]];
    for n in 0..frames {
        let t = n as f64 / f64::from(sound.rate_hz);
        let swell = 0.6 + 0.4 * (TAU * 0.4 * t).sin();
        let (mut mid, mut side) = (0.0, 0.0);
        for (hz, gain, phase, pan) in &partials {
            let x = gain * (TAU * hz * t + phase).sin();
            mid += x;
            side += pan * x;
        }
        let level = sound.level * swell / (partials.len() as f64).sqrt();
        both[0][n] = level * (mid + side);
        both[1][n] = level * (mid - side);
    }
    both
}

fn write(path: &Path, sound: &Sound, channels: &[Vec<f64>]) {
    let file_type =
        if path.extension().is_some_and(|e| e == "flac") { FileType::Flac } else { FileType::Wav };
    let spec = WriteSpec {
        file_type,
        sample_format: SampleFormat::Int24,
        sample_rate_hz: sound.rate_hz,
        channels: channels.len(),
    };
    let mut writer = Writer::create(path, spec).expect("a file");
    writer.write_f64(&Buffer::from_channels(channels).as_block()).expect("room on the disk");
    writer.finish().expect("a whole file");
}

fn heard(path: &Path) -> Analysis {
    let mut reader = files::open(path).expect("a file");
    let (rate, layout) = (f64::from(reader.info().sample_rate_hz), reader.info().channels);
    let buffer = reader.read_to_end().expect("audio");
    let options = Options { pitch: false, music: false, ..Options::default() };
    analyse(&buffer.as_block(), rate, audio::Layout::from_channels(layout), options).expect("a meter")
}

fn mastered(mix: &Path, request: &MasterRequest) -> MasteredFile {
    let mut done = master_files(&[mix.to_path_buf()], None, request, false, &context()).expect("a master");
    done.files.remove(0)
}

fn full() -> Matching {
    Matching { tone: 1.0, dynamics: 1.0, width: 1.0, loudness: 1.0 }
}

/// Third octaves at equal level, RMS of the difference in dB from 50 Hz to 12.5 kHz.
fn tone_moved_db(a: &Analysis, b: &Analysis) -> f64 {
    let pairs = a.facts.third_octave_db.iter().zip(&b.facts.third_octave_db);
    let inside = pairs.filter(|(a, _)| (50.0..=12_500.0).contains(&a.hz));
    let off: Vec<f64> = inside.filter_map(|(a, b)| Some(a.db? - b.db?)).collect();
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    (off.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / off.len() as f64).sqrt()
}

#[test]
fn takes_stand_beside_each_other_and_are_compared_at_one_loudness() {
    let folder = tempfile::tempdir().expect("a folder");
    let mix = folder.path().join("song.wav");
    let sound = Sound { tilt_db: -9.0, ..Sound::default() };
    write(&mix, &sound, &song(&sound));
    let first = mastered(&mix, &MasterRequest::default());
    let session = folder.path().join("song.session.toml");
    let before = std::fs::read(&session).expect("a session");
    let bold = MasterRequest { take: Some("bold".into()), strength: Some(1.5), ..MasterRequest::default() };
    let take = mastered(&mix, &bold);
    assert_eq!(std::fs::read(&session).expect("a session"), before, "a take leaves the others alone");
    assert!(take.session.contains("song-takes"), "{}", take.session);
    let labels: Vec<&str> = take.ab.iter().map(|ab| ab.label.as_str()).collect();
    assert_eq!(labels, ["before", "master", "take bold"]);
    let lufs: Vec<f64> =
        take.ab.iter().map(|ab| heard(Path::new(&ab.path)).facts.integrated_lufs.expect("loud")).collect();
    // The comparison is written in 32-bit float; the cut of the ends moves the gating blocks of so short a song.
    assert!(lufs.iter().all(|l| (l - lufs[0]).abs() < 0.05), "{lufs:?}");
    assert!(take.ab.iter().all(|ab| ab.true_peak_dbtp.is_some_and(|p| p <= -1.0)), "{:?}", take.ab);
    let page = std::fs::read_to_string(&take.report).expect("a report");
    assert!(page.contains("<audio") && page.contains("src=\"../../song-ab/take-bold.wav\""), "no player");
    assert!(
        first.ab.is_empty() && !std::fs::read_to_string(&first.report).expect("a report").contains("<audio")
    );
    let wrong = MasterRequest { take: Some("../x".into()), ..MasterRequest::default() };
    let error = master_files(std::slice::from_ref(&mix), None, &wrong, false, &context()).unwrap_err();
    assert!(error.to_string().contains("../x"), "{error}");
}

/// The loudness is solved on the limiter alone, behind the chain as it was rendered; the session renders both at once, and to the
/// same bits as the master.
#[test]
fn the_master_is_what_its_session_renders() {
    let folder = tempfile::tempdir().expect("a folder");
    let mix = folder.path().join("song.wav");
    let sound = Sound { tilt_db: -9.0, ..Sound::default() };
    write(&mix, &sound, &song(&sound));
    let done = mastered(&mix, &MasterRequest::default());
    let session = std::fs::read_to_string(&done.session).expect("a session");
    assert!(session.matches("[[master.insert]]").count() >= 2, "a chain before the limiter:\n{session}");
    let again = folder.path().join("again.wav");
    let project = Project::of_file(&mix, None).expect("a project");
    let as_it_is = MasterRequest { as_it_is: true, ..MasterRequest::default() };
    let second = master(&project, &mix, &again, &as_it_is, &context()).expect("a master");
    let (a, b) = (PathBuf::from(&done.master.path), second.delivered.path);
    let samples = |path: &Path| files::open(path).expect("a file").read_to_end().expect("audio");
    let (a, b) = (samples(&a), samples(&b));
    assert_eq!(a.frames(), b.frames());
    for channel in 0..2 {
        assert!(a.channel(channel) == b.channel(channel), "channel {channel} differs");
    }
}

#[test]
fn a_song_that_is_its_own_reference_and_a_finished_master_are_left_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let mix = folder.path().join("song.wav");
    let sound = Sound::default();
    write(&mix, &sound, &song(&sound));
    let itself = MasterRequest {
        references: vec![(mix.clone(), 1.0)],
        matching: Some(full()),
        ..MasterRequest::default()
    };
    let done = mastered(&mix, &itself);
    let session = std::fs::read_to_string(&done.session).expect("a session");
    assert_eq!(session.matches("[[master.insert]]").count(), 1, "only the limiter:\n{session}");
    // A master with a tone that no record has, loud and up to full scale: what is finished is not corrected.
    let finished = folder.path().join("finished.wav");
    let mut channels = song(&Sound { tilt_db: -11.0, ..Sound::default() });
    let peak = channels.iter().flatten().fold(0.0, |most: f64, x| most.max(x.abs()));
    channels.iter_mut().flatten().for_each(|x| *x = (*x * 3.0 / peak).clamp(-0.98, 0.98));
    write(&finished, &sound, &channels);
    let done = mastered(&finished, &MasterRequest::default());
    assert!(done.listening.iter().any(|l| l.what.contains("finished master")), "{:?}", done.listening);
    let moved = tone_moved_db(&heard(&finished), &heard(Path::new(&done.master.path)));
    assert!(moved < 0.5, "{moved:.2} dB RMS of moves on a finished master");
}

/// Other rates, other lengths, one channel, several with weights: the match comes near to what they have in the mean.
#[test]
fn references_of_all_kinds_are_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let mix = file("mix.wav");
    let sound = Sound { tilt_db: -7.0, width: 0.2, ..Sound::default() };
    write(&mix, &sound, &song(&sound));
    let near = Sound { rate_hz: 44_100, seconds: 11.0, width: 0.5, seed: 9, ..Sound::default() };
    write(&file("near.flac"), &near, &song(&near));
    let far = Sound { rate_hz: 96_000, seconds: 6.0, tilt_db: -6.0, seed: 12, ..Sound::default() };
    write(&file("far.wav"), &far, &song(&far)[..1]);
    let distance = |references: Vec<(PathBuf, f64)>, name: &str| {
        let request = MasterRequest {
            references,
            matching: Some(full()),
            take: Some(name.into()),
            ..MasterRequest::default()
        };
        let matched = mastered(&mix, &request).matched.expect("a match");
        let tone = &matched.aspects[0];
        (tone.before.expect("a distance"), tone.after.expect("a distance"))
    };
    let (before, after) = distance(vec![(file("near.flac"), 1.0)], "one");
    assert!(after < 0.5 * before && after < 1.0, "{before:.2} to {after:.2}");
    let (before, after) = distance(vec![(file("near.flac"), 3.0), (file("far.wav"), 1.0)], "two");
    assert!(after < 0.6 * before, "{before:.2} to {after:.2}");
}

// Finds a mono mix whose master the very target refuses that it was made for, one side that is left empty, and a target that
// takes mono and gets two channels.
#[test]
fn a_mono_mix_stands_on_both_sides_where_one_channel_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let mix = folder.path().join("mono.wav");
    let sound = Sound::default();
    write(&mix, &sound, &song(&sound)[..1]);
    let done = mastered(&mix, &MasterRequest::default());
    assert_eq!(done.master.passed, Some(true), "{:?}", done.findings);
    let master = files::open(&done.master.path).expect("a file").read_to_end().expect("audio");
    assert_eq!(master.channels(), 2);
    let apart = master.channel(0).iter().zip(master.channel(1)).map(|(l, r)| (l - r).abs());
    // Each side has its own dither of 24 bits: three steps apart at most.
    assert!(apart.fold(0.0, f64::max) <= 3.0 / 8_388_608.0);
    assert!((done.master.integrated_lufs.expect("loud") + 14.0).abs() <= 0.05, "{:?}", done.master);
    assert!(done.listening[0].what.contains("both sides"), "{:?}", done.listening[0]);
    // Who reads the terminal alone is told it too.
    assert!(done.notes.iter().any(|note| note.contains("both sides")), "{:?}", done.notes);
    let podcast = MasterRequest {
        target: Some("podcast".into()),
        take: Some("podcast".into()),
        ..MasterRequest::default()
    };
    let done = mastered(&mix, &podcast);
    assert_eq!(files::probe(&done.master.path).expect("a file").channels, 1);
    assert_eq!(done.master.passed, Some(true), "{:?}", done.findings);
    assert!(!done.notes.iter().any(|note| note.contains("both sides")), "{:?}", done.notes);
    // What was mastered for one channel is limited anew where two are asked for.
    let request = workflow::DeliverRequest { targets: vec!["streaming".into()], ..Default::default() };
    let take = Path::new(&done.session).parent().expect("a folder");
    let project = Project::of_file(&mix, Some(take)).expect("a project");
    let handed = workflow::deliver(&project, &request, &context()).expect("a delivery");
    assert!(handed.passed, "{:?}", handed.details[0].findings);
}

/// The master of a finished mix is not kept in floating point; another file of it is made of the mix anew, to the same
/// samples. Finds one that is made of another mix than was mastered, with another drive, or without what was lowered.
#[test]
fn another_file_of_a_master_has_its_samples() {
    let folder = tempfile::tempdir().expect("a folder");
    let mix = folder.path().join("mix.wav");
    // Bursts that a limiter works on.
    let sound = Sound { seconds: 12.0, level: 0.5, ..Sound::default() };
    let mut planes = song(&sound);
    planes.iter_mut().for_each(|plane| plane.iter_mut().step_by(17_011).for_each(|x| *x = 0.98));
    write(&mix, &sound, &planes);
    let done = mastered(&mix, &MasterRequest { loudness_lufs: Some(-12.0), ..MasterRequest::default() });
    let project = Project::of_file(&mix, None).expect("a project");
    assert!(!project.state().join("master.wav").exists());
    let request = workflow::DeliverRequest { targets: vec!["streaming".into()], ..Default::default() };
    let planned = workflow::DeliverRequest { dry_run: true, ..request.clone() };
    let planned = workflow::deliver(&project, &planned, &context()).expect("a plan");
    let handed = workflow::deliver(&project, &request, &context()).expect("a delivery");
    assert_eq!(planned.planned[0].frames, handed.details[0].reading.frames);
    let samples = |path: &Path| files::open(path).expect("a file").read_to_end().expect("audio");
    assert!(samples(&handed.details[0].path) == samples(Path::new(&done.master.path)));
    // A mix that was only copied is the same one; of another there is no other file of this master.
    std::fs::copy(&mix, folder.path().join("copy.wav")).expect("a copy");
    std::fs::rename(folder.path().join("copy.wav"), &mix).expect("in its place");
    workflow::deliver(&project, &request, &context()).expect("a delivery from the copy");
    planes[0][5] = 0.1;
    write(&mix, &sound, &planes);
    let error = workflow::deliver(&project, &request, &context()).expect_err("another mix").to_string();
    assert!(error.contains("mix.wav: has changed since it was mastered"), "{error}");
    std::fs::remove_file(&mix).expect("removed");
    let error = workflow::deliver(&project, &request, &context()).expect_err("no mix").to_string();
    assert!(error.contains("mix.wav: has vanished"), "{error}");
}

/// Two seconds of noise as MP3 of 44.1 kHz, many times over and without the tag that says how long it is.
fn long_mp3(path: &Path, times: usize) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../files/tests/fixtures/noise.mp3");
    let bytes = std::fs::read(fixture).expect("a fixture");
    let first = bytes.windows(2).position(|pair| pair[0] == 0xff && pair[1] & 0xe0 == 0xe0).expect("a frame");
    // ISO/IEC 11172-3, 2.4.3.1: a frame of layer III has 144 times the bit rate over the sample rate in bytes, and a
    // byte more where its padding bit says so. These are of 32 kbit/s; the first holds the encoder's tag.
    let tag_bytes = 144 * 32_000 / 44_100 + usize::from(bytes[first + 2] >> 1 & 1);
    std::fs::write(path, bytes[first + tag_bytes..].repeat(times)).expect("room on the disk");
}

/// An MP3 of another rate is a reference as what it decodes to is: finds a reference that is read at the wrong rate, not to
/// its end, or not at all.
#[test]
fn an_mp3_is_a_reference_like_its_sound() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let mix = file("mix.wav");
    let sound = Sound { tilt_db: -7.0, ..Sound::default() };
    write(&mix, &sound, &song(&sound));
    long_mp3(&file("noise.mp3"), 5);
    let mut reader = files::open(file("noise.mp3")).expect("an MP3");
    let rate_hz = reader.info().sample_rate_hz;
    let decoded = reader.read_to_end().expect("audio");
    // All frames of all five copies: 2 s each, but for the tag's frame and what a seam costs.
    let seconds = decoded.frames() as f64 / f64::from(rate_hz);
    assert!((rate_hz, decoded.channels()) == (44_100, 1) && (9.9..10.5).contains(&seconds), "{seconds}");
    write(&file("noise.wav"), &Sound { rate_hz, ..Sound::default() }, &[decoded.channel(0).to_vec()]);
    let distance = |reference: &str| {
        let request = MasterRequest {
            references: vec![(file(reference), 1.0)],
            matching: Some(full()),
            take: Some(reference.replace('.', "-")),
            ..MasterRequest::default()
        };
        let matched = mastered(&mix, &request).matched.expect("a match");
        let tone = &matched.aspects[0];
        [tone.before.expect("a distance"), tone.after.expect("a distance")]
    };
    let (mp3, wav) = (distance("noise.mp3"), distance("noise.wav"));
    // 24 bits lie far below anything that a third octave of noise can show.
    for (mp3, wav) in mp3.into_iter().zip(wav) {
        assert!((mp3 - wav).abs() < 0.01, "{mp3} {wav}");
    }
    assert!(mp3[1] < 0.7 * mp3[0], "{mp3:?}");
}
