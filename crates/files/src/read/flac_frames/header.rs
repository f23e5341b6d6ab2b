//! Headers of FLAC frames (RFC 9639 section 9.1), and what the whole stream says about them (section 8.2).

use crc::{CRC_8_SMBUS, Crc};

/// The check of a header (section 9.1.8).
static CHECK: Crc<u8> = Crc::<u8>::new(&CRC_8_SMBUS);

/// The longest header: two bytes of sync, two of description, seven of a number, two of a block size, two of a rate and a check.
pub(super) const LONGEST: usize = 16;

/// The first block of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamInfo {
    shortest_block: u16,
    longest_block: u16,
    sample_rate_hz: u32,
    channels: u8,
    bits: u8,
    /// Frames of sound; 0 where it is not said.
    pub(super) frames: u64,
}

impl StreamInfo {
    /// The block's 34 bytes.
    pub(super) fn parse(bytes: &[u8]) -> Option<StreamInfo> {
        let bytes = bytes.first_chunk::<18>()?;
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let packed = u64::from_be_bytes(*bytes.last_chunk::<8>()?);
        Some(StreamInfo {
            shortest_block: word(0),
            longest_block: word(2),
            sample_rate_hz: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as u8 + 1,
            bits: (packed >> 36 & 31) as u8 + 1,
            frames: packed & 0xf_ffff_ffff,
        })
    }
}

/// What the header of a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The stream's time of its first frame of sound.
    pub(super) time: u64,
    /// Frames of sound.
    pub(super) frames: u16,
}

/// Bytes that are taken one by one.
struct Taken<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Taken<'_> {
    fn byte(&mut self) -> Option<u32> {
        let byte = self.bytes.get(self.at)?;
        self.at += 1;
        Some(u32::from(*byte))
    }

    fn two(&mut self) -> Option<u32> {
        Some(self.byte()? << 8 | self.byte()?)
    }

    /// A number as UTF-8 would write it, of up to 36 bits (section 9.1.5).
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let ones = (!first << 24).leading_zeros();
        if ones == 0 {
            return Some(u64::from(first));
        }
        if !(2..=7).contains(&ones) {
            return None;
        }
        let mut number = u64::from(first & 0x7f >> ones);
        for _ in 1..ones {
            let next = self.byte().filter(|byte| byte & 0xc0 == 0x80)?;
            number = number << 6 | u64::from(next & 0x3f);
        }
        Some(number)
    }
}

