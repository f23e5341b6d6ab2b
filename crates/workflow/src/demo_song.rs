//! The demo: a song with planted faults is written, produced, and what was found is held against what was planted.

mod answers;

use crate::ear::Ear;
use crate::produce::produce;
use crate::produced::{ProduceRequest, Produced};
use crate::{Context, Project, WorkflowError};
use demo::{Planted, Sheet, Take, Track};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use serde::Serialize;
use session::{Change, Decision, Path, Session};

/// One planted fault and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct FoundFault {
    /// The step whose work it is.
    pub step: u8,
    /// The file.
    pub track: String,
    /// The fault, as one word.
    pub fault: String,
    /// What is wrong, in plain words.
    pub planted: String,
    /// What was found and done; absent when nothing was done.
    pub found: Option<String>,
    /// What was found and told, where nothing mends it or nothing needs to; absent when it was missed.
    pub told: Option<String>,
}

/// What `demo` prints.
#[derive(Debug, Clone, Serialize)]
pub struct DemoResult {
    /// Names the form of this object.
    pub schema: &'static str,
    /// The song's title.
    pub title: String,
    /// Where it stands.
    pub folder: String,
    /// Tracks written.
    pub tracks: usize,
    /// Planted against found.
    pub faults: Vec<FoundFault>,
    /// What the production came to.
    pub produced: Produced,
}

/// Writes the demo song into a folder and produces it.
pub fn demo(folder: &std::path::Path, seed: u64, context: &Context) -> Result<DemoResult, WorkflowError> {
    crate::project::claim_for_demo(folder)?;
    let project = Project::new(folder, None)?.hold(context)?;
    let audio = folder.join("audio");
    std::fs::create_dir_all(&audio).map_err(WorkflowError::io(&audio, "create the folder"))?;
    context.listener.stage("synthesising the song", None);
    let mut written = 0;
    let mut failed = None;
    let sheet = demo::each_track(seed, Take::Faulty, |track| {
        if failed.is_none() {
            failed = context.check().and_then(|()| write(&audio, &track)).err();
            written += 1;
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let request = ProduceRequest {
        title: Some(sheet.title.to_string()),
        song: Some(song(&sheet)),
        ..Default::default()
    };
    let (produced, session, decisions) = produce(&project, &request, context)?;
    let finished = finished(&project.out().join("master.wav"), context)?;
    let judged = |planted: &Planted| {
        let mut fault = judge(planted, &session, &decisions, &produced);
        if planted.fault == "dark" {
            fault.found = answers::bright_again(planted, sheet.treble_db, &finished);
        }
        fault
    };
    let faults = sheet.planted.iter().map(judged).collect();
    Ok(DemoResult {
        schema: "tonmeister.demo/1",
        title: sheet.title.to_string(),
        folder: crate::written::shown(folder),
        tracks: written,
        faults,
        produced,
    })
}

/// What an engineer is told with the tapes: tempo and sections.
fn song(sheet: &Sheet) -> (f64, Vec<(String, f64)>) {
    (sheet.tempo_bpm, sheet.sections.iter().map(|(name, start)| (name.to_string(), *start)).collect())
}

/// The third octaves of a finished file.
fn finished(path: &std::path::Path, context: &Context) -> Result<Vec<measure::BandLevel>, WorkflowError> {
    let mut reader = files::open(path)?;
    let info = reader.info().clone();
    let options = measure::Options {
        true_peak_factor: 4,
        pitch: false,
        music: false,
        series: false,
        ..Default::default()
    };
    let mut ear = Ear::new(info.sample_rate_hz, info.channels, options)?;
    let mut buffer = audio::Buffer::new(info.channels, 1 << 14);
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            return Ok(ear.0.finish().facts.third_octave_db);
        }
        ear.0.push(&buffer.as_block().range(0, frames));
    }
}

fn write(folder: &std::path::Path, track: &Track) -> Result<(), WorkflowError> {
    let sample_format = match track.format {
        demo::SampleFormat::Int16 => SampleFormat::Int16,
        demo::SampleFormat::Int24 => SampleFormat::Int24,
        demo::SampleFormat::Float32 => SampleFormat::Float32,
    };
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format,
        sample_rate_hz: track.sample_rate_hz,
        channels: track.audio.channels(),
    };
    let mut writer = Writer::create(folder.join(track.file_name), spec)?;
    writer.write_f64(&track.audio.as_block())?;
    writer.finish()?;
    Ok(())
}

/// Holds one planted fault against what stands in the session now, and the reasons of that.
fn judge(planted: &Planted, session: &Session, decisions: &[Decision], produced: &Produced) -> FoundFault {
    let track = session.tracks.values().find(|t| {
        t.files.iter().any(|f| f.file_name().is_some_and(|name| name.to_string_lossy() == planted.track))
    });
    let found = answers::answer(planted, track, session).and_then(|path| reason(&path, decisions));
    let told = || {
        let id = track.map(|t| t.id.as_str()).unwrap_or_default();
        let tracks = produced.tracks.iter().filter(|t| t.id == id);
        tracks.flat_map(|t| &t.faults).find(|text| names(planted, text)).cloned()
    };
    FoundFault {
        step: planted.step,
        track: planted.track.to_string(),
        fault: planted.fault.to_string(),
        planted: planted.what.clone(),
        told: if found.is_none() { told() } else { None },
        found,
    }
}

/// Why a setting is as it is: the decision about it, or else about what it stands in.
fn reason(path: &Path, decisions: &[Decision]) -> Option<String> {
    let about = |d: &&Decision| !matches!(d.change, Change::Place { .. });
    let exactly = decisions.iter().rev().filter(about).find(|d| d.change.path() == path);
    let around = || decisions.iter().rev().filter(about).find(|d| d.change.path().contains(path));
    let inside = || decisions.iter().filter(about).find(|d| path.contains(d.change.path()));
    exactly.or_else(around).or_else(inside).map(|d| d.why.clone())
}

/// Whether a note about a recording names a fault that nothing mends, or that needs no mending, with its
/// number where it has one.
fn names(planted: &Planted, note: &str) -> bool {
    let says = |number: String| note.split([' ', '-']).any(|word| word == number);
    match planted.fault {
        "clipping" => note.contains("clipped"),
        "sample_format" => note.starts_with(&format!("{:.0}-bit", planted.amount)),
        "shorter" => note.contains("shorter") && says(format!("{:.1}", planted.amount)),
        "clicks" => note.contains("clicks") && says(format!("{:.0}", planted.amount)),
        _ => false,
    }
}
