//! The header of a WAV or RF64 file.
//!
//! Layout: `RIFF`, a `JUNK` chunk with room for what RF64 needs, `fmt `, for floating point `fact`, `data`. When
//! the file has grown past 4 GiB, `RIFF` becomes `RF64` and `JUNK` becomes `ds64` in place (EBU Tech 3306
//! section 3.5).

use audio::Layout;

use super::WriteSpec;

/// The content of a `ds64` chunk without a table: three 64-bit sizes and a count of zero.
const DS64_BYTES: u32 = 28;

/// A header of the same length for every number of frames, with a chunk of `room` bytes for what is to stand in front of the
/// sound; none for 0.
pub(super) fn header(spec: &WriteSpec, frames: u64, rf64_above: u64, room: usize) -> Vec<u8> {
    let mut fmt = format_chunk(spec);
    if spec.sample_format.is_float() {
        // A format other than integers states its frames in a `fact` chunk; RF64 has them in `ds64`.
        fmt.extend(b"fact\x04\0\0\0");
        fmt.extend(u32::try_from(frames).unwrap_or(u32::MAX).to_le_bytes());
    }
    let data_bytes = frames * spec.frame_bytes() as u64;
    let head_bytes = 12 + 8 + DS64_BYTES as usize + room + fmt.len() + 8;
    let riff_bytes = head_bytes as u64 - 8 + data_bytes + data_bytes % 2;
    let long = riff_bytes > rf64_above;
    let short = |bytes: u64| if long { u32::MAX } else { u32::try_from(bytes).unwrap_or(u32::MAX) };

    let mut head = Vec::with_capacity(head_bytes);
    head.extend(if long { b"RF64" } else { b"RIFF" });
    head.extend(short(riff_bytes).to_le_bytes());
    head.extend(b"WAVE");
    head.extend(if long { b"ds64" } else { b"JUNK" });
    head.extend(DS64_BYTES.to_le_bytes());
    for size in [riff_bytes, data_bytes, frames] {
        head.extend(if long { size.to_le_bytes() } else { [0; 8] });
    }
    head.extend([0; 4]);
    if room > 0 {
        head.extend(b"JUNK");
        head.extend((room as u32 - 8).to_le_bytes());
        head.resize(head.len() + room - 8, 0);
    }
    head.extend(fmt);
    head.extend(b"data");
    head.extend(short(data_bytes).to_le_bytes());
    head
}

/// `WAVE_FORMAT_PCM` or `WAVE_FORMAT_IEEE_FLOAT` for mono and stereo, which everything reads; the extensible
/// form for more channels, which needs to say where the speakers are.
fn format_chunk(spec: &WriteSpec) -> Vec<u8> {
    let float = spec.sample_format.is_float();
    let extensible = spec.channels > 2;
    let tag: u16 = if float { 3 } else { 1 };
    let bits = spec.sample_format.bits() as u16;
    let frame_bytes = spec.frame_bytes() as u32;
    let extra: &[u8] = match (extensible, float) {
        (true, _) => &[22, 0],
        (false, true) => &[0, 0],
        (false, false) => &[],
    };
    let bytes = 16 + extra.len() as u32 + if extensible { 22 } else { 0 };
    let mut fmt = Vec::new();
    fmt.extend(b"fmt ");
    fmt.extend(bytes.to_le_bytes());
    fmt.extend(if extensible { 0xfffeu16 } else { tag }.to_le_bytes());
    fmt.extend((spec.channels as u16).to_le_bytes());
    fmt.extend(spec.sample_rate_hz.to_le_bytes());
    fmt.extend(spec.sample_rate_hz.saturating_mul(frame_bytes).to_le_bytes());
    fmt.extend((frame_bytes as u16).to_le_bytes());
    fmt.extend(bits.to_le_bytes());
    fmt.extend(extra);
    if extensible {
        fmt.extend(bits.to_le_bytes());
        fmt.extend(speaker_mask(spec.channels).to_le_bytes());
        // KSDATAFORMAT_SUBTYPE_PCM or _IEEE_FLOAT: the tag, then a fixed part.
        fmt.extend(tag.to_le_bytes());
        fmt.extend([0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71]);
    }
    fmt
}

/// Speaker bits of WAVEFORMATEXTENSIBLE; 0 where the channels have no places.
fn speaker_mask(channels: usize) -> u32 {
    match Layout::from_channels(channels) {
        Layout::Mono => 0x4,
        Layout::Stereo => 0x3,
        Layout::Surround50 => 0x37,
        Layout::Surround51 => 0x3f,
        // More may be anything: a recorder's tracks as well as a room's speakers.
        Layout::Speakers(_) | Layout::Discrete(_) => 0,
    }
}
