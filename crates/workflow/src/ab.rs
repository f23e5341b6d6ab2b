//! Before, after, references and takes at one loudness: to be heard against each other, as louder always sounds better.
//!
//! Each is turned to the highest loudness that all of them reach without one passing the ceiling; nothing is limited for it.

use crate::master::Mastered;
use crate::master_request::MasterRequest;
use crate::{Context, Project, WorkflowError};
use audio::{Buffer, Layout, db_to_gain};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use measure::{Analyser, Facts, Options};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Frames worked on at a time.
const BLOCK_FRAMES: usize = 1 << 14;
/// Kept below the ceiling for the rounding of 32-bit float and of the meters, in dB.
const MARGIN_DB: f64 = 0.01;

/// What the master without a name is called.
pub(crate) const MASTER: &str = "master";

/// What a take is called.
pub(crate) fn take_label(take: &str) -> String {
    format!("take {take}")
}

/// The file of a sound, by what it is called.
pub(crate) fn file_name(label: &str) -> String {
    format!("{}.wav", delivery::file_stem(&label.replace(' ', "-")))
}

/// One sound of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AbFile {
    /// What it is: `before`, `master`, `take bright`, `reference SONG`.
    pub label: String,
    /// The file at the common loudness.
    pub path: String,
    /// The gain that brought it there, in dB.
    pub gain_db: f64,
    /// The common loudness in LUFS.
    pub plays_at_lufs: f64,
    /// Integrated loudness as it was, in LUFS.
    pub integrated_lufs: Option<f64>,
    /// Loudness range, in LU.
    pub loudness_range_lu: Option<f64>,
    /// True peak minus loudness, in LU.
    pub plr_lu: Option<f64>,
    /// Side against middle, in dB.
    pub side_mid_db: Option<f64>,
    /// True peak at the common loudness, in dBTP.
    pub true_peak_dbtp: Option<f64>,
}

/// What is compared.
#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) label: String,
    pub(crate) path: PathBuf,
    /// Where it begins, in seconds of its file: masters are cut at their ends, what is before them is not.
    pub(crate) from_s: f64,
}

impl Sound {
    pub(crate) fn new(label: impl Into<String>, path: impl Into<PathBuf>) -> Sound {
        Sound { label: label.into(), path: path.into(), from_s: 0.0 }
    }
}

/// The folder of the comparison of a finished mix.
pub(crate) fn folder_of(home: &Path, stem: &str) -> PathBuf {
    home.join(format!("{stem}-ab"))
}

/// The folder of the takes of a finished mix.
pub(crate) fn takes_of(home: &Path, stem: &str) -> PathBuf {
    home.join(format!("{stem}-takes"))
}

/// What is compared of a song: what went in, what came out, its takes beside it, its references.
pub(crate) fn sounds(
    project: &Project,
    premaster: &Path,
    mastered: &Mastered,
    request: &MasterRequest,
    takes: &[(String, PathBuf)],
) -> Vec<Sound> {
    let from_s = mastered.session.master.start_s;
    let mut sounds = vec![Sound { from_s, ..Sound::new("before", premaster) }];
    sounds.extend(takes.iter().map(|(label, path)| Sound::new(label, path)));
    let asked = request.references.iter().map(|(file, _)| file.clone());
    let of_session = mastered.session.master.references.iter().map(|file| project.resolve(file));
    let references: Vec<PathBuf> =
        if request.references.is_empty() { of_session.collect() } else { asked.collect() };
    for file in references {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        sounds.push(Sound::new(format!("reference {name}"), file));
    }
    sounds
}

/// Writes all of them into `folder` at one loudness, as 32-bit float WAV; what is silent is left out.
pub(crate) fn write(
    folder: &Path,
    sounds: &[Sound],
    ceiling_dbtp: f64,
    context: &Context,
) -> Result<Vec<AbFile>, WorkflowError> {
    let mut heard = Vec::new();
    for sound in sounds {
        context.check()?;
        context.listener.stage("listening for the comparison", None);
        let facts = facts_of(sound, context)?;
        if let Some((lufs, peak)) = facts.integrated_lufs.zip(facts.true_peak_dbtp) {
            heard.push((sound, facts, lufs, peak));
        }
    }
    let room = |lufs: f64, peak: f64| lufs + ceiling_dbtp - MARGIN_DB - peak;
    let loudest = heard.iter().map(|(_, _, lufs, _)| *lufs).fold(f64::NEG_INFINITY, f64::max);
    let common = heard.iter().map(|(_, _, lufs, peak)| room(*lufs, *peak)).fold(loudest, f64::min);
    std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
    let mut written = Vec::new();
    for (sound, facts, lufs, peak) in heard {
        context.check()?;
        context.listener.stage("writing the comparison", None);
        let path = folder.join(file_name(&sound.label));
        let gain_db = common - lufs;
        copy(sound, db_to_gain(gain_db), &path, context)?;
        written.push(AbFile {
            label: sound.label.clone(),
            path: crate::written::shown(&path),
            gain_db,
            plays_at_lufs: common,
            integrated_lufs: Some(lufs),
            loudness_range_lu: facts.loudness_range_lu,
            plr_lu: facts.plr_lu,
            side_mid_db: facts.side_mid_db,
            true_peak_dbtp: Some(peak + gain_db),
        });
    }
    Ok(written)
}

