//! The album as one sound: tracks with gains, fades, gaps and crossfades one after the other, then cut where they begin.

use super::Track;
use crate::written::{name_of, shown};
use crate::{Context, WorkflowError};
use audio::{Buffer, db_to_gain};
use delivery::{Reading, SECTORS_PER_SECOND};
use dsp::blocks::resample::{Resampler, resampled_frames};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use mastering::album::crossfade_frames;
use std::f64::consts::{FRAC_PI_2, PI};
use std::path::{Path, PathBuf};

/// Frames worked on at a time.
const BLOCK_FRAMES: usize = 1 << 14;
/// What is heard of a transition before and behind its mark, in seconds.
const AROUND_S: f64 = 10.0;
/// Rates of which a CD's sector is a whole number of frames.
const RATES_HZ: [u32; 6] = [44_100, 48_000, 88_200, 96_000, 176_400, 192_000];

/// The rate of the image: the highest of the masters', as far as sectors fit it.
pub(super) fn rate_of(rates: impl Iterator<Item = u32>) -> u32 {
    rates.filter(|rate| RATES_HZ.contains(rate)).max().unwrap_or(RATES_HZ[0])
}

/// Frames of a sector.
pub(super) fn grid(rate_hz: u32) -> usize {
    rate_hz as usize / SECTORS_PER_SECOND
}

/// Length of a master at the image's rate.
pub(super) fn frames_at(reading: &Reading, rate_hz: u32) -> usize {
    resampled_frames(reading.frames, reading.sample_rate_hz, rate_hz)
}

fn spec(rate_hz: u32) -> WriteSpec {
    WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float32,
        sample_rate_hz: rate_hz,
        channels: 2,
    }
}

/// Writes the whole album, its end filled up to a whole sector.
pub(super) fn compose(
    tracks: &[Track],
    places: &[usize],
    rate_hz: u32,
    path: &Path,
    context: &Context,
) -> Result<PathBuf, WorkflowError> {
    let mut writer = Writer::create(path, spec(rate_hz))?;
    let all = places.last().copied().unwrap_or(0);
    let mut written = 0;
    // What the track before still has to say while the next comes up.
    let mut tail: Vec<Vec<f64>> = vec![Vec::new(); 2];
    for (n, track) in tracks.iter().enumerate() {
        silence(&mut writer, places[n] - written)?;
        written = places[n];
        let before = if n == 0 { 0 } else { tracks[n - 1].join.frames };
        let fade_in = crossfade_frames(&track.join, before);
        let fade_out = tracks.get(n + 1).map_or(0, |next| crossfade_frames(&next.join, track.join.frames));
        let mut voice = Voice::new(track, rate_hz, fade_in, fade_out);
        let mut next_tail: Vec<Vec<f64>> = vec![Vec::new(); 2];
        voice.read(|at, planes| {
            context.check()?;
            context.listener.progress((places[n] + at) as f64 / all.max(1) as f64);
            for (plane, tail) in planes.iter_mut().zip(&tail) {
                for (i, sample) in plane.iter_mut().enumerate().take(fade_in.saturating_sub(at)) {
                    *sample += tail.get(at + i).copied().unwrap_or(0.0);
                }
            }
            // The end waits for the track that it sounds together with.
            let frames = planes[0].len();
            let now = (track.join.frames - fade_out).saturating_sub(at).min(frames);
            for (plane, tail) in planes.iter().zip(&mut next_tail) {
                tail.extend(&plane[now..]);
            }
            let planes: Vec<Vec<f64>> = planes.iter().map(|plane| plane[..now].to_vec()).collect();
            writer.write_f64(&Buffer::from_channels(&planes).as_block())?;
            written += now;
            Ok(())
        })?;
        tail = next_tail;
    }
    silence(&mut writer, all.next_multiple_of(grid(rate_hz)) - written)?;
    writer.finish()?;
    Ok(path.to_owned())
}

fn silence(writer: &mut Writer, mut frames: usize) -> Result<(), WorkflowError> {
    let nothing = Buffer::new(2, BLOCK_FRAMES);
    while frames > 0 {
        let now = frames.min(BLOCK_FRAMES);
        writer.write_f64(&nothing.range(0, now))?;
        frames -= now;
    }
    Ok(())
}

/// One track as it sounds on the album.
struct Voice<'a> {
    track: &'a Track<'a>,
    rate_hz: u32,
    gain: f64,
    /// Fades of its own, in frames: raised cosines.
    own_in: usize,
    own_out: usize,
    /// Crossfades with its neighbours: of equal power.
    cross_in: usize,
    cross_out: usize,
}

