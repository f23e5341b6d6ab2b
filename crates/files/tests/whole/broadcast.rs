//! Time stamps, channel names and speakers, as recorders write them beside the sound.

use std::fs;

use files::{Broadcast, FileError, Format, Info, open};

fn info(bytes: &[u8]) -> Result<Info, FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    open(&path).map(|r| r.info().clone())
}

fn chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut all = id.to_vec();
    all.extend((content.len() as u32).to_le_bytes());
    all.extend(content);
    all.resize(all.len().next_multiple_of(2), 0);
    all
}

/// The table in EBU Tech 3285 section 2.3: description, originator, reference, date, time, stamp (low word first).
fn bext(stamp: u64) -> Vec<u8> {
    let mut content = vec![0; 602];
    content[..10].copy_from_slice(b"Vox take 3");
    content[256..265].copy_from_slice(b"Pro Tools");
    content[320..338].copy_from_slice(b"2026-11-2112:00:00");
    content[338..346].copy_from_slice(&stamp.to_le_bytes());
    content
}

fn ixml(stamp: u64, names: &[&str]) -> Vec<u8> {
    let tracks: String = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            format!("<TRACK><INTERLEAVE_INDEX>{}</INTERLEAVE_INDEX><NAME>{name}</NAME></TRACK>", n + 1)
        })
        .collect();
    format!(
        "<BWFXML><SPEED><TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>{}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>\
         <TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>{}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO></SPEED>\
         <TRACK_LIST>{tracks}</TRACK_LIST></BWFXML>",
        stamp >> 32,
        stamp & 0xffff_ffff
    )
    .into_bytes()
}

