//! A session that uses all there is, with the processors of the rack: what must hold of any render holds of it.

use crate::support::*;
use audio::{Buffer, db_to_gain};
use engine::{Audio, Plan, RenderOptions, Sources, compile};
use proptest::prelude::*;
use session::{Curve, Insert, Lane, LaneTarget, Path, Point, Send, Session, StripClass};
use std::sync::Arc;

/// Name, channels, sample rate, frames, bus.
type Recording = (&'static str, usize, u32, usize, Option<&'static str>);

/// Rates, lengths and channels as they come from many hands.
const RECORDINGS: &[Recording] = &[
    ("kick", 1, 48_000, 40_000, Some("drums")),
    ("snare", 1, 44_100, 33_333, Some("drums")),
    ("bass", 1, 48_000, 21_001, Some("band")),
    ("keys", 2, 96_000, 70_000, Some("band")),
    ("vox", 1, 48_000, 38_000, None),
    ("mix", 2, 48_000, 15_000, None),
];

fn lane(target: LaneTarget, points: &[(f64, f64)]) -> Lane {
    let points = points.iter().map(|&(time_s, value)| Point { time_s, value }).collect();
    Lane { target, name: Path::new(["x"]), curve: Curve::Linear, points }
}

fn send(to: &str, level_db: f64, pre_fader: bool) -> Send {
    Send { to: to.into(), level_db, pre_fader }
}

fn keyed(mut insert: Insert, key: &str) -> Insert {
    insert.key = Some(key.into());
    insert
}

fn everything() -> (Session, Sources) {
    let mut session = Session::new();
    session.song.sample_rate_hz = Some(RATE);
    let mut sources = Sources::default();
    for (n, &(id, channels, sample_rate_hz, frames, bus)) in RECORDINGS.iter().enumerate() {
        let mut track = strip(StripClass::Track, id, bus);
        track.pan = [0.0, -30.0, 10.0, 20.0, 0.0, 60.0][n];
        track.fader_db = [-3.0, -6.0, -9.0, -12.0, 0.0, -15.0][n];
        session.add(track);
        let buffer = Arc::new(noise(channels, frames, n as u64 + 1));
        sources.insert(id, Audio::Memory { buffer, sample_rate_hz });
    }
    let strip_of = |session: &mut Session, id: &str, change: &dyn Fn(&mut session::Strip)| {
        change(session.strip_mut(id).expect("a strip"));
    };
    strip_of(&mut session, "kick", &|s| {
        s.inserts.push(insert("gate", &[("threshold_db", -20.0), ("range_db", 30.0), ("lookahead_ms", 3.0)]));
        s.start_s = 0.013;
    });
    strip_of(&mut session, "snare", &|s| {
        s.inserts.push(insert("saturator", &[("drive_db", 6.0), ("mix_percent", 60.0)]));
        s.invert = true;
        s.sends = vec![send("plate", -12.0, false), send("echo", -18.0, true)];
    });
    strip_of(&mut session, "bass", &|s| {
        let ducked = insert("compressor", &[("threshold_db", -30.0), ("ratio", 4.0), ("lookahead_ms", 2.0)]);
        s.inserts.push(keyed(ducked, "kick"));
        s.delay_frames = 12.37;
    });
    strip_of(&mut session, "keys", &|s| {
        s.inserts.push(insert("width", &[("width_percent", 140.0), ("mono_below_hz", 120.0)]));
        s.delay_frames = -7.0;
    });
    strip_of(&mut session, "vox", &|s| {
        s.inserts.push(insert("de_esser", &[("range_db", 6.0), ("threshold_db", -10.0)]));
        s.inserts.push(insert("gain", &[("gain_db", -3.0)]));
        s.sends = vec![send("plate", -9.0, false), send("echo", -15.0, false)];
        let address = s.inserts[1].address(&["gain_db"]).expect("a setting");
        s.lanes = vec![
            lane(LaneTarget::Fader, &[(0.1, 0.0), (0.3, -12.0), (0.5, 3.0)]),
            lane(LaneTarget::Pan, &[(0.0, -80.0), (0.7, 80.0)]),
            lane(LaneTarget::Send("plate".into()), &[(0.2, -40.0), (0.6, 0.0)]),
            lane(LaneTarget::Trim, &[(0.2, -1.0), (0.6, 0.0)]),
            lane(LaneTarget::Insert { id: "gain".into(), address }, &[(0.0, 0.0), (0.8, -20.0)]),
        ];
    });
    let mut drums = strip(StripClass::Bus, "drums", Some("band"));
    drums.inserts.push(insert("limiter", &[("drive_db", 6.0), ("ceiling_dbtp", -3.0)]));
    session.add(drums);
    let mut band = strip(StripClass::Bus, "band", None);
    band.inserts.push(keyed(insert("compressor", &[("threshold_db", -20.0), ("ratio", 2.0)]), "vox"));
    band.lanes = vec![lane(LaneTarget::Fader, &[(0.0, -6.0), (0.5, 0.0)])];
    session.add(band);
    let mut plate = strip(StripClass::Return, "plate", None);
    plate.inserts.push(insert("reverb", &[("decay_s", 0.2), ("mix_percent", 100.0)]));
    session.add(plate);
    let mut echo = strip(StripClass::Return, "echo", None);
    let repeats = [("time_ms", 80.0), ("feedback_percent", 20.0), ("mix_percent", 100.0)];
    echo.inserts.push(insert("delay", &repeats));
    echo.sends = vec![send("plate", -20.0, false)];
    session.add(echo);
    (session, sources)
}

