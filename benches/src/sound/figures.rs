//! What is measured, on samples that may come from anywhere.

use audio::{Buffer, Layout, SILENCE_DB, db_to_gain, gain_to_db, power_to_db};
use dsp::Complex64;
use dsp::processors::limiter::{Over, repair};
use realfft::RealFftPlanner;
use std::f64::consts::TAU;

/// One channel of what came out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard<'a> {
    /// Its samples.
    pub(crate) samples: &'a [f64],
    /// Their rate, in hertz.
    pub(crate) rate_hz: f64,
}

/// Where hearing ends, in hertz.
const HIGHEST_HZ: usize = 20_000;

/// Power per hertz from 0 to half the rate, of the second that ends a quarter of a second before the end, where a
/// peer that cuts its last frames off has still its steady state. A second holds whole periods of every whole number
/// of hertz, so that no window is needed.
fn powers(sound: Heard) -> Vec<f64> {
    let second = sound.rate_hz as usize;
    let end = sound.samples.len() - second / 4;
    let mut samples = sound.samples[end - second..end].to_vec();
    let transform = RealFftPlanner::new().plan_fft_forward(second);
    let mut spectrum = transform.make_output_vec();
    transform.process(&mut samples, &mut spectrum).expect("lengths fit");
    spectrum.iter().map(|x| x.norm_sqr() * 2.0 / (second as f64).powi(2)).collect()
}

/// Everything but the tone and direct current, up to half the rate, against the tone; decibels.
pub(crate) fn thd_n_db(sound: Heard, hz: u32) -> f64 {
    let powers = powers(sound);
    let tone = hz as usize;
    let rest: f64 = powers.iter().enumerate().skip(1).filter(|(n, _)| *n != tone).map(|(_, p)| p).sum();
    power_to_db(rest / powers[tone])
}

/// Level of the tone, in dBFS.
pub(crate) fn level_dbfs(sound: Heard, hz: u32) -> f64 {
    // The power of a full-scale sine is one half.
    power_to_db(2.0 * powers(sound)[hz as usize])
}

/// The strongest line up to 20 kHz that is no harmonic of the tone, against the tone; decibels. The tone's frequency
/// must be prime to the rate, so that no harmonic folds onto another.
pub(crate) fn alias_db(sound: Heard, hz: u32) -> f64 {
    let powers = powers(sound);
    let tone = hz as usize;
    let folded = (1..=HIGHEST_HZ).filter(|n| n % tone != 0);
    power_to_db(folded.map(|n| powers[n]).fold(0.0, f64::max) / powers[tone])
}

/// Largest difference in decibels, 20 Hz to 20 kHz, between the gain that an impulse shows and the `ideal` one.
pub(crate) fn response_error_db(out: Heard, impulse: f64, ideal: impl Fn(f64) -> f64) -> f64 {
    let error = |hz: f64| {
        let expected_db = ideal(hz);
        let measured_db = power_to_db(transform(out, hz).norm_sqr() / impulse.powi(2));
        // What lies below -60 dB is not heard beside the rest.
        if expected_db < -60.0 { 0.0 } else { (measured_db - expected_db).abs() }
    };
    frequencies().map(error).fold(0.0, f64::max)
}

/// Difference between the largest and the smallest gain from 20 Hz to 20 kHz, in decibels.
pub(crate) fn ripple_db(out: Heard) -> f64 {
    let gains: Vec<f64> = frequencies().map(|hz| power_to_db(transform(out, hz).norm_sqr())).collect();
    gains.iter().copied().fold(f64::MIN, f64::max) - gains.iter().copied().fold(f64::MAX, f64::min)
}

/// By how many decibels the highest peak between the samples passes a ceiling, 0 where none does: found by the longest
/// filter there is, at sixteen times the rate, as masters are verified.
pub(crate) fn over_db(channels: &[Vec<f64>], ceiling_dbtp: f64) -> f64 {
    let sound = Buffer::from_channels(channels);
    let found = measure::overs(&sound.as_block(), db_to_gain(ceiling_dbtp), 16).expect("a supported factor");
    found.iter().map(|over| gain_to_db(over.level) - ceiling_dbtp).fold(0.0, f64::max)
}

