//! A row for each processor of the rack, at the settings at which it works as hard as in a mix.

use super::figures::{self, Heard};
use super::signals::{IMPULSE, Signal, tone};
use super::{RATE_HZ, cost_ms, through};
use crate::Failure;
use crate::work::values;
use audio::{Buffer, Spec, gain_to_db};
use dsp::{Family, Kind, Values};

/// The tone of the harmonics, and that of the aliases, both prime to the rate.
const TONE_HZ: u32 = 997;
const HIGH_TONE_HZ: u32 = 4_999;

/// The figures of one kind; nothing where a figure says nothing about it.
pub(crate) struct Row {
    /// Largest distance of the measured response from the stated one, in dB.
    pub(crate) response_error_db: Option<f64>,
    pub(crate) thd_n_db: Option<f64>,
    pub(crate) alias_db: Option<f64>,
    pub(crate) latency_ms: f64,
}

/// Measures a kind; everything but the time it takes.
pub(crate) fn measure(kind: &'static Kind) -> Result<Row, Failure> {
    let values = values(kind)?;
    let spec = Spec { sample_rate_hz: RATE_HZ, channels: 2, max_frames: 1_024 };
    let latency = (kind.build)(&values, &spec).latency();
    // A steady tone says nothing about what moves or echoes by intent.
    let steady = !matches!(kind.family, Family::Modulation | Family::Space);
    let of_tone = |hz: u32, read: fn(Heard, u32) -> f64| {
        let sound = tone(f64::from(hz), -6.0, 5.0 + latency as f64 / RATE_HZ);
        let out = through(kind, &values, &sound);
        read(Heard { samples: out.channel(0), rate_hz: RATE_HZ }, hz)
    };
    Ok(Row {
        response_error_db: kind.response.map(|_| response_error_db(kind, &values, &spec)),
        thd_n_db: steady.then(|| of_tone(TONE_HZ, figures::thd_n_db)),
        alias_db: steady.then(|| of_tone(HIGH_TONE_HZ, figures::alias_db)),
        latency_ms: latency as f64 * 1_000.0 / RATE_HZ,
    })
}

fn response_error_db(kind: &'static Kind, values: &Values, spec: &Spec) -> f64 {
    let stated = kind.response.expect("a linear kind");
    let out: Buffer = through(kind, values, &Signal::Impulse.sound());
    figures::response_error_db(Heard { samples: out.channel(0), rate_hz: RATE_HZ }, IMPULSE, |hz| {
        gain_to_db(stated(values, spec, hz).norm())
    })
}

/// CPU milliseconds for a second of stereo.
pub(crate) fn cost(kind: &'static Kind) -> Result<f64, Failure> {
    cost_ms(kind, &values(kind)?)
}
