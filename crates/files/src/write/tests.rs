use super::*;
use audio::Buffer;
use proptest::prelude::*;
use std::fs;

use crate::{Encoding, Format, open};

const FLOATS: [SampleFormat; 2] = [SampleFormat::Float32, SampleFormat::Float64];
const INTEGERS: [SampleFormat; 4] =
    [SampleFormat::Int8, SampleFormat::Int16, SampleFormat::Int24, SampleFormat::Int32];

fn spec(file_type: FileType, sample_format: SampleFormat, channels: usize) -> WriteSpec {
    WriteSpec { file_type, sample_format, sample_rate_hz: 48_000, channels }
}

/// Everything that can be written.
fn every_kind() -> impl Strategy<Value = WriteSpec> {
    let kinds: Vec<(FileType, SampleFormat)> = [FileType::Wav, FileType::Aiff]
        .into_iter()
        .flat_map(|t| INTEGERS.into_iter().chain(FLOATS).map(move |s| (t, s)))
        .chain([(FileType::Flac, SampleFormat::Int16), (FileType::Flac, SampleFormat::Int24)])
        .collect();
    let rates = prop::sample::select(vec![8_000, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000, 768_000]);
    (prop::sample::select(kinds), rates, 1usize..=8).prop_map(
        |((file_type, sample_format), rate, channels)| {
            let most = if file_type == FileType::Flac { 655_350 } else { 768_000 };
            WriteSpec { file_type, sample_format, sample_rate_hz: rate.min(most), channels }
        },
    )
}

/// Every kind of integers, with as many channels as it may have.
fn integer_kinds() -> impl Strategy<Value = (FileType, SampleFormat, usize)> {
    let plain = (
        prop::sample::select(vec![FileType::Wav, FileType::Aiff]),
        prop::sample::select(INTEGERS.to_vec()),
        1usize..=64,
    );
    let packed = |file_type, most| {
        (Just(file_type), prop::sample::select(vec![SampleFormat::Int16, SampleFormat::Int24]), 1usize..=most)
    };
    prop_oneof![2 => plain, 1 => packed(FileType::Flac, 8), 1 => packed(FileType::Alac, 2)]
}

/// Sound that a format holds exactly: both ends of the scale, zero, and numbers in between.
fn sound(spec: &WriteSpec, frames: usize, seed: u64) -> Buffer {
    let mut state = seed | 1;
    let scale = 2f64.powi(spec.sample_format.bits().min(32) as i32 - 1);
    let planes: Vec<Vec<f64>> = (0..spec.channels)
        .map(|_| {
            (0..frames)
                .map(|n| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let random = (state >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0;
                    match (n, spec.sample_format) {
                        (1, _) => -1.0,
                        (2, _) => (scale - 1.0) / scale,
                        (_, SampleFormat::Float64) => random * 4.0,
                        (_, SampleFormat::Float32) => f64::from(random as f32) * 4.0,
                        _ => (random * scale).floor() / scale,
                    }
                })
                .map(|s| if spec.sample_format == SampleFormat::Float32 { f64::from(s as f32) } else { s })
                .collect()
        })
        .collect();
    Buffer::from_channels(&planes)
}