impl<'a> Voice<'a> {
    fn new(track: &'a Track<'a>, rate_hz: u32, cross_in: usize, cross_out: usize) -> Voice<'a> {
        let frames = |seconds: f64| ((seconds * f64::from(rate_hz)).round() as usize).min(track.join.frames);
        let gain = if track.gain.gain_db == 0.0 { 1.0 } else { db_to_gain(track.gain.gain_db) };
        let (own_in, own_out) = (frames(track.said.fade_in_s), frames(track.said.fade_out_s));
        Voice { track, rate_hz, gain, own_in, own_out, cross_in, cross_out }
    }

    /// Gain of a frame.
    fn gain_at(&self, frame: usize) -> f64 {
        let left = self.track.join.frames - 1 - frame;
        let cosine = |at: usize, of: usize| {
            if at < of { 0.5 - 0.5 * (PI * (at as f64 + 0.5) / of as f64).cos() } else { 1.0 }
        };
        let sine = |at: usize, of: usize| {
            if at < of { (FRAC_PI_2 * (at as f64 + 0.5) / of as f64).sin() } else { 1.0 }
        };
        cosine(frame, self.own_in)
            * cosine(left, self.own_out)
            * sine(frame, self.cross_in)
            * sine(left, self.cross_out)
    }

    /// Gives its sound in blocks of two channels, with the frame each begins on; exactly as many frames as it has.
    fn read(
        &mut self,
        mut take: impl FnMut(usize, &mut [Vec<f64>]) -> Result<(), WorkflowError>,
    ) -> Result<(), WorkflowError> {
        let mut reader = files::open(&self.track.file)?;
        let channels = reader.info().channels;
        let mut resampler = Resampler::new(reader.info().sample_rate_hz, self.rate_hz, channels);
        let mut buffer = Buffer::new(channels, BLOCK_FRAMES);
        let mut converted = vec![Vec::new(); channels];
        let faded = self.own_in + self.own_out + self.cross_in + self.cross_out > 0;
        let mut at = 0;
        loop {
            let frames = reader.read(&mut buffer.as_block_mut())?;
            match frames {
                0 => resampler.finish(&mut converted),
                frames => resampler.push(&buffer.range(0, frames), &mut converted),
            }
            let wanted = self.track.join.frames - at;
            let mut planes: Vec<Vec<f64>> = converted.clone();
            if channels == 1 {
                planes.push(planes[0].clone());
            }
            planes.iter_mut().for_each(|plane| plane.truncate(wanted));
            if frames == 0 {
                planes.iter_mut().for_each(|plane| plane.resize(wanted, 0.0));
            }
            for plane in &mut planes {
                for (i, sample) in plane.iter_mut().enumerate() {
                    *sample *= if faded { self.gain * self.gain_at(at + i) } else { self.gain };
                }
            }
            let got = planes[0].len();
            if got > 0 {
                take(at, &mut planes)?;
            }
            at += got;
            converted.iter_mut().for_each(Vec::clear);
            if frames == 0 {
                return Ok(());
            }
        }
    }
}

/// Cuts the image where its tracks begin: played one after the other, the files are the image. What is silent between two
/// tracks ends the first of them.
pub(super) fn cut(
    image: &Path,
    places: &[usize],
    folder: &Path,
    context: &Context,
) -> Result<Vec<PathBuf>, WorkflowError> {
    let end = files::probe(image)?.frames;
    let tracks = places.len() - 1;
    let mut paths = Vec::new();
    for n in 0..tracks {
        context.check()?;
        let from = if n == 0 { 0 } else { places[n] };
        // What fills up the last sector is a CD's, not the music's.
        let to = if n + 1 == tracks { places[tracks].min(end) } else { places[n + 1] };
        let path = folder.join(format!("{:02}.wav", n + 1));
        copy(image, from, to, &path)?;
        paths.push(path);
    }
    Ok(paths)
}

fn copy(image: &Path, from: usize, to: usize, path: &Path) -> Result<(), WorkflowError> {
    let mut reader = files::open(image)?;
    let mut writer = Writer::create(path, spec(reader.info().sample_rate_hz))?;
    let mut buffer = Buffer::new(2, BLOCK_FRAMES);
    reader.seek(from)?;
    let mut left = to - from;
    while left > 0 {
        let frames = reader.read(&mut buffer.range_mut(0, left.min(BLOCK_FRAMES)))?;
        if frames == 0 {
            break;
        }
        writer.write_f64(&buffer.range(0, frames))?;
        left -= frames;
    }
    writer.finish()?;
    Ok(())
}

/// Writes what is heard around every mark but the first.
pub(super) fn transitions(
    image: &Path,
    tracks: &[Track],
    places: &[usize],
    folder: &Path,
    context: &Context,
) -> Result<Vec<String>, WorkflowError> {
    let info = files::probe(image)?;
    let around = (AROUND_S * f64::from(info.sample_rate_hz)) as usize;
    let mut paths = Vec::new();
    std::fs::create_dir_all(folder).map_err(WorkflowError::io(folder, "create the folder"))?;
    for n in 1..tracks.len() {
        context.check()?;
        let name = |track: &Track| track.said.title.clone().unwrap_or_else(|| name_of(&track.file));
        let title = format!("{:02}-{:02} {} - {}", n, n + 1, name(&tracks[n - 1]), name(&tracks[n]));
        let path = folder.join(format!("{}.wav", delivery::file_stem(&title)));
        copy(image, places[n].saturating_sub(around), (places[n] + around).min(info.frames), &path)?;
        paths.push(shown(&path));
    }
    Ok(paths)
}
