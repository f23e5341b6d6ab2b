//! The session file: model, strict reading, comment-preserving writing, edits, decisions, merge.
//!
//! `session.toml` is the only truth about a mix. [`read()`] turns its text into a [`Session`] and a list of
//! [`Problem`]s, all of them at once, each with line, column and remedy. [`Document`] changes the text without
//! losing a comment: a person's (`#`) are never touched, the machine's (`#~`) are refreshed. [`merge()`] brings
//! a new plan and a person's edits together, path by path.
//!
//! What can be set on a strip stands in [`fields`]; what can be set on a processor is asked of
//! [`dsp::KINDS`], so that a new processor is readable, writable and in the JSON schema without a line here.
//!
//! This crate never touches samples.

mod album;
mod change;
pub mod codes;
mod decision;
mod difference;
mod document;
mod edit;
mod error;
pub mod fields;
mod filename;
mod lane;
mod merge;
mod model;
mod node;
mod path;
mod problem;
mod read;
mod rows;
mod save;
mod schema;
#[cfg(test)]
mod testing;
mod tree;
mod value;
mod write;

pub use album::{Album, AlbumTrack, Level, album_of, load_album};
pub use change::Change;
pub use decision::{Decision, Evidence, StepId, apply};
pub use difference::{Difference, difference};
pub use document::Document;
pub use edit::Edit;
pub use error::SessionError;
pub use filename::{file_text, text_file};
pub use lane::{Curve, Lane, LaneTarget, Point, fewest_points};
pub use merge::{Merged, merge, yours};
pub use model::{
    Deliver, Insert, Master, Note, OUTPUT_NAMES, Premaster, Section, Send, Session, Song, Strip, StripClass,
    VERSION,
};
pub use path::Path;
pub use problem::{Place, Problem, Severity, list};
pub use read::{Reading, read};
pub use rows::{DataRow, load_rows};
pub use save::{load, save};
pub use schema::json_schema;
pub use value::Value;
