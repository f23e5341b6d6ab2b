//! A chain as it was rendered, and how a longer chain goes on from there to the same bits.
//!
//! A processor begins at song frame 0 of its own input, however late that stands in a render (see `engine`), so that the rest of a
//! chain gets from a file what it would have got from the inserts before it, as long as the file goes on behind their
//! tails for as far as the rest looks ahead.

use crate::WorkflowError;
use crate::finished_song::file;
use engine::{Audio, GainReduction, MASTER, Plan, Sources};
use session::{Insert, LaneTarget, Session, Strip};
use std::path::PathBuf;

/// So much longer than its sound a stage is kept, in seconds: latencies and tails of what may come behind it together are
/// shorter, or the chain is rendered in one piece.
const BEYOND_S: f64 = 4.0;

/// A chain as it was rendered.
pub(super) struct Stage {
    /// What made it.
    chain: Strip,
    /// What it reads as.
    pub(super) audio: Audio,
    path: PathBuf,
    /// What its inserts did.
    pub(super) reductions: Vec<GainReduction>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Stage {
    /// What a plan made of a chain wrote to a file.
    pub(super) fn of(
        chain: Strip,
        path: PathBuf,
        plan: &Plan,
        reductions: Vec<GainReduction>,
    ) -> Result<Stage, WorkflowError> {
        let (channels, frames) = (plan.nodes[0].output_channels, plan.frames());
        let audio = file(&path, plan.sample_rate_hz, channels, frames)?;
        Ok(Stage { chain, audio, path, reductions })
    }

    /// How many inserts of a chain it holds, if the chain begins with it.
    pub(super) fn begins(&self, chain: &Strip) -> Option<usize> {
        let count = self.chain.inserts.len();
        let same = chain.inserts.get(..count).is_some_and(|first| *first == *self.chain.inserts);
        // Lanes of what comes later are none of its own.
        let lanes = |strip: &Strip| session::Strip {
            inserts: Vec::new(),
            lanes: strip
                .lanes
                .iter()
                .filter(|lane| !moves(&lane.target, &chain.inserts[count..]))
                .cloned()
                .collect(),
            ..strip.clone()
        };
        (same && lanes(chain) == lanes(&self.chain)).then_some(count)
    }
}

/// Whether a lane moves one of some inserts.
fn moves(target: &LaneTarget, inserts: &[Insert]) -> bool {
    matches!(target, LaneTarget::Insert { id, .. } if inserts.iter().any(|insert| insert.id == *id))
}

/// Whether a chain can be rendered in parts: nothing comes behind its inserts.
fn parts(strip: &Strip) -> bool {
    let behind = |target: &LaneTarget| matches!(target, LaneTarget::Fader | LaneTarget::Pan);
    strip.fader_db == 0.0
        && strip.pan == 0.0
        && !strip.mute
        && !strip.lanes.iter().any(|lane| behind(&lane.target))
}

/// A session without the first inserts of its master, which its source has passed.
fn rest_of(session: &Session, count: usize) -> Session {
    let mut session = session.clone();
    let strip = &mut session.master.strip;
    let rest = strip.inserts.split_off(count);
    strip.lanes.retain(|lane| moves(&lane.target, &rest));
    strip.inserts = rest;
    strip.trim_db = 0.0;
    strip.invert = false;
    session
}

/// Whether rendering a chain again costs less than writing it to a file and reading that: nothing but an equaliser of
/// minimum phase, over samples that need no decoding.
pub(super) fn is_quick(chain: &Strip, source: &Sources, sample_rate_hz: u32) -> bool {
    let equaliser = matches!(&chain.inserts[..], [insert] if insert.kind.id == "eq");
    equaliser
        && chain.lanes.is_empty()
        && source.get(MASTER).is_some_and(|audio| is_plain(audio, sample_rate_hz))
}

/// Whether a source is uncompressed samples of a rate in hertz.
fn is_plain(audio: &Audio, sample_rate_hz: u32) -> bool {
    use files::Encoding::{Float, Integer};
    let plain = |path: &PathBuf| {
        files::probe(path).is_ok_and(|info| matches!(info.encoding, Integer { .. } | Float { .. }))
    };
    audio.sample_rate_hz() == sample_rate_hz
        && match audio {
            Audio::Memory { .. } => true,
            Audio::Files { paths, .. } => paths.iter().all(plain),
        }
}

/// How a chain is rendered from where it was rendered before.
pub(super) struct Part {
    /// The inserts that are left, over the frames of the whole chain.
    pub(super) plan: Plan,
    /// What they get.
    pub(super) sources: Sources,
    /// Up to this frame what comes out is what the whole chain gives.
    reach: usize,
    /// What the inserts before them did.
    pub(super) done: Vec<GainReduction>,
}

impl Part {
    /// A chain over a source; what a stage has of it is not rendered again.
    pub(super) fn of(session: &Session, source: &Sources, stages: &[Stage]) -> Result<Part, WorkflowError> {
        let whole = engine::compile_master(session, source)?;
        let strip = &session.master.strip;
        let held = stages.iter().filter_map(|stage| Some((stage.begins(strip)?, stage)));
        if let Some((count, stage)) = held.max_by_key(|(count, _)| *count).filter(|_| parts(strip)) {
            let mut sources = source.clone();
            sources.insert(MASTER, stage.audio.clone());
            let rest = engine::compile_master(&rest_of(session, count), &sources)?;
            let there = stage.audio.frames_at(whole.sample_rate_hz);
            let reach = there.saturating_sub(rest.nodes[0].latency + rest.nodes[0].tail);
            if whole.frames() <= reach {
                let (plan, done) = (Plan { nodes: rest.nodes, ..whole }, stage.reductions.clone());
                return Ok(Part { plan, sources, reach, done });
            }
        }
        let reach = whole.frames() + (BEYOND_S * f64::from(whole.sample_rate_hz)) as usize;
        Ok(Part { plan: whole, sources: source.clone(), reach, done: Vec::new() })
    }