/// Writes in blocks of `block` frames.
fn write(path: &Path, spec: WriteSpec, sound: &Buffer, block: usize) -> Written {
    let mut writer = Writer::create(path, spec).unwrap();
    let mut done = 0;
    while done < sound.frames() {
        let frames = block.min(sound.frames() - done);
        writer.write_f64(&sound.range(done, frames)).unwrap();
        done += frames;
    }
    writer.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    // Finds a wrong byte order, sign, scale, channel order, header length or padding in any format.
    #[test]
    fn what_is_written_is_read(
        spec in every_kind(), frames in 1usize..9000, block in 1usize..5000, seed in any::<u64>(),
        place in 0.0f64..1.0,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound");
        let sound = sound(&spec, frames, seed);
        let written = write(&path, spec, &sound, block);
        prop_assert_eq!(&written, &Written { path: path.clone(), frames: frames as u64, clipped: 0, not_finite: 0 });

        let mut reader = open(&path).unwrap();
        let info = reader.info().clone();
        prop_assert_eq!((info.sample_rate_hz, info.channels), (spec.sample_rate_hz, spec.channels));
        prop_assert_eq!((info.frames, info.notes), (frames, vec![]));
        prop_assert_eq!(info.encoding.bit_depth(), Some(spec.sample_format.bits()));
        prop_assert_eq!(info.encoding.is_float(), spec.sample_format.is_float());
        prop_assert!(reader.read_to_end().unwrap() == sound, "{:?}", spec);

        // From any frame on, as well.
        let start = (place * frames as f64) as usize;
        reader.seek(start).unwrap();
        prop_assert!(reader.read_to_end().unwrap() == sound.range(start, frames - start).to_buffer());
    }

    // Any number of channels that is allowed, any length, any number: integers of any size, at both ends of the scale
    // and beyond it. What a depth cannot hold is clipped and counted, everything else comes back bit for bit.
    #[test]
    fn any_integers_of_any_depth_come_back(
        (file_type, format, channels) in integer_kinds(),
        frames in prop_oneof![Just(0usize), Just(1), 0usize..200],
        numbers in prop::collection::vec(prop_oneof![any::<i32>(), -140..140i32, Just(i32::MIN), Just(i32::MAX)], 1..500),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound");
        let planes: Vec<Vec<i32>> = (0..channels)
            .map(|c| (0..frames).map(|n| numbers[(n * 7 + c * 3) % numbers.len()]).collect())
            .collect();
        let mut writer = Writer::create(&path, spec(file_type, format, channels)).unwrap();
        writer.write_i32(&planes.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
        if frames == 0 && matches!(file_type, FileType::Flac | FileType::Alac) {
            // They have no way to say so, and leave nothing behind.
            prop_assert!(writer.finish().is_err() && !path.exists());
            return Ok(());
        }
        let written = writer.finish().unwrap();
        let highest = (1i64 << (format.bits() - 1)) - 1;
        let kept = |s: i32| i64::from(s).clamp(-highest - 1, highest);
        let beyond = planes.iter().flatten().filter(|s| kept(**s) != i64::from(**s)).count();
        prop_assert_eq!((written.frames, written.clipped), (frames as u64, beyond as u64));
        if frames == 0 {
            let is_empty = matches!(open(&path), Err(FileError::Empty { .. }));
            prop_assert!(is_empty);
            return Ok(());
        }
        let mut reader = open(&path).unwrap();
        prop_assert_eq!((reader.info().frames, reader.info().channels), (frames, channels));
        prop_assert_eq!(&reader.info().notes, &vec![]);
        let read = reader.read_to_end().unwrap();
        for (channel, plane) in planes.iter().enumerate() {
            let back: Vec<i64> = read.channel(channel).iter().map(|s| (s * (highest + 1) as f64) as i64).collect();
            prop_assert_eq!(back, plane.iter().map(|s| kept(*s)).collect::<Vec<_>>());
        }
    }

    // Any number of 32 and of 64 bits. What the reader would not pass on (+60 dBFS) is left out; what is not finite is
    // written as zero and counted.
    #[test]
    fn any_floats_come_back(
        aiff in any::<bool>(), wide in any::<bool>(), channels in 1usize..=64, frames in 1usize..100,
        numbers in prop::collection::vec(
            prop_oneof![-1000.0..=1000.0f64, any::<f64>(), Just(5e-324), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY)],
            1..300,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound");
        let file_type = if aiff { FileType::Aiff } else { FileType::Wav };
        let (format, round): (_, fn(f64) -> f64) = match wide {
            true => (SampleFormat::Float64, |x| x),
            false => (SampleFormat::Float32, |x| f64::from(x as f32)),
        };
        let numbers: Vec<f64> = numbers.into_iter().filter(|x| !x.is_finite() || x.abs() <= 1000.0).collect();
        let number = |c: usize, n: usize| numbers.get((n * 7 + c * 3) % numbers.len().max(1)).copied().unwrap_or(0.5);
        let planes: Vec<Vec<f64>> = (0..channels).map(|c| (0..frames).map(|n| number(c, n)).collect()).collect();
        let written = write(&path, spec(file_type, format, channels), &Buffer::from_channels(&planes), 33);
        let bad = planes.iter().flatten().filter(|x| !x.is_finite()).count();
        prop_assert_eq!((written.clipped, written.not_finite), (0, bad as u64));
        let read = open(&path).unwrap().read_to_end().unwrap();
        for (channel, plane) in planes.iter().enumerate() {
            for (back, given) in read.channel(channel).iter().zip(plane) {
                let kept = if given.is_finite() { round(*given) } else { 0.0 };
                prop_assert_eq!(back.to_bits(), kept.to_bits(), "{} as {:?}", given, format);
            }
        }
    }

    #[test]
    fn integers_are_written_as_they_are(seed in any::<u64>(), wide in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound");
        let format = if wide { SampleFormat::Int24 } else { SampleFormat::Int16 };
        for file_type in [FileType::Wav, FileType::Aiff, FileType::Flac] {
            let spec = spec(file_type, format, 2);
            let sound = sound(&spec, 5000, seed);
            let scale = 2f64.powi(format.bits() as i32 - 1);
            let planes: Vec<Vec<i32>> =
                sound.as_block().iter().map(|c| c.iter().map(|s| (s * scale) as i32).collect()).collect();
            let mut writer = Writer::create(&path, spec).unwrap();
            writer.write_i32(&[&planes[0], &planes[1]]).unwrap();
            prop_assert_eq!(writer.finish().unwrap().clipped, 0);
            prop_assert!(open(&path).unwrap().read_to_end().unwrap() == sound);
        }
    }
}

// Finds an encoder delay, a lost first or last block, and a seek that is off by one, in each format we write.
#[test]
fn an_impulse_stands_on_its_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("impulse");
    for file_type in [FileType::Wav, FileType::Aiff, FileType::Flac] {
        let spec = spec(file_type, SampleFormat::Int24, 1);
        let mut impulse = Buffer::new(1, 48_000);
        impulse.channel_mut(0)[24_000] = 0.5;
        write(&path, spec, &impulse, 1000);
        let mut reader = open(&path).unwrap();
        let all = reader.read_to_end().unwrap();
        let places: Vec<usize> = (0..48_000).filter(|n| all.channel(0)[*n] != 0.0).collect();
        assert_eq!(places, [24_000], "{file_type:?}");
        let mut one = Buffer::new(1, 1);
        for (frame, expected) in [(23_999, 0.0), (24_000, 0.5), (24_001, 0.0), (47_999, 0.0)] {
            reader.seek(frame).unwrap();
            assert_eq!(reader.read(&mut one.as_block_mut()).unwrap(), 1);
            assert_eq!(one.channel(0), [expected], "{file_type:?} at {frame}");
        }
    }
}

