//! Hum before the first note: the one place where the mains stand alone on a recording that never pauses.
//!
//! What comes before anything is played is often too short for spectra that tell lines 10 Hz apart. The lines of the
//! mains are at known places, so they are projected onto directly, under a Hann window over all of it. The phase by
//! which a line moves from the first half to the second tells its frequency far more finely than the length of the
//! stretch does (Rife & Boorstyn, IEEE Trans. Information Theory IT-20, 1974: the bound on the error of a frequency falls
//! with the signal-to-noise ratio, not with the bandwidth of the window alone): a note near a multiple is no hum.

use super::lines::{Hum, HumLine};
use crate::frames::is_silent;
use crate::stats::sorted;
use audio::{BlockRef, Frames, power_to_db};
use std::f64::consts::{PI, TAU};

/// At most so much is kept, in seconds, and so much is needed: lines 50 Hz apart must leave room between them.
const MOST_S: f64 = 0.5;
const LEAST_S: f64 = 0.28;
/// The attack of the first note may reach so far ahead, in seconds.
const ATTACK_S: f64 = 0.05;
/// Multiples that are looked for.
const MULTIPLES: usize = 8;
/// The level beside a line is taken this far from it, in reciprocals of the length: outside of the window's main lobe (two
/// of them), and up to half way to the next line.
const BESIDE: f64 = 2.5;
/// So many lines stand out by so much, in dB, one of the first two among them.
const LINES: usize = 3;
const PLAIN_DB: f64 = 15.0;
/// Lines that belong to those, in dB above what is beside them.
const STANDS_OUT_DB: f64 = 6.0;
/// A line is as loud in both halves, in dB; what has just ended dies away.
const STEADY_DB: f64 = 3.0;
/// Frequencies that are looked at side by side.
const LANES: usize = 16;
/// The mains keep their frequency within this share of it; a semitone is 6 %.
const EXACT: f64 = 0.006;

/// The beginning of a signal.
#[derive(Clone)]
pub(super) struct LeadIn {
    sample_rate_hz: f64,
    channels: Vec<Vec<f64>>,
    most: Frames,
}

impl LeadIn {
    pub(super) fn new(sample_rate_hz: f64, channels: usize) -> LeadIn {
        let most = ((MOST_S + ATTACK_S) * sample_rate_hz) as usize;
        LeadIn { sample_rate_hz, channels: vec![Vec::with_capacity(most); channels], most }
    }

    /// Takes clean samples.
    pub(super) fn push(&mut self, block: &BlockRef) {
        for (kept, samples) in self.channels.iter_mut().zip(block.iter()) {
            let room = (self.most - kept.len()).min(samples.len());
            kept.extend_from_slice(&samples[..room]);
        }
    }

    /// The hum before `first_s`, where the first note begins; `None` where that is too soon, or nothing surely hums.
    pub(super) fn hum(&self, first_s: f64) -> Option<Hum> {
        let ahead = ((first_s - ATTACK_S).max(0.0) * self.sample_rate_hz) as usize;
        let length = ahead.min((MOST_S * self.sample_rate_hz) as usize);
        if (length as f64) < LEAST_S * self.sample_rate_hz || self.channels.iter().any(|c| c.len() < length) {
            return None;
        }
        let channels: Vec<&[f64]> = self.channels.iter().map(|c| &c[..length]).collect();
        // Most tracks of a song begin with digital silence.
        if channels.iter().all(|samples| is_silent(samples)) {
            return None;
        }
        let halves: Vec<[Windowed; 2]> = channels
            .iter()
            .map(|samples| samples.split_at(length / 2))
            .map(|(first, second)| [Windowed::new(first), Windowed::new(second)])
            .collect();
        let whole: Vec<Windowed> = channels.iter().map(|samples| Windowed::new(samples)).collect();
        let hums = [50.0, 60.0].map(|mains_hz| self.lines(&whole, &halves, mains_hz));
        let plain = |hum: &Hum| hum.lines.iter().map(|line| line.above_floor_db).sum::<f64>();
        hums.into_iter().flatten().max_by(|a, b| plain(a).total_cmp(&plain(b)))
    }

    fn lines(&self, channels: &[Windowed], halves: &[[Windowed; 2]], mains_hz: f64) -> Option<Hum> {
        let lines: Vec<(usize, HumLine)> =
            (1..=MULTIPLES).filter_map(|n| Some((n, self.line(channels, halves, mains_hz, n)?))).collect();
        let plain = lines.iter().filter(|(_, line)| line.above_floor_db >= PLAIN_DB);
        let several = plain.clone().count() >= LINES && plain.clone().next().is_some_and(|(n, _)| *n <= 2);
        several.then(|| Hum { mains_hz, lines: lines.into_iter().map(|(_, line)| line).collect() })
    }

