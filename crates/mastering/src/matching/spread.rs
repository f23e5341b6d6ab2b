//! A part of the middle is spread, where a mix has next to no sides to raise.
//!
//! A side that lies far under the middle cannot be raised to where a wide reference has its own: its limit is in the way,
//! and below that limit stands little but noise. Driving all other bands past their own wishes instead would reach the
//! width of the whole at the price of each. A decorrelated part of the middle gives such a side something to raise; the sum
//! to mono stays as it is, bit for bit but rounding (see the decorrelator in `dsp`).

use super::portrait::{Band, Portrait};
use super::{MatchPlan, bands};
use audio::{db_to_power, power_to_db};
use dsp::Values;
use session::{Change, Decision, Path, StepId};

/// What is tried, in percent of the middle: the most stands 8 dB under it.
const AMOUNTS_PERCENT: [f64; 8] = [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0];
/// The width of the whole is reached within this, in dB: what is left is made up for once it was heard.
const REACHED_DB: f64 = 0.1;
/// No band is driven farther than this beyond what it wishes for itself, in dB, as long as there is another way.
const BEYOND_DB: f64 = 3.0;
/// The longest sequence, in milliseconds: it spreads down to the lows, where shorter ones hardly do.
const LENGTH_MS: f64 = 50.0;
/// All that is heard is spread, from here up, in hertz; where it shall stand is the curve of the sides.
const LOW_CUT_HZ: f64 = 20.0;

/// The plan that spreads least among those that reach the width; the nearest where none does. Only who asks for all but the
/// whole of a reference gets what is not in the mix.
pub(super) fn least(strength: f64, with: impl Fn(f64) -> MatchPlan) -> MatchPlan {
    let plain = with(0.0);
    let far = |plan: &MatchPlan| {
        plan.sides().map_or(0.0, |(off, beyond)| (-off - REACHED_DB).max(0.0) + (beyond - BEYOND_DB).max(0.0))
    };
    if bands::freedom(strength) <= 1.0 || far(&plain) == 0.0 {
        return plain;
    }
    let mut nearest = plain;
    for percent in AMOUNTS_PERCENT.into_iter().skip(1) {
        let plan = with(percent);
        if far(&plan) < far(&nearest) {
            nearest = plan;
        }
        if far(&nearest) == 0.0 {
            break;
        }
    }
    nearest
}

impl Portrait {
    /// With so much of the middle spread to the side. Of stereo only: what is mono stays mono.
    pub(super) fn spread(&self, percent: f64) -> Portrait {
        let share = (percent / 100.0).powi(2);
        if share == 0.0 || self.width_db.is_none() {
            return self.clone();
        }
        let wider = |db: Option<f64>| power_to_db(db.map_or(0.0, db_to_power) + share);
        let band = |band: &Band| {
            let mut next = band.clone();
            for (level, width) in next.level_db.iter_mut().zip(&mut next.width_db) {
                let came = *width;
                // The sequence has as much power as what goes in: within a decibel above 200 Hz, some below.
                *width = level.map(|_| wider(came));
                let ratio = |db: Option<f64>| 1.0 + db.map_or(0.0, db_to_power);
                *level = level.map(|db| db + power_to_db(ratio(*width) / ratio(came)));
            }
            next.power.1 += share * band.power.0;
            next
        };
        Portrait {
            bands: self.bands.iter().map(band).collect(),
            width_db: self.width_db.map(|db| wider(Some(db))),
            ..self.clone()
        }
    }
}

impl MatchPlan {
    /// The spreading as a decision, where there is any; it stands before the curves.
    pub(super) fn spread_decision(&self, strip: &Path) -> Option<Decision> {
        let percent = Some(self.spread_percent).filter(|percent| *percent > 0.0)?;
        let kind = dsp::kind("decorrelator")?;
        let mut values = Values::neutral(kind);
        for (name, value) in
            [("amount_percent", percent), ("low_cut_hz", LOW_CUT_HZ), ("length_ms", LENGTH_MS)]
        {
            values.set(kind, name, value).ok()?;
        }
        let (from, to) = (self.came_wide_db.unwrap_or(0.0), self.target.width_db.unwrap_or(0.0));
        let names = self.names.join(", ");
        let why = format!(
            "The sides stand {from:.1} dB against the middle, in {names} {to:.1} dB: raising them alone stops at the limits of \
             its bands, or drives some more than {BEYOND_DB:.0} dB past what the references have there. {percent:.0} % of the \
             middle is spread; in mono it is gone."
        );
        let decision = Decision::new(StepId::Stereo, Change::insert(strip, "spread", kind, &values), why)
            .measured("side to middle", from, "dB")
            .measured("of the references", to, "dB")
            .measured("spread", percent, "%")
            .sure(0.5)
            .costs("a place in the middle that is less sharp, by what is spread")
            .unless("a mix that must stay narrow for vinyl or clubs");
        Some(decision)
    }
}
