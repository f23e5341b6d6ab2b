//! Levels of a recording, as simple as they can be: the band needs them to balance itself.

use audio::{db_to_gain, gain_to_db};

/// Largest magnitude of all channels.
pub(crate) fn peak(channels: &[Vec<f64>]) -> f64 {
    channels.iter().flatten().fold(0.0, |peak, x| f64::max(peak, x.abs()))
}

/// Root mean square over all channels of each whole window of `window_s`, in dBFS.
pub(crate) fn windows_dbfs(channels: &[Vec<f64>], window_s: f64, rate_hz: f64) -> Vec<f64> {
    let window = (window_s * rate_hz).round() as usize;
    let frames = channels.first().map_or(0, Vec::len);
    (0..frames / window)
        .map(|n| {
            let range = n * window..(n + 1) * window;
            let sum: f64 = channels.iter().flat_map(|c| &c[range.clone()]).map(|x| x * x).sum();
            gain_to_db((sum / (window * channels.len()) as f64).sqrt())
        })
        .collect()
}

/// The value that a share of the sorted values lies under.
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

/// Only the windows in which the track plays: within 20 dB of the 95th percentile.
fn active(mut windows_dbfs: Vec<f64>) -> Vec<f64> {
    if windows_dbfs.is_empty() {
        return windows_dbfs;
    }
    let loud_dbfs = percentile(&mut windows_dbfs, 0.95);
    windows_dbfs.retain(|&level| level > loud_dbfs - 20.0);
    windows_dbfs
}

/// Root mean square while the track plays (windows of 50 ms), in dBFS.
pub(crate) fn active_rms_dbfs(channels: &[Vec<f64>], rate_hz: f64) -> f64 {
    let active = active(windows_dbfs(channels, 0.05, rate_hz));
    let mean = active.iter().map(|db| 10f64.powf(db / 10.0)).sum::<f64>() / active.len().max(1) as f64;
    10.0 * mean.log10()
}

/// How far a track wanders while it plays: 95th minus 10th percentile of windows of 400 ms, in decibels.
pub(crate) fn spread_db(channels: &[Vec<f64>], rate_hz: f64) -> f64 {
    let mut active = active(windows_dbfs(channels, 0.4, rate_hz));
    if active.is_empty() {
        return 0.0;
    }
    percentile(&mut active, 0.95) - percentile(&mut active, 0.10)
}

/// Turns all channels together.
pub(crate) fn turn(channels: &mut [Vec<f64>], gain_db: f64) {
    let gain = db_to_gain(gain_db);
    channels.iter_mut().flatten().for_each(|x| *x *= gain);
}
