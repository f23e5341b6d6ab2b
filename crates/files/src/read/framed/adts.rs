//! Headers of AAC in ADTS frames: ISO/IEC 13818-7 clause 6.2, ISO/IEC 14496-3 clause 1.A.3.2.

use super::Head;

/// Sampling frequency indices (ISO/IEC 14496-3 table 1.18) up to this one have a rate.
const RATES: u8 = 13;

/// The part of a header that is the same in all frames of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    bytes: [u8; 3],
}

/// Shape and head of the frame at the start of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Option<(Shape, Head)> {
    let &[0xff, second, third, fourth, fifth, sixth, seventh, ..] = bytes else { return None };
    // Sync, then layer, which is always 0.
    if second & 0xf6 != 0xf0 || third >> 2 & 15 >= RATES {
        return None;
    }
    let header = if second & 1 == 0 { 9 } else { 7 };
    let bytes = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
    // More than one block of sound in a frame is not read.
    if bytes <= header || seventh & 3 != 0 {
        return None;
    }
    let shape = Shape { bytes: [second & 0xfe, third & 0xfd, fourth & 0xc0] };
    Some((shape, Head { bytes, skipped: header, frames: 1024, class: bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_how_long_its_frame_is() {
        // AAC-LC, 44.1 kHz, two channels, 371 bytes.
        let header = [0xff, 0xf1, 0x50, 0x80, 0x2e, 0x7f, 0xfc];
        let (shape, head) = parse(&header).unwrap();
        assert_eq!((head.bytes, head.skipped, head.frames), (371, 7, 1024));
        let other_rate = [0xff, 0xf1, 0x4c, 0x80, 0x2e, 0x7f, 0xfc];
        assert_ne!(parse(&other_rate).unwrap().0, shape);
        assert_eq!(parse(&[0xff, 0xf1, 0x50, 0x80, 0x00, 0xff, 0xfc]), None);
    }
}
