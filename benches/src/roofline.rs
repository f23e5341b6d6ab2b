//! What this machine can do at most, and how near the hot paths come to it.
//!
//! Two limits (S. Williams, A. Waterman, D. Patterson, *Roofline: an insightful visual performance model for multicore
//! architectures*, CACM 52/4, 2009): arithmetic, as additions and multiplications of `f64` in the vectors that
//! [`audio::wide!`] uses, unfused as everywhere here; and memory, as bytes that a loop over more than any cache holds
//! reads and writes. A recursion has a third one: it cannot begin a sample before the last one is done. It is counted as the additions,
//! multiplications and maxima that wait for one another in a sample, at the time that a multiplication and an addition of one
//! number take which do; channels that wait side by side share it.
//!
//! Operations are counted from the algorithm as it is: additions, subtractions and multiplications of one sample of one channel;
//! not comparisons, divisions and moves. What both channels share counts half. A complex transform of `N` numbers counts
//! `4 N log2 N - 6 N + 8` (split radix: P. Duhamel, H. Hollmann, Electronics Letters 20/1, 1984), which is the least that
//! libraries reach, and a complex product 6; that of one more for the sum 8.

use crate::clock::least_s;
use crate::song::{Instrument, RATE};
use crate::work::values;
use crate::{Failure, say};
use audio::{Buffer, Layout, Spec};
use measure::{Loudness, TruePeak};
use std::hint::black_box;

/// Registers' worth of lanes that are worked on side by side: more than the latency of a multiplication and an addition
/// needs, and no more than the registers hold.
const LANES: usize = if cfg!(target_arch = "x86_64") { 32 } else { 16 };
/// The same where vectors hold eight numbers.
const LANES_OF_EIGHTS: usize = 160;
const ROUNDS: usize = 1 << 16;
/// More than the last cache of a processor holds.
const BEYOND_CACHES: usize = 1 << 24;
const FRAMES: usize = 1024;
const BLOCKS: usize = 400;
/// A minute: a meter that passes over what cannot matter is at its best in whole songs, and is asked for those.
const BLOCKS_OF_A_MINUTE: usize = 2812;

audio::wide! {
    /// One multiplication and one addition for each lane and round.
    fn arithmetic<const N: usize>(lanes: &mut [f64; N], factor: f64, more: f64) {
        let mut held = *lanes;
        for _ in 0..ROUNDS {
            for lane in 0..N {
                held[lane] = held[lane] * factor + more;
            }
        }
        *lanes = held;
    }
}

/// Multiplications and additions of one number, each of which waits for the one before.
fn chain(mut number: f64, factor: f64, more: f64) -> f64 {
    for _ in 0..ROUNDS {
        number = number * factor + more;
    }
    number
}

audio::wide! {
    fn scale(samples: &mut [f64], factor: f64) {
        samples.iter_mut().for_each(|x| *x *= factor);
    }
}

/// A path: its name, what a sample needs of arithmetic at least and why, and nanoseconds for a sample.
struct Path {
    name: &'static str,
    /// Additions and multiplications of one sample of one channel.
    operations: f64,
    why: &'static str,
    /// Operations of a sample that wait for one another.
    waits: f64,
    ns: f64,
}

/// Numbers in the vectors that [`audio::wide!`] uses.
fn numbers_a_vector() -> usize {
    #[cfg(target_arch = "x86_64")]
    return match audio::vectors() {
        audio::Vectors::Two => 2,
        audio::Vectors::Four => 4,
        audio::Vectors::Eight => 8,
    };
    #[cfg(not(target_arch = "x86_64"))]
    2
}

/// Additions and multiplications that a core does in a nanosecond, in `N` lanes side by side.
fn operations_per_ns<const N: usize>() -> Result<f64, Failure> {
    let mut lanes = [1.0; N];
    let took_s = least_s(|| {
        arithmetic(black_box(&mut lanes), black_box(0.999), black_box(1e-3));
        Ok::<(), Failure>(())
    })?;
    Ok((2 * N * ROUNDS) as f64 / took_s / 1e9)
}