    /// The line at a multiple of the mains, where there is one.
    fn line(
        &self,
        channels: &[Windowed],
        halves: &[[Windowed; 2]],
        mains_hz: f64,
        multiple: usize,
    ) -> Option<HumLine> {
        let hz = mains_hz * multiple as f64;
        let step_hz = self.sample_rate_hz / channels[0].weighted.len() as f64;
        let beside = (0..)
            .map(|n| (BESIDE + f64::from(n)) * step_hz)
            .take_while(|far| *far <= mains_hz / 2.0)
            .flat_map(|far| [hz - far, hz + far]);
        let places: Vec<f64> = std::iter::once(hz).chain(beside).collect();
        let mut powers = self.powers(channels, &places);
        let beside = powers.split_off(1);
        let floor = *sorted(beside.iter().copied()).get(beside.len() / 2)?;
        let above_floor_db = power_to_db(powers[0] / floor.max(1e-18));
        let stands_out = above_floor_db >= STANDS_OUT_DB && self.is_mains(halves, hz);
        stands_out.then(|| HumLine { hz, dbfs: power_to_db(powers[0]), above_floor_db })
    }

    /// Mean power over the channels of sines at these frequencies.
    fn powers(&self, channels: &[Windowed], hz: &[f64]) -> Vec<f64> {
        let mut powers = vec![0.0; hz.len()];
        for channel in channels {
            let shares = channel.shares(hz, self.sample_rate_hz);
            powers.iter_mut().zip(shares).for_each(|(power, share)| *power += power_of(share));
        }
        powers.iter_mut().for_each(|power| *power /= channels.len() as f64);
        powers
    }

    /// Whether what is near a frequency is as loud in the second half as in the first, and at that very frequency.
    fn is_mains(&self, channels: &[[Windowed; 2]], hz: f64) -> bool {
        let half = channels[0][0].weighted.len();
        let (mut halves, mut turn) = ([0.0; 2], (0.0, 0.0));
        for parts in channels {
            let [first, second] = parts.each_ref().map(|part| part.shares(&[hz], self.sample_rate_hz)[0]);
            halves[0] += power_of(first);
            halves[1] += power_of(second);
            // How far the second half is ahead of a sine of just this frequency that goes on from the first.
            let expected = TAU * (hz * half as f64 / self.sample_rate_hz).fract();
            let (re, im) = (second.0 * first.0 + second.1 * first.1, second.1 * first.0 - second.0 * first.1);
            turn.0 += re * expected.cos() + im * expected.sin();
            turn.1 += im * expected.cos() - re * expected.sin();
        }
        let steady = power_to_db(halves[1] / halves[0].max(1e-18)).abs() <= STEADY_DB;
        let off_hz = f64::atan2(turn.1, turn.0) / TAU * self.sample_rate_hz / half as f64;
        steady && off_hz.abs() <= EXACT * hz
    }
}

/// Samples without their mean, under a Hann window.
struct Windowed {
    weighted: Vec<f64>,
    /// The sum of the window.
    sum: f64,
}

impl Windowed {
    fn new(samples: &[f64]) -> Windowed {
        let length = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / length;
        let (window_sin, window_cos) = (TAU / length).sin_cos();
        // A phasor that draws the window.
        let (mut wc, mut ws) = ((PI / length).cos(), (PI / length).sin());
        let mut sum = 0.0;
        let weighted = samples.iter().map(|x| {
            let weight = 0.5 - 0.5 * wc;
            sum += weight;
            (wc, ws) = (wc * window_cos - ws * window_sin, ws * window_cos + wc * window_sin);
            weight * (x - mean)
        });
        Windowed { weighted: weighted.collect(), sum }
    }

    /// The shares of complex sines of these frequencies, real and imaginary; of a real sine half its peak.
    fn shares(&self, hz: &[f64], sample_rate_hz: f64) -> Vec<(f64, f64)> {
        let mut shares = Vec::with_capacity(hz.len());
        for some in hz.chunks(LANES) {
            let (mut cos, mut sin) = ([1.0; LANES], [0.0; LANES]);
            for (lane, hz) in some.iter().enumerate() {
                (sin[lane], cos[lane]) = (TAU * hz / sample_rate_hz).sin_cos();
            }
            let (re, im) = turned_back(&self.weighted, &cos, &sin);
            shares.extend((0..some.len()).map(|lane| (re[lane] / self.sum, im[lane] / self.sum)));
        }
        shares
    }
}

audio::wide! {
    /// The sums of samples times phasors that turn backwards, a frequency a lane, by these cosines and sines a sample.
    fn turned_back(samples: &[f64], cos: &[f64; LANES], sin: &[f64; LANES]) -> ([f64; LANES], [f64; LANES]) {
        let (mut c, mut s) = ([1.0; LANES], [0.0; LANES]);
        let (mut re, mut im) = ([0.0; LANES], [0.0; LANES]);
        for x in samples {
            for lane in 0..LANES {
                re[lane] += x * c[lane];
                im[lane] -= x * s[lane];
                (c[lane], s[lane]) =
                    (c[lane] * cos[lane] - s[lane] * sin[lane], s[lane] * cos[lane] + c[lane] * sin[lane]);
            }
        }
        (re, im)
    }
}

