//! Step 18: where the master begins and ends.
//!
//! A song by itself is the album of one song: it begins shortly before its first sound and ends shortly after its
//! last tail cannot be heard any more. Nothing that sounds is cut.

use crate::{Goal, MasterFacts, MasterStep};
use measure::LoudnessSeries;
use session::{Decision, Path, Session, StepId};

/// What is softer than this in the finished master is not heard, in LUFS (momentary): the absolute gate of
/// ITU-R BS.1770-5, below which nothing counts as programme.
const INAUDIBLE_LUFS: f64 = -70.0;
/// Kept before the first sound, in seconds.
const HEAD_S: f64 = 0.1;
/// Kept after the last, in seconds.
const TAIL_S: f64 = 0.5;
/// What is not worth a cut, in seconds.
const SMALL_S: f64 = 0.1;
/// A beginning in the middle of a sound is faded over this time, in seconds: shorter than any attack, longer than
/// a click.
const FADE_IN_S: f64 = 0.002;
/// A cut end is faded over this time, in seconds.
const FADE_OUT_S: f64 = 0.02;
/// Sound nearer to an end than this is cut by it, in seconds.
const AT_END_S: f64 = 0.005;
/// Length of the momentary window, in seconds (BS.1770-5).
const WINDOW_S: f64 = 0.4;

/// Cuts silence, and fades what would click.
pub(crate) struct Ends;

impl MasterStep for Ends {
    fn id(&self) -> StepId {
        StepId::Album
    }

    fn decide(&self, facts: &MasterFacts, _session: &Session, goal: &Goal) -> Vec<Decision> {
        let analysis = facts.now.as_ref().unwrap_or(&facts.premaster);
        let gain_db =
            goal.loudness_lufs.zip(analysis.facts.integrated_lufs).map_or(0.0, |(to, from)| to - from);
        let Some((first_s, last_s)) = audible(&analysis.loudness, INAUDIBLE_LUFS - gain_db) else {
            return Vec::new();
        };
        let heard = &analysis.facts;
        let mut decisions = Vec::new();
        if first_s - HEAD_S > SMALL_S {
            decisions.push(cut_head(first_s));
        } else if heard.leading_silence_s < AT_END_S {
            decisions.push(fade_in(heard.leading_silence_s));
        }
        if heard.duration_s - (last_s + TAIL_S) > SMALL_S {
            decisions.extend(cut_tail(last_s, heard.duration_s));
        } else if heard.trailing_silence_s < AT_END_S {
            decisions.push(fade_out(heard.trailing_silence_s));
        }
        decisions
    }
}

/// The first and the last time, in seconds, at which a signal is above a loudness.
fn audible(series: &LoudnessSeries, above_lufs: f64) -> Option<(f64, f64)> {
    let mut loud =
        series.time_s.iter().zip(&series.momentary_lufs).filter(|(_, l)| l.is_some_and(|l| l > above_lufs));
    let first = *loud.next()?.0;
    let last = loud.next_back().map_or(first, |(time, _)| *time);
    // A window that has become loud ends with the new sound; one that is loud for the last time begins with it.
    // The first window of all may hold sound from its very beginning.
    let first = if Some(&first) == series.time_s.first() { 0.0 } else { first };
    let at_end = series.time_s.last() == Some(&last);
    Some((first, if at_end { last } else { last - WINDOW_S }))
}

fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn set(key: &str, value_s: f64, why: String) -> Decision {
    Decision::set(StepId::Album, Path::new(["master", key]), to_milliseconds(value_s), why)
}

fn cut_head(first_s: f64) -> Decision {
    let why = format!(
        "The first sound is heard at {first_s:.2} s: the master begins {:.0} ms before it.",
        HEAD_S * 1000.0
    );
    set("start_s", first_s - HEAD_S, why)
        .noted("first sound")
        .measured("first sound", first_s, "s")
        .sure(0.9)
        .costs("nothing that sounds")
        .unless("the silence before it is meant")
}

fn fade_in(silence_s: f64) -> Decision {
    let why = format!(
        "Sound from the first frame on (only {:.1} ms of silence before it) would click: faded in over {:.0} ms.",
        silence_s * 1000.0,
        FADE_IN_S * 1000.0
    );
    set("fade_in_s", FADE_IN_S, why)
        .noted("begins in a sound")
        .measured("silence at the start", silence_s, "s")
        .sure(0.8)
        .costs("the silence, should it be meant")
        .unless("it follows another song without a gap")
}

