//! What a report holds: plain data, the same in JSON and in HTML.

use measure::{Analysis, Facts, LoudnessSeries};
use serde::{Deserialize, Serialize};
use session::{Decision, StepId};

/// Names the form of the JSON; additions keep it, anything else raises its number.
pub const SCHEMA: &str = "tonmeister.report/1";

/// Everything that is told about a song.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Names the form of this object: [`SCHEMA`].
    pub schema: String,
    /// The song's title.
    pub title: String,
    /// Version of the engine that rendered it.
    pub engine: String,
    /// The session's frames per second, in hertz.
    pub sample_rate_hz: f64,
    /// Length in seconds.
    pub duration_s: f64,
    /// Tempo in beats per minute, where it is known.
    pub tempo_bpm: Option<f64>,
    /// The song's sections, in order of time.
    pub sections: Vec<SectionPart>,
    /// Whether every check passed; `None` where nothing was checked.
    pub passed: Option<bool>,
    /// What came out, in plain words: one sentence each, the most important first.
    pub verdict: Vec<String>,
    /// What the master was held against.
    pub target: Option<TargetPart>,
    /// The mix before mastering.
    pub premaster: Option<SignalPart>,
    /// The master as written.
    pub master: Option<SignalPart>,
    /// The tonal balance that the master was led toward.
    pub reference: Option<CurvePart>,
    /// How near it came to the songs that it was to be near to, where there were any.
    pub matched: Option<MatchedPart>,
    /// What inserts took away over time.
    pub gain_reduction: Vec<ReductionPart>,
    /// The steps of the work; those that are missing count as not part of this run.
    pub steps: Vec<StepPart>,
    /// The tracks, in the mixer's order.
    pub tracks: Vec<TrackPart>,
    /// What would better be mended in the mix or the recording, one sentence each.
    pub back_to_mix: Vec<String>,
    /// What was heard before mastering, in order.
    pub listening: Vec<ListeningPart>,
    /// Before, after, references and takes at one loudness, to be heard against each other.
    pub ab: Vec<AbPart>,
    /// What other loudspeakers leave of it.
    pub translation: Vec<TranslationPart>,
    /// What streaming services will do.
    pub services: Vec<ServicePart>,
    /// The files that were written.
    pub files: Vec<FilePart>,
    /// Commands that make the same files again, one a line.
    pub reproduce: Vec<String>,
}

impl Default for Report {
    fn default() -> Report {
        Report {
            schema: SCHEMA.into(),
            title: String::new(),
            engine: String::new(),
            sample_rate_hz: 0.0,
            duration_s: 0.0,
            tempo_bpm: None,
            sections: Vec::new(),
            passed: None,
            verdict: Vec::new(),
            target: None,
            premaster: None,
            master: None,
            reference: None,
            matched: None,
            gain_reduction: Vec::new(),
            steps: Vec::new(),
            tracks: Vec::new(),
            back_to_mix: Vec::new(),
            listening: Vec::new(),
            ab: Vec::new(),
            translation: Vec::new(),
            services: Vec::new(),
            files: Vec::new(),
            reproduce: Vec::new(),
        }
    }
}

/// How near a master came to its references.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MatchedPart {
    /// What the references are called.
    pub references: Vec<String>,
    /// One aspect a row.
    pub aspects: Vec<MatchedAspect>,
    /// Bands that were moved as far as the references' own spread lets them be.
    pub bands_held: usize,
    /// The same of the sides.
    pub side_bands_held: usize,
}

/// One aspect of a match.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MatchedAspect {
    /// Which.
    pub aspect: String,
    /// Its unit.
    pub unit: String,
    /// In the references.
    pub references: Option<f64>,
    /// In the mix.
    pub before: Option<f64>,
    /// In the master.
    pub after: Option<f64>,
}

/// One sound of a comparison at equal loudness.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AbPart {
    /// What it is: "before", "master", "take bright", "reference SONG".
    pub label: String,
    /// Its file, as a link from the page; the page plays it where it is there.
    pub path: String,
    /// The gain that brought it to the common loudness, in dB.
    pub gain_db: f64,
    /// The common loudness in LUFS.
    pub plays_at_lufs: f64,
    /// True peak at that loudness, in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// Integrated loudness as it was, in LUFS.
    pub integrated_lufs: Option<f64>,
    /// Loudness range, in LU.
    pub loudness_range_lu: Option<f64>,
    /// True peak minus loudness, in LU.
    pub plr_lu: Option<f64>,
    /// Side against middle, in dB.
    pub side_mid_db: Option<f64>,
}

