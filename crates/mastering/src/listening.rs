//! Step 12: what the pre-master is like, and what should go back to the mix.

use crate::tone::deviation;
use crate::{Goal, MasterFacts, MasterStep};
use session::{Decision, Path, Session, StepId};

/// One thing that was heard in the pre-master.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// In plain words, with the measured number.
    pub text: String,
    /// Mastering is the wrong place: it should be mended in the mix.
    pub back_to_mix: bool,
}

/// Mastering corrects up to this much, in dB; what needs more is better mended in the mix.
const MOST_CORRECTION_DB: f64 = 6.0;

/// What is heard in a pre-master.
pub fn verdicts(facts: &MasterFacts, goal: &Goal) -> Vec<Verdict> {
    let heard = &facts.premaster.facts;
    let mut found = Vec::new();
    let mut say = |text: String, back_to_mix| found.push(Verdict { text, back_to_mix });
    if let (Some(lufs), Some(peak)) = (heard.integrated_lufs, heard.true_peak_dbtp) {
        let range = heard.loudness_range_lu.map(|r| format!(", range {r:.1} LU")).unwrap_or_default();
        say(format!("The pre-master has {lufs:.1} LUFS and peaks at {peak:.1} dBTP{range}."), false);
    }
    if heard.clipped_samples > 0 {
        say(format!("{} samples are clipped already: render the mix lower.", heard.clipped_samples), true);
    }
    if let Some(loss) = heard.mono_loss_db.filter(|loss| *loss > 3.5) {
        say(format!("It loses {loss:.1} dB in mono: something in the mix is out of phase."), true);
    }
    if let Some(balance) = heard.balance_db.filter(|b| b.abs() > 1.5) {
        let side = if balance > 0.0 { "right" } else { "left" };
        say(format!("It leans {:.1} dB to the {side}: move a part in the mix.", balance.abs()), true);
    }
    for (hz, off_db) in deviation(facts, goal.curve).iter().map(|d| (d.hz, d.outside_db)) {
        if off_db.abs() > MOST_CORRECTION_DB {
            let more = if off_db > 0.0 { "too little" } else { "too much" };
            let text = format!(
                "{:.1} dB {more} around {hz:.0} Hz beyond what records vary: better mended in the mix.",
                off_db.abs()
            );
            say(text, true);
            break;
        }
    }
    found
}

/// Listens, and writes down what is aimed at.
pub(crate) struct Listening;

impl MasterStep for Listening {
    fn id(&self) -> StepId {
        StepId::CriticalListening
    }

    fn decide(&self, facts: &MasterFacts, _session: &Session, goal: &Goal) -> Vec<Decision> {
        let verdicts = verdicts(facts, goal);
        let heard = &facts.premaster.facts;
        let back = verdicts.iter().filter(|v| v.back_to_mix).count();
        let verdict = if back == 0 { "Nothing needs to go back to the mix." } else { "" };
        let why = verdicts.iter().map(|v| v.text.as_str()).chain([verdict]).collect::<Vec<_>>().join(" ");
        let mut decision = Decision::set(
            StepId::CriticalListening,
            Path::new(["master", "ceiling_dbtp"]),
            goal.ceiling_dbtp,
            why.trim().to_string(),
        )
        .noted("the target's ceiling")
        .costs("level between the ceiling and full scale, which nobody hears")
        .unless("another target is asked for");
        for (name, value, unit) in [
            ("integrated loudness", heard.integrated_lufs, "LUFS"),
            ("true peak", heard.true_peak_dbtp, "dBTP"),
            ("loudness range", heard.loudness_range_lu, "LU"),
            ("peak to loudness", heard.plr_lu, "LU"),
            ("mono loss", heard.mono_loss_db, "dB"),
        ] {
            if let Some(value) = value {
                decision = decision.measured(name, value, unit);
            }
        }
        vec![decision]
    }
}