#[test]
fn rounding_is_to_the_nearest_and_clipping_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    let step = 1.0 / 32_768.0;
    let given = [0.49, 0.51, 0.5, 1.5, -0.5, -1.5].map(|x| x * step);
    let beyond = [1.0, 1.5, -1.0, -1.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let sound = Buffer::from_channels(&[[given.as_slice(), &beyond].concat()]);
    let written = write(&path, spec(FileType::Wav, SampleFormat::Int16, 1), &sound, 100);
    assert_eq!((written.clipped, written.not_finite), (3, 3));
    let read = open(&path).unwrap().read_to_end().unwrap();
    let steps: Vec<f64> = read.channel(0).iter().map(|s| s * 32_768.0).collect();
    let expected = [0.0, 1.0, 0.0, 2.0, 0.0, -2.0, 32_767.0, 32_767.0, -32_768.0, -32_768.0, 0.0, 0.0, 0.0];
    assert_eq!(steps, expected);

    let written = write(&path, spec(FileType::Wav, SampleFormat::Float32, 1), &sound, 100);
    assert_eq!((written.clipped, written.not_finite), (0, 3));
    let read = open(&path).unwrap().read_to_end().unwrap();
    assert_eq!(read.channel(0)[6..], [1.0, 1.5, -1.0, f64::from(-1.1f32), 0.0, 0.0, 0.0]);
}