fn outputs(plan: &Plan, sources: &Sources, options: &RenderOptions) -> Vec<(String, Buffer)> {
    plan.nodes.iter().map(|node| (node.id.clone(), output(plan, sources, &node.id, options))).collect()
}

fn bits(buffer: &Buffer) -> Vec<u64> {
    (0..buffer.channels()).flat_map(|c| buffer.channel(c)).map(|s| s.to_bits()).collect()
}

/// The sizes of the slabs in which songs are rendered, some that fit nothing, and one longer than the song.
#[test]
fn threads_and_slabs_change_no_bit() {
    let (session, sources) = everything();
    let plan = compile(&session, &sources).expect("a plan");
    let reference = bits(&mix(
        &session,
        &sources,
        &RenderOptions { threads: 1, slab_frames: 8_192, ..Default::default() },
    ));
    assert!(reference.iter().any(|bits| *bits != 0));
    for threads in 1..=3 {
        for slab_frames in [16_384, 32_768, 65_536] {
            let options = RenderOptions { threads, slab_frames, ..Default::default() };
            let seen = bits(&output(&plan, &sources, engine::PREMASTER, &options));
            assert!(seen == reference, "{threads} threads, slabs of {slab_frames}");
        }
    }
}

#[test]
fn stems_null_against_the_mix() {
    let (session, sources) = everything();
    let plan = compile(&session, &sources).expect("a plan");
    let all = outputs(&plan, &sources, &RenderOptions::default());
    let (mix_id, mut rest) = all.last().expect("the mix").clone();
    assert_eq!(mix_id, engine::PREMASTER);
    let into_mix = &plan.nodes.last().expect("the mix").inputs;
    assert_eq!(into_mix.len(), 5, "two tracks, a bus, two returns");
    for stem in into_mix.iter().map(|edge| &all[edge.from].1) {
        for c in 0..2 {
            rest.channel_mut(c).iter_mut().zip(stem.channel(c)).for_each(|(r, s)| *r -= s);
        }
    }
    let left = (0..2).flat_map(|c| rest.channel(c)).fold(0.0, |m: f64, s| m.max(s.abs()));
    // -140 dBFS is asked; sums in another order leave some -300.
    assert!(left < 1e-13, "{:.1} dBFS left", 20.0 * left.log10());
}

/// Every strip and the mix at once are what each is when rendered alone.
#[test]
fn outputs_do_not_depend_on_who_else_listens() {
    let (session, sources) = everything();
    let plan = compile(&session, &sources).expect("a plan");
    let options = RenderOptions::default();
    let mut together: Vec<Vec<Vec<f64>>> = vec![vec![Vec::new(); 2]; plan.nodes.len()];
    let wanted = together
        .iter_mut()
        .enumerate()
        .map(|(node, planes)| {
            let sink = move |block: &audio::BlockRef| {
                planes.iter_mut().zip(block.iter()).for_each(|(to, from)| to.extend_from_slice(from));
                Ok(())
            };
            engine::Output { node, tap: engine::Tap::Output, sink: Box::new(sink) }
        })
        .collect();
    engine::render(&plan, &sources, wanted, &options).expect("a render");
    for ((id, alone), together) in outputs(&plan, &sources, &options).iter().zip(&together) {
        assert!(bits(alone) == bits(&Buffer::from_channels(together)), "{id}");
    }
}

