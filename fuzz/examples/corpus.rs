//! Writes the seeds of every fuzz target into `corpus/TARGET`: files of our own writers, the fixtures of the reader's
//! tests, and the sessions of the documents.

use std::fs;
use std::path::{Path, PathBuf};

// Built with the coverage of the targets, it needs what counts that.
#[cfg(fuzzing)]
use libfuzzer_sys as _;

use audio::Buffer;
use files::{FileType, Loudness, SampleFormat, Tags, WriteSpec, Writer, write_tags};

/// A seed is at most this long.
const MOST_BYTES: usize = 4_096;

/// Extensions of the fixtures, and who reads them.
const TARGETS: [(&str, &str); 26] = [
    ("mp3", "mpeg"), ("mp2", "mpeg"), ("aac", "adts"), ("ogg", "ogg"), ("oga", "ogg"), ("opus", "ogg"),
    ("ogg", "ogg_pages"), ("oga", "ogg_pages"), ("opus", "opus"), ("m4a", "mp4"), ("mp4", "mp4"), ("mov", "mp4"),
    ("3gp", "mp4"), ("caf", "caf"), ("flac", "flac"), ("wav", "wav"), ("w64", "w64"), ("au", "au"), ("aiff", "aiff"),
    ("aifc", "aiff"), ("mka", "matroska"), ("webm", "matroska"), ("mkv", "matroska"), ("rf64", "wav"), ("bw64", "wav"),
    ("bwf", "wav"),
];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = root.join("corpus");
    written(&corpus);
    let fixtures = root.join("../crates/files/tests/fixtures");
    for file in files_of(&fixtures) {
        let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        let whole = fs::read(&file).expect("a fixture");
        // The beginning of a file is a file that was cut off; what is short is quick.
        let start = &whole[..whole.len().min(MOST_BYTES)];
        for (_, target) in TARGETS.iter().filter(|(e, _)| *e == extension) {
            put(&corpus, target, start);
        }
    }
    sessions(root, &corpus);
    tagged(&corpus);
    records(&corpus);
    put(&corpus, "rows", b"[[service]]\nname = \"Spotify\"\nreference_lufs = -16\nmark = \"sure\"\n\n[[service]]\nname = \"Radio\"\nreference_lufs = -20.5\nturns_up = { within = { ceiling_dbtp = -1 } }\nnote = \"ours\"\nsource = \"a letter\"\nas_of = \"2026-11\"\n");
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
        let audio = TARGETS.iter().any(|(_, reads)| *reads == target);
        if folder == "any" && (!audio || bytes.len() > 2_000) {
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
        put(corpus, "album", example.as_bytes());
        put(corpus, "session", format!("version = 1\n{example}\n").as_bytes());
        let settings = "track.kick.fader_db=-2.5 dB\ntrack.kick.mute=on\nsong.title=A song\ndeliver.targets=cd, streaming\ntrack.kick.fader_db=";
        put(corpus, "edit", format!("version = 1\n{example}\n====\n{settings}").as_bytes());
        put(corpus, "session_merge", format!("version = 1\n{example}\n====\nversion = 1\n{example}\n").as_bytes());
    }
}

/// What a field recorder writes beside the sound: `bext` of version 2, then `iXML`.
fn records(corpus: &Path) {
    let mut bext = b"A take in the yard".to_vec();
    bext.resize(256, 0);
    bext.extend(b"A recorder");
    bext.resize(602, 0);
    bext[338..346].copy_from_slice(&172_800_000u64.to_le_bytes());
    let ixml = br#"<?xml version="1.0" encoding="UTF-8"?><BWFXML><IXML_VERSION>1.61</IXML_VERSION><NOTE>A &amp; B</NOTE><SPEED><TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>0</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI><TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>172800000</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO></SPEED><TRACK_LIST><TRACK_COUNT>2</TRACK_COUNT><TRACK><CHANNEL_INDEX>1</CHANNEL_INDEX><NAME>Boom</NAME></TRACK><TRACK><CHANNEL_INDEX>2</CHANNEL_INDEX><NAME>Lav &lt;2&gt;</NAME></TRACK></TRACK_LIST></BWFXML>"#;
    put(corpus, "broadcast", &bext);
    put(corpus, "broadcast", &[bext, ixml.to_vec()].concat());
}

/// A short file of every kind that is tagged, with tags.
fn tagged(corpus: &Path) {
    let text = |text: &str| Some(text.to_owned());
    let tags = Tags {
        title: text("Rye and Rain"),
        artist: text("The Example"),
        track: Some(3),
        tracks: Some(9),
        isrc: text("DEA123400001"),
        date: text("2026-11-21"),
        comment: text("made by hand"),
        loudness: Loudness { track_lufs: Some(-14.0), track_peak_dbtp: Some(-1.0), ..Loudness::default() },
        ..Tags::default()
    };
    let kinds = [(FileType::Wav, "wav"), (FileType::Aiff, "aiff"), (FileType::Flac, "flac"), (FileType::Alac, "m4a")];
    for (place, (file_type, extension)) in kinds.into_iter().enumerate() {
        let path = corpus.with_file_name(format!("corpus-file.{extension}"));
        let spec = WriteSpec { file_type, sample_format: SampleFormat::Int16, sample_rate_hz: 48_000, channels: 1 };
        let mut writer = Writer::create(&path, spec).expect("a file");
        writer.write_f64(&Buffer::new(1, 100).as_block()).expect("space");
        writer.finish().expect("a whole file");
        write_tags(&path, &tags).expect("tags");
        // The extensions of the target, in its order.
        let choice = [0, 1, 2, 4][place];
        put(corpus, "tags", &[&[choice], fs::read(&path).expect("what was written").as_slice()].concat());
        let _ = fs::remove_file(path);
    }
}
