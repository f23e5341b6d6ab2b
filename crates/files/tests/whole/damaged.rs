//! Files as they come: crashed recorders, cut copies, hostile headers. What is there is read and told; what is
//! not audio is refused with a reason.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use audio::Buffer;
use files::{
    Encoding, FileError, FileType, Format, Info, Note, Places, SampleFormat, WriteSpec, Writer, open,
};
use proptest::prelude::*;

/// A 16-bit WAV, chunk by chunk.
struct Wav {
    id: &'static [u8; 4],
    chunks: Vec<u8>,
}

impl Wav {
    fn new() -> Wav {
        Wav { id: b"RIFF", chunks: Vec::new() }
    }

    fn chunk(self, id: &[u8; 4], content: &[u8]) -> Wav {
        self.sized(id, content.len() as u32, content)
    }

    /// A chunk whose header states `size`, whatever it holds.
    fn sized(mut self, id: &[u8; 4], size: u32, content: &[u8]) -> Wav {
        self.chunks.extend(id);
        self.chunks.extend(size.to_le_bytes());
        self.chunks.extend(content);
        if content.len() % 2 == 1 {
            self.chunks.push(0);
        }
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Wav {
        self.chunks.extend(bytes);
        self
    }

    /// A plain format chunk.
    fn format(self, tag: u16, channels: u16, rate_hz: u32, block_align: u16, bits: u16) -> Wav {
        let mut content = Vec::new();
        content.extend(tag.to_le_bytes());
        content.extend(channels.to_le_bytes());
        content.extend(rate_hz.to_le_bytes());
        content.extend(rate_hz.wrapping_mul(block_align.into()).to_le_bytes());
        content.extend(block_align.to_le_bytes());
        content.extend(bits.to_le_bytes());
        self.chunk(b"fmt ", &content)
    }

    fn mono16(self) -> Wav {
        self.format(1, 1, 48_000, 2, 16)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut all = self.id.to_vec();
        all.extend((self.chunks.len() as u32 + 4).to_le_bytes());
        all.extend(b"WAVE");
        all.extend(&self.chunks);
        all
    }

    fn read(&self) -> Result<(Info, Buffer), FileError> {
        read(&self.bytes())
    }
}

/// Reads `bytes` as a file.
fn read(bytes: &[u8]) -> Result<(Info, Buffer), FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.wav");
    fs::write(&path, bytes).unwrap();
    read_file(&path)
}

fn read_file(path: &Path) -> Result<(Info, Buffer), FileError> {
    let mut reader = open(path)?;
    let sound = reader.read_to_end()?;
    Ok((reader.info().clone(), sound))
}

fn ramp(frames: usize) -> Vec<u8> {
    (0..frames).flat_map(|n| (n as i16).to_le_bytes()).collect()
}

/// The ramp came through whole, with these notes.
fn assert_ramp(wav: &Wav, frames: usize, notes: &[Note]) {
    let (info, sound) = wav.read().unwrap();
    let expected: Vec<f64> = (0..frames).map(|n| n as f64 / 32_768.0).collect();
    assert_eq!(sound.channel(0), expected);
    assert_eq!((info.frames, &info.notes[..]), (frames, notes));
}

#[test]
fn sizes_that_are_not_true_do_not_matter() {
    let data = ramp(100);
    let unset = [Note::LengthUnset { found_frames: 100 }];
    assert_ramp(&Wav::new().mono16().chunk(b"data", &data), 100, &[]);
    assert_ramp(&Wav::new().mono16().sized(b"data", 0, &data), 100, &unset);
    assert_ramp(&Wav::new().mono16().sized(b"data", u32::MAX, &data), 100, &unset);
    let truncated = [Note::Truncated { stated_frames: 500_000_000, found_frames: 100 }];
    assert_ramp(&Wav::new().mono16().sized(b"data", 1_000_000_000, &data), 100, &truncated);
    // Half a frame at the end is not a frame.
    let truncated = [Note::Truncated { stated_frames: 100, found_frames: 99 }];
    assert_ramp(&Wav::new().mono16().raw(b"data\xc8\0\0\0").raw(&data[..199]), 99, &truncated);
}

