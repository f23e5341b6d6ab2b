//! Formats that are read and not written: Opus, and every form of samples in Wave64, AU, CAF, QuickTime, AIFF-C and
//! Matroska. The fixtures' README says how the files were made.

use std::path::{Path, PathBuf};

use audio::Buffer;
use files::{Encoding, Format, Note, Reader, open};
use proptest::prelude::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn read(name: &str) -> (Reader, Buffer) {
    let mut reader = open(fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let sound = reader.read_to_end().unwrap_or_else(|e| panic!("{name}: {e}"));
    (reader, sound)
}

/// The words of a file of little-endian words.
fn words(name: &str) -> Vec<[u8; 4]> {
    let bytes = std::fs::read(fixture(name)).unwrap();
    bytes.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]).collect()
}

/// Name, container, codec, frames, and the delay that the file does not state.
const IMPULSES: [(&str, Format, &str, usize, usize); 10] = [
    ("impulse.opus", Format::Ogg, "Opus", 48_000, 0),
    ("impulse-2.5-ms.opus", Format::Ogg, "Opus", 48_000, 0),
    ("impulse-10-ms.opus", Format::Ogg, "Opus", 48_000, 0),
    ("impulse-40-ms.opus", Format::Ogg, "Opus", 48_000, 0),
    ("impulse-60-ms.opus", Format::Ogg, "Opus", 48_000, 0),
    ("impulse-opusenc.opus", Format::Ogg, "Opus", 48_000, 0),
    ("impulse-opus.mp4", Format::Mp4, "Opus", 48_000, 0),
    ("impulse-opus.webm", Format::Matroska, "Opus", 48_000, 0),
    ("impulse-mp3.wav", Format::Wav, "MP3", 49_536, 1_105),
    ("impulse.mp2", Format::Mpeg, "MPEG layer II", 48_384, 481),
];

// Finds pre-skip that is not taken off, an end that is not trimmed, a lost packet and swapped channels.
#[test]
fn every_impulse_stands_on_its_frame() {
    for (name, format, codec, frames, unstated_delay) in IMPULSES {
        let (reader, sound) = read(name);
        let info = reader.info();
        assert_eq!((info.format, info.encoding), (format, Encoding::Lossy { codec }), "{name}");
        assert_eq!((info.frames, info.sample_rate_hz, info.channels), (frames, 48_000, 2), "{name}");
        // Noise follows from frame 36,000 on, which low rates make louder than the impulse.
        let before = |c: usize| &sound.channel(c)[..30_000];
        let loudest = (0..30_000).max_by(|a, b| before(0)[*a].abs().total_cmp(&before(0)[*b].abs()));
        let impulse = 24_000 + unstated_delay;
        assert_eq!(loudest, Some(impulse), "{name}");
        let (left, right) = (before(0)[impulse], before(1)[impulse]);
        assert!(left > 0.0 && right.abs() < 0.7 * left, "{name}: {left} {right}");
        match (unstated_delay, &info.notes[..]) {
            (0, []) => {}
            (delay, [Note::PrimingUnknown { usual_frames, .. }]) => assert_eq!(*usual_frames as usize, delay),
            (_, notes) => panic!("{name}: {notes:?}"),
        }
    }
}

// An independent decoder: the library of the Opus project, every 97th sample. The transform of the one and of the
// other sum in another order, in numbers of 24 bits; speech is coded in whole numbers of 16 bits.
#[test]
fn opus_agrees_with_the_library_of_its_authors() {
    for (name, reference) in
        [("noise.opus", "noise.libopus.f32"), ("noise-speech.opus", "noise-speech.libopus.f32")]
    {
        let (_, sound) = read(name);
        let expected: Vec<f64> =
            words(reference).into_iter().map(|w| f64::from(f32::from_le_bytes(w))).collect();
        let found: Vec<f64> = sound.channel(0).iter().step_by(97).copied().collect();
        assert_eq!(found.len(), expected.len(), "{name}");
        let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-5, "{name}: {off} off");
        assert!(expected.iter().any(|s| s.abs() > 0.1), "{name}: a reference of silence proves nothing");
    }
}

