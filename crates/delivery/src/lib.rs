//! From a finished master to the files that are handed over: quantised with dither, written, read back and
//! checked against the row of a delivery target.
//!
//! - [`Quantiser`] makes integers of `f64` samples, with TPDF dither, plain or shaped, where bits are dropped; [`Grid`] finds out
//!   whether any are.
//! - [`TARGETS`] holds what each destination asks for, as data with its source and date; [`preview`] says what
//!   each streaming service will do to a master.
//! - [`read_back`] measures a file as it stands on the disk; [`judge`] compares the [`Reading`] with a target, and
//!   [`check`] does both: every [`Finding`] has its place, how it sounds and how to mend it.
//! - [`deliver`] writes one file for one target and checks it as written; what it promises about true peak
//!   holds for the bytes on the disk.
//!
//! This crate never changes loudness or tone: the one change it makes is a stated trim of at most
//! [`Job::max_trim_db`] that keeps the true-peak ceiling.

mod check;
mod cue;
mod deliver;
mod delivered;
mod edges;
mod error;
mod finding;
mod grid;
mod job;
mod manifest;
mod name;
mod pauses;
mod quantise;
mod random;
mod reading;
mod services;
mod streamed;
mod targets;
mod writing;
mod zipped;

pub use check::{Checked, check, judge, passes};
pub use cue::{CueSheet, CueTrack, SECTORS_PER_SECOND, mark};
pub use deliver::{deliver, deliver_observed, kept};
pub use delivered::Delivered;
pub use edges::{Dropout, Edges};
pub use error::DeliveryError;
pub use finding::{Finding, Mend, Remedy, Severity};
pub use grid::{Grid, bits_used};
pub use job::{Extent, Job, Joins, Plan, Stage};
pub use manifest::{Entry, MANIFEST, Manifest, read_manifest, write_manifest};
pub use name::{NameParts, file_name, file_stem};
pub use quantise::{Dither, Quantiser};
pub use reading::{Reading, Remark, read_back};
pub use services::{Preview, SERVICES, Service, TurnsUp, preview, preview_of};
pub use streamed::Streamed;
pub use targets::{
    Container, DEFAULT_TARGET, Depth, Force, Mark, TARGETS, Target, Targets, Text, find_format, find_target,
};
pub use zipped::zip_folder;
