//! What a render must keep: time, sums, bits.

mod cache;
mod everything;
mod support;

use audio::{Buffer, db_to_gain};
use engine::{Audio, EngineError, RenderOptions, Sources, Tap, compile, compile_master, render_to_buffer};
use session::{Curve, Insert, Lane, LaneTarget, Path, Point, Session, StripClass};
use std::sync::Arc;
use support::*;

fn peak(buffer: &Buffer) -> f64 {
    (0..buffer.channels()).flat_map(|c| buffer.channel(c)).fold(0.0, |m, s| s.abs().max(m))
}

fn assert_same(a: &Buffer, b: &Buffer, what: &str) {
    assert_eq!((a.channels(), a.frames()), (b.channels(), b.frames()), "{what}");
    for c in 0..a.channels() {
        let first = (0..a.frames()).find(|&n| a.channel(c)[n].to_bits() != b.channel(c)[n].to_bits());
        assert_eq!(first, None, "{what}: channel {c} differs first at this frame");
    }
}

fn lane(target: LaneTarget, points: &[(f64, f64)]) -> Lane {
    let points = points.iter().map(|&(time_s, value)| Point { time_s, value }).collect();
    Lane { target, name: Path::new(["x"]), curve: Curve::Linear, points }
}

#[test]
fn an_empty_session_gives_the_file_back() {
    let mut session = Session::new();
    session.song.sample_rate_hz = Some(RATE);
    session.add(strip(StripClass::Track, "mix", None));
    let audio = noise(2, 30_001, 1);
    let mut sources = Sources::default();
    sources.insert("mix", memory(audio.clone()));
    assert_same(&mix(&session, &sources, &RenderOptions::default()), &audio, "unity");
}

/// What restores a recording hears it as it was made, whatever the trim: a declipper behind the trim would find
/// nothing cut off at its ceiling.
#[test]
fn restoration_at_the_head_of_the_chain_comes_before_the_trim() {
    let clipped: Vec<f64> = (0..24_000)
        .map(|n| (0.9 * (std::f64::consts::TAU * 330.0 * n as f64 / f64::from(RATE)).sin()).clamp(-0.5, 0.5))
        .collect();
    let mut sources = Sources::default();
    sources.insert("vox", memory(Buffer::from_channels(&[clipped])));
    let rendered = |trim_db: f64, behind: Option<Insert>| {
        let mut session = Session::new();
        session.song.sample_rate_hz = Some(RATE);
        let mut track = strip(StripClass::Track, "vox", None);
        (track.trim_db, track.invert) = (trim_db, true);
        track.inserts.extend(behind);
        track.inserts.push(insert("declip", &[("ceiling_db", -6.1), ("rise_db", 12.0)]));
        session.add(track);
        mix(&session, &sources, &RenderOptions::default())
    };
    let (plain, trimmed) = (rendered(0.0, None), rendered(-20.0, None));
    // Half of full scale at the centre of the pan law; restored peaks rise clearly above it.
    assert!(peak(&plain) > 0.6 * 0.5f64.sqrt(), "{}", peak(&plain));
    for (a, b) in plain.channel(0).iter().zip(trimmed.channel(0)) {
        assert!((a * db_to_gain(-20.0) - b).abs() < 1e-15);
    }
    // Behind another insert it stands behind the trim as well, and finds nothing.
    let behind = rendered(-20.0, Some(late("late", 64)));
    assert!(peak(&behind) < 0.5001 * db_to_gain(-20.0) * 0.5f64.sqrt());
}

#[test]
fn every_impulse_stands_on_its_frame_in_every_stem_and_in_the_mix() {
    let (session, sources) = rich(30_000, |_, channels| impulse(channels, 30_000, 24_000));
    let plan = compile(&session, &sources).expect("a plan");
    for node in &plan.nodes {
        let seen = output(&plan, &sources, &node.id, &RenderOptions::default());
        for c in 0..2 {
            let places: Vec<usize> = (0..seen.frames()).filter(|&n| seen.channel(c)[n] != 0.0).collect();
            assert_eq!(places, [24_000], "{} channel {c}\n{plan}", node.id);
        }
    }
}

