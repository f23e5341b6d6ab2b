//! What the assistant decided, and why.

use crate::change::Change;
use crate::write::{insert_tree, setting_value};
use crate::{Document, Path, SessionError, Value};
use dsp::{Address, Kind, Values};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! steps {
    ($( $(#[doc = $doc:literal])* $variant:ident = $number:literal, $label:literal; )*) => {
        /// A step of the work, in the order in which it is done: 1 to 11 mixing, 12 to 20 mastering.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum StepId { $( $(#[doc = $doc])* $variant = $number, )* }

        impl StepId {
            /// All steps in order.
            pub const ALL: &'static [StepId] = &[ $( StepId::$variant, )* ];

            /// Its name for people.
            pub fn label(self) -> &'static str {
                match self { $( StepId::$variant => $label, )* }
            }
        }
    };
}

steps! {
    /// Import, names, groups, roles, repair, alignment.
    Preparation = 1, "session preparation";
    /// Every track to a working level.
    GainStaging = 2, "gain staging";
    /// Levels and panning.
    StaticMix = 3, "static mix";
    /// High-passes, resonances, mud, masking.
    SubtractiveEq = 4, "subtractive EQ";
    /// Compressors, gates, de-essers.
    Dynamics = 5, "dynamics";
    /// Presence, air, thump.
    AdditiveEq = 6, "additive EQ";
    /// Reverbs and delays on returns.
    Space = 7, "time-based effects";
    /// Saturation, bus processing, glue.
    Character = 8, "saturation and character";
    /// Rides and section moves.
    Automation = 9, "automation";
    /// References, mono and small speakers.
    Checks = 10, "references and checks";
    /// Headroom and stems.
    Premaster = 11, "pre-master";
    /// What the pre-master needs.
    CriticalListening = 12, "critical listening and reference";
    /// Broad strokes toward a reference or target.
    MasteringEq = 13, "mastering EQ";
    /// Gentle compression and warmth.
    MasteringCompression = 14, "mastering compression";
    /// Width by band, mono low end.
    Stereo = 15, "stereo";
    /// Ceiling and loudness.
    Limiting = 16, "limiting";
    /// Loudness and peaks against targets.
    Metering = 17, "metering and conformance";
    /// Songs in relation to each other.
    Album = 18, "album";
    /// Dither, formats, metadata.
    Delivery = 19, "dither, formats, delivery";
    /// The report.
    QualityCheck = 20, "quality check";
}

impl StepId {
    /// Its number, 1 to 20.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Whether it works on the finished mix, not on its tracks.
    pub fn is_mastering(self) -> bool {
        self >= StepId::CriticalListening
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number(), self.label())
    }
}

impl Change {
    /// Puts a whole insert on a strip (`track.kick`), with every setting that is not neutral.
    pub fn insert(strip: &Path, id: &str, kind: &'static Kind, values: &Values) -> Change {
        let mut insert = crate::Insert::new(id, kind);
        insert.values = values.clone();
        Change::Set { path: strip.child("insert").child(id), value: insert_tree(&insert).to_value() }
    }

    /// Puts one setting of an insert on a strip, a choice or switch given as its number.
    pub fn setting(strip: &Path, insert: &crate::Insert, address: Address, number: f64) -> Change {
        let setting = insert.setting_name(address);
        let parts = ["insert", &insert.id].into_iter().chain(setting.split('.'));
        let path = strip.join(&Path::new(parts));
        Change::Set { path, value: setting_value(insert.kind, address, number) }
    }
}

/// A measured number behind a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was measured: "active level".
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit: "dBFS".
    pub unit: String,
}

/// Something decided, with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Which step decided.
    pub step: StepId,
    /// What it changes.
    #[serde(flatten)]
    pub change: Change,
    /// The reason: a sentence for people, with the measured number in it.
    pub why: String,
    /// The reason in a few words, for the end of the line in the file; empty leaves the line without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The measurements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// What is given up for it, in words; empty when nothing was said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub costs: String,
    /// What would change its mind; empty when nothing in particular.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unless: String,
}

impl Decision {
    /// A decision without evidence yet, wholly sure.
    pub fn new(step: StepId, change: Change, why: impl Into<String>) -> Decision {
        Decision {
            step,
            change,
            why: why.into(),
            note: String::new(),
            evidence: Vec::new(),
            confidence: 1.0,
            costs: String::new(),
            unless: String::new(),
        }
    }

    /// Puts a value at a path.
    pub fn set(step: StepId, path: Path, value: impl Into<Value>, why: impl Into<String>) -> Decision {
        Decision::new(step, Change::Set { path, value: value.into() }, why)
    }

    /// With the words for the end of the line.
    pub fn noted(mut self, note: impl Into<String>) -> Decision {
        self.note = note.into();
        self
    }

    /// With a measured number.
    pub fn measured(mut self, name: impl Into<String>, value: f64, unit: impl Into<String>) -> Decision {
        self.evidence.push(Evidence { name: name.into(), value, unit: unit.into() });
        self
    }

    /// As sure as this, 0 to 1.
    pub fn sure(mut self, confidence: f64) -> Decision {
        self.confidence = confidence.clamp(0.0, 1.0);
        self
    }

    /// With what is given up for it.
    pub fn costs(mut self, costs: impl Into<String>) -> Decision {
        self.costs = costs.into();
        self
    }

    /// With what would change its mind.
    pub fn unless(mut self, unless: impl Into<String>) -> Decision {
        self.unless = unless.into();
        self
    }

