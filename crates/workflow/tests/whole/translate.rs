//! What other loudspeakers make of a master: what is rendered is equally loud and does not clip, and what is told is what
//! mathematics says.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use audio::Buffer;
use files::{FileType, SampleFormat, WriteSpec, Writer};
use workflow::{Context, Quiet, TranslateRequest, TranslatedFile, Translation, translate};

const RATE: u32 = 44_100;
const FRAMES: usize = 8 * RATE as usize;

fn tone(hz: f64, amplitude: f64) -> Vec<f64> {
    (0..FRAMES).map(|n| amplitude * (TAU * hz * n as f64 / f64::from(RATE)).sin()).collect()
}

fn sum(parts: &[&[f64]]) -> Vec<f64> {
    (0..FRAMES).map(|n| parts.iter().map(|part| part[n]).sum()).collect()
}

fn write(folder: &Path, name: &str, channels: &[Vec<f64>]) -> PathBuf {
    let path = folder.join(name);
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float32,
        sample_rate_hz: RATE,
        channels: channels.len(),
    };
    let mut writer = Writer::create(&path, spec).unwrap();
    writer.write_f64(&Buffer::from_channels(channels).as_block()).unwrap();
    writer.finish().unwrap();
    path
}

fn played(path: &Path, request: &TranslateRequest) -> TranslatedFile {
    let cancel = AtomicBool::new(false);
    let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
    let mut done = translate(&[path.to_path_buf()], request, &context).unwrap();
    done.files.remove(0)
}

fn on<'a>(file: &'a TranslatedFile, device: &str) -> &'a Translation {
    file.devices.iter().find(|d| d.device == device).unwrap()
}

// Finds files of unequal loudness, one that clips, a telephone in stereo, and a loss that is another than it is.
#[test]
fn every_device_is_rendered_equally_loud_and_says_what_it_loses() {
    let folder = tempfile::tempdir().unwrap();
    let (bass, middle, side) = (tone(60.0, 0.4), tone(1_000.0, 0.2), tone(3_000.0, 0.1));
    let turned: Vec<f64> = side.iter().map(|s| -s).collect();
    let path =
        write(folder.path(), "song.wav", &[sum(&[&bass, &middle, &side]), sum(&[&bass, &middle, &turned])]);
    let before = std::fs::read(&path).unwrap();
    let file = played(&path, &TranslateRequest::default());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let all = file.devices.iter().map(|d| d.path.as_str()).chain([file.original.as_str()]);
    for path in all {
        let buffer = files::open(path).unwrap().read_to_end().unwrap();
        assert_eq!(buffer.frames(), FRAMES, "{path}");
        let mut meter = ebur128::EbuR128::new(2, RATE, ebur128::Mode::I).unwrap();
        meter.add_frames_planar_f64(&[buffer.channel(0), buffer.channel(1)]).unwrap();
        let lufs = meter.loudness_global().unwrap();
        assert!((lufs - file.matched_lufs.unwrap()).abs() < 0.02, "{path}: {lufs}");
        let peak = measure::true_peak_dbtp(&buffer, 16).unwrap().unwrap();
        assert!(peak < -0.99, "{path}: {peak}");
        let mono = path.contains("-phone") || path.contains("-club");
        assert_eq!(buffer.channel(0) == buffer.channel(1), mono, "{path}");
    }
    // 60 Hz has 0.08 of 0.105, all tones together.
    let share = 0.16 / 0.21;
    for device in &file.devices {
        assert!((device.bass_share[0].unwrap() - share).abs() < 0.01, "{device:?}");
    }
    // Two filters of 12 dB per octave at 300 and 650 Hz: more than 60 dB at 60 Hz.
    assert!(on(&file, "phone").bass_share[1].unwrap() < 1e-4);
    assert!(on(&file, "car").bass_share[1].unwrap() > share);
    // Both tones in the middle stay, that of the sides goes: 10 log (0.21 / 0.20).
    let loss = on(&file, "club").mono_loss_db.unwrap();
    assert!((loss - 10.0 * (0.21f64 / 0.20).log10()).abs() < 0.02, "{loss}");
    assert_eq!(on(&file, "laptop").mono_loss_db, None);
    assert!(on(&file, "phone").lost_lu.unwrap() > 0.0 && on(&file, "car").lead_left == [None, None]);
}

