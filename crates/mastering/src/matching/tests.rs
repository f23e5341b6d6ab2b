use super::*;
use measure::{Facts, LoudnessSeries, ToneSeries};
use proptest::prelude::*;

const HZ: [f64; 30] = [
    25.0, 31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0,
    1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0, 10_000.0, 12_500.0,
    16_000.0, 20_000.0,
];

/// A song of six stretches 3 dB apart, whose bands have these levels and widths, in dB.
fn song(level: impl Fn(f64) -> f64, width: impl Fn(f64) -> f64) -> Analysis {
    let power = |db: f64| 10f64.powf(0.1 * db);
    let mut tone = ToneSeries { stretch_s: 3.0, hz: HZ.to_vec(), ..ToneSeries::default() };
    let (mut mids, mut sides) = (0.0, 0.0);
    for stretch in 0..6 {
        let gain = power(-3.0 * f64::from(stretch) - 30.0);
        let part = |hz: f64, side: bool| {
            let (all, ratio) = (gain * power(level(hz)), power(width(hz)));
            all * if side { ratio } else { 1.0 } / (1.0 + ratio)
        };
        let (mid, side): (Vec<f64>, Vec<f64>) =
            HZ.iter().map(|hz| (part(*hz, false), part(*hz, true))).unzip();
        mids += mid.iter().sum::<f64>();
        sides += side.iter().sum::<f64>();
        tone.mid.push(mid.iter().map(|p| *p as f32).collect());
        tone.side.push(side.iter().map(|p| *p as f32).collect());
    }
    let facts = Facts {
        integrated_lufs: Some(-16.0),
        loudness_range_lu: Some(6.0),
        side_mid_db: Some(10.0 * (sides / mids).log10()),
        ..Facts::default()
    };
    Analysis { facts, tone, ..Analysis::default() }
}

fn facts(mix: Analysis, references: Vec<(Analysis, f64)>) -> MasterFacts {
    let reference = |(analysis, weight): (Analysis, f64)| Reference { name: "song".into(), weight, analysis };
    MasterFacts {
        premaster: mix,
        references: references.into_iter().map(reference).collect(),
        ..MasterFacts::default()
    }
}

fn full() -> Goal {
    Goal {
        matching: Matching { tone: 1.0, dynamics: 1.0, width: 1.0, loudness: 1.0 },
        ..Goal::new(Some(-14.0), -1.0)
    }
}

fn plain(hz: f64) -> f64 {
    -4.0 * (hz / 500.0).log2().abs()
}

#[test]
fn a_reference_equal_to_the_mix_moves_nothing() {
    let same = song(plain, |_| -8.0);
    let facts = facts(same.clone(), vec![(same, 1.0)]);
    let plan = MatchPlan::new(&facts, &full()).expect("a plan");
    assert!(plan.tone().iter().chain(plan.side()).all(|m| m.gain_db.abs() < 0.02), "{plan:?}");
    assert!(plan.decisions(&Session::new()).is_empty());
}

/// What was done to a song is undone: a tilt and another width, but for the one constant that loudness settles.
#[test]
fn a_tilt_and_a_width_are_undone() {
    let tilt = |hz: f64| 0.8 * (hz / 800.0).log2();
    let reference = song(plain, |hz| if hz < 200.0 { -16.0 } else { -7.0 });
    let mix = song(|hz| plain(hz) + tilt(hz), |hz| if hz < 200.0 { -14.0 } else { -11.0 });
    let plan = MatchPlan::new(&facts(mix, vec![(reference, 1.0)]), &full()).expect("a plan");
    let moved = |hz: f64| plan.tone().iter().find(|m| m.hz == hz).expect("a band").gain_db;
    // A side that comes up makes its band louder; the tone makes up for that.
    let of_side = |from_db: f64, to_db: f64| {
        10.0 * ((1.0 + 10f64.powf(0.1 * from_db)) / (1.0 + 10f64.powf(0.1 * to_db))).log10()
    };
    for hz in [40.0, 100.0, 400.0, 2000.0, 8000.0] {
        let low = hz < 200.0;
        let own = if low { of_side(-14.0, -16.0) } else { of_side(-11.0, -7.0) };
        let (shape, wanted) = (moved(hz) - moved(800.0), -tilt(hz) + own - of_side(-11.0, -7.0));
        // The sides are drawn together with their neighbours' at the edge of 200 Hz.
        assert!((shape - wanted).abs() < 0.1, "{hz} Hz: {shape:.2} against {wanted:.2}");
    }
    let side = |hz: f64| plan.side().iter().find(|m| m.hz == hz).expect("a band").gain_db;
    assert!((side(1000.0) - 4.0).abs() < 0.3 && (side(63.0) + 2.0).abs() < 0.5, "{:?}", plan.side());
}