    /// The same as a stage: it goes on for a while.
    pub(super) fn into_stage(self) -> Part {
        let tail_frames = self.reach - self.plan.song_frames;
        Part { plan: Plan { tail_frames, excerpt: None, ..self.plan }, ..self }
    }

    /// What all inserts did, once these have done something.
    pub(super) fn all(&self, these: Vec<GainReduction>) -> Vec<GainReduction> {
        self.done.iter().cloned().chain(these).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Quiet};
    use audio::Buffer;
    use engine::{RenderOptions, Tap, render_to_buffer};
    use files::SampleFormat;
    use std::sync::Arc;

    const RATE_HZ: u32 = 44_100;

    /// Two seconds of noise whose level comes and goes.
    fn source() -> Sources {
        let mut state = 3u64;
        let mut plane = |turns: f64| -> Vec<f64> {
            let each = (0..2 * RATE_HZ).map(|n| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let noise = (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
                noise * 0.4 * (1.1 + (turns * f64::from(n) / f64::from(RATE_HZ)).sin())
            });
            each.collect()
        };
        let buffer = Arc::new(Buffer::from_channels(&[plane(9.0), plane(7.0)]));
        let mut sources = Sources::default();
        sources.insert(MASTER, Audio::Memory { buffer, sample_rate_hz: RATE_HZ });
        sources
    }

    /// A chain of processors that look ahead, ring, remember and work at raised rates.
    fn session(limiter: &str) -> Session {
        let mut session = Session::new();
        let strip = &mut session.master.strip;
        strip.trim_db = 1.5;
        for (kind, settings) in [
            ("rumble", &[("remove_dc", 1.0)][..]),
            ("compressor", &[("threshold_db", -20.0), ("ratio", 3.0), ("lookahead_ms", 3.3)]),
            ("exciter", &[("amount_percent", 40.0)]),
            ("saturator", &[("drive_db", 6.0), ("mix_percent", 60.0)]),
            (limiter, &[("drive_db", 9.0), ("ceiling_dbtp", -1.0)]),
        ] {
            let kind = dsp::kind(kind).expect("a kind");
            let mut insert = Insert::new(kind.id, kind);
            for (name, value) in settings {
                insert.values.set(kind, name, *value).expect("a setting");
            }
            strip.inserts.push(insert);
        }
        session
    }

    fn bits(plan: &Plan, sources: &Sources) -> Vec<Vec<u64>> {
        let options = RenderOptions { threads: 1, slab_frames: 5000, ..RenderOptions::default() };
        let heard = render_to_buffer(plan, sources, 0, Tap::Output, &options).expect("rendered");
        heard.as_block().iter().map(|samples| samples.iter().map(|s| s.to_bits()).collect()).collect()
    }

    fn with_inserts(session: &Session, count: usize) -> Session {
        let mut session = session.clone();
        session.master.strip.inserts.truncate(count);
        session
    }

    /// Stage by stage, each from the one before, the master has the bits of the render in one piece, its ends cut or not.
    #[test]
    fn a_chain_in_parts_gives_the_bits_of_the_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let cancel = std::sync::atomic::AtomicBool::new(false);
        let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
        for limiter in ["limiter", "perceptual_limiter"] {
            let (source, mut session) = (source(), session(limiter));
            let mut stages = Vec::new();
            for count in 1..=4 {
                let part =
                    Part::of(&with_inserts(&session, count), &source, &stages).expect("a plan").into_stage();
                assert_eq!(part.plan.nodes[0].chain.len(), if stages.is_empty() { count } else { 1 });
                let path = folder.path().join(format!("{limiter}-{count}.wav"));
                let done = super::super::write_wav(
                    &part.plan,
                    &part.sources,
                    (&path, SampleFormat::Float64),
                    &context,
                );
                let chain = with_inserts(&session, count).master.strip;
                stages.push(Stage::of(chain, path, &part.plan, done.expect("written")).expect("a stage"));
            }
            for (start_s, end_s, fade_out_s) in [(0.0, None, 0.0), (0.3, Some(1.9), 0.5)] {
                let master = &mut session.master;
                (master.start_s, master.end_s, master.fade_out_s) = (start_s, end_s, fade_out_s);
                let whole = bits(&engine::compile_master(&session, &source).expect("a plan"), &source);
                // The last of them, and one that leaves it several.
                for stage in [&stages[1], &stages[3]] {
                    let part = Part::of(&session, &source, std::slice::from_ref(stage)).expect("a plan");
                    assert!(part.plan.nodes[0].chain.len() < 5, "rendered in parts");
                    assert!(bits(&part.plan, &part.sources) == whole, "{limiter}, {start_s} s");
                }
            }
        }
    }

