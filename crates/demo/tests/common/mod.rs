//! Measurements of the tests' own: none of them comes from the crate they judge.

// Each test binary uses its own half of these.
#![allow(dead_code, unreachable_pub)]

use std::sync::OnceLock;

use demo::{Planted, SampleFormat, Sheet, Take, each_track};

/// A track, in single precision so that two songs fit into a small machine.
pub struct Recording {
    pub file_name: &'static str,
    pub rate_hz: f64,
    pub format: SampleFormat,
    pub channels: Vec<Vec<f32>>,
}

/// One take of the song with its sheet.
pub struct Recorded {
    pub sheet: Sheet,
    pub tracks: Vec<Recording>,
}

impl Recorded {
    fn new(take: Take) -> Recorded {
        let mut tracks = Vec::new();
        let sheet = each_track(7, take, |track| {
            let channels = (0..track.audio.channels())
                .map(|c| track.audio.channel(c).iter().map(|&x| x as f32).collect())
                .collect();
            let rate_hz = f64::from(track.sample_rate_hz);
            tracks.push(Recording { file_name: track.file_name, rate_hz, format: track.format, channels });
        });
        Recorded { sheet, tracks }
    }

    /// The track whose file name holds `part`.
    pub fn track(&self, part: &str) -> &Recording {
        self.tracks.iter().find(|t| t.file_name.contains(part)).unwrap_or_else(|| panic!("no track {part}"))
    }

    /// The fault of that name.
    pub fn planted(&self, fault: &str) -> &Planted {
        self.sheet.planted.iter().find(|p| p.fault == fault).unwrap_or_else(|| panic!("no fault {fault}"))
    }

    /// When a beat of a bar falls, from the sheet alone: bar one starts with the first section.
    pub fn at_s(&self, bar: usize, beat: f64) -> f64 {
        self.sheet.sections[0].1 + (bar as f64 * 4.0 + beat) * 60.0 / self.sheet.tempo_bpm
    }
}

pub fn clean() -> &'static Recorded {
    static SONG: OnceLock<Recorded> = OnceLock::new();
    SONG.get_or_init(|| Recorded::new(Take::Clean))
}

pub fn faulty() -> &'static Recorded {
    static SONG: OnceLock<Recorded> = OnceLock::new();
    SONG.get_or_init(|| Recorded::new(Take::Faulty))
}

impl Recording {
    pub fn frames(&self) -> usize {
        self.channels[0].len()
    }

    /// The samples of the first channel between two times.
    pub fn part(&self, from_s: f64, to_s: f64) -> &[f32] {
        let frame = |s: f64| ((s * self.rate_hz).round() as usize).min(self.frames());
        &self.channels[0][frame(from_s)..frame(to_s)]
    }
}

pub fn db(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

pub fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

pub fn peak(samples: &[f32]) -> f64 {
    samples.iter().fold(0.0, |peak, &x| f64::max(peak, f64::from(x).abs()))
}

/// Root mean square over the 50 ms windows within 20 dB of the 95th percentile, in dBFS.
pub fn active_dbfs(recording: &Recording) -> f64 {
    active_level_dbfs(&recording.channels, recording.rate_hz)
}

/// The same for channels by themselves.
pub fn active_level_dbfs(channels: &[Vec<f32>], rate_hz: f64) -> f64 {
    let window = (0.05 * rate_hz).round() as usize;
    let mut powers: Vec<f64> = (0..channels[0].len() / window)
        .map(|n| {
            let power = |c: &Vec<f32>| rms(&c[n * window..(n + 1) * window]).powi(2);
            channels.iter().map(power).sum::<f64>() / channels.len() as f64
        })
        .collect();
    powers.sort_by(f64::total_cmp);
    let loud = powers[((powers.len() - 1) as f64 * 0.95).round() as usize];
    powers.retain(|&p| p > loud * 0.01);
    10.0 * (powers.iter().sum::<f64>() / powers.len() as f64).log10()
}

/// Power of a band: the mean over Hann-windowed blocks of 8192 frames of a plain radix-2 transform.
pub fn band(samples: &[f32], low_hz: f64, high_hz: f64, rate_hz: f64) -> f64 {
    const SIZE: usize = 8192;
    let bins = |hz: f64| ((hz * SIZE as f64 / rate_hz).round() as usize).min(SIZE / 2);
    let mut power = 0.0;
    let blocks = samples.len() / SIZE;
    assert!(blocks > 0, "at least one block to transform");
    for block in samples.chunks_exact(SIZE) {
        let mut re: Vec<f64> = block
            .iter()
            .enumerate()
            .map(|(n, &x)| {
                f64::from(x) * (0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / SIZE as f64).cos())
            })
            .collect();
        let mut im = vec![0.0; SIZE];
        transform(&mut re, &mut im);
        power += (bins(low_hz)..bins(high_hz)).map(|k| re[k] * re[k] + im[k] * im[k]).sum::<f64>();
    }
    power / blocks as f64
}

