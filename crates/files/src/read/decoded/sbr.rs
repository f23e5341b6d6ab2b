//! High-efficiency AAC that does not say so (ISO/IEC 14496-3 clause 1.6.5, implicit signalling): a plain stream of half
//! the rate, whose upper half lies in fill elements (clause 4.4.2.7) that a plain decoder passes over.

/// Packets that are looked at.
const PACKETS: usize = 32;

/// Fewer packets prove nothing: one in seventy of plain AAC looks like it by chance.
const FEWEST: usize = 4;

/// Counts packets that end as those of high-efficiency AAC do.
#[derive(Debug, Default)]
pub(super) struct Replication {
    packets: usize,
    with: usize,
}

impl Replication {
    /// Looks at the next packet; false when enough are seen.
    pub(super) fn take(&mut self, packet: &[u8]) -> bool {
        self.packets += 1;
        self.with += usize::from(ends_with_replication(packet).is_some());
        self.packets < PACKETS
    }

    /// Whether most packets have band replication.
    pub(super) fn is_there(&self) -> bool {
        self.packets >= FEWEST && 2 * self.with > self.packets
    }
}

/// The number of `count` bits from bit `at` on.
fn bits(block: &[u8], at: usize, count: usize) -> Option<usize> {
    (at..at + count).try_fold(0, |value, bit| {
        let byte = block.get(bit / 8)?;
        Some(value << 1 | usize::from(byte >> (7 - bit % 8) & 1))
    })
}

/// The bytes of the fill element with band replication that a raw data block ends with. Where elements begin only a
/// whole decoder knows; but the block ends with three ones and zeros up to a byte, and a fill element in front of
/// them says how long it is.
fn ends_with_replication(block: &[u8]) -> Option<usize> {
    let zeros = block.last()?.trailing_zeros() as usize;
    let end = (8 * block.len()).checked_sub(zeros + 3)?;
    if zeros > 7 || bits(block, end, 3)? != 7 {
        return None;
    }
    // Up to 14 bytes are counted in four bits, more of them in twelve.
    (1..=269usize).find(|bytes| {
        let (head, short, long) = if *bytes < 15 { (7, *bytes, 0) } else { (15, 15, bytes - 14) };
        let Some(start) = end.checked_sub(8 * bytes + head) else { return false };
        let count = bits(block, start + 3, 4) == Some(short)
            && (short < 15 || bits(block, start + 7, 8) == Some(long));
        // EXT_SBR_DATA and EXT_SBR_DATA_CRC.
        count && bits(block, start, 3) == Some(6) && matches!(bits(block, start + head, 4), Some(13 | 14))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits as text, filled up to a byte.
    fn packed(text: &str) -> Vec<u8> {
        let all: Vec<u8> = text.bytes().filter(|b| *b != b' ').map(|b| b - b'0').collect();
        all.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |v, (n, b)| v | b << (7 - n))).collect()
    }

    #[test]
    fn a_block_is_told_by_its_end() {
        let payload = |bytes: usize, kind: &str| kind.to_owned() + &"0110".repeat(2 * bytes - 1);
        for before in ["", "0", "010", "0111011", "01110110"] {
            let short = format!("{before} 110 0101 {} 111", payload(5, "1101"));
            assert_eq!(ends_with_replication(&packed(&short)), Some(5), "{before}");
            let long = format!("{before} 110 1111 00000110 {} 111", payload(20, "1110"));
            assert_eq!(ends_with_replication(&packed(&long)), Some(20), "{before}");
            // Plain filling, and no element at all.
            let filling = format!("{before} 110 0101 {} 111", payload(5, "0000"));
            assert_eq!(ends_with_replication(&packed(&filling)), None, "{before}");
        }
        for nothing in [&[][..], &[0], &[7], &[0xff], &[0xff; 40], &[0; 40]] {
            assert_eq!(ends_with_replication(nothing), None);
        }
    }
}