/// A format chunk of 16-bit samples; with a speaker mask where one is given.
fn format(channels: u16, mask: Option<u32>) -> Vec<u8> {
    let mut content = Vec::new();
    content.extend(if mask.is_some() { 0xfffeu16 } else { 1 }.to_le_bytes());
    content.extend(channels.to_le_bytes());
    content.extend(48_000u32.to_le_bytes());
    content.extend((48_000 * 2 * u32::from(channels)).to_le_bytes());
    content.extend((2 * channels).to_le_bytes());
    content.extend(16u16.to_le_bytes());
    if let Some(mask) = mask {
        content.extend(22u16.to_le_bytes());
        content.extend(16u16.to_le_bytes());
        content.extend(mask.to_le_bytes());
        content.extend(b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    }
    content
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let all = chunks.concat();
    let mut file = b"RIFF".to_vec();
    file.extend((all.len() as u32 + 4).to_le_bytes());
    file.extend(b"WAVE");
    file.extend(all);
    file
}

/// An hour and a bit at 48 kHz, in session time; and one that needs the upper word.
const STAMPS: [u64; 3] = [3_600 * 48_000 + 12_345, 0, (1 << 32) + 7];

#[test]
fn a_time_stamp_is_read_before_and_behind_the_sound() {
    let sound = chunk(b"data", &[1; 400]);
    for stamp in STAMPS {
        for order in [0, 1] {
            let mut chunks =
                vec![chunk(b"bext", &bext(stamp)), chunk(b"fmt ", &format(2, None)), sound.clone()];
            chunks.rotate_left(order);
            let info = info(&riff(&chunks)).unwrap();
            let Broadcast { time_reference_frames, originator, description, .. } = info.broadcast;
            assert_eq!(time_reference_frames, Some(stamp), "{order}");
            assert_eq!((originator.as_str(), description.as_str()), ("Pro Tools", "Vox take 3"));
            assert_eq!((info.frames, info.notes.len()), (100, 0));
        }
    }
    let plain = info(&riff(&[chunk(b"fmt ", &format(2, None)), sound])).unwrap();
    assert_eq!(plain.broadcast, Broadcast::default());
}

#[test]
fn the_channels_of_a_field_recorder_have_names() {
    let names = ["Boom", "Lav &quot;Ann&quot;", "", "Mix"];
    let chunks =
        [chunk(b"fmt ", &format(4, Some(0x33))), chunk(b"data", &[0; 80]), chunk(b"iXML", &ixml(77, &names))];
    let info = info(&riff(&chunks)).unwrap();
    assert_eq!(info.broadcast.channel_names, ["Boom", "Lav \"Ann\"", "", "Mix"]);
    assert_eq!(info.broadcast.time_reference_frames, Some(77));
    assert_eq!(info.channel_mask, Some(0x33));
}

#[test]
fn a_mask_that_does_not_fit_the_channels_says_nothing() {
    for (mask, expected) in [(0x3f, None), (0, None), (0x3, Some(0x3)), (0xffff_ffff, None)] {
        let chunks = [chunk(b"fmt ", &format(2, Some(mask))), chunk(b"data", &[0; 80])];
        assert_eq!(info(&riff(&chunks)).unwrap().channel_mask, expected, "{mask:#x}");
    }
}

#[test]
fn rf64_keeps_its_stamp() {
    let mut ds64 = Vec::new();
    ds64.extend(0u64.to_le_bytes());
    ds64.extend(400u64.to_le_bytes());
    ds64.extend(100u64.to_le_bytes());
    ds64.extend(0u32.to_le_bytes());
    let mut file = riff(&[
        chunk(b"ds64", &ds64),
        chunk(b"bext", &bext(STAMPS[2])),
        chunk(b"fmt ", &format(2, None)),
        chunk(b"data", &[3; 400]),
        chunk(b"iXML", &ixml(5, &["L", "R"])),
    ]);
    file[..4].copy_from_slice(b"RF64");
    let size = file.windows(4).position(|w| w == b"data").unwrap() + 4;
    file[size..size + 4].fill(0xff);
    let info = info(&file).unwrap();
    assert_eq!((info.format, info.frames), (Format::Rf64, 100));
    assert_eq!(info.broadcast.time_reference_frames, Some(STAMPS[2]));
    assert_eq!(info.broadcast.channel_names, ["L", "R"]);
}

/// A chunk of Wave64: 16 bytes of name, 8 of size with the header in it, padded to a multiple of eight.
fn chunk64(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut all = id.to_vec();
    all.extend(b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a");
    all.extend((content.len() as u64 + 24).to_le_bytes());
    all.extend(content);
    all.resize(all.len().next_multiple_of(8), 0);
    all
}

#[test]
fn wave64_keeps_its_stamp_and_a_wrong_size_does_no_harm() {
    let head = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0";
    let mut file = head.to_vec();
    file.extend(0u64.to_le_bytes());
    file.extend(b"wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a");
    file.extend(chunk64(b"fmt ", &format(2, None)));
    file.extend(chunk64(b"bext", &bext(99)));
    let data = file.len();
    file.extend(chunk64(b"data", &[1; 400]));
    let found = info(&file).unwrap();
    assert_eq!((found.format, found.frames, found.notes.len()), (Format::Wave64, 100, 0));
    assert_eq!(found.broadcast.time_reference_frames, Some(99));
    // A recorder that crashed leaves nothing, a cut copy less than it says, and hostile headers the moon.
    for (size, notes) in [(24u64, 1), (24 + 4000, 1), (u64::MAX, 1), (0, 1)] {
        file[data + 16..data + 24].copy_from_slice(&size.to_le_bytes());
        let found = info(&file).unwrap();
        assert_eq!((found.frames, found.notes.len()), (100, notes), "{size}");
    }
    for cut in 0..file.len() {
        let _ = info(&file[..cut]);
    }
}

#[test]
fn au_is_read_as_far_as_it_goes() {
    let header = |size: u32, encoding: u32, rate: u32, channels: u32| -> Vec<u8> {
        let words = [24, size, encoding, rate, channels];
        b".snd".iter().copied().chain(words.into_iter().flat_map(u32::to_be_bytes)).chain([0; 400]).collect()
    };
    assert_eq!(info(&header(400, 3, 48_000, 2)).unwrap().notes, []);
    for size in [0, u32::MAX, 500_000] {
        let found = info(&header(size, 3, 48_000, 2)).unwrap();
        assert_eq!((found.frames, found.notes.len()), (100, 1), "{size}");
    }
    for bad in [
        header(400, 23, 48_000, 2),
        header(400, 3, 0, 2),
        header(400, 3, 48_000, 0),
        header(400, 3, 4_000_000_000, 2),
        header(400, 3, 48_000, u32::MAX),
    ] {
        assert!(info(&bad).is_err());
    }
    let whole = header(400, 3, 48_000, 2);
    for cut in 0..whole.len() {
        let _ = info(&whole[..cut]);
    }
}

/// A FLAC file with blocks of metadata behind the first one: kind, then content.
fn flac(blocks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.flac");
    let spec = files::WriteSpec {
        file_type: files::FileType::Flac,
        sample_format: files::SampleFormat::Int16,
        sample_rate_hz: 48_000,
        channels: 2,
    };
    let mut writer = files::Writer::create(&path, spec).unwrap();
    writer.write_f64(&audio::Buffer::new(2, 100).as_block()).unwrap();
    writer.finish().unwrap();
    let mut all = fs::read(path).unwrap();
    let more: Vec<u8> = blocks
        .iter()
        .flat_map(|(kind, content)| [&[*kind], &(content.len() as u32).to_be_bytes()[1..], content].concat())
        .collect();
    // Behind the mark and STREAMINFO, which is no longer the last one if it was.
    let last = all[4] & 0x80 != 0;
    all[4] &= 0x7f;
    let mut more = more;
    if last {
        let from = more.len() - blocks.last().unwrap().1.len() - 4;
        more[from] |= 0x80;
    }
    all.splice(42..42, more);
    all
}

// RFC 9639 section 8.4; the content is as `flac --keep-foreign-metadata` writes it.
#[test]
fn flac_keeps_the_stamp_of_what_it_was_made_from() {
    for stamp in STAMPS {
        let kept = |id: &[u8; 4], content: &[u8]| (2, [b"riff".as_slice(), &chunk(id, content)].concat());
        let padding = (1, vec![0; 50]);
        let blocks =
            [padding.clone(), kept(b"fmt ", &format(2, None)), kept(b"bext", &bext(stamp)), padding.clone()];
        let found = info(&flac(&blocks)).unwrap();
        assert_eq!((found.broadcast.time_reference_frames, found.frames), (Some(stamp), 100));
        assert_eq!(found.broadcast.originator, "Pro Tools");
        let xml = [b"iXML".as_slice(), &ixml(stamp, &["Boom", "Lav"])].concat();
        for blocks in [vec![(2, xml)], vec![kept(b"iXML", &ixml(stamp, &["Boom", "Lav"]))]] {
            let found = info(&flac(&blocks)).unwrap().broadcast;
            assert_eq!(found.time_reference_frames, Some(stamp));
            assert_eq!(found.channel_names, ["Boom", "Lav"]);
        }
        let other = info(&flac(&[(2, b"riff".to_vec()), (2, b"riffbext".to_vec()), padding])).unwrap();
        assert_eq!((other.broadcast, other.frames), (Broadcast::default(), 100));
    }
}
