//! What holds for every input of a parser, whatever it is. Each fuzz target calls one of these; the seeds that
//! `cargo run --example corpus` writes are called with them in a test as well.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use audio::Buffer;
use session::{Decision, Document};

/// A file in memory, one for each process.
fn file(extension: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        files::silence_decoder_panics();
        let base = PathBuf::from("/dev/shm");
        let base = if base.is_dir() { base } else { std::env::temp_dir() };
        let folder = base.join(format!("tonmeister-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder in memory");
        folder
    });
    folder.join(if extension.is_empty() { "fuzz".to_owned() } else { format!("fuzz.{extension}") })
}

fn file_with(bytes: &[u8], extension: &str) -> PathBuf {
    let path = file(extension);
    fs::write(&path, bytes).expect("space in memory");
    path
}

/// So many frames are read from the beginning on: a header may promise days of silence, and one execution shall take a
/// millisecond.
const MOST_FRAMES: usize = 3_000;

/// Frames in a block.
const BLOCK_FRAMES: usize = 512;

/// Any bytes as an audio file: it is refused with a message, or read to what was promised, whatever is sought; and
/// what is given are numbers.
pub fn audio_file(bytes: &[u8], extension: &str) {
    let path = file_with(bytes, extension);
    let mut reader = match files::open(&path) {
        Ok(reader) => reader,
        Err(error) => {
            assert!(error.to_string().len() > 10);
            return;
        }
    };
    let (frames, channels) = (reader.info().frames, reader.info().channels);
    assert!(frames > 0 && (1..=64).contains(&channels));
    let mut block = Buffer::new(channels, BLOCK_FRAMES);
    let mut done = 0;
    while done < frames.min(MOST_FRAMES) {
        let Ok(read) = reader.read(&mut block.as_block_mut()) else { return };
        assert_eq!(read, BLOCK_FRAMES.min(frames - done), "as many frames as promised");
        for channel in 0..channels {
            assert!(block.channel(channel).iter().all(|s| s.abs() <= 1000.0), "a sample that can be played");
        }
        done += read;
    }
    // To the end, and back.
    for place in [frames - 1, frames / 3] {
        let mut one = Buffer::new(channels, 1);
        if reader.seek(place).is_err() || reader.read(&mut one.as_block_mut()).is_err() {
            return;
        }
        assert_eq!(reader.position(), place + 1);
    }
    for note in &reader.info().notes {
        assert!(!note.to_string().is_empty());
    }
}

/// Any bytes as an Ogg file whose pages have right checksums, so that what is in them is looked at: a page with a wrong
/// one counts as lost.
pub fn ogg_pages(bytes: &[u8], extension: &str) {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while at + 27 <= bytes.len() {
        if !bytes[at..].starts_with(b"OggS") {
            at += 1;
            continue;
        }
        let table = at + 27 + usize::from(bytes[at + 26]);
        let sound: usize = bytes.get(at + 27..table).unwrap_or_default().iter().map(|n| usize::from(*n)).sum();
        let Some(page) = bytes.get_mut(at..table + sound) else { break };
        page[22..26].fill(0);
        // RFC 3533 section 6, bit by bit.
        let sum = page.iter().fold(0u32, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte) << 24, |s, _| s << 1 ^ if s >> 31 == 1 { 0x04c1_1db7 } else { 0 })
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        at = table + sound;
    }
    audio_file(&bytes, extension);
}

/// Any bytes as what recorders write beside the sound of a WAV file: the first 602 as `bext`, the rest as `iXML`.
pub fn broadcast(bytes: &[u8]) {
    let (bext, ixml) = bytes.split_at(bytes.len().min(602));
    let mut file = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x02\0\x80\xbb\0\0\0\xee\x02\0\x04\0\x10\0".to_vec();
    for (id, content) in [(b"bext", bext), (b"iXML", ixml), (b"data", [0; 16].as_slice())] {
        file.extend(id);
        file.extend((content.len() as u32).to_le_bytes());
        file.extend(content);
        file.resize(file.len().next_multiple_of(2), 0);
    }
    let path = file_with(&file, "wav");
    let info = files::probe(&path).expect("the sound beside them is whole");
    assert_eq!((info.frames, info.channels), (4, 2));
    assert!(info.broadcast.channel_names.len() <= 2);
    assert!(!info.broadcast.description.contains('\0') && !info.broadcast.originator.contains('\0'));
}

/// Any text as a data file of a person, such as `services.toml`: refused at a place in it, or rows with their places.
pub fn rows(text: &str) {
    let lines = text.split('\n').count();
    match session::load_rows(&file_with(text.as_bytes(), "toml"), "service") {
        Ok(rows) => assert!(rows.iter().all(|row| row.value.is_object() && (1..=lines).contains(&row.place.line))),
        Err(error) => assert!(error.to_string().contains("fuzz.toml"), "{error}"),
    }
}

/// Any text as an album file: every problem has a place in it, and what has none is an album with sensible lengths.
pub fn album(text: &str) {
    let lines = text.split('\n').count();
    let (album, problems) = session::album_of(text);
    assert!(problems.iter().all(|problem| (1..=lines).contains(&problem.place.line) && !problem.to_string().is_empty()));
    if problems.is_empty() {
        let lengths = album.tracks.iter().flat_map(|track| [track.gap_s, track.crossfade_s, track.fade_out_s]);
        assert!(lengths.into_iter().all(|length_s| length_s.is_finite() && length_s >= 0.0), "{album:?}");
    }
}