/// Cooley and Tukey 1965, in place.
fn transform(re: &mut [f64], im: &mut [f64]) {
    let size = re.len();
    let shift = usize::BITS - size.trailing_zeros();
    for n in 0..size {
        let m = n.reverse_bits() >> shift;
        if n < m {
            re.swap(n, m);
            im.swap(n, m);
        }
    }
    let mut half = 1;
    while half < size {
        for k in 0..half {
            let (s, c) = (-std::f64::consts::PI * k as f64 / half as f64).sin_cos();
            for start in (k..size).step_by(2 * half) {
                let (a, b) = (start, start + half);
                let (x, y) = (c * re[b] - s * im[b], s * re[b] + c * im[b]);
                (re[b], im[b]) = (re[a] - x, im[a] - y);
                (re[a], im[a]) = (re[a] + x, im[a] + y);
            }
        }
        half *= 2;
    }
}

/// Band `a` against band `b` in decibels.
pub fn bands_db(samples: &[f32], a: (f64, f64), b: (f64, f64), rate_hz: f64) -> f64 {
    10.0 * (band(samples, a.0, a.1, rate_hz) / band(samples, b.0, b.1, rate_hz)).log10()
}

/// Amplitude of a sine of that frequency: the Goertzel sum, rectangular window.
pub fn sine(samples: &[f32], hz: f64, rate_hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &x) in samples.iter().enumerate() {
        let (s, c) = (std::f64::consts::TAU * hz * n as f64 / rate_hz).sin_cos();
        re += f64::from(x) * c;
        im += f64::from(x) * s;
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

/// The lag in frames (of `b` behind `a`) with the largest magnitude of cross-correlation, and the normalised
/// correlation there.
pub fn lag(a: &[f32], b: &[f32], most: usize) -> (usize, f64) {
    let length = a.len().min(b.len()) - most;
    let mut best = (0, 0.0_f64);
    for lag in 0..most {
        let sum: f64 =
            a[..length].iter().zip(&b[lag..][..length]).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
        if sum.abs() > best.1.abs() {
            best = (lag, sum);
        }
    }
    (best.0, best.1 / (length as f64 * rms(&a[..length]) * rms(&b[best.0..][..length])))
}

/// Correlation of two channels, without lag.
pub fn correlation(a: &[f32], b: &[f32]) -> f64 {
    lag(a, b, 1).1
}

/// A moving mean, as the simplest low-pass there is.
pub fn smoothed(samples: &[f32], frames: usize) -> Vec<f32> {
    samples.windows(frames).map(|w| w.iter().sum::<f32>() / frames as f32).collect()
}

/// Without what is slower than some 60 Hz: the moving mean over 10 ms is taken away.
pub fn without_rumble(samples: &[f32]) -> Vec<f32> {
    const FRAMES: usize = 480;
    let mut sum: f64 = samples[..FRAMES].iter().map(|&x| f64::from(x)).sum();
    (FRAMES..samples.len())
        .map(|n| {
            sum += f64::from(samples[n]) - f64::from(samples[n - FRAMES]);
            samples[n - FRAMES / 2] - (sum / FRAMES as f64) as f32
        })
        .collect()
}