// Finds a lead that is asked of the mix, not of what the device leaves of it.
#[test]
fn a_low_lead_is_lost_where_there_is_no_bass() {
    let folder = tempfile::tempdir().unwrap();
    let (lead, rest) = (tone(120.0, 0.3), tone(2_000.0, 0.1));
    let mix = sum(&[&lead, &rest]);
    let path = write(folder.path(), "song.wav", &[mix.clone(), mix]);
    let lead = write(folder.path(), "lead.wav", &[lead.clone(), lead]);
    let request = TranslateRequest { lead: Some(lead), dry_run: true, ..TranslateRequest::default() };
    let file = played(&path, &request);
    let [before, phone] = on(&file, "phone").lead_left.map(Option::unwrap);
    let club = on(&file, "club").lead_left[1].unwrap();
    assert!(before > 0.8 && club > 0.8, "{before} {club}");
    assert!(phone < before - 0.1, "{phone} after {before}");
    assert!(!folder.path().join("out").exists(), "a dry run writes nothing");
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "song.wav", &[tone(500.0, 0.3)]);
    let short = write(folder.path(), "short.wav", &[tone(500.0, 0.3)[..RATE as usize].to_vec()]);
    let silent = write(folder.path(), "silent.wav", &[vec![0.0; FRAMES]]);
    let cancel = AtomicBool::new(false);
    let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
    let refused = |path: &Path, lead: Option<PathBuf>| {
        let request = TranslateRequest { lead, ..TranslateRequest::default() };
        translate(&[path.to_path_buf()], &request, &context).unwrap_err().to_string()
    };
    assert!(refused(&path, Some(short)).contains("as long as the file it is in"));
    assert!(refused(&silent, None).contains("-70 LUFS"));
}

// Finds a song whose lead is not told, faders that are not counted, and a song without anything rendered.
#[test]
fn the_lead_of_a_song_is_told_by_its_tracks() {
    let folder = tempfile::tempdir().unwrap();
    let (lead, rest) = (tone(120.0, 0.3), tone(2_000.0, 0.1));
    write(folder.path(), "vox.wav", std::slice::from_ref(&lead));
    write(folder.path(), "pad.wav", std::slice::from_ref(&rest));
    let session = |fader_db: f64| {
        format!(
            "version = 1\n\n[track.vox]\nfile = \"vox.wav\"\nrole = \"lead_vocal\"\nfader_db = {fader_db:?}\n\n[track.pad]\nfile \
             = \"pad.wav\"\nrole = \"pad\"\n"
        )
    };
    std::fs::write(folder.path().join("session.toml"), session(0.0)).unwrap();
    let cancel = AtomicBool::new(false);
    let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
    let request = TranslateRequest { dry_run: true, ..TranslateRequest::default() };
    let none = translate(&[folder.path().to_path_buf()], &request, &context).unwrap_err().to_string();
    assert!(none.contains("tonmeister produce"), "{none}");
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let mix = sum(&[&lead, &rest]);
    write(&out, "premaster.wav", &[mix.clone(), mix]);
    let song = played(folder.path(), &request);
    assert!(song.path.ends_with("premaster.wav"), "{}", song.path);
    let [before, phone] = on(&song, "phone").lead_left.map(Option::unwrap);
    assert!(before > 0.8 && phone < before - 0.05, "{before} {phone}");
    // As from files of the same sounds; there the mono tracks stand on both sides, and so does what is told here.
    let file = folder.path().join("lead.wav");
    std::fs::rename(write(folder.path(), "l.wav", &[lead.clone(), lead]), &file).unwrap();
    let with_file = TranslateRequest { lead: Some(file), ..request.clone() };
    let asked = played(&out.join("premaster.wav"), &with_file);
    for device in ["phone", "car", "club"] {
        let [a, b] = [&song, &asked].map(|told| on(told, device).lead_left[1].unwrap());
        // Curves are read once for each auditory band, and the pan law has its part in the level of both.
        assert!((a - b).abs() < 0.06, "{device}: {a} from tracks, {b} from files");
    }
    std::fs::write(folder.path().join("session.toml"), session(-24.0)).unwrap();
    let lower = on(&played(folder.path(), &request), "phone").lead_left.map(Option::unwrap);
    assert!(lower[0] < before && lower[1] < phone, "{lower:?}");
    assert!(!out.join("translation").exists(), "a dry run writes nothing");
}
