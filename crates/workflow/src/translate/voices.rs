//! How well the lead is heard beside the rest: from files, or from the tracks of a song.

use super::devices::Device;
use super::losses::{Curve, lead_left};
use crate::ear::Ear;
use crate::finished_song::source_of;
use crate::heard::Heard;
use crate::listen::{self, render_options};
use crate::{Context, Project, WorkflowError};
use audio::Buffer;
use engine::{Output, Sources, Tap};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use measure::{Analysis, ErbFrames, Options, Part};
use session::Session;
use std::path::Path;

/// Frames read at a time.
const BLOCK_FRAMES: usize = 1 << 14;
/// Auditory bands end at 20 kHz: curves are read as they are at a rate well above twice that, in hertz.
const TRACKS_RATE_HZ: f64 = 96_000.0;

/// A lead and everything else.
pub(super) enum Voices {
    /// Each a file of its own.
    Files(Files),
    /// What was measured of a song's tracks, as they stand in its mix.
    Song(Box<[ErbFrames; 2]>),
}

/// A lead and everything else, each a file of its own.
pub(super) struct Files {
    lead: Sources,
    rest: Sources,
    _folder: tempfile::TempDir,
}

impl Voices {
    /// Takes the lead out of the file that it is in.
    pub(super) fn split(whole: &Path, lead: &Path, context: &Context) -> Result<Voices, WorkflowError> {
        let (a, b) = (files::probe(whole)?, files::probe(lead)?);
        if (a.sample_rate_hz, a.frames) != (b.sample_rate_hz, b.frames) {
            return Err(WorkflowError::Usage(format!(
                "{}: has {} frames at {} Hz, {} has {} at {} Hz; the lead has to be as long as the file it is in",
                lead.display(),
                b.frames,
                b.sample_rate_hz,
                whole.display(),
                a.frames,
                a.sample_rate_hz
            )));
        }
        let temporary = std::env::temp_dir();
        let folder =
            tempfile::tempdir().map_err(WorkflowError::io(&temporary, "make a folder to work in"))?;
        let rest = folder.path().join("rest.wav");
        let mut readers = [files::open(whole)?, files::open(lead)?];
        let spec = WriteSpec {
            file_type: FileType::Wav,
            sample_format: SampleFormat::Float64,
            sample_rate_hz: a.sample_rate_hz,
            channels: a.channels,
        };
        let mut writer = Writer::create(&rest, spec)?;
        let mut buffers = [Buffer::new(a.channels, BLOCK_FRAMES), Buffer::new(b.channels, BLOCK_FRAMES)];
        loop {
            context.check()?;
            let frames = readers[0].read(&mut buffers[0].as_block_mut())?;
            if frames == 0 {
                break;
            }
            readers[1].read(&mut buffers[1].range_mut(0, frames))?;
            let planes: Vec<Vec<f64>> = (0..a.channels)
                .map(|channel| {
                    let own = &buffers[0].channel(channel)[..frames];
                    let voice = &buffers[1].channel(channel.min(b.channels - 1))[..frames];
                    own.iter().zip(voice).map(|(all, voice)| all - voice).collect()
                })
                .collect();
            writer.write_f64(&Buffer::from_channels(&planes).as_block())?;
        }
        writer.finish()?;
        Ok(Voices::Files(Files { lead: source_of(lead)?, rest: source_of(&rest)?, _folder: folder }))
    }

    /// Listens to the tracks of a song as its session has them; `None` where no track leads. What was heard before is known.
    pub(super) fn of_song(
        song: &Project,
        dry_run: bool,
        context: &Context,
    ) -> Result<Option<Voices>, WorkflowError> {
        let held;
        let song = match dry_run {
            true => &song.untouched(),
            false => {
                held = song.hold(context)?;
                &held
            }
        };
        let session = song.load()?.session()?;
        let sources = song.sources(&session)?;
        let (mut facts, _) = listen::recordings(song, &session, &sources, context)?;
        listen::strips(&session, &sources, &mut facts, &mut Heard::new(song), context)?;
        Ok(assistant::lead_and_rest(&facts, &session).map(|voices| Voices::Song(Box::new(voices))))
    }

    /// Loudness of the lead beside the rest against its loudness alone, on a device, whose chain `session` is.
    pub(super) fn lead_left(
        &self,
        session: &Session,
        device: Option<&Device>,
        context: &Context,
    ) -> Result<Option<f64>, WorkflowError> {
        let voices = match self {
            Voices::Files(files) => files,
            Voices::Song(voices) => {
                let curve = device.map(|device| Curve::of(device, TRACKS_RATE_HZ));
                return Ok(lead_left(voices, curve.as_ref()));
            }
        };
        let heard = |source: &Sources| -> Result<(Analysis, f64), WorkflowError> {
            let plan = engine::compile_master(session, source)?;
            let mut ear = Ear::new(plan.sample_rate_hz, plan.nodes[0].output_channels, power_options())?;
            let outputs = vec![Output { node: 0, tap: Tap::Output, sink: Box::new(&mut ear) }];
            let progress = |part| context.listener.progress(part);
            engine::render(&plan, source, outputs, &render_options(context, &progress, None))?;
            Ok((ear.0.finish(), plan.nodes[0].output_channels as f64))
        };
        let (lead, rest) = (heard(&voices.lead)?, heard(&voices.rest)?);
        let parts = [&lead, &rest].map(|(told, gain)| Part { erb: &told.erb, gain: *gain, emphasis: None });
        Ok(measure::loudness_left(&parts, 0))
    }
}

/// Only the power in auditory bands against time.
fn power_options() -> Options {
    Options { true_peak_factor: 4, spectrum: true, pitch: false, music: false, ..Options::default() }
}
