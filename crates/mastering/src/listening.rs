//! Step 12: what the pre-master is like, and what should go back to the mix.
//!
//! Of one file only so much can be told: its clipping, what it loses in mono, where it leans, which band is far off and where it
//! hurts, how dense it is already, a steady noise, an offset. What the tracks of a mix tell besides is added by whoever has
//! them.

use crate::curve::{TargetBand, at};
use crate::matching::portrait::thirds;
use crate::tone::{Deviation, against};
use crate::{Goal, MasterFacts, MasterStep};
use audio::power_to_db;
use measure::{Analysis, BandLevel, Facts, ToneSeries};
use session::{Decision, Path, Session, StepId};

/// One thing that was heard in the pre-master.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// In plain words, with the measured number.
    pub text: String,
    /// Mastering is the wrong place: it should be mended in the mix.
    pub back_to_mix: bool,
    /// How it sounds; empty where there is nothing to say.
    pub heard_as: String,
    /// What to do about it in the mix, and what mastering would have to do instead; empty where there is nothing to do.
    pub remedy: String,
    /// Where, from and to, in seconds; `None` for all of it.
    pub place_s: Option<(f64, f64)>,
    /// How much, and its unit.
    pub size: Option<(f64, &'static str)>,
    /// The frequencies that it concerns, in hertz.
    pub band_hz: Option<(f64, f64)>,
}

