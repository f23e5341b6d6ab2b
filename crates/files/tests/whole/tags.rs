//! What is written beside the sound comes back, in every format, and the sound stays as it was.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::independent;
use audio::Buffer;
use files::{
    Codec, Cover, EncodeSpec, Encoder, FileType, Loudness, SampleFormat, Tags, WriteSpec, Writer, open,
    plain_integers, read_broadcast_loudness, read_tags, write_tags,
};
use proptest::prelude::*;

/// A picture of one pixel, made with zlib and the PNG specification.
const PNG: [u8; 67] = [
    0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8,
    0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T', 0x78, 0xda, 0x63, 0x60, 0, 0, 0,
    2, 0, 1, 0xe5, 0x27, 0xde, 0xfc, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

fn everything() -> Tags {
    let text = |text: &str| Some(text.to_owned());
    Tags {
        title: text("Füße – 雨 & <Ende>"),
        artist: text("Ørsted, Ňovák"),
        album_artist: text("Various 艺人"),
        album: text("Первый альбом"),
        track: Some(3),
        tracks: Some(14),
        disc: Some(1),
        discs: Some(2),
        isrc: text("DEA123400001"),
        barcode: text("4006381333931"),
        date: text("2026-11-21"),
        genre: text("Chamber Pop"),
        composer: text("J. Ünlü"),
        lyrics: text("Zeile eins\nZeile zwei: 愛"),
        copyright: text("℗ 2026 Büro"),
        label: text("Nørd Records"),
        comment: text("made by hand"),
        cover: Cover::new(PNG.to_vec()),
        loudness: Loudness {
            track_lufs: Some(-13.987),
            track_peak_dbtp: Some(-1.02),
            album_lufs: Some(-14.504),
            album_peak_dbtp: Some(-0.51),
            range_lu: Some(6.3),
            max_momentary_lufs: Some(-9.1),
            max_short_term_lufs: Some(-11.25),
        },
    }
}

fn sound() -> Buffer {
    let tone = |hz: f64| {
        (0..30_001).map(|n| 0.5 * (n as f64 * hz / 48_000.0 * std::f64::consts::TAU).sin()).collect()
    };
    Buffer::from_channels(&[tone(440.0), tone(660.0)] as &[Vec<f64>])
}

/// One file of every kind that this build writes.
fn every_kind(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let kinds = [
        ("16.wav", FileType::Wav, SampleFormat::Int16),
        ("float.wav", FileType::Wav, SampleFormat::Float32),
        ("24.aiff", FileType::Aiff, SampleFormat::Int24),
        ("24.flac", FileType::Flac, SampleFormat::Int24),
        ("24.m4a", FileType::Alac, SampleFormat::Int24),
    ];
    for (name, file_type, sample_format) in kinds {
        let path = folder.join(name);
        let spec = WriteSpec { file_type, sample_format, sample_rate_hz: 48_000, channels: 2 };
        let mut writer = Writer::create(&path, spec).unwrap();
        writer.write_f64(&sound().as_block()).unwrap();
        writer.finish().unwrap();
        paths.push(path);
    }
    for codec in Codec::ALL.into_iter().filter(|codec| codec.is_built_in()) {
        let path = folder.join(format!("lossy.{}", codec.extension()));
        let spec = EncodeSpec { codec, bit_rate_kbps: None, sample_rate_hz: 48_000, channels: 2 };
        let mut encoder = Encoder::create(&path, spec).unwrap();
        encoder.write_f64(&sound().as_block()).unwrap();
        encoder.finish().unwrap();
        paths.push(path);
    }
    paths
}

/// What each kind keeps of everything: gains in hundredths of a dB to -18 LUFS, peaks to six digits; Opus has Q7.8 gains
/// to -23 LUFS (RFC 7845 section 5.2.1), and no peaks.
fn kept(path: &Path, tags: &Tags) -> Tags {
    let opus = path.extension().is_some_and(|e| e == "opus");
    let (reference, steps) = if opus { (-23.0, 256.0) } else { (-18.0, 100.0) };
    let lufs = |lufs: f64| reference - ((reference - lufs) * steps).round() / steps;
    let peak = |dbtp: f64| 20.0 * ((10f64.powf(dbtp / 20.0) * 1e6).round() / 1e6).log10();
    let said = &tags.loudness;
    let loudness = Loudness {
        track_lufs: said.track_lufs.map(lufs),
        album_lufs: said.album_lufs.map(lufs),
        track_peak_dbtp: said.track_peak_dbtp.map(peak).filter(|_| !opus),
        album_peak_dbtp: said.album_peak_dbtp.map(peak).filter(|_| !opus),
        ..Loudness::default()
    };
    Tags { loudness, ..tags.clone() }
}

/// The same to a billionth of a dB.
fn same(a: &Tags, b: &Tags) -> bool {
    let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        (a, b) => a == b,
    };
    let (x, y) = (a.loudness, b.loudness);
    near(x.track_lufs, y.track_lufs)
        && near(x.track_peak_dbtp, y.track_peak_dbtp)
        && near(x.album_lufs, y.album_lufs)
        && near(x.album_peak_dbtp, y.album_peak_dbtp)
        && Tags { loudness: Loudness::default(), ..a.clone() }
            == Tags { loudness: Loudness::default(), ..b.clone() }
}