/// Any session, and any settings of it as the shell gives them: what is set can be read, and taking it back gives the
/// session that was there.
pub fn edit(text: &str) {
    let Some((text, settings)) = text.split_once("\n====\n") else { return };
    let Ok(mut document) = text.parse::<Document>() else { return };
    for (key, value) in settings.lines().take(8).filter_map(|line| line.split_once('=')) {
        // The shell changes only a session that can be used: taking back what mended one would be refused.
        let Ok(before) = document.session() else { return };
        let Ok(edit) = document.set(key, value) else { continue };
        let mut again = document.clone();
        assert!(again.to_string().parse::<Document>().is_ok(), "{again}");
        again.edit(&edit.inverse()).expect("what was set can be taken back");
        assert_eq!(again.session().ok(), Some(before), "{key}={value}\n{again}");
    }
}

/// Any text as a session: all problems have a place in it, and what can be used is the same after writing and
/// reading.
pub fn session_text(text: &str) {
    let reading = session::read(text);
    for problem in &reading.problems {
        assert!(!problem.to_string().is_empty() && problem.place.line <= text.split('\n').count());
    }
    let Ok(document) = text.parse::<Document>() else { return };
    if reading.is_usable() {
        let written = Document::new(&reading.session).to_string();
        let again = session::read(&written);
        assert!(again.is_usable(), "{written}\n{:?}", again.problems);
        assert_eq!(again.session, reading.session, "{written}");
        let kept = document.to_string();
        assert_eq!(session::read(&kept).session, reading.session, "{kept}");
    }
    for (path, _) in document.notes() {
        let _ = document.get(&path);
    }
}

/// Any two sessions: where both can be used, so can what they are merged to, and a person keeps what is theirs.
pub fn merge(plan: &str, mine: &str) {
    let (Ok(theirs), Ok(mine)) = (plan.parse::<Document>(), mine.parse::<Document>()) else { return };
    let usable = theirs.session().is_ok() && mine.session().is_ok();
    let merged = session::merge(Some(&theirs), &mine, &theirs);
    let text = merged.document.to_string();
    assert!(text.parse::<Document>().is_ok(), "{text}");
    if usable {
        let again = session::merge(Some(&merged.base), &merged.document, &theirs);
        assert_eq!(again.document.session().ok(), merged.document.session().ok(), "merging again changes nothing");
    }
}

/// Any bytes as decisions kept on the disk: what is read is written the same, and applying it leaves a document that
/// can be read.
pub fn decisions(bytes: &[u8]) {
    let Ok(decisions) = serde_json::from_slice::<Vec<Decision>>(bytes) else { return };
    let text = serde_json::to_vec(&decisions).expect("decisions are plain values");
    let again: Vec<Decision> = serde_json::from_slice(&text).expect("what was written");
    assert_eq!(again, decisions);
    let mut document = Document::default();
    if session::apply(&mut document, &decisions).is_ok() {
        assert!(document.to_string().parse::<Document>().is_ok());
    }
}

/// Any text as settings of every processor.
pub fn settings(text: &str) {
    let (kinds, text) = match text.split_once('\n') {
        Some((id, rest)) => (dsp::KINDS.iter().filter(|k| k.id == id).collect::<Vec<_>>(), rest),
        None => (dsp::KINDS.iter().collect(), text),
    };
    for kind in kinds {
        if let Err(unknown) = dsp::Values::parse(kind, text) {
            assert!(!unknown.to_string().is_empty());
        }
    }
}

/// Any lines as the names of a folder's recordings: every one becomes a track or half of one, and the session can be
/// written and read.
pub fn track_names(text: &str) {
    let names: Vec<&str> = text.lines().filter(|l| !l.is_empty() && !l.contains(['/', '\0'])).take(40).collect();
    let recordings: Vec<assistant::Recording> = names
        .iter()
        .map(|name| assistant::Recording {
            path: format!("{name}.wav").into(),
            sample_rate_hz: 48_000,
            channels: 1,
            duration_s: 10.0,
            depth: "24-bit".into(),
            ..assistant::Recording::default()
        })
        .collect();
    let imported = assistant::import(&recordings, "Song");
    let held: usize = imported.session.tracks.values().map(|track| track.files.len()).sum();
    assert_eq!(held, recordings.len(), "{names:?}");
    let written = Document::new(&imported.session).to_string();
    let again = session::read(&written);
    // The same name twice is one file in two tracks, which the reader may speak about.
    assert!(names.len() > 1 || again.is_usable(), "{written}\n{:?}", again.problems);
}

/// Any bytes as a file's name: the same after text and back.
#[cfg(unix)]
pub fn file_name(bytes: &[u8]) {
    use std::os::unix::ffi::OsStrExt;
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(bytes));
    let text = session::file_text(path);
    assert_eq!(session::text_file(&text).as_deref(), Some(path), "{text}");
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = session::text_file(text);
    }
}

/// Any bytes as an audio file with tags: they are read or refused, and whether or not what was read can be written
/// again, the sound stays as it was.
pub fn tags(bytes: &[u8], extension: &str) {
    let path = file_with(bytes, extension);
    let Ok(tags) = files::read_tags(&path) else { return };
    let heard = files::decoded_hash(&path);
    let written = files::write_tags(&path, &tags);
    if let Err(error) = &written {
        assert!(error.to_string().len() > 10);
    }
    let again = files::read_tags(&path);
    assert!(written.is_err() || again.is_ok(), "what was written can be read");
    if let (Ok(heard), Ok(now)) = (heard, files::decoded_hash(&path)) {
        assert_eq!(now, heard, "the sound stays");
    }
}
