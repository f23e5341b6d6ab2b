//! Signals, settings and measurements that the conformance suite shares.

use audio::{Buffer, Frames};
use dsp::{Complex64, ImpulseResponse, Kind, Param, Processor, Taper, Values};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Seeded noise, uniform in -1 .. 1: Marsaglia's xorshift64*, good enough for test signals.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Noise {
        Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Something with tones, hits, noise and pauses, different in each channel, under 0 dBFS.
pub(crate) fn music(channels: usize, frames: Frames, rate: f64, seed: u64) -> Buffer {
    let mut noise = Noise::new(seed);
    let planes: Vec<Vec<f64>> = (0..channels)
        .map(|c| {
            let hz = 110.0 * (c + 2) as f64;
            (0..frames)
                .map(|n| {
                    let t = n as f64 / rate;
                    let hit = (-(t % 0.05) * 80.0).exp();
                    let pause = if (n / 1_700) % 4 == 3 { 0.01 } else { 1.0 };
                    pause
                        * (0.3 * (TAU * hz * t).sin()
                            + 0.15 * (TAU * 7.3 * hz * t).sin()
                            + 0.4 * hit * noise.next())
                })
                .collect()
        })
        .collect();
    Buffer::from_channels(&planes)
}

pub(crate) fn sine(channels: usize, frames: Frames, rate: f64, hz: f64, amplitude: f64) -> Buffer {
    let plane: Vec<f64> = (0..frames).map(|n| amplitude * (TAU * hz * n as f64 / rate).sin()).collect();
    Buffer::from_channels(&vec![plane; channels])
}

/// Signals that break weak processors.
pub(crate) fn hostile(channels: usize) -> Vec<(&'static str, Buffer)> {
    let frames = 9_000;
    let mut noise = Noise::new(9);
    let square: Vec<f64> = (0..frames).map(|n| if (n / 50) % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let whisper: Vec<f64> = (0..frames).map(|_| 1e-15 * noise.next()).collect();
    let alternating: Vec<f64> = (0..frames).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
    [
        ("full-scale square", square),
        ("direct current", vec![1.0; frames]),
        ("one frame", vec![1.0]),
        ("noise at -300 dBFS", whisper),
        ("alternating full scale", alternating),
        ("a tone at +60 dBFS", (0..frames).map(|n| 1_000.0 * (n as f64 * 0.13).sin()).collect()),
    ]
    .into_iter()
    .map(|(name, plane)| (name, Buffer::from_channels(&vec![plane; channels])))
    .collect()
}

/// `input` followed by silence.
pub(crate) fn extended(input: &Buffer, frames: Frames) -> Buffer {
    let planes: Vec<Vec<f64>> = (0..input.channels())
        .map(|c| input.channel(c).iter().copied().chain(std::iter::repeat_n(0.0, frames)).collect())
        .collect();
    Buffer::from_channels(&planes)
}

/// Processes a copy of `input` in blocks whose sizes are taken in turn.
pub(crate) fn run(processor: &mut dyn Processor, input: &Buffer, sizes: &[Frames]) -> Buffer {
    let mut audio = input.clone();
    let (mut start, mut turn) = (0, 0);
    while start < audio.frames() {
        let frames = sizes[turn % sizes.len()].min(audio.frames() - start);
        processor.process(&mut audio.range_mut(start, frames), None);
        start += frames;
        turn += 1;
    }
    audio
}

/// A value at a place between 0 and 1 of its range, along its taper.
pub(crate) fn between(param: &Param, place: f64) -> f64 {
    let value = match param.taper {
        Taper::Logarithmic if param.min > 0.0 => param.min * (param.max / param.min).powf(place),
        _ => param.min + (param.max - param.min) * place,
    };
    param.clamp(value)
}

/// A short space in two channels at another rate than any the suite runs at, for kinds that are built from one.
pub(crate) fn impulse_response(kind: &Kind) -> Option<Arc<ImpulseResponse>> {
    if !kind.impulse_response {
        return None;
    }
    let mut noise = Noise::new(77);
    let mut plane = || -> Vec<f64> {
        (0..3_000).map(|n| if n < 200 { 0.0 } else { noise.next() * (-f64::from(n) / 400.0).exp() }).collect()
    };
    let audio = Buffer::from_channels(&[plane(), plane()]);
    Some(Arc::new(ImpulseResponse { audio, sample_rate_hz: 32_000.0 }))
}

fn fill(kind: &Kind, items: usize, mut value: impl FnMut(&Param) -> f64) -> Values {
    let mut values = Values::neutral(kind);
    values.impulse_response = impulse_response(kind);
    for (field, param) in kind.params.iter().enumerate() {
        values.fields[field] = value(param);
    }
    for (place, group) in kind.groups.iter().enumerate() {
        values.groups[place] =
            (0..items.min(group.max)).map(|_| group.params.iter().map(&mut value).collect()).collect();
    }
    values
}

/// All at the lower end, all at the upper end, and each alone at either end of its range.
pub(crate) fn ends(kind: &Kind) -> Vec<Values> {
    let mut all = vec![fill(kind, 2, |p| p.min), fill(kind, 2, |p| p.max)];
    let base = fill(kind, 1, |p| p.default);
    for address in base.addresses() {
        for value in [kind.param(address).min, kind.param(address).max] {
            let mut values = base.clone();
            values.put(address, value);
            all.push(values);
        }
    }
    all
}

/// Neutral, and `random` settings spread over the ranges. Kinds that are built from an impulse response have one in
/// all but the first.
pub(crate) fn cases(kind: &Kind, random: usize) -> Vec<Values> {
    let mut all = vec![Values::neutral(kind)];
    for seed in 0..random {
        let mut noise = Noise::new(seed as u64 + 100);
        all.push(fill(kind, 1 + seed % 3, |p| between(p, (noise.next() + 1.0) / 2.0)));
    }
    all
}

pub(crate) fn log_spaced(from_hz: f64, to_hz: f64, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |n| from_hz * (to_hz / from_hz).powf(n as f64 / (count - 1) as f64))
}

/// The Fourier transform of an impulse response at one frequency (in cycles per frame).
pub(crate) fn transform(ir: &[f64], frequency: f64) -> Complex64 {
    let turn = Complex64::from_polar(1.0, -TAU * frequency);
    // Horner's rule from the end: one rotation per frame and no growing phase error.
    ir.iter().rev().fold(Complex64::new(0.0, 0.0), |sum, &x| sum * turn + x)
}

pub(crate) fn peak(samples: &[f64]) -> f64 {
    samples.iter().fold(0.0, |m, x| x.abs().max(m))
}

pub(crate) fn peak_of(buffer: &Buffer) -> f64 {
    (0..buffer.channels()).map(|c| peak(buffer.channel(c))).fold(0.0, f64::max)
}

pub(crate) fn assert_same(seen: &Buffer, expected: &Buffer, what: &str) {
    for c in 0..expected.channels() {
        let first = (0..expected.frames())
            .find(|&n| seen.channel(c)[n].to_bits() != expected.channel(c)[n].to_bits());
        assert_eq!(first, None, "{what}: channel {c} differs first at this frame");
    }
}
