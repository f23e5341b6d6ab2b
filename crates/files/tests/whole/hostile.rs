//! Headers that promise more than there is, and files made to be slow: opening and reading them costs memory only by
//! what is in the file, and never much of that.

use std::fs;

use audio::Buffer;
use files::open;

/// So much may be held at any time while a hostile file is opened and read: the windows, tables and packets of every
/// format with room to spare, and far from any figure in the headers below.
const MOST_BYTES: u64 = 24 << 20;

fn chunk(id: &[u8; 4], size: u32, content: &[u8]) -> Vec<u8> {
    [id.as_slice(), &size.to_le_bytes(), content].concat()
}

fn wav(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"RIFF\xff\xff\xff\xffWAVE".as_slice(), &chunks.concat()].concat()
}

fn format_chunk(channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
    let block = channels.wrapping_mul(bits / 8);
    let mut content = [1u16.to_le_bytes(), channels.to_le_bytes()].concat();
    content.extend(rate_hz.to_le_bytes());
    content.extend(rate_hz.wrapping_mul(block.into()).to_le_bytes());
    content.extend([block.to_le_bytes(), bits.to_le_bytes()].concat());
    chunk(b"fmt ", 16, &content)
}

/// A FLAC header of 36 bits of frames at 48 kHz, and metadata blocks behind it.
fn flac(blocks: &[u8]) -> Vec<u8> {
    let mut all = b"fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0".to_vec();
    // 20 bits of rate, 3 of channels, 5 of depth, 36 of frames, all of them set; then the sum.
    all.extend([0x0b, 0xb8, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff]);
    all.extend([0; 16]);
    all.extend(blocks);
    all
}

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [(content.len() as u32 + 8).to_be_bytes().as_slice(), kind, content].concat()
}

/// A page without sound and without a right sum, or with one.
fn ogg_page(sequence: u32) -> Vec<u8> {
    let mut page = b"OggS\0\0".to_vec();
    page.extend([0; 8]);
    page.extend(7u32.to_le_bytes());
    page.extend(sequence.to_le_bytes());
    page.extend([0; 5]);
    page
}

fn hostile() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let fixture = |name: &str| {
        fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
    };
    let nested = (0..20_000).fold(Vec::new(), |inner: Vec<u8>, n| {
        // Only sizes grow, so that making it is not what takes the time.
        if n < 2_000 { boxed(b"moov", &inner) } else { inner }
    });
    let junk: Vec<Vec<u8>> = (0..20_000).map(|_| chunk(b"junk", 0, &[])).collect();
    let picture = |bytes: u32| [[6].as_slice(), &bytes.to_be_bytes()[1..], &[0; 64]].concat();
    let page = [b"ID3\x04\0\0\x7f\x7f\x7f\x7f".as_slice(), &[0; 100]].concat();
    vec![
        ("0 Hz", "wav", wav(&[format_chunk(1, 0, 16), chunk(b"data", 4, &[0; 4])])),
        ("4 GHz", "wav", wav(&[format_chunk(1, 4_000_000_000, 16), chunk(b"data", 4, &[0; 4])])),
        ("65,535 channels", "wav", wav(&[format_chunk(65_535, 48_000, 16), chunk(b"data", 4, &[0; 4])])),
        ("2 GiB of data", "wav", wav(&[format_chunk(2, 48_000, 16), chunk(b"data", 1 << 31, &[1; 400])])),
        (
            "2 GiB of a chunk in front",
            "wav",
            wav(&[chunk(b"JUNK", 1 << 31, &[0; 400]), format_chunk(2, 48_000, 16)]),
        ),
        ("2 GiB of format", "wav", wav(&[[b"fmt ".as_slice(), &[0xff; 400]].concat()])),
        (
            "20,000 chunks",
            "wav",
            wav(&[junk.concat(), format_chunk(1, 48_000, 16), chunk(b"data", 40, &[9; 40])]),
        ),
        ("2^36 frames", "flac", flac(&[0x81, 0, 0, 0])),
        ("16 MB of picture", "flac", flac(&picture(0xff_ffff))),
        ("a thousand pictures", "flac", flac(&picture(64).repeat(1000))),
        ("boxes in boxes", "m4a", [boxed(b"ftyp", b"M4A \0\0\0\0"), nested].concat()),
        (
            "a box of 2^63 bytes",
            "m4a",
            [boxed(b"ftyp", b"M4A \0\0\0\0"), b"\0\0\0\x01moov\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec()]
                .concat(),
        ),
        ("200,000 pages", "ogg", (0..200_000).flat_map(ogg_page).collect()),
        (
            "pages behind a stream",
            "ogg",
            [fixture("impulse.ogg"), (0..50_000).flat_map(ogg_page).collect()].concat(),
        ),
        ("256 MB of tag", "mp3", page),
        ("nothing but syncs", "mp3", vec![0xff; 1 << 20]),
        ("nothing but headers", "mp3", [0xff, 0xfb, 0x90, 0x64].repeat(1 << 18)),
        ("headers and gaps", "mp3", [fixture("noise.mp3"), vec![0x55; 300]].concat().repeat(120)),
        ("frames of nothing", "aac", [0xff, 0xf1, 0x50, 0x80, 0x01, 0x1f, 0xfc, 0].repeat(1 << 17)),
        ("a chunk of 2^63 bytes", "caf", b"caff\0\x01\0\0desc\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec()),
    ]
}

// Finds an allocation that is sized by a header, a table that grows with damage, and a loop that ends only when
// something in the file says so: each file is opened, read for a while and sought in.
#[test]
fn hostile_files_cost_no_memory() {
    files::silence_decoder_panics();
    let folder = tempfile::tempdir().unwrap();
    for (name, extension, bytes) in hostile() {
        let path = folder.path().join(format!("file.{extension}"));
        fs::write(&path, &bytes).unwrap();
        drop(bytes);
        let held = allocation_counter::measure(|| {
            let Ok(mut reader) = open(&path) else { return };
            let (frames, channels) = (reader.info().frames, reader.info().channels);
            assert!(channels <= 64, "{name}");
            let mut block = Buffer::new(channels, 4096);
            for _ in 0..20 {
                if reader.read(&mut block.as_block_mut()).is_err() {
                    return;
                }
            }
            for place in [frames / 2, frames - 1] {
                if reader.seek(place).is_ok() {
                    let _ = reader.read(&mut block.as_block_mut());
                }
            }
        });
        assert!(held.bytes_max < MOST_BYTES, "{name}: {} bytes held", held.bytes_max);
    }
}
