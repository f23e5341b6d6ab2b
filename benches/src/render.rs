//! A whole session from its files to a file.

use crate::clock::{peak_memory_mb, process_cpu_s};
use crate::song::{RATE, Rides, TRACKS, file_of_track, write};
use crate::{Failure, say};
use audio::BlockRef;
use engine::{Audio, EngineError, Output, RenderOptions, Sources, Tap};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use std::path::Path;
use std::time::Instant;

/// What a render of at least this many times real time, in less than this much memory, is held to: 2 cores,
/// 16 tracks.
const WANTED_SPEED: f64 = 60.0;
const WANTED_MEMORY_MB: f64 = 300.0;

/// What a render took.
struct Cost {
    /// Length of what was rendered, in seconds.
    song_s: f64,
    wall_s: f64,
    /// To open and hash the recordings, of that.
    opened_s: f64,
    cpu_s: Option<f64>,
    opened_cpu_s: Option<f64>,
}

/// Renders the session of a folder to a 32-bit float file, or to nowhere.
fn render(folder: &Path, target: Option<&Path>, options: &RenderOptions) -> Result<Cost, Failure> {
    let session = session::read(&std::fs::read_to_string(folder.join("session.toml"))?).into_session()?;
    let (wall, cpu) = (Instant::now(), process_cpu_s());
    let mut sources = Sources::default();
    for (track, id) in session.tracks.keys().enumerate() {
        sources.insert(id, Audio::open(&[folder.join(file_of_track(track))])?);
    }
    let (opened_s, opened_cpu) = (wall.elapsed().as_secs_f64(), process_cpu_s());
    let plan = engine::compile(&session, &sources)?;
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float32,
        sample_rate_hz: RATE,
        channels: 2,
    };
    let mut writer = target.map(|target| Writer::create(target, spec)).transpose()?;
    let mut sink = |block: &BlockRef| -> Result<(), EngineError> {
        Ok(writer.as_mut().map_or(Ok(()), |writer| writer.write_f64(block))?)
    };
    let mix = Output { node: plan.nodes.len() - 1, tap: Tap::Output, sink: Box::new(&mut sink) };
    engine::render(&plan, &sources, vec![mix], options)?;
    if let Some(writer) = writer {
        writer.finish()?;
    }
    let between = |from: Option<f64>, to: Option<f64>| Some(to? - from?);
    Ok(Cost {
        song_s: plan.frames() as f64 / f64::from(RATE),
        wall_s: wall.elapsed().as_secs_f64(),
        opened_s,
        cpu_s: between(cpu, process_cpu_s()),
        opened_cpu_s: between(cpu, opened_cpu),
    })
}

/// Renders the song to a 32-bit float file and says what it took.
pub(crate) fn run(minutes: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), minutes, TRACKS, Rides::All)?;
    let premaster = folder.path().join("premaster.wav");
    let Cost { song_s, wall_s, opened_s, cpu_s, opened_cpu_s } =
        render(folder.path(), Some(&premaster), &RenderOptions { threads: 2, ..RenderOptions::default() })?;
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

/// Renders the session that `song` has written into a folder: what peers are given. Slabs are those of the engine unless
/// others are named.
pub(crate) fn of_folder(folder: &Path, target: &Path, slab_frames: Option<usize>) -> Result<(), Failure> {
    let standard = RenderOptions::default();
    let slab_frames = slab_frames.unwrap_or(standard.slab_frames);
    render(folder, Some(target), &RenderOptions { slab_frames, ..standard }).map(drop)
}

/// Renders a song of so many tracks and minutes to nowhere, and tells the cost as JSON.
pub(crate) fn scale(tracks: usize, minutes: usize, rides: Rides) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), minutes, tracks.max(2), rides)?;
    let cost = render(folder.path(), None, &RenderOptions::default())?;
    let told = serde_json::json!({
        "tracks": tracks,
        "minutes": minutes,
        "cpu_s": cost.cpu_s,
        "peak_mb": peak_memory_mb(),
    });
    say(&told.to_string())
}
