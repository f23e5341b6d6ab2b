//! From a recorded impulse response to the filters that the reverb uses.

use crate::ImpulseResponse;
use crate::blocks::convolution::{Convolver, Filter, Partition, Path};
use crate::blocks::resample;
use audio::{Buffer, Frames, Spec, db_to_gain};
use std::f64::consts::{LN_10, PI};

/// Level of the first sound, below the response's peak: what is quieter before it is silence or noise.
const ONSET_DB: f64 = -46.0;

/// Kept of what comes before the first sound, so that its flank stays whole.
const LEAD_S: f64 = 0.000_5;

/// Fade behind what is taken from the response's beginning.
const FADE_S: f64 = 0.001;

/// What is left of the end when it is quieter than this below the peak for good.
const END_DB: f64 = -130.0;

/// The rate at which a response of unit energy is as loud as no reverb at all. A response that is sampled twice as
/// densely has half the energy for the same sound.
const ENERGY_RATE_HZ: f64 = 48_000.0;

/// How a response is shaped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shaping {
    /// Taken from the beginning, in seconds, the time kept.
    pub(super) trim_s: f64,
    /// Decay time as a part of the recorded one, at most 1.
    pub(super) decay: f64,
}

/// The response's channels as they are applied, at the processor's sample rate.
pub(super) fn prepare(response: &ImpulseResponse, shaping: &Shaping, sample_rate_hz: f64) -> Vec<Vec<f64>> {
    let rate = response.sample_rate_hz;
    let count = match response.audio.channels() {
        0 => return Vec::new(),
        1 => 1,
        2 | 3 => 2,
        _ => 4,
    };
    let channels: Vec<&[f64]> = (0..count).map(|c| response.audio.channel(c)).collect();
    let Some((first, end)) = sounding(&channels, rate) else { return Vec::new() };
    let mut channels: Vec<Vec<f64>> = channels.iter().map(|c| c[first..end].to_vec()).collect();
    shorten(&mut channels, shaping.decay, rate);
    trim(&mut channels, shaping.trim_s, rate);

    // As loud as the dry sound for independent noise in every channel: energy per output.
    let outputs = if count == 1 { 1.0 } else { 2.0 };
    let energy: f64 = channels.iter().flatten().map(|x| x * x).sum::<f64>() / outputs * rate / ENERGY_RATE_HZ;
    if energy <= 0.0 || !energy.is_finite() {
        return Vec::new();
    }
    // Samples of one sound that stand closer together weigh less.
    let (from, to) = (rate.round().max(1.0) as u32, sample_rate_hz.round() as u32);
    let scale = rate / sample_rate_hz / energy.sqrt();
    channels.iter_mut().flatten().for_each(|x| *x *= scale);
    let converted = resample::resample(&Buffer::from_channels(&channels), from, to);
    (0..count).map(|c| converted.channel(c).to_vec()).collect()
}

/// First and last frame of what sounds in any channel.
fn sounding(channels: &[&[f64]], rate: f64) -> Option<(Frames, Frames)> {
    let peak = channels.iter().copied().flatten().fold(0.0f64, |most, x| most.max(x.abs()));
    if peak <= 0.0 || !peak.is_finite() || channels.iter().copied().flatten().any(|x| !x.is_finite()) {
        return None;
    }
    let loud = |bound: f64| move |x: &f64| x.abs() >= bound;
    let onset = loud(peak * db_to_gain(ONSET_DB));
    let first = channels.iter().filter_map(|c| c.iter().position(onset)).min()?;
    let last = channels.iter().filter_map(|c| c.iter().rposition(loud(peak * db_to_gain(END_DB)))).max()?;
    Some((first.saturating_sub((LEAD_S * rate).round() as Frames), last + 1))
}