    /// A lone equaliser over plain samples is rendered again; finds a chain, a source or a rate that costs more than a file and
    /// would be rendered for every trial, and a quick one that is written and read for nothing.
    #[test]
    fn a_lone_equaliser_over_plain_samples_is_quick_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let written = |name: &str, file_type, sample_format| {
            let spec = files::WriteSpec { file_type, sample_format, sample_rate_hz: RATE_HZ, channels: 2 };
            let path = folder.path().join(name);
            let mut writer = files::Writer::create(&path, spec).expect("a file");
            writer.write_f64(&Buffer::new(2, 100).as_block()).expect("written");
            writer.finish().expect("written");
            crate::finished_song::source_of(&path).expect("a source")
        };
        let with = |kinds: &[&str]| {
            let mut strip = Session::new().master.strip;
            for id in kinds {
                let kind = dsp::kind(id).expect("a kind");
                strip.inserts.push(Insert::new(kind.id, kind));
            }
            strip
        };
        use files::{FileType, SampleFormat as Format};
        let plain = written("a.wav", FileType::Wav, Format::Int16);
        let lone = with(&["eq"]);
        assert!(is_quick(&lone, &plain, RATE_HZ));
        assert!(is_quick(&lone, &source(), RATE_HZ), "what is in memory already");
        for (name, file_type, sample_format) in
            [("b.aiff", FileType::Aiff, Format::Int24), ("c.wav", FileType::Wav, Format::Float64)]
        {
            assert!(is_quick(&lone, &written(name, file_type, sample_format), RATE_HZ), "{name}");
        }
        // What must be decoded or converted for every trial.
        assert!(!is_quick(&lone, &written("d.flac", FileType::Flac, Format::Int16), RATE_HZ));
        assert!(!is_quick(&lone, &written("e.m4a", FileType::Alac, Format::Int16), RATE_HZ));
        assert!(!is_quick(&lone, &plain, 48_000));
        assert!(!is_quick(&lone, &Sources::default(), RATE_HZ), "no source");
        // What costs more than a file.
        for kinds in [&[][..], &["compressor"], &["phase_eq"], &["eq", "compressor"], &["eq", "eq"]] {
            assert!(!is_quick(&with(kinds), &plain, RATE_HZ), "{kinds:?}");
        }
        // What moves.
        let mut moving = lone;
        let points = vec![session::Point { time_s: 0.0, value: 1.0 }];
        let (name, curve) = (session::Path::new(["x"]), session::Curve::Linear);
        let lane = session::Lane { target: LaneTarget::Fader, name, curve, points };
        moving.lanes.push(lane);
        assert!(!is_quick(&moving, &plain, RATE_HZ));
    }

    #[test]
    fn a_stage_is_used_by_what_begins_with_it_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("stage.wav");
        let source = source();
        let session = session("limiter");
        let first = with_inserts(&session, 2);
        let plan = Part::of(&first, &source, &[]).expect("a plan").into_stage().plan;
        let cancel = std::sync::atomic::AtomicBool::new(false);
        let context = Context { listener: &Quiet, cancel: &cancel, threads: 1 };
        super::super::write_wav(&plan, &source, (&path, SampleFormat::Float64), &context).expect("written");
        let stage = Stage::of(first.master.strip.clone(), path, &plan, Vec::new()).expect("a stage");
        assert_eq!(stage.begins(&session.master.strip), Some(2));
        let other = |change: fn(&mut Strip)| {
            let mut strip = session.master.strip.clone();
            change(&mut strip);
            stage.begins(&strip)
        };
        assert_eq!(other(|strip| strip.trim_db = 0.0), None);
        assert_eq!(other(|strip| strip.inserts.swap(0, 1)), None);
        assert_eq!(other(|strip| strip.inserts.truncate(1)), None);
        assert_eq!(other(|strip| strip.inserts[1].bypass = true), None);
        assert_eq!(other(|strip| strip.inserts[4].bypass = true), Some(2));
        // What comes behind the inserts is no part of a stage.
        let mut faded = session.clone();
        faded.master.strip.fader_db = -1.0;
        let part = Part::of(&faded, &source, std::slice::from_ref(&stage)).expect("a plan");
        assert_eq!(part.plan.nodes[0].chain.len(), 5);
    }
}