#[test]
fn chunks_come_in_any_order_with_anything_between() {
    let data = ramp(100);
    assert_ramp(
        &Wav::new().chunk(b"JUNK", &[1; 29]).mono16().chunk(b"LIST", b"INFO").chunk(b"data", &data),
        100,
        &[],
    );
    assert_ramp(&Wav::new().chunk(b"data", &data).mono16(), 100, &[]);
    assert_ramp(&Wav::new().mono16().chunk(b"data", &data).chunk(b"LIST", b"INFO"), 100, &[]);
    // The padding after an odd chunk is missing.
    assert_ramp(&Wav::new().mono16().raw(b"note\x03\0\0\0abc").chunk(b"data", &data), 100, &[]);
    let junk = [Note::JunkSkipped { bytes: 6 }];
    assert_ramp(&Wav::new().mono16().raw(&[0, 1, 2, 3, 4, 5]).chunk(b"data", &data), 100, &junk);
    let mut many = Wav::new().mono16();
    for _ in 0..20_000 {
        many = many.chunk(b"junk", &[]);
    }
    assert_ramp(&many.chunk(b"data", &data), 100, &[]);
}

#[test]
fn every_sample_layout_is_read() {
    let one = |wav: Wav| {
        let (info, sound) = wav.read().unwrap();
        (info.encoding, sound.channel(0).to_vec())
    };
    let integer = |bits| Encoding::Integer { bits };
    let mono = |tag, bytes: u16, bits| Wav::new().format(tag, 1, 48_000, bytes, bits);
    assert_eq!(one(mono(1, 1, 8).chunk(b"data", &[0, 192])), (integer(8), vec![-1.0, 0.5]));
    assert_eq!(one(mono(1, 2, 12).chunk(b"data", &[0, 0x40, 0, 0x80])), (integer(12), vec![0.5, -1.0]));
    assert_eq!(one(mono(1, 3, 24).chunk(b"data", &[0, 0, 0x40, 0])), (integer(24), vec![0.5]));
    // 24 bits in 32, left-justified.
    assert_eq!(one(mono(1, 4, 24).chunk(b"data", &[0, 0, 0, 0x40])), (integer(24), vec![0.5]));
    assert_eq!(one(mono(1, 4, 32).chunk(b"data", &[0, 0, 0, 0xc0])), (integer(32), vec![-0.5]));
    let float = |bits| Encoding::Float { bits };
    assert_eq!(one(mono(3, 4, 32).chunk(b"data", &1.5f32.to_le_bytes())), (float(32), vec![1.5]));
    assert_eq!(one(mono(3, 8, 64).chunk(b"data", &(-0.1f64).to_le_bytes())), (float(64), vec![-0.1]));
    assert_eq!(one(mono(6, 1, 8).chunk(b"data", &[0xaa])).1, [4032.0 / 4096.0]);
    assert_eq!(one(mono(7, 1, 8).chunk(b"data", &[0x80])).1, [8031.0 / 8192.0]);
}

#[test]
fn extensible_and_big_endian_files_are_read() {
    let mut content = Vec::new();
    for field in [0xfffeu16, 2, 0xbb80, 0, 0, 0, 6, 24, 22, 20, 3, 0, 1] {
        content.extend(field.to_le_bytes());
    }
    content.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    let (info, sound) =
        Wav::new().chunk(b"fmt ", &content).chunk(b"data", &[0, 0, 0x40, 0, 0, 0xc0]).read().unwrap();
    assert_eq!((info.encoding, info.channels), (Encoding::Integer { bits: 20 }, 2));
    assert_eq!((sound.channel(0), sound.channel(1)), (&[0.5][..], &[-0.5][..]));

    let mut rifx =
        b"RIFX\0\0\0\x28WAVEfmt \0\0\0\x10\0\x01\0\x01\0\0\xbb\x80\0\x01\x77\0\0\x02\0\x10".to_vec();
    rifx.extend(b"data\0\0\0\x04\x40\0\xc0\0");
    let (info, sound) = read(&rifx).unwrap();
    assert_eq!((info.format, info.sample_rate_hz, info.notes), (Format::Rifx, 48_000, vec![]));
    assert_eq!(sound.channel(0), [0.5, -0.5]);
}

