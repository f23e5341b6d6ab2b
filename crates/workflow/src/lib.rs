//! One function per verb; progress and cancel; the only place that joins the other crates.
//!
//! "Decide, listen, decide again" is a loop over steps in time ([`plan`], [`master`]), never a cycle between crates.
//! Nothing here prints, parses arguments or knows a terminal: a face calls a verb and shows its result.

mod ab;
mod album;
mod between;
mod ceiling;
mod check;
mod compare;
mod context;
mod deliver;
mod demo_song;
mod ear;
mod edit;
mod error;
mod finished_song;
mod handing_over;
mod heard;
mod held;
mod kept;
mod knowledge;
mod listen;
mod live;
mod lock;
mod made;
mod master;
mod master_file;
mod master_request;
mod master_song;
mod mastered_file;
mod matching;
mod measure_files;
mod measured;
mod merging;
mod noting;
mod plan;
mod plots;
mod produce;
mod produced;
mod project;
mod recordings;
mod reference_tone;
mod relations;
mod render;
mod report_song;
mod rerender;
mod retarget;
mod rough_mix;
mod saving;
mod scan;
mod services;
mod space;
mod tags;
mod takes;
mod targets;
mod translate;
mod verdicts;
mod versions;
mod written;

pub use ab::AbFile;
pub use album::{AlbumRequest, AlbumResult, AlbumTrackResult, album};
pub use assistant::Rules;
pub use between::measure_between;
pub use check::{CheckRequest, CheckResult, CheckedFile, MendRequest, Mended, check, targets};
pub use compare::{BandDifference, Compared, Side, compare};
pub use context::{Context, Listener, Quiet, limit_threads};
pub use deliver::{DeliverResult, deliver};
pub use delivery::{Checked, Delivered, Finding, Mark, Mend, Preview, Remedy, Severity, Target, Targets};
pub use demo_song::{DemoResult, FoundFault, demo};
pub use edit::{Edited, Why, set, undo, why};
pub use error::{Failure, WorkflowError};
pub use handing_over::DeliverRequest;
pub use knowledge::{
    DemoContents, NamedInfo, ParamInfo, PlantedInfo, ProcessorInfo, RoleInfo, ShownReading, demo_contents,
    name_roles, processors, roles, shown_readings,
};
pub use live::{LiveChannel, LiveMeter, LivePlayer, LiveSnapshot};
pub use master::{Mastered, master};
pub use master_file::{MasterResult, master_files};
pub use master_request::MasterRequest;
pub use master_song::promote_take;
pub use mastered_file::MasteredFile;
pub use mastering::{GENRES, Matching};
pub use matching::{AspectTold, BandTold, Matched, genre};
pub use measure::{ChannelRelation, Facts, KReading, Key, Music, Section};
pub use measure_files::{MeasureRequest, measure, readable_audio};
pub use measured::{
    Between, MaskedFile, MaskingFile, Measured, MeasuredFacts, MeasuredFile, PairFound, Unreadable,
};
pub use noting::{Noted, NotedLine, note};
pub use plan::{PlanRequest, Planned, plan};
pub use plots::{PlotPlace, PlotRequest, measure_and_plot};
pub use produce::produce;
pub use produced::{ProduceRequest, Produced, TrackSummary};
pub use project::Project;
pub use render::{Part, RenderResult, Rendered, render, render_parts};
pub use scan::{Scanned, ScannedTrack, scan};
pub use session::{Decision, Difference, Problem, SessionError, StepId};
pub use takes::Promoted;
pub use translate::{Loss, TranslateRequest, TranslateResult, TranslatedFile, Translation, translate};
pub use verdicts::HeardFirst;
pub use versions::{Version, render_versions};
pub use written::WrittenFile;

/// Keeps the messages of decoders that give up on a damaged file off the terminal (the failure itself is an error of the
/// verb), and lets as many files be open as the system allows. Called once at the start of a program.
pub fn begin() {
    files::silence_decoder_panics();
    files::raise_open_files_limit();
}

/// The JSON schema of the session file.
pub fn session_schema() -> serde_json::Value {
    session::json_schema()
}