#[test]
fn stems_null_against_the_mix() {
    let (session, sources) = rich(20_000, |n, channels| noise(channels, 20_000, n as u64 + 1));
    let plan = compile(&session, &sources).expect("a plan");
    let options = RenderOptions::default();
    let mut rest = output(&plan, &sources, engine::PREMASTER, &options);
    for stem in ["track.vox", "bus.band", "return.plate"] {
        let stem = output(&plan, &sources, stem, &options);
        for c in 0..2 {
            rest.channel_mut(c).iter_mut().zip(stem.channel(c)).for_each(|(r, s)| *r -= s);
        }
    }
    // Sums in another order round differently: -140 dBFS is asked, f64 leaves some -300.
    assert!(peak(&rest) < 1e-14, "{:.1} dBFS left", 20.0 * peak(&rest).log10());
}

#[test]
fn levels_and_pans_are_those_of_the_strips() {
    let (session, sources) = rich(20_000, |n, channels| noise(channels, 20_000, n as u64 + 1));
    let plan = compile(&session, &sources).expect("a plan");
    let seen = output(&plan, &sources, "track.snare", &RenderOptions::default());
    let source = noise(1, 20_000, 2);
    // -6 dB, and 30 left of centre: cos and sin of 70/200 of a right angle.
    let angle = 70.0 / 200.0 * std::f64::consts::FRAC_PI_2;
    for (c, side) in [angle.cos(), angle.sin()].into_iter().enumerate() {
        for n in 0..20_000 {
            let expected = source.channel(0)[n] * 10f64.powf(-0.3) * side;
            assert!((seen.channel(c)[n] - expected).abs() < 1e-15, "frame {n}, channel {c}");
        }
    }
}

/// All bits, for every number of threads and every slab: with real processors, lanes and a key.
fn busy() -> (Session, Sources) {
    let (mut session, sources) = rich(40_000, |n, channels| noise(channels, 40_000, n as u64 + 1));
    let vox = session.strip_mut("vox").expect("a track");
    vox.inserts.push(insert("gain", &[("gain_db", -3.0)]));
    let address = vox.inserts[1].address(&["gain_db"]).expect("a setting");
    vox.lanes = vec![
        lane(LaneTarget::Fader, &[(0.1, 0.0), (0.3, -12.0), (0.5, 3.0)]),
        lane(LaneTarget::Pan, &[(0.0, -80.0), (0.7, 80.0)]),
        lane(LaneTarget::Send("plate".into()), &[(0.2, -40.0), (0.6, 0.0)]),
        lane(LaneTarget::Trim, &[(0.2, -1.0), (0.6, 0.0)]),
        lane(LaneTarget::Insert { id: "gain".into(), address }, &[(0.0, 0.0), (0.8, -20.0)]),
    ];
    let drums = session.strip_mut("drums").expect("a bus");
    drums.inserts.push(Insert { key: Some("vox".into()), ..Insert::new("times_key", &TIMES_KEY) });
    (session, sources)
}

#[test]
fn threads_and_slabs_give_the_same_bits() {
    let (session, sources) = busy();
    let reference = mix(&session, &sources, &RenderOptions { threads: 1, ..Default::default() });
    for (threads, slab_frames) in [(2, 8_192), (8, 8_192), (1, 100), (2, 1_000), (3, 4_096), (2, 100_000)] {
        let options = RenderOptions { threads, slab_frames, ..Default::default() };
        assert_same(
            &mix(&session, &sources, &options),
            &reference,
            &format!("{threads} threads, {slab_frames}"),
        );
    }
}

/// A strip's bits do not depend on how late the rest of the session makes it.
#[test]
fn a_strip_does_not_hear_the_latency_of_others() {
    let (mut session, sources) = busy();
    let options = RenderOptions::default();
    let before = output(&compile(&session, &sources).expect("a plan"), &sources, "track.vox", &options);
    session.strip_mut("kick").expect("a track").inserts.push(late("more", 4_321));
    let plan = compile(&session, &sources).expect("a plan");
    let after = output(&plan, &sources, "track.vox", &options);
    let drums = plan.nodes.iter().find(|n| n.id == "bus.drums").expect("a bus");
    assert!(drums.arrival >= 4_321);
    let frames = before.frames().min(after.frames());
    assert_same(&after.range(0, frames).to_buffer(), &before.range(0, frames).to_buffer(), "vox");
}