#[test]
fn long_files_trust_ds64_and_the_length_of_the_file() {
    let data = ramp(100);
    let ds64 = |bytes: u64| {
        let sizes = [[0; 8], bytes.to_le_bytes(), [0; 8]].concat();
        [sizes, vec![0; 4]].concat()
    };
    for (stated, notes) in [
        (200, vec![]),
        (0, vec![Note::LengthUnset { found_frames: 100 }]),
        (u64::MAX, vec![Note::Truncated { stated_frames: u64::MAX / 2, found_frames: 100 }]),
    ] {
        let mut wav = Wav::new().chunk(b"ds64", &ds64(stated)).mono16().sized(b"data", u32::MAX, &data);
        wav.id = b"RF64";
        assert_ramp(&wav, 100, &notes);
        wav.id = b"BW64";
        assert_eq!(wav.read().unwrap().0.format, Format::Bw64);
    }
}

// A sparse file: five GiB long, a few kilobytes on the disk.
#[test]
fn the_end_of_a_file_past_four_gib_is_reached() {
    const DATA: u64 = 5 << 30;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    let wrapped = Wav::new().mono16().sized(b"data", (DATA & 0xffff_ffff) as u32, &[]);
    let mut sizes = [[0; 8], DATA.to_le_bytes(), [0; 8]].concat();
    sizes.extend([0; 4]);
    let mut rf64 = Wav::new().chunk(b"ds64", &sizes).mono16().sized(b"data", u32::MAX, &[]);
    rf64.id = b"RF64";
    for (wav, notes) in [(rf64, 0), (wrapped, 1)] {
        let head = wav.bytes();
        let mut file = File::create(&path).unwrap();
        file.write_all(&head).unwrap();
        file.set_len(head.len() as u64 + DATA).unwrap();
        file.seek(SeekFrom::End(-2)).unwrap();
        file.write_all(&[0, 0x40]).unwrap();
        drop(file);
        let mut reader = open(&path).unwrap();
        assert_eq!(reader.info().frames as u64, DATA / 2);
        assert_eq!(reader.info().notes.len(), notes, "{:?}", reader.info().notes);
        reader.seek((DATA / 2) as usize - 3).unwrap();
        assert_eq!(reader.read_to_end().unwrap().channel(0), [0.0, 0.0, 0.5]);
    }
}

#[test]
fn what_cannot_be_played_is_silenced_and_told_with_its_place() {
    let samples = [0.5f32, f32::NAN, -0.25, f32::INFINITY, 5000.0, -2000.0, 1000.0, f32::NEG_INFINITY];
    let data: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let wav = Wav::new().format(3, 2, 8_000, 8, 32).chunk(b"data", &data);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.wav");
    fs::write(&path, wav.bytes()).unwrap();
    let mut reader = open(&path).unwrap();
    let sound = reader.read_to_end().unwrap();
    assert_eq!(sound.channel(0), [0.5, -0.25, 1000.0, 1000.0]);
    assert_eq!(sound.channel(1), [0.0, 0.0, -1000.0, 0.0]);
    let told = |notes: &[Note]| -> Vec<(u64, Vec<(usize, u64)>)> {
        let places = |p: &Places| p.first.iter().map(|p| (p.frame, p.frames)).collect();
        let one = |note: &Note| match note {
            Note::NotANumber { samples, places: p } | Note::Clamped { samples, places: p } => {
                (*samples, places(p))
            }
            other => panic!("{other}"),
        };
        notes.iter().map(one).collect()
    };
    let expected = [(3, vec![(0, 2), (3, 1)]), (2, vec![(2, 1)])];
    assert_eq!(told(&reader.info().notes), expected);
    // Reading a place again does not count it again.
    reader.seek(0).unwrap();
    reader.read_to_end().unwrap();
    assert_eq!(told(&reader.info().notes), expected);
    // Nor does it matter how the file is cut into blocks.
    let mut reader = open(&path).unwrap();
    let mut one = Buffer::new(2, 1);
    while reader.read(&mut one.as_block_mut()).unwrap() == 1 {}
    assert_eq!(told(&reader.info().notes), expected);
}

