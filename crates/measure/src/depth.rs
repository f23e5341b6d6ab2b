//! How many bits of its samples a signal really uses.

use audio::BlockRef;

/// Added and taken away again, this rounds a number of up to 2^51 to a whole one (2^52 x 1.5: the last bit of the
/// sum counts ones).
const ROUNDS: f64 = 6_755_399_441_055_744.0;

/// Samples are looked at on the grid of 32 bits, the finest of integer files.
const GRID: f64 = 2_147_483_648.0;

/// Collects the bits that are ever set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Depth {
    /// All samples on the grid of 32 bits, put together by OR.
    bits: u64,
    /// A sample lies between the steps of 32 bits.
    between: bool,
}

impl Depth {
    /// Takes clean samples.
    pub(crate) fn push(&mut self, block: &BlockRef) {
        // When the last bit is set nothing more can be learnt.
        if self.between || self.bits & 1 == 1 {
            return;
        }
        // The usual case is one pass that finds nothing below the last bit that is known.
        let known = GRID / (1u64 << self.bits.trailing_zeros().min(31)) as f64;
        let whole = |x: &f64| (x * known + ROUNDS) - ROUNDS == x * known;
        for samples in block.iter() {
            if self.bits != 0 && samples.iter().fold(true, |all, x| all & whole(x)) {
                continue;
            }
            let (mut bits, mut between) = (self.bits, false);
            for x in samples {
                let steps = x * GRID;
                let whole = steps as i64;
                between |= whole as f64 != steps;
                // The lowest set bit of a negative number in two's complement is that of its magnitude.
                bits |= whole as u64;
            }
            self.bits = bits;
            self.between |= between;
        }
    }

    /// Bits from full scale down to the last one that is ever used: 16 for the content of a CD in a file of 24
    /// bits. `None` of silence, and of samples between the steps of 32 bits, as floats have them.
    pub(crate) fn finish(&self) -> Option<u32> {
        (!self.between && self.bits != 0).then(|| 32u32.saturating_sub(self.bits.trailing_zeros()).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(samples: &[f64]) -> Option<u32> {
        let mut depth = Depth::default();
        samples.chunks(7).for_each(|part| depth.push(&BlockRef::from_mono(part)));
        depth.finish()
    }

    #[test]
    fn the_last_bit_that_is_ever_set_counts() {
        for bits in [1, 8, 12, 16, 20, 24, 32] {
            let step = 2f64.powi(1 - bits);
            let samples: Vec<f64> = (-50..50).map(|n| (f64::from(n) * step).clamp(-1.0, 1.0)).collect();
            assert_eq!(used(&samples), Some(bits as u32), "{bits} bits");
        }
        // Half the level of 16 bits takes one bit more, two steps at a time one less.
        assert_eq!(used(&[3.0 / 65_536.0]), Some(17));
        assert_eq!(used(&[2.0 / 32_768.0, -4.0 / 32_768.0]), Some(15));
        assert_eq!(used(&[1.0, -1.0]), Some(1));
    }

    #[test]
    fn floats_and_silence_have_no_depth() {
        assert_eq!(used(&[0.1]), None);
        assert_eq!(used(&[0.5, 1e-12]), None);
        assert_eq!(used(&[0.0; 10]), None);
        assert_eq!(used(&[]), None);
        assert_eq!(used(&[4e9, 0.25]), Some(3), "far above full scale");
    }
}