// The limit is lowered: what decides is the same code.
#[test]
fn a_long_wav_becomes_rf64_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    let spec = spec(FileType::Wav, SampleFormat::Int24, 2);
    let sound = sound(&spec, 1001, 5);
    for (limit, format) in [(6077, Format::Rf64), (6078, Format::Wav)] {
        let mut writer = Writer::with_rf64_above(&path, spec, limit, 0).unwrap();
        writer.write_f64(&sound.as_block()).unwrap();
        writer.finish().unwrap();
        let mut reader = open(&path).unwrap();
        assert_eq!((reader.info().format, reader.info().frames), (format, 1001));
        assert_eq!(reader.info().notes, []);
        assert!(reader.read_to_end().unwrap() == sound);
        // RIFF size field counts what follows it.
        assert_eq!(fs::metadata(&path).unwrap().len(), 6078 + 8);
    }
    // The sizes of EBU Tech 3306 section 3.3 at their places.
    let mut writer = Writer::with_rf64_above(&path, spec, 0, 0).unwrap();
    writer.write_f64(&sound.as_block()).unwrap();
    writer.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(&bytes[..20], b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0");
    let size = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!([size(20), size(28), size(36)], [6078, 6006, 1001]);
    assert_eq!(bytes[72..80], *b"data\xff\xff\xff\xff");
}

#[test]
fn more_than_two_channels_say_where_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("surround.wav");
    for (channels, mask) in [(3, 0), (5, 0x37), (6, 0x3f)] {
        let spec = spec(FileType::Wav, SampleFormat::Float32, channels);
        write(&path, spec, &sound(&spec, 10, 1), 10);
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes[56..58], [0xfe, 0xff]);
        assert_eq!(bytes[76..80], [mask, 0, 0, 0], "{channels} channels");
        assert_eq!(open(&path).unwrap().info().encoding, Encoding::Float { bits: 32 });
    }
}

#[test]
fn an_unfinished_file_leaves_nothing_and_the_old_one_stands() {
    let folder = tempfile::tempdir().unwrap();
    for file_type in [FileType::Wav, FileType::Aiff, FileType::Flac] {
        let path = folder.path().join("song");
        fs::write(&path, b"old").unwrap();
        let spec = spec(file_type, SampleFormat::Int16, 2);
        let mut writer = Writer::create(&path, spec).unwrap();
        writer.write_f64(&sound(&spec, 9000, 3).as_block()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song");
    let good = spec(FileType::Flac, SampleFormat::Int24, 2);
    for bad in [
        WriteSpec { channels: 0, ..good },
        WriteSpec { channels: 9, ..good },
        WriteSpec { sample_format: SampleFormat::Float32, ..good },
        WriteSpec { sample_rate_hz: 0, ..good },
        WriteSpec { sample_rate_hz: 4_000_000, ..good },
        WriteSpec { file_type: FileType::Wav, channels: 65, ..good },
    ] {
        let error = Writer::create(&path, bad).unwrap_err();
        assert!(matches!(error, FileError::Unsupported { .. }), "{bad:?}: {error}");
    }
    let error = Writer::create(folder.path().join("none/song"), good).unwrap_err();
    assert!(matches!(error, FileError::Io { action: "create it", .. }), "{error}");
    let error = Writer::create(&path, good).unwrap().finish().unwrap_err();
    assert!(error.to_string().contains("0 frames"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_of_no_frames_is_written_whole_and_read_as_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty");
    for (file_type, format) in [(FileType::Wav, SampleFormat::Int16), (FileType::Aiff, SampleFormat::Float64)]
    {
        let written = write(&path, spec(file_type, format, 2), &Buffer::new(2, 0), 1);
        assert_eq!(written.frames, 0);
        assert!(matches!(open(&path), Err(FileError::Empty { .. })), "{file_type:?}");
    }
}