/// Prints the limits and the paths as a table in Markdown.
pub(crate) fn run() -> Result<(), Failure> {
    let vectors = numbers_a_vector();
    let operations_per_ns = match vectors {
        8 => operations_per_ns::<LANES_OF_EIGHTS>()?,
        _ => operations_per_ns::<LANES>()?,
    };
    let mut samples = vec![1.0; BEYOND_CACHES];
    let took_s = least_s(|| {
        scale(black_box(&mut samples), black_box(1.0));
        Ok::<(), Failure>(())
    })?;
    let bytes_per_ns = (16 * BEYOND_CACHES) as f64 / took_s / 1e9;
    drop(samples);
    let took_s = least_s(|| {
        black_box(chain(black_box(1.0), black_box(0.999), black_box(1e-3)));
        Ok::<(), Failure>(())
    })?;
    let wait_ns = took_s * 1e9 / (2 * ROUNDS) as f64;
    say(&format!(
        "One core: {operations_per_ns:.1} additions and multiplications of `f64` in a nanosecond (unfused, vectors of {vectors}); \
         {bytes_per_ns:.1} bytes read and written in a nanosecond beyond the caches; {wait_ns:.2} ns for an operation that waits for \
         the one before.\n"
    ))?;
    say(
        "| path, stereo | operations a sample at least | limit, ns | waiting, ns | measured, ns | times the limit | times the higher |",
    )?;
    say("|---|---|---:|---:|---:|---:|---:|")?;
    for path in paths()? {
        let limit = (path.operations / operations_per_ns).max(16.0 / bytes_per_ns);
        let waiting = path.waits * wait_ns;
        let shown = if path.waits > 0.0 { format!("{waiting:.2}") } else { "–".into() };
        say(&format!(
            "| {} | {:.0}: {} | {limit:.2} | {shown} | {:.2} | {:.1} | {:.1} |",
            path.name,
            path.operations,
            path.why,
            path.ns,
            path.ns / limit,
            path.ns / limit.max(waiting)
        ))?;
    }
    Ok(())
}

fn paths() -> Result<Vec<Path>, Failure> {
    let kind = |id: &str| kind_ns(id);
    Ok(vec![
        Path {
            name: "equaliser, 6 sections",
            operations: 60.0,
            why: "10 a section of two states",
            // A product and two sums of a frame, of all sections and both channels side by side.
            waits: 1.5,
            ns: kind("eq")?,
        },
        Path {
            name: "compressor with a key filter",
            operations: 30.0,
            why: "a section, a detector and a gain for two channels, half of a curve's logarithm and power",
            // Of four frames: the key's section 3 for both channels, then for what is common to both 3 of the release and 2 of the attack.
            waits: 1.0,
            ns: kind("compressor")?,
        },
        Path {
            name: "convolution, 2 s",
            operations: convolution_operations(96_000),
            why: "64 taps summed directly; blocks of 64, 512, 4096 and 32768 frames there and back, and the products of their parts",
            // The low cut as above; the ducker's product, sum and maximum of each frame.
            waits: 0.375 + 1.5,
            ns: kind("convolution_reverb")?,
        },
        Path {
            name: "reverb, 16 lines",
            // Of a frame of two channels 1170: 2 x 48 x 4; 6 x 2 x 13; 3 x 64 + 18; 16 x 13; 8 x 8; 80; 26 + 20 + 22.
            operations: 585.0,
            why: "48 reflections of each side in both (192) and what six bounces swallow (78), diffusers (105), the lines' shelves (104), \
                  rotation (32) and mixing (40), tone, low cut and balance (34)",
            // Six bounces, low cut and tone as above; the ducker; a difference, a product and two sums in the lines' shelves.
            waits: 8.0 * 0.375 + 1.5 + 2.0,
            ns: kind("reverb")?,
        },
        Path {
            name: "limiter, true peak",
            operations: 268.0,
            why: "halfway points by 96 symmetric taps, 12 at twice the rate and 8 at four times (144, 36, 48); parabolas 8; half of \
                  a logarithm, a power, three releases and three boxes",
            waits: 0.0,
            ns: kind("limiter")?,
        },
        Path {
            name: "loudness",
            operations: 11.0,
            why: "two sections, of which one has no numerator, and a square",
            // A product and three sums of four frames, of both channels side by side.
            waits: 0.5,
            ns: meter_ns("loudness")?,
        },
        Path {
            name: "true peak, screened",
            operations: 11.0 + looked_into_operations(),
            why: "the energy of the 4th difference (9, at 76 places for 64 samples); a transform there and back of single precision, \
                  which counts half: noise over tones as here leaves no block that need not be looked into",
            waits: 0.0,
            ns: meter_ns("true_peak")?,
        },
    ])
}