#[test]
fn the_match_does_not_make_it_louder() {
    let reference = song(|hz| plain(hz) + 3.0 * (hz / 800.0).log2().tanh(), |_| -8.0);
    let facts = facts(song(plain, |_| -8.0), vec![(reference, 1.0)]);
    let plan = MatchPlan::new(&facts, &full()).expect("a plan");
    let weighted = |gain: &dyn Fn(usize) -> f64| -> f64 {
        let at =
            |(n, hz): (usize, &f64)| 10f64.powf(0.1 * (plain(*hz) + measure::k_weighting_db(*hz) + gain(n)));
        HZ.iter().enumerate().map(at).sum()
    };
    let change = 10.0 * (weighted(&|n| plan.tone()[n].gain_db) / weighted(&|_| 0.0)).log10();
    // Each gain is rounded to 0.01 dB.
    assert!(change.abs() < 0.02, "{change:.3} dB");
}

#[test]
fn references_count_by_their_weight() {
    let bright = |db: f64| song(move |hz| plain(hz) + if hz > 2000.0 { db } else { 0.0 }, |_| -8.0);
    let mix = song(plain, |_| -8.0);
    let moved = |first: f64, second: f64| {
        let facts = facts(mix.clone(), vec![(bright(6.0), first), (bright(0.0), second)]);
        let plan = MatchPlan::new(&facts, &full()).expect("a plan");
        plan.tone()[24].gain_db - plan.tone()[10].gain_db
    };
    assert!((moved(1.0, 0.0) - 6.0).abs() < 0.1 && moved(0.0, 1.0).abs() < 0.1);
    assert!((moved(1.0, 1.0) - 3.0).abs() < 0.1 && (moved(3.0, 1.0) - 4.5).abs() < 0.1);
}

/// Quiet and loud parts may have tones of their own: each is compared with its like, so that a song whose choruses are
/// bright is no reason to brighten another one that has more of them.
#[test]
fn sections_are_compared_with_their_like() {
    let at_equal_loudness = |brights: usize| {
        let mut song = song(plain, |_| -8.0);
        for (n, mid) in song.tone.mid.iter_mut().enumerate().take(brights) {
            let _ = n;
            mid.iter_mut().skip(22).for_each(|p| *p *= 4.0);
        }
        song
    };
    let facts = facts(at_equal_loudness(2), vec![(at_equal_loudness(2), 1.0)]);
    let plan = MatchPlan::new(&facts, &full()).expect("a plan");
    assert!(plan.tone().iter().all(|m| m.gain_db.abs() < 0.02), "{:?}", plan.tone());
}

#[test]
fn silence_and_no_reference_give_no_plan() {
    assert!(MatchPlan::new(&facts(song(plain, |_| -8.0), vec![]), &full()).is_none());
    assert!(
        MatchPlan::new(&facts(Analysis::default(), vec![(song(plain, |_| -8.0), 1.0)]), &full()).is_none()
    );
    let silent = song(|_| f64::NEG_INFINITY, |_| -8.0);
    assert!(MatchPlan::new(&facts(song(plain, |_| -8.0), vec![(silent, 1.0)]), &full()).is_none());
}

#[test]
fn a_mono_mix_is_matched_in_tone_and_left_in_width() {
    let mut mix = song(plain, |_| -200.0);
    mix.facts.side_mid_db = None;
    mix.loudness = LoudnessSeries::default();
    let plan = MatchPlan::new(&facts(mix, vec![(song(plain, |_| -6.0), 1.0)]), &full()).expect("a plan");
    assert!(plan.decisions(&Session::new()).iter().all(|d| d.step != StepId::Stereo));
}

/// A mix whose bass has next to no side, and a reference whose bass is wide: most of the power is there, so that no lift of the
/// other sides stands for it.
fn narrow_bass() -> (Analysis, Analysis) {
    let low = |hz: f64| (50.0..120.0).contains(&hz);
    let level = move |hz: f64| plain(hz) + if low(hz) { 18.0 } else { 0.0 };
    let mix = song(level, move |hz| if low(hz) { -34.0 } else { -13.0 });
    let reference = song(level, move |hz| if low(hz) { -4.0 } else { -9.0 });
    (mix, reference)
}