/// Reads a sound from where it begins.
fn each_block(
    sound: &Sound,
    context: &Context,
    mut take: impl FnMut(&audio::BlockRef) -> Result<(), WorkflowError>,
) -> Result<(), WorkflowError> {
    let mut reader = files::open(&sound.path)?;
    let (channels, rate) = (reader.info().channels, f64::from(reader.info().sample_rate_hz));
    let mut skip = (sound.from_s * rate).round() as usize;
    let mut buffer = Buffer::new(channels, BLOCK_FRAMES);
    loop {
        context.check()?;
        let frames = reader.read(&mut buffer.as_block_mut())?;
        if frames == 0 {
            return Ok(());
        }
        let skipped = skip.min(frames);
        skip -= skipped;
        if skipped < frames {
            take(&buffer.range(skipped, frames - skipped))?;
        }
    }
}

fn facts_of(sound: &Sound, context: &Context) -> Result<Facts, WorkflowError> {
    let info = files::probe(&sound.path)?;
    let options =
        Options { spectrum: false, pitch: false, music: false, series: false, ..Options::default() };
    let layout = Layout::from_channels(info.channels);
    let mut analyser = Analyser::new(f64::from(info.sample_rate_hz), layout, options)?;
    each_block(sound, context, |block| {
        analyser.push(block);
        Ok(())
    })?;
    Ok(analyser.finish().facts)
}

fn copy(sound: &Sound, gain: f64, path: &Path, context: &Context) -> Result<(), WorkflowError> {
    let info = files::probe(&sound.path)?;
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float32,
        sample_rate_hz: info.sample_rate_hz,
        channels: info.channels,
    };
    let mut writer = Writer::create(path, spec)?;
    let mut turned = Buffer::new(info.channels, BLOCK_FRAMES);
    each_block(sound, context, |block| {
        for channel in 0..block.channels() {
            let to = &mut turned.channel_mut(channel)[..block.frames()];
            to.iter_mut().zip(block.channel(channel)).for_each(|(to, x)| *to = gain * x);
        }
        Ok(writer.write_f64(&turned.range(0, block.frames()))?)
    })?;
    writer.finish()?;
    Ok(())
}

/// The masters of a finished mix that there are: the one without a name first, then its takes in the order of their names.
pub(crate) fn masters_of(home: &Path, stem: &str) -> Vec<(String, PathBuf)> {
    let name = format!("{stem}-master.wav");
    let mut found = vec![(MASTER.to_string(), home.join(&name))];
    let folder = takes_of(home, stem);
    let mut takes: Vec<(String, PathBuf)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (take_label(&entry.file_name().to_string_lossy()), entry.path().join(&name)))
        .collect();
    takes.sort();
    found.extend(takes);
    found.retain(|(_, path)| path.is_file());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quiet;
    use std::sync::atomic::AtomicBool;

    fn tone(path: &Path, level: f64, hit: f64) {
        let rate = 48_000;
        let spec = WriteSpec {
            file_type: FileType::Wav,
            sample_format: SampleFormat::Float32,
            sample_rate_hz: rate,
            channels: 2,
        };
        let mut samples: Vec<f64> =
            (0..6 * rate as usize).map(|n| level * (n as f64 * 0.131).sin()).collect();
        samples[150_000] = hit;
        let buffer = Buffer::from_channels(&[samples.clone(), samples]);
        let mut writer = Writer::create(path, spec).expect("a file");
        writer.write_f64(&buffer.as_block()).expect("written");
        writer.finish().expect("whole");
    }

    /// All are as loud as one another by a meter, none passes the ceiling, and the one that needs the most room sets the level.
    #[test]
    fn all_are_equally_loud_and_below_the_ceiling() {
        let folder = tempfile::tempdir().expect("a folder");
        let (soft, loud) = (folder.path().join("soft.wav"), folder.path().join("loud.wav"));
        tone(&soft, 0.02, 0.5);
        tone(&loud, 0.5, 0.6);
        let cancel = AtomicBool::new(false);
        let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
        let out = folder.path().join("ab");
        let sounds = [Sound::new("before", &soft), Sound { from_s: 1.0, ..Sound::new("take bright", &loud) }];
        let written = write(&out, &sounds, -1.0, &context).expect("written");
        let again: Vec<Facts> = written
            .iter()
            .map(|ab| facts_of(&Sound::new("x", &ab.path), &context).expect("measured"))
            .collect();
        let lufs: Vec<f64> = again.iter().map(|f| f.integrated_lufs.expect("loud")).collect();
        // 32-bit float rounds at -150 dB.
        assert!((lufs[0] - lufs[1]).abs() < 1e-3, "{lufs:?}");
        let peaks: Vec<f64> = again.iter().map(|f| f.true_peak_dbtp.expect("a peak")).collect();
        assert!(peaks.iter().all(|p| *p <= -1.0) && peaks[0] > -1.05, "{peaks:?}");
        // What was cut before the master begins is cut from its rival as well.
        assert!((again[0].duration_s - again[1].duration_s - 1.0).abs() < 1e-9);
        assert!(written[1].path.ends_with("take-bright.wav"), "{written:?}");
    }
}
