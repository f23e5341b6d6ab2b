//! What is coded with loss, tagged, listed and packed.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{noise, read, write};
use delivery::{
    Container, Depth, Entry, Job, deliver, find_format, find_target, kept, read_manifest, write_manifest,
    zip_folder,
};
use files::{SampleFormat::Float32, Tags};

/// Loud as music is made: noise driven into a clipper, so that every codec makes new peaks.
fn loud(folder: &Path, seed: u64, rate: u32) -> PathBuf {
    let channel = |seed: u64| -> Vec<f64> {
        let mut low = 0.0;
        noise(seed, 3 * rate as usize)
            .iter()
            .map(|x| {
                low += 0.2 * (x - low);
                (6.0 * low).clamp(-0.88, 0.88)
            })
            .collect()
    };
    // A master that was limited to -1 dBTP.
    let mut channels = [channel(seed), channel(seed + 9)];
    let peak = measure::true_peak_dbtp(&audio::Buffer::from_channels(&channels), 32).unwrap().unwrap();
    let gain = audio::db_to_gain(-1.0 - peak);
    channels.iter_mut().flatten().for_each(|sample| *sample *= gain);
    write(folder, "loud.wav", &channels, Float32, rate)
}

fn built_in() -> Vec<Container> {
    for container in Container::ALL.iter().filter(|c| c.codec().is_some_and(|codec| !codec.is_built_in())) {
        crate::programs::skipped(&format!(
            "{} is not in this build; test with --features mp3,aac",
            container.name()
        ));
    }
    let all =
        Container::ALL.into_iter().filter(|container| container.codec().is_some_and(|c| c.is_built_in()));
    all.collect()
}

// Finds a ceiling that is kept before coding only, and a trim that is not told.
#[test]
fn true_peak_is_kept_after_decoding() {
    let folder = tempfile::tempdir().unwrap();
    let target = find_target("listening").unwrap();
    let mut lowered = 0;
    for container in built_in() {
        for rate in [44_100, 96_000] {
            let source = loud(folder.path(), u64::from(rate), rate);
            let out = folder.path().join(container.id());
            let job = Job { container: Some(container), ..Job::new(&source, target, &out, "Song") };
            let delivered = deliver(&job).unwrap();
            let case = format!("{} from {rate} Hz: {delivered:?}", container.name());
            assert_eq!(delivered.needed_trim_db, 0.0, "{case}");
            assert!((-3.0..=0.0).contains(&delivered.trim_db), "{case}");
            assert!(delivered.facts().true_peak_dbtp.unwrap() <= target.ceiling_dbtp, "{case}");
            assert_eq!(
                delivered.trim_db < 0.0,
                delivered.findings.iter().any(|f| f.id == "coded_lower"),
                "{case}"
            );
            lowered += usize::from(delivered.trim_db < 0.0);
            // The codec's own rates: no codec here has 96 kHz for everybody, and all come near the master's.
            assert!(
                container.codec().unwrap().sample_rates_hz().contains(&delivered.sample_rate_hz),
                "{case}"
            );
            let seconds = delivered.reading.duration_s;
            // A conversion rounds the length up to whole frames.
            assert!((seconds - 3.0).abs() < 1e-4, "{case}");
            independent_peak(&delivered.path, delivered.sample_rate_hz, target.ceiling_dbtp);
        }
    }
    // This sound is made to be lifted by codecs; one that lifts none would prove nothing.
    assert!(lowered > 0);
}

/// What another decoder makes of the file stays under the ceiling as well, at 32 times the rate.
fn independent_peak(path: &Path, rate: u32, ceiling_dbtp: f64) {
    let arguments = ["-v", "error", "-i", path.to_str().unwrap(), "-f", "f32le", "-c:a", "pcm_f32le", "-"];
    let Some(decoded) = crate::programs::independent("ffmpeg", &arguments) else { return };
    let samples: Vec<f64> = decoded
        .stdout
        .chunks_exact(4)
        .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
        .collect();
    assert!(samples.len() > 2 * rate as usize, "{}: ffmpeg hears something", path.display());
    let channels =
        [0, 1].map(|channel| samples.iter().skip(channel).step_by(2).copied().collect::<Vec<f64>>());
    let peak = measure::true_peak_dbtp(&audio::Buffer::from_channels(&channels), 32).unwrap().unwrap();
    // Decoders round differently in the last of 24 bits: 1e-4 dB at this level.
    assert!(peak <= ceiling_dbtp + 1e-3, "{}: {peak} dBTP", path.display());
}

