//! Facts, decisions and checks as one HTML page for people and its JSON twin for programs.
//!
//! A [`Report`] is plain data that its maker fills in from what was measured, decided and written; [`to_json`] is
//! that data, and [`to_html`] shows it: one file that needs no network and runs no script, light and dark, on a
//! phone and on paper. Plots are drawn here as SVG.
//!
//! ```
//! use report::{Report, SignalPart};
//!
//! let facts = measure::Facts { integrated_lufs: Some(-14.0), ..Default::default() };
//! let report = Report {
//!     title: "Rye and Rain".into(),
//!     verdict: vec!["Ready for streaming.".into()],
//!     master: Some(SignalPart { facts, ..Default::default() }),
//!     ..Default::default()
//! };
//! assert!(report::to_html(&report).contains("Ready for streaming."));
//! assert_eq!(report::to_json(&report)["master"]["facts"]["integrated_lufs"], -14.0);
//! ```
//!
//! This crate never computes a measurement: it selects, aligns, rounds and words what it is given.

mod html;
mod markup;
mod model;
mod plot;
mod png;
mod sheet;
mod text;

pub use html::to_html;
pub use model::{
    AbPart, Bound, CurveBand, CurvePart, FilePart, FindingPart, FindingSeverity, ListeningPart,
    MatchedAspect, MatchedPart, ReductionPart, Report, SCHEMA, SectionPart, ServicePart, SignalPart,
    StepPart, TagPart, TargetPart, TargetRow, TrackPart, TranslationPart, to_json,
};
pub use png::{HAS_PNG, PngError, to_png};
pub use sheet::{Plot, PlotPart, Theme, to_svg};