/// A file that gets its tags as it is finished has the bytes of one that gets them later: finds a chunk in another order, a size
/// that is not brought up to date, a sound of an odd number of bytes whose end is overwritten, and room left where nothing is.
#[test]
fn tags_at_the_end_of_writing_are_those_of_a_finished_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for sample_format in [SampleFormat::Int8, SampleFormat::Int16, SampleFormat::Int24, SampleFormat::Float64]
    {
        for channels in 1..=3usize {
            for tags in [everything(), Tags::default(), Tags { title: Some("a".into()), ..Tags::default() }] {
                let spec =
                    WriteSpec { file_type: FileType::Wav, sample_format, sample_rate_hz: 44_100, channels };
                let planes: Vec<Vec<f64>> = (1..=channels)
                    .map(|c| (0..5001).map(|n| (0.01 * (c * n) as f64).sin()).collect())
                    .collect();
                let write = |mut writer: Writer| {
                    writer.write_f64(&Buffer::from_channels(&planes).as_block()).unwrap();
                    writer
                };
                write(Writer::create(path("later.wav"), spec).unwrap()).finish().unwrap();
                write_tags(path("later.wav"), &tags).unwrap();
                let writer = write(Writer::create_to_be_tagged(path("tagged.wav"), spec).unwrap());
                writer.finish_tagged(&tags).unwrap();
                let (later, tagged) =
                    (std::fs::read(path("later.wav")).unwrap(), std::fs::read(path("tagged.wav")).unwrap());
                let differs = later.iter().zip(&tagged).position(|(a, b)| a != b);
                assert!(later == tagged, "{sample_format:?}, {channels} channels: {differs:?}");
            }
        }
    }
    let flac = WriteSpec {
        file_type: FileType::Flac,
        sample_format: SampleFormat::Int16,
        sample_rate_hz: 44_100,
        channels: 1,
    };
    assert!(Writer::create_to_be_tagged(path("a.flac"), flac).is_err());
}

/// The bytes of the samples and nothing else, before and behind which tags stand; and nothing of files whose samples lie
/// otherwise.
#[test]
fn plain_integers_are_found_between_the_tags() {
    let folder = tempfile::tempdir().unwrap();
    for path in every_kind(folder.path()) {
        let plain = path.ends_with("16.wav");
        write_tags(&path, &everything()).unwrap();
        let found = plain_integers(&path).unwrap();
        assert_eq!(found.is_some(), plain, "{}", path.display());
        let Some((info, place)) = found else { continue };
        let bytes = std::fs::read(&path).unwrap();
        let samples = bytes[place.start as usize..place.end as usize].chunks_exact(2);
        let read: Vec<f64> =
            samples.map(|s| f64::from(i16::from_le_bytes([s[0], s[1]])) / 32_768.0).collect();
        let sound = open(&path).unwrap().read_to_end().unwrap();
        assert_eq!((info.frames, read.len()), (sound.frames(), 2 * sound.frames()));
        for channel in 0..2 {
            assert!(read.iter().skip(channel).step_by(2).eq(sound.channel(channel)));
        }
    }
}

