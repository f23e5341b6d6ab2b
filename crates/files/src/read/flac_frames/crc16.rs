//! The check of a whole FLAC frame (RFC 9639 section 9.3): CRC-16 with the polynomial x^16 + x^15 + x^2 + 1, begun with
//! zeros, highest bit first.
//!
//! Eight bytes at a time by tables (M. E. Kounavis, F. L. Berry, *A systematic approach to building high performance
//! software-based CRC generators*, ISCC 2005). Each step waits for the one before; so four stretches go side by side, and since the
//! check is linear, what stands before a stretch is moved over it afterwards.

/// `TABLES[k][byte]`: the check of a byte that `k` zeros follow.
static TABLES: [[u16; 256]; 8] = tables();
/// What a check becomes over [`STRETCH`] zeros: by its high and by its low byte.
static OVER_A_STRETCH: [[u16; 256]; 2] = over_a_stretch();

/// Bytes of one of the stretches.
const STRETCH: usize = 256;
const STRETCHES: usize = 4;

/// The check of a byte with nothing before it.
const fn of_byte(byte: u8) -> u16 {
    let mut sum = (byte as u16) << 8;
    let mut bit = 0;
    while bit < 8 {
        sum = if sum & 0x8000 != 0 { sum << 1 ^ 0x8005 } else { sum << 1 };
        bit += 1;
    }
    sum
}

const fn tables() -> [[u16; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = of_byte(byte as u8);
        let mut k = 0;
        while k < 8 {
            tables[k][byte] = sum;
            sum = sum << 8 ^ of_byte((sum >> 8) as u8);
            k += 1;
        }
        byte += 1;
    }
    tables
}

const fn over_a_stretch() -> [[u16; 256]; 2] {
    // Where each single bit goes; a byte goes where its bits go.
    let mut bits = [0; 16];
    let mut bit = 0;
    while bit < 16 {
        let mut sum = 1 << bit;
        let mut zeros = 0;
        while zeros < STRETCH {
            sum = sum << 8 ^ of_byte((sum >> 8) as u8);
            zeros += 1;
        }
        bits[bit] = sum;
        bit += 1;
    }
    let mut over = [[0; 256]; 2];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            if byte >> bit & 1 != 0 {
                over[0][byte] ^= bits[bit + 8];
                over[1][byte] ^= bits[bit];
            }
            bit += 1;
        }
        byte += 1;
    }
    over
}

#[inline(always)]
fn eight(sum: u16, bytes: &[u8; 8]) -> u16 {
    let [a, b, c, d, e, f, g, h] = *bytes;
    let [high, low] = sum.to_be_bytes();
    let at = |k: usize, byte: u8| TABLES[k][usize::from(byte)];
    ((at(7, a ^ high) ^ at(6, b ^ low)) ^ (at(5, c) ^ at(4, d)))
        ^ ((at(3, e) ^ at(2, f)) ^ (at(1, g) ^ at(0, h)))
}

fn over_zeros(sum: u16) -> u16 {
    let [high, low] = sum.to_be_bytes();
    OVER_A_STRETCH[0][usize::from(high)] ^ OVER_A_STRETCH[1][usize::from(low)]
}

/// The check of `bytes`; zero where its own two bytes stand at their end.
pub(super) fn crc16(bytes: &[u8]) -> u16 {
    let mut sum = 0;
    let (blocks, rest) = bytes.as_chunks::<{ STRETCH * STRETCHES }>();
    for block in blocks {
        let (steps, _) = block.as_chunks::<8>();
        let mut sums = [sum, 0, 0, 0];
        for step in 0..STRETCH / 8 {
            for stretch in 0..STRETCHES {
                sums[stretch] = eight(sums[stretch], &steps[stretch * STRETCH / 8 + step]);
            }
        }
        sum = sums[1..].iter().fold(sums[0], |sum, next| over_zeros(sum) ^ next);
    }
    let (steps, rest) = rest.as_chunks::<8>();
    sum = steps.iter().fold(sum, eight);
    rest.iter().fold(sum, |sum, byte| sum << 8 ^ TABLES[0][usize::from((sum >> 8) as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: division of polynomials, bit by bit.
    fn divided(bytes: &[u8]) -> u16 {
        bytes.iter().fold(0, |sum, byte| {
            (0..8).fold(sum ^ u16::from(*byte) << 8, |sum, _| {
                if sum & 0x8000 != 0 { sum << 1 ^ 0x8005 } else { sum << 1 }
            })
        })
    }

    // The check value that catalogues give for CRC-16/UMTS.
    #[test]
    fn the_published_check_value_is_met() {
        assert_eq!(crc16(b"123456789"), 0xfee8);
        assert_eq!(crc16(b""), 0);
    }

    proptest! {
        #[test]
        fn every_length_is_divided_rightly(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert_eq!(crc16(&bytes), divided(&bytes));
        }
    }
}
