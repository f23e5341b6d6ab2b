//! What `produce` is asked for, and what it prints.

use crate::master_request::MasterRequest;
use crate::plan::PlanRequest;
use crate::versions::Version;
use crate::written::WrittenFile;
use serde::{Deserialize, Deserializer, Serialize};

/// What to produce.
#[derive(Debug, Clone, Default)]
pub struct ProduceRequest {
    /// How the mix is planned.
    pub plan: PlanRequest,
    /// How it is mastered.
    pub master: MasterRequest,
    /// Also write stems.
    pub stems: bool,
    /// Also write processed tracks.
    pub tracks: bool,
    /// Also write these versions of the song.
    pub versions: Vec<Version>,
    /// Stop after the pre-master.
    pub only_mix: bool,
    /// The song's title.
    pub title: Option<String>,
    /// Tempo in beats per minute and sections with their starts in seconds.
    pub song: Option<(f64, Vec<(String, f64)>)>,
}

impl ProduceRequest {
    /// The form of what is printed.
    pub(crate) fn schema(&self) -> &'static str {
        if self.only_mix { "tonmeister.mix/1" } else { "tonmeister.produce/1" }
    }
}

/// A track in the summary.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrackSummary {
    /// Its id.
    pub id: String,
    /// Its role.
    pub role: Option<String>,
    /// Trim and fader, in decibels.
    #[serde(deserialize_with = "decibels")]
    pub trim_db: f64,
    /// Fader, in decibels.
    #[serde(deserialize_with = "decibels")]
    pub fader_db: f64,
    /// Pan, -100 to 100.
    pub pan: f64,
    /// What the recording suffers from.
    pub faults: Vec<String>,
}

/// JSON has no number for a fader that is all the way down.
fn decibels<'de, D: Deserializer<'de>>(json: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(json)?.unwrap_or(f64::NEG_INFINITY))
}

/// What `produce` and `mix` print.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Produced {
    /// Names the form of this object.
    #[serde(skip_deserializing)]
    pub schema: &'static str,
    /// The session file.
    pub session: String,
    /// The report.
    pub report: String,
    /// What was written.
    pub files: Vec<WrittenFile>,
    /// The tracks.
    pub tracks: Vec<TrackSummary>,
    /// Decisions taken.
    pub decisions: usize,
    /// Settings that are a person's and stayed.
    pub yours: Vec<String>,
    /// Before, after and references at one loudness, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ab: Vec<crate::AbFile>,
    /// What was heard before mastering, and what of it should go back to the mix.
    pub listening: Vec<crate::HeardFirst>,
    /// What could not be reached, and why.
    pub notes: Vec<String>,
    /// Whether every check passed.
    pub passed: bool,
}