/// Side against middle of the whole as the plan leaves it, in dB, and how far any band stands wider than the reference's;
/// worked out from the song itself: what is spread is a part of the middle's power.
fn as_spread(plan: &MatchPlan, mix: &Analysis, reference: &Analysis) -> (f64, f64) {
    let power = |db: f64| 10f64.powf(0.1 * db);
    let of = |song: &Analysis, n: usize| (f64::from(song.tone.mid[0][n]), f64::from(song.tone.side[0][n]));
    let share = (plan.spread_percent / 100.0).powi(2);
    let (mut mids, mut sides, mut beyond) = (0.0, 0.0, f64::NEG_INFINITY);
    for (n, (tone, side)) in plan.tone().iter().zip(plan.side()).enumerate() {
        let (m, s) = of(mix, n);
        let s = (s + share * m) * power(side.gain_db);
        let theirs = of(reference, n);
        mids += m * power(tone.gain_db);
        sides += s * power(tone.gain_db);
        beyond = beyond.max(10.0 * (s / m / (theirs.1 / theirs.0)).log10());
    }
    (10.0 * (sides / mids).log10(), beyond)
}

// Finds a mix that stays narrow since it has nothing to raise, and one whose every other band is torn wide to make up for it.
#[test]
fn what_has_no_side_to_raise_gets_some_of_the_middle() {
    let (mix, reference) = narrow_bass();
    let wanted = reference.facts.side_mid_db.expect("a width");
    let facts = facts(mix.clone(), vec![(reference.clone(), 1.0)]);
    let plan = MatchPlan::new(&facts, &full()).expect("a plan");
    let (width, beyond) = as_spread(&plan, &mix, &reference);
    assert!((width - wanted).abs() < 0.15, "{width:.2} dB instead of {wanted:.2}, {} %", plan.spread_percent);
    // Three decibels past its own wish, and what neighbours give one another at the edges of the bass.
    assert!(beyond < 8.0, "{beyond:.1} dB wider than the reference: {:?}", plan.side());
    let steps: Vec<String> = plan.decisions(&Session::new()).iter().map(|d| d.why.clone()).collect();
    assert!(steps[0].contains("in mono it is gone"), "it stands before the curves: {steps:?}");
    // Who asks for a part of the reference gets nothing that is not in the mix.
    let careful = Goal { matching: Matching { width: 0.7, ..full().matching }, ..full() };
    let plan = MatchPlan::new(&facts, &careful).expect("a plan");
    assert_eq!(plan.spread_percent, 0.0);
    // What has sides enough neither.
    let wide = song(plain, |_| -12.0);
    let facts = self::facts(wide, vec![(song(plain, |_| -7.0), 1.0)]);
    assert_eq!(MatchPlan::new(&facts, &full()).expect("a plan").spread_percent, 0.0);
}

#[test]
fn the_loudness_follows_by_its_strength() {
    let facts = facts(song(plain, |_| -8.0), vec![(song(plain, |_| -8.0), 1.0)]);
    let at = |loudness: f64| {
        let goal = Goal { matching: Matching { loudness, ..Matching::default() }, ..full() };
        MatchPlan::new(&facts, &goal).expect("a plan").loudness_lufs(Some(-10.0)).expect("a loudness")
    };
    assert_eq!((at(0.0), at(0.5), at(1.0)), (-10.0, -13.0, -16.0));
}

proptest! {
    /// Whatever the songs: no band beyond its limit, no lift of rumble and hiss, nothing that is no number.
    #[test]
    fn no_band_is_moved_beyond_its_limit(
        levels in prop::collection::vec((-70.0f64..10.0, -70.0f64..10.0, -50.0f64..10.0, -50.0f64..10.0), 30),
        strength in 0.0f64..1.0,
    ) {
        let at = |hz: f64| HZ.iter().position(|h| *h == hz).expect("a band");
        let mix = song(|hz| levels[at(hz)].0, |hz| levels[at(hz)].2);
        let reference = song(|hz| levels[at(hz)].1, |hz| levels[at(hz)].3);
        let goal = Goal {
            matching: Matching { tone: strength, width: strength, ..Matching::default() },
            ..full()
        };
        let facts = facts(mix, vec![(reference, 1.0)]);
        if let Some(plan) = MatchPlan::new(&facts, &goal) {
            for m in plan.tone().iter().chain(plan.side()) {
                prop_assert!(m.gain_db.abs() <= m.limit_db + 0.006, "{:?}", m);
                prop_assert!(m.limit_db <= 20.0 && m.gain_db.is_finite());
            }
            for m in plan.tone().iter().filter(|m| m.hz < 30.0 || m.hz > 17_000.0) {
                prop_assert!(m.gain_db <= 0.0, "{:?}", m);
            }
            // What comes back after another round stays within the limits, too.
            let heard = song(|hz| levels[at(hz)].1 + 3.0, |hz| levels[at(hz)].3);
            if let Some(next) = plan.corrected(&heard) {
                prop_assert!(next.tone().iter().all(|m| m.gain_db.abs() <= m.limit_db + 0.006));
            }
        }
    }
}
