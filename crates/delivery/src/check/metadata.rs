//! Whether what a file says about itself is true.

use crate::finding::{Finding, Remedy, Severity};
use crate::reading::Reading;

/// Said and measured loudness may differ by this, in LU: other meters, and figures to one decimal.
const LOUDNESS_SLACK_LU: f64 = 0.3;
/// The same of true peaks, in dB: meters at 4 times oversampling read up to 0.7 dB too little (ITU-R BS.1770-5, Annex 2).
const PEAK_SLACK_DB: f64 = 0.8;

pub(super) fn judge(reading: &Reading, findings: &mut Vec<Finding>) {
    let (said, facts) = (&reading.tags.loudness, &reading.facts);
    let mut stale =
        |id, what: &str, said: Option<f64>, measured: Option<f64>, slack: f64, unit: &'static str| {
            let Some((said, measured)) = said.zip(measured).filter(|(a, b)| (a - b).abs() > slack) else {
                return;
            };
            let what = format!("The tags say a {what} of {said:.1} {unit}; it is {measured:.1} {unit}.");
            findings.push(
                Finding::new(id, Severity::Warn, what)
                    .heard("Players that trust the tags play it too loud or too quiet.")
                    .mend(
                        Remedy::Tags,
                        "Write the tags anew from what is measured.",
                        "Nothing: the sound stays as it is",
                    )
                    .figure(said, measured, unit),
            );
        };
    let (lufs, peak) = (facts.integrated_lufs, facts.true_peak_dbtp);
    stale("tags_loudness", "loudness", said.track_lufs, lufs, LOUDNESS_SLACK_LU, "LUFS");
    // Many programs write the highest sample in its place, which is true as well.
    let is_sample =
        |said: f64| facts.sample_peak_dbfs.is_some_and(|peak| (peak - said).abs() < PEAK_SLACK_DB);
    let said_peak = said.track_peak_dbtp.filter(|said| !is_sample(*said));
    stale("tags_peak", "true peak", said_peak, peak, PEAK_SLACK_DB, "dBTP");
}
