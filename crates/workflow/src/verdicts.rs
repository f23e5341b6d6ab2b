//! What was heard before mastering, and what should go back to the mix: of the file, and of the tracks where they are at hand.

use crate::plan::Planned;
use assistant::{LeadInSection, holders, lead_by_section, lower_by_db};
use mastering::Verdict;
use serde::{Deserialize, Serialize};

/// A track that holds less of a band than this is not the one to move.
const HOLDS: f64 = 0.4;

/// One thing that was heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeardFirst {
    /// What, with the measured number.
    pub what: String,
    /// Whether it should go back to the mix.
    pub back_to_mix: bool,
    /// How it sounds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub heard_as: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// Where it begins, in seconds; absent for all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_s: Option<f64>,
    /// Where it ends, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_s: Option<f64>,
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
    /// The unit of that.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// All of it in sentences.
    pub told: String,
}

impl From<&Verdict> for HeardFirst {
    fn from(verdict: &Verdict) -> HeardFirst {
        HeardFirst {
            what: verdict.text.clone(),
            back_to_mix: verdict.back_to_mix,
            heard_as: verdict.heard_as.clone(),
            remedy: verdict.remedy.clone(),
            from_s: verdict.place_s.map(|p| p.0),
            to_s: verdict.place_s.map(|p| p.1),
            size: verdict.size.map(|s| s.0),
            unit: verdict.size.map_or(String::new(), |s| s.1.to_string()),
            told: verdict.told(),
        }
    }
}

/// The verdicts on the file, the tracks that hold a band named in them, and what the tracks tell besides.
pub(crate) fn of_mix(planned: &Planned, of_file: &[Verdict]) -> Vec<Verdict> {
    let mut all: Vec<Verdict> = of_file.iter().map(|verdict| with_track(planned, verdict)).collect();
    let facts = lead_by_section(&planned.facts, &planned.session);
    all.extend(facts.iter().map(|lead| lead_verdict(planned, lead)));
    all
}

fn name(planned: &Planned, id: &str) -> String {
    planned.session.strip(id).map_or(id.to_string(), |strip| strip.name().to_string())
}

/// A verdict about a band names who holds it, and how far that track has to move.
fn with_track(planned: &Planned, verdict: &Verdict) -> Verdict {
    let Some(band_hz) = verdict.band_hz.filter(|_| verdict.back_to_mix) else { return verdict.clone() };
    let holders = holders(&planned.facts, &planned.session, band_hz, verdict.place_s);
    let Some((id, share)) = holders.first().filter(|h| h.1 >= HOLDS) else { return verdict.clone() };
    let too_much = verdict.text.contains("too much") || verdict.text.contains("more than");
    let by = verdict.size.filter(|s| s.1 == "dB" && too_much).and_then(|s| lower_by_db(*share, s.0));
    let by = by.map_or(String::new(), |db| format!(", {db:.0} dB less of it there would do"));
    let remedy = format!(
        "{} holds {:.0} % of what plays there{by}. {}",
        name(planned, id),
        100.0 * share,
        verdict.remedy
    );
    Verdict { remedy, ..verdict.clone() }
}

fn lead_verdict(planned: &Planned, lead: &LeadInSection) -> Verdict {
    let names: Vec<String> = lead.lead.iter().map(|id| name(planned, id)).collect();
    let off = lead.lead_lu - lead.usual_lu;
    let way = if off < 0.0 { "low" } else { "high" };
    let place = if lead.section.is_empty() { String::new() } else { format!(" in the {}", lead.section) };
    let text = format!(
        "{} is {:.1} LU {way}{place}: {:.1} LU against the rest, {:.1} in the middle of the song.",
        names.join(" and "),
        off.abs(),
        lead.lead_lu,
        lead.usual_lu
    );
    let heard_as = if off < 0.0 { "the words are lost there" } else { "it stands before the band there" };
    let remedy = format!(
        "Ride its fader by {:+.1} dB there (`tonmeister note`, or `automation` in the session); mastering would move everything \
         that shares its range.",
        -off
    );
    Verdict { place_s: Some(lead.place_s), ..Verdict::back(text, (off, "LU")).mended(heard_as, remedy) }
}