/// The same 200 frames in every uncompressed form, with the bits that each keeps; 0 for laws.
const FORMS: &[(&str, &[(&str, u32)])] = &[
    ("w64", &[("u8", 8), ("s16le", 16), ("s24le", 24), ("s32le", 24), ("f32le", 24), ("f64le", 24)]),
    (
        "au",
        &[
            ("s8", 8),
            ("s16be", 16),
            ("s24be", 24),
            ("s32be", 24),
            ("f32be", 24),
            ("f64be", 24),
            ("alaw", 0),
            ("mulaw", 0),
        ],
    ),
    (
        "caf",
        &[
            ("s8", 8),
            ("s16be", 16),
            ("s24be", 24),
            ("s32be", 24),
            ("f32be", 24),
            ("f64be", 24),
            ("s16le", 16),
            ("s24le", 24),
            ("s32le", 24),
            ("f32le", 24),
            ("f64le", 24),
            ("alaw", 0),
            ("mulaw", 0),
        ],
    ),
    (
        "mov",
        &[
            ("s16be", 16),
            ("s24be", 24),
            ("s32be", 24),
            ("f32be", 24),
            ("f64be", 24),
            ("s16le", 16),
            ("s24le", 24),
            ("s32le", 24),
            ("f32le", 24),
            ("f64le", 24),
            ("no-file-type", 16),
        ],
    ),
    (
        "aiff",
        &[
            ("s16be", 16),
            ("s24be", 24),
            ("s32be", 24),
            ("f32be", 24),
            ("f64be", 24),
            ("alaw", 0),
            ("mulaw", 0),
        ],
    ),
    ("aifc", &[("sowt", 16)]),
    ("mka", &[("s24le", 24)]),
];

// Finds a wrong order of bytes, which makes loud noise of sound, a wrong scale and swapped channels.
#[test]
fn every_form_of_samples_is_exact() {
    let truth: Vec<i32> = words("few.truth.s32").into_iter().map(i32::from_le_bytes).collect();
    let mut seen = 0;
    for (extension, forms) in FORMS {
        for (form, bits) in *forms {
            let name = format!("few-{form}.{extension}");
            let (reader, sound) = read(&name);
            let info = reader.info();
            assert_eq!((info.channels, info.frames, info.sample_rate_hz), (2, 200, 48_000), "{name}");
            assert_eq!(info.notes, [], "{name}");
            for (n, value) in truth.iter().enumerate() {
                let found = sound.channel(n % 2)[n / 2];
                if *bits == 0 {
                    // G.711: steps of a sixteenth of the segment, and of 1/2048 in the lowest one (of A-law).
                    let whole = f64::from(*value) / 2_147_483_648.0;
                    assert!((found - whole).abs() <= whole.abs() / 16.0 + 1.0 / 1024.0, "{name} at {n}");
                } else {
                    // The maker cut the lower bits off.
                    let kept = value >> (32 - bits);
                    let whole = f64::from(kept) / f64::from(1 << (bits - 1));
                    assert_eq!(found, whole, "{name} at {n}");
                }
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 47);
}

// FFmpeg's decoders of the same files.
#[test]
fn adpcm_is_exact() {
    for name in ["adpcm-ima", "adpcm-ms"] {
        let (reader, sound) = read(&format!("{name}.wav"));
        assert_eq!(reader.info().encoding, Encoding::Lossy { codec: "ADPCM" });
        let bytes = std::fs::read(fixture(&format!("{name}.s16"))).unwrap();
        let expected: Vec<f64> =
            bytes.chunks_exact(2).map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
        let found: Vec<f64> =
            (0..sound.frames()).flat_map(|n| [sound.channel(0)[n], sound.channel(1)[n]]).collect();
        assert_eq!(found, expected, "{name}");
    }
}

// One channel after the other sounds, in the order of WAV files; Opus and Vorbis store another order.
#[test]
fn the_channels_of_surround_come_in_one_order() {
    let six = (6, 24_000, 0x3f, 2000, 3500);
    let eight = (8, 20_000, 0x63f, 1000, 2250);
    for (name, (channels, frames, mask, first, apart)) in [
        ("surround.opus", six),
        ("surround.ogg", six),
        ("surround.flac", six),
        ("surround-alac.m4a", six),
        ("eight.opus", eight),
        ("eight.ogg", eight),
        ("eight.flac", eight),
    ] {
        let (reader, sound) = read(name);
        assert_eq!((reader.info().channels, reader.info().frames), (channels, frames), "{name}");
        assert_eq!(reader.info().channel_mask, Some(mask), "{name}");
        for channel in 0..channels {
            let samples = sound.channel(channel);
            let energy = |at: usize| samples[at..at + 2000].iter().map(|s| s * s).sum::<f64>();
            let energy = |place: usize| energy(first + apart * place);
            let loudest = (0..channels).max_by(|a, b| energy(*a).total_cmp(&energy(*b)));
            assert_eq!(loudest, Some(channel), "{name}");
        }
    }
}

// Two streams one after another in one file (RFC 3533 section 4): the first is read, and the other one told.
#[test]
fn of_chained_opus_the_first_stream_is_read() {
    let (_, first) = read("impulse.opus");
    let bytes = |name: &str| std::fs::read(fixture(name)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for second in ["impulse-opusenc.opus", "surround.opus", "impulse.ogg"] {
        let path = folder.path().join("chained.opus");
        std::fs::write(&path, [bytes("impulse.opus"), bytes(second)].concat()).unwrap();
        let mut reader = open(&path).unwrap();
        assert_eq!(reader.info().notes, [Note::StreamRestarts { frame: 48_000 }], "{second}");
        assert!(reader.read_to_end().unwrap() == first, "{second}");
    }
}

/// A raw data block with a fill element in front of its end (ISO/IEC 14496-3 clause 4.4.2.7), of SBR or plain.
fn with_fill(block: &[u8], kind: u8) -> Vec<u8> {
    let mut bits: Vec<u8> = block.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1)).collect();
    while bits.pop() == Some(0) {}
    // The other two ones of the end.
    bits.truncate(bits.len() - 2);
    let payload = std::iter::once(kind << 4).chain([0x5a; 19]);
    let fill =
        [0b1101_1110, 0b0000_1100].into_iter().flat_map(|byte: u8| (0..8).rev().map(move |n| byte >> n & 1));
    bits.extend(fill.take(15));
    bits.extend(payload.flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1)));
    bits.extend([1, 1, 1]);
    bits.resize(bits.len().next_multiple_of(8), 0);
    bits.chunks(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect()
}

