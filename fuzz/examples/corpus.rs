//! Writes the seeds of every fuzz target into `corpus/TARGET`: files of our own writers, the fixtures of the reader's
//! tests, and the sessions of the documents.

use std::fs;
use std::path::{Path, PathBuf};

use audio::Buffer;
use files::{FileType, SampleFormat, WriteSpec, Writer};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = root.join("corpus");
    written(&corpus);
    let fixtures = root.join("../crates/files/tests/fixtures");
    let targets = [
        ("mp3", "mpeg"), ("aac", "adts"), ("ogg", "ogg"), ("oga", "ogg"), ("opus", "ogg"), ("m4a", "mp4"),
        ("caf", "caf"), ("flac", "flac"),
    ];
    for file in files_of(&fixtures) {
        let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        for (_, target) in targets.iter().filter(|(e, _)| *e == extension) {
            put(&corpus, target, &fs::read(&file).expect("a fixture"));
        }
    }
    sessions(root, &corpus);
    put(&corpus, "decisions", br#"[{"step":"preparation","change":{"change":"set","path":"track.kick.role","value":"kick"},"why":"name","note":"","evidence":[],"confidence":1.0,"unless":""}]"#);
    for kind in dsp::KINDS {
        let settings: Vec<String> = kind.params.iter().map(|p| format!("{} = {}", p.id, p.default)).collect();
        put(&corpus, "settings", format!("{}\n{}", kind.id, settings.join("; ")).as_bytes());
    }
    put(&corpus, "settings", b"eq\noutput_db = -1; bands.0.type = low_shelf; bands.0.gain_db = 3");
    put(&corpus, "track_name", b"01 Kick In\n02 Kick Out\nSnare Top\nOH L\nOH R\nBass DI\nGtr_L\nGtr_R\nLead Vox\nBGV 1\nRoom\nMix\n808\nclick");
    put(&corpus, "file_name", b"bytes:audio/caf%E9.wav");
    put(&corpus, "file_name", b"caf\xe9.wav");
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).expect("the folder").flatten().map(|e| e.path()).collect();
    all.sort();
    all
}

/// A seed is called by its content.
fn put(corpus: &Path, target: &str, bytes: &[u8]) {
    for folder in [target, "any"] {
        let audio = ["wav", "aiff", "flac", "mpeg", "adts", "ogg", "mp4", "caf"].contains(&target);
        if folder == "any" && (!audio || bytes.len() > 6000) {
            continue;
        }
        let folder = corpus.join(folder);
        fs::create_dir_all(&folder).expect("the corpus folder");
        let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
        let seed = if folder.ends_with("any") { [&[0], bytes].concat() } else { bytes.to_vec() };
        fs::write(folder.join(format!("{sum:016x}")), seed).expect("space for a seed");
    }
}

/// Everything our writers make, a few frames of it.
fn written(corpus: &Path) {
    let path = corpus.with_file_name("corpus-file");
    let formats = [
        SampleFormat::Int8, SampleFormat::Int16, SampleFormat::Int24, SampleFormat::Int32, SampleFormat::Float32,
        SampleFormat::Float64,
    ];
    for (file_type, target) in [(FileType::Wav, "wav"), (FileType::Aiff, "aiff"), (FileType::Flac, "flac")] {
        for sample_format in formats {
            for (channels, frames) in [(1, 40), (2, 300), (6, 20)] {
                let spec = WriteSpec { file_type, sample_format, sample_rate_hz: 48_000, channels };
                let Ok(mut writer) = Writer::create(&path, spec) else { continue };
                let mut sound = Buffer::new(channels, frames);
                for c in 0..channels {
                    for (n, sample) in sound.channel_mut(c).iter_mut().enumerate() {
                        *sample = ((n * (c + 3)) as f64 * 0.05).sin() * 0.5;
                    }
                }
                writer.write_f64(&sound.as_block()).expect("space");
                if writer.finish().is_ok() {
                    put(corpus, target, &fs::read(&path).expect("what was written"));
                }
            }
        }
    }
    let _ = fs::remove_file(path);
}

/// The TOML examples of the documents.
fn sessions(root: &Path, corpus: &Path) {
    let mut folders = vec![root.join("../docs"), root.join("..")];
    let mut all = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in files_of(&folder) {
            if path.is_dir() && folder.ends_with("docs") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                let text = fs::read_to_string(&path).expect("a document");
                all.extend(text.split("```toml\n").skip(1).filter_map(|t| Some(t.split_once("\n```")?.0.to_owned())));
            }
        }
    }
    for example in &all {
        put(corpus, "session", format!("version = 1\n{example}\n").as_bytes());
        put(corpus, "session_merge", format!("version = 1\n{example}\n====\nversion = 1\n{example}\n").as_bytes());
    }
}
