//! Random numbers from a seed: the same seed gives the same take, for ever.

/// SplitMix64: G. Steele, D. Lea and C. Flood, *Fast splittable pseudorandom number generators*,
/// OOPSLA 2014, figure 16. Small, fast, and every seed is a good seed.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// A generator of its own for one part of the song, so that a change in one part leaves the others.
    pub(crate) fn for_part(seed: u64, part: &str) -> Random {
        // FNV-1a over the part's name keeps the streams apart.
        let name = part.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut random = Random { state: seed ^ name };
        // One step mixes neighbouring seeds apart.
        random.state = random.bits();
        random
    }

    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0 to 1, one excluded.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform white noise in -1 to 1.
    pub(crate) fn noise(&mut self) -> f64 {
        2.0 * self.unit() - 1.0
    }

    /// Uniform between `low` and `high`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Nearly normal with mean 0 and deviation 1, never beyond 3.5 (a player is never seconds off):
    /// the sum of twelve uniform numbers.
    pub(crate) fn normal(&mut self) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        (sum - 6.0).clamp(-3.5, 3.5)
    }

    /// One of `0 .. count`.
    pub(crate) fn choose(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count.saturating_sub(1))
    }
}
