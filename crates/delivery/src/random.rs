//! Seeded random numbers: the same seed gives the same bits on every machine, for ever.

/// The SplitMix64 generator (Steele, Lea & Flood, *Fast splittable pseudorandom number generators*, OOPSLA
/// 2014), which spreads one seed over the state of a larger generator.
struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        // The odd number nearest to 2^64 divided by the golden ratio.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The xoshiro256** generator (Blackman & Vigna, *Scrambled linear pseudorandom number generators*, ACM Trans.
/// Math. Softw. 47, 2021): period 2^256 - 1, every bit of its words is good.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    s: [u64; 4],
}

impl Random {
    /// Stream number `stream` of a seed; streams of one seed are unrelated.
    pub(crate) fn new(seed: u64, stream: u64) -> Random {
        // The seed passes through the mixer before the stream is added, so that neighbouring seeds and streams
        // do not meet.
        let mixed = SplitMix64 { state: seed }.next();
        let mut words = SplitMix64 { state: mixed ^ SplitMix64 { state: !stream }.next() };
        Random { s: [words.next(), words.next(), words.next(), words.next()] }
    }

    #[inline(always)]
    fn next(&mut self) -> u64 {
        let s = &mut self.s;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number with the triangular density of two uniform draws, within (-1, 1) and centred on zero exactly.
    ///
    /// The two draws are the halves of one word: steps of 2^-32 are 192 dB below the noise they shape.
    #[inline(always)]
    pub(crate) fn triangular(&mut self) -> f64 {
        let word = self.next();
        let (high, low) = ((word >> 32) as i64, (word & 0xffff_ffff) as i64);
        (high - low) as f64 * 2f64.powi(-32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generators_give_their_published_sequences() {
        // The sequences that other implementations of both papers print for these states.
        let mut seeds = SplitMix64 { state: 1_234_567 };
        let words: Vec<u64> = (0..5).map(|_| seeds.next()).collect();
        assert_eq!(
            words,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
        let mut random = Random { s: [1, 2, 3, 4] };
        let words: Vec<u64> = (0..10).map(|_| random.next()).collect();
        assert_eq!(
            words,
            [
                11_520,
                0,
                1_509_978_240,
                1_215_971_899_390_074_240,
                1_216_172_134_540_287_360,
                607_988_272_756_665_600,
                16_172_922_978_634_559_625,
                8_476_171_486_693_032_832,
                10_595_114_339_597_558_777,
                2_904_607_092_377_533_576
            ]
        );
    }

    #[test]
    fn the_density_is_a_triangle() {
        const DRAWS: usize = 400_000;
        let mut random = Random::new(7, 0);
        let mut bins = [0usize; 20];
        for _ in 0..DRAWS {
            let x = random.triangular();
            assert!(x > -1.0 && x < 1.0);
            bins[((x + 1.0) * 10.0) as usize] += 1;
        }
        for (n, count) in bins.iter().enumerate() {
            // Probability of a tenth under the triangle 1 - |x|: its width times the height at its centre.
            let centre = (n as f64 + 0.5) / 10.0 - 1.0;
            let expected = 0.1 * (1.0 - centre.abs()) * DRAWS as f64;
            // Five standard deviations of a count, so that a sound generator passes.
            let tolerance = 5.0 * expected.sqrt();
            assert!((*count as f64 - expected).abs() < tolerance, "bin {n}: {count} of {expected}");
        }
    }

    #[test]
    fn seeds_and_streams_differ() {
        let first = |seed, stream| Random::new(seed, stream).next();
        let mut words: Vec<u64> =
            (0..30).flat_map(|seed| (0..30).map(move |stream| first(seed, stream))).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 900);
    }
}
