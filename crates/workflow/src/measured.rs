//! What is measured of files, and between them, as it is printed.

use delivery::{Preview, Service};
use measure::{
    Analysis, Blemishes, Facts, ImageSeries, LOUDNESS_READINGS, LoudnessSeries, Music, Options, PsrSeries,
    Region,
};
use serde::{Serialize, Serializer};
use std::ops::Deref;
use std::path::Path;

/// What `measure` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Names the form of this object.
    pub schema: &'static str,
    /// One per file that could be read, in the order given.
    pub files: Vec<MeasuredFile>,
    /// Those that could not be read, and why.
    pub unreadable: Vec<Unreadable>,
    /// What lies between the files, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
}

/// A file of several that could not be read; the others were.
#[derive(Debug, Clone, Serialize)]
pub struct Unreadable {
    /// The file.
    pub path: String,
    /// What is wrong with it and how to mend it.
    pub error: String,
}

/// What was measured of one file.
#[derive(Debug, Clone, Serialize)]
pub struct MeasuredFile {
    /// The file.
    pub path: String,
    /// Container and encoding.
    pub format: String,
    /// All readings, or those of loudness and peaks.
    #[serde(flatten)]
    pub facts: MeasuredFacts,
    /// Tempo, beats, key and sections, where they were asked for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub music: Option<Music>,
    /// What a recording may suffer from, unless only loudness was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blemishes: Option<Blemishes>,
    /// What each streaming service will do; empty for silence.
    pub services: Vec<Preview>,
    /// What the reader had to mend.
    pub notes: Vec<String>,
    /// Loudness against time, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<LoudnessSeries>,
    /// PSR against time, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub psr_series: Option<PsrSeries>,
    /// The stereo image by band against time, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stereo_series: Option<ImageSeries>,
    /// The pictures that were drawn, when asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plots: Vec<String>,
}

impl MeasuredFile {
    pub(crate) fn new(
        path: &Path,
        info: &files::Info,
        analysis: Analysis,
        options: Options,
        series: bool,
        services: &[Service],
    ) -> MeasuredFile {
        let facts = analysis.facts;
        let all = options.levels;
        MeasuredFile {
            path: crate::written::shown(path),
            format: format!("{}, {}", info.format.name(), info.encoding.describe()),
            services: delivery::preview_of(services, facts.integrated_lufs, facts.true_peak_dbtp),
            facts: MeasuredFacts { facts, loudness_only: !all },
            music: analysis.music,
            blemishes: all.then_some(analysis.blemishes),
            notes: info.notes.iter().map(ToString::to_string).chain(assumed_speakers(info)).collect(),
            series: series.then_some(analysis.loudness),
            psr_series: (series && all).then_some(analysis.psr),
            stereo_series: (series && all).then_some(analysis.image),
            plots: Vec::new(),
        }
    }
}

/// What loudness assumes of a file that does not say where its speakers stand.
fn assumed_speakers(info: &files::Info) -> Option<String> {
    if info.channels < 3 || info.channel_mask.is_some() {
        return None;
    }
    let assumed = match info.channels {
        3 => "left, right and centre",
        4 => "left, right and two surrounds",
        5 => "5.0 (left, right, centre, two surrounds)",
        6 => "5.1 (left, right, centre, low-frequency effects, two surrounds)",
        7 => "6.1 in the order of WAVE files",
        8 => "7.1 in the order of WAVE files",
        _ => "speakers in front",
    };
    Some(format!(
        "the file does not say where its {} speakers stand: loudness takes them for {assumed}",
        info.channels
    ))
}

/// The readings of a file: those that were asked for. What was not measured is not shown, and not written.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredFacts {
    facts: Facts,
    loudness_only: bool,
}

impl MeasuredFacts {
    /// Whether only loudness and peaks were measured.
    pub fn loudness_only(&self) -> bool {
        self.loudness_only
    }

    /// Whether a reading is worth a line: it was asked for, and is no second figure for one true peak.
    pub fn shows(&self, id: &str) -> bool {
        let both = self.true_peak_dbtp.zip(self.true_peak_minimum_dbtp);
        let same = both.is_none_or(|(peak, least)| (peak - least).abs() <= SAME_PEAK_DB);
        let asked = !self.loudness_only || LOUDNESS_READINGS.contains(&id);
        asked && !(same && id == "true_peak_minimum_dbtp")
    }