/// Without the peaks that a limiter left above a ceiling, as mastering takes them out of the finished file: found at sixteen
/// times the rate, lowered within 3 ms, and looked for again, at most six times.
pub(crate) fn repaired(channels: &[Vec<f64>], ceiling_dbtp: f64, rate_hz: f64) -> Vec<Vec<f64>> {
    let mut sound = Buffer::from_channels(channels);
    for _ in 0..4 {
        let found =
            measure::overs(&sound.as_block(), db_to_gain(ceiling_dbtp), 16).expect("a supported factor");
        if found.is_empty() {
            break;
        }
        let overs: Vec<Over> = found
            .iter()
            .map(|o| Over { frame: o.frame, excess_db: gain_to_db(o.level) - ceiling_dbtp })
            .collect();
        repair(&mut sound.as_block_mut(), 0, &overs, (0.003 * rate_hz) as usize);
    }
    (0..sound.channels()).map(|c| sound.channel(c).to_vec()).collect()
}

/// Integrated loudness in LUFS (ITU-R BS.1770-5); -300 for silence.
pub(crate) fn loudness_lufs(channels: &[Vec<f64>], rate_hz: f64) -> f64 {
    let sound = Buffer::from_channels(channels);
    let layout = Layout::from_channels(channels.len());
    let mut meter = measure::Loudness::new(rate_hz, layout).expect("a supported rate");
    meter.push(&sound.as_block());
    meter.integrated_lufs().unwrap_or(SILENCE_DB)
}

/// 24 an octave, 20 Hz to 20 kHz.
fn frequencies() -> impl Iterator<Item = f64> {
    (0..=240).map(|step| 20.0 * 2f64.powf(f64::from(step) / 24.0)).filter(|hz| *hz <= 20_000.0)
}

fn transform(sound: Heard, hz: f64) -> Complex64 {
    let turn = Complex64::from_polar(1.0, -TAU * hz / sound.rate_hz);
    sound.samples.iter().rev().fold(Complex64::new(0.0, 0.0), |sum, &x| sum * turn + x)
}

#[cfg(test)]
mod tests {
    use super::super::RATE_HZ;
    use super::super::signals::{IMPULSE, IMPULSE_FRAME, Signal, tone};
    use super::*;

    fn heard(samples: &[f64]) -> Heard<'_> {
        Heard { samples, rate_hz: RATE_HZ }
    }

    /// A tone with a known second harmonic and a known foreign line: what is read is what was put in.
    #[test]
    fn what_was_put_in_is_read() {
        let planes = [tone(4_999.0, -6.0, 2.0), tone(9_998.0, -66.0, 2.0), tone(3_001.0, -86.0, 2.0)];
        let sound: Vec<f64> =
            (0..planes[0].frames()).map(|n| planes.iter().map(|p| p.channel(0)[n]).sum()).collect();
        // 60 and 80 dB under the tone; together 0.04 dB more than the louder.
        assert!((thd_n_db(heard(&sound), 4_999) + 59.957).abs() < 0.001);
        assert!((alias_db(heard(&sound), 4_999) + 80.0).abs() < 0.001);
        assert!((level_dbfs(heard(&sound), 4_999) + 6.0).abs() < 0.001);
    }

    /// A clean tone has nothing else above rounding: its phase, up to 2,000 turns, is known to 2e-13 of a turn.
    #[test]
    fn a_clean_tone_is_clean() {
        assert!(thd_n_db(heard(tone(997.0, -6.0, 2.0).channel(0)), 997) < -240.0);
    }

    /// An impulse and an echo a millisecond later comb: the gain at each frequency is known.
    #[test]
    fn a_comb_is_read_as_the_comb() {
        let mut sound = Signal::Impulse.sound().channel(0).to_vec();
        sound[IMPULSE_FRAME + 48] = 0.5 * IMPULSE;
        let ideal = |hz: f64| power_to_db(1.25 + (TAU * hz / 1_000.0).cos());
        assert!(response_error_db(heard(&sound), IMPULSE, ideal) < 1e-6);
        // From 1.5 to 0.5 is 9.54 dB; the grid of frequencies misses the ends of the comb by a little.
        assert!((ripple_db(heard(&sound)) - 9.54).abs() < 0.1);
    }
}
