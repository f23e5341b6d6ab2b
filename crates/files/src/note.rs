//! What was mended or is uncertain about a file that could be read.

use std::fmt;

use audio::Frames;

/// Something a person should know about a file that was read all the same.
///
/// `Display` gives one plain sentence without a full stop.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// The file ends before its header says.
    Truncated {
        /// Frames the header promises.
        stated_frames: u64,
        /// Frames that are there.
        found_frames: u64,
    },
    /// The stream breaks off without the mark that ends it; how long it was is not known.
    EndMissing {
        /// Frames that are there.
        found_frames: u64,
    },
    /// The header's length is empty or impossible (the recorder did not finish); everything up to the end of
    /// the file was taken.
    LengthUnset {
        /// Frames that are there.
        found_frames: u64,
    },
    /// Bytes that belong to no chunk or frame were skipped.
    JunkSkipped {
        /// How many bytes.
        bytes: u64,
    },
    /// Two sizes in the header differ; the longer one fits into the file, and was read.
    LengthsDiffer {
        /// Frames that are counted.
        stated_frames: u64,
        /// Frames that the sound is said to have room for.
        found_frames: u64,
    },
    /// There is more sound behind that which was read.
    SoundLeftOut {
        /// How many chunks of sound.
        chunks: usize,
        /// Frames, all of them together.
        frames: u64,
    },
    /// Behind the end are bytes that belong to nothing: of a recording that was not finished they may be sound.
    BytesBehind {
        /// How many.
        bytes: u64,
        /// How many frames that would be.
        frames: u64,
    },
    /// Samples that are not numbers, or are infinite, were replaced by zero.
    NotANumber {
        /// How many samples, all channels together.
        samples: u64,
        /// Where they are.
        places: Places,
    },
    /// Samples above +60 dBFS were set to +60 dBFS.
    Clamped {
        /// How many samples, all channels together.
        samples: u64,
        /// Where they are.
        places: Places,
    },
    /// Parts of the stream could not be decoded; silence keeps their place, so that the rest stays in time.
    Holes {
        /// Where they are.
        places: Places,
    },
    /// How long some of the damaged places were is not written anywhere and had to be estimated from their bytes.
    HolesEstimated {
        /// How many places.
        count: u64,
    },
    /// A lossy file does not say how much silence its encoder put in front, so it may start late.
    PrimingUnknown {
        /// The codec.
        codec: &'static str,
        /// The usual delay of that codec's encoders, in frames.
        usual_frames: u32,
    },
    /// High-efficiency AAC that does not declare itself: only the lower half of its band is decoded.
    LowerBandOnly {
        /// Where the upper half begins, in hertz.
        up_to_hz: u32,
    },
    /// An edit list with cuts inside; only its first part was used.
    EditsIgnored {
        /// Parts that were left out.
        edits: usize,
    },
    /// The name's extension belongs to another format than the content.
    ExtensionMismatch {
        /// The extension, as text.
        extension: String,
        /// What the file is.
        format: &'static str,
    },
    /// The stream changes its format or starts anew; only the part before was read.
    StreamRestarts {
        /// The frame where it does.
        frame: u64,
    },
}

/// Frames that follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The first frame.
    pub frame: Frames,
    /// That frame in seconds.
    pub time_s: f64,
    /// How many frames.
    pub frames: u64,
}

/// Places in a file: all are counted, the first are listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Places {
    /// How many.
    pub count: u64,
    /// Frames, all places together.
    pub frames: u64,
    /// The same in seconds.
    pub duration_s: f64,
    /// The first of them in order of time, at most [`Places::LISTED`].
    pub first: Vec<Place>,
    /// One past the last frame of the place that was added last.
    end: Frames,
}

impl Note {
    /// Whether the sound differs from what the file holds: something was left out, put in or replaced. Otherwise the
    /// note is about what a person should check.
    pub fn is_repair(&self) -> bool {
        match self {
            Note::Truncated { .. }
            | Note::EndMissing { .. }
            | Note::LengthUnset { .. }
            | Note::JunkSkipped { .. }
            | Note::LengthsDiffer { .. }
            | Note::SoundLeftOut { .. }
            | Note::BytesBehind { .. }
            | Note::NotANumber { .. }
            | Note::Clamped { .. }
            | Note::Holes { .. }
            | Note::HolesEstimated { .. }
            | Note::LowerBandOnly { .. }
            | Note::StreamRestarts { .. } => true,
            Note::PrimingUnknown { .. } | Note::EditsIgnored { .. } | Note::ExtensionMismatch { .. } => false,
        }
    }
}

impl Places {
    /// So many places are listed: enough to look at them all, or to see that the file is beyond that.
    pub const LISTED: usize = 16;

    /// One place of `frames` from `frame` on.
    pub fn one(frame: Frames, frames: u64, sample_rate_hz: u32) -> Places {
        let second = 1.0 / f64::from(sample_rate_hz);
        let place = Place { frame, time_s: frame as f64 * second, frames };
        Places {
            count: 1,
            frames,
            duration_s: frames as f64 * second,
            first: vec![place],
            end: frame + frames as usize,
        }
    }