#[test]
fn bit_rates_and_depths_are_held_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = loud(folder.path(), 1, 48_000);
    let target = find_target("listening").unwrap();
    let job = |container: Container| Job {
        container: Some(container),
        ..Job::new(&source, target, folder.path(), "Song")
    };
    let plan = Job { bit_rate_kbps: Some(96), ..job(Container::Opus) }.plan().unwrap();
    assert_eq!((plan.bit_rate_kbps, plan.depth, plan.stored().as_str()), (Some(96), None, "96 kbit/s"));
    // One channel of MP3 has 160 kbit/s as a rule; an audiobook asks for 192, and refuses less.
    let mono = write(folder.path(), "mono.wav", &[noise(1, 44_100)], Float32, 44_100);
    let chapter = Job {
        container: Some(Container::Mp3),
        ..Job::new(&mono, find_target("acx").unwrap(), folder.path(), "C")
    };
    assert_eq!(chapter.plan().unwrap().bit_rate_kbps, Some(192));
    let error = Job { bit_rate_kbps: Some(128), ..chapter }.plan().unwrap_err().to_string();
    assert!(error.contains("192 kbit/s and more"), "{error}");
    let error = Job { depth: Some(Depth::Int16), ..job(Container::Opus) }.plan().unwrap_err().to_string();
    assert!(error.contains("which has no depth"), "{error}");
    let cd = Job {
        container: Some(Container::Opus),
        ..Job::new(&source, find_target("cd").unwrap(), folder.path(), "S")
    };
    assert!(cd.plan().unwrap_err().to_string().contains("it takes WAV, FLAC, AIFF"));
    assert_eq!(find_format("OGG").unwrap(), Container::OggVorbis);
    assert!(find_format("mp5").unwrap_err().to_string().contains("opus"));
    if !files::Codec::Mp3.is_built_in() {
        let error = deliver(&job(Container::Mp3)).unwrap_err().to_string();
        assert!(error.contains("--features mp3"), "{error}");
    }
    let alac = deliver(&job(Container::Alac)).unwrap();
    assert_eq!((alac.depth, alac.path.extension().unwrap().to_str()), (Some(Depth::Int16), Some("m4a")));
}

fn tags() -> Tags {
    let text = |text: &str| Some(text.to_owned());
    Tags { title: text("Füße"), artist: text("Ňovák"), isrc: text("DEA123400001"), ..Tags::default() }
}

// Finds tags that are not in the file that is handed over, a checksum of before they were written, and a sound changed.
#[test]
fn tags_tell_the_loudness_of_the_very_file() {
    let folder = tempfile::tempdir().unwrap();
    let source = loud(folder.path(), 2, 48_000);
    let (target, tags) = (find_target("listening").unwrap(), tags());
    for container in [Container::Wav, Container::Flac, Container::Aiff, Container::Alac, Container::Opus] {
        let out = folder.path().join(container.id());
        let job = |tags| Job { container: Some(container), tags, ..Job::new(&source, target, &out, "Song") };
        let plain = deliver(&job(None)).unwrap();
        let tagged = deliver(&job(Some(&tags))).unwrap();
        assert_ne!(plain.reading.sha256, tagged.reading.sha256);
        assert_eq!(plain.reading.audio_md5, tagged.reading.audio_md5);
        assert_eq!(tagged.reading.audio_md5.is_some(), !tagged.reading.lossy);
        assert_eq!(delivery::read_back(&tagged.path).unwrap().sha256, tagged.reading.sha256);
        let found = files::read_tags(&tagged.path).unwrap();
        assert_eq!((found.title, found.artist), (tags.title.clone(), tags.artist.clone()));
        let told = found.loudness.track_lufs.unwrap() - tagged.facts().integrated_lufs.unwrap();
        // Tags round to a hundredth.
        assert!(told.abs() <= 0.0051, "{}: {told}", container.name());
        if container == Container::Flac {
            // What FLAC keeps in its header: STREAMINFO's last 16 bytes (RFC 9639 section 8.2).
            let bytes = std::fs::read(&tagged.path).unwrap();
            let kept: String = bytes[8 + 18..8 + 34].iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(tagged.reading.audio_md5, Some(kept));
        }
        if container == Container::Wav {
            let bext = files::read_broadcast_loudness(&tagged.path).unwrap().unwrap();
            let told = bext.track_peak_dbtp.unwrap() - tagged.facts().true_peak_dbtp.unwrap();
            assert!(told.abs() <= 0.0051, "{told}");
        }
    }
}

