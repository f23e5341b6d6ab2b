//! Where recordings stand in the song, by the time stamps that recorders and DAWs write into broadcast WAVE files
//! (EBU Tech 3285, TimeReference).

use super::{Imported, Recording, Source};
use session::{Decision, StepId};

/// Recordings further apart than half a day are not of one session: a stamp counts from midnight.
const FARTHEST_S: f64 = 12.0 * 3_600.0;

/// A hole in which nothing was recorded, longer than any stop inside a song, parts two takes.
const LONGEST_HOLE_S: f64 = 10.0;

/// Stamps closer than this are one: half a frame at the lowest rate that is read.
const SAME_S: f64 = 0.5 / 8_000.0;

/// What the stamps of all sources say together.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Places {
    /// Nothing: there are none, or all are the same.
    Together,
    /// Each source begins so many seconds after the earliest.
    Apart(Vec<f64>),
    /// They cannot be right; why, as a sentence.
    Doubtful(String),
}

/// The stamp of a file in seconds.
fn stamp_s(recording: &Recording) -> Option<f64> {
    let frames = recording.time_reference_frames?;
    (recording.sample_rate_hz > 0).then(|| frames as f64 / f64::from(recording.sample_rate_hz))
}

/// `1:00:07.250` hours, minutes and seconds.
fn clock(time_s: f64) -> String {
    let ms = (time_s * 1e3).round() as u64;
    format!("{}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// Reads the stamps of all sources. Only stamps that differ and that every source has place anything.
pub(super) fn places(sources: &[Source]) -> Places {
    let files = || sources.iter().flat_map(|source| source.files.iter().copied());
    let known: Vec<f64> = files().filter_map(stamp_s).collect();
    let (first, last) = known.iter().fold((f64::MAX, f64::MIN), |(a, b), s| (a.min(*s), b.max(*s)));
    if known.is_empty() || last - first < SAME_S {
        return Places::Together;
    }
    let doubt = |why: String| {
        Places::Doubtful(format!(
            "{why}, so every track was put at the beginning; give those that begin later a `start_s`."
        ))
    };
    if known.len() < files().count() {
        return doubt(format!(
            "{} of {} recordings have time stamps, which differ by up to {}, and the others have none",
            known.len(),
            files().count(),
            clock(last - first)
        ));
    }
    // All have one from here on.
    let stamp = |recording: &Recording| stamp_s(recording).unwrap_or(first);
    let parted = |s: &&Source| s.files.iter().any(|f| (stamp(f) - stamp(s.files[0])).abs() >= SAME_S);
    if let Some(source) = sources.iter().find(parted) {
        return doubt(format!("left and right of `{}` have time stamps that differ", source.name));
    }
    if last - first > FARTHEST_S {
        return doubt(format!(
            "the time stamps are {} apart, more than a session lasts",
            clock(last - first)
        ));
    }
    let starts: Vec<f64> = sources.iter().map(|s| stamp(s.files[0]) - first).collect();
    if let Some((at, length)) = hole(sources, &starts) {
        return doubt(format!(
            "by the time stamps nothing was recorded for {length:.1} s from {} on, as between two takes",
            clock(at)
        ));
    }
    // A billionth of a second is far less than a frame, and is written in few digits.
    Places::Apart(starts.iter().map(|s| (s * 1e9).round() / 1e9).collect())
}

/// The first hole that is too long for a song: where it begins after the earliest stamp, and its length.
fn hole(sources: &[Source], starts: &[f64]) -> Option<(f64, f64)> {
    let mut spans: Vec<(f64, f64)> = sources
        .iter()
        .zip(starts)
        .map(|(source, start)| (*start, start + source.files[0].duration_s))
        .collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut end = 0.0f64;
    for (start, stop) in spans {
        if start > end + LONGEST_HOLE_S {
            return Some((end, start - end));
        }
        end = end.max(stop);
    }
    None
}

/// Puts the tracks where their stamps say, or says why not.
pub(super) fn place(sources: &[Source], imported: &mut Imported) {
    let starts = match places(sources) {
        Places::Together => return,
        Places::Doubtful(why) => {
            imported.notes.push(format!("Time stamps not used: {why}"));
            return;
        }
        Places::Apart(starts) => starts,
    };
    let earliest = sources.iter().zip(&starts).find(|(_, start)| **start == 0.0);
    let earliest_s = earliest.and_then(|(source, _)| stamp_s(source.files[0])).unwrap_or(0.0);
    let mut moved = 0;
    for (source, start) in sources.iter().zip(&starts).filter(|(_, start)| **start > 0.0) {
        let Some(strip) = imported.session.tracks.get_mut(&source.id) else { continue };
        strip.start_s = *start;
        moved += 1;
        let why = format!(
            "The time stamp of `{}` is {}, and the earliest is {}: it begins {start:.3} s later.",
            source.name,
            clock(earliest_s + start),
            clock(earliest_s)
        );
        imported.decisions.push(
            Decision::set(StepId::Preparation, strip.path().child("start_s"), *start, why)
                .noted("time stamp")
                .measured("time stamp", earliest_s + start, "s")
                .measured("earliest time stamp", earliest_s, "s")
                .sure(0.9)
                .costs("if the stamps are wrong, the tracks do not play together")
                .unless("the recordings were already lined up when they were exported"),
        );
    }
    imported.notes.push(format!(
        "Placed by time stamps: {moved} of {} tracks begin after the earliest, which is stamped {}.",
        sources.len(),
        clock(earliest_s)
    ));
}
