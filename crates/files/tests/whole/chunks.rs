//! WAV and AIFF whose chunks contradict each other: what is sound is read, what is left out is told.

use files::{Encoding, FileError, Info, Note, open};

fn chunk(id: &[u8; 4], content: &[u8], big_endian: bool) -> Vec<u8> {
    sized(id, content.len() as u32, content, big_endian)
}

/// A chunk whose header states `size`, whatever it holds.
fn sized(id: &[u8; 4], size: u32, content: &[u8], big_endian: bool) -> Vec<u8> {
    let size = if big_endian { size.to_be_bytes() } else { size.to_le_bytes() };
    let pad = vec![0; content.len() % 2];
    [id.as_slice(), &size, content, &pad].concat()
}

/// A 16-bit mono WAV at 48 kHz: what stands between its parts is given.
fn wav(id: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = chunks.concat();
    [id.as_slice(), &(content.len() as u32 + 4).to_le_bytes(), b"WAVE", &content].concat()
}

fn fmt() -> Vec<u8> {
    chunk(b"fmt ", &[1, 0, 1, 0, 0x80, 0xbb, 0, 0, 0, 0x77, 1, 0, 2, 0, 16, 0], false)
}

fn data(samples: &[u8]) -> Vec<u8> {
    chunk(b"data", samples, false)
}

fn aiff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = chunks.concat();
    [b"FORM".as_slice(), &(content.len() as u32 + 4).to_be_bytes(), b"AIFF", &content].concat()
}

/// The `COMM` chunk of 16-bit mono at 44.1 kHz.
fn comm(frames: u32) -> Vec<u8> {
    let [a, b, c, d] = frames.to_be_bytes();
    chunk(b"COMM", &[0, 1, a, b, c, d, 0, 16, 0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0], true)
}

fn ssnd(block: u8, samples: &[u8]) -> Vec<u8> {
    chunk(b"SSND", &[&[0, 0, 0, 0, 0, 0, 0, block], samples].concat(), true)
}

/// A ramp from `first` on.
fn ramp(first: i16, frames: i16, big_endian: bool) -> Vec<u8> {
    let bytes = |n: i16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    (first..first + frames).flat_map(bytes).collect()
}

fn read(bytes: &[u8]) -> Result<(Info, Vec<i16>), FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take");
    std::fs::write(&path, bytes).unwrap();
    let mut reader = open(&path)?;
    let sound = reader.read_to_end()?;
    Ok((reader.info().clone(), sound.channel(0).iter().map(|s| (s * 32_768.0) as i16).collect()))
}

