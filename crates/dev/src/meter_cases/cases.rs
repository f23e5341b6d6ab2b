//! Every case at one sample rate, as Tonmeister's meters read it.

use super::signals::{SILENT, TOP, calibration, faded, pathological, play, thinned};
use audio::{BlockRef, Buffer, Layout};
use measure::{Loudness, TruePeak, TruePeakReading};

/// One row of the page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The standard's number and case, or `peak:` and a name of our own.
    pub(super) case: String,
    /// What is read.
    pub(super) what: String,
    pub(super) expected: f64,
    /// How far a reading may be below and above, in the unit of the reading.
    pub(super) low: f64,
    pub(super) high: f64,
    /// Of several readings the one that is farthest off; `None` where there is none.
    pub(super) read: Option<f64>,
    /// For true peak, what the least meter that BS.1770-5 allows reads.
    pub(super) minimum: Option<f64>,
}

impl Row {
    /// A row whose reading of several is the one that is farthest off.
    fn new(case: &str, what: &str, expected: f64, [low, high]: [f64; 2], read: &[Option<f64>]) -> Row {
        let read: Option<Vec<f64>> = read.iter().copied().collect();
        let off = |value: &f64| (value - expected).abs();
        let read = read.and_then(|all| all.into_iter().max_by(|a, b| off(a).total_cmp(&off(b))));
        Row { case: case.into(), what: what.into(), expected, low, high, read, minimum: None }
    }

    /// Whether a reading of this case is within its tolerance. A meter that prints one decimal is given the benefit of it.
    pub(super) fn passes(&self, reading: f64) -> bool {
        const ROUNDING: f64 = 1e-6;
        (self.low - ROUNDING..=self.high + ROUNDING).contains(&(reading - self.expected))
    }
}

/// What Tech 3341 allows loudness, and true peak, and what Tech 3342 allows the range.
const LOUDNESS: [f64; 2] = [-0.1, 0.1];
const TRUE_PEAK: [f64; 2] = [-0.4, 0.2];
const RANGE: [f64; 2] = [-1.0, 1.0];
/// What we ask of our own worst cases.
const IDEAL: [f64; 2] = [-0.1, 0.1];

/// All cases at one rate; `worst` are those of [`pathological`].
pub(super) fn rows(rate_hz: u32, worst: &[(&str, &str, Vec<f64>)]) -> Vec<Row> {
    let mut rows: Vec<Row> = calibrations(rate_hz).into();
    rows.extend(integrated(rate_hz));
    rows.extend(surround(rate_hz));
    rows.extend(windows(rate_hz));
    rows.extend(published_peaks(rate_hz));
    rows.extend(ranges(rate_hz));
    rows.extend(our_peaks(rate_hz, worst));
    rows
}

/// The worst cases of true peak, which are the same samples at every rate.
pub(super) fn worst() -> Vec<(&'static str, &'static str, Vec<f64>)> {
    pathological()
}

fn loudness(rate_hz: u32, layout: Layout) -> Loudness {
    Loudness::new(f64::from(rate_hz), layout).expect("a rate that is measured")
}

fn stereo(rate_hz: u32, parts: &[(f64, f64)]) -> Loudness {
    let mut meter = loudness(rate_hz, Layout::Stereo);
    play(rate_hz, &[0.0, 0.0], parts, |block| meter.push(block));
    meter
}

fn calibrations(rate_hz: u32) -> [Row; 2] {
    let tone = calibration(rate_hz);
    let mut both = loudness(rate_hz, Layout::Stereo);
    both.push(&Buffer::from_channels(&[tone.clone(), vec![0.0; tone.len()]]).as_block());
    let mut one = loudness(rate_hz, Layout::Mono);
    one.push(&BlockRef::from_mono(&tone));
    [
        ("BS.1770-5", "997 Hz at 0 dBFS, left only", both),
        ("BS.1770-5, mono", "997 Hz at 0 dBFS, one channel", one),
    ]
    .map(|(case, what, meter)| Row::new(case, what, -3.01, LOUDNESS, &[meter.integrated_lufs()]))
}

