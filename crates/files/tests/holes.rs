//! Damage inside compressed files: what is outside the damage is heard at its own time, what is inside is silent
//! and told. Every format is damaged in every way at many places and compared with the undamaged file.

use std::fs;
use std::path::{Path, PathBuf};

use audio::Buffer;
use files::{FileType, Info, Note, SampleFormat, WriteSpec, Writer, open};

/// What is done to a file at a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    FlipBit,
    Zero40,
    Ones40,
    Random300,
    Delete30,
    Insert50,
    Repeat100,
}

const DAMAGES: [Damage; 7] = [
    Damage::FlipBit,
    Damage::Zero40,
    Damage::Ones40,
    Damage::Random300,
    Damage::Delete30,
    Damage::Insert50,
    Damage::Repeat100,
];

impl Damage {
    /// The file with bytes damaged at `at`.
    fn done_to(self, bytes: &[u8], at: usize) -> Vec<u8> {
        let mut all = bytes.to_vec();
        let end = |length: usize| (at + length).min(bytes.len());
        match self {
            Damage::FlipBit => all[at] ^= 0x10,
            Damage::Zero40 => all[at..end(40)].fill(0),
            Damage::Ones40 => all[at..end(40)].fill(0xff),
            Damage::Random300 => {
                let mut state = 7u32;
                for byte in &mut all[at..end(300)] {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *byte = (state >> 24) as u8;
                }
            }
            Damage::Delete30 => drop(all.drain(at..end(30))),
            Damage::Insert50 => drop(all.splice(at..at, (0..50).map(|n| n * 5))),
            Damage::Repeat100 => drop(all.splice(at..at, bytes[at..end(100)].to_vec())),
        }
        all
    }
}

/// A format, and how much around the damage may be lost.
struct Case {
    name: &'static str,
    /// Bytes in front that say what the file is; they are not damaged here.
    header_bytes: usize,
    /// Bytes at the end that are not damaged.
    tail_bytes: usize,
    /// Frames that one damaged place may cost at most.
    most_lost: usize,
    /// Whether a checksum finds every damage: what is not silent is exact.
    checked: bool,
    /// Whether a place where bytes are missing or added still leaves the rest on its frame.
    keeps_time_when_bytes_move: bool,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Noise at half of full scale that falls to a tenth now and then, so that block lengths in bytes vary.
fn flac(folder: &Path) -> Vec<u8> {
    let path = folder.join("noise.flac");
    let mut state = 12_345u64;
    let mut sound = Buffer::new(1, 88_200);
    for (n, sample) in sound.channel_mut(0).iter_mut().enumerate() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let loud = if n / 9000 % 3 == 1 { 0.05 } else { 0.5 };
        *sample = (f64::from((state >> 48) as i16) * loud).round() / 32_768.0;
    }
    let spec = WriteSpec {
        file_type: FileType::Flac,
        sample_format: SampleFormat::Int16,
        sample_rate_hz: 44_100,
        channels: 1,
    };
    let mut writer = Writer::create(&path, spec).unwrap();
    writer.write_f64(&sound.as_block()).unwrap();
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

fn read(path: &Path) -> Result<(Info, Buffer), files::FileError> {
    let mut reader = open(path)?;
    let sound = reader.read_to_end()?;
    Ok((reader.info().clone(), sound))
}

#[test]
fn table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    let cases = ["noise.flac","impulse-flac.oga","noise.mp3","noise-vbr-checked.mp3","noise-adts.aac","noise.m4a","noise.ogg","impulse-alac.caf","impulse-alac24.m4a"];
    for name in cases {
        let whole = if name == "noise.flac" { flac(folder.path()) } else { fs::read(fixture(name)).unwrap() };
        fs::write(&path, &whole).unwrap();
        let (_, sound) = read(&path).unwrap();
        for damage in DAMAGES {
            let (mut refused, mut short, mut most, mut silent, mut outside, mut told) = (0, 0, 0, 0, 0, 0);
            let mut tried = 0;
            for n in 0..24 {
                let at = whole.len() * (20 + n * 3 ) / 100 + n;
                if at >= whole.len() { continue }
                tried += 1;
                fs::write(&path, damage.done_to(&whole, at)).unwrap();
                let Ok((info, broken)) = read(&path) else { refused += 1; continue };
                if info.frames != sound.frames() { short += 1 }
                let frames = info.frames.min(sound.frames());
                let differs: Vec<usize> = (0..frames).filter(|n| broken.channel(0)[*n] != sound.channel(0)[*n]).collect();
                if differs.is_empty() { continue }
                let span = differs[differs.len()-1] - differs[0] + 1;
                most = most.max(span);
                let loud = differs.iter().filter(|n| broken.channel(0)[**n] != 0.0).count();
                silent += usize::from(loud == 0);
                outside = outside.max(loud);
                told += usize::from(info.notes.iter().any(|n| matches!(n, Note::Holes { .. })));
            }
            eprintln!("{name:24} {damage:?}: of {tried}: refused {refused}, other length {short}, longest span {most}, most loud {outside}, all silent {silent}, told {told}");
        }
    }
}
