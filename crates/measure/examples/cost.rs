//! Prints what each meter costs: CPU time for four minutes of stereo, and per sample.
//!
//! `cargo run --release -p tonmeister-measure --example cost`

use audio::{Buffer, Layout};
use measure::{Error, Loudness, Options, TruePeak, analyse};
use std::io::Write;

/// A dense, hard-limited programme: the worst case for a search that skips quiet places.
fn programme(seconds: usize, rate: usize, loud: f64) -> Buffer {
    let mut state = 1u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let planes: Vec<Vec<f64>> = (0..2)
        .map(|_| {
            let (mut low, mut slow) = (0.0, 0.0);
            (0..seconds * rate)
                .map(|n| {
                    low = 0.9 * low + 0.4 * random();
                    slow = 0.99 * slow + 0.1 * random();
                    let beat = (-((n % (rate / 2)) as f64) / (0.1 * rate as f64)).exp();
                    (loud * (0.3 * low + 0.5 * slow) * (0.3 + beat)).clamp(-0.95, 0.95)
                })
                .collect()
        })
        .collect();
    Buffer::from_channels(&planes)
}

/// CPU seconds of this thread, where the kernel tells them.
fn cpu_s() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (seconds, rate) = (240, 44_100);
    let mut out = std::io::stdout().lock();
    for loud in [0.3, 1.0, 2.0] {
        let buffer = programme(seconds, rate, loud);
        writeln!(out, "{seconds} s of stereo at {rate} Hz, drive {loud}")?;
        let mut time = |name: &str, work: &mut dyn FnMut() -> Result<String, Error>| {
            let start = cpu_s();
            let result = work()?;
            let s = cpu_s() - start;
            let ns = s * 1e9 / (2 * buffer.frames()) as f64;
            writeln!(out, "{name:24} {s:6.3} s {ns:6.2} ns/sample  {result}")?;
            Ok::<(), Box<dyn std::error::Error>>(())
        };
        let block = buffer.as_block();
        time("loudness", &mut || {
            let mut loudness = Loudness::new(rate as f64, Layout::Stereo)?;
            loudness.push(&block);
            Ok(format!("{:?} {:?}", loudness.integrated_lufs(), loudness.loudness_range_lu()))
        })?;
        for factor in [4, 16, 32] {
            time(&format!("true peak, {factor} times"), &mut || {
                let mut peak = TruePeak::new(2, factor)?;
                peak.push(&block);
                Ok(format!("{:?}", peak.reading().dbtp()))
            })?;
        }
        for (spectrum, pitch) in [(false, false), (false, true), (true, false), (true, true)] {
            let options = Options { spectrum, pitch, ..Options::default() };
            time(&format!("facts, {spectrum} {pitch}"), &mut || {
                let facts = analyse(&block, rate as f64, Layout::Stereo, options)?.facts;
                Ok(format!("{:?} {:?}", facts.psr_min_lu, facts.onsets_per_s))
            })?;
        }
    }
    Ok(())
}
