//! What each number in [`Facts`](crate::Facts) is called, its unit, and what it says.

/// One reading as it is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The name of the field in [`Facts`](crate::Facts), and in JSON. Never changes.
    pub id: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// Its unit; empty for pure numbers and counts.
    pub unit: &'static str,
    /// Decimals that are worth showing.
    pub decimals: usize,
    /// What it says, in one sentence, and where it is defined.
    pub help: &'static str,
}

/// The readings that loudness and peaks alone give (see [`Options::loudness`](crate::Options::loudness)).
pub static LOUDNESS_READINGS: &[&str] = &[
    "sample_rate_hz",
    "channels",
    "frames",
    "duration_s",
    "integrated_lufs",
    "max_momentary_lufs",
    "max_short_term_lufs",
    "loudness_range_lu",
    "true_peak_dbtp",
    "true_peak_minimum_dbtp",
    "true_peak_frame",
    "true_peak_factor",
    "sample_peak_dbfs",
    "plr_lu",
    "non_finite_samples",
];

const fn reading(
    id: &'static str,
    label: &'static str,
    unit: &'static str,
    decimals: usize,
    help: &'static str,
) -> Reading {
    Reading { id, label, unit, decimals, help }
}

/// Every single-valued reading, in the order in which people see them.
pub static READINGS: &[Reading] = &[
    reading("sample_rate_hz", "Sample rate", "Hz", 0, "Frames per second."),
    reading("channels", "Channels", "", 0, "Number of channels."),
    reading("frames", "Length", "frames", 0, "Length in frames."),
    reading("duration_s", "Duration", "s", 3, "Length in seconds."),
    reading(
        "integrated_lufs",
        "Integrated loudness",
        "LUFS",
        1,
        "Loudness of the whole, pauses left out by two gates (ITU-R BS.1770-5).",
    ),
    reading(
        "max_momentary_lufs",
        "Loudest moment",
        "LUFS",
        1,
        "The loudest 400 ms, searched in steps of 10 ms (EBU Tech 3341).",
    ),
    reading(
        "max_short_term_lufs",
        "Loudest 3 s",
        "LUFS",
        1,
        "The loudest 3 s, searched in steps of 10 ms (EBU Tech 3341).",
    ),
    reading(
        "loudness_range_lu",
        "Loudness range",
        "LU",
        1,
        "How far apart quiet and loud passages are; not meaningful under a minute (EBU Tech 3342).",
    ),
    reading(
        "true_peak_dbtp",
        "True peak",
        "dBTP",
        2,
        "The highest point of the signal between its samples (ITU-R BS.1770-5, Annex 2).",
    ),
    reading(
        "true_peak_minimum_dbtp",
        "True peak, least meter",
        "dBTP",
        2,
        "What a meter with the example filter of BS.1770-5, Annex 2, reads: most others, right or wrong.",
    ),
    reading("true_peak_frame", "Place of the true peak", "frames", 0, "The frame at or just before it."),
    reading("true_peak_factor", "True-peak oversampling", "", 0, "Points per frame that were looked at."),
    reading("sample_peak_dbfs", "Sample peak", "dBFS", 2, "The highest sample."),
    reading("rms_dbfs", "RMS", "dBFS", 1, "Mean level of all channels; a full-scale sine has -3.01."),
    reading("crest_db", "Crest factor", "dB", 1, "Sample peak minus RMS."),
    reading("plr_lu", "PLR", "LU", 1, "True peak minus integrated loudness."),
    reading("psr_min_lu", "Least PSR", "LU", 1, "Smallest true peak of 3 s minus their loudness."),
    reading("psr_p5_lu", "PSR, 5 %", "LU", 1, "The value that 5 % of these stay below."),
    reading("psr_median_lu", "PSR, median", "LU", 1, "The middle of these."),
    reading(
        "dr_db",
        "DR",
        "dB",
        0,
        "Second-highest peak over the RMS of the loudest fifth (TT DR, Algorithmix 1.3).",
    ),
    reading("dc_offset", "DC offset", "", 5, "Mean of the channel farthest from zero; 1 is full scale."),
    reading("clipped_samples", "Clipped samples", "", 0, "Samples in flat tops at the signal's own maximum."),
    reading("clipped_runs", "Clipped runs", "", 0, "Number of such flat tops."),
    reading("clipped_level_dbfs", "Clipped at", "dBFS", 2, "The level of the first flat tops, middle value."),
    reading("non_finite_samples", "Broken samples", "", 0, "Samples that were no finite number."),
    reading(
        "noise_floor_dbfs",
        "Noise floor",
        "dBFS",
        1,
        "A tenth of the sounding 50 ms stay below this RMS.",
    ),
    reading("leading_silence_s", "Silence at the start", "s", 3, "Digital silence before the first sound."),
    reading("trailing_silence_s", "Silence at the end", "s", 3, "Digital silence after the last sound."),
    reading("leading_quiet_s", "Quiet at the start", "s", 2, "Time before anything is higher than -60 dBFS."),
    reading(
        "trailing_quiet_s",
        "Quiet at the end",
        "s",
        2,
        "Time after the last that is higher than -60 dBFS.",
    ),
    reading("bits_used", "Bits used", "bit", 0, "From full scale down to the last bit that is ever set."),
    reading("correlation", "Correlation", "", 2, "Of left and right: 1 mono, 0 independent, -1 opposite."),
    reading("mono_loss_db", "Mono loss", "dB", 1, "Level lost when left and right are added."),
    reading("side_mid_db", "Width", "dB", 1, "Level of the side signal against the middle."),
    reading("balance_db", "Balance", "dB", 1, "Level of right against left."),
    reading(
        "tilt_db_per_octave",
        "Tilt",
        "dB/oct",
        1,
        "Slope of the third octaves from 50 Hz to 10 kHz: pink noise has 0, most music -3 to -6.",
    ),
    reading(
        "bandwidth_hz",
        "Nothing above",
        "Hz",
        0,
        "Where the spectrum ends all at once: lossy or converted.",
    ),
    reading("centroid_hz", "Spectral centroid", "Hz", 0, "Centre of gravity of the power spectrum."),
    reading("energy_1_percent_hz", "1 % of energy below", "Hz", 0, "Where the sound begins in frequency."),
    reading("energy_99_percent_hz", "99 % of energy below", "Hz", 0, "Where the sound ends in frequency."),
    reading("below_25_hz_db", "Below 25 Hz", "dB", 1, "Energy below 25 Hz against all, DC left out."),
    reading("active_share", "Active share", "", 2, "Share of the time in which it plays."),
    reading("active_rms_dbfs", "Active RMS", "dBFS", 1, "RMS while it plays."),
    reading("active_lufs", "Active loudness", "LUFS", 1, "K-weighted loudness while it plays."),
    reading(
        "level_spread_lu",
        "Level spread",
        "LU",
        1,
        "95th minus 10th percentile of 400 ms while it plays.",
    ),
    reading(
        "active_crest_db",
        "Active crest factor",
        "dB",
        1,
        "Middle crest factor of 400 ms while it plays.",
    ),
    reading("onsets_per_s", "Onset rate", "1/s", 1, "Note beginnings in one second of playing."),
    reading(
        "inter_onset_median_s",
        "Time between onsets",
        "s",
        2,
        "From one note to the next, middle value.",
    ),
    reading("pitched_share", "Pitched share", "", 2, "Share of the active time with a clear pitch."),
    reading("pitch_low_hz", "Low pitch", "Hz", 0, "5 % of the pitched time lie below."),
    reading("pitch_median_hz", "Middle pitch", "Hz", 0, "The middle pitch."),
    reading("pitch_high_hz", "High pitch", "Hz", 0, "95 % of the pitched time lie below."),
];