fn integrated(rate_hz: u32) -> Vec<Row> {
    type Case<'a> = (&'a str, &'a [(f64, f64)], f64);
    let cases: [Case; 5] = [
        ("3341-1", &[(20.0, -23.0)], -23.0),
        ("3341-2", &[(20.0, -33.0)], -33.0),
        ("3341-3", &[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)], -23.0),
        ("3341-4", &[(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)], -23.0),
        ("3341-5", &[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)], -23.0),
    ];
    let mut rows = Vec::new();
    for (case, parts, expected) in cases {
        let meter = stereo(rate_hz, parts);
        let mut row = |what: &str, read| rows.push(Row::new(case, what, expected, LOUDNESS, &[read]));
        row("integrated", meter.integrated_lufs());
        if parts.len() == 1 {
            row("momentary", meter.max_momentary_lufs());
            row("short-term", meter.max_short_term_lufs());
        }
    }
    rows
}

fn surround(rate_hz: u32) -> [Row; 2] {
    // Left, right, centre, (low-frequency effects,) left and right surround.
    let five: (Layout, &[f64]) = (Layout::Surround50, &[-28.0, -28.0, -24.0, -30.0, -30.0]);
    let six: (Layout, &[f64]) = (Layout::Surround51, &[-28.0, -28.0, -24.0, -6.0, -30.0, -30.0]);
    [("3341-6", "5.0 surround", five), ("3341-6, 5.1", "with a loud low-frequency channel", six)].map(
        |(case, what, (layout, levels))| {
            let mut meter = loudness(rate_hz, layout);
            play(rate_hz, levels, &[(20.0, 0.0)], |block| meter.push(block));
            Row::new(case, what, -23.0, LOUDNESS, &[meter.integrated_lufs()])
        },
    )
}

/// The cases of momentary and short-term loudness: steady readings and maxima.
fn windows(rate_hz: u32) -> Vec<Row> {
    let after = |time_s: &[f64], values: Vec<Option<f64>>, from_s: f64| -> Vec<Option<f64>> {
        time_s.iter().zip(values).filter(|(t, _)| **t > from_s - 0.001).map(|(_, value)| value).collect()
    };
    let long = stereo(rate_hz, &[(1.34, -20.0), (1.66, -30.0)].repeat(5)).series(10);
    let long = after(&long.time_s, long.short_term_lufs, 3.0);
    let short = stereo(rate_hz, &[(0.18, -20.0), (0.22, -30.0)].repeat(25)).series(10);
    let short = after(&short.time_s, short.momentary_lufs, 1.0);
    let alone = |unit_s: f64, length_s: f64, read: fn(&Loudness) -> Option<f64>| -> Vec<Option<f64>> {
        (0..20)
            .map(|i| [(unit_s * f64::from(i), SILENT), (length_s, -23.0), (1.0, SILENT)])
            .map(|parts| read(&stereo(rate_hz, &parts)))
            .collect()
    };
    // Twenty stretches, each 1 dB louder and later in its own span than the last.
    let live = |unit_s: f64, length_s: f64| -> Loudness {
        let parts: Vec<(f64, f64)> = (0..20)
            .flat_map(|i| {
                let before = unit_s * f64::from(i);
                [(before, SILENT), (length_s, -38.0 + f64::from(i)), (length_s - before, SILENT)]
            })
            .collect();
        stereo(rate_hz, &parts)
    };
    let (momentary, short_term) = (Loudness::max_momentary_lufs, Loudness::max_short_term_lufs);
    let live_row = |case: &str, what: &str, read: Option<f64>| Row::new(case, what, -19.0, LOUDNESS, &[read]);
    vec![
        Row::new("3341-9", "short-term, constant after 3 s", -23.0, LOUDNESS, &long),
        Row::new("3341-10", "loudest 3 s, 20 files", -23.0, LOUDNESS, &alone(0.15, 3.0, short_term)),
        live_row("3341-11", "loudest 3 s, live, at the end", short_term(&live(0.15, 3.0))),
        Row::new("3341-12", "momentary, constant after 1 s", -23.0, LOUDNESS, &short),
        Row::new("3341-13", "loudest 400 ms, 20 files", -23.0, LOUDNESS, &alone(0.02, 0.4, momentary)),
        live_row("3341-14", "loudest 400 ms, live, at the end", momentary(&live(0.02, 0.4))),
    ]
}

