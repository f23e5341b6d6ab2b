//! How a master translates: rendered as telephones, laptops, earbuds, cars and clubs play it, at equal loudness, with what
//! each of them loses.

mod devices;
mod losses;
mod voices;

pub use losses::Loss;
pub(crate) use losses::losses;
use losses::{BASS_HZ, mono_worst_band};

use crate::finished_song::{nothing_heard, source_of};
use crate::listen::hear;
use crate::master::write_wav;
use crate::written::{name_of, shown};
use crate::{Context, Project, WorkflowError};
use devices::{DEVICES, Device, session_of};
use engine::{Sources, Tap};
use files::SampleFormat;
use measure::{Analysis, BandFacts, Options};
use serde::Serialize;
use session::Session;
use std::path::{Path, PathBuf};
use voices::Voices;

/// True peak of the loudest file, in dBTP: all are brought to one loudness at which none of them clips.
const CEILING_DBTP: f64 = -1.0;

/// What to play where.
#[derive(Debug, Clone, Default)]
pub struct TranslateRequest {
    /// The folder for what is rendered; `out/translation` beside the file without it.
    pub output: Option<PathBuf>,
    /// The lead as it is in the file: the same length, rate and level, so that file minus lead is the rest.
    pub lead: Option<PathBuf>,
    /// Tell what would be written, but write nothing.
    pub dry_run: bool,
}

/// What one device makes of a master.
#[derive(Debug, Clone, Serialize)]
pub struct Translation {
    /// The device.
    pub device: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// How it is modelled.
    pub model: &'static str,
    /// What was rendered; where it would stand, in a dry run.
    pub path: String,
    /// Loudness that the device loses, in LU: negative where it gets louder.
    pub lost_lu: Option<f64>,
    /// Gain that the rendered file has besides, so that all are equally loud, in dB.
    pub match_db: f64,
    /// Share of the power that lies below 120 Hz, before and after, 0 to 1.
    pub bass_share: [Option<f64>; 2],
    /// What is lost in the sum of both channels, where the device has one, in dB.
    pub mono_loss_db: Option<f64>,
    /// The band that loses most in that sum: its edges in hertz, and its loss in dB.
    pub mono_worst_band: Option<(f64, f64, f64)>,
    /// Loudness of the lead beside the rest against its loudness alone, before and after, 0 to 1; with a lead only.
    pub lead_left: [Option<f64>; 2],
    /// Share of the time that the noise around covers, 0 to 1, where the device is used in noise.
    pub drowned_share: Option<f64>,
}

/// A file on all devices.
#[derive(Debug, Clone, Serialize)]
pub struct TranslatedFile {
    /// The file.
    pub path: String,
    /// The file itself at the loudness of the others.
    pub original: String,
    /// Loudness of all that was rendered, in LUFS.
    pub matched_lufs: Option<f64>,
    /// One per device.
    pub devices: Vec<Translation>,
}

/// What `translate` prints.
#[derive(Debug, Clone, Serialize)]
pub struct TranslateResult {
    /// Names the form of this object.
    pub schema: &'static str,
    /// One per file, in the order given.
    pub files: Vec<TranslatedFile>,
}

/// Plays finished files on all devices, or what was rendered of a song: then its tracks tell how well the lead is heard.
///
/// # Errors
/// When a file cannot be read, is silent or has more than two channels, or the lead does not fit it; when nothing of a song
/// was rendered yet.
pub fn translate(
    paths: &[PathBuf],
    request: &TranslateRequest,
    context: &Context,
) -> Result<TranslateResult, WorkflowError> {
    if request.lead.is_some() && paths.len() != 1 {
        return Err(WorkflowError::Usage(
            "--lead belongs to one file: give files one after the other".into(),
        ));
    }
    let files = paths.iter().map(|path| one(path, request, context)).collect::<Result<_, WorkflowError>>()?;
    Ok(TranslateResult { schema: "tonmeister.translate/1", files })
}