impl Verdict {
    /// Something that should go back to the mix.
    pub fn back(text: impl Into<String>, size: (f64, &'static str)) -> Verdict {
        Verdict { text: text.into(), back_to_mix: true, size: Some(size), ..Verdict::default() }
    }

    /// With how it sounds and what to do.
    #[must_use]
    pub fn mended(self, heard_as: impl Into<String>, remedy: impl Into<String>) -> Verdict {
        Verdict { heard_as: heard_as.into(), remedy: remedy.into(), ..self }
    }

    fn at(self, place_s: Option<(f64, f64)>) -> Verdict {
        Verdict { place_s, ..self }
    }

    /// All of it in sentences: where, what, and what to do.
    pub fn told(&self) -> String {
        let place = self.place_s.map(|(from, to)| format!("{} to {}: ", clock(from), clock(to)));
        let rest = if self.remedy.is_empty() { String::new() } else { format!(" {}", self.remedy) };
        format!("{}{}{rest}", place.unwrap_or_default(), self.text)
    }
}

/// Minutes and seconds.
fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Mastering corrects up to this much, in dB; what needs more is better mended in the mix.
const MOST_CORRECTION_DB: f64 = 6.0;
/// Level lost in mono that unrelated channels do not lose, in dB: they lose 3.01.
const MONO_LOSS_DB: f64 = 3.5;
/// Right against left that is heard, in dB.
const LEAN_DB: f64 = 1.5;
/// A correlation below this works against itself.
const AGAINST: f64 = -0.2;
/// It is worth telling where it lasts this long, in seconds, and the band has this share of the whole, in dB.
const LASTS_S: f64 = 1.0;
const PLAYS_DB: f64 = -25.0;
/// Peaks that stand no more than this above the loudness of 3 s in the densest twentieth, in LU: a limiter was at work.
const DENSE_PSR_LU: f64 = 5.0;
/// Harshness: so much more from 2 to 5 kHz in the loud parts than what records have there and vary, in dB.
const HARSH_DB: f64 = 3.0;
const HARSH_HZ: (f64, f64) = (2_000.0, 5_000.0);
/// A steady noise varies by no more than this from window to window of the top band, in dB: 15 kHz of noise in 0.34 s vary by
/// 0.1, music by decibels.
const STEADY_DB: f64 = 0.35;
/// It is told when it is no softer than this against the programme, in dB.
const NOISE_DB: f64 = -62.0;
/// Mean of a channel against full scale that costs headroom.
const DC_OFFSET: f64 = 0.002;
/// Too little is a fault of the mix from here to there, in hertz; beyond it is an arrangement without bass or cymbals.
const PLAYED_HZ: std::ops::RangeInclusive<f64> = 150.0..=6_300.0;
/// A spectrum that ends below this comes from a lossy or low-rate file, in hertz.
const LOSSY_HZ: f64 = 16_500.0;

/// What is heard in a pre-master.
pub fn verdicts(facts: &MasterFacts, goal: &Goal) -> Vec<Verdict> {
    let heard = &facts.premaster.facts;
    let mut found = Vec::new();
    if let (Some(lufs), Some(peak)) = (heard.integrated_lufs, heard.true_peak_dbtp) {
        let range = heard.loudness_range_lu.map(|r| format!(", range {r:.1} LU")).unwrap_or_default();
        let text = format!("The pre-master has {lufs:.1} LUFS and peaks at {peak:.1} dBTP{range}.");
        found.push(Verdict { text, ..Verdict::default() });
    }
    if facts.finished(goal) {
        let text = "It is a finished master: as loud as asked for and up to full scale. Only its level is changed; a kind of \
                    music, a reference or a bolder style asks for more.";
        found.push(Verdict { text: text.into(), ..Verdict::default() });
    }
    found.extend(clipping(heard));
    found.extend(density(heard));
    found.extend(mono(heard));
    found.extend(low_end_against(heard));
    found.extend(leaning(heard));
    found.extend(harshness(&facts.premaster, goal.curve));
    // A mix is held against what records have, whatever it is to be near to.
    found.extend(far_off(&against(&heard.third_octave_db, |hz| at(goal.curve, hz))));
    found.extend(noise(&facts.premaster));
    found.extend(offset(heard));
    found.extend(lossy(heard));
    found
}

fn clipping(heard: &Facts) -> Option<Verdict> {
    let places = heard.clipped_places.iter().map(|run| run.frame as f64 / heard.sample_rate_hz.max(1.0));
    let (first, last) = places.fold((f64::INFINITY, 0.0f64), |p, s| (p.0.min(s), p.1.max(s)));
    let places_told =
        if heard.clipped_runs == 1 { "one place".into() } else { format!("{} places", heard.clipped_runs) };
    let text = format!("{} samples in {places_told} are clipped already.", heard.clipped_samples);
    let remedy = "Render the mix lower, without a limiter or clipper on its bus; a declipper can only guess what was cut.";
    (heard.clipped_samples > 0).then(|| {
        Verdict::back(text, (heard.clipped_samples as f64, "samples"))
            .mended("crackle and harshness on the loudest hits", remedy)
            .at(first.is_finite().then_some((first, last)))
    })
}

fn density(heard: &Facts) -> Option<Verdict> {
    let psr = heard.psr_p5_lu.filter(|psr| *psr < DENSE_PSR_LU)?;
    let text = format!(
        "Peaks stand only {psr:.1} LU above the loudness where it is densest: it was limited before."
    );
    let remedy = "Render the mix without the limiter on its bus; mastering cannot give the hits back.";
    Some(Verdict::back(text, (psr, "LU")).mended("flat, without attack", remedy))
}

fn mono(heard: &Facts) -> Option<Verdict> {
    let loss = heard.mono_loss_db.filter(|loss| *loss > MONO_LOSS_DB)?;
    let worst = heard.stereo_bands.iter().filter_map(|b| Some((b, b.mono_loss_db?)));
    let worst = worst.max_by(|a, b| a.1.total_cmp(&b.1));
    let place =
        worst.map(|(b, db)| format!(", most from {:.0} to {:.0} Hz ({db:.1} dB)", b.low_hz, b.high_hz));
    let text = format!("It loses {loss:.1} dB in mono{}.", place.unwrap_or_default());
    let remedy = "Turn the polarity of one side or narrow the widener of the part that plays there; narrowing the whole in \
                  mastering takes the room from everything.";
    let verdict = Verdict::back(text, (loss, "dB")).mended("a part that is gone on a telephone", remedy);
    Some(Verdict { band_hz: worst.map(|(b, _)| (b.low_hz, b.high_hz)), ..verdict })
}

/// A low end whose sides work against each other.
fn low_end_against(heard: &Facts) -> Option<Verdict> {
    let share = |low_hz: f64| heard.bands.iter().find(|b| b.low_hz == low_hz).and_then(|b| b.share_db);
    let low = heard.stereo_bands.iter().filter(|b| b.high_hz <= 130.0 && b.below_zero_s > LASTS_S);
    let worst = low
        .filter(|b| share(b.low_hz).is_some_and(|db| db > PLAYS_DB))
        .filter_map(|b| Some((b, b.correlation?)))
        .filter(|(_, correlation)| *correlation < AGAINST)
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    let (band, correlation) = worst;
    let text = format!(
        "From {:.0} to {:.0} Hz left and right work against each other (correlation {correlation:.2}, {:.0} s of it).",
        band.low_hz, band.high_hz, band.below_zero_s
    );
    let remedy = "Turn one side of the bass or of its double; in mastering only mono below is left, and that loses it.";
    let verdict =
        Verdict::back(text, (correlation, "")).mended("a bass that is gone in clubs and in mono", remedy);
    let place = band.min_correlation_s.map(|s| ((s - 0.4).max(0.0), s));
    Some(Verdict { band_hz: Some((band.low_hz, band.high_hz)), ..verdict.at(place) })
}

fn leaning(heard: &Facts) -> Option<Verdict> {
    let balance = heard.balance_db.filter(|b| b.abs() > LEAN_DB)?;
    let side = if balance > 0.0 { "right" } else { "left" };
    let text = format!("It leans {:.1} dB to the {side}.", balance.abs());
    let remedy = "Move a part in the mix; turning a whole side up moves the voice out of the middle.";
    Some(Verdict::back(text, (balance.abs(), "dB")).mended("the picture hangs to one side", remedy))
}

/// Too much from 2 to 5 kHz in the loud third of the song, and the stretch where it is worst.
fn harshness(heard: &Analysis, curve: &[TargetBand]) -> Option<Verdict> {
    let parts = thirds(&heard.tone)?;
    let excess = |stretches: &[usize]| -> Option<f64> {
        let all = against(&sum_of(&heard.tone, stretches), |hz| at(curve, hz));
        let there = all.iter().filter(|d| (HARSH_HZ.0..=HARSH_HZ.1).contains(&d.hz)).map(|d| -d.outside_db);
        let (sum, n) = there.fold((0.0, 0), |s, db| (s.0 + db, s.1 + 1));
        (n > 0).then(|| sum / f64::from(n))
    };
    let loud = &parts[2];
    let too_much = excess(loud).filter(|db| *db > HARSH_DB)?;
    let each = loud.iter().filter_map(|&stretch| Some((stretch, excess(&[stretch])?)));
    let (worst, most) = each.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let from = worst as f64 * heard.tone.stretch_s;
    let text = format!(
        "From 2 to 5 kHz the loud parts have {too_much:.1} dB more than records vary, at the worst {most:.1}."
    );
    let remedy = "Find the part that shouts there (a voice, a guitar, cymbals) and take it down there; mastering would take it \
                  from all of them.";
    let verdict = Verdict::back(text, (too_much, "dB")).mended("harsh, tiring when loud", remedy);
    Some(Verdict { band_hz: Some(HARSH_HZ), ..verdict.at(Some((from, from + heard.tone.stretch_s))) })
}

/// Third octaves of some stretches.
fn sum_of(tone: &ToneSeries, stretches: &[usize]) -> Vec<BandLevel> {
    let level = |band: usize| {
        let power: f64 =
            stretches.iter().map(|&n| f64::from(tone.mid[n][band]) + f64::from(tone.side[n][band])).sum();
        (power > 0.0).then(|| power_to_db(power / stretches.len() as f64))
    };
    tone.hz.iter().enumerate().map(|(band, &hz)| BandLevel { hz, db: level(band) }).collect()
}

/// The band that is farthest off, where that is too far for mastering.
fn far_off(deviation: &[Deviation]) -> Option<Verdict> {
    // What is not played at the ends is no fault of a mix.
    let fault = |d: &&Deviation| d.outside_db < 0.0 || PLAYED_HZ.contains(&d.hz);
    let worst = deviation.iter().filter(fault);
    let worst = worst.max_by(|a, b| a.outside_db.abs().total_cmp(&b.outside_db.abs()))?;
    let off = worst.outside_db;
    let (more, word) = if off > 0.0 { ("too little", "raise") } else { ("too much", "lower") };
    let text = format!(
        "{:.1} dB {more} around {:.0} Hz beyond what records vary ({:.1} dB from their middle).",
        off.abs(),
        worst.hz,
        worst.missing_db.abs()
    );
    let remedy = format!(
        "In the mix, {word} what plays there by about {:.0} dB; mastering moves everything there and no more than 3 dB.",
        off.abs()
    );
    let heard_as = match (worst.hz, off > 0.0) {
        (hz, true) if hz < 150.0 => "thin, without weight",
        (hz, false) if hz < 150.0 => "boomy, the bass covers the rest",
        (hz, true) if hz > 4_000.0 => "dull, as behind a curtain",
        (hz, false) if hz > 4_000.0 => "sharp, hissing",
        (_, true) => "hollow",
        (_, false) => "boxy or nasal",
    };
    let third = 2f64.powf(0.5);
    (off.abs() > MOST_CORRECTION_DB).then(|| Verdict {
        band_hz: Some((worst.hz / third, worst.hz * third)),
        ..Verdict::back(text, (off.abs(), "dB")).mended(heard_as, remedy)
    })
}

/// A noise that stands still below the quietest moments of the top band.
fn noise(heard: &Analysis) -> Option<Verdict> {
    let level = |w: &[f32; 4]| power_to_db(f64::from(w[3]).max(1e-15));
    // Dither and digital silence are no noise of a recording.
    let mut top: Vec<f64> = heard.tone.wide.iter().map(level).filter(|db| *db > -105.0).collect();
    top.sort_by(f64::total_cmp);
    let quiet = top.get(..(top.len() / 20).max(6))?;
    let programme = power_to_db(
        heard.tone.wide.iter().map(|w| w.iter().map(|p| f64::from(*p)).sum::<f64>()).sum::<f64>()
            / heard.tone.wide.len().max(1) as f64,
    );
    let (floor, highest) = (quiet[quiet.len() / 2], quiet[quiet.len() - 1]);
    let loud = top[top.len() / 2];
    let against = floor - programme;
    let steady = highest - quiet[0] < 2.0 * STEADY_DB && loud - floor > 6.0;
    let text = format!("A steady noise above 5 kHz stands {:.0} dB under the music.", -against);
    let remedy = "Clean the track that brings it, or fade it out where it does not play; a denoiser on the whole takes air from \
                  everything.";
    (steady && against > NOISE_DB).then(|| {
        Verdict::back(text, (against, "dB")).mended("hiss in the pauses, raised with the loudness", remedy)
    })
}

fn offset(heard: &Facts) -> Option<Verdict> {
    let dc = heard.dc_offset;
    let text = format!("It stands {:.2} % of full scale off zero.", 100.0 * dc.abs());
    let remedy = "Find the plug-in or the converter that makes it; mastering cuts below 22 Hz.";
    (dc.abs() > DC_OFFSET).then(|| {
        Verdict::back(text, (100.0 * dc.abs(), "%")).mended("a click at both ends, less room above", remedy)
    })
}

fn lossy(heard: &Facts) -> Option<Verdict> {
    let end = heard.bandwidth_hz.filter(|hz| *hz < LOSSY_HZ)?;
    let text = format!("Its spectrum ends at {:.1} kHz: a lossy file, or one of a low rate.", 0.001 * end);
    let remedy = "Render the mix as WAV or FLAC at its own rate; what was left out cannot be brought back.";
    Some(Verdict::back(text, (0.001 * end, "kHz")).mended("no air, and a hiss that comes and goes", remedy))
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
        let told: Vec<String> = verdicts.iter().map(Verdict::told).collect();
        let why = told.iter().map(String::as_str).chain([verdict]).collect::<Vec<_>>().join(" ");
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

#[cfg(test)]
mod tests;