    /// Whether it is about this path, something beneath it, or something it belongs to.
    pub fn concerns(&self, path: &Path) -> bool {
        self.change.path().contains(path) || path.contains(self.change.path())
    }
}

/// Writes decisions into the document, in order, with their notes at the line ends. When one of them cannot
/// be written, or the outcome has problems that were not there before, nothing is changed.
pub fn apply(document: &mut Document, decisions: &[Decision]) -> Result<(), SessionError> {
    let mut tree = document.tree();
    for decision in decisions {
        tree.change(&decision.change)?;
    }
    let mut changed = document.clone();
    changed.become_tree(&tree);
    for decision in decisions {
        if matches!(decision.change, Change::Set { .. }) {
            changed.note(decision.change.path(), &decision.note);
        }
    }
    changed.no_new_problems(document)?;
    *document = changed;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn decisions_survive_as_json() {
        let eq = dsp::kind("eq").unwrap();
        let mut values = Values::neutral(eq);
        let band = values.push(eq, "bands").unwrap();
        values.set_choice(eq, &format!("bands.{band}.type"), "high_pass").unwrap();
        let decisions = [
            Decision::set(StepId::GainStaging, path("track.kick.trim_db"), -4.2, "It was 4.2 dB too hot.")
                .noted("active parts to -18 dBFS RMS")
                .measured("active level", -13.8, "dBFS")
                .sure(0.9)
                .costs("headroom")
                .unless("the file is replaced"),
            Decision::new(
                StepId::SubtractiveEq,
                Change::insert(&path("track.kick"), "eq", eq, &values),
                "Rumble.",
            ),
            Decision::new(StepId::Character, Change::Remove { path: path("track.kick.pan") }, "Centre."),
            Decision::new(
                StepId::Character,
                Change::Place { path: path("track.kick.insert.eq"), before: Some("compressor".into()) },
                "Before the compressor.",
            ),
        ];
        let json = serde_json::to_string(&decisions).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Decision>>(&json).unwrap(), decisions);
        let first: serde_json::Value = serde_json::to_value(&decisions[0]).unwrap();
        assert_eq!(first["step"], "gain_staging");
        assert_eq!((&first["change"], &first["path"]), (&"set".into(), &"track.kick.trim_db".into()));
        assert_eq!(first["value"], -4.2);
    }

    /// Any value; a map keeps its order, and numbers are finite.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Switch),
            any::<f64>().prop_filter("JSON has no other", |x| x.is_finite()).prop_map(Value::Number),
            any::<String>().prop_map(Value::Text),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|entries| Value::Table(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(crate::testing::config())]

        // Finds a field that is left out, a number that is rounded, and a value that is taken for one of another kind.
        #[test]
        fn any_decision_survives_as_json(
            value in values(),
            parts in prop::collection::vec(any::<String>(), 1..5),
            texts in (any::<String>(), any::<String>(), any::<String>(), any::<String>()),
            number in any::<f64>().prop_filter("JSON has no other", |x| x.is_finite()),
            step in 0..20usize,
            kind in 0..4,
        ) {
            let path = Path::new(parts);
            let (why, note, name, unless) = texts;
            let change = match kind {
                0 => Change::Remove { path },
                1 => Change::Place { path, before: None },
                2 => Change::Place { path, before: Some(name.clone()) },
                _ => Change::Set { path, value },
            };
            let decision = Decision::new(StepId::ALL[step], change, why)
                .noted(note)
                .measured(name, number, "LU")
                .sure(number)
                .unless(unless);
            let json = serde_json::to_string(&decision).unwrap();
            prop_assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), decision, "{}", json);
        }
    }

    #[test]
    fn a_whole_insert_and_one_of_its_settings_are_written_by_description() {
        let mut document: Document = "version = 1\n[track.kick]\nfile = \"kick.wav\"\n".parse().unwrap();
        let eq = dsp::kind("eq").unwrap();
        let mut values = Values::neutral(eq);
        values.push(eq, "bands").unwrap();
        values.set_choice(eq, "bands.0.type", "high_pass").unwrap();
        let strip = path("track.kick");
        let step = StepId::SubtractiveEq;
        let whole = Decision::new(step, Change::insert(&strip, "low_cut", eq, &values), "Rumble.");
        apply(&mut document, &[whole]).unwrap();
        let session = document.session().unwrap();
        let insert = &session.tracks["kick"].inserts[0];
        assert_eq!((insert.id.as_str(), &insert.values), ("low_cut", &values));
        let address = insert.address(&["bands", "1", "type"]).unwrap();
        let setting = Change::setting(&strip, insert, address, 5.0);
        assert_eq!(setting.path(), &path("track.kick.insert.low_cut.bands.1.type"));
        apply(&mut document, &[Decision::new(step, setting, "A tone.")]).unwrap();
        assert_eq!(document.session().unwrap().tracks["kick"].inserts[0].values.get(address), 5.0);
    }

    #[test]
    fn a_decision_concerns_what_is_above_and_beneath_it() {
        let decision = Decision::set(StepId::Dynamics, path("track.kick.insert.eq"), 1, "because");
        for (text, concerned) in [
            ("track.kick", true),
            ("track.kick.insert.eq.bands.mud", true),
            ("track.kick.fader_db", false),
            ("track.kic", false),
        ] {
            assert_eq!(decision.concerns(&path(text)), concerned, "{text}");
        }
    }

    #[test]
    fn steps_are_numbered_from_one_without_a_gap() {
        assert!(StepId::ALL.iter().map(|step| step.number()).eq(1..=20));
    }
}
