//! What is found in a file: its place, how it sounds, a remedy and the remedy's price.

use serde::Serialize;

use crate::targets::Force;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file must not go out like this: the check does not pass.
    Fail,
    /// Listen to it, then decide.
    Warn,
    /// Good to know.
    Info,
}

impl Severity {
    /// What missing a figure of this force means.
    pub(crate) fn of(force: Force) -> Severity {
        match force {
            Force::Required => Severity::Fail,
            Force::Advised => Severity::Warn,
        }
    }
}

/// Whether `check --apply` can do what a remedy says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mend {
    /// There is nothing to do.
    Nothing,
    /// By this.
    By(Remedy),
    /// No, and why not.
    Refused(String),
}

/// What can be done to a file without guessing at what somebody wanted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Take the constant off, without turning any phase.
    RemoveDc,
    /// Put in the place of clicks what the sound around them asks for.
    RepairClicks,
    /// Turn the polarity of the right channel.
    InvertRight,
    /// Put the channel that sounds on both sides.
    BothSides,
    /// Take the side signal out of the bass.
    MonoBelow {
        /// Where the bass ends, in hertz.
        hz: f64,
    },
    /// Cut the pause before the first sound down.
    TrimStart {
        /// Where the file is to begin, in seconds.
        to_s: f64,
    },
    /// Cut the pause after the last sound down.
    TrimEnd {
        /// Where the file is to end, in seconds.
        to_s: f64,
    },
    /// Fade the beginning in.
    FadeIn {
        /// Its length, in seconds.
        seconds: f64,
    },
    /// Fade the end out.
    FadeOut {
        /// Its length, in seconds.
        seconds: f64,
    },
    /// Bring level and peaks to the target: by gain, and by a limiter where gain alone cannot.
    Level,
    /// Store it as the target takes it: kind of file, rate, depth, channels.
    Store,
    /// Write the tags anew from what is measured.
    Tags,
}

/// One thing that was found in a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What kind of finding it is; never changes.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in one sentence with figures.
    pub what: String,
    /// Where, in seconds from the start; `None` for the whole file.
    pub place_s: Option<f64>,
    /// How it sounds, or what happens because of it; may be empty.
    pub heard_as: String,
    /// What to do about it; may be empty.
    pub remedy: String,
    /// What the remedy costs; empty only where there is none.
    pub price: String,
    /// Whether `check --apply` does it.
    pub mend: Mend,
    /// The value that was measured, in `unit`.
    pub value: Option<f64>,
    /// The value that it was held against, in `unit`.
    pub limit: Option<f64>,
    /// The unit of both; empty for a count.
    pub unit: &'static str,
}

impl Finding {
    /// A finding without place, remedy and figures.
    pub fn new(id: &'static str, severity: Severity, what: impl Into<String>) -> Finding {
        Finding {
            id,
            severity,
            what: what.into(),
            place_s: None,
            heard_as: String::new(),
            remedy: String::new(),
            price: String::new(),
            mend: Mend::Nothing,
            value: None,
            limit: None,
            unit: "",
        }
    }

    pub(crate) fn at(self, place_s: Option<f64>) -> Finding {
        Finding { place_s, ..self }
    }

    /// The same with how it sounds.
    #[must_use]
    pub fn heard(self, heard_as: impl Into<String>) -> Finding {
        Finding { heard_as: heard_as.into(), ..self }
    }

    /// The same with a remedy that `check --apply` has, and its price.
    #[must_use]
    pub fn mend(self, how: Remedy, remedy: impl Into<String>, price: impl Into<String>) -> Finding {
        Finding { remedy: remedy.into(), price: price.into(), mend: Mend::By(how), ..self }
    }

    /// The same with a remedy that is a person's to take, its price, and why it is not done here.
    #[must_use]
    pub fn advise(
        self,
        remedy: impl Into<String>,
        price: impl Into<String>,
        why_not: impl Into<String>,
    ) -> Finding {
        Finding { remedy: remedy.into(), price: price.into(), mend: Mend::Refused(why_not.into()), ..self }
    }

    pub(crate) fn figure(self, value: f64, limit: f64, unit: &'static str) -> Finding {
        Finding { value: Some(value), limit: Some(limit), unit, ..self }
    }
}