// Finds a field that is lost, a letter that is not ASCII and breaks, and a tag that harms the sound.
#[test]
fn everything_comes_back_and_the_sound_stays() {
    let folder = tempfile::tempdir().unwrap();
    let tags = everything();
    for path in every_kind(folder.path()) {
        let name = path.display();
        let before = open(&path).unwrap().read_to_end().unwrap();
        // Twice: the second time there are tags to replace.
        write_tags(&path, &Tags { title: Some("another".into()), ..Tags::default() }).unwrap();
        write_tags(&path, &tags).unwrap();
        let found = read_tags(&path).unwrap();
        assert!(same(&found, &kept(&path, &tags)), "{name}: {found:?}");
        let mut reader = open(&path).unwrap();
        assert_eq!(reader.info().notes, [], "{name}");
        let after = reader.read_to_end().unwrap();
        assert!(before.frames() == after.frames() && before.channel(1) == after.channel(1), "{name}");
        let once = std::fs::read(&path).unwrap();
        write_tags(&path, &tags).unwrap();
        let again = std::fs::read(&path).unwrap();
        let differs = again.iter().zip(&once).position(|(a, b)| a != b);
        assert!(
            again == once,
            "{name}: the same tags give other bytes from {differs:?} on, {} of {}",
            again.len(),
            once.len()
        );
        // Without anything to say nothing is left of it.
        write_tags(&path, &Tags::default()).unwrap();
        assert_eq!(read_tags(&path).unwrap(), Tags::default(), "{name}");
        assert_eq!(open(&path).unwrap().read_to_end().unwrap().channel(0), before.channel(0), "{name}");
    }
}

/// One short file of every kind, made once.
fn short_ones() -> &'static [PathBuf] {
    static FILES: OnceLock<(tempfile::TempDir, Vec<PathBuf>)> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        let paths = every_kind(folder.path());
        (folder, paths)
    };
    &FILES.get_or_init(make).1
}

/// Anything that people write, in any script, with spaces and line ends at odd places.
fn texts() -> impl Strategy<Value = Option<String>> {
    let odd = prop::sample::select(vec![
        "a/b",
        "a;b",
        "a\\\\b",
        " both ",
        "x=y",
        "=",
        "line\nline",
        "\"",
        "&amp;",
        "\u{1f3b5}",
    ]);
    prop::option::of(prop_oneof![3 => "\\PC{1,24}", 1 => odd.prop_map(str::to_owned)])
}

/// A kind of music: numbers alone are places in a list of ID3's, and no names.
fn genres() -> impl Strategy<Value = Option<String>> {
    texts().prop_filter("a name has letters", |text| text.iter().all(|t| t.chars().any(char::is_alphabetic)))
}

proptest! {
    // Each case writes every kind of file; other texts come by in every run.
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    // Finds a text that one format splits, trims, numbers or drops, and a tag that harms the sound.
    #[test]
    fn any_text_comes_back(
        (title, artist, album, genre) in (texts(), texts(), texts(), genres()),
        (composer, lyrics, comment, label) in (texts(), texts(), texts(), texts()),
        (track, tracks) in (prop::option::of(1..1000u32), prop::option::of(1..1000u32)),
        track_lufs in prop::option::of(-70.0..5.0f64),
    ) {
        let loudness = Loudness { track_lufs, ..Loudness::default() };
        let tags = Tags {
            title, artist, album, genre, composer, lyrics, comment, label, track, tracks, loudness, ..Tags::default()
        };
        for path in short_ones() {
            let name = path.file_name().unwrap();
            let before = files::decoded_hash(path).unwrap();
            let wrote = write_tags(path, &tags);
            prop_assert!(wrote.is_ok(), "{:?}: {} {:?}", name, wrote.unwrap_err(), tags);
            let found = read_tags(path).unwrap();
            prop_assert!(same(&found, &kept(path, &tags)), "{:?}: {:?} instead of {:?}", name, found, tags);
            prop_assert_eq!(files::decoded_hash(path).unwrap(), before, "{:?}", name);
        }
    }
}

/// Date and time stand behind description, originator and reference (Tech 3285, 2.3). Finds a day that nobody gave, and one
/// that is made of a year.
#[test]
fn a_broadcast_date_is_a_whole_one_or_none() {
    let folder = tempfile::tempdir().unwrap();
    for (date, told) in [(Some("2026-11-21"), *b"2026-11-21"), (Some("2026"), [0; 10]), (None, [0; 10])] {
        let path = every_kind(folder.path()).remove(0);
        write_tags(&path, &Tags { date: date.map(str::to_owned), ..everything() }).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let at = 8 + bytes.windows(4).position(|id| id == b"bext").unwrap() + 256 + 32 + 32;
        assert_eq!(bytes[at..at + 10], told, "{date:?}");
        assert_eq!(bytes[at + 10..at + 18], [0; 8], "{date:?}");
    }
}