/// What `open` refuses, and a word that its message must have.
fn assert_refused(bytes: &[u8], kind: fn(&FileError) -> bool, word: &str) {
    let error = read(bytes).map(|(info, _)| info).unwrap_err();
    assert!(kind(&error) && error.to_string().contains(word), "{error:?} without {word:?}");
    assert!(error.to_string().contains("file.wav"), "{error}");
}

#[test]
fn headers_without_sense_are_refused_with_a_reason() {
    let damaged: fn(&FileError) -> bool = |e| matches!(e, FileError::Damaged { .. });
    let unsupported: fn(&FileError) -> bool = |e| matches!(e, FileError::Unsupported { .. });
    let data = ramp(10);
    let with = |tag, channels, rate, align, bits| {
        Wav::new().format(tag, channels, rate, align, bits).chunk(b"data", &data).bytes()
    };
    assert_refused(&with(1, 1, 0, 2, 16), damaged, "0 Hz");
    assert_refused(&with(1, 0, 48_000, 2, 16), damaged, "0 channels");
    assert_refused(&with(1, 1, 48_000, 2, 0), damaged, "0 bits");
    assert_refused(&with(1, 1, 4_000_000_000, 2, 16), unsupported, "4000000000 Hz");
    assert_refused(&with(1, 65_535, 48_000, 65_535, 16), unsupported, "65535 channels");
    assert_refused(&with(1, 1, 48_000, 7, 56), unsupported, "56-bit");
    assert_refused(&with(0x31, 1, 48_000, 2, 4), unsupported, "GSM speech");
    assert_refused(&with(0x11, 1, 48_000, 2, 4), damaged, "adpcm");
    assert_refused(&Wav::new().mono16().bytes(), damaged, "no data chunk");
    assert_refused(&Wav::new().chunk(b"data", &data).bytes(), damaged, "no format");
    assert_refused(&Wav::new().chunk(b"fmt ", &[1, 0, 1]).chunk(b"data", &data).bytes(), damaged, "3 bytes");
}

#[test]
fn what_is_not_audio_is_told_apart() {
    let not_audio: fn(&FileError) -> bool = |e| matches!(e, FileError::NotAudio { .. });
    let empty: fn(&FileError) -> bool = |e| matches!(e, FileError::Empty { .. });
    assert_refused(b"Dear engineer, here is the mix.\n", not_audio, "text");
    assert_refused(&[0; 5000], not_audio, "zeros");
    assert_refused(b"PK\x03\x04\x14\0\0\0", not_audio, "ZIP");
    assert_refused(b"", empty, "0 frames");
    assert_refused(&Wav::new().mono16().chunk(b"data", &[]).bytes(), empty, "0 frames");
    assert_refused(
        &Wav::new().mono16().chunk(b"data", &[]).chunk(b"LIST", b"INFO").bytes(),
        empty,
        "0 frames",
    );
    assert_refused(&Wav::new().mono16().sized(b"data", 1000, &[]).bytes(), empty, "0 frames");

    let folder = tempfile::tempdir().unwrap();
    let missing = open(folder.path().join("none.wav")).unwrap_err();
    assert!(matches!(missing, FileError::NotFound { .. }), "{missing}");
    let directory = open(folder.path()).unwrap_err();
    assert!(matches!(directory, FileError::NotAFile { what: "a folder", .. }), "{directory}");
}