/// The file is a ramp of so many frames, with these notes.
fn assert_ramp(what: &str, bytes: &[u8], frames: i16, notes: &[Note]) {
    let (info, sound) = read(bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(sound, (0..frames).collect::<Vec<i16>>(), "{what}");
    assert_eq!(info.notes, notes, "{what}");
    assert_eq!(info.encoding, Encoding::Integer { bits: 16 });
}

#[test]
fn of_two_chunks_of_sound_the_first_is_read_and_the_other_told() {
    let (one, two) = (ramp(0, 100, false), ramp(900, 60, false));
    let told = [Note::SoundLeftOut { chunks: 1, frames: 60 }];
    assert_ramp("two", &wav(b"RIFF", &[fmt(), data(&one), data(&two)]), 100, &told);
    let apart = wav(b"RIFF", &[fmt(), data(&one), chunk(b"LIST", b"INFO", false), data(&two)]);
    assert_ramp("two apart", &apart, 100, &told);
    assert_ramp("before the format", &wav(b"RIFF", &[data(&one), data(&two), fmt()]), 100, &told);
    // An empty one in front is what a recorder leaves that begins anew; an empty one behind is nothing.
    assert_ramp("empty first", &wav(b"RIFF", &[fmt(), data(&[]), data(&one)]), 100, &[]);
    assert_ramp("empty last", &wav(b"RIFF", &[fmt(), data(&one), data(&[])]), 100, &[]);
    let nothing = read(&wav(b"RIFF", &[fmt(), data(&[]), data(&[])])).unwrap_err();
    assert!(matches!(nothing, FileError::Empty { .. }), "{nothing}");

    let (one, two) = (ramp(0, 100, true), ramp(900, 60, true));
    assert_ramp("AIFF, two", &aiff(&[comm(100), ssnd(0, &one), ssnd(0, &two)]), 100, &told);
    assert_ramp("AIFF, empty first", &aiff(&[comm(100), ssnd(0, &[]), ssnd(0, &one)]), 100, &[]);
}

#[test]
fn a_ds64_that_is_wrong_is_told() {
    let sound = ramp(0, 100, false);
    let ds64 = |bytes: u64| chunk(b"ds64", &[[0; 8], bytes.to_le_bytes(), [0; 8]].concat(), false);
    let unset = |samples: &[u8]| sized(b"data", u32::MAX, samples, false);
    let long = |bytes: u64, data: Vec<u8>| wav(b"RF64", &[ds64(bytes), fmt(), data]);
    assert_ramp("right", &long(200, unset(&sound)), 100, &[]);
    let behind = [Note::BytesBehind { bytes: 120, frames: 60 }];
    assert_ramp("too small", &long(80, unset(&sound)), 40, &behind);
    let early = [Note::Truncated { stated_frames: 500, found_frames: 100 }];
    assert_ramp("too large", &long(1000, unset(&sound)), 100, &early);
    // A size that stands in its place goes before the one in `ds64`.
    assert_ramp("not asked for", &long(80, data(&sound)), 100, &[]);
    let unstated = [Note::LengthUnset { found_frames: 100 }];
    assert_ramp("missing", &wav(b"RF64", &[fmt(), unset(&sound)]), 100, &unstated);
    let cut = [b"ds64".as_slice(), &4u32.to_le_bytes(), &[0; 4]].concat();
    assert_ramp("cut", &wav(b"RF64", &[cut, fmt(), unset(&sound)]), 100, &unstated);
}

#[test]
fn what_lies_behind_the_sound_and_belongs_to_nothing_is_told() {
    let sound = ramp(0, 100, false);
    let with = |tail: &[u8]| [wav(b"RIFF", &[fmt(), data(&sound)]), tail.to_vec()].concat();
    let behind = [Note::BytesBehind { bytes: 400, frames: 200 }];
    assert_ramp("sound", &with(&[1; 400]), 100, &behind);
    // Disks and programs fill up with zeros; a rest shorter than a chunk's header is no sound.
    assert_ramp("zeros", &with(&[0; 4000]), 100, &[]);
    assert_ramp("a few", &with(&[1; 7]), 100, &[]);
    assert_ramp("a chunk", &with(&chunk(b"LIST", b"INFOabc", false)), 100, &[]);
    let (head, sound) = (comm(100), ramp(0, 100, true));
    let tail = [aiff(&[head, ssnd(0, &sound)]), vec![1; 400]].concat();
    assert_ramp("AIFF", &tail, 100, &behind);
}

#[test]
fn an_odd_chunk_may_lack_its_padding_anywhere() {
    let sound = ramp(0, 100, false);
    let odd = |id: &[u8; 4]| [id.as_slice(), &3u32.to_le_bytes(), b"abc"].concat();
    for chunks in [
        vec![odd(b"note"), fmt(), data(&sound)],
        vec![fmt(), odd(b"note"), data(&sound)],
        vec![odd(b"one "), odd(b"two "), fmt(), odd(b"note"), data(&sound)],
        vec![odd(b"note"), data(&sound), fmt()],
        vec![fmt(), data(&sound), odd(b"note"), odd(b"more")],
    ] {
        assert_ramp("WAV", &wav(b"RIFF", &chunks), 100, &[]);
    }
    let odd = |id: &[u8; 4]| [id.as_slice(), &3u32.to_be_bytes(), b"abc"].concat();
    let sound = ssnd(0, &ramp(0, 100, true));
    assert_ramp("AIFF", &aiff(&[odd(b"NAME"), comm(100), odd(b"ANNO"), sound]), 100, &[]);
}

// Which of two counts is right nobody can know: nothing is thrown away, and it is told.
#[test]
fn frames_that_are_counted_wrongly_are_read_all_the_same() {
    let sound = ramp(0, 100, true);
    assert_ramp("right", &aiff(&[comm(100), ssnd(0, &sound)]), 100, &[]);
    let differ = [Note::LengthsDiffer { stated_frames: 40, found_frames: 100 }];
    assert_ramp("too few", &aiff(&[comm(40), ssnd(0, &sound)]), 100, &differ);
    let early = [Note::Truncated { stated_frames: 500, found_frames: 100 }];
    assert_ramp("too many", &aiff(&[comm(500), ssnd(0, &sound)]), 100, &early);
    assert_ramp("none", &aiff(&[comm(0), ssnd(0, &sound)]), 100, &[Note::LengthUnset { found_frames: 100 }]);
    // Blocks of a size are filled up behind the last frame.
    let filled = [sound, vec![0; 56]].concat();
    assert_ramp("in blocks", &aiff(&[comm(100), ssnd(64, &filled)]), 100, &[]);
}
