use super::*;
use crate::testing::{Sound, analysis, applied, decide, song};
use session::{Change, Curve, Lane, Path, Point};

fn heard_at(peak_dbtp: f64) -> (Session, SongFacts) {
    let (session, mut facts) = song(&[("vox", "lead_vocal")]);
    facts.mix = Some(analysis(&Sound { crest_db: 14.0, ..Sound::band(40.0, 10_000.0).at(peak_dbtp - 14.0) }));
    (session, facts)
}

fn decisions(session: &Session, facts: &SongFacts) -> Vec<Decision> {
    decide(&Premaster, facts, session, &Rules::default())
}

#[test]
fn the_peak_comes_to_minus_six() {
    for peak in [-20.0, -6.2, 0.0, 7.3] {
        let (session, facts) = heard_at(peak);
        let after = applied(&session, &decisions(&session, &facts));
        // A fader is exactly a gain: what it moves, the peak moves.
        assert!((peak + after.premaster.strip.fader_db + 6.0).abs() <= 0.1, "{peak}");
        assert_eq!(after.premaster.peak_dbfs, Some(-6.0));
    }
}

#[test]
fn it_starts_from_the_fader_as_it_stood_when_the_mix_was_heard() {
    let (mut session, facts) = heard_at(-3.0);
    session.premaster.strip.fader_db = -4.0;
    let after = applied(&session, &decisions(&session, &facts));
    assert!((after.premaster.strip.fader_db + 7.0).abs() < 1e-9);
}

#[test]
fn a_mix_with_its_headroom_is_left_alone() {
    let (mut session, facts) = heard_at(-6.0);
    session.premaster.peak_dbfs = Some(-6.0);
    assert!(decisions(&session, &facts).is_empty());
    let (session, mut facts) = heard_at(-6.0);
    facts.mix.as_mut().unwrap().facts.true_peak_dbtp = None;
    assert!(decisions(&session, &facts).is_empty(), "silence has no peak");
}

#[test]
fn a_moving_fader_keeps_moving() {
    let (mut session, facts) = heard_at(-1.0);
    session.premaster.strip.lanes.push(Lane {
        target: LaneTarget::Fader,
        name: Path::new(["fader_db"]),
        curve: Curve::Linear,
        points: vec![Point { time_s: 0.0, value: 0.0 }],
    });
    let decided = decisions(&session, &facts);
    assert!(decided.iter().any(|d| *d.change.path() == Path::new(["premaster", "trim_db"])));
    assert!(!decided.iter().any(|d| *d.change.path() == Path::new(["premaster", "fader_db"])));
}

#[test]
fn a_persons_goal_is_met_and_a_persons_fader_stays() {
    let (mut session, facts) = heard_at(-1.0);
    session.premaster.peak_dbfs = Some(-3.0);
    let mut rules = Rules { yours: vec![Path::new(["premaster", "peak_dbfs"])], ..Rules::default() };
    let decided = decide(&Premaster, &facts, &session, &rules);
    let [Decision { change: Change::Set { value, .. }, .. }] = &decided[..] else { panic!("{decided:?}") };
    assert_eq!(value.as_number(), Some(-2.0));
    rules.yours.push(Path::new(["premaster", "fader_db"]));
    assert!(decide(&Premaster, &facts, &session, &rules).is_empty());
}