#[test]
fn high_efficiency_aac_that_does_not_say_so_is_told() {
    let (plain, sound) = read("noise-adts.aac");
    assert!(!plain.info().notes.iter().any(|note| matches!(note, Note::LowerBandOnly { .. })));
    let bytes = std::fs::read(fixture("noise-adts.aac")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (kind, is_told) in [(13, true), (14, true), (0, false)] {
        let (mut stream, mut rest) = (Vec::new(), &bytes[..]);
        while let [_, _, _, third, fourth, fifth, ..] = rest {
            let length = usize::from(third & 3) << 11 | usize::from(*fourth) << 3 | usize::from(fifth >> 5);
            let block = with_fill(&rest[7..length], kind);
            let whole = block.len() + 7;
            stream.extend(&rest[..3]);
            stream.extend([
                third & !3 | (whole >> 11) as u8,
                (whole >> 3) as u8,
                (whole << 5) as u8 | fifth & 31,
            ]);
            stream.push(rest[6]);
            stream.extend(block);
            rest = &rest[length..];
        }
        let path = folder.path().join("stream.aac");
        std::fs::write(&path, stream).unwrap();
        let mut reader = open(&path).unwrap();
        let told = reader.info().notes.contains(&Note::LowerBandOnly { up_to_hz: 22_050 });
        assert_eq!(told, is_told, "{kind}: {:?}", reader.info().notes);
        assert!(reader.read_to_end().unwrap() == sound, "the plain part is the same");
    }
}

#[test]
fn what_a_demuxer_does_not_know_is_not_called_damage() {
    let mut bytes = std::fs::read(fixture("few-s16le.mov")).unwrap();
    // In the sample description (QuickTime File Format): 22 bytes behind its name stand the bits of a sample.
    let entry = bytes.windows(4).position(|w| w == b"sowt").unwrap();
    assert_eq!(bytes[entry + 22..entry + 24], [0, 16]);
    bytes[entry + 23] = 8;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("eight.mov");
    std::fs::write(&path, bytes).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, files::FileError::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("8 bits with a sign"), "{error}");
}

