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

/// A format, where its sound lies, and how much around the damage may be lost.
struct Case {
    name: &'static str,
    /// The part of the file that is damaged: from headers to the end of the sound, as parts of its length.
    from: f64,
    to: f64,
    /// Frames that one damaged place may cost at most.
    most_lost: usize,
    /// Differences up to this are none: what a decoder's filters remember dies away slowly.
    tolerance: f64,
    /// Whether checksums find every damage, so that nothing but silence differs.
    checked: bool,
    /// What the format cannot survive in its place, because nothing in it says what time it is.
    hopeless: &'static [Damage],
}

/// Bytes that are missing or too many move what the index of the file points to: such files are refused.
const INDEXED: &[Damage] = &[Damage::Delete30, Damage::Insert50, Damage::Repeat100];
/// A hundred bytes twice are a whole packet twice, and no one can know which of them is the one.
const COUNTED: &[Damage] = &[Damage::Repeat100];

const CASES: [Case; 9] = [
    // Two blocks of 4096: the end of a block is known by the header of the next one.
    Case {
        name: "noise.flac",
        from: 0.06,
        to: 0.97,
        most_lost: 8192,
        tolerance: 0.0,
        checked: true,
        hopeless: &[],
    },
    // Two pages of three blocks of 1024.
    Case {
        name: "noise-flac.oga",
        from: 0.02,
        to: 0.95,
        most_lost: 6144,
        tolerance: 0.0,
        checked: true,
        hopeless: &[],
    },
    // Two pages of nine blocks of 1024, and the block behind them. The headers are the first fifth; behind a lost
    // page before the last one, the start of the last one is not known.
    Case {
        name: "noise.ogg",
        from: 0.22,
        to: 0.8,
        most_lost: 2 * 9216 + 1024,
        tolerance: 0.0,
        checked: true,
        hopeless: &[],
    },
    // Two pages of ten packets of 960, and 80 ms in which the decoder converges (RFC 7845 section 4.6): what is left of
    // noise at half of full scale is an eighth of it then, and half as much with each packet, as the energy of bands
    // is predicted from the packet before (RFC 6716 section 4.3.2.1).
    Case {
        name: "noise.opus",
        from: 0.04,
        to: 0.78,
        most_lost: 2 * 9600 + 3840 + 960,
        tolerance: 0.2,
        checked: true,
        hopeless: &[],
    },
    // Frames of 1152 in 104 bytes, of which six share their bytes; 300 bytes touch four; and the one behind.
    Case {
        name: "noise.mp3",
        from: 0.04,
        to: 0.97,
        most_lost: 11 * 1152,
        tolerance: 0.0,
        checked: false,
        hopeless: &[],
    },
    // Frames of 576 in 52 bytes and more; 300 bytes touch seven; and two behind, as the filter bank remembers.
    Case {
        name: "noise-vbr-checked.mp3",
        from: 0.06,
        to: 0.97,
        most_lost: 9 * 576,
        tolerance: 0.0,
        checked: false,
        hopeless: COUNTED,
    },
    // Packets of 1024 in 70 bytes and more; 300 bytes touch five; and the one behind.
    Case {
        name: "noise-adts.aac",
        from: 0.05,
        to: 0.97,
        most_lost: 6 * 1024,
        tolerance: 0.0,
        checked: false,
        hopeless: COUNTED,
    },
    Case {
        name: "noise-plain.m4a",
        from: 0.02,
        to: 0.85,
        most_lost: 6 * 1024,
        tolerance: 0.0,
        checked: false,
        hopeless: INDEXED,
    },
    // One packet of 4096, two where the damage lies across.
    Case {
        name: "impulse-alac.caf",
        from: 0.2,
        to: 0.9,
        most_lost: 8192,
        tolerance: 0.0,
        checked: false,
        hopeless: INDEXED,
    },
];

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

impl Case {
    fn bytes(&self, folder: &Path) -> Vec<u8> {
        if self.name == "noise.flac" { flac(folder) } else { fs::read(fixture(self.name)).unwrap() }
    }

