//! What the tests of curves look at: the spectrum of a processed tone.

/// Helpers that several kinds' tests share.
#[cfg(test)]
pub(crate) mod tests {
    use crate::blocks::colour::loudness_weighting;
    use crate::blocks::svf::Chain;
    use crate::{Kind, Values};
    use audio::{Block, Spec};
    use realfft::RealFftPlanner;
    use std::f64::consts::TAU;

    /// Two seconds of a sine of whole hertz.
    pub(crate) fn sine(rate: usize, hz: usize, amplitude: f64) -> Vec<f64> {
        // The phase is taken modulo a turn in whole numbers: no error grows.
        (0..2 * rate).map(|n| amplitude * (TAU * (n * hz % rate) as f64 / rate as f64).sin()).collect()
    }

    /// The amplitudes at whole hertz of the second second.
    pub(crate) fn spectrum(samples: &[f64], rate: usize) -> Vec<f64> {
        let transform = RealFftPlanner::new().plan_fft_forward(rate);
        let mut bins = transform.make_output_vec();
        let mut second = samples[samples.len() - rate..].to_vec();
        transform.process(&mut second, &mut bins).expect("lengths fit");
        bins.iter().map(|x| x.norm() * 2.0 / rate as f64).collect()
    }

    pub(crate) fn db(ratio: f64) -> f64 {
        20.0 * ratio.log10()
    }

    /// The strongest component from 20 Hz to 20 kHz that is no harmonic, relative to the fundamental.
    pub(crate) fn alias_db(bins: &[f64], hz: usize) -> f64 {
        let stray = (20..20_000).filter(|n| n % hz != 0).map(|n| bins[n]).fold(0.0, f64::max);
        db(stray / bins[hz])
    }

    /// Something like a song: notes, hits and noise, whose level changes by 4 dB every two seconds.
    pub(crate) fn programme(rate: usize, seconds: usize) -> Vec<f64> {
        let mut state = 3u64;
        (0..rate * seconds)
            .map(|n| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let noise = (state >> 11) as f64 / 2f64.powi(52) - 1.0;
                let t = n as f64 / rate as f64;
                let hit = (-(t % 0.5) * 20.0).exp();
                let note =
                    (TAU * 110.0 * t).sin() + 0.5 * (TAU * 331.0 * t).sin() + 0.2 * (TAU * 2_217.0 * t).sin();
                let level = if t % 4.0 < 2.0 { 0.5 } else { 0.3 };
                level * (0.3 * note + hit * (0.7 * (TAU * 60.0 * t).sin() + 0.4 * noise))
            })
            .collect()
    }

    /// Integrated loudness, in LUFS but for a constant: BS.1770's weighting and gating over blocks of 400 ms, every 100.
    pub(crate) fn loudness(samples: &[f64], sample_rate_hz: f64) -> f64 {
        let mut weighted = samples.to_vec();
        Chain::new(loudness_weighting(sample_rate_hz), 1).process(&mut Block::from_mono(&mut weighted));
        let tenth = (0.1 * sample_rate_hz) as usize;
        let powers: Vec<f64> = (0..weighted.len() / tenth - 3)
            .map(|i| {
                weighted[i * tenth..(i + 4) * tenth].iter().map(|x| x * x).sum::<f64>() / (4 * tenth) as f64
            })
            .filter(|power| *power > 1e-7)
            .collect();
        let mean = |powers: &[f64]| powers.iter().sum::<f64>() / powers.len() as f64;
        let gate = 0.1 * mean(&powers);
        let left: Vec<f64> = powers.into_iter().filter(|power| *power > gate).collect();
        10.0 * mean(&left).log10()
    }

    /// A kind with some settings on one channel.
    pub(crate) fn rendered(kind: &Kind, set: &[(&str, f64)], mut samples: Vec<f64>, rate: usize) -> Vec<f64> {
        let mut values = Values::neutral(kind);
        for (name, value) in set {
            values.put(kind.address(name).expect("a parameter of the kind"), *value);
        }
        let spec = Spec { sample_rate_hz: rate as f64, channels: 1, max_frames: 4_096 };
        (kind.build)(&values, &spec).process(&mut Block::from_mono(&mut samples), None);
        samples
    }

    /// 5 kHz (and less convenient ones) at full scale with 12 dB of drive: what is no harmonic, in the worst case.
    pub(crate) fn worst_alias_db(kind: &Kind, set: &[(&str, f64)]) -> f64 {
        let mut worst = f64::NEG_INFINITY;
        for rate in [44_100, 48_000] {
            for hz in [5_000, 4_999] {
                let mut set = set.to_vec();
                set.push(("drive_db", 12.0));
                let bins = spectrum(&rendered(kind, &set, sine(rate, hz, 1.0), rate), rate);
                worst = worst.max(alias_db(&bins, hz));
            }
        }
        worst
    }

    /// By how much a programme comes out louder than it went in, in LU.
    pub(crate) fn louder_by(kind: &Kind, set: &[(&str, f64)]) -> f64 {
        let input = programme(48_000, 12);
        loudness(&rendered(kind, set, input.clone(), 48_000), 48e3) - loudness(&input, 48e3)
    }

    /// Ten seconds of a full-scale square and five of noise: the largest sample, and the direct current in decibels of
    /// full scale of the square's second half.
    pub(crate) fn after_abuse(kind: &Kind, set: &[(&str, f64)]) -> (f64, f64) {
        let mut state = 1u64;
        let input: Vec<f64> = (0..48_000 * 15)
            .map(|n| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let noise = (state >> 11) as f64 / 2f64.powi(52) - 1.0;
                if n < 480_000 { if (n / 240) % 2 == 0 { 1.0 } else { -1.0 } } else { noise }
            })
            .collect();
        let output = rendered(kind, set, input, 48_000);
        let peak = output.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let mean = output[240_000..480_000].iter().sum::<f64>() / 240_000.0;
        (peak, db(mean.abs()))
    }
}