fn peak_row(rate_hz: u32, case: &str, what: &str, expected: f64, off: [f64; 2], samples: &[f64]) -> Row {
    let reading = peaks(rate_hz, samples);
    let row = Row::new(case, what, expected, off, &[reading.dbtp()]);
    Row { minimum: reading.minimum_dbtp(), ..row }
}

fn peaks(rate_hz: u32, samples: &[f64]) -> TruePeakReading {
    let meter = TruePeak::new(1, 16).and_then(|meter| meter.with_minimum(f64::from(rate_hz)));
    let mut meter = meter.expect("a factor and a rate that are measured");
    meter.push(&BlockRef::from_mono(samples));
    meter.reading()
}

fn published_peaks(rate_hz: u32) -> Vec<Row> {
    let tones = [
        (15, 4.0, 0.0, 0.5, -6.0),
        (16, 4.0, 45.0, 0.5, -6.0),
        (17, 6.0, 60.0, 0.5, -6.0),
        (18, 8.0, 67.5, 0.5, -6.0),
        (19, 4.0, 45.0, 1.41, 3.0),
    ];
    let tones = tones.map(|(case, period, degrees, level, expected)| {
        let samples = faded(rate_hz, 1.0 / period, degrees, level);
        peak_row(rate_hz, &format!("3341-{case}"), "true peak", expected, TRUE_PEAK, &samples)
    });
    let bursts = (0..4).map(|offset| {
        let case = format!("3341-{}", 20 + offset);
        peak_row(rate_hz, &case, "true peak, a burst", 0.0, TRUE_PEAK, &thinned(rate_hz, offset))
    });
    tones.into_iter().chain(bursts).collect()
}

fn ranges(rate_hz: u32) -> Vec<Row> {
    let cases: [(&str, &[f64], f64); 4] = [
        ("3342-1", &[-20.0, -30.0], 10.0),
        ("3342-2", &[-20.0, -15.0], 5.0),
        ("3342-3", &[-40.0, -20.0], 20.0),
        ("3342-4", &[-50.0, -35.0, -20.0, -35.0, -50.0], 15.0),
    ];
    let of = |(case, levels, expected): (&str, &[f64], f64)| {
        let parts: Vec<(f64, f64)> = levels.iter().map(|level| (20.0, *level)).collect();
        let read = stereo(rate_hz, &parts).loudness_range_lu();
        Row::new(case, "loudness range", expected, RANGE, &[read])
    };
    cases.map(of).into()
}

fn our_peaks(rate_hz: u32, worst: &[(&str, &str, Vec<f64>)]) -> Vec<Row> {
    let top = format!("{:.1} kHz", TOP * f64::from(rate_hz) / 1000.0);
    let tone = faded(rate_hz, TOP, 17.0, 1.0);
    let first = peak_row(rate_hz, "peak: tone", &format!("a tone of {top}"), 0.0, IDEAL, &tone);
    let rest = worst.iter().map(|(name, what, samples)| {
        let (case, what) = (format!("peak: {name}"), format!("{what}, up to {top}"));
        peak_row(rate_hz, &case, &what, 0.0, IDEAL, samples)
    });
    std::iter::once(first).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reading_that_is_farthest_off_decides() {
        let row = Row::new("a", "b", -23.0, LOUDNESS, &[Some(-23.05), Some(-22.8), Some(-23.0)]);
        assert!((row.read.unwrap() + 22.8).abs() < 1e-12);
        assert!(!row.passes(row.read.unwrap()));
        assert!(row.passes(-23.1) && row.passes(-22.9) && !row.passes(-23.101));
        assert_eq!(Row::new("a", "b", -23.0, LOUDNESS, &[Some(-23.0), None]).read, None);
        let peak = Row::new("a", "b", -6.0, TRUE_PEAK, &[]);
        assert!(peak.passes(-6.4) && peak.passes(-5.8) && !peak.passes(-5.7) && !peak.passes(-6.5));
    }
}
