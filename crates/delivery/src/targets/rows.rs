//! The targets at hand: the table, with what a person says instead.

use super::{TARGETS, Target};
use crate::error::DeliveryError;

/// Sample rates that are written, in hertz.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=768_000;
/// Levels that anybody could mean, in decibels of any kind.
const LEVELS: std::ops::RangeInclusive<f64> = -120.0..=0.0;

/// The rows of [`TARGETS`], or of a person's own table.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    rows: Vec<Target>,
}

impl Default for Targets {
    fn default() -> Targets {
        Targets { rows: TARGETS.clone() }
    }
}

impl Targets {
    /// Every row, in the order in which people see them.
    pub fn rows(&self) -> &[Target] {
        &self.rows
    }

    /// The row with an id; case, and `-` for `_`, do not matter.
    ///
    /// # Errors
    /// [`DeliveryError::UnknownTarget`], with the most similar id when there is one.
    pub fn find(&self, id: &str) -> Result<&Target, DeliveryError> {
        find(&self.rows, id)
    }

    /// Puts a row in the place of the one with its id, or after all others.
    ///
    /// # Errors
    /// What is wrong with the row, in words, where it cannot be met by any file.
    pub fn put(&mut self, row: Target) -> Result<(), String> {
        sound(&row)?;
        match self.rows.iter_mut().find(|known| known.id == row.id) {
            Some(known) => *known = row,
            None => self.rows.push(row),
        }
        Ok(())
    }
}

/// The row with an id among rows.
pub(super) fn find<'a>(rows: &'a [Target], id: &str) -> Result<&'a Target, DeliveryError> {
    let plain = id.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    if let Some(target) = rows.iter().find(|t| t.id == plain) {
        return Ok(target);
    }
    let likeness = |t: &Target| strsim::jaro_winkler(&t.id, &plain);
    let suggestion = rows
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|t| likeness(t) > 0.75)
        .map(|t| t.id.to_string());
    let known = rows.iter().map(|t| t.id.to_string()).collect();
    Err(DeliveryError::UnknownTarget { name: id.to_owned(), suggestion, known })
}

/// Whether a file can meet a row at all.
fn sound(row: &Target) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if row.id.is_empty() || !row.id.bytes().all(plain) {
        return Err("an id has small letters, digits and _ only, such as my_label".into());
    }
    let levels = [
        ("integrated_lufs", row.integrated_lufs),
        ("mono_integrated_lufs", row.mono_integrated_lufs),
        ("max_short_term_lufs", row.max_short_term_lufs),
        ("max_noise_floor_dbfs", row.max_noise_floor_dbfs),
        ("ceiling_dbtp", Some(row.ceiling_dbtp)),
        ("max_sample_peak_dbfs", row.max_sample_peak_dbfs),
    ];
    if let Some((key, _)) = levels.iter().find(|(_, level)| level.is_some_and(|l| !LEVELS.contains(&l))) {
        return Err(format!("{key} has to be from {} to {}", LEVELS.start(), LEVELS.end()));
    }
    if !(row.tolerance_lu > 0.0 && row.tolerance_lu <= 60.0) {
        return Err("tolerance_lu has to be above 0".into());
    }
    let ranges = [
        ("rms_dbfs", row.rms_dbfs),
        ("duration_s", row.duration_s),
        ("pause_start_s", row.pause_start_s),
        ("pause_end_s", row.pause_end_s),
    ];
    let upside_down = |[low, high]: [f64; 2]| low.partial_cmp(&high) != Some(std::cmp::Ordering::Less);
    if let Some((key, _)) = ranges.iter().find(|(_, range)| range.is_some_and(upside_down)) {
        return Err(format!("{key} is [lowest, highest]"));
    }
    if row.min_correlation.is_some_and(|c| !(-1.0..=1.0).contains(&c)) {
        return Err("min_correlation has to be from -1 to 1".into());
    }
    if row.mono_below_hz.is_some_and(|hz| !(20.0..=500.0).contains(&hz)) {
        return Err("mono_below_hz has to be from 20 to 500".into());
    }
    formats(row)
}

fn formats(row: &Target) -> Result<(), String> {
    let mut rates = row.sample_rates_hz.iter().chain(&row.preferred_rate_hz);
    if rates.any(|rate| !RATES_HZ.contains(rate)) {
        return Err(format!("sample rates are from {} to {} Hz", RATES_HZ.start(), RATES_HZ.end()));
    }
    if let Some(rate) = row.preferred_rate_hz.filter(|rate| !row.takes_rate(*rate)) {
        return Err(format!("preferred_rate_hz {rate} is none of sample_rates_hz"));
    }
    if row.depths.is_empty() || row.containers.is_empty() {
        return Err("depths and containers need one entry at least, the preferred one first".into());
    }
    if row.channels.iter().any(|count| !(1..=files::MAX_CHANNELS).contains(count)) {
        return Err(format!("channels are from 1 to {}", files::MAX_CHANNELS));
    }
    Ok(())
}