impl Head {
    /// The header at the start of `bytes`, when there is one and it fits the stream.
    pub(super) fn parse(bytes: &[u8], stream: &StreamInfo) -> Option<Head> {
        let mut taken = Taken { bytes, at: 0 };
        let sync = taken.two().filter(|sync| sync & 0xfffe == 0xfff8)?;
        let (sizes, shape) = (taken.byte()?, taken.byte().filter(|shape| shape & 1 == 0)?);
        let number = taken.number()?;
        let frames = match sizes >> 4 {
            0 => return None,
            1 => 192,
            n @ 2..=5 => 144 << n,
            6 => taken.byte()? + 1,
            7 => taken.two()? + 1,
            n => 1 << n,
        };
        let sample_rate_hz = match sizes & 15 {
            0 => stream.sample_rate_hz,
            n @ 1..=11 => {
                const RATES: [u32; 11] =
                    [88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
                RATES[n as usize - 1]
            }
            12 => taken.byte()? * 1_000,
            13 => taken.two()?,
            14 => taken.two()? * 10,
            _ => return None,
        };
        let channels = match shape >> 4 {
            n @ 0..=7 => n as u8 + 1,
            8..=10 => 2,
            _ => return None,
        };
        let bits = match shape >> 1 & 7 {
            0 => stream.bits,
            n => [8, 12, 0, 16, 20, 24, 32][n as usize - 1],
        };
        let checked = taken.at;
        let check = taken.byte()?;
        // One block size for all, or a number that counts frames of sound.
        let fixed = sync & 1 == 0;
        let fits = sample_rate_hz == stream.sample_rate_hz
            && (channels, bits) == (stream.channels, stream.bits)
            && frames <= u32::from(stream.longest_block)
            && fixed == (stream.shortest_block == stream.longest_block);
        if !fits || u32::from(CHECK.checksum(&bytes[..checked])) != check {
            return None;
        }
        let time = if fixed { number * u64::from(stream.longest_block) } else { number };
        Some(Head { time, frames: frames as u16 })
    }
}

/// Where the next two bytes stand that a header may begin with, at byte `from` of `bytes` or behind it.
pub(super) fn next_sync(bytes: &[u8], from: usize) -> Option<usize> {
    /// Bytes that are looked at together.
    const TOGETHER: usize = 64;
    let is_sync = |first: u8, second: u8| (first == 0xff) & (second & 0xfe == 0xf8);
    let mut at = from;
    while at + TOGETHER < bytes.len() {
        let (first, second) = (&bytes[at..at + TOGETHER], &bytes[at + 1..at + 1 + TOGETHER]);
        let mut any = false;
        for n in 0..TOGETHER {
            any |= is_sync(first[n], second[n]);
        }
        if any {
            break;
        }
        at += TOGETHER;
    }
    let left = bytes.get(at..)?;
    left.windows(2).position(|two| is_sync(two[0], two[1])).map(|n| at + n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block of RFC 9639 appendix D.2: one block size of 16, 44.1 kHz, 2 channels of 16 bits, 19 frames.
    const INFO: [u8; 18] = [
        0x00, 0x10, 0x00, 0x10, 0x00, 0x00, 0x17, 0x00, 0x00, 0x44, 0x0a, 0xc4, 0x42, 0xf0, 0x00, 0x00, 0x00,
        0x13,
    ];

    // Both frames of that example: 16 and 3 frames of sound.
    #[test]
    fn the_headers_of_the_standards_example_are_read() {
        let stream = StreamInfo::parse(&INFO).unwrap();
        assert_eq!((stream.sample_rate_hz, stream.channels, stream.bits, stream.frames), (44_100, 2, 16, 19));
        let first = [0xff, 0xf8, 0x69, 0x98, 0x00, 0x0f, 0x99];
        let second = [0xff, 0xf8, 0x69, 0x18, 0x01, 0x02, 0xa4];
        assert_eq!(Head::parse(&first, &stream), Some(Head { time: 0, frames: 16 }));
        assert_eq!(Head::parse(&second, &stream), Some(Head { time: 16, frames: 3 }));
        for at in 0..first.len() {
            for bit in 0..8 {
                let mut wrong = first;
                wrong[at] ^= 1 << bit;
                assert_eq!(Head::parse(&wrong, &stream), None, "byte {at}, bit {bit}");
            }
            assert_eq!(Head::parse(&first[..at], &stream), None);
        }
    }

    #[test]
    fn numbers_of_every_length_are_read() {
        for number in [
            0u64,
            0x7f,
            0x80,
            0x7ff,
            0x800,
            0xffff,
            0x1_0000,
            0x1f_ffff,
            0x3ff_ffff,
            0x7fff_ffff,
            0xf_ffff_ffff,
        ] {
            let bits = 64 - number.leading_zeros();
            // Six bits in each byte behind the first, which has what its length leaves.
            let length = (2..=7).find(|n| bits <= 5 * n + 1).unwrap();
            let bytes: Vec<u8> = match number {
                ..0x80 => vec![number as u8],
                _ => (0..length)
                    .map(|n| {
                        let part = number >> (6 * (length - 1 - n));
                        if n == 0 { !(0xffu8 >> length) | part as u8 } else { 0x80 | part as u8 & 0x3f }
                    })
                    .collect(),
            };
            assert_eq!(Taken { bytes: &bytes, at: 0 }.number(), Some(number), "{bytes:x?}");
            assert_eq!(Taken { bytes: &bytes[..bytes.len() - 1], at: 0 }.number(), None);
        }
        for wrong in [&[0x80u8, 0x80][..], &[0xc0, 0x00], &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]] {
            assert_eq!(Taken { bytes: wrong, at: 0 }.number(), None);
        }
    }

    #[test]
    fn a_sync_is_found_wherever_it_stands() {
        for length in [2, 3, 63, 64, 65, 66, 129, 200] {
            for at in 0..length - 1 {
                let mut bytes = vec![0xff; length];
                bytes[at + 1] = 0xf9;
                for from in [0, at / 2, at] {
                    assert_eq!(next_sync(&bytes, from), Some(at), "{length} {at} {from}");
                }
                assert_eq!(next_sync(&bytes, at + 1), None);
            }
            assert_eq!(next_sync(&vec![0xff; length], 0), None);
        }
    }
}
