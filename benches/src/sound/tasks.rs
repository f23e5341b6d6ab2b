//! Jobs that peers can be given too, and what is read of each.

use super::figures::{self, Heard};
use super::signals::{IMPULSE, Signal};
use audio::power_to_db;

/// One job.
pub(crate) struct Task {
    /// Its name in the peers' folders.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What every program was asked for.
    pub(crate) asked: &'static str,
    /// Ours: what it is called in the table, the kind, its settings.
    pub(crate) ours: &'static [(&'static str, &'static str, &'static str)],
    pub(crate) figures: &'static [Figure],
}

/// What is read of an output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Figure {
    /// Distance from the analogue bell of this frequency, gain in decibels and Q.
    BellError(f64, f64, f64),
    /// Difference of the largest and the smallest gain.
    Ripple,
    /// By how much the tone came out quieter than it would unprocessed, this many decibels being the gain before.
    Reduction(u32, i32, f64),
    /// Harmonics and noise of a tone.
    ThdN(u32, i32),
    /// Strongest line that is no harmonic.
    Alias(u32, i32),
    /// By how much the true peak of the programme passes a ceiling in dBTP.
    Over(f64),
    /// The same after the repair that every master gets before it is written; of ours only.
    OverRepaired(f64),
    /// Loudness of the programme.
    Loudness,
    /// CPU time for a second of stereo.
    Cpu,
}

impl Figure {
    /// The head of its column.
    pub(crate) fn label(self) -> String {
        match self {
            Figure::BellError(..) => "response error, dB".into(),
            Figure::Ripple => "ripple, dB".into(),
            Figure::Reduction(hz, ..) => format!("reduction at {hz} Hz, dB"),
            Figure::ThdN(hz, _) => format!("THD+N at {hz} Hz, dB"),
            Figure::Alias(hz, _) => format!("aliases of {hz} Hz, dB"),
            Figure::Over(_) => "over the ceiling, dB".into(),
            Figure::OverRepaired(_) => "as a master is written, dB".into(),
            Figure::Loudness => "programme, LUFS".into(),
            Figure::Cpu => "CPU, ms per s".into(),
        }
    }

    /// The signal it is read of; CPU is taken on the programme.
    pub(crate) fn signal(self) -> Signal {
        match self {
            Figure::BellError(..) | Figure::Ripple => Signal::Impulse,
            Figure::Reduction(hz, dbfs, _) | Figure::ThdN(hz, dbfs) | Figure::Alias(hz, dbfs) => {
                Signal::Tone(hz, dbfs)
            }
            Figure::Over(_) | Figure::OverRepaired(_) | Figure::Loudness | Figure::Cpu => Signal::Programme,
        }
    }

    /// Digits after the point.
    pub(crate) fn digits(self) -> usize {
        match self {
            Figure::BellError(..) | Figure::Ripple | Figure::Over(_) | Figure::OverRepaired(_) => 3,
            Figure::Cpu | Figure::Loudness => 2,
            Figure::Reduction(..) | Figure::ThdN(..) | Figure::Alias(..) => 1,
        }
    }

    /// Its value, from the output's channels; nothing for the CPU time, which is no property of the output.
    pub(crate) fn read(self, channels: &[Vec<f64>], rate_hz: f64) -> Option<f64> {
        let heard = Heard { samples: &channels[0], rate_hz };
        Some(match self {
            Figure::BellError(freq_hz, gain_db, q) => {
                figures::response_error_db(heard, IMPULSE, |hz| bell_db(hz / freq_hz, gain_db, q))
            }
            Figure::Ripple => figures::ripple_db(heard),
            Figure::Reduction(hz, dbfs, gain_db) => {
                f64::from(dbfs) + gain_db - figures::level_dbfs(heard, hz)
            }
            Figure::ThdN(hz, _) => figures::thd_n_db(heard, hz),
            Figure::Alias(hz, _) => figures::alias_db(heard, hz),
            Figure::Over(ceiling_dbtp) => figures::over_db(channels, ceiling_dbtp),
            Figure::OverRepaired(ceiling_dbtp) => {
                figures::over_db(&figures::repaired(channels, ceiling_dbtp, rate_hz), ceiling_dbtp)
            }
            Figure::Loudness => figures::loudness_lufs(channels, rate_hz),
            Figure::Cpu => return None,
        })
    }
}

/// The analogue bell of the audio-EQ cookbook (R. Bristow-Johnson) at a frequency relative to its centre.
fn bell_db(w: f64, gain_db: f64, q: f64) -> f64 {
    let a = 10f64.powf(gain_db / 40.0);
    let resonance = |width: f64| (1.0 - w * w).powi(2) + (width * w).powi(2);
    power_to_db(resonance(a / q) / resonance(1.0 / (a * q)))
}