    /// Adds places that are not here yet. One that goes on where the last one ended is the same place, however
    /// the file was read.
    pub(crate) fn add(&mut self, mut more: Places) {
        let end = self.end;
        if let Some(next) = more.first.first().copied().filter(|next| next.frame == end) {
            more.first.remove(0);
            more.count -= 1;
            if let Some(last) = self.first.last_mut().filter(|p| p.frame + p.frames as usize == end) {
                last.frames += next.frames;
            }
        }
        self.end = more.end;
        self.count += more.count;
        self.frames += more.frames;
        self.duration_s += more.duration_s;
        self.first.extend(more.first);
        self.first.sort_by_key(|place| place.frame);
        self.first.truncate(Places::LISTED);
    }
}

impl fmt::Display for Places {
    /// "at 0:03.120", "at 0:03.120, 0:04.000 and 2 more places".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        let times: Vec<String> = self.first.iter().take(SHOWN).map(|place| clock(place.time_s)).collect();
        let more = self.count.saturating_sub(times.len() as u64);
        match (times.split_last(), more) {
            (None, _) => Ok(()),
            (Some((only, [])), 0) => write!(f, "at {only}"),
            (Some((last, others)), 0) => write!(f, "at {} and {last}", others.join(", ")),
            _ => write!(f, "at {} and {more} more {}", times.join(", "), plural(more, "place", "places")),
        }
    }
}

/// Minutes, seconds and milliseconds: `3:07.250`.
fn clock(time_s: f64) -> String {
    let milliseconds = (time_s * 1000.0).round() as u64;
    format!("{}:{:02}.{:03}", milliseconds / 60_000, milliseconds / 1000 % 60, milliseconds % 1000)
}

fn plural<'a>(count: u64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Truncated { stated_frames, found_frames } => write!(
                f,
                "the file ends early: {found_frames} of {stated_frames} frames are there, and those were read"
            ),
            Note::EndMissing { found_frames } => write!(
                f,
                "the stream breaks off without its end mark: {found_frames} frames are there, and those were read"
            ),
            Note::LengthUnset { found_frames } => write!(
                f,
                "the header states no usable length (an unfinished recording?): {found_frames} frames were \
                 read up to the end of the file"
            ),
            Note::JunkSkipped { bytes } => {
                write!(
                    f,
                    "{bytes} {} that belong to nothing skipped",
                    plural(*bytes, "stray byte", "stray bytes")
                )
            }
            Note::LengthsDiffer { stated_frames, found_frames } => write!(
                f,
                "the header counts {stated_frames} frames, and the sound has {found_frames}: all of them were read"
            ),
            Note::SoundLeftOut { chunks, frames } => write!(
                f,
                "{chunks} further {} of sound ({frames} frames) left out: only the first was read",
                plural(*chunks as u64, "chunk", "chunks")
            ),
            Note::BytesBehind { bytes, frames } => write!(
                f,
                "{bytes} bytes behind the sound belong to no chunk and were left out; of an unfinished recording \
                 they may be {frames} more frames"
            ),
            Note::NotANumber { samples, places } => write!(
                f,
                "{samples} NaN or infinite {} silenced, {places}",
                plural(*samples, "sample", "samples")
            ),
            Note::Clamped { samples, places } => write!(
                f,
                "{samples} {} above +60 dBFS clamped, {places}",
                plural(*samples, "sample", "samples")
            ),
            Note::Holes { places } => write!(
                f,
                "{} damaged {} ({:.3} s, {} frames) replaced by silence, {places}",
                places.count,
                plural(places.count, "place", "places"),
                places.duration_s,
                places.frames
            ),
            Note::HolesEstimated { count } => write!(
                f,
                "the length of {count} damaged {} was estimated from its bytes: what follows may stand a little \
                 early or late",
                plural(*count, "place", "places")
            ),
            Note::PrimingUnknown { codec, usual_frames } => write!(
                f,
                "this {codec} file does not state its encoder delay: it may start late, typically by about \
                 {usual_frames} frames"
            ),
            Note::LowerBandOnly { up_to_hz } => write!(
                f,
                "this is HE-AAC, of which only the lower half up to {up_to_hz} Hz is read: export it as WAV or FLAC"
            ),
            Note::EditsIgnored { edits } => {
                write!(
                    f,
                    "{edits} later {} of the edit list left out",
                    plural(*edits as u64, "part", "parts")
                )
            }
            Note::ExtensionMismatch { extension, format } => {
                write!(f, "named .{extension}, but the content is {format}")
            }
            Note::StreamRestarts { frame } => {
                write!(f, "the stream starts anew after {frame} frames; only the first part was read")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_readable() {
        assert_eq!(clock(0.0), "0:00.000");
        assert_eq!(clock(3.12), "0:03.120");
        assert_eq!(clock(3661.9996), "61:02.000");
    }

    #[test]
    fn notes_say_how_many_and_where() {
        let mut places = Places::one(149_760, 2, 48_000);
        let note = Note::NotANumber { samples: 2, places: places.clone() };
        assert_eq!(note.to_string(), "2 NaN or infinite samples silenced, at 0:03.120");
        places.add(Places::one(0, 46, 48_000));
        let note = Note::Holes { places: places.clone() };
        assert_eq!(
            note.to_string(),
            "2 damaged places (0.001 s, 48 frames) replaced by silence, at 0:00.000 and 0:03.120"
        );
        for n in 0..30 {
            places.add(Places::one(200_000 + 10 * n, 1, 48_000));
        }
        assert_eq!((places.count, places.frames, places.first.len()), (32, 78, Places::LISTED));
        let note = Note::Clamped { samples: 99, places };
        assert!(note.to_string().ends_with("0:04.167, 0:04.167, 0:04.167 and 27 more places"), "{note}");
    }
}