/// Makes the response fall faster, so that its decay time is `part` of what it was.
fn shorten(channels: &mut [Vec<f64>], part: f64, rate: f64) {
    if part >= 1.0 {
        return;
    }
    // 60 dB are 3 ln 10 nepers of amplitude.
    let per_frame = 3.0 * LN_10 * (1.0 / part - 1.0) / decay_frames(channels, rate);
    for channel in channels {
        channel.iter_mut().enumerate().for_each(|(n, x)| *x *= (-per_frame * n as f64).exp());
        // What has become inaudible is not worth its convolution.
        let peak = channel.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let bound = peak * db_to_gain(END_DB);
        if let Some(last) = channel.iter().rposition(|x| x.abs() >= bound) {
            channel[last + 1..].fill(0.0);
        }
    }
}

/// Frames in which the response falls by 60 dB, from its fall between -5 and -25 dB (ISO 3382-1, T20), by backward
/// integration (M. R. Schroeder, *New method of measuring reverberation time*, JASA 1965).
pub(super) fn decay_frames(channels: &[Vec<f64>], rate: f64) -> f64 {
    let length = channels.first().map_or(0, Vec::len);
    let mut left: Vec<f64> = (0..length).map(|n| channels.iter().map(|c| c[n] * c[n]).sum()).collect();
    for n in (0..length.saturating_sub(1)).rev() {
        left[n] += left[n + 1];
    }
    let total = left.first().copied().unwrap_or(0.0);
    let at = |db: f64| left.partition_point(|energy| *energy > total * 10f64.powf(db / 10.0)) as f64;
    // A single click has no decay: a millisecond keeps the numbers finite.
    (3.0 * (at(-25.0) - at(-5.0))).max(0.001 * rate)
}

/// Silences the beginning, where the direct sound is, and fades in behind it.
fn trim(channels: &mut [Vec<f64>], seconds: f64, rate: f64) {
    if seconds <= 0.0 {
        return;
    }
    let (silent, fade) = ((seconds * rate).round() as usize, (FADE_S * rate).max(1.0));
    for channel in channels {
        for (n, x) in channel.iter_mut().take(silent + fade as usize).enumerate() {
            let part = n.saturating_sub(silent) as f64 / fade;
            *x *= if n < silent { 0.0 } else { 0.5 - 0.5 * (PI * part).cos() };
        }
    }
}

/// The convolution of a signal with so many channels; `None` where there is nothing to convolve with.
pub(super) fn convolver(channels: &[Vec<f64>], spec: &Spec) -> Option<Convolver> {
    let longest = channels.iter().map(|c| c.len()).max().filter(|&n| n > 0)?;
    if spec.channels == 0 {
        return None;
    }
    let partition = Partition::without_latency(longest);
    let filter = |taps: &[f64]| Filter::new(taps, &partition);
    if spec.channels != 2 {
        // One response for every channel: all of them together, as loud as each.
        let mut sum = vec![0.0; longest];
        channels.iter().for_each(|c| sum.iter_mut().zip(c).for_each(|(sum, x)| *sum += x));
        let energy = |taps: &[f64]| taps.iter().map(|x| x * x).sum::<f64>();
        let outputs = if channels.len() == 1 { 1.0 } else { 2.0 };
        let wished = channels.iter().map(|c| energy(c)).sum::<f64>() / outputs;
        let scale = (wished / energy(&sum).max(f64::MIN_POSITIVE)).sqrt();
        // Channels that cancel one another leave nothing to scale.
        let scale = if scale < 100.0 { scale } else { 1.0 };
        sum.iter_mut().for_each(|x| *x *= scale);
        return Some(Convolver::each(&filter(&sum), spec.channels));
    }
    let path = |input, output, taps: &[f64]| Path { input, output, filter: filter(taps) };
    match channels {
        [mono] => Some(Convolver::each(&filter(mono), 2)),
        [left, right] => Some(Convolver::new(2, 2, vec![path(0, 0, left), path(1, 1, right)])),
        [ll, lr, rl, rr, ..] => {
            Some(Convolver::new(2, 2, vec![path(0, 0, ll), path(1, 0, rl), path(0, 1, lr), path(1, 1, rr)]))
        }
        _ => None,
    }
}