    /// The readings themselves; what was not asked for has its default.
    pub fn into_facts(self) -> Facts {
        self.facts
    }
}

/// True peaks that differ by no more than this are the same to people, in dB.
const SAME_PEAK_DB: f64 = 0.05;

impl Deref for MeasuredFacts {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

impl Serialize for MeasuredFacts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.loudness_only {
            return self.facts.serialize(serializer);
        }
        let mut value = serde_json::to_value(&self.facts).map_err(serde::ser::Error::custom)?;
        if let Some(object) = value.as_object_mut() {
            object.retain(|id, _| id == "per_channel" || LOUDNESS_READINGS.contains(&id.as_str()));
            for channel in object.get_mut("per_channel").and_then(|c| c.as_array_mut()).into_iter().flatten()
            {
                if let Some(channel) = channel.as_object_mut() {
                    channel.retain(|id, _| LOUDNESS_READINGS.contains(&id.as_str()));
                }
            }
        }
        value.serialize(serializer)
    }
}

/// They are microphones of one source when more than half of both is one sound at a delay that is likely at least: files
/// that were recorded one by one have a confidence near 0, and a little bleed is no source of its own.
const LIKELY: f64 = 0.3;
const MOSTLY: f64 = 0.5;

/// What lies between several files that begin together.
#[derive(Debug, Clone, Serialize)]
pub struct Between {
    /// The rate in which delays are counted, in hertz: that of most files.
    pub sample_rate_hz: u32,
    /// Every two files that sound together anywhere.
    pub pairs: Vec<PairFound>,
    /// How much of each file the others hide when all are played as they are, in the order of the files.
    pub masking: Vec<MaskedFile>,
}

/// How the second of two files lies against the first.
#[derive(Debug, Clone, Serialize)]
pub struct PairFound {
    /// The first file.
    pub a: String,
    /// The second file.
    pub b: String,
    /// Whether both hold the same sound, so that the rest means something.
    pub shares_sound: bool,
    /// How much of both is one sound, 0 to 1.
    pub coherence: f64,
    /// How sure the delay is, 0 to 1.
    pub confidence: f64,
    /// Frames by which the second is late (negative: early).
    pub delay_frames: f64,
    /// The same in milliseconds.
    pub delay_ms: f64,
    /// Whether the second has the opposite polarity.
    pub inverted: bool,
    /// Correlation from 80 Hz to 2 kHz at that delay, -1 to 1.
    pub correlation: f64,
    /// What the sum of both gains from 60 to 500 Hz when the second is moved and turned, in dB.
    pub sum_gain_db: f64,
}

impl PairFound {
    /// Whether both are microphones of one source.
    pub(crate) fn is_one_source(&self) -> bool {
        self.confidence > LIKELY && self.coherence > MOSTLY
    }
}

/// How much of a file the others hide.
#[derive(Debug, Clone, Serialize)]
pub struct MaskedFile {
    /// The file.
    pub file: String,
    /// Share of it that the others hide, 0 to 1; absent where it is silent.
    pub masked_share: Option<f64>,
    /// Its loudness beside the others against its loudness alone, 0 to 1.
    pub loudness_left: Option<f64>,
    /// Who hides it, the worst first.
    pub by: Vec<MaskingFile>,
    /// Other microphones of its source: they hold the same sound, which hides nothing of it and is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub same_source: Vec<String>,
}

/// How much of a file another one hides by itself.
#[derive(Debug, Clone, Serialize)]
pub struct MaskingFile {
    /// The other file.
    pub file: String,
    /// Share of the file that it hides, 0 to 1.
    pub masked_share: f64,
    /// Where most of that is, in hertz.
    pub low_hz: f64,
    /// Upper end of that range.
    pub high_hz: f64,
    /// How far it stands above the file there, where it hides it, in dB.
    pub over_db: f64,
    /// When it hides most.
    pub places: Vec<Region>,
}