#[test]
fn broadcast_loudness_stands_in_hundredths() {
    let folder = tempfile::tempdir().unwrap();
    let path = every_kind(folder.path()).remove(0);
    assert_eq!(read_broadcast_loudness(&path).unwrap(), None);
    write_tags(&path, &everything()).unwrap();
    let found = read_broadcast_loudness(&path).unwrap().unwrap();
    assert_eq!((found.track_lufs, found.range_lu), (Some(-13.99), Some(6.3)));
    assert_eq!((found.track_peak_dbtp, found.max_short_term_lufs), (Some(-1.02), Some(-11.25)));
    assert_eq!(found.max_momentary_lufs, Some(-9.1));
    write_tags(&path, &Tags::default()).unwrap();
    assert_eq!(read_broadcast_loudness(&path).unwrap(), Some(Loudness::default()));
    let info = open(&path).unwrap().info().clone();
    assert_eq!(info.broadcast.originator, "Tonmeister");
    assert_eq!(info.broadcast.channel_names, ["Left", "Right"]);
}

// Everything that others say about our files.
#[test]
fn independent_programs_agree() {
    let folder = tempfile::tempdir().unwrap();
    let tags = everything();
    for path in every_kind(folder.path()) {
        write_tags(&path, &tags).unwrap();
        let text = path.to_str().unwrap();
        let run = |program: &str, arguments: &[&str]| {
            let output = independent(program, arguments)?;
            let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program} on {text}: {said}");
            Some(said.into_owned())
        };
        let holds = |said: Option<String>, words: &[&str]| {
            for word in words {
                assert!(said.as_ref().is_none_or(|said| said.contains(word)), "{text}: {word} in {said:?}");
            }
        };
        let asked = ["-v", "error", "-show_format", "-show_streams", text];
        holds(
            run("ffprobe", &asked),
            &["Füße – 雨 & <Ende>", "Ørsted, Ňovák", "sample_rate=48000", "channels=2"],
        );
        // ffprobe counts the frames of MPEG-4 and Ogg in whole packets, but the length in seconds is exact.
        holds(run("mediainfo", &[text]), &["Füße – 雨", "Первый альбом"]);
        // ffmpeg decodes every byte without a word.
        holds(run("ffmpeg", &["-v", "error", "-xerror", "-i", text, "-f", "null", "-"]), &[]);
        match path.extension().and_then(|e| e.to_str()) {
            Some("flac") => {
                holds(run("flac", &["-t", "-w", text]), &["ok"]);
                let list = ["--list", "--block-type=VORBIS_COMMENT,PICTURE", text];
                holds(
                    run("metaflac", &list),
                    &["ISRC=DEA123400001", "REPLAYGAIN_TRACK_GAIN=-4.01 dB", "image/png"],
                );
            }
            Some("opus") => {
                let said = run("opusinfo", &[text]);
                assert!(said.as_ref().is_none_or(|said| !said.contains("WARNING")), "{said:?}");
                // -23 - -13.987 is -9.013, in 1/256.
                holds(said, &["R128_TRACK_GAIN=-2307", "Playback length: 0m:00.625s"]);
            }
            Some("ogg") => {
                let said = run("ogginfo", &[text]);
                assert!(said.as_ref().is_none_or(|said| !said.contains("WARNING")), "{said:?}");
                holds(said, &["REPLAYGAIN_TRACK_GAIN=-4.01 dB", "Playback length: 0m:00.625s"]);
            }
            Some("mp3") => {
                let said = run("mp3val", &[text]);
                assert!(said.as_ref().is_none_or(|said| !said.contains("WARNING")), "{said:?}");
                holds(said, &["ID3v2"]);
            }
            // Free-form tags are found only behind the track.
            Some("m4a") => {
                holds(run("ffprobe", &asked), &["ISRC=DEA123400001", "BARCODE=4006381333931", "-4.01 dB"]);
            }
            Some("wav") => {
                let said = run("mediainfo", &["--Full", text]);
                holds(said, &["Tonmeister", "DEA123400001"]);
            }
            _ => {}
        }
    }
}

#[test]
fn a_cover_is_a_png_or_a_jpeg() {
    assert_eq!(Cover::new(PNG.to_vec()).unwrap().mime(), "image/png");
    assert_eq!(Cover::new(vec![0xff, 0xd8, 0xff, 0xe0]).unwrap().mime(), "image/jpeg");
    assert_eq!(Cover::new(b"GIF89a".to_vec()), None);
    assert_eq!(Cover::new(Vec::new()), None);
}