/// What was heard before mastering.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListeningPart {
    /// What, in one sentence with its number.
    pub what: String,
    /// Whether it should go back to the mix.
    pub back_to_mix: bool,
    /// How it sounds; empty where there is nothing to say.
    pub heard_as: String,
    /// What to do about it; empty where there is nothing to do.
    pub remedy: String,
    /// Where it begins, in seconds; `None` for all of it.
    pub from_s: Option<f64>,
    /// Where it ends, in seconds.
    pub to_s: Option<f64>,
    /// How much; `None` where it has no size.
    pub size: Option<f64>,
    /// The unit of that.
    pub unit: String,
}

/// A part of the song.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SectionPart {
    /// What it is called.
    pub name: String,
    /// Where it begins, in seconds.
    pub start_s: f64,
}

/// What a master was held against, row by row.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetPart {
    /// The target's name for people.
    pub label: String,
    /// The loudness aimed at in LUFS, where there is one.
    pub loudness_lufs: Option<f64>,
    /// The true-peak ceiling in dBTP, where there is one.
    pub ceiling_dbtp: Option<f64>,
    /// The rows, in order.
    pub rows: Vec<TargetRow>,
}

/// One requirement and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetRow {
    /// What is required: "Integrated loudness".
    pub what: String,
    /// The unit of the bound and the measured number; empty for pure numbers.
    pub unit: String,
    /// What is asked for.
    pub limit: Bound,
    /// What was measured; `None` where it is not defined or not a number.
    pub measured: Option<f64>,
    /// What was found, where it is not a number: "24-bit WAV".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub measured_words: String,
    /// Whether it is met.
    pub ok: bool,
}

/// A bound, in the unit of its row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
    /// From the first to the second.
    Between(f64, f64),
    /// This, as near as the tolerance.
    About {
        /// What is aimed at.
        value: f64,
        /// How far off is still met, to either side.
        tolerance: f64,
    },
    /// Something that is not a number: "16 or 24 bits".
    Words(String),
}

/// A signal's readings, and its loudness over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SignalPart {
    /// The readings.
    pub facts: Facts,
    /// Loudness against time.
    pub loudness: LoudnessSeries,
}

impl SignalPart {
    /// Of an analysis, with one point of loudness per `step_s` seconds (a tenth is fit for plots and files).
    pub fn new(analysis: &Analysis, step_s: f64) -> SignalPart {
        let series = &analysis.loudness;
        let spacing_s = match series.time_s.as_slice() {
            [first, second, ..] => second - first,
            _ => step_s,
        };
        let every = (step_s / spacing_s).round().max(1.0) as usize;
        let loudness = LoudnessSeries {
            time_s: series.time_s.iter().step_by(every).copied().collect(),
            momentary_lufs: series.momentary_lufs.iter().step_by(every).copied().collect(),
            short_term_lufs: series.short_term_lufs.iter().step_by(every).copied().collect(),
        };
        SignalPart { facts: analysis.facts.clone(), loudness }
    }
}

/// A tonal balance: levels relative to one another.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CurvePart {
    /// What it is: the name of a reference song, or "median of released records".
    pub label: String,
    /// Its points from low to high.
    pub bands: Vec<CurveBand>,
}

/// A point of a tonal balance.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CurveBand {
    /// Centre in hertz.
    pub hz: f64,
    /// Level in dB, against any zero.
    pub db: f64,
    /// How far records lie from it, to either side, in dB; 0 draws none.
    pub spread_db: f64,
}

/// What an insert took away over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReductionPart {
    /// The strip: `master`, `track.vox`.
    pub strip: String,
    /// The insert's id.
    pub insert: String,
    /// Time from one value to the next, in seconds.
    pub step_s: f64,
    /// The deepest reduction within each step, in dB; the sign does not matter.
    pub reduction_db: Vec<f32>,
}

/// A step of the work and what it decided.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepPart {
    /// Its number, 1 to 20.
    pub number: u8,
    /// Its name.
    pub label: String,
    /// Whether it was part of this run. One that was, and decided nothing, needed nothing.
    pub ran: bool,
    /// What it decided, in order.
    pub decisions: Vec<Decision>,
    /// What is to be said besides; empty for nothing.
    pub note: String,
}