/// The headings under which people see the readings, and the readings of each. What stands under none comes last.
pub static GROUPS: &[(&str, &[&str])] = &[
    (
        "Loudness",
        &[
            "integrated_lufs",
            "max_momentary_lufs",
            "max_short_term_lufs",
            "loudness_range_lu",
            "level_spread_lu",
            "active_lufs",
        ],
    ),
    (
        "Peaks and dynamics",
        &[
            "true_peak_dbtp",
            "true_peak_minimum_dbtp",
            "sample_peak_dbfs",
            "rms_dbfs",
            "active_rms_dbfs",
            "crest_db",
            "active_crest_db",
            "plr_lu",
            "psr_min_lu",
            "psr_p5_lu",
            "psr_median_lu",
            "dr_db",
        ],
    ),
    ("Stereo", &["correlation", "mono_loss_db", "side_mid_db", "balance_db"]),
    (
        "Spectrum",
        &[
            "tilt_db_per_octave",
            "centroid_hz",
            "energy_1_percent_hz",
            "energy_99_percent_hz",
            "below_25_hz_db",
            "bandwidth_hz",
        ],
    ),
    (
        "Blemishes",
        &[
            "clipped_samples",
            "clipped_runs",
            "clipped_level_dbfs",
            "non_finite_samples",
            "dc_offset",
            "noise_floor_dbfs",
            "bits_used",
        ],
    ),
    (
        "Time",
        &[
            "leading_silence_s",
            "trailing_silence_s",
            "leading_quiet_s",
            "trailing_quiet_s",
            "active_share",
            "onsets_per_s",
            "inter_onset_median_s",
        ],
    ),
    ("Pitch", &["pitched_share", "pitch_low_hz", "pitch_median_hz", "pitch_high_hz"]),
    ("File", &["sample_rate_hz", "channels", "frames", "duration_s", "true_peak_frame", "true_peak_factor"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Facts;

    #[test]
    fn every_single_fact_is_described_once_and_in_order() {
        let json = serde_json::to_value(Facts::default()).expect("facts are plain data");
        let facts = json.as_object().expect("facts are one object");
        // Lists and objects describe themselves by their own fields; what channels are to each other is no number.
        let single = |(k, v): &(&String, &serde_json::Value)| {
            !v.is_array() && !v.is_object() && *k != "channel_relation"
        };
        let single: Vec<&str> = facts.iter().filter(single).map(|(k, _)| k.as_str()).collect();
        let described: Vec<&str> = READINGS.iter().map(|r| r.id).collect();
        assert_eq!(described, single);
    }

    #[test]
    fn no_reading_stands_under_two_headings() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        assert!(grouped.iter().all(|id| READINGS.iter().any(|r| r.id == *id)), "{grouped:?}");
        grouped.sort_unstable();
        assert!(grouped.windows(2).all(|pair| pair[0] != pair[1]), "{grouped:?}");
    }

    #[test]
    fn units_and_names_agree() {
        for reading in READINGS {
            let ending = match reading.unit {
                "LUFS" => "_lufs",
                "LU" => "_lu",
                "dBTP" => "_dbtp",
                "dBFS" => "_dbfs",
                "dB" => "_db",
                "Hz" => "_hz",
                "s" => "_s",
                "1/s" => "_per_s",
                "dB/oct" => "_db_per_octave",
                _ => "",
            };
            assert!(reading.id.ends_with(ending), "{} in {}", reading.id, reading.unit);
            assert!(reading.help.ends_with('.'), "{}", reading.id);
        }
    }
}