// A sine of peak 0.1 has the power 0.005; encoders keep a lone tone at these rates within a few hundredths of a
// decibel, and 0.2 dB is far less than any wrong scale. Finds a gain that is applied twice or not at all.
#[test]
fn a_tone_keeps_its_level() {
    for name in ["tone.opus", "tone.ogg", "tone.mp3", "tone.m4a"] {
        let (_, sound) = read(name);
        for channel in 0..2 {
            let middle = &sound.channel(channel)[4_800..19_200];
            let power = middle.iter().map(|s| s * s).sum::<f64>() / middle.len() as f64;
            let off_db = 10.0 * (power / 0.005).log10();
            assert!(off_db.abs() < 0.2, "{name}: {off_db} dB");
        }
    }
}

// RFC 7845 section 5.1: the header states a gain in 1/256 dB that every decoder must apply.
#[test]
fn the_gain_of_an_opus_header_is_applied() {
    let (_, plain) = read("tone.opus");
    let mut bytes = std::fs::read(fixture("tone.opus")).unwrap();
    let head = bytes.windows(8).position(|w| w == b"OpusHead").unwrap();
    bytes[head + 16..head + 18].copy_from_slice(&(-6 * 256i16).to_le_bytes());
    write_page_checksum(&mut bytes[..head + 19]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quieter.opus");
    std::fs::write(&path, bytes).unwrap();
    let quieter = open(path).unwrap().read_to_end().unwrap();
    let gain = 10f64.powf(-6.0 / 20.0);
    let off = plain.channel(0).iter().zip(quieter.channel(0)).map(|(a, b)| (a * gain - b).abs());
    assert!(off.fold(0.0, f64::max) < 1e-12);
}

/// The checksum of an Ogg page (RFC 3533 section 6): polynomial 0x04c11db7, highest bit first, nothing inverted.
fn write_page_checksum(page: &mut [u8]) {
    page[22..26].fill(0);
    let crc = page.iter().fold(0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |c, _| c << 1 ^ if c >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    });
    page[22..26].copy_from_slice(&crc.to_le_bytes());
}

/// What can be sought in.
const SOUGHT: [&str; 12] = [
    "impulse.opus",
    "impulse-2.5-ms.opus",
    "impulse-60-ms.opus",
    "noise.opus",
    "noise-speech.opus",
    "impulse-opus.mp4",
    "impulse-opus.webm",
    "surround.opus",
    "adpcm-ima.wav",
    "impulse-mp3.wav",
    "few-s24be.mov",
    "few-s24le.mka",
];

// Bit for bit: the engine may start anywhere, and must give the same sound as from the beginning.
#[test]
fn a_seek_is_exact() {
    for name in SOUGHT {
        let (mut reader, sound) = read(name);
        let frames = sound.frames();
        let mut places: Vec<usize> = (0..25).map(|n| (n * 7919 * 13) % frames).collect();
        places.extend([0, 1, frames - 1, frames, frames / 2, 960.min(frames), 312.min(frames), 0]);
        for place in places {
            let length = (frames - place).min(500);
            let mut block = Buffer::new(sound.channels(), 500);
            reader.seek(place).unwrap();
            assert_eq!(reader.read(&mut block.as_block_mut()).unwrap(), length, "{name} at {place}");
            for c in 0..sound.channels() {
                assert!(
                    block.channel(c)[..length] == sound.channel(c)[place..place + length],
                    "{name} at {place}"
                );
            }
        }
        let mut fresh = open(fixture(name)).unwrap();
        fresh.seek(frames * 3 / 4).unwrap();
        assert!(
            fresh.read_to_end().unwrap() == sound.range(frames * 3 / 4, frames - frames * 3 / 4).to_buffer()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_block_size_does_not_matter(block in 1usize..5000) {
        for name in ["impulse.opus", "surround.opus", "adpcm-ms.wav", "few-f32be.mov"] {
            let (_, whole) = read(name);
            let mut reader = open(fixture(name)).unwrap();
            let mut pieces = Buffer::new(whole.channels(), whole.frames());
            let mut done = 0;
            while done < whole.frames() {
                done += reader.read(&mut pieces.range_mut(done, block.min(whole.frames() - done))).unwrap();
            }
            prop_assert!(pieces == whole, "{}", name);
        }
    }
}