impl StepPart {
    /// All steps in order, each with its own of the decisions; `ran` says which were part of the run besides those
    /// that decided something.
    pub fn all(decisions: &[Decision], ran: impl Fn(StepId) -> bool) -> Vec<StepPart> {
        let part = |step: &StepId| {
            let own: Vec<Decision> = decisions.iter().filter(|d| d.step == *step).cloned().collect();
            StepPart {
                number: step.number(),
                label: step.label().into(),
                ran: ran(*step) || !own.is_empty(),
                decisions: own,
                note: String::new(),
            }
        };
        StepId::ALL.iter().map(part).collect()
    }
}

/// A track before and after.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackPart {
    /// Its id in the session.
    pub id: String,
    /// Its name for people; the id where it is empty.
    pub name: String,
    /// Its role, where one is known.
    pub role: Option<String>,
    /// The recording.
    pub file: String,
    /// Gain before everything, in dB.
    pub trim_db: f64,
    /// Fader, in dB.
    pub fader_db: f64,
    /// Pan, -100 (left) to 100 (right).
    pub pan: f64,
    /// The recording as it came.
    pub before: Facts,
    /// The track as it leaves its strip.
    pub after: Option<Facts>,
    /// What the recording suffers from, one sentence each.
    pub faults: Vec<String>,
}

/// What one kind of loudspeaker leaves of the master.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TranslationPart {
    /// The device's name: "telephone".
    pub device: String,
    /// How it is modelled, in a sentence.
    pub model: String,
    /// Loudness that it loses, in LU; negative where it gets louder.
    pub lost_lu: Option<f64>,
    /// Share of the power in the bass, before and after, 0 to 1.
    pub bass_share: [Option<f64>; 2],
    /// What is lost in the sum of both channels, where the device has one, in dB.
    pub mono_loss_db: Option<f64>,
    /// The band that loses most in that sum: its edges in hertz, and its loss in dB.
    pub mono_worst_band: Option<(f64, f64, f64)>,
    /// Loudness of the lead beside the rest against its loudness alone, before and after, 0 to 1.
    pub lead_left: [Option<f64>; 2],
    /// Share of the time that noise around covers, 0 to 1.
    pub drowned_share: Option<f64>,
    /// Third octaves: centre in hertz, level before and after in dB, against any zero.
    pub bands: Vec<(f64, f64, f64)>,
}

/// What one service will do to the master.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ServicePart {
    /// The service's name.
    pub service: String,
    /// Gain that its player applies, in dB.
    pub gain_db: f64,
    /// Loudness that it plays at, in LUFS.
    pub plays_at_lufs: f64,
    /// True peak that it plays at, in dBTP.
    pub plays_at_dbtp: Option<f64>,
    /// What happens, in plain words.
    pub note: String,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilePart {
    /// What it is: "Master", "Pre-master", a target's name.
    pub what: String,
    /// Where it is.
    pub path: String,
    /// Its format: "WAV 24-bit".
    pub format: String,
    /// Its dither: "TPDF, seed 7"; empty for none.
    pub dither: String,
    /// Frames per second, in hertz.
    pub sample_rate_hz: f64,
    /// Number of channels.
    pub channels: usize,
    /// Length in frames.
    pub frames: usize,
    /// Size in bytes, where it is known.
    pub bytes: Option<u64>,
    /// SHA-256 of its bytes as 64 hexadecimal digits; empty where it was not read back.
    pub sha256: String,
    /// What is written in it besides the sound.
    pub tags: Vec<TagPart>,
    /// Whether it passed its check; `None` where it has none.
    pub passed: Option<bool>,
    /// What was found in it, the worst first.
    pub findings: Vec<FindingPart>,
    /// Its readings, as it stands on the disk.
    pub facts: Option<Facts>,
}

/// A piece of metadata.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TagPart {
    /// What it is: "Artist".
    pub name: String,
    /// What it says.
    pub value: String,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingSeverity {
    /// The file must not go out like this.
    Fail,
    /// Listen to it, then decide.
    Warn,
    /// Good to know.
    #[default]
    Info,
}

/// Something that was found in a file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FindingPart {
    /// How much it matters.
    pub severity: FindingSeverity,
    /// What was found, in one sentence.
    pub what: String,
    /// Where, in seconds from the start; `None` for the whole file.
    pub place_s: Option<f64>,
    /// How it sounds, in one sentence; empty where there is nothing to say.
    pub heard_as: String,
    /// What to do about it, in one sentence; empty where there is nothing to do.
    pub remedy: String,
}

/// The report as JSON: its fields under their own names, `null` for whatever is not defined.
pub fn to_json(report: &Report) -> serde_json::Value {
    serde_json::to_value(report).expect("a report is plain data with text for keys")
}