/// Writes noise of `frames` frames, which FLAC cannot shorten, and gives the file's bytes and its sound.
fn noise(file_type: FileType, frames: usize) -> (Vec<u8>, Buffer) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise");
    let mut state = 12_345u64;
    let mut sound = Buffer::new(1, frames);
    for sample in sound.channel_mut(0) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *sample = f64::from((state >> 48) as i16) / 32_768.0;
    }
    let spec =
        WriteSpec { file_type, sample_format: SampleFormat::Int16, sample_rate_hz: 48_000, channels: 1 };
    let mut writer = Writer::create(&path, spec).unwrap();
    writer.write_f64(&sound.as_block()).unwrap();
    writer.finish().unwrap();
    (fs::read(&path).unwrap(), sound)
}

#[test]
fn an_aiff_that_is_cut_or_unfinished_is_read_as_far_as_it_goes() {
    let (whole, sound) = noise(FileType::Aiff, 1000);
    let (info, cut) = read(&whole[..whole.len() - 501]).unwrap();
    assert!(
        info.notes.contains(&Note::Truncated { stated_frames: 1000, found_frames: 749 }),
        "{:?}",
        info.notes
    );
    assert_eq!(cut.channel(0), &sound.channel(0)[..749]);
    // A recorder that crashed: no frames in COMM (byte 22), no size of SSND (byte 42).
    let mut crashed = whole.clone();
    crashed[22..26].fill(0);
    crashed[42..46].fill(0);
    let (info, all) = read(&crashed).unwrap();
    assert!(info.notes.contains(&Note::LengthUnset { found_frames: 1000 }), "{:?}", info.notes);
    assert!(all == sound);
}

#[test]
fn a_cut_flac_is_read_as_far_as_it_goes() {
    let (whole, sound) = noise(FileType::Flac, 40_000);
    let (info, cut) = read(&whole[..whole.len() / 2]).unwrap();
    let stated_and_found = info.notes.iter().find_map(|n| match n {
        Note::Truncated { stated_frames, found_frames } => Some((*stated_frames, *found_frames)),
        _ => None,
    });
    assert_eq!(stated_and_found, Some((40_000, info.frames as u64)), "{:?}", info.notes);
    // The encoder's blocks have 4096 frames; of noise, half the bytes are half the frames.
    assert!((12_000..=24_576).contains(&info.frames), "{}", info.frames);
    let whole_blocks = info.frames / 4096 * 4096 - 4096;
    assert_eq!(cut.channel(0)[..whole_blocks], sound.channel(0)[..whole_blocks]);
}

#[test]
fn a_cut_stream_is_read_as_far_as_it_goes() {
    let fixture =
        |name| fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap();
    for name in ["noise.ogg", "noise.mp3"] {
        let whole = fixture(name);
        let sound = read(&whole).unwrap().1;
        let (info, cut) = read(&whole[..whole.len() * 2 / 3]).unwrap();
        let told = info.notes.iter().any(|n| matches!(n, Note::EndMissing { .. } | Note::Truncated { .. }));
        assert!(told, "{name}: {:?}", info.notes);
        // The last packet lacks the one behind it to overlap with.
        let same = info.frames - 2304;
        assert!(info.frames > 40_000, "{name}: {} frames", info.frames);
        assert_eq!(cut.channel(0)[..same], sound.channel(0)[..same], "{name}");
    }
}