/// All jobs.
pub(crate) static TASKS: &[Task] = &[
    Task {
        id: "bell",
        title: "Equaliser: a bell near the end of hearing",
        asked: "+6 dB at 12 kHz with Q 0.7, whose upper half a digital filter squeezes; the error is the largest \
                distance from the analogue curve between 20 Hz and 20 kHz.",
        ours: &[("eq", "eq", "bands.0.freq_hz = 12000; bands.0.gain_db = 6; bands.0.q = 0.7")],
        figures: &[Figure::BellError(12_000.0, 6.0, 0.7), Figure::Cpu],
    },
    Task {
        id: "compressor",
        title: "Compressor: distortion of tones under 6 dB of reduction",
        asked: "Threshold -14 dBFS, ratio 4, hard knee, attack 10 ms, release 100 ms; tones of -6 dBFS peak. A detector \
                that takes the mean power reduces by 2.3 dB less.",
        ours: &[
            (
                "compressor, RMS",
                "compressor",
                "threshold_db = -17.01; ratio = 4; attack_ms = 10; release_ms = 100; detector = rms; rms_ms = 50",
            ),
            (
                "compressor, peak",
                "compressor",
                "threshold_db = -14; ratio = 4; attack_ms = 10; release_ms = 100; detector = peak",
            ),
        ],
        figures: &[Figure::Reduction(997, -6, 0.0), Figure::ThdN(60, -6), Figure::ThdN(997, -6), Figure::Cpu],
    },
    Task {
        id: "limiter",
        title: "Limiter: tones under 6 dB of reduction, and the ceiling on a programme",
        asked: "6 dB of drive into a ceiling of -1 dBTP; tones of -1 dBFS; the programme's true peak is read as \
                masters are verified. Ours stand a second time after the repair that every master gets.",
        ours: &[
            ("transparent", "limiter", "drive_db = 6; ceiling_dbtp = -1; character = transparent"),
            ("two-stage", "limiter", "drive_db = 6; ceiling_dbtp = -1; release_mode = two_stage"),
            ("aggressive", "limiter", "drive_db = 6; ceiling_dbtp = -1; character = aggressive"),
            ("perceptual", "perceptual_limiter", "drive_db = 6; ceiling_dbtp = -1"),
        ],
        figures: &[
            Figure::Reduction(997, -1, 6.0),
            Figure::ThdN(60, -1),
            Figure::ThdN(997, -1),
            Figure::Over(-1.0),
            Figure::OverRepaired(-1.0),
            Figure::Loudness,
            Figure::Cpu,
        ],
    },
    Task {
        id: "soft_clip",
        title: "Saturation: a soft curve",
        asked: "12 dB of drive into a smooth odd curve (tanh where there is a choice), a tone of 4,999 Hz at -6 dBFS.",
        ours: &[
            ("saturator, soft", "saturator", "curve = soft; drive_db = 12; mix_percent = 100"),
            ("tube", "tube", "drive_db = 12; mix_percent = 100"),
            ("tape", "tape", "drive_db = 12; mix_percent = 100"),
        ],
        figures: &[Figure::ThdN(4_999, -6), Figure::Alias(4_999, -6), Figure::Cpu],
    },
    Task {
        id: "hard_clip",
        title: "Clipping: a hard corner",
        asked: "12 dB of drive into a hard clip at full scale, a tone of 4,999 Hz at -6 dBFS.",
        ours: &[("clipper", "clipper", "drive_db = 12; ceiling_db = 0")],
        figures: &[Figure::ThdN(4_999, -6), Figure::Alias(4_999, -6), Figure::Cpu],
    },
    Task {
        id: "multiband",
        title: "Multiband compressor at rest",
        asked: "Four bands split at 120 Hz, 1 kHz and 6 kHz, thresholds of -6 dBFS, an impulse far below them: what the \
                crossovers alone do to the tone.",
        ours: &[
            (
                "linear phase",
                "multiband",
                "crossover = linear_phase_24; bands.0.freq_hz = 120; bands.0.threshold_db = -6; \
                 bands.0.ratio = 4; bands.1.freq_hz = 1000; bands.1.threshold_db = -6; \
                 bands.1.ratio = 4; bands.2.freq_hz = 6000; bands.2.threshold_db = -6; \
                 bands.2.ratio = 4; bands.3.threshold_db = -6; bands.3.ratio = 4",
            ),
            (
                "Linkwitz-Riley",
                "multiband",
                "bands.0.freq_hz = 120; bands.0.threshold_db = -6; bands.0.ratio = 4; \
                 bands.1.freq_hz = 1000; bands.1.threshold_db = -6; bands.1.ratio = 4; \
                 bands.2.freq_hz = 6000; bands.2.threshold_db = -6; bands.2.ratio = 4; \
                 bands.3.threshold_db = -6; bands.3.ratio = 4",
            ),
        ],
        figures: &[Figure::Ripple, Figure::Cpu],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The bell has its gain at the centre and none far away; at the edges of its bandwidth, half its decibels.
    #[test]
    fn the_ideal_bell_is_a_bell() {
        assert!((bell_db(1.0, 6.0, 0.7) - 6.0).abs() < 1e-12);
        assert!(bell_db(1e-4, 6.0, 0.7).abs() < 1e-3 && bell_db(1e4, 6.0, 0.7).abs() < 1e-3);
        // Bandwidth between the points of half the decibels: 1/Q = 2 sinh(ln 2 / 2 * BW), edges at 2^(+-BW/2).
        let q = 1.3;
        let edge = (0.5 / q + (0.25 / (q * q) + 1.0f64).sqrt()).ln().exp();
        assert!((bell_db(edge, 6.0, q) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn settings_are_of_the_rack() {
        for task in TASKS {
            for (label, kind, settings) in task.ours {
                let kind = dsp::kind(kind).unwrap_or_else(|| panic!("{label}: no kind `{kind}`"));
                dsp::Values::parse(kind, settings).unwrap_or_else(|unknown| panic!("{label}: {unknown}"));
            }
        }
    }
}
