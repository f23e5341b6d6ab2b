//! Headers of MPEG audio frames: ISO/IEC 11172-3 clause 2.4.1 and 2.4.2 (MPEG-1), ISO/IEC 13818-3 clause 2.4
//! (half the rates), and the usual extension to a quarter of them.

use super::Head;

/// Kilobits per second of layers I, II and III of MPEG-1, and of layer I and layers II and III of MPEG-2.
const BIT_RATES_KBPS: [[u16; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// One frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Header {
    first_version: bool,
    layer: u8,
    /// Place in the table of bit rates.
    bit_rate: usize,
    rate_hz: u32,
    mono: bool,
    protected: bool,
    padded: bool,
}

impl Header {
    /// The header at the start of `bytes`; `None` where there is none. Frames of a free bit rate do not say how
    /// long they are, and are not read.
    pub(in super::super) fn parse(bytes: &[u8]) -> Option<Header> {
        let &[0xff, second, third, fourth, ..] = bytes else { return None };
        let (version, layer) = (second >> 3 & 3, 4 - (second >> 1 & 3));
        let (bit_rate, rate) = (usize::from(third >> 4), usize::from(third >> 2 & 3));
        let unused = second & 0xe0 != 0xe0 || version == 1 || layer == 4 || !(1..15).contains(&bit_rate);
        if unused || rate == 3 {
            return None;
        }
        Some(Header {
            first_version: version == 3,
            layer,
            bit_rate: bit_rate - 1,
            rate_hz: [44_100, 48_000, 32_000][rate] >> [2, 0, 1, 0][usize::from(version)],
            mono: fourth >> 6 == 3,
            protected: second & 1 == 0,
            padded: third & 2 != 0,
        })
    }

    /// Whether both may belong to one stream.
    pub(super) fn is_like(&self, other: &Header) -> bool {
        (self.first_version, self.layer, self.rate_hz, self.mono)
            == (other.first_version, other.layer, other.rate_hz, other.mono)
    }

    fn frames(&self) -> u32 {
        match (self.layer, self.first_version) {
            (1, _) => 384,
            (3, false) => 576,
            _ => 1152,
        }
    }

    /// Kilobits per second at a place of the table of bit rates.
    fn kbps_at(&self, bit_rate: usize) -> u32 {
        let table = match (self.first_version, self.layer) {
            (true, layer) => usize::from(layer - 1),
            (false, 1) => 3,
            (false, _) => 4,
        };
        u32::from(BIT_RATES_KBPS[table][bit_rate])
    }

    /// Kilobits per second of this frame.
    pub(super) fn kbps(&self) -> u32 {
        self.kbps_at(self.bit_rate)
    }

    /// Length in bytes at a place of the table of bit rates (clause 2.4.3.1).
    fn bytes_at(&self, bit_rate: usize) -> usize {
        // Slots are bytes, of layer I four of them.
        let slot = if self.layer == 1 { 4 } else { 1 };
        let bits = self.kbps_at(bit_rate) * 1000;
        let slots = self.frames() / 8 / slot * bits / self.rate_hz;
        ((slots + u32::from(self.padded)) * slot) as usize
    }

    pub(super) fn head(&self) -> Head {
        Head { bytes: self.bytes_at(self.bit_rate), skipped: 0, frames: self.frames(), class: self.bit_rate }
    }

    /// Whether a frame of this stream may have this length.
    pub(super) fn may_have(&self, bytes: u64) -> bool {
        (0..14).any(|bit_rate| {
            let plain = Header { padded: false, ..*self }.bytes_at(bit_rate) as u64;
            plain == bytes || Header { padded: true, ..*self }.bytes_at(bit_rate) as u64 == bytes
        })
    }

    /// Bytes of side information of layer III (clause 2.4.1.7).
    fn side_bytes(&self) -> usize {
        match (self.first_version, self.mono) {
            (true, true) => 17,
            (true, false) => 32,
            (false, true) => 9,
            (false, false) => 17,
        }
    }

    /// Where main data begins in a frame.
    fn main_data(&self) -> usize {
        4 + if self.protected { 2 } else { 0 } + self.side_bytes()
    }
}

/// Whether a frame holds a tag (Xing, Info or VBRI) instead of sound.
pub(super) fn tag(frame: &[u8]) -> Option<Tag> {
    let header = Header::parse(frame).filter(|h| h.layer == 3)?;
    let after_side = frame.get(4 + header.side_bytes()..)?;
    let word = |bytes: &[u8], at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    if after_side.starts_with(b"Xing") || after_side.starts_with(b"Info") {
        let flags = word(after_side, 4)?;
        let packets = if flags & 1 != 0 { word(after_side, 8) } else { None };
        let bytes = if flags & 3 == 3 { word(after_side, 12) } else { None };
        return Some(Tag { packets, bytes });
    }
    let vbri = frame.get(36..)?;
    vbri.starts_with(b"VBRI").then(|| Tag { packets: word(vbri, 14), bytes: word(vbri, 10) })
}

/// What a tag says of the whole stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tag {
    /// Frames with sound.
    pub(super) packets: Option<u32>,
    /// Bytes from the tag to the end.
    pub(super) bytes: Option<u32>,
}

