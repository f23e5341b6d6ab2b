//! The header of an AIFF (integers) or AIFF-C (floating point) file: Apple's AIFF 1.3 of 1989 and AIFF-C draft
//! of 1991.

use super::{SampleFormat, WriteSpec};

/// The most bytes of sound: all sizes have 32 bits, and the header counts.
pub(super) const MOST_BYTES: u64 = u32::MAX as u64 - 256;

/// The version of AIFF-C that is written, its date in seconds since 1904 (AIFF-C draft, "Format Version Chunk").
const AIFC_VERSION: u32 = 0xa280_5140;

/// A header of the same length for every number of frames.
pub(super) fn header(spec: &WriteSpec, frames: u64) -> Vec<u8> {
    let float = spec.sample_format.is_float();
    let data_bytes = frames * spec.frame_bytes() as u64;
    let mut common = Vec::new();
    common.extend((spec.channels as u16).to_be_bytes());
    common.extend(size(frames));
    common.extend((spec.sample_format.bits() as u16).to_be_bytes());
    common.extend(extended(spec.sample_rate_hz));
    if float {
        // The encoding and its name: a byte of length and an odd number of letters keep it even.
        let wide = spec.sample_format == SampleFormat::Float64;
        common.extend(if wide { b"fl64" } else { b"fl32" });
        common.extend(if wide { b"\x0564bit" } else { b"\x0532bit" });
    }
    let mut chunks = Vec::new();
    if float {
        chunks.extend(b"FVER");
        chunks.extend(size(4));
        chunks.extend(AIFC_VERSION.to_be_bytes());
    }
    chunks.extend(b"COMM");
    chunks.extend(size(common.len() as u64));
    chunks.extend(common);
    chunks.extend(b"SSND");
    chunks.extend(size(8 + data_bytes));
    chunks.extend([0; 8]);
    let mut head = Vec::new();
    head.extend(b"FORM");
    head.extend(size(4 + chunks.len() as u64 + data_bytes + data_bytes % 2));
    head.extend(if float { b"AIFC" } else { b"AIFF" });
    head.extend(chunks);
    head
}

fn size(bytes: u64) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

/// A whole number as an 80-bit extended one (IEEE 754-1985): the mantissa's first bit stands on top.
fn extended(value: u32) -> [u8; 10] {
    let shift = u64::from(value).leading_zeros();
    let exponent = (16_383 + 63 - shift) as u16;
    let mut bytes = [0; 10];
    if value > 0 {
        bytes[..2].copy_from_slice(&exponent.to_be_bytes());
        bytes[2..].copy_from_slice(&(u64::from(value) << shift).to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    // The first is the example of Apple's specification.
    #[test]
    fn rates_become_extended_numbers() {
        assert_eq!(extended(44_100), [0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]);
        assert_eq!(extended(1), [0x3f, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(extended(0), [0; 10]);
    }
}
