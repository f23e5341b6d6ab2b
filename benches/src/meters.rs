//! Meters over a finished song, decoding, and sample-rate conversion.

use crate::clock::least_s;
use crate::song::Instrument;
use crate::{Failure, say};
use audio::{Buffer, Layout};
use dsp::blocks::resample::resample;
use files::{FileType, SampleFormat, WriteSpec, Writer};
use measure::{Loudness, Options, Overs, TruePeak, analyse};

const RATE: u32 = 44_100;
const SOUND_S: usize = 240;

/// A dense programme that was pushed into a ceiling of -1 dBFS: the worst case for a search that skips quiet
/// places.
fn programme() -> Buffer {
    let mut buffer = Buffer::new(2, SOUND_S * RATE as usize);
    for c in 0..2 {
        let samples = buffer.channel_mut(c);
        Instrument::new(c as u64 + 1).fill(samples);
        samples.iter_mut().for_each(|s| *s = (4.0 * *s).clamp(-0.89, 0.89));
    }
    buffer
}

/// Prints what `work` takes for the programme of four minutes: time, and memory beyond the programme itself.
fn time(name: &str, mut work: impl FnMut() -> Result<(), Failure>) -> Result<(), Failure> {
    let mut done = Ok(());
    let allocated = allocation_counter::measure(|| done = work());
    done?;
    let (times, mib) = (allocated.count_total, allocated.bytes_max as f64 / f64::from(1 << 20));
    let s = least_s(&mut work)?;
    let ns = s * 1e9 / (SOUND_S * RATE as usize) as f64;
    let speed = SOUND_S as f64 / s;
    say(&format!(
        "{name:36} {s:6.2} s {ns:7.1} ns per frame {speed:6.0}x real time {times:8} allocations, {mib:6.2} MiB at most"
    ))
}

/// Loudness, true peak, the search for overs, and everything together.
pub(crate) fn meters() -> Result<(), Failure> {
    let buffer = programme();
    let block = buffer.as_block();
    let rate = f64::from(RATE);
    time("loudness", || {
        let mut loudness = Loudness::new(rate, Layout::Stereo)?;
        loudness.push(&block);
        loudness.integrated_lufs();
        Ok(())
    })?;
    for factor in [4, 16] {
        time(&format!("true peak, {factor} times"), || {
            let mut peak = TruePeak::new(2, factor)?;
            peak.push(&block);
            peak.reading();
            Ok(())
        })?;
    }
    time("overs of -1 dBTP, 16 times", || {
        let mut overs = Overs::new(2, audio::db_to_gain(-1.0), 16)?;
        overs.push(&block);
        overs.finish();
        Ok(())
    })?;
    for (name, spectrum) in [("levels, loudness, true peak 16 times", false), ("all facts", true)] {
        let options = Options { true_peak_factor: 16, spectrum, pitch: spectrum, ..Options::default() };
        time(name, || Ok(analyse(&block, rate, Layout::Stereo, options).map(drop)?))?;
    }
    Ok(())
}

/// Reading of files and conversion of rates.
pub(crate) fn files() -> Result<(), Failure> {
    let buffer = programme();
    let folder = tempfile::tempdir()?;
    for (name, file_type, sample_format) in [
        ("read 24-bit WAV", FileType::Wav, SampleFormat::Int24),
        ("read 32-bit float WAV", FileType::Wav, SampleFormat::Float32),
        ("read 24-bit FLAC", FileType::Flac, SampleFormat::Int24),
    ] {
        let path = folder.path().join(name);
        let spec = WriteSpec { file_type, sample_format, sample_rate_hz: RATE, channels: 2 };
        let mut writer = Writer::create(&path, spec)?;
        writer.write_f64(&buffer.as_block())?;
        writer.finish()?;
        let mut block = Buffer::new(2, 4096);
        time(name, || {
            let mut reader = files::open(&path)?;
            while reader.read(&mut block.as_block_mut())? > 0 {}
            Ok(())
        })?;
    }
    for to_hz in [48_000, 96_000] {
        time(&format!("convert {RATE} to {to_hz} Hz"), || {
            resample(&buffer, RATE, to_hz);
            Ok(())
        })?;
    }
    Ok(())
}