fn cut_tail(last_s: f64, duration_s: f64) -> [Decision; 2] {
    let why = format!(
        "After {last_s:.2} s nothing rises above {INAUDIBLE_LUFS:.0} LUFS: the master ends {TAIL_S:.1} s later, not at \
         {duration_s:.2} s."
    );
    let end = set("end_s", last_s + TAIL_S, why)
        .noted("last tail")
        .measured("last sound", last_s, "s")
        .measured("length", duration_s, "s")
        .sure(0.9)
        .costs("nothing that sounds")
        .unless("the last sound is meant to break off");
    let why = format!(
        "What is left of the last tail, below {INAUDIBLE_LUFS:.0} LUFS, is faded over {:.0} ms.",
        FADE_OUT_S * 1000.0
    );
    let fade = set("fade_out_s", FADE_OUT_S, why)
        .measured("last sound", last_s, "s")
        .sure(0.9)
        .costs("the last moments of the tail")
        .unless("the tail is meant to end by itself");
    [end, fade]
}

fn fade_out(silence_s: f64) -> Decision {
    let why = format!(
        "It ends in the middle of a sound (only {:.1} ms of silence after it): faded over {:.0} ms so that it does \
         not click.",
        silence_s * 1000.0,
        FADE_OUT_S * 1000.0
    );
    set("fade_out_s", FADE_OUT_S, why)
        .noted("ends in a sound")
        .measured("silence at the end", silence_s, "s")
        .sure(0.7)
        .costs("the abrupt beginning, should it be meant")
        .unless("another song follows without a gap")
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::{Analysis, Facts};
    use session::Change;

    /// A signal of `lufs` between two times of a longer file, as the meter would read it.
    fn analysis(from_s: f64, to_s: f64, length_s: f64, lufs: f64) -> Analysis {
        let mut loudness = LoudnessSeries::default();
        let steps = (length_s * 100.0).round() as usize;
        for end in 40..=steps {
            let end_s = end as f64 / 100.0;
            let sounds = end_s.min(to_s) - (end_s - WINDOW_S).max(from_s);
            loudness.time_s.push(end_s);
            loudness.momentary_lufs.push((sounds > 1e-9).then(|| lufs + 10.0 * (sounds / WINDOW_S).log10()));
            loudness.short_term_lufs.push(None);
        }
        let facts = Facts {
            integrated_lufs: Some(lufs),
            duration_s: length_s,
            leading_silence_s: from_s,
            trailing_silence_s: length_s - to_s,
            ..Facts::default()
        };
        Analysis { facts, loudness, ..Analysis::default() }
    }

    fn decided(analysis: Analysis) -> Vec<(String, f64)> {
        let facts = MasterFacts { premaster: analysis, ..MasterFacts::default() };
        let goal = Goal::new(Some(-14.0), -1.0);
        let decisions = Ends.decide(&facts, &Session::new(), &goal);
        let value = |d: &Decision| match &d.change {
            Change::Set { value: session::Value::Number(value), .. } => *value,
            other => panic!("not a number: {other:?}"),
        };
        decisions.iter().map(|d| (d.change.path().to_string(), value(d))).collect()
    }

    #[test]
    fn silence_is_cut_at_both_ends_and_no_sound_is() {
        let cuts = decided(analysis(2.0, 10.0, 18.0, -20.0));
        let names: Vec<&str> = cuts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["master.start_s", "master.end_s", "master.fade_out_s"]);
        let (start_s, end_s, fade_s) = (cuts[0].1, cuts[1].1, cuts[2].1);
        // The series has a value each 10 ms.
        assert!((1.88..=1.92).contains(&start_s), "{start_s}");
        assert!((10.4..=10.52).contains(&end_s), "{end_s}");
        assert!(end_s - fade_s > 10.0, "the fade begins after the last sound");
    }

    #[test]
    fn a_song_that_fills_its_file_is_only_kept_from_clicking() {
        let names: Vec<(String, f64)> = decided(analysis(0.0, 30.0, 30.0, -14.0));
        assert_eq!(names, [("master.fade_in_s".to_string(), 0.002), ("master.fade_out_s".to_string(), 0.02)]);
    }

    #[test]
    fn short_silence_stays_as_it_is() {
        assert_eq!(decided(analysis(0.15, 29.6, 30.0, -14.0)), []);
    }

    #[test]
    fn silence_has_no_ends() {
        assert_eq!(decided(Analysis::default()), []);
    }
}
