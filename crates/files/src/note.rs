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
    /// Bytes that belong to no chunk were skipped.
    JunkSkipped {
        /// How many bytes.
        bytes: u64,
    },
    /// Samples that are not numbers, or are infinite, were replaced by zero.
    NotANumber {
        /// How many samples, all channels together.
        count: u64,
        /// The frame of the first.
        first_frame: Frames,
        /// That frame in seconds.
        first_time_s: f64,
    },
    /// Samples above +60 dBFS were set to +60 dBFS.
    Clamped {
        /// How many samples, all channels together.
        count: u64,
        /// The frame of the first.
        first_frame: Frames,
        /// That frame in seconds.
        first_time_s: f64,
    },
    /// Parts of the stream could not be decoded; silence keeps their place, so that the rest stays in time.
    Holes {
        /// How many places.
        count: u64,
        /// Frames of silence put in, all places together.
        frames: u64,
        /// The frame of the first.
        first_frame: Frames,
        /// That frame in seconds.
        first_time_s: f64,
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
                write!(f, "{bytes} {} between chunks skipped", plural(*bytes, "stray byte", "stray bytes"))
            }
            Note::NotANumber { count, first_time_s, .. } => write!(
                f,
                "{count} NaN or infinite {} silenced, the first at {}",
                plural(*count, "sample", "samples"),
                clock(*first_time_s)
            ),
            Note::Clamped { count, first_time_s, .. } => write!(
                f,
                "{count} {} above +60 dBFS clamped, the first at {}",
                plural(*count, "sample", "samples"),
                clock(*first_time_s)
            ),
            Note::Holes { count, frames, first_time_s, .. } => write!(
                f,
                "{count} damaged {} ({frames} frames) replaced by silence, the first at {}",
                plural(*count, "place", "places"),
                clock(*first_time_s)
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
        let note = Note::NotANumber { count: 2, first_frame: 149_760, first_time_s: 3.12 };
        assert_eq!(note.to_string(), "2 NaN or infinite samples silenced, the first at 0:03.120");
        let note = Note::Clamped { count: 1, first_frame: 0, first_time_s: 0.0 };
        assert_eq!(note.to_string(), "1 sample above +60 dBFS clamped, the first at 0:00.000");
    }
}