/// What each insert took, of a render that nobody hears.
fn taken(plan: &Plan, sources: &Sources, options: &RenderOptions) -> Vec<engine::GainReduction> {
    let sink = Box::new(|_: &audio::BlockRef| Ok(()));
    let last = plan.nodes.len() - 1;
    engine::render(
        plan,
        sources,
        vec![engine::Output { node: last, tap: engine::Tap::Output, sink }],
        options,
    )
    .expect("a render")
}

/// A tone that is held 12 dB above the threshold loses 6 dB at a ratio of 2, from the attack to the end of the song, which
/// lies in the third reading of 4096 frames. What follows it in the last slab and in the tail is not of the song: a mean over
/// that would be smaller, the smaller the longer the slab.
#[test]
fn what_was_taken_is_told_of_the_song_alone() {
    let mut session = Session::new();
    session.song.sample_rate_hz = Some(RATE);
    let mut track = strip(StripClass::Track, "tone", None);
    let held = [("threshold_db", -18.0), ("ratio", 2.0), ("knee_db", 0.0), ("attack_ms", 1.0)];
    track.inserts.push(insert("compressor", &held));
    track.inserts.push(insert("delay", &[("time_ms", 100.0), ("feedback_percent", 50.0)]));
    session.add(track);
    let mut sources = Sources::default();
    let tone =
        |n| db_to_gain(-6.0) * (std::f64::consts::TAU * 3_000.0 * f64::from(n) / f64::from(RATE)).sin();
    sources.insert("tone", memory(Buffer::from_channels(&[(0..10_000).map(tone).collect::<Vec<f64>>()])));
    let plan = compile(&session, &sources).expect("a plan");
    assert!(plan.tail_frames > 10_000, "{}", plan.tail_frames);
    for slab_frames in [64, 1_000, 4_096, 10_000, 65_536] {
        let seen = taken(&plan, &sources, &RenderOptions { slab_frames, ..Default::default() });
        let [only] = seen.as_slice() else { panic!("{seen:?}") };
        assert_eq!(only.taken.deepest_db.len(), 3, "{slab_frames}");
        // The detector's ripple over a tone of sixteen samples a period.
        assert!((only.taken.mean_db - 6.0).abs() < 0.3, "{slab_frames}: {}", only.taken.mean_db);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_threads_and_any_slab_give_the_same_bits(threads in 1usize..5, slab_frames in 64usize..50_000) {
        let (session, sources) = everything();
        let reference = bits(&mix(&session, &sources, &RenderOptions { threads: 1, ..Default::default() }));
        let options = RenderOptions { threads, slab_frames, ..Default::default() };
        prop_assert!(bits(&mix(&session, &sources, &options)) == reference);
        let plan = compile(&session, &sources).expect("a plan");
        let told = taken(&plan, &sources, &RenderOptions { threads: 1, ..Default::default() });
        prop_assert!(!told.is_empty());
        prop_assert_eq!(taken(&plan, &sources, &options), told);
    }

    /// 24-bit audio of any length through a session that does nothing: the very samples.
    #[test]
    fn a_unity_session_is_transparent(frames in 1usize..20_000, seed in 1u64..1_000, slab_frames in 1usize..9_000) {
        let mut session = Session::new();
        session.song.sample_rate_hz = Some(RATE);
        let mut track = strip(StripClass::Track, "take", Some("group"));
        // Every kind of the rack at its neutral settings; some come late, which is made up for.
        track.inserts = dsp::KINDS.iter().map(|kind| Insert::new(kind.id, kind)).collect();
        session.add(track);
        session.add(strip(StripClass::Bus, "group", None));
        let audio = noise(2, frames, seed);
        let mut sources = Sources::default();
        sources.insert("take", memory(audio.clone()));
        let seen = mix(&session, &sources, &RenderOptions { slab_frames, ..Default::default() });
        let seen = seen.range(0, frames).to_buffer();
        prop_assert!(seen == audio);
    }
}