// Finds a file that is made again though it is right, and one that is kept though it is not.
#[test]
fn what_is_there_and_right_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = loud(folder.path(), 3, 48_000);
    let (target, tags, out) = (find_target("listening").unwrap(), tags(), folder.path().join("out"));
    let job = Job {
        container: Some(Container::Opus),
        tags: Some(&tags),
        ..Job::new(&source, target, &out, "Song")
    };
    let go = &mut |_, _| ControlFlow::Continue(());
    assert!(kept(&job, &[], go).unwrap().is_none());
    let made = deliver(&job).unwrap();
    let entries = [Entry::of(&made).unwrap()];
    write_manifest(&out, "listening", &entries).unwrap();
    let known = read_manifest(&out);
    assert_eq!(known, entries);
    let again = kept(&job, &known, go).unwrap().unwrap();
    assert!(again.kept && !made.kept);
    assert_eq!((again.trim_db, again.passes), (made.trim_db, made.passes));
    assert_eq!(again.reading, made.reading);
    assert_eq!(again.findings, made.findings);
    // Another setting, another tag, another master, another byte: all have to be made again.
    let other = Tags { title: Some("Other".into()), ..tags.clone() };
    assert!(kept(&Job { tags: Some(&other), ..job.clone() }, &known, go).unwrap().is_none());
    assert!(kept(&Job { bit_rate_kbps: Some(96), ..job.clone() }, &known, go).unwrap().is_none());
    assert!(kept(&Job { seed: 1, ..job.clone() }, &known, go).unwrap().is_none());
    let mut bytes = std::fs::read(&made.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&made.path, bytes).unwrap();
    assert!(!matches!(kept(&job, &known, go), Ok(Some(_))));
    let made = deliver(&job).unwrap();
    assert_eq!(Entry::of(&made).unwrap(), entries[0], "the same again, to the last byte");
    loud(folder.path(), 4, 48_000);
    assert!(kept(&job, &known, go).unwrap().is_none());
}

// Packed with our program, unpacked and summed with others.
#[test]
#[allow(clippy::print_stdout)]
fn a_folder_is_packed_and_its_sums_are_true() {
    let folder = tempfile::tempdir().unwrap();
    let source = loud(folder.path(), 5, 48_000);
    let out = folder.path().join("out");
    let target = find_target("streaming").unwrap();
    let entries: Vec<Entry> = ["Füße – 雨", "Two"]
        .iter()
        .map(|title| Entry::of(&deliver(&Job::new(&source, target, &out, title)).unwrap()).unwrap())
        .collect();
    write_manifest(&out, "streaming", &entries).unwrap();
    let [one, two] = ["one.zip", "two.zip"].map(|name| folder.path().join(name));
    zip_folder(&out, &one).unwrap();
    zip_folder(&out, &two).unwrap();
    assert!(std::fs::read(&one).unwrap() == std::fs::read(&two).unwrap());
    let script = "import sys,zipfile;z=zipfile.ZipFile(sys.argv[1]);assert z.testzip() is None;\
                  z.extractall(sys.argv[2]);print('\\n'.join(z.namelist()))";
    let unpacked = folder.path().join("unpacked");
    let run = |program: &str, arguments: &[&str], at: &Path| {
        let output =
            Command::new(program).args(arguments).current_dir(at).env("PYTHONIOENCODING", "utf-8").output();
        if output.is_err() {
            crate::programs::skipped(&format!(
                "{program} is not installed; what it would prove is not proved here"
            ));
            assert!(std::env::var_os("TONMEISTER_ALL_PROGRAMS").is_none(), "{program} is required here");
        }
        let output = output.ok()?;
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {said}");
        Some(said.into_owned())
    };
    let arguments = ["-c", script, one.to_str().unwrap(), unpacked.to_str().unwrap()];
    if let Some(said) = run("python3", &arguments, folder.path()) {
        let names: Vec<&str> = said.lines().collect();
        assert_eq!(names, ["Füße – 雨.wav", "SHA256SUMS", "Two.wav", "manifest.json"]);
        run("sha256sum", &["--check", "--strict", "SHA256SUMS"], &unpacked);
        assert_eq!(read(&unpacked.join("Two.wav")), read(&out.join("Two.wav")));
    }
}
