//! How many bits a signal really uses.
//!
//! A signal lies on the grid of `b` bits when every sample is a whole number of steps of `2^-(b-1)`. One that
//! lies on the grid of the file it is written to loses nothing by rounding and must not be dithered; a 24-bit
//! file whose samples lie on the 16-bit grid is 16-bit audio with padding.

use audio::BlockRef;

/// Counted as this many bits: whatever needs as many or more.
const MOST_BITS: u32 = 64;

/// Finds the smallest grid on which a signal lies, block by block.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    bits: u32,
}

impl Grid {
    /// A grid of nothing yet.
    pub fn new() -> Grid {
        Grid::default()
    }

    /// Takes the next block (any number of channels x any number of frames).
    pub fn push(&mut self, block: &BlockRef) {
        for samples in block.iter() {
            for piece in samples.chunks(PIECE) {
                if !lie_on_grid(piece, self.bits) {
                    self.bits = piece.iter().map(|sample| sample_bits(*sample)).fold(self.bits, u32::max);
                }
            }
        }
    }

    /// Bits of the smallest grid that holds every sample: 0 for digital silence, 64 for "64 or more", as the
    /// result of a computation has.
    pub fn bits_used(&self) -> u32 {
        self.bits
    }
}

/// Samples that are looked at together.
const PIECE: usize = 256;

/// Whether it is quickly seen that all samples lie on the grid of so many bits.
fn lie_on_grid(samples: &[f64], bits: u32) -> bool {
    match bits {
        0 => false,
        1..=DEEPEST => whole(samples, (1u64 << (bits - 1)) as f64),
        // Nothing needs more.
        _ => bits == MOST_BITS,
    }
}

/// Numbers of steps up to full scale of so many bits are told from others by what adding this leaves of them: there doubles
/// are whole numbers, as far as the sum stays between 2^52 and 2^53.
const DEEPEST: u32 = 48;
const WHOLE: f64 = 1.5 * (1u64 << 52) as f64;
const FARTHEST: f64 = (1u64 << 51) as f64;

audio::wide! {
    /// Whether all samples are whole numbers of steps, so many of which are full scale, none of them beyond [`FARTHEST`];
    /// never wrongly so.
    fn whole(samples: &[f64], steps: f64) -> bool {
        let mut off = [0.0f64; 8];
        let chunks = samples.chunks_exact(8);
        let rest = chunks.remainder();
        for chunk in chunks {
            for lane in 0..8 {
                let x = chunk[lane] * steps;
                let away = (x - ((x + WHOLE) - WHOLE)).abs();
                // Also where it is no number.
                off[lane] = if away <= 0.0 && x.abs() <= FARTHEST { off[lane] } else { 1.0 };
            }
        }
        let of_rest = rest.iter().all(|x| {
            let x = x * steps;
            (x - ((x + WHOLE) - WHOLE)).abs() <= 0.0 && x.abs() <= FARTHEST
        });
        off.iter().all(|off| *off == 0.0) && of_rest
    }
}

/// Bits of the smallest grid that holds every sample of a block; see [`Grid::bits_used`].
pub fn bits_used(block: &BlockRef) -> u32 {
    let mut grid = Grid::new();
    grid.push(block);
    grid.bits_used()
}

/// Bits that one sample needs: the position of its lowest set bit, counted from the sign bit.
fn sample_bits(sample: f64) -> u32 {
    if sample == 0.0 {
        return 0;
    }
    // IEEE 754: a normal double is (2^52 + fraction) * 2^(exponent - 1075).
    let bits = sample.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64;
    let lowest = ((bits & 0x000f_ffff_ffff_ffff) | 1 << 52).trailing_zeros() as i64;
    (1 - (exponent - 1075 + lowest)).clamp(1, i64::from(MOST_BITS)) as u32
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
        assert_eq!(Grid::new().bits_used(), 0);
    }

    /// Samples so far above full scale that adding to them leaves halves of a step, in a full piece and in its rest.
    #[test]
    fn a_sample_far_above_full_scale_is_not_passed_over() {
        let deeper = f64::from(1u32 << 19) + 2f64.powi(-33);
        for place in [0, 255, 256, 259] {
            for sign in [1.0, -1.0] {
                let mut samples = vec![2f64.powi(-32); 260];
                let mut grid = Grid::new();
                grid.push(&audio::BlockRef::from_mono(&samples));
                assert_eq!(grid.bits_used(), 33);
                samples[place] = sign * deeper;
                grid.push(&audio::BlockRef::from_mono(&samples));
                assert_eq!(grid.bits_used(), 34, "{place} {sign}");
            }
        }
    }

    proptest! {
        /// Finds a piece that is passed over although a sample in it needs more than the ones before, wherever it stands and
        /// whatever surrounds it.
        #[test]
        fn no_sample_is_passed_over(
            bits in 0u32..70, deeper in 0u32..70, place in 0usize..1500, steps in -9_007_199_254_740_991i64..9_007_199_254_740_991,
        ) {
            let on_grid = |bits: u32, n: i64| n as f64 / 2f64.powi(bits as i32 - 1) / 1024.0;
            let mut samples: Vec<f64> = (0..1500).map(|n| on_grid(bits, (n * 7919) % 2048 - 1024)).collect();
            samples[place] = on_grid(deeper, steps);
            let expected = samples.iter().map(|sample| sample_bits(*sample)).fold(0, u32::max);
            let mut grid = Grid::new();
            for cut in samples.chunks(311) {
                grid.push(&audio::BlockRef::from_mono(cut));
            }
            prop_assert_eq!(grid.bits_used(), expected);
        }

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