#[test]
fn a_fader_lane_is_followed_to_the_sample() {
    let mut session = Session::new();
    session.song.sample_rate_hz = Some(RATE);
    let mut track = strip(StripClass::Track, "tone", None);
    track.lanes = vec![lane(LaneTarget::Fader, &[(0.25, 0.0), (0.5, -24.0)])];
    session.add(track);
    let mut sources = Sources::default();
    sources.insert("tone", memory(Buffer::from_channels(&[vec![1.0; 48_000], vec![1.0; 48_000]])));
    let seen = mix(&session, &sources, &RenderOptions::default());
    for n in 0..48_000 {
        let t = n as f64 / 48_000.0;
        let expected = db_to_gain(((t - 0.25) / 0.25).clamp(0.0, 1.0) * -24.0);
        // A straight line over 64 frames of a curve that falls 96 dB in a second: its sagitta is
        // (0.128 dB in neper)^2 / 8 = 2.7e-5; at the two corners the lane bends within a period.
        let bound =
            if (n as i64 - 12_000).abs() < 64 || (n as i64 - 24_000).abs() < 64 { 8e-3 } else { 3e-5 };
        assert!(
            (seen.channel(0)[n] - expected).abs() < bound,
            "frame {n}: {} {expected}",
            seen.channel(0)[n]
        );
    }
}

#[test]
fn a_key_arrives_together_with_what_it_acts_on() {
    for (late_before, late_key) in [(0, 0), (500, 0), (0, 777), (900, 400)] {
        let mut session = Session::new();
        session.song.sample_rate_hz = Some(RATE);
        let mut bass = strip(StripClass::Track, "bass", None);
        bass.inserts.push(late("first", late_before));
        bass.inserts.push(Insert { key: Some("kick".into()), ..Insert::new("times_key", &TIMES_KEY) });
        let mut kick = strip(StripClass::Track, "kick", None);
        kick.inserts.push(late("late", late_key));
        kick.mute = true;
        session.add(bass);
        session.add(kick);
        let mut sources = Sources::default();
        sources.insert("bass", memory(noise(2, 9_000, 3)));
        sources.insert("kick", memory(impulse(1, 9_000, 5_000)));
        let seen = mix(&session, &sources, &RenderOptions::default());
        let places: Vec<usize> = (0..9_000).filter(|&n| seen.channel(0)[n] != 0.0).collect();
        assert_eq!(places, [5_000], "{late_before} before, key {late_key} late");
        assert_eq!(seen.channel(1)[5_000], noise(2, 9_000, 3).channel(1)[5_000]);
    }
}

#[test]
fn rates_lengths_and_channels_mix() {
    let mut session = Session::new();
    session.song.sample_rate_hz = Some(RATE);
    let mut sources = Sources::default();
    let tone = |rate: u32, seconds: f64| -> Vec<f64> {
        let frames = (f64::from(rate) * seconds) as usize;
        (0..frames)
            .map(|n| 0.25 * (std::f64::consts::TAU * 997.0 * n as f64 / f64::from(rate)).sin())
            .collect()
    };
    for (id, rate, seconds, channels) in [("a", 48_000, 1.0, 2), ("b", 44_100, 0.5, 1), ("c", 96_000, 0.7, 2)]
    {
        session.add(strip(StripClass::Track, id, None));
        let buffer = Buffer::from_channels(&vec![tone(rate, seconds); channels]);
        sources.insert(id, Audio::Memory { buffer: Arc::new(buffer), sample_rate_hz: rate });
    }
    let seen = mix(&session, &sources, &RenderOptions::default());
    assert_eq!(seen.frames(), 48_000);
    // While all three sound: two stereo tones at full gain, one mono tone at -3.01 dB in each loudspeaker.
    let expected = tone(48_000, 1.0);
    for n in 2_000..20_000 {
        let sum = expected[n] * (2.0 + 0.5f64.sqrt());
        // -120 dBFS: what conversion may leave on a tone in the pass band.
        assert!((seen.channel(1)[n] - sum).abs() < 1e-6, "frame {n}: {} {sum}", seen.channel(1)[n]);
    }
}

#[test]
fn a_track_may_be_moved_by_parts_of_a_frame() {
    for delay in [-100.25, -3.0, 0.5, 41.75] {
        let mut session = Session::new();
        session.song.sample_rate_hz = Some(RATE);
        let mut track = strip(StripClass::Track, "tone", None);
        track.delay_frames = delay;
        session.add(track);
        let sine = |t: f64| (t * 0.1).sin();
        let plane: Vec<f64> = (0..8_000).map(|n| sine(n as f64)).collect();
        let mut sources = Sources::default();
        sources.insert("tone", memory(Buffer::from_channels(&[plane.clone(), plane])));
        let seen = mix(&session, &sources, &RenderOptions::default());
        for n in 500..7_000 {
            // The interpolator is flat within 0.01 dB.
            assert!((seen.channel(0)[n] - sine(n as f64 - delay)).abs() < 1.2e-3, "{delay}: frame {n}");
        }
    }
}