// A cut file whose index stands in front: the sound that is left can be played. Behind, nothing can.
#[test]
fn a_cut_mp4_is_read_when_its_index_is_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/noise-index-first.m4a");
    let whole = fs::read(&path).unwrap();
    let sound = read_file(&path).unwrap().1;
    assert_eq!(sound.frames(), 88_200);
    let (info, cut) = read(&whole[..whole.len() * 2 / 3]).unwrap();
    let truncated = info.notes.iter().any(|n| matches!(n, Note::Truncated { .. }));
    assert!(truncated && info.frames > 40_000, "{info:?}");
    let same = info.frames - 1024;
    assert_eq!(cut.channel(0)[..same], sound.channel(0)[..same]);

    let index_last = path.with_file_name("noise.m4a");
    let whole = fs::read(index_last).unwrap();
    let error = read(&whole[..whole.len() * 2 / 3]).unwrap_err();
    assert!(matches!(&error, FileError::Damaged { what, .. } if what.contains("moov")), "{error}");
}

// Others leave the frame out, and everything behind it comes 85 ms early.
#[test]
fn a_flac_with_a_broken_block_keeps_its_time() {
    let (mut bytes, sound) = noise(FileType::Flac, 40_000);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0x55);
    let (info, broken) = read(&bytes).unwrap();
    assert_eq!(info.frames, 40_000);
    let differs: Vec<usize> = (0..40_000).filter(|n| broken.channel(0)[*n] != sound.channel(0)[*n]).collect();
    let (first, last) = (differs[0], differs[differs.len() - 1]);
    // One block of 4096 frames; noise may be zero here and there.
    assert!(first / 4096 == last / 4096 && differs.len() > 4000, "{first} to {last}");
    assert!(broken.channel(0)[first..=last].iter().all(|s| *s == 0.0));
    let start = first / 4096 * 4096;
    let hole = Note::Holes { places: Places::one(start, 4096, 48_000) };
    assert!(info.notes.contains(&hole), "{:?}", info.notes);
}

/// Everything that is read, as bytes.
fn samples_of_every_format() -> Vec<(String, Vec<u8>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<PathBuf> = fs::read_dir(fixtures).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let mut all: Vec<(String, Vec<u8>)> = paths
        .iter()
        .filter(|p| !p.extension().is_some_and(|e| e == "md" || e == "sh"))
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read(p).unwrap()))
        .collect();
    all.push(("noise.wav".to_owned(), noise(FileType::Wav, 3000).0));
    all.push(("noise.aiff".to_owned(), noise(FileType::Aiff, 3000).0));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    // Whatever happens to a file, it is read or refused: no panic, no wait, and as many frames as were promised.
    #[test]
    fn damage_never_harms(
        cut in 0.0f64..1.3, hits in prop::collection::vec((0.0f64..1.0, any::<u8>()), 0..12), near_start in any::<bool>(),
    ) {
        files::silence_decoder_panics();
        let folder = tempfile::tempdir().unwrap();
        for (name, mut bytes) in samples_of_every_format() {
            bytes.truncate((bytes.len() as f64 * cut) as usize);
            for (place, value) in &hits {
                let reach = if near_start { bytes.len().min(400) } else { bytes.len() };
                if let Some(byte) = bytes.get_mut((reach as f64 * place) as usize) {
                    *byte = *value;
                }
            }
            let path = folder.path().join(&name);
            fs::write(&path, &bytes).unwrap();
            let Ok(mut reader) = open(&path) else { continue };
            let frames = reader.info().frames;
            // A header may promise hours of silence; a minute of them is enough here.
            let mut block = Buffer::new(reader.info().channels, frames.min(100_000));
            if let Ok(read) = reader.read(&mut block.as_block_mut()) {
                prop_assert_eq!(read, frames.min(100_000), "{}", name);
                prop_assert!(block.as_block().iter().all(|c| c.iter().all(|s| s.abs() <= 1000.0)), "{}", name);
            }
            if reader.seek(frames / 2).is_ok() {
                let mut one = Buffer::new(reader.info().channels, 1);
                let _ = reader.read(&mut one.as_block_mut());
            }
        }
    }
}
