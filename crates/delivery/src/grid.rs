//! How many bits a signal really uses.
//!
//! A signal lies on the grid of `b` bits when every sample is a whole number of steps of `2^-(b-1)`. One that
//! lies on the grid of the file it is written to loses nothing by rounding and must not be dithered; a 24-bit
//! file whose samples lie on the 16-bit grid is 16-bit audio with padding.

use audio::BlockRef;

/// Counted as this many bits: whatever needs as many or more.
const MOST_BITS: usize = 64;

/// Finds the smallest grid on which a signal lies, block by block.
#[derive(Debug, Clone)]
pub struct Grid {
    /// How many samples need exactly this many bits.
    counts: [u64; MOST_BITS + 1],
}

impl Default for Grid {
    fn default() -> Grid {
        Grid { counts: [0; MOST_BITS + 1] }
    }
}

impl Grid {
    /// A grid of nothing yet.
    pub fn new() -> Grid {
        Grid::default()
    }

    /// Takes the next block (any number of channels x any number of frames).
    pub fn push(&mut self, block: &BlockRef) {
        for samples in block.iter() {
            for sample in samples {
                self.counts[sample_bits(*sample)] += 1;
            }
        }
    }

    /// Bits of the smallest grid that holds every sample: 0 for digital silence, 64 for "64 or more", as the
    /// result of a computation has.
    pub fn bits_used(&self) -> u32 {
        self.counts.iter().rposition(|count| *count > 0).unwrap_or(0) as u32
    }

    /// Share of the samples, 0 to 1, that need more than `bits` bits; 0 for no samples.
    pub fn share_beyond(&self, bits: u32) -> f64 {
        let beyond: u64 = self.counts.iter().skip(bits as usize + 1).sum();
        let all: u64 = self.counts.iter().sum();
        if all == 0 { 0.0 } else { beyond as f64 / all as f64 }
    }
}

/// Bits of the smallest grid that holds every sample of a block; see [`Grid::bits_used`].
pub fn bits_used(block: &BlockRef) -> u32 {
    let mut grid = Grid::new();
    grid.push(block);
    grid.bits_used()
}

/// Bits that one sample needs: the position of its lowest set bit, counted from the sign bit.
fn sample_bits(sample: f64) -> usize {
    if sample == 0.0 {
        return 0;
    }
    // IEEE 754: a normal double is (2^52 + fraction) * 2^(exponent - 1075).
    let bits = sample.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64;
    let lowest = ((bits & 0x000f_ffff_ffff_ffff) | 1 << 52).trailing_zeros() as i64;
    (1 - (exponent - 1075 + lowest)).clamp(1, MOST_BITS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_samples() {
        for (sample, bits) in [
            (0.0, 0),
            (-0.0, 0),
            (1.0, 1),
            (-1.0, 1),
            (2.0, 1),
            (0.5, 2),
            (-0.75, 3),
            (2f64.powi(-15), 16),
            (1.0 - 2f64.powi(-23), 24),
            (-(2f64.powi(-31)), 32),
            (0.1, 56),
            (f64::from(0.1f32), 28),
            (f64::MIN_POSITIVE / 4.0, 64),
        ] {
            assert_eq!(sample_bits(sample), bits, "{sample}");
        }
    }

    #[test]
    fn the_largest_need_of_all_channels_counts() {
        let buffer = audio::Buffer::from_channels(&[vec![0.5, 0.0, 0.25], vec![0.0, 2f64.powi(-23), 0.0]]);
        assert_eq!(bits_used(&buffer.as_block()), 24);
        let mut grid = Grid::new();
        grid.push(&buffer.as_block());
        assert_eq!(grid.share_beyond(16), 1.0 / 6.0);
        assert_eq!(grid.share_beyond(24), 0.0);
        assert_eq!(Grid::new().bits_used(), 0);
        assert_eq!(Grid::new().share_beyond(16), 0.0);
    }

    proptest! {
        #[test]
        fn a_sample_lies_on_its_grid_and_on_no_smaller_one(step in -8_388_608i64..8_388_608) {
            let sample = step as f64 / 8_388_608.0;
            let bits = sample_bits(sample) as i32;
            let steps = |b: i32| sample * 2f64.powi(b - 1);
            prop_assert!(bits <= 24);
            prop_assert_eq!(steps(bits).fract(), 0.0);
            if bits > 1 {
                prop_assert!(steps(bits - 1).fract() != 0.0);
            }
        }
    }
}