#[test]
fn a_master_is_rendered_from_a_finished_file() {
    let mut session = Session::new();
    session.master.strip.inserts.push(insert("gain", &[("gain_db", -6.0)]));
    for channels in [1, 2] {
        let mut sources = Sources::default();
        let audio = noise(channels, 5_000, 4);
        sources.insert(engine::MASTER, memory(audio.clone()));
        let plan = compile_master(&session, &sources).expect("a plan");
        let seen =
            render_to_buffer(&plan, &sources, 0, Tap::Output, &RenderOptions::default()).expect("audio");
        assert_eq!(seen.channels(), channels);
        assert_eq!(seen.channel(0)[77], audio.channel(0)[77] * db_to_gain(-6.0));
    }
}

#[test]
fn a_master_begins_and_ends_where_it_is_told_and_is_faded_there_alone() {
    let seconds = |frames: usize| frames as f64 / f64::from(RATE);
    let mut session = Session::new();
    session.master.strip.inserts.push(insert("gain", &[("gain_db", -6.0)]));
    let audio = noise(2, 5_000, 4);
    let mut sources = Sources::default();
    sources.insert(engine::MASTER, memory(audio.clone()));
    let whole = compile_master(&session, &sources).expect("a plan");
    assert_eq!(whole.excerpt, None);

    let (start, end, fade_in, fade_out) = (700, 4_321, 96, 480);
    session.master.start_s = seconds(start);
    session.master.end_s = Some(seconds(end));
    session.master.fade_in_s = seconds(fade_in);
    session.master.fade_out_s = seconds(fade_out);
    let plan = compile_master(&session, &sources).expect("a plan");
    for slab_frames in [64, 1_000, 8_192] {
        let options = RenderOptions { slab_frames, ..RenderOptions::default() };
        let seen = render_to_buffer(&plan, &sources, 0, Tap::Output, &options).expect("audio");
        assert_eq!(seen.frames(), end - start);
        for c in 0..2 {
            for n in 0..seen.frames() {
                let full = audio.channel(c)[start + n] * db_to_gain(-6.0);
                let left = seen.frames() - n;
                // Half a frame before or after the ends, so that both fades are the same mirrored.
                let rise = |place: f64, length: usize| (std::f64::consts::PI * place / length as f64).cos();
                let gain = match n {
                    n if n < fade_in => 0.5 - 0.5 * rise(n as f64 + 0.5, fade_in),
                    _ if left <= fade_out => 0.5 - 0.5 * rise(left as f64 - 0.5, fade_out),
                    _ => 1.0,
                };
                assert!((seen.channel(c)[n] - full * gain).abs() < 1e-15, "frame {n} of {slab_frames}");
            }
        }
    }

    session.master.end_s = Some(1e4);
    session.master.start_s = 9e3;
    let nothing = compile_master(&session, &sources).expect("a plan");
    assert_eq!(nothing.heard().frames, 0, "a beginning after the end leaves nothing");
}

#[test]
fn what_cannot_be_mixed_is_said() {
    let mut session = Session::new();
    session.add(strip(StripClass::Bus, "a", Some("b")));
    session.add(strip(StripClass::Bus, "b", Some("a")));
    let error = compile(&session, &Sources::default()).expect_err("a circle");
    assert!(matches!(&error, EngineError::Cycle { strips } if strips == &["a", "b"]), "{error}");

    let mut session = Session::new();
    session.add(strip(StripClass::Track, "vox", None));
    let error = compile(&session, &Sources::default()).expect_err("no audio");
    assert!(matches!(error, EngineError::NoSource { .. }), "{error}");

    let mut sources = Sources::default();
    sources.insert("vox", memory(noise(3, 10, 1)));
    let error = compile(&session, &sources).expect_err("three channels");
    assert!(matches!(error, EngineError::Channels { channels: 3, .. }), "{error}");
}

#[test]
fn a_render_stops_when_asked() {
    let (session, sources) = busy();
    let plan = compile(&session, &sources).expect("a plan");
    let cancel = std::sync::atomic::AtomicBool::new(true);
    let options = RenderOptions { cancel: Some(&cancel), ..Default::default() };
    let result = render_to_buffer(&plan, &sources, plan.nodes.len() - 1, Tap::Output, &options);
    assert!(matches!(result, Err(EngineError::Cancelled)));
}