/// What layer III keeps for later frames: a frame's sound may begin up to 511 bytes before it (clause 2.4.3.4).
/// After a hole those bytes are missing, and a decoder that does not look takes others for them.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Reservoir {
    bytes: usize,
}

impl Reservoir {
    /// Whether all that a frame needs is there. The frame's own bytes then count for the next ones.
    pub(in super::super) fn take(&mut self, frame: &[u8]) -> bool {
        let Some(header) = Header::parse(frame).filter(|h| h.layer == 3) else { return true };
        let side = frame.get(header.main_data() - header.side_bytes()..).unwrap_or_default();
        let wanted = match (side.first(), side.get(1)) {
            (Some(a), Some(b)) if header.first_version => usize::from(*a) << 1 | usize::from(b >> 7),
            (Some(a), _) => usize::from(*a),
            _ => return false,
        };
        let sound = wanted <= self.bytes;
        self.bytes = (self.bytes + frame.len().saturating_sub(header.main_data())).min(511);
        sound
    }
}

/// Whether the check word of a frame is right (clause 2.4.3.1: over the second half of the header and the side
/// information); `None` when it has none. Layers I and II check the allocation instead, whose length varies.
pub(in super::super) fn check(frame: &[u8]) -> Option<bool> {
    let header = Header::parse(frame).filter(|h| h.protected && h.layer == 3)?;
    let stated = u16::from_be_bytes(*frame.get(4..)?.first_chunk()?);
    let checked = [frame.get(2..4)?, frame.get(6..header.main_data())?].concat();
    let sum = checked.iter().fold(0xffff_u16, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte) << 8, |s, _| s << 1 ^ if s & 0x8000 != 0 { 0x8005 } else { 0 })
    });
    Some(sum == stated)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lengths from the formula of clause 2.4.3.1, by hand.
    #[test]
    fn a_header_says_how_long_its_frame_is() {
        let head = |bytes: [u8; 4]| Header::parse(&bytes).map(|h| (h.head().bytes, h.head().frames));
        // 128 kbit/s at 44.1 kHz: 144 * 128000 / 44100 = 417.96, and one more when padded.
        assert_eq!(head([0xff, 0xfb, 0x90, 0x00]), Some((417, 1152)));
        assert_eq!(head([0xff, 0xfb, 0x92, 0x00]), Some((418, 1152)));
        // MPEG-2 at 22.05 kHz and 64 kbit/s: 72 * 64000 / 22050 = 208.98.
        assert_eq!(head([0xff, 0xf3, 0x80, 0x00]), Some((208, 576)));
        // Layer I at 44.1 kHz and 192 kbit/s: 12 * 192000 / 44100 = 52.2 slots of four bytes.
        assert_eq!(head([0xff, 0xff, 0x60, 0x00]), Some((208, 384)));
        // Layer II at 48 kHz and 192 kbit/s: 144 * 192000 / 48000.
        assert_eq!(head([0xff, 0xfd, 0xa4, 0x00]), Some((576, 1152)));
        for no in [
            [0xff, 0xfb, 0xf0, 0],
            [0xff, 0xfb, 0x00, 0],
            [0xff, 0xfb, 0x9c, 0],
            [0xff, 0xf9, 0x90, 0],
            [0xff, 0xeb, 0x90, 0],
        ] {
            assert_eq!(head(no), None, "{no:?}");
        }
    }

    #[test]
    fn a_frame_needs_what_came_before_it() {
        // 128 kbit/s stereo: 417 bytes, of which 36 are header and side information.
        let frame = |wanted: u16| {
            let mut frame = vec![0xff, 0xfb, 0x90, 0];
            frame.extend((wanted << 7).to_be_bytes());
            frame.resize(417, 0);
            frame
        };
        let mut reservoir = Reservoir::default();
        assert!(!reservoir.take(&frame(1)));
        assert!(reservoir.take(&frame(381)));
        assert!(reservoir.take(&frame(511)));
        assert!(Reservoir::default().take(&frame(0)));
    }
}