/// Mean square of the sine that this is half the peak of.
fn power_of((re, im): (f64, f64)) -> f64 {
    2.0 * (re * re + im * im)
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Buffer;

    const RATE_HZ: f64 = 48_000.0;

    /// Half a second of noise with what a function adds.
    fn lead(mut at: impl FnMut(f64) -> f64) -> LeadIn {
        let mut state = 1u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let samples: Vec<f64> =
            (0..(0.6 * RATE_HZ) as usize).map(|n| 1e-4 * noise() + at(n as f64 / RATE_HZ)).collect();
        let mut lead = LeadIn::new(RATE_HZ, 1);
        lead.push(&Buffer::from_channels(&[samples]).as_block());
        lead
    }

    /// Lines of -60, -66, -70 dBFS RMS at a fundamental and its multiples.
    fn tone(hz: f64) -> impl Fn(f64) -> f64 {
        move |t| {
            let line = |n: f64, db: f64| 2f64.sqrt() * 10f64.powf(db / 20.0) * (TAU * n * hz * t + n).sin();
            line(1.0, -60.0) + line(2.0, -66.0) + line(3.0, -70.0)
        }
    }

    #[test]
    fn lines_of_the_mains_are_found_in_a_third_of_a_second() {
        for (mains_hz, first_s) in [(50.0, 0.34), (60.0, 0.34), (50.0, 0.4), (60.0, 0.45), (60.0, 9.0)] {
            let hum = lead(tone(mains_hz)).hum(first_s).unwrap();
            assert_eq!(hum.mains_hz, mains_hz);
            // The noise in the main lobe is 40 dB below the weakest line: a tenth of a decibel.
            for (line, dbfs) in hum.lines.iter().zip([-60.0, -66.0, -70.0]) {
                assert!((line.dbfs - dbfs).abs() < 0.1, "{line:?}");
            }
        }
        // The grid of Europe wanders by up to 0.2 Hz in normal operation.
        assert!(lead(tone(50.2)).hum(0.5).is_some() && lead(tone(49.8)).hum(0.5).is_some());
    }

    #[test]
    fn notes_tails_and_noise_are_no_hum() {
        // G1 and B1, the notes nearest to the mains, as steady as a bowed string.
        for hz in [48.999, 61.735, 46.249, 51.913, 58.27] {
            assert!(lead(tone(hz)).hum(0.5).is_none(), "{hz} Hz");
        }
        // A string tuned to 50 Hz by chance that dies away by 20 dB in half a second.
        let string = tone(50.0);
        assert!(lead(|t| string(t) * 10f64.powf(-2.0 * t)).hum(0.5).is_none());
        assert!(lead(|_| 0.0).hum(0.5).is_none());
        // A quarter of a second cannot tell 50 Hz from its neighbours, and no hum is before a note that begins at once.
        assert!(lead(tone(50.0)).hum(0.25).is_none() && lead(tone(50.0)).hum(0.0).is_none());
        // One line is not enough: it may be a note.
        assert!(lead(|t| 1e-3 * (TAU * 50.0 * t).sin()).hum(0.5).is_none());
    }

    #[test]
    fn shares_are_sums_of_fourier_however_many_are_asked_for() {
        let samples: Vec<f64> =
            (0..3000).map(|n| 0.3 + (0.02 * n as f64).sin() + (0.7 * n as f64).cos()).collect();
        let mean = samples.iter().sum::<f64>() / 3000.0;
        let window = |n: usize| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / 3000.0).cos();
        let weights: f64 = (0..3000).map(window).sum();
        for count in [1, 15, 16, 17, 40] {
            let hz: Vec<f64> = (0..count).map(|n| 50.0 + 11.3 * n as f64).collect();
            let shares = Windowed::new(&samples).shares(&hz, RATE_HZ);
            assert_eq!(shares.len(), count);
            for (hz, (re, im)) in hz.iter().zip(shares) {
                let sum = |of: fn(f64) -> f64| -> f64 {
                    let part = |n: usize| window(n) * (samples[n] - mean) * of(TAU * hz * n as f64 / RATE_HZ);
                    (0..3000).map(part).sum::<f64>() / weights
                };
                // What 3000 turns of a phasor lose, each rounded to 1e-16.
                assert!(
                    (re - sum(f64::cos)).abs() < 1e-11 && (im + sum(f64::sin)).abs() < 1e-11,
                    "{hz} Hz of {count}"
                );
            }
        }
    }
}