    /// Calls `look` with the damage, its byte and the path of the damaged file, for every damage at many places.
    fn each(&self, folder: &Path, places: usize, mut look: impl FnMut(Damage, usize, &Path)) {
        let whole = self.bytes(folder);
        let path = folder.join("damaged");
        for damage in DAMAGES.into_iter().filter(|d| !self.hopeless.contains(d)) {
            for n in 0..places {
                let part = self.from + (self.to - self.from) * n as f64 / places as f64;
                let at = (whole.len() as f64 * part) as usize + n % 7;
                fs::write(&path, damage.done_to(&whole, at)).unwrap();
                look(damage, at, &path);
            }
        }
    }
}

// Finds a rest of the track that comes early or late, damage that is heard though a checksum tells it, sound that
// is thrown away, and holes that are not told or told wrongly.
#[test]
fn what_is_outside_the_damage_stands_on_its_frame() {
    let folder = tempfile::tempdir().unwrap();
    for case in &CASES {
        let undamaged = folder.path().join("undamaged");
        fs::write(&undamaged, case.bytes(folder.path())).unwrap();
        let (_, sound) = read(&undamaged).unwrap();
        case.each(folder.path(), 11, |damage, at, path| {
            let what = format!("{} {damage:?} at byte {at}", case.name);
            let (info, broken) = read(path).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(info.frames, sound.frames(), "{what}: {:?}", info.notes);
            let (was, is) = (sound.channel(0), broken.channel(0));
            let differs: Vec<usize> =
                (0..was.len()).filter(|n| (was[*n] - is[*n]).abs() > case.tolerance).collect();
            let (Some(first), Some(last)) = (differs.first(), differs.last()) else { return };
            assert!(last - first < case.most_lost, "{what}: {first} to {last}: {:?}", info.notes);
            let heard = differs.iter().filter(|n| is[**n] != 0.0).count();
            assert!(!case.checked || heard == 0, "{what}: {heard} frames of damage are heard");
            let told: Vec<_> = info
                .notes
                .iter()
                .filter_map(|n| match n {
                    Note::Holes { places } => Some(places.clone()),
                    _ => None,
                })
                .collect();
            // Without a checksum a damaged packet may decode to anything, silence among it.
            let inside = |n: usize| {
                let mut places = told.iter().flat_map(|p| &p.first);
                places.any(|p| (p.frame..p.frame + p.frames as usize).contains(&n))
            };
            let untold = differs.iter().find(|n| case.checked && !inside(**n));
            assert_eq!(untold, None, "{what}: silent, but not told: {told:?}");
            for place in told.iter().flat_map(|p| &p.first) {
                let hole = &is[place.frame..place.frame + place.frames as usize];
                assert!(hole.iter().all(|s| *s == 0.0), "{what}: {place:?} is not silent");
            }
        });
    }
}

// A render may begin anywhere, and must be the same as one from the beginning.
#[test]
fn a_seek_in_a_damaged_file_gives_what_is_read_from_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    for case in &CASES {
        case.each(folder.path(), 2, |damage, at, path| {
            let (info, sound) = read(path).unwrap();
            let mut reader = open(path).unwrap();
            for n in [37usize, 5, 61, 90, 22, 74] {
                let place = info.frames * n / 100;
                let frames = 700.min(info.frames - place);
                reader.seek(place).unwrap();
                let mut block = Buffer::new(info.channels, frames);
                reader.read(&mut block.as_block_mut()).unwrap();
                let differs = (0..frames).find(|n| block.channel(0)[*n] != sound.channel(0)[place + n]);
                assert_eq!(differs, None, "{} {damage:?} at byte {at}, seek to {place}", case.name);
            }
        });
    }
}

#[test]
fn holes_do_not_depend_on_how_a_file_is_cut_into_blocks() {
    let folder = tempfile::tempdir().unwrap();
    for case in &CASES {
        case.each(folder.path(), 2, |damage, at, path| {
            let (whole, _) = read(path).unwrap();
            let mut reader = open(path).unwrap();
            let mut block = Buffer::new(whole.channels, 997);
            while reader.read(&mut block.as_block_mut()).unwrap() > 0 {}
            assert_eq!(reader.info().notes, whole.notes, "{} {damage:?} at byte {at}", case.name);
        });
    }
}
