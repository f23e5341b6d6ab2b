//! Formats that are read only: every impulse on its frame, every seek exact.

use std::path::{Path, PathBuf};

use audio::Buffer;
use files::{Encoding, FileError, Format, Note, Reader, open};
use proptest::prelude::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

const MP3: Encoding = Encoding::Lossy { codec: "MP3" };
const AAC: Encoding = Encoding::Lossy { codec: "AAC" };
const VORBIS: Encoding = Encoding::Lossy { codec: "Vorbis" };

/// Name, container, encoding, frames, the impulse's frame, and the delay that the file does not state.
const IMPULSES: [(&str, Format, Encoding, usize, usize, usize); 14] = [
    ("impulse-lavf.mp3", Format::Mpeg, MP3, 48_000, 24_000, 0),
    ("impulse-lame-vbr.mp3", Format::Mpeg, MP3, 48_000, 24_000, 0),
    ("impulse-id3.mp3", Format::Mpeg, MP3, 48_000, 24_000, 0),
    ("impulse-no-tag.mp3", Format::Mpeg, MP3, 49_536, 24_000, 1_105),
    ("impulse-aac.m4a", Format::Mp4, AAC, 48_000, 24_000, 0),
    ("impulse-adts.aac", Format::Adts, AAC, 49_152, 24_000, 1_024),
    ("impulse.3gp", Format::Mp4, AAC, 48_000, 24_000, 0),
    ("impulse.ogg", Format::Ogg, VORBIS, 48_000, 24_000, 0),
    // FFmpeg gives as many frames: the last packet is heard whole, since Matroska does not say where it ends.
    ("impulse-vorbis.mka", Format::Matroska, VORBIS, 48_960, 24_000, 0),
    ("impulse-flac.oga", Format::Ogg, Encoding::Lossless { codec: "FLAC", bits: 24 }, 48_000, 24_000, 0),
    ("impulse.flac", Format::Flac, Encoding::Lossless { codec: "FLAC", bits: 24 }, 48_000, 24_000, 0),
    ("impulse-alac16.m4a", Format::Mp4, Encoding::Lossless { codec: "ALAC", bits: 16 }, 48_000, 24_000, 0),
    ("impulse-alac24.m4a", Format::Mp4, Encoding::Lossless { codec: "ALAC", bits: 24 }, 4_800, 2_400, 0),
    ("impulse-alac.caf", Format::Caf, Encoding::Lossless { codec: "ALAC", bits: 16 }, 48_000, 24_000, 0),
];

// Finds encoder delay or padding that is not taken off, a lost packet, a wrong scale and swapped channels.
#[test]
fn every_impulse_stands_on_its_frame() {
    for (name, format, encoding, frames, impulse, unstated_delay) in IMPULSES {
        let mut reader = open(fixture(name)).unwrap();
        let info = reader.info().clone();
        assert_eq!((info.format, info.encoding, info.frames), (format, encoding, frames), "{name}");
        assert_eq!((info.sample_rate_hz, info.channels), (48_000, 2), "{name}");
        let sound = reader.read_to_end().unwrap();
        let (left, right) = (sound.channel(0), sound.channel(1));
        let loudest = |c: &[f64]| (0..c.len()).max_by(|a, b| c[*a].abs().total_cmp(&c[*b].abs()));
        assert_eq!(loudest(left), Some(impulse + unstated_delay), "{name}");
        assert_eq!(loudest(right), loudest(left), "{name}");
        // Joint stereo of Vorbis may lose the sign on the right, but not which side is louder.
        let (on_left, on_right) = (left[impulse + unstated_delay], right[impulse + unstated_delay]);
        assert!(on_left > 0.0 && on_right.abs() < 0.7 * on_left, "{name}: {on_left} {on_right}");
        if unstated_delay > 0 {
            assert!(matches!(reader.info().notes[..], [Note::PrimingUnknown { .. }]), "{name}");
        } else {
            assert_eq!(reader.info().notes, [], "{name}");
        }
        if !encoding.is_lossy() {
            // 0.9 on a 24-bit grid, and that shortened to 16 bits as the encoder does it.
            let bits = encoding.bit_depth().unwrap_or(0);
            let step = (0.9 * 8_388_607.0f64).round() / f64::from(1 << (24 - bits));
            let scale = f64::from(1 << (bits - 1));
            let near = (left[impulse] - step / scale).abs() * scale;
            assert!(if bits == 24 { near == 0.0 } else { near <= 1.0 }, "{name}: {} off", near);
            assert!(left[..impulse].iter().all(|s| *s == 0.0) && on_right < 0.0, "{name}");
        }
    }
}

// The two lossless files were made from the same 24-bit samples.
#[test]
fn lossless_formats_agree() {
    let flac = open(fixture("impulse.flac")).unwrap().read_to_end().unwrap();
    assert!(flac == open(fixture("impulse-flac.oga")).unwrap().read_to_end().unwrap());
    let of = |name| files::decoded_hash(fixture(name)).unwrap();
    assert_eq!(of("impulse.flac"), of("impulse-flac.oga"));
    assert_ne!(of("impulse.flac"), of("impulse-alac16.m4a"));
    let bytes = |name| files::audio_hash(fixture(name)).unwrap();
    assert_ne!(bytes("impulse.flac"), bytes("impulse-flac.oga"));
}

