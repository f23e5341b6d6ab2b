//! What is encoded comes back where it was and as long as it was, by our reader and by programs of others.

use std::path::Path;

use crate::support::independent;
use audio::Buffer;
use files::{
    Codec, EncodeSpec, Encoder, Encoding, FileError, FileType, SampleFormat, WriteSpec, Writer, open,
};
use proptest::prelude::*;

/// What ffmpeg hears, interleaved.
fn ffmpeg(path: &Path) -> Option<Vec<f32>> {
    let path = path.to_str().unwrap();
    let output =
        independent("ffmpeg", &["-v", "error", "-i", path, "-f", "f32le", "-c:a", "pcm_f32le", "-"])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{path}: {said}");
    Some(output.stdout.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// What Vorbis' own decoder hears, interleaved. ffmpeg leaves out the last 128 frames where all sound of a file is in one
/// Ogg page.
fn oggdec(path: &Path) -> Option<Vec<f32>> {
    let raw = path.with_extension("raw");
    let (path, to) = (path.to_str().unwrap(), raw.to_str().unwrap());
    let output = independent("oggdec", &["--quiet", "--raw", "--output", to, path])?;
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(raw).unwrap();
    Some(bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect())
}

/// Frames that ffmpeg hears. It cuts off the end of no AAC, its own included, but knows where that is.
fn heard_frames(path: &Path, codec: Codec, decoded: usize) -> usize {
    if codec != Codec::Aac {
        return decoded;
    }
    let asked =
        ["-v", "error", "-show_entries", "stream=duration_ts", "-of", "csv=p=0", path.to_str().unwrap()];
    let said = independent("ffprobe", &asked).map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    said.and_then(|said| said.trim().parse().ok()).unwrap_or(decoded)
}

fn built_in() -> Vec<Codec> {
    let (there, absent): (Vec<Codec>, Vec<Codec>) = Codec::ALL.into_iter().partition(|c| c.is_built_in());
    for codec in absent {
        crate::support::left_out(&format!(
            "{} is not in this build; test with --features mp3,aac",
            codec.name()
        ));
    }
    there
}

fn encode(path: &Path, spec: EncodeSpec, sound: &[Vec<f64>]) {
    let mut encoder = Encoder::create(path, spec).unwrap();
    let sound = Buffer::from_channels(sound);
    // Cut unevenly, as audio comes.
    let mut at = 0;
    for cut in [1, 7, 1000, 4096, 5000].into_iter().cycle() {
        let frames = cut.min(sound.frames() - at);
        encoder.write_f64(&sound.range(at, frames)).unwrap();
        at += frames;
        if at == sound.frames() {
            break;
        }
    }
    assert_eq!(encoder.finish().unwrap().frames, sound.frames() as u64);
}

fn spec(codec: Codec, sample_rate_hz: u32, channels: usize) -> EncodeSpec {
    EncodeSpec { codec, bit_rate_kbps: None, sample_rate_hz, channels }
}

/// A click that every codec can carry: a Gaussian of a few frames, `scale` high.
fn click(frames: usize, at: usize, scale: f64) -> Vec<f64> {
    (0..frames).map(|n| scale * (-0.5 * ((n as f64 - at as f64) / 4.0).powi(2)).exp()).collect()
}

fn loudest(samples: impl Iterator<Item = f64>) -> usize {
    samples.enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap().0
}

// Finds delay that is not taken off or taken off twice, a lost end, a length in whole packets, and channels swapped.
#[test]
fn decoded_audio_is_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for codec in built_in() {
        let path = folder.path().join(format!("click.{}", codec.extension()));
        let rates = codec.sample_rates_hz();
        // Whole packets of 1152, 1024 and 960 frames, one more, one less, and clicks near both ends; every rate comes by.
        let cases = [(11_520, 5_000), (10_239, 40), (10_241, 10_200), (24_001, 12_000), (600, 300)];
        for n in 0..rates.len().max(cases.len()) {
            let (rate, (frames, at), channels) = (rates[n % rates.len()], cases[n % cases.len()], 1 + n % 2);
            // The second channel is quieter, and shows when they are swapped.
            let sound: Vec<Vec<f64>> =
                [0.8, 0.4][..channels].iter().map(|scale| click(frames, at, *scale)).collect();
            encode(&path, spec(codec, rate, channels), &sound);
            let case = format!("{codec:?} at {rate} Hz, {frames} frames, {channels} channels");

            let mut reader = open(&path).unwrap();
            assert_eq!(reader.info().notes, [], "{case}");
            assert_eq!(reader.info().frames, frames, "{case}");
            let ours = reader.read_to_end().unwrap();
            let peak = loudest(ours.channel(0).iter().copied());
            assert!(peak.abs_diff(at) <= 1, "{case}: {peak} instead of {at}");
            // A click of a few frames loses something; a third is more than any of them takes.
            assert!((0.5..1.1).contains(&ours.channel(0)[at]), "{case}: {}", ours.channel(0)[at]);
            if channels == 2 {
                let ratio = ours.channel(1)[at] / ours.channel(0)[at];
                assert!((0.3..0.7).contains(&ratio), "{case}: {ratio}");
            }

            let theirs = if codec == Codec::Vorbis { oggdec(&path) } else { ffmpeg(&path) };
            let Some(theirs) = theirs else { continue };
            assert_eq!(heard_frames(&path, codec, theirs.len() / channels), frames, "{case}, elsewhere");
            let peak = loudest(theirs.iter().step_by(channels).map(|s| f64::from(*s)));
            assert!(peak.abs_diff(at) <= 1, "{case}: another program hears {peak} instead of {at}");
        }
    }
}

/// Something like music: a chord that moves, with a beat.
fn music(frames: usize, rate_hz: u32, side: f64) -> Vec<f64> {
    (0..frames)
        .map(|n| {
            let t = n as f64 / f64::from(rate_hz);
            let chord: f64 = [110.0, 277.2, 660.0, 1_760.0, 5_000.0]
                .iter()
                .map(|hz| (std::f64::consts::TAU * hz * (1.0 + side * 0.01) * t + side).sin())
                .sum();
            0.12 * chord * (0.6 + 0.4 * (std::f64::consts::TAU * 2.0 * t).sin())
        })
        .collect()
}

// Finds a wrong scale, a wrong bit rate and a codec that works, but badly.
#[test]
fn what_is_lost_is_little() {
    let folder = tempfile::tempdir().unwrap();
    for codec in built_in() {
        let path = folder.path().join(format!("music.{}", codec.extension()));
        let rate = if codec == Codec::Opus { 48_000 } else { 44_100 };
        let sound = [music(3 * rate as usize, rate, 0.0), music(3 * rate as usize, rate, 1.0)];
        encode(&path, spec(codec, rate, 2), &sound);
        let decoded = open(&path).unwrap().read_to_end().unwrap();
        let power = |s: f64| s * s;
        for (channel, meant) in sound.iter().enumerate() {
            let lost: f64 = decoded.channel(channel).iter().zip(meant).map(|(d, m)| power(d - m)).sum();
            let kept: f64 = meant.iter().map(|m| power(*m)).sum();
            let ratio_db = 10.0 * (kept / lost).log10();
            // Tones far apart are easily coded; the worst of the four has 26 dB here. 15 is a codec at its wits' end.
            assert!(ratio_db > 15.0, "{codec:?}: {ratio_db:.1} dB");
        }
        let bytes = std::fs::metadata(&path).unwrap().len();
        let kbps = bytes as f64 * 8.0 / 3.0 / 1000.0;
        let asked = f64::from(spec(codec, rate, 2).bit_rate_kbps());
        // Constant rates are met; the others are means of music, and pure tones need less, or by Opus' rules more.
        let range = if matches!(codec, Codec::Mp3 | Codec::Aac) { 0.95..1.1 } else { 0.2..1.5 };
        assert!(range.contains(&(kbps / asked)), "{codec:?}: {kbps} kbit/s of {asked}");
        if let Some(theirs) = ffmpeg(&path) {
            let frames = heard_frames(&path, codec, theirs.len() / 2);
            assert_eq!(frames, sound[0].len(), "{codec:?}: frames that ffmpeg hears");
            let near = theirs
                .iter()
                .step_by(2)
                .zip(decoded.channel(0))
                .all(|(t, o)| (f64::from(*t) - o).abs() < 1e-3);
            // Decoders differ by rounding; one frame off would be 100 times as much.
            assert!(near, "{codec:?}: ffmpeg hears another sound");
        }
    }
}

#[test]
fn the_same_sound_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for codec in built_in() {
        let sound = [music(20_000, 48_000, 0.5)];
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        encode(&one, spec(codec, 48_000, 1), &sound);
        encode(&two, spec(codec, 48_000, 1), &sound);
        assert!(std::fs::read(&one).unwrap() == std::fs::read(&two).unwrap(), "{codec:?}");
        assert!(matches!(open(&one).unwrap().info().encoding, Encoding::Lossy { .. }));
    }
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no");
    let refused = |spec: EncodeSpec, words: &str| {
        let error = Encoder::create(&path, spec).unwrap_err();
        assert!(
            matches!(error, FileError::Unsupported { .. }) && error.to_string().contains(words),
            "{error}"
        );
    };
    refused(spec(Codec::Opus, 44_100, 2), "48000 Hz, not at 44100");
    refused(spec(Codec::Vorbis, 48_000, 3), "mono and stereo");
    refused(EncodeSpec { bit_rate_kbps: Some(5), ..spec(Codec::Opus, 48_000, 2) }, "32 to 510 kbit/s");
    for codec in Codec::ALL {
        if !codec.is_built_in() {
            let feature = format!("--features {}", codec.feature().unwrap());
            refused(spec(codec, 48_000, 2), &feature);
            continue;
        }
        let empty = Encoder::create(&path, spec(codec, 48_000, 2)).unwrap();
        assert!(empty.finish().unwrap_err().to_string().contains("0 frames"));
        let mut dropped = Encoder::create(&path, spec(codec, 48_000, 2)).unwrap();
        dropped.write_f64(&Buffer::new(2, 5_000).as_block()).unwrap();
        drop(dropped);
        // NaN, infinities and absurd levels do no harm.
        let worst = [f64::NAN, f64::INFINITY, -1e300, 1e9, 0.0, 1.0, -1.0, f64::MIN_POSITIVE];
        let sound: Vec<f64> = worst.iter().cycle().take(5_000).copied().collect();
        encode(&folder.path().join("worst"), spec(codec, 48_000, 1), &[sound]);
        assert_eq!(open(folder.path().join("worst")).unwrap().info().frames, 5_000);
        std::fs::remove_file(folder.path().join("worst")).unwrap();
    }
    if cfg!(feature = "mp3") {
        refused(EncodeSpec { bit_rate_kbps: Some(300), ..spec(Codec::Mp3, 48_000, 2) }, "256, 320 kbit/s");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn write_alac(path: &Path, format: SampleFormat, planes: &[Vec<i32>]) {
    let spec = WriteSpec {
        file_type: FileType::Alac,
        sample_format: format,
        sample_rate_hz: 96_000,
        channels: planes.len(),
    };
    let mut writer = Writer::create(path, spec).unwrap();
    let planes: Vec<&[i32]> = planes.iter().map(Vec::as_slice).collect();
    writer.write_i32(&planes).unwrap();
    writer.finish().unwrap();
}

fn read_back(path: &Path, bits: u32) -> Vec<Vec<i32>> {
    let mut reader = open(path).unwrap();
    assert_eq!(reader.info().encoding, Encoding::Lossless { codec: "ALAC", bits });
    let sound = reader.read_to_end().unwrap();
    let scale = f64::from(1u32 << (bits - 1));
    (0..sound.channels()).map(|c| sound.channel(c).iter().map(|s| (s * scale) as i32).collect()).collect()
}

/// Sounds that try a lossless coder: nothing, noise, the ends of the scale, and something like music.
fn trials(bits: u32, frames: usize) -> Vec<(&'static str, Vec<Vec<i32>>)> {
    let top = i32::MAX >> (32 - bits);
    let mut state = 1u64;
    let mut noise = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as i32 >> (32 - bits)
    };
    let tone: Vec<i32> =
        (0..frames).map(|n| (f64::from(top) * 0.7 * (n as f64 * 0.03).sin()) as i32).collect();
    let square: Vec<i32> = (0..frames).map(|n| if n / 50 % 2 == 0 { top } else { -top - 1 }).collect();
    let turned = square.iter().map(|s| -1 - s).collect();
    let quiet = tone.iter().map(|s| s / (top / 100)).collect();
    let clicks = (0..frames).map(|n| if n % 997 == 5 { 1 } else { 0 }).collect();
    vec![
        ("silence", vec![vec![0; frames]; 2]),
        ("noise", vec![(0..frames).map(&mut noise).collect(), (0..frames).map(&mut noise).collect()]),
        ("full-scale squares against each other", vec![square.clone(), turned]),
        ("a tone twice", vec![tone.clone(), tone.clone()]),
        ("a quiet tone and clicks", vec![quiet, clicks]),
        ("one channel", vec![tone]),
        ("one channel of squares", vec![square]),
    ]
}

#[test]
fn alac_comes_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.m4a");
    for (format, bits) in [(SampleFormat::Int16, 16), (SampleFormat::Int24, 24)] {
        // One frame, fewer than the predictor looks back, whole packets and one more.
        for frames in [1, 8, 10, 4_096, 4_097, 70_000] {
            for (name, planes) in trials(bits, frames) {
                write_alac(&path, format, &planes);
                assert!(read_back(&path, bits) == planes, "{name}, {bits} bits, {frames} frames");
                if frames != 70_000 && frames != 10 {
                    continue;
                }
                let text = path.to_str().unwrap();
                let arguments = ["-v", "error", "-i", text, "-f", "s32le", "-c:a", "pcm_s32le", "-"];
                let Some(output) = independent("ffmpeg", &arguments) else { continue };
                assert_eq!(
                    String::from_utf8_lossy(&output.stderr),
                    "",
                    "{name}, {bits} bits, {frames} frames"
                );
                let theirs: Vec<i32> = output
                    .stdout
                    .chunks_exact(4)
                    .map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]) >> (32 - bits))
                    .collect();
                let ours: Vec<i32> = (0..frames).flat_map(|n| planes.iter().map(move |p| p[n])).collect();
                assert!(theirs == ours, "{name}, {bits} bits, {frames} frames, by ffmpeg");
            }
        }
    }
}

// A coder that gave up predicting would be right, and no smaller than WAV.
#[test]
fn alac_is_smaller_than_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.m4a");
    let scale = |s: &f64| (s * 32_767.0) as i32;
    let planes: Vec<Vec<i32>> =
        [0.0, 0.02].iter().map(|side| music(96_000, 96_000, *side).iter().map(scale).collect()).collect();
    write_alac(&path, SampleFormat::Int16, &planes);
    let bytes = std::fs::metadata(&path).unwrap().len();
    // Of 16 bits such tones need 5 to 6.
    assert!(bytes < 96_000 * 4 * 3 / 8, "{bytes} bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn alac_holds_anything(
        left in prop::collection::vec(prop_oneof![Just(0), any::<i16>().prop_map(i32::from), -3..4i32], 1..6000),
        turn in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.m4a");
        let right: Vec<i32> = left.iter().map(|s| if turn { -1 - s } else { s / 2 }).collect();
        let planes = [left, right];
        write_alac(&path, SampleFormat::Int16, &planes);
        prop_assert!(read_back(&path, 16) == planes);
    }
}