/// What growing partitions need for a sample: the head, and in each stage a transform there and one back of as many complex
/// numbers as a block has frames, and the products of its parts.
fn convolution_operations(taps: usize) -> f64 {
    const BLOCKS: [usize; 4] = [64, 512, 4_096, 32_768];
    let stages = BLOCKS.iter().enumerate().map(|(place, &block)| {
        let served = BLOCKS.get(place + 1).copied().unwrap_or(taps) - block;
        // The split radix, and the turn of each number that makes its half the transform of a real block.
        let transform = 4.0 * (block as f64).log2() - 6.0 + 6.0;
        2.0 * transform + 8.0 * served.div_ceil(block) as f64
    });
    2.0 * BLOCKS[0] as f64 + stages.sum::<f64>()
}

/// What the transform of a block of a true-peak meter needs for a sample: 32,768 real numbers as half as many complex ones,
/// there and back, with the turns that make it that of real ones and the product with the filter's spectrum, for 23,552 frames. Vectors
/// hold twice as many numbers of single precision.
fn looked_into_operations() -> f64 {
    let (size, frames) = (16_384.0f64, 23_552.0);
    let transform = 4.0 * size * size.log2() - 6.0 * size + 8.0;
    (2.0 * (transform + 6.0 * size) + 6.0 * size) / frames / 2.0
}

fn sound(blocks: usize) -> Buffer {
    let mut sound = Buffer::new(2, FRAMES * blocks);
    (0..2).for_each(|c| Instrument::new(c as u64 + 1).fill(sound.channel_mut(c)));
    sound
}

/// Nanoseconds for a sample of one channel of stereo.
fn kind_ns(id: &str) -> Result<f64, Failure> {
    let kind = dsp::KINDS.iter().find(|kind| kind.id == id).ok_or("a kind of the rack")?;
    let (values, sound) = (values(kind)?, sound(BLOCKS));
    let spec = Spec { sample_rate_hz: f64::from(RATE), channels: 2, max_frames: FRAMES };
    let mut block = Buffer::new(2, FRAMES);
    let mut processor = (kind.build)(&values, &spec);
    let took_s = least_s(|| {
        for number in 0..BLOCKS {
            block.as_block_mut().copy_from(&sound.range(number * FRAMES, FRAMES));
            processor.process(&mut block.as_block_mut(), None);
        }
        Ok::<(), Failure>(())
    })?;
    Ok(took_s * 1e9 / (2 * FRAMES * BLOCKS) as f64)
}

fn meter_ns(id: &str) -> Result<f64, Failure> {
    let sound = sound(BLOCKS_OF_A_MINUTE);
    let took_s = least_s(|| {
        let block = sound.as_block();
        match id {
            "loudness" => {
                let mut meter = Loudness::new(f64::from(RATE), Layout::Stereo)?;
                meter.push(&block);
                black_box(meter.integrated_lufs());
            }
            _ => {
                let mut meter = TruePeak::new(2, 16)?.with_minimum(f64::from(RATE))?;
                meter.push(&block);
                black_box(meter.reading());
            }
        }
        Ok::<(), Failure>(())
    })?;
    Ok(took_s * 1e9 / (2 * sound.frames()) as f64)
}
