//! The demo: a song with planted faults is written, produced, and what was found is held against what was planted.

use crate::produce::{ProduceRequest, Produced, produce};
use crate::{Context, Project, WorkflowError};
use demo::{Planted, Sheet, Take, Track};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use serde::Serialize;
use session::{Decision, Session, StepId};
use std::path::Path;

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
    /// What was found and done; absent when it was missed.
    pub found: Option<String>,
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
pub fn demo(folder: &Path, seed: u64, context: &Context) -> Result<DemoResult, WorkflowError> {
    std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
    let audio = folder.join("audio");
    std::fs::create_dir_all(&audio).map_err(WorkflowError::io(&audio, "create the folder"))?;
    context.listener.stage("synthesising the song", None);
    let mut written = 0;
    let mut failed = None;
    let sheet = demo::each_track(seed, Take::Faulty, |track| {
        if failed.is_none() {
            failed = write(&audio, &track).err();
            written += 1;
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let project = Project::new(folder, None)?;
    let request = ProduceRequest {
        title: Some(sheet.title.to_string()),
        song: Some(song(&sheet)),
        ..Default::default()
    };
    let (produced, session, decisions) = produce(&project, &request, context)?;
    let faults = sheet.planted.iter().map(|p| judge(p, &session, &decisions, &produced)).collect();
    Ok(DemoResult {
        schema: "tonmeister.demo/1",
        title: sheet.title.to_string(),
        folder: folder.to_string_lossy().into_owned(),
        tracks: written,
        faults,
        produced,
    })
}

/// What an engineer is told with the tapes: tempo and sections.
fn song(sheet: &Sheet) -> (f64, Vec<(String, f64)>) {
    (sheet.tempo_bpm, sheet.sections.iter().map(|(name, start)| (name.to_string(), *start)).collect())
}

fn write(folder: &Path, track: &Track) -> Result<(), WorkflowError> {
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

/// Holds one planted fault against the decisions about its track.
fn judge(planted: &Planted, session: &Session, decisions: &[Decision], produced: &Produced) -> FoundFault {
    let track = session.tracks.values().find(|t| {
        t.files.iter().any(|f| f.file_name().is_some_and(|name| name.to_string_lossy() == planted.track))
    });
    let about = |d: &&Decision| match track {
        Some(track) => track.path().contains(d.change.path()),
        None => true,
    };
    let found = decisions.iter().filter(about).find(|d| answers(planted.fault, d)).map(|d| d.why.clone());
    let noted = || {
        let id = track.map(|t| t.id.as_str()).unwrap_or_default();
        let tracks = produced.tracks.iter().filter(|t| t.id == id);
        tracks.flat_map(|t| &t.faults).find(|text| names(planted.fault, text)).cloned()
    };
    FoundFault {
        step: planted.step,
        track: planted.track.to_string(),
        fault: planted.fault.to_string(),
        planted: planted.what.clone(),
        found: found.or_else(noted),
    }
}

/// Whether a decision is an answer to a fault: the right step, the right setting.
fn answers(fault: &str, decision: &Decision) -> bool {
    let path = decision.change.path().to_string();
    let has = |text: &str| path.contains(text);
    let step = decision.step;
    match fault {
        "dc_offset" | "rumble" => step == StepId::Preparation && has("insert"),
        "polarity" => step == StepId::Preparation && has("invert"),
        "late_microphone" => step == StepId::Preparation && has("delay_frames"),
        "hum" | "noise" | "clicks" | "clipping" => {
            step == StepId::Preparation && decision.why.contains(fault)
        }
        "sample_rate" | "sample_format" | "shorter" => {
            step == StepId::Preparation && decision.why.contains("Hz")
        }
        "too_quiet" => step == StepId::GainStaging && has("trim_db"),
        "too_loud" => step == StepId::StaticMix && has("fader_db"),
        "mud" | "ring" => step == StepId::SubtractiveEq && has("insert"),
        "uneven" => step == StepId::Dynamics && has(".insert.comp"),
        "bleed" => step == StepId::Dynamics && has("gate"),
        "sibilance" => step == StepId::Dynamics && has(".insert.deess"),
        "dull" => step == StepId::AdditiveEq && has("insert"),
        "dry" => step == StepId::Space && (has("sends") || has("return")),
        "no_harmonics" => step == StepId::Character && has("insert"),
        "line_drops" => step == StepId::Automation && has("automation"),
        "out_of_phase" => step == StepId::Checks || (step == StepId::Preparation && has("insert")),
        "overshoot" => step == StepId::Premaster && has("fader_db"),
        "dark" => step == StepId::MasteringEq && has("insert"),
        "booming_note" => step == StepId::MasteringCompression && has("insert"),
        "lopsided_low_end" => step == StepId::Stereo && has("insert"),
        "hot_hit" => step == StepId::Limiting && has("limiter"),
        _ => false,
    }
}

/// Whether a note about a recording names a fault that nothing in the rack mends.
fn names(fault: &str, note: &str) -> bool {
    match fault {
        "clipping" => note.contains("clipped"),
        "sample_rate" => note.contains("Hz instead of"),
        "sample_format" => note.contains("-bit"),
        "shorter" => note.contains("shorter"),
        "hum" | "noise" | "clicks" => note.contains(fault),
        _ => false,
    }
}