fn one(path: &Path, request: &TranslateRequest, context: &Context) -> Result<TranslatedFile, WorkflowError> {
    context.check()?;
    let song = path.is_dir().then(|| Project::new(path, None)).transpose()?;
    let path = &song.as_ref().map_or_else(|| Ok(path.to_path_buf()), rendered)?;
    let info = files::probe(path)?;
    if info.channels > 2 {
        let track = path.display().to_string();
        return Err(engine::EngineError::Channels { track, channels: info.channels }.into());
    }
    let beside = match &song {
        Some(song) => song.out().join("translation"),
        None => path.parent().unwrap_or(Path::new("")).join("out").join("translation"),
    };
    let folder = request.output.clone().unwrap_or(beside);
    let file_of = |id: &str| folder.join(format!("{}-{id}.wav", delivery::file_stem(&name_of(path))));
    let source = source_of(path)?;
    let voices = match (&song, request.lead.as_deref()) {
        (_, Some(lead)) => Some(Voices::split(path, lead, context)?),
        (Some(song), None) => Voices::of_song(song, request.dry_run, context)?,
        (None, None) => None,
    };
    context.listener.stage(&format!("playing {} everywhere", path.display()), None);
    // All are as long as the file, so that one can be switched to another while they play.
    let ending = |mut session: Session| {
        session.master.end_s = Some(info.duration_s());
        session
    };
    let plain = ending(Session::new());
    let original = listened(&plain, &source, context)?;
    let lufs = original.facts.integrated_lufs.ok_or_else(|| nothing_heard(path, ""))?;
    let lead_before =
        voices.as_ref().map(|voices| voices.lead_left(&plain, None, context)).transpose()?.flatten();
    let mut heard = Vec::new();
    for device in &DEVICES {
        let session = ending(session_of(device));
        let after = listened(&session, &source, context)?;
        let lead = voices
            .as_ref()
            .map(|voices| voices.lead_left(&session, Some(device), context))
            .transpose()?
            .flatten();
        heard.push((device, session, after, lead));
    }
    // What peaks highest for its loudness says how loud all may be.
    let room = |a: &Analysis| Some(a.facts.integrated_lufs? + CEILING_DBTP - a.facts.true_peak_dbtp?);
    let all = heard.iter().map(|(_, _, after, _)| after).chain([&original]);
    let matched = all.filter_map(room).fold(lufs, f64::min);
    let gain = |a: &Analysis| a.facts.integrated_lufs.map_or(0.0, |lufs| matched - lufs);
    if !request.dry_run {
        std::fs::create_dir_all(&folder).map_err(WorkflowError::io(&folder, "create the folder"))?;
        let render = |session: &Session, gain_db: f64, id: &str| {
            let mut session = session.clone();
            session.master.strip.trim_db = gain_db;
            write(&session, &source, &file_of(id), context)
        };
        render(&plain, gain(&original), "original")?;
        for (device, session, after, _) in &heard {
            render(session, gain(after), device.id)?;
        }
    }
    let told = |(device, _, after, lead): &(&Device, Session, Analysis, Option<f64>)| {
        let mono = device.width_percent == 0.0 && info.channels == 2;
        Translation {
            device: device.id,
            label: device.label,
            model: device.model,
            path: shown(&file_of(device.id)),
            lost_lu: after.facts.integrated_lufs.map(|now| lufs - now),
            match_db: gain(after),
            bass_share: [bass_share(&original.facts.bands), bass_share(&after.facts.bands)],
            mono_loss_db: original.facts.mono_loss_db.filter(|_| mono),
            mono_worst_band: if mono { mono_worst_band(&original.facts.bands) } else { None },
            lead_left: [lead_before, *lead],
            drowned_share: device.drowned_below_lu.and_then(|lu| drowned_share(after, lu)),
        }
    };
    Ok(TranslatedFile {
        path: shown(path),
        original: shown(&file_of("original")),
        matched_lufs: Some(matched),
        devices: heard.iter().map(told).collect(),
    })
}

/// What was rendered of a song: its master, or else its mix.
fn rendered(song: &Project) -> Result<PathBuf, WorkflowError> {
    let found =
        ["master.wav", "premaster.wav"].map(|name| song.out().join(name)).into_iter().find(|p| p.is_file());
    found.ok_or_else(|| {
        WorkflowError::Usage(format!(
            "{}: neither out/master.wav nor out/premaster.wav is there; `tonmeister produce {}` makes them",
            song.home.display(),
            song.folder.display()
        ))
    })
}

/// The sound of a source behind a chain, as it is measured.
fn listened(session: &Session, source: &Sources, context: &Context) -> Result<Analysis, WorkflowError> {
    let plan = engine::compile_master(session, source)?;
    let options =
        Options { true_peak_factor: 16, spectrum: true, pitch: false, music: false, ..Options::default() };
    Ok(hear(&plan, source, &[(0, Tap::Output)], options, context, None)?.remove(0))
}

/// Writes the sound of a source behind a chain, as 32-bit float.
fn write(session: &Session, source: &Sources, path: &Path, context: &Context) -> Result<(), WorkflowError> {
    let plan = engine::compile_master(session, source)?;
    write_wav(&plan, source, (path, SampleFormat::Float32), context).map(drop)
}

/// Share of the power in the bands that end below [`BASS_HZ`].
fn bass_share(bands: &[BandFacts]) -> Option<f64> {
    let shares = bands.iter().filter(|band| band.high_hz <= BASS_HZ).filter_map(|band| band.share_db);
    let sum = shares.map(|db| 10f64.powf(db / 10.0)).sum::<f64>();
    (!bands.is_empty()).then_some(sum.min(1.0))
}

/// Share of the time in which the loudest 400 ms around are so much softer than the whole.
fn drowned_share(analysis: &Analysis, below_lu: f64) -> Option<f64> {
    let floor = analysis.facts.integrated_lufs? - below_lu;
    let all = &analysis.loudness.momentary_lufs;
    // What is silent is not drowned: it is a pause.
    let sounding: Vec<f64> = all.iter().flatten().copied().filter(|lufs| *lufs > -70.0).collect();
    let under = sounding.iter().filter(|lufs| **lufs < floor).count();
    (!sounding.is_empty()).then(|| under as f64 / sounding.len() as f64)
}
