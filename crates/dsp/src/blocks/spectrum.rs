//! What the tests of curves look at: the spectrum of a processed tone.

/// Helpers that several kinds' tests share.
#[cfg(test)]
pub(crate) mod tests {
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
}
