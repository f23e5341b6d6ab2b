//! A whole session from its files to a file.

use crate::clock::{peak_memory_mb, process_cpu_s};
use crate::song::{RATE, TRACKS, file_of_track, write};
use crate::{Failure, say};
use audio::BlockRef;
use engine::{Audio, EngineError, Output, RenderOptions, Sources, Tap};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use std::time::Instant;

/// What a render of at least this many times real time, in less than this much memory, is held to: 2 cores,
/// 16 tracks.
const WANTED_SPEED: f64 = 60.0;
const WANTED_MEMORY_MB: f64 = 300.0;

/// Renders the song to a 32-bit float file and says what it took.
pub(crate) fn run(minutes: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), minutes)?;
    let session =
        session::read(&std::fs::read_to_string(folder.path().join("session.toml"))?).into_session()?;

    let (wall, cpu) = (Instant::now(), process_cpu_s());
    let mut sources = Sources::default();
    for (track, id) in session.tracks.keys().enumerate().take(TRACKS) {
        sources.insert(id, Audio::open(&[folder.path().join(file_of_track(track))])?);
    }
    let (opened_s, opened_cpu) = (wall.elapsed().as_secs_f64(), process_cpu_s());
    let plan = engine::compile(&session, &sources)?;
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float32,
        sample_rate_hz: RATE,
        channels: 2,
    };
    let mut writer = Writer::create(folder.path().join("premaster.wav"), spec)?;
    let mut sink = |block: &BlockRef| -> Result<(), EngineError> { Ok(writer.write_f64(block)?) };
    let mix = Output { node: plan.nodes.len() - 1, tap: Tap::Output, sink: Box::new(&mut sink) };
    let options = RenderOptions { threads: 2, ..RenderOptions::default() };
    engine::render(&plan, &sources, vec![mix], &options)?;
    writer.finish()?;
    let wall_s = wall.elapsed().as_secs_f64();

    let song_s = plan.frames() as f64 / f64::from(RATE);
    let between = |from: Option<f64>, to: Option<f64>| Some(to? - from?);
    let cpu_s = between(cpu, process_cpu_s());
    let opened_cpu_s = between(cpu, opened_cpu);
    let shown = |value: Option<f64>, unit: &str| value.map_or("-".into(), |v| format!("{v:.1} {unit}"));
    say(&format!("song            {song_s:.1} s, {TRACKS} tracks, half of them stereo, tail included"))?;
    say(&format!("wall            {wall_s:.1} s, {:.0}x real time on 2 threads", song_s / wall_s))?;
    say(&format!("  of which      {opened_s:.1} s to open and hash the recordings"))?;
    say(&format!("CPU             {}, {} of them to open", shown(cpu_s, "s"), shown(opened_cpu_s, "s")))?;
    if let Some(cpu_s) = cpu_s {
        let ns = cpu_s * 1e9 / (song_s * f64::from(RATE));
        say(&format!(
            "                {ns:.0} ns per frame; 2 free cores: {:.0}x real time",
            2.0 * song_s / cpu_s
        ))?;
    }
    say(&format!("peak memory     {}", shown(peak_memory_mb(), "MB")))?;
    say(&format!("asked           {WANTED_SPEED:.0}x real time, under {WANTED_MEMORY_MB:.0} MB"))
}
