//! Prints what each meter costs on a loud programme: nanoseconds of time per sample.
#![allow(clippy::print_stdout, reason = "an example that prints")]

use audio::{Buffer, Layout};
use measure::{Loudness, Options, TruePeak, analyse};
use std::time::Instant;

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

fn main() -> Result<(), measure::Error> {
    let (seconds, rate) = (240, 44_100);
    for loud in [0.3, 1.0, 2.0] {
        let buffer = programme(seconds, rate, loud);
        let time = |name: &str, work: &mut dyn FnMut() -> String| {
            let start = Instant::now();
            let result = work();
            let s = start.elapsed().as_secs_f64();
            let ns = s * 1e9 / (2 * buffer.frames()) as f64;
            println!("{name:12} {s:6.3} s {ns:6.2} ns/sample  {result}");
        };
        println!("{seconds} s of stereo at {rate} Hz, drive {loud}");
        let mut loudness = Loudness::new(rate as f64, Layout::Stereo)?;
        time("loudness", &mut || {
            loudness.push(&buffer.as_block());
            format!("{:?} {:?}", loudness.integrated_lufs(), loudness.loudness_range_lu())
        });
        for factor in [4, 8, 16, 32] {
            let mut peak = TruePeak::new(2, factor)?;
            time(&format!("peak {factor}x"), &mut || {
                peak.push(&buffer.as_block());
                format!("{:?}", peak.reading().dbtp())
            });
        }
        let options = Options::default();
        time("everything", &mut || match analyse(&buffer.as_block(), rate as f64, Layout::Stereo, options) {
            Ok(analysis) => format!("{:?}", analysis.facts.psr_min_lu),
            Err(error) => error.to_string(),
        });
    }
    Ok(())
}
