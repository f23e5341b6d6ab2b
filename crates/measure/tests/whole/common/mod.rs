//! Test signals made from their published descriptions.

use audio::{BlockRef, Buffer, db_to_gain};
use std::f64::consts::PI;

/// The rates at which every published case is checked.
pub(crate) const RATES: [f64; 6] = [44_100.0, 48_000.0, 88_200.0, 96_000.0, 176_400.0, 192_000.0];

/// A 1 kHz sine of `channels` in phase, as a sequence of (seconds, peak dBFS), block by block; silence is
/// negative infinity.
pub(crate) fn play(rate: f64, channels: usize, parts: &[(f64, f64)], mut each: impl FnMut(&BlockRef)) {
    // Ten periods are a whole number of frames at all of the rates.
    let period = (rate / 100.0) as usize;
    let sine: Vec<f64> = (0..period).map(|n| (2.0 * PI * 1000.0 * n as f64 / rate).sin()).collect();
    let mut block = Buffer::new(channels, 4096);
    let (mut at, mut end_s) = (0, 0.0);
    for (seconds, dbfs) in parts {
        end_s += seconds;
        let gain = db_to_gain(*dbfs);
        let end = (end_s * rate).round() as usize;
        while at < end {
            let frames = block.frames().min(end - at);
            for c in 0..channels {
                let samples = &mut block.channel_mut(c)[..frames];
                samples.iter_mut().enumerate().for_each(|(n, s)| *s = gain * sine[(at + n) % period]);
            }
            each(&block.range(0, frames));
            at += frames;
        }
    }
}

/// The same as one buffer.
pub(crate) fn tones(rate: f64, channels: usize, parts: &[(f64, f64)]) -> Buffer {
    let mut planes = vec![Vec::new(); channels];
    play(rate, channels, parts, |block| {
        planes.iter_mut().zip(block.iter()).for_each(|(plane, samples)| plane.extend_from_slice(samples));
    });
    Buffer::from_channels(&planes)
}

/// A deterministic generator of numbers in -1 .. 1 (xorshift, Marsaglia 2003).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn number(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Something like a programme: noise with a falling spectrum whose level changes every half second.
pub(crate) fn programme(rate: f64, channels: usize, seconds: f64, seed: u64) -> Buffer {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let frames = (seconds * rate) as usize;
    let mut planes = vec![vec![0.0; frames]; channels];
    let mut last = vec![0.0; channels];
    let mut gain = 0.1;
    for n in 0..frames {
        if n % (rate / 2.0) as usize == 0 {
            gain = db_to_gain(-25.0 + 20.0 * random.number());
        }
        for (plane, last) in planes.iter_mut().zip(&mut last) {
            *last = 0.8 * *last + 0.4 * gain * random.number();
            plane[n] = *last;
        }
    }
    Buffer::from_channels(&planes)
}