// The energy of white noise of +-0.5 is 1/12; encoders keep it within a decibel or so at these rates, and its
// first and last thousand frames must be there as well. Finds a start or an end that is silent.
#[test]
fn noise_fills_its_length() {
    for name in ["noise.mp3", "noise.m4a", "noise.ogg"] {
        let mut reader = open(fixture(name)).unwrap();
        assert_eq!((reader.info().frames, reader.info().notes.len()), (88_200, 0), "{name}");
        let sound = reader.read_to_end().unwrap();
        let power = |s: &[f64]| s.iter().map(|x| x * x).sum::<f64>() / s.len() as f64;
        let all = power(sound.channel(0));
        for part in [&sound.channel(0)[..1000], &sound.channel(0)[87_200..]] {
            assert!(power(part) > all / 4.0, "{name}: {} of {all}", power(part));
        }
    }
}

/// All that can be sought in, with their whole sound.
fn everything() -> Vec<(String, Reader, Buffer)> {
    let names = IMPULSES.iter().map(|i| i.0).chain(["noise.mp3", "noise.m4a", "noise.ogg"]);
    names
        .map(|name| {
            let mut reader = open(fixture(name)).unwrap();
            let sound = reader.read_to_end().unwrap();
            (name.to_owned(), reader, sound)
        })
        .collect()
}

// Bit for bit: the engine may start anywhere, and must give the same sound as from the beginning.
#[test]
fn a_seek_is_exact() {
    for (name, mut reader, sound) in everything() {
        let frames = sound.frames();
        let mut places: Vec<usize> = (0..60).map(|n| (n * 7919 * 13) % frames).collect();
        places.extend([0, 1, frames - 1, frames, frames / 2, 1152, 1024, 0, frames]);
        for place in places {
            let length = (frames - place).min(600);
            let mut block = Buffer::new(sound.channels(), 600);
            block.channel_mut(0).fill(f64::NAN);
            reader.seek(place).unwrap();
            assert_eq!(reader.read(&mut block.as_block_mut()).unwrap(), length, "{name} at {place}");
            for c in 0..sound.channels() {
                let expected = &sound.channel(c)[place..place + length];
                let differs = (0..length).find(|n| block.channel(c)[*n] != expected[*n]);
                assert_eq!(differs, None, "{name} at {place}, channel {c}");
                assert!(block.channel(c)[length..].iter().all(|s| *s == 0.0), "{name} at {place}");
            }
        }
        assert!(!reader.info().notes.iter().any(|n| matches!(n, Note::Holes { .. })), "{name}");
    }
}

// A seek on a reader that has not read anything takes other paths in the demuxers.
#[test]
fn a_first_seek_is_exact() {
    for (name, _, sound) in everything() {
        let place = sound.frames() * 3 / 4;
        let mut reader = open(fixture(&name)).unwrap();
        reader.seek(place).unwrap();
        let rest = reader.read_to_end().unwrap();
        assert!(rest == sound.range(place, sound.frames() - place).to_buffer(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_block_size_does_not_matter(block in 1usize..5000) {
        for name in ["impulse-lavf.mp3", "impulse.ogg", "impulse.flac", "impulse-aac.m4a"] {
            let mut reader = open(fixture(name)).unwrap();
            let whole = open(fixture(name)).unwrap().read_to_end().unwrap();
            let mut pieces = Buffer::new(2, whole.frames());
            let mut done = 0;
            while done < whole.frames() {
                let frames = block.min(whole.frames() - done);
                let read = reader.read(&mut pieces.range_mut(done, frames)).unwrap();
                prop_assert_eq!(read, frames);
                done += read;
            }
            prop_assert!(pieces == whole, "{}", name);
        }
    }
}

#[test]
fn a_reader_may_move_to_another_thread() {
    fn needs_send<T: Send>(_: T) {}
    needs_send(open(fixture("impulse.flac")).unwrap());
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (head, name) in [("wvpk", "WavPack"), ("MAC ", "Monkey's Audio"), ("DSD ", "DSD")] {
        let path = folder.path().join("song.wv");
        std::fs::write(&path, format!("{head}\u{1}\u{2}\u{0}rest of it")).unwrap();
        let error = open(&path).unwrap_err();
        assert!(matches!(&error, FileError::Unsupported { what, .. } if what.contains(name)), "{error}");
        assert!(error.to_string().ends_with("export it as WAV or FLAC"), "{error}");
    }
}

#[test]
fn a_wrong_extension_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.wav");
    std::fs::copy(fixture("impulse-lavf.mp3"), &path).unwrap();
    let info = files::probe(&path).unwrap();
    assert_eq!(info.format, Format::Mpeg);
    let notes: Vec<String> = info.notes.iter().map(Note::to_string).collect();
    assert_eq!(notes, ["named .wav, but the content is MPEG audio"]);
}
